/// Makes a clip of a whole video whose frames come in order, one at a time, without keeping them.
///
/// ```swift
/// var builder = try ClipBuilder(frameCount: count, spec: spec)
/// for index in 0..<count where builder.wants(index) { try builder.add(decode(index), at: index) }
/// let clip = try builder.finish()
/// ```
///
/// Which frames are asked for is the rule of ``Sampling/clipFrameIndices(frameCount:spec:)``. Not `Sendable`: it
/// holds a ``Preprocessor``.
public struct ClipBuilder {
  private let frameCount: Int
  private let indices: [Int]
  private let preprocessor: Preprocessor
  private var pixels: [UInt8]
  private var timesS: [Double] = []
  private var lastIndex = -1

  /// A builder for a video of `frameCount` frames, counted in presentation order among those that decode.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if `frameCount` is less than 1.
  public init(frameCount: Int, spec: PreprocessingSpec) throws {
    self.frameCount = frameCount
    indices = try Sampling.clipFrameIndices(frameCount: frameCount, spec: spec)
    preprocessor = Preprocessor(spec: spec)
    pixels = [UInt8](repeating: 0, count: indices.count * preprocessor.frameBytes)
  }

  /// Whether the frame at `index` is part of the clip and was not added yet.
  public func wants(_ index: Int) -> Bool { indices[timesS.count...].contains(index) }

  /// Preprocesses a frame if it's wanted. One that is not is neither read nor kept.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if `index` is outside the video, not greater than the last one, or
  ///   greater than that of a wanted frame which did not come, or if the frame is neither a ``Frame`` nor an
  ///   ``RgbFrame``; of kind `spec` if the spec has no conversion for its matrix and range.
  public mutating func add(_ frame: some VideoFrame, at index: Int) throws {
    guard (0..<frameCount).contains(index), index > lastIndex else {
      throw DVFLError(
        .frame, "frame \(index) of \(frameCount) after frame \(lastIndex)",
        advice: "give each frame once, in presentation order, counted from 0")
    }
    if timesS.count < indices.count, index > indices[timesS.count] { throw missing(indices[timesS.count]) }
    let repeats = indices[timesS.count...].prefix { $0 == index }.count
    if repeats > 0 {
      let first = timesS.count
      try preprocessor.preprocess(frame, into: &pixels, at: first)
      // A short video repeats frames; each is converted once.
      for copy in first + 1..<first + repeats { repeatFrame(first, as: copy) }
      timesS += Array(repeating: frame.timeS, count: repeats)
    }
    lastIndex = index
  }

  /// The clip: uint8 `[T, size, size, 3]` with the time of each frame.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if a wanted frame did not come.
  public func finish() throws -> Clip {
    if timesS.count < indices.count { throw missing(indices[timesS.count]) }
    let size = preprocessor.spec.crop.size
    return try Clip(pixels: pixels, frames: indices.count, height: size, width: size, timesS: timesS)
  }

  private func missing(_ index: Int) -> DVFLError {
    DVFLError(
      .frame, "frame \(index) of \(frameCount) was not given",
      advice: "give every frame that wants() asks for")
  }

  private mutating func repeatFrame(_ index: Int, as copy: Int) {
    let bytes = preprocessor.frameBytes
    pixels.withUnsafeMutableBytes { all in
      all[copy * bytes..<(copy + 1) * bytes].copyBytes(from: all[index * bytes..<(index + 1) * bytes])
    }
  }
}
