import Testing

@testable import DVFL
@testable import DVFLCoreML

/// Core Video's words for colours.
struct ColorTagsTests {
  private let rule: ColorSpec

  init() throws { rule = try PreprocessingSpec.standard().color }

  private func refusal(_ tags: ColorTags) -> DVFLError? {
    do {
      let matrix = try tags.colorMatrix(rule)
      Issue.record("\(tags) is \(String(describing: matrix))")
      return nil
    } catch {
      return error as? DVFLError
    }
  }

  @Test("BT.601, BT.709 and no tag are what they say")
  func defined() throws {
    #expect(try ColorTags(matrix: "ITU_R_601_4").colorMatrix(rule) == .bt601)
    #expect(try ColorTags(matrix: "ITU_R_709_2").colorMatrix(rule) == .bt709)
    #expect(try ColorTags().colorMatrix(rule) == nil)
    let sdr = ColorTags(matrix: "ITU_R_709_2", transfer: "ITU_R_709_2", primaries: "P3_D65")
    #expect(try sdr.colorMatrix(rule) == .bt709)
  }

  @Test(
    "other matrices are refused by name", arguments: ["SMPTE_240M_1995", "ITU_R_2020", "Something new", ""])
  func otherMatrices(_ matrix: String) {
    let error = refusal(ColorTags(matrix: matrix))
    #expect(error?.kind == .video)
    #expect(error?.problem.contains("colour matrix \(matrix)") == true)
  }

  @Test(
    "HDR is refused, whatever the matrix", arguments: [("SMPTE_ST_2084_PQ", "PQ"), ("ITU_R_2100_HLG", "HLG")])
  func highDynamicRange(_ transfer: String, _ name: String) {
    for matrix in [nil, "ITU_R_709_2", "ITU_R_2020"] {
      #expect(refusal(ColorTags(matrix: matrix, transfer: transfer))?.problem == "is HDR (\(name))")
    }
  }

  @Test("BT.2020 primaries are refused")
  func wideColors() {
    #expect(
      refusal(ColorTags(matrix: "ITU_R_709_2", primaries: "ITU_R_2020"))?.problem == "has BT2020 colours")
  }

  @Test("pixel formats are named by their four characters")
  func names() {
    #expect(fourCharacters(0x3432_3076) == "420v")
    #expect(fourCharacters(32) == "32")
  }
}
