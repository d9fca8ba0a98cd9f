#!/usr/bin/env bash
# make phone: the screens in a window on this machine, with the real core. SHOTS=1 draws them into android/screens
# instead, against a hub of its own with the sample chain; SHOTS="member call" draws those alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

bindings/generate.sh
cargo build --locked -q -p yaoban-hub
python3 texts/generate.py
classpath=target/android/ui/classpath
(cd android/host && mvn -B -ntp -q -Dkotlin.compiler.daemon=false -Dstyle.color=never -pl core-bridge,ui \
    test-compile dependency:build-classpath -Dmdep.outputFile="$root/$classpath")

run() {
    FONTCONFIG_FILE="$root/android/ui/src/test/fonts.conf" java -Duser.timezone=Asia/Shanghai \
        -Djna.library.path="$root/target/debug" -Dyaoban.hub="$root/target/debug/yaoban-hub" -Dyaoban.root="$root" \
        -Dskiko.data.path="$root/target/android/ui/skiko" \
        -cp "target/android/ui/classes:target/android/ui/test-classes:$(cat "$classpath")" "$@"
}
if [ -n "${SHOTS:-}" ]; then
    [ "$SHOTS" != 1 ] || SHOTS=
    # shellcheck disable=SC2086  # one word a picture
    run -Djava.awt.headless=true cn.yaoban.phone.ShotsKt android/screens $SHOTS
else
    echo "phone: its data are in .phone. A hub to pair with: make demo, then"
    echo "       target/debug/yaoban-hub pair --data .demo/hub --store S001"
    run -Dyaoban.home="$root/.phone" -Dyaoban.language="${LANGUAGE_SHOWN:-zh}" cn.yaoban.phone.PhoneKt
fi
