import DVFL
import DVFLLiteRT
import Foundation
import Testing

/// The repository's root, where the golden files lie.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// The LiteRT library that these tests run: `$DVFL_LITERT_LIBRARY`, or that of the repository's Python environment.
enum Runtime {
  static let missing: Comment = "no libLiteRt.so: run 'make setup' or set DVFL_LITERT_LIBRARY to its path"
  /// Skips a test, and says why, where there is no library.
  static var isNeeded: ConditionTrait { .enabled(if: library != nil, missing) }
  static let isContinuousIntegration = ProcessInfo.processInfo.environment["CI"] == "true"

  static let library: URL? = {
    if let given = ProcessInfo.processInfo.environment["DVFL_LITERT_LIBRARY"] {
      return URL(fileURLWithPath: given)
    }
    let environments = repository.appendingPathComponent(".venv/lib")
    let pythons = (try? FileManager.default.contentsOfDirectory(atPath: environments.path)) ?? []
    return pythons.filter { $0.hasPrefix("python3") }.sorted()
      .map { environments.appendingPathComponent("\($0)/site-packages/ai_edge_litert/libLiteRt.so") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }()

  static var provider: LiteRTProvider {
    LiteRTProvider(LiteRTOptions(library: library.map(LiteRTLibrary.file) ?? .linked))
  }
}

/// The golden bundle, or a copy to spoil.
struct GoldenBundle {
  static let root = repository.appendingPathComponent("spec/golden/bundle")

  static func open() throws -> ActionBundle { try ActionBundle(at: root) }

  /// A copy that lives as long as `folder`.
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.root.path) {
      try FileManager.default.copyItem(
        at: Self.root.appendingPathComponent(name), to: folder.url.appendingPathComponent(name))
    }
  }

  func url(_ name: String) -> URL { folder.url.appendingPathComponent(name) }

  /// Replaces text of the manifest, and says whether it was there.
  func editManifest(_ old: String, _ new: String) throws -> Bool {
    let text = try String(contentsOf: url("manifest.json"), encoding: .utf8)
    try text.replacingOccurrences(of: old, with: new)
      .write(to: url("manifest.json"), atomically: true, encoding: .utf8)
    return text.contains(old)
  }
}

/// A folder that is removed when nobody uses it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("dvfl-litert-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
