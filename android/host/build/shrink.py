#!/usr/bin/env python3
"""Puts the bridge and JNA through R8, with the rules that the app has for them, into Java classes instead of dex.

The bridge's tests then run against these (profile `shrunk` of ../core-bridge/pom.xml): what R8 takes away that JNA looks
for by name is seen there, since no dex file runs on this machine. Kotlin's own libraries are left as they are, because
the tests use more of them than the app.
"""
import subprocess
import sys
import zipfile
from pathlib import Path

import artifacts

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "target/android"
classpath = [Path(path) for path in (OUT / "app/classpath.txt").read_text().strip().split(":")]
repository = next(path for path in classpath if path.name.startswith("android-all-15")).parents[4]
java_home = subprocess.run(["java", "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True) \
    .stderr.split("java.home = ")[1].split("\n")[0]
locked = artifacts.verified(repository, Path(__file__).parent / "libs.lock")
kotlin = [path for name, path in locked.items() if name.startswith("org.jetbrains")]
jna = next(path for path in classpath if path.name.startswith("jna-") and path.suffix == ".jar")

bridge = OUT / "core-bridge/bridge.jar"
with zipfile.ZipFile(bridge, "w") as jar:
    for file in sorted((OUT / "core-bridge/classes").rglob("*.class")):
        jar.write(file, file.relative_to(OUT / "core-bridge/classes"))
command = ["java", "-Xmx3g", "-cp", (OUT / "tools/classpath.txt").read_text().strip(), "com.android.tools.r8.R8",
           "--classfile", "--release", "--output", OUT / "core-bridge/shrunk.jar", "--lib", java_home,
           *(word for path in kotlin for word in ("--lib", path)),
           *(word for rules in ("core-bridge/consumer-rules.pro", "app/proguard-rules.pro")
             for word in ("--pg-conf", ROOT / "android" / rules)), bridge, jna]
done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
if done.returncode:
    sys.exit(f"R8:\n{done.stdout[-5000:]}")
