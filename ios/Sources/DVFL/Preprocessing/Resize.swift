/// Two source positions and two integer weights per output position of one axis.
struct Taps: Sendable {
  /// All first positions, then all second positions: 2n.
  let both: [Int]
  /// n weights of the first positions, in units of 2^-coefficient_bits; at most 2^11, the spec's limit.
  let firstWeight: [Int16]
  /// n weights of the second positions.
  let secondWeight: [Int16]

  /// What happens to the fraction of a position outside the image.
  enum Edge {
    /// `edge_x`: the position moves to the edge, with the fraction 0.
    case clampPosition
    /// `edge_y`: both rows are clamped into the image, and their weights stay.
    case clampRowsKeepWeights
  }

  /// Taps of the centre crop of one axis on which `source` pixels become `target`.
  ///
  /// `f = float32((d + 0.5) * s - 0.5)` with `s = 1 / (target / source)` in double precision, position
  /// `floor(f)`, weights `rint(fraction * 2^bits)` with the fraction in float32 (half to even). This is OpenCV's
  /// `resize` with `INTER_LINEAR` for 8-bit images; `spec/README.md` words it.
  init(source: Int, target: Int, edge: Edge, spec: PreprocessingSpec) {
    let size = spec.crop.size
    let first = centreCropOffset(target, size)
    let step = 1.0 / (Double(target) / Double(source))
    let one = Float(1 << spec.resize.coefficientBits)
    var positions: [Int] = []
    var fractions: [Float] = []
    for output in first..<first + size {
      let exact = Float((Double(output) + 0.5) * step - 0.5)
      let below = exact.rounded(.down)
      let position = Int(below)
      let moved = edge == .clampPosition && (position < 0 || position >= source - 1)
      positions.append(position)
      fractions.append(moved ? 0 : exact - below)
    }
    let last = source - 1
    both = positions.map { min(max($0, 0), last) } + positions.map { min(max($0 + 1, 0), last) }
    firstWeight = fractions.map { Int16(((1 - $0) * one).rounded(.toNearestOrEven)) }
    secondWeight = fractions.map { Int16(($0 * one).rounded(.toNearestOrEven)) }
  }
}

/// A side after the frame's short side became `short_side`: `int(side * scale + 0.5)` with
/// `scale = short_side / min(width, height)`, in double precision.
func resizedSide(_ side: Int, shortest: Int, rule: ResizeSpec) -> Int {
  Int(Double(side) * (Double(rule.shortSide) / Double(shortest)) + 0.5)
}

/// Where a centred crop of `size` starts on an axis of `length`: half of the rest, rounded down.
func centreCropOffset(_ length: Int, _ size: Int) -> Int { (length - size) >> 1 }

/// The integer sums of the bilinear filter, with the numbers of one spec.
struct BlendRule: Sendable {
  private let horizontalShift: Int32
  private let verticalShift: Int32
  private let finalShift: Int32
  private let finalRounding: Int32

  init(_ rule: ResizeSpec) {
    horizontalShift = Int32(truncatingIfNeeded: rule.horizontalShift)
    verticalShift = Int32(truncatingIfNeeded: rule.verticalShift)
    finalShift = Int32(truncatingIfNeeded: rule.finalShift)
    finalRounding = Int32(truncatingIfNeeded: rule.finalRounding)
  }

  /// `count` sums of one channel along a row, `(p0 * w0 + p1 * w1) >> horizontal_shift`, from `2 * count`
  /// samples: those at the first positions, then those at the second.
  @inline(__always)
  func across(
    _ samples: UnsafePointer<UInt8>, _ firstWeight: UnsafePointer<Int16>,
    _ secondWeight: UnsafePointer<Int16>, count: Int, into across: UnsafeMutablePointer<Int32>
  ) {
    let seconds = samples + count
    let shift = horizontalShift
    for x in 0..<count {
      let sum = Int32(samples[x]) &* Int32(firstWeight[x]) &+ Int32(seconds[x]) &* Int32(secondWeight[x])
      across[x] = sum &>> shift
    }
  }

  /// Between two rows of sums:
  /// `(((b0 * above) >> vertical_shift) + ((b1 * below) >> vertical_shift) + final_rounding) >> final_shift`,
  /// clamped to 0...255.
  @inline(__always)
  func down(
    _ above: UnsafePointer<Int32>, _ below: UnsafePointer<Int32>, _ aboveWeight: Int32, _ belowWeight: Int32,
    count: Int, into out: UnsafeMutablePointer<UInt8>
  ) {
    let shift = verticalShift
    let lastShift = finalShift
    let rounding = finalRounding
    for x in 0..<count {
      let upper = (above[x] &* aboveWeight) &>> shift
      let lower = (below[x] &* belowWeight) &>> shift
      out[x] = clampedToByte((upper &+ lower &+ rounding) &>> lastShift)
    }
  }
}

/// `value` clamped to 0...255, written so that a loop of it becomes vector instructions.
@inline(__always)
func clampedToByte(_ value: Int32) -> UInt8 {
  UInt8(truncatingIfNeeded: min(max(value, 0), 255))
}
