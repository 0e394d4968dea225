import DVFL
import Foundation

/// The memory of a model's input: kept from one run to the next, and given back when the system asks for memory.
///
/// `drop` may come from any thread at any time; memory that is lent is given back when its user is done.
final class ScratchMemory: Sendable {
  private struct State: Sendable {
    // A pointer's bits, since a pointer is not Sendable.
    var address: UInt?
    var isLent = false
    var isUnwanted = false
  }

  /// Its length.
  let byteCount: Int
  private let state = Locked(State())

  init(byteCount: Int) { self.byteCount = byteCount }

  deinit { Self.free(state.withLock { $0.address }) }

  /// Whether there is memory at the moment.
  var isAllocated: Bool { state.withLock { $0.address != nil } }

  /// Memory of ``byteCount`` bytes, not cleared, page-aligned; for one user at a time, who returns it with
  /// ``giveBack()``.
  func lend() -> UnsafeMutableRawBufferPointer {
    let address = state.withLock { state in
      let address =
        state.address
        ?? UInt(bitPattern: UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 1 << 14))
      state.address = address
      state.isLent = true
      return address
    }
    return UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: address), count: byteCount)
  }

  /// Ends ``lend()``.
  func giveBack() {
    let unwanted = state.withLock { state in
      state.isLent = false
      return Self.takeUnwanted(&state)
    }
    Self.free(unwanted)
  }

  /// Frees the memory, now or when its user is done; the next user gets new memory.
  func drop() {
    let unwanted = state.withLock { state in
      state.isUnwanted = state.address != nil
      return Self.takeUnwanted(&state)
    }
    Self.free(unwanted)
  }

  private static func takeUnwanted(_ state: inout State) -> UInt? {
    guard state.isUnwanted, !state.isLent else { return nil }
    defer { state = State() }
    return state.address
  }

  private static func free(_ address: UInt?) {
    address.flatMap(UnsafeMutableRawPointer.init(bitPattern:))?.deallocate()
  }
}
