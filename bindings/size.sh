#!/usr/bin/env bash
# Builds the library as phones get it, for this machine, prints its size and holds it under the budget.
# Stands for arm64 where no NDK is: the same profile, relocations packed as the linker does it here.
set -euo pipefail
cd "$(dirname "$0")/.."

. bindings/limits.sh
RUSTFLAGS="-C link-arg=-Wl,-z,pack-relative-relocs" CFLAGS="$cflags" \
    cargo build --locked -q -p yaoban-bindings --profile library
library=target/library/libyaoban.so
bytes=$(wc -c <"$library")
printf '%s, %s, stripped: %d bytes (budget %d)\n' "$library" "$(uname -m)" "$bytes" "$bytes_max"
[ "$bytes" -le "$bytes_max" ] || {
    echo "size: the library is larger than its budget; see what came in (cargo bloat), or argue for a new budget in docs/adr/0101" >&2
    exit 1
}
