import CountedMalloc
import DVFL
import Foundation

/// Compares the fused pass with whole-frame conversion on a 1080p NV12 frame and prints a table. With `--check` it
/// exits 1 if the fused pass is not many times as fast or takes memory from the heap in steady state. It always exits
/// 1 if the two results differ in a byte.
@main
struct Benchmarks {
  static let (width, height, rounds) = (1920, 1080, 60)
  // The processor decides: 26 on one server, 23 on its successor. Touching every source pixel of the crop, 4.5 times
  // as many as the output needs, would fall below.
  static let leastRatio = 12.0

  static func main() throws {
    let spec = try PreprocessingSpec.standard()
    let nv12 = picture()
    let result = try nv12.withUnsafeBytes { try measure($0, spec) }
    print(result.table)
    if let failure = result.failure(checked: CommandLine.arguments.contains("--check")) {
      FileHandle.standardError.write(Data("error: \(failure)\n".utf8))
      exit(1)
    }
  }

  static func measure(_ nv12: UnsafeRawBufferPointer, _ spec: PreprocessingSpec) throws -> Comparison {
    let chroma = UnsafeRawBufferPointer(rebasing: nv12[(width * height)...])
    let frame = try Frame(
      timeS: 0, y: Plane(borrowing: nv12, rowStride: width),
      u: Plane(borrowing: chroma, rowStride: width, pixelStride: 2),
      v: Plane(borrowing: chroma, rowStride: width, pixelStride: 2, offset: 1), width: width, height: height)
    let preprocessor = Preprocessor(spec: spec)
    let whole = try WholeFrame(width: width, height: height, spec: spec)
    var fusedOut = [UInt8](repeating: 0, count: preprocessor.frameBytes)
    var wholeOut = fusedOut
    let fused = { try fusedOut.withUnsafeMutableBytes { try preprocessor.preprocess(frame, into: $0) } }
    let slow: () -> Void = {
      wholeOut.withUnsafeMutableBufferPointer { out in
        guard let from = nv12.baseAddress, let to = out.baseAddress else { return }
        whole.preprocess(from.assumingMemoryBound(to: UInt8.self), into: to)
      }
    }
    try fused()
    slow()
    var times = Comparison(heapBytes: try heapBytes(fused))
    for _ in 0..<rounds {
      // Several of the quick one for each of the slow one, so that both see the same neighbours.
      for _ in 0..<5 { times.fused.append(try seconds(fused)) }
      times.whole.append(seconds(slow))
    }
    times.equal = fusedOut == wholeOut
    return times
  }

  /// Bytes per frame that the second and later frames of one geometry ask the heap for; nil where it can't be
  /// counted.
  static func heapBytes(_ work: () throws -> Void) throws -> Double? {
    guard counted_malloc_works() else { return nil }
    let start = counted_malloc_bytes()
    let probe = [UInt8](repeating: 1, count: 1000 + Int(start % 2))
    let counted = counted_malloc_bytes() - start
    guard counted >= UInt64(probe.count) else {
      throw DVFLError(.options, "the heap's counter missed an array", advice: "check CountedMalloc")
    }
    let frames = 100
    let before = counted_malloc_bytes()
    for _ in 0..<frames { try work() }
    return Double(counted_malloc_bytes() - before) / Double(frames)
  }

  static func seconds(_ work: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try work()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }

  /// Noise on a gradient, so that every value and every clamp occurs.
  static func picture() -> [UInt8] {
    var state: UInt64 = 1
    return (0..<width * height * 3 / 2).map { position in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: position / 64 &+ Int(state >> 58))
    }
  }
}

/// Times in seconds and what was checked beside them.
struct Comparison {
  var fused: [Double] = []
  var whole: [Double] = []
  var equal = false
  let heapBytes: Double?

  init(heapBytes: Double?) { self.heapBytes = heapBytes }

  var ratio: Double { least(whole) / least(fused) }

  var table: String {
    """
    1080p NV12 to 224 x 224   min ms   median ms
    whole frame             \(column(least(whole)))    \(column(median(whole)))
    fused                   \(column(least(fused)))    \(column(median(fused)))
    ratio of the minima     \(String(format: "%8.1f", ratio))
    heap bytes per frame    \(heapBytes.map { String(format: "%8.0f", $0) } ?? "not counted on this platform")
    equal bytes             \(equal ? "     yes" : "      no")
    """
  }

  func failure(checked: Bool) -> String? {
    if !equal { return "the fused pass and the whole frame differ" }
    guard checked else { return nil }
    if ratio < Benchmarks.leastRatio {
      return String(format: "the ratio is %.1f, less than %.0f", ratio, Benchmarks.leastRatio)
    }
    if let heapBytes, heapBytes > 0 {
      return "the fused pass asks the heap for \(heapBytes) bytes per frame"
    }
    return nil
  }

  private func least(_ times: [Double]) -> Double { times.min() ?? .nan }

  private func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }

  private func column(_ seconds: Double) -> String { String(format: "%8.3f", seconds * 1000) }
}
