/// An error for a name that a person typed: `unknown KIND 'VALUE'; did you mean 'X'? choices: ...`.
package func unknown(_ what: String, _ value: String, choices: [String], kind: DVFLError.Kind) -> DVFLError {
  let typed = value.lowercased()
  let closest = choices.min { edits(typed, $0) < edits(typed, $1) }
  // Names are short: two slips in a word of five letters still count, another word does not.
  let near = closest.filter { 2 * edits(typed, $0) <= max(typed.count, $0.count) }
  let guess = near.map { "did you mean '\($0)'? " } ?? ""
  let listed = choices.isEmpty ? "none" : choices.joined(separator: ", ")
  return DVFLError(kind, "unknown \(what) '\(value)'", advice: "\(guess)choices: \(listed)")
}

extension Optional {
  fileprivate func filter(_ holds: (Wrapped) -> Bool) -> Wrapped? { flatMap { holds($0) ? $0 : nil } }
}

/// The Levenshtein distance.
private func edits(_ first: String, _ second: String) -> Int {
  let second = Array(second)
  var above = Array(0...second.count)
  for (row, character) in first.enumerated() {
    var current = [row + 1]
    for column in second.indices {
      let replaced = above[column] + (character == second[column] ? 0 : 1)
      current.append(min(replaced, above[column + 1] + 1, current[column] + 1))
    }
    above = current
  }
  return above.last ?? 0
}
