#if canImport(CoreVideo)
  import CoreVideo
  import DVFL
  import Foundation

  #if canImport(ImageIO)
    import ImageIO

    extension Orientation {
      /// The orientation that an image or a capture connection has.
      public init(_ orientation: CGImagePropertyOrientation, crop: Rect? = nil) throws {
        try self.init(exif: orientation.rawValue, crop: crop)
      }
    }
  #endif

  extension CVPixelBuffer {
    /// Lends the buffer's pixels to `body` as a frame, without a copy. The buffer is locked for reading meanwhile,
    /// and the frame's memory is gone afterwards: `body` must not keep it.
    ///
    /// Takes `420v`, `420f` and `BGRA`. Matrix and range are what the buffer says: the matrix as an attachment, the
    /// range by the pixel format.
    ///
    /// - Parameters:
    ///   - timeS: presentation time in seconds; finite, 0 or more.
    ///   - orientation: how to show it upright.
    ///   - body: gets a `Frame` or an `RgbFrame`; runs on the caller's thread.
    /// - Returns: what `body` returns.
    /// - Throws: `DVFLError` of kind `video` for another pixel format, HDR, BT.2020, or a matrix without a defined
    ///   conversion; of kind `frame` if it can't be locked, or a size or time is not valid; what `body` throws.
    public func withFrame<Answer>(
      timeS: Double, orientation: Orientation = Orientation(), _ body: (any VideoFrame) throws -> Answer
    ) throws -> Answer {
      let format = CVPixelBufferGetPixelFormatType(self)
      guard let layout = PixelLayout(format) else { throw PixelLayout.unknown(format) }
      let matrix = try colorTags.colorMatrix(try PixelLayout.rule.get())
      guard CVPixelBufferLockBaseAddress(self, .readOnly) == kCVReturnSuccess else {
        throw DVFLError(.frame, "a pixel buffer can't be locked", advice: "give one that is in memory")
      }
      defer { CVPixelBufferUnlockBaseAddress(self, .readOnly) }
      let (width, height) = (CVPixelBufferGetWidth(self), CVPixelBufferGetHeight(self))
      switch layout {
      case .bgra:
        let pixels = try Plane(
          borrowing: memory(CVPixelBufferGetBaseAddress(self), CVPixelBufferGetBytesPerRow(self), height),
          rowStride: CVPixelBufferGetBytesPerRow(self))
        return try body(
          RgbFrame(
            timeS: timeS, pixels: pixels, width: width, height: height, format: .bgra,
            orientation: orientation))
      case .biPlanar(let range):
        let chroma = try plane(1)
        return try body(
          Frame(
            timeS: timeS, y: luma(),
            u: Plane(borrowing: chroma.bytes, rowStride: chroma.stride, pixelStride: 2),
            v: Plane(borrowing: chroma.bytes, rowStride: chroma.stride, pixelStride: 2, offset: 1),
            width: width, height: height, orientation: orientation, matrix: matrix, range: range))
      }
    }

    /// What the buffer says of its colours.
    var colorTags: ColorTags {
      ColorTags(
        matrix: attachment(kCVImageBufferYCbCrMatrixKey),
        transfer: attachment(kCVImageBufferTransferFunctionKey),
        primaries: attachment(kCVImageBufferColorPrimariesKey))
    }

    private func attachment(_ key: CFString) -> String? { CVBufferCopyAttachment(self, key, nil) as? String }

    private func luma() throws -> Plane {
      let luma = try plane(0)
      return try Plane(borrowing: luma.bytes, rowStride: luma.stride)
    }

    private func plane(_ index: Int) throws -> (bytes: UnsafeRawBufferPointer, stride: Int) {
      let stride = CVPixelBufferGetBytesPerRowOfPlane(self, index)
      let rows = CVPixelBufferGetHeightOfPlane(self, index)
      return (try memory(CVPixelBufferGetBaseAddressOfPlane(self, index), stride, rows), stride)
    }

    private func memory(
      _ start: UnsafeMutableRawPointer?, _ stride: Int, _ rows: Int
    ) throws -> UnsafeRawBufferPointer {
      guard let start else {
        throw DVFLError(.frame, "a pixel buffer without memory", advice: "give one that is in memory")
      }
      return UnsafeRawBufferPointer(start: start, count: stride * rows)
    }
  }

  /// The pixel formats that have a defined conversion.
  enum PixelLayout {
    case biPlanar(ColorRange)
    case bgra

    /// Read once: it's asked for with every frame.
    static let rule = Result { try PreprocessingSpec.standard().color }

    init?(_ format: OSType) {
      switch format {
      case kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange: self = .biPlanar(.limited)
      case kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: self = .biPlanar(.full)
      case kCVPixelFormatType_32BGRA: self = .bgra
      default: return nil
      }
    }

    static func unknown(_ format: OSType) -> DVFLError {
      DVFLError(
        .video, "has the pixel format \(fourCharacters(format)), only 420v, 420f and BGRA are defined",
        advice: "set kCVPixelBufferPixelFormatTypeKey of the camera's or decoder's output")
    }
  }
#endif

/// `420v` of 0x34323076; a number where that is no text.
func fourCharacters(_ code: UInt32) -> String {
  let bytes = (0..<4).map { UInt8(truncatingIfNeeded: code >> (24 - 8 * $0)) }
  let isText = bytes.allSatisfy { (0x20...0x7E).contains($0) }
  return isText ? String(decoding: bytes, as: UTF8.self) : String(code)
}
