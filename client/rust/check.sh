#!/usr/bin/env bash
# What: checks and tests the Rust client, also against a real server; packs it twice into
#       client/rust/target/package; builds the examples on what is packed and runs them.
# How to run: client/rust/check.sh PROGRAM
#             where PROGRAM is bin/siamese. Leaves out all, and says so, without Cargo.
set -euo pipefail
program=$(realpath "${1:?usage: check.sh PROGRAM}")
cd "$(dirname "${BASH_SOURCE[0]}")"

status=0
./build.sh || status=$?
if [[ $status == 77 ]]; then exit 0; elif [[ $status != 0 ]]; then exit "$status"; fi

echo "== the generated code is the contract's"
before=$(cat src/proto/*.rs | sha256sum)
cargo run --quiet --locked -p siamese-codegen
[[ $(cat src/proto/*.rs | sha256sum) == "$before" ]] || { echo "src/proto has drifted: commit what 'cargo run -p siamese-codegen' makes" >&2; exit 1; }

echo "== style"
cargo fmt --all --check
(cd ../../examples/rust && cargo fmt --check)
cargo clippy --quiet --locked --workspace --all-targets --features server -- -D warnings
cargo doc --quiet --locked --no-deps -p siamese-client

echo "== tests"
cargo test --quiet --locked --workspace --features server
server=
trap '[[ -z $server ]] || { kill "$server"; wait "$server" || true; }' EXIT
log=target/server.log
rm -rf target/galleries
"$program" serve --addr 127.0.0.1:0 --http-addr= --galleries target/galleries >"$log" 2>&1 &
server=$!
until grep -q msg=ready "$log"; do
	kill -0 "$server" || { cat "$log" >&2; exit 1; }
	sleep 0.2
done
address=$(sed -n 's/.*msg=serving address=//p' "$log")
SIAMESE_ADDRESS=$address cargo test --quiet --locked --test server -- --include-ignored

echo "== two packages have the same bytes"
pack() { cargo package --quiet --locked --allow-dirty --no-verify -p siamese-client && sha256sum target/package/*.crate | cut -d' ' -f1; }
first=$(pack)
rm -f target/package/*.crate
[[ $(pack) == "$first" ]] || { echo "two packages differ" >&2; exit 1; }

echo "== the examples, on what is packed"
rm -rf target/unpacked
mkdir target/unpacked
tar -xzf target/package/*.crate -C target/unpacked --strip-components=1
printf '\n[workspace]\n' >>target/unpacked/Cargo.toml
export CARGO_TARGET_DIR=$PWD/target
unpacked=$PWD/target/unpacked
photos=../../testdata/photos
example() {
	cargo run --quiet --manifest-path ../../examples/rust/Cargo.toml --config "patch.crates-io.siamese-client.path='$unpacked'" --bin "$1" -- "$address" "${@:2}"
}
example compare "$photos/cat.jpg" "$photos/cat_copy.jpg" | grep '^[01]\.[0-9]* same'
[[ $(example batch "$photos/cat.jpg" "$photos"/*.jpg | grep -cE '^[01]\.[0-9]{3}  ') == 100 ]]
example stream "$photos/cat.jpg" "$photos/cat_copy.jpg" ../../testdata/conformance/inputs/text.txt >target/stream.txt
grep -q 'cat_copy.jpg$' target/stream.txt
grep -q 'text.txt: IMAGE_FORMAT_UNKNOWN' target/stream.txt
example gallery "$photos/cat_copy.jpg" "$photos/cat.jpg" "$photos/hills.jpg" ../../testdata/conformance/inputs/text.txt >target/gallery.txt
grep -q '^2 added, 0 there already' target/gallery.txt
grep -q 'text.txt: IMAGE_FORMAT_UNKNOWN' target/gallery.txt
grep -q '^[01]\.[0-9]* same  .*/cat.jpg$' target/gallery.txt
echo "the Rust client is in client/rust/target/package"
