import Foundation
import Testing

@testable import DVFL

@Test func theShippedContractIsReadable() throws {
  let spec = try PreprocessingSpec.standard()
  #expect(spec.temporal.frames == 8)
}

@Test func theGoldenBundleOpens() throws {
  let bundle = try ActionBundle(at: URL(fileURLWithPath: "\(repository)/spec/golden/bundle"))
  #expect(bundle.manifest.artifacts.count >= 2)
  for artifact in bundle.manifest.artifacts { _ = try bundle.verified(artifact.stored) }
  for vector in bundle.manifest.referenceVectors {
    #expect(try bundle.referenceClip(vector).frames == 8)
  }
}

@Test func unknownFieldsAreRefused() throws {
  let file = URL(fileURLWithPath: "\(repository)/spec/golden/bundle/manifest.json")
  var text = try String(contentsOf: file, encoding: .utf8)
  text = text.replacingOccurrences(of: "\"reason\": null", with: "\"reason\": null, \"x\": null")
  text = text.replacingOccurrences(of: "\"reason\":null", with: "\"reason\":null, \"x\": null")
  #expect(throws: StrictJSON.Problem.self) {
    try StrictJSON.decode(Manifest.self, from: Data(text.utf8))
  }
}

@Test func theShippedContractIsTheRepositorys() throws {
  let shipped = repository + "/ios/Sources/DVFL/Resources/preprocessing.json"
  #expect(
    try Data(contentsOf: URL(fileURLWithPath: shipped))
      == Data(contentsOf: URL(fileURLWithPath: repository + "/spec/preprocessing.json")),
    "copy spec/preprocessing.json to \(shipped)")
}

@Test func theManifestHasTheFieldsOfTheSchema() throws {
  let bundle = try ActionBundle(at: URL(fileURLWithPath: "\(repository)/spec/golden/bundle"))
  try expectFields(of: bundle.manifest, schema: "manifest.schema.json", atLeast: 100)
}

@Test func theContractHasTheFieldsOfTheSchema() throws {
  try expectFields(of: PreprocessingSpec.standard(), schema: "preprocessing.schema.json", atLeast: 40)
}

@Test func anyContradictionInTheContractIsRefused() throws {
  let file = URL(fileURLWithPath: "\(repository)/spec/preprocessing.json")
  let golden = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
  for (section, field, value) in [
    ("temporal", "frames", 0), ("temporal", "minimum_frames", 3), ("temporal", "rule", "first_frames"),
    ("window", "ticks_per_second", 0), ("orientation", "rotations", [0, 90]), ("resize", "antialias", true),
    ("resize", "filter", "bicubic"), ("resize", "final_shift", 3), ("resize", "coefficient_bits", 0),
    ("crop", "size", 300), ("crop", "size", 1 << 40), ("resize", "short_side", Int.max),
    ("temporal", "frames", Int.max), ("color", "chroma_shift_x", 0), ("color", "conversions", [Any]()),
    ("normalization", "std", [1.0, 1.0, 0.0]), ("output", "dtype", "float32"), ("output", "more", 1),
  ] as [(String, String, Any)] {
    var spec = try #require(golden as? [String: Any])
    var changed = try #require(spec[section] as? [String: Any])
    changed[field] = value
    spec[section] = changed
    let data = try JSONSerialization.data(withJSONObject: spec)
    do {
      _ = try PreprocessingSpec.parse(data)
      Issue.record("\(section).\(field) = \(value) was taken")
    } catch let error as DVFLError {
      #expect(error.kind == .spec)
      #expect(error.description.contains(section))
    }
  }
  #expect(throws: DVFLError.self) { try PreprocessingSpec.parse(Data("{".utf8)) }
  #expect(throws: DVFLError.self) { try PreprocessingSpec.read(file.appendingPathComponent("none")) }
}

/// Writes a value as JSON and compares the names of its fields with a JSON Schema, at every depth.
private func expectFields(of value: some Encodable, schema name: String, atLeast: Int) throws {
  let file = URL(fileURLWithPath: "\(repository)/spec/\(name)")
  let schema = try #require(
    try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  let json = try JSONSerialization.jsonObject(with: encoder.encode(value))
  let compared = compareFields(json, schema, schema, "")
  #expect(compared >= atLeast, "only \(compared) fields were compared")
}

/// How many fields were compared.
private func compareFields(
  _ json: Any, _ part: [String: Any], _ schema: [String: Any], _ place: String
) -> Int {
  if let reference = part["$ref"] as? String, let name = reference.split(separator: "/").last,
    let definition = (schema["$defs"] as? [String: Any])?[String(name)] as? [String: Any]
  {
    return compareFields(json, definition, schema, place)
  }
  if let choices = part["anyOf"] as? [[String: Any]] {
    let choice = choices.first { ($0["type"] as? String) != "null" }
    return json is NSNull ? 0 : choice.map { compareFields(json, $0, schema, place) } ?? 0
  }
  if let object = json as? [String: Any], let fields = part["properties"] as? [String: [String: Any]] {
    #expect(Set(object.keys) == Set(fields.keys), "\(place)")
    return fields.reduce(fields.count) { count, field in
      count + (object[field.key].map { compareFields($0, field.value, schema, "\(place).\(field.key)") } ?? 0)
    }
  }
  if let array = json as? [Any], let item = part["items"] as? [String: Any] {
    return array.reduce(0) { $0 + compareFields($1, item, schema, place + "[]") }
  }
  return 0
}
