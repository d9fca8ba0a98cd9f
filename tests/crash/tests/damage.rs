//! A damaged file of the phone, by seed.
#![cfg(target_os = "linux")]

use yaoban_crash::damage::damage_all;
use yaoban_crash::day::{Length, live};

const SEEDS: std::ops::Range<u64> = 0..150;

#[test]
fn a_damaged_file_is_told_and_what_can_be_read_of_the_clerks_work_is_saved() {
    let day = live(Length::Whole);
    let outcome = damage_all(&day, "note before the restore", SEEDS);
    println!(
        "{} files damaged, {} set aside, {} of {} operations saved; {} logs lost some unsaid",
        outcome.points, outcome.set_aside, outcome.only_here.1, outcome.only_here.0, outcome.unsaid
    );
    assert!(outcome.set_aside > 0);
    assert!(
        outcome.violations.is_empty(),
        "{} violations, the first ones:\n{}",
        outcome.violations.len(),
        outcome.violations[..outcome.violations.len().min(8)].join("\n")
    );
}
