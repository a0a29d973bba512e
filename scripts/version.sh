#!/usr/bin/env bash
# What: the version that everything is built as, in the form that each kind of package
#       wants. On a commit tagged vX.Y.Z it is X.Y.Z; after one, a development version
#       of the next patch with the commits since then; before the first tag, one of
#       0.1.0 with all commits. A tree with changes says so.
# How to run: scripts/version.sh [semver|deb|rpm|pep440|oci]
#
#             semver (default)   0.1.0-dev.530+g4185d28a1b2c   programs, file names
#             deb, rpm           0.1.0~dev.530+g4185d28a1b2c   sorts before 0.1.0
#             pep440             0.1.0.dev530+g4185d28a1b2c    wheels
#             oci                0.1.0-dev.530_g4185d28a1b2c   a tag has no plus
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The length is given: Git's own grows with what else a clone holds.
described=$(git describe --tags --long --abbrev=12 --match 'v[0-9]*.[0-9]*.[0-9]*' --exclude '*-*' 2>/dev/null) || described=
dirty=
[ -z "$(git status --porcelain 2>/dev/null)" ] || dirty=dirty

# next_patch X.Y.Z
next_patch() { echo "${1%.*}.$((${1##*.} + 1))"; }

base=0.1.0
if [ -n "$described" ]; then
  [[ $described =~ ^v([0-9]+\.[0-9]+\.[0-9]+)-([0-9]+)-(g[0-9a-f]+)$ ]] || {
    echo "version: the tag of $described is not vX.Y.Z" >&2
    exit 1
  }
  base=${BASH_REMATCH[1]} commits=${BASH_REMATCH[2]} hash=${BASH_REMATCH[3]}
elif commits=$(git rev-list --count HEAD 2>/dev/null); then
  hash=g$(git rev-parse --short=12 HEAD)
else
  # An archive of the sources: no repository tells which.
  commits=0 hash=unknown
fi

if [ -n "$described" ] && [ "$commits" = 0 ] && [ -z "$dirty" ]; then
  semver=$base
else
  [ -z "$described" ] || base=$(next_patch "$base")
  semver=$base-dev.$commits+$hash${dirty:+.dirty}
fi

case ${1:-semver} in
  semver) echo "$semver" ;;
  deb | rpm) echo "${semver/-/\~}" ;;
  pep440) echo "${semver/-dev./.dev}" ;;
  oci) echo "${semver/+/_}" ;;
  *)
    echo "version: $1 is not a form, expected semver, deb, rpm, pep440 or oci" >&2
    exit 2
    ;;
esac
