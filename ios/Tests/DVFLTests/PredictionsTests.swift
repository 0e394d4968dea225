import Foundation
import Testing

@testable import DVFL

/// `spec/golden/predictions.json`, through a recognizer.
struct PredictionsTests {
  private struct Case: Decodable {
    struct Ranked: Decodable {
      let index: Int
      let label: String
      let logit: Double
      let score: Double
    }
    let name: String
    let labels: [String]
    let logits: [Float]
    let top: Int?
    let expected: [Ranked]
  }

  @Test func logitsBecomeTheGoldenPredictions() async throws {
    struct File: Decodable { let cases: [Case] }
    let file = URL(fileURLWithPath: "\(repository)/spec/golden/predictions.json")
    let cases = try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).cases
    #expect(cases.count >= 5)
    for golden in cases {
      let recognizer = try await ActionRecognizer.scripted(TestBundle(labels: golden.labels)) { _ in
        golden.logits
      }
      let found = try await recognizer.recognize(testClip(), top: golden.top)
      #expect(found.map(\.index) == golden.expected.map(\.index), "\(golden.name)")
      #expect(found.map(\.label) == golden.expected.map(\.label), "\(golden.name)")
      #expect(found.map(\.logit) == golden.expected.map(\.logit), "\(golden.name)")
      for (found, golden) in zip(found, golden.expected) {
        #expect(abs(found.score - golden.score) <= 1e-9)
      }
      await recognizer.close()
    }
  }
}
