// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
// Compiled with the app itself: the build writes an accessor like this one.
import Foundation

extension Bundle {
  static var module: Bundle { fatalError() }
}
