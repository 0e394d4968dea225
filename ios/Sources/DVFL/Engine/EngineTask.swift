/// One task that holds an engine, runs it on one clip after another, and closes it when it's done with it.
///
/// An engine is not `Sendable`. As a local variable of a task, nothing else can reach it: no second inference can
/// begin while one is suspended, and no close can overtake one.
final class EngineTask: Sendable {
  private typealias Line = WaitingLine<Clip, [Float]>

  private struct State {
    var line = Line()
    var idle: CheckedContinuation<Line.Waiter?, Never>?
    var isClosed = false
  }

  /// Whose engine the current task runs, if it does.
  @TaskLocal private static var running: ObjectIdentifier?

  private let name: String
  private let state: Locked<State>
  private let task: Task<Void, Never>

  /// Takes an engine over; `name` is for messages.
  init(_ engine: sending any Engine, name: String) {
    let state = Locked(State())
    self.name = name
    self.state = state
    task = Task.detached(priority: .userInitiated) {
      var engine = engine
      while let job = await Self.next(state) {
        do {
          let logits = try await Self.$running.withValue(ObjectIdentifier(state)) {
            try await engine.run(job.load)
          }
          job.continuation.resume(returning: logits)
        } catch {
          job.continuation.resume(throwing: Self.typed(error, name))
        }
      }
      engine.close()
    }
  }

  deinit { finish() }

  /// Whether ``close()`` was called.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// The engine's answer, after those to everybody who came earlier.
  ///
  /// - Throws: `CancellationError` if the task is cancelled before the inference begins, ``DVFLError`` of kind
  ///   `closed` if it's closed before, and of kind `engine` if the engine fails.
  func run(_ clip: Clip) async throws -> [Float] {
    guard Self.running != ObjectIdentifier(state) else {
      throw DVFLError(
        .engine, "engine '\(name)' called the recognizer that runs it",
        advice: "give it a recognizer of its own")
    }
    let ticket = state.withLock { $0.line.newTicket() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { enqueue(clip, ticket, $0) }
    } onCancel: {
      state.withLock { $0.line.remove(ticket) }?.resume(throwing: CancellationError())
    }
  }

  /// Refuses everybody who waits, and returns when the engine is closed; after the inference that runs, unless it
  /// is that inference which calls.
  func close() async {
    finish()
    if Self.running != ObjectIdentifier(state) { await task.value }
  }

  private func enqueue(_ clip: Clip, _ ticket: Int, _ continuation: Line.Continuation) {
    enum Outcome: Sendable {
      case refused(any Error)
      case waiting
      case started(CheckedContinuation<Line.Waiter?, Never>, Line.Waiter?)
    }
    let outcome: Outcome = state.withLock { state in
      if Task.isCancelled { return .refused(CancellationError()) }
      if state.isClosed { return .refused(Self.closedError) }
      state.line.add(clip, ticket, continuation)
      guard let idle = state.idle else { return .waiting }
      state.idle = nil
      return .started(idle, state.line.first())
    }
    switch outcome {
    case .refused(let error): continuation.resume(throwing: error)
    case .waiting: break
    case .started(let idle, let job): idle.resume(returning: job)
    }
  }

  /// The next to serve; waits for one, and is nil after the end.
  private static func next(_ state: Locked<State>) async -> Line.Waiter? {
    await withCheckedContinuation { continuation in
      let (isReady, job) = state.withLock { state in
        let job = state.line.first()
        let isReady = job != nil || state.isClosed
        if !isReady { state.idle = continuation }
        return (isReady, job)
      }
      if isReady { continuation.resume(returning: job) }
    }
  }

  private func finish() {
    let (refused, idle) = state.withLock { state in
      defer { state.idle = nil }
      state.isClosed = true
      return (state.line.removeAll(), state.idle)
    }
    idle?.resume(returning: nil)
    for waiter in refused { waiter.continuation.resume(throwing: Self.closedError) }
  }

  static var closedError: DVFLError {
    DVFLError(.closed, "this recognizer is closed", advice: "open another one")
  }

  private static func typed(_ error: any Error, _ name: String) -> DVFLError {
    error as? DVFLError
      ?? DVFLError(.engine, "\(name) failed: \(error)", advice: "run 'dvfl verify' on the bundle")
  }
}
