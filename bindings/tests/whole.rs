//! The whole facade crosses the boundary.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Calls of the core that shells have no use for, each with its reason.
const INSIDE: [(&str, &str); 24] = [
    (
        "open_with",
        "other chance and another way to the hub are for simulators",
    ),
    ("add_reading", "`add_typed` is what a shell has"),
    (
        "check_contact",
        "`check_dial` and `preview_messages` ask the gate for a shell",
    ),
    ("check_reading", "`check_typed` is what a shell has"),
    ("days_here", "`history` is what a shell has"),
    (
        "edit_member",
        "`save_form` and the calls for allergies are what a shell has",
    ),
    ("held_outcome_of", "`record_outcome` told it"),
    ("preview_message", "`preview_messages` is what a shell has"),
    ("repair", "the next call does so by itself"),
    ("recent_members", "`find` gives them while nothing is typed"),
    ("make_task", "`plan_call` is what a screen offers"),
    ("make_tasks", "`plan_calls` is what a screen offers"),
    ("lock_minutes", "the core locks by itself"),
    ("start_task", "a dial or an outcome begins a task"),
    ("stuck_ops", "`status` has them"),
    ("tidy_recordings", "an upload begins and ends with it"),
    ("close", "a shell pauses, and lets the object go"),
    ("background_parts", "`start_background_sync` holds them"),
    ("after_round", "`start_background_sync` calls it"),
    ("touched_by_shell", "`open` says it"),
    ("store", "for support tools and simulators"),
    ("settings", "rules are the core's"),
    ("now_ms", "the platform has a clock"),
    ("local", "`day_of` gives its date, `time_zone` its clock"),
];

/// Names of the public functions in the `impl ClerkApp` blocks of a file.
fn calls(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("\nimpl ClerkApp {\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("\n}\n").next().unwrap_or_default().lines());
    let name = |line: &str| Some(line.trim().strip_prefix("pub fn ")?.split('(').next()?.to_owned());
    lines.filter_map(name).collect()
}

#[test]
fn every_call_of_the_facade_crosses_the_boundary_or_says_why_not() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let facade = fs::read_dir(here.join("../core/clerk/src/facade")).unwrap();
    let theirs: BTreeSet<String> = facade.flat_map(|file| calls(&file.unwrap().path())).collect();
    let ours = calls(&here.join("src/app.rs"));
    let inside: BTreeSet<String> = INSIDE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(
        ours.len() > 80 && theirs.len() > 80,
        "the sources are read otherwise now"
    );
    let missing: Vec<_> = theirs
        .difference(&ours)
        .filter(|name| !inside.contains(*name))
        .collect();
    assert!(missing.is_empty(), "not in src/app.rs: {missing:?}");
    let gone: Vec<_> = inside.iter().filter(|name| !theirs.contains(*name)).collect();
    assert!(gone.is_empty(), "not in the facade any more: {gone:?}");
}
