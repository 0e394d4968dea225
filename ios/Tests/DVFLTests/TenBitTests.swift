import Testing

@testable import DVFL

struct TenBitTests {
  let rule: TenBitSpec

  init() throws { rule = try PreprocessingSpec.standard().color.tenBit }

  private func eightBits(_ samples: [UInt8], room: Int, unusedLowBits: Int = 0) throws -> [UInt8] {
    var out = [UInt8](repeating: 0, count: room)
    try samples.withUnsafeBytes { samples in
      try out.withUnsafeMutableBytes {
        try rule.eightBits(from: samples, into: $0, unusedLowBits: unusedLowBits)
      }
    }
    return out
  }

  @Test("Every 10-bit sample becomes min(255, (sample + 2) >> 2), at the bottom of 16 bits and at the top")
  func everySample() throws {
    for unused in [0, 6] {
      let words = (0..<1024).map { UInt16($0) << UInt16(unused) }
      let samples = words.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      let made = try eightBits(samples, room: 1024, unusedLowBits: unused)
      let right = (0..<1024).map { UInt8(min(255, ($0 + 2) / 4)) }
      #expect(made == right)
    }
  }

  @Test("Samples that begin at an odd address are read")
  func unaligned() throws {
    let bytes: [UInt8] = [99, 0xFC, 0x03, 0x04, 0x00]
    let aligned = try eightBits(Array(bytes[1...]), room: 2)
    #expect(aligned == [255, 1])
    var out: [UInt8] = [0, 0]
    try bytes.withUnsafeBytes { bytes in
      try out.withUnsafeMutableBytes { try rule.eightBits(from: .init(rebasing: bytes[1...]), into: $0) }
    }
    #expect(out == [255, 1])
  }

  @Test(
    "Half a sample, a short output and bits that cannot be unused are refused",
    arguments: [(3, 2, 0), (4, 1, 0), (4, 2, -1), (4, 2, 7)])
  func refusals(_ bytes: Int, _ room: Int, _ unused: Int) {
    let error = refusal {
      _ = try eightBits([UInt8](repeating: 0, count: bytes), room: room, unusedLowBits: unused)
    }
    #expect(error?.kind == .frame)
  }
}
