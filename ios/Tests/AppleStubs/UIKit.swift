// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import QuartzCore

@MainActor
public class UIApplication {
  public nonisolated static let didReceiveMemoryWarningNotification = Notification.Name("")
}

@MainActor
open class UIResponder {
  public init() { fatalError() }
}

@MainActor
open class UIView: UIResponder {
  open class var layerClass: AnyClass { fatalError() }
  open var layer: CALayer { fatalError() }
}
