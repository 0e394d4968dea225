import Testing

@testable import DVFL

/// Random frames, against an implementation that does every step on whole pictures.
struct PreprocessPropertyTests {
  let spec: PreprocessingSpec

  init() throws { spec = try PreprocessingSpec.standard() }

  @Test(
    "Random frames give the bytes of the slow implementation",
    arguments: [
      (seed: 1, cases: 2400, sides: 1...24), (seed: 2, cases: 600, sides: 1...64),
      (seed: 3, cases: 100, sides: 1...200), (seed: 4, cases: 3, sides: 300...500),
    ])
  func random(seed: Int, cases: Int, sides: ClosedRange<Int>) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let preprocessors = try (1...24).map { Preprocessor(spec: try spec.with(size: $0)) }
    var checked = 0
    while checked < cases {
      let sample = RandomFrame(&random, sides: sides)
      let frame = try sample.frame()
      // A thin strip becomes a resized picture of many megabytes, which shows nothing more.
      let (least, most) = (
        min(frame.uprightWidth, frame.uprightHeight), max(frame.uprightWidth, frame.uprightHeight)
      )
      if most > 12 * least { continue }
      let preprocessor = preprocessors[sample.size - 1]
      let made = try preprocessed(frame, preprocessor)
      let right = try slowReference(frame, preprocessor.spec)
      let difference = firstDifference(made, right)
      #expect(difference == nil, "seed \(seed), case \(checked): \(sample.line)")
      checked += 1
    }
  }

  @Test("Strips a pixel wide give the bytes of the slow implementation", arguments: [1, 2, 3])
  func strips(_ thickness: Int) throws {
    var random = SeededGenerator(seed: 5)
    for length in stride(from: 1, through: 200, by: 13) {
      let sample = RandomFrame(&random, sides: length...length)
      for (width, height) in [(thickness, length), (length, thickness)] where max(width, height) <= length {
        let crop = Rect(left: 0, top: length - height, width: width, height: height)
        let frame = try RgbFrame(
          timeS: 0, pixels: Plane(copying: random.bytes(length * length * 3), rowStride: length * 3),
          width: length, height: length, format: .rgb,
          orientation: Orientation(crop: crop, rotation: sample.orientation.rotation))
        let preprocessor = Preprocessor(spec: try spec.with(size: 3))
        let made = try preprocessed(frame, preprocessor)
        let right = try slowReference(frame, preprocessor.spec)
        let difference = firstDifference(made, right)
        #expect(difference == nil, "\(width)x\(height)")
      }
    }
  }

  @Test("A buffer that is one byte short is refused, whichever plane it is")
  func oneByteShort() throws {
    var random = SeededGenerator(seed: 6)
    for _ in 0..<500 {
      let sample = RandomFrame(&random, sides: 1...40)
      for plane in sample.planes.indices {
        let kind = refusal { _ = try sample.frame(short: plane) }?.kind
        #expect(kind == .frame, "plane \(plane): \(sample.line)")
      }
    }
  }
}
