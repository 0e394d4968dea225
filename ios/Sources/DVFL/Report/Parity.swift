import Foundation

extension ClipParity {
  /// The figures of one clip, in 64 bits, as `dvfl verify` works them out.
  ///
  /// - Parameters:
  ///   - clip: its name.
  ///   - reference: K finite logits, at least one.
  ///   - measured: K finite logits.
  public init(clip: String, reference: [Double], measured: [Double]) {
    let errors = zip(reference, measured).map { abs($1 - $0) }
    let error = errors.max() ?? 0
    let spread = (reference.max() ?? 0) - (reference.min() ?? 0)
    self.init(
      clip: clip, maxAbsError: error, errorOfRange: spread > 0 ? error / spread : (error > 0 ? 1 : 0),
      cosine: cosineOf(reference, measured), snrDb: signalToNoise(reference, errors),
      top1Agrees: best(reference, 1) == best(measured, 1), top5Agrees: best(reference, 5) == best(measured, 5)
    )
  }
}

extension Gate {
  /// One phrase for each figure outside the gate; empty if all are inside.
  public func misses(_ clips: [ClipParity]) -> [String] {
    guard let worst = clips.max(by: { $0.errorOfRange < $1.errorOfRange }),
      let turned = clips.min(by: { $0.cosine < $1.cosine })
    else { return ["no clip was compared"] }
    let mean = clips.map(\.cosine).reduce(0, +) / Double(clips.count)
    let agreement = Double(clips.filter(\.top1Agrees).count) / Double(clips.count)
    var found: [String] = []
    if let most = maxErrorOfRange, worst.errorOfRange > most {
      found.append("error \(worst.errorOfRange) of the logit range > \(most) (\(worst.clip))")
    }
    if let least = minMeanCosine, mean < least { found.append("mean cosine \(mean) < \(least)") }
    if let least = minWorstCosine, turned.cosine < least {
      found.append("worst cosine \(turned.cosine) < \(least) (\(turned.clip))")
    }
    if let least = minTop1Agreement, agreement < least {
      found.append("top-1 agreement \(agreement) < \(least)")
    }
    return found
  }
}

/// 1 for two zero vectors, 0 if only one is zero.
private func cosineOf(_ first: [Double], _ second: [Double]) -> Double {
  func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).map(*).reduce(0, +) }
  let norms = dot(first, first).squareRoot() * dot(second, second).squareRoot()
  if norms == 0 { return first == second ? 1 : 0 }
  return min(1, max(-1, dot(first, second) / norms))
}

/// Decibels, at most 300 either way.
private func signalToNoise(_ reference: [Double], _ errors: [Double]) -> Double {
  let signal = reference.map { $0 * $0 }.reduce(0, +)
  let noise = errors.map { $0 * $0 }.reduce(0, +)
  if noise == 0 { return 300 }
  return signal == 0 ? -300 : max(-300, min(300, 10 * log10(signal / noise)))
}

private func best(_ logits: [Double], _ count: Int) -> Set<Int> {
  Set(logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(count))
}
