#if canImport(CoreML)
  import CoreML
  import DVFL
  import Foundation

  /// Where Core ML may run a model.
  ///
  /// iOS forbids the GPU to an app in the background: a model that may use it then fails with a `DVFLError` of kind
  /// `engine`. An app that recognises in the background opens a recognizer with ``cpuAndNeuralEngine`` or
  /// ``cpuOnly``.
  public enum CoreMLUnits: String, Sendable, CaseIterable {
    /// Whatever Core ML finds best.
    case all
    /// The CPU, in full precision where the model has it; the reference to compare others with.
    case cpuOnly
    /// CPU and GPU.
    case cpuAndGPU
    /// CPU and Neural Engine.
    case cpuAndNeuralEngine

    var units: MLComputeUnits {
      switch self {
      case .all: .all
      case .cpuOnly: .cpuOnly
      case .cpuAndGPU: .cpuAndGPU
      case .cpuAndNeuralEngine: .cpuAndNeuralEngine
      }
    }
  }

  /// How ``CoreMLProvider`` runs.
  public struct CoreMLOptions: Sendable, Equatable {
    /// Where Core ML may run a model.
    public var units: CoreMLUnits
    /// Where compiled models are kept; nil is `dvfl-models` in the app's caches, which the system may empty.
    public var cacheFolder: URL?

    /// Every unit, and the app's caches, unless said otherwise.
    public init(units: CoreMLUnits = .all, cacheFolder: URL? = nil) {
      self.units = units
      self.cacheFolder = cacheFolder
    }

    func folder() throws -> URL {
      try cacheFolder
        ?? FileManager.default.url(
          for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true
        )
        .appendingPathComponent("dvfl-models", isDirectory: true)
    }
  }

  /// Runs `.mlpackage` artifacts with Core ML.
  ///
  /// The first load of an artifact compiles it, which takes seconds; the compiled model is kept under the
  /// artifact's sha256. After loading, the first inference is slow too: `ActionRecognizer.warmUp()`.
  public struct CoreMLProvider: EngineProvider {
    /// The manifest's name of it.
    public static let target = "coreml"

    /// How it runs.
    public let options: CoreMLOptions

    /// A provider of engines; nothing is loaded yet.
    public init(_ options: CoreMLOptions = CoreMLOptions()) {
      self.options = options
    }

    /// `coreml`.
    public var target: String { Self.target }

    /// Always nil: Core ML is part of the system.
    public var obstacle: String? { nil }

    /// Compiles and loads an artifact after comparing its sha256. Ends with `CancellationError` between its steps
    /// when the task is cancelled; a step that runs is not broken off.
    ///
    /// - Parameters:
    ///   - bundle: where the artifact lies.
    ///   - artifact: what to load.
    ///   - threads: nil; Core ML chooses its own.
    /// - Returns: a ``CoreMLEngine``.
    /// - Throws: `DVFLError` of kind `engine` if Core ML can't compile or load the model, or its tensors are not
    ///   what the manifest says; of kind `bundle` if a file is missing or was changed; of kind `options` if
    ///   `threads` was given; `CancellationError`.
    public func load(
      _ bundle: ActionBundle, _ artifact: Artifact, threads: Int?
    ) async throws -> sending any Engine {
      if let threads {
        throw DVFLError(
          .options, "threads \(threads) for Core ML", advice: "leave it out: Core ML chooses its own")
      }
      let package = try bundle.verified(artifact.stored)
      try Task.checkCancellation()
      let model = try await loaded(package, artifact)
      try Task.checkCancellation()
      return try CoreMLEngine(model, artifact, classes: bundle.manifest.labels.count, path: package.path)
    }

    private func loaded(_ package: URL, _ artifact: Artifact) async throws -> MLModel {
      let compiled = CompiledModels(folder: try options.folder())
      do {
        return try await load(compiled, package, artifact.sha256)
      } catch let error as CancellationError {
        throw error
      } catch {
        // What an older system compiled, or the system emptied by half, does not load: compile it again, once.
        compiled.remove(sha256: artifact.sha256)
      }
      do {
        return try await load(compiled, package, artifact.sha256)
      } catch let error as CancellationError {
        throw error
      } catch {
        throw DVFLError(
          .engine, "\(package.path): Core ML can't load it (\(error.localizedDescription))",
          advice: "convert again, or use another engine")
      }
    }

    private func load(_ compiled: CompiledModels, _ package: URL, _ sha256: String) async throws -> MLModel {
      let place = try await compiled.model(sha256: sha256) { try await MLModel.compileModel(at: package) }
      try Task.checkCancellation()
      let configuration = MLModelConfiguration()
      configuration.computeUnits = options.units.units
      return try await MLModel.load(contentsOf: place, configuration: configuration)
    }
  }
#endif
