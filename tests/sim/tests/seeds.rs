//! The share of the simulation that runs with every test: fixed seeds, and the promise that a seed
//! replays.

use std::time::{Duration, Instant};

use yaoban_sim::runner::{run_guarded, run_seeds};
use yaoban_sim::world::Plan;

/// As many as take about a minute; `make sim` runs as many as wanted.
const SEEDS: u64 = 80;
/// A machine that is busy with other work runs fewer of them, and says so.
const TIME_MAX: Duration = Duration::from_secs(150);

#[test]
fn the_same_seed_gives_the_same_trace_byte_by_byte() {
    for seed in [2, 9] {
        let plan = Plan {
            keep_trace: true,
            ..Plan::of(seed)
        };
        let (one, two) = (run_guarded(&plan), run_guarded(&plan));
        let differs = one.lines.iter().zip(&two.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.trace, two.trace, "seed {seed}");
        assert!(one.trace.1 > 500, "seed {seed} is a whole world");
    }
}

#[test]
fn fixed_seeds_break_nothing() {
    let sums = run_seeds(1, SEEDS, Some(Instant::now() + TIME_MAX), 3);
    println!("{}", sums.fault_table());
    println!("{}", sums.line());
    for (seed, broken) in &sums.failed {
        println!("seed {seed}: {broken:?}\nreplay: make sim SEED={seed}");
    }
    assert!(sums.is_sound(), "a seed failed; its command is above");
    let p99 = sums.rounds_percentile(99);
    assert!(
        p99 <= 2,
        "phones that were behind are level after {p99} rounds (p99)"
    );
    assert!(sums.seeds > 10, "only {} seeds in the time there was", sums.seeds);
}
