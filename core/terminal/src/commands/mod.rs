//! The commands: what each asks of the facade, and how it shows.

mod group;
mod manager;
mod member;
mod message;
mod phone;
mod profile;
mod record;
mod recording;
mod support;
mod task;

use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use yaoban_clerk_core::facade::ClerkApp;
use yaoban_clerk_core::facade::find::MemberRow;

use crate::cli::Command;
use crate::clock::ShiftedClock;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::shown::Shown;
use crate::text::Texts;
use crate::vault::FileVault;

/// Members that are named where a text finds several.
const NAMED_MAX: usize = 5;

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
        make_home(home, texts)?;
        vault.make_key()?;
    } else if !vault.exists() {
        return match command {
            // A phone without a file is told how it stands, like any other.
            Command::Status(_) if json => Ok(serde_json::json!({ "paired": false }).to_string()),
            Command::Status(_) => Ok(texts.get("status.unpaired").to_owned()),
            _ => Err(Failure::refused("not_paired", [])),
        };
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
        Command::Status(args) => phone::status(&session, args),
        Command::Unpair(args) => phone::unpair(&session, &vault, args),
        Command::Find(args) => member::find(&session, args),
        Command::Register(args) => member::register(&session, args),
        Command::Show(args) => profile::show(&session, args),
        Command::History(args) => member::history(&session, args),
        Command::Group(args) => group::group(&session, args),
        Command::Reading(args) => member::reading(&session, args),
        Command::Note(args) => member::note(&session, args),
        Command::Consent(args) => member::consent(&session, args),
        Command::Tag(args) => record::tag(&session, args),
        Command::Regimen(args) => record::regimen(&session, args),
        Command::Edit(args) => record::edit(&session, args),
        Command::Tasks(args) => task::tasks(&session, args),
        Command::Dial(args) => task::dial(&session, args),
        Command::Outcome(args) => task::outcome(&session, args),
        Command::Message(args) => message::message(&session, args),
        Command::Doctor(args) => support::doctor(&session, args),
        Command::Bundle(args) => support::bundle(&session, args),
        Command::Recording(args) => recording::recording(&session, args),
        Command::Today(args) => manager::today(&session, args),
        Command::Duplicates(args) => manager::duplicates(&session, args),
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

    /// The only member that this text finds: a number of the task list, an id, the end of a phone
    /// number, a name, initials.
    pub fn member(&self, text: &str) -> Result<MemberRow, Failure> {
        let of_task = self.shown.numbered(text).map(|task_id| self.app.task(&task_id));
        let text = match of_task {
            Some(detail) => detail?.task.member_id,
            None => text.to_owned(),
        };
        let found = self.app.find(&text, NAMED_MAX + 1)?;
        // Nothing typed names nobody, whoever was opened last.
        let mut found = if found.recent { Vec::new() } else { found.members };
        if let Some(exact) = found.iter().position(|row| row.member_id == text) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(Failure::refused("nobody", [("text", text.as_str())])),
            1 => Ok(found.swap_remove(0)),
            count => {
                let mut names: Vec<String> = found.iter().take(NAMED_MAX).map(named).collect();
                if count > NAMED_MAX {
                    names.push("…".to_owned());
                }
                let names = names.join("、");
                Err(Failure::refused(
                    "several",
                    [("text", text.as_str()), ("members", names.as_str())],
                ))
            }
        }
    }

    /// The id of [`Self::member`].
    pub fn member_id(&self, text: &str) -> Result<String, Failure> {
        self.member(text).map(|row| row.member_id)
    }
}

/// A member among others of the same name.
fn named(row: &MemberRow) -> String {
    let phone = row.phone_masked.as_deref().unwrap_or_default();
    format!("{} {} {phone}", row.member_id, row.name)
        .trim_end()
        .to_owned()
}

fn make_home(home: &Path, texts: &Texts) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .map_err(|error| Failure::of_file("home", home, &error, texts))
}
