/// The input of one inference, and what its result belongs to.
struct StreamSample: Sendable {
  let clip: Clip
  let tick: Int
  let epoch: Int

  /// Presentation time of the newest frame, in seconds.
  let timeS: Double
}

/// All of a stream but tasks and the model: `spec/streaming.md` in code.
///
/// Updates gather in ``outbox`` in the order in which they came about. It is bounded: it's emptied before the
/// next inference, and without one at most one more label can be left.
struct StreamState: Sendable {
  /// What became of a frame.
  enum Verdict: Sendable {
    case dropped, kept
    /// Kept, and an inference is due at it.
    case due
  }

  private let spec: PreprocessingSpec
  private let options: StreamingOptions
  private let labels: [String]
  private let maxLate: Int
  private var preprocessor: FramePreprocessor
  private var window: FrameWindow
  private var rate: RateLimit
  private var smoother: ScoreSmoother
  private var activity: Activity
  /// Results of an earlier epoch are void: the stream was reset while the model ran.
  private var epoch = 0
  private var lastTimeS = 0.0

  /// Whether an inference is due that has not begun.
  private(set) var isPending = false
  /// Whether frames are ignored.
  private(set) var isPaused = false
  /// What happened so far.
  private(set) var counters = StreamCounters()
  /// Updates that nobody has yet.
  private(set) var outbox: [Update] = []

  init(spec: PreprocessingSpec, options: StreamingOptions, labels: [String]) {
    self.spec = spec
    self.options = options
    self.labels = labels
    let perSecond = spec.window.ticksPerSecond
    maxLate = ticks(options.maxLateS, perSecond)
    preprocessor = FramePreprocessor(spec: spec)
    window = FrameWindow(
      // Sums of distances in a window that no device can hold must fit an Int.
      window: min(ticks(options.windowS, perSecond), 1 << 40),
      stride: max(1, ticks(options.strideS, perSecond)), frameBytes: preprocessor.frameBytes)
    let interval = (Double(perSecond) / options.maxFps + 0.5).rounded(.down)
    rate = RateLimit(interval: Int(min(max(1, interval), mostTicks)))
    smoother = ScoreSmoother(halfLifeS: options.smoothingHalfLifeS, ticksPerSecond: perSecond)
    activity = Activity(
      enter: options.enterThreshold, leave: options.leaveThreshold,
      minHold: ticks(options.minHoldS, perSecond))
  }

  /// Frame buffers in memory.
  var bufferCount: Int { window.bufferCount }

  /// Takes the next frame; nothing of it is kept but its preprocessed pixels.
  mutating func accept(_ frame: some VideoFrame) throws -> Verdict {
    try checkTime(frame.timeS)
    counters.received += 1
    if isPaused {
      counters.droppedPaused += 1
      return .dropped
    }
    let tick = ticks(frame.timeS, spec.window.ticksPerSecond)
    if let newest = window.newestTick, tick <= newest {
      guard newest - tick > maxLate else {
        counters.droppedLate += 1
        return .dropped
      }
      counters.restarts += 1
      reset()
    }
    guard rate.admits(tick) else {
      counters.droppedRate += 1
      return .dropped
    }
    let begins = try window.add(frame, at: tick, through: &preprocessor)
    // What was due before a gap would now see a window that is not full.
    if begins { skipPending() }
    guard window.takeDue() else { return .kept }
    skipPending()
    isPending = true
    return .due
  }

  /// Begins the inference that is due, if one is: on the window that ends at the newest frame, which may be newer
  /// than the frame it became due at.
  mutating func takeSample() throws -> StreamSample? {
    guard isPending, let tick = window.newestTick else { return nil }
    isPending = false
    let clip = try window.clip(spec)
    return StreamSample(clip: clip, tick: tick, epoch: epoch, timeS: window.newestTimeS)
  }

  /// Takes the model's answer to a sample; one from before a reset is counted and void.
  mutating func answer(_ sample: StreamSample, _ logits: [Float]) {
    counters.inferences += 1
    guard sample.epoch == epoch else { return }
    lastTimeS = sample.timeS
    let scores = smoother.update(sample.tick, softmax(logits))
    let changes = activity.update(sample.tick, scores)
    let predictions = rank(logits, labels: labels, top: options.top, scores: scores)
    let active = activity.index.map { labels[$0] }
    outbox.append(.result(.init(timeS: sample.timeS, predictions: predictions, active: active)))
    changes.forEach { report($0) }
  }

  /// An inference that began was given up.
  mutating func abandon() { counters.skippedBusy += 1 }

  /// Takes all updates that nobody has yet.
  mutating func takeOutbox() -> [Update] {
    defer { outbox = [] }
    return outbox
  }

  /// Takes the oldest update that nobody has yet.
  mutating func takeUpdate() -> Update? { outbox.isEmpty ? nil : outbox.removeFirst() }

  /// Forgets the frames, the rate, the scores and the active label; counters stay.
  mutating func reset() {
    epoch += 1
    skipPending()
    if let left = activity.end() { report(left) }
    window.clear()
    rate = RateLimit(interval: rate.interval)
    smoother.clear()
  }

  /// Resets, and ignores frames from now on; frees the frames' memory.
  mutating func pause() {
    reset()
    window.free()
    isPaused = true
  }

  mutating func resume() { isPaused = false }

  /// Frees the frames; what nobody has yet is never reported.
  mutating func close() {
    reset()
    window.free()
    outbox = []
  }

  private mutating func skipPending() {
    if isPending { counters.skippedBusy += 1 }
    isPending = false
  }

  private mutating func report(_ change: Activity.Change) {
    let label = labels[change.index]
    outbox.append(
      .event(
        change.entered
          ? .entered(label: label, timeS: lastTimeS, score: change.score)
          : .left(label: label, timeS: lastTimeS, score: change.score)))
  }
}

/// Sums of a few of these fit an Int.
private let mostTicks = 0x1p53

/// `floor(t * ticks_per_second + 0.5)`, but no more than ``mostTicks``, whatever the time.
func ticks(_ seconds: Double, _ perSecond: Int) -> Int {
  Int(min((seconds * Double(perSecond) + 0.5).rounded(.down), mostTicks))
}
