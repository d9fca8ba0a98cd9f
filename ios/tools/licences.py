#!/usr/bin/env python3
"""Whose work is in the app, and under which licence: the list that the phone shows, App/Licences.txt. All of it is the
Rust library's; Swift packages there are none.

licences.py            writes the list
licences.py --check    fails if it is not what Cargo.lock says
"""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings"))
from crates import crates, keep  # noqa: E402

keep(ROOT / "ios/App/Licences.txt", sorted(crates("aarch64-apple-ios")), sys.argv[1:] == ["--check"], "ios/tools/licences.py")
