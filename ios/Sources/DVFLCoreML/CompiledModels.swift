import Foundation

/// Compiled Core ML models in a folder that the system may empty, one for each sha256 of an artifact.
///
/// Compiling takes seconds, so it's done once. An entry appears whole or not at all: it's compiled elsewhere and
/// then renamed. The least recently used ones above ``most`` are removed.
struct CompiledModels: Sendable {
  /// Where they lie.
  let folder: URL
  /// How many stay.
  let most: Int

  init(folder: URL, most: Int = 4) {
    self.folder = folder
    self.most = most
  }

  private static let ending = ".mlmodelc"

  /// Where the compiled model of an artifact lies, if it does.
  func place(sha256: String) -> URL {
    folder.appendingPathComponent(sha256 + Self.ending, isDirectory: true)
  }

  /// The compiled model of an artifact; `compile` makes one, in a folder of its own, if it's not there yet.
  func model(sha256: String, compile: () async throws -> URL) async throws -> URL {
    let place = place(sha256: sha256)
    let files = FileManager.default
    if !files.fileExists(atPath: place.path) {
      try files.createDirectory(at: folder, withIntermediateDirectories: true)
      let fresh = try await compile()
      do {
        try files.moveItem(at: fresh, to: place)
      } catch {
        try? files.removeItem(at: fresh)
        // Another task may have been faster.
        guard files.fileExists(atPath: place.path) else { throw error }
      }
    }
    try? files.setAttributes([.modificationDate: Date()], ofItemAtPath: place.path)
    removeStale(but: place)
    return place
  }

  /// Forgets a compiled model that does not load.
  func remove(sha256: String) { try? FileManager.default.removeItem(at: place(sha256: sha256)) }

  private func removeStale(but kept: URL) {
    let files = FileManager.default
    let names = (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
    let others = names.filter { $0.hasSuffix(Self.ending) && $0 != kept.lastPathComponent }
    let aged = others.map { name in
      let path = folder.appendingPathComponent(name)
      let date = (try? files.attributesOfItem(atPath: path.path))?[.modificationDate] as? Date
      return (path: path, used: date ?? .distantPast)
    }
    for stale in aged.sorted(by: { $0.used > $1.used }).dropFirst(most - 1) {
      try? files.removeItem(at: stale.path)
    }
  }
}
