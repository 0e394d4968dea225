#!/usr/bin/env bash
# Builds and tests the Swift SDK: lint, tests, the documentation, the type check of what needs Apple's frameworks,
# the thread sanitizer, and the benchmark's limits. Brings Swift by ci/swift-toolchain.sh; arguments, if any, go to `swift test`.
set -euo pipefail
cd "$(dirname "$0")/.."

swift=$(ci/swift-toolchain.sh)
cd ios

if (($#)); then
  exec "$swift" test "$@"
fi

echo "swift format lint"
"$swift" format lint --strict --recursive Package.swift Sources Tests Benchmarks
echo "swift test"
"$swift" test -Xswiftc -warnings-as-errors
echo "documentation"
../ci/swift-docs.sh
if [[ $(uname) == Linux ]]; then
  echo "type check against declarations of Apple's frameworks"
  ../ci/swift-type-check.sh
fi
echo "stress test under the thread sanitizer"
"$swift" test --scratch-path .build/sanitized --sanitize=thread -Xswiftc -DTHREAD_SANITIZER --filter Stress
echo "preprocessing benchmark"
"$swift" run --configuration release --scratch-path .build/release-only dvfl-benchmarks --check
