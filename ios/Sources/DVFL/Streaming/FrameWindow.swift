/// The preprocessed frames of the last window, and when the next inference is due.
///
/// Inferences are due on an even grid that starts one window after the first frame. A frame's memory is used
/// again and again: there is never more of it than one window needed.
struct FrameWindow: Sendable {
  private struct HeldFrame: Sendable {
    let tick: Int
    let timeS: Double
    let pixels: [UInt8]
  }

  /// Both in ticks.
  private let window: Int
  private let stride: Int
  private let frameBytes: Int
  private var frames: [HeldFrame] = []
  private var spare: [[UInt8]] = []
  private var due = 0

  init(window: Int, stride: Int, frameBytes: Int) {
    self.window = window
    self.stride = stride
    self.frameBytes = frameBytes
  }

  /// Frame buffers in memory.
  var bufferCount: Int { frames.count + spare.count }

  /// Ticks of the newest frame, if one is held.
  var newestTick: Int? { frames.last?.tick }

  /// Presentation time of the newest frame, in seconds; 0 if none is held.
  var newestTimeS: Double { frames.last?.timeS ?? 0 }

  /// Fills a buffer and keeps it as a frame newer than all others; drops those that no later window can need.
  ///
  /// - Returns: whether the window begins anew with this frame.
  mutating func add(
    _ frame: some VideoFrame, at tick: Int, through preprocessor: inout FramePreprocessor
  ) throws -> Bool {
    var pixels = spare.popLast() ?? [UInt8](repeating: 0, count: frameBytes)
    do {
      try pixels.withUnsafeMutableBytes { try preprocessor.preprocess(frame, into: $0) }
    } catch {
      spare.append(pixels)
      throw error
    }
    let begins = newestTick.map { tick - $0 > window } ?? true
    if begins { due = tick + window }
    let passed = frames.prefix { $0.tick <= tick - window }.count
    spare += frames.prefix(passed).map(\.pixels)
    frames.removeFirst(passed)
    frames.append(HeldFrame(tick: tick, timeS: frame.timeS, pixels: pixels))
    return begins
  }

  /// Whether an inference is due at the newest frame; if so, moves on to the next time of the grid.
  mutating func takeDue() -> Bool {
    guard let newestTick, newestTick >= due else { return false }
    due += ((newestTick - due) / stride + 1) * stride
    return true
  }

  /// The spec's sample of the window that ends at the newest frame.
  func clip(_ spec: PreprocessingSpec) throws -> Clip {
    let chosen = try Sampling.windowIndices(
      ticks: frames.map(\.tick), end: newestTick ?? 0, length: window, spec: spec)
    let sample = (chosen ?? []).map { frames[$0] }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(sample.count * frameBytes)
    for frame in sample { pixels += frame.pixels }
    return try Clip(
      pixels: pixels, frames: sample.count, height: spec.crop.size, width: spec.crop.size,
      timesS: sample.map(\.timeS))
  }

  /// Forgets the frames and keeps their memory.
  mutating func clear() {
    spare += frames.map(\.pixels)
    frames = []
  }

  /// Forgets the frames and frees their memory.
  mutating func free() {
    frames = []
    spare = []
  }
}
