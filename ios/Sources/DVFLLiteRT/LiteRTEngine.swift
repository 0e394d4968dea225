import DVFL

/// Runs one `.tflite` artifact; made by ``LiteRTProvider``.
///
/// An inference takes the calling thread and the runtime's own ones for as long as it lasts; it can't be broken
/// off. Not `Sendable`: the recognizer that owns it runs one inference at a time.
public struct LiteRTEngine: Engine {
  private var session: LiteRtSession?
  private let input: InputContract
  private let classes: Int

  init(_ session: LiteRtSession, input: InputContract, classes: Int) {
    self.session = session
    self.input = input
    self.classes = classes
  }

  /// Logits `[K]` of a uint8 RGB clip `[T, H, W, 3]`, which is written straight into the model's input.
  ///
  /// - Throws: `DVFLError` of kind `engine` if the clip's shape is not the artifact's, the runtime fails, or a
  ///   logit is NaN or infinite; of kind `closed` after ``close()``.
  public mutating func run(_ clip: Clip) async throws -> [Float] {
    guard let session else {
      throw DVFLError(.closed, "this LiteRT engine is closed", advice: "load the artifact again")
    }
    try session.write { try writeInput(clip, input, into: $0) }
    try session.invoke()
    return try checkedLogits(session.read(), classes: classes, engine: "LiteRT")
  }

  /// Frees the model and its buffers; may be called more than once.
  public mutating func close() { session = nil }
}
