import DVFL
import DVFLLiteRT
import Foundation
import Testing

/// The bundle of a trained student, in `$DVFL_BUNDLE`: its reference clips, cut from real videos, through LiteRT.
struct StudentBundleTests {
  private static let folder = ProcessInfo.processInfo.environment["DVFL_BUNDLE"].map {
    URL(fileURLWithPath: $0)
  }
  private static var isGiven: ConditionTrait {
    .enabled(if: folder != nil || Runtime.isContinuousIntegration, "no student's bundle: set DVFL_BUNDLE")
  }

  @Test("a student's artifacts say what PyTorch says of real videos", Runtime.isNeeded, isGiven)
  func everyReferenceClip() async throws {
    let bundle = try ActionBundle(at: try #require(Self.folder, "DVFL_BUNDLE is not set"))
    let artifacts = bundle.manifest.artifacts.filter { $0.target == "litert" }
    #expect(Set(artifacts.map(\.precision)).isSuperset(of: [.fp32, .int8]))
    for artifact in artifacts {
      let clips = try await compared(artifact, of: bundle)
      #expect(!clips.isEmpty)
      #expect(artifact.parity.gate.misses(clips) == [])
      #expect(artifact.precision != .fp32 || clips.allSatisfy { $0.errorOfRange < 1e-4 })
      let worst = clips.map(\.errorOfRange).max() ?? .nan
      print("student, \(artifact.name): worst error \(worst) of the range over \(clips.count) clips")
    }
  }

  private func compared(_ artifact: Artifact, of bundle: ActionBundle) async throws -> [ClipParity] {
    let recognizer = try await ActionRecognizer(
      bundle: bundle, options: RecognizerOptions(precision: artifact.precision, providers: [Runtime.provider])
    )
    var clips: [ClipParity] = []
    for vector in bundle.manifest.referenceVectors {
      let logits = try await recognizer.logits(bundle.referenceClip(vector)).map(Double.init)
      clips.append(ClipParity(clip: vector.name, reference: vector.logits, measured: logits))
    }
    await recognizer.close()
    return clips
  }
}
