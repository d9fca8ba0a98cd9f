//! SIGKILL of the real processes at random: a share of what `make kill9` does.
#![cfg(target_os = "linux")]

use yaoban_e2e::kill9::{Victim, run};

const SEED: u64 = 1;
const ROUNDS: u64 = 150;

#[test]
fn what_was_promised_is_at_the_hub_once_whoever_was_killed() {
    println!("SEED={SEED} ROUNDS={ROUNDS}; again, or longer: make kill9 SEED={SEED} ROUNDS={ROUNDS}");
    let summary = run(SEED, ROUNDS, &|round, victim| {
        println!("round {round}: {victim:?}");
    });
    println!("{summary}; {:?} deeds, {:?}", summary.deeds, summary.kills);
    let findings: Vec<String> = summary.findings().collect();
    assert!(summary.holds(), "{}", findings.join("\n"));
    // A run in which nobody died, or nothing was done, has shown nothing.
    for victim in Victim::ALL {
        assert!(summary.kills.contains_key(&victim), "{victim:?} was never killed");
    }
    assert!(summary.deeds.1 as u64 > ROUNDS / 2, "{:?}", summary.deeds);
}
