import Foundation
import Testing

@testable import DVFL

/// 10,000 frames of a 30 fps camera and a model that takes 150 ms, without a clock: while the model "runs", its
/// engine offers the frames of the next 150 ms itself.
struct StreamingSlowModelTests {
  @Test(arguments: [0.5, 1.0 / 30])
  func memoryIsBoundedAndEverySkippedInferenceCounted(_ strideS: Double) async throws {
    let options = try StreamingOptions(windowS: 2, strideS: strideS, maxFps: 30)
    let camera = Camera()
    let recognizer = try await ActionRecognizer.scripted { _ in
      try camera.record(for: 0.15)
      return [0, 9]
    }
    let stream = try StreamingActionRecognizer(recognizer: recognizer, options: options)
    camera.point(at: stream)
    let iterator = stream.updates.makeAsyncIterator()
    var latencies: [Double] = []
    while camera.frames < 10_000 {
      try camera.record(for: 1.0 / 30)
      while camera.frames < 10_000, stream.shared.withLock({ $0.isReady }) {
        guard case .result(let result) = try await iterator.next() else { continue }
        latencies.append(camera.now - result.timeS)
      }
    }
    #expect(stream.shared.withLock { $0.state.outbox.count } <= 4)
    camera.point(at: nil)
    stream.close()
    let counters = stream.counters
    #expect(counters.received == camera.frames)
    #expect(counters.inferences == latencies.count)
    #expect(counters.inferences + counters.skippedBusy == camera.due(windowS: 2, strideS: strideS))
    #expect((counters.skippedBusy > 0) == (strideS < 0.15))
    #expect(try #require(latencies.max()) <= 0.15 + 1.0 / 30 + 1e-6)
    // 2 s of 30 frames, and the one that is being filled.
    #expect(camera.mostBuffers <= 61)
    await recognizer.close()
  }
}

/// Offers frames at 30 fps of its own time.
private final class Camera: Sendable {
  private struct State {
    var stream: StreamingActionRecognizer?
    var now = 0.0
    var frames = 0
    var mostBuffers = 0
  }

  private let state = Locked(State())

  var now: Double { state.withLock { $0.now } }
  var frames: Int { state.withLock { $0.frames } }
  var mostBuffers: Int { state.withLock { $0.mostBuffers } }

  func point(at stream: StreamingActionRecognizer?) { state.withLock { $0.stream = stream } }

  /// Lets time pass, and offers the frames that fall into it.
  func record(for seconds: Double) throws {
    try state.withLock { state in
      let end = state.now + seconds
      while Double(state.frames) / 30 <= end + 1e-9 {
        try state.stream?.offer(bitmap(Double(state.frames) / 30))
        state.frames += 1
        state.mostBuffers = max(
          state.mostBuffers, state.stream?.shared.withLock { $0.state.bufferCount } ?? 0)
      }
      state.now = end
    }
  }

  /// How many inferences the rule makes due on the frames so far, in ticks of microseconds.
  func due(windowS: Double, strideS: Double) -> Int {
    let stride = Int((strideS * 1e6).rounded())
    var (due, count) = (Int(windowS * 1e6), 0)
    for frame in 0..<frames {
      let tick = Int((Double(frame) / 30 * 1e6).rounded())
      guard tick >= due else { continue }
      count += 1
      while due <= tick { due += stride }
    }
    return count
  }
}
