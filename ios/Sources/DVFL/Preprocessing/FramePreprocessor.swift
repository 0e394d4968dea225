/// ``Preprocessor`` as a value, so that it can be part of state that threads share: it keeps scratch and the plan
/// for the last geometry, and nothing of a frame.
struct FramePreprocessor: Sendable {
  let spec: PreprocessingSpec
  /// Bytes of one preprocessed frame: `size * size * 3`.
  let frameBytes: Int

  private let size: Int
  private let rule: BlendRule
  private var scratch: Scratch
  private var lastPlan: SourcePlan?

  init(spec: PreprocessingSpec) {
    self.spec = spec
    size = spec.crop.size
    frameBytes = size * size * 3
    rule = BlendRule(spec.resize)
    scratch = Scratch(size: size)
  }

  /// See ``Preprocessor/preprocess(_:into:)``.
  mutating func preprocess(_ frame: some VideoFrame, into out: UnsafeMutableRawBufferPointer) throws {
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

  private mutating func blend(_ frame: Frame, into target: UnsafeMutablePointer<UInt8>) throws {
    let conversion = try spec.color.conversion(frame.matrix, frame.range)
    let plan = plan(for: frame.geometry)
    let arithmetic = YuvArithmetic(conversion, spec.color)
    try withExtendedLifetime(frame) {
      try blend(plan, into: target) { scratch in
        YuvRowReader(frame, plan: plan, arithmetic: arithmetic, scratch: scratch)
      }
    }
  }

  private mutating func blend(_ frame: RgbFrame, into target: UnsafeMutablePointer<UInt8>) throws {
    let plan = plan(for: frame.geometry)
    try withExtendedLifetime(frame) {
      try blend(plan, into: target) { _ in BitmapRowReader(frame, plan: plan) }
    }
  }

  private mutating func plan(for geometry: SourceGeometry) -> SourcePlan {
    if let lastPlan, lastPlan.geometry == geometry { return lastPlan }
    let plan = SourcePlan(geometry, spec)
    lastPlan = plan
    return plan
  }

  private mutating func blend<Reader: RowReader>(
    _ plan: SourcePlan, into target: UnsafeMutablePointer<UInt8>,
    reading makeReader: (ScratchPointers) -> Reader?
  ) throws {
    let blender = RowBlender(rule: rule, size: size)
    var isRead = false
    scratch.withPointers { scratch in
      guard var reader = makeReader(scratch) else { return }
      plan.withColumnWeights { weights in
        blender.blend(&reader, weights, plan.rowTaps, scratch, into: target)
        isRead = true
      }
    }
    guard isRead else { throw DVFLError(.frame, "a frame without memory", advice: "keep its buffer") }
  }
}
