import DVFL
import Foundation

/// The part of LiteRT's C interface that an engine needs, looked up in a loaded library.
///
/// The interface changes between versions. This one is that of LiteRT 2.2 to 2.3, the same on iOS and Linux; tested
/// with 2.3.0. What tells an older library apart is ``pin``, a function that 2.1 lacks; what a caller relies on
/// beyond the signatures is checked where it is used: ``RankedTensorType`` and the buffers' sizes.
struct LiteRtCAPI {
  typealias Handle = OpaquePointer
  typealias Out<Value> = UnsafeMutablePointer<Value>
  typealias Status = Int32
  typealias Destroy = @convention(c) (Handle?) -> Void
  typealias Release = @convention(c) (UnsafeMutableRawPointer?) -> Void

  /// A function that came with 2.2.
  static let pin = "LiteRtGetCompiledModelEnvironment"
  /// `kLiteRtHwAcceleratorCpu`.
  static let cpu: Int32 = 1
  /// `kLiteRtTensorBufferTypeHostMemory`.
  static let hostMemory: Int32 = 1
  /// The CPU options' identifier among the opaque options.
  static let cpuOptions = "xnnpack"

  /// A `LiteRtEnvOption`, 24 bytes in the order of all of Apple's and Linux's processors: the least severity that is
  /// logged (tag 25) is the integer (type 2) 3, an error. A runtime that doesn't know the tag ignores it.
  static let quietly: [Int64] = [25, 2, 3]

  /// `LiteRtTensorBufferLockMode`.
  enum Access: Int32 { case read, write }

  let createEnvironment: @convention(c) (Int32, UnsafeRawPointer?, Out<Handle?>) -> Status
  let createModel: @convention(c) (Handle, UnsafeRawPointer, Int, Out<Handle?>) -> Status
  let createOptions: @convention(c) (Out<Handle?>) -> Status
  let setAccelerators: @convention(c) (Handle, Int32) -> Status
  let createOpaqueOptions:
    @convention(c) (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Release, Out<Handle?>) -> Status
  let addOpaqueOptions: @convention(c) (Handle, Handle) -> Status
  let compile: @convention(c) (Handle, Handle, Handle, Out<Handle?>) -> Status

  let signature: @convention(c) (Handle, Int, Out<Handle?>) -> Status
  let inputCount: @convention(c) (Handle, Out<Int>) -> Status
  let outputCount: @convention(c) (Handle, Out<Int>) -> Status
  let inputTensor: @convention(c) (Handle, Int, Out<Handle?>) -> Status
  let outputTensor: @convention(c) (Handle, Int, Out<Handle?>) -> Status
  let rankedType: @convention(c) (Handle, UnsafeMutableRawPointer) -> Status

  let inputNeeds: @convention(c) (Handle, Int, Int, Out<Handle?>) -> Status
  let outputNeeds: @convention(c) (Handle, Int, Int, Out<Handle?>) -> Status
  let neededSize: @convention(c) (Handle, Out<Int>) -> Status
  let createBuffer: @convention(c) (Handle, Int32, UnsafeRawPointer, Int, Out<Handle?>) -> Status
  let lock: @convention(c) (Handle, Out<UnsafeMutableRawPointer?>, Int32) -> Status
  let unlock: @convention(c) (Handle) -> Status
  let run: @convention(c) (Handle, Int, Int, Out<Handle?>, Int, Out<Handle?>) -> Status

  let destroyEnvironment: Destroy
  let destroyModel: Destroy
  let destroyOptions: Destroy
  let destroyOpaqueOptions: Destroy
  let destroyCompiled: Destroy
  let destroyBuffer: Destroy

  /// Opens a library and looks every function up.
  ///
  /// - Throws: ``DVFLError`` of kind `engine` if there is no such library, it doesn't load, or is not LiteRT 2.2.
  init(_ library: LiteRTLibrary) throws {
    let symbols = try Symbols(library)
    // Before the others, so that an older LiteRT is called what it is.
    _ = try symbols.address("LiteRtCreateEnvironment")
    _ = try symbols.address(Self.pin)
    createEnvironment = try symbols.function("LiteRtCreateEnvironment")
    createModel = try symbols.function("LiteRtCreateModelFromBuffer")
    createOptions = try symbols.function("LiteRtCreateOptions")
    setAccelerators = try symbols.function("LiteRtSetOptionsHardwareAccelerators")
    createOpaqueOptions = try symbols.function("LiteRtCreateOpaqueOptions")
    addOpaqueOptions = try symbols.function("LiteRtAddOpaqueOptions")
    compile = try symbols.function("LiteRtCreateCompiledModel")
    signature = try symbols.function("LiteRtGetModelSignature")
    inputCount = try symbols.function("LiteRtGetNumSignatureInputs")
    outputCount = try symbols.function("LiteRtGetNumSignatureOutputs")
    inputTensor = try symbols.function("LiteRtGetSignatureInputTensorByIndex")
    outputTensor = try symbols.function("LiteRtGetSignatureOutputTensorByIndex")
    rankedType = try symbols.function("LiteRtGetRankedTensorType")
    inputNeeds = try symbols.function("LiteRtGetCompiledModelInputBufferRequirements")
    outputNeeds = try symbols.function("LiteRtGetCompiledModelOutputBufferRequirements")
    neededSize = try symbols.function("LiteRtGetTensorBufferRequirementsBufferSize")
    createBuffer = try symbols.function("LiteRtCreateManagedTensorBuffer")
    lock = try symbols.function("LiteRtLockTensorBuffer")
    unlock = try symbols.function("LiteRtUnlockTensorBuffer")
    run = try symbols.function("LiteRtRunCompiledModel")
    destroyEnvironment = try symbols.function("LiteRtDestroyEnvironment")
    destroyModel = try symbols.function("LiteRtDestroyModel")
    destroyOptions = try symbols.function("LiteRtDestroyOptions")
    destroyOpaqueOptions = try symbols.function("LiteRtDestroyOpaqueOptions")
    destroyCompiled = try symbols.function("LiteRtDestroyCompiledModel")
    destroyBuffer = try symbols.function("LiteRtDestroyTensorBuffer")
  }
}

/// The functions of a loaded library.
private struct Symbols {
  let handle: UnsafeMutableRawPointer
  let name: String

  init(_ library: LiteRTLibrary) throws {
    switch library {
    case .linked:
      name = "this app"
      guard let process = dlopen(nil, RTLD_NOW) else {
        throw DVFLError(.engine, "the app's own symbols can't be read", advice: "give LiteRT as .file")
      }
      handle = process
    case .file(let file):
      name = file.path
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw DVFLError(.engine, "\(name): no LiteRT library", advice: "give the path of LiteRT 2.2 or newer")
      }
      // Never closed: the runtime's threads may outlive the last engine.
      guard let opened = dlopen(file.path, RTLD_NOW | RTLD_LOCAL) else {
        let reason = dlerror().map { String(cString: $0) } ?? "unknown reason"
        throw DVFLError(
          .engine, "\(name): does not load (\(reason))",
          advice: "give LiteRT 2.2 or newer for this system and processor")
      }
      handle = opened
    }
  }

  func address(_ symbol: String) throws -> UnsafeMutableRawPointer {
    if let address = dlsym(handle, symbol) { return address }
    throw DVFLError(
      .engine, "\(name) has no \(symbol), so no LiteRT 2.2 or newer",
      advice: "link https://github.com/google-ai-edge/LiteRT into the app, or give its library as .file")
  }

  /// The function of that name; `Function` is its C type, which only the header says.
  func function<Function>(_ symbol: String) throws -> Function {
    unsafeBitCast(try address(symbol), to: Function.self)
  }
}
