#!/usr/bin/env python3
"""Which suite's tests walk through which flow of tests/flows.toml; fails on an id that is not there, and on a flow that
a shell does not walk through."""
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
flows = tomllib.loads((ROOT / "tests/flows.toml").read_text())
# Kotlin names a test by the id itself; Swift, which cannot, says it in a comment before the test.
SUITES = {
    "ui": (ROOT / "android/ui/src/test", "*.kt", r"fun `([a-z]+(?:-[a-z]+)+)`"),
    "app": (ROOT / "android/app/src/test", "*.kt", r"fun `([a-z]+(?:-[a-z]+)+)`"),
    "ios": (ROOT / "ios/Tests", "*.swift", r"// flow: ([a-z-]+)"),
}
has = {}
for suite, (folder, pattern, name) in SUITES.items():
    found = [re.findall(name, path.read_text()) for path in sorted(folder.rglob(pattern))]
    has[suite] = {flow for flows_of_file in found for flow in flows_of_file}

unknown = sorted({f"{suite}: {flow}" for suite in has for flow in has[suite] - flows.keys()})
# The Android shell is screens and app together.
shells = {"android": has["ui"] | has["app"], "ios": has["ios"]}
missing = [f"{shell}: {flow}" for shell in shells for flow, told in flows.items()
           if flow not in shells[shell] and told.get("only", shell) == shell]
for flow in flows:
    print(f"  {flow:32} " + " ".join(suite if flow in has[suite] else "-" * len(suite) for suite in has))
if unknown or missing:
    sys.exit("tests/flows.toml: " + "; ".join([f"not a flow: {one}" for one in unknown] + [f"in no test: {one}" for one in missing]))
