/// What a recognizer runs, and with what.
public struct RecognizerOptions: Sendable {
  /// The ``EngineProvider/target`` to use; nil takes the first of ``providers`` that can run here and has an
  /// artifact in the bundle, one whose artifact failed its parity gate last.
  public var engine: String?
  /// The artifact's precision; nil takes the first in the manifest that did not fail its parity gate.
  public var precision: Precision?
  /// CPU threads, 1 or more; nil leaves it to the engine.
  public var threads: Int?
  /// The engines to choose from, the preferred one first.
  public var providers: [any EngineProvider]

  /// The options; a value that is not valid is refused when a recognizer is opened.
  public init(
    engine: String? = nil, precision: Precision? = nil, threads: Int? = nil, providers: [any EngineProvider]
  ) {
    self.engine = engine
    self.precision = precision
    self.threads = threads
    self.providers = providers
  }
}
