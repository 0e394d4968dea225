import Foundation

/// An error this SDK raises on purpose.
///
/// `description` is one line that says what is wrong and where; `recoverySuggestion` says what to do.
public struct DVFLError: Error, Equatable, Sendable, LocalizedError, CustomStringConvertible {
  /// What kind of thing is wrong; what a program decides by.
  public enum Kind: String, Sendable, CaseIterable {
    /// A preprocessing spec is missing, malformed or contradicts itself.
    case spec
    /// A frame or clip is not what it claims: a plane too short for its strides, a size, crop or time.
    case frame
    /// A video cannot be read: missing, corrupt, empty, without a video track, or in an unknown format.
    case video
    /// A bundle is missing, altered, of an unknown schema version, or points outside its folder.
    case bundle
    /// An engine cannot load an artifact, or returned something that is no logits vector.
    case engine
    /// An option is outside its range.
    case options
    /// A recognizer, stream or engine was used after it was closed.
    case closed
  }

  /// What kind of thing is wrong.
  public let kind: Kind
  /// What is wrong, and where.
  public let problem: String
  /// What to do about it.
  public let advice: String

  /// Makes an error of a `kind` from a `problem` and an `advice`, both without a final full stop.
  public init(_ kind: Kind, _ problem: String, advice: String) {
    self.kind = kind
    self.problem = problem
    self.advice = advice
  }

  /// The problem and the advice, in one line.
  public var description: String { "\(problem); \(advice)" }
  /// The problem and the advice, in one line.
  public var errorDescription: String? { description }
  /// What to do.
  public var recoverySuggestion: String? { advice }
}
