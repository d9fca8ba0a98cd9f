"""What the parts of the bench share: where things are, how a process is measured, the table."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "target" / "bench"
RELEASE = ROOT / "target" / "release"
HUB, CLERK, BENCH, FLEET = (str(RELEASE / name) for name in ("yaoban-hub", "yaoban-clerk", "yaoban-bench", "yaoban-fleet"))
AS_OF = "2026-06-30"


def say(text: str) -> None:
    print(f"bench: {text}", flush=True)


def run(*command, stdout=subprocess.DEVNULL):
    """Runs a command; its wall seconds, peak memory in MB and what it printed."""
    started = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdout=stdout, stderr=subprocess.PIPE, text=True)
    printed = child.stdout.read() if child.stdout else ""
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if child.returncode:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with {child.returncode}:\n{errors[-2000:]}")
    return seconds, usage.ru_maxrss / 1024, printed


def again(times: int, *command):
    """Seconds of some runs, ascending, after one that is not counted; the highest peak; the last output."""
    run(*command, stdout=subprocess.PIPE)
    runs = [run(*command, stdout=subprocess.PIPE) for _ in range(times)]
    return sorted(r[0] for r in runs), max(r[1] for r in runs), runs[-1][2]


def spread(seconds: list) -> str:
    """Median and p99 of ascending seconds; of fewer than a hundred the highest is the p99."""
    return f"median {statistics.median(seconds):.2f} s, p99 {seconds[-1]:.2f} s of {len(seconds)}"


class Table:
    """Rows of figure, measured, target, peer."""

    def __init__(self):
        self.rows = []

    def add(self, figure, measured, target="", peer=""):
        self.rows.append((figure, measured, target, peer))
        say(f"{figure}: {measured}  (target {target or 'none'})" + (f"  peer: {peer}" if peer else ""))

    def text(self) -> str:
        lines = ["| figure | measured | target | peer in the same run |", "|---|---|---|---|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows])


def generate(name: str, **size) -> Path:
    folder = OUT / name
    stamp = folder / "size.json"
    if stamp.exists() and json.loads(stamp.read_text()) == size:
        return folder
    say(f"generating {name}: {size}")
    shutil.rmtree(folder, ignore_errors=True)
    run(BENCH, "generate", "--out", folder, *(word for key, value in size.items() for word in (f"--{key}", value)))
    stamp.write_text(json.dumps(size))
    return folder


def import_base(data: Path, files: Path) -> None:
    """A new hub with everything but purchases and readings."""
    shutil.rmtree(data, ignore_errors=True)
    run(HUB, "init", "--data", data, "--name", "量测连锁")
    run(HUB, "import", "--data", data, "--stores", files / "stores.csv", "--staff", files / "staff.csv",
        "--drugs", files / "drugs.csv", "--members", files / "members.csv")
