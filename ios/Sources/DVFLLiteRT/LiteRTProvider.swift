import DVFL
import Foundation

/// Where the LiteRT runtime is.
public enum LiteRTLibrary: Sendable, Equatable {
  /// In this process already: the app links LiteRT's package or framework.
  case linked
  /// In a dynamic library, such as `libLiteRt.so`, or the binary inside a framework that the app embeds.
  case file(URL)
}

/// How ``LiteRTProvider`` runs.
public struct LiteRTOptions: Sendable, Equatable {
  /// Where the runtime is.
  public var library: LiteRTLibrary

  /// The runtime that the app links, unless said otherwise.
  public init(library: LiteRTLibrary = .linked) {
    self.library = library
  }

  /// CPU threads if nobody asks for a number: `min(4, cores)`. More threads than big cores make a phone slower;
  /// this default is the same in every SDK.
  public static var defaultThreads: Int { min(4, ProcessInfo.processInfo.activeProcessorCount) }
}

/// Runs `.tflite` artifacts with LiteRT 2.2 or newer, on the CPU with XNNPACK.
///
/// The runtime is called through its C interface and found at run time, so this module links no binary: an app adds
/// LiteRT's package (`https://github.com/google-ai-edge/LiteRT`, which brings `CLiteRT`), and Linux takes the
/// `libLiteRt.so` of the Python wheel. The library stays loaded until the process ends.
///
/// ```swift
/// let recognizer = try await ActionRecognizer(
///   bundle: folder, options: RecognizerOptions(providers: [LiteRTProvider()]))
/// ```
public struct LiteRTProvider: EngineProvider {
  /// The manifest's name of it.
  public static let target = "litert"

  /// How it runs.
  public let options: LiteRTOptions

  /// A provider of engines; nothing is loaded yet.
  public init(_ options: LiteRTOptions = LiteRTOptions()) {
    self.options = options
  }

  /// `litert`.
  public var target: String { Self.target }

  /// Why LiteRT can't run here, and what to do, or nil if it can. The first call loads the library.
  public var obstacle: String? {
    do {
      _ = try LiteRtCAPI(options.library)
      return nil
    } catch {
      return String(describing: error)
    }
  }

  /// Loads an artifact after comparing its sha256; takes as long as LiteRT needs to prepare the model.
  ///
  /// - Parameters:
  ///   - bundle: where the artifact lies.
  ///   - artifact: what to load.
  ///   - threads: CPU threads, 1 or more; nil is ``LiteRTOptions/defaultThreads``.
  /// - Returns: a ``LiteRTEngine``.
  /// - Throws: `DVFLError` of kind `engine` if LiteRT is not there, can't load the model, or its tensors are not
  ///   what the manifest says; of kind `bundle` if the file is missing or was changed; of kind `options` if
  ///   `threads` is not positive.
  public func load(
    _ bundle: ActionBundle, _ artifact: Artifact, threads: Int?
  ) async throws -> sending any Engine {
    let threads = threads ?? LiteRTOptions.defaultThreads
    guard (1...Int(Int32.max)).contains(threads) else {
      throw DVFLError(.options, "threads \(threads)", advice: "it must be at least 1, or nil")
    }
    let api = try LiteRtCAPI(options.library)
    let path = try bundle.verified(artifact.stored).path
    let session = try LiteRtSession(api, path: path, artifact: artifact, threads: threads)
    return LiteRTEngine(session, input: artifact.input, classes: bundle.manifest.labels.count)
  }
}
