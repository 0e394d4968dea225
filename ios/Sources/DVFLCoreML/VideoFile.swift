import DVFL
import Foundation

/// What can be said of a video file without opening it as one.
enum VideoFile {
  /// Refuses a file that is missing, a folder, empty, or shorter than it says.
  ///
  /// - Throws: ``DVFLError`` of kind `video` that names the file.
  static func check(_ file: URL) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder) else {
      throw DVFLError(.video, "\(file.path): no such file", advice: "check the path")
    }
    if isFolder.boolValue {
      throw DVFLError(.video, "\(file.path): is a folder", advice: "give a video file")
    }
    let (size, declared): (UInt64, UInt64?)
    do {
      let handle = try FileHandle(forReadingFrom: file)
      defer { try? handle.close() }
      size = try handle.seekToEnd()
      declared = try declaredSize(handle, size: size)
    } catch {
      throw DVFLError(.video, "\(file.path): can't be read", advice: "check its permissions")
    }
    if size == 0 {
      throw DVFLError(.video, "\(file.path): is empty (0 bytes)", advice: "copy or record it again")
    }
    if let declared, declared > size {
      throw DVFLError(
        .video, "\(file.path): the video is damaged: it is cut off at \(size) of \(declared) bytes",
        advice: "copy it again or export it again")
    }
  }
}
