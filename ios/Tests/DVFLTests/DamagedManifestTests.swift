import Foundation
import Testing

@testable import DVFL

/// A manifest with one damaged value is read or refused by a `DVFLError`; nothing in it makes the program stop.
struct DamagedManifestTests {
  private let values: [Any] = [
    -1, 0, 1, 3, 255, 1 << 31, 1 << 40, Int.max, Int.min, 0.5, -1e300, 1e300, "", "x", NSNull(), [Any](),
    [0], [Int.max, Int.max, Int.max, 3], [String: Any](),
  ]

  @Test func everyFieldMayHoldAnything() throws {
    let golden = try TestBundle.goldenManifest()
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent(ActionBundle.manifestFile)
    let places = Self.places(in: golden)
    #expect(places.count > 150)
    var refused = 0
    var taken = 0
    for (index, place) in places.enumerated() {
      // Each place gets four of them, and so each of them many places.
      for value in (0..<4).map({ values[(4 * index + $0) % values.count] }) {
        let damaged = Self.with(value, at: place[...], in: golden)
        try JSONSerialization.data(withJSONObject: damaged).write(to: file)
        do {
          try use(ActionBundle(at: folder.url))
          taken += 1
        } catch is DVFLError {
          refused += 1
        }
      }
    }
    #expect(refused > 2 * places.count)
    #expect(taken > 0)
  }

  /// What an app does with a manifest, as far as it goes without an engine.
  private func use(_ bundle: ActionBundle) throws {
    let spec = bundle.manifest.preprocessing
    _ = try Sampling.clipFrameIndices(frameCount: 100, spec: spec)
    _ = try bundle.artifact(target: "litert")
    for vector in bundle.manifest.referenceVectors.prefix(1) {
      #expect(throws: DVFLError.self) { try bundle.referenceClip(vector) }
    }
    guard spec.crop.size <= 1024 else { return }
    let pixels = try Plane(copying: [UInt8](repeating: 7, count: 6 * 4 * 4), rowStride: 24)
    let frame = try RgbFrame(timeS: 0, pixels: pixels, width: 6, height: 4, format: .bgra)
    var out = [UInt8](repeating: 0, count: spec.crop.size * spec.crop.size * 3)
    try out.withUnsafeMutableBytes { try Preprocessor(spec: spec).preprocess(frame, into: $0) }
  }

  /// The way to every value: keys of objects, positions in arrays.
  private static func places(in value: Any) -> [[String]] {
    var inner: [(String, Any)] = []
    if let object = value as? [String: Any] { inner = object.sorted { $0.key < $1.key } }
    if let array = value as? [Any] { inner = array.prefix(3).enumerated().map { ("\($0)", $1) } }
    return inner.flatMap { key, value in [[key]] + places(in: value).map { [key] + $0 } }
  }

  private static func with(_ value: Any, at place: ArraySlice<String>, in whole: Any) -> Any {
    guard let key = place.first else { return value }
    if var object = whole as? [String: Any], let inner = object[key] {
      object[key] = with(value, at: place.dropFirst(), in: inner)
      return object
    }
    if var array = whole as? [Any], let index = Int(key) {
      array[index] = with(value, at: place.dropFirst(), in: array[index])
      return array
    }
    return whole
  }
}
