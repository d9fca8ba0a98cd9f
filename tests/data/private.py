"""A private virtual environment for the data tests, below `tests/data/.cache`; nothing is installed globally."""

import contextlib
import fcntl
import hashlib
import subprocess
import sys
import venv as standard_venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
PINNED = HERE / "requirements.txt"

# Exit code for "the package registry is away": the tests tell it from a failure.
AWAY = 75


class RegistryAway(Exception):
    """A package could not be fetched."""


@contextlib.contextmanager
def alone():
    """What is made once below the cache is made by one process at a time: tests ask for it side by side."""
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pip(python, *arguments):
    """Runs pip; a failure is taken as the registry being away, with pip's last words."""
    done = subprocess.run([python, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
                          capture_output=True, text=True)
    if done.returncode:
        raise RegistryAway((done.stderr or done.stdout).strip()[-600:])


def ensure():
    """The environment's Python, made on first use and again when a pinned version changes."""
    stamp = CACHE / "venv.stamp"
    python = CACHE / "venv" / "bin" / "python"
    wanted = hashlib.sha256(PINNED.read_bytes() + sys.version.encode()).hexdigest()
    with alone():
        if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
            print(f"  making the private environment in {CACHE / 'venv'}", file=sys.stderr, flush=True)
            standard_venv.create(CACHE / "venv", clear=True, with_pip=True)
            pip(python, "install", "--quiet", "--requirement", str(PINNED))
            stamp.write_text(wanted)
    return python


def again_inside():
    """Runs the calling script again inside the environment, unless it already does; ends with its exit code."""
    if Path(sys.prefix).resolve() == (CACHE / "venv").resolve():
        return
    try:
        python = ensure()
    except RegistryAway as away:
        print(f"{Path(sys.argv[0]).name}: the package registry is away, so this did not run:\n{away}", file=sys.stderr)
        sys.exit(AWAY)
    sys.exit(subprocess.run([python, *sys.argv]).returncode)
