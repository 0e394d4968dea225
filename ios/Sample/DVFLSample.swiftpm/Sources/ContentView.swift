import DVFL
import SwiftUI
import UniformTypeIdentifiers

/// The camera's picture, and below it what the model sees in it.
struct ContentView: View {
  @ObservedObject var recognition: Recognition
  @State private var isChoosing = false

  var body: some View {
    VStack(alignment: .leading, spacing: 12) {
      CameraPreview(camera: recognition.camera)
      Predictions(predictions: recognition.predictions, active: recognition.active)
      Text(recognition.message).font(.footnote).foregroundColor(.secondary)
      HStack {
        Button("Turn camera") { Task { await recognition.turnCamera() } }
        Spacer()
        Button("Pick a video") { isChoosing = true }
      }
    }
    .padding()
    .fileImporter(isPresented: $isChoosing, allowedContentTypes: [.movie]) { chosen in
      Task { await recognition.recognizeVideo(chosen) }
    }
  }
}

/// The best classes; the one that is going on stands out.
private struct Predictions: View {
  let predictions: [Prediction]
  let active: String?

  var body: some View {
    ForEach(predictions, id: \.index) { prediction in
      HStack {
        Text(prediction.label).fontWeight(prediction.label == active ? .bold : .regular)
        Spacer()
        Text(prediction.score, format: .percent.precision(.fractionLength(1))).monospacedDigit()
      }
    }
  }
}
