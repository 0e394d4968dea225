import AVFoundation
import DVFL
import SwiftUI

/// What the screen shows, and who does it: one recognizer, one stream, one camera.
@MainActor
final class Recognition: ObservableObject {
  @Published private(set) var predictions: [Prediction] = []
  @Published private(set) var active: String?
  @Published private(set) var message = "Opening the model ..."

  let camera = Camera()
  private var recognizer: ActionRecognizer?
  private var stream: StreamingActionRecognizer?
  private var position = AVCaptureDevice.Position.back
  private var isActive = true

  /// Opens the model, then shows what the camera sees.
  func open() async {
    guard recognizer == nil else { return }
    do {
      let recognizer = try await openRecognizer()
      try await recognizer.warmUp()
      self.recognizer = recognizer
      let stream = StreamingActionRecognizer(recognizer: recognizer)
      self.stream = stream
      message = "\(recognizer.engine), \(recognizer.precision.rawValue)"
      if isActive { await startCamera() }
      await show(stream)
    } catch {
      message = "\(error)"
    }
  }

  /// The camera and the model rest in the background, where iOS forbids both.
  func setActive(_ isActive: Bool) async {
    self.isActive = isActive
    guard let stream else { return }
    if isActive {
      stream.resume()
      await startCamera()
    } else {
      stream.pause()
      await camera.stop()
    }
  }

  func turnCamera() async {
    position = position == .back ? .front : .back
    stream?.reset()
    await startCamera()
  }

  /// The live stream rests while a file is looked at; its result stays until the camera is turned on again.
  func recognizeVideo(_ chosen: Result<URL, any Error>) async {
    guard let recognizer, let stream else { return }
    stream.pause()
    await camera.stop()
    do {
      let file = try chosen.get()
      message = "Reading \(file.lastPathComponent) ..."
      let isScoped = file.startAccessingSecurityScopedResource()
      defer { if isScoped { file.stopAccessingSecurityScopedResource() } }
      predictions = try await DVFLSample.recognizeVideo(at: file, with: recognizer)
      message = "\(file.lastPathComponent). 'Turn camera' goes on live."
    } catch {
      message = "\(error)"
    }
  }

  private func startCamera() async {
    guard let stream else { return }
    do {
      stream.resume()
      try await camera.start(position, stream: stream)
    } catch {
      message = "\(error)"
    }
  }

  /// Iterating runs the model, off the main actor.
  private func show(_ stream: StreamingActionRecognizer) async {
    while !Task.isCancelled {
      do {
        for try await update in stream.updates { show(update) }
        return
      } catch is CancellationError {
        return
      } catch let error as DVFLError where error.kind == .closed {
        return
      } catch {
        // An inference failed; the stream goes on.
        message = "\(error)"
      }
    }
  }

  private func show(_ update: Update) {
    switch update {
    case .result(let result): (predictions, active) = (result.predictions, result.active)
    case .event(.entered(let label, _, _)): message = "\(label) began"
    case .event(.left(let label, _, _)): message = "\(label) ended"
    }
  }
}
