// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import Foundation

public struct UTType: Sendable {
  public static var movie: UTType { fatalError() }
}
