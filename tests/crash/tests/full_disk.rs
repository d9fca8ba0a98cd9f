//! No room on the phone's disk or the hub's: a share of what `make crash` does. The same under the hub's real
//! process: `hub/tests/disk.rs`.
#![cfg(target_os = "linux")]

use yaoban_crash::day::{Length, live};
use yaoban_crash::full_disk::fill_all;
use yaoban_crash::power::Side;

/// One in so many steps that need room.
const PART: u64 = 5;
const HUB_PART: u64 = 17;

fn holds(side: Side, part: u64) {
    let day = live(Length::Whole);
    let outcome = fill_all(&day, side, part, &|_| {});
    println!("{side:?}: full at {} steps", outcome.points);
    assert!(outcome.points > 0);
    assert!(
        outcome.violations.is_empty(),
        "{} violations, the first ones:\n{}",
        outcome.violations.len(),
        outcome.violations[..outcome.violations.len().min(8)].join("\n")
    );
}

#[test]
fn a_full_phone_is_told_loses_nothing_and_is_forgotten_when_there_is_room() {
    holds(Side::Phone, PART);
}

#[test]
fn a_full_hub_is_told_loses_nothing_and_goes_on_when_there_is_room() {
    holds(Side::Hub, HUB_PART);
}
