# What: what the scripts of a release share: versions, the one time that every file has,
#       archives that are the same bytes each time. Sourced, from the repository's root.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those that source it

# The time of the commit, of all files and packages. Tools read it from the environment.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# Sorting and messages are the same everywhere.
export LC_ALL=C TZ=UTC

version=$(scripts/version.sh)
deb_version=$(scripts/version.sh deb)
oci_tag=$(scripts/version.sh oci)

say() { printf 'release: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# need TOOL PACKAGE...: ends where one is missing, and names Debian's package of it.
need() {
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || die "$1 is missing: apt-get install --no-install-recommends $2"
    shift 2
  done
}

# package_of FLAVOUR: the package's name.
package_of() { case $1 in cpu) echo siamese ;; *) echo "siamese-$1" ;; esac }

# normalise FOLDER: modes and times that do not depend on who builds, or when.
normalise() {
  find "$1" -type d -exec chmod 755 {} +
  find "$1" -type f -perm /111 -exec chmod 755 {} +
  find "$1" -type f ! -perm /111 -exec chmod 644 {} +
  find "$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# archive FOLDER MEMBER OPTION...: a sorted tar without owners on standard output.
archive() {
  local folder=$1 member=$2
  shift 2
  tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --format=gnu "$@" -cf - "$member"
}

# A package has to name an address: of those who make it, where they give theirs.
maintainer=${MAINTAINER:-The siamese authors <siamese@localhost>}
