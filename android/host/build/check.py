#!/usr/bin/env python3
"""Fails unless every artifact of a class path is locked and is what was locked.

check.py REPOSITORY CLASSPATH LOCK [OTHER_LOCK…]
check.py --write REPOSITORY CLASSPATH LOCK [OTHER_LOCK…]   locks anew, in LOCK, what the other locks do not have
"""
import sys
from pathlib import Path

import artifacts

write = sys.argv[1] == "--write"
repository, classpath, lock, *others = sys.argv[2 if write else 1:]
files = [Path(file) for file in Path(classpath).read_text().strip().split(":")]
found = {artifacts.coordinates(repository, file): file for file in files if file.is_relative_to(repository)}
locked = {name: digest for other in others for name, digest in artifacts.read(other).items()}
if write:
    Path(lock).write_text("".join(f"{name} {artifacts.digest(file)}\n" for name, file in sorted(found.items()) if name not in locked))
locked |= artifacts.read(lock)

wrong = [f"{name}: not locked" if name not in locked else f"{name}: not what was locked ({file})"
         for name, file in sorted(found.items()) if locked.get(name) != artifacts.digest(file)]
if wrong or not found:
    sys.exit(f"{lock}:\n  " + "\n  ".join(wrong or [f"nothing of {classpath} lies in {repository}"]))
print(f"{Path(lock).stem}: {len(found)} artifacts are what was locked")
