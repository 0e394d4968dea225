import Foundation

/// An opened bundle: a folder made by `dvfl convert`, and its validated manifest.
///
/// Python and Kotlin call it `Bundle`; that name is Foundation's in Swift.
public struct ActionBundle: Equatable, Sendable {
  /// Name of the manifest in a bundle.
  public static let manifestFile = "manifest.json"

  /// The folder.
  public let root: URL
  /// What it holds.
  public let manifest: Manifest

  /// Reads and validates the manifest of a bundle folder. Artifacts are hashed when they are used, by
  /// ``verified(_:)``.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if the folder or manifest is missing, malformed or of another
  ///   schema version.
  public init(at root: URL) throws {
    self.root = root
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw DVFLError(.bundle, "\(root.path): no such bundle folder", advice: "make one with 'dvfl convert'")
    }
    manifest = try Self.readManifest(root.appendingPathComponent(Self.manifestFile))
  }

  /// The file or folder of `stored`.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if it's missing, or if a link leads out of the bundle.
  public func resolve(_ stored: StoredFile) throws -> URL {
    let path = real(real(root).appendingPathComponent(stored.file))
    guard isInside(path) else { throw leadsOut(stored.file) }
    guard FileManager.default.fileExists(atPath: path.path) else {
      throw DVFLError(
        .bundle, "\(root.path): '\(stored.file)' is missing", advice: "copy the whole folder again")
    }
    return path
  }

  /// Like ``resolve(_:)``, after comparing the sha256.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if the bytes are not those that the converter wrote, can't be read, or
  ///   a link inside a folder leads out of the bundle.
  public func verified(_ stored: StoredFile) throws -> URL {
    let path = try resolve(stored)
    try checkLinks(of: path, stored)
    guard let found = try? sha256(of: path) else {
      throw DVFLError(
        .bundle, "\(root.path): '\(stored.file)' can't be read", advice: "check its permissions")
    }
    guard found == stored.sha256 else {
      throw DVFLError(
        .bundle, "\(root.path): '\(stored.file)' was changed after conversion (sha256 differs)",
        advice: "copy the bundle again or convert again")
    }
    return path
  }

  /// The artifact of a target; without a `precision`, the first that did not fail its parity gate.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if the bundle holds no such artifact.
  public func artifact(target: String, precision: Precision? = nil) throws -> Artifact {
    let ofTarget = manifest.artifacts.filter { $0.target == target }
    let found =
      precision.map { wanted in ofTarget.first { $0.precision == wanted } }
      ?? ofTarget.first { $0.parity.status != .failed } ?? ofTarget.first
    if let found, precision == nil || found.precision == precision { return found }
    let held = manifest.artifacts.map(\.name).joined(separator: ", ")
    let wanted = precision.map { "\(target)-\($0.rawValue)" } ?? target
    throw DVFLError(
      .bundle, "\(root.path): no artifact '\(wanted)'",
      advice: "this bundle holds: \(held.isEmpty ? "none" : held)")
  }

  /// A reference vector's clip; its frames have the times 0, 1, 2, ... since the manifest keeps none.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if the file is missing, changed or of another size.
  public func referenceClip(_ vector: ReferenceVector) throws -> Clip {
    let path = try verified(vector.stored)
    let expected = vector.shape.reduce(1, *)
    guard let raw = gunzipped(try Data(contentsOf: path), expecting: expected) else {
      throw DVFLError(
        .bundle, "\(path.path): is not a gzip file of \(expected) bytes (\(vector.shape))",
        advice: "convert again")
    }
    return try Clip(
      pixels: raw, frames: vector.shape[0], height: vector.shape[1], width: vector.shape[2],
      timesS: (0..<vector.shape[0]).map(Double.init))
  }

  /// Refuses a folder that holds a link which leads out of the bundle, or nowhere.
  private func checkLinks(of folder: URL, _ stored: StoredFile) throws {
    for name in FileManager.default.subpaths(atPath: folder.path) ?? [] {
      let path = folder.appendingPathComponent(name)
      let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: path.path)) != nil
      let leadsIn = FileManager.default.fileExists(atPath: path.path) && isInside(real(path))
      if isLink, !leadsIn { throw leadsOut("\(stored.file)/\(name)") }
    }
  }

  /// Whether a path without links lies in the bundle.
  private func isInside(_ path: URL) -> Bool { path.path.hasPrefix(real(root).path + "/") }

  private func real(_ path: URL) -> URL { path.resolvingSymlinksInPath().standardizedFileURL }

  private func leadsOut(_ name: String) -> DVFLError {
    DVFLError(.bundle, "\(root.path): '\(name)' leads outside the bundle", advice: "convert again")
  }

  private static func readManifest(_ file: URL) throws -> Manifest {
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw DVFLError(
        .bundle, "\(file.deletingLastPathComponent().path): no \(manifestFile), so this is no bundle",
        advice: "make one with 'dvfl convert'")
    }
    guard let data = try? Data(contentsOf: file) else {
      throw DVFLError(.bundle, "\(file.path): can't be read", advice: "copy the bundle again")
    }
    try checkVersion(data, file)
    do {
      let manifest = try StrictJSON.decode(Manifest.self, from: data)
      if let problem = manifest.problem {
        throw DVFLError(.bundle, "\(file.path): \(problem)", advice: "convert again")
      }
      return manifest
    } catch let problem as StrictJSON.Problem {
      throw DVFLError(
        .bundle, "\(file.path): \(problem.line)", advice: "copy the bundle again or convert again")
    }
  }

  private static func checkVersion(_ data: Data, _ file: URL) throws {
    struct Version: Decodable { let schemaVersion: Int? }
    guard let version = try? StrictJSON.read(Version.self, from: data) else { return }
    guard version.schemaVersion == Manifest.schemaVersion else {
      let found = version.schemaVersion.map(String.init) ?? "missing"
      throw DVFLError(
        .bundle, "\(file.path): schema version \(found), this SDK reads \(Manifest.schemaVersion)",
        advice: "convert again or use the SDK of the dvfl that wrote it")
    }
  }
}
