#if THREAD_SANITIZER
  import Foundation
#elseif canImport(os)
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
  #if THREAD_SANITIZER
    // For sanitized builds only: the sanitizer doesn't see the futex of Linux's Mutex and takes every access for a
    // race, while the type system doesn't see that an NSLock guards a property.
    private let lock = NSLock()
    private nonisolated(unsafe) var state: State
  #elseif canImport(os)
    private let lock: OSAllocatedUnfairLock<State>
  #else
    // Swift 6.0 can't lay out a Mutex<State> in a generic class, so the state lies behind a reference.
    private let lock: Mutex<AnyObject>
  #endif

  package init(_ state: State) {
    #if THREAD_SANITIZER
      self.state = state
    #elseif canImport(os)
      lock = OSAllocatedUnfairLock(initialState: state)
    #else
      lock = Mutex(Cell(state))
    #endif
  }

  /// Runs `body` while no other thread runs one.
  package func withLock<Answer: Sendable>(_ body: (inout State) throws -> Answer) rethrows -> Answer {
    #if THREAD_SANITIZER
      lock.lock()
      defer { lock.unlock() }
      return try body(&state)
    #elseif canImport(os)
      // The other withLock wants a closure that may change threads; this one is neither kept nor sent.
      return try lock.withLockUnchecked(body)
    #else
      return try lock.withLock { try body(&unsafeDowncast($0, to: Cell<State>.self).state) }
    #endif
  }
}

#if !THREAD_SANITIZER && !canImport(os)
  private final class Cell<State> {
    var state: State

    init(_ state: State) { self.state = state }
  }
#endif
