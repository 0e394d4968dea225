extension StreamingActionRecognizer {
  /// The updates of a live stream, in order; see ``StreamingActionRecognizer/updates``.
  ///
  /// Iterating runs the due inferences in the iterating task, one at a time, and only when the consumer asks for
  /// the next update: a slow consumer skips inferences instead of receiving old ones. While nobody iterates,
  /// `offer` goes on and the newest window waits.
  ///
  /// - One iterator at a time: another one throws ``DVFLError`` of kind `options` until the first is released.
  /// - Ends after `close()`.
  /// - Throws ``DVFLError`` of kind `engine` if an inference fails, or `closed` if the recognizer was closed but
  ///   not the stream. The stream goes on with the next stride when it's iterated again.
  /// - Throws `CancellationError` when the iterating task is cancelled. An inference that waits for its turn is
  ///   given up then, and one that runs is completed; updates that were not handed out yet go to the next
  ///   iterator.
  public struct Updates: AsyncSequence, Sendable {
    /// What a stream reports.
    public typealias Element = Update

    let stream: StreamingActionRecognizer

    /// An iterator that takes the stream over at its first update, until it's released.
    public func makeAsyncIterator() -> Iterator { Iterator(consumer: Consumer(stream)) }

    /// Takes one update after another.
    public struct Iterator: AsyncIteratorProtocol, Sendable {
      let consumer: Consumer

      /// The next update, or nil after `close()`.
      ///
      /// - Throws: as the sequence says.
      public func next() async throws -> Update? { try await consumer.next() }
    }
  }

  /// Takes updates from a stream; releasing it lets another one begin.
  final class Consumer: Sendable {
    private let stream: StreamingActionRecognizer

    init(_ stream: StreamingActionRecognizer) { self.stream = stream }

    deinit {
      let this = ObjectIdentifier(self)
      stream.shared.withLock { shared in
        if shared.iterator == this { shared.iterator = nil }
      }
    }

    func next() async throws -> Update? {
      try begin()
      defer { stream.shared.withLock { $0.isIterating = false } }
      while true {
        try Task.checkCancellation()
        switch try stream.shared.withLock({ try Self.step(&$0) }) {
        case .emit(let update): return update
        case .infer(let sample): try await infer(sample)
        case .wait: await wait()
        case .end: return nil
        }
      }
    }

    private enum Step: Sendable {
      case emit(Update), infer(StreamSample), wait, end
    }

    private static func step(_ shared: inout SharedStream) throws -> Step {
      if shared.isClosed { return .end }
      if let update = shared.state.takeUpdate() { return .emit(update) }
      return try shared.state.takeSample().map(Step.infer) ?? .wait
    }

    private func begin() throws {
      let this = ObjectIdentifier(self)
      try stream.shared.withLock { shared in
        if !shared.isClosed { try shared.decide(.live) }
        guard !shared.isIterating, shared.iterator == nil || shared.iterator == this else {
          throw DVFLError(
            .options, "this stream's updates have an iterator already",
            advice: "iterate in one task, and tell the others from there")
        }
        shared.iterator = this
        shared.isIterating = true
      }
    }

    private func infer(_ sample: StreamSample) async throws {
      do {
        try await stream.infer(sample)
      } catch let error as DVFLError where error.kind == .closed {
        // Whoever closed the recognizer may have closed the stream too.
        if !stream.shared.withLock({ $0.isClosed }) { throw error }
      }
    }

    private func wait() async {
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let isReady = stream.shared.withLock { shared in
            let isReady = shared.isReady || Task.isCancelled
            if !isReady { shared.waiter = continuation }
            return isReady
          }
          if isReady { continuation.resume() }
        }
      } onCancel: {
        let waiter = stream.shared.withLock { shared in
          defer { shared.waiter = nil }
          return shared.waiter
        }
        waiter?.resume()
      }
    }
  }
}
