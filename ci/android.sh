#!/usr/bin/env bash
# Builds and tests the Kotlin SDK. Brings JDK 17 and Maven where apt-get may; arguments go to Maven.
set -euo pipefail
cd "$(dirname "$0")/../android"

has_jdk() {
  command -v javac >/dev/null && [[ $(javac -version 2>&1) =~ ^javac\ ([0-9]+) ]] && ((BASH_REMATCH[1] >= 17))
}

missing=()
has_jdk || missing+=(openjdk-17-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)
if ((${#missing[@]})); then
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "error: a JDK (17 or newer) and Maven are needed; on Debian: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi

# Maven's -q would hide the test counts as well, so the steps' chatter is cut here.
chatter='^\[INFO\] *$|^\[INFO\] (---|Configured Artifact|Nothing to compile|Recompiling|skip non existing|Copying|Applied plugin|Executing tasks|Executed tasks|Checking unresolved|Building jar|Using auto detected|Unpacking)'
log=$(mktemp)
trap 'rm -f "$log"' EXIT

build() {
  mvn -B -ntp "$@" 2>&1 | tee "$log" | { grep --line-buffered -vE "$chatter" || true; }
}

goals=("$@")
((${#goals[@]})) || goals=(verify)
build "${goals[@]}" && exit
# A mirror that fails once is no failure of the code; anything else is reported as it is.
if grep -qE 'Could not transfer artifact|Failed to collect dependencies|Connection (reset|timed out)|Premature end of' "$log"; then
  echo "a download failed; trying once more"
  build -U "${goals[@]}" && exit
fi
exit 1
