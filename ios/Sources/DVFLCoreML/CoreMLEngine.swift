#if canImport(CoreML)
  import CoreML
  import DVFL
  import Foundation

  #if canImport(UIKit)
    import UIKit
  #endif

  /// Runs one `.mlpackage` artifact; made by ``CoreMLProvider``.
  ///
  /// The clip is written as float32 straight into the model's input, in memory that is kept from run to run; on a
  /// memory warning of iOS it's freed until the next run. Not `Sendable`: the recognizer that owns it runs one
  /// inference at a time, off the main actor.
  public struct CoreMLEngine: Engine {
    private var model: MLModel?
    private let artifact: Artifact
    private let classes: Int
    private let scratch: ScratchMemory
    private let warnings: MemoryWarnings

    init(_ model: MLModel, _ artifact: Artifact, classes: Int, path: String) throws {
      try Self.check(model, artifact, path)
      self.model = model
      self.artifact = artifact
      self.classes = classes
      let scratch = ScratchMemory(byteCount: artifact.input.byteCount)
      self.scratch = scratch
      warnings = MemoryWarnings { scratch.drop() }
    }

    /// Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`.
    ///
    /// - Throws: `DVFLError` of kind `engine` if the clip's shape is not the artifact's, Core ML fails, or a logit
    ///   is NaN or infinite; of kind `closed` after ``close()``; `CancellationError` if the task is cancelled
    ///   before the inference begins.
    public mutating func run(_ clip: Clip) async throws -> [Float] {
      guard let model else {
        throw DVFLError(.closed, "this Core ML engine is closed", advice: "load the artifact again")
      }
      try Task.checkCancellation()
      let memory = scratch.lend()
      defer { scratch.giveBack() }
      try writeInput(clip, artifact.input, into: memory)
      let output: any MLFeatureProvider
      do {
        output = try await Self.predict(model, try features(memory))
      } catch {
        throw DVFLError(
          .engine, "Core ML failed to run the artifact (\(error.localizedDescription))",
          advice: "in the background choose units without the GPU, else convert again")
      }
      return try checkedLogits(try logits(output), classes: classes, engine: "Core ML")
    }

    /// Frees the model; may be called more than once.
    public mutating func close() {
      model = nil
      scratch.drop()
      warnings.stop()
    }

    private func features(_ memory: UnsafeMutableRawBufferPointer) throws -> MLDictionaryFeatureProvider {
      guard let start = memory.baseAddress else {
        throw DVFLError(.engine, "no memory for the input", advice: "close other recognizers")
      }
      let shape = artifact.input.shape
      let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
      // Its memory stays this engine's; the array lives no longer than the run that lends it.
      let array = try MLMultiArray(
        dataPointer: start, shape: shape.map { NSNumber(value: $0) }, dataType: .float32,
        strides: strides.map { NSNumber(value: $0) }, deallocator: nil)
      return try MLDictionaryFeatureProvider(
        dictionary: [artifact.input.name: MLFeatureValue(multiArray: array)])
    }

    private static func predict(
      _ model: MLModel, _ input: MLDictionaryFeatureProvider
    ) async throws -> any MLFeatureProvider {
      if #available(iOS 17, macOS 14, *) {
        return try await model.prediction(from: input, options: MLPredictionOptions())
      }
      return try predictNow(model, input)
    }

    /// Before iOS 17 there is only this; in a function that is not async, since there the other one is meant.
    private static func predictNow(
      _ model: MLModel, _ input: MLDictionaryFeatureProvider
    ) throws -> any MLFeatureProvider {
      try model.prediction(from: input, options: MLPredictionOptions())
    }

    private func logits(_ output: any MLFeatureProvider) throws -> [Float] {
      let name = artifact.output.name
      guard let array = output.featureValue(for: name)?.multiArrayValue else {
        throw DVFLError(
          .engine, "Core ML returned \(output.featureNames.sorted()), the manifest says '\(name)'",
          advice: "convert again")
      }
      let types: [MLMultiArrayDataType: LogitType] = [.float32: .float32, .float16: .float16]
      let shape = array.shape.map(\.intValue)
      let strides = array.strides.map(\.intValue)
      let values = types[array.dataType].flatMap { type in
        array.withUnsafeBytes { stridedLogits($0, type, shape: shape, strides: strides) }
      }
      guard let values else {
        throw DVFLError(
          .engine,
          "Core ML returned '\(name)' of shape \(shape), strides \(strides), type "
            + "\(array.dataType.rawValue)", advice: "convert again")
      }
      return values
    }

    private static func check(_ model: MLModel, _ artifact: Artifact, _ path: String) throws {
      let (input, output) = (artifact.input, artifact.output)
      guard input.dtype == .float32 else {
        throw DVFLError(
          .engine, "\(path): the manifest says an input of \(input.dtype.rawValue), Core ML takes float32",
          advice: "convert again")
      }
      let description = model.modelDescription
      let taken = description.inputDescriptionsByName[input.name]?.multiArrayConstraint
      let found = taken.map { "\($0.shape.map(\.intValue))" } ?? "no tensor '\(input.name)'"
      guard let taken, description.inputDescriptionsByName.count == 1, taken.dataType == .float32,
        taken.shape.map(\.intValue) == input.shape
      else {
        throw DVFLError(
          .engine, "\(path): takes \(found), the manifest says float32 \(input.shape)",
          advice: "convert again")
      }
      let names = description.outputDescriptionsByName.keys.sorted()
      guard names == [output.name] else {
        throw DVFLError(
          .engine, "\(path): returns \(names), the manifest says '\(output.name)'", advice: "convert again")
      }
    }
  }

  /// Calls somebody on every memory warning of iOS, on any thread, until it's stopped or released. Elsewhere there
  /// are none.
  final class MemoryWarnings {
    private var token: (any NSObjectProtocol)?

    init(_ warned: @escaping @Sendable () -> Void) {
      #if canImport(UIKit)
        token = NotificationCenter.default.addObserver(
          forName: UIApplication.didReceiveMemoryWarningNotification, object: nil, queue: nil
        ) { _ in warned() }
      #endif
    }

    deinit { stop() }

    func stop() {
      if let token { NotificationCenter.default.removeObserver(token) }
      token = nil
    }
  }
#endif
