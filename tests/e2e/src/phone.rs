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
}

impl Phone {
    /// A phone that knows no hub yet.
    ///
    /// # Panics
    /// If there is no temporary directory.
    pub fn new() -> Self {
        Self {
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

    /// Its home directory.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Runs `yaoban-clerk --home DIR <arguments>`.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        Finished::of(
            Command::new(program("yaoban-clerk"))
                .arg("--home")
                .arg(self.home())
                .args(arguments),
        )
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
