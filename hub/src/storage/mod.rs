//! The hub's data at rest, behind [`Records`] so that another database can stand in its place.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`sqlite`] | the embedded default: one SQLite file, write-ahead log, one writer, many readers |
//! | [`packed`] | everything of one member in one piece |

use std::path::PathBuf;

use yaoban_domain::model::{Drug, Member, Reading, Staff, Stock, Store};

use crate::chance::NoChance;

pub mod packed;
pub mod sqlite;

/// Why the store of data refused.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no database where one was expected.
    #[error("no hub data in {}, make it with `yaoban-hub init --data {} --name NAME`", .0.display(), .0.display())]
    Missing(PathBuf),
    /// A restore was broken off between the old database and the new one.
    #[error("a restore into {} was broken off; run `yaoban-hub restore` again. Nothing is lost: the database that was there is kept beside it", .0.display())]
    RestoreBrokenOff(PathBuf),
    /// There is a database where none was expected.
    #[error("{} already holds a hub's data, choose another directory", .0.display())]
    Exists(PathBuf),
    /// The file was written by a newer version.
    #[error("{} was written by a newer version (schema {found}, this one knows {known}), update yaoban-hub; the file was left as it is", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this build knows.
        known: i64,
    },
    /// The file is no database, or is damaged.
    #[error("{} is not a hub database or is damaged ({reason}), restore it from a backup; the file was left as it is", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// No random bytes for an id or a secret.
    #[error(transparent)]
    Random(#[from] NoChance),
    /// The file cannot be opened for writing.
    #[error("cannot write {} ({reason}), check who owns it, that its disk has room and that it is not mounted read-only", path.display())]
    NotWritable {
        /// The database file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// No room left.
    #[error(
        "the disk of the data directory is full, free some space and run the command again; what was already stored is kept"
    )]
    Full,
    /// The disk failed, or a file on it cannot be opened.
    #[error(
        "the disk of the data directory cannot be read or written ({0}), check that it has room, who owns it and that it is sound, and run the command again; what was already stored is kept"
    )]
    Disk(String),
    /// Somebody else held the database for too long.
    #[error("the database is busy, another process has been writing for too long; run the command again")]
    Busy,
    /// A stored record cannot be read.
    #[error("the stored {entity} `{id}` cannot be read: {reason}")]
    Record {
        /// What kind of record.
        entity: &'static str,
        /// Its id.
        id: String,
        /// Why.
        reason: String,
    },
    /// A file or directory beside the database could not be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Any other answer of SQLite.
    #[error("the database refused: {0}")]
    Sqlite(rusqlite::Error),
}

impl StorageError {
    /// Of a file of the data directory. A disk without room is told as such, whichever file met it.
    pub fn of_file(path: PathBuf, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            Self::Full
        } else {
            Self::File { path, source }
        }
    }

    /// The disk or another process is the reason, not what was to be stored: the same again may succeed later.
    pub fn is_of_the_disk(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::Full | Self::Disk(_) | Self::NotWritable { .. } | Self::Damaged { .. }
        )
    }
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            // Without room SQLite cannot make a journal, and does not say why.
            Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::CannotOpen) => {
                Self::Disk(error.to_string())
            }
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Busy,
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path: sqlite::FILE_NAME.into(),
                reason: error.to_string(),
            },
            _ => Self::Sqlite(error),
        }
    }
}

/// The chain's own records, one at a time. Lists come in the order of their ids.
///
/// `put` writes the record as it stands, new or changed; telling the phones about it is the
/// caller's work (see [`sqlite::scope`]).
pub trait Records {
    /// A value of the hub's own settings.
    fn meta(&self, key: &str) -> Result<Option<String>, StorageError>;
    /// Sets a value of the hub's own settings.
    fn set_meta(&self, key: &str, value: &str) -> Result<(), StorageError>;
    /// A store.
    fn store(&self, id: &str) -> Result<Option<Store>, StorageError>;
    /// All stores.
    fn stores(&self) -> Result<Vec<Store>, StorageError>;
    /// Writes a store.
    fn put_store(&self, store: &Store) -> Result<(), StorageError>;
    /// A member of staff.
    fn staff(&self, id: &str) -> Result<Option<Staff>, StorageError>;
    /// All staff of a store, or of the whole chain.
    fn staff_of(&self, store_id: Option<&str>) -> Result<Vec<Staff>, StorageError>;
    /// Writes a member of staff.
    fn put_staff(&self, staff: &Staff) -> Result<(), StorageError>;
    /// A drug.
    fn drug(&self, id: &str) -> Result<Option<Drug>, StorageError>;
    /// The catalogue.
    fn drugs(&self) -> Result<Vec<Drug>, StorageError>;
    /// Writes a drug.
    fn put_drug(&self, drug: &Drug) -> Result<(), StorageError>;
    /// What a store has of a drug.
    fn stock(&self, store_id: &str, drug_id: &str) -> Result<Option<Stock>, StorageError>;
    /// Writes what a store has of a drug.
    fn put_stock(&self, store_id: &str, stock: &Stock) -> Result<(), StorageError>;
    /// A member, whole.
    fn member(&self, id: &str) -> Result<Option<Member>, StorageError>;
    /// Writes a member. Its life-time figures are not written: they follow from its purchases. A `;` in
    /// a tag or a disease is written as `；`, for `;` parts them at rest.
    fn put_member(&self, member: &Member) -> Result<(), StorageError>;
    /// A reading.
    fn reading(&self, id: &str) -> Result<Option<Reading>, StorageError>;
    /// All readings of a member, oldest first, superseded ones too.
    fn readings_of(&self, member_id: &str) -> Result<Vec<Reading>, StorageError>;
    /// Writes a reading. Its member must exist; `day` is the business date of `taken_at_ms`.
    fn put_reading(&self, reading: &Reading, day: chrono::NaiveDate) -> Result<(), StorageError>;
}
