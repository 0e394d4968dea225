import Foundation
import Testing

@testable import DVFL

/// `spec/golden/streams.json`, through both ways of driving a stream.
struct GoldenStreamsTests {
  @Test func pushReturnsTheGoldenUpdates() async throws {
    for golden in try GoldenStream.all() {
      let run = try await GoldenRun(golden)
      for (index, step) in golden.steps.enumerated() {
        expectEqual(try await run.push(step), golden.expected[index], "\(golden.name), step \(index)")
      }
      run.expectSameEnd()
    }
  }

  @Test func aLiveStreamWithAnInstantEngineGivesTheGoldenUpdates() async throws {
    for golden in try GoldenStream.all() {
      let run = try await GoldenRun(golden)
      let iterator = run.stream.updates.makeAsyncIterator()
      for (index, step) in golden.steps.enumerated() {
        try run.offer(step)
        var updates: [Update] = []
        while updates.count < golden.expected[index].count {
          updates.append(try #require(try await iterator.next()))
        }
        expectEqual(updates, golden.expected[index], "\(golden.name), step \(index)")
        #expect(!run.stream.shared.withLock { $0.isReady }, "\(golden.name), step \(index)")
      }
      run.expectSameEnd()
      run.stream.close()
      #expect(try await iterator.next() == nil)
    }
  }

  @Test func aWrongScoreIsSeen() throws {
    let golden = try #require(GoldenStream.all().first)
    let expected = try #require(golden.expected.first { !$0.isEmpty }?.first)
    var wrong = expected
    wrong.predictions?[0].score += 1e-8
    #expect(expected.problem(try update(wrong)) != nil)
    #expect(expected.problem(try update(expected)) == nil)
  }

  private func update(_ golden: GoldenStream.Expected) throws -> Update {
    .result(
      .init(
        timeS: golden.timeS,
        predictions: try #require(golden.predictions).map {
          Prediction(index: $0.index, label: $0.label, logit: $0.logit, score: $0.score)
        }, active: golden.active ?? nil))
  }
}

private func expectEqual(_ updates: [Update], _ expected: [GoldenStream.Expected], _ place: String) {
  #expect(updates.count == expected.count, "\(place)")
  for (update, expected) in zip(updates, expected) {
    #expect(expected.problem(update) == nil, "\(place)")
  }
}

/// A stream whose engine answers a golden case's logits in turn.
private struct GoldenRun {
  let golden: GoldenStream
  let stream: StreamingActionRecognizer
  let log = Locked(EngineLog())

  init(_ golden: GoldenStream) async throws {
    self.golden = golden
    let answered = Locked(0)
    let recognizer = try await ActionRecognizer.scripted(
      TestBundle(frames: golden.frames, labels: golden.labels), log: log
    ) { _ in
      golden.logits[
        answered.withLock { answered in
          defer { answered += 1 }
          return answered
        }]
    }
    stream = try StreamingActionRecognizer(recognizer: recognizer, options: try golden.options.options())
  }

  func push(_ step: GoldenStream.Step) async throws -> [Update] {
    if let timeS = step.timeS { return try await stream.push(bitmap(timeS)) }
    return control(step)
  }

  func offer(_ step: GoldenStream.Step) throws {
    if let timeS = step.timeS {
      try stream.offer(bitmap(timeS))
    } else {
      #expect(control(step).isEmpty, "a live stream hands its updates to the iterator")
    }
  }

  func expectSameEnd() {
    let counters = stream.counters
    #expect(golden.counters == .init(counters), "\(golden.name)")
    #expect(counters.skippedBusy == 0, "\(golden.name)")
    #expect(log.withLock { $0.clips.map(\.timesS) } == golden.clipTimes, "\(golden.name)")
  }

  private func control(_ step: GoldenStream.Step) -> [Update] {
    switch step.do {
    case "reset": return stream.reset()
    case "pause": return stream.pause()
    case "resume": stream.resume()
    default: Issue.record("unknown step \(step.do)")
    }
    return []
  }
}

/// One case of `streams.json`.
private struct GoldenStream: Decodable, Sendable {
  struct Step: Decodable, Sendable {
    let `do`: String
    let timeS: Double?
  }

  struct Options: Decodable, Sendable {
    let windowS, strideS, smoothingHalfLifeS, enterThreshold, leaveThreshold, minHoldS, maxLateS: Double
    let maxFps: Double
    let top: Int?

    func options() throws -> StreamingOptions {
      try StreamingOptions(
        windowS: windowS, strideS: strideS, smoothingHalfLifeS: smoothingHalfLifeS,
        enterThreshold: enterThreshold, leaveThreshold: leaveThreshold, minHoldS: minHoldS,
        maxLateS: maxLateS, maxFps: maxFps, top: top)
    }
  }

  struct Ranked: Decodable, Sendable {
    let index: Int
    let label: String
    let logit: Double
    var score: Double
  }

  struct Expected: Decodable, Sendable {
    let type: String
    let timeS: Double
    let active: String?
    var predictions: [Ranked]?
    let label: String?
    let score: Double?

    /// How an update differs from this, or nil.
    func problem(_ update: Update) -> String? {
      switch update {
      case .result(let result):
        let given = predictions ?? []
        let same =
          type == "result" && timeS == result.timeS && active == result.active
          && given.count == result.predictions.count
          && zip(given, result.predictions).allSatisfy { golden, found in
            golden.index == found.index && golden.label == found.label && golden.logit == found.logit
              && abs(golden.score - found.score) <= 1e-9
          }
        return same ? nil : "\(result) is not \(self)"
      case .event(.entered(let label, let timeS, let score)):
        return problem("entered", label, timeS, score)
      case .event(.left(let label, let timeS, let score)):
        return problem("left", label, timeS, score)
      }
    }

    private func problem(_ type: String, _ label: String, _ timeS: Double, _ score: Double) -> String? {
      let same =
        type == self.type && label == self.label && timeS == self.timeS
        && abs(score - (self.score ?? .infinity)) <= 1e-9
      return same ? nil : "\(type) \(label) at \(timeS) s with \(score) is not \(self)"
    }
  }

  struct Counters: Decodable, Sendable, Equatable {
    let received, droppedLate, droppedRate, droppedPaused, inferences, restarts: Int

    init(_ counters: StreamCounters) {
      received = counters.received
      droppedLate = counters.droppedLate
      droppedRate = counters.droppedRate
      droppedPaused = counters.droppedPaused
      inferences = counters.inferences
      restarts = counters.restarts
    }
  }

  let name: String
  let options: Options
  let frames: Int
  let labels: [String]
  let logits: [[Float]]
  let steps: [Step]
  let expected: [[Expected]]
  let clipTimes: [[Double]]
  let counters: Counters

  static func all() throws -> [GoldenStream] {
    struct File: Decodable { let cases: [GoldenStream] }
    let file = URL(fileURLWithPath: "\(repository)/spec/golden/streams.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let cases = try decoder.decode(File.self, from: Data(contentsOf: file)).cases
    #expect(cases.count >= 22)
    return cases
  }
}
