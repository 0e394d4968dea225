import Foundation
import Testing

@testable import DVFL

/// Which engine and artifact a recognizer takes.
struct EngineChoiceTests {
  private func chosen(
    _ artifacts: [TestArtifact], _ providers: [ScriptedProvider], engine: String? = nil,
    precision: Precision? = nil
  ) throws -> String {
    let test = try TestBundle(artifacts: artifacts)
    return try EngineSelection(
      test.bundle, .init(engine: engine, precision: precision, providers: providers)
    ).artifact.name
  }

  private func problem(
    _ artifacts: [TestArtifact], _ providers: [ScriptedProvider], engine: String? = nil,
    precision: Precision? = nil
  ) -> DVFLError? {
    do {
      _ = try chosen(artifacts, providers, engine: engine, precision: precision)
      return nil
    } catch {
      return error as? DVFLError
    }
  }

  private let first = ScriptedProvider(target: "coreml")
  private let second = ScriptedProvider(target: "executorch")
  private let both = [TestArtifact(target: "executorch"), TestArtifact(target: "coreml", precision: .fp16)]

  @Test func theFirstProviderOfTheOptionsWins() throws {
    #expect(try chosen(both, [first, second]) == "coreml-fp16")
    #expect(try chosen(both, [second, first]) == "executorch-fp32")
    #expect(try chosen(both, [first, second], engine: "executorch") == "executorch-fp32")
    #expect(try chosen(both, [first, second], precision: .fp32) == "executorch-fp32")
  }

  @Test func aProviderThatCannotRunOrHasNoArtifactIsPassedOver() throws {
    let blocked = ScriptedProvider(target: "coreml", obstacle: "it rains; wait")
    #expect(try chosen(both, [blocked, second]) == "executorch-fp32")
    #expect(try chosen(both, [ScriptedProvider(target: "litert"), second]) == "executorch-fp32")
    #expect(try chosen(both, [blocked, first], engine: "coreml") == "coreml-fp16")
  }

  @Test func artifactsThatFailedTheirGateComeLast() throws {
    var failed = both
    failed[1].status = .failed
    #expect(try chosen(failed, [first, second]) == "executorch-fp32")
    #expect(try chosen(failed, [first, second], engine: "coreml") == "coreml-fp16")
    failed[0].status = .failed
    #expect(try chosen(failed, [first, second]) == "coreml-fp16")
    let precisions = [
      TestArtifact(precision: .int8, status: .failed), TestArtifact(precision: .fp16, status: .notRun),
    ]
    #expect(try chosen(precisions, [ScriptedProvider()]) == "test-fp16")
    #expect(try chosen(precisions, [ScriptedProvider()], precision: .int8) == "test-int8")
  }

  @Test func anUnknownEngineIsAnsweredWithTheNearestName() {
    let error = problem(both, [first, second], engine: "CoreLM")
    #expect(error?.kind == .engine)
    #expect(
      error?.description
        == "unknown engine 'CoreLM'; did you mean 'coreml'? choices: coreml, executorch, litert")
    #expect(problem(both, [first], engine: "abc")?.advice == "choices: coreml, litert, executorch")
  }

  @Test func aKnownEngineWithoutAProviderIsNoTypingMistake() {
    #expect(problem(both, [first], engine: "executorch")?.description.contains("no provider") == true)
    #expect(problem(both, [])?.kind == .engine)
  }

  @Test func aMissingArtifactNamesThoseThatThereAre() {
    for error in [
      problem(both, [ScriptedProvider(target: "litert")]), problem(both, [first], precision: .int8),
      problem(both, [first], engine: "coreml", precision: .fp32),
    ] {
      #expect(error?.kind == .bundle)
      #expect(error?.advice == "this bundle holds: executorch-fp32, coreml-fp16")
    }
  }

  @Test func obstaclesAreToldWhenNothingCanRun() {
    let error = problem(
      both,
      [
        ScriptedProvider(target: "coreml", obstacle: "a"),
        ScriptedProvider(target: "executorch", obstacle: "b"),
      ])
    #expect(error?.kind == .engine)
    #expect(error?.advice == "a; b")
  }

  @Test func aFailedLoadNamesTheOldestRuntimesThatAreRight() async throws {
    struct BrokenProvider: EngineProvider {
      let target = "test"
      let obstacle: String? = nil
      func load(
        _ bundle: ActionBundle, _ artifact: Artifact, threads: Int?
      ) async throws -> sending any Engine {
        throw DVFLError(.engine, "no such operator", advice: "convert again")
      }
    }
    let test = try TestBundle(artifacts: [TestArtifact(minRuntime: "runtime 1.2")])
    do {
      _ = try await ActionRecognizer(bundle: test.bundle, options: .init(providers: [BrokenProvider()]))
      Issue.record("it loads")
    } catch let error as DVFLError {
      #expect(error.description.hasSuffix("(the artifact is right from runtime 1.2 on)"))
    }
  }

  @Test(arguments: [0, -2]) func threadsBelowOneAreRefused(_ threads: Int) async throws {
    let bundle = try TestBundle().bundle
    let options = RecognizerOptions(threads: threads, providers: [ScriptedProvider()])
    #expect(await kind { _ = try await ActionRecognizer(bundle: bundle, options: options) } == .options)
  }
}

/// The tensor that an engine gets.
struct EngineInputTests {
  private func contract(_ type: String, _ layout: String, _ shape: [Int]) throws -> InputContract {
    let json = """
      {"name": "x", "dtype": "\(type)", "layout": "\(layout)", "shape": \(shape), "valueRange": [0, 255]}
      """
    return try JSONDecoder().decode(InputContract.self, from: Data(json.utf8))
  }

  private func clip() throws -> Clip {
    try Clip(
      pixels: (0..<36).map { UInt8($0 * 7) }, frames: 2, height: 2, width: 3, timesS: [0, 1])
  }

  /// Sample (t, y, x, c) of that clip.
  private func value(_ t: Int, _ y: Int, _ x: Int, _ c: Int) -> UInt8 {
    UInt8((((t * 2 + y) * 3 + x) * 3 + c) * 7)
  }

  @Test func framesRowsColumnsChannelsAreCopied() throws {
    var bytes = [UInt8](repeating: 0, count: 36)
    try bytes.withUnsafeMutableBytes {
      try writeInput(clip(), contract("uint8", "THWC", [2, 2, 3, 3]), into: $0)
    }
    #expect(try bytes == clip().pixels)
    var floats = [Float](repeating: -1, count: 36)
    try floats.withUnsafeMutableBytes {
      try writeInput(clip(), contract("float32", "THWC", [2, 2, 3, 3]), into: $0)
    }
    #expect(try floats == clip().pixels.map(Float.init))
  }

  @Test func channelsMoveInFrontOfRows() throws {
    var expected: [UInt8] = []
    for t in 0..<2 {
      for c in 0..<3 {
        for y in 0..<2 { for x in 0..<3 { expected.append(value(t, y, x, c)) } }
      }
    }
    var floats = [Float](repeating: -1, count: 36)
    try floats.withUnsafeMutableBytes {
      try writeInput(clip(), contract("float32", "TCHW", [2, 3, 2, 3]), into: $0)
    }
    #expect(floats == expected.map(Float.init))
    var bytes = [UInt8](repeating: 0, count: 36)
    try bytes.withUnsafeMutableBytes {
      try writeInput(clip(), contract("uint8", "TCHW", [2, 3, 2, 3]), into: $0)
    }
    #expect(bytes == expected)
  }

  @Test func anotherShapeOrAShortBufferIsRefused() throws {
    let right = try contract("float32", "THWC", [2, 2, 3, 3])
    #expect(right.byteCount == 144)
    var bytes = [UInt8](repeating: 0, count: 143)
    for wrong in try [
      right, contract("uint8", "THWC", [2, 3, 2, 3]), contract("uint8", "TCHW", [2, 2, 3, 3]),
    ] {
      #expect(throws: DVFLError.self) {
        try bytes.withUnsafeMutableBytes { try writeInput(clip(), wrong, into: $0) }
      }
    }
    #expect(bytes.allSatisfy { $0 == 0 })
  }
}
