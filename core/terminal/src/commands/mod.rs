//! The commands: what each asks of the facade, and how it shows.

mod manager;
mod member;
mod message;
mod phone;
mod profile;
mod recording;
mod support;
mod task;

use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use yaoban_clerk_core::facade::ClerkApp;

use crate::cli::Command;
use crate::clock::ShiftedClock;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::shown::Shown;
use crate::text::Texts;
use crate::vault::FileVault;

/// What every command works with.
pub struct Session<'t> {
    /// The phone.
    pub app: ClerkApp,
    /// The texts.
    pub texts: &'t Texts,
    /// Print JSON.
    pub json: bool,
    /// The task list as last shown.
    pub shown: Shown,
    /// Today, by the chain's calendar.
    pub today: NaiveDate,
}

/// Opens the phone of a home directory and runs a command on it. Gives what is to be printed.
pub fn run(home: &Path, json: bool, texts: &Texts, command: &Command) -> Result<String, Failure> {
    let vault = FileVault::new(home);
    if matches!(command, Command::Pair(_)) {
        make_home(home)?;
        vault.make_key()?;
    } else if !vault.exists() {
        return Err(Failure::refused("not_paired", []));
    }
    let app = ClerkApp::open(home, &vault, Arc::new(ShiftedClock::of_environment()?))?;
    let today = app.today();
    let session = Session {
        app,
        texts,
        json,
        shown: Shown::new(home),
        today,
    };
    match command {
        Command::Pair(args) => phone::pair(&session, args),
        Command::Sync(_) => phone::sync(&session),
        Command::Staff(args) => phone::staff(&session, args),
        Command::Status => phone::status(&session),
        Command::Find(args) => member::find(&session, args),
        Command::Register(args) => member::register(&session, args),
        Command::Show(args) => profile::show(&session, args),
        Command::History(args) => member::history(&session, args),
        Command::Group(args) => member::group(&session, args),
        Command::Reading(args) => member::reading(&session, args),
        Command::Note(args) => member::note(&session, args),
        Command::Consent(args) => member::consent(&session, args),
        Command::Tasks(args) => task::tasks(&session, args),
        Command::Dial(args) => task::dial(&session, args),
        Command::Outcome(args) => task::outcome(&session, args),
        Command::Message(args) => message::message(&session, args),
        Command::Doctor(args) => support::doctor(&session, args),
        Command::Bundle(args) => support::bundle(&session, args),
        Command::Recording(args) => recording::recording(&session, args),
        Command::Today => manager::today(&session),
        Command::Reassign(args) => manager::reassign(&session, args),
    }
}

impl<'t> Session<'t> {
    /// An empty screen.
    pub fn screen(&self) -> Screen<'t> {
        Screen::new(self.texts, self.today)
    }

    /// The record as JSON, or the screen that `show` fills.
    pub fn print<T: Serialize>(
        &self,
        record: &T,
        show: impl FnOnce(&mut Screen<'t>, &T),
    ) -> Result<String, Failure> {
        if self.json {
            return serde_json::to_string_pretty(record).map_err(|error| Failure::because("json", error));
        }
        let mut screen = self.screen();
        show(&mut screen, record);
        Ok(screen.finish())
    }

    /// The only member that this text finds: an id, the end of a number, a name, initials.
    pub fn member_id(&self, text: &str) -> Result<String, Failure> {
        let found = self.app.find(text, 6)?;
        if let Some(exact) = found.iter().find(|row| row.member_id == text) {
            return Ok(exact.member_id.clone());
        }
        match found.as_slice() {
            [] => Err(Failure::refused("nobody", [("text", text)])),
            [only] => Ok(only.member_id.clone()),
            several => {
                let names: Vec<String> = several
                    .iter()
                    .map(|row| format!("{} {}", row.member_id, row.name))
                    .collect();
                Err(Failure::refused(
                    "several",
                    [("text", text), ("members", &names.join("、"))],
                ))
            }
        }
    }
}

fn make_home(home: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .map_err(|error| Failure::because("home", error))
}
