/// What to run.
struct EngineSelection: Sendable {
  let provider: any EngineProvider
  let artifact: Artifact

  /// Chooses without loading anything; see ``RecognizerOptions`` for the rules.
  ///
  /// - Throws: ``DVFLError`` of kind `options` if an option is not valid, of kind `engine` if the engine is
  ///   unknown or none of the bundle's can run here, of kind `bundle` if the bundle holds no such artifact.
  init(_ bundle: ActionBundle, _ options: RecognizerOptions) throws {
    if let threads = options.threads, threads < 1 {
      throw DVFLError(
        .options, "threads \(threads)", advice: "it must be at least 1, or nil for the engine's choice")
    }
    let candidates = try Self.candidates(bundle, options)
    let runnable = candidates.filter { $0.provider.obstacle == nil }
    let chosen = runnable.first { $0.artifact.parity.status != .failed } ?? runnable.first
    guard let chosen else {
      throw DVFLError(
        .engine, "\(bundle.root.path): no engine can run it here",
        advice: candidates.compactMap(\.provider.obstacle).joined(separator: "; "))
    }
    self = chosen
  }

  /// Loads the artifact.
  ///
  /// - Throws: ``DVFLError``, whatever goes wrong.
  func load(_ bundle: ActionBundle, threads: Int?) async throws -> sending any Engine {
    do {
      return try await provider.load(bundle, artifact, threads: threads)
    } catch let error as DVFLError {
      guard error.kind == .engine, let oldest = artifact.minRuntime else { throw error }
      throw DVFLError(
        .engine, error.problem, advice: "\(error.advice) (the artifact is right from \(oldest) on)")
    } catch let error as CancellationError {
      throw error
    } catch {
      throw DVFLError(
        .engine, "\(artifact.name) of \(bundle.root.path) does not load: \(error)",
        advice: "choose another engine or precision")
    }
  }

  private init(provider: any EngineProvider, artifact: Artifact) {
    self.provider = provider
    self.artifact = artifact
  }

  /// Targets of `dvfl convert`; a person who names one has not mistyped it.
  private static let knownTargets = ["litert", "executorch", "coreml"]

  /// The providers that have an artifact, in their order; at least one.
  private static func candidates(
    _ bundle: ActionBundle, _ options: RecognizerOptions
  ) throws -> [EngineSelection] {
    let asked = options.providers.filter { options.engine == nil || $0.target == options.engine }
    guard let first = asked.first else { throw noProvider(options) }
    let found = asked.compactMap { provider in
      (try? bundle.artifact(target: provider.target, precision: options.precision)).map {
        EngineSelection(provider: provider, artifact: $0)
      }
    }
    // Throws, and names what the bundle does hold.
    if found.isEmpty { _ = try bundle.artifact(target: first.target, precision: options.precision) }
    return found
  }

  private static func noProvider(_ options: RecognizerOptions) -> DVFLError {
    let given = options.providers.map(\.target)
    guard let engine = options.engine else {
      return DVFLError(
        .engine, "the options hold no engine", advice: "give the provider of one, such as Core ML's")
    }
    if knownTargets.contains(engine) {
      return DVFLError(
        .engine, "engine '\(engine)' has no provider in the options",
        advice: "add the library that brings it, and give its provider")
    }
    var choices = given
    for target in knownTargets where !choices.contains(target) { choices.append(target) }
    return unknown("engine", engine, choices: choices, kind: .engine)
  }
}
