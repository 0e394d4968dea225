import DVFL
import Foundation
import Testing

@testable import DVFLLiteRT

@Test("CI has the library that the real-model tests need")
func continuousIntegrationHasTheLibrary() {
  #expect(Runtime.library != nil || !Runtime.isContinuousIntegration, Runtime.missing)
}

/// Real models, without preprocessing: the bundle's reference vectors.
@Suite(Runtime.isNeeded)
struct LiteRTEngineTests {
  /// The largest error over the reference vectors, as a share of the reference logits' range.
  private func worstError(_ precision: Precision, threads: Int?) async throws -> Double {
    let bundle = try GoldenBundle.open()
    let artifact = try bundle.artifact(target: "litert", precision: precision)
    var engine = try await Runtime.provider.load(bundle, artifact, threads: threads)
    defer { engine.close() }
    var worst = 0.0
    try #require(!bundle.manifest.referenceVectors.isEmpty)
    for vector in bundle.manifest.referenceVectors {
      let logits = try await engine.run(try bundle.referenceClip(vector))
      worst = max(worst, relativeError(logits, vector.logits))
    }
    return worst
  }

  @Test("fp32 agrees with PyTorch within 1e-4 of the logits' range", arguments: [nil, 1, 3])
  func fp32AgreesWithPyTorch(_ threads: Int?) async throws {
    let worst = try await worstError(.fp32, threads: threads)
    print("litert-fp32, \(threads.map(String.init) ?? "default") threads: error \(worst) of the range")
    #expect(worst < 1e-4)
  }

  @Test("int8 agrees with PyTorch as far as its gate allows, and is not fp32")
  func int8AgreesWithPyTorch() async throws {
    let worst = try await worstError(.int8, threads: nil)
    print("litert-int8: error \(worst) of the range")
    #expect(worst < 0.05)
    #expect(worst > 1e-4)
  }

  @Test("a second run of the same clip gives the same bits, also after another clip")
  func runsAreRepeatable() async throws {
    let bundle = try GoldenBundle.open()
    let clips = try bundle.manifest.referenceVectors.map { try bundle.referenceClip($0) }
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    var engine = try await Runtime.provider.load(bundle, artifact, threads: 1)
    defer { engine.close() }
    let first = try await engine.run(clips[0])
    let other = try await engine.run(clips[1])
    #expect(try await engine.run(clips[0]) == first)
    #expect(first != other)
  }

  @Test("engines side by side do not disturb each other, and many can be opened and closed")
  func enginesAreIndependent() async throws {
    let bundle = try GoldenBundle.open()
    let vector = try #require(bundle.manifest.referenceVectors.first)
    let clip = try bundle.referenceClip(vector)
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    try await withThrowingTaskGroup(of: Double.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var worst = 0.0
          for _ in 0..<3 {
            var engine = try await Runtime.provider.load(bundle, artifact, threads: 1)
            worst = max(worst, relativeError(try await engine.run(clip), vector.logits))
            engine.close()
          }
          return worst
        }
      }
      for try await worst in group { #expect(worst < 1e-4) }
    }
  }

  @Test("a closed engine says so, and may be closed again")
  func closedEnginesRefuse() async throws {
    let bundle = try GoldenBundle.open()
    let clip = try bundle.referenceClip(try #require(bundle.manifest.referenceVectors.first))
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    var engine = try await Runtime.provider.load(bundle, artifact, threads: 1)
    engine.close()
    engine.close()
    let error = await refusal { _ = try await engine.run(clip) }
    #expect(error?.kind == .closed)
  }

  @Test("a clip of another shape is refused with both shapes, and the engine still works")
  func otherShapesAreRefused() async throws {
    let bundle = try GoldenBundle.open()
    let vector = try #require(bundle.manifest.referenceVectors.first)
    let artifact = try bundle.artifact(target: "litert", precision: .fp32)
    var engine = try await Runtime.provider.load(bundle, artifact, threads: 1)
    defer { engine.close() }
    let short = try Clip(
      pixels: Array(repeating: 0, count: 7 * 64 * 64 * 3), frames: 7, height: 64, width: 64,
      timesS: (0..<7).map(Double.init))
    let error = await refusal { _ = try await engine.run(short) }
    #expect(error?.kind == .engine)
    #expect(error?.problem.contains("[7, 64, 64, 3]") == true)
    let logits = try await engine.run(try bundle.referenceClip(vector))
    #expect(relativeError(logits, vector.logits) < 1e-4)
  }
}

/// Largest difference as a share of the reference's range.
func relativeError(_ logits: [Float], _ reference: [Double]) -> Double {
  guard logits.count == reference.count, let most = reference.max(), let least = reference.min() else {
    return .infinity
  }
  return zip(logits, reference).map { abs(Double($0) - $1) }.reduce(0, max) / (most - least)
}

/// The error that `body` throws; an issue is recorded if it throws none of this SDK's.
func refusal(_ body: () async throws -> Void) async -> DVFLError? {
  do {
    try await body()
    Issue.record("was taken")
  } catch let error as DVFLError {
    return error
  } catch {
    Issue.record(error)
  }
  return nil
}
