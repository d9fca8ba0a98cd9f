//! The whole run, with its closing line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::day::{Length, live};
use crate::power::{cut_all, every_step};

/// Threads: the machine that the figures are taken on has so many.
const THREADS: usize = 2;
/// Violations that are printed in full.
const SHOWN_MAX: usize = 20;

/// Seed of chance: `SEED`, or 1.
fn seed() -> u64 {
    std::env::var("SEED")
        .ok()
        .map_or(1, |text| text.parse().expect("SEED is a number"))
}

/// Runs everything; the exit code says whether all of it held.
pub fn main() -> ExitCode {
    let seed = seed();
    println!("SEED={seed}");
    let day = live(Length::Whole);
    let points = every_step(&day, seed);
    println!(
        "power: {} steps of the disks, {} points",
        day.steps.len(),
        points.len()
    );
    let tell = progress(points.len());
    let outcome = cut_all(&day, &points, THREADS, &tell);
    for violation in outcome.violations.iter().take(SHOWN_MAX) {
        println!("{violation}");
    }
    let sound = outcome.points - outcome.violations.len();
    println!(
        "crash: points={sound}/{} distinct={} violations={}",
        outcome.points,
        outcome.points - outcome.same,
        outcome.violations.len()
    );
    if outcome.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Tells every ten seconds how far it is.
fn progress(of: usize) -> impl Fn(usize) + Sync {
    let next = std::sync::Mutex::new(Instant::now() + Duration::from_secs(10));
    move |done| {
        let mut next = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if Instant::now() >= *next {
            println!("  {done} of {of}");
            *next = Instant::now() + Duration::from_secs(10);
        }
    }
}
