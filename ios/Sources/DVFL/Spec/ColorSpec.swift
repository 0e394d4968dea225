/// The matrix that made Y, U and V.
public enum ColorMatrix: String, Codable, Sendable, CaseIterable {
  /// ITU-R BT.601.
  case bt601 = "BT601"
  /// ITU-R BT.709.
  case bt709 = "BT709"
}

/// How sample values are scaled.
public enum ColorRange: String, Codable, Sendable, CaseIterable {
  /// Y in 16...235, U and V in 16...240.
  case limited
  /// All in 0...255.
  case full
}

/// Integer coefficients of one YUV -> RGB conversion, in units of 2^-shift.
public struct ColorConversion: Codable, Equatable, Sendable {
  /// The matrix it undoes.
  public let matrix: ColorMatrix
  /// The range it expands.
  public let range: ColorRange
  /// Subtracted from Y.
  public let lumaOffset: Int
  /// Subtracted from U and V.
  public let chromaOffset: Int
  /// Factor of Y, for every channel.
  public let y: Int
  /// Factor of V, for red.
  public let rV: Int
  /// Factor of U, for green.
  public let gU: Int
  /// Factor of V, for green.
  public let gV: Int
  /// Factor of U, for blue.
  public let bU: Int

  var numbers: [Int] { [lumaOffset, chromaOffset, y, rV, gU, gV, bU] }
}

/// How a 10-bit sample becomes an 8-bit one: `min(255, (sample + rounding) >> shift)`.
public struct TenBitSpec: Codable, Equatable, Sendable {
  /// The only defined rule.
  public enum Rule: String, Codable, Sendable {
    /// Each sample of the three planes on its own, before the conversion to RGB.
    case roundEachSampleToEightBits = "round_each_sample_to_eight_bits"
  }

  /// The rule.
  public let rule: Rule
  /// Added first.
  public let rounding: Int
  /// Then shifted right by this.
  public let shift: Int
}

/// YUV 4:2:0 -> RGB, and what to do with a stream's colour tags (code points of ITU-T H.273).
public struct ColorSpec: Codable, Equatable, Sendable {
  /// The only defined upsampling.
  public enum ChromaUpsampling: String, Codable, Sendable {
    /// A 2 x 2 block of pixels shares its one U and its one V.
    case nearest
  }

  /// How chroma becomes as large as luma.
  public let chromaUpsampling: ChromaUpsampling
  /// Right shift from a luma column to a chroma column; 1.
  public let chromaShiftX: Int
  /// Right shift from a luma row to a chroma row; 1.
  public let chromaShiftY: Int
  /// Right shift after the sums.
  public let shift: Int
  /// Added before that shift.
  public let rounding: Int
  /// One per matrix and range.
  public let conversions: [ColorConversion]
  /// What an untagged stream counts as.
  public let untaggedMatrix: ColorMatrix
  /// What an untagged stream counts as.
  public let untaggedRange: ColorRange
  /// The code point that means: not specified.
  public let untaggedCode: Int
  /// Code points of each matrix, by its name.
  public let matrixCodes: [String: [Int]]
  /// Transfer functions that are refused (HDR), by name.
  public let refusedTransferCodes: [String: Int]
  /// Primaries that are refused, by name.
  public let refusedPrimariesCodes: [String: Int]
  /// What to do with 10-bit samples.
  public let tenBit: TenBitSpec

  /// The coefficients for a matrix and a range; nil stands for the spec's choice for untagged streams.
  ///
  /// - Throws: ``DVFLError`` of kind `spec` if the spec defines no such conversion.
  public func conversion(_ matrix: ColorMatrix?, _ range: ColorRange?) throws -> ColorConversion {
    let matrix = matrix ?? untaggedMatrix
    let range = range ?? untaggedRange
    for conversion in conversions where conversion.matrix == matrix && conversion.range == range {
      return conversion
    }
    throw DVFLError(
      .spec, "the preprocessing spec has no conversion for \(matrix.rawValue), \(range.rawValue) range",
      advice: "convert the bundle again")
  }

  var problem: String? {
    if chromaShiftX != 1 || chromaShiftY != 1 { return "color.chroma_shift_x and _y: must be 1" }
    if !(0...30).contains(shift) || !(0...30).contains(tenBit.shift) {
      return "color: shifts must be 0...30"
    }
    if rounding < 0 || tenBit.rounding < 0 { return "color: roundings must be 0 or more" }
    let numbers = [rounding, tenBit.rounding, untaggedCode] + conversions.flatMap(\.numbers)
    if !numbers.allSatisfy(Limits.integers.contains) { return "color: every number must fit 32 bits" }
    if untaggedCode < 0 { return "color.untagged_code: must be 0 or more, not \(untaggedCode)" }
    let pairs = conversions.map { "\($0.matrix) \($0.range)" }
    if Set(pairs).count != pairs.count { return "color.conversions: holds the same matrix and range twice" }
    if !pairs.contains("\(untaggedMatrix) \(untaggedRange)") {
      return "color.conversions: lacks the one for untagged streams"
    }
    let unknown = matrixCodes.keys.first { ColorMatrix(rawValue: $0) == nil }
    return unknown.map { "color.matrix_codes: \($0) is not a matrix that this SDK knows" }
  }
}
