import Foundation
import Testing

@testable import DVFL

private struct FakeDevice: DeviceProbe {
  let samples = Locked([100, 900, 300])

  func thermal() -> String? { "nominal" }
  func memoryBytes() -> Int? { samples.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}

private func golden() throws -> ActionBundle {
  try ActionBundle(at: URL(fileURLWithPath: "\(repository)/spec/golden/bundle"))
}

/// Measuring an artifact with an engine whose answers are known.
struct MeasurementTests {
  private func measured(
    runs: Int = 4, warmUps: Int = 3, log: Locked<EngineLog> = Locked(EngineLog()), obstacle: String? = nil,
    bundle: ActionBundle? = nil, answer: @escaping ScriptedEngine.Answer
  ) async throws -> DeviceRun {
    let bundle = try bundle ?? golden()
    return try await measure(
      bundle, bundle.artifact(target: "litert"),
      provider: ScriptedProvider(target: "litert", obstacle: obstacle, log: log, answer: answer),
      runtime: "Scripted 1", options: MeasureOptions(accelerator: "cpu_and_ne", runs: runs, warmUps: warmUps),
      probe: FakeDevice())
  }

  /// Answers a clip with its reference, the first logit off by `error`.
  private func reference(error: Float = 0) throws -> ScriptedEngine.Answer {
    let bundle = try golden()
    let known = try bundle.manifest.referenceVectors.map { vector in
      (try bundle.referenceClip(vector), vector.logits.map { Float($0) })
    }
    return { clip in
      var logits = known.first { $0.0 == clip }?.1 ?? []
      if !logits.isEmpty { logits[0] += error }
      return logits
    }
  }

  @Test func everyReferenceClipGoesThroughBeforeTheTimedRuns() async throws {
    let log = Locked(EngineLog())
    let run = try await measured(log: log, answer: try reference(error: 0.25))
    let vectors = try golden().manifest.referenceVectors
    #expect(run.status == .ran && run.reason == nil)
    #expect(run.clips.map(\.clip) == vectors.map(\.name))
    #expect(run.clips.allSatisfy { abs($0.maxAbsError - 0.25) < 1e-6 })
    #expect(run.latencyMs?.runs == 4)
    #expect(run.memoryBytes == 900)
    #expect(run.thermalBefore == "nominal" && run.accelerator == "cpu_and_ne")
    let seen = log.withLock { $0 }
    #expect(seen.runs == vectors.count + 3 + 4)
    #expect(seen.closes == 1 && seen.runsAfterClose == 0)
  }

  @Test func withoutTimedRunsThereIsNoLatencyAndNoWarmUp() async throws {
    let log = Locked(EngineLog())
    let run = try await measured(runs: 0, log: log, answer: try reference())
    #expect(run.status == .ran && run.latencyMs == nil)
    #expect(try log.withLock { $0.runs } == golden().manifest.referenceVectors.count)
  }

  @Test func aFailureIsAResultOfOneLine() async throws {
    struct Broken: Error, CustomStringConvertible { let description = "two\nlines" }
    let log = Locked(EngineLog())
    let broken = try await measured(log: log) { _ in throw Broken() }
    #expect(broken.status == .failed && broken.reason == "two lines" && broken.clips.isEmpty)
    #expect(log.withLock { $0.closes } == 1)
    let classes = try golden().manifest.labels.count
    let damaged = try await measured { _ in Array(repeating: .nan, count: classes) }
    #expect(damaged.status == .failed && damaged.reason?.contains("NaN") == true)
    let blocked = try await measured(obstacle: "wait") { _ in [] }
    #expect(blocked.status == .failed && blocked.reason == "litert cannot run here; wait")
  }

  @Test func aBundleWithoutVectorsFails() async throws {
    let test = try TestBundle(artifacts: [TestArtifact(target: "litert")])
    let run = try await measured(bundle: test.bundle) { _ in [1, 0] }
    #expect(run.status == .failed && run.reason?.contains("no reference vectors") == true)
  }

  @Test func aCancelledMeasurementIsNoResult() async throws {
    let answer = try reference()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await measured(answer: answer)
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func optionsOutsideTheirRangeAreRefused() {
    for make in [
      { try MeasureOptions(accelerator: "CPU") }, { try MeasureOptions(accelerator: "") },
      { try MeasureOptions(threads: 0) }, { try MeasureOptions(runs: -1) },
      { try MeasureOptions(warmUps: -1) },
    ] {
      #expect(throws: DVFLError.self) { try make() }
    }
  }

  @Test func percentilesAreNearestRanks() throws {
    let ten = try #require(Latency((1...10).reversed().map(Double.init)))
    #expect([ten.min, ten.p50, ten.p90] == [1, 5, 9])
    let three = try #require(Latency([3, 1, 2]))
    #expect([three.min, three.p50, three.p90] == [1, 2, 3])
    #expect(Latency([]) == nil)
  }

  @Test func thisMachineTellsItsMemoryAndName() throws {
    #expect(try #require(ThisDevice().memoryBytes()) > 1 << 20)
    let info = ThisDevice().info()
    #expect(![info.manufacturer, info.model, info.os, info.osVersion].contains(""))
  }
}

/// The figures that the converter works out in Python.
struct ParityTests {
  /// The artifacts' figures in the golden manifest come from logits that it doesn't keep; these are worked out
  /// by hand.
  @Test func figuresAreThoseOfTheDefinition() {
    let parity = ClipParity(clip: "a", reference: [3, 0, 4], measured: [4, 0, 3])
    #expect(parity.maxAbsError == 1)
    #expect(parity.errorOfRange == 0.25)
    #expect(abs(parity.cosine - 0.96) < 1e-12)
    #expect(abs(parity.snrDb - 10 * log10(12.5)) < 1e-9)
    #expect(!parity.top1Agrees && parity.top5Agrees)
  }

  @Test func zeroAndConstantLogitsHaveDefinedFigures() {
    let same = ClipParity(clip: "a", reference: [0, 0], measured: [0, 0])
    #expect(same.cosine == 1 && same.errorOfRange == 0 && same.snrDb == 300 && same.top1Agrees)
    let other = ClipParity(clip: "a", reference: [0, 0], measured: [0, 1])
    #expect(other.cosine == 0 && other.errorOfRange == 1 && other.snrDb == -300 && !other.top1Agrees)
  }

  @Test func aGateNamesEachFigureThatMisses() {
    let good = ClipParity(clip: "good", reference: [3, 0, 4], measured: [3, 0, 4])
    let bad = ClipParity(clip: "bad", reference: [3, 0, 4], measured: [4, 0, 3])
    let gate = DVFL.Gate(
      maxErrorOfRange: 0.2, minMeanCosine: 0.99, minWorstCosine: 0.97, minTop1Agreement: 0.9)
    #expect(gate.misses([good]).isEmpty)
    let misses = gate.misses([good, bad])
    #expect(misses.count == 4)
    #expect(misses[0].contains("(bad)") && misses[2].contains("(bad)"))
    #expect(DVFL.Gate().misses([bad]).isEmpty)
    #expect(gate.misses([]) == ["no clip was compared"])
  }
}

/// The file that `dvfl report` reads.
struct DeviceReportTests {
  private func run(accelerator: String = "cpu", failed: Bool = false) throws -> DeviceRun {
    let bundle = try golden()
    let artifact = try bundle.artifact(target: "litert")
    let clips = bundle.manifest.referenceVectors.map {
      ClipRun($0, logits: $0.logits.map { Float($0) + 0.1 })
    }
    return DeviceRun(
      target: artifact.target, precision: artifact.precision, artifactSha256: artifact.sha256,
      accelerator: accelerator, threads: 2, runtime: "Scripted 1", status: failed ? .failed : .ran,
      reason: failed ? "it rains" : nil, loadMs: 1.5, firstMs: 2.5, clips: failed ? [] : clips,
      latencyMs: failed ? nil : Latency([1, 2, 3]), memoryBytes: 1 << 20, thermalBefore: "nominal",
      thermalAfter: "fair")
  }

  private func report() throws -> DeviceReport {
    try DeviceReport(
      bundle: golden(),
      device: DeviceInfo(
        manufacturer: "Apple", model: "iPhone17,1", os: "iOS", osVersion: "18.1.0", soc: "A18 Pro"),
      runs: [run(), run(accelerator: "all", failed: true)], date: Date(timeIntervalSince1970: 1_795_341_600))
  }

  private func object(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func theFileHasExactlyTheFieldsOfTheSchema() throws {
    let schema = try object(
      Data(contentsOf: URL(fileURLWithPath: "\(repository)/spec/device-results.schema.json")))
    let found = mismatches(try object(report().json()), schema, schema, at: "file")
    #expect(found.isEmpty, "\(found)")
  }

  @Test func aWrongFieldIsFoundByTheSameComparison() throws {
    let schema = try object(
      Data(contentsOf: URL(fileURLWithPath: "\(repository)/spec/device-results.schema.json")))
    var json = try object(report().json())
    var device = try #require(json["device"] as? [String: Any])
    device["osVersion"] = device.removeValue(forKey: "os_version")
    json["device"] = device
    #expect(mismatches(json, schema, schema, at: "file").count == 2)
  }

  @Test func theFileComesBackAsItWas() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try report()
    #expect(try decoder.decode(DeviceReport.self, from: report.json()) == report)
    #expect(report.createdAt == "2026-11-22T10:00:00Z")
    let manifest = URL(fileURLWithPath: "\(repository)/spec/golden/bundle/manifest.json")
    #expect(try report.manifestSha256 == sha256(of: manifest))
    if let kept = ProcessInfo.processInfo.environment["DVFL_DEVICE_REPORT"] {
      try report.json().write(to: URL(fileURLWithPath: kept))
    }
  }

  @Test func noRunsAndARunTwiceAreRefused() throws {
    let bundle = try golden()
    let info = ThisDevice().info()
    #expect(throws: DVFLError.self) { try DeviceReport(bundle: bundle, device: info, runs: []) }
    let twice = [try run(), try run(failed: true)]
    #expect(throws: DVFLError.self) { try DeviceReport(bundle: bundle, device: info, runs: twice) }
  }

  /// Fields that the schema doesn't know, and those it wants and that aren't there, at any depth.
  private func mismatches(
    _ value: Any, _ schema: [String: Any], _ root: [String: Any], at place: String
  ) -> [String] {
    if let reference = schema["$ref"] as? String, let name = reference.split(separator: "/").last {
      let definitions = root["$defs"] as? [String: [String: Any]]
      return mismatches(value, definitions?[String(name)] ?? [:], root, at: place)
    }
    if let choices = schema["anyOf"] as? [[String: Any]] {
      return choices.map { mismatches(value, $0, root, at: place) }.max { $0.count < $1.count } ?? []
    }
    if let items = schema["items"] as? [String: Any], let values = value as? [Any] {
      return values.flatMap { mismatches($0, items, root, at: "\(place)[]") }
    }
    guard let properties = schema["properties"] as? [String: [String: Any]] else { return [] }
    guard let fields = value as? [String: Any] else { return ["\(place) is no object"] }
    let required = schema["required"] as? [String] ?? []
    return fields.keys.filter { properties[$0] == nil }.map { "\(place).\($0) is unknown" }
      + required.filter { fields[$0] == nil }.map { "\(place).\($0) is missing" }
      + fields.flatMap { key, field in
        properties[key].map { mismatches(field, $0, root, at: "\(place).\(key)") } ?? []
      }
  }
}
