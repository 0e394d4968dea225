#!/usr/bin/env bash
# Type-checks the sources for Apple systems on Linux, against the stubs of ios/Tests/AppleStubs (its README says
# what that proves): Swift 6, complete concurrency, warnings are errors.
#
# The products for Apple systems, the sample app and the device test. It also shows that the check can fail: the
# guarded sources are not empty to it, and a planted type error, a planted data race and a planted warning are
# refused, in the products and in the sample.
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
ios="$root/ios"
stubs="$ios/Tests/AppleStubs"
swift="$("$root/ci/swift-toolchain.sh")"
work="$(mktemp -d /tmp/dvfl-type-check.XXXXXX)"
trap 'rm -rf "$work"' EXIT

fail() {
  echo "error: $1" >&2
  exit 1
}

# SwiftPM takes a package's name from its folder.
strict=(-swift-version 6 -strict-concurrency=complete -warnings-as-errors -package-name ios -parse-as-library
  -I "$work" -I "$ios/.build/debug/Modules" -Xcc "-fmodule-map-file=$ios/Sources/CZlib/module.modulemap")

# check NAME FILE...: types, and data races, which the compiler finds in the intermediate form only.
check() {
  "$swift" -frontend -emit-sil -o /dev/null -module-name "$1" "${strict[@]}" "${@:2}"
}

# emit NAME FILE...: a module that the next ones can import.
emit() {
  "$swift" -frontend -emit-module -module-name "$1" -o "$work/$1.swiftmodule" "${strict[@]}" "${@:2}"
}

# refuses MODULE WHAT WORDS TEXT FILE...: plants TEXT beside the files of a module; the check must name WORDS.
refuses() {
  echo "$4" >"$work/planted.swift"
  if check "$1" "${@:5}" "$work/planted.swift" >"$work/log" 2>&1; then
    fail "a planted $2 was not noticed in $1"
  fi
  grep -q -- "planted.swift.*error: .*$3" "$work/log" ||
    fail "a planted $2 was refused for another reason: $(cat "$work/log")"
}

# agree NAME FILE...: says so as well.
agree() {
  check "$@"
  echo "$1: $(($# - 1)) files agree with the stubs"
}

cd "$ios"
"$swift" build --target DVFL >"$work/log" 2>&1 || fail "DVFL does not build: $(tail -5 "$work/log")"

for name in CoreGraphics CoreVideo CoreMedia ImageIO CoreML UIKit AVFoundation UniformTypeIdentifiers SwiftUI ExecuTorch; do
  emit "$name" "$stubs/$name.swift"
done
for name in DVFLCoreML DVFLExecuTorch; do
  mapfile -t files < <(find "$ios/Sources/$name" -name '*.swift' | sort)
  agree "$name" "${files[@]}"
  emit "$name" "${files[@]}"
done

cat >"$work/seen.swift" <<'SEEN'
import CoreVideo
import DVFLCoreML
import DVFLExecuTorch

public typealias Seen = (CoreMLEngine, CoreMLProvider, VideoReader, ExecuTorchEngine, ExecuTorchProvider)
public func seen(_ buffer: CVPixelBuffer) throws { try buffer.withFrame(timeS: 0) { _ in } }
SEEN
check Seen "$work/seen.swift" || fail "the guarded sources are empty to the check"

mapfile -t sample < <(find "$ios/Sample/DVFLSample.swiftpm/Sources" -name '*.swift' | sort)
sample+=("$stubs/ResourceAccessor.swift")
agree DVFLSample "${sample[@]}"
agree DeviceTests "$ios"/DeviceTests/Tests/*.swift "$stubs/XCTest.swift"

# The README's example, with what it leaves to the reader as parameters.
{
  printf 'import CoreVideo\nimport DVFL\nimport DVFLCoreML\nimport Foundation\n'
  echo 'func example(folder: URL, video: URL, buffer: CVPixelBuffer, time: Double, show: ([Prediction]) -> Void)'
  echo 'async throws {'
  sed -n '/^```swift$/,/^```$/{/^```/!p}' "$root/README.md"
  echo '}'
} >"$work/README.swift"
grep -q ActionRecognizer "$work/README.swift" || fail "README.md holds no Swift example"
agree README "$work/README.swift"

products=("$ios"/Sources/DVFLCoreML/*.swift)
refuses DVFLCoreML "type error" "cannot convert" 'import CoreML
func planted(_ model: MLModel) -> Int { model.modelDescription }' "${products[@]}"
refuses DVFLCoreML "data race" "risks causing data races" 'import CoreML
func planted(_ model: MLModel) async {
  Task.detached { _ = model.modelDescription }
  _ = model.modelDescription
}' "${products[@]}"
refuses DVFLCoreML "warning" "never used" 'func planted() { let unused = 1 }' "${products[@]}"
refuses DVFLSample "data race" "main actor-isolated" \
  'func planted(_ recognition: Recognition) { print(recognition.message) }' "${sample[@]}"
refuses DeviceTests "type error" "cannot convert" 'import DVFL
func planted(_ run: DeviceRun) -> Int { run.accelerator }' "$ios"/DeviceTests/Tests/*.swift "$stubs/XCTest.swift"
echo "planted type errors, data races and a warning are refused"
