import Foundation
import Testing

@testable import DVFL

/// A stream of a test bundle, driven by `push` or live.
private func stream(
  _ options: StreamingOptions, log: Locked<EngineLog> = Locked(EngineLog()),
  answer: @escaping ScriptedEngine.Answer = { _ in [0, 9] }
) async throws -> StreamingActionRecognizer {
  try StreamingActionRecognizer(
    recognizer: try await .scripted(log: log, answer: answer), options: options)
}

/// An inference on every frame from the second on.
private let eager = try? StreamingOptions(windowS: 0.1, strideS: 0.01, smoothingHalfLifeS: 0)

struct StreamingTests {
  @Test(arguments: [
    ["windowS": 0.0], ["windowS": .nan], ["strideS": 0], ["strideS": -1], ["smoothingHalfLifeS": -0.1],
    ["enterThreshold": 0], ["enterThreshold": 1.1], ["leaveThreshold": -0.1], ["leaveThreshold": 0.6],
    ["leaveThreshold": .nan], ["minHoldS": -1], ["minHoldS": .infinity], ["maxLateS": -1], ["maxFps": 0],
    ["maxFps": .infinity], ["top": 0],
  ])
  func anOptionOutOfItsRangeIsRefusedByName(_ wrong: [String: Double]) throws {
    let name = try #require(wrong.keys.first)
    do {
      _ = try StreamingOptions(
        windowS: wrong["windowS"] ?? 2, strideS: wrong["strideS"] ?? 0.5,
        smoothingHalfLifeS: wrong["smoothingHalfLifeS"] ?? 0.5,
        enterThreshold: wrong["enterThreshold"] ?? 0.6, leaveThreshold: wrong["leaveThreshold"] ?? 0.4,
        minHoldS: wrong["minHoldS"] ?? 0, maxLateS: wrong["maxLateS"] ?? 1, maxFps: wrong["maxFps"] ?? 30,
        top: wrong["top"].map { Int($0) } ?? 5)
      Issue.record("\(wrong) was taken")
    } catch let error as DVFLError {
      #expect(error.kind == .options)
      #expect(error.problem.hasPrefix(name))
    }
  }

  @Test func theDefaultsAreThoseOfTheSpec() throws {
    #expect(try StreamingOptions() == .standard)
    #expect(StreamingOptions.standard.windowS == 2)
  }

  @Test func aWindowShorterThanATickIsRefusedAndOneOfATickIsTaken() async throws {
    for (windowS, taken) in [(1e-300, false), (4e-7, false), (5e-7, true), (1e-6, true)] {
      let options = try StreamingOptions(windowS: windowS)
      let error = await kind { _ = try await stream(options) }
      #expect(error == (taken ? nil : .options), "\(windowS)")
    }
    let plain = StreamingActionRecognizer(recognizer: try await .scripted())
    #expect(plain.options == .standard)
  }

  @Test func extremeTimesAndOptionsDoNotCrash() async throws {
    let huge = try StreamingOptions(
      windowS: 1e300, strideS: 1e300, smoothingHalfLifeS: 1e300, minHoldS: 1e300, maxLateS: 1e300,
      maxFps: 1e-300)
    let tiny = try StreamingOptions(
      windowS: 1e-6, strideS: 1e-300, smoothingHalfLifeS: 1e-300, maxLateS: 0, maxFps: 1e300)
    for options in [huge, tiny] {
      let stream = try await stream(options)
      for time in [0, 1, 1e6, 1e12, 1e300, .greatestFiniteMagnitude, 0] {
        _ = try await stream.push(bitmap(time))
      }
      #expect(stream.counters.received == 7)
      await stream.recognizer.close()
    }
  }

  @Test func aFailedInferenceIsThrownAndTheStreamGoesOn() async throws {
    let calls = Locked(0)
    let stream = try await stream(#require(eager)) { _ in
      try calls.withLock { calls in
        calls += 1
        if calls == 2 { throw DVFLError(.engine, "no", advice: "none") }
        return [0, 9]
      }
    }
    var kinds: [DVFLError.Kind?] = []
    for index in 0..<6 {
      kinds.append(await kind { _ = try await stream.push(bitmap(Double(index) / 10)) })
    }
    #expect(kinds == [nil, nil, .engine, nil, nil, nil])
    #expect(stream.counters.inferences == 4)
    await stream.recognizer.close()
  }

  @Test func aFrameThatCannotBePreprocessedIsRefusedAndItsMemoryKept() async throws {
    let stream = try await stream(#require(eager))
    for index in 0..<5 {
      #expect(await kind { _ = try await stream.push(StrangeFrame(timeS: Double(index))) } == .frame)
    }
    #expect(await kind { _ = try await stream.push(StrangeFrame(timeS: -1)) } == .frame)
    #expect(stream.shared.withLock { $0.state.bufferCount } == 1)
    await stream.recognizer.close()
  }

  @Test func aClosedStreamRefusesFramesAndAClosedRecognizerToo() async throws {
    for closesStream in [true, false] {
      let pushed = try await stream(.standard)
      let offered = try await stream(.standard)
      for stream in [pushed, offered] {
        if closesStream { stream.close() } else { await stream.recognizer.close() }
        stream.close()
        stream.close()
      }
      #expect(await kind { _ = try await pushed.push(bitmap(0)) } == .closed)
      #expect(await kind { try offered.offer(bitmap(0)) } == .closed)
      #expect(pushed.reset().isEmpty && pushed.pause().isEmpty)
      pushed.resume()
      await pushed.recognizer.close()
      await offered.recognizer.close()
    }
  }

  @Test func aStreamIsDrivenInOneWay() async throws {
    let pushed = try await stream(.standard)
    _ = try await pushed.push(bitmap(0))
    #expect(await kind { try pushed.offer(bitmap(1)) } == .options)
    #expect(await kind { _ = try await pushed.updates.makeAsyncIterator().next() } == .options)
    let live = try await stream(.standard)
    try live.offer(bitmap(0))
    #expect(await kind { _ = try await live.push(bitmap(1)) } == .options)
    await pushed.recognizer.close()
    await live.recognizer.close()
  }

  @Test func pushesFromManyTasksGiveTheirResultsInOrder() async throws {
    let log = Locked(EngineLog())
    let stream = try await stream(#require(eager), log: log) { _ in
      await Task.yield()
      return [0, 9]
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<50 { group.addTask { _ = try await stream.push(bitmap(Double(index) / 10)) } }
      try await group.waitForAll()
    }
    let ends = log.withLock { $0.clips.compactMap(\.timesS.last) }
    #expect(ends == ends.sorted())
    #expect(stream.counters.received == 50)
    await stream.recognizer.close()
  }

  @Test func aResultFromBeforeAResetIsDropped() async throws {
    let gate = Gate()
    let stream = try await stream(#require(eager)) { _ in
      await gate.pass()
      return [0, 9]
    }
    _ = try await stream.push(bitmap(0))
    let push = Task { try await stream.push(bitmap(0.1)) }
    try await eventually { gate.arrivals == 1 }
    #expect(stream.reset().isEmpty)
    gate.open()
    #expect(try await push.value.isEmpty)
    #expect(stream.counters.inferences == 1)
    #expect(stream.reset().isEmpty, "nothing was entered")
    await stream.recognizer.close()
  }
}

struct StreamingLiveTests {
  @Test func aPauseReportsTheLeftToTheIteratorAndFreesTheFrames() async throws {
    let stream = try await stream(#require(eager))
    let iterator = stream.updates.makeAsyncIterator()
    for index in 0..<2 { try stream.offer(bitmap(Double(index) / 10)) }
    guard case .result(let result) = try await iterator.next() else { throw CancellationError() }
    #expect(result.active == "run")
    #expect(stream.pause().isEmpty)
    #expect(stream.shared.withLock { $0.state.bufferCount } == 0)
    #expect(try !stream.offer(bitmap(5)))
    guard case .event(.entered(let label, _, let entered)) = try await iterator.next() else {
      throw CancellationError()
    }
    #expect(label == "run")
    #expect(try await iterator.next() == .event(.left(label: "run", timeS: 0.1, score: entered)))
    stream.close()
    #expect(try await iterator.next() == nil)
    await stream.recognizer.close()
  }

  @Test func onlyTheNewestWindowRunsWhenNobodyIterated() async throws {
    let stream = try await stream(#require(eager))
    for index in 0..<10 { try stream.offer(bitmap(Double(index) / 10)) }
    let iterator = stream.updates.makeAsyncIterator()
    guard case .result(let result) = try await iterator.next() else { throw CancellationError() }
    #expect(result.timeS == 0.9)
    #expect([stream.counters.inferences, stream.counters.skippedBusy] == [1, 8] as [Int])
    await stream.recognizer.close()
  }

  @Test func whatWasDueBeforeAGapDoesNotRunOnAWindowThatIsNotFull() async throws {
    let stream = try await stream(#require(eager))
    for time in [0, 0.1, 9.0] { try stream.offer(bitmap(time)) }
    #expect(!stream.shared.withLock { $0.isReady })
    #expect(stream.counters.skippedBusy == 1)
    await stream.recognizer.close()
  }

  @Test func aSecondIteratorIsRefusedUntilTheFirstIsReleased() async throws {
    let stream = try await stream(#require(eager))
    for index in 0..<2 { try stream.offer(bitmap(Double(index) / 10)) }
    do {
      let first = stream.updates.makeAsyncIterator()
      _ = try await first.next()
      #expect(await kind { _ = try await stream.updates.makeAsyncIterator().next() } == .options)
      _ = try await first.next()
    }
    try stream.offer(bitmap(0.2))
    for try await update in stream.updates {
      guard case .result = update else { continue }
      break
    }
    await stream.recognizer.close()
  }

  @Test func twoCallsOfOneIteratorAtATimeAreRefused() async throws {
    let stream = try await stream(#require(eager))
    let iterator = stream.updates.makeAsyncIterator()
    let waiting = Task { try await iterator.next() }
    try await eventually { stream.shared.withLock { $0.waiter != nil } }
    #expect(await kind { _ = try await iterator.next() } == .options)
    stream.close()
    #expect(try await waiting.value == nil)
    await stream.recognizer.close()
  }

  @Test func aCancelledIteratorEndsAndTheNextGoesOn() async throws {
    let stream = try await stream(#require(eager))
    let waiting = Task {
      for try await _ in stream.updates {}
    }
    try await eventually { stream.shared.withLock { $0.waiter != nil } }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    for index in 0..<2 { try stream.offer(bitmap(Double(index) / 10)) }
    let next = stream.updates.makeAsyncIterator()
    guard case .result = try await next.next() else { throw CancellationError() }
    await stream.recognizer.close()
  }

  @Test func updatesOfAnInferenceThatACancelledIteratorRanGoToTheNext() async throws {
    let gate = Gate()
    let stream = try await stream(#require(eager)) { _ in
      await gate.pass()
      return [0, 9]
    }
    for index in 0..<2 { try stream.offer(bitmap(Double(index) / 10)) }
    let first = Task { try await stream.updates.makeAsyncIterator().next() }
    try await eventually { gate.arrivals == 1 }
    first.cancel()
    gate.open()
    await #expect(throws: CancellationError.self) { try await first.value }
    let second = stream.updates.makeAsyncIterator()
    guard case .result = try await second.next() else { throw CancellationError() }
    #expect([stream.counters.inferences, stream.counters.skippedBusy] == [1, 0] as [Int])
    await stream.recognizer.close()
  }

  @Test func aFailedInferenceIsThrownToTheIteratorAndIteratingAgainGoesOn() async throws {
    let calls = Locked(0)
    let stream = try await stream(#require(eager)) { _ in
      calls.withLock { calls in
        calls += 1
        return calls == 1 ? [.nan, 0] : [0, 9]
      }
    }
    for index in 0..<2 { try stream.offer(bitmap(Double(index) / 10)) }
    #expect(await kind { for try await _ in stream.updates { Issue.record("an update") } } == .engine)
    try stream.offer(bitmap(0.2))
    for try await update in stream.updates {
      guard case .result(let result) = update else { continue }
      #expect(result.timeS == 0.2)
      break
    }
    await stream.recognizer.close()
  }

  @Test func aRecognizerThatIsClosedEndsTheIterationWithAnErrorAndAStreamWithNone() async throws {
    for closesStream in [true, false] {
      let gate = Gate()
      let stream = try await stream(#require(eager)) { _ in
        await gate.pass()
        return [0, 9]
      }
      for index in 0..<2 { try stream.offer(bitmap(Double(index) / 10)) }
      let other = Task { await kind { _ = try await stream.recognizer.logits(testClip()) } }
      try await eventually { gate.arrivals == 1 }
      let iterating = Task { await kind { for try await _ in stream.updates {} } }
      try await eventually { stream.shared.withLock { !$0.state.isPending } }
      try await Task.sleep(nanoseconds: 5_000_000)
      if closesStream { stream.close() }
      let closing = Task { await stream.recognizer.close() }
      #expect(await iterating.value == (closesStream ? nil : .closed))
      gate.open()
      await closing.value
      #expect(await other.value == nil)
      #expect([stream.counters.inferences, stream.counters.skippedBusy] == [0, 1] as [Int])
    }
  }
}
