extension InputContract {
  /// Bytes of the whole tensor; 0 for a shape that no manifest may have.
  public var byteCount: Int {
    (Limits.count(of: shape) ?? 0) * (dtype == .float32 ? MemoryLayout<Float>.size : 1)
  }
}

/// Writes a clip as an artifact wants it: its number type, its axis order, values 0...255. Allocates nothing.
///
/// - Parameters:
///   - clip: uint8 `[T, H, W, 3]`.
///   - contract: the artifact's input.
///   - target: at least ``InputContract/byteCount`` bytes; aligned for a `Float` if the contract asks for float32.
/// - Throws: ``DVFLError`` of kind `engine` if the clip's shape is not the contract's, or the target is too short.
public func writeInput(
  _ clip: Clip, _ contract: InputContract, into target: UnsafeMutableRawBufferPointer
) throws {
  try checkShape(clip, contract)
  guard target.count >= contract.byteCount else {
    throw DVFLError(
      .engine, "an input buffer of \(target.count) bytes for \(contract.shape) \(contract.dtype)",
      advice: "give \(contract.byteCount)")
  }
  switch contract.dtype {
  case .uint8: write(clip, contract.layout, into: target.bindMemory(to: UInt8.self)) { $0 }
  case .float32: write(clip, contract.layout, into: target.bindMemory(to: Float.self)) { Float($0) }
  }
}

/// Refuses NaN, infinity and a wrong number of logits.
///
/// - Parameters:
///   - output: what the engine returned.
///   - classes: K, the number of labels.
///   - engine: its name, for the message.
/// - Returns: the output.
/// - Throws: ``DVFLError`` of kind `engine` if it's no logits vector of that many labels.
@discardableResult
public func checkedLogits(_ output: [Float], classes: Int, engine: String) throws -> [Float] {
  guard output.count == classes else {
    throw DVFLError(
      .engine, "\(engine) returned \(output.count) logits for \(classes) labels", advice: "convert again")
  }
  guard output.allSatisfy(\.isFinite) else {
    throw DVFLError(
      .engine, "\(engine) returned NaN or infinite logits: the artifact overflows or is damaged",
      advice: "run 'dvfl verify' on the bundle, or use fp32")
  }
  return output
}

/// Refuses a clip of another shape than the artifact's, of kind `engine`.
func checkShape(_ clip: Clip, _ contract: InputContract) throws {
  let fits =
    switch contract.layout {
    case .thwc: contract.shape.elementsEqual([clip.frames, clip.height, clip.width, 3])
    case .tchw: contract.shape.elementsEqual([clip.frames, 3, clip.height, clip.width])
    }
  guard fits else {
    throw DVFLError(
      .engine,
      "clip of [\(clip.frames), \(clip.height), \(clip.width), 3] (THWC) does not fit the model's input "
        + "\(contract.shape) (\(contract.layout.rawValue))", advice: "preprocess it with this bundle's spec")
  }
}

@inline(__always)
private func write<Value>(
  _ clip: Clip, _ layout: InputContract.Layout, into target: UnsafeMutableBufferPointer<Value>,
  _ cast: (UInt8) -> Value
) {
  clip.pixels.withUnsafeBufferPointer { pixels in
    switch layout {
    case .thwc:
      for index in 0..<pixels.count { target[index] = cast(pixels[index]) }
    case .tchw:
      let area = clip.height * clip.width
      for frame in 0..<clip.frames {
        for channel in 0..<3 {
          let plane = (frame * 3 + channel) * area
          var source = frame * 3 * area + channel
          for position in 0..<area {
            target[plane + position] = cast(pixels[source])
            source += 3
          }
        }
      }
    }
  }
}
