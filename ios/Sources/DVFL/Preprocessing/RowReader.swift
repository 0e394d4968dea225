/// Gives R, G and B of the source pixels behind one output row.
protocol RowReader {
  /// Reads a row of the needed grid.
  ///
  /// - Parameters:
  ///   - row: counted as in ``Taps/both`` of the rows.
  ///   - pixels: receives red of every needed column, then green, then blue.
  mutating func read(row: Int, into pixels: UnsafeMutablePointer<UInt8>)
}

/// Scratch for rows of YUV frames: nothing in it outlives a frame but its memory.
final class YuvScratch {
  let y: Memory<UInt8>
  let u: Memory<UInt8>
  let v: Memory<UInt8>
  let lumaTerms: Memory<Int32>
  let chromaTerms: Memory<Int32>

  init(columns: Int) {
    y = Memory(repeating: 0, count: columns)
    u = Memory(repeating: 0, count: columns)
    v = Memory(repeating: 0, count: columns)
    lumaTerms = Memory(repeating: 0, count: columns)
    chromaTerms = Memory(repeating: 0, count: 3 * columns)
  }
}

/// Reads and converts the needed pixels of a YUV frame. The frame must outlive it.
struct YuvRowReader: RowReader {
  private let y: PlaneReader
  private let u: PlaneReader
  private let v: PlaneReader
  private let arithmetic: YuvArithmetic
  private let scratch: YuvScratch
  /// Whether U and V have the same strides, as they have in nearly every frame.
  private let chromaIsAlike: Bool
  /// Where the chroma row lies whose terms are in the scratch: two luma rows often share one.
  private var chromaRow: (u: Int, v: Int)?

  init?(_ frame: Frame, plan: SourcePlan, arithmetic: YuvArithmetic, scratch: YuvScratch) {
    guard let y = PlaneReader(frame.y, plan.main), let u = PlaneReader(frame.u, plan.u),
      let v = PlaneReader(frame.v, plan.v)
    else { return nil }
    (self.y, self.u, self.v) = (y, u, v)
    self.arithmetic = arithmetic
    self.scratch = scratch
    chromaIsAlike = plan.geometry.u == plan.geometry.v
  }

  mutating func read(row: Int, into pixels: UnsafeMutablePointer<UInt8>) {
    let count = y.count
    y.gather(row: row, into: scratch.y.start)
    arithmetic.lumaTerms(scratch.y.start, count: count, into: scratch.lumaTerms.start)
    let wanted = (u: u.rows[row], v: v.rows[row])
    if chromaRow.map({ $0 != wanted }) ?? true {
      if chromaIsAlike {
        u.gather(row: row, into: scratch.u.start, and: v, into: scratch.v.start)
      } else {
        u.gather(row: row, into: scratch.u.start)
        v.gather(row: row, into: scratch.v.start)
      }
      arithmetic.chromaTerms(
        scratch.u.start, scratch.v.start, count: count, into: scratch.chromaTerms.start)
      chromaRow = wanted
    }
    for channel in 0..<3 {
      arithmetic.channel(
        scratch.lumaTerms.start, scratch.chromaTerms.start + channel * count, count: count,
        into: pixels + channel * count)
    }
  }
}

/// Reads the needed pixels of a bitmap. The bitmap must outlive it.
struct BitmapRowReader: RowReader {
  private let pixels: PlaneReader
  private let format: RgbFormat

  init?(_ frame: RgbFrame, plan: SourcePlan) {
    guard let pixels = PlaneReader(frame.pixels, plan.main) else { return nil }
    self.pixels = pixels
    format = frame.format
  }

  mutating func read(row: Int, into out: UnsafeMutablePointer<UInt8>) {
    let count = pixels.count
    pixels.gather(row: row, from: format.red, into: out)
    pixels.gather(row: row, from: format.green, into: out + count)
    pixels.gather(row: row, from: format.blue, into: out + 2 * count)
  }
}

/// Reads the needed samples of one plane.
private struct PlaneReader {
  let start: UnsafePointer<UInt8>
  let columns: UnsafePointer<Int>
  let rows: UnsafePointer<Int>
  let count: Int

  init?(_ plane: Plane, _ offsets: PlaneOffsets?) {
    guard let offsets, let base = plane.bytes.baseAddress else { return nil }
    start = base.assumingMemoryBound(to: UInt8.self) + plane.offset
    columns = UnsafePointer(offsets.columns.start)
    rows = UnsafePointer(offsets.rows.start)
    count = offsets.columns.count
  }

  @inline(__always)
  func gather(row: Int, from first: Int = 0, into samples: UnsafeMutablePointer<UInt8>) {
    let source = start + (rows[row] + first)
    for index in 0..<count { samples[index] = source[columns[index]] }
  }

  /// The same for this plane and one of equal strides, in one loop.
  @inline(__always)
  func gather(
    row: Int, into samples: UnsafeMutablePointer<UInt8>, and other: PlaneReader,
    into others: UnsafeMutablePointer<UInt8>
  ) {
    let (source, otherSource) = (start + rows[row], other.start + rows[row])
    for index in 0..<count {
      let column = columns[index]
      samples[index] = source[column]
      others[index] = otherSource[column]
    }
  }
}
