/// How the samples of one plane lie in memory, from its sample (0, 0) on.
struct PlaneLayout: Equatable {
  let rowStride: Int
  let pixelStride: Int
}

/// All that decides which bytes of a frame are read: frames of equal geometry share a ``SourcePlan``.
struct SourceGeometry: Equatable {
  let width: Int
  let height: Int
  let crop: Rect
  let rotation: Int
  let mirrored: Bool
  /// Luma, or the pixels of a bitmap.
  let main: PlaneLayout
  /// Chroma, which a bitmap has not.
  let u: PlaneLayout?
  let v: PlaneLayout?
}

extension Frame {
  var geometry: SourceGeometry { sourceGeometry(main: y.layout, u: u.layout, v: v.layout) }
}

extension RgbFrame {
  var geometry: SourceGeometry {
    sourceGeometry(
      main: PlaneLayout(rowStride: pixels.rowStride, pixelStride: format.pixelBytes), u: nil, v: nil)
  }
}

extension Plane {
  fileprivate var layout: PlaneLayout { PlaneLayout(rowStride: rowStride, pixelStride: pixelStride) }
}

extension VideoFrame {
  fileprivate func sourceGeometry(main: PlaneLayout, u: PlaneLayout?, v: PlaneLayout?) -> SourceGeometry {
    SourceGeometry(
      width: width, height: height, crop: crop, rotation: orientation.rotation,
      mirrored: orientation.mirrored, main: main, u: u, v: v)
  }
}

/// Where the needed samples of one plane lie: the one at column `c` and row `r` of the needed grid is byte
/// `columns[c] + rows[r]` from sample (0, 0). Rotation only exchanges which stride goes to which of the two.
struct PlaneOffsets {
  let columns: [Int]
  let rows: [Int]
}

/// What is the same for all frames of one geometry: weights, and where the bytes behind the output lie.
///
/// The needed grid has the columns and rows of ``Taps/both``: first all first positions, then all second ones.
final class SourcePlan: Sendable {
  let geometry: SourceGeometry
  let rowTaps: Taps
  let main: PlaneOffsets
  let u: PlaneOffsets?
  let v: PlaneOffsets?
  private let columnTaps: Taps

  init(_ geometry: SourceGeometry, _ spec: PreprocessingSpec) {
    self.geometry = geometry
    let (crop, rotation) = (geometry.crop, geometry.rotation)
    let transposed = rotation % 180 != 0
    let (width, height) = transposed ? (crop.height, crop.width) : (crop.width, crop.height)
    let shortest = min(width, height)
    let columns = Taps(
      source: width, target: resizedSide(width, shortest: shortest, rule: spec.resize),
      edge: .clampPosition, spec: spec)
    let rows = Taps(
      source: height, target: resizedSide(height, shortest: shortest, rule: spec.resize),
      edge: .clampRowsKeepWeights, spec: spec)
    columnTaps = columns
    rowTaps = rows
    // Undoes the mirroring, then the clockwise rotation, then the crop rectangle: the table in spec/README.md.
    let grid = NeededGrid(
      columns: stored(
        columns.both, from: transposed ? crop.top : crop.left, length: width,
        reversed: geometry.mirrored != (rotation == 90 || rotation == 180)),
      rows: stored(
        rows.both, from: transposed ? crop.left : crop.top, length: height, reversed: rotation >= 180),
      transposed: transposed)
    main = grid.offsets(geometry.main)
    let (shiftX, shiftY) = (spec.color.chromaShiftX, spec.color.chromaShiftY)
    u = geometry.u.map { grid.offsets($0, shiftX, shiftY) }
    v = geometry.v.map { grid.offsets($0, shiftX, shiftY) }
  }

  /// The weights of the columns as pointers, which are valid during `body` only.
  func withColumnWeights(_ body: (ColumnWeights) -> Void) {
    columnTaps.firstWeight.withUnsafeBufferPointer { first in
      columnTaps.secondWeight.withUnsafeBufferPointer { second in
        guard let first = first.baseAddress, let second = second.baseAddress else { return }
        body(ColumnWeights(first: first, second: second))
      }
    }
  }
}

/// Stored positions of the needed columns and rows; `transposed`: a stored row is an upright column.
private struct NeededGrid {
  let columns: [Int]
  let rows: [Int]
  let transposed: Bool

  /// A plane of half the width has `shiftX` 1, one of full width 0; `shiftY` likewise.
  func offsets(_ layout: PlaneLayout, _ shiftX: Int = 0, _ shiftY: Int = 0) -> PlaneOffsets {
    let alongRow = { (position: Int) in (position >> shiftX) * layout.pixelStride }
    let alongColumn = { (position: Int) in (position >> shiftY) * layout.rowStride }
    return PlaneOffsets(
      columns: columns.map(transposed ? alongColumn : alongRow),
      rows: rows.map(transposed ? alongRow : alongColumn))
  }
}

private func stored(_ upright: [Int], from start: Int, length: Int, reversed: Bool) -> [Int] {
  upright.map { start + (reversed ? length - 1 - $0 : $0) }
}
