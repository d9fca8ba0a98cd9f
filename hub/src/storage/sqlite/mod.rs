//! One SQLite file in the data directory: `hub.db`, write-ahead log, one writer at a time (also
//! across processes: an import runs beside a serving hub), readers beside it.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`schema`] | the schema and its migrations; each table is explained in `sql/` |
//! | [`scope`] | the change index, from which phones pull |
//! | [`catalogue`], [`members`], [`readings`] | records |
//! | [`chain`] | what the import asks beyond single records |
//! | [`lines`], [`sales`], [`figures`] | what members bought, by member and by drug; how the import writes it |
//! | [`work`], [`campaigns`], [`duplicates`] | tasks, attempts, notes, sends; campaigns; pairs and lost values |
//! | [`rows`], [`moves`] | what operations of phones read and write; moves and merges of members |
//! | [`erasure`] | everything about a member goes |
//! | [`scan`], [`screen`] | the chain in one pass; which members a statement selects |
//! | [`render`], [`pull`] | rows as they travel |
//! | [`turns`] | who writes next, over all processes |
//! | [`devices`], [`ops`], [`audit`] | phones, results of their operations, the audit trail |
//! | [`recordings`] | what is known of recordings of calls |

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use url::Url;

use super::{Records as _, StorageError};
use crate::chance::{Chance, SystemChance};

pub mod audit;
pub mod campaigns;
mod catalogue;
mod chain;
pub mod devices;
pub mod duplicates;
pub(crate) mod erasure;
pub(crate) mod figures;
pub mod lines;
mod members;
mod merge_lines;
pub mod moves;
pub mod ops;
pub mod pull;
mod readings;
pub mod recordings;
mod records;
pub mod render;
pub mod rows;
pub(crate) mod sales;
pub(crate) mod scan;
pub mod schema;
pub mod scope;
pub(crate) mod screen;
mod settings;
mod signatures;
mod turns;
pub mod work;

/// The database within the data directory.
pub const FILE_NAME: &str = "hub.db";
/// Where a restore prepares what it puts in the database's place; gone once that is done.
pub const RESTORING: &str = "restoring";
/// How long a connection waits for another process's write transaction. Ours stay below 200 ms, so
/// this long means that something hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages that a connection keeps, in kB.
const CACHE_KB: i32 = 16_384;
/// Of a reader that stays open: the upper pages of the trees. There are several, and what they do not keep
/// the system does, once for all of them.
const READER_CACHE_KB: i32 = 2_048;
/// Readers kept open for the next call.
const IDLE_READERS_MAX: usize = 8;

/// The hub's database. Cheap to share behind an `Arc`; every call may block on the disk.
pub struct Database {
    dir: PathBuf,
    chance: Arc<dyn Chance>,
    turns: turns::Turns,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    /// Called after each commit: what other processes may do between two transactions.
    #[cfg(test)]
    pub(crate) between: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

/// An open transaction: the records and, through [`Tx::connection`], SQL.
pub struct Tx<'c> {
    connection: &'c Connection,
    chance: &'c dyn Chance,
}

impl<'c> Tx<'c> {
    /// The connection, for statements of the storage modules.
    pub(in crate::storage) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// Where ids and secrets come from.
    pub fn chance(&self) -> &dyn Chance {
        self.chance
    }
}

/// Whether the making of a database broke off: the epoch is written in its last step.
fn is_half_made(file: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let epochs = Connection::open_with_flags(file, flags).and_then(|connection| {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            return Ok(0);
        }
        connection.query_row("SELECT count(*) FROM meta WHERE key = 'epoch'", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    // What is no database of ours, or cannot be read now, is not touched.
    epochs.is_ok_and(|epochs| epochs == 0)
}

impl Database {
    /// Makes a new database in a directory, which is made where it is missing. One that broke off before,
    /// for want of room, is finished: nobody has seen it.
    pub fn create(dir: &Path, chain_name: &str, url: Option<&Url>) -> Result<Self, StorageError> {
        std::fs::create_dir_all(dir).map_err(|source| StorageError::of_file(dir.to_owned(), source))?;
        let file = dir.join(FILE_NAME);
        if file.exists() && !is_half_made(&file) {
            return Err(StorageError::Exists(dir.to_owned()));
        }
        if dir.join(RESTORING).exists() {
            return Err(StorageError::RestoreBrokenOff(dir.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let database = Self::open_with(dir, flags)?;
        let mut seed = [0_u8; 16];
        database.chance.fill(&mut seed)?;
        database.write(|tx| {
            tx.set_meta("chain_name", chain_name)?;
            tx.set_meta("epoch", &uuid::Uuid::now_v7().to_string())?;
            tx.set_meta("dedup_seed", &hex::encode(&seed[..8]))?;
            url.map_or(Ok(()), |url| tx.set_meta("url", url.as_str()))
        })?;
        Ok(database)
    }

    /// Opens the database of a directory and brings its schema up to date.
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        if !dir.join(FILE_NAME).is_file() {
            return Err(if dir.join(RESTORING).exists() {
                StorageError::RestoreBrokenOff(dir.to_owned())
            } else {
                StorageError::Missing(dir.to_owned())
            });
        }
        Self::open_with(dir, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn open_with(dir: &Path, flags: OpenFlags) -> Result<Self, StorageError> {
        let path = dir.join(FILE_NAME);
        // With the whole path, where it is known.
        let damaged = |error: StorageError| match error {
            StorageError::Damaged { reason, .. } => StorageError::Damaged {
                path: path.clone(),
                reason,
            },
            StorageError::Sqlite(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(
                        rusqlite::ErrorCode::CannotOpen
                            | rusqlite::ErrorCode::ReadOnly
                            | rusqlite::ErrorCode::PermissionDenied
                    )
                ) =>
            {
                StorageError::NotWritable {
                    path: path.clone(),
                    reason: error.to_string(),
                }
            }
            error => error,
        };
        let mut writer = connect(&path, flags).map_err(damaged)?;
        schema::migrate(&mut writer, &path).map_err(damaged)?;
        Ok(Self {
            dir: dir.to_owned(),
            chance: Arc::new(SystemChance),
            turns: turns::Turns::open(dir)?,
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            #[cfg(test)]
            between: Mutex::new(None),
        })
    }

    /// The same with other chance, for simulators.
    #[must_use]
    pub fn with_chance(mut self, chance: Arc<dyn Chance>) -> Self {
        self.chance = chance;
        self
    }

    /// Where ids and secrets come from.
    pub fn chance(&self) -> &dyn Chance {
        self.chance.as_ref()
    }

    /// Writes that would make the file larger than so many pages (none: as large as it gets) fail as
    /// on a full disk; for simulators.
    pub fn limit_pages(&self, pages: Option<u32>) -> Result<(), StorageError> {
        let pages = pages.unwrap_or(u32::MAX - 1);
        Ok(lock(&self.writer).pragma_update(None, "max_page_count", pages)?)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs `f` in a write transaction: committed if it returns `Ok`, else rolled back. Keep it
    /// short (below 200 ms): all other writers wait.
    pub fn write<T, E: From<StorageError>>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let value = self.write_on(&mut lock(&self.writer), f)?;
        #[cfg(test)]
        if let Some(between) = lock(&self.between).as_mut() {
            between();
        }
        Ok(value)
    }

    fn write_on<T, E: From<StorageError>>(
        &self,
        writer: &mut Connection,
        f: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let turn = self
            .turns
            .wait()
            .map_err(|source| E::from(StorageError::of_file(self.dir.clone(), source)))?;
        let transaction = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| E::from(error.into()))?;
        let value = f(&Tx {
            connection: &transaction,
            chance: self.chance.as_ref(),
        })?;
        transaction.commit().map_err(|error| E::from(error.into()))?;
        drop(turn);
        Ok(value)
    }

    /// As [`Self::write`], and what it deletes is written over, in the file and in its log.
    pub(crate) fn write_over<T, E: From<StorageError>>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = lock(&self.writer);
        let secure = |writer: &Connection, on: bool| {
            writer
                .pragma_update_and_check(None, "secure_delete", on, |_| Ok(()))
                .map_err(StorageError::from)
        };
        secure(&writer, true)?;
        let written = self.write_on(&mut writer, f);
        secure(&writer, false)?;
        let value = written?;
        // A reader in the way leaves it to the next checkpoint; the transaction holds.
        writer
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(StorageError::from)?;
        Ok(value)
    }

    /// Lets the file grow by so many pages from now on, as on a disk that fills; none: without a limit.
    #[cfg(test)]
    pub(crate) fn room(&self, pages: Option<u32>) {
        let writer = lock(&self.writer);
        let count: u32 = writer
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        let max = pages.map_or(u32::MAX - 1, |pages| count + pages);
        writer
            .pragma_update_and_check(None, "max_page_count", max, |_| Ok(()))
            .unwrap();
    }

    /// Whether each commit of this writer is on the disk when it returns (it is, unless told
    /// otherwise). For steps that are done again after a power cut.
    pub(crate) fn flush_commits(&self, flush: bool) -> Result<(), StorageError> {
        let writer = lock(&self.writer);
        writer.pragma_update(None, "synchronous", if flush { "full" } else { "normal" })?;
        // Fewer, larger checkpoints while much is written.
        Ok(writer.pragma_update(None, "wal_autocheckpoint", if flush { 1000 } else { 4000 })?)
    }

    /// As [`Self::read`], over a connection of its own, which may get functions and temporary tables.
    pub fn read_apart<T, E: From<StorageError>>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut reader = connect(&self.dir.join(FILE_NAME), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let transaction = reader.transaction().map_err(|error| E::from(error.into()))?;
        f(&Tx {
            connection: &transaction,
            chance: self.chance.as_ref(),
        })
    }

    /// Runs `f` in a read transaction: everything in it sees one state, and no writer waits for it.
    pub fn read<T, E: From<StorageError>>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let idle = lock(&self.readers).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => self.connect_reader()?,
        };
        let transaction = reader.transaction().map_err(|error| E::from(error.into()))?;
        let value = f(&Tx {
            connection: &transaction,
            chance: self.chance.as_ref(),
        })?;
        transaction.commit().map_err(|error| E::from(error.into()))?;
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS_MAX {
            readers.push(reader);
        }
        Ok(value)
    }

    fn connect_reader(&self) -> Result<Connection, StorageError> {
        let reader = connect(&self.dir.join(FILE_NAME), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        reader.pragma_update(None, "cache_size", -READER_CACHE_KB)?;
        Ok(reader)
    }
}

/// A panic in another thread leaves no half transaction behind (it is rolled back), so a poisoned
/// lock is good to use.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StorageError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    // The page size holds only for a new file; large pages keep packed rows in one piece.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A power cut may lose the last transactions, never the file. Operations of phones are
    // acknowledged from this file too, so commits are flushed.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -CACHE_KB)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}
