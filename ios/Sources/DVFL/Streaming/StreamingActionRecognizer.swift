/// Recognises actions in a stream of frames with time stamps: smoothed results, and events when a label is entered
/// and left. Everything is decided by the frames' own times, never by the clock of the device.
///
/// **Synchronous**, for files and tests. ``push(_:)`` runs the model when an inference is due and returns what
/// came of it; the same frames give the same updates, on every machine and in every SDK.
///
/// **Live**, for cameras. The camera's queue calls ``offer(_:)``, which never waits for the model; iterating
/// ``updates`` runs the model:
///
/// ```swift
/// let task = Task {
///   for try await update in stream.updates { show(update) }
/// }
/// // on the camera's queue
/// try stream.offer(frame)
/// ```
///
/// A model that is slower than the stride skips: when it's free it runs once, on the newest window, so that the
/// newest result is never older than one inference and one frame interval. Every skipped inference counts in
/// ``StreamCounters/skippedBusy``.
///
/// A stream is driven in one of these two ways; the first call of ``push(_:)``, ``offer(_:)`` or of the iterator
/// decides, and the other way then throws ``DVFLError`` of kind `options`. **Every update is handed out once**: to
/// the caller of ``push(_:)``, ``reset()`` or ``pause()`` in a synchronous stream, to the iterator of ``updates``
/// in a live one.
///
/// **Isolation.** May be used from any task and any thread. Only ``push(_:)`` and the iterator wait for the model;
/// the other calls wait at most for another frame's preprocessing.
///
/// **Memory and background.** Memory is bounded by the window: about `windowS * maxFps` frames of
/// H * W * 3 bytes, and one clip, whatever happens. An app that goes to the background calls ``pause()``, which
/// frees the frames, and ``resume()`` when it's back; on a memory warning it does the same and closes the
/// recognizer too if it can do without.
public final class StreamingActionRecognizer: Sendable {
  /// Runs the model; other callers may use it too.
  public let recognizer: ActionRecognizer
  /// How the stream is cut and how results become events.
  public let options: StreamingOptions
  private let turnstile = Turnstile()
  let shared: Locked<SharedStream>

  /// Streams with ``StreamingOptions/standard`` through a recognizer that the caller keeps and closes.
  public convenience init(recognizer: ActionRecognizer) {
    // Two seconds are a tick or more in any spec, so there is nothing to refuse.
    self.init(recognizer: recognizer, checked: .standard)
  }

  /// Streams through a recognizer that the caller keeps and closes.
  ///
  /// - Throws: ``DVFLError`` of kind `options` if the window is shorter than one tick of the bundle's spec.
  public convenience init(recognizer: ActionRecognizer, options: StreamingOptions) throws {
    let perSecond = recognizer.spec.window.ticksPerSecond
    guard ticks(options.windowS, perSecond) >= 1 else {
      throw DVFLError(
        .options, "windowS \(options.windowS)", advice: "it must be at least one tick of 1/\(perSecond) s")
    }
    self.init(recognizer: recognizer, checked: options)
  }

  private init(recognizer: ActionRecognizer, checked options: StreamingOptions) {
    self.recognizer = recognizer
    self.options = options
    shared = Locked(
      SharedStream(state: StreamState(spec: recognizer.spec, options: options, labels: recognizer.labels)))
  }

  /// A snapshot of the counts since the stream was made.
  public var counters: StreamCounters { shared.withLock { $0.state.counters } }

  /// The updates of a live stream. Iterating runs the due inferences, one after the other.
  public var updates: Updates { Updates(stream: self) }

  /// Takes the next frame; returns nothing, or a result followed by its events. Runs the model when an inference
  /// is due, after the calls that came earlier. The frame's pixels are not kept: it may be reused after the call.
  ///
  /// An inference during which the stream was reset or closed counts, and returns nothing.
  ///
  /// - Returns: the updates, in order.
  /// - Throws: ``DVFLError`` of kind `closed` if the stream or its recognizer was closed, `frame` if the frame
  ///   is not valid, `options` if the stream is live, `engine` if the inference fails; the stream then goes on
  ///   with the next stride. `CancellationError` if the task is cancelled before the model runs.
  public func push(_ frame: some VideoFrame) async throws -> [Update] {
    try await turnstile.pass {
      let sample = try shared.withLock { shared in
        try shared.enter(.synchronous, recognizer)
        return try shared.state.accept(frame) == .due ? try shared.state.takeSample() : nil
      }
      if let sample { try await infer(sample) }
      return shared.withLock { $0.state.takeOutbox() }
    }
  }

  /// Takes the next frame of a live stream: preprocesses it in the calling thread, and neither runs the model nor
  /// waits for it. The frame's pixels are not kept: it may be reused after the call.
  ///
  /// - Returns: false if the frame was dropped: late, faster than ``StreamingOptions/maxFps``, or while paused.
  /// - Throws: ``DVFLError`` of kind `closed` if the stream or its recognizer was closed, `frame` if the frame
  ///   is not valid, `options` if the stream is driven by ``push(_:)``.
  @discardableResult
  public func offer(_ frame: some VideoFrame) throws -> Bool {
    let (kept, waiter) = shared.withLock { shared in
      let kept = Result {
        try shared.enter(.live, recognizer)
        return try shared.state.accept(frame) != .dropped
      }
      // Also when the frame is refused after its time stamp restarted the stream.
      return (kept, shared.takeWaiterIfReady())
    }
    waiter?.resume()
    return try kept.get()
  }

  /// Forgets the window and the scores, as after a change of camera; counters stay. An inference that runs is not
  /// waited for, and its result is dropped. Does nothing on a closed stream.
  ///
  /// - Returns: the `left` of the active label, if there is one; in a live stream it goes to ``updates`` instead,
  ///   and the array is empty.
  @discardableResult
  public func reset() -> [Update] { change { $0.reset() } }

  /// Resets, frees the frames, then ignores frames until ``resume()``; the same again when paused already.
  ///
  /// - Returns: as ``reset()``.
  @discardableResult
  public func pause() -> [Update] { change { $0.pause() } }

  /// Takes frames again after ``pause()``; the window fills anew. Does nothing when not paused.
  public func resume() { shared.withLock { $0.state.resume() } }

  /// Ends the stream and frees its frames. Emits nothing; ``updates`` ends. May be called more than once.
  ///
  /// It doesn't wait: an inference that runs goes on after this call and its result is dropped. To know that it has
  /// ended, `await recognizer.close()`, which does wait for it.
  public func close() {
    let waiter = shared.withLock { shared in
      shared.isClosed = true
      shared.state.close()
      return shared.takeWaiterIfReady()
    }
    waiter?.resume()
  }

  /// Runs the model and takes its answer.
  func infer(_ sample: StreamSample) async throws {
    do {
      let logits = try await recognizer.logits(sample.clip)
      shared.withLock { $0.state.answer(sample, logits) }
    } catch let error as CancellationError {
      shared.withLock { $0.state.abandon() }
      throw error
    } catch let error as DVFLError where error.kind == .closed {
      shared.withLock { $0.state.abandon() }
      throw error
    }
  }

  private func change(_ body: (inout StreamState) -> Void) -> [Update] {
    let (updates, waiter) = shared.withLock { shared in
      if shared.isClosed { return ([Update](), SharedStream.Waiter?.none) }
      body(&shared.state)
      return (shared.mode == .live ? [] : shared.state.takeOutbox(), shared.takeWaiterIfReady())
    }
    waiter?.resume()
    return updates
  }
}

/// What the callers of a stream share.
struct SharedStream: Sendable {
  typealias Waiter = CheckedContinuation<Void, Never>

  /// Who runs the model.
  enum Mode: String, Sendable {
    case undecided = "new"
    case synchronous = "driven by push"
    case live = "live, driven by offer and updates"
  }

  var state: StreamState
  var isClosed = false
  private(set) var mode = Mode.undecided
  /// The iterator that has the updates, and whether it is at work.
  var iterator: ObjectIdentifier?
  var isIterating = false
  /// The iterator's task, when it has nothing to do.
  var waiter: Waiter?

  init(state: StreamState) { self.state = state }

  /// Refuses a call to a closed stream, or one of the other mode.
  mutating func enter(_ wanted: Mode, _ recognizer: ActionRecognizer) throws {
    if isClosed || recognizer.isClosed {
      throw DVFLError(
        .closed, isClosed ? "this stream is closed" : "the recognizer of this stream is closed",
        advice: "make another stream")
    }
    try decide(wanted)
  }

  /// Refuses the other mode.
  mutating func decide(_ wanted: Mode) throws {
    guard mode == .undecided || mode == wanted else {
      throw DVFLError(
        .options, "this stream is \(mode.rawValue)", advice: "make another one to use it in the other way")
    }
    mode = wanted
  }

  /// Whether an iterator has something to do.
  var isReady: Bool { isClosed || state.isPending || !state.outbox.isEmpty }

  /// Whom to wake now, after the lock is free again.
  mutating func takeWaiterIfReady() -> Waiter? {
    guard isReady else { return nil }
    defer { waiter = nil }
    return waiter
  }
}
