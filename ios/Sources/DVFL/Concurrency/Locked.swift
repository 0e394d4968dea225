#if canImport(os)
  import os
#else
  import Synchronization
#endif

/// State that synchronous code of several threads shares; for what an actor can't be, because its caller can't
/// wait.
///
/// The lock is not recursive: a body calls nothing that may lock the same state again, and resumes no
/// continuation.
package final class Locked<State: Sendable>: Sendable {
  #if canImport(os)
    private let lock: OSAllocatedUnfairLock<State>
  #else
    // Swift 6.0 can't lay out a Mutex<State> in a generic class, so the state lies behind a reference.
    private let lock: Mutex<AnyObject>
  #endif

  package init(_ state: State) {
    #if canImport(os)
      lock = OSAllocatedUnfairLock(initialState: state)
    #else
      lock = Mutex(Cell(state))
    #endif
  }

  /// Runs `body` while no other thread runs one.
  package func withLock<Answer: Sendable>(_ body: (inout State) throws -> Answer) rethrows -> Answer {
    #if canImport(os)
      // The other withLock wants a closure that may change threads; this one is neither kept nor sent.
      try lock.withLockUnchecked(body)
    #else
      try lock.withLock { try body(&unsafeDowncast($0, to: Cell<State>.self).state) }
    #endif
  }
}

#if !canImport(os)
  private final class Cell<State> {
    var state: State

    init(_ state: State) { self.state = state }
  }
#endif
