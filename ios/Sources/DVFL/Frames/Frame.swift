/// A rectangle in stored pixels.
public struct Rect: Equatable, Sendable {
  /// First column.
  public let left: Int
  /// First row.
  public let top: Int
  /// Number of columns.
  public let width: Int
  /// Number of rows.
  public let height: Int

  /// A rectangle in stored pixels.
  public init(left: Int, top: Int, width: Int, height: Int) {
    self.left = left
    self.top = top
    self.width = width
    self.height = height
  }
}

/// One plane of 8-bit samples: sample (x, y) is byte `offset + y * rowStride + x * pixelStride`.
///
/// The memory may end right after the last sample. Two planes may share one interleaved buffer: for NV12, U has
/// `pixelStride` 2 and V the same with an `offset` of 1.
public struct Plane {
  /// The samples' memory. Borrowed memory must outlive every use of the plane.
  public let bytes: UnsafeRawBufferPointer
  /// Bytes from one row to the next.
  public let rowStride: Int
  /// Bytes from one sample to the next.
  public let pixelStride: Int
  /// Where sample (0, 0) lies.
  public let offset: Int
  private let owner: OwnedBytes?

  /// A plane in memory that the caller keeps alive and unchanged while it's used.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if a stride is less than 1, the offset is negative, or one of them is
  ///   2 GiB or more.
  public init(
    borrowing bytes: UnsafeRawBufferPointer, rowStride: Int, pixelStride: Int = 1, offset: Int = 0
  ) throws {
    try self.init(bytes, rowStride, pixelStride, offset, owner: nil)
  }

  /// A plane with a copy of its own.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if a stride is less than 1, the offset is negative, or one of them is
  ///   2 GiB or more.
  public init(copying bytes: [UInt8], rowStride: Int, pixelStride: Int = 1, offset: Int = 0) throws {
    let owner = OwnedBytes(bytes)
    try self.init(owner.bytes, rowStride, pixelStride, offset, owner: owner)
  }

  private init(
    _ bytes: UnsafeRawBufferPointer, _ rowStride: Int, _ pixelStride: Int, _ offset: Int, owner: OwnedBytes?
  ) throws {
    // Larger ones are a mistake, and byte positions made of them may not fit an integer.
    let most = Int(Int32.max)
    guard (1...most).contains(rowStride), (1...most).contains(pixelStride), (0...most).contains(offset) else {
      throw DVFLError(
        .frame, "row stride \(rowStride), pixel stride \(pixelStride), offset \(offset)",
        advice: "give positive strides and an offset of 0 or more, in bytes, all below 2 GiB")
    }
    self.bytes = bytes
    self.rowStride = rowStride
    self.pixelStride = pixelStride
    self.offset = offset
    self.owner = owner
  }

  func requireSamples(_ name: String, width: Int, height: Int) throws {
    let needed = offset + (height - 1) * rowStride + (width - 1) * pixelStride + 1
    guard bytes.count >= needed else {
      throw DVFLError(
        .frame,
        "\(name) plane of \(width)x\(height) samples with row stride \(rowStride), pixel stride "
          + "\(pixelStride) and offset \(offset) needs \(needed) bytes, the buffer has \(bytes.count)",
        advice: "pass the strides that the camera or decoder gave with the buffer")
    }
  }
}

/// A copy of some bytes that lives as long as the planes that use it.
final class OwnedBytes {
  let bytes: UnsafeRawBufferPointer

  init(_ source: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
    memory.copyBytes(from: source)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { bytes.deallocate() }
}

/// How a stored picture becomes an upright one: ``crop`` is cut out first, then turned clockwise by
/// ``rotation`` degrees, then, if ``mirrored``, flipped left-right.
public struct Orientation: Equatable, Sendable {
  /// The part to use, in stored pixels; nil is the whole picture.
  public let crop: Rect?
  /// Clockwise, in degrees: 0, 90, 180 or 270.
  public let rotation: Int
  /// Whether to flip left-right, as for a front camera; after the rotation.
  public let mirrored: Bool

  /// As stored, unless said otherwise.
  public init(crop: Rect? = nil, rotation: Int = 0, mirrored: Bool = false) {
    self.crop = crop
    self.rotation = rotation
    self.mirrored = mirrored
  }
}

/// A picture as a camera or decoder gives it. Pixels are read by the call that takes it and not kept.
public protocol VideoFrame {
  /// Presentation time in seconds; finite, 0 or more.
  var timeS: Double { get }
  /// Stored width in pixels.
  var width: Int { get }
  /// Stored height in pixels.
  var height: Int { get }
  /// How to show it upright.
  var orientation: Orientation { get }
}

extension VideoFrame {
  /// The crop rectangle, or the whole frame.
  var crop: Rect { orientation.crop ?? Rect(left: 0, top: 0, width: width, height: height) }
  /// Width as shown, after crop rectangle and rotation.
  var uprightWidth: Int { orientation.rotation % 180 == 0 ? crop.width : crop.height }
  /// Height as shown, after crop rectangle and rotation.
  var uprightHeight: Int { orientation.rotation % 180 == 0 ? crop.height : crop.width }

  func checkGeometry() throws {
    try checkTime(timeS)
    // A larger frame is a mistake, and its byte positions may not fit.
    let most = Limits.side
    guard (1...most).contains(width), (1...most).contains(height) else {
      throw DVFLError(
        .frame, "frame size \(width)x\(height)", advice: "each side must be 1...\(most) pixels")
    }
    guard [0, 90, 180, 270].contains(orientation.rotation) else {
      throw DVFLError(
        .frame, "rotation \(orientation.rotation)", advice: "it must be 0, 90, 180 or 270 degrees")
    }
    let inside =
      crop.left >= 0 && crop.top >= 0 && crop.width >= 1 && crop.height >= 1
      && crop.width <= width - crop.left && crop.height <= height - crop.top
    guard inside else {
      throw DVFLError(
        .frame, "crop \(crop) does not lie inside the \(width)x\(height) frame",
        advice: "give a rectangle in stored pixels")
    }
  }
}

/// Refuses a time that is not finite or negative.
func checkTime(_ timeS: Double) throws {
  guard timeS.isFinite, timeS >= 0 else {
    throw DVFLError(.frame, "presentation time \(timeS)", advice: "it must be finite and 0 s or more")
  }
}

/// A YUV 4:2:0 frame. Chroma planes have `(n + 1) / 2` samples per side.
public struct Frame: VideoFrame {
  /// Presentation time in seconds.
  public let timeS: Double
  /// Luma.
  public let y: Plane
  /// Blue difference.
  public let u: Plane
  /// Red difference.
  public let v: Plane
  /// Luma samples per row.
  public let width: Int
  /// Luma rows.
  public let height: Int
  /// How to show it upright.
  public let orientation: Orientation
  /// nil if the source doesn't say; preprocessing then takes the spec's default.
  public let matrix: ColorMatrix?
  /// nil if the source doesn't say.
  public let range: ColorRange?

  /// A frame of three planes.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if a plane is too short, or the size, crop rectangle, rotation or
  ///   time is not valid.
  public init(
    timeS: Double, y: Plane, u: Plane, v: Plane, width: Int, height: Int, orientation: Orientation = .init(),
    matrix: ColorMatrix? = nil, range: ColorRange? = nil
  ) throws {
    self.timeS = timeS
    self.y = y
    self.u = u
    self.v = v
    self.width = width
    self.height = height
    self.orientation = orientation
    self.matrix = matrix
    self.range = range
    try checkGeometry()
    try y.requireSamples("y", width: width, height: height)
    try u.requireSamples("u", width: (width + 1) / 2, height: (height + 1) / 2)
    try v.requireSamples("v", width: (width + 1) / 2, height: (height + 1) / 2)
  }
}

/// Where the channels of one stored RGB pixel lie, in memory order.
public enum RgbFormat: Sendable, CaseIterable {
  /// R, G, B.
  case rgb
  /// R, G, B, A.
  case rgba
  /// B, G, R, A: `kCVPixelFormatType_32BGRA`.
  case bgra

  /// Bytes of one pixel.
  public var pixelBytes: Int { self == .rgb ? 3 : 4 }
  var red: Int { self == .bgra ? 2 : 0 }
  var green: Int { 1 }
  var blue: Int { self == .bgra ? 0 : 2 }
}

/// An RGB picture; alpha is ignored.
public struct RgbFrame: VideoFrame {
  /// Presentation time in seconds.
  public let timeS: Double
  /// The pixels: pixel (x, y) begins at byte `offset + y * rowStride + x * format.pixelBytes`.
  public let pixels: Plane
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Order of the channels.
  public let format: RgbFormat
  /// How to show it upright.
  public let orientation: Orientation

  /// A picture of `pixels`, whose pixel stride is that of `format`.
  ///
  /// - Throws: ``DVFLError`` of kind `frame` if the buffer is too short, or the size, crop rectangle, rotation
  ///   or time is not valid.
  public init(
    timeS: Double, pixels: Plane, width: Int, height: Int, format: RgbFormat,
    orientation: Orientation = .init()
  ) throws {
    self.timeS = timeS
    self.pixels = pixels
    self.width = width
    self.height = height
    self.format = format
    self.orientation = orientation
    try checkGeometry()
    let needed = pixels.offset + (height - 1) * pixels.rowStride + width * format.pixelBytes
    guard pixels.bytes.count >= needed else {
      throw DVFLError(
        .frame,
        "\(format) picture of \(width)x\(height) with row stride \(pixels.rowStride) needs \(needed) bytes, "
          + "the buffer has \(pixels.bytes.count)", advice: "pass the buffer's own row stride and size")
    }
  }
}
