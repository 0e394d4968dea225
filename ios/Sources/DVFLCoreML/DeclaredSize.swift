import Foundation

/// The least number of bytes that an MP4 or MOV file must have by its own boxes (ISO/IEC 14496-12), or nil if they
/// don't say; a cut-off copy of `size` bytes is shorter. The file's position changes.
func declaredSize(_ file: FileHandle, size: UInt64) throws -> UInt64? {
  let kinds: Set<String> = [
    "ftyp", "moov", "mdat", "moof", "free", "skip", "wide", "uuid", "sidx", "styp",
  ]
  var position: UInt64 = 0
  while position < size, size - position >= 8 {
    try file.seek(toOffset: position)
    let head = [UInt8](try file.read(upToCount: 16) ?? Data())
    guard head.count >= 8 else { return nil }
    let number = { (bytes: ArraySlice<UInt8>) in bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    var length = number(head[0..<4])
    if length == 1, head.count == 16 { length = number(head[8..<16]) }
    // Length 0 means "to the end of the file"; an unknown kind is trailing data, not a box.
    let kind = String(decoding: head[4..<8], as: UTF8.self)
    let (end, overflow) = position.addingReportingOverflow(length)
    guard length >= 8, kinds.contains(kind), !overflow else { return nil }
    position = end
  }
  return position
}
