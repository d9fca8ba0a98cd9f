#!/usr/bin/env python3
"""Whose work is in the app, and under which licence: the list that the phone shows.

licences.py REPOSITORY            writes android/app/src/main/res/raw/licences.txt
licences.py --check REPOSITORY    fails if it is not what the locks say (part of the app's build, where the poms are)

Rust crates from Cargo.lock (what the bindings take for Android) with the C in them, Java and Kotlin from libs.lock. A part without a
licence is an error.
"""
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import artifacts

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bindings"))
from crates import crates, keep  # noqa: E402

LIST = ROOT / "android/app/src/main/res/raw/licences.txt"
POM = "{http://maven.apache.org/POM/4.0.0}"


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
    # One name for one licence, however a pom writes it.
    same = re.compile(r"(The )?Apache(-2\.0$| (Software )?License,? (Version|version) 2\.0$)")
    rows = sorted(crates("aarch64-linux-android")) + sorted(libraries(repository))
    named = [(name, version, same.sub("Apache-2.0", licence)) for name, version, licence in rows]
    keep(LIST, named, check, f"android/host/build/licences.py {repository}")


main()
