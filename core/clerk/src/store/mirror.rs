//! The second copy of what exists only on this phone: operations that the hub does not have, and the
//! pairing, in a file of their own beside the phone's.
//!
//! A damaged page or a broken log of the phone's file costs what clerks did last, and nothing in that
//! file can tell: SQLite takes a log to end where a frame is not whole, as a power cut leaves it. So
//! every write that touches the outbox is done here too, and what opening finds here and not there was
//! lost there ([`restore`]).
//!
//! **Order.** What leaves the outbox (taken back, forgotten) leaves the mirror before the commit, what
//! enters or changes comes to it after: whenever the phone dies, the mirror holds nothing that the
//! phone's file does not, unless that lost it. What the mirror lacks then is copied at the next opening.
//!
//! **Failures.** A mirror that cannot be read or written never stops the clerk: it is made anew or
//! brought up later (`behind`), and a full disk refuses the phone's own commit soon enough.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::Action;
use rusqlite::types::{Null, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::connection::{Purpose, open};
use super::load::remove;
use super::open::{copy_rows, rename_all, truncate_log, with_suffix};
use super::{Result, Settings, StoreError, Tx, meta, outbox, replay};
use crate::vault::DatabaseKey;

/// What stands after the name of the phone's file.
const SUFFIX: &str = ".mirror";
/// And after that name for a mirror that could not be read.
const ASIDE_SUFFIX: &str = ".damaged-mirror";
/// A mirror of another layout is made anew.
const VERSION: i64 = 1;
const TABLES: &str = include_str!("sql/mirror.sql");
/// Of the values in `meta`, what a phone must know to find its hub again.
const PAIRING: [&str; 9] = [
    meta::HUB_URL,
    meta::HUB_FINGERPRINT,
    meta::DEVICE_ID,
    meta::REFRESH_SECRET,
    meta::CHAIN_NAME,
    meta::STORE_ID,
    meta::STORE_NAME,
    meta::PAIRED_STAFF,
    meta::LAST_N,
];
/// The hub does not have it for certain, or the clerk has to see it.
const EXISTS_ONLY_HERE: &str = "state <> 'sent' AND put_away = 0";

/// Operations that a transaction touched, by key.
type Touched = Arc<Mutex<BTreeSet<i64>>>;
/// The pairing as it was mirrored.
type Pairing = BTreeMap<String, rusqlite::types::Value>;

/// The file beside the phone's. Written only by who holds the phone's writer.
#[derive(Default)]
pub(super) struct Mirror {
    conn: Option<Connection>,
    touched: Touched,
    pairing: Pairing,
    /// Something could not be written: the next write brings everything up.
    behind: bool,
    /// The file met damage: it is set aside before the next write.
    broken: bool,
}

/// Where the mirror of a phone's file is.
pub(super) fn path_of(file: &Path) -> PathBuf {
    with_suffix(file, SUFFIX)
}

impl Mirror {
    /// Opens the mirror of `file`, makes it if there is none; one that cannot be read is set aside. The
    /// next write brings it up.
    pub(super) fn open(&mut self, file: &Path, key: &DatabaseKey) -> Result<()> {
        self.behind = true;
        self.pairing.clear();
        self.conn = None;
        if std::mem::take(&mut self.broken) {
            set_mirror_aside(file)?;
        }
        let path = path_of(file);
        self.conn = match open_writer(&path, key) {
            Err(StoreError::Damaged) => {
                set_mirror_aside(file)?;
                Some(open_writer(&path, key)?)
            }
            opened => Some(opened?),
        };
        Ok(())
    }

    /// Whether there is a file to write to.
    pub(super) fn is_open(&self) -> bool {
        self.conn.is_some()
    }

    /// Hears which operations a connection touches.
    pub(super) fn listen(&self, writer: &mut Connection) -> Result<()> {
        let touched = Arc::clone(&self.touched);
        writer.update_hook(Some(move |_: Action, _: &str, table: &str, key: i64| {
            if table == "outbox" {
                locked(&touched).insert(key);
            }
        }))?;
        Ok(())
    }

    /// A transaction begins.
    pub(super) fn begin(&self) {
        locked(&self.touched).clear();
    }

    /// Before the commit: what the transaction takes out of the outbox leaves the mirror.
    pub(super) fn forget(&mut self, tx: &Connection) {
        let forgotten = self.forgotten(tx).and_then(|gone| match &mut self.conn {
            Some(conn) if !gone.is_empty() => delete(conn, &gone),
            _ => Ok(()),
        });
        if let Err(error) = forgotten {
            tracing::warn!(code = error.code(), "the mirror is made anew");
            self.throw_away();
        }
    }

    /// After the commit: what entered or changed comes to the mirror.
    pub(super) fn keep(&mut self, writer: &Connection) {
        let kept = if self.behind {
            self.bring_up(writer)
        } else {
            self.keep_touched(writer)
        };
        if let Err(error) = kept {
            tracing::warn!(code = error.code(), "the mirror is brought up later");
            self.behind = true;
            if matches!(error, StoreError::Damaged) {
                self.broken = true;
                self.conn = None;
            }
        }
    }

    fn forgotten(&self, tx: &Connection) -> Result<Vec<i64>> {
        let mut still = tx.prepare_cached(&format!(
            "SELECT 1 FROM outbox WHERE outbox_id = ?1 AND {EXISTS_ONLY_HERE}"
        ))?;
        let touched: Vec<i64> = locked(&self.touched).iter().copied().collect();
        let mut gone = Vec::new();
        for key in touched {
            if !still.exists([key])? {
                gone.push(key);
            }
        }
        Ok(gone)
    }

    fn keep_touched(&mut self, writer: &Connection) -> Result<()> {
        let touched: Vec<i64> = locked(&self.touched).iter().copied().collect();
        let pairing = pairing_of(writer)?;
        let Some(conn) = self.conn.as_mut() else {
            return Ok(());
        };
        if touched.is_empty() && pairing == self.pairing {
            return Ok(());
        }
        let tx = conn.transaction()?;
        for key in touched {
            copy(writer, &tx, key)?;
        }
        keep_pairing(&tx, &pairing)?;
        tx.commit()?;
        self.pairing = pairing;
        Ok(())
    }

    /// Makes the mirror equal to what the phone's file holds.
    fn bring_up(&mut self, writer: &Connection) -> Result<()> {
        let pairing = pairing_of(writer)?;
        let Some(conn) = self.conn.as_mut() else {
            return Ok(());
        };
        let wanted = outline(writer, EXISTS_ONLY_HERE)?;
        let held = outline(conn, "1")?;
        let tx = conn.transaction()?;
        for key in held.keys().filter(|key| !wanted.contains_key(key)) {
            tx.prepare_cached("DELETE FROM outbox WHERE outbox_id = ?1")?
                .execute([key])?;
        }
        for (key, _) in wanted
            .iter()
            .filter(|(key, outline)| held.get(key) != Some(outline))
        {
            copy(writer, &tx, *key)?;
        }
        keep_pairing(&tx, &pairing)?;
        tx.commit()?;
        self.pairing = pairing;
        self.behind = false;
        Ok(())
    }

    /// What could not be taken out must not come back.
    fn throw_away(&mut self) {
        let path = self.conn.take().and_then(|conn| conn.path().map(PathBuf::from));
        if let Some(path) = path {
            // Known gap: one that cannot be removed either brings back at the next opening what was taken back.
            let _ = remove(&path);
        }
    }

    /// Moves the log into the file: what was erased is nowhere any more.
    pub(super) fn checkpoint(&self) -> Result<()> {
        self.conn.as_ref().map_or(Ok(()), truncate_log)
    }

    /// Closes the file; [`Self::open`] opens it again.
    pub(super) fn close(&mut self) -> Result<()> {
        let Some(conn) = self.conn.take() else {
            return Ok(());
        };
        // A log that cannot be moved stays beside the file and is read with it.
        let _ = truncate_log(&conn);
        conn.close().map_err(|(_, error)| error.into())
    }
}

/// What the mirror holds and the phone's file does not comes back to it: the file had lost it. A file
/// without a pairing takes that, too. Says how many operations came back. Where that fails the mirror is
/// set aside as it is, and the phone opens without.
pub(super) fn restore(file: &Path, key: &DatabaseKey, writer: &mut Connection) -> Result<u32> {
    if !path_of(file).exists() {
        return Ok(0);
    }
    match restore_from(&path_of(file), key, writer) {
        Ok(restored) => Ok(restored),
        Err(error) => {
            tracing::error!(code = error.code(), "the mirror could not be read back");
            set_mirror_aside(file)?;
            Ok(0)
        }
    }
}

fn restore_from(mirror: &Path, key: &DatabaseKey, writer: &mut Connection) -> Result<u32> {
    let calendar = Settings::read(writer)?.calendar;
    let tx = Tx::begin(writer, calendar)?;
    let mut restored = 0;
    // From both ends: one damaged page of the mirror costs only what is on it. Each with a connection of
    // its own: SQLCipher gives nothing more on one that met a damaged page.
    for order in ["n IS NULL, n, outbox_id", "n IS NOT NULL, n DESC, outbox_id DESC"] {
        if let Ok(from) = open(mirror, key, Purpose::Salvage) {
            restored += bring_back(&from, &tx, order)?;
        }
    }
    let mut paired = false;
    if meta::get::<String>(&tx, meta::DEVICE_ID)?.is_none()
        && let Ok(from) = open(mirror, key, Purpose::Salvage)
    {
        let _ = copy_rows(&from, &tx, "meta", "key, value", "")?;
        paired = meta::get::<String>(&tx, meta::DEVICE_ID)?.is_some();
    }
    if restored == 0 && !paired {
        return Ok(0);
    }
    outbox::raise_last_n(&tx)?;
    replay::rebuild(&tx)?;
    tx.commit()?;
    if restored > 0 {
        tracing::warn!(restored, "operations came back from the mirror");
    }
    Ok(restored)
}

/// Takes operations that are unknown into the outbox, in this order, until one cannot be read.
fn bring_back(from: &Connection, tx: &Connection, order: &str) -> Result<u32> {
    // Keys are the file's own. A number that is taken by now is given anew.
    let columns = outbox::ALL_COLUMNS.split_once(',').map_or("", |(_, rest)| rest);
    let marks = vec!["?"; columns.split(',').count()].join(", ");
    let mut known = tx.prepare("SELECT 1 FROM outbox WHERE op_id = ?1")?;
    let mut taken = tx.prepare("SELECT 1 FROM outbox WHERE n = ?1")?;
    let mut insert = tx.prepare(&format!("INSERT INTO outbox ({columns}) VALUES ({marks})"))?;
    let mut unnumber =
        tx.prepare("UPDATE outbox SET n = NULL, state = 'held', held_until_ms = at_ms WHERE outbox_id = ?1")?;
    let Ok(mut select) = from.prepare(&format!("SELECT {columns} FROM outbox ORDER BY {order}")) else {
        return Ok(0);
    };
    let Ok(mut rows) = select.query([]) else {
        return Ok(0);
    };
    let mut restored = 0;
    while let Ok(Some(row)) = rows.next() {
        let (n, op_id): (Option<i64>, String) = (row.get(0)?, row.get(1)?);
        if known.exists([&op_id])? {
            continue;
        }
        let taken = n.is_some() && taken.exists([n])?;
        for column in 0..insert.parameter_count() {
            let value = row.get_ref(column)?;
            insert.raw_bind_parameter(column + 1, ToSqlOutput::Borrowed(value))?;
        }
        if taken {
            insert.raw_bind_parameter(1, Null)?;
        }
        insert.raw_execute()?;
        if taken {
            unnumber.execute([tx.last_insert_rowid()])?;
        }
        restored += 1;
    }
    Ok(restored)
}

/// Kept under a name of its own, for inspection; an older one makes way.
fn set_mirror_aside(file: &Path) -> Result<()> {
    rename_all(&path_of(file), &with_suffix(file, ASIDE_SUFFIX))
}

fn open_writer(path: &Path, key: &DatabaseKey) -> Result<Connection> {
    let conn = open(path, key, Purpose::Mirror)?;
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        conn.execute_batch(TABLES)?;
        conn.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(conn)
}

/// Id, number, state and whether its member is erased: what can change of an operation.
type Outline = (String, Option<i64>, String, i64);

/// Outlines of operations by key.
fn outline(conn: &Connection, filter: &str) -> Result<BTreeMap<i64, Outline>> {
    let mut statement = conn.prepare(&format!(
        "SELECT outbox_id, op_id, n, state, erased FROM outbox WHERE {filter}"
    ))?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Copies one operation, if it belongs here.
fn copy(from: &Connection, into: &Connection, key: i64) -> Result<()> {
    let filter = format!("WHERE outbox_id = {key} AND {EXISTS_ONLY_HERE}");
    copy_rows(from, into, "outbox", outbox::ALL_COLUMNS, &filter)??;
    Ok(())
}

fn delete(conn: &mut Connection, keys: &[i64]) -> Result<()> {
    let tx = conn.transaction()?;
    for key in keys {
        tx.prepare_cached("DELETE FROM outbox WHERE outbox_id = ?1")?
            .execute([key])?;
    }
    Ok(tx.commit()?)
}

fn pairing_of(conn: &Connection) -> Result<Pairing> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let mut pairing = Pairing::new();
    for key in PAIRING {
        if let Some(value) = select.query_row([key], |row| row.get(0)).optional()? {
            pairing.insert(key.to_owned(), value);
        }
    }
    Ok(pairing)
}

fn keep_pairing(conn: &Connection, pairing: &Pairing) -> Result<()> {
    conn.execute("DELETE FROM meta", [])?;
    let mut insert = conn.prepare_cached("INSERT INTO meta (key, value) VALUES (?1, ?2)")?;
    for (key, value) in pairing {
        insert.execute(params![key, value])?;
    }
    Ok(())
}

fn locked(touched: &Touched) -> std::sync::MutexGuard<'_, BTreeSet<i64>> {
    touched.lock().unwrap_or_else(PoisonError::into_inner)
}
