#!/usr/bin/env bash
# What: builds and tests the Java client, also against a real server; writes jar, sources
#       and pom to client/java/build/repository; holds a second build against the first;
#       builds the examples with what is in that repository and runs them.
# How to run: client/java/check.sh PROGRAM
#             where PROGRAM is bin/siamese. Leaves out all, and says so, without Maven.
set -euo pipefail
program=$(realpath "${1:?usage: check.sh PROGRAM}")
cd "$(dirname "${BASH_SOURCE[0]}")"

status=0
./build.sh || status=$?
if [[ $status == 77 ]]; then exit 0; elif [[ $status != 0 ]]; then exit "$status"; fi

echo "== tests"
rm -rf build/repository build/first
SIAMESE_PROGRAM=$program mvn -B -q deploy "-DaltDeploymentRepository=siamese::file://$PWD/build/repository"

echo "== a second build gives the same bytes"
mkdir build/first
cp build/*.jar build/first/
rm -rf build/classes build/test-classes build/generated-* build/*.jar build/maven-* build/protobuf-maven-plugin
mvn -B -q -DskipTests package
for jar in build/first/*.jar; do
	cmp "$jar" "build/${jar##*/}" || { echo "two builds differ in ${jar##*/}" >&2; exit 1; }
done

echo "== the examples, with what is in the repository"
# Maven keeps a copy of what it took from there before.
kept=$(mvn -B -q help:evaluate -Dexpression=settings.localRepository -DforceStdout)
rm -rf "${kept:?}/siamese/siamese-client"
mvn -B -q -f ../../examples/java clean compile

log=build/server.log
rm -rf build/galleries
"$program" serve --addr 127.0.0.1:0 --http-addr= --galleries build/galleries >"$log" 2>&1 &
server=$!
trap 'kill "$server"; wait "$server" || true' EXIT
until grep -q msg=ready "$log"; do
	kill -0 "$server" || { cat "$log" >&2; exit 1; }
	sleep 0.2
done
address=$(sed -n 's/.*msg=serving address=//p' "$log")

photos=../../testdata/photos
example() { mvn -B -q -f ../../examples/java exec:java "-Dexec.mainClass=$1" "-Dexec.args=$address $2"; }
example Compare "$photos/cat.jpg $photos/cat_copy.jpg" | grep 'same: similarity [01]\.' >/dev/null # not -q: Maven minds a reader that leaves
[[ $(example Batch "$photos" | grep -cE ': [01]\.[0-9]{4} (same|different)$|: IMAGE_') == 100 ]]
example Stream "$photos/cat.jpg $photos/cat_copy.jpg ../../testdata/conformance/inputs/text.txt" >build/stream.txt
grep -q 'cat_copy.jpg: [01]\.[0-9]* same$' build/stream.txt
grep -q 'text.txt: IMAGE_FORMAT_UNKNOWN' build/stream.txt
example Identify "$photos $photos/cat_copy.jpg" >build/identify.txt
grep -q '[0-9] added, 0 there already$' build/identify.txt
grep -q '^cat_copy.jpg: 1.0000 same$' build/identify.txt
echo "the Java client is in client/java/build/repository"
