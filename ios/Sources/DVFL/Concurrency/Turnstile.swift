/// Lets one caller through at a time, in the order of the calls, even where the one inside waits for something.
final class Turnstile: Sendable {
  private struct State {
    var occupied = false
    var line = WaitingLine<Void, Void>()
  }

  private let state = Locked(State())

  /// Runs `body` when everybody who came earlier is done.
  ///
  /// - Throws: `CancellationError` if the task is cancelled before its turn; `body` then doesn't run.
  func pass<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
    try await enter()
    defer { leave() }
    return try await body()
  }

  private func enter() async throws {
    let ticket = state.withLock { $0.line.newTicket() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isFree = state.withLock { state in
          if Task.isCancelled { return Bool?.none }
          if state.occupied { state.line.add((), ticket, continuation) }
          defer { state.occupied = true }
          return !state.occupied
        }
        if isFree == nil { continuation.resume(throwing: CancellationError()) }
        if isFree == true { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.line.remove(ticket) }?.resume(throwing: CancellationError())
    }
  }

  private func leave() {
    let next = state.withLock { state in
      let next = state.line.first()
      state.occupied = next != nil
      return next
    }
    next?.continuation.resume()
  }
}

/// Callers that wait, first come, first served; each brings a `Load` and wants an `Answer`.
struct WaitingLine<Load: Sendable, Answer: Sendable>: Sendable {
  typealias Continuation = CheckedContinuation<Answer, any Error>

  /// One of them.
  struct Waiter: Sendable {
    let load: Load
    let ticket: Int
    let continuation: Continuation
  }

  private var waiters: [Waiter] = []
  private var tickets = 0

  /// A number that nobody else has.
  mutating func newTicket() -> Int {
    tickets += 1
    return tickets
  }

  mutating func add(_ load: Load, _ ticket: Int, _ continuation: Continuation) {
    waiters.append(Waiter(load: load, ticket: ticket, continuation: continuation))
  }

  /// Takes out the one with a ticket, if it still waits.
  mutating func remove(_ ticket: Int) -> Continuation? {
    waiters.firstIndex { $0.ticket == ticket }.map { waiters.remove(at: $0).continuation }
  }

  /// Takes out the one that came first.
  mutating func first() -> Waiter? { waiters.isEmpty ? nil : waiters.removeFirst() }

  /// Takes out everybody.
  mutating func removeAll() -> [Waiter] {
    defer { waiters = [] }
    return waiters
  }
}
