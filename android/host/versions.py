#!/usr/bin/env python3
"""Fails unless the host build's poms and Gradle's version catalog name the same versions."""
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
catalog = tomllib.loads((HERE.parent / "gradle/libs.versions.toml").read_text())["versions"]
host = dict(re.findall(r"<([\w.-]+)\.version>([^<]+)</\1\.version>", (HERE / "pom.xml").read_text()))

wrong = [f"{name}: Gradle {catalog.get(name, 'none')}, host {host.get(name, 'none')}"
         for name in sorted(catalog.keys() | host.keys()) if catalog.get(name) != host.get(name)]
if wrong or not catalog:
    sys.exit("android/gradle/libs.versions.toml and android/host/pom.xml differ:\n  " + "\n  ".join(wrong))
