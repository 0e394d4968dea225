@testable import DVFL

/// A whole picture; pixel (x, y) has channel c at `(y * width + x) * 3 + c`.
struct Picture: Equatable {
  let width: Int
  let height: Int
  var values: [UInt8]

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    values = [UInt8](repeating: 0, count: width * height * 3)
  }

  /// A picture whose pixel (x, y) is `pixel(x, y)`.
  init(width: Int, height: Int, pixel: (Int, Int) -> (UInt8, UInt8, UInt8)) {
    self.init(width: width, height: height)
    values.withUnsafeMutableBufferPointer { values in
      var at = 0
      for y in 0..<height {
        for x in 0..<width {
          (values[at], values[at + 1], values[at + 2]) = pixel(x, y)
          at += 3
        }
      }
    }
  }

  /// `place(x, y)` says which pixel of this picture comes to (x, y).
  func moved(width: Int, height: Int, place: (Int, Int) -> (Int, Int)) -> Picture {
    values.withUnsafeBufferPointer { values in
      Picture(width: width, height: height) { x, y in
        let (column, row) = place(x, y)
        let at = (row * self.width + column) * 3
        return (values[at], values[at + 1], values[at + 2])
      }
    }
  }
}

/// The preprocessing as `spec/README.md` words it, step by step on whole pictures: slow, obvious, and sharing
/// nothing with the code under test but the spec's numbers.
func slowReference(_ frame: any VideoFrame, _ spec: PreprocessingSpec, roundUp: Double = 0.5) throws
  -> [UInt8]
{
  let upright = try uprightPicture(frame, spec)
  let (width, height) = slowSize(upright, spec, roundUp: roundUp)
  return centreCut(slowResize(upright, width, height, spec.resize), spec.crop.size).values
}

/// The size after the resize; `roundUp` is 0.5 but in a faulty program.
func slowSize(_ upright: Picture, _ spec: PreprocessingSpec, roundUp: Double) -> (Int, Int) {
  let scale = Double(spec.resize.shortSide) / Double(min(upright.width, upright.height))
  return (Int(Double(upright.width) * scale + roundUp), Int(Double(upright.height) * scale + roundUp))
}

/// Every pixel converted, then cut, turned and flipped.
func uprightPicture(_ frame: any VideoFrame, _ spec: PreprocessingSpec) throws -> Picture {
  let stored: Picture
  switch frame {
  case let frame as Frame: stored = try convertedWhole(frame, spec.color)
  case let frame as RgbFrame: stored = copiedWhole(frame)
  default: throw GoldenProblem(line: "neither Frame nor RgbFrame")
  }
  let (crop, mirrored) = (frame.crop, frame.orientation.mirrored)
  var picture = stored.moved(width: crop.width, height: crop.height) { (crop.left + $0, crop.top + $1) }
  for _ in 0..<frame.orientation.rotation / 90 {
    // Clockwise: what was the left column, read upwards, becomes the top row.
    let before = picture
    picture = before.moved(width: before.height, height: before.width) { ($1, before.height - 1 - $0) }
  }
  guard mirrored else { return picture }
  let width = picture.width
  return picture.moved(width: width, height: picture.height) { (width - 1 - $0, $1) }
}

private func convertedWhole(_ frame: Frame, _ color: ColorSpec) throws -> Picture {
  let matrix = frame.matrix ?? color.untaggedMatrix
  let range = frame.range ?? color.untaggedRange
  guard let k = color.conversions.first(where: { $0.matrix == matrix && $0.range == range }) else {
    throw GoldenProblem(line: "no conversion for \(matrix) \(range)")
  }
  func byte(_ sum: Int) -> UInt8 { UInt8(min(max(sum >> color.shift, 0), 255)) }
  return Picture(width: frame.width, height: frame.height) { x, y in
    let luma = (frame.y.sample(x, y) - k.lumaOffset) * k.y + color.rounding
    let u = frame.u.sample(x / 2, y / 2) - k.chromaOffset
    let v = frame.v.sample(x / 2, y / 2) - k.chromaOffset
    return (byte(luma + k.rV * v), byte(luma + k.gU * u + k.gV * v), byte(luma + k.bU * u))
  }
}

private func copiedWhole(_ frame: RgbFrame) -> Picture {
  let order = frame.format == .bgra ? [2, 1, 0] : [0, 1, 2]
  let step = frame.format == .rgb ? 3 : 4
  let (bytes, plane) = (frame.pixels.bytes, frame.pixels)
  return Picture(width: frame.width, height: frame.height) { x, y in
    let at = plane.offset + y * plane.rowStride + x * step
    return (bytes[at + order[0]], bytes[at + order[1]], bytes[at + order[2]])
  }
}

extension Plane {
  fileprivate func sample(_ x: Int, _ y: Int) -> Int {
    Int(bytes[offset + y * rowStride + x * pixelStride])
  }
}

/// Where an output position lies between two source pixels.
private struct SlowTap {
  let first: Int
  let second: Int
  let firstWeight: Int
  let secondWeight: Int

  init(_ d: Int, source: Int, target: Int, isColumn: Bool, unit: Float) {
    let s = 1.0 / (Double(target) / Double(source))
    let f = Float((Double(d) + 0.5) * s - 0.5)
    var i = Int(f.rounded(.down))
    var fraction = f - f.rounded(.down)
    if isColumn {
      if i < 0 { (i, fraction) = (0, 0) }
      if i >= source - 1 { (i, fraction) = (source - 1, 0) }
    }
    first = max(0, min(source - 1, i))
    second = max(0, min(source - 1, i + 1))
    firstWeight = Int(((1 - fraction) * unit).rounded(.toNearestOrEven))
    secondWeight = Int((fraction * unit).rounded(.toNearestOrEven))
  }
}

/// The whole picture, resized.
func slowResize(_ from: Picture, _ width: Int, _ height: Int, _ rule: ResizeSpec) -> Picture {
  let unit = Float(1 << rule.coefficientBits)
  let columns = (0..<width).map {
    SlowTap($0, source: from.width, target: width, isColumn: true, unit: unit)
  }
  let rows = (0..<height).map {
    SlowTap($0, source: from.height, target: height, isColumn: false, unit: unit)
  }
  return from.values.withUnsafeBufferPointer { values in
    Picture(width: width, height: height) { x, y in
      let (a, b) = (columns[x], rows[y])
      func value(_ c: Int) -> UInt8 {
        func across(_ row: Int) -> Int {
          let start = row * from.width * 3 + c
          let sum =
            Int(values[start + 3 * a.first]) * a.firstWeight
            + Int(values[start + 3 * a.second]) * a.secondWeight
          return sum >> rule.horizontalShift
        }
        let sum =
          ((b.firstWeight * across(b.first)) >> rule.verticalShift)
          + ((b.secondWeight * across(b.second)) >> rule.verticalShift)
        return UInt8(min(max((sum + rule.finalRounding) >> rule.finalShift, 0), 255))
      }
      return (value(0), value(1), value(2))
    }
  }
}

func centreCut(_ from: Picture, _ size: Int) -> Picture {
  let left = Int((Double(from.width - size) / 2).rounded(.down))
  let top = Int((Double(from.height - size) / 2).rounded(.down))
  return from.moved(width: size, height: size) { (left + $0, top + $1) }
}
