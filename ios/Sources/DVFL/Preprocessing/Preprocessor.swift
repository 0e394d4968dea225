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

  private let size: Int
  private let rule: BlendRule
  /// R, G and B of the needed pixels of one source row.
  private let pixels: Memory<UInt8>
  private let above: Memory<Int32>
  private let below: Memory<Int32>
  /// One output row: its R, then G, then B.
  private let blended: Memory<UInt8>
  private let yuv: YuvScratch
  private var lastPlan: SourcePlan?

  /// A preprocessor with scratch for one frame of the `spec`'s crop size.
  public init(spec: PreprocessingSpec) {
    self.spec = spec
    size = spec.crop.size
    frameBytes = size * size * 3
    rule = BlendRule(spec.resize)
    pixels = Memory(repeating: 0, count: 6 * size)
    above = Memory(repeating: 0, count: 3 * size)
    below = Memory(repeating: 0, count: 3 * size)
    blended = Memory(repeating: 0, count: 3 * size)
    yuv = YuvScratch(columns: 2 * size)
  }

  /// Takes one frame through crop rectangle, rotation, mirroring, short-side resize and centre crop.
  ///
  /// - Parameters:
  ///   - frame: a ``Frame`` or an ``RgbFrame``.
  ///   - out: receives ``frameBytes`` bytes: uint8 `[size, size, 3]`, RGB, rows from the top, without padding.
  /// - Throws: ``DVFLError`` of kind `frame` if `out` is too short or the frame is of another type, and of kind
  ///   `spec` if the spec has no conversion for the frame's matrix and range. Nothing is written then.
  public func preprocess(_ frame: some VideoFrame, into out: UnsafeMutableRawBufferPointer) throws {
    guard out.count >= frameBytes, let start = out.baseAddress else {
      throw DVFLError(
        .frame, "an output of \(out.count) bytes", advice: "a preprocessed frame needs \(frameBytes)")
    }
    let target = start.assumingMemoryBound(to: UInt8.self)
    if let frame = frame as? Frame {
      try blend(frame, into: target)
    } else if let frame = frame as? RgbFrame {
      try blend(frame, into: target)
    } else {
      throw DVFLError(
        .frame, "a frame of type \(type(of: frame))", advice: "make a Frame or an RgbFrame of it")
    }
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
      pixels: clip, frames: frames.count, height: size, width: size, timesS: frames.map(\.timeS))
  }

  /// Writes frame `index` of a clip.
  func preprocess(_ frame: some VideoFrame, into clip: inout [UInt8], at index: Int) throws {
    let place = index * frameBytes..<(index + 1) * frameBytes
    try clip.withUnsafeMutableBytes { try preprocess(frame, into: .init(rebasing: $0[place])) }
  }

  private func blend(_ frame: Frame, into target: UnsafeMutablePointer<UInt8>) throws {
    let conversion = try spec.color.conversion(frame.matrix, frame.range)
    let plan = plan(for: frame.geometry)
    let arithmetic = YuvArithmetic(conversion, spec.color)
    try withExtendedLifetime(frame) {
      try blend(
        YuvRowReader(frame, plan: plan, arithmetic: arithmetic, scratch: yuv), plan, into: target)
    }
  }

  private func blend(_ frame: RgbFrame, into target: UnsafeMutablePointer<UInt8>) throws {
    let plan = plan(for: frame.geometry)
    try withExtendedLifetime(frame) {
      try blend(BitmapRowReader(frame, plan: plan), plan, into: target)
    }
  }

  private func plan(for geometry: SourceGeometry) -> SourcePlan {
    if let lastPlan, lastPlan.geometry == geometry { return lastPlan }
    let plan = SourcePlan(geometry, spec)
    lastPlan = plan
    return plan
  }

  private func blend(
    _ reader: (some RowReader)?, _ plan: SourcePlan, into target: UnsafeMutablePointer<UInt8>
  ) throws {
    guard var reader else { throw DVFLError(.frame, "a frame without memory", advice: "keep its buffer") }
    let weights = plan.rowWeights
    for row in 0..<size {
      reader.read(row: row, into: pixels.start)
      blendAcross(plan, into: above.start)
      reader.read(row: size + row, into: pixels.start)
      blendAcross(plan, into: below.start)
      rule.down(
        above.start, below.start, Int32(weights.first.start[row]), Int32(weights.second.start[row]),
        count: 3 * size,
        into: blended.start)
      interleave(into: target + row * size * 3)
    }
  }

  private func blendAcross(_ plan: SourcePlan, into across: UnsafeMutablePointer<Int32>) {
    let weights = plan.columnWeights
    for channel in 0..<3 {
      rule.across(
        pixels.start + channel * 2 * size, weights.first.start, weights.second.start, count: size,
        into: across + channel * size)
    }
  }

  private func interleave(into out: UnsafeMutablePointer<UInt8>) {
    let (red, green, blue) = (blended.start, blended.start + size, blended.start + 2 * size)
    for x in 0..<size {
      out[3 * x] = red[x]
      out[3 * x + 1] = green[x]
      out[3 * x + 2] = blue[x]
    }
  }
}
