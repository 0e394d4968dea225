import Foundation

/// Recognises whole clips with one engine of a bundle.
///
/// ```swift
/// let recognizer = try await ActionRecognizer(bundle: folder, options: .init(providers: [provider]))
/// let best = try await recognizer.recognize(frames: frames).first
/// await recognizer.close()
/// ```
///
/// **Isolation.** May be used from any task. One inference runs at a time, in the order of the calls, also while
/// the engine itself is suspended; preprocessing of several callers overlaps and never runs on the actor. A call
/// that waits for its turn ends with `CancellationError` when its task is cancelled; an inference that runs is
/// never broken off.
///
/// **Memory and background.** The engine holds the model's weights and buffers for as long as the recognizer is
/// open. On a memory warning, or where iOS forbids the GPU in the background, an app calls ``close()`` and opens
/// another recognizer when it needs one; the first inference after that is slow, so ``warmUp()`` again. A
/// recognizer that is released without ``close()`` frees its engine as well, but nobody can wait for that.
public actor ActionRecognizer {
  /// Where the artifact came from.
  public nonisolated let bundle: ActionBundle
  private nonisolated let artifact: Artifact
  private nonisolated let runner: EngineTask

  /// Opens a bundle made by `dvfl convert` and loads one of its artifacts. Takes as long as reading the artifact
  /// twice: its sha256 is compared first.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if the bundle is missing, altered, of another schema version or
  ///   lacks the artifact; of kind `engine` if the engine is unknown, can't run here or can't load it; of kind
  ///   `options` if an option is not valid.
  public init(bundle: URL, options: RecognizerOptions) async throws {
    try await self.init(bundle: ActionBundle(at: bundle), options: options)
  }

  /// The same for an opened bundle.
  ///
  /// - Throws: ``DVFLError``, as for a folder.
  public init(bundle: ActionBundle, options: RecognizerOptions) async throws {
    let selection = try EngineSelection(bundle, options)
    self.bundle = bundle
    artifact = selection.artifact
    runner = EngineTask(
      try await selection.load(bundle, threads: options.threads), name: selection.artifact.target)
  }

  /// The engine's name: the artifact's target, such as `coreml`.
  public nonisolated var engine: String { artifact.target }
  /// The artifact's precision.
  public nonisolated var precision: Precision { artifact.precision }
  /// The class names, in the order of the logits.
  public nonisolated var labels: [String] { bundle.manifest.labels }
  /// The preprocessing contract of the bundle.
  public nonisolated var spec: PreprocessingSpec { bundle.manifest.preprocessing }
  /// Whether ``close()`` was called.
  public nonisolated var isClosed: Bool { runner.isClosed }

  /// The best classes of a preprocessed clip, best first.
  ///
  /// - Parameters:
  ///   - clip: of the bundle's shape.
  ///   - top: how many predictions, 1 or more; nil for every class.
  /// - Returns: `top` predictions, or as many as there are labels.
  /// - Throws: ``DVFLError`` of kind `options` if `top` is less than 1, `closed` after ``close()``, `engine` if
  ///   the clip has another shape, the runtime fails, or the model returned NaN; `CancellationError`.
  public func recognize(_ clip: Clip, top: Int? = 5) async throws -> [Prediction] {
    try checkTop(top)
    return rank(try await logits(clip), labels: labels, top: top)
  }

  /// The best classes of a clip, best first, from all of its frames in order. The spec's number of them is
  /// sampled, and only those are preprocessed, by the caller's task and not on the actor.
  ///
  /// - Parameters:
  ///   - frames: every frame of the clip, each newer than the one before.
  ///   - top: how many predictions, 1 or more; nil for every class.
  /// - Returns: `top` predictions, or as many as there are labels.
  /// - Throws: ``DVFLError`` of kind `frame` if there are no frames or their times don't increase, or as for a
  ///   clip; `CancellationError`.
  public nonisolated func recognize(frames: [any VideoFrame], top: Int? = 5) async throws -> [Prediction] {
    try checkTop(top)
    return rank(try await logits(frames: frames), labels: labels, top: top)
  }

  /// The model's raw output for a preprocessed clip.
  ///
  /// - Returns: K finite logits.
  /// - Throws: as ``recognize(_:top:)``.
  public func logits(_ clip: Clip) async throws -> [Float] {
    try checkOpen()
    try checkShape(clip, artifact.input)
    return try checkedLogits(await runner.run(clip), classes: labels.count, engine: engine)
  }

  /// The model's raw output for all frames of a clip.
  ///
  /// - Returns: K finite logits.
  /// - Throws: as ``recognize(frames:top:)``.
  public nonisolated func logits(frames: [any VideoFrame]) async throws -> [Float] {
    try checkOpen()
    try checkOrder(frames)
    let chosen = try Sampling.clipFrameIndices(frameCount: frames.count, spec: spec).map { frames[$0] }
    return try await logits(Preprocessor(spec: spec).clip(chosen))
  }

  /// Runs one inference on a black clip, so that the first real one is not the slow one.
  ///
  /// - Throws: as ``recognize(_:top:)``.
  public func warmUp() async throws {
    let (frames, size) = (spec.temporal.frames, spec.crop.size)
    let black = [UInt8](repeating: 0, count: frames * size * size * 3)
    _ = try await logits(
      Clip(
        pixels: black, frames: frames, height: size, width: size,
        timesS: Array(repeating: 0, count: frames)))
  }

  /// Frees the engine, and returns when that is done: after the inference that runs. Calls that wait for their
  /// turn throw ``DVFLError`` of kind `closed`. May be called more than once; cancelling the task changes nothing.
  public func close() async { await runner.close() }

  private nonisolated func checkOpen() throws {
    if isClosed { throw EngineTask.closedError }
  }
}

/// Refuses a number of predictions that is less than 1.
func checkTop(_ top: Int?) throws {
  if let top, top < 1 {
    throw DVFLError(.options, "top \(top)", advice: "it must be at least 1, or nil for every class")
  }
}

/// Frames in another order, or one frame many times, would give a confident answer about nothing.
private func checkOrder(_ frames: [any VideoFrame]) throws {
  if frames.isEmpty {
    throw DVFLError(.frame, "a clip needs at least one frame", advice: "give every frame of the clip")
  }
  try frames.forEach { try checkTime($0.timeS) }
  for (index, (earlier, later)) in zip(frames, frames.dropFirst()).enumerated()
  where later.timeS <= earlier.timeS {
    throw DVFLError(
      .frame,
      "frame \(index + 1) (\(later.timeS) s) is not newer than frame \(index) (\(earlier.timeS) s)",
      advice: "give every frame of the clip, in order, with its presentation time")
  }
}
