import DVFL

/// A command line that was written wrongly, told in one line.
struct UsageError: Error, Equatable {
  let line: String
  init(_ line: String) { self.line = line }
}

/// An option of a command: a flag, or a name that takes a value.
struct Option {
  let name: String
  var takesValue = true
}

/// The words after a command's name, sorted out.
struct Arguments: Equatable {
  private(set) var positionals: [String] = []
  private var values: [String: String] = [:]

  /// Takes `--name value`, `--name=value`, `--flag` and words; after `--` everything is a word.
  ///
  /// - Throws: ``UsageError`` for an unknown or repeated option, a missing value, and one that a flag doesn't take.
  init(_ words: some Collection<String>, options: [Option]) throws {
    var rest = words.makeIterator()
    var isOnlyWords = false
    while let word = rest.next() {
      if isOnlyWords || !word.hasPrefix("--") {
        if !isOnlyWords, word.count > 1, word.hasPrefix("-") {
          throw UsageError("unknown option '\(word)'; options begin with '--'")
        }
        positionals.append(word)
      } else if word == "--" {
        isOnlyWords = true
      } else {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
          String.init)
        let option = try Self.option(parts[0], in: options)
        guard values[option.name] == nil else { throw UsageError("\(option.name) is given twice") }
        guard option.takesValue else {
          guard parts.count == 1 else { throw UsageError("\(option.name) takes no value") }
          values[option.name] = ""
          continue
        }
        guard let value = parts.count == 2 ? parts[1] : rest.next(), !value.isEmpty, !value.hasPrefix("--")
        else { throw UsageError("\(option.name) needs a value") }
        values[option.name] = value
      }
    }
  }

  /// Whether a flag is given.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// An option's value, or nil.
  func text(_ name: String) -> String? { values[name] }

  /// A whole number of at least `least`, or nil.
  func number(_ name: String, least: Int = 1) throws -> Int? {
    guard let text = values[name] else { return nil }
    guard let number = Int(text), number >= least else {
      throw UsageError("\(name) must be a whole number of at least \(least), not '\(text)'")
    }
    return number
  }

  /// The same for an option that must be given.
  func requiredNumber(_ name: String, least: Int = 1) throws -> Int {
    guard let number = try number(name, least: least) else { throw UsageError("\(name) is missing") }
    return number
  }

  /// A finite number above 0, or nil.
  func positive(_ name: String) throws -> Double? {
    guard let text = values[name] else { return nil }
    guard let number = Double(text), number.isFinite, number > 0 else {
      throw UsageError("\(name) must be a number above 0, not '\(text)'")
    }
    return number
  }

  /// One of `choices`, whatever its case, or nil.
  func choice(_ name: String, _ choices: [String]) throws -> String? {
    guard let text = values[name] else { return nil }
    if let found = choices.first(where: { $0.lowercased() == text.lowercased() }) { return found }
    throw UsageError(unknown(name, text, choices: choices, kind: .options).description)
  }

  /// The only word, which the usage calls `name`.
  func onlyWord(_ name: String) throws -> String {
    guard let word = positionals.first else { throw UsageError("\(name) is missing") }
    guard positionals.count == 1 else { throw UsageError("'\(positionals[1])' is one word too many") }
    return word
  }

  private static func option(_ name: String, in options: [Option]) throws -> Option {
    if let found = options.first(where: { $0.name == name }) { return found }
    throw UsageError(unknown("option", name, choices: options.map(\.name), kind: .options).description)
  }
}
