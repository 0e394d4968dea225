import DVFL
import Foundation

/// What a command line did: what to print, and the exit status.
public struct CommandResult: Equatable, Sendable {
  /// 0: done. 1: it failed, or a check did. 2: wrong usage.
  public let status: Int32
  /// For the standard output; ends with a line feed unless it's empty.
  public let output: String
  /// For the standard error; one line, or empty.
  public let error: String
}

/// The engines of a build of `dvfl`.
///
/// `library` is what `--library` named: the runtime's shared library, for an engine that loads one.
public typealias EngineChoice = @Sendable (_ library: URL?) -> [any EngineProvider]

/// Runs one command line, without the program's name. Prints nothing.
///
/// - Parameters:
///   - arguments: such as `["inspect", "demo/bundle"]`.
///   - engines: what may run a model; those of this build, unless said otherwise.
/// - Returns: the exit status and what to print.
public func run(arguments: [String], engines: EngineChoice = builtInEngines) async -> CommandResult {
  do {
    return try await dispatch(arguments, engines)
  } catch let error as UsageError {
    return failure(2, "\(error.line); try 'dvfl-swift --help'")
  } catch let error as DVFLError where error.kind == .options {
    return failure(2, error.description)
  } catch {
    return failure(1, "\(error)")
  }
}

private func dispatch(_ arguments: [String], _ engines: EngineChoice) async throws -> CommandResult {
  guard let name = arguments.first else { return failure(2, "no command; try 'dvfl-swift --help'") }
  if ["--help", "-h", "help"].contains(name) { return success(Help.overview) }
  if name == "--version" { return success("dvfl-swift \(SDKInfo().version) (Swift)\n") }
  guard let command = Command(rawValue: name) else {
    throw UsageError(
      unknown("command", name, choices: Command.allCases.map(\.rawValue), kind: .options).description)
  }
  let rest = arguments.dropFirst()
  if rest.contains("--help") || rest.contains("-h") { return success(command.help) }
  let parsed = try Arguments(rest, options: command.options)
  let bundle = try ActionBundle(at: URL(fileURLWithPath: parsed.onlyWord("BUNDLE")))
  return switch command {
  case .inspect: inspect(bundle)
  case .verify: try await verify(bundle, parsed, engines)
  case .recognize: try await recognize(bundle, parsed, engines)
  }
}

enum Command: String, CaseIterable {
  case inspect, verify, recognize

  private static let engine = ["--engine", "--precision", "--library", "--threads"].map { Option(name: $0) }

  var options: [Option] {
    switch self {
    case .inspect: []
    case .verify: Self.engine
    case .recognize:
      Self.engine
        + [
          "--planes", "--width", "--height", "--frames", "--fps", "--format", "--matrix", "--range",
          "--rotation", "--top", "--tensor", "--runs",
        ].map { Option(name: $0) } + [Option(name: "--timings", takesValue: false)]
    }
  }

  var help: String {
    switch self {
    case .inspect: Help.inspect
    case .verify: Help.verify
    case .recognize: Help.recognize
    }
  }
}

extension Arguments {
  /// What `--engine`, `--precision`, `--threads` and `--library` ask for.
  func recognizerOptions(_ engines: EngineChoice) throws -> RecognizerOptions {
    let providers = engines(text("--library").map { URL(fileURLWithPath: $0) })
    guard !providers.isEmpty else {
      throw DVFLError(
        .engine, "this dvfl was built without an engine",
        advice: "build it where one is, or write the model's input with 'recognize --tensor'")
    }
    return RecognizerOptions(
      engine: try choice("--engine", ["litert", "coreml", "executorch"]),
      precision: try choice("--precision", Precision.allCases.map(\.rawValue))
        .flatMap(Precision.init(rawValue:)),
      threads: try number("--threads"), providers: providers)
  }
}

func success(_ output: String) -> CommandResult { CommandResult(status: 0, output: output, error: "") }

/// One line, whatever the message holds.
func failure(_ status: Int32, _ line: String, output: String = "") -> CommandResult {
  let line = line.split(whereSeparator: \.isNewline).joined(separator: " ")
  return CommandResult(status: status, output: output, error: "error: \(line)\n")
}
