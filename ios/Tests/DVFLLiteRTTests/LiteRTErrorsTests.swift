import Foundation
import Testing

@testable import DVFL
@testable import DVFLLiteRT

/// Libraries that are none.
struct LiteRTLibraryTests {
  private func expectObstacle(_ library: LiteRTLibrary, _ words: String) async throws {
    let provider = LiteRTProvider(LiteRTOptions(library: library))
    #expect(provider.obstacle?.contains(words) == true, "\(provider.obstacle ?? "none")")
    let bundle = try GoldenBundle.open()
    let artifact = try bundle.artifact(target: "litert")
    let error = await refusal { _ = try await provider.load(bundle, artifact, threads: nil) }
    #expect(error?.kind == .engine)
    #expect(error?.problem.contains(words) == true)
    #expect(error?.description.contains("\n") == false)
  }

  @Test("a missing library is named")
  func missingLibrary() async throws {
    try await expectObstacle(.file(URL(fileURLWithPath: "/nowhere/libLiteRt.so")), "/nowhere/libLiteRt.so")
  }

  @Test("a file that is no library is refused")
  func noLibrary() async throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("libLiteRt.so")
    try Data("not a library".utf8).write(to: file)
    try await expectObstacle(.file(file), "does not load")
  }

  @Test("a library without LiteRT's functions is refused")
  func libraryWithoutTheFunctions() async throws {
    // Any library but LiteRT: what the processes of this system are linked to.
    let names = ["libz.so.1", "libm.so.6"].flatMap { name in
      ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib"]
        .map { "\($0)/\(name)" }
    }
    let found = names.first { FileManager.default.fileExists(atPath: $0) }
    let file = try #require(found, "no other library to try")
    try await expectObstacle(.file(URL(fileURLWithPath: file)), "has no LiteRtCreateEnvironment")
  }

  @Test("an app without LiteRT is told to link it")
  func notLinked() async throws {
    try await expectObstacle(.linked, "this app has no LiteRtCreateEnvironment")
  }

  @Test(
    "the runtime of these tests has no obstacle",
    Runtime.isNeeded)
  func noObstacle() {
    #expect(Runtime.provider.obstacle == nil)
  }
}

/// Bundles whose model is not what the manifest says.
@Suite(Runtime.isNeeded)
struct LiteRTBadModelTests {
  private static let model = "artifacts/model.fp32.tflite"

  private func expectRefused(
    _ golden: GoldenBundle, _ kind: DVFLError.Kind, _ words: String
  ) async throws {
    let bundle = try ActionBundle(at: golden.folder.url)
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    let error = await refusal { _ = try await Runtime.provider.load(bundle, artifact, threads: 1) }
    #expect(error?.kind == kind)
    #expect(error?.problem.contains(words) == true, "\(error.map(String.init(describing:)) ?? "none")")
    #expect(error?.advice.isEmpty == false)
  }

  /// Puts other bytes in the model's place, with their own sha256 in the manifest.
  private func spoiled(_ bytes: Data) throws -> GoldenBundle {
    let golden = try GoldenBundle()
    try bytes.write(to: golden.url(Self.model))
    let bundle = try GoldenBundle.open()
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    #expect(try golden.editManifest(artifact.sha256, sha256(of: golden.url(Self.model))))
    return golden
  }

  @Test("a model that was changed after conversion is refused before LiteRT sees it")
  func changedModel() async throws {
    let golden = try GoldenBundle()
    var bytes = try Data(contentsOf: golden.url(Self.model))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: golden.url(Self.model))
    try await expectRefused(golden, .bundle, "was changed after conversion")
  }

  @Test("a model that is missing is refused")
  func missingModel() async throws {
    let golden = try GoldenBundle()
    try FileManager.default.removeItem(at: golden.url(Self.model))
    try await expectRefused(golden, .bundle, "is missing")
  }

  @Test("a cut-off model with the right sha256 is refused", arguments: [0, 16, 1000, 0.25, 0.5, 0.9, 0.999])
  func cutOffModel(_ length: Double) async throws {
    let whole = try Data(contentsOf: GoldenBundle.root.appendingPathComponent(Self.model))
    let count = length < 1 ? Int(length * Double(whole.count)) : Int(length)
    let cut = Data(whole.prefix(count))
    try await expectRefused(try spoiled(cut), .engine, "LiteRT failed to")
  }

  @Test("a file that is no model is refused")
  func noModel() async throws {
    let text = Data(String(repeating: "not a model\n", count: 100).utf8)
    try await expectRefused(try spoiled(text), .engine, "LiteRT failed to make the model")
  }

  @Test("a manifest that says another input is refused with both")
  func otherInput() async throws {
    let golden = try GoldenBundle()
    let bundle = try GoldenBundle.open()
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    let name = artifact.input.name
    // The shape of every artifact's input is written the same way.
    let text = try String(contentsOf: golden.url("manifest.json"), encoding: .utf8)
    let sizes = try #require(
      text.range(of: "\"shape\":\\s*\\[\\s*8,\\s*64,\\s*64,\\s*3", options: .regularExpression))
    #expect(text[..<sizes.lowerBound].contains(name))
    let other = text.replacingCharacters(in: sizes, with: "\"shape\": [4, 64, 64, 3")
    try other.write(to: golden.url("manifest.json"), atomically: true, encoding: .utf8)
    try await expectRefused(
      golden, .engine, "takes float32 [8, 64, 64, 3], the manifest says float32 [4, 64, 64, 3]")
  }

  @Test("a manifest that says another number type is refused")
  func otherNumberType() async throws {
    let golden = try GoldenBundle()
    let text = try String(contentsOf: golden.url("manifest.json"), encoding: .utf8)
    let first = try #require(text.range(of: "\"dtype\": \"float32\""))
    let other = text.replacingCharacters(in: first, with: "\"dtype\": \"uint8\"")
    try other.write(to: golden.url("manifest.json"), atomically: true, encoding: .utf8)
    try await expectRefused(golden, .engine, "the manifest says uint8")
  }

  @Test("a manifest with another number of labels is refused")
  func otherLabels() async throws {
    let golden = try GoldenBundle()
    let text = try String(contentsOf: golden.url("manifest.json"), encoding: .utf8)
    var edited = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    edited["labels"] = ["one", "two"]
    edited["reference_vectors"] = [Any]()
    let artifacts = try #require(edited["artifacts"] as? [[String: Any]])
    edited["artifacts"] = artifacts.map { artifact in
      var artifact = artifact
      var output = artifact["output"] as? [String: Any] ?? [:]
      output["shape"] = [1, 2]
      artifact["output"] = output
      return artifact
    }
    try JSONSerialization.data(withJSONObject: edited).write(to: golden.url("manifest.json"))
    try await expectRefused(golden, .engine, "returns float32 [1, 6], the manifest says float32 [1, 2]")
  }

  @Test("a number of threads that is not positive is refused", arguments: [0, -1, Int.max])
  func badThreads(_ threads: Int) async throws {
    let bundle = try GoldenBundle.open()
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    let error = await refusal { _ = try await Runtime.provider.load(bundle, artifact, threads: threads) }
    #expect(error?.kind == .options)
  }
}

/// LiteRT's structure, without LiteRT.
struct RankedTensorTypeTests {
  private func words(_ values: [Int: Int32]) throws -> RankedTensorType {
    try RankedTensorType { memory in
      memory.initializeMemory(as: UInt8.self, repeating: 0, count: RankedTensorType.byteCount)
      for (offset, value) in values { memory.storeBytes(of: value, toByteOffset: offset, as: Int32.self) }
    }
  }

  @Test("type and sizes are read from their places")
  func sizes() throws {
    let type = try words([0: 1, 4: 4, 8: 8, 12: 64, 16: 32, 20: 3])
    #expect(type.element == "float32")
    #expect(type.shape == [8, 64, 32, 3])
    #expect(type.bytes.count == 72)
  }

  @Test("a structure that is longer, or has impossible sizes, is another version's")
  func otherStructures() {
    #expect(throws: DVFLError.self) { try words([0: 1, 4: 9]) }
    #expect(throws: DVFLError.self) { try words([0: 1, 4: 2, 8: -7, 12: 1]) }
    #expect(throws: DVFLError.self) {
      try RankedTensorType { $0.initializeMemory(as: UInt8.self, repeating: 0, count: 80) }
    }
  }
}

/// What a session owns, without LiteRT.
struct OwnedHandlesTests {
  private final class Log {
    var lines: [String] = []
  }

  @Test("the last thing made is freed first, and each once")
  func order() {
    let log = Log()
    var owned: OwnedHandles? = OwnedHandles()
    for name in ["environment", "model", "compiled"] { owned?.add { log.lines.append(name) } }
    #expect(log.lines.isEmpty)
    owned = nil
    #expect(log.lines == ["compiled", "model", "environment"])
  }
}
