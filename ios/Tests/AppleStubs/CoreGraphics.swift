// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import FoundationAdditions

public struct CGAffineTransform: Sendable {
  public var a: CGFloat
  public var b: CGFloat
  public var c: CGFloat
  public var d: CGFloat
  public var tx: CGFloat
  public var ty: CGFloat
}

public typealias CFString = String
public typealias CFTypeRef = AnyObject
public typealias OSType = UInt32
