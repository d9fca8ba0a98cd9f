//! A terminal phone with a home of its own.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Finished, program};

/// A phone; its home goes away with this value.
#[derive(Debug)]
pub struct Phone {
    folder: TempDir,
    clock_shift_s: i64,
}

impl Phone {
    /// A phone that knows no hub yet.
    ///
    /// # Panics
    /// If there is no temporary directory.
    pub fn new() -> Self {
        Self {
            clock_shift_s: 0,
            folder: tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}")),
        }
    }

    /// A phone that was paired with this code.
    ///
    /// # Panics
    /// If it was not accepted.
    pub fn paired(code: &str) -> Self {
        let phone = Self::new();
        let _ = phone.run(["pair", code]).done();
        phone
    }

    /// Sets its clock so many seconds ahead of the machine's, from the next command on.
    pub fn shift_clock(&mut self, seconds: i64) {
        self.clock_shift_s = seconds;
    }

    /// Its home directory.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Runs `yaoban-clerk --home DIR <arguments>`.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        self.run_in(&[], arguments)
    }

    /// The same with variables of the environment.
    pub fn run_in<A: AsRef<OsStr>>(
        &self,
        variables: &[(&str, &str)],
        arguments: impl IntoIterator<Item = A>,
    ) -> Finished {
        Finished::of(self.command(arguments).envs(variables.iter().copied()))
    }

    /// The same, not started yet.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(program("yaoban-clerk"));
        command
            .env("YAOBAN_CLOCK_SHIFT_S", self.clock_shift_s.to_string())
            .env_remove("COLUMNS")
            .args(["--lang", "zh", "--home"])
            .arg(self.home())
            .args(arguments);
        command
    }

    /// The same with `--json`; it has to succeed.
    ///
    /// # Panics
    /// If it is refused or prints no JSON.
    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        self.run(arguments.chain(["--json".into()])).done().json()
    }
}

impl Default for Phone {
    fn default() -> Self {
        Self::new()
    }
}
