//! Opening, pausing, and what happens to a damaged file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params};

use super::connection::{Purpose, open};
use super::error::{FromStore as _, Result, StoreError};
use super::settings::Settings;
use super::{Store, lock, meta, mirror, outbox, schema};
use crate::recording;
use crate::vault::{DatabaseKey, KeyVault};

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// A damaged file that was set aside, never deleted.
    pub set_aside: Option<PathBuf>,
    /// Operations that were salvaged from it into the new file, or that came back from the mirror because
    /// the file had lost them.
    pub salvaged_ops: u32,
}

impl Store {
    /// Opens the file, makes it if there is none. A damaged file is set aside under a name with
    /// `now_ms` and its outbox salvaged; a newer one is refused and kept.
    pub fn open(path: &Path, vault: &dyn KeyVault, now_ms: i64) -> Result<(Self, OpenReport)> {
        let key = vault.database_key()?;
        end_set_aside(path)?;
        let mut writer = match open_writer(path, &key).and_then(with_settings) {
            Err(StoreError::Damaged) => {
                set_aside(path, now_ms)?;
                open_writer(path, &key)?
            }
            opened => opened?,
        };
        let (mirror, report) = save(path, &key, &mut writer)?;
        Ok((Self::with_writer(path, key, mirror, writer)?, report))
    }

    /// A read said that the file is damaged: sets it aside, begins a new one and saves what exists
    /// only here. The scopes are then loaded anew. Who called tells of the change, once the report is where it shows.
    pub fn set_damaged_aside(&self, now_ms: i64) -> Result<OpenReport> {
        let mut writer = lock(&self.writer);
        self.damage.claimed.store(true, Ordering::SeqCst);
        // Closing a damaged file may fail; what counts is that nobody holds it.
        for reader in &self.readers {
            drop(lock(reader).take());
        }
        drop(writer.take());
        set_aside(&self.path, now_ms)?;
        let mut fresh = open_writer(&self.path, &self.key)?;
        let (mirror, report) = save(&self.path, &self.key, &mut fresh)?;
        *self.mirror.lock().unwrap_or_else(PoisonError::into_inner) = mirror;
        self.keep_settings(Settings::read(&fresh)?);
        self.begin_with(&mut writer, fresh)?;
        Ok(report)
    }

    fn with_writer(
        path: &Path,
        key: DatabaseKey,
        mirror: mirror::Mirror,
        writer: Connection,
    ) -> Result<Self> {
        let settings = Settings::read(&writer)?;
        let store = Self {
            path: path.to_owned(),
            key,
            writer: Mutex::new(None),
            mirror: Mutex::new(mirror),
            readers: Default::default(),
            next_reader: AtomicUsize::new(0),
            paused: AtomicBool::new(false),
            damage: super::Damage::default(),
            settings: RwLock::new(Arc::new(settings)),
            load: Mutex::new(None),
            listener: RwLock::default(),
        };
        store.begin_with(&mut lock(&store.writer), writer)?;
        Ok(store)
    }

    /// Takes a writer, hears what it touches, and opens the readers.
    fn begin_with(&self, place: &mut Option<Connection>, mut writer: Connection) -> Result<()> {
        self.mirror().listen(&mut writer)?;
        *place = Some(writer);
        // All or none: what is half open would not be opened again.
        self.open_readers().inspect_err(|_| *place = None)
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
        self.paused.store(true, Ordering::SeqCst);
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.close_all(&mut lock(&self.writer))
    }

    /// Opens again what [`Self::pause`] closed. A file that was damaged meanwhile is mended by the next call.
    pub fn resume(&self) -> Result<()> {
        self.paused.store(false, Ordering::SeqCst);
        // Asked before who listens is told: its call may mend the file at once.
        let to_mend = !self.damage.claimed.load(Ordering::SeqCst);
        let opened = self.ensure_open(&mut lock(&self.writer));
        match opened {
            Err(error) if error.is_damage() && to_mend => {
                self.note_damage(true);
                Ok(())
            }
            opened => opened,
        }
    }

    /// Moves the log into the file, so that what was erased is nowhere any more.
    pub(super) fn checkpoint(&self) -> Result<()> {
        let writer = lock(&self.writer);
        writer.as_ref().map_or(Ok(()), truncate_log)?;
        self.mirror().checkpoint()
    }

    /// Before an erasure: files that were set aside go. What exists only here was saved from them long ago; the rest
    /// would keep what is now to be erased.
    pub(super) fn remove_set_aside(&self) -> Result<()> {
        for path in aside_files(&self.path) {
            std::fs::remove_file(&path).map_err(|source| StoreError::of_file(&path, source))?;
        }
        Ok(())
    }

    /// Closes readers, then the writer, whose log is emptied.
    pub(super) fn close_all(&self, writer: &mut Option<Connection>) -> Result<()> {
        for reader in &self.readers {
            close(lock(reader).take())?;
        }
        if let Some(conn) = writer.as_ref() {
            truncate_log(conn)?;
        }
        self.mirror
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .close()?;
        close(writer.take())
    }

    /// Opens the writer, then the readers.
    pub(super) fn reopen(&self, writer: &mut Option<Connection>) -> Result<()> {
        self.begin_with(writer, open_writer(&self.path, &self.key)?)
    }

    /// Whether the connections are open.
    pub fn is_open(&self) -> bool {
        lock(&self.writer).is_some()
    }
}

pub(super) fn truncate_log(conn: &Connection) -> Result<()> {
    Ok(conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn close(conn: Option<Connection>) -> Result<()> {
    conn.map_or(Ok(()), |conn| conn.close().map_err(|(_, error)| error.into()))
}

/// What every use of the file needs can be read: damage there has to be seen to now, or the phone could
/// never be opened again.
fn with_settings(writer: Connection) -> Result<Connection> {
    Settings::read(&writer)?;
    Ok(writer)
}

fn open_writer(path: &Path, key: &DatabaseKey) -> Result<Connection> {
    let mut conn = open(path, key, Purpose::Write)?;
    schema::prepare(&mut conn, path)?;
    Ok(conn)
}

/// What stands between the name of the file and the instant in the name of one that was set aside.
const ASIDE: &str = ".damaged-";

/// Renames the file, then its log; both are kept for inspection.
fn set_aside(path: &Path, now_ms: i64) -> Result<()> {
    rename_all(path, &with_suffix(path, &format!("{ASIDE}{now_ms}")))
}

pub(super) fn rename_all(path: &Path, aside: &Path) -> Result<()> {
    let failed = |path: &Path, source| StoreError::File {
        path: path.to_owned(),
        source,
    };
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (with_suffix(path, suffix), with_suffix(aside, suffix));
        match std::fs::rename(&from, to) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(&from, source));
            }
            _ => {}
        }
    }
    let folder = path.parent().unwrap_or(path);
    std::fs::File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| failed(folder, source))
}

/// The file was set aside and its log was not: the phone died between the two. A new file would delete
/// the log, in which may be what a clerk did last.
fn end_set_aside(path: &Path) -> Result<()> {
    if path.exists() || !with_suffix(path, "-wal").exists() {
        return Ok(());
    }
    last_aside(path).map_or(Ok(()), |aside| rename_all(path, &aside))
}

/// The file that was set aside last, if one was.
fn last_aside(path: &Path) -> Option<PathBuf> {
    let instant = |aside: &PathBuf| after_aside(path, aside)?.parse::<i64>().ok();
    aside_files(path)
        .into_iter()
        .filter(|aside| instant(aside).is_some())
        .max_by_key(instant)
}

/// All files that were set aside, with their logs, and a mirror.
fn aside_files(path: &Path) -> Vec<PathBuf> {
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|found| after_aside(path, found).is_some())
        .collect()
}

/// What stands after [`ASIDE`] in the name of a file that was set aside from `path`.
fn after_aside<'a>(path: &Path, found: &'a Path) -> Option<&'a str> {
    let name = found.file_name()?.to_str()?;
    name.strip_prefix(path.file_name()?.to_str()?)?
        .strip_prefix(ASIDE)
}

/// The path with something after its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What exists only here and the file may have lost: from the file that was set aside last, and from the
/// mirror.
fn save(path: &Path, key: &DatabaseKey, writer: &mut Connection) -> Result<(mirror::Mirror, OpenReport)> {
    let mut report = salvage_last(path, key, writer)?;
    let (mirror, restored) = mirror::Mirror::restoring(path, key, writer)?;
    report.salvaged_ops += restored;
    Ok((mirror, report))
}

/// From which file that was set aside this one took what could be read.
const SALVAGED_FROM: &str = "salvaged_from";

/// Tables whose rows exist nowhere else.
const SALVAGED: [(&str, &str); 4] = [
    ("outbox", outbox::ALL_COLUMNS),
    ("meta", "key, value"),
    ("recording", recording::rows::ALL_COLUMNS),
    ("pin", "staff_id, hash, failures, blocked_until_ms"),
];

/// Copies what can still be read of the tables that exist nowhere else out of the file that was set
/// aside last, once: the new file notes from which one it was, in the same transaction. So a phone that
/// dies before this is done does it when it opens again.
fn salvage_last(path: &Path, key: &DatabaseKey, into: &Connection) -> Result<OpenReport> {
    let Some(aside) = last_aside(path) else {
        return Ok(OpenReport::default());
    };
    let name = aside
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if meta::get::<String>(into, SALVAGED_FROM)?.as_ref() == Some(&name) {
        return Ok(OpenReport::default());
    }
    let tx = into.unchecked_transaction()?;
    let mut salvaged_ops = 0;
    // With a key that is not its own, or without its first page, nothing can be read.
    if open(&aside, key, Purpose::Salvage).is_ok() {
        for (table, columns) in SALVAGED {
            // From both ends: one damaged page in the middle costs only what is on it. Each with a connection
            // of its own: SQLCipher gives nothing more on one that met a damaged page.
            for order in ["", "ORDER BY 1 DESC"] {
                if let Ok(from) = open(&aside, key, Purpose::Salvage) {
                    let _ = copy_rows(&from, &tx, table, columns, order)?;
                }
            }
        }
        salvaged_ops = tx.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
        outbox::raise_last_n(&tx)?;
    }
    meta::set(&tx, SALVAGED_FROM, &name)?;
    tx.commit()?;
    tracing::warn!(salvaged_ops, "damaged file set aside");
    Ok(OpenReport {
        set_aside: Some(aside),
        salvaged_ops,
    })
}

/// Copies rows until one cannot be read. Gives how many, and whether that was all of them.
pub(super) fn copy_rows(
    from: &Connection,
    into: &Connection,
    table: &str,
    columns: &str,
    order: &str,
) -> Result<std::result::Result<u32, rusqlite::Error>> {
    let count = columns.split(',').count();
    let marks = vec!["?"; count].join(", ");
    let mut insert = into.prepare(&format!(
        "INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"
    ))?;
    let mut select = match from.prepare(&format!("SELECT {columns} FROM {table} {order}")) {
        Ok(select) => select,
        Err(error) => return Ok(Err(error)),
    };
    let mut rows = match select.query(params![]) {
        Ok(rows) => rows,
        Err(error) => return Ok(Err(error)),
    };
    let mut copied = 0;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(Ok(copied)),
            Err(error) => return Ok(Err(error)),
        };
        for column in 0..count {
            insert.raw_bind_parameter(column + 1, ToSqlOutput::Borrowed(row.get_ref(column)?))?;
        }
        insert.raw_execute()?;
        copied += 1;
    }
}
