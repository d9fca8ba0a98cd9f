#!/usr/bin/env python3
"""Checks the artifacts of a lock file and takes its AARs apart: explode.py LOCK REPOSITORY OUT

OUT/exploded/<artifact> has what an AAR holds; OUT/classes all their classes, which Maven packs as one jar.
"""
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

import artifacts

lock, repository, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
classes, stamp = out / "classes", out / "exploded" / "of"
files = artifacts.verified(repository, lock)
inputs = hashlib.sha256(Path(lock).read_bytes() + Path(__file__).read_bytes()).hexdigest()
if stamp.exists() and stamp.read_text() == inputs and classes.exists():
    sys.exit()
for folder in (out / "exploded", classes):
    shutil.rmtree(folder, ignore_errors=True)
classes.mkdir(parents=True)

owner = {}
for name, aar in files.items():
    if aar.suffix != ".aar":
        continue
    folder = out / "exploded" / aar.stem
    with zipfile.ZipFile(aar) as archive:
        archive.extractall(folder)
    for jar in [folder / "classes.jar", *folder.glob("libs/*.jar")]:
        if not jar.exists():
            continue
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or entry.filename == "META-INF/MANIFEST.MF":
                    continue
                target, content = classes / entry.filename, archive.read(entry)
                if entry.filename in owner:
                    if entry.filename.startswith("META-INF/services/"):
                        content = target.read_bytes() + b"\n" + content
                    elif target.read_bytes() != content:
                        sys.exit(f"{entry.filename} is in {name} and, different, in {owner[entry.filename]}")
                owner[entry.filename] = name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
stamp.parent.mkdir(exist_ok=True)
stamp.write_text(inputs)
print(f"{out.name}: {len(files)} artifacts, {len(owner)} files of AARs")
