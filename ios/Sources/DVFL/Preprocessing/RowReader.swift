/// Gives R, G and B of the source pixels behind one output row.
protocol RowReader {
  /// Reads a row of the needed grid.
  ///
  /// - Parameters:
  ///   - row: counted as in ``Taps/both`` of the rows.
  ///   - pixels: receives red of every needed column, then green, then blue.
  mutating func read(row: Int, into pixels: UnsafeMutablePointer<UInt8>)
}

/// Reads and converts the needed pixels of a YUV frame. The frame and the scratch must outlive it.
struct YuvRowReader: RowReader {
  private let y: PlaneReader
  private let u: PlaneReader
  private let v: PlaneReader
  private let arithmetic: YuvArithmetic
  private let scratch: ScratchPointers
  /// Whether U and V have the same strides, as they have in nearly every frame.
  private let chromaIsAlike: Bool
  /// Where the chroma row lies whose terms are in the scratch: two luma rows often share one.
  private var chromaRow: (u: Int, v: Int)?

  init?(_ frame: Frame, plan: SourcePlan, arithmetic: YuvArithmetic, scratch: ScratchPointers) {
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
    y.gather(row: row, into: scratch.y)
    arithmetic.lumaTerms(scratch.y, count: count, into: scratch.lumaTerms)
    let wanted = (u: u.rows[row], v: v.rows[row])
    if chromaRow.map({ $0 != wanted }) ?? true {
      if chromaIsAlike {
        u.gather(row: row, into: scratch.u, and: v, into: scratch.v)
      } else {
        u.gather(row: row, into: scratch.u)
        v.gather(row: row, into: scratch.v)
      }
      arithmetic.chromaTerms(
        scratch.u, scratch.v, count: count, into: scratch.chromaTerms)
      chromaRow = wanted
    }
    for channel in 0..<3 {
      arithmetic.channel(
        scratch.lumaTerms, scratch.chromaTerms + channel * count, count: count,
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
  let columns: [Int]
  let rows: [Int]
  var count: Int { columns.count }

  init?(_ plane: Plane, _ offsets: PlaneOffsets?) {
    guard let offsets, let base = plane.bytes.baseAddress else { return nil }
    start = base.assumingMemoryBound(to: UInt8.self) + plane.offset
    columns = offsets.columns
    rows = offsets.rows
  }

  @inline(__always)
  func gather(row: Int, from first: Int = 0, into samples: UnsafeMutablePointer<UInt8>) {
    let source = start + (rows[row] + first)
    columns.withUnsafeBufferPointer { columns in
      for index in columns.indices { samples[index] = source[columns[index]] }
    }
  }

  /// The same for this plane and one of equal strides, in one loop.
  @inline(__always)
  func gather(
    row: Int, into samples: UnsafeMutablePointer<UInt8>, and other: PlaneReader,
    into others: UnsafeMutablePointer<UInt8>
  ) {
    let (source, otherSource) = (start + rows[row], other.start + rows[row])
    columns.withUnsafeBufferPointer { columns in
      for index in columns.indices {
        let column = columns[index]
        samples[index] = source[column]
        others[index] = otherSource[column]
      }
    }
  }
}
