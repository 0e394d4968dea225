import DVFL
import Foundation
import Testing

@testable import DVFLCommands

struct HelpTests {
  @Test func helpTeachesByExamples() async {
    let overview = await dvfl("--help")
    #expect(overview.status == 0)
    #expect(overview.output.contains("dvfl-swift inspect demo/bundle"))
    for command in Command.allCases {
      let help = await dvfl(command.rawValue, "--help")
      #expect(help.status == 0 && help.output.hasPrefix("dvfl-swift \(command.rawValue) BUNDLE"))
      #expect(help.output.contains("Example"))
      for option in command.options { #expect(help.output.contains(option.name)) }
    }
  }

  @Test(arguments: [
    ([], "no command"), (["inspct", "x"], "did you mean 'inspect'?"), (["inspect"], "BUNDLE is missing"),
    (["inspect", "a", "b"], "'b' is one word too many"),
    (["verify", "x", "--engin", "litert"], "did you mean '--engine'?"),
    (["recognize", goldenBundle], "--planes is missing"),
    (["recognize", goldenBundle, "--planes", "x", "--width", "2.5"], "not '2.5'"),
    (["recognize", goldenBundle, "--planes", "x", "--width", "2", "--height", "2"], "--frames is missing"),
    (["verify", goldenBundle, "--precision", "fp8"], "choices: fp32, fp16, int8"),
    (["verify", goldenBundle, "--threads", "0"], "at least 1"),
  ])
  func wrongUsageIsOneLineAndStatus2(_ words: [String], _ told: String) async {
    let result = await run(arguments: words) { _ in [ReplayProvider()] }
    #expect(result.status == 2)
    #expect(result.error.contains(told), "\(result.error)")
    #expect(result.error.hasPrefix("error: ") && result.error.filter { $0 == "\n" }.count == 1)
    #expect(result.output.isEmpty)
  }

  @Test func aMissingBundleIsStatus1() async {
    let result = await dvfl("inspect", "/nowhere")
    #expect(result.status == 1)
    #expect(result.error == "error: /nowhere: no such bundle folder; make one with 'dvfl convert'\n")
  }
}

struct InspectTests {
  @Test func anIntactBundleIsListedWithEveryFile() async throws {
    let result = await dvfl("inspect", goldenBundle)
    #expect(result.status == 0 && result.error.isEmpty)
    let manifest = try ActionBundle(at: URL(fileURLWithPath: goldenBundle)).manifest
    for artifact in manifest.artifacts { #expect(result.output.contains("\n\(artifact.name) ")) }
    let files = manifest.artifacts.count + manifest.referenceVectors.count + 1
    #expect(result.output.components(separatedBy: " intact").count - 1 == files)
  }

  @Test func aChangedFileIsFoundAndStatus1() async throws {
    let folder = try TemporaryFolder()
    let bundle = try folder.bundle()
    let file = "\(bundle)/artifacts/model.int8.tflite"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: file))
    let result = await dvfl("inspect", bundle)
    #expect(result.status == 1)
    #expect(result.output.components(separatedBy: "changed").count == 2)
    #expect(result.error.contains("1 changed after conversion"))
  }

  @Test func aFileThatWasLeftOutIsNoFault() async throws {
    let folder = try TemporaryFolder()
    let bundle = try folder.bundle()
    try FileManager.default.removeItem(atPath: "\(bundle)/reference")
    let result = await dvfl("inspect", bundle)
    #expect(result.status == 0)
    #expect(result.output.components(separatedBy: "left out").count == 2)
  }
}

struct VerifyTests {
  @Test func theReferenceItselfPasses() async {
    let result = await dvfl("verify", goldenBundle, "--engine", "litert")
    #expect(result.status == 0, "\(result)")
    #expect(result.output.contains("passed: 2 of 2 clips"))
    #expect(result.output.contains("same") && !result.output.contains("differs"))
  }

  @Test func anErrorBeyondTheGateIsStatus1() async {
    let result = await dvfl("verify", goldenBundle, "--precision", "fp32") { $0.map { $0 * 1.01 } }
    #expect(result.status == 1)
    #expect(result.error.contains("litert-fp32 misses its gate: error"))
    #expect(result.output.contains("same"))
  }

  @Test func anotherBestClassIsTold() async {
    let result = await dvfl("verify", goldenBundle, "--precision", "int8") { $0.reversed() }
    #expect(result.status == 1)
    #expect(result.output.contains("differs"))
    #expect(result.error.contains("top-1 agreement"))
  }

  @Test func aBuildWithoutEnginesSaysSo() async {
    let result = await run(arguments: ["verify", goldenBundle]) { _ in [] }
    #expect(result.status == 1)
    #expect(result.error.contains("without an engine"))
  }
}
