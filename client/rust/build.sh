#!/usr/bin/env bash
# What: builds the Rust client and its conformance runner into client/rust/target.
# How to run: client/rust/build.sh
#             Ends with 77 where Cargo is missing or too old.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

missing() { echo "the Rust client is not built: $1 (https://rustup.rs)" >&2; exit 77; }
type cargo >/dev/null 2>&1 || missing "cargo is missing"
needed=$(sed -n 's/^rust-version = "\([0-9.]*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d' ' -f2)
[[ $(printf '%s\n' "$needed" "$found" | sort -V | head -1) == "$needed" ]] || missing "rustc is $found, expected $needed or later"

cargo build --quiet --locked -p siamese-conformance
