"""PouchDB against express-pouchdb on the same store, beside the phone core in the same run.

The peer at its best: one document a member with its lines in it, LevelDB on both sides, its packages'
own defaults but for larger batches, one way of replication, no encryption, no search index, plain HTTP.
Ours does all of these. A first load that is not whole after a bounded time is given up and said so.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from common import HERE, OUT, Table, say

SECONDS_MAX = 150
CHANGES = 1_000
PULLS = 5
UNITS = {"s": 1_000.0, "ms": 1.0, "µs": 0.001}


def milliseconds(measured: str) -> float:
    """The first time in a text such as `p50 1.20 ms, max 2.5 ms`."""
    found = re.search(r"([\d.,]+) (ms|µs|s)\b", measured)
    if not found:
        sys.exit(f"bench: no time in `{measured}`")
    return float(found[1].replace(",", "")) * UNITS[found[2]]


def ours(measured: dict[str, str], start: str) -> float:
    for figure, value in measured.items():
        if figure.startswith(start):
            return milliseconds(value)
    sys.exit(f"bench: the phone printed no figure that begins with `{start}`")


def install() -> Path:
    """The peer's packages by name, with pinned versions, outside the sources."""
    home = OUT / "pouch"
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "server.js", "client.js"):
        shutil.copy(HERE / "pouch" / name, home / name)
    stamp = home / "installed.json"
    wanted = (home / "package.json").read_text()
    if not (stamp.exists() and stamp.read_text() == wanted):
        say("installing PouchDB and express-pouchdb")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True)
        stamp.write_text(wanted)
    return home


class Talk:
    """A Node process that is told a line and answers with one."""

    def __init__(self, home: Path, *words):
        command = ["node", "--max-old-space-size=8192", *map(str, words)]
        self.child = subprocess.Popen(command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def hear(self) -> str:
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"bench: the peer ended early ({self.child.wait()})")
        return line.strip()

    def ask(self, text: str) -> str:
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()
        return self.hear()

    def end(self) -> None:
        self.child.kill()
        self.child.wait()


def beside(table: Table, measured: dict[str, str], files: Path) -> None:
    home, data = install(), OUT / "pouch-data"
    shutil.rmtree(data, ignore_errors=True)
    (data / "phone").mkdir(parents=True)
    members = sum(1 for _ in (files / "members.csv").open()) - 1
    say("filling the peer's server")
    server = Talk(home, "server.js", files, data / "server", members)
    _, port, docs, lines = server.hear().split()
    say(f"the peer loads {int(docs):,} documents with {int(lines):,} lines")
    client = Talk(home, "client.js", port, data / "phone", SECONDS_MAX)
    load, noop = json.loads(client.hear()), json.loads(client.hear())
    loaded = load["docs"] / load["ms"] * 1_000
    if load["whole"]:
        load_ms, said = load["ms"], f"{load['ms'] / 1_000:.1f} s"
    else:
        load_ms = load["ms"] * int(docs) / max(load["docs"], 1)
        said = (f"given up after {SECONDS_MAX} s with {load['docs']:,} of {int(docs):,} documents; "
                f"at that pace {load_ms / 1_000:.0f} s")
    ratio(table, f"first load of {int(docs):,} members and {int(lines):,} lines",
          ours(measured, "first load, until all members are here"), load_ms, f"{said}, {loaded:,.0f} documents/s, peak {load['peak_mb']} MB")
    if load["whole"]:
        ratio(table, "sync without changes", ours(measured, "sync round without changes"), noop["ms"],
              f"p50 {noop['ms']:.0f} ms, max {noop['max_ms']:.0f} ms")
        pulls = []
        for _ in range(PULLS):
            server.ask(f"change {CHANGES}")
            pulls.append(json.loads(client.ask("pull"))["ms"])
        pull_ms = statistics.median(pulls)
        ratio(table, f"sync with {CHANGES:,} changes", ours(measured, "sync round with "), pull_ms,
              f"p50 {pull_ms:.0f} ms, max {max(pulls):.0f} ms")
    versions = json.loads(client.ask("end"))["versions"]
    table.add("the peer", "PouchDB replicating from express-pouchdb, LevelDB on both sides, one document a member", "",
              ", ".join(f"{name} {version}" for name, version in versions.items()))
    client.end()
    server.end()


def ratio(table: Table, figure: str, ours_ms: float, peer_ms: float, peer: str) -> None:
    table.add(f"{figure}: PouchDB ÷ ours", f"{peer_ms / ours_ms:.1f} (ours {ours_ms:,.0f} ms)" if ours_ms >= 10
              else f"{peer_ms / ours_ms:.1f} (ours {ours_ms:.1f} ms)", "", f"PouchDB {peer}")
