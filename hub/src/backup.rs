//! Backups: a whole copy of the database while the hub serves, and its return.
//!
//! A restored hub has a new epoch (sync protocol, point 10): phones load their scopes anew and send
//! again what the backup does not contain. Certificates (`DIR/tls`) are not in a backup; keep them
//! too, or phones must be paired again.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::storage::sqlite::{Database, FILE_NAME, RESTORING};
use crate::storage::{Records as _, StorageError};

/// What the name of a database that a restore set aside begins with; then comes the instant.
const KEPT: &str = "hub-before-restore-";

/// Why there is no backup, or no restored hub.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file stands where the backup should be written.
    #[error("{} exists already; choose another file", .0.display())]
    Exists(PathBuf),
    /// A file could not be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is no whole backup.
    #[error("{} is no whole backup of a hub: {reason}; nothing was changed", path.display())]
    NotWhole {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A hub serves, or an import runs, on this directory.
    #[error("a hub or an import runs on {}; stop it first", .0.display())]
    Running(PathBuf),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.into())
    }
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

/// Who works on a data directory: serving hubs share it, a restore needs it alone. Falls with the
/// process.
#[derive(Debug)]
pub struct InUse(#[allow(dead_code)] File); // held, never read

fn use_file(data_dir: &Path) -> Result<(PathBuf, File), BackupError> {
    let path = data_dir.join("serve.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(file_error(&path))?;
    Ok((path, file))
}

impl InUse {
    /// Shares a directory with other serving hubs.
    pub fn shared(data_dir: &Path) -> Result<Self, BackupError> {
        let (path, file) = use_file(data_dir)?;
        Self::locked(data_dir, &path, file.try_lock_shared(), file)
    }

    /// Has a directory alone.
    pub fn alone(data_dir: &Path) -> Result<Self, BackupError> {
        let (path, file) = use_file(data_dir)?;
        Self::locked(data_dir, &path, file.try_lock(), file)
    }

    fn locked(
        data_dir: &Path,
        path: &Path,
        locked: Result<(), TryLockError>,
        file: File,
    ) -> Result<Self, BackupError> {
        match locked {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(BackupError::Running(data_dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(file_error(path)(source)),
        }
    }
}

/// Writes a whole, consistent copy of the database into a new file. Phones go on meanwhile.
pub fn backup(data_dir: &Path, target: &Path) -> Result<(), BackupError> {
    if target.exists() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let source = data_dir.join(FILE_NAME);
    if !source.is_file() {
        return Err(StorageError::Missing(data_dir.to_owned()).into());
    }
    let half = target.with_extension("half");
    let _ = fs::remove_file(&half);
    let connection = Connection::open_with_flags(&source, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    if let Err(error) = copy_into(&connection, &half) {
        // Half a copy helps nobody and takes the room that the hub may be short of.
        let _ = fs::remove_file(&half);
        return Err(error);
    }
    fs::rename(&half, target).map_err(file_error(target))?;
    // A name is on the disk only once its directory is.
    sync_directory(target.parent().unwrap_or(data_dir))
}

/// A copy of the database in a new file, on the disk when this is done.
fn copy_into(connection: &Connection, copy: &Path) -> Result<(), BackupError> {
    connection
        .execute("VACUUM INTO ?1", [copy.to_string_lossy()])
        .map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::CannotOpen) => StorageError::NotWritable {
                path: copy.to_owned(),
                reason: error.to_string(),
            }
            .into(),
            _ => BackupError::from(error),
        })?;
    File::open(copy)
        .and_then(|file| file.sync_all())
        .map_err(file_error(copy))
}

fn sync_directory(directory: &Path) -> Result<(), BackupError> {
    // A target without a folder lies in the current one.
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(file_error(directory))
}

/// Puts a backup in the place of a directory's database, which is kept beside it, and gives the hub
/// a new epoch. Gives the path under which the old database is kept, if there was one.
///
/// The old database leaves before its log does, and both before the new one comes: at no instant does
/// one stand beside the other's log. If that is broken off, the directory has no database, which
/// [`Database::open`] says, and the same command again ends it.
pub fn restore(data_dir: &Path, backup: &Path, now_ms: i64) -> Result<Option<PathBuf>, BackupError> {
    check(backup)?;
    fs::create_dir_all(data_dir).map_err(file_error(data_dir))?;
    let _alone = InUse::alone(data_dir)?;
    let current = data_dir.join(FILE_NAME);
    let staging = data_dir.join(RESTORING);
    let _ = fs::remove_dir_all(&staging);
    fs::create_dir_all(&staging).map_err(file_error(&staging))?;
    let staged = staging.join(FILE_NAME);
    fs::copy(backup, &staged).map_err(|source| {
        // The backup can be read if there is no room; it is its copy that has none.
        let full = source.kind() == std::io::ErrorKind::StorageFull;
        file_error(if full { &staged } else { backup })(source)
    })?;
    let database = Database::open(&staging)?;
    database.write::<_, StorageError>(|tx| {
        tx.set_meta("epoch", &uuid::Uuid::now_v7().to_string())?;
        tx.new_generations()
    })?;
    drop(database);
    File::open(&staged)
        .and_then(|file| file.sync_all())
        .map_err(file_error(&staged))?;
    sync_directory(&staging)?;
    sync_directory(data_dir)?;
    let kept = keep_current(data_dir, &current, now_ms)?;
    fs::rename(&staged, &current).map_err(file_error(&current))?;
    sync_directory(data_dir)?;
    let _ = fs::remove_dir_all(&staging);
    // A cache of the old database.
    let _ = fs::remove_dir_all(data_dir.join("chunks"));
    Ok(kept)
}

/// Sets the current database aside with its log.
fn keep_current(data_dir: &Path, current: &Path, now_ms: i64) -> Result<Option<PathBuf>, BackupError> {
    let kept = if current.exists() {
        data_dir.join(format!("{KEPT}{now_ms}.db"))
    } else if let Some(kept) = last_kept(data_dir) {
        // An earlier restore was broken off; the log may still be here.
        kept
    } else {
        return Ok(None);
    };
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(current, suffix);
        let to = with_suffix(&kept, suffix);
        if from.exists() {
            fs::rename(&from, &to).map_err(file_error(&from))?;
        }
    }
    Ok(Some(kept))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The database that was set aside last.
fn last_kept(data_dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(data_dir).ok()?;
    let instant = |path: &PathBuf| -> Option<i64> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix(KEPT)?.strip_suffix(".db")?.parse().ok()
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| instant(path).is_some())
        .max_by_key(instant)
}

/// Whether a file is a whole database of a hub.
fn check(path: &Path) -> Result<(), BackupError> {
    let not_whole = |reason: String| BackupError::NotWhole {
        path: path.to_owned(),
        reason,
    };
    if !path.is_file() {
        return Err(not_whole("there is no such file".to_owned()));
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found: Result<String, _> = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match found {
        Ok(text) if text == "ok" => {}
        Ok(text) => return Err(not_whole(text)),
        Err(error) => return Err(not_whole(error.to_string())),
    }
    let epoch: Result<String, _> =
        connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0));
    epoch.map(|_| ()).map_err(|error| not_whole(error.to_string()))
}
