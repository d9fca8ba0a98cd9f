//! Opening, pausing, and what happens to a damaged file.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params};

use super::connection::{Purpose, open};
use super::error::{Result, StoreError};
use super::settings::Settings;
use super::{Store, lock, outbox, schema};
use crate::recording;
use crate::vault::{DatabaseKey, KeyVault};

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// A damaged file that was set aside, never deleted.
    pub set_aside: Option<PathBuf>,
    /// Operations that were salvaged from it into the new file.
    pub salvaged_ops: u32,
}

impl Store {
    /// Opens the file, makes it if there is none. A damaged file is set aside under a name with
    /// `now_ms` and its outbox salvaged; a newer one is refused and kept.
    pub fn open(path: &Path, vault: &dyn KeyVault, now_ms: i64) -> Result<(Self, OpenReport)> {
        let key = vault.database_key()?;
        match open_writer(path, &key) {
            Ok(writer) => Ok((Self::with_writer(path, key, writer)?, OpenReport::default())),
            Err(StoreError::Damaged) => {
                let aside = set_aside(path, now_ms)?;
                let writer = open_writer(path, &key)?;
                let salvaged_ops = salvage(&aside, &key, &writer)?;
                tracing::warn!(salvaged_ops, "damaged file set aside");
                let store = Self::with_writer(path, key, writer)?;
                Ok((
                    store,
                    OpenReport {
                        set_aside: Some(aside),
                        salvaged_ops,
                    },
                ))
            }
            Err(error) => Err(error),
        }
    }

    /// A read said that the file is damaged: sets it aside, begins a new one and saves what exists
    /// only here. The scopes are then loaded anew.
    pub fn set_damaged_aside(&self, now_ms: i64) -> Result<OpenReport> {
        let mut writer = lock(&self.writer);
        // Closing a damaged file may fail; what counts is that nobody holds it.
        for reader in &self.readers {
            drop(lock(reader).take());
        }
        drop(writer.take());
        let aside = set_aside(&self.path, now_ms)?;
        self.reopen(&mut writer)?;
        let fresh = writer.as_ref().ok_or(StoreError::Closed)?;
        let salvaged_ops = salvage(&aside, &self.key, fresh)?;
        self.keep_settings(Settings::read(fresh)?);
        Ok(OpenReport {
            set_aside: Some(aside),
            salvaged_ops,
        })
    }

    fn with_writer(path: &Path, key: DatabaseKey, writer: Connection) -> Result<Self> {
        let settings = Settings::read(&writer)?;
        let store = Self {
            path: path.to_owned(),
            key,
            writer: Mutex::new(Some(writer)),
            readers: Default::default(),
            next_reader: AtomicUsize::new(0),
            settings: RwLock::new(Arc::new(settings)),
            load: Mutex::new(None),
        };
        store.open_readers()?;
        Ok(store)
    }

    fn open_readers(&self) -> Result<()> {
        for reader in &self.readers {
            *lock(reader) = Some(open(&self.path, &self.key, Purpose::Read)?);
        }
        Ok(())
    }

    /// Waits for running work, moves the log into the file and closes every connection: a phone
    /// kills an app that holds a file's lock while it sleeps.
    pub fn pause(&self) -> Result<()> {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.close_all(&mut lock(&self.writer))
    }

    /// Opens again what [`Self::pause`] closed.
    pub fn resume(&self) -> Result<()> {
        let mut writer = lock(&self.writer);
        if writer.is_none() {
            self.reopen(&mut writer)?;
        }
        Ok(())
    }

    /// Moves the log into the file, so that what was erased is nowhere any more.
    pub(super) fn checkpoint(&self) -> Result<()> {
        lock(&self.writer).as_ref().map_or(Ok(()), truncate_log)
    }

    /// Closes readers, then the writer, whose log is emptied.
    pub(super) fn close_all(&self, writer: &mut Option<Connection>) -> Result<()> {
        for reader in &self.readers {
            close(lock(reader).take())?;
        }
        if let Some(conn) = writer.as_ref() {
            truncate_log(conn)?;
        }
        close(writer.take())
    }

    /// Opens the writer, then the readers.
    pub(super) fn reopen(&self, writer: &mut Option<Connection>) -> Result<()> {
        *writer = Some(open_writer(&self.path, &self.key)?);
        self.open_readers()
    }

    /// Whether the connections are open.
    pub fn is_open(&self) -> bool {
        lock(&self.writer).is_some()
    }
}

fn truncate_log(conn: &Connection) -> Result<()> {
    Ok(conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn close(conn: Option<Connection>) -> Result<()> {
    conn.map_or(Ok(()), |conn| conn.close().map_err(|(_, error)| error.into()))
}

fn open_writer(path: &Path, key: &DatabaseKey) -> Result<Connection> {
    let mut conn = open(path, key, Purpose::Write)?;
    schema::prepare(&mut conn, path)?;
    Ok(conn)
}

/// Renames the file and its log; both are kept for inspection.
fn set_aside(path: &Path, now_ms: i64) -> Result<PathBuf> {
    let aside = with_suffix(path, &format!(".damaged-{now_ms}"));
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (with_suffix(path, suffix), with_suffix(&aside, suffix));
        match std::fs::rename(&from, to) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::File { path: from, source });
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// The path with something after its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Tables whose rows exist nowhere else.
const SALVAGED: [(&str, &str); 4] = [
    ("outbox", outbox::ALL_COLUMNS),
    ("meta", "key, value"),
    ("recording", recording::rows::ALL_COLUMNS),
    ("pin", "staff_id, hash, failures, blocked_until_ms"),
];

/// Copies what can still be read of the tables that exist nowhere else; what cannot is left.
/// Returns the operations that were saved.
fn salvage(aside: &Path, key: &DatabaseKey, into: &Connection) -> Result<u32> {
    let Ok(from) = open(aside, key, Purpose::Salvage) else {
        return Ok(0);
    };
    let mut ops = 0;
    for (table, columns) in SALVAGED {
        let copied = copy_rows(&from, into, table, columns)?;
        if table == "outbox" {
            ops = copied;
        }
    }
    Ok(ops)
}

/// Copies rows until one cannot be read; a damaged table gives its sound beginning.
pub(super) fn copy_rows(from: &Connection, into: &Connection, table: &str, columns: &str) -> Result<u32> {
    let count = columns.split(',').count();
    let marks = vec!["?"; count].join(", ");
    let mut insert = into.prepare(&format!(
        "INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"
    ))?;
    let Ok(mut select) = from.prepare(&format!("SELECT {columns} FROM {table}")) else {
        return Ok(0);
    };
    let Ok(mut rows) = select.query(params![]) else {
        return Ok(0);
    };
    let mut copied = 0;
    while let Ok(Some(row)) = rows.next() {
        for column in 0..count {
            insert.raw_bind_parameter(column + 1, ToSqlOutput::Borrowed(row.get_ref(column)?))?;
        }
        insert.raw_execute()?;
        copied += 1;
    }
    Ok(copied)
}
