//! `kill9`: SIGKILL of the real processes in a loop. ROUNDS and SEED come from the environment; the exit
//! code is 1 if anything was lost, doubled or corrupt.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use std::time::Instant;

    /// Rounds between two lines of progress.
    const TOLD_EVERY: u64 = 50;

    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{name} is `{text}`; give a number")),
        Err(_) => Ok(default),
    };
    let (rounds, seed) = match (number("ROUNDS", 200), number("SEED", 1)) {
        (Ok(rounds), Ok(seed)) => (rounds, seed),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("kill9: {error}");
            return ExitCode::from(2);
        }
    };
    println!("SEED={seed} ROUNDS={rounds}");
    let started = Instant::now();
    let summary = yaoban_e2e::kill9::run(seed, rounds, &|round, _| {
        if round.is_multiple_of(TOLD_EVERY) {
            println!("  {round} of {rounds}, {} s", started.elapsed().as_secs());
        }
    });
    for finding in summary.findings() {
        println!("{finding}");
    }
    println!(
        "{} deeds tried, {} promised, {} there without a promise; killed: {:?}; {} s",
        summary.deeds.0,
        summary.deeds.1,
        summary.there_unpromised,
        summary.kills,
        started.elapsed().as_secs()
    );
    println!("{summary}");
    if summary.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("kill9: needs Linux, it watches a process by /proc");
    ExitCode::from(2)
}
