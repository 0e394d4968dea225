import Testing

@testable import DVFL

/// `controls` of `spec/golden/index.json`: the comparison of each listed case fails with each fault.
struct GoldenControlTests {
  let golden: Golden

  init() throws { golden = try Golden.shared.get() }

  @Test("Every control of the index is implemented, and no other")
  func everyControl() {
    let implemented =
      FrameFault.allCases.map(\.rawValue) + ClipFault.allCases.map(\.rawValue) + ["key_frames"]
    #expect(golden.index.controls.map(\.name).sorted() == implemented.sorted())
    for control in golden.index.controls { #expect(!control.cases.isEmpty, "\(control.name)") }
  }

  @Test("The slow implementation that the faults are made from is right")
  func slowReferenceIsRight() throws {
    for golden in golden.index.frameCases where golden.size < 224 {
      let spec = try self.golden.spec.with(size: golden.size)
      let made = try slowReference(self.golden.frame(golden), spec)
      let difference = firstDifference(made, self.golden.expected(golden.expected))
      #expect(difference == nil, "\(golden.name)")
    }
  }

  @Test("The comparison of frames catches", arguments: FrameFault.allCases)
  func frames(_ fault: FrameFault) throws {
    let control = try golden.control(fault.rawValue)
    #expect(control.compare == "frame_cases")
    for name in control.cases {
      let frameCase = try golden.frameCase(name)
      let expected = golden.expected(frameCase.expected)
      let wrong = try fault.preprocess(golden.frame(frameCase), golden.spec.with(size: frameCase.size))
      #expect(wrong.count == expected.count, "\(name)")
      #expect(wrong != expected, "\(name)")
    }
  }

  @Test("The comparison of clips catches", arguments: ClipFault.allCases)
  func clips(_ fault: ClipFault) throws {
    let control = try golden.control(fault.rawValue)
    #expect(control.compare == "clip_cases")
    for name in control.cases {
      let clip = try #require(golden.index.clipCases.first { $0.name == name })
      let expected = golden.expected(clip.expected)
      let wrong = fault.apply(expected, shape: clip.shape)
      #expect(wrong.count == expected.count, "\(name)")
      #expect(wrong != expected, "\(name)")
    }
  }

  @Test("The comparison of the real clip's indices catches key frames")
  func keyFrames() throws {
    let control = try golden.control("key_frames")
    #expect(control.compare == "real_clip" && control.cases == ["indices"])
    let real = golden.index.realClip
    #expect(try nearestKeyFrames(real.indices, real.keyFrames) != real.indices)
  }
}
