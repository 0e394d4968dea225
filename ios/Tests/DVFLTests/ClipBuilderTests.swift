import Testing

@testable import DVFL

struct ClipBuilderTests {
  let spec: PreprocessingSpec

  init() throws { spec = try PreprocessingSpec.standard().with(frames: 4, size: 5) }

  /// A picture that differs from index to index.
  private func frame(_ index: Int) throws -> RgbFrame {
    var random = SeededGenerator(seed: UInt64(index))
    return try RgbFrame(
      timeS: Double(index) / 30, pixels: Plane(copying: random.bytes(9 * 7 * 3), rowStride: 27), width: 9,
      height: 7, format: .rgb)
  }

  @Test("It makes the clip that the sampled frames make", arguments: [1, 2, 3, 4, 5, 8, 31, 131])
  func sameAsSampled(_ frameCount: Int) throws {
    var builder = try ClipBuilder(frameCount: frameCount, spec: spec)
    var asked: [Int] = []
    for index in 0..<frameCount where builder.wants(index) {
      asked.append(index)
      try builder.add(frame(index), at: index)
    }
    let indices = try Sampling.clipFrameIndices(frameCount: frameCount, spec: spec)
    #expect(asked == Array(Set(indices)).sorted())
    let clip = try builder.finish()
    let sampled = try Preprocessor(spec: spec).clip(indices.map(frame))
    #expect(clip == sampled)
    #expect(clip.timesS == indices.map { Double($0) / 30 })
  }

  @Test("A frame that is not wanted may be given, and is not read")
  func unwantedFrames() throws {
    var builder = try ClipBuilder(frameCount: 31, spec: spec)
    var sparse = try ClipBuilder(frameCount: 31, spec: spec)
    for index in 0..<31 {
      if builder.wants(index) { try sparse.add(frame(index), at: index) }
      try builder.add(frame(index), at: index)
    }
    let (all, few) = (try builder.finish(), try sparse.finish())
    #expect(all == few)
  }

  @Test("A clip without frames is refused", arguments: [0, -1])
  func noFrames(_ frameCount: Int) {
    #expect(refusal { _ = try ClipBuilder(frameCount: frameCount, spec: spec) }?.kind == .frame)
  }

  @Test("An index outside the clip is refused", arguments: [-1, 31, Int.max, Int.min])
  func outside(_ index: Int) throws {
    var builder = try ClipBuilder(frameCount: 31, spec: spec)
    #expect(!builder.wants(index))
    let picture = try frame(0)
    #expect(refusal { try builder.add(picture, at: index) }?.kind == .frame)
  }

  @Test("A frame that comes twice or late is refused")
  func order() throws {
    var builder = try ClipBuilder(frameCount: 31, spec: spec)
    let picture = try frame(0)
    try builder.add(picture, at: 1)
    #expect(refusal { try builder.add(picture, at: 1) }?.kind == .frame)
    #expect(refusal { try builder.add(picture, at: 0) }?.kind == .frame)
  }

  @Test("A wanted frame that did not come is named")
  func leftOut() throws {
    var builder = try ClipBuilder(frameCount: 31, spec: spec)
    let first = try #require(Sampling.clipFrameIndices(frameCount: 31, spec: spec).first)
    let picture = try frame(0)
    let late = refusal { try builder.add(picture, at: first + 1) }
    #expect(late?.kind == .frame)
    #expect(late?.problem == "frame \(first) of 31 was not given")
    #expect(refusal { _ = try builder.finish() } == late)
  }
}
