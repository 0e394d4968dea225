import Foundation
import Testing

@testable import DVFL

/// Many tasks that do everything at once. 5 s, or `DVFL_STRESS_SECONDS`.
@Suite(.serialized)
struct StressTests {
  private static var seconds: Double {
    ProcessInfo.processInfo.environment["DVFL_STRESS_SECONDS"].flatMap(Double.init) ?? 5
  }

  @Test func lockedStateLosesNoChangeOfAnyThread() async throws {
    let counter = Locked([0])
    let done = DispatchSemaphore(value: 0)
    for _ in 0..<4 {
      Thread.detachNewThread {
        for _ in 0..<50_000 { counter.withLock { $0[0] += 1 } }
        done.signal()
      }
    }
    #expect((0..<4).allSatisfy { _ in done.wait(timeout: .now() + 60) == .success })
    #expect(counter.withLock { $0[0] } == 200_000)
  }

  @Test func enginesAreClosedOnceAndNeverShared() async throws {
    let bundle = try TestBundle()
    let totals = Locked(EngineLog())
    let isEnough = { @Sendable in totals.withLock { $0.closes > 0 && $0.runs > 0 } }
    try await repeatedly(for: Self.seconds / 2, tasks: 8, until: isEnough) { _ in
      let log = try await Self.oneRecognizer(bundle.bundle)
      log.check()
      totals.withLock { totals in
        totals.runs += log.runs
        totals.closes += log.closes
      }
    }
    #expect(totals.withLock { $0.closes } > 0)
    #expect(totals.withLock { $0.runs } > 0)
  }

  @Test func liveStreamsSurviveEverythingAtOnce() async throws {
    let bundle = try TestBundle()
    let totals = Locked(StreamCounters())
    let isEnough = { @Sendable in totals.withLock { $0.inferences > 0 && $0.skippedBusy > 0 } }
    try await repeatedly(for: Self.seconds / 2, tasks: 4, until: isEnough) { _ in
      let counters = try await Self.oneStream(bundle.bundle)
      totals.withLock { totals in
        totals.inferences += counters.inferences
        totals.skippedBusy += counters.skippedBusy
      }
    }
    #expect(totals.withLock { $0.inferences } > 0)
    #expect(totals.withLock { $0.skippedBusy } > 0)
  }

  /// Opens a recognizer, calls it from many tasks that are cancelled at random, and closes it meanwhile.
  private static func oneRecognizer(_ bundle: ActionBundle) async throws -> EngineLog {
    let log = Locked(EngineLog())
    do {
      let recognizer = try await open(bundle, log)
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<12 {
          group.addTask {
            let call = Task { try await recognizer.recognize(testClip()) }
            if index % 3 == 0 { call.cancel() }
            if index == 7 {
              for _ in 0..<Int.random(in: 0..<200) { await Task.yield() }
              await recognizer.close()
            }
            await expectHarmless { _ = try await call.value }
          }
        }
      }
      if Bool.random() { await recognizer.close() }
    }
    try await eventually { log.withLock { $0.closes == 1 } }
    return log.withLock { $0 }
  }

  /// Offers frames while other tasks iterate, cancel, pause, reset and at last close.
  private static func oneStream(_ bundle: ActionBundle) async throws -> StreamCounters {
    let log = Locked(EngineLog())
    let recognizer = try await open(bundle, log)
    let stream = try StreamingActionRecognizer(
      recognizer: recognizer,
      options: try StreamingOptions(windowS: 0.1, strideS: 0.01, maxLateS: 0.5, maxFps: 1000))
    await withTaskGroup(of: Void.self) { group in
      for camera in 0..<2 {
        group.addTask {
          for index in 0..<100 {
            await expectHarmless { try stream.offer(bitmap(Double(index + camera) / 20)) }
            if index % 5 == 0 { await Task.yield() }
          }
          if camera == 0 { stream.close() }
        }
      }
      for _ in 0..<2 {
        group.addTask {
          while !stream.shared.withLock({ $0.isClosed }) {
            let iterating = Task {
              for try await _ in stream.updates where Int.random(in: 0..<8) == 0 { break }
            }
            if Bool.random() { iterating.cancel() }
            await expectHarmless { try await iterating.value }
          }
        }
      }
      group.addTask {
        for index in 0..<20 {
          stream.pause()
          if index % 4 == 0 { stream.reset() }
          stream.resume()
          await Task.yield()
        }
        if Int.random(in: 0..<4) == 0 { await recognizer.close() }
      }
    }
    await recognizer.close()
    #expect(!stream.shared.withLock { $0.waiter != nil || $0.isIterating })
    #expect(log.withLock { $0.runs } == stream.counters.inferences)
    log.withLock { $0 }.check()
    return stream.counters
  }

  private static func open(_ bundle: ActionBundle, _ log: Locked<EngineLog>) async throws -> ActionRecognizer
  {
    let provider = ScriptedProvider(log: log) { _ in
      await Task.yield()
      return [0, 9]
    }
    return try await ActionRecognizer(bundle: bundle, options: .init(providers: [provider]))
  }
}

extension EngineLog {
  fileprivate func check() {
    #expect(closes == 1)
    #expect(loads == 1)
    #expect(mostAtOnce <= 1)
    #expect(runsAfterClose == 0)
    #expect(closesWhileRunning == 0)
  }
}

/// Runs `body`; an end by cancellation, closing or a second iterator is what a stress test asks for.
private func expectHarmless(_ body: () async throws -> Void) async {
  do {
    try await body()
  } catch is CancellationError {
  } catch let error as DVFLError where error.kind == .closed || error.kind == .options {
  } catch {
    Issue.record(error)
  }
}

/// Repeats `body` in several tasks for some time, at least once in each; and on, at most a minute, until what may
/// happen did happen: a busy machine can run the tasks of many rounds one after the other.
private func repeatedly(
  for seconds: Double, tasks: Int, until isEnough: @escaping @Sendable () -> Bool,
  _ body: @escaping @Sendable (Int) async throws -> Void
) async throws {
  let (end, latest) = (Date().addingTimeInterval(seconds), Date().addingTimeInterval(seconds + 60))
  try await withThrowingTaskGroup(of: Void.self) { group in
    for task in 0..<tasks {
      group.addTask {
        repeat { try await body(task) } while Date() < end || (Date() < latest && !isEnough())
      }
    }
    try await group.waitForAll()
  }
}
