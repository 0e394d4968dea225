import Foundation
import Testing

@testable import DVFLCoreML

/// Memory of the model's input, and what comes back in the output's.
struct MemoryTests {
  @Test("memory is kept from run to run, and freed on a warning only when nobody uses it")
  func scratch() {
    let scratch = ScratchMemory(byteCount: 1000)
    #expect(!scratch.isAllocated)
    let first = scratch.lend()
    first[999] = 7
    #expect(first.count == 1000)
    #expect(UInt(bitPattern: first.baseAddress) % (1 << 14) == 0)
    scratch.giveBack()
    #expect(scratch.isAllocated)

    let second = scratch.lend()
    #expect(second.baseAddress == first.baseAddress)
    scratch.drop()
    #expect(scratch.isAllocated)
    #expect(second[999] == 7)
    scratch.giveBack()
    #expect(!scratch.isAllocated)

    _ = scratch.lend()
    scratch.giveBack()
    scratch.drop()
    #expect(!scratch.isAllocated)
    scratch.drop()
    let last = scratch.lend()
    last[0] = 1
    scratch.giveBack()
    #expect(scratch.isAllocated)
  }

  @Test("warnings on other threads while it's lent and given back do no harm")
  func warningsAtOnce() async {
    let scratch = ScratchMemory(byteCount: 1 << 16)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for round in 0..<2000 {
          let memory = scratch.lend()
          let value = UInt8(truncatingIfNeeded: round)
          memory[0] = value
          memory[memory.count - 1] = value
          #expect(memory[0] == value && memory[memory.count - 1] == value)
          scratch.giveBack()
        }
      }
      for _ in 0..<2 { group.addTask { for _ in 0..<2000 { scratch.drop() } } }
    }
    scratch.drop()
    #expect(!scratch.isAllocated)
  }

  private func read(_ values: [UInt16], shape: [Int], strides: [Int]) -> [Float]? {
    values.withUnsafeBytes { stridedLogits($0, .float16, shape: shape, strides: strides) }
  }

  @Test("logits are read by their strides, with gaps, from either number type")
  func strides() {
    let floats: [Float] = [1, -1, 2.5, -1, 3, -1]
    let found = floats.withUnsafeBytes { stridedLogits($0, .float32, shape: [1, 3], strides: [6, 2]) }
    #expect(found == [1, 2.5, 3])
    #expect(read([0x3C00, 0xC000, 0x3555], shape: [1, 3], strides: [3, 1]) == [1, -2, 0.33325195])
    #expect(read([0x3C00], shape: [1, 1], strides: [1, 1]) == [1])
    #expect(read([0x3C00, 0x4000], shape: [2, 1, 1], strides: [1, 1, 1]) == [1, 2])
  }

  @Test("a shape that is no vector, or one that leaves the memory, is refused")
  func badShapes() {
    let three: [UInt16] = [1, 2, 3]
    #expect(read(three, shape: [1, 4], strides: [4, 1]) == nil)
    #expect(read(three, shape: [1, 3], strides: [3, 2]) == nil)
    #expect(read(three, shape: [1, 3], strides: [3, -1]) == nil)
    #expect(read(three, shape: [1, 3], strides: [1]) == nil)
    #expect(read(three, shape: [1, 0], strides: [1, 1]) == nil)
    #expect(read(three + three, shape: [2, 3], strides: [3, 1]) == nil)
  }

  #if !(os(macOS) && arch(x86_64))
    @Test("every half is the number that the processor says")
    func halves() {
      for bits in UInt16.min...UInt16.max {
        let (ours, theirs) = (float(half: bits), Float(Float16(bitPattern: bits)))
        if ours.bitPattern != theirs.bitPattern, !(ours.isNaN && theirs.isNaN) {
          Issue.record("\(bits): \(ours), not \(theirs)")
        }
      }
    }
  #endif
}

/// Files before AVFoundation sees them.
struct VideoFileTests {
  private let folder: TemporaryFolder
  private let file: URL
  private let whole: Data

  init() throws {
    folder = try TemporaryFolder()
    file = folder.url.appendingPathComponent("clip.mp4")
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    whole = try Data(contentsOf: repository.appendingPathComponent("assets/carving_ice.mp4"))
  }

  private func refusal(_ path: URL) -> String {
    do {
      try VideoFile.check(path)
      return ""
    } catch {
      return String(describing: error)
    }
  }

  @Test("a whole video passes, and one with bytes behind its end")
  func passes() throws {
    try whole.write(to: file)
    #expect(refusal(file) == "")
    try (whole + Data("padding!padding!".utf8)).write(to: file)
    #expect(refusal(file) == "")
  }

  @Test("a video that is cut off anywhere says at which byte", arguments: [0.02, 0.3, 0.6, 0.99])
  func cutOff(_ share: Double) throws {
    let count = Int(share * Double(whole.count))
    try whole.prefix(count).write(to: file)
    #expect(refusal(file).contains("cut off at \(count) of "))
  }

  @Test("a missing file, a folder and an empty file are named")
  func others() throws {
    #expect(refusal(file).contains("no such file"))
    #expect(refusal(folder.url).contains("is a folder"))
    try Data().write(to: file)
    #expect(refusal(file).contains("is empty"))
  }

  @Test("what says nothing about its size passes")
  func unknown() throws {
    try Data("not a video at all".utf8).write(to: file)
    #expect(refusal(file) == "")
  }

  @Test("impossible sizes of boxes do no harm")
  func impossibleSizes() throws {
    let largest = [0, 0, 0, 1] + Array("ftyp".utf8) + [UInt8](repeating: 255, count: 8)
    try Data(largest).write(to: file)
    #expect(refusal(file).contains("cut off at 16 of \(UInt64.max) bytes"))
    try Data([0, 0, 0, 8] + Array("free".utf8) + largest).write(to: file)
    #expect(refusal(file) == "")
    try Data([0, 0, 0, 7] + Array("free".utf8) + largest).write(to: file)
    #expect(refusal(file) == "")
  }
}
