#if canImport(CoreML) && canImport(XCTest)
  import CoreML
  import DVFL
  import DVFLCoreML
  import XCTest

  /// The parity test on an iPhone: every reference vector of a bundle through every Core ML artifact on every choice
  /// of compute units, then latency, memory and thermal state, into `device-results.json` as
  /// `spec/device-results.md` defines it.
  ///
  /// The file is written anew after each run, so that a crash of one keeps the ones before. It's an attachment of
  /// the test and lies in the host app's Documents. `docs/embed-in-ios.md` has the command lines.
  ///
  /// Environment, each with the prefix `TEST_RUNNER_` for `xcodebuild`: `DVFL_RUNS` (50), `DVFL_PAUSE_S` (5, before
  /// each run, so that the last one's heat is gone), `DVFL_UNITS` (`cpu,cpu_and_gpu,cpu_and_ne,all`).
  final class DeviceParityTests: XCTestCase {
    private static let units: [(name: String, units: CoreMLUnits)] = [
      ("cpu", .cpuOnly), ("cpu_and_gpu", .cpuAndGPU), ("cpu_and_ne", .cpuAndNeuralEngine), ("all", .all),
    ]

    func testEveryReferenceVectorOnEveryComputeUnit() async throws {
      let bundle = try openBundle()
      let runs = try setting("DVFL_RUNS", 50)
      let pauseS = try setting("DVFL_PAUSE_S", 5)
      let artifacts = bundle.manifest.artifacts.filter { $0.target == "coreml" }
      XCTAssertFalse(artifacts.isEmpty, "the bundle holds no Core ML artifact")
      let file = URL.documentsDirectory.appendingPathComponent("device-results.json")
      var found: [DeviceRun] = []
      for artifact in artifacts {
        for (name, units) in try wantedUnits() {
          try await Task.sleep(nanoseconds: UInt64(pauseS) * 1_000_000_000)
          let run = try await DVFL.measure(
            bundle, artifact, provider: CoreMLProvider(CoreMLOptions(units: units)), runtime: runtime,
            options: MeasureOptions(accelerator: name, runs: runs), probe: ThisDevice())
          found.append(run)
          judge(run, artifact, bundle)
          try DeviceReport(bundle: bundle, device: ThisDevice().info(), runs: found).json().write(to: file)
        }
      }
      let attachment = XCTAttachment(contentsOfFile: file)
      attachment.name = "device-results.json"
      attachment.lifetime = .keepAlways
      add(attachment)
    }

    /// Core ML has no version of its own: it comes with the system.
    private var runtime: String { "Core ML of iOS \(ThisDevice().info().osVersion)" }

    private func openBundle() throws -> ActionBundle {
      let inside = Bundle(for: Self.self).url(forResource: "bundle", withExtension: nil)
      return try ActionBundle(at: XCTUnwrap(inside, "copy a bundle to ios/DeviceTests/bundle"))
    }

    /// The same gate as on the host, which judges again.
    private func judge(_ run: DeviceRun, _ artifact: Artifact, _ bundle: ActionBundle) {
      let name = "\(artifact.name) on \(run.accelerator)"
      XCTAssertEqual(run.status, .ran, "\(name): \(run.reason ?? "")")
      guard run.status == .ran else { return }
      let clips = run.clips.compactMap { clip in
        bundle.manifest.referenceVectors.first { $0.name == clip.clip }.map {
          ClipParity(clip: clip.clip, reference: $0.logits, measured: clip.logits.map(Double.init))
        }
      }
      XCTAssertEqual(artifact.parity.gate.misses(clips), [], name)
    }

    private func wantedUnits() throws -> [(name: String, units: CoreMLUnits)] {
      guard let text = ProcessInfo.processInfo.environment["DVFL_UNITS"] else { return Self.units }
      return try text.split(separator: ",").map { name in
        try XCTUnwrap(Self.units.first { $0.name == name }, "DVFL_UNITS: no '\(name)'")
      }
    }

    private func setting(_ name: String, _ standard: Int) throws -> Int {
      guard let text = ProcessInfo.processInfo.environment[name] else { return standard }
      return try XCTUnwrap(Int(text).flatMap { $0 >= 0 ? $0 : nil }, "\(name): not a number: '\(text)'")
    }
  }
#endif
