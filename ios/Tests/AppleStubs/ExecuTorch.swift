// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import Foundation

public enum DataType: Int8, Sendable { case byte, char, short, int, long, half, float }

public enum ShapeDynamism: UInt8, Sendable { case `static`, dynamicBound, dynamicUnbound }

public enum ModuleLoadMode: Int, Sendable { case file, mmap, mmapUseMlock, mmapUseMlockIgnoreErrors }

public protocol ValueConvertible {
  func asValue() -> Value
}

public protocol ValueSequenceConstructible {
  static func from(_ values: [Value]) throws -> Self
}

public class AnyTensor: ValueConvertible {
  public convenience init(
    bytesNoCopy pointer: UnsafeMutableRawPointer, shape: [Int], strides: [Int] = [],
    dimensionOrder: [Int] = [],
    dataType: DataType, shapeDynamism: ShapeDynamism = .dynamicBound
  ) { fatalError() }
  public var dataType: DataType { fatalError() }
  public var shape: [Int] { fatalError() }
  public var count: Int { fatalError() }
  public func bytes(_ handler: (UnsafeRawPointer, Int, DataType) -> Void) { fatalError() }
  public func asValue() -> Value { fatalError() }
}

public class Value {
  public var anyTensor: AnyTensor? { fatalError() }
}

extension Array: ValueSequenceConstructible where Element: ValueConvertible {
  public static func from(_ values: [Value]) throws -> [Element] { fatalError() }
}

public class TensorMetadata {
  public var shape: [Int] { fatalError() }
  public var dataType: DataType { fatalError() }
}

public class MethodMetadata {
  public var inputTensorMetadata: [Int: TensorMetadata] { fatalError() }
  public var outputTensorMetadata: [Int: TensorMetadata] { fatalError() }
}

public class Module {
  public init(filePath: String, loadMode: ModuleLoadMode) { fatalError() }
  public func load(_ method: String) throws { fatalError() }
  public func methodMetadata(_ method: String) throws -> MethodMetadata { fatalError() }
  public func forward(_ inputs: [any ValueConvertible]) throws -> [Value] { fatalError() }
  public func forward(_ inputs: any ValueConvertible...) throws -> [Value] { fatalError() }
  public func forward<Output: ValueSequenceConstructible>(_ inputs: [any ValueConvertible]) throws -> Output {
    fatalError()
  }
}
