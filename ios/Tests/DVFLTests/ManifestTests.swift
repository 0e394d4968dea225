import Foundation
import Testing

@testable import DVFL

/// A manifest is read strictly.
struct ManifestTests {
  /// Opens the golden manifest after a change; the error's line, or nil if it's taken.
  private func problem(_ change: (inout [String: Any]) throws -> Void) throws -> String? {
    let folder = try TemporaryFolder()
    var manifest = try TestBundle.goldenManifest()
    try change(&manifest)
    try JSONSerialization.data(withJSONObject: manifest)
      .write(to: folder.url.appendingPathComponent("manifest.json"))
    do {
      _ = try ActionBundle(at: folder.url)
      return nil
    } catch let error as DVFLError {
      #expect(error.kind == .bundle)
      return error.description
    }
  }

  private func changeArtifact(_ field: String, _ value: Any?) throws -> String? {
    try problem { manifest in
      var artifacts = try #require(manifest["artifacts"] as? [[String: Any]])
      artifacts[0][field] = value
      manifest["artifacts"] = artifacts
    }
  }

  @Test func theGoldenManifestIsTaken() throws {
    #expect(try problem { _ in } == nil)
  }

  @Test func anotherSchemaVersionIsRefused() throws {
    for version in [0, 2, "1", NSNull()] as [Any] {
      #expect(try problem { $0["schema_version"] = version } != nil)
    }
    #expect(try problem { $0["schema_version"] = 2 }?.contains("schema version 2") == true)
    #expect(try problem { $0["schema_version"] = nil }?.contains("schema version missing") == true)
  }

  @Test func anUnknownFieldIsRefusedByName() throws {
    #expect(try problem { $0["more"] = NSNull() }?.contains("more: is not a field") == true)
    #expect(try changeArtifact("more", 1)?.contains("artifacts.0.more: is not a field") == true)
  }

  @Test func everyMissingFieldIsRefused() throws {
    for field in try TestBundle.goldenManifest().keys {
      #expect(try problem { $0[field] = nil } != nil, "\(field)")
    }
    for field in ["file", "sha256", "bytes", "target", "precision", "input", "output", "operators", "parity"]
    {
      #expect(try changeArtifact(field, nil)?.contains("\(field): is missing") == true, "\(field)")
    }
  }

  @Test(arguments: ["../x", "a/../x", "/x", "a\\x", "C:x", "", ".", "./.", "a/.."])
  func aPathThatLeavesTheBundleIsRefused(_ path: String) throws {
    #expect(try changeArtifact("file", path)?.contains("must be relative and stay inside") == true)
  }

  @Test func aPathWithDotsThatStaysInsideIsTaken() throws {
    #expect(try changeArtifact("file", "./a..b/x") == nil)
  }

  @Test func valuesThatCannotBeAreRefused() throws {
    for (field, value) in [
      ("sha256", "abc"), ("sha256", String(repeating: "A", count: 64)), ("bytes", -1), ("bytes", "9"),
      ("precision", "fp8"), ("input", [String: Any]()), ("target", NSNull()),
    ] as [(String, Any)] {
      #expect(try changeArtifact(field, value) != nil, "\(field) = \(value)")
    }
    #expect(try problem { $0["labels"] = [String]() }?.contains("labels") == true)
    #expect(try problem { $0["labels"] = ["one"] }?.contains("1 labels, but outputs of [6]") == true)
    #expect(
      try problem { manifest in
        let artifacts = try #require(manifest["artifacts"] as? [Any])
        manifest["artifacts"] = artifacts + artifacts
      }?.contains("same target and precision") == true)
  }

  @Test func aNullReferenceIsTaken() throws {
    #expect(try problem { $0["reference"] = NSNull() } == nil)
  }

  private func change(_ path: JSONPath, _ value: Any?) throws -> String? {
    try problem { $0 = try #require(changed($0, at: path, to: value) as? [String: Any]) }
  }

  /// The fields of the first object of each array, at any depth, but not those of the contract or of tables.
  private func fields() throws -> [JSONPath] {
    try paths(in: TestBundle.goldenManifest()).filter { path in
      path.allSatisfy { Int($0) ?? 0 == 0 } && Int(path.last ?? "") == nil
        && !["preprocessing", "options", "tools"].contains(where: path.dropLast().contains)
    }
  }

  @Test func everyMissingFieldIsNamedAtAnyDepth() throws {
    let fields = try fields()
    #expect(fields.count > 50)
    for path in fields where path != ["schema_version"] {
      let line = try change(path, nil)
      #expect(
        line?.contains("\(path.joined(separator: ".")): is missing") == true, "\(path) \(line ?? "taken")")
    }
  }

  @Test func onlyWhatMayBeAbsentMayBeNull() throws {
    let absent = ["reference", "operators", "delegate", "source", "reason"]
    for path in try fields() {
      let last = path.last ?? ""
      let mayBe =
        (absent.contains(last) && !path.contains("operators") || last == "operators" && path.count == 3)
        || ["delegate", "source"].contains(last) || path.contains("gate") && last != "gate"
      let line = try change(path, NSNull())
      #expect((line == nil) == mayBe, "\(path): \(line ?? "taken")")
    }
  }

  @Test(
    arguments: [
      ("artifacts.0.output.shape", "[1, 7]", "6 labels, but outputs of [6, 7]"),
      ("artifacts.0.output.shape", "[2, 6]", "output.shape must be [1, K], not [2, 6]"),
      ("artifacts.0.output.shape", "[1, 0]", "output.shape must be [1, K]"),
      ("artifacts.0.input.shape", "[8, 64, 64]", "input.shape must have 4 positive sizes, not [8, 64, 64]"),
      ("artifacts.0.input.shape", "[8, 0, 64, 3]", "input.shape must have 4 positive sizes"),
      ("artifacts.0.input.shape", "[1099511627776, 1099511627776, 64, 3]", "is too large"),
      ("artifacts.0.input.value_range", "[0, 1]", "input.value_range must be [0, 255], not [0, 1]"),
      ("artifacts.0.bytes", "-1", "must be 0 or more, not -1"),
      ("artifacts.0.target", "7", "artifacts.0.target"),
      ("reference_vectors.0.logits", "[1]", "6 labels, but outputs of [1, 6]"),
      ("reference_vectors.0.shape", "[8, 64, 64, 4]", "shape must be [T, H, W, 3], not [8, 64, 64, 4]"),
      ("reference_vectors.0.shape", "[9007199254740993, 4096, 4096, 3]", "is too large"),
      ("preprocessing.resize.short_side", "63", "preprocessing.crop.size: 64 is larger than short_side 63"),
      ("preprocessing.crop.size", "1099511627776", "preprocessing.crop.size"),
    ])
  func fieldsThatContradictEachOtherAreRefused(_ path: String, _ text: String, _ words: String) throws {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    let line = try change(path.split(separator: ".").map(String.init), value)
    #expect(line?.contains(words) == true, "\(line ?? "taken")")
  }
}
