import SwiftUI

@main
struct SampleApp: App {
  @StateObject private var recognition = Recognition()
  @Environment(\.scenePhase) private var phase

  var body: some Scene {
    WindowGroup {
      ContentView(recognition: recognition)
        .task { await recognition.open() }
    }
    .onChange(of: phase) { phase in
      Task { await recognition.setActive(phase == .active) }
    }
  }
}
