/// A model's input before it is cast: uint8 `[T, H, W, 3]`, RGB, without padding.
public struct Clip: Equatable, Sendable {
  /// T * H * W * 3 bytes.
  public let pixels: [UInt8]
  /// T.
  public let frames: Int
  /// H.
  public let height: Int
  /// W.
  public let width: Int
  /// Presentation time of each frame, in seconds; T of them.
  public let timesS: [Double]

  /// A clip of `pixels`.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if the sizes don't fit the pixels, the clip has 2^31 bytes or more, or a
  ///   time is not valid.
  public init(pixels: [UInt8], frames: Int, height: Int, width: Int, timesS: [Double]) throws {
    guard frames >= 1, height >= 1, width >= 1, timesS.count == frames else {
      throw DVFLError(
        .frame, "clip of \(frames) x \(height) x \(width) with \(timesS.count) times",
        advice: "sizes must be positive, and every frame needs its time")
    }
    let needed = Limits.count(of: [frames, height, width, 3])
    guard pixels.count == needed else {
      throw DVFLError(
        .frame, "clip [\(frames), \(height), \(width), 3] of \(pixels.count) bytes",
        advice: needed.map { "it needs \($0)" } ?? "it must have at most \(Limits.tensor)")
    }
    try timesS.forEach(checkTime)
    self.pixels = pixels
    self.frames = frames
    self.height = height
    self.width = width
    self.timesS = timesS
  }
}
