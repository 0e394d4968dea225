#if canImport(ExecuTorch)
  import DVFL
  import ExecuTorch
  import Foundation

  /// Runs `.pte` artifacts with ExecuTorch 1.4 or newer, through its Swift interface.
  ///
  /// This package doesn't depend on ExecuTorch's, which holds binaries for Apple systems only: an app adds
  /// `https://github.com/pytorch/executorch` (branch `swiftpm-1.4.1`) with the products `executorch`,
  /// `backend_xnnpack` and `kernels_optimized`, and the linker flag `-all_load`. This module is empty where
  /// `import ExecuTorch` finds nothing. It uses nothing but the public interface of `DVFL`, so where Xcode builds it
  /// before ExecuTorch, an app may take this folder's files into a target of its own.
  public struct ExecuTorchProvider: EngineProvider {
    /// The manifest's name of it.
    public static let target = "executorch"

    /// A provider of engines; nothing is loaded yet.
    public init() {}

    /// `executorch`.
    public var target: String { Self.target }

    /// Always nil: without ExecuTorch there is no provider.
    public var obstacle: String? { nil }

    /// Loads an artifact after comparing its sha256.
    ///
    /// - Parameters:
    ///   - bundle: where the artifact lies.
    ///   - artifact: what to load.
    ///   - threads: nil; ExecuTorch has one pool of threads for the whole app, sized by itself.
    /// - Returns: an ``ExecuTorchEngine``.
    /// - Throws: `DVFLError` of kind `engine` if ExecuTorch can't load the program, or its tensors are not what the
    ///   manifest says; of kind `bundle` if the file is missing or was changed; of kind `options` if `threads` was
    ///   given.
    public func load(
      _ bundle: ActionBundle, _ artifact: Artifact, threads: Int?
    ) async throws -> sending any Engine {
      if let threads {
        throw DVFLError(
          .options, "threads \(threads) for ExecuTorch", advice: "leave it out: ExecuTorch sizes its own pool"
        )
      }
      let path = try bundle.verified(artifact.stored).path
      let module = Module(filePath: path, loadMode: .mmap)
      do {
        try module.load(ExecuTorchEngine.method)
        try ExecuTorchEngine.check(try module.methodMetadata(ExecuTorchEngine.method), artifact, path)
      } catch let error as DVFLError {
        throw error
      } catch {
        throw DVFLError(
          .engine, "\(path): ExecuTorch can't load it (\(error.localizedDescription))",
          advice: "convert again with the ExecuTorch that runs it, and link its XNNPACK backend")
      }
      return ExecuTorchEngine(module, artifact.input, classes: bundle.manifest.labels.count)
    }
  }

  /// Runs one `.pte` artifact; made by ``ExecuTorchProvider``.
  ///
  /// The clip is written straight into memory that the program reads. Not `Sendable`: the recognizer that owns it
  /// runs one inference at a time. An inference takes the calling thread and can't be broken off.
  public struct ExecuTorchEngine: Engine {
    static let method = "forward"

    private var module: Module?
    private let input: InputContract
    private let classes: Int
    private let memory: InputMemory

    init(_ module: Module, _ input: InputContract, classes: Int) {
      self.module = module
      self.input = input
      self.classes = classes
      memory = InputMemory(byteCount: input.byteCount)
    }

    /// Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`.
    ///
    /// - Throws: `DVFLError` of kind `engine` if the clip's shape is not the artifact's, ExecuTorch fails, or a
    ///   logit is NaN or infinite; of kind `closed` after ``close()``.
    public mutating func run(_ clip: Clip) async throws -> [Float] {
      guard let module else {
        throw DVFLError(.closed, "this ExecuTorch engine is closed", advice: "load the artifact again")
      }
      try writeInput(clip, input, into: memory.bytes)
      let outputs: [Value]
      do {
        outputs = try module.forward([
          AnyTensor(bytesNoCopy: memory.start, shape: input.shape, dataType: input.type)
        ])
      } catch {
        throw DVFLError(
          .engine, "ExecuTorch failed to run the artifact (\(error.localizedDescription))",
          advice: "convert again")
      }
      guard outputs.count == 1, let tensor = outputs[0].anyTensor, tensor.dataType == .float else {
        throw DVFLError(
          .engine, "ExecuTorch returned \(outputs.count) values, or no float tensor", advice: "convert again")
      }
      var logits: [Float] = []
      // A copy: the runtime owns the output's memory and reuses it.
      tensor.bytes { start, count, _ in
        logits = Array(UnsafeRawBufferPointer(start: start, count: count * 4).bindMemory(to: Float.self))
      }
      return try checkedLogits(logits, classes: classes, engine: "ExecuTorch")
    }

    /// Frees the program; may be called more than once.
    public mutating func close() { module = nil }

    static func check(_ method: MethodMetadata, _ artifact: Artifact, _ path: String) throws {
      let inputs = method.inputTensorMetadata
      let input = inputs[0]
      guard inputs.count == 1, let input, input.shape == artifact.input.shape,
        input.dataType == artifact.input.type
      else {
        let found = input.map { "\($0.shape) of type \($0.dataType.rawValue)" } ?? "no tensor"
        throw DVFLError(
          .engine,
          "\(path): takes \(inputs.count) tensors, the first \(found); the manifest says "
            + "\(artifact.input.dtype.rawValue) \(artifact.input.shape)", advice: "convert again")
      }
      let output = method.outputTensorMetadata[0]
      guard let output, output.shape == artifact.output.shape, output.dataType == .float else {
        let found = output.map { "\($0.shape)" } ?? "no tensor"
        throw DVFLError(
          .engine, "\(path): returns \(found), the manifest says float32 \(artifact.output.shape)",
          advice: "convert again")
      }
    }
  }

  /// Memory that lives as long as the engine.
  private final class InputMemory {
    let start: UnsafeMutableRawPointer
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
      start = .allocate(byteCount: byteCount, alignment: 64)
      bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    }

    deinit { start.deallocate() }
  }

  extension InputContract {
    fileprivate var type: DataType {
      switch dtype {
      case .float32: .float
      case .uint8: .byte
      }
    }
  }
#endif
