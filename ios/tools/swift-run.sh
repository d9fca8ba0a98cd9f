#!/usr/bin/env bash
# Runs a command inside the folder that swift-toolchain.sh made, with this repository mounted there at the same path
# and an empty /tmp. The mounts live in a mount namespace of this one command: nothing stays behind, runs do not clash.
#   usage: ios/tools/swift-run.sh swift test --package-path ios
# env: SWIFT_ROOT (default /opt/swift-trixie)
set -euo pipefail
export SWIFT_ROOT=${SWIFT_ROOT:-/opt/swift-trixie}
SWIFT_BIND=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export SWIFT_BIND
[ -f "$SWIFT_ROOT/.complete" ] || { echo "swift-run: run ios/tools/swift-toolchain.sh first" >&2; exit 2; }
[ $# -gt 0 ] || set -- swift --version
pass=(HOME=/root LANG=C.UTF-8 PATH=/usr/libexec/swift/bin:/usr/bin:/usr/sbin SWIFT_BACKTRACE=enable=no)
# unshare --fork ignores TERM, so this shell stays and kills the whole PID namespace (compilers, tests and the hubs
# they started) when it is told to stop.
unshare --mount --propagation private --pid --fork --kill-child -- bash -euc '
  R=$SWIFT_ROOT
  mount -t proc proc "$R/proc"
  mount --rbind /dev "$R/dev"
  mount -t tmpfs tmpfs "$R/tmp"
  mkdir -p "$R$SWIFT_BIND"; mount --bind "$SWIFT_BIND" "$R$SWIFT_BIND"
  case "$PWD/" in "$SWIFT_BIND"/*) D=$PWD ;; *) D=$SWIFT_BIND ;; esac
  # no exec: the first process of a namespace ignores abort(), so bash keeps that place
  chroot "$R" /usr/bin/env -i -C "$D" "$@" && exit 0 || exit $?
' swift-run "${pass[@]}" "$@" <&0 &
running=$!
trap 'kill -KILL $running 2>/dev/null' TERM INT HUP
wait $running
