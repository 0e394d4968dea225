import Foundation

/// One class of a result.
public struct Prediction: Equatable, Sendable {
  /// Row of the classifier head, 0-based; `labels[index]` is the label.
  public let index: Int
  /// The class name.
  public let label: String
  /// The model's raw output.
  public let logit: Double
  /// Softmax probability, 0...1; smoothed over time in a stream.
  public let score: Double
}

/// Probabilities of logits; any finite logits give finite scores.
func softmax(_ logits: [Float]) -> [Double] {
  let most = Double(logits.max() ?? 0)
  let powers = logits.map { exp(Double($0) - most) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}

/// The `top` classes (nil: all), best first and the lower index first on a tie, ranked by logit, or by `scores`
/// if they are given.
func rank(_ logits: [Float], labels: [String], top: Int?, scores: [Double]? = nil) -> [Prediction] {
  // Logits order what the softmax rounds to the same score; a given score stands for itself.
  let keys = scores ?? logits.map(Double.init)
  let shown = scores ?? softmax(logits)
  let order = keys.indices.sorted { (keys[$0], $1) > (keys[$1], $0) }
  return order.prefix(top ?? logits.count).map {
    Prediction(index: $0, label: labels[$0], logit: Double(logits[$0]), score: shown[$0])
  }
}
