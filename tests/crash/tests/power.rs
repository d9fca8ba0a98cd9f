//! The power fails at steps of a recorded day: a share of what `make crash` does.
#![cfg(target_os = "linux")]

use yaoban_crash::day::{Length, live};
use yaoban_crash::power::{cut_all, some_steps};

/// One in so many writes and syncs; every change of names is taken.
const PART: usize = 12;
const SEED: u64 = 1;

fn holds(length: Length, part: usize) {
    let day = live(length);
    let points = some_steps(&day, SEED, part);
    let outcome = cut_all(&day, &points, 2, &|_| {});
    println!(
        "{length:?}, seed {SEED}: {} of {} steps, {} points, {} of them distinct",
        points.len() / 5,
        day.steps.len(),
        outcome.points,
        outcome.points - outcome.same
    );
    assert!(outcome.points > 0);
    assert!(
        outcome.violations.is_empty(),
        "{} violations, the first ones:\n{}",
        outcome.violations.len(),
        outcome.violations[..outcome.violations.len().min(8)].join("\n")
    );
}

#[test]
fn whatever_a_power_cut_leaves_is_opened_and_comes_together() {
    holds(Length::Whole, PART);
}

#[test]
fn a_power_cut_while_a_damaged_file_is_set_aside_loses_nothing_that_was_readable() {
    holds(Length::Damaged, PART);
}
