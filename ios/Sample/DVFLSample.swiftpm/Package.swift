// swift-tools-version: 6.0
import AppleProductTypes
import PackageDescription

let package = Package(
  name: "DVFLSample",
  platforms: [.iOS("16.0")],
  products: [
    .iOSApplication(
      name: "DVFLSample",
      targets: ["DVFLSample"],
      bundleIdentifier: "io.github.dvfl.sample",
      displayVersion: "0.1.0",
      bundleVersion: "1",
      appIcon: .placeholder(icon: .camera),
      accentColor: .presetColor(.teal),
      supportedDeviceFamilies: [.phone, .pad],
      supportedInterfaceOrientations: [.portrait],
      capabilities: [
        .camera(purposeString: "The camera's pictures are looked at on this device and never leave it.")
      ]
    )
  ],
  dependencies: [.package(name: "dvfl", path: "../..")],
  targets: [
    .executableTarget(
      name: "DVFLSample",
      dependencies: [
        .product(name: "DVFL", package: "dvfl"),
        .product(name: "DVFLCoreML", package: "dvfl"),
      ],
      path: ".",
      sources: ["Sources"],
      resources: [.copy("Resources/bundle")]
    )
  ],
  swiftLanguageModes: [.v6]
)
