#!/usr/bin/env bash
# Prints the path of a tool of Swift's tool-chain to run, `swift` unless named: the one beside the `swift` on PATH or,
# on Debian as root, a wrapper around that of Debian trixie, in a folder of its own outside the clone (3.4 GB, made
# once, about two minutes).
#
#   "$(ci/swift-toolchain.sh)" test --package-path ios
#   "$(ci/swift-toolchain.sh docc)" convert --help
set -euo pipefail

tool="${1:-swift}"
if found="$(command -v swift)"; then
  # Those that are not on PATH lie beside the real swift, which a link on PATH may name; Xcode knows its own.
  if ! command -v "$tool"; then
    if [[ $(uname) == Darwin ]]; then xcrun --find "$tool"; else echo "$(dirname "$(realpath "$found")")/$tool"; fi
  fi
  exit 0
fi

cache="${XDG_CACHE_HOME:-$HOME/.cache}/dvfl"
root="$cache/swift-trixie"
repository="$(cd "$(dirname "$0")/.." && pwd)"
wrapper="$cache/$tool-for-${repository//\//-}"

fail() {
  echo "error: $1" >&2
  exit 1
}

in_root() {
  unshare --mount bash -c '
    root=$1; shift
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" "$@"' in_root "$@"
}

install() {
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    fail "swift was not found; install Swift 6 and put it on PATH (on Debian, root can have it made here)"
  fi
  if ! command -v debootstrap >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
  fi
  local part="$root.part"
  rm -rf "$part"
  mkdir -p "$cache"
  echo "installing Swift from Debian trixie into $root (3.4 GB, about two minutes)"
  debootstrap --variant=minbase --include=ca-certificates trixie "$part" >"$cache/swift.log" 2>&1 ||
    fail "debootstrap failed; see $cache/swift.log"
  in_root "$part" apt-get install -y -qq --no-install-recommends swiftlang libc6-dev g++ git zlib1g-dev \
    >>"$cache/swift.log" 2>&1 || fail "installing swiftlang failed; see $cache/swift.log"
  mv "$part" "$root"
}

# The wrapper shows the toolchain this repository and /tmp, under their own paths, and nothing else.
write_wrapper() {
  cat >"$wrapper" <<WRAPPER
#!/usr/bin/env bash
exec unshare --mount bash -c '
  set -e
  root=\$1 repository=\$2 folder=\$3; shift 3
  mount -t proc proc "\$root/proc"
  mount --rbind /dev "\$root/dev"
  for shared in "\$repository" /tmp; do
    mkdir -p "\$root\$shared"
    mount --rbind "\$shared" "\$root\$shared"
  done
  exec chroot "\$root" env -C "\$folder" "/usr/libexec/swift/bin/$tool" "\$@"' "$tool" "$root" "$repository" "\$PWD" "\$@"
WRAPPER
  chmod +x "$wrapper"
}

[[ -L "$root/usr/bin/swift" || -x "$root/usr/bin/swift" ]] || install >&2
write_wrapper
echo "$wrapper"
