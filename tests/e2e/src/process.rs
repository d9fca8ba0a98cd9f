//! Programs of the workspace: built once a test run, run to their end, their output kept.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

/// What a program left behind when it ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Runs a command to its end.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn of(command: &mut Command) -> Self {
        let line = format!("{command:?}");
        let Output {
            status,
            stdout,
            stderr,
        } = command
            .output()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        Self {
            command: line,
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// What a child that has ended left in its pipes.
    ///
    /// # Panics
    /// If the system gives no answer about the child.
    pub fn left_by(command: String, child: Child) -> Self {
        let output = child.wait_with_output();
        let output = output.unwrap_or_else(|error| panic!("no answer about {command}: {error}"));
        Self {
            command,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, if it ended with this code.
    ///
    /// # Panics
    /// If it ended otherwise; the message holds everything it printed.
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.command,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The same, if it was done (code 0).
    #[must_use]
    pub fn done(self) -> Self {
        self.expect_code(0)
    }

    /// The first JSON value that it printed.
    ///
    /// # Panics
    /// If it printed none.
    pub fn json(&self) -> Value {
        self.json_lines()
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("{} printed no JSON", self.command))
    }

    /// All JSON values that it printed, one after the other.
    ///
    /// # Panics
    /// If it printed anything else.
    pub fn json_lines(&self) -> Vec<Value> {
        serde_json::Deserializer::from_str(&self.stdout)
            .into_iter()
            .map(|value| {
                value.unwrap_or_else(|error| {
                    let head: String = self.stdout.chars().take(2000).collect();
                    panic!(
                        "{}: not JSON, {error}\n{head}\n--- stderr\n{}",
                        self.command, self.stderr
                    )
                })
            })
            .collect()
    }
}

/// Root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// Path of one of the workspace's programs, which is built first, so that no test runs an old one.
///
/// # Panics
/// If it does not build.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).join(name)
}

/// Builds the programs in the profile of this test and gives their directory.
fn build() -> PathBuf {
    // Cargo tells its tests where it is; outside of it the one on the path has to do.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The whole workspace with its tests, so that what `cargo test --workspace` has made is used again:
    // less of it would be compiled anew with fewer features.
    command
        .current_dir(root())
        .args(["build", "--quiet", "--locked", "--workspace", "--all-targets"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let _ = Finished::of(&mut command).done();
    // A test is target/<profile>/deps/<name>, a program target/<profile>/<name>.
    let here = std::env::current_exe().unwrap_or_else(|error| panic!("where is this test? {error}"));
    let folder = here.parent().unwrap_or(Path::new(""));
    let in_deps = folder.file_name().is_some_and(|name| name == "deps");
    let profile = if in_deps { folder.parent() } else { Some(folder) };
    profile.map(Path::to_owned).unwrap_or_default()
}
