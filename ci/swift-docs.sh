#!/usr/bin/env bash
# Checks the Swift documentation: everything public has a doc comment, and DocC builds every library's pages without
# a warning, such as one for a link to a symbol that doesn't exist. Each library is built alone, as Xcode builds it.
# On Linux those for Apple systems are compiled against the stubs of ios/Tests/AppleStubs.
#
#   ci/swift-docs.sh             checks
#   ci/swift-docs.sh FOLDER      checks, and leaves the pages in FOLDER, one archive for each library
#
# It also shows that the check can fail: a planted link to nothing and a planted symbol without a comment are refused.
set -euo pipefail

if (($#)); then
  mkdir -p "$1"
  pages="$(cd "$1" && pwd)"
fi
source "$(dirname "$0")/apple-stubs.sh"
extract="$("$root/ci/swift-toolchain.sh" swift-symbolgraph-extract)"
docc="$("$root/ci/swift-toolchain.sh" docc)"
pages="${pages:-$work/pages}"
libraries=(DVFL DVFLLiteRT "${apple_products[@]}")
# Apple systems have no ExecuTorch of their own, so that the package's build leaves this library empty there.
if [[ $(uname) == Darwin ]]; then libraries=(DVFL DVFLLiteRT DVFLCoreML); fi

# The tool wants to be told what the compiler knows by itself.
platform() {
  "$swift" -print-target-info | python3 -c 'import json, sys; print(json.load(sys.stdin)["target"]["triple"])'
}
context=(-target "$(platform)" -I "$work" -I "$ios/.build/debug/Modules"
  -Xcc "-fmodule-map-file=$ios/Sources/CZlib/module.modulemap")
if [[ $(uname) == Darwin ]]; then context+=(-sdk "$(xcrun --show-sdk-path)"); fi

# graphs NAME: the public symbols of a compiled module, in a folder of their own.
graphs() {
  mkdir -p "$work/graphs/$1"
  "$extract" -module-name "$1" "${context[@]}" -minimum-access-level public -skip-synthesized-members \
    -emit-extension-block-symbols -output-dir "$work/graphs/$1"
}

# Prints what is public and has no comment of its own or of the protocol that asks for it. An extension of another
# module's type needs none; its members do.
uncommented() {
  python3 - "$work/graphs/$1"/*.symbols.json <<'PYTHON'
import json
import sys

names = {
    f"{symbol['kind']['displayName']} {'.'.join(symbol['pathComponents'])}"
    for path in sys.argv[1:]
    for symbol in json.load(open(path, encoding="utf-8"))["symbols"]
    if symbol["kind"]["identifier"] != "swift.extension"
    and not any(line["text"].strip() for line in symbol.get("docComment", {}).get("lines", []))
}
print("\n".join(sorted(names)), end="")
PYTHON
}

# document NAME: the pages of a module, with its catalogue if it has one.
document() {
  local catalogue="$ios/Sources/$1/$1.docc" input=(--additional-symbol-graph-dir "$work/graphs/$1")
  if [[ -d $catalogue ]]; then input=("$catalogue" "${input[@]}"); fi
  "$docc" convert "${input[@]}" --analyze --warnings-as-errors --fallback-display-name "$1" \
    --fallback-bundle-identifier "io.github.dvfl.$1" --output-dir "$pages/$1.doccarchive"
}

check() {
  graphs "$1"
  local missing symbols
  missing="$(uncommented "$1")"
  [[ -z $missing ]] || fail "public, but without a doc comment: $missing"
  document "$1" >"$work/log" 2>&1 || fail "the documentation of $1: $(cat "$work/log")"
  symbols="$(cat "$work/graphs/$1"/*.symbols.json | grep -o '"pathComponents"' | wc -l || true)"
  ((symbols > 0)) || fail "$1 has no public symbols: its sources are empty to the check"
  echo "$1: $symbols public symbols, documented without a warning"
}

# refuses WHAT WORDS TEXT: TEXT as a module; the check must name WORDS.
refuses() {
  echo "$3" >"$work/planted.swift"
  emit Planted "${strict[@]}" "$work/planted.swift"
  local refusal
  if refusal="$(check Planted 2>&1)"; then fail "a planted $1 was not noticed"; fi
  [[ $refusal == *"$2"* ]] || fail "a planted $1 was refused for another reason: $refusal"
  rm -rf "$work/graphs/Planted" "$pages/Planted.doccarchive"
}

mkdir -p "$pages"
build_package
if [[ $(uname) == Linux ]]; then
  emit_stubs "${product_stubs[@]}"
  for name in "${apple_products[@]}"; do
    swift_files "$ios/Sources/$name"
    emit "$name" "${product[@]}" "${files[@]}"
  done
fi
for name in "${libraries[@]}"; do check "$name"; done

refuses "link to nothing" "'Missing' doesn't exist" '/// See ``Missing``.
public struct Planted {}'
refuses "symbol without a comment" "Planted.width" '/// A type.
public struct Planted {
  public let width: Int
}'
echo "a planted link to nothing and a planted symbol without a comment are refused"
