// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import FoundationAdditions

public struct UTType: Hashable, Sendable {
  public static var movie: UTType { fatalError() }
}
