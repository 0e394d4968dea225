// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "dvfl",
  platforms: [.iOS(.v16), .macOS(.v13)],
  products: [
    .library(name: "DVFL", targets: ["DVFL"]),
    .executable(name: "dvfl", targets: ["dvfl-cli"]),
  ],
  targets: [
    .systemLibrary(name: "CZlib"),
    .target(
      name: "DVFL",
      dependencies: ["CZlib"],
      resources: [.copy("Resources/preprocessing.json"), .copy("Resources/PrivacyInfo.xcprivacy")]
    ),
    .target(name: "CountedMalloc", path: "Benchmarks/CountedMalloc"),
    .executableTarget(
      name: "dvfl-benchmarks", dependencies: ["DVFL", "CountedMalloc"], path: "Benchmarks/dvfl-benchmarks"),
    .target(name: "DVFLCommands", dependencies: ["DVFL"]),
    .executableTarget(name: "dvfl-cli", dependencies: ["DVFLCommands"]),
    .testTarget(name: "DVFLTests", dependencies: ["DVFL"]),
    .testTarget(name: "DVFLCommandsTests", dependencies: ["DVFLCommands"]),
  ],
  swiftLanguageModes: [.v6]
)
