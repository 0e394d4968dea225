// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import CoreVideo

public struct CMTime: Sendable {
  public var isNumeric: Bool { fatalError() }
  public var seconds: Double { fatalError() }
}

public class CMSampleBuffer {}
public typealias CMItemCount = Int

public func CMSampleBufferGetPresentationTimeStamp(_ buffer: CMSampleBuffer) -> CMTime { fatalError() }
public func CMSampleBufferGetNumSamples(_ buffer: CMSampleBuffer) -> CMItemCount { fatalError() }
public func CMSampleBufferGetImageBuffer(_ buffer: CMSampleBuffer) -> CVImageBuffer? { fatalError() }

public class CMFormatDescription {}

public let kCMFormatDescriptionExtension_YCbCrMatrix: CFString = ""
public let kCMFormatDescriptionExtension_TransferFunction: CFString = ""
public let kCMFormatDescriptionExtension_ColorPrimaries: CFString = ""
public let kCMFormatDescriptionExtension_FullRangeVideo: CFString = ""

public func CMFormatDescriptionGetExtension(
  _ description: CMFormatDescription, extensionKey: CFString
) -> CFTypeRef? { fatalError() }
