// A stub for type-checking; never linked into a product. See README.md.
// swift-format-ignore-file
@_exported import CoreMedia

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
