import Foundation
import Testing

@testable import DVFL
@testable import DVFLLiteRT

/// From the decoded planes of a real video to labels, against what the Python SDK makes of the same video.
struct WholeChainTests {
  private struct Index: Decodable {
    struct Planes: Decodable {
      let file: String
      let length: Int
      let sha256: String
    }
    struct Picture: Decodable {
      let index: Int
      let width: Int
      let height: Int
      let timeS: Double
      let matrix: ColorMatrix
      let range: ColorRange
    }
    struct RealClip: Decodable {
      let frameCount: Int
      let indices: [Int]
      let decodedFrames: [Picture]
      let planes: Planes
    }
    let realClip: RealClip
  }

  private struct Results: Decodable {
    struct Best: Decodable {
      let index: Int
      let label: String
      let score: Double
    }
    struct Video: Decodable {
      struct Tensor: Decodable { let sha256: String }
      let frameCount: Int
      let indices: [Int]
      let tensor: Tensor
    }
    let manifestSha256: String
    let video: Video
    let logits: [String: [Double]]
    let predictions: [String: [Best]]
  }

  private let golden = repository.appendingPathComponent("spec/golden")
  private let real: Index.RealClip
  private let results: Results
  private let bundle: ActionBundle

  init() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let index = try Data(contentsOf: golden.appendingPathComponent("index.json"))
    real = try decoder.decode(Index.self, from: index).realClip
    // Its names of artifacts are keys too; the strategy leaves keys of a dictionary as they are.
    let stored = try Data(contentsOf: golden.appendingPathComponent("bundle_results.json"))
    results = try decoder.decode(Results.self, from: stored)
    bundle = try GoldenBundle.open()
  }

  /// The frames that are asked for, as a decoder gives them.
  private func frames() throws -> [Frame] {
    let packed = try Data(contentsOf: golden.appendingPathComponent(real.planes.file))
    let bytes = try #require(gunzipped(packed, expecting: real.planes.length), "the planes are damaged")
    #expect(try hash(bytes) == real.planes.sha256)
    var offset = 0
    func plane(_ width: Int, _ height: Int) throws -> Plane {
      defer { offset += width * height }
      return try Plane(copying: Array(bytes[offset..<offset + width * height]), rowStride: width)
    }
    let frames = try real.decodedFrames.map { picture in
      let (width, height) = (picture.width, picture.height)
      let chroma = ((width + 1) / 2, (height + 1) / 2)
      return try Frame(
        timeS: picture.timeS, y: plane(width, height), u: plane(chroma.0, chroma.1),
        v: plane(chroma.0, chroma.1), width: width, height: height, matrix: picture.matrix,
        range: picture.range)
    }
    #expect(offset == bytes.count)
    return frames
  }

  private func hash(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("bytes")
    try Data(bytes).write(to: file)
    return try sha256(of: file)
  }

  private func clip() throws -> Clip {
    let spec = bundle.manifest.preprocessing
    #expect(try Sampling.clipFrameIndices(frameCount: real.frameCount, spec: spec) == real.indices)
    return try Preprocessor(spec: spec).clip(try frames())
  }

  @Test("decoded planes become the golden tensor, byte for byte")
  func planesBecomeTheTensor() throws {
    #expect(
      try sha256(of: GoldenBundle.root.appendingPathComponent("manifest.json")) == results.manifestSha256)
    #expect(results.video.frameCount == real.frameCount)
    #expect(results.video.indices == real.indices)
    #expect(try hash(clip().pixels) == results.video.tensor.sha256)
  }

  @Test(
    "a real video gets the labels and logits of the Python SDK",
    Runtime.isNeeded)
  func realVideo() async throws {
    let recognizer = try await ActionRecognizer(
      bundle: bundle, options: RecognizerOptions(precision: .fp32, providers: [Runtime.provider]))
    let clip = try clip()
    let expected = try #require(results.logits["litert-fp32"])
    let error = relativeError(try await recognizer.logits(clip), expected)
    print("whole chain, litert-fp32: error \(error) of the range against the Python SDK")
    #expect(error < 1e-4)
    let best = try await recognizer.recognize(clip)
    let said = try #require(results.predictions["litert-fp32"])
    #expect(best.map(\.label) == said.map(\.label))
    #expect(best.map(\.index) == said.map(\.index))
    for (one, other) in zip(best, said) { #expect(abs(one.score - other.score) < 1e-4) }
    await recognizer.close()
  }

  @Test(
    "the comparison with Python fails for reversed frames and for exchanged chroma",
    Runtime.isNeeded)
  func faultsShow() async throws {
    let recognizer = try await ActionRecognizer(
      bundle: bundle, options: RecognizerOptions(precision: .fp32, providers: [Runtime.provider]))
    let expected = try #require(results.logits["litert-fp32"])
    let preprocessor = Preprocessor(spec: bundle.manifest.preprocessing)
    let right = try frames()
    let reversed = try zip(right, right.reversed()).map { time, picture in
      try Frame(
        timeS: time.timeS, y: picture.y, u: picture.u, v: picture.v, width: picture.width,
        height: picture.height, matrix: picture.matrix, range: picture.range)
    }
    let exchanged = try right.map {
      try Frame(
        timeS: $0.timeS, y: $0.y, u: $0.v, v: $0.u, width: $0.width, height: $0.height, matrix: $0.matrix,
        range: $0.range)
    }
    for wrong in [reversed, exchanged] {
      let logits = try await recognizer.logits(preprocessor.clip(wrong))
      #expect(relativeError(logits, expected) > 1e-3)
    }
    await recognizer.close()
  }
}
