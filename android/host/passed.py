#!/usr/bin/env python3
"""Prints what the host build's tests did, module by module, and fails if none ran or one was skipped.

passed.py FOLDER [MODULE…]   without modules all that are there
"""
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

total = {}
for report in sorted(Path(sys.argv[1]).glob("*/surefire-reports/TEST-*.xml")):
    if sys.argv[2:] and report.parts[-3] not in sys.argv[2:]:
        continue
    suite = ET.parse(report).getroot()
    counts = total.setdefault(report.parts[-3], dict.fromkeys(("passed", "failed", "skipped"), 0))
    failed = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
    skipped = int(suite.get("skipped", "0"))
    counts["failed"] += failed
    counts["skipped"] += skipped
    counts["passed"] += int(suite.get("tests", "0")) - failed - skipped
for module, counts in total.items():
    print(f"{module}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
ok = total and all(c["passed"] > 0 and c["failed"] + c["skipped"] == 0 for c in total.values())
sys.exit(0 if ok else "the host build's tests did not all run and pass")
