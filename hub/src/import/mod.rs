//! The chain's files into the database (docs/import.md is the reference for who makes the files).
//!
//! | module | what belongs there |
//! |---|---|
//! | [`source`] | a file as a stream of UTF-8 CSV, whatever it was |
//! | [`table`] | rows and fields |
//! | [`header`] | columns by English or Chinese header |
//! | [`value`] | dates, amounts, flags, read strictly |
//! | [`ids`] | the chain's ids and the keys that stand for them |
//! | [`rejects`] | where rejected rows go |
//! | [`records`] | how stores, staff, drugs, members, readings and stock are taken in, row by row |
//! | [`purchases`] | how purchases are taken in: by the million, and visible all at once |
//!
//! Every write transaction is kept short ([`WRITE_BUDGET`]), so that a hub that serves phones from
//! the same database is never held up.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use yaoban_domain::calendar::{Calendar, day_number};
use yaoban_domain::rules::Rules;

use crate::clock::Clock;
use crate::storage::StorageError;
use crate::storage::sqlite::Database;

pub mod header;
pub mod ids;
mod kinds;
mod members;
pub mod purchases;
mod readings;
pub mod records;
mod refs;
pub mod rejects;
pub mod source;
pub mod table;
pub mod value;

use refs::Refs;
use source::Source;

/// A write transaction ends when it has taken this long; the commit comes on top.
pub const WRITE_BUDGET: Duration = Duration::from_millis(80);
/// Progress is told this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Why an import stopped. Rows that are wrong never stop it; they go to the reject file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file could not be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file has nothing in it.
    #[error("{} is empty, expected a header row and data", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// A file is no table of the kind it was given for.
    #[error("{} cannot be imported: {reason}", path.display())]
    NotTable {
        /// Which file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// Two imports at once.
    #[error("another import is running on {}, wait until it has ended", .0.display())]
    Running(PathBuf),
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<rusqlite::Error> for ImportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.into())
    }
}

/// The kinds of files, in the order in which they are taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Stores.
    Stores,
    /// Staff.
    Staff,
    /// Drugs.
    Drugs,
    /// Members.
    Members,
    /// Purchases.
    Purchases,
    /// Readings.
    Readings,
    /// Stock.
    Stock,
}

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Tell what would happen and write nothing.
    pub dry_run: bool,
    /// Tell on standard error how far it got.
    pub progress: bool,
}

/// What became of the rows of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// What the file holds.
    pub kind: FileKind,
    /// The file's name.
    pub file: String,
    /// Rows that are new or changed something.
    pub accepted: u64,
    /// Rows that were there already.
    pub unchanged: u64,
    /// Purchases without a member.
    pub skipped: u64,
    /// Rows that went to the reject file.
    pub rejected: u64,
    /// The reject file; none in a dry run.
    pub rejects: Option<PathBuf>,
    /// The longest write transaction, in milliseconds.
    pub write_ms_max: u64,
}

/// What the kinds share while they run.
pub(crate) struct Context<'a> {
    pub database: &'a Database,
    pub rules: Rules,
    pub calendar: Calendar,
    pub now_ms: i64,
    /// For what must carry the instant at which it was written.
    pub clock: &'a dyn Clock,
    pub options: Options,
    pub refs: Refs,
}

impl Context<'_> {
    /// Today's business date as day number.
    pub fn today(&self) -> i32 {
        day_number(self.calendar.day(self.now_ms))
    }
}

/// Takes the files in, in the order of [`FileKind`]. Every file is looked over before the first one
/// is taken in, so that a file that is no table stops the import before anything has changed.
pub fn run(
    database: &Database,
    files: &[(FileKind, PathBuf)],
    options: Options,
    clock: &dyn Clock,
) -> Result<Vec<FileReport>, ImportError> {
    let _lock = if options.dry_run {
        None
    } else {
        Some(lock(database.dir())?)
    };
    let mut files = files.to_vec();
    files.sort_by_key(|(kind, _)| *kind as u8);
    let sources = files
        .iter()
        .map(|(kind, path)| {
            let progress = Progress::new(&shown_name(path), 0, options.progress);
            let source = Source::open(path)?;
            header::Header::read(&mut table::Rows::new(source.reader()?), kind.columns(), path)?;
            progress.end();
            Ok((*kind, source))
        })
        .collect::<Result<Vec<_>, ImportError>>()?;
    let (rules, calendar) = database.read::<_, StorageError>(|tx| Ok((tx.rules()?, tx.calendar()?)))?;
    let mut context = Context {
        database,
        calendar,
        rules,
        now_ms: clock.now_ms(),
        clock,
        options,
        refs: Refs::load(database)?,
    };
    if !options.dry_run {
        let digests: Vec<&str> = sources.iter().map(|(_, source)| source.digest.as_str()).collect();
        purchases::settle(&context, &digests)?;
    }
    let mut reports: Vec<FileReport> = Vec::new();
    for (kind, source) in &sources {
        let rejects = reject_path(database.dir(), source, *kind, &reports);
        reports.push(kind.take_in(&mut context, source, rejects)?);
    }
    Ok(reports)
}

/// `DIR/rejects/<file>.csv`; files of one name in one run are told apart by their kinds.
fn reject_path(dir: &Path, source: &Source, kind: FileKind, earlier: &[FileReport]) -> PathBuf {
    let stem = source
        .path()
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let path = dir.join("rejects").join(format!("{stem}.csv"));
    if earlier
        .iter()
        .any(|report| report.rejects.as_ref() == Some(&path))
    {
        return dir.join("rejects").join(format!("{stem}-{}.csv", kind.name()));
    }
    path
}

/// One import at a time; the lock falls with the process.
fn lock(dir: &Path) -> Result<File, ImportError> {
    let path = dir.join("import.lock");
    let failed = |source| ImportError::File {
        action: "write",
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ImportError::Running(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn shown_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Tells on standard error how far a file got, from its first second on.
pub(crate) struct Progress {
    name: String,
    total: u64,
    shown: bool,
    terminal: bool,
    next: Instant,
    told: std::cell::Cell<bool>,
}

impl Progress {
    /// Progress of something that has `total` steps (0: not known).
    pub fn new(name: &str, total: u64, shown: bool) -> Self {
        Self {
            name: name.to_owned(),
            total,
            shown,
            terminal: std::io::stderr().is_terminal(),
            next: Instant::now() + PROGRESS_EVERY,
            told: std::cell::Cell::new(false),
        }
    }

    /// Tells, if it is time to.
    pub fn at(&mut self, done: u64, what: &str) {
        if !self.shown || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PROGRESS_EVERY;
        self.told.set(true);
        let percent = (done * 100)
            .checked_div(self.total)
            .map_or(String::new(), |percent| format!(" {percent} %"));
        let (before, after) = if self.terminal {
            ("\r\x1b[K", "")
        } else {
            ("", "\n")
        };
        let mut err = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(err, "{before}{}: {what}{percent}{after}", self.name);
        let _ = err.flush();
    }

    /// Clears the line of a terminal.
    pub fn end(&self) {
        if self.told.get() && self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
