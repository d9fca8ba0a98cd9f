#!/usr/bin/env bash
# Runs the named stages in order, shows each runner's own lines, and ends with the minutes of each.
# The first stage that fails ends the run with its exit code.
set -euo pipefail
cd "$(dirname "$0")/.."

stage_lint() {
    cargo fmt --all --check &&
        cargo clippy --workspace --lib --bins --locked -- -D warnings &&
        cargo clippy --workspace --all-targets --locked -- -D warnings -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic &&
        cargo deny --log-level error check licenses bans sources &&
        python3 tests/sim/mutants.py --check &&
        python3 bindings/redeclare.py --check &&
        python3 android/host/versions.py &&
        python3 android/host/build/lock.py --check &&
        python3 texts/generate.py --check &&
        python3 tests/flows.py &&
        lint_kotlin
}
# Both linters in one; where no Maven is, the stage `android` says so.
lint_kotlin() {
    ! command -v mvn >/dev/null || mvn -B -ntp -f android/host/lint verify
}
stage_build() { cargo build --workspace --all-targets --locked; }
# Units and end to end together: each part by itself would be compiled anew with fewer features.
stage_tests() { cargo test --workspace --locked -- --test-threads=2; }
# The library as phones get it, under its budget. The budget is for arm64; this machine's x86-64 stands for it.
stage_size() {
    if [ "$(uname -sm)" != "Linux x86_64" ]; then
        echo "size: DID NOT RUN: the budget is measured on Linux, x86-64"
        return "$skipped"
    fi
    bindings/size.sh
}
# Kotlin against the real library and a real hub: the bridge, the screens, the app.
stage_android() {
    if ! command -v mvn >/dev/null || ! command -v javac >/dev/null; then
        echo "android: DID NOT RUN: mvn or a JDK is missing"
        return "$skipped"
    fi
    # The whole workspace, as in the stage `build`: parts of it would be compiled anew with fewer features.
    stage_build &&
        bindings/generate.sh --built &&
        python3 texts/generate.py &&
        rm -rf target/android/*/surefire-reports &&
        (cd android/host && mvn -B -ntp -q -Dkotlin.compiler.daemon=false -Dstyle.color=never test) &&
        python3 android/host/passed.py target/android
}
# The app, packed: through D8, and through R8, whose rules the bridge's tests prove.
stage_apk() {
    bindings/generate.sh &&
        (cd android/host && mvn -B -ntp -q -Dkotlin.compiler.daemon=false -Dstyle.color=never -DskipTests test) &&
        python3 android/host/build/shrink.py &&
        rm -rf target/android/shrunk &&
        (cd android/host && mvn -B -ntp -q -Dstyle.color=never -Pshrunk -pl core-bridge surefire:test) &&
        python3 android/host/passed.py target/android shrunk &&
        python3 android/host/build/apk.py debug &&
        python3 android/host/build/apk.py release
}
# Swift against the real library and a real hub.
stage_ios() {
    ios/tools/swift-toolchain.sh &&
        stage_build &&
        bindings/generate.sh --built &&
        ios/tools/test.sh --built
}

skipped=75 # what a stage returns that this machine cannot run: counted as skipped, never as passed
may_skip=" ios " # under CI a skipped stage fails, but for these
summary=""
finish() {
    printf '\nminutes by stage\n%b' "$summary"
}
trap finish EXIT

for stage in "$@"; do
    printf '\n=== %s ===\n' "$stage"
    started=$SECONDS
    code=0
    "stage_$stage" || code=$?
    minutes=$(awk -v s=$((SECONDS - started)) 'BEGIN { printf "%.1f", s / 60 }')
    if [ "$code" = "$skipped" ] && { [ -z "${CI:-}" ] || [[ "$may_skip" = *" $stage "* ]]; }; then
        summary+="  $stage  $minutes  SKIPPED\n"
        continue
    fi
    if [ "$code" != 0 ]; then
        summary+="  $stage  $minutes  FAILED\n"
        exit "$code"
    fi
    summary+="  $stage  $minutes\n"
done
