#!/usr/bin/env bash
# Runs the .tflite and .pte artifacts of a bundle on the runtimes' ARM64 kernels, under user-mode emulation, and
# compares them with this machine's and with PyTorch:  ci/arm64-parity.sh [BUNDLE] [options of `dvfl runtimes`]
#
# On Debian, any release: an emulator and an ARM64 Python are unpacked, not installed, from Debian 13, because
# the emulator of Debian 12 crashes on these runtimes; apt gets its own folder and leaves the system's lists
# alone. The runtimes are the wheels of the package index: 6 GB with PyTorch, whose ARM64 wheels are CUDA's.
set -euo pipefail
cd "$(dirname "$0")/.."

bundle=${1:-demo/bundle}
(($# > 0)) && shift
suite=trixie
python_version=3.13
root=${XDG_CACHE_HOME:-$HOME/.cache}/dvfl/arm64
system=$root/system
packages=$system/usr/lib/python3/dist-packages

if ! command -v apt-get >/dev/null; then
  echo "error: needs Debian's apt-get, for an ARM64 Python and qemu-user 10" >&2
  exit 1
fi

pin() {
  grep -m1 "^$1==" constraints.txt
}

wanted=$(
  cat "$0"
  for name in ai-edge-litert executorch torch numpy; do pin "$name"; done
)
wanted=$(sha256sum <<<"$wanted")

debian_sources() {
  find /etc/apt -name '*.sources' -o -name '*.list' | sort | xargs cat
}

unpack_system() {
  local apt=$root/apt mirror options
  mkdir -p "$apt"/{etc,lists/partial,cache/archives/partial} "$system"
  # The mirror that this system uses for Debian itself.
  mirror=$(debian_sources | grep -Eo 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')
  cat >"$apt/etc/arm64.sources" <<END
Types: deb
URIs: ${mirror:?no Debian mirror in /etc/apt}
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/etc" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o Dir::State::status=/dev/null -o Debug::NoLocking=1 -o APT::Sandbox::User=
    -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "APT::Architectures::=$(dpkg --print-architecture)")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install -y --download-only --no-install-recommends \
    "python$python_version:arm64" libstdc++6:arm64 libgomp1:arm64 >/dev/null
  (cd "$apt/cache/archives" && apt-get "${options[@]}" download "qemu-user:$(dpkg --print-architecture)" >/dev/null)
  for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$system"; done
  ln -sfn usr/lib "$system/lib"
}

install_runtimes() {
  local platforms=() glibc
  for glibc in $(seq 17 41); do platforms+=(--platform "manylinux_2_${glibc}_aarch64"); done
  local pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all:
    --platform manylinux2014_aarch64 --platform any "${platforms[@]}" --python-version "$python_version"
    --implementation cp --target "$packages")
  "${pip[@]}" "$(pin ai-edge-litert)" "$(pin numpy)" "$(pin torch)"
  # Its exporter's dependencies have no ARM64 wheels, and the runtime needs none of them.
  "${pip[@]}" --no-deps "$(pin executorch)"
}

if [[ ! -f $root/.installed-from || $(<"$root/.installed-from") != "$wanted" ]]; then
  echo "setting up an emulated ARM64 Python with the runtimes (7 GB, two minutes)"
  rm -rf "$root"
  unpack_system
  install_runtimes 2> >(grep -v -e "dependency resolver" -e "is incompatible" -e "Target directory" >&2)
  rm -rf "$root/apt"
  echo "$wanted" >"$root/.installed-from"
fi

cat >"$root/python" <<END
#!/bin/sh
exec "$system/usr/bin/qemu-aarch64" -L "$system" -E "LD_LIBRARY_PATH=$system/usr/lib/aarch64-linux-gnu" \\
  "$system/usr/bin/python$python_version" "\$@"
END
chmod +x "$root/python"

.venv/bin/dvfl runtimes "$bundle" --python "arm64=$root/python" --runs 0 "$@"
