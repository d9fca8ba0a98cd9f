//! The command line: one file a command. Exit codes: 0 done, 1 refused with a reason, 2 usage.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Args, Parser, Subcommand};

use crate::import::ImportError;
use crate::serve::members::REASON_CHARS_MAX;
use crate::storage::StorageError;
use crate::storage::sqlite::Database;

/// Prints a line to standard output; whoever reads it may go away (`| head`). Ends the function with
/// an error if it cannot be written.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::print_line(format_args!($($text)*))?
    };
}

mod audience;
mod audit;
mod backup;
mod bundle;
mod campaign;
mod classes;
mod daily;
mod device;
mod erase;
mod import;
mod init;
pub mod model;
mod ops;
mod pair;
mod recordings;
mod serve;
mod signatures;
mod status;
mod template;

/// Why a command was refused, in words for the person at the terminal (exit code 1).
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The store of data refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An import stopped.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, for example `read`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Anything else, worded where it happened: what was wrong and what to do.
    #[error("{0}")]
    Refused(String),
}

impl CliError {
    /// Whether the disk or another process is the reason, so that the directory has to be named.
    fn is_of_the_disk(&self) -> bool {
        matches!(
            self,
            Self::Storage(StorageError::Full | StorageError::Disk(_) | StorageError::Busy)
                | Self::Import(ImportError::Storage(
                    StorageError::Full | StorageError::Disk(_) | StorageError::Busy
                ))
        )
    }

    /// Refuses with another error's words.
    pub fn refused(error: impl std::fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Yaoban's hub: imports the chain's data, scores and screens members, runs campaigns, serves phones.
#[derive(Debug, Parser)]
#[command(name = "yaoban-hub", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new, empty data directory for a chain.
    Init(init::InitArgs),
    /// Import the chain's files.
    Import(import::ImportArgs),
    /// Score and class the members at a date.
    Classes(classes::ClassesArgs),
    /// Fit and publish the class model.
    Model(model::ModelArgs),
    /// Tell which members a rule selects at a date.
    Audience(audience::AudienceArgs),
    /// Make, list and measure campaigns.
    Campaign(campaign::CampaignArgs),
    /// Manage message templates and call scripts.
    Template(template::TemplateArgs),
    /// Print a one-time pairing code for a phone.
    Pair(pair::PairArgs),
    /// Show the phones, shut one out.
    Device(device::DeviceArgs),
    /// Serve the phones.
    Serve(serve::ServeArgs),
    /// Do the work of a day now: expire and return tasks, medicines that ran out, old tombstones.
    Daily(daily::DailyArgs),
    /// Inspect and replay operations that could not be read or done.
    Ops(ops::OpsArgs),
    /// Open diagnostic bundles of phones.
    Bundle(bundle::BundleArgs),
    /// List, export and delete recordings of calls.
    Recordings(recordings::RecordingsArgs),
    /// Show and export what members signed their consents with.
    Signatures(signatures::SignaturesArgs),
    /// Erase all data of a member, here and on every phone with its next pull. Cannot be undone.
    Erase(erase::EraseArgs),
    /// Check the audit trail.
    Audit(audit::AuditArgs),
    /// Write a whole copy of the hub's database; phones go on meanwhile.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the database; the hub must not serve.
    Restore(backup::RestoreArgs),
    /// Show the hub at a glance.
    Status(status::StatusArgs),
}

/// Where the hub's data live.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Data directory, as made by `init`.
    #[arg(long = "data", value_name = "DIR")]
    pub dir: PathBuf,
}

impl DataArgs {
    /// Opens the database of the directory.
    pub fn open(&self) -> Result<Database, StorageError> {
        // Commands name one directory; the first one is it.
        let _ = OPENED.set(self.dir.clone());
        Database::open(&self.dir)
    }
}

/// The data directory at work, for messages about its disk.
static OPENED: OnceLock<PathBuf> = OnceLock::new();

fn print_line(text: std::fmt::Arguments<'_>) -> Result<(), CliError> {
    wrote(writeln!(std::io::stdout().lock(), "{text}"))
}

/// What was printed, or why it could not be; a reader that has gone away wants no more.
fn wrote(result: std::io::Result<()>) -> Result<(), CliError> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::File {
            action: "write",
            path: "standard output".into(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// The reason that goes into the audit trail, without blanks around it.
fn stated_reason(text: &str) -> Result<&str, CliError> {
    let reason = text.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(CliError::Refused(format!(
            "state a reason of 1 to {REASON_CHARS_MAX} characters, pass --reason"
        )));
    }
    Ok(reason)
}

/// Largest text file that a command reads whole.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// Reads a text file in UTF-8.
fn read_text(path: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > TEXT_BYTES_MAX {
        return Err(CliError::Refused(format!(
            "{} is larger than 64 MB",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Init(args) => init::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Classes(args) => classes::run(&args),
        Command::Model(args) => model::run(&args),
        Command::Audience(args) => audience::run(&args),
        Command::Campaign(args) => campaign::run(&args),
        Command::Template(args) => template::run(&args),
        Command::Pair(args) => pair::run(&args),
        Command::Device(args) => device::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Daily(args) => daily::run(&args),
        Command::Ops(args) => ops::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::Recordings(args) => recordings::run(&args),
        Command::Signatures(args) => signatures::run(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Backup(args) => backup::run_backup(&args),
        Command::Restore(args) => backup::run_restore(&args),
        Command::Status(args) => status::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            match OPENED.get().filter(|_| error.is_of_the_disk()) {
                Some(dir) => eprintln!("yaoban-hub: {}: {error}", dir.display()),
                None => eprintln!("yaoban-hub: {error}"),
            }
            ExitCode::FAILURE
        }
    }
}
