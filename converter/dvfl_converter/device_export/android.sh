#!/bin/sh
# Runs this folder's bundle on an Android phone or emulator, and writes what it measured:
#   sh android.sh [RESULTS.json]
# in a checkout of dvfl, with a device attached, adb and Gradle installed. Set ACCELERATORS, THREADS, RUNS and
# PAUSE_S to change what is tried.
set -eu

results=${1:-device-results.json}
here=$(cd "$(dirname "$0")" && pwd)
app=io.github.dvfl.devicetest
files=/sdcard/Android/data/$app/files

if [ ! -d android/device-test ]; then
  echo "error: no android/device-test here; run this in the root of a checkout of dvfl" >&2
  exit 1
fi
for tool in adb gradle; do
  if ! command -v "$tool" >/dev/null; then
    echo "error: $tool is not installed; it comes with Android Studio or its command-line tools" >&2
    exit 1
  fi
done

(cd android/sample-app && gradle --quiet :device-test:assembleRelease)
adb install -r android/device-test/build/outputs/apk/release/device-test-release.apk
adb shell mkdir -p "$files"
adb push "$here/bundle" "$files/"
adb shell am instrument -w -e bundle "$files/bundle" -e artifacts all -e accelerators "${ACCELERATORS:-cpu}" \
  -e threads "${THREADS:-4}" -e runs "${RUNS:-50}" -e pause_s "${PAUSE_S:-5}" "$app/.DeviceParityInstrumentation"
adb pull "$files/device-results.json" "$results"
echo "next: dvfl report BUNDLE --device-results $results"
