// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import CoreMedia
@_exported import QuartzCore

public struct AVMediaType: Hashable, Sendable {
  public static let video = AVMediaType()
}

public let AVURLAssetPreferPreciseDurationAndTimingKey: String = ""

open class AVAsset {
  public func loadTracks(withMediaType mediaType: AVMediaType) async throws -> [AVAssetTrack] { fatalError() }
}

public class AVURLAsset: AVAsset {
  public init(url: URL, options: [String: Any]? = nil) { fatalError() }
}

public class AVAsyncProperty<Root, Value> {}

extension AVAsyncProperty where Root: AVAssetTrack {
  public static var preferredTransform: AVAsyncProperty<Root, CGAffineTransform> { fatalError() }
  public static var formatDescriptions: AVAsyncProperty<Root, [CMFormatDescription]> { fatalError() }
}

public class AVAssetTrack {
  public func load<A, B>(
    _ first: AVAsyncProperty<AVAssetTrack, A>, _ second: AVAsyncProperty<AVAssetTrack, B>
  ) async throws -> (A, B) { fatalError() }
}

open class AVAssetReaderOutput {
  public var alwaysCopiesSampleData: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public func copyNextSampleBuffer() -> CMSampleBuffer? { fatalError() }
}

public class AVAssetReaderTrackOutput: AVAssetReaderOutput {
  public init(track: AVAssetTrack, outputSettings: [String: Any]?) { fatalError() }
}

public class AVAssetReader {
  public enum Status: Int, Sendable { case unknown, reading, completed, failed, cancelled }

  public init(asset: AVAsset) throws { fatalError() }
  public var status: Status { fatalError() }
  public var error: (any Error)? { fatalError() }
  public func canAdd(_ output: AVAssetReaderOutput) -> Bool { fatalError() }
  public func add(_ output: AVAssetReaderOutput) { fatalError() }
  public func startReading() -> Bool { fatalError() }
  public func cancelReading() { fatalError() }
}

// Capture.

open class AVCaptureInput {
  init() { fatalError() }
}
open class AVCaptureOutput {
  init() { fatalError() }
}
public class AVCaptureConnection {}

public class AVCaptureDevice {
  public enum Position: Int, Sendable { case unspecified, back, front }
  public struct DeviceType: Hashable, Sendable {
    public static let builtInWideAngleCamera = DeviceType()
  }

  public class func `default`(
    _ deviceType: DeviceType, for mediaType: AVMediaType?, position: Position
  ) -> AVCaptureDevice? { fatalError() }
  public class func requestAccess(for mediaType: AVMediaType) async -> Bool { fatalError() }
}

public class AVCaptureDeviceInput: AVCaptureInput {
  public init(device: AVCaptureDevice) throws { fatalError() }
}

public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
  func captureOutput(
    _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}

public class AVCaptureVideoDataOutput: AVCaptureOutput {
  public override init() { fatalError() }
  public var alwaysDiscardsLateVideoFrames: Bool {
    get { fatalError() }
    set { fatalError() }
  }
  public var videoSettings: [String: Any]! {
    get { fatalError() }
    set { fatalError() }
  }
  public func setSampleBufferDelegate(
    _ delegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?, queue: DispatchQueue?
  ) { fatalError() }
}

open class AVCaptureSession {
  public struct Preset: Hashable, Sendable {
    public static let vga640x480 = Preset()
  }

  public init() { fatalError() }
  public var sessionPreset: Preset {
    get { fatalError() }
    set { fatalError() }
  }
  public var inputs: [AVCaptureInput] { fatalError() }
  public var outputs: [AVCaptureOutput] { fatalError() }
  public var isRunning: Bool { fatalError() }
  public func beginConfiguration() { fatalError() }
  public func commitConfiguration() { fatalError() }
  public func canAddInput(_ input: AVCaptureInput) -> Bool { fatalError() }
  public func addInput(_ input: AVCaptureInput) { fatalError() }
  public func removeInput(_ input: AVCaptureInput) { fatalError() }
  public func canAddOutput(_ output: AVCaptureOutput) -> Bool { fatalError() }
  public func addOutput(_ output: AVCaptureOutput) { fatalError() }
  public func removeOutput(_ output: AVCaptureOutput) { fatalError() }
  public func startRunning() { fatalError() }
  public func stopRunning() { fatalError() }
}

public struct AVLayerVideoGravity: Hashable, Sendable {
  public static let resizeAspectFill = AVLayerVideoGravity()
}

public class AVCaptureVideoPreviewLayer: CALayer {
  public var session: AVCaptureSession? {
    get { fatalError() }
    set { fatalError() }
  }
  public var videoGravity: AVLayerVideoGravity {
    get { fatalError() }
    set { fatalError() }
  }
}
