"""Measures hub and phone core in release and prints a table beside the targets and the peers.

    bench.py [--quick] [--only hub|phone|jvm|peer|fleet] [--keep]

Nothing here fails on a slow machine: it measures, it does not judge. `--quick` takes a tenth of the data.
Every figure of a command is that of the whole process (start included), by the operating system's own
accounting of the finished process.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import venv
from pathlib import Path

import fleet
import jvm
import pouch
from common import AS_OF, BENCH, HERE, HUB, OUT, ROOT, Table, again, generate, import_base, run, say, spread

AUDIENCES = {
    "bought one ingredient in 90 days": {"bought": {"ingredient": "成分7", "days": [0, 90]}},
    "class, and bought a category twice in a year (or a tag)": {"all": [
        {"class": ["retain", "develop"]},
        {"any": [{"bought": {"category": "类别3", "days": [0, 364], "at_least": {"times": 2}}}, {"tags": ["医保"]}]}]},
    "one medicine running low or out": {"medicine": {"ingredient": "成分7", "status": ["running_low", "out"]}},
    "any medicine running low": {"medicine": {"status": "running_low"}},
}


def peers_python() -> str:
    """A private environment with the peers, made once."""
    wanted = hashlib.sha256((HERE / "requirements.txt").read_bytes()).hexdigest()
    home, stamp = OUT / "venv", OUT / "venv.stamp"
    python = str(home / "bin" / "python")
    if not (stamp.exists() and stamp.read_text() == wanted):
        say("installing the peers")
        venv.create(home, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
                        str(HERE / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    return python


def lines_in(path: Path) -> int:
    with path.open("rb") as f:
        return sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b"")) - 1


def hub(table: Table, scale: int) -> None:
    files = generate("chain", members=1_000_000 // scale, lines=12_000_000 // scale, stores=200)
    data = OUT / "hub"
    say("importing stores, staff, drugs and members")
    import_base(data, files)
    lines = lines_in(files / "purchases.csv")

    say(f"importing {lines:,} purchase lines")
    seconds, peak, printed = run(HUB, "import", "--data", data, "--purchases", files / "purchases.csv", "--json",
                                 stdout=subprocess.PIPE)
    report = json.loads(printed)["files"][0]
    if report["accepted"] != lines:
        sys.exit(f"bench: {report['accepted']} of {lines} lines were accepted")
    raw_db = OUT / "raw.db"
    raw_db.unlink(missing_ok=True)
    raw, _, _ = run("sqlite3", raw_db, "-cmd", ".mode csv", f".import {files / 'purchases.csv'} purchases")
    raw_db.unlink()
    table.add("import, purchase lines a second", f"{lines / seconds:,.0f} ({seconds:.1f} s, peak {peak:.0f} MB)", "≥ 300,000")
    table.add("import ÷ sqlite3 .import of the same file", f"{seconds / raw:.2f}", "≤ 3", f"sqlite3 {raw:.1f} s")
    table.add("import, longest write transaction", f"{report['write_ms_max']} ms", "< 200 ms")
    run(HUB, "import", "--data", data, "--readings", files / "readings.csv")

    python = peers_python()
    say("writing Parquet for the peers")
    shutil.rmtree(files / "parquet", ignore_errors=True)
    run(python, HERE / "peers.py", "parquet", files)
    peers = {}
    for name in ("duckdb", "polars"):
        results = [json.loads(run(python, HERE / "peers.py", name, files, AS_OF, stdout=subprocess.PIPE)[2]) for _ in range(3)]
        peers[name] = {**results[0], "seconds": statistics.median(r["seconds"] for r in results),
                       "peak_mb": max(r["peak_mb"] for r in results)}
    seconds, peak, printed = again(9, HUB, "classes", "--data", data, "--as-of", AS_OF, "--json")
    board = {c["class"]: [c["members"], c["spend_fen"]] for c in json.loads(printed)["classes"]}
    for name, peer in peers.items():
        if board != peer["classes"]:
            sys.exit(f"bench: {name} computes other classes:\n ours {board}\n {name} {peer['classes']}")
    duck, pol = peers["duckdb"], peers["polars"]
    beside = (f"DuckDB {duck['seconds']:.2f} s, {duck['peak_mb']} MB; polars {pol['seconds']:.2f} s, {pol['peak_mb']} MB"
              " (same classes)")
    table.add("classes, fit and score, whole process", spread(seconds), f"≤ {duck['seconds'] / 2:.2f} s (half of DuckDB)", beside)
    table.add("classes, peak memory", f"{peak:.0f} MB", "≤ 300 MB")

    rule = OUT / "rule.json"
    for name, body in AUDIENCES.items():
        rule.write_text(json.dumps(body, ensure_ascii=False))
        seconds, peak, printed = again(9, HUB, "audience", "--data", data, "--as-of", AS_OF, "--rule", rule, "--json")
        members = json.loads(printed)["members"]
        table.add(f"audience: {name}", f"{spread(seconds)}, peak {peak:.0f} MB ({members:,} members)", "≤ 1 s")


def phone(table: Table, scale: int) -> dict[str, str]:
    """The phone core on one large store; what was measured, by figure."""
    files = generate("store", members=100_000 // scale, lines=1_000_000 // scale, stores=1)
    data = OUT / "store-hub"
    say("importing one large store")
    import_base(data, files)
    run(HUB, "import", "--data", data, "--purchases", files / "purchases.csv", "--readings", files / "readings.csv",
        "--stock", files / "stock.csv")
    run(HUB, "model", "publish", "--data", data, "--as-of", AS_OF)
    say("first load, searches, profiles, lists, groups and sync rounds on the phone core")
    _, _, printed = run(BENCH, "phone", "--hub", HUB, "--data", data, "--home", OUT / "phone", "--as-of", AS_OF,
                        stdout=subprocess.PIPE)
    rows = [json.loads(line) for line in printed.splitlines()]
    for row in rows:
        table.add(row["figure"], row["measured"], row.get("target", ""), row.get("peer", ""))
    return {row["figure"]: row["measured"] for row in rows}


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{datetime.date.today()}, {os.cpu_count()} cores of {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a tenth of the data")
    options.add_argument("--only", choices=("hub", "phone", "jvm", "peer", "fleet"),
                         help="peer is phone with PouchDB beside it, jvm is phone with the Kotlin models on it")
    options.add_argument("--keep", action="store_true", help="keep the generated data (6 GB)")
    chosen = options.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    say("building in release")
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "yaoban-hub", "-p", "yaoban-terminal",
                    "-p", "yaoban-bench", "-p", "yaoban-fleet"], cwd=ROOT, check=True)
    table, scale = Table(), 10 if chosen.quick else 1
    if chosen.only in (None, "hub"):
        hub(table, scale)
    if chosen.only in (None, "phone", "jvm", "peer"):
        measured = phone(table, scale)
        if chosen.only in (None, "jvm"):
            jvm.measure(table)
        if chosen.only in (None, "peer"):
            pouch.beside(table, measured, OUT / "store")
    if chosen.only in (None, "fleet"):
        fleet.measure(table, scale)
    print(f"\n{machine()}{' (quick: a tenth of the data)' if chosen.quick else ''}\n\n{table.text()}")
    if not chosen.keep:
        for name in ("chain", "hub", "store", "store-hub", "phone", "pouch-data", "fleet", "fleet-hub"):
            shutil.rmtree(OUT / name, ignore_errors=True)


if __name__ == "__main__":
    main()
