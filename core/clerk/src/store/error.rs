//! What can go wrong in the file.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::open::with_suffix;
use yaoban_domain::calendar::UnknownTimeZone;
use yaoban_protocol::codec::WireError;

use crate::chance::NoChance;
use crate::vault::VaultError;

/// Why the store could not do what was asked. Never carries personal data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer build. It is kept as it is.
    #[error("the file {path} has schema {found}, this build knows {known}; update the app")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Schema of the file.
        found: i64,
        /// Newest schema that this build knows.
        known: i64,
    },
    /// The file cannot be read: damaged, or the key is not its own.
    #[error("the file cannot be read: damaged, or written with another key")]
    Damaged,
    /// Another process holds the file.
    #[error("the file is in use by another process; close it and try again")]
    Busy,
    /// The disk is full.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// The store is paused or closed.
    #[error("the store is closed; resume it first")]
    Closed,
    /// The vault did not give the key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The system gave no random bytes for an id.
    #[error(transparent)]
    Random(#[from] NoChance),
    /// A body could not be read or written.
    #[error("row body: {0}")]
    Wire(#[from] WireError),
    /// The rules name a time zone that does not exist.
    #[error("rules: {0}")]
    TimeZone(#[from] UnknownTimeZone),
    /// A row does not fit its table.
    #[error("row {entity}: {what}")]
    Row {
        /// Entity of the row.
        entity: String,
        /// What does not fit.
        what: String,
    },
    /// The rules do not allow it; a code with its values.
    #[error("not allowed: {code}")]
    Refused {
        /// Why, as a stable code.
        code: String,
        /// Values for the wording, by name.
        values: Vec<(String, String)>,
    },
    /// Too much waits to be sent.
    #[error("{ops_max} operations wait to be sent; connect to the hub first")]
    OutboxFull {
        /// How many may wait.
        ops_max: i64,
    },
    /// A file operation failed.
    #[error("file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else that SQLite says. Its text names tables and columns, never values.
    #[error("sqlite: {0} ({code})", code = extended_code(.0))]
    Sqlite(rusqlite::Error),
}

impl StoreError {
    /// A file operation failed, for want of room or otherwise.
    pub(crate) fn of_file(path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            Self::DiskFull
        } else {
            Self::File {
                path: path.to_owned(),
                source,
            }
        }
    }

    /// SQLite does not say why it cannot make or enlarge a file beside `path`; the system does, when asked
    /// once more.
    pub(super) fn explained(self, path: &Path) -> Self {
        let unexplained = matches!(&self, Self::Sqlite(error)
            if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)));
        if !unexplained {
            return self;
        }
        let probe = with_suffix(path, ".probe");
        let made = std::fs::write(&probe, [0; 4096]);
        // It may not be there.
        let _ = std::fs::remove_file(&probe);
        match made {
            Err(source) if source.kind() == std::io::ErrorKind::StorageFull => Self::DiskFull,
            _ => self,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Newer { .. } => "file_newer",
            Self::Damaged => "file_damaged",
            Self::Busy => "busy",
            Self::DiskFull => "disk_full",
            Self::Closed => "paused",
            Self::Vault(_) => "key_unavailable",
            Self::Random(_) => "random",
            Self::Wire(_) | Self::Row { .. } => "row_unreadable",
            Self::TimeZone(_) => "time_zone_unknown",
            Self::Refused { code, .. } => code,
            Self::OutboxFull { .. } => "outbox_full",
            Self::File { .. } => "file",
            Self::Sqlite(_) => "storage",
        }
    }
}

/// What a call of the store may end with: the store's own error, or one that is made of it.
pub trait FromStore: From<StoreError> {
    /// It says that the file is damaged.
    fn is_damage(&self) -> bool;
}

impl FromStore for StoreError {
    fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged)
    }
}

/// SQLite's own number of an error, for support; 0 if it is none of SQLite's.
fn extended_code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Sqlite(error),
        }
    }
}

/// Result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
