#!/bin/sh
# Runs this folder's bundle on an iPhone or the Simulator, and writes what it measured:
#   sh ios.sh [RESULTS.json] ['platform=iOS,name=My iPhone'] [options of xcodebuild, as DEVELOPMENT_TEAM=...]
# in a checkout of dvfl, on a Mac with Xcode and XcodeGen. Set TEST_RUNNER_DVFL_RUNS, TEST_RUNNER_DVFL_PAUSE_S and
# TEST_RUNNER_DVFL_UNITS to change what is tried. The Simulator's figures say nothing about a phone.
set -eu

results=${1:-device-results.json}
destination=${2:-platform=iOS Simulator,name=iPhone 16}
[ $# -gt 1 ] && shift 2 || set --
here=$(cd "$(dirname "$0")" && pwd)
attachments=$(mktemp -d)
trap 'rm -rf "$attachments"' EXIT

if [ ! -d ios/DeviceTests ]; then
  echo "error: no ios/DeviceTests here; run this in the root of a checkout of dvfl" >&2
  exit 1
fi
for tool in xcodebuild xcodegen; do
  if ! command -v "$tool" >/dev/null; then
    echo "error: $tool is not installed; Xcode has the first, 'brew install xcodegen' the second" >&2
    exit 1
  fi
done

rsync -a --delete --exclude README.txt "$here/bundle/" ios/DeviceTests/bundle/
(cd ios/DeviceTests && xcodegen --quiet)
rm -rf ios/DeviceTests/results.xcresult
xcodebuild test -project ios/DeviceTests/DeviceTests.xcodeproj -scheme DeviceTests -destination "$destination" \
  -resultBundlePath ios/DeviceTests/results.xcresult "$@"
xcrun xcresulttool export attachments --path ios/DeviceTests/results.xcresult --output-path "$attachments"
# Attachments get names of Xcode's; the manifest beside them says which is which.
exported=$(python3 -c 'import json, sys
tests = json.load(open(sys.argv[1]))
names = [a["exportedFileName"] for t in tests for a in t["attachments"] if "device-results" in a["suggestedHumanReadableName"]]
print(names[-1])' "$attachments/manifest.json")
cp "$attachments/$exported" "$results"
echo "next: dvfl report BUNDLE --device-results $results"
