//! No room on the phone (the hub: `hub/tests/disk.rs`): a share of what `make crash` does.
#![cfg(target_os = "linux")]

use yaoban_crash::day::{Length, live};
use yaoban_crash::full_disk::fill_all;
use yaoban_crash::power::Side;

/// One in so many steps that need room.
const PART: u64 = 23;

#[test]
fn a_full_phone_is_told_loses_nothing_and_is_forgotten_when_there_is_room() {
    let day = live(Length::Whole);
    let outcome = fill_all(&day, Side::Phone, PART, &|_| {});
    println!("full at {} steps", outcome.points);
    assert!(
        outcome.violations.is_empty(),
        "{} violations, the first ones:\n{}",
        outcome.violations.len(),
        outcome.violations[..outcome.violations.len().min(8)].join("\n")
    );
}
