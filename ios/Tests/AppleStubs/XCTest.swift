// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
// Compiled with the test itself: XCTest exists without Apple's systems, but has no attachments there.
import Foundation
import XCTest

public class XCTAttachment {
  public enum Lifetime: Int, Sendable { case keepAlways, deleteOnSuccess }

  public init(contentsOfFile url: URL) { fatalError() }
  public var name: String? {
    get { fatalError() }
    set { fatalError() }
  }
  public var lifetime: XCTAttachment.Lifetime {
    get { fatalError() }
    set { fatalError() }
  }
}

// Foundation has it on Apple's systems only.
extension URL {
  static var documentsDirectory: URL { fatalError() }
}

extension XCTestCase {
  public func add(_ attachment: XCTAttachment) { fatalError() }
}
