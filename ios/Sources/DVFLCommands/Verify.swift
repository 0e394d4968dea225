import DVFL
import Foundation

/// The reference clips through one artifact.
func verify(_ bundle: ActionBundle, _ arguments: Arguments, _ engines: EngineChoice) async throws
  -> CommandResult
{
  let options = try arguments.recognizerOptions(engines)
  let recognizer = try await ActionRecognizer(bundle: bundle, options: options)
  let artifact = try bundle.artifact(target: recognizer.engine, precision: recognizer.precision)
  var clips: [ClipParity] = []
  for vector in bundle.manifest.referenceVectors {
    let logits = try await recognizer.logits(bundle.referenceClip(vector)).map(Double.init)
    clips.append(ClipParity(clip: vector.name, reference: vector.logits, measured: logits))
  }
  await recognizer.close()
  let widest = max(4, clips.map(\.clip.count).max() ?? 0)
  var lines = [
    "\(bundle.root.path)  (\(artifact.name))", "",
    columns([("clip", widest), ("max error", 10), ("of range", 10), ("cosine", 9), ("top-1", 0)]),
  ]
  for clip in clips {
    lines.append(
      columns([
        (clip.clip, widest), (scientific(clip.maxAbsError), 10), (scientific(clip.errorOfRange), 10),
        (fixed(clip.cosine, 6), 9), (clip.top1Agrees ? "same" : "differs", 0),
      ]))
  }
  let misses = artifact.parity.gate.misses(clips)
  if misses.isEmpty {
    lines += ["", "passed: \(clips.count) of \(clips.count) clips compared, every figure inside the gate"]
  }
  let output = lines.joined(separator: "\n") + "\n"
  return misses.isEmpty
    ? success(output)
    : failure(1, "\(artifact.name) misses its gate: \(misses.joined(separator: "; "))", output: output)
}

private func scientific(_ value: Double) -> String { String(format: "%.2e", value) }
