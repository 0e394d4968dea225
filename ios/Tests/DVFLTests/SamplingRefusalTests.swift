import Testing

@testable import DVFL

/// Times and counts that no clip can be made of are refused with an error of kind `frame`.
struct SamplingRefusalTests {
  private let spec: PreprocessingSpec

  init() throws { spec = try PreprocessingSpec.standard() }

  private func problem(_ times: [Double], end: Double, window: Double) -> String? {
    let error = refusal {
      _ = try Sampling.windowFrameIndices(timestampsS: times, windowEndS: end, windowS: window, spec: spec)
    }
    #expect(error == nil || error?.kind == .frame)
    return error?.problem
  }

  @Test func aWindowThatHasFramesIsTaken() {
    #expect(problem([0, 1], end: 1, window: 2) == nil)
  }

  @Test(arguments: [0, -1, Int.min])
  func aClipWithoutFramesIsRefused(_ count: Int) {
    #expect(refusal { _ = try Sampling.clipFrameIndices(frameCount: count, spec: spec) }?.kind == .frame)
  }

  @Test(arguments: [1, 2, 3, 4, Int.max / 2, Int.max])
  func aClipOfAnyLengthHasItsIndicesInside(_ count: Int) throws {
    for frames in [1, 8, 16] {
      let indices = try Sampling.clipFrameIndices(frameCount: count, spec: spec.with(frames: frames))
      #expect(indices.count == frames && indices.allSatisfy((0..<count).contains))
    }
  }

  @Test func aWindowWithoutFramesIsRefused() {
    // The start does not belong to the window, and the future doesn't either.
    for (times, end) in [([], 9), ([0, 7], 9), ([9.1], 9), ([1, 10], 9)] as [([Double], Double)] {
      #expect(problem(times, end: end, window: 2) == "no frame in the 2.0 s that end at 9.0 s")
    }
  }

  @Test(arguments: [0, -1, 4e-7])
  func aWindowShorterThanATickIsRefused(_ length: Double) {
    #expect(problem([1], end: 1, window: length) == "a window of \(length) s")
  }

  @Test func timesThatDecreaseAreRefused() {
    #expect(problem([0, 1, 0.5], end: 1, window: 2) == "time stamps that decrease")
  }

  @Test(arguments: [.nan, .infinity, -.infinity, 1e300, -1e300, 1e13])
  func timesThatAreNoneOrFitNoIntegerAreRefused(_ time: Double) {
    #expect(problem([time], end: 1, window: 2) == "time \(time)")
    #expect(problem([1], end: time, window: 2) == "time \(time)")
    #expect(problem([1], end: 1, window: time) == "time \(time)")
  }

  @Test func aWindowWhoseSumsFitNoIntegerIsRefused() {
    let times = (0..<8).map(Double.init)
    #expect(problem(times, end: 7, window: 1e12)?.hasPrefix("8 frames in a window of") == true)
    #expect(problem(times, end: 7, window: 1e11) == nil)
  }
}
