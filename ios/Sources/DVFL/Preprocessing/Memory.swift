/// Memory for plain numbers that lives as long as this object.
///
/// An array would be checked for unique ownership and bounds in the inner loops.
final class Memory<Element: BitwiseCopyable> {
  let start: UnsafeMutablePointer<Element>
  let count: Int

  init(repeating value: Element, count: Int) {
    start = .allocate(capacity: count)
    start.initialize(repeating: value, count: count)
    self.count = count
  }

  convenience init(_ values: [Element], or value: Element) {
    self.init(repeating: value, count: values.count)
    for (index, value) in values.enumerated() { start[index] = value }
  }

  deinit { start.deallocate() }
}
