import DVFL
import Foundation

/// What the bundle holds, and whether its files are those that the converter wrote.
func inspect(_ bundle: ActionBundle) -> CommandResult {
  let manifest = bundle.manifest
  let model = manifest.model
  var lines = [
    bundle.root.path, "",
    "model      \(model.name), \(model.parameters) parameters, \(model.macs) multiply-accumulates a clip",
    "input      \(manifest.preprocessing.temporal.frames) frames of \(manifest.preprocessing.crop.size) x "
      + "\(manifest.preprocessing.crop.size)",
    "labels     \(manifest.labels.count): \(manifest.labels.prefix(8).joined(separator: ", "))"
      + (manifest.labels.count > 8 ? ", ..." : ""),
    "",
  ]
  var changed = 0
  func line(_ name: String, _ stored: StoredFile, _ note: String) -> String {
    let state = state(of: stored, in: bundle)
    if state == "changed" { changed += 1 }
    return columns([(name, 18), (sized(stored.bytes), 10), (state, 9), (note, 0)])
  }
  lines.append(columns([("artifact", 18), ("size", 10), ("sha256", 9), ("parity at conversion", 0)]))
  for artifact in manifest.artifacts {
    let note = [artifact.parity.status.rawValue, artifact.parity.reason].compactMap(\.self)
    lines.append(line(artifact.name, artifact.stored, note.joined(separator: ": ")))
  }
  if let reference = manifest.reference { lines.append(line("reference", reference, "")) }
  for vector in manifest.referenceVectors { lines.append(line("clip", vector.stored, vector.name)) }
  let output = lines.joined(separator: "\n") + "\n"
  guard changed == 0 else {
    return failure(
      1, "\(bundle.root.path): \(changed) changed after conversion; copy the bundle again or convert again",
      output: output)
  }
  return success(output)
}

private func state(of stored: StoredFile, in bundle: ActionBundle) -> String {
  let path = bundle.root.appendingPathComponent(stored.file).path
  guard FileManager.default.fileExists(atPath: path) else { return "left out" }
  return (try? bundle.verified(stored)) == nil ? "changed" : "intact"
}

/// Left-aligned, each as wide as said.
func columns(_ cells: [(text: String, width: Int)]) -> String {
  var line = ""
  for cell in cells {
    line += cell.text.padding(toLength: max(cell.width, cell.text.count), withPad: " ", startingAt: 0)
    if cell.width > 0 { line += "  " }
  }
  while line.hasSuffix(" ") { line.removeLast() }
  return line
}

private func sized(_ bytes: Int) -> String {
  let units = [(1 << 20, "MB"), (1 << 10, "kB")]
  guard let (size, unit) = units.first(where: { bytes >= $0.0 }) else { return "\(bytes) B" }
  return "\(fixed(Double(bytes) / Double(size), 1)) \(unit)"
}

/// A number with that many decimals.
func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
