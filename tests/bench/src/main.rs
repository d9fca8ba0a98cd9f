//! Benchmarks of phone core and hub, in release, beside a peer in the same run.
//!
//! `yaoban-bench generate` writes a large chain as import files, `yaoban-bench phone` measures the phone
//! core against a hub; `tests/bench/bench.py` drives both, measures the hub, and prints the table.

mod generate;
mod phone;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Benchmarks of Yaoban")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a large chain as import files.
    Generate {
        /// Folder to write to.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        size: generate::Size,
    },
    /// Measure the phone core on the data of a hub with one store; prints a line of JSON a figure.
    Phone(phone::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Generate { out, size } => generate::write(&size, &out).map_err(|e| e.to_string()),
        Command::Phone(args) => phone::run(&args).map_err(|e| e.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("yaoban-bench: {message}");
            ExitCode::FAILURE
        }
    }
}
