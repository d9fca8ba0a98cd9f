#!/usr/bin/env python3
"""Fails unless Gradle's version catalog and the host build name the same versions.

Compared: the properties `*.version` of the poms, the lock files and what they were made of (build/*roots.txt),
and what resources.py and android/app/build.gradle.kts both say of the app.
"""
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
catalog = tomllib.loads((HERE.parent / "gradle/libs.versions.toml").read_text())
versions = catalog["versions"]
wrong = []
# Their versions are the properties of the poms.
NOT_IN_THE_APP = ("org.junit.jupiter:junit-jupiter", "org.jetbrains.kotlin:kotlin-gradle-plugin")
VARIANT = re.compile("-(android|jvm)$")

# Properties of the poms. What only one of the builds has: Android's own jar here, Google's plugin there.
host = {name: version for pom in ("pom.xml", "app/pom.xml")
        for name, version in re.findall(r"<([\w.-]+)\.version>([^<]+)</\1\.version>", (HERE / pom).read_text())}
del host["android-all"]
for name, version in sorted(host.items()):
    if versions.get(name) != version:
        wrong.append(f"{name}: Gradle {versions.get(name, 'none')}, pom {version}")

# Libraries. A multiplatform one is locked as its variant for Android.
locked = {}
for lock in BUILD.glob("*.lock"):
    for line in lock.read_text().splitlines():
        group, artifact, _, version = line.split()[0].split(":")
        locked[f"{group}:{artifact}"] = locked[f"{group}:{VARIANT.sub('', artifact)}"] = version
listed = {library["module"]: versions[library["version"]["ref"]] for library in catalog["libraries"].values()}
for module, version in sorted(listed.items()):
    if module not in NOT_IN_THE_APP and locked.get(module) != version:
        wrong.append(f"{module}: Gradle {version}, locked {locked.get(module, 'nowhere')}")
for roots in BUILD.glob("*roots.txt"):
    for group, artifact, version in re.findall(r"^([\w.-]+):([\w.-]+):([\w.-]+)$", roots.read_text(), re.M):
        names = f"{group}:{artifact}", f"{group}:{VARIANT.sub('', artifact)}"
        if version not in map(listed.get, names):
            wrong.append(f"{names[0]}: {roots.name} {version}, Gradle another or none")

# Google's plugin, and the tools of the same release.
if locked.get("com.android.tools.build:apksig") != versions["agp"]:
    wrong.append(f"agp: Gradle {versions['agp']}, apksig {locked.get('com.android.tools.build:apksig', 'nowhere')}")

# The app.
said = dict(re.findall(r"(\w+) = (?:\"|)([\w.]+)", (HERE.parent / "app/build.gradle.kts").read_text()))
names = ("applicationId", "minSdk", "targetSdk", "versionCode", "versionName")
values = re.search(r"^PACKAGE, .* = (.*)$", (BUILD / "resources.py").read_text(), re.M).group(1)
for name, value in zip(names, re.findall(r'"([^"]+)"', values), strict=True):
    if said.get(name) != value:
        wrong.append(f"{name}: app/build.gradle.kts {said.get(name, 'none')}, resources.py {value}")

if wrong or not listed or not host:
    sys.exit("android/gradle/libs.versions.toml and android/host differ:\n  " + "\n  ".join(wrong))
