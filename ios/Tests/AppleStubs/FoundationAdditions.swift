// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
//
// What Foundation has on Apple systems only; every stub that brings Foundation brings this too.
@_exported import Foundation

extension URL {
  public static var documentsDirectory: URL { fatalError() }
  public func startAccessingSecurityScopedResource() -> Bool { fatalError() }
  public func stopAccessingSecurityScopedResource() { fatalError() }
}
