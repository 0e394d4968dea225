import Foundation

/// Admits at most one frame per interval on average, in ticks.
///
/// Half an interval of slack lets every frame of a camera of just that rate pass although its time stamps jitter.
struct RateLimit: Sendable {
  let interval: Int
  private var next: Int?

  init(interval: Int) { self.interval = interval }

  /// Whether to keep a frame; ticks never decrease.
  mutating func admits(_ tick: Int) -> Bool {
    let slack = interval / 2
    let earliest = next ?? tick - slack
    if tick + slack < earliest { return false }
    next = max(earliest, tick - slack) + interval
    return true
  }
}

/// An exponential moving average of scores over time: an old result's weight halves per half-life.
struct ScoreSmoother: Sendable {
  private let halfLife: Double
  private var tick = 0
  private var scores: [Double]?

  init(halfLifeS: Double, ticksPerSecond: Int) { halfLife = halfLifeS * Double(ticksPerSecond) }

  /// The smoothed scores `[K]` after new ones at `tick`.
  mutating func update(_ tick: Int, _ fresh: [Double]) -> [Double] {
    var smoothed = fresh
    if let scores, halfLife > 0 {
      let kept = pow(0.5, Double(tick - self.tick) / halfLife)
      smoothed = zip(scores, fresh).map { kept * $0 + (1 - kept) * $1 }
    }
    self.tick = tick
    scores = smoothed
    return smoothed
  }

  mutating func clear() { scores = nil }
}

/// At most one active label, entered and left with hysteresis.
struct Activity: Sendable {
  /// A label was entered or left, with its smoothed score.
  struct Change: Sendable {
    let index: Int
    let entered: Bool
    let score: Double
  }

  let enter: Double
  let leave: Double
  /// In ticks.
  let minHold: Int
  /// The active label, or nil.
  private(set) var index: Int?
  private var since = 0
  private var score = 0.0

  init(enter: Double, leave: Double, minHold: Int) {
    self.enter = enter
    self.leave = leave
    self.minHold = minHold
  }

  /// What changes at `tick`: nothing, a leave, an enter, or a leave and then an enter.
  mutating func update(_ tick: Int, _ scores: [Double]) -> [Change] {
    let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    let bestEnters = scores[best] >= enter
    var changes: [Change] = []
    if let index {
      score = scores[index]
      let isReplaced = bestEnters && scores[best] > score
      if score < leave || isReplaced, tick - since >= minHold, let left = end() { changes.append(left) }
    }
    if index == nil, bestEnters {
      (index, since, score) = (best, tick, scores[best])
      changes.append(Change(index: best, entered: true, score: score))
    }
    return changes
  }

  /// Leaves the active label, if there is one.
  mutating func end() -> Change? {
    guard let left = index else { return nil }
    index = nil
    return Change(index: left, entered: false, score: score)
  }
}
