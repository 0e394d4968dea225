// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
//
// The tool-chain has XCTest itself, without attachments: this file is checked as a part of the tests that use them.
import Foundation
import XCTest

class XCTAttachment {
  enum Lifetime: Int, Sendable { case keepAlways, deleteOnSuccess }

  convenience init(contentsOfFile url: URL) { fatalError() }
  var name: String? {
    get { fatalError() }
    set { fatalError() }
  }
  var lifetime: Lifetime {
    get { fatalError() }
    set { fatalError() }
  }
}

extension XCTestCase {
  func add(_ attachment: XCTAttachment) { fatalError() }
}
