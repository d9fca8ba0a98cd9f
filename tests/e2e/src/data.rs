//! Chains to import, and what the hub must answer about them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::{Finished, root};

/// Exit code of the data scripts when the package registry is away.
const REGISTRY_AWAY: i32 = 75;

/// Makes a sample chain in a directory; `arguments` as `tests/data/sample.py` takes them.
///
/// # Panics
/// If the script fails.
pub fn sample(out: &Path, arguments: &[&str]) {
    let mut command = Command::new("python3");
    command
        .arg(root().join("tests/data/sample.py"))
        .arg("--out")
        .arg(out)
        .args(arguments);
    let _ = Finished::of(&mut command).done();
}

/// A file of the demo: a rule, a script, the templates.
pub fn demo(name: &str) -> PathBuf {
    root().join("tests/data/demo").join(name)
}

/// Directory of the real shopping data, fetched on first use; none if the package registry is away.
///
/// # Panics
/// If the conversion fails, or under CI, where the comparison with real data has to run.
pub fn real() -> Option<PathBuf> {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/data/real.py"));
    available(Finished::of(&mut command)).map(|_| root().join("tests/data/.cache/real"))
}

/// The independent calculation over a directory of CSV files; none if the package registry is away.
///
/// # Panics
/// As [`real`].
pub fn expected(files: &Path, as_of: &str, more: &[&str]) -> Option<Value> {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/oracle/oracle.py"));
    command
        .arg("--data")
        .arg(files)
        .args(["--as-of", as_of])
        .args(more);
    available(Finished::of(&mut command)).map(|finished| finished.json())
}

/// What a data script did, or none with a notice if it could not run for want of the registry.
fn available(finished: Finished) -> Option<Finished> {
    if finished.code == Some(REGISTRY_AWAY) && std::env::var_os("CI").is_none() {
        eprintln!("DID NOT RUN: {}", finished.stderr);
        return None;
    }
    Some(finished.done())
}
