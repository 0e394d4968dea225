import Foundation
import Testing

@testable import DVFL

/// Spoiled input, thousands of times: it's taken or refused with a ``DVFLError``, and never ends the process.
struct FuzzTests {
  /// What a random spoiling led to.
  private struct Tally {
    var taken = 0
    var refused = 0

    /// Runs `work`; any other error is an issue.
    mutating func count(_ what: @autoclosure () -> String, _ work: () throws -> Void) {
      do {
        try work()
        taken += 1
      } catch is DVFLError {
        refused += 1
      } catch {
        Issue.record("\(what()): \(error)")
      }
    }
  }

  private static let integers = [
    0, 1, -1, 2, 3, 7, 255, 256, 16384, 16385, 65536, 1 << 20, 1 << 31, -1 << 31, (1 << 31) - 1, 1 << 32,
    1 << 40, 1 << 53, 1 << 61, 1 << 62, Int.max, Int.min, Int.max - 1, Int.max / 2, Int.max / 3,
  ]
  private static let numbers = [
    0.0, -0.0, 0.5, 1, -1, 2, 1e-300, 1e-9, 1e9, 1e12, 9e12, 1e18, 1e19, 1e300, -1e300,
    .greatestFiniteMagnitude, .nan, .infinity, -.infinity,
  ]
  private static let texts = [
    "", "x", "../x", "/", "BT601", "full", "fp32", "litert", "\u{0}", "é\u{301}", "8",
  ]

  private static func leaf(_ random: inout SeededGenerator) -> Any {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: NSNull()
    case 1: texts.randomElement(using: &random) ?? ""
    case 2: numbers.filter(\.isFinite).randomElement(using: &random) ?? 0
    case 3: Bool.random(using: &random)
    case 4: [Int](repeating: integers.randomElement(using: &random) ?? 0, count: 4)
    default: integers.randomElement(using: &random) ?? 0
    }
  }

  /// `json` with a few of its values taken away, exchanged or replaced.
  private static func spoiled(_ json: Any, _ places: [JSONPath], _ random: inout SeededGenerator) -> Any {
    var made = json
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard let place = places.randomElement(using: &random) else { continue }
      switch Int.random(in: 0..<10, using: &random) {
      case 0: made = changed(made, at: place, to: nil)
      case 1: made = changed(made, at: place + ["more"], to: leaf(&random))
      case 2:
        let other = places.randomElement(using: &random).flatMap { value(in: json, at: $0) }
        if value(in: made, at: place) != nil { made = changed(made, at: place, to: other ?? NSNull()) }
      default: made = changed(made, at: place, to: leaf(&random))
      }
    }
    return made
  }

  /// Everything that an app does with a contract before it runs a model, at sizes that fit a test.
  private func use(_ spec: PreprocessingSpec) throws {
    for count in Self.integers { _ = try? Sampling.clipFrameIndices(frameCount: count, spec: spec) }
    let times = [0, 0.5, 1, 1e9]
    for end in times {
      _ = try? Sampling.windowFrameIndices(timestampsS: times, windowEndS: end, windowS: 2, spec: spec)
    }
    guard spec.crop.size <= 256, spec.temporal.frames <= 64 else { return }
    let plane = try Plane(copying: [UInt8](repeating: 200, count: 64), rowStride: 8)
    let frame = try Frame(timeS: 0, y: plane, u: plane, v: plane, width: 8, height: 8)
    _ = try preprocessed(frame, Preprocessor(spec: spec))
    var state = StreamState(spec: spec, options: .standard, labels: ["a"])
    for time in times + [1e300, 0] {
      let frame = try Frame(timeS: time, y: plane, u: plane, v: plane, width: 8, height: 8)
      _ = try state.accept(frame)
      _ = try state.takeSample()
    }
  }

  @Test(arguments: [1, 2])
  func aSpoiledContractIsTakenOrRefused(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let file = URL(fileURLWithPath: "\(repository)/spec/preprocessing.json")
    let golden = changed(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)), at: ["crop", "size"], to: 16)
    let places = paths(in: golden)
    var tally = Tally()
    for _ in 0..<1500 {
      let json = Self.spoiled(golden, places, &random)
      let data = try JSONSerialization.data(withJSONObject: json)
      tally.count(String(decoding: data, as: UTF8.self)) { try use(.parse(data)) }
    }
    #expect(tally.taken > 50 && tally.refused > 500, "\(tally)")
  }

  @Test(arguments: [3, 4])
  func aSpoiledManifestIsTakenOrRefused(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let folder = try TemporaryFolder()
    let manifest = folder.url.appendingPathComponent("manifest.json")
    var golden: Any = try TestBundle.goldenManifest()
    for index in 0..<4 { golden = changed(golden, at: ["artifacts", "\(index)", "operators"], to: NSNull()) }
    let places = paths(in: golden)
    var tally = Tally()
    for _ in 0..<500 {
      let json = Self.spoiled(golden, places, &random)
      try JSONSerialization.data(withJSONObject: json).write(to: manifest)
      tally.count("\(json)") {
        let bundle = try ActionBundle(at: folder.url)
        for artifact in bundle.manifest.artifacts {
          _ = artifact.input.byteCount
          #expect(refusal { _ = try bundle.verified(artifact.stored) }?.kind == .bundle)
        }
        for vector in bundle.manifest.referenceVectors {
          #expect(refusal { _ = try bundle.referenceClip(vector) }?.kind == .bundle)
        }
      }
    }
    #expect(tally.taken > 20 && tally.refused > 100, "\(tally)")
  }

  @Test func aManifestOfSpoiledBytesIsTakenOrRefused() throws {
    var random = SeededGenerator(seed: 5)
    let folder = try TemporaryFolder()
    let manifest = folder.url.appendingPathComponent("manifest.json")
    let whole = try JSONSerialization.data(
      withJSONObject: changed(TestBundle.goldenManifest(), at: ["artifacts"], to: [Any]()))
    var tally = Tally()
    for round in 0..<1000 {
      var bytes = [UInt8](whole)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = .random(in: 0...255, using: &random)
        case 1: bytes.insert(contentsOf: Array("[{\"9e,:-}]".utf8).shuffled(using: &random).prefix(3), at: at)
        default: bytes.remove(at: at)
        }
      }
      try Data(bytes).write(to: manifest)
      tally.count("round \(round)") { _ = try ActionBundle(at: folder.url) }
    }
    #expect(tally.taken > 10 && tally.refused > 500, "\(tally)")
  }

  @Test func spoiledFramesAreTakenOrRefused() throws {
    var random = SeededGenerator(seed: 6)
    let preprocessor = Preprocessor(spec: try .standard().with(size: 4))
    var tally = Tally()
    for round in 0..<20000 {
      // Half of the numbers are small, so that some frames are taken.
      func number() -> Int {
        Bool.random(using: &random) && Bool.random(using: &random)
          ? Self.integers.randomElement(using: &random) ?? 0 : .random(in: 0...12, using: &random)
      }
      func plane() throws -> Plane {
        try Plane(
          copying: [UInt8](repeating: 9, count: .random(in: 0...400, using: &random)), rowStride: number(),
          pixelStride: Int.random(in: 0..<4, using: &random) == 0 ? number() : 1, offset: number())
      }
      let crop: Rect? =
        Bool.random(using: &random)
        ? nil : Rect(left: number(), top: number(), width: number(), height: number())
      let orientation = Orientation(crop: crop, rotation: 90 * Int.random(in: 0...3, using: &random))
      let timeS =
        Int.random(in: 0..<4, using: &random) > 0 ? 1 : Self.numbers.randomElement(using: &random) ?? 0
      tally.count("round \(round)") {
        let frame: any VideoFrame =
          Bool.random(using: &random)
          ? try RgbFrame(
            timeS: timeS, pixels: plane(), width: number(), height: number(), format: .bgra,
            orientation: orientation)
          : try Frame(
            timeS: timeS, y: plane(), u: plane(), v: plane(), width: number(), height: number(),
            orientation: orientation)
        _ = try preprocessed(frame, preprocessor)
      }
    }
    #expect(tally.taken > 50 && tally.refused > 1000, "\(tally)")
  }

  @Test func spoiledTimesAreTakenOrRefused() throws {
    var random = SeededGenerator(seed: 7)
    let specs = try [1, 8].map { try PreprocessingSpec.standard().with(frames: $0) }
    var tally = Tally()
    for round in 0..<5000 {
      func time() -> Double {
        Bool.random(using: &random)
          ? .random(in: 0...10, using: &random) : Self.numbers.randomElement(using: &random) ?? 0
      }
      let times = (0..<Int.random(in: 0...5, using: &random)).map { _ in time() }.sorted()
      let (end, length) = (time(), time())
      tally.count("round \(round)") {
        let indices = try Sampling.windowFrameIndices(
          timestampsS: times, windowEndS: end, windowS: length, spec: specs[round % 2])
        #expect(indices.allSatisfy(times.indices.contains) && indices == indices.sorted())
      }
    }
    #expect(tally.taken > 50 && tally.refused > 1000, "\(tally)")
  }

  @Test func spoiledGzipFilesGiveNothingOrTheRightNumberOfBytes() throws {
    var random = SeededGenerator(seed: 8)
    let bundle = try ActionBundle(at: URL(fileURLWithPath: "\(repository)/spec/golden/bundle"))
    let vector = try #require(bundle.manifest.referenceVectors.first)
    let whole = try Data(contentsOf: bundle.resolve(vector.stored))
    let count = vector.shape.reduce(1, *)
    #expect(gunzipped(whole, expecting: count) != nil)
    for round in 0..<300 {
      var bytes = whole
      bytes[Int.random(in: 0..<min(bytes.count, 400), using: &random)] ^=
        1 << UInt8.random(in: 0...7, using: &random)
      let made = gunzipped(bytes.prefix(.random(in: 0...bytes.count, using: &random)), expecting: count)
      #expect(made == nil || made?.count == count, "round \(round)")
    }
    for wrong in Self.integers where wrong != count && wrong >= 0 {
      #expect(gunzipped(whole, expecting: wrong) == nil, "\(wrong)")
    }
  }
}
