/// Frames to the model's uint8 input, in one pass that reads and converts only the source pixels the crop needs:
/// four per output pixel.
///
/// The arithmetic is that of `spec/README.md` (orientation, resize and crop, color), with the numbers of
/// ``spec``: ITU-R BT.601 or BT.709 in 32-bit integers, then OpenCV's 8-bit `INTER_LINEAR`, byte for byte.
///
/// Not `Sendable`: it keeps scratch memory and the positions for the last geometry, so each thread or actor uses
/// its own. While size, crop rectangle, rotation, mirroring and strides stay the same,
/// ``preprocess(_:into:)`` allocates nothing. No frame is kept.
public final class Preprocessor {
  /// The preprocessing contract.
  public let spec: PreprocessingSpec
  /// Bytes of one preprocessed frame: `size * size * 3`.
  public let frameBytes: Int

  private var core: FramePreprocessor

  /// A preprocessor with scratch for one frame of the `spec`'s crop size.
  public init(spec: PreprocessingSpec) {
    self.spec = spec
    core = FramePreprocessor(spec: spec)
    frameBytes = core.frameBytes
  }

  /// Takes one frame through crop rectangle, rotation, mirroring, short-side resize and centre crop.
  ///
  /// - Parameters:
  ///   - frame: a ``Frame`` or an ``RgbFrame``.
  ///   - out: receives ``frameBytes`` bytes: uint8 `[size, size, 3]`, RGB, rows from the top, without padding.
  /// - Throws: ``DVFLError`` of kind `frame` if `out` is too short or the frame is of another type, and of kind
  ///   `spec` if the spec has no conversion for the frame's matrix and range. Nothing is written then.
  public func preprocess(_ frame: some VideoFrame, into out: UnsafeMutableRawBufferPointer) throws {
    try core.preprocess(frame, into: out)
  }

  /// Makes a clip of already sampled frames, in order.
  ///
  /// - Parameter frames: exactly T, each a ``Frame`` or an ``RgbFrame``; they may differ in size.
  /// - Returns: uint8 `[T, size, size, 3]` with the time of each frame.
  /// - Throws: ``DVFLError`` of kind `frame` if the number of frames is not the spec's or one is of another type,
  ///   and of kind `spec` if the spec has no conversion for a frame's matrix and range.
  public func clip(_ frames: [any VideoFrame]) throws -> Clip {
    guard frames.count == spec.temporal.frames else {
      throw DVFLError(
        .frame, "a clip of \(frames.count) frames", advice: "the model takes \(spec.temporal.frames)")
    }
    var clip = [UInt8](repeating: 0, count: frames.count * frameBytes)
    for (index, frame) in frames.enumerated() { try preprocess(frame, into: &clip, at: index) }
    return try Clip(
      pixels: clip, frames: frames.count, height: spec.crop.size, width: spec.crop.size,
      timesS: frames.map(\.timeS))
  }

  /// Writes frame `index` of a clip.
  func preprocess(_ frame: some VideoFrame, into clip: inout [UInt8], at index: Int) throws {
    let place = index * frameBytes..<(index + 1) * frameBytes
    try clip.withUnsafeMutableBytes { try preprocess(frame, into: .init(rebasing: $0[place])) }
  }
}
