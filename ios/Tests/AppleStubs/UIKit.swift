// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import Foundation

@MainActor
public class UIApplication {
  public nonisolated static let didReceiveMemoryWarningNotification = Notification.Name("")
}
