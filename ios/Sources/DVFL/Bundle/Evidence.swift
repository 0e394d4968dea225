/// Operator compatibility of one program on one target.
public struct OperatorReport: Codable, Equatable, Sendable {
  /// The accelerator library, or nil.
  @Nullable public var delegate: String?
  /// Partitions handed to it: 1 is best.
  public let delegateCalls: Int
  /// Every operator of the program.
  public let operators: [OperatorUse]
}

/// One operator of an exported program and where the phone runtime runs it.
public struct OperatorUse: Codable, Equatable, Sendable {
  /// Where an operator runs.
  public enum Placement: String, Codable, Sendable {
    /// In the runtime's accelerator library, such as XNNPACK.
    case delegate
    /// By the runtime itself.
    case native
    /// In the runtime's plain kernels, which are correct but slow.
    case portable
    /// Nowhere.
    case unsupported
  }

  /// Its name.
  public let `operator`: String
  /// Where it runs.
  public let placement: Placement
  /// The same in words.
  public let `where`: String
  /// How often it occurs.
  public let count: Int
  /// Multiply-accumulates of all of them.
  public let macs: Int
  /// 0...1.
  public let macsShare: Double
  /// Why it runs there.
  public let reason: String
  /// The source line, for those off the delegate.
  @Nullable public var source: String?
}

/// Agreement of an artifact with the PyTorch reference over all clips, measured at conversion.
public struct ParityReport: Codable, Equatable, Sendable {
  /// Outcome of a parity check.
  public enum Status: String, Codable, Sendable {
    /// Every clip was inside the gate.
    case passed
    /// A clip was outside the gate.
    case failed
    /// The host could not run the artifact.
    case notRun = "not_run"
  }

  /// The outcome.
  public let status: Status
  /// Why it was not run.
  @Nullable public var reason: String?
  /// The tolerances.
  public let gate: Gate
  /// Figures of each clip.
  public let clips: [ClipParity]
}

/// The tolerances an artifact must meet; nil means that the figure is reported, not gated.
public struct Gate: Codable, Equatable, Sendable {
  /// Maximum error as a share of the reference logits' range.
  @Nullable public var maxErrorOfRange: Double?
  /// Mean cosine over the clips.
  @Nullable public var minMeanCosine: Double?
  /// Cosine of the worst clip.
  @Nullable public var minWorstCosine: Double?
  /// Share of clips with the same best class.
  @Nullable public var minTop1Agreement: Double?
}

/// One clip's agreement between an artifact and the PyTorch reference.
public struct ClipParity: Codable, Equatable, Sendable {
  /// The clip's name.
  public let clip: String
  /// Largest difference of a logit.
  public let maxAbsError: Double
  /// The same as a share of the reference logits' range.
  public let errorOfRange: Double
  /// Cosine of both logit vectors.
  public let cosine: Double
  /// Signal-to-noise ratio in decibels.
  public let snrDb: Double
  /// Whether the best class is the same.
  public let top1Agrees: Bool
  /// Whether the five best classes are the same, in any order.
  public let top5Agrees: Bool
}
