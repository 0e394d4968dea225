/// How a stream is cut into windows and how results become events; the rules are in `spec/streaming.md`.
///
/// Times are in seconds; every number is finite.
public struct StreamingOptions: Sendable, Equatable {
  /// Seconds of video that one inference sees, more than 0 and at least one tick of the bundle's spec. The first
  /// result comes after this long.
  public let windowS: Double
  /// Seconds between inferences, more than 0.
  public let strideS: Double
  /// The weight of an earlier result's scores halves in this many seconds; 0 turns smoothing off.
  public let smoothingHalfLifeS: Double
  /// A label is entered when its smoothed score is the highest and at least this; more than 0, at most 1.
  public let enterThreshold: Double
  /// A label is left when its smoothed score falls below this; 0 or more and less than ``enterThreshold``, so
  /// that a score near one threshold doesn't flicker.
  public let leaveThreshold: Double
  /// A label that was entered is not left sooner than this; 0 or more.
  public let minHoldS: Double
  /// A frame that is not newer than the newest is late and dropped; one that is older than it by more than this
  /// means that the camera's clock restarted, and so does the stream. 0 or more.
  public let maxLateS: Double
  /// Frames beyond this rate, in frames per second, are dropped before any work is done on them; more than 0.
  /// Bounds memory to about `windowS * maxFps` preprocessed frames.
  public let maxFps: Double
  /// Predictions in a result, 1 or more; nil for every class.
  public let top: Int?

  /// The defaults: an inference every half second on the last 2 s.
  public static let standard = StreamingOptions(
    windowS: 2, strideS: 0.5, smoothingHalfLifeS: 0.5, enterThreshold: 0.6, leaveThreshold: 0.4, minHoldS: 0,
    maxLateS: 1, maxFps: 30, unchecked: 5)

  /// Options that differ from ``standard`` in what is given.
  ///
  /// - Throws: ``DVFLError`` of kind `options`, naming the first that is out of its range.
  public init(
    windowS: Double = 2, strideS: Double = 0.5, smoothingHalfLifeS: Double = 0.5,
    enterThreshold: Double = 0.6, leaveThreshold: Double = 0.4, minHoldS: Double = 0, maxLateS: Double = 1,
    maxFps: Double = 30, top: Int? = 5
  ) throws {
    self.init(
      windowS: windowS, strideS: strideS, smoothingHalfLifeS: smoothingHalfLifeS,
      enterThreshold: enterThreshold, leaveThreshold: leaveThreshold, minHoldS: minHoldS, maxLateS: maxLateS,
      maxFps: maxFps, unchecked: top)
    try requirePositive("windowS", windowS)
    try requirePositive("strideS", strideS)
    try requirePositive("maxFps", maxFps)
    try requireNotNegative("smoothingHalfLifeS", smoothingHalfLifeS)
    try requireNotNegative("minHoldS", minHoldS)
    try requireNotNegative("maxLateS", maxLateS)
    try require(
      "enterThreshold", enterThreshold, "more than 0 and at most 1", enterThreshold > 0 && enterThreshold <= 1
    )
    try require(
      "leaveThreshold", leaveThreshold, "0 or more and less than enterThreshold \(enterThreshold)",
      leaveThreshold >= 0 && leaveThreshold < enterThreshold)
    try checkTop(top)
  }

  private init(
    windowS: Double, strideS: Double, smoothingHalfLifeS: Double, enterThreshold: Double,
    leaveThreshold: Double, minHoldS: Double, maxLateS: Double, maxFps: Double, unchecked top: Int?
  ) {
    self.windowS = windowS
    self.strideS = strideS
    self.smoothingHalfLifeS = smoothingHalfLifeS
    self.enterThreshold = enterThreshold
    self.leaveThreshold = leaveThreshold
    self.minHoldS = minHoldS
    self.maxLateS = maxLateS
    self.maxFps = maxFps
    self.top = top
  }
}

private func requirePositive(_ name: String, _ value: Double) throws {
  try require(name, value, "more than 0", value > 0)
}

private func requireNotNegative(_ name: String, _ value: Double) throws {
  try require(name, value, "0 or more", value >= 0)
}

private func require(_ name: String, _ value: Double, _ wanted: String, _ holds: Bool) throws {
  if !holds || !value.isFinite {
    throw DVFLError(.options, "\(name) \(value)", advice: "it must be finite and \(wanted)")
  }
}
