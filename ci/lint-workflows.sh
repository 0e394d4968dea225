#!/usr/bin/env bash
# Checks .github/workflows with actionlint, which comes as a Go module.
set -euo pipefail
cd "$(dirname "$0")/.."

go=$(command -v go || echo /usr/local/go/bin/go)
if [[ ! -x $go ]]; then
  echo "error: Go is needed for actionlint; on Debian: apt-get install golang" >&2
  exit 1
fi
"$go" run github.com/rhysd/actionlint/cmd/actionlint@v1.7.7 -color .github/workflows/*.yml
echo "workflows: no finding"
