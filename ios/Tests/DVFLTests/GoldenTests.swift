import Foundation
import Testing

@testable import DVFL

/// `spec/golden/index.json`, every case of every list, byte for byte.
struct GoldenTests {
  let golden: Golden

  init() throws { golden = try Golden.shared.get() }

  @Test("The index names the spec and the binary files it was made with")
  func indexNamesItsFiles() throws {
    let index = golden.index
    #expect(index.format == 1)
    let spec = URL(fileURLWithPath: "\(repository)/spec/preprocessing.json")
    #expect(try sha256(of: spec) == index.specSha256)
    #expect(try sha256(of: Golden.folder.appendingPathComponent(index.inputs)) == index.inputsSha256)
    #expect(try sha256(of: Golden.folder.appendingPathComponent(index.expected)) == index.expectedSha256)
  }

  @Test("A frame equals its golden vector, in each of the cases")
  func frames() throws {
    #expect(golden.index.frameCases.count >= 74)
    for golden in golden.index.frameCases {
      let spec = try self.golden.spec.with(size: golden.size)
      #expect(spec.resize.shortSide == golden.shortSide, "\(golden.name)")
      let made = try preprocessed(self.golden.frame(golden), Preprocessor(spec: spec))
      let difference = firstDifference(made, self.golden.expected(golden.expected))
      #expect(difference == nil, "\(golden.name)")
    }
  }

  @Test("One preprocessor gives the same bytes for frames of changing geometry")
  func oneForAllFrames() throws {
    let preprocessor = Preprocessor(spec: try golden.spec.with(size: 32))
    let cases = golden.index.frameCases.filter { $0.size == 32 }
    for golden in cases + cases.reversed() {
      let made = try preprocessed(self.golden.frame(golden), preprocessor)
      let difference = firstDifference(made, self.golden.expected(golden.expected))
      #expect(difference == nil, "\(golden.name)")
    }
  }

  @Test("A clip equals its golden vector")
  func clips() throws {
    #expect(!golden.index.clipCases.isEmpty)
    for golden in golden.index.clipCases {
      let frames = try golden.frames.map { try self.golden.frame(self.golden.frameCase($0)) }
      let spec = try self.golden.spec.with(frames: frames.count, size: golden.size)
      let clip = try Preprocessor(spec: spec).clip(frames)
      #expect([clip.frames, clip.height, clip.width, 3] == golden.shape)
      let difference = firstDifference(clip.pixels, self.golden.expected(golden.expected))
      #expect(difference == nil, "\(golden.name)")
    }
  }

  @Test("Clip indices equal their golden vectors")
  func clipIndices() throws {
    #expect(golden.index.clipIndexCases.count >= 208)
    for golden in golden.index.clipIndexCases {
      let spec = try self.golden.spec.with(frames: golden.frames)
      let indices = try Sampling.clipFrameIndices(frameCount: golden.frameCount, spec: spec)
      #expect(indices == golden.indices, "T \(golden.frames), N \(golden.frameCount)")
    }
  }

  @Test("Window indices equal their golden vectors")
  func windowIndices() throws {
    #expect(golden.index.windowIndexCases.count >= 32)
    for golden in golden.index.windowIndexCases {
      let indices = try Sampling.windowFrameIndices(
        timestampsS: golden.timestamps, windowEndS: golden.windowEndS, windowS: golden.windowS,
        spec: self.golden.spec.with(frames: golden.frames))
      #expect(indices == golden.indices, "\(golden.name)")
    }
  }

  @Test("Colour points equal their golden vectors")
  func colorPoints() throws {
    #expect(golden.index.colorCases.count == 4)
    for golden in golden.index.colorCases {
      let yuv = self.golden.input(golden.yuv)
      #expect(yuv.count == 3 * golden.count)
      let made = try converted(yuv, golden.matrix, golden.range, self.golden.spec.color)
      let difference = firstDifference(made, self.golden.expected(golden.expected))
      #expect(
        difference == nil,
        "\(golden.matrix) \(golden.range)")
    }
  }

  @Test("Ten-bit samples equal their golden vector")
  func tenBit() throws {
    let golden = golden.index.tenBitCase
    var made = [UInt8](repeating: 0, count: golden.count)
    try self.golden.input(golden.samples).withUnsafeBytes { samples in
      try made.withUnsafeMutableBytes {
        try self.golden.spec.color.tenBit.eightBits(from: samples, into: $0)
      }
    }
    let difference = firstDifference(made, self.golden.expected(golden.expected))
    #expect(difference == nil)
  }

  @Test("The real clip's file, its positions and its small tensor belong together")
  func realClip() throws {
    let real = golden.index.realClip
    #expect(try sha256(of: URL(fileURLWithPath: "\(repository)/\(real.file)")) == real.sha256)
    let indices = try Sampling.clipFrameIndices(frameCount: real.frameCount, spec: golden.spec)
    #expect(indices == real.indices)
    #expect(real.decodedFrames.map(\.index) == indices)
    let builder = try ClipBuilder(frameCount: real.frameCount, spec: golden.spec)
    #expect((0..<real.frameCount).filter(builder.wants) == indices)
    let place = try #require(real.smallTensor.expected)
    #expect(place.length == real.smallTensor.shape.reduce(1, *))
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("dvfl-\(UUID().uuidString)")
    try Data(golden.expected(place)).write(to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    #expect(try sha256(of: copy) == real.smallTensor.sha256)
  }

  /// Interleaved YUV triples as RGB triples, by the loops that preprocessing uses.
  private func converted(
    _ yuv: [UInt8], _ matrix: ColorMatrix, _ range: ColorRange, _ rule: ColorSpec
  ) throws -> [UInt8] {
    let count = yuv.count / 3
    let planes = (0..<3).map { channel in (0..<count).map { yuv[3 * $0 + channel] } }
    let arithmetic = YuvArithmetic(try rule.conversion(matrix, range), rule)
    var luma = [Int32](repeating: 0, count: count)
    var chroma = [Int32](repeating: 0, count: 3 * count)
    var rgb = [UInt8](repeating: 0, count: 3 * count)
    arithmetic.lumaTerms(planes[0], count: count, into: &luma)
    arithmetic.chromaTerms(planes[1], planes[2], count: count, into: &chroma)
    for channel in 0..<3 {
      var one = [UInt8](repeating: 0, count: count)
      let terms = Array(chroma[channel * count..<(channel + 1) * count])
      arithmetic.channel(luma, terms, count: count, into: &one)
      for index in 0..<count { rgb[3 * index + channel] = one[index] }
    }
    return rgb
  }
}

/// One frame's bytes.
func preprocessed(_ frame: any VideoFrame, _ preprocessor: Preprocessor) throws -> [UInt8] {
  var out = [UInt8](repeating: 0, count: preprocessor.frameBytes)
  try out.withUnsafeMutableBytes { try preprocessor.preprocess(frame, into: $0) }
  return out
}

/// Where two byte arrays differ first, or nil if they are equal; `#expect` would describe both byte by byte.
func firstDifference(_ made: [UInt8], _ right: [UInt8]) -> String? {
  if made == right { return nil }
  guard made.count == right.count else { return "\(made.count) bytes instead of \(right.count)" }
  let at = zip(made, right).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
  return "byte \(at) is \(made[at]) instead of \(right[at])"
}
