/// What a frame's preprocessing needs in between. A value, so that it can be part of state that threads share.
struct Scratch: Sendable {
  private let size: Int
  private var bytes: [UInt8]
  private var sums: [Int32]

  /// Scratch for output rows of `size` pixels.
  init(size: Int) {
    self.size = size
    bytes = [UInt8](repeating: 0, count: 15 * size)
    sums = [Int32](repeating: 0, count: 14 * size)
  }

  /// The same as pointers, which are valid during `body` only. An array would be checked for unique ownership and
  /// bounds in the inner loops.
  mutating func withPointers(_ body: (ScratchPointers) -> Void) {
    let size = size
    bytes.withUnsafeMutableBufferPointer { bytes in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let bytes = bytes.baseAddress, let sums = sums.baseAddress else { return }
        body(
          ScratchPointers(
            pixels: bytes, blended: bytes + 6 * size, y: bytes + 9 * size, u: bytes + 11 * size,
            v: bytes + 13 * size, above: sums, below: sums + 3 * size, lumaTerms: sums + 6 * size,
            chromaTerms: sums + 8 * size))
      }
    }
  }
}

/// Parts of a ``Scratch``; a row of the needed grid has `2 * size` columns.
struct ScratchPointers {
  /// R, then G, then B of the needed pixels of one source row: `3 * 2 * size`.
  let pixels: UnsafeMutablePointer<UInt8>
  /// One output row: its R, then G, then B.
  let blended: UnsafeMutablePointer<UInt8>
  /// Samples of one needed row.
  let y: UnsafeMutablePointer<UInt8>
  let u: UnsafeMutablePointer<UInt8>
  let v: UnsafeMutablePointer<UInt8>
  /// Sums across, of R, then G, then B.
  let above: UnsafeMutablePointer<Int32>
  let below: UnsafeMutablePointer<Int32>
  let lumaTerms: UnsafeMutablePointer<Int32>
  /// For red, then green, then blue.
  let chromaTerms: UnsafeMutablePointer<Int32>
}
