#if canImport(AVFoundation)
  import AVFoundation
  import CoreMedia
  import CoreVideo
  import DVFL
  import Foundation

  /// Video files -> exactly the frames the spec asks for, or one clear line that says why not.
  ///
  /// Frames are counted and chosen among those that really decode, in presentation order; there is no seeking, so
  /// key frames have no privilege. A damaged or cut-off file is refused: its frame count, and with it the choice of
  /// frames, would not be that of the video somebody shot.
  public enum VideoReader {
    // One picture holds no motion; it is a photo that was given by mistake.
    private static let fewestFrames = 2

    /// A video file as the model's input. Decodes the whole file, one frame in memory at a time, on the calling
    /// task and never on an actor; ends with `CancellationError` between two frames when the task is cancelled.
    ///
    /// - Parameters:
    ///   - file: a video that AVFoundation reads: MP4, MOV.
    ///   - spec: the bundle's preprocessing contract.
    /// - Returns: uint8 `[T, size, size, 3]` with presentation times in seconds.
    /// - Throws: `DVFLError` of kind `video` if the file is missing, empty, no video, damaged, cut off, of one frame
    ///   only, HDR, or tilted; `CancellationError`.
    public static func clip(of file: URL, spec: PreprocessingSpec) async throws -> Clip {
      try VideoFile.check(file)
      do {
        let source = try await Source(file, spec)
        let expected = try source.sampleCount()
        var (total, clip) = try source.decode(frameCount: max(expected, 1))
        // Containers may hold samples that show nothing.
        if total != expected, total >= fewestFrames {
          (total, clip) = try source.decode(frameCount: total)
        }
        guard total >= fewestFrames, let clip else {
          let seen = total == 0 ? "no frame that decodes" : total == 1 ? "only one frame" : "missing frames"
          throw DVFLError(
            .video, "has \(seen)", advice: "give a whole video of at least \(fewestFrames) frames")
        }
        return clip
      } catch let error as DVFLError {
        throw DVFLError(.video, "\(file.path): \(error.problem)", advice: error.advice)
      }
    }

    /// One video track of a file.
    private struct Source {
      let asset: AVURLAsset
      let track: AVAssetTrack
      let orientation: Orientation
      let isFullRange: Bool
      let spec: PreprocessingSpec

      init(_ file: URL, _ spec: PreprocessingSpec) async throws {
        asset = AVURLAsset(url: file, options: [AVURLAssetPreferPreciseDurationAndTimingKey: true])
        self.spec = spec
        do {
          guard let first = try await asset.loadTracks(withMediaType: .video).first else {
            throw DVFLError(.video, "has no video track", advice: "give a file with a picture")
          }
          track = first
          let (transform, formats) = try await first.load(.preferredTransform, .formatDescriptions)
          orientation = try Orientation(
            displayMatrix: (
              Double(transform.a), Double(transform.b), Double(transform.c), Double(transform.d)
            ))
          for format in formats { try format.colorTags.checkDynamicRange(spec.color) }
          isFullRange = formats.first?.isFullRange ?? false
        } catch let error as DVFLError {
          throw error
        } catch let error as CancellationError {
          throw error
        } catch {
          throw DVFLError(
            .video, "can't be read as a video (\(error.localizedDescription))",
            advice: "check that it is one and that it was copied whole")
        }
      }

      /// The samples that show a picture, without decoding them.
      func sampleCount() throws -> Int {
        var count = 0
        try read(nil) { sample in
          let isShown = CMSampleBufferGetPresentationTimeStamp(sample).isNumeric
          if isShown { count += CMSampleBufferGetNumSamples(sample) }
        }
        return count
      }

      /// Decodes all of it: the number of frames, and the clip if they were `frameCount`.
      func decode(frameCount: Int) throws -> (total: Int, clip: Clip?) {
        var builder = try ClipBuilder(frameCount: frameCount, spec: spec)
        var (total, shift, last) = (0, 0.0, -Double.infinity)
        try read(outputSettings) { sample in
          guard let picture = CMSampleBufferGetImageBuffer(sample) else { return }
          let time = CMSampleBufferGetPresentationTimeStamp(sample).seconds
          // A file may start before its own zero; its times are then counted from the first frame.
          if total == 0 { shift = max(0, -time) }
          guard time > last else {
            throw DVFLError(
              .video, "frame \(total) is not later than the one before", advice: "export it again")
          }
          last = time
          if total < frameCount, builder.wants(total) {
            try picture.withFrame(timeS: time + shift, orientation: orientation) { frame in
              try builder.add(frame, at: total)
            }
          }
          total += 1
        }
        return (total, total == frameCount ? try builder.finish() : nil)
      }

      /// 8 bits per sample, in the file's own range, so that nothing but decoding happens to a sample.
      private var outputSettings: [String: any Sendable] {
        let format =
          isFullRange
          ? kCVPixelFormatType_420YpCbCr8BiPlanarFullRange : kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange
        return [kCVPixelBufferPixelFormatTypeKey as String: Int(format)]
      }

      /// Every sample in order.
      private func read(_ settings: [String: any Sendable]?, _ take: (CMSampleBuffer) throws -> Void) throws {
        let reader: AVAssetReader
        do {
          reader = try AVAssetReader(asset: asset)
        } catch {
          throw damaged(error)
        }
        let output = AVAssetReaderTrackOutput(track: track, outputSettings: settings)
        output.alwaysCopiesSampleData = false
        guard reader.canAdd(output) else {
          throw DVFLError(
            .video, "has no decoder for its codec", advice: "convert it to H.264 in an .mp4 file")
        }
        reader.add(output)
        guard reader.startReading() else { throw damaged(reader.error) }
        defer { reader.cancelReading() }
        while let sample = output.copyNextSampleBuffer() {
          try Task.checkCancellation()
          try take(sample)
        }
        guard reader.status == .completed else { throw damaged(reader.error) }
      }

      private func damaged(_ error: (any Error)?) -> DVFLError {
        DVFLError(
          .video, "the video is damaged: \(error?.localizedDescription ?? "reading stops")",
          advice: "copy it again or export it again")
      }
    }
  }

  extension CMFormatDescription {
    /// What the track says of its colours.
    fileprivate var colorTags: ColorTags {
      ColorTags(
        matrix: text(kCMFormatDescriptionExtension_YCbCrMatrix),
        transfer: text(kCMFormatDescriptionExtension_TransferFunction),
        primaries: text(kCMFormatDescriptionExtension_ColorPrimaries))
    }

    fileprivate var isFullRange: Bool {
      CMFormatDescriptionGetExtension(self, extensionKey: kCMFormatDescriptionExtension_FullRangeVideo)
        as? Bool
        ?? false
    }

    private func text(_ key: CFString) -> String? {
      CMFormatDescriptionGetExtension(self, extensionKey: key) as? String
    }
  }
#endif
