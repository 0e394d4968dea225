import Foundation

/// The state of the device, as far as it can be read; nil where it can't.
public protocol DeviceProbe: Sendable {
  /// The system's word for its thermal state: `nominal`, `fair`, `serious` or `critical`.
  func thermal() -> String?

  /// Memory of this process in bytes.
  func memoryBytes() -> Int?
}

/// Reads the state of the device that runs the process. Any thread.
public struct ThisDevice: DeviceProbe {
  /// A probe; it holds nothing.
  public init() {}

  /// nil where the system has no such state (Linux). From `serious` on, lengthen the stride of a stream or pause
  /// it.
  public func thermal() -> String? {
    #if canImport(Darwin)
      return switch ProcessInfo.processInfo.thermalState {
      case .nominal: "nominal"
      case .fair: "fair"
      case .serious: "serious"
      case .critical: "critical"
      @unknown default: nil
      }
    #else
      return nil
    #endif
  }

  /// On Apple's systems the physical footprint, by which they judge memory; on Linux the resident set.
  public func memoryBytes() -> Int? {
    #if canImport(Darwin)
      return physicalFootprint()
    #else
      guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") })
      else { return nil }
      return Int(line.filter(\.isNumber)).map { $0 * 1024 }
    #endif
  }

  /// How the device names itself; the system doesn't tell the chip.
  public func info() -> DeviceInfo {
    let version = ProcessInfo.processInfo.operatingSystemVersion
    #if os(iOS)
      let (manufacturer, system) = ("Apple", "iOS")
    #elseif canImport(Darwin)
      let (manufacturer, system) = ("Apple", "macOS")
    #else
      let (manufacturer, system) = ("unknown", "Linux")
    #endif
    return DeviceInfo(
      manufacturer: manufacturer, model: modelName(), os: system,
      osVersion: "\(version.majorVersion).\(version.minorVersion).\(version.patchVersion)")
  }
}

/// `iPhone17,1` on a phone; the processor's kind on a computer.
private func modelName() -> String {
  // The Simulator's own name is that of the Mac's processor.
  if let simulated = ProcessInfo.processInfo.environment["SIMULATOR_MODEL_IDENTIFIER"] {
    return "\(simulated) (Simulator)"
  }
  var names = utsname()
  guard uname(&names) == 0 else { return "unknown" }
  let name = withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  return name.isEmpty ? "unknown" : name
}

#if canImport(Darwin)
  private func physicalFootprint() -> Int? {
    // mach_task_self_ is a global variable, which Swift 6 doesn't let several threads read.
    let task = task_self_trap()
    defer { mach_port_deallocate(task, task) }
    var info = task_vm_info_data_t()
    let words = MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<integer_t>.size
    var count = mach_msg_type_number_t(words)
    let result = withUnsafeMutablePointer(to: &info) { pointer in
      pointer.withMemoryRebound(to: integer_t.self, capacity: words) {
        task_info(task, task_flavor_t(TASK_VM_INFO), $0, &count)
      }
    }
    return result == KERN_SUCCESS ? Int(info.phys_footprint) : nil
  }
#endif
