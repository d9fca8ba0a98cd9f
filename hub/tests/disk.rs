//! A disk that takes no more, under the real process: files may not grow beyond a size, which SQLite
//! meets as it meets a disk that fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod process;

use std::fmt::Write as _;
use std::process::Command;

use process::{HUB, Hub, PURCHASES, counts};
use serde_json::Value;

const LINES: u64 = 60_000;

fn lines() -> String {
    let mut text = format!("{PURCHASES}\n");
    for line in 0..LINES {
        let (member, day, drug) = (line % 4 + 1, line % 28 + 1, line % 3 + 1);
        let _ = writeln!(
            text,
            "L{line},M{member},S1,2026-02-{day:02},D{drug},1,{}.50,",
            line % 90
        );
    }
    text
}

#[test]
fn an_import_that_meets_a_full_disk_says_where_and_is_finished_later() {
    let whole = Hub::with_chain();
    let file = whole.file("many.csv", lines());
    let report = whole.import("--purchases", &file);
    assert_eq!(counts(&report), [LINES, 0, 0, 0]);
    let expected = whole.classes();

    let mut refused = 0;
    // In blocks of 512 bytes: from too little for the first part to enough for all.
    for blocks in [400, 1_200, 2_400, 4_800, 9_600, 19_200, 1_000_000] {
        let hub = Hub::with_chain();
        let empty = hub.classes();
        let file = hub.file("many.csv", lines());
        let data = hub.data();
        let output = Command::new("sh")
            .args(["-c", r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#, "sh"])
            .arg(blocks.to_string())
            .arg(HUB)
            .args(["import", "--json", "--data"])
            .arg(&data)
            .arg("--purchases")
            .arg(&file)
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        if output.status.success() {
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(counts(&report["files"][0]), [LINES, 0, 0, 0]);
        } else {
            refused += 1;
            assert_eq!(output.status.code(), Some(1), "{blocks}: {message}");
            assert!(message.contains(data.to_str().unwrap()), "{blocks}: {message}");
            assert!(
                message.contains("disk") || message.contains("too large"),
                "{blocks}: {message}"
            );
            let seen = hub.classes();
            assert!(seen == empty || seen == expected, "{blocks}: half a file shows");
        }
        let report = hub.import("--purchases", &file);
        let [accepted, unchanged, ..] = counts(&report);
        assert_eq!(accepted + unchanged, LINES, "{blocks}: {report}");
        assert_eq!(hub.classes(), expected, "{blocks}");
        assert_eq!(
            counts(&hub.import("--purchases", &file)),
            [0, LINES, 0, 0],
            "{blocks}"
        );
    }
    assert!(refused >= 2, "the disk was full {refused} times only");
}
