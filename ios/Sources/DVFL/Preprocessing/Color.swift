/// YUV to RGB in 32-bit integers, with the numbers of one conversion of the spec.
///
/// Per pixel, with an arithmetic (flooring) right shift and clamped to 0...255:
///
/// ```
/// L = (Y - luma_offset) * y + rounding      u = U - chroma_offset      v = V - chroma_offset
/// R = (L + r_v * v) >> shift    G = (L + g_u * u + g_v * v) >> shift    B = (L + b_u * u) >> shift
/// ```
///
/// The coefficients are those of ITU-R BT.601 and BT.709, scaled to full-range RGB and by 2^shift. The offsets are
/// multiplied out here, which changes no bit: `(Y - o) * y + r = Y * y + (r - o * y)`.
struct YuvArithmetic {
  private let luma: Int32
  private let lumaBias: Int32
  private let redV: Int32
  private let redBias: Int32
  private let greenU: Int32
  private let greenV: Int32
  private let greenBias: Int32
  private let blueU: Int32
  private let blueBias: Int32
  private let shift: Int32

  init(_ conversion: ColorConversion, _ rule: ColorSpec) {
    let chroma = Int32(truncatingIfNeeded: conversion.chromaOffset)
    luma = Int32(truncatingIfNeeded: conversion.y)
    lumaBias =
      Int32(truncatingIfNeeded: rule.rounding) &- Int32(truncatingIfNeeded: conversion.lumaOffset) &* luma
    redV = Int32(truncatingIfNeeded: conversion.rV)
    greenU = Int32(truncatingIfNeeded: conversion.gU)
    greenV = Int32(truncatingIfNeeded: conversion.gV)
    blueU = Int32(truncatingIfNeeded: conversion.bU)
    redBias = 0 &- chroma &* redV
    greenBias = 0 &- chroma &* (greenU &+ greenV)
    blueBias = 0 &- chroma &* blueU
    shift = Int32(truncatingIfNeeded: rule.shift)
  }

  /// `L` of `count` samples.
  @inline(__always)
  func lumaTerms(_ y: UnsafePointer<UInt8>, count: Int, into terms: UnsafeMutablePointer<Int32>) {
    let (factor, bias) = (luma, lumaBias)
    for x in 0..<count { terms[x] = Int32(y[x]) &* factor &+ bias }
  }

  /// What chroma adds to `L`: `count` sums for red, then as many for green, then for blue.
  @inline(__always)
  func chromaTerms(
    _ u: UnsafePointer<UInt8>, _ v: UnsafePointer<UInt8>, count: Int,
    into terms: UnsafeMutablePointer<Int32>
  ) {
    let (red, green, blue) = (terms, terms + count, terms + 2 * count)
    let (redV, greenU, greenV, blueU) = (redV, greenU, greenV, blueU)
    let (redBias, greenBias, blueBias) = (redBias, greenBias, blueBias)
    for x in 0..<count { red[x] = Int32(v[x]) &* redV &+ redBias }
    for x in 0..<count { green[x] = Int32(u[x]) &* greenU &+ Int32(v[x]) &* greenV &+ greenBias }
    for x in 0..<count { blue[x] = Int32(u[x]) &* blueU &+ blueBias }
  }

  /// One channel of `count` pixels from `L` and what its chroma adds.
  @inline(__always)
  func channel(
    _ luma: UnsafePointer<Int32>, _ chroma: UnsafePointer<Int32>, count: Int,
    into out: UnsafeMutablePointer<UInt8>
  ) {
    let shift = shift
    for x in 0..<count { out[x] = clampedToByte((luma[x] &+ chroma[x]) &>> shift) }
  }
}
