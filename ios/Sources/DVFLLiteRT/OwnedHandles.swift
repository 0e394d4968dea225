import DVFL
import Foundation

/// Things to free, the last first.
final class OwnedHandles {
  private var releases: [() -> Void] = []

  func add(_ release: @escaping () -> Void) { releases.append(release) }

  deinit {
    for release in releases.reversed() { release() }
  }
}

/// LiteRT's answers.
enum LiteRtStatus {
  static let ok: Int32 = 0
  static let invalidArgument: Int32 = 1
  private static let names: [Int32: String] = [
    1: "invalid argument", 2: "out of memory", 3: "runtime failure", 4: "missing input tensor",
    5: "unsupported", 6: "not found", 8: "wrong version", 500: "file can't be read", 501: "no valid model",
    504: "compilation failed",
  ]

  static func check(_ status: Int32, _ path: String, _ what: String) throws {
    if status == ok { return }
    throw DVFLError(
      .engine, "\(path): LiteRT failed to \(what) (status \(status): \(names[status] ?? "unknown"))",
      advice: "convert again with the LiteRT that runs it, or update LiteRT")
  }
}

/// A whole file in read-only memory, paged in as it's read.
struct MappedFile {
  let bytes: UnsafeMutableRawPointer
  let count: Int

  /// Maps a file.
  ///
  /// - Throws: ``DVFLError`` of kind `engine` if it's empty or can't be read.
  init(_ path: String) throws {
    let problem = DVFLError(
      .engine, "\(path): LiteRT failed to make the model (the file is empty or can't be read)",
      advice: "copy the bundle again or convert again")
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw problem }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size > 0, let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED
    else { throw problem }
    bytes = memory
    count = size
  }

  /// Gives the memory back; nothing may use it afterwards.
  func unmap() { munmap(bytes, count) }
}
