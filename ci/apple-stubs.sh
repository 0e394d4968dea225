# Sourced by the checks that compile what is for Apple systems on Linux, against the stubs of ios/Tests/AppleStubs.
# Gives them the folders `root` and `ios`, a scratch folder `work`, `swift`, and the functions below.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
ios="$root/ios"
swift="$("$root/ci/swift-toolchain.sh")"
work="$(mktemp -d /tmp/dvfl-swift.XXXXXX)"
trap 'rm -rf "$work"' EXIT

imports=(-parse-as-library -warnings-as-errors -I "$work" -I "$ios/.build/debug/Modules"
  -Xcc "-fmodule-map-file=$ios/Sources/CZlib/module.modulemap")
strict=("${imports[@]}" -swift-version 6 -strict-concurrency=complete)
# SwiftPM takes a package's name from its folder.
product=("${strict[@]}" -package-name ios)
# To the compiler, an Objective-C framework is one that was never checked for concurrency; `@preconcurrency import`
# behaves accordingly.
framework=("${imports[@]}" -swift-version 5)

fail() {
  echo "error: $1" >&2
  exit 1
}

# Fills `files` with the Swift files of a folder.
swift_files() {
  mapfile -t files < <(find "$1" -name '*.swift' | sort)
}

# emit NAME OPTION... FILE...: a module with its doc comments that the next ones can import.
emit() {
  "$swift" -frontend -emit-module -module-name "$1" -o "$work/$1.swiftmodule" \
    -emit-module-doc-path "$work/$1.swiftdoc" -emit-module-source-info-path "$work/$1.swiftsourceinfo" "${@:2}"
}

# With the options of ci/ios.sh, so that what its tests built is not built again.
build_package() {
  (cd "$ios" && "$swift" build -Xswiftc -warnings-as-errors) >"$work/log" 2>&1 ||
    fail "the package does not build: $(tail -5 "$work/log")"
}

# emit_stubs NAME...: in an order in which each finds what it imports.
emit_stubs() {
  local name
  for name in "$@"; do emit "$name" "${framework[@]}" "$ios/Tests/AppleStubs/$name.swift"; done
}

# The products whose sources are empty without Apple's frameworks, and what they import.
apple_products=(DVFLCoreML DVFLExecuTorch)
product_stubs=(FoundationAdditions CoreGraphics CoreVideo CoreMedia ImageIO CoreML QuartzCore AVFoundation UIKit
  ExecuTorch)
