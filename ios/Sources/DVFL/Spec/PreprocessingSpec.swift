import Foundation

/// The whole contract from decoded frames to the model's uint8 input: `spec/preprocessing.json` as data.
///
/// Every field is explained in `spec/README.md`. The arithmetic reads its numbers from here and holds none of
/// its own. A rule with one defined behaviour is an enum of one case, so that a file which asks for another
/// behaviour is refused instead of ignored.
public struct PreprocessingSpec: Codable, Equatable, Sendable {
  /// The version of the contract that this SDK reads.
  public static let schemaVersion = 1

  /// The version of the contract; ``schemaVersion``.
  public let schemaVersion: Int
  /// Which frames of a whole clip form the input.
  public private(set) var temporal: TemporalSpec
  /// Which frames of a live window form the input.
  public let window: WindowSpec
  /// From stored pixels to upright ones.
  public let orientation: OrientationSpec
  /// The short-side resize.
  public private(set) var resize: ResizeSpec
  /// The square crop after the resize.
  public private(set) var crop: CropSpec
  /// YUV to RGB.
  public let color: ColorSpec
  /// What preprocessing hands to an engine.
  public let output: OutputSpec
  /// What the model's graph does with it.
  public let normalization: NormalizationSpec

  /// The contract of the released students: 8 frames of 224 x 224.
  ///
  /// - Throws: ``DVFLError`` of kind `spec` if the package's resource is missing.
  public static func standard() throws -> PreprocessingSpec {
    guard let file = Foundation.Bundle.module.url(forResource: "preprocessing", withExtension: "json") else {
      throw DVFLError(.spec, "preprocessing.json is not in the package", advice: "keep its resources")
    }
    return try read(file)
  }

  /// Reads a spec file.
  ///
  /// - Throws: ``DVFLError`` of kind `spec` if it can't be read or is no valid spec.
  public static func read(_ file: URL) throws -> PreprocessingSpec {
    let data: Data
    do {
      data = try Data(contentsOf: file)
    } catch {
      throw DVFLError(
        .spec, "\(file.path): cannot read the preprocessing spec", advice: "check that the file exists")
    }
    return try parse(data, source: file.path)
  }

  /// Parses and checks a spec; `source` is named in errors.
  ///
  /// - Throws: ``DVFLError`` of kind `spec` naming the first wrong field.
  public static func parse(_ data: Data, source: String = "preprocessing spec") throws -> PreprocessingSpec {
    let advice = "use a spec of version \(schemaVersion) as dvfl wrote it"
    do {
      let spec = try StrictJSON.decode(PreprocessingSpec.self, from: data)
      if let problem = spec.problem { throw DVFLError(.spec, "\(source): \(problem)", advice: advice) }
      return spec
    } catch let error as StrictJSON.Problem {
      throw DVFLError(.spec, "\(source): \(error.line)", advice: advice)
    }
  }

  /// The same contract for another clip length or crop size.
  ///
  /// The short side keeps this spec's proportion to the crop: `int(size * short_side / crop + 0.5)`.
  ///
  /// - Throws: ``DVFLError`` of kind `spec` if `frames` or `size` is less than 1, or the clip too large: `size` is at
  ///   most 16384, and the clip has at most 2^31 - 1 bytes.
  public func with(frames: Int? = nil, size: Int? = nil) throws -> PreprocessingSpec {
    let frames = frames ?? temporal.frames
    let size = size ?? crop.size
    let refusal = { (problem: String) in
      DVFLError(.spec, problem, advice: "give the clip length and size of the model")
    }
    if !(1...Limits.side).contains(size) { throw refusal(CropSpec.problem(size)) }
    var spec = self
    spec.temporal.frames = frames
    spec.resize.shortSide = Int(Double(size) * Double(resize.shortSide) / Double(crop.size) + 0.5)
    spec.crop.size = size
    if let problem = spec.problem { throw refusal(problem) }
    return spec
  }

  /// The first contradiction between fields, or nil.
  var problem: String? {
    if schemaVersion != Self.schemaVersion {
      return "schema_version: is \(schemaVersion), this SDK reads \(Self.schemaVersion)"
    }
    if crop.size > resize.shortSide {
      return "crop.size: \(crop.size) is larger than short_side \(resize.shortSide)"
    }
    return temporal.problem ?? window.problem ?? orientation.problem ?? resize.problem ?? crop.problem
      ?? color.problem ?? normalization.problem ?? tooLarge
  }
}

extension PreprocessingSpec {
  private var tooLarge: String? {
    let (frames, size) = (temporal.frames, crop.size)
    return Limits.count(of: [frames, size, size, 3]) == nil
      ? "temporal.frames: \(frames) frames of \(size) x \(size) have more than \(Limits.tensor) bytes" : nil
  }
}

/// Which frames of a whole clip form the input: the centres of ``frames`` equal segments.
public struct TemporalSpec: Codable, Equatable, Sendable {
  /// The only defined rule.
  public enum Rule: String, Codable, Sendable {
    /// The frame at the centre of each segment.
    case segmentCentresOfClip = "segment_centres_of_clip"
  }

  /// The rule.
  public let rule: Rule
  /// T, the number of frames of the model's input.
  public internal(set) var frames: Int
  /// Frames left out of N before it is cut into segments.
  public let excludedFrames: Int
  /// A clip with fewer frames repeats its frame 0.
  public let minimumFrames: Int

  var problem: String? {
    if frames < 1 { return "temporal.frames: must be at least 1, not \(frames)" }
    if excludedFrames < 0 { return "temporal.excluded_frames: must be 0 or more, not \(excludedFrames)" }
    if !Limits.integers.contains(minimumFrames) {
      return "temporal.minimum_frames: must fit 32 bits, not \(minimumFrames)"
    }
    return minimumFrames > excludedFrames
      ? nil : "temporal.minimum_frames: must be greater than excluded_frames"
  }
}

/// Which frames of a live window of seconds form the input.
public struct WindowSpec: Codable, Equatable, Sendable {
  /// The only defined rule.
  public enum Rule: String, Codable, Sendable {
    /// The whole-clip rule over even points in time, at each the frame nearest to it.
    case clipRuleOnEvenTimeGrid = "clip_rule_on_even_time_grid"
  }
  /// The only defined interval.
  public enum Interval: String, Codable, Sendable {
    /// A frame at the end is in the window, one at the start is not.
    case startExcludedEndIncluded = "start_excluded_end_included"
  }
  /// The only defined tie rule.
  public enum Tie: String, Codable, Sendable {
    /// Of two frames equally near, the earlier.
    case earlierFrame = "earlier_frame"
  }

  /// The rule.
  public let rule: Rule
  /// Time stamps are rounded to integer ticks first.
  public let ticksPerSecond: Int
  /// Which ends of the window belong to it.
  public let interval: Interval
  /// Which of two equally near frames is taken.
  public let tie: Tie

  var problem: String? {
    if ticksPerSecond < 1 { return "window.ticks_per_second: must be at least 1, not \(ticksPerSecond)" }
    return Limits.integers.contains(ticksPerSecond)
      ? nil : "window.ticks_per_second: must fit 32 bits, not \(ticksPerSecond)"
  }
}

/// The order of the geometric steps, from stored pixels to the model's input.
public struct OrientationSpec: Codable, Equatable, Sendable {
  /// The steps, in the only defined order.
  public enum Step: String, Codable, Sendable, CaseIterable {
    /// The crop rectangle of the stored picture is cut out.
    case cropRectangle = "crop_rectangle"
    /// A turn clockwise by 0, 90, 180 or 270 degrees.
    case rotateClockwise = "rotate_clockwise"
    /// Left and right change places, if the frame is mirrored.
    case mirrorLeftRight = "mirror_left_right"
    /// The short side becomes the spec's.
    case resize
    /// The square in the middle is cut out.
    case centreCrop = "centre_crop"
  }

  /// The steps.
  public let order: [Step]
  /// Allowed clockwise rotations, in degrees.
  public let rotations: [Int]

  var problem: String? {
    if order != Step.allCases { return "orientation.order: must be \(Step.allCases.map(\.rawValue))" }
    return rotations == [0, 90, 180, 270] ? nil : "orientation.rotations: must be [0, 90, 180, 270]"
  }
}

/// Short-side resize with 8-bit bilinear interpolation in integer arithmetic.
public struct ResizeSpec: Codable, Equatable, Sendable {
  /// The only defined rounding of the new sides.
  public enum SizeRounding: String, Codable, Sendable {
    /// `floor(x + 0.5)`.
    case floorOfPlusHalf = "floor_of_plus_half"
  }
  /// The only defined filter.
  public enum Filter: String, Codable, Sendable {
    /// Two weighted pixels in each direction.
    case bilinear
  }
  /// The only defined pixel centres.
  public enum PixelCentres: String, Codable, Sendable {
    /// Pixel `i` has its centre at `i + 0.5`.
    case halfPixel = "half_pixel"
  }
  /// The only defined type of positions.
  public enum PositionType: String, Codable, Sendable {
    /// IEEE 754 binary32.
    case float32
  }
  /// The only defined rule at the left and right edge.
  public enum EdgeX: String, Codable, Sendable {
    /// The position is held inside the row before its weights are taken.
    case clampPosition = "clamp_position"
  }
  /// The only defined rule at the upper and lower edge.
  public enum EdgeY: String, Codable, Sendable {
    /// The two rows are held inside the picture; their weights stay.
    case clampRowsKeepWeights = "clamp_rows_keep_weights"
  }
  /// The only defined rounding of weights.
  public enum CoefficientRounding: String, Codable, Sendable {
    /// To the nearest integer, a half to the even one.
    case halfToEven = "half_to_even"
  }

  /// The new length of the shorter side, in pixels.
  public internal(set) var shortSide: Int
  /// How the new sides are rounded.
  public let sizeRounding: SizeRounding
  /// The filter.
  public let filter: Filter
  /// Always false.
  public let antialias: Bool
  /// Where pixel centres lie.
  public let pixelCentres: PixelCentres
  /// The type of source positions.
  public let positionType: PositionType
  /// The rule at the left and right edge.
  public let edgeX: EdgeX
  /// The rule at the upper and lower edge.
  public let edgeY: EdgeY
  /// Weights are integers of 2^bits.
  public let coefficientBits: Int
  /// How weights are rounded.
  public let coefficientRounding: CoefficientRounding
  /// Right shift after the horizontal sum.
  public let horizontalShift: Int
  /// Right shift after each vertical product.
  public let verticalShift: Int
  /// Right shift of the sum.
  public let finalShift: Int
  /// Added before the last shift.
  public let finalRounding: Int

  var problem: String? {
    if !(1...Limits.shortSide).contains(shortSide) {
      return "resize.short_side: must be 1...\(Limits.shortSide), not \(shortSide)"
    }
    if antialias { return "resize.antialias: must be false" }
    if !(1...11).contains(coefficientBits) {
      return "resize.coefficient_bits: must be 1...11, not \(coefficientBits)"
    }
    let shifts = [horizontalShift, verticalShift, finalShift]
    if !shifts.allSatisfy((0...30).contains) { return "resize: shifts must be 0...30, not \(shifts)" }
    if !(0...Limits.integers.upperBound).contains(finalRounding) {
      return "resize.final_rounding: must be 0 or more and fit 32 bits, not \(finalRounding)"
    }
    return shifts.reduce(0, +) == 2 * coefficientBits
      ? nil : "resize: the three shifts must add up to twice coefficient_bits"
  }
}

/// The square crop after the resize.
public struct CropSpec: Codable, Equatable, Sendable {
  /// The only defined position.
  public enum Position: String, Codable, Sendable {
    /// The middle of the picture.
    case centre
  }
  /// The only defined rounding.
  public enum OffsetRounding: String, Codable, Sendable {
    /// Downwards: an odd rest leaves the larger part right of and below the crop.
    case floor
  }

  /// Height and width of the model's input, in pixels.
  public internal(set) var size: Int
  /// Where the crop lies.
  public let position: Position
  /// How its offset is rounded.
  public let offsetRounding: OffsetRounding

  var problem: String? { (1...Limits.side).contains(size) ? nil : Self.problem(size) }

  static func problem(_ size: Int) -> String { "crop.size: must be 1...\(Limits.side), not \(size)" }
}

/// What preprocessing hands to an engine.
public struct OutputSpec: Codable, Equatable, Sendable {
  /// The only defined order of channels.
  public enum ChannelOrder: String, Codable, Sendable {
    /// Red, green, blue.
    case rgb = "RGB"
  }
  /// The only defined layout.
  public enum Layout: String, Codable, Sendable {
    /// Frames, rows, columns, channels; the channels lie closest together.
    case thwc = "THWC"
  }
  /// The only defined number type.
  public enum NumberType: String, Codable, Sendable {
    /// Unsigned 8-bit integers, 0...255.
    case uint8
  }

  /// The order of channels.
  public let channelOrder: ChannelOrder
  /// The axes in memory order.
  public let layout: Layout
  /// The number type.
  public let dtype: NumberType
}

/// `(x - mean) / std` per channel, part of the model's graph and never of an app.
public struct NormalizationSpec: Codable, Equatable, Sendable {
  /// The only defined place.
  public enum Place: String, Codable, Sendable {
    /// Inside the artifact.
    case graph
  }

  /// Where it happens.
  public let appliedIn: Place
  /// Per channel R, G, B.
  public let mean: [Double]
  /// Per channel R, G, B; positive.
  public let std: [Double]

  var problem: String? {
    if mean.count != 3 { return "normalization.mean: must have 3 numbers" }
    return std.count == 3 && std.allSatisfy { $0 > 0 }
      ? nil : "normalization.std: must have 3 positive numbers"
  }
}
