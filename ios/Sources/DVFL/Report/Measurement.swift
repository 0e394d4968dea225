/// How an artifact is measured.
public struct MeasureOptions: Sendable, Equatable {
  /// What ``DeviceRun/accelerator`` says; the provider that is given must mean the same.
  public let accelerator: String
  /// CPU threads, 1 or more; nil leaves it to the engine.
  public let threads: Int?
  /// Timed runs; 0 leaves the latency out.
  public let runs: Int
  /// Runs before those, besides one per reference clip.
  public let warmUps: Int

  /// Options of a measurement.
  ///
  /// - Throws: ``DVFLError`` of kind `options`, naming the first that is out of its range.
  public init(accelerator: String = "cpu", threads: Int? = nil, runs: Int = 50, warmUps: Int = 5) throws {
    let letters = accelerator.utf8.allSatisfy {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f
    }
    guard letters, !accelerator.isEmpty else {
      throw DVFLError(.options, "accelerator '\(accelerator)'", advice: "it consists of a-z, 0-9 and _")
    }
    for (name, value, least) in [("threads", threads ?? 1, 1), ("runs", runs, 0), ("warmUps", warmUps, 0)]
    where value < least {
      throw DVFLError(.options, "\(name) \(value)", advice: "it must be at least \(least)")
    }
    self.accelerator = accelerator
    self.threads = threads
    self.runs = runs
    self.warmUps = warmUps
  }
}

/// Runs every reference vector of a bundle through an artifact, then times it. Whatever the runtime throws is a
/// result: a run with the status `failed`.
///
/// - Parameters:
///   - bundle: where the artifact and the vectors lie.
///   - artifact: what to measure.
///   - provider: the engine, on the accelerator that `options` name.
///   - runtime: its name and version, such as `Core ML (iOS 18.1)`; not empty.
///   - options: how.
///   - probe: the state of the device.
/// - Returns: the run.
/// - Throws: `CancellationError` if the task is cancelled between two inferences; nothing else.
public func measure(
  _ bundle: ActionBundle, _ artifact: Artifact, provider: some EngineProvider, runtime: String,
  options: MeasureOptions, probe: some DeviceProbe
) async throws -> DeviceRun {
  let before = probe.thermal()
  var figures = Figures()
  var failure: String?
  do {
    try await figures.take(bundle, artifact, provider, options, probe)
  } catch let error as CancellationError {
    throw error
  } catch {
    failure = oneLine("\(error)")
  }
  return DeviceRun(
    target: artifact.target, precision: artifact.precision, artifactSha256: artifact.sha256,
    accelerator: options.accelerator, threads: options.threads, runtime: runtime,
    status: failure == nil ? .ran : .failed, reason: failure, loadMs: figures.loadMs,
    firstMs: figures.firstMs,
    clips: figures.clips, latencyMs: figures.latency, memoryBytes: figures.memoryBytes, thermalBefore: before,
    thermalAfter: probe.thermal())
}

/// What a measurement found so far.
private struct Figures {
  var clips: [ClipRun] = []
  var loadMs: Double?
  var firstMs: Double?
  var latency: Latency?
  var memoryBytes: Int?

  mutating func take(
    _ bundle: ActionBundle, _ artifact: Artifact, _ provider: some EngineProvider, _ options: MeasureOptions,
    _ probe: some DeviceProbe
  ) async throws {
    let vectors = bundle.manifest.referenceVectors
    guard let first = vectors.first else {
      throw DVFLError(
        .bundle, "\(bundle.root.path): no reference vectors", advice: "copy the folder 'vectors' as well")
    }
    if let obstacle = provider.obstacle {
      throw DVFLError(.engine, "\(provider.target) cannot run here", advice: obstacle)
    }
    let clock = ContinuousClock()
    let start = clock.now
    var engine = try await provider.load(bundle, artifact, threads: options.threads)
    defer { engine.close() }
    loadMs = (clock.now - start).milliseconds
    for vector in vectors {
      let clip = try bundle.referenceClip(vector)
      let (logits, time) = try await timed { try await engine.run(clip) }
      firstMs = firstMs ?? time
      sample(probe)
      let checked = try checkedLogits(
        logits, classes: bundle.manifest.labels.count, engine: provider.target)
      clips.append(ClipRun(vector, logits: checked))
    }
    let clip = try bundle.referenceClip(first)
    for _ in 0..<(options.runs > 0 ? options.warmUps : 0) {
      _ = try await timed { try await engine.run(clip) }
    }
    var times: [Double] = []
    for _ in 0..<options.runs { times.append(try await timed { try await engine.run(clip) }.1) }
    latency = Latency(times)
    sample(probe)
  }

  private mutating func sample(_ probe: some DeviceProbe) {
    guard let now = probe.memoryBytes() else { return }
    memoryBytes = max(memoryBytes ?? 0, now)
  }
}

private func timed(_ run: () async throws -> [Float]) async throws -> ([Float], Double) {
  try Task.checkCancellation()
  let clock = ContinuousClock()
  let start = clock.now
  let logits = try await run()
  return (logits, (clock.now - start).milliseconds)
}

/// Never empty, as the report wants it.
private func oneLine(_ text: String) -> String {
  let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
  return line.isEmpty ? "failed without a message" : line
}

extension Duration {
  /// The same as a number.
  package var milliseconds: Double {
    Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
  }
}
