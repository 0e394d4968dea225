import DVFL
import Foundation
import Testing

@testable import DVFLCommands

/// The repository's root, where the golden files lie.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path
let goldenBundle = "\(repository)/spec/golden/bundle"

/// A folder of its own, removed with the value.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("dvfl-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// A copy of the golden bundle.
  func bundle() throws -> String {
    try FileManager.default.copyItem(atPath: goldenBundle, toPath: path("bundle"))
    return path("bundle")
  }
}

/// Answers a reference clip with its own logits, changed by a closure.
struct ReplayProvider: EngineProvider {
  let target = "litert"
  let obstacle: String? = nil
  var change: @Sendable ([Float]) -> [Float] = { $0 }

  func load(_ bundle: ActionBundle, _ artifact: Artifact, threads: Int?) async throws -> sending any Engine {
    let known = try bundle.manifest.referenceVectors.map { vector in
      (try bundle.referenceClip(vector).pixels, vector.logits.map { Float($0) })
    }
    return Replay(known: known, classes: bundle.manifest.labels.count, change: change)
  }
}

private struct Replay: Engine {
  let known: [([UInt8], [Float])]
  let classes: Int
  let change: @Sendable ([Float]) -> [Float]

  func run(_ clip: Clip) async throws -> [Float] {
    // An unknown clip's first class wins, the brighter the surer.
    let found =
      known.first { $0.0 == clip.pixels }?.1
      ?? [Float(clip.pixels[0])] + Array(repeating: 0, count: classes - 1)
    return change(found)
  }

  func close() {}
}

/// `dvfl` with an engine that answers as the reference does.
func dvfl(
  _ arguments: String..., change: @escaping @Sendable ([Float]) -> [Float] = { $0 }
) async -> CommandResult {
  await run(arguments: arguments) { _ in [ReplayProvider(change: change)] }
}
