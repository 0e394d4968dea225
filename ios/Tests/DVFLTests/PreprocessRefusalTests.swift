import Foundation
import Testing

@testable import DVFL

/// The error that `work` throws, if it's one of this SDK.
func refusal(_ work: () throws -> Void) -> DVFLError? {
  do {
    try work()
    return nil
  } catch {
    return error as? DVFLError
  }
}

/// Bad input is refused with an error of kind `frame`, never with a trap.
struct PreprocessRefusalTests {
  let spec: PreprocessingSpec
  let preprocessor: Preprocessor

  init() throws {
    spec = try PreprocessingSpec.standard().with(frames: 2, size: 4)
    preprocessor = Preprocessor(spec: spec)
  }

  private func bitmap(
    _ width: Int = 6, _ height: Int = 5, timeS: Double = 0, orientation: Orientation = .init(),
    rowStride: Int = 18, offset: Int = 0, bytes: Int = 90
  ) throws -> RgbFrame {
    let plane = try Plane(
      copying: [UInt8](repeating: 7, count: bytes), rowStride: rowStride, offset: offset)
    return try RgbFrame(
      timeS: timeS, pixels: plane, width: width, height: height, format: .rgb, orientation: orientation)
  }

  private func yuv(_ width: Int = 5, _ height: Int = 5, y: Int = 25, u: Int = 9, v: Int = 9) throws -> Frame {
    func plane(_ count: Int, _ rowStride: Int) throws -> Plane {
      try Plane(copying: [UInt8](repeating: 9, count: count), rowStride: rowStride)
    }
    return try Frame(
      timeS: 0, y: plane(y, 5), u: plane(u, 3), v: plane(v, 3), width: width, height: height)
  }

  @Test("The frames that the refusals below are made from are accepted")
  func accepted() throws {
    let (grey, color) = (try preprocessed(bitmap(), preprocessor), try preprocessed(yuv(), preprocessor))
    #expect(grey == [UInt8](repeating: 7, count: 48))
    #expect(color.count == 48)
  }

  @Test(
    "A size of zero, below or beyond reason is refused",
    arguments: [(0, 5), (6, 0), (-1, 5), (6, -1), (16385, 5), (6, 16385), (Int.max, 5), (6, Int.max)])
  func sizes(_ width: Int, _ height: Int) {
    #expect(refusal { _ = try bitmap(width, height) }?.kind == .frame)
    #expect(refusal { _ = try yuv(width, height) }?.kind == .frame)
  }

  @Test("A rotation that is no quarter turn is refused", arguments: [45, -90, 360, 1, Int.max, Int.min])
  func rotations(_ degrees: Int) {
    #expect(refusal { _ = try bitmap(orientation: .init(rotation: degrees)) }?.kind == .frame)
  }

  @Test(
    "A crop rectangle that is empty or not inside the frame is refused",
    arguments: [
      [0, 0, 0, 5], [0, 0, 6, 0], [-1, 0, 6, 5], [0, -1, 6, 5], [0, 0, 7, 5], [0, 0, 6, 6], [1, 0, 6, 5],
      [0, 1, 6, 5], [6, 0, 1, 1], [Int.max, 0, 1, 1], [0, 0, Int.max, 1], [1, 0, Int.max, Int.max],
      [0, 0, Int.min, 1],
    ])
  func crops(_ sides: [Int]) {
    let crop = Rect(left: sides[0], top: sides[1], width: sides[2], height: sides[3])
    #expect(refusal { _ = try bitmap(orientation: .init(crop: crop)) }?.kind == .frame)
  }

  @Test("A time that is negative or not finite is refused", arguments: [-1e-9, .nan, .infinity, -.infinity])
  func times(_ timeS: Double) {
    #expect(refusal { _ = try bitmap(timeS: timeS) }?.kind == .frame)
  }

  @Test(
    "A plane that is too short is refused by name",
    arguments: [("y", 24, 9, 9), ("u", 25, 8, 9), ("v", 25, 9, 8)])
  func shortPlanes(_ name: String, _ y: Int, _ u: Int, _ v: Int) {
    let error = refusal { _ = try yuv(y: y, u: u, v: v) }
    #expect(error?.kind == .frame)
    #expect(error?.problem.hasPrefix("\(name) plane") == true)
  }

  @Test("A picture in no memory at all is refused")
  func noMemory() {
    #expect(refusal { _ = try bitmap(1, 1, bytes: 0) }?.kind == .frame)
    #expect(refusal { _ = try yuv(1, 1, y: 0, u: 0, v: 0) }?.kind == .frame)
  }

  @Test("Strides and offsets below their least are refused", arguments: [(0, 0), (-18, 0), (18, -1)])
  func strides(_ rowStride: Int, _ offset: Int) {
    #expect(refusal { _ = try bitmap(rowStride: rowStride, offset: offset) }?.kind == .frame)
  }

  @Test(
    "Strides and offsets whose product no number holds are refused",
    arguments: [(Int.max, 0), (Int.max / 2, 0), (18, Int.max), (Int.max / 4, Int.max)])
  func overflows(_ rowStride: Int, _ offset: Int) {
    #expect(refusal { _ = try bitmap(rowStride: rowStride, offset: offset) }?.kind == .frame)
    let plane = { (pixelStride: Int) in
      try Plane(
        copying: [UInt8](repeating: 9, count: 25), rowStride: rowStride, pixelStride: pixelStride,
        offset: offset)
    }
    for pixelStride in [1, Int.max] {
      let error = refusal {
        _ = try Frame(
          timeS: 0, y: plane(pixelStride), u: plane(pixelStride), v: plane(pixelStride), width: 5, height: 5)
      }
      #expect(error?.kind == .frame)
    }
  }

  @Test("An output that is too short is refused and left alone", arguments: [0, 1, 47])
  func shortOutput(_ count: Int) throws {
    var out = [UInt8](repeating: 1, count: count)
    let frame = try bitmap()
    let error = refusal { try out.withUnsafeMutableBytes { try preprocessor.preprocess(frame, into: $0) } }
    #expect(error?.kind == .frame)
    #expect(out == [UInt8](repeating: 1, count: count))
  }

  @Test("An output that is longer keeps the rest")
  func longOutput() throws {
    var out = [UInt8](repeating: 1, count: 50)
    let frame = try bitmap()
    try out.withUnsafeMutableBytes { try preprocessor.preprocess(frame, into: $0) }
    #expect(out == [UInt8](repeating: 7, count: 48) + [1, 1])
  }

  @Test("A clip of another number of frames is refused", arguments: [0, 1, 3])
  func clipLengths(_ count: Int) throws {
    let frames = try (0..<count).map { try bitmap(timeS: Double($0)) }
    #expect(refusal { _ = try preprocessor.clip(frames) }?.kind == .frame)
  }

  @Test("A frame of a type of the app's own is refused")
  func foreignFrames() {
    struct Foreign: VideoFrame {
      let timeS = 0.0
      let width = 6
      let height = 5
      let orientation = Orientation()
    }
    let error = refusal { _ = try preprocessed(Foreign(), preprocessor) }
    #expect(error?.kind == .frame)
    #expect(error?.problem == "a frame of type Foreign")
  }

  @Test("A matrix that the spec has no conversion for is refused, and nothing is written")
  func missingConversions() throws {
    let file = "\(repository)/spec/preprocessing.json"
    let golden = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
    let conversions = try #require(value(in: golden, at: ["color", "conversions"]) as? [[String: Any]])
    let fewer = conversions.filter { $0["matrix"] as? String == "BT601" }
    let edited = changed(golden, at: ["color", "conversions"], to: fewer)
    let lacking = Preprocessor(
      spec: try .parse(JSONSerialization.data(withJSONObject: edited)).with(frames: 2, size: 4))
    let planes = try (y: Plane(copying: [9, 9, 9, 9], rowStride: 2), c: Plane(copying: [9], rowStride: 1))
    for (matrix, kind) in [(ColorMatrix.bt601, nil), (.bt709, DVFLError.Kind.spec)] {
      let frame = try Frame(
        timeS: 0, y: planes.y, u: planes.c, v: planes.c, width: 2, height: 2, matrix: matrix)
      var out = [UInt8](repeating: 1, count: 48)
      let error = refusal { try out.withUnsafeMutableBytes { try lacking.preprocess(frame, into: $0) } }
      #expect(error?.kind == kind)
      #expect((out == [UInt8](repeating: 1, count: 48)) == (kind != nil))
    }
  }

  @Test(
    "A clip whose sizes are none, don't fit its bytes or whose product no number holds is refused",
    arguments: [
      [0, 4, 4], [1, -4, 4], [1, 4, 0], [1, 4, 5], [Int.max, Int.max, Int.max], [1 << 40, 1 << 40, 1],
      [1, Int.max, 1], [1, 1 << 31, 1],
    ])
  func clipSizes(_ sizes: [Int]) {
    let make = { (sizes: [Int], count: Int) in
      _ = try Clip(
        pixels: [UInt8](repeating: 0, count: count), frames: sizes[0], height: sizes[1], width: sizes[2],
        timesS: [0])
    }
    #expect(refusal { try make([1, 4, 4], 48) } == nil)
    #expect(refusal { try make(sizes, 48) }?.kind == .frame)
  }
}
