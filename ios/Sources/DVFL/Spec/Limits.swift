/// The most that a file or a caller may ask for. More is a mistake, and sums of it may not fit an integer.
enum Limits {
  /// Pixels on a side of a frame, and of a model's input.
  static let side = 1 << 14
  /// Pixels on the short side after the resize.
  static let shortSide = 1 << 16
  /// Numbers in a tensor.
  static let tensor = Int(Int32.max)
  /// What the contract calls an integer.
  static let integers = Int(Int32.min)...Int(Int32.max)

  /// How many numbers a tensor of `shape` has; nil if a size is less than 1 or there are more than ``tensor``.
  static func count(of shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 1, !overflow, product <= tensor else { return nil }
      count = product
    }
    return count
  }
}
