//! SIGKILL at random: a real hub serves, a clerk works at a real terminal phone, headquarters import, and
//! in every round one of these processes dies between two writes that the seed names. In the end whatever
//! an exit code 0 promised is at the hub exactly once, and everything is whole.
//!
//! The seed decides who dies, at which share of the writes that such a process makes, and what is done
//! meanwhile. The threads of several processes are the system's, so a seed repeats the plan, not every
//! instruction.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a failed helper fails the run"
)]

mod chain;
mod ledger;
mod plan;
mod victim;
mod world;

use std::collections::BTreeMap;

pub use plan::Victim;
use world::World;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Summary {
    /// Rounds that were run.
    pub rounds: u64,
    /// Processes that were killed, by which.
    pub kills: BTreeMap<Victim, u64>,
    /// What was tried at the phone, and what of it was promised.
    pub deeds: (usize, usize),
    /// Done by a process that died before it could promise it.
    pub there_unpromised: usize,
    /// Promised and not at the hub.
    pub lost: Vec<String>,
    /// More than once at the hub, or counted twice.
    pub doubled: Vec<String>,
    /// Whatever else is not whole.
    pub corrupt: Vec<String>,
}

impl Summary {
    /// Nothing was lost, doubled or corrupt.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.corrupt.is_empty()
    }

    /// What did not hold, one line each.
    pub fn findings(&self) -> impl Iterator<Item = String> {
        let named = |name: &'static str, found: &[String]| {
            let lines: Vec<_> = found.iter().map(|one| format!("{name}: {one}")).collect();
            lines
        };
        [
            named("lost", &self.lost),
            named("doubled", &self.doubled),
            named("corrupt", &self.corrupt),
        ]
        .into_iter()
        .flatten()
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "kill9: rounds={} kills={} lost={} doubled={} corrupt={}",
            self.rounds,
            self.kills.values().sum::<u64>(),
            self.lost.len(),
            self.doubled.len(),
            self.corrupt.len()
        )
    }
}

/// Runs so many rounds of a seed; `tell` hears of each.
pub fn run(seed: u64, rounds: u64, tell: &dyn Fn(u64, Victim)) -> Summary {
    let mut world = World::new(rounds);
    for round in 1..=rounds {
        let mut chance = plan::Chance::of(seed, round);
        let victim = Victim::drawn(round, &mut chance);
        tell(round, victim);
        world.round(round, victim, &mut chance);
    }
    world.end(rounds)
}
