import DVFL
import Foundation

/// A file of raw 4:2:0 frames without padding, one after the other.
struct RawVideo {
  /// Order of the planes.
  enum Format: String, CaseIterable { case i420, nv12 }

  let file: URL
  let width: Int
  let height: Int
  let frames: Int
  var fps = 30.0
  var format = Format.i420
  var matrix: ColorMatrix?
  var range: ColorRange?
  var rotation = 0

  private var chromaWidth: Int { (width + 1) / 2 }
  private var chromaBytes: Int { chromaWidth * ((height + 1) / 2) }
  private var frameBytes: Int { width * height + 2 * chromaBytes }

  /// The model's input, from the frames that the spec asks for; only those are read.
  ///
  /// - Throws: ``DVFLError`` of kind `video` if the file is missing or has another size than its frames.
  func clip(_ spec: PreprocessingSpec) throws -> Clip {
    let most = 1 << 14
    guard width <= most, height <= most, frames <= 1 << 24 else {
      throw UsageError("\(frames) frames of \(width) x \(height) are too many or too large")
    }
    let handle = try open()
    defer { try? handle.close() }
    var builder = try ClipBuilder(frameCount: frames, spec: spec)
    for index in 0..<frames where builder.wants(index) {
      try builder.add(try frame(index, from: handle), at: index)
    }
    return try builder.finish()
  }

  private func open() throws -> FileHandle {
    let size = (try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? NSNumber)?.intValue
    guard let size, let handle = try? FileHandle(forReadingFrom: file) else {
      throw DVFLError(.video, "\(file.path): cannot be read", advice: "give a file of raw planes")
    }
    guard size == frames * frameBytes else {
      let held = size % frameBytes == 0 ? "that is \(size / frameBytes) frames" : "that is no whole number"
      throw DVFLError(
        .video,
        "\(file.path): \(size) bytes, but \(frames) frames of \(width) x \(height) need "
          + "\(frames * frameBytes)", advice: "\(held) of \(frameBytes) bytes; check the options")
    }
    return handle
  }

  private func frame(_ index: Int, from handle: FileHandle) throws -> Frame {
    try handle.seek(toOffset: UInt64(index * frameBytes))
    guard let data = try handle.read(upToCount: frameBytes), data.count == frameBytes else {
      throw DVFLError(.video, "\(file.path): frame \(index) is cut off", advice: "write the file again")
    }
    let bytes = [UInt8](data)
    let luma = width * height
    let y = try Plane(copying: Array(bytes[..<luma]), rowStride: width)
    let (u, v) = try chroma(Array(bytes[luma...]))
    return try Frame(
      timeS: Double(index) / fps, y: y, u: u, v: v, width: width, height: height,
      orientation: Orientation(rotation: rotation), matrix: matrix, range: range)
  }

  private func chroma(_ bytes: [UInt8]) throws -> (Plane, Plane) {
    switch format {
    case .i420:
      (
        try Plane(copying: bytes, rowStride: chromaWidth),
        try Plane(copying: bytes, rowStride: chromaWidth, offset: chromaBytes)
      )
    case .nv12:
      (
        try Plane(copying: bytes, rowStride: 2 * chromaWidth, pixelStride: 2),
        try Plane(copying: bytes, rowStride: 2 * chromaWidth, pixelStride: 2, offset: 1)
      )
    }
  }
}
