#!/usr/bin/env bash
# Compiles everything, tests it against the Rust library and hub of target/debug, and checks the format. Exit code 75:
# this machine cannot have the Swift toolchain. --built: the bindings in target/bindings are up to date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

ios/tools/swift-toolchain.sh
if [ "${1:-}" != --built ]; then
    cargo build --locked -q -p yaoban-bindings -p uniffi-bindgen -p yaoban-hub
    bindings/generate.sh --built
fi
# Only what changed, so that Swift compiles no more than that.
place() { cmp -s "target/bindings/swift/$1" "ios/Sources/$2/$1" || cp "target/bindings/swift/$1" "ios/Sources/$2/$1"; }
place Yaoban.swift ClerkFFI
place YaobanFFI.h YaobanFFI
python3 texts/generate.py
python3 ios/tools/licences.py --check

run=ios/tools/swift-run.sh
"$run" swift format lint --strict --configuration ios/.swift-format --recursive \
    ios/Package.swift ios/Sources/ClerkFFI/Printing.swift ios/Sources/ClerkKit ios/Sources/ClerkUI ios/App ios/Tests
library=$PWD/target/debug
tests() { # scratch folder, then what else swift test is told
    local log=target/swift-test.log scratch=$1
    shift
    "$run" env TSAN_OPTIONS=halt_on_error=1 swift test --package-path ios --scratch-path "$scratch" \
        -Xlinker "-L$library" -Xlinker -rpath -Xlinker "$library" "$@" 2>&1 | tee "$log"
    # A run without tests ends well too.
    grep -qE 'Test run with [1-9][0-9]* tests? passed' "$log" || { echo "ios: no test ran" >&2; exit 1; }
}
tests target/swift
# Once more with the thread sanitizer, which sees what is Swift (the Rust library is not built for it).
tests target/swift-tsan --sanitize=thread --filter RaceTests
