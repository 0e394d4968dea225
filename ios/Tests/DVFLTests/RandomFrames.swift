@testable import DVFL

/// The same numbers on every platform and in every run (Vigna's SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      for at in stride(from: 0, to: count, by: 8) {
        let word = next()
        for byte in at..<min(at + 8, count) {
          buffer[byte] = UInt8(truncatingIfNeeded: word >> (8 * (byte - at)))
        }
      }
      filled = count
    }
  }
}

/// A random frame whose buffers end with their last sample.
struct RandomFrame {
  /// One plane's random bytes and how they are laid out.
  struct Layout {
    let bytes: [UInt8]
    let rowStride: Int
    let pixelStride: Int
    let offset: Int
  }

  let width: Int
  let height: Int
  let orientation: Orientation
  let size: Int
  /// Y, U and V, or one of pixels.
  let planes: [Layout]
  let format: RgbFormat?
  let matrix: ColorMatrix?
  let range: ColorRange?

  /// Most are small; `sides` bounds the rest.
  init(_ random: inout SeededGenerator, sides: ClosedRange<Int>) {
    width = .random(in: sides, using: &random)
    height = .random(in: sides, using: &random)
    orientation = Self.orientation(width, height, &random)
    size = .random(in: 1...24, using: &random)
    let isBitmap = Int.random(in: 0..<4, using: &random) == 0
    format = isBitmap ? RgbFormat.allCases.randomElement(using: &random) : nil
    matrix = ([nil] + ColorMatrix.allCases).randomElement(using: &random) ?? nil
    range = ([nil] + ColorRange.allCases).randomElement(using: &random) ?? nil
    if let format {
      planes = [Self.layout(width, height, step: format.pixelBytes, sample: format.pixelBytes, &random)]
    } else {
      let chroma = ((width + 1) / 2, (height + 1) / 2)
      planes = [(width, height), chroma, chroma].map { size in
        Self.layout(size.0, size.1, step: .random(in: 1...3, using: &random), sample: 1, &random)
      }
    }
  }

  /// The frame; the buffer of plane `short` lacks its last byte.
  func frame(short: Int? = nil) throws -> any VideoFrame {
    let made = try planes.enumerated().map { index, layout in
      try Plane(
        copying: index == short ? Array(layout.bytes.dropLast()) : layout.bytes, rowStride: layout.rowStride,
        pixelStride: layout.pixelStride, offset: layout.offset)
    }
    if let format {
      return try RgbFrame(
        timeS: 1, pixels: made[0], width: width, height: height, format: format, orientation: orientation)
    }
    return try Frame(
      timeS: 1, y: made[0], u: made[1], v: made[2], width: width, height: height, orientation: orientation,
      matrix: matrix, range: range)
  }

  /// A line that lets one find the case again.
  var line: String {
    let strides = planes.map { "\($0.rowStride)/\($0.pixelStride)/\($0.offset)" }
    return "\(width)x\(height) \(orientation) to \(size), \(strides), \(String(describing: format)) "
      + "\(String(describing: matrix)) \(String(describing: range))"
  }

  private static func orientation(
    _ width: Int, _ height: Int, _ random: inout SeededGenerator
  ) -> Orientation {
    let rotation = [0, 90, 180, 270].randomElement(using: &random) ?? 0
    let mirrored = Bool.random(using: &random)
    guard Bool.random(using: &random) else { return Orientation(rotation: rotation, mirrored: mirrored) }
    let cut = (
      width: Int.random(in: 1...width, using: &random), height: Int.random(in: 1...height, using: &random)
    )
    let crop = Rect(
      left: .random(in: 0...width - cut.width, using: &random),
      top: .random(in: 0...height - cut.height, using: &random), width: cut.width, height: cut.height)
    return Orientation(crop: crop, rotation: rotation, mirrored: mirrored)
  }

  private static func layout(
    _ width: Int, _ height: Int, step: Int, sample: Int, _ random: inout SeededGenerator
  ) -> Layout {
    let padding = Bool.random(using: &random) ? 0 : Int.random(in: 0...17, using: &random)
    let rowStride = width * step + padding
    let offset = Bool.random(using: &random) ? 0 : Int.random(in: 0...9, using: &random)
    let count = offset + (height - 1) * rowStride + (width - 1) * step + sample
    return Layout(
      bytes: random.bytes(count), rowStride: rowStride, pixelStride: step, offset: offset)
  }
}
