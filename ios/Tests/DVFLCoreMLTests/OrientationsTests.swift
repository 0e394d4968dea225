import Foundation
import Testing

@testable import DVFL
@testable import DVFLCoreML

/// Orientation tables, against what the standards say in words and numbers.
struct OrientationsTests {
  private struct Point: Hashable {
    let x: Int
    let y: Int
  }

  private let width = 5
  private let height = 3

  /// Where an upright pixel is stored: the table of `spec/README.md`.
  private func stored(_ orientation: Orientation, _ upright: Point) -> Point {
    let uprightWidth = orientation.rotation % 180 == 0 ? width : height
    let (x, y) = (orientation.mirrored ? uprightWidth - 1 - upright.x : upright.x, upright.y)
    return switch orientation.rotation {
    case 90: Point(x: y, y: height - 1 - x)
    case 180: Point(x: width - 1 - x, y: height - 1 - y)
    case 270: Point(x: width - 1 - y, y: x)
    default: Point(x: x, y: y)
    }
  }

  private func uprights(_ orientation: Orientation) -> [Point] {
    let turned = orientation.rotation % 180 != 0
    let (columns, rows) = turned ? (height, width) : (width, height)
    return (0..<rows).flatMap { y in (0..<columns).map { Point(x: $0, y: y) } }
  }

  /// TIFF 6.0: where the stored row 0 and the stored column 0 lie in the upright picture.
  private static let tiff: [(tag: UInt32, row0: String, column0: String)] = [
    (1, "top", "left"), (2, "top", "right"), (3, "bottom", "right"), (4, "bottom", "left"),
    (5, "left", "top"), (6, "right", "top"), (7, "right", "bottom"), (8, "left", "bottom"),
  ]

  private func isOn(_ side: String, _ point: Point, of orientation: Orientation) -> Bool {
    let turned = orientation.rotation % 180 != 0
    let (columns, rows) = turned ? (height, width) : (width, height)
    return switch side {
    case "top": point.y == 0
    case "bottom": point.y == rows - 1
    case "left": point.x == 0
    default: point.x == columns - 1
    }
  }

  @Test("every EXIF tag puts row 0 and column 0 where TIFF says", arguments: 0..<8)
  func exifTags(_ index: Int) throws {
    let (tag, row0, column0) = Self.tiff[index]
    let orientation = try Orientation(exif: tag)
    for upright in uprights(orientation) {
      let source = stored(orientation, upright)
      #expect((source.y == 0) == isOn(row0, upright, of: orientation))
      #expect((source.x == 0) == isOn(column0, upright, of: orientation))
    }
  }

  @Test("the eight tags are eight different orientations, and a crop is kept")
  func allDiffer() throws {
    let all = try (1...8).map { try Orientation(exif: UInt32($0)) }
    for (index, one) in all.enumerated() { #expect(!all[..<index].contains(one)) }
    let crop = Rect(left: 1, top: 2, width: 3, height: 4)
    #expect(try Orientation(exif: 6, crop: crop).crop == crop)
  }

  @Test("other tags are refused", arguments: [0, 9, UInt32.max])
  func otherTags(_ tag: UInt32) {
    #expect(throws: DVFLError.self) { try Orientation(exif: tag) }
  }

  private typealias Matrix = (a: Double, b: Double, c: Double, d: Double)
  private static let right: [Matrix] = [
    (1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1),
    (0, -1, -1, 0),
  ]

  @Test("every right-angled matrix shows a stored point where ISO 14496-12 says", arguments: 0..<8)
  func matrices(_ index: Int) throws {
    let matrix = Self.right[index]
    let orientation = try Orientation(displayMatrix: matrix)
    // A matrix has a shift as well, which puts the picture's corner at 0.
    let shown = { (source: Point) in
      Point(
        x: Int(matrix.a) * source.x + Int(matrix.c) * source.y,
        y: Int(matrix.b) * source.x + Int(matrix.d) * source.y)
    }
    let all = uprights(orientation)
    let places = all.map { shown(stored(orientation, $0)) }
    let shift = Point(x: places.map(\.x).min() ?? 0, y: places.map(\.y).min() ?? 0)
    for (upright, place) in zip(all, places) {
      #expect(Point(x: place.x - shift.x, y: place.y - shift.y) == upright)
    }
  }

  @Test("a scaled matrix with the rounding of fixed-point numbers is taken")
  func rounding() throws {
    #expect(try Orientation(displayMatrix: (0.00002, 2, -2, -0.00003)) == Orientation(rotation: 90))
    #expect(try Orientation(displayMatrix: (65536, 0, 0, 65536)) == Orientation())
  }

  @Test(
    "a tilted, sheared, empty or infinite matrix is refused",
    arguments: [
      [0.7, 0.7, -0.7, 0.7], [1, 0.3, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0.5], [.nan, 0, 0, 1],
      [.infinity, 0, 0, 1],
    ])
  func otherMatrices(_ values: [Double]) {
    #expect(throws: DVFLError.self) {
      try Orientation(displayMatrix: (values[0], values[1], values[2], values[3]))
    }
  }
}
