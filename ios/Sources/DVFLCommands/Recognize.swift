import DVFL
import Foundation

/// Raw frames to labels, or to the model's input.
func recognize(_ bundle: ActionBundle, _ arguments: Arguments, _ engines: EngineChoice) async throws
  -> CommandResult
{
  let video = try arguments.rawVideo()
  let top = try arguments.number("--top") ?? 5
  let runs = try arguments.number("--runs") ?? 20
  let clock = ContinuousClock()
  if let out = arguments.text("--tensor") {
    guard !arguments.has("--timings") else { throw UsageError("--tensor runs no model, so no --timings") }
    return try write(video.clip(bundle.manifest.preprocessing), to: out)
  }
  let options = try arguments.recognizerOptions(engines)
  let beforeOpening = clock.now
  let recognizer = try await ActionRecognizer(bundle: bundle, options: options)
  let beforeClip = clock.now
  let clip = try video.clip(bundle.manifest.preprocessing)
  let afterClip = clock.now
  let predictions = try await recognizer.recognize(clip, top: top)
  var lines = ["\(video.file.path)  (\(recognizer.engine), \(recognizer.precision.rawValue))", ""]
  let widest = max(5, predictions.map(\.label.count).max() ?? 0)
  lines.append(columns([("class", widest), ("score", 6), ("logit", 0)]))
  for prediction in predictions {
    lines.append(
      columns([
        (prediction.label, widest), ("\(fixed(prediction.score * 100, 1))%", 6),
        (fixed(prediction.logit, 6), 0),
      ]))
  }
  if arguments.has("--timings") {
    lines += ["", "opening        \(shown(beforeClip - beforeOpening))"]
    lines.append("preprocessing  \(shown(afterClip - beforeClip)) for the clip, reading included")
    var times: [Double] = []
    for _ in 0..<runs {
      let start = clock.now
      _ = try await recognizer.logits(clip)
      times.append((clock.now - start).milliseconds)
    }
    if let latency = Latency(times) {
      lines.append(
        "inference      p50 \(fixed(latency.p50, 2)) ms, p90 \(fixed(latency.p90, 2)) ms of \(runs) runs")
    }
  }
  await recognizer.close()
  return success(lines.joined(separator: "\n") + "\n")
}

private func shown(_ duration: Duration) -> String { "\(fixed(duration.milliseconds, 2)) ms" }

private func write(_ clip: Clip, to path: String) throws -> CommandResult {
  do {
    try Data(clip.pixels).write(to: URL(fileURLWithPath: path))
  } catch {
    throw DVFLError(.video, "\(path): cannot be written", advice: "give a file in a folder that exists")
  }
  return success("\(path)  uint8 [\(clip.frames), \(clip.height), \(clip.width), 3], R G B\n")
}

extension Arguments {
  fileprivate func rawVideo() throws -> RawVideo {
    guard let planes = text("--planes") else { throw UsageError("--planes is missing") }
    var video = RawVideo(
      file: URL(fileURLWithPath: planes), width: try requiredNumber("--width"),
      height: try requiredNumber("--height"), frames: try requiredNumber("--frames"))
    video.fps = try positive("--fps") ?? 30
    video.format =
      try choice("--format", RawVideo.Format.allCases.map(\.rawValue))
      .flatMap(RawVideo.Format.init(rawValue:)) ?? .i420
    video.matrix =
      try choice("--matrix", ColorMatrix.allCases.map(\.rawValue)).flatMap(ColorMatrix.init(rawValue:))
    video.range =
      try choice("--range", ColorRange.allCases.map(\.rawValue)).flatMap(ColorRange.init(rawValue:))
    video.rotation = try choice("--rotation", ["0", "90", "180", "270"]).flatMap(Int.init) ?? 0
    return video
  }
}
