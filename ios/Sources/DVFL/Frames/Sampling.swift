/// Which frames form a clip: by position in a whole video, or by time stamp in a live window.
public enum Sampling {
  /// Positions, in presentation order, of the frames that stand for a whole clip of `frameCount` frames.
  ///
  /// With N frames and T = `temporal.frames`: `a = (N - excluded_frames) / T`, `index_i = int(i*a + a/2)` modulo
  /// N, in double precision; N < `minimum_frames` gives T zeros.
  ///
  /// - Returns: T positions, never decreasing, each in `0..<frameCount`.
  /// - Throws: ``DVFLError`` of kind `frame` if `frameCount` is less than 1.
  public static func clipFrameIndices(frameCount: Int, spec: PreprocessingSpec) throws -> [Int] {
    guard frameCount >= 1 else {
      throw DVFLError(.frame, "a clip of \(frameCount) frames", advice: "it needs at least one")
    }
    let rule = spec.temporal
    if frameCount < rule.minimumFrames { return Array(repeating: 0, count: rule.frames) }
    let step = Double(frameCount - rule.excludedFrames) / Double(rule.frames)
    return (0..<rule.frames).map { Int(Double($0) * step + step / 2) % frameCount }
  }

  /// Positions in `timestampsS` of the frames that stand for a live window of seconds; see `spec/README.md`.
  ///
  /// - Parameters:
  ///   - timestampsS: presentation times in seconds, never decreasing.
  ///   - windowEndS: the end of the window in seconds, itself inside the window.
  ///   - windowS: the length of the window in seconds.
  ///   - spec: the preprocessing contract.
  /// - Returns: T positions, never decreasing.
  /// - Throws: ``DVFLError`` of kind `frame` if times decrease or are not finite, the window has no length, no frame
  ///   lies in it, or times are so large that their sums fit no integer.
  public static func windowFrameIndices(
    timestampsS: [Double], windowEndS: Double, windowS: Double, spec: PreprocessingSpec
  ) throws -> [Int] {
    let perSecond = spec.window.ticksPerSecond
    let ticks = try timestampsS.map { try Self.ticks($0, perSecond: perSecond) }
    let length = try Self.ticks(windowS, perSecond: perSecond)
    guard length >= 1 else {
      throw DVFLError(.frame, "a window of \(windowS) s", advice: "it must have a positive length")
    }
    guard zip(ticks, ticks.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      throw DVFLError(.frame, "time stamps that decrease", advice: "give frames in presentation order")
    }
    let end = try Self.ticks(windowEndS, perSecond: perSecond)
    guard let indices = try windowIndices(ticks: ticks, end: end, length: length, spec: spec) else {
      throw DVFLError(
        .frame, "no frame in the \(windowS) s that end at \(windowEndS) s", advice: "check the time stamps")
    }
    return indices
  }

  /// The same for times in ticks that never decrease; nil if no frame lies in the window.
  static func windowIndices(ticks: [Int], end: Int, length: Int, spec: PreprocessingSpec) throws -> [Int]? {
    guard let first = ticks.firstIndex(where: { $0 > end - length }),
      let last = ticks.lastIndex(where: { $0 <= end }), first <= last
    else { return nil }
    let count = last - first + 1
    // No distance below is greater than twice this.
    let (span, overflow) = count.multipliedReportingOverflow(by: length)
    guard !overflow, span <= Int.max / 2 else {
      throw DVFLError(
        .frame, "\(count) frames in a window of \(length) ticks", advice: "give a shorter window")
    }
    return try clipFrameIndices(frameCount: count, spec: spec).map { nominal in
      var best = first
      var least = Int.max
      for index in first...last {
        let distance = abs(count * (ticks[index] - end) + (count - 1 - nominal) * length)
        if distance < least { (best, least) = (index, distance) }
      }
      return best
    }
  }

  /// `floor(t * ticks_per_second + 0.5)` in double precision.
  static func ticks(_ timeS: Double, perSecond: Int) throws -> Int {
    let value = (timeS * Double(perSecond) + 0.5).rounded(.down)
    // The difference of two of them fits an integer.
    guard let ticks = Int(exactly: value), abs(value) <= 0x1p61 else {
      throw DVFLError(.frame, "time \(timeS)", advice: "times must be finite, and seconds")
    }
    return ticks
  }
}
