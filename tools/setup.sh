#!/usr/bin/env bash
# Installs what is missing: as root on Debian by itself, otherwise it says what to install.
#   setup.sh build   what the build and the tests need
#   setup.sh tools   the checkers (cargo-deny, from source), and what tests Kotlin (a JDK, Maven)
set -euo pipefail
cd "$(dirname "$0")/.."

deny_version=0.20.2

missing_packages() {
    local missing=()
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    command -v cc >/dev/null || missing+=(build-essential)
    command -v python3 >/dev/null || missing+=(python3)
    python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    command -v sqlite3 >/dev/null || missing+=(sqlite3)
    command -v curl >/dev/null || missing+=(curl)
    echo "${missing[@]:-}"
}

# What the tests of the Kotlin side need; without it their stage is skipped.
missing_for_kotlin() {
    local missing=()
    command -v javac >/dev/null || missing+=(openjdk-17-jdk-headless)
    command -v mvn >/dev/null || missing+=(maven)
    # Screens are drawn in tests, and compared with pictures that were drawn with this font.
    [ -n "$(fc-list 'WenQuanYi Zen Hei' 2>/dev/null)" ] || missing+=(fontconfig fonts-wqy-zenhei)
    echo "${missing[@]:-}"
}

install_packages() {
    local missing=$1
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing $missing"
        apt-get update -qq
        # shellcheck disable=SC2086  # one word a package
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    else
        echo "setup: please install: $missing" >&2
        echo "       (Debian: sudo apt-get install $missing)" >&2
        exit 1
    fi
}

install_kotlin() {
    local missing
    missing=$(missing_for_kotlin)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        install_packages "$missing"
    else
        echo "setup: the Kotlin tests will be skipped without: $missing" >&2
    fi
}

check_rust() {
    command -v cargo >/dev/null || {
        echo "setup: Rust is missing; install it with rustup, then run this again" >&2
        exit 1
    }
}

install_deny() {
    local have
    have=$(cargo deny --version 2>/dev/null | awk '{print $2}' || true)
    [ "$have" = "$deny_version" ] && return 0
    echo "setup: building cargo-deny $deny_version (some minutes, once a machine)"
    cargo install cargo-deny --version "$deny_version" --locked --quiet
}

case "${1:-build}" in
build) install_packages "$(missing_packages)"; check_rust ;;
tools) install_deny; install_kotlin ;;
*) echo "usage: $0 build|tools" >&2; exit 2 ;;
esac
