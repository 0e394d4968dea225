extension TenBitSpec {
  /// Writes 10-bit samples as 8-bit ones, `min(255, (sample + rounding) >> shift)`, for decoders that give 10-bit
  /// SDR frames.
  ///
  /// A whole plane, padding included, is converted at once: a plane with row stride `2 * s` and pixel stride
  /// `2 * p` becomes a ``Plane`` with row stride `s` and pixel stride `p`. Allocates nothing.
  ///
  /// - Parameters:
  ///   - samples: 16-bit little-endian samples; no alignment is needed.
  ///   - out: receives `samples.count / 2` bytes.
  ///   - unusedLowBits: bits of each sample below the 10 that count: 6 for P010 and `CVPixelBuffer`'s `x420`,
  ///     which keep them at the top of 16; 0 where the sample is the low 10 bits.
  /// - Throws: ``DVFLError`` of kind `frame` if `samples` ends within a sample, `out` is too short, or
  ///   `unusedLowBits` is not 0...6.
  public func eightBits(
    from samples: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer, unusedLowBits: Int = 0
  ) throws {
    let count = samples.count / 2
    guard samples.count % 2 == 0, (0...6).contains(unusedLowBits) else {
      throw DVFLError(
        .frame, "10-bit samples in \(samples.count) bytes with \(unusedLowBits) unused low bits",
        advice: "give 2 bytes per sample and 0...6 unused bits")
    }
    guard out.count >= count else {
      throw DVFLError(
        .frame, "\(count) samples do not fit an output of \(out.count) bytes",
        advice: "give one byte per sample")
    }
    let unused = Int32(truncatingIfNeeded: unusedLowBits)
    let (added, shift) = (Int32(truncatingIfNeeded: rounding), Int32(truncatingIfNeeded: shift))
    for index in 0..<count {
      let stored = samples.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
      let sample = Int32(UInt16(littleEndian: stored)) &>> unused
      out[index] = clampedToByte((sample &+ added) &>> shift)
    }
  }
}
