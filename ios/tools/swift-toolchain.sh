#!/usr/bin/env bash
# Unpacks Debian trixie's `swiftlang` (Swift 6.0.3) into a folder that swift-run.sh
# runs through chroot: bookworm's glibc is too old to run it directly. Nothing is
# installed on the host: its own apt resolves and downloads trixie's packages
# (signatures checked), tar unpacks them, and no maintainer script runs. Idempotent: a second call answers at once.
#   usage: ios/tools/swift-toolchain.sh        (as root; env SWIFT_ROOT, DEBIAN_MIRROR optional)
# 576 MB down, about 1.5 GB on disk, about a minute. Exit code 75: this machine cannot have it.
set -euo pipefail

ROOT=${SWIFT_ROOT:-/opt/swift-trixie}
SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# swiftlang, and what it needs but does not depend on: the C and C++ headers
# under the Glibc and Foundation modules, git for SwiftPM, a shell and its tools.
PKGS="swiftlang libc6-dev libstdc++-14-dev git ca-certificates tzdata
      base-files libc-bin bash coreutils findutils grep sed"
# Left packed, to halve the disk space: debuggers, editors' servers, static and
# embedded standard libraries, manuals.
SKIP=(
  './usr/libexec/swift/bin/*lldb*' './usr/libexec/swift/bin/repl_swift'
  './usr/libexec/swift/lib/liblldb*' './usr/libexec/swift/lib/libLTO*'
  './usr/libexec/swift/bin/sourcekit-lsp' './usr/libexec/swift/lib/libsourcekitdInProc.so'
  './usr/libexec/swift/bin/clangd' './usr/libexec/swift/bin/docc'
  './usr/libexec/swift/lib/swift_static' './usr/libexec/swift/lib/swift/embedded'
  './usr/share/doc' './usr/share/man' './usr/share/locale' './usr/share/info'
)

cannot() { echo "ios: DID NOT RUN: $1" >&2; exit 75; }
[ "$(id -u)" = 0 ] || cannot "needs root, for chroot"
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || cannot "needs a Debian of amd64"
[ -f "$KEYRING" ] || cannot "$KEYRING is missing (package debian-archive-keyring)"
unshare --mount --propagation private true 2>/dev/null || cannot "this machine lets nobody make a mount namespace"

KEY=$(sha256sum < "${BASH_SOURCE[0]}" | cut -c1-16)
mkdir -p "$(dirname "$ROOT")"
exec 9>"$ROOT.lock"; flock 9
if [ "$(cat "$ROOT/.complete" 2>/dev/null || true)" = "$KEY" ]; then
  echo "swift-toolchain: $ROOT is ready"; exit 0
fi
rm -rf --one-file-system "$ROOT"

# The mirror that this machine's apt already uses for Debian.
MIRROR=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null \
         | grep -E '/debian/?$' | head -n1 || true)
MIRROR=${DEBIAN_MIRROR:-$MIRROR}
[ -n "$MIRROR" ] || cannot "apt names no Debian mirror; set DEBIAN_MIRROR"

A=$ROOT/.apt
mkdir -p "$A"/lists/partial "$A"/archives/partial "$A"/sources.list.d
: > "$A/status"
echo "deb [arch=amd64 signed-by=$KEYRING] $MIRROR $SUITE main" > "$A/sources.list"
APT=(apt-get -qq -y
  -o Dir::State="$A" -o Dir::State::lists="$A/lists" -o Dir::State::status="$A/status"
  -o Dir::Cache="$A" -o Dir::Cache::archives="$A/archives"
  -o Dir::Etc::sourcelist="$A/sources.list" -o Dir::Etc::sourceparts="$A/sources.list.d"
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$A/sources.list.d"
  -o APT::Sandbox::User=root -o APT::Install-Recommends=false
  -o Acquire::Languages=none -o Acquire::Retries=3
  -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
"${APT[@]}" update || cannot "apt could not read Debian $SUITE"
# shellcheck disable=SC2086  # one word a package
"${APT[@]}" --download-only install $PKGS > "$ROOT/.apt.log" || cannot "apt could not download Swift"

# base-files first: it carries the /bin -> usr/bin links of a merged-/usr system.
for d in "$A"/archives/base-files_*.deb "$A"/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$d" | tar -x -C "$ROOT" --keep-directory-symlink "${SKIP[@]/#/--exclude=}"
done
rm -rf "$A"

# What no maintainer script did for us.
ln -sf bash "$ROOT/usr/bin/sh"
echo 'root:x:0:0:root:/root:/bin/bash' > "$ROOT/etc/passwd"
echo 'root:x:0:' > "$ROOT/etc/group"
echo '127.0.0.1 localhost' > "$ROOT/etc/hosts"
chroot "$ROOT" /usr/sbin/ldconfig
# GNU ld refuses libswiftObservation.so (swiftlang/swift#75670: a symbol is
# missing in it); the lld that comes with Swift does not.
ln -sf /usr/libexec/swift/bin/ld.lld "$ROOT/usr/bin/ld"
# Swift's tools find their libraries by $ORIGIN, which needs /proc.
ROOT=$ROOT unshare --mount --propagation private -- bash -euc \
  'mount -t proc proc "$ROOT/proc"; exec chroot "$ROOT" /usr/libexec/swift/bin/swift --version'
echo "$KEY" > "$ROOT/.complete"
echo "swift-toolchain: $ROOT made, $(du -sh "$ROOT" | cut -f1)"
