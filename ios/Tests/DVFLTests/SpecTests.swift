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
