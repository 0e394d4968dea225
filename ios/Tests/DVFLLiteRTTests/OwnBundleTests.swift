import DVFL
import DVFLLiteRT
import Foundation
import Testing

/// The bundle of `$DVFL_BUNDLE`, such as one of a shipped model, with its own reference clips.
private let ownBundle = ProcessInfo.processInfo.environment["DVFL_BUNDLE"]

@Suite(
  Runtime.isNeeded,
  .enabled(
    if: ownBundle != nil || Runtime.isContinuousIntegration,
    "set DVFL_BUNDLE to the folder of a bundle to run its reference clips"))
struct OwnBundleTests {
  @Test(
    "every LiteRT artifact passes its gate, with the errors that Python measured", .timeLimit(.minutes(5)))
  func everyArtifact() async throws {
    let bundle = try ActionBundle(at: URL(fileURLWithPath: try #require(ownBundle)))
    let artifacts = bundle.manifest.artifacts.filter { $0.target == LiteRTProvider.target }
    try #require(!artifacts.isEmpty && !bundle.manifest.referenceVectors.isEmpty)
    for artifact in artifacts {
      let clips = try await clips(bundle, artifact)
      #expect(artifact.parity.gate.misses(clips).isEmpty, "\(artifact.name)")
      var farthest = 0.0
      for clip in clips {
        let python = try #require(artifact.parity.clips.first { $0.clip == clip.clip })
        farthest = max(farthest, abs(clip.errorOfRange - python.errorOfRange))
        #expect(clip.top1Agrees == python.top1Agrees, "\(artifact.name), \(clip.clip)")
      }
      #expect(farthest < 1e-4, "\(artifact.name)")
      let worst = clips.map(\.errorOfRange).max() ?? 0
      print(
        "\(artifact.name): error \(worst) of the range, \(farthest) from Python's over \(clips.count) clips")
    }
  }

  private func clips(_ bundle: ActionBundle, _ artifact: Artifact) async throws -> [ClipParity] {
    let recognizer = try await ActionRecognizer(
      bundle: bundle, options: .init(precision: artifact.precision, providers: [Runtime.provider]))
    var clips: [ClipParity] = []
    for vector in bundle.manifest.referenceVectors {
      let logits = try await recognizer.logits(bundle.referenceClip(vector)).map(Double.init)
      clips.append(ClipParity(clip: vector.name, reference: vector.logits, measured: logits))
    }
    await recognizer.close()
    return clips
  }
}
