//! `yaoban-clerk`: a clerk's phone in a terminal. It drives the same facade as the apps; end-to-end
//! tests drive it, and a support engineer sees with it what a clerk sees.
//!
//! Exit codes: 0 done, 1 refused with a reason, 2 usage.

mod cli;
mod clock;
mod commands;
mod failure;
mod input;
mod layout;
mod screen;
mod shown;
mod text;
mod usage;
mod vault;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{FromArgMatches as _, ValueEnum as _};

use cli::Cli;
use failure::Failure;
use text::{Language, Texts};

fn main() -> ExitCode {
    let texts = Texts::new(asked_language().unwrap_or_else(Language::of_environment));
    let read = cli::command(&texts).try_get_matches();
    let cli = match read.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, &texts),
    };
    let home = cli
        .home
        .clone()
        .or_else(|| std::env::var_os("YAOBAN_HOME").map(Into::into));
    let done = home
        .ok_or_else(|| Failure::refused("input.no_home", []))
        .and_then(|home| commands::run(&home, cli.json, &texts, &cli.command));
    match done {
        Ok(text) => {
            // A reader that went away (`| head`) is no failure.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{}", failure.worded(&texts));
            if cli.json {
                println!("{}", failure.json());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// A command line that cannot be read, or that asks for help.
fn misread(error: &clap::Error, texts: &Texts) -> ExitCode {
    let Some(text) = usage::worded(error, texts) else {
        // Help that cannot be shown is no reason to fail.
        let _ = error.print();
        return ExitCode::SUCCESS;
    };
    eprintln!("{text}");
    if std::env::args().any(|argument| argument == "--json") {
        println!("{}", usage::as_json(error));
    }
    ExitCode::from(usage::EXIT_CODE)
}

/// The language that the command line asks for. Help is worded before the line is read as a whole.
fn asked_language() -> Option<Language> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments
        .iter()
        .position(|argument| argument.starts_with("--lang"))?;
    let value = arguments[place]
        .strip_prefix("--lang=")
        .or_else(|| arguments.get(place + 1).map(String::as_str))?;
    Language::from_str(value, true).ok()
}
