import CoreVideo
import DVFL
import DVFLCoreML
import Foundation

/// Everything this app does with the SDK's Apple parts.

/// Opens the bundle that the app carries.
func openRecognizer() async throws -> ActionRecognizer {
  guard let folder = Bundle.module.url(forResource: "bundle", withExtension: nil) else {
    throw DVFLError(.bundle, "the app holds no bundle", advice: "see Resources/bundle/README.txt")
  }
  let provider = CoreMLProvider(CoreMLOptions(units: .all))
  return try await ActionRecognizer(bundle: folder, options: RecognizerOptions(providers: [provider]))
}

/// The best classes of a whole video file.
func recognizeVideo(at file: URL, with recognizer: ActionRecognizer) async throws -> [Prediction] {
  let clip = try await VideoReader.clip(of: file, spec: recognizer.spec)
  return try await recognizer.recognize(clip)
}

/// Offers a camera's picture; its pixels are read in place and not kept.
func offer(
  _ buffer: CVPixelBuffer, timeS: Double, orientation: Orientation, to stream: StreamingActionRecognizer
) throws {
  try buffer.withFrame(timeS: timeS, orientation: orientation) { _ = try stream.offer($0) }
}
