import Foundation

/// Decoding that refuses unknown and missing fields, in snake case.
///
/// `Decodable` skips what it doesn't know. Here the decoded value is written out again, and every field of the
/// source must be among the fields written; so a model can hold no second list of its own field names.
enum StrictJSON {
  /// Decodes `data`, or throws one line that names the field.
  static func decode<Value: Codable>(_ type: Value.Type, from data: Data) throws -> Value {
    let value = try read(type, from: data)
    let (known, given) = try fields(of: value, and: data)
    if let field = firstUnknown(in: given, known: known, at: "") {
      throw Problem("\(field): is not a field that this SDK knows")
    }
    return value
  }

  /// The same, but for fields that are not known.
  static func read<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
    // JSONDecoder on Linux ends the process at a field name that is no UTF-8 or has an unknown escape.
    let isText = String(bytes: data, encoding: .utf8) != nil
    guard isText, (try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)) != nil else {
      throw Problem("not JSON, or not UTF-8")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(type, from: data)
    } catch let error as DecodingError {
      throw Problem(error)
    }
  }

  /// A value as it's written, and what it was read from.
  private static func fields(of value: some Encodable, and data: Data) throws -> (known: Any, given: Any) {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    do {
      let known = try JSONSerialization.jsonObject(with: encoder.encode(value))
      return (known, try JSONSerialization.jsonObject(with: data))
    } catch {
      throw Problem("not JSON: holds a number or a text that can't be written again")
    }
  }

  /// One line that says which field is wrong, and how.
  struct Problem: Error {
    let line: String

    init(_ line: String) { self.line = line }

    init(_ error: DecodingError) {
      switch error {
      case .keyNotFound(let key, let context):
        line = "\(Self.path(context.codingPath + [key])): is missing"
      case .typeMismatch(_, let context), .valueNotFound(_, let context):
        line = "\(Self.path(context.codingPath)): \(context.debugDescription)"
      case .dataCorrupted(let context):
        let place = Self.path(context.codingPath)
        line =
          place.isEmpty ? "not JSON: \(context.debugDescription)" : "\(place): \(context.debugDescription)"
      @unknown default:
        line = "not what was expected"
      }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
      keys.map { $0.intValue.map(String.init) ?? snake($0.stringValue) }.joined(separator: ".")
    }

    /// `shortSide` as the file writes it: `short_side`. What begins with a capital is data.
    private static func snake(_ name: String) -> String {
      guard name.first?.isLowercase == true else { return name }
      return name.map { $0.isUppercase ? "_\($0.lowercased())" : String($0) }.joined()
    }
  }

  private static func firstUnknown(in given: Any, known: Any, at path: String) -> String? {
    if let given = given as? [String: Any], let known = known as? [String: Any] {
      for (key, value) in given.sorted(by: { $0.key < $1.key }) {
        let place = path.isEmpty ? key : "\(path).\(key)"
        guard let match = known[key] else { return place }
        if let found = firstUnknown(in: value, known: match, at: place) { return found }
      }
    }
    if let given = given as? [Any], let known = known as? [Any] {
      for (index, pair) in zip(given, known).enumerated() {
        if let found = firstUnknown(in: pair.0, known: pair.1, at: "\(path).\(index)") { return found }
      }
    }
    return nil
  }
}

/// A value that may be null but must be there, and that is written as null again.
@propertyWrapper
public struct Nullable<Value: Codable & Equatable & Sendable>: Codable, Equatable, Sendable {
  /// The value, or nil for null.
  public let wrappedValue: Value?

  /// Wraps a value.
  public init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  /// Reads a value or null.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  /// Writes the value or null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
