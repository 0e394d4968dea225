/// Number types that Core ML returns.
enum LogitType {
  case float32, float16

  var byteCount: Int { self == .float32 ? 4 : 2 }
}

/// Reads the K numbers of an output `[1, K]` (or any shape with one axis longer than 1) by its strides, which may
/// leave gaps; nil if it has another shape or lies outside `bytes`.
func stridedLogits(
  _ bytes: UnsafeRawBufferPointer, _ type: LogitType, shape: [Int], strides: [Int]
) -> [Float]? {
  guard shape.count == strides.count, shape.allSatisfy({ $0 >= 1 }) else { return nil }
  let long = shape.indices.filter { shape[$0] > 1 }
  guard long.count <= 1 else { return nil }
  let axis = long.first ?? shape.indices.last
  let (count, stride) = axis.map { (shape[$0], strides[$0]) } ?? (1, 1)
  let last = (count - 1) * stride
  guard stride >= 1, (last + 1) * type.byteCount <= bytes.count else { return nil }
  return (0..<count).map { index in
    let offset = index * stride * type.byteCount
    switch type {
    case .float32: return bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
    case .float16: return float(half: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
  }
}

/// The value of an IEEE 754 half, exactly. `Float16` does not exist on Intel Macs.
func float(half: UInt16) -> Float {
  let sign: Float = half & 0x8000 == 0 ? 1 : -1
  let exponent = Int(half >> 10) & 0x1F
  let fraction = Float(half & 0x3FF)
  switch exponent {
  case 0: return sign * fraction * 0x1p-24
  case 31: return fraction == 0 ? sign * .infinity : .nan
  default: return sign * (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
  }
}
