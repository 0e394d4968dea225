/// The whole of a bundle's `manifest.json`: what the converter proved, and all that an SDK needs.
///
/// Strict on purpose: an unknown field or another schema version is refused, because an SDK that skips what it
/// doesn't know may feed a model the wrong tensor. `spec/manifest.md` explains every field.
public struct Manifest: Codable, Equatable, Sendable {
  /// The version of the manifest that this SDK reads.
  public static let schemaVersion = 1

  /// The version of the manifest; ``schemaVersion``.
  public let schemaVersion: Int
  /// The model behind every artifact.
  public let model: ModelCard
  /// Class names; the index is the logit's.
  public let labels: [String]
  /// The preprocessing contract for this model.
  public let preprocessing: PreprocessingSpec
  /// The PyTorch reference's weights; an app leaves them out.
  @Nullable public var reference: StoredFile?
  /// One per target and precision.
  public let artifacts: [Artifact]
  /// Real clips and the PyTorch reference's logits.
  public let referenceVectors: [ReferenceVector]

  var problem: String? {
    if schemaVersion != Self.schemaVersion {
      return "schema version \(schemaVersion), this SDK reads \(Self.schemaVersion)"
    }
    if labels.isEmpty { return "labels: there are none" }
    if let problem = preprocessing.problem { return "preprocessing.\(problem)" }
    let names = artifacts.map(\.name)
    if Set(names).count != names.count { return "artifacts: two have the same target and precision" }
    let stored = artifacts.map(\.stored) + referenceVectors.map(\.stored) + [reference].compactMap(\.self)
    for problem in stored.compactMap(\.problem) { return problem }
    for problem in artifacts.compactMap(\.problem) { return problem }
    for problem in referenceVectors.compactMap(\.problem) { return problem }
    let heads = artifacts.map(\.output.classes) + referenceVectors.map(\.logits.count)
    return heads.allSatisfy { $0 == labels.count }
      ? nil : "\(labels.count) labels, but outputs of \(Set(heads).sorted()) logits"
  }
}

/// A file or folder of the bundle.
public struct StoredFile: Codable, Equatable, Sendable {
  /// Path relative to the bundle, with `/`.
  public let file: String
  /// Lower-case hexadecimal; for a folder that of its listing, see `spec/manifest.md`.
  public let sha256: String
  /// Size in bytes.
  public let bytes: Int

  var problem: String? {
    let parts = file.split(separator: "/").filter { $0 != "." }
    let outside = parts.isEmpty || file.hasPrefix("/") || file.contains("\\") || file.contains(":")
    if outside || parts.contains("..") { return "path '\(file)' must be relative and stay inside the bundle" }
    let digits = sha256.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    if sha256.utf8.count != 64 || !digits {
      return "sha256 of '\(file)' must be 64 lower-case hexadecimal digits"
    }
    return bytes >= 0 ? nil : "bytes of '\(file)' must be 0 or more, not \(bytes)"
  }
}

/// The model behind every artifact of the bundle.
public struct ModelCard: Codable, Equatable, Sendable {
  /// Name of the variant.
  public let name: String
  /// Blocks per stage.
  public let depths: [Int]
  /// Channels of the first stage.
  public let width: Int
  /// Number of weights.
  public let parameters: Int
  /// Multiply-accumulates of one clip.
  public let macs: Int
  /// T.
  public let frames: Int
  /// Height and width of the input, in pixels.
  public let size: Int
  /// File name of the checkpoint it came from.
  public let checkpoint: String
  /// The checkpoint's sha256.
  public let checkpointSha256: String
}

/// Number format of an artifact's weights and, where the runtime computes in it, activations.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// 32-bit floating point.
  case fp32
  /// 16-bit floating point.
  case fp16
  /// 8-bit integers.
  case int8
}

/// One converted model: a target at a precision.
public struct Artifact: Codable, Equatable, Sendable {
  /// Path relative to the bundle, with `/`.
  public let file: String
  /// Lower-case hexadecimal.
  public let sha256: String
  /// Size in bytes.
  public let bytes: Int
  /// `litert`, `executorch` or `coreml`.
  public let target: String
  /// Its number format.
  public let precision: Precision
  /// The tensor it takes.
  public let input: InputContract
  /// The tensor it returns.
  public let output: OutputContract
  /// The conversion options of the target.
  public let options: [String: String]
  /// Where each operator runs.
  @Nullable public var operators: OperatorReport?
  /// Agreement with PyTorch, measured at conversion.
  public let parity: ParityReport
  /// Versions that made it.
  public let tools: [String: String]

  /// `target-precision`, unique in a bundle.
  public var name: String { "\(target)-\(precision.rawValue)" }
  /// Where it lies.
  public var stored: StoredFile { StoredFile(file: file, sha256: sha256, bytes: bytes) }
  /// The oldest runtimes on which it was found right, `ai-edge-litert 1.0.1, ...`; nil if unknown.
  public var minRuntime: String? { options["min_runtime"] }

  var problem: String? {
    if input.shape.count != 4 || !input.shape.allSatisfy({ $0 >= 1 }) {
      return "\(name): input.shape must have 4 positive sizes, not \(input.shape)"
    }
    if Limits.count(of: input.shape) == nil { return "\(name): input.shape \(input.shape) is too large" }
    if input.valueRange != [0, 255] {
      return "\(name): input.value_range must be [0, 255], not \(input.valueRange)"
    }
    return output.shape.count == 2 && output.shape[0] == 1 && (1...Int(Int32.max)).contains(output.shape[1])
      ? nil : "\(name): output.shape must be [1, K], not \(output.shape)"
  }
}

/// The tensor an artifact takes: the uint8 clip's values, 0...255, cast to ``dtype`` and laid out as ``layout``.
///
/// Mean and standard deviation are inside the artifact.
public struct InputContract: Codable, Equatable, Sendable {
  /// Number type of the tensor.
  public enum NumberType: String, Codable, Sendable {
    /// IEEE 754 binary32.
    case float32
    /// Unsigned 8-bit integers.
    case uint8
  }
  /// Axes in memory order: T frames, H rows, W columns, C = R, G, B.
  public enum Layout: String, Codable, Sendable {
    /// Channels last.
    case thwc = "THWC"
    /// Channels before rows and columns.
    case tchw = "TCHW"
  }

  /// The tensor's name.
  public let name: String
  /// Its number type.
  public let dtype: NumberType
  /// Its axes in memory order.
  public let layout: Layout
  /// Its four sizes, in the order of ``layout``.
  public let shape: [Int]
  /// Always [0, 255].
  public let valueRange: [Int]
}

/// The tensor an artifact returns: logits, one per label, `[1, K]`.
public struct OutputContract: Codable, Equatable, Sendable {
  /// Number type of the tensor.
  public enum NumberType: String, Codable, Sendable {
    /// IEEE 754 binary32.
    case float32
  }
  /// What the tensor holds.
  public enum Meaning: String, Codable, Sendable {
    /// Scores before the softmax, any finite number.
    case logits
  }

  /// The tensor's name.
  public let name: String
  /// Its number type.
  public let dtype: NumberType
  /// `[1, K]`.
  public let shape: [Int]
  /// What it holds.
  public let meaning: Meaning

  /// K, the number of labels.
  public var classes: Int { shape.last ?? 0 }
}

/// A real clip's uint8 tensor (gzip of the raw bytes, THWC) and the PyTorch reference's logits.
public struct ReferenceVector: Codable, Equatable, Sendable {
  /// Path relative to the bundle, with `/`.
  public let file: String
  /// Lower-case hexadecimal.
  public let sha256: String
  /// Size in bytes.
  public let bytes: Int
  /// Name of the clip.
  public let name: String
  /// `[T, H, W, 3]`.
  public let shape: [Int]
  /// K numbers.
  public let logits: [Double]

  /// Where it lies.
  public var stored: StoredFile { StoredFile(file: file, sha256: sha256, bytes: bytes) }

  var problem: String? {
    guard shape.count == 4, shape.allSatisfy({ $0 >= 1 }), shape[3] == 3 else {
      return "reference vector '\(name)': shape must be [T, H, W, 3], not \(shape)"
    }
    return Limits.count(of: shape) == nil ? "reference vector '\(name)': shape \(shape) is too large" : nil
  }
}
