import Foundation
import Testing

@testable import DVFL

/// A contract that is not whole, or asks for what nobody defined, is refused by the name of the field.
struct SpecRefusalTests {
  private let golden: Any

  init() throws {
    let file = URL(fileURLWithPath: "\(repository)/spec/preprocessing.json")
    golden = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
  }

  /// The line that refuses a contract, or nil if it's taken.
  private func problem(_ json: Any) throws -> String? {
    let data = try JSONSerialization.data(withJSONObject: json)
    let error = refusal { _ = try PreprocessingSpec.parse(data, source: "test") }
    if let error {
      #expect(error.kind == .spec)
      #expect(!error.description.contains("\n"))
    }
    return error?.problem
  }

  /// Names of fields only: an array is one field.
  private var fields: [JSONPath] { paths(in: golden).filter { !$0.contains { Int($0) != nil } } }

  @Test func theContractItselfIsTaken() throws {
    #expect(try problem(golden) == nil)
    #expect(fields.count > 40)
  }

  @Test func everyMissingFieldIsNamed() throws {
    // A name of a code table is data, not a field.
    for path in fields where !["matrix_codes", "refused"].contains(where: path.dropLast().joined().contains) {
      let name = path.joined(separator: ".")
      #expect(try problem(changed(golden, at: path, to: nil)) == "test: \(name): is missing")
    }
  }

  @Test func everyUnknownFieldIsNamed() throws {
    for path in [[]] + fields where path.isEmpty || value(in: golden, at: path) is [String: Any] {
      // A table of codes holds names, not fields.
      if path.last?.hasSuffix("_codes") == true { continue }
      let more = path + ["more"]
      let line = "test: \(more.joined(separator: ".")): is not a field that this SDK knows"
      #expect(try problem(changed(golden, at: more, to: 1)) == line)
    }
  }

  @Test func noValueMayBeNullOrQuotedOrOfAnotherType() throws {
    for path in fields {
      for wrong in [NSNull(), "other", [String: Any]()] as [Any]
      where !(wrong is [String: Any] && value(in: golden, at: path) is [String: Any]) {
        #expect(try problem(changed(golden, at: path, to: wrong)) != nil, "\(path) = \(wrong)")
      }
    }
    for (path, quoted) in [(["temporal", "frames"], "8"), (["resize", "antialias"], "false")] {
      #expect(try problem(changed(golden, at: path, to: quoted)) != nil)
    }
  }

  @Test(arguments: ["1e99", "3000000000", "9223372036854775808", "8.5", "0x8", "NaN", "08", "1e400"])
  func aNumberThatIsNoIntegerOf32BitsIsRefused(_ number: String) throws {
    let text = try String(
      contentsOf: URL(fileURLWithPath: "\(repository)/spec/preprocessing.json"), encoding: .utf8)
    let edited = text.replacingOccurrences(of: "\"frames\": 8", with: "\"frames\": \(number)")
    #expect(edited != text)
    let error = refusal { _ = try PreprocessingSpec.parse(Data(edited.utf8), source: "test") }
    #expect(error?.kind == .spec)
  }

  @Test(
    arguments: [
      ("schema_version", "2", "schema_version: is 2, this SDK reads 1"),
      ("temporal.frames", "0", "temporal.frames: must be at least 1, not 0"),
      (
        "temporal.frames", "30000",
        "temporal.frames: 30000 frames of 224 x 224 have more than 2147483647 bytes"
      ),
      ("temporal.excluded_frames", "-1", "temporal.excluded_frames: must be 0 or more, not -1"),
      ("temporal.minimum_frames", "3", "temporal.minimum_frames: must be greater than excluded_frames"),
      ("temporal.minimum_frames", "2147483648", "temporal.minimum_frames: must fit 32 bits, not 2147483648"),
      ("window.ticks_per_second", "0", "window.ticks_per_second: must be at least 1, not 0"),
      ("window.ticks_per_second", "4294967296", "window.ticks_per_second: must fit 32 bits, not 4294967296"),
      ("orientation.rotations", "[0, 90]", "orientation.rotations: must be [0, 90, 180, 270]"),
      ("resize.antialias", "true", "resize.antialias: must be false"),
      ("resize.coefficient_bits", "12", "resize.coefficient_bits: must be 1...11, not 12"),
      ("resize.vertical_shift", "31", "resize: shifts must be 0...30, not [4, 31, 2]"),
      ("resize.vertical_shift", "15", "resize: the three shifts must add up to twice coefficient_bits"),
      ("resize.final_rounding", "-1", "resize.final_rounding: must be 0 or more and fit 32 bits, not -1"),
      ("resize.short_side", "223", "crop.size: 224 is larger than short_side 223"),
      ("resize.short_side", "1099511627776", "resize.short_side: must be 1...65536, not 1099511627776"),
      ("crop.size", "0", "crop.size: must be 1...16384, not 0"),
      ("color.chroma_shift_x", "0", "color.chroma_shift_x and _y: must be 1"),
      ("color.chroma_shift_y", "2", "color.chroma_shift_x and _y: must be 1"),
      ("color.shift", "-1", "color: shifts must be 0...30"),
      ("color.rounding", "4294967296", "color: every number must fit 32 bits"),
      ("color.untagged_code", "-2", "color.untagged_code: must be 0 or more, not -2"),
      ("color.conversions", "[]", "color.conversions: lacks the one for untagged streams"),
      ("color.ten_bit.shift", "31", "color: shifts must be 0...30"),
      ("normalization.mean", "[1, 2]", "normalization.mean: must have 3 numbers"),
      ("normalization.std", "[1, 0, 1]", "normalization.std: must have 3 positive numbers"),
    ])
  func valuesThatContradictEachOtherAreRefused(_ path: String, _ text: String, _ line: String) throws {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    let edited = changed(golden, at: path.split(separator: ".").map(String.init), to: value)
    #expect(try problem(edited) == "test: \(line)")
  }

  @Test func aCropOf2To40PixelsIsRefused() throws {
    let huge = 1 << 40
    let edited = changed(
      changed(golden, at: ["crop", "size"], to: huge), at: ["resize", "short_side"], to: huge)
    #expect(try problem(edited)?.contains("resize.short_side: must be 1...65536") == true)
  }

  @Test func theStepsHaveOneOrderAndAConversionIsThereOnce() throws {
    let order = try #require(value(in: golden, at: ["orientation", "order"]) as? [Any])
    let turned = try problem(changed(golden, at: ["orientation", "order"], to: Array(order.reversed())))
    #expect(turned?.hasPrefix("test: orientation.order: must be ") == true)
    let conversions = try #require(value(in: golden, at: ["color", "conversions"]) as? [Any])
    let twice = try problem(
      changed(golden, at: ["color", "conversions"], to: conversions + conversions.prefix(1)))
    #expect(twice == "test: color.conversions: holds the same matrix and range twice")
  }

  @Test(arguments: ["", "{", "not json", "[]", "null", "1"])
  func whatIsNoContractIsRefused(_ text: String) {
    #expect(refusal { _ = try PreprocessingSpec.parse(Data(text.utf8)) }?.kind == .spec)
  }

  @Test func anotherSizeHasTheShortSideThatPythonGives() throws {
    // with_clip(size=n).resize.short_side for n = 32...320: all from 37 to 366 without 44, 52, ..., 364.
    let fromPython = (37...366).filter { !stride(from: 44, through: 364, by: 8).contains($0) }
    let spec = try PreprocessingSpec.standard()
    #expect(try (32...320).map { try spec.with(size: $0).resize.shortSide } == fromPython)
    let small = try spec.with(size: 32)
    #expect(
      try [32, 64, 111, 113, 224, 320].map { try small.with(size: $0).resize.shortSide }
        == [37, 74, 128, 131, 259, 370])
  }

  @Test func anotherClipLengthChangesNothingElse() throws {
    let spec = try PreprocessingSpec.standard()
    let longer = try spec.with(frames: 16)
    #expect(longer.temporal.frames == 16)
    #expect(try longer.with(frames: 8) == spec)
    #expect(try spec.with() == spec)
  }

  @Test func aLengthOrSizeThatIsNoneIsRefusedByName() throws {
    let spec = try PreprocessingSpec.standard()
    for size in [0, -32, Int.min, 16385, 1 << 40, Int.max] {
      let error = refusal { _ = try spec.with(size: size) }
      #expect(error?.kind == .spec)
      #expect(error?.problem == "crop.size: must be 1...16384, not \(size)")
    }
    for frames in [0, -1, Int.min, 1 << 40, Int.max] {
      #expect(refusal { _ = try spec.with(frames: frames) }?.problem.hasPrefix("temporal.frames: ") == true)
    }
    #expect(try spec.with(frames: 2, size: 16384).crop.size == 16384)
  }
}
