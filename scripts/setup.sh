#!/usr/bin/env bash
# What: finds or fetches the TensorFlow C library and writes .tensorflow/env,
#       the settings that cgo needs to build against it. Running it again costs
#       nothing; an interrupted run leaves nothing half.
# How to run: scripts/setup.sh          the library for the CPU
#             scripts/setup.sh --gpu    the CUDA library and what it needs
#             scripts/setup.sh --fetch cpu|gpu   fetches that one and prints its folder;
#                                       what is built against stays as it is
#
# Taken in this order: $TENSORFLOW_DIR (holding include/ and lib/), a library
# that the system has, .tensorflow/gpu, .tensorflow/cpu, and else the wheel of
# the Python Package Index, by the pip of any Python 3.
set -euo pipefail

version=2.21.0
cpu_wheel_sha256=2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c
gpu_wheel_sha256=9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124
# The wheels of one Python version: only the C library inside is used, so that
# the Python of this machine does not matter.
wheel_python=3.11
# Newest first: pip takes each by its name and does not imply the older ones.
wheel_platforms=(manylinux_2_27_x86_64 manylinux_2_26_x86_64 manylinux_2_25_x86_64 manylinux_2_24_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
store=$root/.tensorflow
cuda_requirements=$root/scripts/requirements-cuda.txt

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# refuse_platform names what to do by hand where no wheel can be used.
refuse_platform() {
  local by_hand="install a TensorFlow $version C library (include/ and lib/) by hand and set TENSORFLOW_DIR to its folder"
  [ "$(uname -s)" = Linux ] || die "TensorFlow's library is fetched on Linux only, this is $(uname -s): $by_hand"
  [ "$(uname -m)" = x86_64 ] || die "TensorFlow's library is fetched for x86_64 only, this is $(uname -m): $by_hand"
  if ldd --version 2>&1 | grep -qi musl; then
    die "TensorFlow's library needs glibc, this system has musl: use a glibc system, or $by_hand"
  fi
  if [ -r /proc/cpuinfo ] && ! grep -qwm1 avx /proc/cpuinfo; then
    die "TensorFlow's library needs a processor with AVX, this one has none: build TensorFlow without AVX from source and set TENSORFLOW_DIR to its folder"
  fi
}

find_python() {
  local candidate
  for candidate in python3 python; do
    if "$candidate" -m pip --version >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  die "no Python 3 with pip found, which fetches TensorFlow: install one (Debian: apt-get install python3-pip), or set TENSORFLOW_DIR to a folder with a TensorFlow $version C library"
}

# has_library DIR INCLUDE: DIR holds a library to link with, INCLUDE its headers.
has_library() {
  [ -f "$2/tensorflow/c/c_api.h" ] && { [ -e "$1/libtensorflow.so" ] || [ -e "$1/libtensorflow_cc.so.2" ]; }
}

# write_env LIB INCLUDE SOURCE
write_env() {
  local lib=$1 include=$2 origin=
  case $lib in "$root"/*) origin=" '-Wl,-rpath,\$ORIGIN/../${lib#"$root"/}'" ;; esac
  mkdir -p "$store"
  local written=$store/env.$$ # several makes may run at a time
  cat >"$written" <<EOF
# Written by scripts/setup.sh. TensorFlow: $3
export CGO_CFLAGS="'-I$include' -O2"
export CGO_LDFLAGS="'-L$lib' '-Wl,-rpath,$lib'${origin//\$/\\\$}"
EOF
  if cmp -s "$written" "$store/env"; then
    rm "$written"
    return
  fi
  mv "$written" "$store/env"
  say "TensorFlow: $3"
}

# The binding links with -ltensorflow; the wheel has the library in two parts.
# A linker script under that name joins them.
write_linker_script() {
  echo 'INPUT(libtensorflow_cc.so.2 libtensorflow_framework.so.2)' >"$1/libtensorflow.so"
}

# unpack WHEEL DIR [PREFIX...]: the files under the prefixes, or all.
unpack() {
  "$python" - "$@" <<'EOF'
import sys, zipfile
wheel, folder, *prefixes = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if not prefixes or name.startswith(tuple(prefixes)):
            archive.extract(name, folder)
EOF
}

# download DIR: the wheels of DIR/requirements.txt by pip, each checked against its
# hash; one without a hash is refused.
download() {
  local folder=$1
  "$python" -m pip download --require-hashes --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: \
    "${wheel_platforms[@]/#/--platform=}" --python-version "$wheel_python" --implementation cp \
    --dest "$folder" --requirement "$folder/requirements.txt" ||
    die "TensorFlow could not be fetched: see pip's words above; run the command again, or set TENSORFLOW_DIR to a folder with a TensorFlow $version C library"
}

library_members=(
  tensorflow/libtensorflow_cc.so.2
  tensorflow/libtensorflow_framework.so.2
  tensorflow/include/tensorflow/c/
  tensorflow/include/tensorflow/core/platform/ctstring
  tensorflow/include/tsl/platform/ctstring
  tensorflow/include/xla/tsl/c/
  tensorflow/include/xla/tsl/platform/ctstring
  tensorflow/THIRD_PARTY_NOTICES.txt
)

# fetch KIND REQUIREMENT: unpacks a TensorFlow wheel into .tensorflow/KIND, which
# appears only when it is whole.
fetch() {
  local kind=$1 requirement=$2
  refuse_platform
  python=$(find_python)
  mkdir -p "$store"
  # One at a time: what another run left half is removed, not what it is at.
  exec 9>"$store/lock"
  flock 9
  if complete "$kind" "$requirement"; then
    return
  fi
  rm -rf "$store"/partial.*
  partial=$(mktemp -d "$store/partial.XXXXXX")
  trap 'rm -rf "$partial"' EXIT
  if [ -f "$store/$kind/.complete" ]; then
    say "$store/$kind is of another version, or files of it are missing or cut off: it is fetched again"
  fi
  say "fetching TensorFlow $version for the ${kind^^} (once)"
  echo "$requirement" >"$partial/requirements.txt"
  download "$partial"
  local wheel
  wheel=$(echo "$partial"/tensorflow*.whl)
  unpack "$wheel" "$partial/$kind" "${library_members[@]}"
  if [ "$kind" = gpu ]; then
    fetch_cuda "$wheel"
  fi
  write_linker_script "$partial/$kind/tensorflow"
  sizes "$partial/$kind" >"$partial/$kind/.sizes"
  echo "$requirement" >"$partial/$kind/.complete"
  rm -rf "${store:?}/$kind"
  mv "$partial/$kind" "$store/$kind"
  rm -rf "$partial"
  trap - EXIT
}

# fetch_cuda WHEEL: the CUDA libraries that the wheel's extra "and-cuda" names, as
# scripts/requirements-cuda.txt pins them, beside the library as in site-packages,
# where its run path finds them.
fetch_cuda() {
  local wheel=$1 wanted found
  wanted=$("$python" - "$wheel" <<'EOF'
import re, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    lines = archive.read(name).decode().splitlines()
print(*sorted(m[1] for m in (re.match(r"Requires-Dist: ([\w-]+).*extra == .and-cuda", line) for line in lines) if m))
EOF
  )
  found=$(sed -n 's/^\([a-z0-9-]*\)==.*/\1/p' "$cuda_requirements" | sort | xargs)
  [ "$wanted" = "$found" ] || die "the CUDA wheel asks for ${wanted:-nothing}, but $cuda_requirements pins $found"
  say "fetching CUDA libraries: $found"
  mkdir "$partial/cuda"
  cp "$cuda_requirements" "$partial/cuda/requirements.txt"
  download "$partial/cuda"
  local library
  for library in "$partial"/cuda/*.whl; do
    # With their licences, which are beside them in nvidia_….dist-info.
    unpack "$library" "$partial/gpu" nvidia
  done
}

# check_cuda: each CUDA library loads, with everything that it asks for.
check_cuda() {
  local python
  python=$(find_python)
  "$python" - "$store/gpu" <<'EOF'
import ctypes, glob, os, sys
root = sys.argv[1]
libraries = sorted(glob.glob(root + "/nvidia/*/lib/*.so*"))
waiting = {path: "" for path in libraries}
# Libraries ask for each other by name; loading them until nothing moves finds
# an order without knowing it.
while waiting:
    loaded = []
    for path in waiting:
        try:
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
            loaded.append(path)
        except OSError as error:
            waiting[path] = str(error)
    if not loaded:
        break
    for path in loaded:
        del waiting[path]
driver = [path for path, why in waiting.items() if "libcuda.so.1" in why]
for path in driver:
    del waiting[path]
print(f"setup: {len(libraries) - len(waiting) - len(driver)} of {len(libraries)} CUDA libraries resolve", file=sys.stderr)
for path in driver:
    print(f"setup: {os.path.relpath(path, root)} waits for the NVIDIA driver (libcuda.so.1), which this machine has not", file=sys.stderr)
for path, why in waiting.items():
    print(f"setup: {os.path.relpath(path, root)} does not resolve: {why}", file=sys.stderr)
sys.exit(1 if waiting or not libraries else 0)
EOF
}

# sizes DIR: a line for each file of a fetched TensorFlow.
sizes() { (cd "$1" && find . -type f ! -path './.*' -printf '%s %p\n' | LC_ALL=C sort); }

# whole DIR: no file of it has gone or was cut off since it was fetched, so that a
# build mends what was deleted by mistake. Older folders have no list of sizes.
whole() {
  if [ -f "$1/.sizes" ]; then
    sizes "$1" | cmp -s - "$1/.sizes"
  else
    [ -f "$1/tensorflow/libtensorflow_cc.so.2" ] && [ -f "$1/tensorflow/libtensorflow_framework.so.2" ]
  fi
}

# complete KIND REQUIREMENT: what was asked for has been fetched, and is whole.
complete() { [ "$(cat "$store/$1/.complete" 2>/dev/null)" = "$2" ] && whole "$store/$1"; }

cpu_requirement="tensorflow-cpu==$version --hash=sha256:$cpu_wheel_sha256"
# The comment has the libraries fetched again when other ones are pinned.
gpu_requirement="tensorflow==$version --hash=sha256:$gpu_wheel_sha256 # with CUDA libraries $(cksum <"$cuda_requirements")"

use_wheel() {
  write_env "$store/$1/tensorflow" "$store/$1/tensorflow/include" "$version for the ${1^^}, from the wheel"
}

if [ "${1:-}" = --fetch ]; then
  case ${2:-} in
    cpu) requirement=$cpu_requirement ;;
    gpu) requirement=$gpu_requirement ;;
    *) die "--fetch is of cpu or gpu, not '${2:-}'" ;;
  esac
  # A folder gpu in .tensorflow would be taken by later builds.
  complete "$2" "$requirement" || store=$store/beside
  complete "$2" "$requirement" || fetch "$2" "$requirement"
  echo "$store/$2"
elif [ "${1:-}" = --gpu ]; then
  complete gpu "$gpu_requirement" || fetch gpu "$gpu_requirement"
  check_cuda || die "a CUDA library is missing: see above"
  use_wheel gpu
elif [ -n "${TENSORFLOW_DIR:-}" ]; then
  directory=$(cd "$TENSORFLOW_DIR" 2>/dev/null && pwd) || die "TENSORFLOW_DIR names $TENSORFLOW_DIR, which is no folder"
  has_library "$directory/lib" "$directory/include" ||
    die "TENSORFLOW_DIR names $directory, which lacks include/tensorflow/c/c_api.h or lib/libtensorflow.so"
  write_env "$directory/lib" "$directory/include" "from TENSORFLOW_DIR, $directory"
elif complete gpu "$gpu_requirement"; then
  use_wheel gpu
elif complete cpu "$cpu_requirement"; then
  use_wheel cpu
else
  for prefix in /usr/local /usr; do
    if has_library "$prefix/lib" "$prefix/include"; then
      write_env "$prefix/lib" "$prefix/include" "the system's, in $prefix"
      exit
    fi
  done
  fetch cpu "$cpu_requirement"
  use_wheel cpu
fi
