import Foundation
import Testing

@testable import DVFL

/// What a bundle's folder must be.
struct ActionBundleTests {
  private func copy() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let golden = "\(repository)/spec/golden/bundle"
    for name in try FileManager.default.contentsOfDirectory(atPath: golden) {
      try FileManager.default.copyItem(
        atPath: "\(golden)/\(name)", toPath: folder.url.appendingPathComponent(name).path)
    }
    return folder
  }

  private func expectRefused(_ words: String, _ body: () throws -> Void) {
    do {
      try body()
      Issue.record("was taken; expected: \(words)")
    } catch let error as DVFLError {
      #expect(error.kind == .bundle)
      #expect(error.description.contains(words))
    } catch {
      Issue.record(error)
    }
  }

  @Test func aMissingFolderAFileAndAFolderWithoutAManifestAreRefused() throws {
    let folder = try TemporaryFolder()
    expectRefused("no such bundle folder") {
      _ = try ActionBundle(at: folder.url.appendingPathComponent("nothing"))
    }
    expectRefused("no manifest.json") { _ = try ActionBundle(at: folder.url) }
    let file = folder.url.appendingPathComponent("file")
    try Data().write(to: file)
    expectRefused("no such bundle folder") { _ = try ActionBundle(at: file) }
  }

  @Test func everyTruncatedManifestIsRefused() throws {
    let folder = try TemporaryFolder()
    let golden = URL(fileURLWithPath: "\(repository)/spec/golden/bundle/manifest.json")
    let whole = try Data(contentsOf: golden)
    let manifest = folder.url.appendingPathComponent("manifest.json")
    for length in stride(from: 0, to: whole.count - 2, by: max(1, whole.count / 40)) {
      try whole.prefix(length).write(to: manifest)
      expectRefused("manifest.json") { _ = try ActionBundle(at: folder.url) }
    }
    try whole.write(to: manifest)
    _ = try ActionBundle(at: folder.url)
  }

  @Test func aChangedOrMissingFileIsRefusedByName() throws {
    let folder = try copy()
    let bundle = try ActionBundle(at: folder.url)
    for stored in bundle.manifest.artifacts.map(\.stored) {
      let file = folder.url.appendingPathComponent(stored.file)
      var bytes = try Data(contentsOf: file)
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: file)
      expectRefused("'\(stored.file)' was changed") { _ = try bundle.verified(stored) }
      try FileManager.default.removeItem(at: file)
      expectRefused("'\(stored.file)' is missing") { _ = try bundle.verified(stored) }
    }
  }

  @Test func aLinkThatLeadsOutIsRefusedAndOneInsideIsNot() throws {
    let folder = try copy()
    let bundle = try ActionBundle(at: folder.url)
    let stored = try #require(bundle.manifest.artifacts.first?.stored)
    let file = folder.url.appendingPathComponent(stored.file)
    let (inside, outside) = (folder.url.appendingPathComponent("moved"), try TemporaryFolder())
    try FileManager.default.moveItem(at: file, to: inside)
    try FileManager.default.createSymbolicLink(at: file, withDestinationURL: inside)
    _ = try bundle.verified(stored)
    try FileManager.default.removeItem(at: file)
    let far = outside.url.appendingPathComponent("far")
    try FileManager.default.moveItem(at: inside, to: far)
    try FileManager.default.createSymbolicLink(at: file, withDestinationURL: far)
    expectRefused("leads outside the bundle") { _ = try bundle.verified(stored) }
  }

  @Test func aFoldersHashIsThatOfTheDocumentedCommand() throws {
    let folder = try TemporaryFolder()
    for (name, text) in ["b": "1", "a/c d": "2", "a.x": "", "a/Z": "3", "é": "4"] {
      let file = folder.url.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    #expect(try sha256(of: folder.url) == shell(in: folder.url))
    try Data("5".utf8).write(to: folder.url.appendingPathComponent("a/Z"))
    #expect(try sha256(of: folder.url) == shell(in: folder.url))
  }

  private func shell(in folder: URL) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    // macOS has shasum in the place of sha256sum, and no xargs -d.
    process.arguments = [
      "-c",
      """
      sum() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
      find . -type f | cut -c3- | LC_ALL=C sort | while IFS= read -r file; do sum "$file"; done | sum
      """,
    ]
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(bytes: output.fileHandleForReading.readDataToEndOfFile(), encoding: .utf8)
    process.waitUntilExit()
    return String(try #require(text).prefix(64))
  }

  @Test func theHashOfAFileIsThatOfTheStandard() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("x")
    for (text, hash) in [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        String(repeating: "a", count: 1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
    ] {
      try Data(text.utf8).write(to: file)
      #expect(try sha256(of: file) == hash)
    }
  }

  @Test func aReferenceClipOfAnotherSizeOrNoGzipIsRefused() throws {
    let folder = try copy()
    let file = folder.url.appendingPathComponent("manifest.json")
    let whole = try ActionBundle(at: folder.url)
    let vector = try #require(whole.manifest.referenceVectors.first)
    #expect(try whole.referenceClip(vector).pixels.count == vector.shape.reduce(1, *))
    for shape in [[7, 64, 64, 3], [9, 64, 64, 3]] {
      try rewrite(file, vector.sha256, shape: shape)
      let bundle = try ActionBundle(at: folder.url)
      expectRefused("is not a gzip file of") {
        _ = try bundle.referenceClip(#require(bundle.manifest.referenceVectors.first))
      }
    }
    let clip = folder.url.appendingPathComponent(vector.file)
    try Data("no gzip".utf8).write(to: clip)
    try rewrite(file, try sha256(of: clip), shape: vector.shape)
    let bundle = try ActionBundle(at: folder.url)
    expectRefused("is not a gzip file of") {
      _ = try bundle.referenceClip(#require(bundle.manifest.referenceVectors.first))
    }
  }

  private func rewrite(_ file: URL, _ sha256: String, shape: [Int]) throws {
    var manifest = try TestBundle.goldenManifest()
    var vectors = try #require(manifest["reference_vectors"] as? [[String: Any]])
    vectors[0]["shape"] = shape
    vectors[0]["sha256"] = sha256
    manifest["reference_vectors"] = vectors
    try JSONSerialization.data(withJSONObject: manifest).write(to: file)
  }

  @Test func theArtifactIsTheOneThatIsAskedFor() throws {
    let test = try TestBundle(artifacts: [
      TestArtifact(precision: .int8, status: .failed), TestArtifact(precision: .fp16), TestArtifact(),
      TestArtifact(target: "other", status: .failed),
    ])
    #expect(try test.bundle.artifact(target: "test").name == "test-fp16")
    #expect(try test.bundle.artifact(target: "test", precision: .int8).name == "test-int8")
    #expect(try test.bundle.artifact(target: "other").name == "other-fp32")
    expectRefused("no artifact 'other-int8'; this bundle holds: test-int8, test-fp16, test-fp32, other-fp32")
    {
      _ = try test.bundle.artifact(target: "other", precision: .int8)
    }
  }

  @Test func aManifestThatIsAFolderOrNoTextIsRefused() throws {
    let folder = try copy()
    let file = folder.url.appendingPathComponent("manifest.json")
    let names: [[UInt8]] = [[0xFF], Array("\\q".utf8), Array("\\ud800".utf8), [0x01], Array("\\".utf8)]
    let wrongNames = names.map { Array("{\"schema_version\": 1, \"".utf8) + $0 + Array("\": 1}".utf8) }
    let noManifests = ["not json", "[1, 2]", "null", ""].map { Array($0.utf8) }
    for bytes in wrongNames + noManifests + [[0xFF, 0xFE, 0]] {
      try Data(bytes).write(to: file)
      expectRefused("manifest.json") { _ = try ActionBundle(at: folder.url) }
    }
    try FileManager.default.removeItem(at: file)
    try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
    expectRefused("manifest.json: can't be read") { _ = try ActionBundle(at: folder.url) }
  }

  @Test func aSiblingWhoseNameBeginsWithTheBundlesIsOutside() throws {
    let folder = try copy()
    let bundle = try ActionBundle(at: folder.url)
    let stored = try #require(bundle.manifest.artifacts.first?.stored)
    let file = folder.url.appendingPathComponent(stored.file)
    let sibling = URL(fileURLWithPath: folder.url.path + "-2")
    defer { try? FileManager.default.removeItem(at: sibling) }
    try FileManager.default.moveItem(at: file, to: sibling)
    try FileManager.default.createSymbolicLink(at: file, withDestinationURL: sibling)
    expectRefused("leads outside the bundle") { _ = try bundle.resolve(stored) }
  }

  @Test func aBundleThatIsReachedThroughALinkOpens() throws {
    let (folder, other) = (try copy(), try TemporaryFolder())
    let link = other.url.appendingPathComponent("link")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.url)
    let bundle = try ActionBundle(at: link)
    for artifact in bundle.manifest.artifacts { _ = try bundle.verified(artifact.stored) }
  }

  @Test func aFolderWithAFileMoreOrALinkThatLeadsOutIsRefused() throws {
    let folder = try copy()
    let package = folder.url.appendingPathComponent("model.mlpackage")
    try FileManager.default.createDirectory(at: package, withIntermediateDirectories: true)
    try Data("weights".utf8).write(to: package.appendingPathComponent("weights"))
    let bundle = try ActionBundle(at: folder.url)
    let stored = StoredFile(file: "model.mlpackage", sha256: try sha256(of: package), bytes: 7)
    _ = try bundle.verified(stored)
    let more = package.appendingPathComponent("more")
    try Data().write(to: more)
    expectRefused("'model.mlpackage' was changed") { _ = try bundle.verified(stored) }
    try FileManager.default.removeItem(at: more)
    let outside = try TemporaryFolder()
    for target in [outside.url, outside.url.appendingPathComponent("nothing")] {
      try FileManager.default.createSymbolicLink(at: more, withDestinationURL: target)
      expectRefused("'model.mlpackage/more' leads outside the bundle") { _ = try bundle.verified(stored) }
      try FileManager.default.removeItem(at: more)
    }
    _ = try bundle.verified(stored)
  }

  @Test func aBundleWithoutArtifactsNamesNone() throws {
    let test = try TestBundle(artifacts: [])
    expectRefused("no artifact 'litert'; this bundle holds: none") {
      _ = try test.bundle.artifact(target: "litert")
    }
  }
}
