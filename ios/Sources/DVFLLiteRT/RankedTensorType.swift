import DVFL

/// LiteRT's `LiteRtRankedTensorType`: a C structure of 72 bytes, read by offset.
///
/// | byte | what |
/// |---|---|
/// | 0 | element type, 32 bits |
/// | 4 | rank (7 bits), whether there are strides (1 bit); 32 bits in all |
/// | 8 | 8 sizes of 32 bits |
/// | 40 | 8 strides of 32 bits |
struct RankedTensorType {
  static let byteCount = 72
  private static let mostAxes = 8
  private static let canary: UInt8 = 0xA5
  private static let elementNames: [Int32: String] = [1: "float32", 3: "uint8"]

  /// The structure as the library wrote it; what it takes back.
  let bytes: [UInt8]
  /// `float32`, `uint8`, or the number of another type.
  let element: String
  /// The sizes of the axes.
  let shape: [Int]

  /// Reads what `fill` writes.
  ///
  /// - Throws: ``DVFLError`` of kind `engine` if that is no such structure: LiteRT's interface is another one.
  init(_ fill: (UnsafeMutableRawPointer) throws -> Void) throws {
    var memory = [UInt8](repeating: Self.canary, count: 2 * Self.byteCount)
    try memory.withUnsafeMutableBytes { raw in
      if let start = raw.baseAddress { try fill(start) }
    }
    let word = { (offset: Int) in
      memory.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Int32.self) }
    }
    let flags = word(4)
    let rank = Int(flags & 0x7F)
    let sizes = (0..<min(rank, Self.mostAxes)).map { Int(word(8 + 4 * $0)) }
    let isWhole = memory[Self.byteCount...].allSatisfy { $0 == Self.canary }
    guard isWhole, rank <= Self.mostAxes, !sizes.contains(where: { $0 < -1 || $0 > 1 << 30 }) else {
      throw DVFLError(
        .engine, "LiteRT describes a tensor in an unknown way (type \(word(0)), flags \(flags))",
        advice: "use LiteRT 2.2 or 2.3")
    }
    bytes = Array(memory[..<Self.byteCount])
    element = Self.elementNames[word(0)] ?? "type \(word(0))"
    shape = sizes
  }
}
