//! No room on the disk: a share of what `make crash` does.
#![cfg(target_os = "linux")]

use yaoban_crash::day::{Length, live};
use yaoban_crash::full_disk::fill_all;
use yaoban_crash::power::Side;

/// One in so many steps that need room.
const PART: u64 = 23;

#[test]
fn a_full_disk_is_told_loses_nothing_and_is_forgotten_when_there_is_room() {
    let day = live(Length::Whole);
    for side in [Side::Phone, Side::Hub] {
        let outcome = fill_all(&day, side, PART, &|_| {});
        println!("{side:?}: full at {} steps", outcome.points);
        assert!(
            outcome.violations.is_empty(),
            "{} violations, the first ones:\n{}",
            outcome.violations.len(),
            outcome.violations[..outcome.violations.len().min(8)].join("\n")
        );
    }
}
