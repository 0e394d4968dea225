// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import Foundation

@MainActor
public class UIApplication {
  public nonisolated static let didReceiveMemoryWarningNotification = Notification.Name("")
}

open class CALayer: NSObject {}

@MainActor
open class UIView {
  public init() { fatalError() }
  open class var layerClass: AnyClass { fatalError() }
  public var layer: CALayer { fatalError() }
}

// Foundation has these on Apple's systems only.
extension URL {
  public func startAccessingSecurityScopedResource() -> Bool { fatalError() }
  public func stopAccessingSecurityScopedResource() { fatalError() }
}
