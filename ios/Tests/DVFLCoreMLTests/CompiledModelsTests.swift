import Foundation
import Testing

@testable import DVFLCoreML

/// The cache of compiled models, with folders that stand for models.
struct CompiledModelsTests {
  private let root: TemporaryFolder
  private let cache: CompiledModels

  init() throws {
    root = try TemporaryFolder()
    cache = CompiledModels(folder: root.url.appendingPathComponent("cache"), most: 2)
  }

  /// What a compiler leaves: a folder of its own with a file.
  private func compiled(_ text: String) throws -> URL {
    let folder = root.url.appendingPathComponent("fresh-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: folder.appendingPathComponent("model"))
    return folder
  }

  private func text(_ place: URL) throws -> String {
    try String(contentsOf: place.appendingPathComponent("model"), encoding: .utf8)
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("an artifact is compiled once, and another one beside it")
  func onceEach() async throws {
    let first = try await cache.model(sha256: "aa") { try compiled("a") }
    let again = try await cache.model(sha256: "aa") {
      Issue.record("compiled again")
      return try compiled("x")
    }
    let other = try await cache.model(sha256: "bb") { try compiled("b") }
    #expect(first == again)
    #expect(try text(first) == "a")
    #expect(try text(other) == "b")
    #expect(try names(cache.folder) == ["aa.mlmodelc", "bb.mlmodelc"])
  }

  @Test("nothing is left of a compilation that fails")
  func failure() async throws {
    struct Failure: Error {}
    await #expect(throws: Failure.self) { try await cache.model(sha256: "aa") { throw Failure() } }
    #expect(try names(cache.folder).isEmpty)
  }

  @Test("of two that compile at once the second takes what the first made")
  func race() async throws {
    let place = try await cache.model(sha256: "aa") {
      _ = try await cache.model(sha256: "aa") { try compiled("first") }
      return try compiled("second")
    }
    #expect(try text(place) == "first")
    #expect(try names(root.url) == ["cache"])
  }

  @Test("the least recently used ones are removed, and other files stay")
  func stale() async throws {
    for (age, name) in [(30, "aa"), (20, "bb")] {
      let place = try await cache.model(sha256: name) { try compiled(name) }
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: TimeInterval(-age))], ofItemAtPath: place.path)
    }
    try Data().write(to: cache.folder.appendingPathComponent("note.txt"))
    // Used now, so it's the younger one.
    _ = try await cache.model(sha256: "aa") { try compiled("x") }
    _ = try await cache.model(sha256: "cc") { try compiled("cc") }
    #expect(try names(cache.folder) == ["aa.mlmodelc", "cc.mlmodelc", "note.txt"])
  }

  @Test("a removed one is compiled again")
  func removed() async throws {
    _ = try await cache.model(sha256: "aa") { try compiled("old") }
    cache.remove(sha256: "aa")
    let place = try await cache.model(sha256: "aa") { try compiled("new") }
    #expect(try text(place) == "new")
  }
}

/// A folder that is removed when nobody uses it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("dvfl-coreml-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
