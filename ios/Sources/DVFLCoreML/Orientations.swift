import DVFL

extension Orientation {
  /// The orientation of a TIFF or EXIF tag, which `CGImagePropertyOrientation.rawValue` is as well: 1...8.
  ///
  /// - Throws: `DVFLError` of kind `frame` for another number.
  public init(exif: UInt32, crop: Rect? = nil) throws {
    guard let (rotation, mirrored) = Self.exifTable[exif] else {
      throw DVFLError(.frame, "orientation tag \(exif)", advice: "it must be 1...8")
    }
    self.init(crop: crop, rotation: rotation, mirrored: mirrored)
  }

  /// The orientation of a display matrix: a stored point (p, q), y down, is shown at (a p + c q, b p + d q), but
  /// for a shift. `AVAssetTrack.preferredTransform` is one.
  ///
  /// - Throws: `DVFLError` of kind `video` if it tilts or shears.
  public init(displayMatrix matrix: (a: Double, b: Double, c: Double, d: Double)) throws {
    let values = [matrix.a, matrix.b, matrix.c, matrix.d]
    let largest = max(values.map(abs).max() ?? 0, .leastNormalMagnitude)
    let scaled = values.map { $0 / largest }
    let signs = scaled.map { $0.rounded() }
    // 0.01 of a right angle's sine forgives the rounding of the file's fixed-point numbers, not a tilt.
    let isTilted = zip(scaled, signs).contains { !(abs($0 - $1) <= 0.01) }
    let found = Self.matrixTable.first { $0.signs == signs }
    guard !isTilted, let found else {
      throw DVFLError(
        .video, "is shown tilted or sheared (\(values)), only multiples of 90 degrees are defined",
        advice: "export it again upright")
    }
    self.init(rotation: found.rotation, mirrored: found.mirrored)
  }

  private static let exifTable: [UInt32: (rotation: Int, mirrored: Bool)] = [
    1: (0, false), 2: (0, true), 3: (180, false), 4: (180, true), 5: (90, true), 6: (90, false),
    7: (270, true), 8: (270, false),
  ]

  /// a, b, c, d as signs: ISO/IEC 14496-12, 6.2.2.
  private static let matrixTable: [(signs: [Double], rotation: Int, mirrored: Bool)] = [
    ([1, 0, 0, 1], 0, false), ([0, 1, -1, 0], 90, false), ([-1, 0, 0, -1], 180, false),
    ([0, -1, 1, 0], 270, false), ([-1, 0, 0, 1], 0, true), ([0, 1, 1, 0], 90, true),
    ([1, 0, 0, -1], 180, true), ([0, -1, -1, 0], 270, true),
  ]
}
