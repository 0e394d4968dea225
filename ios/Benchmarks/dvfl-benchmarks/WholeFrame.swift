import DVFL

/// What an app does without a fused pass: the whole frame to RGB, resized whole, then the centre cut out. The same
/// arithmetic, in plain loops over memory that is kept from frame to frame.
final class WholeFrame {
  private let spec: PreprocessingSpec
  private let conversion: ColorConversion
  private let width: Int
  private let height: Int
  private let newWidth: Int
  private let newHeight: Int
  private let columns: [Tap]
  private let rows: [Tap]
  private var rgb: [UInt8]
  private var above: [Int32]
  private var below: [Int32]
  private var resized: [UInt8]

  /// Two positions and their weights.
  private struct Tap {
    let first: Int
    let second: Int
    let firstWeight: Int32
    let secondWeight: Int32
  }

  init(width: Int, height: Int, spec: PreprocessingSpec) throws {
    self.spec = spec
    conversion = try spec.color.conversion(nil, nil)
    (self.width, self.height) = (width, height)
    let scale = Double(spec.resize.shortSide) / Double(min(width, height))
    newWidth = Int(Double(width) * scale + 0.5)
    newHeight = Int(Double(height) * scale + 0.5)
    let unit = Float(1 << spec.resize.coefficientBits)
    columns = Self.taps(width, newWidth, unit, clampsPosition: true)
    rows = Self.taps(height, newHeight, unit, clampsPosition: false)
    rgb = Array(repeating: 0, count: width * height * 3)
    above = Array(repeating: 0, count: newWidth * 3)
    below = Array(repeating: 0, count: newWidth * 3)
    resized = Array(repeating: 0, count: newWidth * newHeight * 3)
  }

  /// An upright NV12 frame without padding.
  func preprocess(_ nv12: UnsafePointer<UInt8>, into out: UnsafeMutablePointer<UInt8>) {
    rgb.withUnsafeMutableBufferPointer { if let rgb = $0.baseAddress { convert(nv12, rgb) } }
    resize()
    let size = spec.crop.size
    let (left, top) = ((newWidth - size) >> 1, (newHeight - size) >> 1)
    resized.withUnsafeBufferPointer { resized in
      guard let start = resized.baseAddress else { return }
      for row in 0..<size {
        let from = start + ((top + row) * newWidth + left) * 3
        (out + row * size * 3).update(from: from, count: size * 3)
      }
    }
  }

  private func convert(_ nv12: UnsafePointer<UInt8>, _ rgb: UnsafeMutablePointer<UInt8>) {
    let (y, rV, gU) = (Int32(conversion.y), Int32(conversion.rV), Int32(conversion.gU))
    let (gV, bU, shift) = (Int32(conversion.gV), Int32(conversion.bU), Int32(spec.color.shift))
    let chromaOffset = Int32(conversion.chromaOffset)
    let bias = Int32(spec.color.rounding) - Int32(conversion.lumaOffset) * y
    var out = rgb
    for row in 0..<height {
      let luma = nv12 + row * width
      let chroma = nv12 + (height + row / 2) * width
      for pair in 0..<width / 2 {
        let u = Int32(chroma[2 * pair]) &- chromaOffset
        let v = Int32(chroma[2 * pair + 1]) &- chromaOffset
        let (red, green, blue) = (rV &* v, gU &* u &+ gV &* v, bU &* u)
        for x in 2 * pair..<2 * pair + 2 {
          let light = Int32(luma[x]) &* y &+ bias
          out[0] = byte((light &+ red) &>> shift)
          out[1] = byte((light &+ green) &>> shift)
          out[2] = byte((light &+ blue) &>> shift)
          out += 3
        }
      }
    }
  }

  private func resize() {
    let (verticalShift, finalShift) = (Int32(spec.resize.verticalShift), Int32(spec.resize.finalShift))
    let rounding = Int32(spec.resize.finalRounding)
    for (row, tap) in rows.enumerated() {
      blend(row: tap.first, into: &above)
      blend(row: tap.second, into: &below)
      let start = row * newWidth * 3
      resized.withUnsafeMutableBufferPointer { out in
        above.withUnsafeBufferPointer { above in
          below.withUnsafeBufferPointer { below in
            for x in 0..<above.count {
              let upper = (above[x] &* tap.firstWeight) &>> verticalShift
              let lower = (below[x] &* tap.secondWeight) &>> verticalShift
              out[start + x] = byte((upper &+ lower &+ rounding) &>> finalShift)
            }
          }
        }
      }
    }
  }

  private func blend(row: Int, into across: inout [Int32]) {
    let shift = Int32(spec.resize.horizontalShift)
    let start = row * width * 3
    rgb.withUnsafeBufferPointer { rgb in
      across.withUnsafeMutableBufferPointer { across in
        for x in 0..<columns.count {
          let tap = columns[x]
          let (first, second) = (start + tap.first * 3, start + tap.second * 3)
          for channel in 0..<3 {
            let sum =
              Int32(rgb[first + channel]) &* tap.firstWeight
              &+ Int32(rgb[second + channel]) &* tap.secondWeight
            across[3 * x + channel] = sum &>> shift
          }
        }
      }
    }
  }

  private static func taps(_ source: Int, _ target: Int, _ unit: Float, clampsPosition: Bool) -> [Tap] {
    let step = 1.0 / (Double(target) / Double(source))
    return (0..<target).map { output in
      let exact = Float((Double(output) + 0.5) * step - 0.5)
      let position = Int(exact.rounded(.down))
      let outside = clampsPosition && (position < 0 || position >= source - 1)
      let fraction = outside ? 0 : exact - exact.rounded(.down)
      return Tap(
        first: min(max(position, 0), source - 1), second: min(max(position + 1, 0), source - 1),
        firstWeight: Int32(((1 - fraction) * unit).rounded(.toNearestOrEven)),
        secondWeight: Int32((fraction * unit).rounded(.toNearestOrEven)))
    }
  }
}

@inline(__always)
private func byte(_ value: Int32) -> UInt8 { UInt8(truncatingIfNeeded: min(max(value, 0), 255)) }
