import Foundation
import Testing

@testable import DVFL

/// Bundles, engines and frames for tests of recognizers; a clip is T frames of 4 x 4.

/// A folder of its own, removed with the value.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("dvfl-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

/// What an artifact of a test bundle says of itself.
struct TestArtifact {
  var target = "test"
  var precision = Precision.fp32
  var status = ParityReport.Status.passed
  var layout = InputContract.Layout.thwc
  var minRuntime: String?
}

/// A bundle whose artifacts hold no model.
struct TestBundle {
  let folder: TemporaryFolder
  let bundle: ActionBundle

  init(
    frames: Int = 2, labels: [String] = ["walk", "run"], artifacts: [TestArtifact] = [TestArtifact()]
  ) throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    var manifest = try Self.goldenManifest()
    var preprocessing = try #require(manifest["preprocessing"] as? [String: Any])
    for (section, field, value) in [
      ("temporal", "frames", frames), ("crop", "size", 4), ("resize", "short_side", 5),
    ] {
      var changed = try #require(preprocessing[section] as? [String: Any])
      changed[field] = value
      preprocessing[section] = changed
    }
    manifest["preprocessing"] = preprocessing
    manifest["labels"] = labels
    manifest["reference"] = NSNull()
    manifest["reference_vectors"] = [Any]()
    let model = try #require((manifest["artifacts"] as? [[String: Any]])?.first)
    manifest["artifacts"] = try artifacts.map {
      try Self.write($0, model, in: folder.url, frames: frames, classes: labels.count)
    }
    try JSONSerialization.data(withJSONObject: manifest)
      .write(to: folder.url.appendingPathComponent(ActionBundle.manifestFile))
    bundle = try ActionBundle(at: folder.url)
  }

  /// The golden bundle's manifest, as JSON.
  static func goldenManifest() throws -> [String: Any] {
    let file = URL(fileURLWithPath: "\(repository)/spec/golden/bundle/manifest.json")
    return try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  private static func write(
    _ artifact: TestArtifact, _ model: [String: Any], in folder: URL, frames: Int, classes: Int
  ) throws -> [String: Any] {
    var made = model
    let name = "\(artifact.target).\(artifact.precision.rawValue)"
    let file = folder.appendingPathComponent(name)
    try Data(name.utf8).write(to: file)
    made["file"] = name
    made["bytes"] = name.utf8.count
    made["sha256"] = try sha256(of: file)
    made["target"] = artifact.target
    made["precision"] = artifact.precision.rawValue
    made["input"] = [
      "name": "clip", "dtype": "float32", "layout": artifact.layout.rawValue, "value_range": [0, 255],
      "shape": artifact.layout == .thwc ? [frames, 4, 4, 3] : [frames, 3, 4, 4],
    ]
    made["output"] = ["name": "logits", "dtype": "float32", "shape": [1, classes], "meaning": "logits"]
    var parity = try #require(made["parity"] as? [String: Any])
    parity["status"] = artifact.status.rawValue
    made["parity"] = parity
    made["options"] = artifact.minRuntime.map { ["min_runtime": $0] } ?? [:]
    return made
  }
}

/// What an engine did, and whether it was ever used wrongly.
struct EngineLog: Sendable, Equatable {
  var loads = 0
  var runs = 0
  var closes = 0
  var running = 0
  var mostAtOnce = 0
  var runsAfterClose = 0
  var closesWhileRunning = 0
  var clips: [Clip] = []
}

/// An engine that answers what a closure says, and writes down what happens to it.
struct ScriptedEngine: Engine {
  typealias Answer = @Sendable (Clip) async throws -> [Float]

  let log: Locked<EngineLog>
  let answer: Answer

  func run(_ clip: Clip) async throws -> [Float] {
    log.withLock { log in
      log.runs += 1
      log.running += 1
      log.mostAtOnce = max(log.mostAtOnce, log.running)
      if log.closes > 0 { log.runsAfterClose += 1 }
      if log.clips.count < 1000 { log.clips.append(clip) }
    }
    defer { log.withLock { $0.running -= 1 } }
    return try await answer(clip)
  }

  func close() {
    log.withLock { log in
      log.closes += 1
      if log.running > 0 { log.closesWhileRunning += 1 }
    }
  }
}

/// Provides scripted engines after comparing the artifact's hash, as real ones do.
struct ScriptedProvider: EngineProvider {
  var target = "test"
  var obstacle: String?
  var log = Locked(EngineLog())
  var answer: ScriptedEngine.Answer = { _ in [1, 0] }

  func load(_ bundle: ActionBundle, _ artifact: Artifact, threads: Int?) async throws -> sending any Engine {
    _ = try bundle.verified(artifact.stored)
    log.withLock { $0.loads += 1 }
    return ScriptedEngine(log: log, answer: answer)
  }
}

extension ActionRecognizer {
  /// A recognizer of a test bundle.
  static func scripted(
    _ test: TestBundle? = nil, log: Locked<EngineLog> = Locked(EngineLog()),
    answer: @escaping ScriptedEngine.Answer = { _ in [1, 0] }
  ) async throws -> ActionRecognizer {
    let bundle = try (test ?? TestBundle()).bundle
    return try await ActionRecognizer(
      bundle: bundle, options: .init(providers: [HashlessProvider(log: log, answer: answer)]))
  }
}

/// Provides scripted engines without looking at the artifact, so that the folder need not outlive the call.
private struct HashlessProvider: EngineProvider {
  let target = "test"
  let obstacle: String? = nil
  let log: Locked<EngineLog>
  let answer: ScriptedEngine.Answer

  func load(_ bundle: ActionBundle, _ artifact: Artifact, threads: Int?) async throws -> sending any Engine {
    log.withLock { $0.loads += 1 }
    return ScriptedEngine(log: log, answer: answer)
  }
}

/// A 4 x 4 bitmap of one colour.
func bitmap(_ timeS: Double, grey: UInt8 = 7) throws -> RgbFrame {
  try RgbFrame(
    timeS: timeS, pixels: Plane(copying: Array(repeating: grey, count: 48), rowStride: 12), width: 4,
    height: 4, format: .rgb)
}

/// A clip of a test bundle.
func testClip(frames: Int = 2, size: Int = 4) throws -> Clip {
  try Clip(
    pixels: Array(repeating: 9, count: frames * size * size * 3), frames: frames, height: size, width: size,
    timesS: (0..<frames).map(Double.init))
}

/// Something that tasks wait for until it's opened.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiters: [CheckedContinuation<Void, Never>] = []
    var arrivals = 0
  }

  private let state = Locked(State())

  /// How many have come so far.
  var arrivals: Int { state.withLock { $0.arrivals } }

  func pass() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        state.arrivals += 1
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      state.isOpen = true
      return state.waiters
    }
    waiters.forEach { $0.resume() }
  }
}

/// Waits until something holds; fails the test after 10 s.
func eventually(_ holds: @Sendable () async -> Bool) async throws {
  for _ in 0..<10_000 {
    if await holds() { return }
    try await Task.sleep(nanoseconds: 1_000_000)
  }
  Issue.record("did not become true in 10 s")
}

/// The kind of the DVFLError that `body` throws; nil if it throws none.
func kind(_ body: () async throws -> Void) async -> DVFLError.Kind? {
  do {
    try await body()
    return nil
  } catch {
    return (error as? DVFLError)?.kind
  }
}
