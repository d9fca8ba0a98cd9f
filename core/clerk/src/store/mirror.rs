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
//! **Failures.** A mirror that cannot be read or written never stops the clerk: it is brought up later
//! (`behind`). Where it could not be told what leaves the outbox, the same commit says so in the phone's
//! file, and nothing comes back from it until it is brought up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::Action;
use rusqlite::types::{Null, ToSqlOutput};
use rusqlite::{Connection, params};

use super::connection::{Purpose, open};
use super::open::{copy_rows, rename_all, truncate_log, with_suffix};
use super::{Result, Settings, StoreError, Tx, meta, outbox, replay, schema};
use crate::vault::DatabaseKey;

/// What stands after the name of the phone's file.
const SUFFIX: &str = ".mirror";
/// And after that name for a mirror that could not be read.
const ASIDE_SUFFIX: &str = ".damaged-mirror";
/// In the phone's `meta`, and copied: rises when the mirror could not be told what left the outbox. From a
/// mirror with a lower one nothing comes back.
const GENERATION: &str = "mirror_generation";
/// Its tables are the phone's own.
const TABLES: [&str; 2] = ["outbox", "meta"];
/// Of the values in `meta`: what a phone must know to find its hub again, and the generation.
const KEPT: [&str; 10] = [
    GENERATION,
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
/// Values of `meta` as they were mirrored.
type Values = BTreeMap<&'static str, rusqlite::types::Value>;

/// The file beside the phone's. Written only by who holds the phone's writer.
#[derive(Default)]
pub(super) struct Mirror {
    conn: Option<Connection>,
    touched: Touched,
    values: Values,
    /// Something could not be written: the next write brings everything up.
    behind: bool,
    /// The file met damage: it is set aside before the next write.
    broken: bool,
    /// It holds what could not be brought back or set aside yet: not written until the phone is opened again.
    held_off: bool,
}

/// Where the mirror of a phone's file is.
pub(super) fn path_of(file: &Path) -> PathBuf {
    with_suffix(file, SUFFIX)
}

impl Mirror {
    /// At the opening of a phone's file: what the mirror holds and the file does not comes back to it.
    /// Says how many operations that were.
    pub(super) fn restoring(file: &Path, key: &DatabaseKey, writer: &mut Connection) -> Result<(Self, u32)> {
        let mut mirror = Self::default();
        if !path_of(file).exists() {
            return Ok((mirror, 0));
        }
        if generation(writer)? > generation_of(&path_of(file), key) {
            mirror.held_off = keep_unknown(file, key, writer).is_err();
            return Ok((mirror, 0));
        }
        let restored = restore_from(&path_of(file), key, writer).unwrap_or_else(|error| {
            tracing::error!(
                code = error.code(),
                "what the mirror holds comes back at another opening"
            );
            mirror.held_off = true;
            0
        });
        Ok((mirror, restored))
    }

    /// Opens the file again if a failure closed it.
    pub(super) fn ensure_open(&mut self, file: &Path, key: &DatabaseKey) {
        if self.conn.is_none()
            && !self.held_off
            && let Err(error) = self.open(file, key)
        {
            tracing::warn!(code = error.code(), "the mirror cannot be opened");
        }
    }

    /// Opens the mirror of `file`, makes it if there is none; one that cannot be read is set aside. The
    /// next write brings it up.
    fn open(&mut self, file: &Path, key: &DatabaseKey) -> Result<()> {
        self.behind = true;
        self.values.clear();
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
    pub(super) fn forget(&mut self, tx: &Connection) -> Result<()> {
        let gone = self.forgotten(tx)?;
        if gone.is_empty() {
            return Ok(());
        }
        let deleted = self
            .conn
            .as_mut()
            .ok_or(StoreError::Closed)
            .and_then(|conn| delete(conn, &gone));
        if let Err(error) = deleted {
            tracing::warn!(
                code = error.code(),
                "the mirror is not to be trusted until it is brought up"
            );
            meta::set(tx, GENERATION, generation(tx)? + 1)?;
            self.failed(&error);
        }
        Ok(())
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
            self.failed(&error);
        }
    }

    fn failed(&mut self, error: &StoreError) {
        self.behind = true;
        if matches!(error, StoreError::Damaged) {
            self.broken = true;
            self.conn = None;
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
        let values = kept_values(writer)?;
        let Some(conn) = self.conn.as_mut() else {
            return Ok(());
        };
        if touched.is_empty() && values == self.values {
            return Ok(());
        }
        let tx = conn.transaction()?;
        for key in touched {
            copy(writer, &tx, key)?;
        }
        keep_values(&tx, &values)?;
        tx.commit()?;
        self.values = values;
        Ok(())
    }

    /// Makes the mirror equal to what the phone's file holds.
    fn bring_up(&mut self, writer: &Connection) -> Result<()> {
        let values = kept_values(writer)?;
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
        keep_values(&tx, &values)?;
        tx.commit()?;
        self.values = values;
        self.behind = false;
        Ok(())
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

/// Takes what the mirror holds and the file does not; a file without a pairing takes that, too.
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
        let (Ok(n), Ok(op_id)) = (row.get::<_, Option<i64>>(0), row.get::<_, String>(1)) else {
            continue;
        };
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

/// Before a mirror that is not trusted is written over: what only it holds may have been taken back, and
/// may have been lost. Nothing tells, so it is kept for inspection.
fn keep_unknown(file: &Path, key: &DatabaseKey, writer: &Connection) -> Result<()> {
    let unknown = match open(&path_of(file), key, Purpose::Salvage) {
        Ok(held) => operations(&held)?.difference(&operations(writer)?).count(),
        // Opening it for writing sees to that.
        Err(StoreError::Damaged) => 0,
        Err(error) => return Err(error),
    };
    if unknown > 0 {
        tracing::error!(unknown, "the mirror is set aside with what only it holds");
        set_mirror_aside(file)?;
    }
    Ok(())
}

/// Ids of the operations in a file.
fn operations(conn: &Connection) -> Result<BTreeSet<String>> {
    let mut select = conn.prepare("SELECT op_id FROM outbox")?;
    let ids = select.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Kept under a name of its own, for inspection; an older one makes way.
fn set_mirror_aside(file: &Path) -> Result<()> {
    rename_all(&path_of(file), &with_suffix(file, ASIDE_SUFFIX))
}

fn open_writer(path: &Path, key: &DatabaseKey) -> Result<Connection> {
    let mut conn = open(path, key, Purpose::Mirror)?;
    if schema::version(&conn)? != schema::VERSION {
        let tx = conn.transaction()?;
        schema::copy_tables(&tx, &TABLES)?;
        tx.commit()?;
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

fn generation(conn: &Connection) -> Result<i64> {
    Ok(meta::get(conn, GENERATION)?.unwrap_or(0))
}

/// Of a mirror; the lowest if it cannot be read.
fn generation_of(mirror: &Path, key: &DatabaseKey) -> i64 {
    open(mirror, key, Purpose::Salvage)
        .and_then(|conn| generation(&conn))
        .unwrap_or(0)
}

fn kept_values(conn: &Connection) -> Result<Values> {
    // All in one statement: a few dozen rows, read at every write.
    let mut select = conn.prepare_cached("SELECT key, value FROM meta")?;
    let mut rows = select.query([])?;
    let mut values = Values::new();
    while let Some(row) = rows.next()? {
        if let Some(key) = KEPT
            .iter()
            .find(|key| row.get_ref(0).is_ok_and(|found| found.as_str() == Ok(key)))
        {
            values.insert(key, row.get(1)?);
        }
    }
    Ok(values)
}

fn keep_values(conn: &Connection, values: &Values) -> Result<()> {
    conn.execute("DELETE FROM meta", [])?;
    let mut insert = conn.prepare_cached("INSERT INTO meta (key, value) VALUES (?1, ?2)")?;
    for (key, value) in values {
        insert.execute(params![key, value])?;
    }
    Ok(())
}

fn locked(touched: &Touched) -> std::sync::MutexGuard<'_, BTreeSet<i64>> {
    touched.lock().unwrap_or_else(PoisonError::into_inner)
}
