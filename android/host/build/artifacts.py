"""Artifacts of a lock file (`GROUP:ARTIFACT:TYPE:VERSION SHA256` a line) in Maven's local repository.

artifacts.py REPOSITORY LOCK   fails unless each of them is what was locked
"""
import hashlib
import sys
from pathlib import Path


def read(lock):
    """Coordinates -> digest."""
    return dict(line.split() for line in Path(lock).read_text().splitlines() if line)


def path(repository, coordinates):
    group, artifact, kind, version = coordinates.split(":")
    return Path(repository) / group.replace(".", "/") / artifact / version / f"{artifact}-{version}.{kind}"


def coordinates(repository, file):
    *group, artifact, version, name = Path(file).relative_to(repository).parts
    kind = name.removeprefix(f"{artifact}-{version}").removeprefix(".")
    return f"{'.'.join(group)}:{artifact}:{kind}:{version}"


def digest(file):
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verified(repository, lock):
    """The files of a lock, each found to be what was locked. Ends the program if one is not."""
    files = {}
    for name, expected in read(lock).items():
        files[name] = path(repository, name)
        if digest(files[name]) != expected:
            raise SystemExit(f"{files[name]} is not what {lock} says: sha256 {digest(files[name])}, locked {expected}.\n"
                             "Delete it and build again; if it is the same then, find out who changed it before locking it anew.")
    return files


if __name__ == "__main__":
    print(f"{Path(sys.argv[2]).stem}: {len(verified(*sys.argv[1:]))} artifacts are what was locked")
