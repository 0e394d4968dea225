#!/usr/bin/env bash
# Type-checks everything for Apple systems on Linux, against the stubs of ios/Tests/AppleStubs (its README says what
# that proves): the products, the sample app, the device test and the README's example. Swift 6, complete
# concurrency, warnings are errors.
#
# It also shows that the check can fail: the guarded sources are not empty to it, and in the products and in the app
# a planted type error and a planted data race are refused, and a planted warning.
set -euo pipefail

source "$(dirname "$0")/apple-stubs.sh"
sample="$ios/Sample/DVFLSample.swiftpm"
device="$ios/DeviceTests"

# check NAME OPTION... FILE...: types, and data races, which the compiler finds in the intermediate form only.
check() {
  "$swift" -frontend -emit-sil -o /dev/null -module-name "$1" "${@:2}"
}

check_products() {
  local name
  for name in "${apple_products[@]}"; do
    swift_files "$ios/Sources/$name"
    check "$name" "${product[@]}" "${files[@]}"
    emit "$name" "${product[@]}" "${files[@]}"
    echo "$name: ${#files[@]} files agree with the stubs"
  done
}

# What a build system adds to a target with resources.
write_accessor() {
  cat >"$work/accessor.swift" <<'ACCESSOR'
import Foundation

extension Bundle {
  static let module = Bundle.main
}
ACCESSOR
}

check_sample() {
  write_accessor
  swift_files "$sample/Sources"
  check DVFLSample "${strict[@]}" "${files[@]}" "$work/accessor.swift"
  echo "sample app: ${#files[@]} files agree with the stubs"
}

check_device_test() {
  swift_files "$device/Host"
  check DeviceHost "${strict[@]}" "${files[@]}"
  local hosts=${#files[@]}
  swift_files "$device/Tests"
  check DeviceTests "${strict[@]}" "${files[@]}" "$ios/Tests/AppleStubs/XCTAttachment.swift"
  echo "device test: $((hosts + ${#files[@]})) files agree with the stubs"
}

# The README's example, with what it leaves to the reader as parameters.
check_readme() {
  {
    printf 'import %s\n' CoreVideo DVFL DVFLCoreML Foundation
    echo 'func example(folder: URL, video: URL, buffer: CVPixelBuffer, time: Double, show: ([Prediction]) -> Void)'
    echo 'async throws {'
    sed -n '/^```swift$/,/^```$/{/^```/!p}' "$root/README.md"
    echo '}'
  } >"$work/readme.swift"
  grep -q ActionRecognizer "$work/readme.swift" || fail "README.md holds no Swift example"
  check README "${strict[@]}" "$work/readme.swift"
  echo "README: its example agrees with the stubs"
}

# Fails if the conditions around the sources leave nothing to be checked.
check_not_empty() {
  cat >"$work/seen.swift" <<'SEEN'
import CoreVideo
import DVFLCoreML
import DVFLExecuTorch

public typealias Seen = (CoreMLEngine, CoreMLProvider, VideoReader, ExecuTorchEngine, ExecuTorchProvider)
public func seen(_ buffer: CVPixelBuffer) throws { try buffer.withFrame(timeS: 0) { _ in } }
SEEN
  check Seen "${strict[@]}" "$work/seen.swift" || fail "the guarded sources are empty to the check"
  echo "func seen() -> Any { DeviceParityTests.self }" >"$work/seen.swift"
  swift_files "$device/Tests"
  check DeviceTests "${strict[@]}" "${files[@]}" "$ios/Tests/AppleStubs/XCTAttachment.swift" "$work/seen.swift" ||
    fail "the device test is empty to the check"
}

# refuses WHAT WORDS TEXT NAME OPTION... FILE...: plants TEXT beside the files; the check must name WORDS.
refuses() {
  echo "$3" >"$work/planted.swift"
  if check "${@:4}" "$work/planted.swift" >"$work/log" 2>&1; then
    fail "a planted $1 was not noticed in $4"
  fi
  grep -q -- "planted.swift.*error: .*$2" "$work/log" ||
    fail "a planted $1 was refused in $4 for another reason: $(cat "$work/log")"
}

check_refusals() {
  swift_files "$ios/Sources/DVFLCoreML"
  local core_ml=(DVFLCoreML "${product[@]}" "${files[@]}")
  refuses "type error" "cannot convert" 'import CoreML
func planted(_ model: MLModel) -> Int { model.modelDescription }' "${core_ml[@]}"
  refuses "data race" "risks causing data races" 'import CoreML
func planted(_ model: MLModel) async {
  Task.detached { _ = model.modelDescription }
  _ = model.modelDescription
}' "${core_ml[@]}"
  refuses "warning" "never used" 'func planted() { let unused = 1 }' "${core_ml[@]}"

  swift_files "$sample/Sources"
  local app=(DVFLSample "${strict[@]}" "${files[@]}" "$work/accessor.swift")
  refuses "type error" "cannot convert value of type" 'import SwiftUI
struct Planted: View {
  let recognition: Recognition
  var body: some View { CameraPreview(camera: recognition) }
}' "${app[@]}"
  refuses "call off the main actor" "main actor-isolated" 'import SwiftUI
func planted(_ recognition: Recognition) -> String { recognition.message }' "${app[@]}"
  refuses "shared capture session" "non-'"'Sendable'"' type" 'import AVFoundation
actor Planted { nonisolated let session = AVCaptureSession() }' "${app[@]}"
  echo "planted type errors, data races and a warning are refused"
}

build_package
emit_stubs "${product_stubs[@]}" Combine UniformTypeIdentifiers SwiftUI
check_products
check_sample
check_device_test
check_readme
check_not_empty
check_refusals
