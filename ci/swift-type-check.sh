#!/usr/bin/env bash
# Type-checks the sources for Apple systems on Linux, against the stubs of ios/Tests/AppleStubs (its README says
# what that proves): Swift 6, complete concurrency, warnings are errors.
#
#   ci/swift-type-check.sh                 the products for Apple systems
#   ci/swift-type-check.sh NAME FILE...    those, and more files as a module of that name, such as an app's
#
# It also shows that the check can fail: the guarded sources are not empty to it, and a planted type error, a
# planted data race and a planted warning are refused.
set -euo pipefail

start="$PWD"
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

# refuses WHAT WORDS TEXT: plants TEXT beside the Core ML sources; the check must name WORDS.
refuses() {
  echo "$3" >"$work/planted.swift"
  if check DVFLCoreML "$ios"/Sources/DVFLCoreML/*.swift "$work/planted.swift" >"$work/log" 2>&1; then
    fail "a planted $1 was not noticed"
  fi
  grep -q -- "planted.swift.*error: .*$2" "$work/log" || fail "a planted $1 was refused for another reason: $(cat "$work/log")"
}

cd "$ios"
"$swift" build --target DVFL >"$work/log" 2>&1 || fail "DVFL does not build: $(tail -5 "$work/log")"

for name in CoreGraphics CoreVideo CoreMedia ImageIO CoreML AVFoundation UIKit ExecuTorch; do
  emit "$name" "$stubs/$name.swift"
done
for name in DVFLCoreML DVFLExecuTorch; do
  mapfile -t files < <(find "Sources/$name" -name '*.swift' | sort)
  check "$name" "${files[@]/#/$ios/}"
  emit "$name" "${files[@]/#/$ios/}"
  echo "$name: ${#files[@]} files agree with the stubs"
done

cat >"$work/seen.swift" <<'SEEN'
import CoreVideo
import DVFLCoreML
import DVFLExecuTorch

public typealias Seen = (CoreMLEngine, CoreMLProvider, VideoReader, ExecuTorchEngine, ExecuTorchProvider)
public func seen(_ buffer: CVPixelBuffer) throws { try buffer.withFrame(timeS: 0) { _ in } }
SEEN
check Seen "$work/seen.swift" || fail "the guarded sources are empty to the check"
refuses "type error" "cannot convert" 'import CoreML
func planted(_ model: MLModel) -> Int { model.modelDescription }'
refuses "data race" "risks causing data races" 'import CoreML
func planted(_ model: MLModel) async {
  Task.detached { _ = model.modelDescription }
  _ = model.modelDescription
}'
refuses "warning" "never used" 'func planted() { let unused = 1 }'
echo "a planted type error, data race and warning are refused"

if [[ $# -gt 1 ]]; then
  files=()
  for file in "${@:2}"; do files+=("$(cd "$start" && realpath "$file")"); done
  check "$1" "${files[@]}"
  echo "$1: ${#files[@]} files agree with the stubs"
fi
