// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import CoreGraphics

open class CALayer {
  public init() { fatalError() }
}
