//! A fleet of phones against one hub on this machine's loopback: `yaoban-fleet prepare` pairs the
//! phones, `yaoban-fleet run` lets them open, work and wait for a bounded time and prints figures as
//! JSON. `tests/bench/bench.py --only fleet` drives both and says what is measured.

mod chance;
mod figures;
mod line;
mod phone;
mod plan;
mod pos;
mod run;
mod store;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "A fleet of phones against one hub")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Pair phones with the clerks of every store and write down where their scopes stand.
    Prepare {
        /// The hub's data directory.
        #[arg(long)]
        data: PathBuf,
        /// Phones in each store.
        #[arg(long, default_value_t = 3)]
        phones_a_store: usize,
        /// File to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Run the fleet against a serving hub.
    Run(run::Scenario),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Prepare {
            data,
            phones_a_store,
            out,
        } => plan::prepare(&data, phones_a_store, &out),
        Command::Run(scenario) => run::run(&scenario).map(|figures| figures.to_string()),
    };
    match done {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("yaoban-fleet: {message}");
            ExitCode::FAILURE
        }
    }
}
