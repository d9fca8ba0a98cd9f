#!/usr/bin/env python3
"""Prints what the host build's tests did, module by module, and fails if none ran or one was skipped."""
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

total = {}
for report in sorted(Path(sys.argv[1]).glob("*/surefire-reports/TEST-*.xml")):
    suite = ET.parse(report).getroot()
    counts = total.setdefault(report.parts[-3], {})
    for name in ("tests", "failures", "errors", "skipped"):
        counts[name] = counts.get(name, 0) + int(suite.get(name, "0"))
for module, counts in total.items():
    print(f"{module}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
ok = total and all(c["tests"] > 0 and c["failures"] + c["errors"] + c["skipped"] == 0 for c in total.values())
sys.exit(0 if ok else "the host build's tests did not all run and pass")
