#!/usr/bin/env bash
# Packs the library for four ABIs and the compiled Kotlin bridge into target/package/yaoban-core.aar.
# Needs the Android NDK (r26 or newer), cargo-ndk and Rust's Android targets. Without them it says what
# is missing and exits with 69.
set -euo pipefail
cd "$(dirname "$0")/.."

abis=(arm64-v8a armeabi-v7a x86_64 x86)
targets=(aarch64-linux-android armv7-linux-androideabi x86_64-linux-android i686-linux-android)
. bindings/limits.sh

missing=()
ndk=${ANDROID_NDK_HOME:-${ANDROID_NDK_ROOT:-}}
if [ -z "$ndk" ] && [ -n "${ANDROID_HOME:-}" ]; then
    ndk=$(find "$ANDROID_HOME/ndk" -mindepth 1 -maxdepth 1 2>/dev/null | sort -V | tail -n 1)
fi
[ -n "$ndk" ] && [ -d "$ndk/toolchains/llvm" ] ||
    missing+=("the Android NDK: install it with Android Studio or sdkmanager and set ANDROID_NDK_HOME")
command -v cargo-ndk >/dev/null || missing+=("cargo-ndk: cargo install cargo-ndk")
installed=$(rustup target list --installed 2>/dev/null || true)
for target in "${targets[@]}"; do
    grep -qx "$target" <<<"$installed" || missing+=("Rust for $target: rustup target add $target")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "package-android: nothing was packed. Missing:" >&2
    printf '  - %s\n' "${missing[@]}" >&2
    exit 69 # EX_UNAVAILABLE
fi

export ANDROID_NDK_HOME=$ndk
out=target/package/android
rm -rf "$out"
mkdir -p "$out/jni"
# Set per target, so that build scripts of this machine are left alone. Packed relocations: from API 23.
for target in "${targets[@]}"; do
    name=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_RUSTFLAGS
    export "$name=-C link-arg=-Wl,-z,max-page-size=$page_bytes,--pack-dyn-relocs=android"
done
export TARGET_CFLAGS=$cflags
flags=()
for abi in "${abis[@]}"; do flags+=(-t "$abi"); done
cargo ndk "${flags[@]}" --platform "$api" -o "$out/jni" build --locked -p yaoban-bindings \
    --profile library

# Fails unless every loaded segment of a library is aligned to the page.
aligned() {
    local align segments=0
    for align in $("$readelf" -lW "$1" | awk '$1 == "LOAD" { print $NF }'); do
        segments=$((segments + 1))
        [ $((align)) -ge "$page_bytes" ] || {
            echo "package-android: $1: a segment is aligned to $align, not to $page_bytes bytes" >&2
            exit 1
        }
    done
    [ "$segments" -gt 0 ]
}

readelf=$(find "$ndk/toolchains/llvm/prebuilt" -name llvm-readelf | head -n 1)
for abi in "${abis[@]}"; do
    library=$out/jni/$abi/libyaoban.so
    aligned "$library"
    printf '%-12s %d bytes\n' "$abi" "$(wc -c <"$library")"
done
bytes=$(wc -c <"$out/jni/arm64-v8a/libyaoban.so")
[ "$bytes" -le "$bytes_max" ] || {
    echo "package-android: arm64-v8a has $bytes bytes, budget $bytes_max" >&2
    exit 1
}

bindings/generate.sh
(cd android/host && mvn -B -ntp -q -Dkotlin.compiler.daemon=false -DskipTests -pl core-bridge package)
cp target/android/core-bridge/core-bridge-*.jar "$out/classes.jar"
cat >"$out/AndroidManifest.xml" <<XML
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="cn.yaoban.core">
    <uses-sdk android:minSdkVersion="$api" />
</manifest>
XML
cp android/core-bridge/consumer-rules.pro "$out/proguard.txt"
touch "$out/R.txt"
rm -f target/package/yaoban-core.aar
(cd "$out" && python3 -m zipfile -c ../yaoban-core.aar AndroidManifest.xml classes.jar R.txt proguard.txt jni)
echo "target/package/yaoban-core.aar"
