#!/usr/bin/env bash
# Builds the library and writes its Kotlin and Swift sources (and the C header and module map) into
# target/bindings, which git ignores. --built: what is in target/debug is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

out=target/bindings
[ "${1:-}" = --built ] || cargo build --locked -q -p yaoban-bindings -p uniffi-bindgen
library=target/debug/libyaoban.so
[ -e "$library" ] || library=target/debug/libyaoban.dylib # a Mac
rm -rf "$out"
for language in kotlin swift; do
    target/debug/uniffi-bindgen generate --library "$library" \
        --language "$language" --no-format --out-dir "$out/$language"
done
