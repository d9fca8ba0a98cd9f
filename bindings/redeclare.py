#!/usr/bin/env python3
"""Writes bindings/src/records.rs: the core's records as uniffi sees them, with their docs.

uniffi needs the shape of a type from another crate declared again (`#[uniffi::remote]`). The compiler
checks that both fit; this script saves writing them, and `--check` fails once they have parted.

    bindings/redeclare.py           writes the file
    bindings/redeclare.py --check   says whether it is up to date
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bindings/src/records.rs"

# (file, path in Rust, types). Everything that crosses the boundary stands here.
FACADE = "yaoban_clerk_core::facade"
SOURCES = [
    ("core/domain/src/codes.rs", "yaoban_domain::codes",
     "Care CarrierResult Channel Class ContactPurpose GateReason OutcomeCode SendState TaskKind"),
    ("core/domain/src/task/outcome.rs", "yaoban_domain::task", "Answer"),
    ("core/clerk/src/sync/event.rs", "yaoban_clerk_core::sync", "Progress Stage"),
    ("core/clerk/src/recording/mod.rs", "yaoban_clerk_core::recording", "Network"),
    ("core/clerk/src/facade/mod.rs", FACADE, "Acted FirstLoad Paired PairingOffer PhoneStage Status StuckOp SyncReport"),
    ("core/clerk/src/facade/work.rs", FACADE, "Refused ReasonCount"),
    ("core/clerk/src/facade/device.rs", FACADE + "::device", "Storage"),
    ("core/clerk/src/facade/staff.rs", FACADE + "::staff", "Rights StaffRow"),
    ("core/clerk/src/facade/tasks.rs", FACADE + "::tasks",
     "GroupTasks Household OutcomeRow Script TaskAct TaskDetail TaskFilter TaskList TaskRow TaskView"),
    ("core/clerk/src/facade/contact.rs", FACADE + "::contact",
     "AttemptRow Awaits Decision Dial DialTarget EndedAttempt GateVerdict NewOutcome OpenAttempt Recorded"),
    ("core/clerk/src/facade/doctor.rs", FACADE + "::doctor", "CheckupFindings"),
    ("core/clerk/src/facade/entry.rs", FACADE + "::entry",
     "EntryState ReadingCheck ReadingForm ReadingNumber TypedReading"),
    ("core/clerk/src/facade/find.rs", FACADE + "::find", "Found Mark MemberRow"),
    ("core/clerk/src/facade/groups.rs", FACADE + "::groups", "Group GroupConditions SavedGroup"),
    ("core/clerk/src/facade/history.rs", FACADE + "::history", "DaysAsked HistoryDay HistoryPage LineRow"),
    ("core/clerk/src/facade/manager.rs", FACADE + "::manager",
     "ClerkDay DuplicateMember DuplicateRow FigureCount Moved Reassigned SyncQueue Today TodayFigure TodayItem Whose"),
    ("core/clerk/src/facade/members.rs", FACADE + "::members",
     "ConsentForm ConsentStanding DiseaseRow DrawnSignature MemberForm NewConsent NewMember NewRegimen Registered TypedMember"),
    ("core/clerk/src/facade/message.rs", FACADE + "::message",
     "MessageDeferred MessageOut MessagePreview MessagePreviews MessageResult OpenMessage RefusedBy TemplateRow Told"),
    ("core/clerk/src/facade/outcomes.rs", FACADE + "::outcomes", "OutcomeChoice OutcomeChoices"),
    ("core/clerk/src/facade/overview.rs", FACADE + "::overview", "Count DueCounts MemberCounts TaskCounts ViewCount"),
    ("core/clerk/src/facade/profile.rs", FACADE + "::profile",
     "AllergyRow ClassWhy ConsentRow ContactRow LeaningsRow MedicineRow NoteRow Profile RegimenRow Say TaskBrief"),
    ("core/clerk/src/facade/readings.rs", FACADE + "::readings", "ReadingAdded ReadingRow Readings TargetBand"),
    ("core/clerk/src/facade/recordings.rs", FACADE + "::recordings", "RecorderFile RecordingMatch RecordingRow RecordingUsage UploadReport"),
]

# Names that Kotlin or Swift have already, or that say too little outside their Rust module.
RENAMED = {
    "CheckupFindings": "Checkup",
    "Class": "MemberClass",
    "Count": "CodeCount",
    "Found": "FoundMembers",
    "Group": "MemberGroup",
    "Network": "NetworkKind",
    "Progress": "SyncProgress",
    "Recorded": "RecordedOutcome",
    "Refused": "RefusedOne",
    "Stage": "SyncStage",
    "Status": "PhoneStatus",
    "Storage": "StorageUse",
    "Today": "TodayByClerk",
}

# Types that uniffi cannot express stand as custom types (custom.rs).
CUSTOM = [
    (r"(?:chrono::)?NaiveDate\b", "CivilDate"),
    (r"Vec<\(String, String\)>", "Values"),
    (r"&'static str", "Word"),
    (r"\busize\b", "Amount"),
    (r"\bPathBuf\b", "FilePath"),
    (r"\bSecretString\b", "PhoneNumber"),
    (r"\bOpen<(\w+)>", r"\1Code"),
]

# Records that the shells make: what may be left out has a default.
INPUTS = set("DaysAsked GroupConditions NewConsent NewMember NewOutcome NewRegimen TaskFilter".split())


def items(text):
    """Type name → (docs, keyword, body lines) of the public types of a file, `codes!` enums too."""
    found = {}
    for match in re.finditer(
            r"^((?:(?:///|#\[|    |\)\])[^\n]*\n)*)pub (struct|enum) (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        found[match[3]] = (docs(match[1]), match[2], match[4].splitlines())
    for match in re.finditer(
            r"^codes! \{\n((?:    ///[^\n]*\n)*)    (\w+), \"[^\"]*\" \{\n(.*?)^    \}\n\}", text, re.M | re.S):
        body = [re.sub(r' = "\w+"', "", line[4:]) for line in match[3].splitlines()]
        found[match[2]] = (docs(match[1]), "enum", body)
    return found


def docs(block):
    return [line.strip() for line in block.splitlines() if line.strip().startswith("///")]


def unlinked(line):
    """Docs without links to Rust paths, which mean nothing in Kotlin or Swift."""
    line = re.sub(r"\[`(?:Self::|super::|crate::)?([^`\]]*)`\](?:\([^)]*\))?", r"`\1`", line)
    return line


def declaration(name, item):
    about, keyword, body = item
    kind = "Record" if keyword == "struct" else "Enum"
    shown = RENAMED.get(name, name)
    lines = [f"#[uniffi::remote({kind})]", *map(unlinked, about), f"pub {keyword} {shown} {{"]
    for line in body:
        if line.strip().startswith("#["):
            continue
        if line.strip().startswith("///"):
            lines.append(unlinked(line))
            continue
        for pattern, replacement in CUSTOM:
            line = re.sub(pattern, replacement, line)
        for old, new in RENAMED.items():
            # A type, not a variant or a field of that name.
            line = re.sub(rf"(?<=[:<( ])\b{old}\b(?=[>,)])", new, line) if ":" in line else line
        if name in INPUTS and re.search(r": (Option<|Vec<|bool|String,)", line) and not line.strip().startswith("pub ingredient: S"):
            lines.append("    #[uniffi(default)]")
        lines.append(line)
    return lines + ["}", ""]


def generate():
    lines = ["//! The core's records as uniffi sees them. Written by `bindings/redeclare.py`; do not edit.", ""]
    declarations = []
    for file, path, names in SOURCES:
        known = items((ROOT / file).read_text())
        used = []
        for name in names.split():
            if name not in known:
                sys.exit(f"redeclare.py: {file} has no public type {name}; mend SOURCES")
            used.append(f"{name} as {RENAMED[name]}" if name in RENAMED else name)
            declarations += declaration(name, known[name])
        lines.append(f"use {path}::{{{', '.join(used)}}};")
    of_ours = re.findall(r"pub type (\w+)|^    (\w+Code): ", (ROOT / "bindings/src/custom.rs").read_text(), re.M)
    used = set(re.findall(r"\w+", " ".join(line for line in declarations if "///" not in line)))
    custom = sorted({one or other for one, other in of_ours} & used)
    lines += ["", f"use crate::custom::{{{', '.join(custom)}}};", "", *declarations]
    text = "\n".join(lines)
    return subprocess.run(["rustfmt", "--edition", "2024", "--config-path", str(ROOT)],
                          input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    made = generate()
    if "--check" in sys.argv[1:]:
        if not OUT.exists() or OUT.read_text() != made:
            sys.exit("bindings/src/records.rs is not what bindings/redeclare.py writes: run it and look at the difference")
    else:
        OUT.write_text(made)
