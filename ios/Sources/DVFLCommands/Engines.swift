import DVFL
import DVFLLiteRT
import Foundation

/// The engines that this build holds.
@Sendable
public func builtInEngines(_ library: URL?) -> [any EngineProvider] {
  [LiteRTProvider(LiteRTOptions(library: library.map(LiteRTLibrary.file) ?? .linked))]
}
