import DVFL

/// What Core Video says of a picture's colours: the values of `kCVImageBufferYCbCrMatrixKey`,
/// `kCVImageBufferTransferFunctionKey` and `kCVImageBufferColorPrimariesKey`, nil where there is none. Format
/// descriptions of Core Media have the same words.
public struct ColorTags: Equatable, Sendable {
  /// The matrix that made Y, U and V.
  public let matrix: String?
  /// The transfer function.
  public let transfer: String?
  /// The primaries.
  public let primaries: String?

  /// Tags as Core Video words them.
  public init(matrix: String? = nil, transfer: String? = nil, primaries: String? = nil) {
    self.matrix = matrix
    self.transfer = transfer
    self.primaries = primaries
  }

  private static let advice = "record with HDR switched off or convert it to SDR (BT.709) first"

  /// Refuses HDR and BT.2020 as `rule` says.
  ///
  /// - Throws: `DVFLError` of kind `video`.
  public func checkDynamicRange(_ rule: ColorSpec) throws {
    let code = transfer.flatMap { Self.transferCodes[$0] }
    if let name = rule.refusedTransferCodes.first(where: { $0.value == code })?.key {
      throw DVFLError(.video, "is HDR (\(name))", advice: Self.advice)
    }
    let primary = primaries.flatMap { Self.primariesCodes[$0] }
    if let name = rule.refusedPrimariesCodes.first(where: { $0.value == primary })?.key {
      throw DVFLError(.video, "has \(name) colours", advice: Self.advice)
    }
  }

  /// The matrix for a frame, or nil if the tags don't say: preprocessing then takes the spec's choice.
  ///
  /// - Throws: `DVFLError` of kind `video` for HDR, and for a matrix without a defined conversion.
  public func colorMatrix(_ rule: ColorSpec) throws -> ColorMatrix? {
    try checkDynamicRange(rule)
    guard let matrix else { return nil }
    if let code = Self.matrixCodes[matrix] {
      for (name, codes) in rule.matrixCodes where codes.contains(code) { return ColorMatrix(rawValue: name) }
      if code == rule.untaggedCode { return nil }
    }
    throw DVFLError(
      .video, "has the colour matrix \(matrix), only BT.601 and BT.709 are defined", advice: Self.advice)
  }

  // Core Video's words -> code points of ITU-T H.273.
  private static let matrixCodes = [
    "ITU_R_709_2": 1, "ITU_R_601_4": 6, "SMPTE_240M_1995": 7, "ITU_R_2020": 9,
  ]
  private static let transferCodes = [
    "ITU_R_709_2": 1, "SMPTE_240M_1995": 7, "Linear": 8, "IEC_sRGB": 13, "ITU_R_2020": 14,
    "SMPTE_ST_2084_PQ": 16, "SMPTE_ST_428_1": 17, "ITU_R_2100_HLG": 18,
  ]
  private static let primariesCodes = [
    "ITU_R_709_2": 1, "EBU_3213": 5, "SMPTE_C": 6, "ITU_R_2020": 9, "DCI_P3": 11, "P3_D65": 12,
  ]
}
