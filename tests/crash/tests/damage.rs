//! A damaged file of the phone, or of its mirror, by seed.
#![cfg(target_os = "linux")]

use yaoban_crash::damage::damage_all;
use yaoban_crash::day::{Length, live};

const SEEDS: std::ops::Range<u64> = 0..300;

#[test]
fn a_damaged_file_is_told_and_nothing_that_a_clerk_did_is_lost() {
    let day = live(Length::Whole);
    let outcome = damage_all(&day, "note before the restore", SEEDS);
    println!(
        "{} files damaged, {} set aside, {} lost operations that came back from the mirror; {} of {} operations saved",
        outcome.points, outcome.set_aside, outcome.mirrored, outcome.only_here.1, outcome.only_here.0
    );
    assert!(outcome.set_aside > 0 && outcome.mirrored > 0);
    assert!(
        outcome.violations.is_empty(),
        "{} violations, the first ones:\n{}",
        outcome.violations.len(),
        outcome.violations[..outcome.violations.len().min(8)].join("\n")
    );
}
