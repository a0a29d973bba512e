#!/usr/bin/env bash
# What: puts the packages of single languages beside what is in dist/, and all of it into
#       SHA256SUMS: the wheel of the program, wheel and source distribution of the Python
#       client, the npm tarball, jars and pom of the Java client. What can't be made here
#       is left out, and says why.
# How to run: make releaseall, which makes the release first.
#             Tested are these packages by 'make checkwheel' and 'make client-LANGUAGE'.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/release/common.sh
. scripts/release/common.sh

dist=$PWD/dist
mkdir -p "$dist"

# able COMMAND...: runs a build.sh, which ends with 77, and says why, where its language's
# tools are missing.
able() {
  local status=0
  "$@" >&2 || status=$?
  [ "$status" = 0 ] || [ "$status" = 77 ] || die "$1 ends with $status"
  return "$status"
}

python_packages() {
  say "packing the Python client"
  able client/python/build.sh || return 0
  client/python/package.sh >/dev/null
  cp client/python/dist/* "$dist/"
}

typescript_package() {
  say "packing the TypeScript client"
  able client/typescript/build.sh || return 0
  client/typescript/pack.sh "$dist"
}

java_packages() {
  local jar pom version
  say "packing the Java client"
  able client/java/build.sh || return 0
  for jar in client/java/build/siamese-client-*.jar; do cp "$jar" "$dist/"; done
  pom=client/java/pom.xml
  version=$(sed -n 's,^  <version>\(.*\)</version>$,\1,p' "$pom")
  cp "$pom" "$dist/siamese-client-$version.pom"
}

say "packing the wheel of the program"
scripts/release/wheel.sh "$dist" >/dev/null
python_packages
typescript_package
java_packages
rm -f "$dist/SHA256SUMS"
(cd "$dist" && sha256sum -- * >SHA256SUMS)
say "dist/ has $(wc -l <"$dist/SHA256SUMS") files and SHA256SUMS"
