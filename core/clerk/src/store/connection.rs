//! Opening connections: the key and the pragmas, each with its reason.

use std::path::Path;

use rusqlite::Error::SqliteFailure;
use rusqlite::ffi::Error as Code;
use rusqlite::{Connection, OpenFlags};
use secrecy::{ExposeSecret, SecretString};

use super::error::Result;
use crate::vault::DatabaseKey;

/// Pragmas of every connection.
///
/// | pragma | why |
/// |---|---|
/// | `busy_timeout` 5 s | only another process of the same app can hold the lock; waiting beats failing |
/// | `foreign_keys` off | rows of different scopes come in any order |
/// | `temp_store` memory | a temporary file would hold health data in clear, and some Androids have no place for it |
/// | `trusted_schema` off | nothing in the file may call functions |
/// | `cell_size_check` on | a damaged page is found when it is read |
/// | `secure_delete` on | what is deleted is written over at once; turned on only for an erasure, copies that the trees left when they moved cells would stay |
const COMMON: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;";

/// Pragmas of the writer.
///
/// | pragma | why |
/// |---|---|
/// | `wal_autocheckpoint` 1000 | the log stays near 4 MB |
/// | `journal_size_limit` 8 MB | a log that a first load blew up shrinks again |
/// | `cache_size` 8 MB | the upper pages of the trees that a pull writes |
const WRITER: &str = "PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 8388608;
    PRAGMA cache_size = -8192;";

/// Pragmas of a reader.
///
/// | pragma | why |
/// |---|---|
/// | `query_only` on | a reader that writes is a mistake |
/// | `cache_size` 28 MB | members and search trees of 100,000 members stay decrypted |
const READER: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -28672;";

/// Pragmas of the mirror.
///
/// | pragma | why |
/// |---|---|
/// | `synchronous` FULL | it is there when the clerk hears that the work is stored |
/// | `wal_autocheckpoint` 64, `journal_size_limit` 256 kB, `cache_size` 256 kB | it holds little |
const MIRROR: &str = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 64;
    PRAGMA journal_size_limit = 262144; PRAGMA cache_size = -256;";

/// Pragmas of a first load.
///
/// | pragma | why |
/// |---|---|
/// | `journal_mode` DELETE | no log: the file counts only once it is complete and synced; a journal that is used again could be replayed after a power cut that tore it |
/// | `cache_size` 12 MB | the trees of a chunk |
const LOAD: &str = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -12288;";

/// Statements that stay prepared on a connection.
const PREPARED: usize = 192;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The one writer.
    Write,
    /// A reader.
    Read,
    /// A fresh file that a first load fills; it is thrown away if anything fails.
    Load,
    /// The mirror of the outbox.
    Mirror,
    /// A damaged file from which the outbox is salvaged.
    Salvage,
}

/// Opens a keyed connection. A wrong key or a damaged header shows here.
pub(super) fn open(path: &Path, key: &DatabaseKey, purpose: Purpose) -> Result<Connection> {
    connect(path, key, purpose).map_err(|error| error.explained(path))
}

fn connect(path: &Path, key: &DatabaseKey, purpose: Purpose) -> Result<Connection> {
    let access = match purpose {
        Purpose::Write | Purpose::Load | Purpose::Mirror => {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        }
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Purpose::Salvage => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    yaoban_cipher::ready().map_err(|code| SqliteFailure(Code::new(code), None))?;
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // The raw form skips the key derivation: the vault's key is random already.
    // SQLCipher writes to stderr on its own; errors come back as values anyway.
    conn.execute_batch("PRAGMA cipher_log_level = NONE")?;
    let pragma = SecretString::from(format!(
        "PRAGMA key = \"x'{}'\"",
        hex::encode(key.expose_secret())
    ));
    conn.execute_batch(pragma.expose_secret())?;
    conn.execute_batch(COMMON)?;
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    match purpose {
        Purpose::Write => {
            keep_log(&conn)?;
            conn.execute_batch(WRITER)?;
        }
        Purpose::Read => conn.execute_batch(READER)?,
        Purpose::Load => conn.execute_batch(LOAD)?,
        Purpose::Mirror => {
            keep_log(&conn)?;
            conn.execute_batch(MIRROR)?;
        }
        Purpose::Salvage => {}
    }
    conn.set_prepared_statement_cache_capacity(PREPARED);
    Ok(conn)
}

/// Gives the file a write-ahead log: readers never wait for the writer, a commit waits for the disk once.
/// Where there is no room for one SQLite goes on without and does not say so.
pub(super) fn keep_log(conn: &Connection) -> Result<()> {
    let mut statement = conn.prepare("PRAGMA journal_mode = WAL")?;
    // To its end, where it commits: a single row read of it would leave a failure there unheard.
    let modes = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mode = modes.collect::<rusqlite::Result<Vec<_>>>()?.concat();
    if mode == "wal" {
        return Ok(());
    }
    let code = Code::new(rusqlite::ffi::SQLITE_CANTOPEN);
    let what = format!("the journal is \"{mode}\", a write-ahead log could not be made");
    Err(SqliteFailure(code, Some(what)).into())
}
