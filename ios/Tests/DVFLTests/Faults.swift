@testable import DVFL

/// Faulty programs on frames, by their names in `controls`: a comparison that cannot fail proves nothing.
enum FrameFault: String, CaseIterable {
  case antialias
  case bgr
  case squash
  case wrongRange = "wrong_range"
  case wrongMatrix = "wrong_matrix"
  case ignoredStride = "ignored_stride"
  case truncatedShortSide = "truncated_short_side"

  /// What the faulty program makes of a frame.
  func preprocess(_ frame: any VideoFrame, _ spec: PreprocessingSpec) throws -> [UInt8] {
    switch self {
    case .antialias:
      let upright = try uprightPicture(frame, spec)
      let (width, height) = slowSize(upright, spec, roundUp: 0.5)
      return centreCut(antialiased(upright, width, height), spec.crop.size).values
    case .bgr:
      let right = try slowReference(frame, spec)
      return right.indices.map { right[$0 - $0 % 3 + 2 - $0 % 3] }
    case .squash:
      let upright = try uprightPicture(frame, spec)
      return slowResize(upright, spec.crop.size, spec.crop.size, spec.resize).values
    case .wrongRange:
      let frame = try yuv(frame)
      return try slowReference(
        frame.with(frame.matrix, frame.range == .limited ? .full : .limited), spec)
    case .wrongMatrix:
      let frame = try yuv(frame)
      return try slowReference(frame.with(frame.matrix == .bt601 ? .bt709 : .bt601, frame.range), spec)
    case .ignoredStride:
      return try slowReference(yuv(frame).tight(), spec)
    case .truncatedShortSide:
      // 1e-9 forgives 255.99999 for the short side itself: the fault is in the long side.
      return try slowReference(frame, spec, roundUp: 1e-9)
    }
  }

  private func yuv(_ frame: any VideoFrame) throws -> Frame {
    guard let frame = frame as? Frame else { throw GoldenProblem(line: "\(rawValue) needs a YUV frame") }
    return frame
  }
}

extension Frame {
  fileprivate func with(_ matrix: ColorMatrix?, _ range: ColorRange?) throws -> Frame {
    try Frame(
      timeS: timeS, y: y, u: u, v: v, width: width, height: height, orientation: orientation, matrix: matrix,
      range: range)
  }

  fileprivate func tight() throws -> Frame {
    let chroma = (width + 1) / 2
    return try Frame(
      timeS: timeS, y: Plane(borrowing: y.bytes, rowStride: width),
      u: Plane(borrowing: u.bytes, rowStride: chroma), v: Plane(borrowing: v.bytes, rowStride: chroma),
      width: width, height: height, orientation: orientation, matrix: matrix, range: range)
  }
}

/// The same on whole clips `[T, H, W, 3]`.
enum ClipFault: String, CaseIterable {
  case reversedFrames = "reversed_frames"
  case timeChannelScramble = "time_channel_scramble"

  func apply(_ clip: [UInt8], shape: [Int]) -> [UInt8] {
    switch self {
    case .reversedFrames:
      let frameBytes = clip.count / shape[0]
      return clip.indices.map {
        clip[(shape[0] - 1 - $0 / frameBytes) * frameBytes + $0 % frameBytes]
      }
    case .timeChannelScramble:
      // Byte (c, t, h, w) of C,T,H,W in order; t, h and w together are one position.
      let positions = clip.count / 3
      return clip.indices.map { clip[$0 % positions * 3 + $0 / positions] }
    }
  }
}

/// The fault `key_frames`: what a seek to each index gives.
func nearestKeyFrames(_ indices: [Int], _ keyFrames: [Int]) throws -> [Int] {
  try indices.map { index in
    guard let key = keyFrames.last(where: { $0 <= index }) else {
      throw GoldenProblem(line: "no key frame at or before \(index)")
    }
    return key
  }
}

/// A triangle as wide as the reduction, as Pillow and torchvision take by default.
private func antialiased(_ from: Picture, _ width: Int, _ height: Int) -> Picture {
  func weights(_ d: Int, _ source: Int, _ target: Int) -> [(at: Int, weight: Double)] {
    let step = Double(source) / Double(target)
    let reach = max(step, 1)
    let centre = (Double(d) + 0.5) * step
    var taps: [(at: Int, weight: Double)] = []
    for at in 0..<source {
      let distance = abs(Double(at) + 0.5 - centre)
      if distance < reach { taps.append((at, 1 - distance / reach)) }
    }
    let sum = taps.reduce(0.0) { $0 + $1.weight }
    return taps.map { ($0.at, $0.weight / sum) }
  }
  let columns = (0..<width).map { weights($0, from.width, width) }
  let rows = (0..<height).map { weights($0, from.height, height) }
  return Picture(width: width, height: height) { x, y in
    func value(_ c: Int) -> UInt8 {
      var sum = 0.0
      for row in rows[y] {
        for column in columns[x] {
          let at = (row.at * from.width + column.at) * 3 + c
          sum += row.weight * column.weight * Double(from.values[at])
        }
      }
      return UInt8(min(max(sum.rounded(.toNearestOrEven), 0), 255))
    }
    return (value(0), value(1), value(2))
  }
}
