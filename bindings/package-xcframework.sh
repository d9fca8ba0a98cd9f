#!/usr/bin/env bash
# Packs the library for iOS devices and simulators into target/package/YaobanFFI.xcframework, beside the
# Swift source that goes with it. Needs a Mac with Xcode and Rust's iOS targets. Without them it says
# what is missing and exits with 69.
set -euo pipefail
cd "$(dirname "$0")/.."

device=aarch64-apple-ios
simulators=(aarch64-apple-ios-sim x86_64-apple-ios)

missing=()
[ "$(uname -s)" = Darwin ] || missing+=("a Mac: Apple's linker and SDKs run nowhere else")
command -v xcodebuild >/dev/null || missing+=("Xcode 16 or newer, with its command line tools (xcode-select --install)")
installed=$(rustup target list --installed 2>/dev/null || true)
for target in "$device" "${simulators[@]}"; do
    grep -qx "$target" <<<"$installed" || missing+=("Rust for $target: rustup target add $target")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "package-xcframework: nothing was packed. Missing:" >&2
    printf '  - %s\n' "${missing[@]}" >&2
    exit 69 # EX_UNAVAILABLE
fi

export IPHONEOS_DEPLOYMENT_TARGET=17.0
out=target/package/ios
rm -rf "$out" target/package/YaobanFFI.xcframework
mkdir -p "$out/headers" "$out/simulator"
for target in "$device" "${simulators[@]}"; do
    cargo build --locked -p yaoban-bindings --profile library --target "$target"
done
lipo -create -output "$out/simulator/libyaoban.a" \
    $(printf 'target/%s/library/libyaoban.a ' "${simulators[@]}")

bindings/generate.sh
cp target/bindings/swift/YaobanFFI.h "$out/headers/"
cp target/bindings/swift/YaobanFFI.modulemap "$out/headers/module.modulemap"
cp target/bindings/swift/Yaoban.swift "$out/"
xcodebuild -create-xcframework \
    -library "target/$device/library/libyaoban.a" -headers "$out/headers" \
    -library "$out/simulator/libyaoban.a" -headers "$out/headers" \
    -output target/package/YaobanFFI.xcframework
echo "target/package/YaobanFFI.xcframework, $out/Yaoban.swift"
