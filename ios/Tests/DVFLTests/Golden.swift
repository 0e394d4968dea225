import Foundation

@testable import DVFL

/// The golden vectors, read as every SDK reads them.
struct Golden {
  let index: GoldenIndex
  let inputs: [UInt8]
  let expected: [UInt8]
  let spec: PreprocessingSpec

  /// Read once.
  static let shared = Result { try Golden() }

  static let folder = URL(fileURLWithPath: "\(repository)/spec/golden")

  private init() throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    index = try decoder.decode(
      GoldenIndex.self, from: Data(contentsOf: Self.folder.appendingPathComponent("index.json")))
    inputs = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(index.inputs)))
    expected = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(index.expected)))
    spec = try PreprocessingSpec.standard()
  }

  func input(_ place: GoldenPlace) -> [UInt8] { Array(inputs[place.offset..<place.offset + place.length]) }

  func expected(_ place: GoldenPlace) -> [UInt8] {
    Array(expected[place.offset..<place.offset + place.length])
  }

  func frameCase(_ name: String) throws -> GoldenFrame {
    guard let found = index.frameCases.first(where: { $0.name == name }) else {
      throw GoldenProblem(line: "no frame case '\(name)'")
    }
    return found
  }

  func control(_ name: String) throws -> GoldenControl {
    guard let found = index.controls.first(where: { $0.name == name }) else {
      throw GoldenProblem(line: "no control '\(name)'")
    }
    return found
  }

  func frame(_ golden: GoldenFrame) throws -> any VideoFrame {
    let orientation = Orientation(
      crop: Rect(left: golden.crop[0], top: golden.crop[1], width: golden.crop[2], height: golden.crop[3]),
      rotation: golden.rotation, mirrored: golden.mirrored)
    if golden.kind == .rgb {
      guard let place = golden.pixels else { throw GoldenProblem(line: "\(golden.name) has no pixels") }
      return try RgbFrame(
        timeS: 0, pixels: Plane(copying: input(place), rowStride: golden.width * 3), width: golden.width,
        height: golden.height, format: .rgb, orientation: orientation)
    }
    return try Frame(
      timeS: 0, y: plane(golden.y), u: plane(golden.u), v: plane(golden.v), width: golden.width,
      height: golden.height, orientation: orientation, matrix: golden.matrix, range: golden.range)
  }

  private func plane(_ stored: GoldenPlane?) throws -> Plane {
    guard let stored else { throw GoldenProblem(line: "a frame of kind yuv420 lacks a plane") }
    return try Plane(
      copying: input(GoldenPlace(offset: stored.offset, length: stored.length)), rowStride: stored.rowStride,
      pixelStride: stored.pixelStride)
  }
}

struct GoldenProblem: Error {
  let line: String
}

struct GoldenIndex: Decodable {
  let format: Int
  let specSha256: String
  let inputsSha256: String
  let expectedSha256: String
  let inputs: String
  let expected: String
  let frameCases: [GoldenFrame]
  let clipCases: [GoldenClip]
  let clipIndexCases: [GoldenClipIndices]
  let windowIndexCases: [GoldenWindow]
  let colorCases: [GoldenColor]
  let tenBitCase: GoldenTenBit
  let realClip: GoldenRealClip
  let controls: [GoldenControl]
}

struct GoldenPlace: Decodable {
  let offset: Int
  let length: Int
}

struct GoldenPlane: Decodable {
  let offset: Int
  let length: Int
  let rowStride: Int
  let pixelStride: Int
}

struct GoldenFrame: Decodable {
  enum Kind: String, Decodable { case yuv420, rgb }

  let name: String
  let size: Int
  let shortSide: Int
  let kind: Kind
  let width: Int
  let height: Int
  let crop: [Int]
  let rotation: Int
  let mirrored: Bool
  let matrix: ColorMatrix?
  let range: ColorRange?
  let y: GoldenPlane?
  let u: GoldenPlane?
  let v: GoldenPlane?
  let pixels: GoldenPlace?
  let expected: GoldenPlace
}

struct GoldenClip: Decodable {
  let name: String
  let frames: [String]
  let size: Int
  let shape: [Int]
  let expected: GoldenPlace
}

struct GoldenClipIndices: Decodable {
  let frames: Int
  let frameCount: Int
  let indices: [Int]
}

struct GoldenWindow: Decodable {
  let name: String
  let frames: Int
  let timestamps: [Double]
  let windowEndS: Double
  let windowS: Double
  let indices: [Int]
}

struct GoldenColor: Decodable {
  let matrix: ColorMatrix
  let range: ColorRange
  let count: Int
  let yuv: GoldenPlace
  let expected: GoldenPlace
}

struct GoldenTenBit: Decodable {
  let count: Int
  let samples: GoldenPlace
  let expected: GoldenPlace
}

struct GoldenRealClip: Decodable {
  struct Tensor: Decodable {
    let size: Int
    let shape: [Int]
    let sha256: String
    let expected: GoldenPlace?
  }

  struct DecodedFrame: Decodable {
    let index: Int
  }

  let file: String
  let sha256: String
  let frameCount: Int
  let indices: [Int]
  let keyFrames: [Int]
  let decodedFrames: [DecodedFrame]
  let tensor: Tensor
  let smallTensor: Tensor
}

struct GoldenControl: Decodable {
  let name: String
  let compare: String
  let cases: [String]
}
