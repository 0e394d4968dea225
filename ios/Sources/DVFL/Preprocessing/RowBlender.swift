/// The rows of an output from the rows of a reader: sums across, then between two rows, then interleaved.
struct RowBlender {
  let rule: BlendRule
  /// Pixels of an output row, and rows of an output.
  let size: Int

  /// Writes the whole output, `[size, size, 3]`, to `target`.
  func blend(
    _ reader: inout some RowReader, _ columns: ColumnWeights, _ rows: Taps, _ scratch: ScratchPointers,
    into target: UnsafeMutablePointer<UInt8>
  ) {
    for row in 0..<size {
      reader.read(row: row, into: scratch.pixels)
      across(scratch.pixels, columns, into: scratch.above)
      reader.read(row: size + row, into: scratch.pixels)
      across(scratch.pixels, columns, into: scratch.below)
      rule.down(
        scratch.above, scratch.below, Int32(rows.firstWeight[row]), Int32(rows.secondWeight[row]),
        count: 3 * size, into: scratch.blended)
      interleave(scratch.blended, into: target + row * size * 3)
    }
  }

  private func across(
    _ pixels: UnsafePointer<UInt8>, _ columns: ColumnWeights, into sums: UnsafeMutablePointer<Int32>
  ) {
    for channel in 0..<3 {
      rule.across(
        pixels + channel * 2 * size, columns.first, columns.second, count: size, into: sums + channel * size)
    }
  }

  private func interleave(_ blended: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<UInt8>) {
    let (red, green, blue) = (blended, blended + size, blended + 2 * size)
    for x in 0..<size {
      out[3 * x] = red[x]
      out[3 * x + 1] = green[x]
      out[3 * x + 2] = blue[x]
    }
  }
}

/// The weights of the columns, as many as an output row has pixels.
struct ColumnWeights {
  let first: UnsafePointer<Int16>
  let second: UnsafePointer<Int16>
}
