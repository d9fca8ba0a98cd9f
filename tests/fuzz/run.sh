#!/usr/bin/env bash
# Runs every fuzz target for SECONDS (default 60) each; a failure prints its seed and ends with 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-60}
export BOLERO_RANDOM_TEST_TIME_MS=$((seconds * 1000)) BOLERO_RANDOM_ITERATIONS=1000000000
echo "fuzz: $seconds s a target"
cargo test --release --locked -p yaoban-fuzz -- --test-threads=2
