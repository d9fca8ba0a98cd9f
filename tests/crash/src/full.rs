//! The whole run, with its closing line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::day::{Length, live};
use crate::full_disk::fill_all;
use crate::power::{Side, cut_all, every_step};

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

/// Everything that did not hold.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn take(&mut self, found: Vec<String>) {
        for violation in found {
            if self.0.len() < SHOWN_MAX {
                println!("{violation}");
            }
            self.0.push(violation);
        }
    }
}

/// Runs everything; the exit code says whether all of it held.
pub fn main() -> ExitCode {
    let seed = seed();
    println!("SEED={seed}");
    let mut findings = Findings::default();
    let (mut points, mut distinct) = (0, 0);
    for length in [Length::Damaged, Length::Whole] {
        let day = live(length);
        let cuts = every_step(&day, seed);
        println!(
            "power, {length:?}: {} steps of the disks, {} points",
            day.steps.len(),
            cuts.len()
        );
        let outcome = cut_all(&day, &cuts, THREADS, &progress(cuts.len()));
        points += outcome.points;
        distinct += outcome.points - outcome.same;
        findings.take(outcome.violations);
    }
    let sound = points - findings.0.len();
    let day = live(Length::Whole);
    let mut full = 0;
    for side in [Side::Phone, Side::Hub] {
        println!("full disk: {side:?}");
        let outcome = fill_all(&day, side, 1, &progress(0));
        full += outcome.points;
        findings.take(outcome.violations);
    }
    println!(
        "crash: points={sound}/{points} distinct={distinct} full={full} violations={}",
        findings.0.len()
    );
    if findings.0.is_empty() {
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
