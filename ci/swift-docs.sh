#!/usr/bin/env bash
# Builds the documentation of the Swift library with DocC into ios/.build/docs. Warnings are errors, such as a link
# to a symbol that does not exist, and so is a public symbol without a comment; both are shown to be noticed.
set -euo pipefail
cd "$(dirname "$0")/../ios"

swift="$(../ci/swift-toolchain.sh)"
docc="$(../ci/swift-toolchain.sh docc)"
work="$(mktemp -d /tmp/dvfl-docs.XXXXXX)"
trap 'rm -rf "$work"' EXIT

fail() {
  echo "error: $1" >&2
  exit 1
}

# document CATALOGUE OUT
document() {
  "$docc" convert "$1" --additional-symbol-graph-dir "$work/graphs" --output-dir "$2" --warnings-as-errors \
    --fallback-display-name DVFL --fallback-bundle-identifier io.github.dvfl
}

# undocumented GRAPH: public symbols without a comment, one per line. The cases of an enumeration are its comment's;
# what the compiler makes has none.
undocumented() {
  python3 - "$1" <<'PYTHON'
import json
import sys

for symbol in json.load(open(sys.argv[1]))["symbols"]:
    made = "::SYNTHESIZED::" in symbol["identifier"]["precise"]
    if not made and symbol["kind"]["identifier"] != "swift.enum.case" and "docComment" not in symbol:
        print(".".join(symbol["pathComponents"]))
PYTHON
}

mkdir "$work/graphs"
"$swift" build --target DVFL --scratch-path .build/documented \
  -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$work/graphs" >"$work/log" 2>&1 ||
  fail "DVFL does not build: $(tail -5 "$work/log")"
graph="$work/graphs/DVFL.symbols.json"
# The compiler writes it only when it compiles; an incremental build may have had nothing to do.
if [[ -f $graph ]]; then
  cp "$graph" .build/documented/DVFL.symbols.json
else
  cp .build/documented/DVFL.symbols.json "$graph"
fi

bare="$(undocumented "$graph")"
[[ -z $bare ]] || fail "public, but without a documentation comment: $(tr '\n' ' ' <<<"$bare")"
rm -rf .build/docs
document Sources/DVFL/DVFL.docc .build/docs || fail "the documentation has faults"

cp -r Sources/DVFL/DVFL.docc "$work/Planted.docc"
echo 'See ``NoSuchSymbol``.' >>"$work/Planted.docc/DVFL.md"
if document "$work/Planted.docc" "$work/out" >"$work/log" 2>&1; then
  fail "a link to nothing was not noticed"
fi
grep -q NoSuchSymbol "$work/log" || fail "a link to nothing was refused for another reason: $(cat "$work/log")"
sed 's/"docComment"/"planted"/g' "$graph" >"$work/planted.json"
[[ -n $(undocumented "$work/planted.json") ]] || fail "a symbol without a comment was not noticed"
echo "documentation: $(find .build/docs/data -name '*.json' | wc -l) pages in ios/.build/docs"
