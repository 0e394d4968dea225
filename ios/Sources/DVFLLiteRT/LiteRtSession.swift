import DVFL
import Foundation

/// A compiled model with its input and output buffer; frees them in reverse order when it is released.
final class LiteRtSession {
  typealias Handle = LiteRtCAPI.Handle

  private let api: LiteRtCAPI
  private let path: String
  private let owned = OwnedHandles()
  private let compiled: Handle
  private let input: Buffer
  private let output: Buffer

  /// A tensor's memory, owned by the library.
  struct Buffer {
    let handle: Handle
    let byteCount: Int
  }

  /// Loads the model at `path` and checks its tensors.
  ///
  /// - Throws: ``DVFLError`` of kind `engine` if LiteRT can't load it, or its tensors are not what the manifest says.
  init(_ api: LiteRtCAPI, path: String, artifact: Artifact, threads: Int) throws {
    let maker = Maker(api: api, path: path, owned: owned)
    let environment = try maker.environment()
    let model = try maker.model(environment)
    let tensors = try maker.checkedTensors(model, artifact)
    let options = try maker.options(threads: threads)
    let compiled = try maker.make("the compiled model", api.destroyCompiled) {
      api.compile(environment, model, options, $0)
    }
    input = try maker.buffer(environment, tensors.input, artifact.input.byteCount) {
      api.inputNeeds(compiled, 0, 0, $0)
    }
    output = try maker.buffer(
      environment, tensors.output, artifact.output.classes * MemoryLayout<Float>.size
    ) { api.outputNeeds(compiled, 0, 0, $0) }
    self.api = api
    self.path = path
    self.compiled = compiled
  }

  /// Lends the input's memory to `body`.
  func write(_ body: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
    try access(input, .write, body)
  }

  /// Runs the model.
  func invoke() throws {
    var inputs: Handle? = input.handle
    var outputs: Handle? = output.handle
    try check(api.run(compiled, 0, 1, &inputs, 1, &outputs), "run the model")
  }

  /// The output's values.
  func read() throws -> [Float] {
    try access(output, .read) { Array($0.bindMemory(to: Float.self)) }
  }

  private func access<Answer>(
    _ buffer: Buffer, _ access: LiteRtCAPI.Access, _ body: (UnsafeMutableRawBufferPointer) throws -> Answer
  ) throws -> Answer {
    var memory: UnsafeMutableRawPointer?
    try check(api.lock(buffer.handle, &memory, access.rawValue), "lock a tensor")
    defer { _ = api.unlock(buffer.handle) }
    return try body(UnsafeMutableRawBufferPointer(start: memory, count: memory == nil ? 0 : buffer.byteCount))
  }

  private func check(_ status: LiteRtCAPI.Status, _ what: String) throws {
    try LiteRtStatus.check(status, path, what)
  }
}

/// Builds the parts of a session and hands each to `owned` at once, so that a failure in between frees them all.
private struct Maker {
  typealias Handle = LiteRtCAPI.Handle

  let api: LiteRtCAPI
  let path: String
  let owned: OwnedHandles

  func make(
    _ what: String, _ destroy: @escaping LiteRtCAPI.Destroy,
    _ create: (UnsafeMutablePointer<Handle?>) -> LiteRtCAPI.Status
  ) throws -> Handle {
    let handle = try get("make \(what)", create)
    owned.add { destroy(handle) }
    return handle
  }

  /// An environment that logs errors only: that there is no GPU accelerator is none where the CPU was asked for.
  func environment() throws -> Handle {
    try make("an environment", api.destroyEnvironment) { out in
      LiteRtCAPI.quietly.withUnsafeBytes { api.createEnvironment(1, $0.baseAddress, out) }
    }
  }

  func get(_ what: String, _ find: (UnsafeMutablePointer<Handle?>) -> LiteRtCAPI.Status) throws -> Handle {
    var handle: Handle?
    try check(find(&handle), what)
    guard let handle else {
      throw DVFLError(.engine, "\(path): LiteRT failed to \(what)", advice: "use LiteRT 2.2 or 2.3")
    }
    return handle
  }

  /// The model, in read-only memory of the file that lives as long as everything else.
  ///
  /// From a buffer, because LiteRT checks one and not a file: a cut-off file would crash the process.
  func model(_ environment: Handle) throws -> Handle {
    let file = try MappedFile(path)
    owned.add { file.unmap() }
    return try make("the model", api.destroyModel) {
      api.createModel(environment, file.bytes, file.count, $0)
    }
  }

  func options(threads: Int) throws -> Handle {
    let options = try make("options", api.destroyOptions) { api.createOptions($0) }
    try check(api.setAccelerators(options, LiteRtCAPI.cpu), "choose the CPU")
    // The library takes the text over and frees it with the function given beside it.
    let text = strdup("num_threads = \(threads)\n")
    let opaque: Handle
    do {
      opaque = try get("make CPU options") {
        api.createOpaqueOptions(LiteRtCAPI.cpuOptions, text, { free($0) }, $0)
      }
    } catch {
      free(text)
      throw error
    }
    let status = api.addOpaqueOptions(options, opaque)
    if status != LiteRtStatus.ok { api.destroyOpaqueOptions(opaque) }
    try check(status, "take CPU options")
    return options
  }

  func checkedTensors(
    _ model: Handle, _ artifact: Artifact
  ) throws -> (input: RankedTensorType, output: RankedTensorType) {
    let signature = try get("find the model's signature") { api.signature(model, 0, $0) }
    var counts = (inputs: 0, outputs: 0)
    try check(api.inputCount(signature, &counts.inputs), "count the inputs")
    try check(api.outputCount(signature, &counts.outputs), "count the outputs")
    guard counts == (1, 1) else {
      throw disagreement("has \(counts.inputs) inputs and \(counts.outputs) outputs", "one of each")
    }
    let input = try type(get("find the input") { api.inputTensor(signature, 0, $0) })
    let output = try type(get("find the output") { api.outputTensor(signature, 0, $0) })
    let (wanted, returned) = (artifact.input, artifact.output)
    guard input.shape == wanted.shape, input.element == wanted.dtype.rawValue else {
      throw disagreement(
        "takes \(input.element) \(input.shape)", "\(wanted.dtype.rawValue) \(wanted.shape)")
    }
    guard output.shape == returned.shape, output.element == returned.dtype.rawValue else {
      throw disagreement(
        "returns \(output.element) \(output.shape)", "\(returned.dtype.rawValue) \(returned.shape)")
    }
    return (input, output)
  }

  func buffer(
    _ environment: Handle, _ type: RankedTensorType, _ byteCount: Int,
    _ needs: (UnsafeMutablePointer<Handle?>) -> LiteRtCAPI.Status
  ) throws -> LiteRtSession.Buffer {
    let requirements = try get("find a buffer's requirements", needs)
    var size = 0
    try check(api.neededSize(requirements, &size), "find a buffer's size")
    // A runtime may ask for some padding, never for less than the tensor.
    guard (byteCount...2 * byteCount + 4096).contains(size) else {
      throw DVFLError(
        .engine, "\(path): LiteRT wants \(size) bytes for a tensor of \(byteCount)",
        advice: "use LiteRT 2.2 or 2.3")
    }
    let handle = try make("a tensor buffer", api.destroyBuffer) { out in
      type.bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { api.createBuffer(environment, LiteRtCAPI.hostMemory, $0, size, out) }
          ?? LiteRtStatus.invalidArgument
      }
    }
    return LiteRtSession.Buffer(handle: handle, byteCount: byteCount)
  }

  private func type(_ tensor: Handle) throws -> RankedTensorType {
    try RankedTensorType { try check(api.rankedType(tensor, $0), "describe a tensor") }
  }

  private func disagreement(_ found: String, _ said: String) -> DVFLError {
    DVFLError(.engine, "\(path): \(found), the manifest says \(said)", advice: "convert again")
  }

  private func check(_ status: LiteRtCAPI.Status, _ what: String) throws {
    try LiteRtStatus.check(status, path, what)
  }
}
