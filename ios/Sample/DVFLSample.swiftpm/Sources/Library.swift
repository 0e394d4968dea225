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
  let provider = CoreMLProvider(CoreMLOptions(computeUnits: .all))
  return try await ActionRecognizer(bundle: folder, options: RecognizerOptions(providers: [provider]))
}

/// The best classes of a whole video file.
func recognizeVideo(at file: URL, with recognizer: ActionRecognizer) async throws -> [Prediction] {
  let clip = try await VideoReader(url: file).clip(spec: recognizer.spec)
  return try await recognizer.recognize(clip)
}

/// Offers a camera's picture; its pixels are read in place and not kept.
func offer(
  _ buffer: CVPixelBuffer, timeS: Double, orientation: Orientation, to stream: StreamingActionRecognizer
) throws {
  CVPixelBufferLockBaseAddress(buffer, .readOnly)
  defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
  let luma = try plane(buffer, 0, pixelStride: 1, offset: 0)
  let frame = try Frame(
    timeS: timeS, y: luma, u: plane(buffer, 1, pixelStride: 2, offset: 0),
    v: plane(buffer, 1, pixelStride: 2, offset: 1), width: CVPixelBufferGetWidth(buffer),
    height: CVPixelBufferGetHeight(buffer), orientation: orientation, matrix: .bt601, range: .full)
  try stream.offer(frame)
}

private func plane(_ buffer: CVPixelBuffer, _ index: Int, pixelStride: Int, offset: Int) throws -> Plane {
  guard let address = CVPixelBufferGetBaseAddressOfPlane(buffer, index) else {
    throw DVFLError(
      .frame, "a camera picture without plane \(index)", advice: "ask for 4:2:0 with two planes")
  }
  let stride = CVPixelBufferGetBytesPerRowOfPlane(buffer, index)
  let bytes = UnsafeRawBufferPointer(
    start: address, count: stride * CVPixelBufferGetHeightOfPlane(buffer, index))
  return try Plane(borrowing: bytes, rowStride: stride, pixelStride: pixelStride, offset: offset)
}
