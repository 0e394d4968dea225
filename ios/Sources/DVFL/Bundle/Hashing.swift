import Foundation

#if canImport(CryptoKit)
  import CryptoKit
#endif

/// Lower-case hexadecimal sha256 of a file, or of a folder's listing: the UTF-8 lines
/// `<sha256>  <relative path>\n` of its files, sorted by path.
func sha256(of path: URL) throws -> String {
  var isFolder: ObjCBool = false
  _ = FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder)
  if !isFolder.boolValue { return try sha256(ofFile: path) }
  let names = try FileManager.default.subpathsOfDirectory(atPath: path.path)
    .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  var listing = ""
  for name in names {
    let file = path.appendingPathComponent(name)
    let exists = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
    if exists, !isFolder.boolValue { listing += "\(try sha256(ofFile: file))  \(name)\n" }
  }
  var digest = SHA256Digest()
  digest.update(Data(listing.utf8))
  return digest.hexadecimal()
}

private func sha256(ofFile file: URL) throws -> String {
  let handle = try FileHandle(forReadingFrom: file)
  defer { try? handle.close() }
  var digest = SHA256Digest()
  while let block = try handle.read(upToCount: 1 << 20), !block.isEmpty { digest.update(block) }
  return digest.hexadecimal()
}

#if canImport(CryptoKit)
  private struct SHA256Digest {
    private var hash = SHA256()
    mutating func update(_ data: Data) { hash.update(data: data) }
    func hexadecimal() -> String { hash.finalize().map { String(format: "%02x", $0) }.joined() }
  }
#endif
