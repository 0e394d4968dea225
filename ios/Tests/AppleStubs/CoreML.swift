// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import FoundationAdditions

public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }

public enum MLMultiArrayDataType: Int, Sendable { case double, float64, float32, float16, float, int32 }

public class MLModelConfiguration {
  public init() {}
  public var computeUnits: MLComputeUnits {
    get { fatalError() }
    set { fatalError() }
  }
}

public class MLMultiArray {
  public init(
    dataPointer: UnsafeMutableRawPointer, shape: [NSNumber], dataType: MLMultiArrayDataType,
    strides: [NSNumber],
    deallocator: ((UnsafeMutableRawPointer) -> Void)? = nil
  ) throws { fatalError() }
  public var dataType: MLMultiArrayDataType { fatalError() }
  public var shape: [NSNumber] { fatalError() }
  public var strides: [NSNumber] { fatalError() }
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { fatalError() }
}

public class MLFeatureValue {
  public convenience init(multiArray value: MLMultiArray) { fatalError() }
  public var multiArrayValue: MLMultiArray? { fatalError() }
}

public protocol MLFeatureProvider {
  var featureNames: Set<String> { get }
  func featureValue(for featureName: String) -> MLFeatureValue?
}

public class MLDictionaryFeatureProvider: MLFeatureProvider {
  public init(dictionary: [String: Any]) throws { fatalError() }
  public var featureNames: Set<String> { fatalError() }
  public func featureValue(for featureName: String) -> MLFeatureValue? { fatalError() }
}

public class MLPredictionOptions {
  public init() {}
}

public class MLMultiArrayConstraint {
  public var shape: [NSNumber] { fatalError() }
  public var dataType: MLMultiArrayDataType { fatalError() }
}

public class MLFeatureDescription {
  public var multiArrayConstraint: MLMultiArrayConstraint? { fatalError() }
}

public class MLModelDescription {
  public var inputDescriptionsByName: [String: MLFeatureDescription] { fatalError() }
  public var outputDescriptionsByName: [String: MLFeatureDescription] { fatalError() }
}

public class MLModel {
  public class func compileModel(at modelURL: URL) async throws -> URL { fatalError() }
  public class func load(contentsOf url: URL, configuration: MLModelConfiguration) async throws -> MLModel {
    fatalError()
  }
  public var modelDescription: MLModelDescription { fatalError() }
  public func prediction(from input: any MLFeatureProvider, options: MLPredictionOptions) throws
    -> any MLFeatureProvider
  { fatalError() }
  @available(macOS 14, iOS 17, *)
  public func prediction(from input: any MLFeatureProvider, options: MLPredictionOptions) async throws
    -> any MLFeatureProvider
  { fatalError() }
}
