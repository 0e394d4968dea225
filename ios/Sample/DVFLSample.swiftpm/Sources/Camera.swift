// AVFoundation doesn't declare its sessions Sendable, although one is shared by design: its preview layer belongs to
// the main thread, and starting it there would block.
@preconcurrency import AVFoundation
import DVFL

/// One capture session, whose frames go to a stream.
actor Camera {
  private nonisolated let session = AVCaptureSession()
  private let queue = DispatchQueue(label: "camera", qos: .userInitiated)
  private var receiver: FrameReceiver?

  /// Sets the session up for a camera and starts it; asks for permission first.
  func start(_ position: AVCaptureDevice.Position, stream: StreamingActionRecognizer) async throws {
    guard await AVCaptureDevice.requestAccess(for: .video) else {
      throw CameraProblem("the camera may not be used; allow it in Settings")
    }
    guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: position)
    else { throw CameraProblem("there is no such camera") }
    session.beginConfiguration()
    session.inputs.forEach(session.removeInput)
    session.outputs.forEach(session.removeOutput)
    // The model looks at 224 x 224: a small picture is enough and cheap.
    session.sessionPreset = .vga640x480
    let receiver = FrameReceiver(stream: stream, isFront: position == .front)
    let output = AVCaptureVideoDataOutput()
    output.alwaysDiscardsLateVideoFrames = true
    output.videoSettings = [
      kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_420YpCbCr8BiPlanarFullRange
    ]
    output.setSampleBufferDelegate(receiver, queue: queue)
    let input = try AVCaptureDeviceInput(device: device)
    let fits = session.canAddInput(input) && session.canAddOutput(output)
    if fits {
      session.addInput(input)
      session.addOutput(output)
    }
    session.commitConfiguration()
    guard fits else { throw CameraProblem("the camera is taken") }
    // The session doesn't keep its delegate.
    self.receiver = receiver
    // Blocks until the camera runs; this actor is not the main one.
    session.startRunning()
  }

  /// Shows the camera's picture on a layer, which may be done before it runs.
  nonisolated func show(on layer: AVCaptureVideoPreviewLayer) {
    layer.session = session
  }

  /// Lets the camera go.
  func stop() {
    if session.isRunning { session.stopRunning() }
  }
}

struct CameraProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Offers each frame to a stream, on the camera's queue.
final class FrameReceiver: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate, Sendable {
  private let stream: StreamingActionRecognizer
  private let orientation: Orientation

  init(stream: StreamingActionRecognizer, isFront: Bool) {
    self.stream = stream
    // The app is upright only; sensors lie on their side. The front camera is flipped as its preview is.
    orientation = Orientation(rotation: 90, mirrored: isFront)
  }

  func captureOutput(
    _ output: AVCaptureOutput, didOutput sample: CMSampleBuffer, from connection: AVCaptureConnection
  ) {
    guard let buffer = CMSampleBufferGetImageBuffer(sample) else { return }
    let timeS = CMSampleBufferGetPresentationTimeStamp(sample).seconds
    do {
      try offer(buffer, timeS: timeS, orientation: orientation, to: stream)
    } catch {
      // A closed stream ends with its camera; a frame that isn't valid is followed by the next.
    }
  }
}
