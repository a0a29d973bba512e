#!/usr/bin/env bash
# What: packs what build.sh made into FOLDER/siamese-client-VERSION.tgz: the same bytes
#       whatever the umask, as modes of files are in it.
# How to run: client/typescript/build.sh && client/typescript/pack.sh FOLDER
set -euo pipefail
folder=$(realpath -m "${1:?usage: client/typescript/pack.sh FOLDER}")
cd "$(dirname "${BASH_SOURCE[0]}")"

cp ../../LICENSE .
chmod -R u=rwX,go=rX dist README.md LICENSE package.json
mkdir -p "$folder"
npm pack --silent --pack-destination "$folder" >/dev/null
