#!/usr/bin/env bash
# What: builds and packs the package, twice, holds the bytes against each other, and tests
#       all of it: in this process, against a real server, in Chromium, and the tarball in a
#       fresh folder. It leaves build/siamese-client-VERSION.tgz.
# How to run: client/typescript/package.sh PROGRAM, such as bin/siamese
set -euo pipefail
SIAMESE=$(realpath "${1:?usage: client/typescript/package.sh PROGRAM}")
export SIAMESE
cd "$(dirname "${BASH_SOURCE[0]}")"

./build.sh
rm -rf build/first build/second
./pack.sh build/first
./build.sh
./pack.sh build/second
for tarball in build/first/*.tgz; do
	cmp "$tarball" "build/second/${tarball##*/}"
	mv "$tarball" build/
	SIAMESE_TARBALL=$PWD/build/${tarball##*/}
done
export SIAMESE_TARBALL
rm -r build/first build/second
node --test --test-concurrency=1 build/test/*.test.js
echo "$SIAMESE_TARBALL: $(sha256sum <"$SIAMESE_TARBALL" | cut -c1-64)"
