//! `yaoban-sim`: runs seeds, or replays one.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use yaoban_sim::fault::Fault;
use yaoban_sim::runner::{self, FAILURES_MAX, run_guarded, run_seeds};
use yaoban_sim::world::Plan;

/// Simulates phones and hub with faults, seed by seed.
#[derive(Debug, Parser)]
struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// End after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Replay this seed and print its trace.
    #[arg(long)]
    seed: Option<u64>,
    /// Faults to leave out of a replay, separated by commas.
    #[arg(long, default_value = "")]
    without: String,
    /// At most so many phones in a replay.
    #[arg(long)]
    phones: Option<u32>,
    /// At most so many days in a replay.
    #[arg(long)]
    days: Option<u32>,
    /// End with the first seed that fails, and tell how many it took.
    #[arg(long)]
    first: bool,
    /// Leave failures as large as they are.
    #[arg(long)]
    no_shrink: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Failures are shown by the runner, as they are found.
    std::panic::set_hook(Box::new(|_| {}));
    match args.seed {
        Some(seed) => replay(&args, seed),
        None => many(&args),
    }
}

fn replay(args: &Args, seed: u64) -> ExitCode {
    let names: Vec<&str> = args.without.split(',').filter(|name| !name.is_empty()).collect();
    let without: BTreeSet<Fault> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| names.contains(&fault.code()))
        .collect();
    let outcome = run_guarded(&Plan {
        without,
        phones_max: args.phones.unwrap_or(u32::MAX),
        days_max: args.days.unwrap_or(u32::MAX),
        keep_trace: true,
        ..Plan::of(seed)
    });
    for line in &outcome.lines {
        println!("{line}");
    }
    for broken in &outcome.broken {
        println!("{:?}: {}", broken.kind, broken.what);
    }
    println!(
        "seed {seed}: {} lines, trace {:016x}, healed in {} sweeps, phones level after {:?} rounds",
        outcome.trace.1, outcome.trace.0, outcome.sweeps, outcome.rounds_to_level
    );
    let mut sums = runner::Sums::default();
    sums.add(seed, outcome);
    println!("{}", sums.line());
    exit(sums.is_sound())
}

fn many(args: &Args) -> ExitCode {
    let began = Instant::now();
    let until = args.seconds.map(|s| began + Duration::from_secs(s));
    let failures_max = if args.first { 1 } else { FAILURES_MAX };
    let sums = run_seeds(args.from, args.seeds, until, failures_max);
    let took = began.elapsed().as_secs_f64();
    if let Some((seed, _)) = sums.failed.first().filter(|_| !args.no_shrink) {
        println!("{}", runner::explain(*seed));
    }
    for (seed, broken) in &sums.failed {
        for one in broken {
            println!("seed {seed}: {:?}: {}", one.kind, one.what);
        }
        println!("replay: make sim SEED={seed}");
    }
    println!("how often each fault fired\n{}", sums.fault_table());
    println!(
        "{} deeds, {} rounds in {took:.0} s: {:.0} seeds and {:.0} phone-days an hour; {} phones that were behind were level with the hub after {} rounds (p50), {} (p99), {} (most)",
        sums.deeds,
        sums.rounds,
        sums.seeds as f64 / took * 3_600.0,
        sums.phone_days as f64 / took * 3_600.0,
        sums.rounds_to_level.len(),
        sums.rounds_percentile(50),
        sums.rounds_percentile(99),
        sums.rounds_percentile(100),
    );
    let silent = sums.silent();
    if !silent.is_empty() {
        println!("faults that never fired: {}", silent.join(", "));
    }
    println!("{}", sums.line());
    exit(sums.is_sound())
}

fn exit(sound: bool) -> ExitCode {
    if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
