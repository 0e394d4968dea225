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
}
