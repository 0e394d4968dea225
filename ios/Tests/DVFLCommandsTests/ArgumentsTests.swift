import Testing

@testable import DVFLCommands

struct ArgumentsTests {
  private let options = [Option(name: "--size"), Option(name: "--loud", takesValue: false)]

  @Test func valuesFlagsAndWordsMayComeInAnyOrder() throws {
    let orders = [
      ["a", "--size", "3", "--loud"], ["--loud", "--size=3", "a"], ["--size=3", "--loud", "--", "a"],
    ]
    for words in orders {
      let parsed = try Arguments(words, options: options)
      #expect(parsed.positionals == ["a"])
      #expect(try parsed.number("--size") == 3)
      #expect(parsed.has("--loud"))
    }
  }

  @Test func afterTwoDashesEverythingIsAWord() throws {
    #expect(try Arguments(["--", "--size", "-x"], options: options).positionals == ["--size", "-x"])
  }

  @Test func aValueMayHoldAnEqualsSign() throws {
    #expect(try Arguments(["--size=a=b"], options: options).text("--size") == "a=b")
  }

  @Test(arguments: [
    (["--size"], "--size needs a value"), (["--size", "--loud"], "--size needs a value"),
    (["--size="], "--size needs a value"), (["--size", "1", "--size", "2"], "--size is given twice"),
    (["--loud=yes"], "--loud takes no value"), (["-s", "3"], "unknown option '-s'; options begin with '--'"),
    (["--sise", "3"], "unknown option '--sise'; did you mean '--size'? choices: --size, --loud"),
  ])
  func whatIsWrongIsNamed(_ words: [String], _ line: String) {
    #expect(throws: UsageError(line)) { try Arguments(words, options: options) }
  }

  @Test func numbersOutsideTheirRangeAreRefused() throws {
    for text in ["0", "-1", "x", "1.5"] {
      let parsed = try Arguments(["--size=\(text)"], options: options)
      #expect(throws: UsageError.self) { try parsed.number("--size") }
    }
    for text in ["0", "-1", "nan", "inf", "x"] {
      let parsed = try Arguments(["--size=\(text)"], options: options)
      #expect(throws: UsageError.self) { try parsed.positive("--size") }
    }
    #expect(try Arguments(["--size=2.5"], options: options).positive("--size") == 2.5)
  }
}
