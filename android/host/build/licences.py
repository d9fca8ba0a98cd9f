#!/usr/bin/env python3
"""Whose work is in the app, and under which licence: the list that the phone shows.

licences.py REPOSITORY            writes android/app/src/main/res/raw/licences.txt
licences.py --check REPOSITORY    fails if it is not what the locks say (part of the app's build, where the poms are)

Rust crates from Cargo.lock (what the bindings take for Android) with the C in them, Java and Kotlin from libs.lock. A part without a
licence is an error.
"""
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import artifacts

ROOT = Path(__file__).resolve().parents[3]
LIST = ROOT / "android/app/src/main/res/raw/licences.txt"
# C sources that a crate brings; the crate's own licence is not theirs.
SOURCES = {"openssl-src": ("OpenSSL", "Apache-2.0"), "sqlcipher-src": ("SQLCipher", "BSD-3-Clause")}
POM = "{http://maven.apache.org/POM/4.0.0}"


def crates():
    """Name, version and licence of each crate in the core."""
    said = subprocess.run(["cargo", "tree", "--locked", "-p", "yaoban-bindings", "-e", "normal", "--target", "aarch64-linux-android",
                           "--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"], cwd=ROOT, capture_output=True, text=True, check=False)
    if said.returncode:
        sys.exit(f"cargo tree: {said.stderr}")
    for line in set(said.stdout.splitlines()):
        part, licence = line.split("|")
        name, version = part.split(" ")[:2]
        if not name.startswith("yaoban-"):
            yield name, version.removeprefix("v"), licence
    locked = {package["name"]: package["version"] for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    for name, (source, licence) in SOURCES.items():
        yield source, locked[name], licence


def licence_of(repository, group, name, version):
    """As the pom says, or its parent's."""
    pom = repository / group.replace(".", "/") / name / version / f"{name}-{version}.pom"
    if not pom.exists():
        sys.exit(f"{pom} is not there: build the app first")
    root = ET.parse(pom).getroot()
    names = [one.text.strip() for one in root.iterfind(f"{POM}licenses/{POM}license/{POM}name") if one.text]
    parent = root.find(f"{POM}parent")
    if names or parent is None:
        return " / ".join(names)
    return licence_of(repository, *(parent.findtext(f"{POM}{key}") for key in ("groupId", "artifactId", "version")))


def libraries(repository):
    """Name, version and licence of each library in the app."""
    for coordinates in artifacts.read(ROOT / "android/host/build/libs.lock"):
        group, name, _, version = coordinates.split(":")
        yield f"{group}:{name}", version, licence_of(repository, group, name, version)


def main():
    check = sys.argv[1] == "--check"
    repository = Path(sys.argv[2 if check else 1])
    rows = sorted(crates()) + sorted(libraries(repository))
    unnamed = [name for name, _, licence in rows if not licence]
    if unnamed:
        sys.exit(f"no licence is named for {', '.join(unnamed)}")
    # One name for one licence, however a pom writes it.
    same = re.compile(r"(The )?Apache(-2\.0$| (Software )?License,? (Version|version) 2\.0$)")
    text = "".join(f"{name} {version} · {same.sub('Apache-2.0', licence)}\n" for name, version, licence in rows)
    if not check:
        LIST.parent.mkdir(parents=True, exist_ok=True)
        LIST.write_text(text)
    elif not LIST.exists() or LIST.read_text() != text:
        sys.exit(f"{LIST} is not what the locks say: run android/host/build/licences.py {repository}")


main()
