"""Whose work is in the library, and under which licence: what the lists of the shells say of it."""
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# C sources that a crate brings; the crate's own licence is not theirs.
SOURCES = {"sqlcipher-src": ("SQLCipher", "BSD-3-Clause")}


def crates(target):
    """Name, version and licence of each crate in the library for a target, and of the C in them."""
    said = subprocess.run(["cargo", "tree", "--locked", "-p", "yaoban-bindings", "-e", "normal", "--target", target,
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


def keep(path, rows, check, again):
    """Writes the list of a shell, or fails if it is not what the locks say."""
    rows = list(rows)
    unnamed = [name for name, _, licence in rows if not licence]
    if unnamed:
        sys.exit(f"no licence is named for {', '.join(unnamed)}")
    text = "".join(f"{name} {version} · {licence}\n" for name, version, licence in rows)
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        sys.exit(f"{path} is not what the locks say: run {again}")
