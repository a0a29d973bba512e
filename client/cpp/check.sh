#!/usr/bin/env bash
# What: builds the C++ client; tests it with the address and undefined-behaviour
#       sanitizers, also against a real server; installs it into an empty prefix; builds the
#       examples with what is there, by CMake and by pkg-config, and runs them.
# How to run: client/cpp/check.sh PROGRAM
#             where PROGRAM is bin/siamese. Leaves out all, and says so, where a library is
#             missing.
set -euo pipefail
program=$(realpath "${1:?usage: check.sh PROGRAM}")
cd "$(dirname "${BASH_SOURCE[0]}")"

status=0
./build.sh || status=$?
if [[ $status == 77 ]]; then exit 0; elif [[ $status != 0 ]]; then exit "$status"; fi

servers=()
stop() { for server in "${servers[@]}"; do kill "$server" 2>/dev/null; wait "$server" || true; done; }
trap stop EXIT

# serve LOG FLAGS… starts a server and sets address.
serve() {
	local log=$1 server
	: >"$log" # nothing of a run before is read
	"$program" serve --addr 127.0.0.1:0 --http-addr= "${@:2}" >"$log" 2>&1 &
	server=$!
	servers+=("$server")
	until grep -q 'msg=ready serving_name=omniglot' "$log"; do
		kill -0 "$server" || { cat "$log" >&2; exit 1; }
		sleep 0.2
	done
	address=$(sed -n 's/.*msg=serving address=//p' "$log")
}

echo "== tests with sanitizers"
rm -rf build/galleries
serve build/server.log --galleries "$PWD/build/galleries"
export SIAMESE_ADDRESS=$address
if type openssl >/dev/null 2>&1; then
	files=$PWD/build/tls
	rm -rf "$files"
	mkdir "$files"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout "$files/key.pem" -out "$files/cert.pem" 2>/dev/null
	printf 'a-token-of-more-than-sixteen-characters' >"$files/token"
	echo "tester:$(sha256sum <"$files/token" | cut -d' ' -f1)" >"$files/tokens"
	serve build/server-tls.log "--tls-cert=$files/cert.pem" "--tls-key=$files/key.pem" \
		"--tls-client-ca=$files/cert.pem" "--tokens=$files/tokens"
	export SIAMESE_TLS_ADDRESS=$address SIAMESE_TLS_FILES=$files
else
	echo "TLS is left out: openssl is missing"
fi
cmake -S . -B build/sanitized -G Ninja -DSIAMESE_STRICT=ON -DSIAMESE_SANITIZE=ON -DSIAMESE_TESTS=ON \
	-DCMAKE_BUILD_TYPE=Debug >/dev/null
cmake --build build/sanitized
build/sanitized/tests/client_test

echo "== the examples, with what is installed"
prefix=$PWD/build/prefix
rm -rf "$prefix" build/examples build/by-pkg-config
cmake --install build --prefix "$prefix" >/dev/null
cmake -S ../../examples/cpp -B build/examples -G Ninja "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
cmake --build build/examples
config=$(find "$prefix" -name siamese-client.pc)
flags=$(PKG_CONFIG_PATH=${config%/*} pkg-config --define-variable=prefix="$prefix" --cflags --libs siamese-client)
# shellcheck disable=SC2086 # flags are several words
g++ -std=c++17 -Wall -Wextra ../../examples/cpp/compare.cpp -o build/by-pkg-config $flags

photos=../../testdata/photos
for compare in build/by-pkg-config build/examples/compare; do
	"$compare" "$SIAMESE_ADDRESS" "$photos/cat.jpg" "$photos/cat_copy.jpg" | grep '^same: similarity [01]\.' >/dev/null
done
[[ $(build/examples/batch "$SIAMESE_ADDRESS" "$photos" | grep -cE ': [01]\.[0-9]{4} (same|different)$|: IMAGE_') == 100 ]]
build/examples/stream "$SIAMESE_ADDRESS" "$photos/cat.jpg" "$photos/cat_copy.jpg" \
	../../testdata/conformance/inputs/text.txt >build/stream.txt
grep '^.*cat_copy.jpg: [01]\.[0-9]* same$' build/stream.txt >/dev/null
grep 'text.txt: IMAGE_FORMAT_UNKNOWN' build/stream.txt >/dev/null
build/examples/gallery "$SIAMESE_ADDRESS" "$photos" "$photos/cat_copy.jpg" >build/gallery.txt
grep -E '^[1-9][0-9]* added, 0 there already$' build/gallery.txt >/dev/null
grep '^README.md IMAGE_FORMAT_UNKNOWN' build/gallery.txt >/dev/null
grep '^cat_copy.jpg 1.0000 same$' build/gallery.txt >/dev/null
echo "the C++ client is in client/cpp/build/prefix"
