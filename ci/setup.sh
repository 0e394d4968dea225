#!/usr/bin/env bash
# Makes .venv with the package, all its extras and the test tools, at the versions in constraints.txt.
# Runs again only when pyproject.toml or constraints.txt changed.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.installed-from
wanted=$(cat pyproject.toml constraints.txt ci/setup.sh | sha256sum)
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
  exit 0
fi

find_python() {
  local candidate
  for candidate in python3.11 python3; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "error: Python 3.11 is needed and was not found; on Debian 12: apt-get install python3 python3-venv" >&2
  exit 1
}

python=$(find_python)
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    echo "installing python3-venv"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  else
    echo "error: $python has no venv module; on Debian: sudo apt-get install python3-venv" >&2
    exit 1
  fi
fi

echo "setting up .venv (PyTorch and three converters: about 7 GB, a few minutes the first time)"
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check pip==26.3
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
echo "$wanted" >"$stamp"
