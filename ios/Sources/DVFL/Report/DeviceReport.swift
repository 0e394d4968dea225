import Foundation

/// What a device test found, for `dvfl report BUNDLE --device-results FILE`: the file that
/// `spec/device-results.md` defines. Times are in milliseconds, memory in bytes.
public struct DeviceReport: Codable, Equatable, Sendable {
  /// The version of the file.
  public static let schemaVersion = 1

  /// The version of the file; ``schemaVersion-swift.type.property``.
  public let schemaVersion: Int
  /// sha256 of the bytes of the bundle's `manifest.json`.
  public let manifestSha256: String
  /// When the test ended, such as `2026-11-22T10:00:00Z`.
  public let createdAt: String
  /// What it ran on.
  public let device: DeviceInfo
  /// What wrote it.
  public let sdk: SDKInfo
  /// One per artifact, accelerator, number of threads and runtime.
  public let runs: [DeviceRun]

  /// A report on `bundle` that ends at `date`.
  ///
  /// - Throws: ``DVFLError`` of kind `options` if there are no runs, or two of the same artifact, accelerator,
  ///   threads and runtime; of kind `bundle` if the manifest can't be read.
  public init(
    bundle: ActionBundle, device: DeviceInfo, sdk: SDKInfo = SDKInfo(), runs: [DeviceRun], date: Date = Date()
  ) throws {
    guard !runs.isEmpty else {
      throw DVFLError(.options, "a device report without runs", advice: "measure at least one artifact")
    }
    guard Set(runs.map(\.identity)).count == runs.count else {
      throw DVFLError(
        .options, "a device report with the same run twice",
        advice: "give each artifact, accelerator and number of threads once")
    }
    schemaVersion = Self.schemaVersion
    manifestSha256 = try bundle.manifestSha256()
    createdAt = ISO8601DateFormatter().string(from: date)
    self.device = device
    self.sdk = sdk
    self.runs = runs
  }

  /// The file's bytes.
  ///
  /// - Throws: ``DVFLError`` of kind `engine` if a number is not finite.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      return try encoder.encode(self)
    } catch {
      throw DVFLError(.engine, "a report with NaN or infinity", advice: "leave the failed clip out")
    }
  }
}

extension ActionBundle {
  /// sha256 of the bytes of `manifest.json`, which ties a report to this bundle.
  ///
  /// - Throws: ``DVFLError`` of kind `bundle` if the file can't be read.
  public func manifestSha256() throws -> String {
    do {
      return try sha256(of: root.appendingPathComponent(Self.manifestFile))
    } catch {
      throw DVFLError(
        .bundle, "\(root.path): \(Self.manifestFile) is unreadable", advice: "copy the bundle again")
    }
  }
}

/// The device as it names itself; no text is empty.
public struct DeviceInfo: Codable, Equatable, Sendable {
  /// Who made it.
  public let manufacturer: String
  /// The model as the system names it, such as `iPhone17,1`.
  public let model: String
  /// The system, such as `iOS`.
  public let os: String
  /// The system's version.
  public let osVersion: String
  /// The chip, or nil where the system doesn't tell.
  public let soc: String?

  /// A device as it names itself.
  public init(manufacturer: String, model: String, os: String, osVersion: String, soc: String? = nil) {
    self.manufacturer = manufacturer
    self.model = model
    self.os = os
    self.osVersion = osVersion
    self.soc = soc
  }
}

/// Which SDK wrote the report: this one, unless said otherwise.
public struct SDKInfo: Codable, Equatable, Sendable {
  /// Its name.
  public let name: String
  /// Its version.
  public let version: String

  /// An SDK.
  public init(name: String = "dvfl-ios", version: String = "0.1.0") {
    self.name = name
    self.version = version
  }
}

/// One artifact on one accelerator.
public struct DeviceRun: Codable, Equatable, Sendable {
  /// Whether every reference clip went through.
  public enum Status: String, Codable, Sendable {
    /// Every clip has its logits, whether inside the gate or not.
    case ran
    /// The model did not load, or a clip failed.
    case failed
  }

  /// The artifact's target.
  public let target: String
  /// The artifact's precision.
  public let precision: Precision
  /// The artifact's sha256 in the manifest.
  public let artifactSha256: String
  /// What it was asked to run on: `cpu`, `cpu_and_ne`, ...
  public let accelerator: String
  /// CPU threads, or nil where that has no meaning.
  public let threads: Int?
  /// Name and version of the runtime.
  public let runtime: String
  /// Whether every reference clip went through.
  public let status: Status
  /// Why it failed, in one line; else nil.
  public let reason: String?
  /// Opening the artifact until the first run can start.
  public let loadMs: Double?
  /// The first run, which compiles or packs what was left.
  public let firstMs: Double?
  /// The clips that went through.
  public let clips: [ClipRun]
  /// Times after warm-up.
  public let latencyMs: Latency?
  /// The largest of the samples of the process's memory during the run.
  public let memoryBytes: Int?
  /// The system's word for its thermal state before the run.
  public let thermalBefore: String?
  /// The same after the run.
  public let thermalAfter: String?

  var identity: [String] {
    [target, precision.rawValue, accelerator, threads.map(String.init) ?? "", runtime]
  }
}

/// One reference clip: the logits as they came out, and their distance from the manifest's.
public struct ClipRun: Codable, Equatable, Sendable {
  /// Name of the reference vector.
  public let clip: String
  /// The artifact's output, before any softmax.
  public let logits: [Float]
  /// Largest difference from the reference, worked out in 64 bits.
  public let maxAbsError: Double
  /// Whether the best class is the reference's.
  public let top1Agrees: Bool

  /// Compares finite logits, one per label.
  init(_ vector: ReferenceVector, logits: [Float]) {
    let parity = ClipParity(clip: vector.name, reference: vector.logits, measured: logits.map(Double.init))
    clip = vector.name
    self.logits = logits
    maxAbsError = parity.maxAbsError
    top1Agrees = parity.top1Agrees
  }
}

/// Milliseconds of `runs` runs, without preprocessing; percentiles by nearest rank.
public struct Latency: Codable, Equatable, Sendable {
  /// How many were timed.
  public let runs: Int
  /// The fastest.
  public let min: Double
  /// The median.
  public let p50: Double
  /// Nine of ten are at most this.
  public let p90: Double

  /// Percentiles of `times`, in milliseconds; nil if there are none.
  public init?(_ times: [Double]) {
    let sorted = times.sorted()
    guard let fastest = sorted.first else { return nil }
    // Whole numbers: 0.9 * 10 is not 9 in binary.
    func rank(_ percent: Int) -> Double { sorted[(percent * sorted.count + 99) / 100 - 1] }
    runs = sorted.count
    min = fastest
    p50 = rank(50)
    p90 = rank(90)
  }
}
