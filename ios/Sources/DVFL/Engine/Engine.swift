/// Runs one artifact.
///
/// An engine belongs to one ``ActionRecognizer``, which runs one inference at a time; it's never closed while it
/// runs.
public protocol Engine {
  /// Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`, unchecked.
  ///
  /// - Throws: ``DVFLError`` of kind `engine` if the clip's shape is not the artifact's, or the runtime fails.
  mutating func run(_ clip: Clip) async throws -> [Float]

  /// Frees the runtime's memory; may be called more than once.
  mutating func close()
}

/// Makes engines of one target; given in the recognizer's options.
public protocol EngineProvider: Sendable {
  /// The manifest's `target` of the artifacts it runs, such as `coreml`.
  var target: String { get }

  /// Why it can't run here, and what to do, or nil if it can.
  var obstacle: String? { get }

  /// Loads an artifact after comparing its sha256.
  ///
  /// - Parameters:
  ///   - bundle: where the artifact lies.
  ///   - artifact: what to load.
  ///   - threads: CPU threads; nil leaves it to the engine.
  /// - Returns: an engine that nobody else holds.
  /// - Throws: ``DVFLError`` of kind `engine` if the runtime can't load it or its tensors are not what the
  ///   manifest says; of kind `bundle` if the file is missing or was changed.
  func load(_ bundle: ActionBundle, _ artifact: Artifact, threads: Int?) async throws -> sending any Engine
}
