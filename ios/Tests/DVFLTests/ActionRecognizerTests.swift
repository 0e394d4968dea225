import Foundation
import Testing

@testable import DVFL

/// One engine, many callers.
struct ActionRecognizerTests {
  @Test func inferencesRunOneAtATimeAlsoWhileTheEngineIsSuspended() async throws {
    let log = Locked(EngineLog())
    let recognizer = try await ActionRecognizer.scripted(log: log) { _ in
      try await Task.sleep(nanoseconds: 2_000_000)
      return [1, 0]
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try await recognizer.recognize(testClip()) } }
      try await group.waitForAll()
    }
    #expect(log.withLock { $0.runs } == 20)
    #expect(log.withLock { $0.mostAtOnce } == 1)
  }

  @Test func closeWaitsForTheInferenceThatRunsAndRefusesThoseThatWait() async throws {
    let (log, gate) = (Locked(EngineLog()), Gate())
    let recognizer = try await ActionRecognizer.scripted(log: log) { _ in
      await gate.pass()
      return [1, 0]
    }
    let running = Task { try await recognizer.logits(testClip()) }
    try await eventually { gate.arrivals == 1 }
    let waiting = Task { await kind { _ = try await recognizer.logits(testClip()) } }
    let closing = (0..<3).map { _ in Task { await recognizer.close() } }
    #expect(await waiting.value == .closed)
    #expect(log.withLock { $0.closes } == 0, "the engine was freed while it ran")
    gate.open()
    for task in closing { await task.value }
    #expect(try await running.value == [1, 0])
    await recognizer.close()
    #expect(log.withLock { [$0.closes, $0.closesWhileRunning, $0.runs] } == [1, 0, 1] as [Int])
    #expect(recognizer.isClosed)
  }

  @Test func aCancelledCallerStopsWaitingAndItsInferenceNeverRuns() async throws {
    let (log, gate) = (Locked(EngineLog()), Gate())
    let recognizer = try await ActionRecognizer.scripted(log: log) { _ in
      await gate.pass()
      return [1, 0]
    }
    let running = Task { try await recognizer.logits(testClip()) }
    try await eventually { gate.arrivals == 1 }
    let waiting = Task { try await recognizer.logits(testClip()) }
    try await Task.sleep(nanoseconds: 5_000_000)
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    running.cancel()
    gate.open()
    #expect(try await running.value == [1, 0], "an inference that runs is not broken off")
    #expect(log.withLock { $0.runs } == 1)
    await recognizer.close()
  }

  @Test func afterCloseEverythingIsRefused() async throws {
    let recognizer = try await ActionRecognizer.scripted()
    await recognizer.close()
    #expect(await kind { _ = try await recognizer.recognize(testClip()) } == .closed)
    #expect(await kind { _ = try await recognizer.logits(frames: [try bitmap(0)]) } == .closed)
    #expect(await kind { try await recognizer.warmUp() } == .closed)
  }

  @Test func aRecognizerThatIsReleasedFreesItsEngine() async throws {
    let log = Locked(EngineLog())
    do {
      let recognizer = try await ActionRecognizer.scripted(log: log)
      _ = try await recognizer.logits(testClip())
    }
    try await eventually { log.withLock { $0.closes == 1 } }
  }

  @Test func anEngineThatCallsItsOwnRecognizerIsRefusedInsteadOfWaitingForever() async throws {
    let own = Locked(ActionRecognizer?.none)
    let recognizer = try await ActionRecognizer.scripted { clip in
      try await own.withLock { $0 }?.logits(clip) ?? []
    }
    own.withLock { $0 = recognizer }
    #expect(await kind { _ = try await recognizer.logits(testClip()) } == .engine)
    await recognizer.close()
    own.withLock { $0 = nil }
  }

  @Test func anEngineMayCloseItsOwnRecognizer() async throws {
    let (log, own) = (Locked(EngineLog()), Locked(ActionRecognizer?.none))
    let recognizer = try await ActionRecognizer.scripted(log: log) { _ in
      await own.withLock { $0 }?.close()
      return [1, 0]
    }
    own.withLock { $0 = recognizer }
    #expect(try await recognizer.logits(testClip()) == [1, 0])
    await recognizer.close()
    own.withLock { $0 = nil }
    #expect(log.withLock { [$0.closes, $0.closesWhileRunning] } == [1, 0] as [Int])
  }

  @Test func aFailingEngineGivesATypedErrorAndTheNextInferenceRuns() async throws {
    struct Broken: Error {}
    let calls = Locked(0)
    let recognizer = try await ActionRecognizer.scripted { _ in
      if calls.withLock({ calls in
        calls += 1
        return calls == 1
      }) {
        throw Broken()
      }
      return [1, 0]
    }
    #expect(await kind { _ = try await recognizer.logits(testClip()) } == .engine)
    #expect(try await recognizer.logits(testClip()) == [1, 0])
    await recognizer.close()
  }

  @Test func theCallersFramesAreSampledAndRanked() async throws {
    let log = Locked(EngineLog())
    let recognizer = try await ActionRecognizer.scripted(log: log) { _ in [-1, 2] }
    let frames = try (0..<9).map { try bitmap(Double($0) / 10, grey: UInt8($0)) }
    let found = try await recognizer.recognize(frames: frames)
    #expect(found.map(\.label) == ["run", "walk"])
    // (9 - 3) / 2 = 3 frames per segment: 1.5 and 4.5.
    let clip = try #require(log.withLock { $0.clips.first })
    #expect(clip.timesS == [0.1, 0.4])
    #expect(clip.pixels == Array(repeating: 1, count: 48) + Array(repeating: 4, count: 48))
    await recognizer.close()
  }

  @Test func warmingUpRunsTheEngineOnABlackClip() async throws {
    let log = Locked(EngineLog())
    let recognizer = try await ActionRecognizer.scripted(log: log)
    try await recognizer.warmUp()
    #expect(log.withLock { $0.clips.map(\.pixels) } == [Array(repeating: 0, count: 96)])
    await recognizer.close()
  }
}

/// Every bad input is a DVFLError of the right kind, in words that help.
struct ActionRecognizerErrorTests {
  @Test(arguments: [
    ([Float](), "0 logits for 2 labels"), ([1, 2, 3], "3 logits for 2 labels"), ([1, .nan], "NaN"),
    ([.infinity, 0], "infinite"),
  ])
  func anOutputThatIsNoLogitsVectorIsRefused(_ output: [Float], _ words: String) async throws {
    let recognizer = try await ActionRecognizer.scripted { _ in output }
    do {
      _ = try await recognizer.recognize(testClip())
      Issue.record("was taken")
    } catch let error as DVFLError {
      #expect(error.kind == .engine)
      #expect(error.description.contains(words))
    }
    await recognizer.close()
  }

  @Test func aClipOfAnotherShapeIsRefusedBeforeTheEngineSeesIt() async throws {
    let log = Locked(EngineLog())
    let recognizer = try await ActionRecognizer.scripted(log: log)
    #expect(await kind { _ = try await recognizer.logits(testClip(frames: 3)) } == .engine)
    #expect(await kind { _ = try await recognizer.logits(testClip(size: 5)) } == .engine)
    #expect(log.withLock { $0.runs } == 0)
    await recognizer.close()
  }

  @Test(arguments: [0, -1]) func aTopBelowOneIsRefused(_ top: Int) async throws {
    let recognizer = try await ActionRecognizer.scripted()
    #expect(await kind { _ = try await recognizer.recognize(testClip(), top: top) } == .options)
    #expect(await kind { _ = try await recognizer.recognize(frames: [try bitmap(0)], top: top) } == .options)
    await recognizer.close()
  }

  @Test func noFramesAreRefused() async throws {
    let recognizer = try await ActionRecognizer.scripted()
    #expect(await kind { _ = try await recognizer.recognize(frames: []) } == .frame)
    await recognizer.close()
  }

  @Test(arguments: [[0, 0.1, 0.3, 0.2], [0, 0.1, 0.2, 0.2]])
  func framesThatAreNotInOrderAreNamed(_ times: [Double]) async throws {
    let recognizer = try await ActionRecognizer.scripted()
    do {
      _ = try await recognizer.recognize(frames: times.map { try bitmap($0) })
      Issue.record("were taken")
    } catch let error as DVFLError {
      #expect(error.kind == .frame)
      #expect(
        error.problem == "frame 3 (0.2 s) is not newer than frame 2 (\(times[2]) s)")
    }
    await recognizer.close()
  }

  @Test func timesThatAreNoTimesAreRefused() async throws {
    #expect(await kind { _ = try bitmap(-0.1) } == .frame)
    #expect(await kind { _ = try bitmap(.nan) } == .frame)
    let recognizer = try await ActionRecognizer.scripted()
    #expect(
      await kind { _ = try await recognizer.recognize(frames: [StrangeFrame(timeS: .nan)]) } == .frame)
    #expect(await kind { _ = try await recognizer.recognize(frames: [StrangeFrame(timeS: 0)]) } == .frame)
    await recognizer.close()
  }

  @Test func aChangedOrMissingArtifactIsRefusedAndNothingIsLoaded() async throws {
    let (test, log) = (try TestBundle(), Locked(EngineLog()))
    let options = RecognizerOptions(providers: [ScriptedProvider(log: log)])
    let file = test.folder.url.appendingPathComponent("test.fp32")
    try Data("other bytes".utf8).write(to: file)
    #expect(
      await kind { _ = try await ActionRecognizer(bundle: test.folder.url, options: options) } == .bundle)
    try FileManager.default.removeItem(at: file)
    #expect(
      await kind { _ = try await ActionRecognizer(bundle: test.bundle, options: options) } == .bundle)
    #expect(log.withLock { $0.loads } == 0)
  }

  @Test func aProviderThatFailsGivesATypedError() async throws {
    struct Failing: EngineProvider {
      let target = "test"
      let obstacle: String? = nil
      func load(
        _ bundle: ActionBundle, _ artifact: Artifact, threads: Int?
      ) async throws -> sending any Engine { throw CocoaError(.fileReadUnknown) }
    }
    let bundle = try TestBundle().bundle
    let options = RecognizerOptions(providers: [Failing()])
    #expect(await kind { _ = try await ActionRecognizer(bundle: bundle, options: options) } == .engine)
  }
}

/// Of a type that no preprocessor knows.
struct StrangeFrame: VideoFrame {
  let timeS: Double
  let width = 4
  let height = 4
  let orientation = Orientation()
}
