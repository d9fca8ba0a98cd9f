//! Many seeds, on as many threads as there are cores, and what is printed of them.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::fault::Fault;
use crate::shrink::shrink;
use crate::world::{Broken, Kind, Outcome, Plan, run};

/// Failing seeds after which a run ends early.
pub const FAILURES_MAX: usize = 5;

/// In so many seeds every kind of fault fires: the rarest one does some ten times. One that is silent
/// tests nothing, and fails the run.
pub const SILENCE_SEEDS: u64 = 1_000;

/// Sums over many seeds.
#[derive(Debug, Default)]
pub struct Sums {
    /// Seeds that were run.
    pub seeds: u64,
    /// Phones times days.
    pub phone_days: u64,
    /// Deeds of clerks.
    pub deeds: u64,
    /// Rounds of sync.
    pub rounds: u64,
    /// How often each fault fired.
    pub fired: Vec<u64>,
    /// Rounds until a phone that was behind was level with the hub, one each.
    pub rounds_to_level: Vec<u32>,
    /// Broken invariants by kind: lost, doubled, wedged, others.
    pub broken: [u64; 4],
    /// Seeds that failed, and with what.
    pub failed: Vec<(u64, Vec<Broken>)>,
}

impl Sums {
    /// Adds what came of a seed.
    pub fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.phone_days += outcome.phone_days;
        self.deeds += outcome.deeds;
        self.rounds += outcome.rounds;
        self.fired.resize(Fault::ALL.len(), 0);
        for (sum, fired) in self.fired.iter_mut().zip(&outcome.fired) {
            *sum += fired;
        }
        for broken in &outcome.broken {
            let kind = match broken.kind {
                Kind::Lost => 0,
                Kind::Doubled => 1,
                Kind::Wedged => 2,
                Kind::Violation => 3,
            };
            self.broken[kind] += 1;
        }
        if outcome.broken.is_empty() {
            self.rounds_to_level.extend(outcome.rounds_to_level);
        } else {
            self.failed.push((seed, outcome.broken));
        }
    }

    /// Whether nothing broke, and everything that can go wrong did where that is to be expected.
    pub fn is_sound(&self) -> bool {
        self.failed.is_empty() && (self.seeds < SILENCE_SEEDS || self.silent().is_empty())
    }

    /// The line with which `make sim` ends.
    pub fn line(&self) -> String {
        let faults: u64 = self.fired.iter().sum();
        let [lost, doubled, wedged, violations] = self.broken;
        format!(
            "sim: seeds={} phone_days={} faults={faults} lost={lost} doubled={doubled} wedged={wedged} \
             violations={violations}",
            self.seeds, self.phone_days
        )
    }

    /// The rounds within which so many in a hundred phones were level with the hub.
    pub fn rounds_percentile(&self, percent: usize) -> u32 {
        let mut rounds = self.rounds_to_level.clone();
        rounds.sort_unstable();
        let at = (rounds.len() * percent).div_ceil(100).max(1) - 1;
        rounds.get(at).copied().unwrap_or(0)
    }

    /// How often each fault fired.
    pub fn fault_table(&self) -> String {
        let mut table = String::new();
        for (fault, fired) in Fault::ALL.iter().zip(&self.fired) {
            table.push_str(&format!("  {:<24}{fired:>10}\n", fault.code()));
        }
        table
    }

    /// Faults that never fired.
    pub fn silent(&self) -> Vec<&'static str> {
        Fault::ALL
            .iter()
            .zip(&self.fired)
            .filter(|(_, fired)| **fired == 0)
            .map(|(fault, _)| fault.code())
            .collect()
    }
}

/// Runs a world; a panic in it is a broken invariant.
pub fn run_guarded(plan: &Plan) -> Outcome {
    std::panic::catch_unwind(AssertUnwindSafe(|| run(plan))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        Outcome {
            broken: vec![Broken {
                kind: Kind::Violation,
                what: format!("panic: {text}"),
            }],
            fired: vec![0; Fault::ALL.len()],
            ..Outcome::default()
        }
    })
}

/// Runs seeds on all cores. Ends early once enough of them failed, or when `until` is over.
pub fn run_seeds(from: u64, seeds: u64, until: Option<Instant>, failures_max: usize) -> Sums {
    let next = AtomicU64::new(from);
    let sums: Mutex<Sums> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let over = until.is_some_and(|until| Instant::now() >= until);
                    let enough =
                        sums.lock().unwrap_or_else(PoisonError::into_inner).failed.len() >= failures_max;
                    if seed >= from + seeds || over || enough {
                        return;
                    }
                    let outcome = run_guarded(&Plan::of(seed));
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    sums.add(seed, outcome);
                    if sums.failed.len() >= failures_max {
                        return;
                    }
                }
            });
        }
    });
    sums.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The command that replays a plan.
pub fn command(plan: &Plan) -> String {
    let mut command = format!("make sim SEED={}", plan.seed);
    if !plan.without.is_empty() {
        let names: Vec<&str> = plan.without.iter().map(|fault| fault.code()).collect();
        command.push_str(&format!(" WITHOUT={}", names.join(",")));
    }
    if plan.phones_max != u32::MAX {
        command.push_str(&format!(" PHONES={}", plan.phones_max));
    }
    if plan.days_max != u32::MAX {
        command.push_str(&format!(" DAYS={}", plan.days_max));
    }
    command
}

/// The smallest form of a failing seed, with its trace.
pub fn explain(seed: u64) -> String {
    let least = shrink(&Plan::of(seed));
    let shown = run_guarded(&Plan {
        keep_trace: true,
        ..least.clone()
    });
    let mut text = format!("seed {seed} in its smallest form; replay: {}\n", command(&least));
    for line in &shown.lines {
        text.push_str(line);
        text.push('\n');
    }
    for broken in &shown.broken {
        text.push_str(&format!("{:?}: {}\n", broken.kind, broken.what));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_is_silent_in_many_seeds_fails_the_run() {
        let mut fired = vec![1; Fault::ALL.len()];
        let sums = |seeds, fired: &[u64]| Sums {
            seeds,
            fired: fired.to_vec(),
            ..Sums::default()
        };
        assert!(sums(SILENCE_SEEDS, &fired).is_sound());
        fired[3] = 0;
        assert!(sums(SILENCE_SEEDS - 1, &fired).is_sound(), "too few to expect it");
        assert!(!sums(SILENCE_SEEDS, &fired).is_sound());
        assert_eq!(sums(1, &fired).silent(), [Fault::ALL[3].code()]);
    }
}
