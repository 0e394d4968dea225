import CZlib
import Foundation

/// The `count` bytes that a gzip file (RFC 1952) holds, or nil if it's damaged or holds another number.
func gunzipped(_ data: Data, expecting count: Int) -> [UInt8]? {
  // zlib counts in 32 bits, and one byte never holds more than 1032: what can't be there takes no memory.
  guard data.count <= Limits.tensor, count < Limits.tensor, count / 1032 <= data.count else { return nil }
  var stream = z_stream()
  // 16 asks zlib for the gzip format.
  guard inflateInit2_(&stream, MAX_WBITS + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else {
    return nil
  }
  defer { inflateEnd(&stream) }
  var input = [UInt8](data)
  // One byte more shows a file that holds more than it should.
  var output = [UInt8](repeating: 0, count: count + 1)
  let status = input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(target.count)
      return inflate(&stream, Z_FINISH)
    }
  }
  guard status == Z_STREAM_END, Int(stream.total_out) == count else { return nil }
  output.removeLast()
  return output
}
