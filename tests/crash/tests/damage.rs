//! Damaged files, anywhere in the day: a share of what `make crash` does.
#![cfg(target_os = "linux")]

use yaoban_crash::damage::damage_all;
use yaoban_crash::day::{Length, live};

const SEEDS: u64 = 200;

#[test]
fn damaged_files_are_kept_told_and_what_is_readable_is_saved() {
    let day = live(Length::Whole);
    let outcome = damage_all(&day, 1..SEEDS + 1, &|_| {});
    println!(
        "seeds 1..={SEEDS}: {} files damaged, {} phones set theirs aside, {} databases refused",
        outcome.files, outcome.set_aside, outcome.refused
    );
    assert!(
        outcome.violations.is_empty(),
        "{} violations, the first ones:\n{}",
        outcome.violations.len(),
        outcome.violations[..outcome.violations.len().min(8)].join("\n")
    );
}
