import SwiftUI

/// What the test bundle is injected into.
@main
struct HostApp: App {
  var body: some Scene {
    WindowGroup { Text("dvfl device test") }
  }
}
