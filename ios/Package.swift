// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "dvfl",
  platforms: [.iOS(.v16), .macOS(.v13)],
  products: [
    .library(name: "DVFL", targets: ["DVFL"]),
    // Not "dvfl": Xcode names a folder after each product, and on most Macs that one would also be DVFL's.
    .executable(name: "dvfl-swift", targets: ["dvfl-cli"]),
    .library(name: "DVFLCoreML", targets: ["DVFLCoreML"]),
    .library(name: "DVFLExecuTorch", targets: ["DVFLExecuTorch"]),
    .library(name: "DVFLLiteRT", targets: ["DVFLLiteRT"]),
  ],
  targets: [
    .systemLibrary(name: "CZlib"),
    .target(
      name: "DVFL",
      dependencies: ["CZlib"],
      resources: [.copy("Resources/preprocessing.json"), .copy("Resources/PrivacyInfo.xcprivacy")]
    ),
    .target(name: "DVFLCoreML", dependencies: ["DVFL"]),
    .target(name: "DVFLExecuTorch", dependencies: ["DVFL"]),
    .target(name: "DVFLLiteRT", dependencies: ["DVFL"]),
    .target(name: "CountedMalloc", path: "Benchmarks/CountedMalloc"),
    .executableTarget(
      name: "dvfl-benchmarks", dependencies: ["DVFL", "CountedMalloc"], path: "Benchmarks/dvfl-benchmarks"),
    .target(name: "DVFLCommands", dependencies: ["DVFL", "DVFLLiteRT"]),
    .executableTarget(name: "dvfl-cli", dependencies: ["DVFLCommands"]),
    .testTarget(name: "DVFLTests", dependencies: ["DVFL"]),
    .testTarget(name: "DVFLCommandsTests", dependencies: ["DVFLCommands"]),
    .testTarget(name: "DVFLCoreMLTests", dependencies: ["DVFL", "DVFLCoreML"]),
    .testTarget(name: "DVFLLiteRTTests", dependencies: ["DVFL", "DVFLLiteRT"]),
  ],
  swiftLanguageModes: [.v6]
)
