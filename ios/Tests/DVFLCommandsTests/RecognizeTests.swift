import DVFL
import Foundation
import Testing

@testable import DVFLCommands

/// 12 frames of 80 x 70, each of one luma and two chroma values of its own.
private let (width, height, frames) = (80, 70, 12)
private let luma = width * height
private let chroma = width / 2 * height / 2

private func planes(nv12: Bool) -> Data {
  var data = Data()
  for frame in 0..<frames {
    data.append(contentsOf: (0..<luma).map { UInt8(($0 * 7 + frame * 11) % 256) })
    let u = (0..<chroma).map { UInt8(($0 * 3 + frame) % 256) }
    let v = (0..<chroma).map { UInt8(($0 * 5 + 2 * frame) % 256) }
    data.append(contentsOf: nv12 ? zip(u, v).flatMap { [$0, $1] } : u + v)
  }
  return data
}

struct RecognizeTests {
  private let folder: TemporaryFolder
  private let common: [String]

  init() throws {
    folder = try TemporaryFolder()
    try planes(nv12: false).write(to: folder.url.appendingPathComponent("i420"))
    try planes(nv12: true).write(to: folder.url.appendingPathComponent("nv12"))
    common = ["--width", "\(width)", "--height", "\(height)", "--frames", "\(frames)"]
  }

  private func recognize(_ more: String...) async -> CommandResult {
    await run(arguments: ["recognize", goldenBundle] + common + more) { _ in [ReplayProvider()] }
  }

  private func tensor(_ more: String...) async throws -> [UInt8] {
    let out = folder.path("out.u8")
    let result = await run(
      arguments: ["recognize", goldenBundle, "--tensor", out] + common + more
    ) { _ in [] }
    try #require(result.status == 0, "\(result)")
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: out)))
  }

  /// The same clip by another way: every frame in memory, sampled and preprocessed by the library.
  private func expected(rotation: Int = 0, range: ColorRange? = nil) throws -> [UInt8] {
    let data = [UInt8](planes(nv12: false))
    let spec = try ActionBundle(at: URL(fileURLWithPath: goldenBundle)).manifest.preprocessing
    let chosen = try Sampling.clipFrameIndices(frameCount: frames, spec: spec)
    let all = try chosen.map { index -> any VideoFrame in
      let start = index * (luma + 2 * chroma)
      func plane(_ from: Int, _ count: Int, _ stride: Int) throws -> Plane {
        try Plane(copying: Array(data[start + from..<start + from + count]), rowStride: stride)
      }
      return try Frame(
        timeS: Double(index), y: plane(0, luma, width), u: plane(luma, chroma, width / 2),
        v: plane(luma + chroma, chroma, width / 2), width: width, height: height,
        orientation: Orientation(rotation: rotation), range: range)
    }
    return try Preprocessor(spec: spec).clip(all).pixels
  }

  @Test func theTensorIsThatOfTheLibrary() async throws {
    let plain = try await tensor("--planes", folder.path("i420"))
    #expect(try plain == expected())
    let turned = try await tensor("--planes", folder.path("i420"), "--rotation", "90", "--range", "full")
    #expect(try turned == expected(rotation: 90, range: .full))
    #expect(turned != plain)
  }

  @Test func interleavedChromaGivesTheSameTensor() async throws {
    let nv12 = try await tensor("--planes", folder.path("nv12"), "--format", "NV12")
    #expect(try nv12 == expected())
    #expect(try await tensor("--planes", folder.path("nv12")) != nv12)
  }

  @Test func labelsArePrintedBestFirst() async throws {
    let result = await recognize("--planes", folder.path("i420"), "--top", "2")
    #expect(result.status == 0, "\(result)")
    let labels = try ActionBundle(at: URL(fileURLWithPath: goldenBundle)).manifest.labels
    let rows = result.output.split(separator: "\n").dropFirst(2)
    #expect(rows.count == 2)
    #expect(rows.first?.hasPrefix(labels[0]) == true)
    #expect(!result.output.contains("preprocessing"))
  }

  @Test func timingsNameEveryStep() async {
    let result = await recognize("--planes", folder.path("i420"), "--timings", "--runs", "3")
    #expect(result.status == 0, "\(result)")
    for step in ["opening ", "preprocessing ", "inference ", "of 3 runs"] {
      #expect(result.output.contains(step))
    }
  }

  @Test func aFileOfAnotherLengthIsRefusedWithItsOwn() async {
    let result = await recognize("--planes", folder.path("i420"), "--format", "i420")
    #expect(result.status == 0)
    let short = await run(
      arguments: [
        "recognize", goldenBundle, "--planes", folder.path("i420"), "--width", "80", "--height", "70",
        "--frames", "13",
      ]
    ) { _ in [ReplayProvider()] }
    #expect(short.status == 1)
    #expect(short.error.contains("that is 12 frames of 8400 bytes"), "\(short.error)")
    let missing = await recognize("--planes", folder.path("nothing"))
    #expect(missing.status == 1 && missing.error.contains("cannot be read"))
  }
}
