import DVFL
import Foundation

/// The engines that this build holds.
@Sendable
public func builtInEngines(_ library: URL?) -> [any EngineProvider] {
  []
}
