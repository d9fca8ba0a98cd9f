#!/usr/bin/env python3
"""Shows that the simulation catches known bugs of sync engines.

Each bug of mutants.toml is a small change of the production code. All of them are put into one
scratch copy of the workspace, each behind a switch that the environment turns on, so that one build
serves for all; the production code itself carries nothing of it. Ends with `mutants: caught=n/n`,
exit 1 unless every one is caught and the unchanged code is not.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "target" / "sim-mutants"
SWITCH = '''//! Switches of seeded bugs; this copy of the workspace is no product.

/// Whether the bug of this name is on.
pub fn is(name: &str) -> bool {
    static NAME: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("YAOBAN_MUTANT").unwrap_or_default());
    *NAME == name
}
'''
CRATES = ["core/domain", "core/protocol", "core/clerk", "hub"]


def read_mutants():
    with open(Path(__file__).with_name("mutants.toml"), "rb") as file:
        return tomllib.load(file)["mutant"]


def changed(mutants, root):
    """Every file that a mutant changes, with all changes in it. A place that is not there exactly
    once is an error: the code moved on, and the mutant must follow."""
    files, wrong = {}, []
    for mutant in mutants:
        for edit in mutant["edit"]:
            path = edit["file"]
            text = files.get(path) or (root / path).read_text(encoding="utf-8")
            if text.count(edit["find"]) != 1:
                wrong.append(f"{mutant['name']}: {path} has its place {text.count(edit['find'])} times")
                continue
            new = edit["replace"].replace("MUTANT", f'crate::mutant::is("{mutant["name"]}")')
            files[path] = text.replace(edit["find"], new)
    if wrong:
        sys.exit("mutants that no longer fit the code; correct tests/sim/mutants.toml:\n  " + "\n  ".join(wrong))
    return files


def write(path, text):
    """Writes only what differs, so that a second run builds nothing anew."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def copy(mutants):
    files = changed(mutants, ROOT)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "Cargo.*", "bindings", "core", "hub", "tests", "clippy.toml",
         "rust-toolchain.toml"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        source, target = ROOT / name, SCRATCH / name
        if not source.is_file():
            continue
        if name in files:
            write(target, files[name])
        elif name in [f"{crate}/src/lib.rs" for crate in CRATES]:
            write(target, source.read_text(encoding="utf-8") + "\npub mod mutant;\n")
        elif not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for crate in CRATES:
        write(SCRATCH / crate / "src/mutant.rs", SWITCH)


def build(profile):
    """Builds the copy, in a folder of its own: cargo tells crates apart by their place in the workspace,
    and would take what it built of one workspace for the other's."""
    command = ["cargo", "build", "--locked", "-q", "-p", "yaoban-sim"]
    if profile == "release":
        command.append("--release")
    folder = ROOT / "target" / "sim-mutants-build"
    subprocess.run(command, cwd=SCRATCH, env={**os.environ, "CARGO_TARGET_DIR": str(folder)}, check=True)
    return folder / ("release" if profile == "release" else "debug") / "yaoban-sim"


def run(binary, name, seeds, seconds):
    """The number of seeds until the first one fails (none if none does), and what failed."""
    done = subprocess.run(
        [binary, "--from", "1", "--seeds", str(seeds), "--seconds", str(seconds), "--first", "--no-shrink"],
        env={**os.environ, "YAOBAN_MUTANT": name}, capture_output=True, text=True)
    line = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    found = re.match(r"sim: seeds=(\d+) ", line)
    what = next((l for l in done.stdout.splitlines() if l.startswith("seed ")), "")
    return (int(found.group(1)) if found else 0, done.returncode != 0, what)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400, help="at most so many seeds a mutant")
    parser.add_argument("--seconds", type=int, default=240, help="at most so long a mutant")
    parser.add_argument("--check", action="store_true", help="only look whether the mutants fit the code and the copy is whole")
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    parser.add_argument("--profile", choices=["release", "dev"], default="dev",
                        help="dev is optimised too, and quicker to build")
    args = parser.parse_args()
    mutants = read_mutants()
    copy(mutants)
    if args.check:
        # The copy is a whole workspace, too.
        subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=SCRATCH, check=True,
                       stdout=subprocess.DEVNULL)
        print(f"mutants: {len(mutants)} fit the code")
        return
    wanted = [mutant for mutant in mutants if args.only in mutant["name"]]
    binary = build(args.profile)
    seeds, failed, what = run(binary, "", 60, args.seconds)
    if failed:
        sys.exit(f"the unchanged code fails already: {what}")
    print(f"{'unchanged':<28} {seeds:>5} seeds  sound")
    caught = 0
    for mutant in wanted:
        began = time.monotonic()
        seeds, failed, what = run(binary, mutant["name"], args.seeds, args.seconds)
        caught += failed
        verdict = f"caught: {what[:110]}" if failed else "NOT CAUGHT"
        print(f"{mutant['name']:<28} {seeds:>5} seeds {time.monotonic() - began:>5.1f} s  {verdict}", flush=True)
    print(f"mutants: caught={caught}/{len(wanted)}")
    sys.exit(0 if caught == len(wanted) else 1)


if __name__ == "__main__":
    main()
