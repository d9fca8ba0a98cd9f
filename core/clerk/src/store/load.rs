//! First load: chunks go into a fresh file beside the one that is shown, indexes come afterwards,
//! then the files are swapped. An interrupted load goes on where it stopped.
//!
//! The fresh file has no write-ahead log until it is complete and on the disk; it counts only then. The
//! swap: the shown file is closed (which empties its log), the fresh one renamed over it, and all
//! connections opened again. A crash before the rename leaves the old file and a load that can be
//! finished again; after it, the new file.
//!
//! A phone on which nothing was loaded before shows the beginning of each scope meanwhile: who may sign in,
//! the rules, the catalogue, the tasks, and the members whose tasks are the most urgent. These rows belong
//! to no cursor (their scopes count as stale); the swap replaces them.
//!
//! When the plan brings only a small part of what is held (the catalogue anew, say), the loaded rows
//! are put into the shown file instead, in one transaction.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::mpsc::sync_channel;

use rusqlite::Connection;
use rustc_hash::{FxHashMap, FxHashSet};
use yaoban_domain::model::{Member, Reading};
use yaoban_protocol::codec::{from_cbor, to_cbor};
use yaoban_protocol::message::{Chunk, Cursor};
use yaoban_protocol::row::{Change, ChangeKind, Purchases, entity};

use super::connection::{Purpose, keep_log, open};
use super::open::{copy_rows, with_suffix};
use super::{
    Result, Settings, Store, StoreError, Tx, lock, meta, outbox, replay, rows, schema, search_index,
};
use crate::recording;
use crate::sync::{LoadPlan, LoadProgress};
use crate::vault::DatabaseKey;

const PLAN: &str = "load_plan";
const CHUNKS_DONE: &str = "load_chunks_done";

/// Rows that are held beside the plan's scopes and still copied into the fresh file; with more, the
/// loaded rows are put into the shown file.
const KEPT_ROWS_MAX: i64 = 20_000;

/// Members that a first load shows before it is in …
const SHOWN_MEMBERS_MAX: usize = 500;
/// … and rows of all kinds, of each scope.
const SHOWN_ROWS_MAX: usize = 20_000;

/// A load under way: the fresh file and the keys that were given in it.
pub(super) struct Load {
    conn: Connection,
    plan: LoadPlan,
    chunks_done: u32,
    members: FxHashMap<String, i64>,
    interned: rows::Interned,
}

/// The plan as it is kept in the fresh file.
#[derive(serde::Serialize, serde::Deserialize)]
struct KeptPlan {
    epoch: String,
    manifests: Vec<yaoban_protocol::message::Manifest>,
    shape: u16,
}

fn load_path(path: &Path) -> PathBuf {
    with_suffix(path, ".load")
}

impl Load {
    fn begin(path: &Path, key: &DatabaseKey, plan: &LoadPlan) -> Result<Self> {
        remove(path)?;
        // SQLite does not say why it cannot make a file.
        std::fs::File::create(path).map_err(|source| StoreError::of_file(path, source))?;
        let conn = open(path, key, Purpose::Load)?;
        let kept = KeptPlan {
            epoch: plan.epoch.clone(),
            manifests: plan.manifests.clone(),
            shape: plan.shape,
        };
        let batch = conn.unchecked_transaction()?;
        schema::create_tables(&batch)?;
        meta::set(&batch, PLAN, to_cbor(&kept)?)?;
        meta::set(&batch, CHUNKS_DONE, 0)?;
        batch.commit()?;
        Ok(Self {
            conn,
            plan: plan.clone(),
            chunks_done: 0,
            members: FxHashMap::default(),
            interned: rows::Interned::default(),
        })
    }

    /// Finds a load that was interrupted; none if there is none, or if its file cannot be read.
    fn resume(path: &Path, key: &DatabaseKey) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        match Self::reopen(path, key) {
            Ok(load) => Ok(Some(load)),
            Err(StoreError::Busy) => Err(StoreError::Busy),
            Err(_) => {
                remove(path)?;
                Ok(None)
            }
        }
    }

    fn reopen(path: &Path, key: &DatabaseKey) -> Result<Self> {
        let conn = open(path, key, Purpose::Load)?;
        let missing = || StoreError::Row {
            entity: "load".into(),
            what: "file without a plan".into(),
        };
        let kept: KeptPlan = from_cbor(&meta::get::<Vec<u8>>(&conn, PLAN)?.ok_or_else(missing)?)?;
        let chunks_done = meta::get(&conn, CHUNKS_DONE)?.ok_or_else(missing)?;
        let members = conn
            .prepare("SELECT member_id, member_key FROM member")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let plan = LoadPlan {
            epoch: kept.epoch,
            manifests: kept.manifests,
            shape: kept.shape,
        };
        Ok(Self {
            conn,
            plan,
            chunks_done,
            members,
            interned: rows::Interned::default(),
        })
    }

    /// Takes the next chunk in: rows and progress commit together.
    fn take(&mut self, index: u32, chunk: &Chunk, settings: &Settings) -> Result<()> {
        let scope = self.plan.chunk(index).map(|(scope, _)| scope.to_owned());
        let (Some(scope), true) = (scope, index == self.chunks_done) else {
            return Err(StoreError::Refused {
                code: "chunk_out_of_order".into(),
                values: Vec::new(),
            });
        };
        let Self {
            conn,
            members,
            interned,
            ..
        } = self;
        let tx = Tx::begin(conn, settings.calendar)?;
        let scope_key = rows::scope_key(&tx, &scope)?;
        let taken = each_decoded(&chunk.rows, |row, decoded| {
            insert(&tx, members, interned, row, decoded)
        });
        let placed = taken.and_then(|()| rows::insert_scope_rows(&tx, scope_key, &chunk.rows));
        let noted = placed.and_then(|()| meta::set(&tx, CHUNKS_DONE, index + 1));
        let done = noted.and_then(|()| tx.commit());
        match done {
            Ok(()) => self.chunks_done = index + 1,
            // Keys that were given in the transaction are void: the next call reads them anew.
            Err(_) => self.members.clear(),
        }
        done
    }

    /// Indexes and whatever else comes after the rows.
    fn complete(&mut self, settings: &Settings) -> Result<()> {
        if schema::version(&self.conn)? == schema::VERSION {
            return Ok(());
        }
        // No more rows come: the memory is for what follows.
        (self.members, self.interned) = (FxHashMap::default(), rows::Interned::default());
        let tx = Tx::begin(&mut self.conn, settings.calendar)?;
        let names = search_index::names(&tx)?;
        // Sorting what names are found by needs no file: it runs beside.
        let sorted = std::thread::scope(|scope| {
            let sorted = scope.spawn(|| search_index::Sorted::of(&names));
            rows::build_bought(&tx)?;
            rows::settle_superseded(&tx)?;
            Ok::<_, StoreError>(sorted.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })?;
        sorted.insert(&tx)?;
        drop((sorted, names));
        tx.execute("DELETE FROM figure_stale", [])?;
        for manifest in &self.plan.manifests {
            let after = manifest.at_seq;
            let cursor = Cursor {
                scope: manifest.scope.clone(),
                generation: manifest.generation,
                after,
            };
            rows::set_cursor(&tx, &cursor)?;
            rows::set_scope_state(&tx, &manifest.scope, self.plan.shape, false)?;
        }
        tx.settings_changed.set(true);
        tx.changed_settings()?;
        schema::create_indexes(&tx)?;
        tx.commit()
    }
}

/// Rows of a scope that can be used before it is whole.
fn show_rows(tx: &Tx<'_>, scope: &str, rows: &[Change]) -> Result<()> {
    let scope_key = rows::scope_key(tx, scope)?;
    rows::set_scope_state(tx, scope, rows::NOT_LOADED, true)?;
    let mut anew = false;
    for row in rows {
        anew |= replay::receive(tx, scope_key, row)?;
    }
    if anew { replay::rebuild(tx) } else { Ok(()) }
}

/// The rows that come before the members of a scope, and its first members; the hub sends them in the order
/// in which a phone needs them.
fn beginning(rows: &[Change]) -> &[Change] {
    let members = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.entity == entity::MEMBER);
    let end = members.map(|(at, _)| at).nth(SHOWN_MEMBERS_MAX);
    &rows[..end.unwrap_or(rows.len()).min(SHOWN_ROWS_MAX)]
}

/// A row that was read from its CBOR.
enum Decoded {
    Member(Box<Member>),
    Purchases(Box<Purchases>),
    Reading(Box<Reading>),
    Other,
}

fn decode(row: &Change) -> Result<Decoded> {
    Ok(match row.entity.as_str() {
        entity::MEMBER => Decoded::Member(Box::new(from_cbor(&row.body)?)),
        entity::PURCHASES => Decoded::Purchases(Box::new(from_cbor(&row.body)?)),
        entity::READING => Decoded::Reading(Box::new(from_cbor(&row.body)?)),
        _ => Decoded::Other,
    })
}

/// Hands the rows of a chunk, decoded, to `take`, in order. Reading CBOR costs as much as writing
/// rows, so it runs on a thread of its own, a few batches ahead. What was taken goes back to that thread:
/// memory that one thread gets and another gives back makes both wait for each other.
fn each_decoded(rows: &[Change], mut take: impl FnMut(&Change, &Decoded) -> Result<()>) -> Result<()> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Result<Vec<Decoded>>>(BATCHES_AHEAD);
        let (give_back, taken) = sync_channel::<Result<Vec<Decoded>>>(BATCHES_AHEAD);
        scope.spawn(move || {
            for batch in rows.chunks(BATCH_ROWS) {
                taken.try_iter().for_each(drop);
                let decoded: Result<Vec<Decoded>> = batch.iter().map(decode).collect();
                let failed = decoded.is_err();
                // The receiver went away after an error of its own.
                if send.send(decoded).is_err() || failed {
                    return;
                }
            }
        });
        for (batch, decoded) in rows.chunks(BATCH_ROWS).zip(receive) {
            let decoded = decoded?;
            batch
                .iter()
                .zip(&decoded)
                .try_for_each(|(row, decoded)| take(row, decoded))?;
            // If there is no room, or the thread is through already, it is dropped here.
            let _ = give_back.try_send(Ok(decoded));
        }
        Ok(())
    })
}

const BATCH_ROWS: usize = 500;
const BATCHES_AHEAD: usize = 2;

/// One row into the fresh file. Members and purchases by the keys in memory, the rest as ever.
fn insert(
    tx: &Tx<'_>,
    members: &mut FxHashMap<String, i64>,
    interned: &mut rows::Interned,
    row: &Change,
    decoded: &Decoded,
) -> Result<()> {
    let mut key_of = |id: &str| match members.get(id) {
        Some(key) => Ok(*key),
        None => rows::key_of(tx, id).inspect(|key| {
            members.insert(id.to_owned(), *key);
        }),
    };
    match decoded {
        Decoded::Member(member) => {
            // A task or a note that came before its member has named it already.
            let named = match members.get(&member.id) {
                Some(key) => Some(*key),
                None => rows::named_key(tx, &member.id)?,
            };
            let key = rows::insert_member(tx, named, member)?;
            members.insert(member.id.clone(), key);
            Ok(())
        }
        Decoded::Purchases(purchases) => rows::insert_lines(tx, key_of(&row.id)?, purchases, interned),
        Decoded::Reading(reading) => {
            rows::insert_reading(tx, tx.calendar, key_of(&reading.member_id)?, reading)
        }
        Decoded::Other => rows::write(tx, &row.entity, &row.id, Some(&row.body)),
    }
}

impl Store {
    /// The load under way, if there is one.
    pub(super) fn load_progress(&self) -> Result<Option<LoadProgress>> {
        self.with_load(|load| {
            Ok(load.as_ref().map(|load| LoadProgress {
                plan: load.plan.clone(),
                chunks_done: load.chunks_done,
            }))
        })
    }

    /// Begins a load; an earlier one is given up.
    pub(super) fn begin_load(&self, plan: &LoadPlan) -> Result<()> {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        *load = None;
        let begun = Load::begin(&load_path(&self.path), &self.key, plan);
        *load = Some(begun.map_err(|error| error.explained(&self.path))?);
        Ok(())
    }

    /// Takes the next chunk in.
    pub(super) fn load_chunk(&self, index: u32, chunk: &Chunk) -> Result<()> {
        // Before the chunk counts as taken: a load that goes on after a crash takes it again.
        self.show_beginning(index, chunk)?;
        let settings = self.settings();
        self.with_load(|load| match load {
            Some(load) => load.take(index, chunk, &settings),
            None => Err(StoreError::Refused {
                code: "no_load".into(),
                values: Vec::new(),
            }),
        })
    }

    /// Shows what can be used already, if nothing was loaded before.
    fn show_beginning(&self, index: u32, chunk: &Chunk) -> Result<()> {
        let Some(load) = self.load_progress()? else {
            return Ok(());
        };
        if self.read(rows::any_loaded)? {
            return Ok(());
        }
        let plan = load.plan;
        let scope_of = |index| plan.chunk(index).map(|(scope, _)| scope);
        let opens = index
            .checked_sub(1)
            .is_none_or(|before| scope_of(before) != scope_of(index));
        let scope = scope_of(index).filter(|_| opens);
        let members = (plan.members_in(index), plan.members_in(plan.chunks()));
        self.write(super::Durability::Normal, |tx| {
            meta::set(tx, meta::FIRST_LOAD, to_cbor(&members)?)?;
            scope.map_or(Ok(()), |scope| show_rows(tx, scope, beginning(&chunk.rows)))
        })
    }

    /// Gives a load up.
    pub(super) fn abandon_load(&self) -> Result<()> {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = None;
        remove(&load_path(&self.path))
    }

    /// Runs `work` on the load; finds an interrupted one first.
    fn with_load<T>(&self, work: impl FnOnce(&mut Option<Load>) -> Result<T>) -> Result<T> {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        let void = load.as_ref().is_none_or(|load| load.members.is_empty());
        if void {
            *load = None;
            *load = Load::resume(&load_path(&self.path), &self.key)?;
        }
        work(&mut load).map_err(|error| error.explained(&self.path))
    }

    /// Completes the fresh file and makes it (or its rows) what is shown.
    pub(super) fn finish_load(&self) -> Result<()> {
        let settings = self.settings();
        self.with_load(|slot| {
            let Some(mut load) = slot.take() else {
                return Err(StoreError::Refused {
                    code: "no_load".into(),
                    values: Vec::new(),
                });
            };
            if load.chunks_done < load.plan.chunks() {
                *slot = Some(load);
                return Err(StoreError::Refused {
                    code: "load_incomplete".into(),
                    values: Vec::new(),
                });
            }
            load.complete(&settings)?;
            self.erase_named(&load.plan)?;
            if self.kept_rows(&load.plan)? > KEPT_ROWS_MAX {
                self.put_loaded(&load)?;
                drop(load);
                return remove(&load_path(&self.path));
            }
            self.swap(load)
        })?;
        self.tell_change();
        Ok(())
    }

    /// Whoever was erased leaves the shown file first, with what this phone keeps of them itself: the
    /// load is past the place at which a pull would tell of it.
    fn erase_named(&self, plan: &LoadPlan) -> Result<()> {
        let erased: Vec<&String> = plan.manifests.iter().flat_map(|m| &m.erased).collect();
        if erased.is_empty() {
            return Ok(());
        }
        self.remove_set_aside()?;
        self.write_untold(super::Durability::Full, |tx| {
            erased.into_iter().try_for_each(|id| rows::erase(tx, id))?;
            replay::rebuild(tx)
        })?;
        self.checkpoint()
    }

    /// Rows of scopes that the plan does not bring.
    fn kept_rows(&self, plan: &LoadPlan) -> Result<i64> {
        self.read(|conn| {
            let mut kept = 0;
            for scope in kept_scopes(conn, plan)? {
                kept += conn.query_row(
                    "SELECT count(*) FROM scope_row WHERE scope_key = ?1",
                    [scope.scope_key],
                    |row| row.get::<_, i64>(0),
                )?;
            }
            Ok(kept)
        })
    }

    /// Puts the loaded rows into the shown file; what the scopes held beside them leaves.
    fn put_loaded(&self, load: &Load) -> Result<()> {
        self.write_untold(super::Durability::Full, |tx| {
            for manifest in &load.plan.manifests {
                let from = rows::scope_key(&load.conn, &manifest.scope)?;
                let to = rows::scope_key(tx, &manifest.scope)?;
                let mut loaded = FxHashSet::default();
                for (entity, id, seq) in rows::rows_of_scope(&load.conn, from)? {
                    let change = copy_of(&load.conn, &entity, &id, seq)?;
                    replay::receive(tx, to, &change)?;
                    loaded.insert((entity, id));
                }
                for (entity, id, seq) in rows::rows_of_scope(tx, to)? {
                    if !loaded.contains(&(entity.clone(), id.clone())) {
                        let body = Vec::new().into();
                        replay::receive(
                            tx,
                            to,
                            &Change {
                                seq,
                                entity,
                                id,
                                kind: ChangeKind::Evict,
                                body,
                            },
                        )?;
                    }
                }
                let after = manifest.at_seq;
                let cursor = Cursor {
                    scope: manifest.scope.clone(),
                    generation: manifest.generation,
                    after,
                };
                rows::set_cursor(tx, &cursor)?;
                rows::set_scope_state(tx, &manifest.scope, load.plan.shape, false)?;
            }
            meta::set(tx, meta::EPOCH, &load.plan.epoch)?;
            replay::rebuild(tx)
        })?;
        Ok(())
    }

    /// Brings over what exists only in the shown file, then swaps the files.
    fn swap(&self, mut load: Load) -> Result<()> {
        let mut writer = lock(&self.writer);
        let old = writer.as_ref().ok_or(StoreError::Closed)?;
        let calendar = Settings::read(&load.conn)?.calendar;
        let tx = Tx::begin(&mut load.conn, calendar)?;
        copy_local(old, &tx, &load.plan)?;
        replay::rebuild(&tx)?;
        tx.commit()?;
        // Before the files change places: a disk without room for a log leaves the shown one as it is.
        load.conn.pragma_update(None, "synchronous", "FULL")?;
        keep_log(&load.conn)?;
        let fresh = load_path(&self.path);
        load.conn.close().map_err(|(_, error)| StoreError::from(error))?;
        self.close_all(&mut writer)?;
        let file = |source| StoreError::File {
            path: self.path.clone(),
            source,
        };
        let renamed = sync_file(&fresh)
            .and_then(|()| std::fs::rename(&fresh, &self.path))
            .map_err(file);
        // Whatever became of the rename, the store opens again: with the new file or the old one.
        self.reopen(&mut writer)?;
        renamed?;
        if let Some(parent) = self.path.parent() {
            sync_file(parent).map_err(file)?;
        }
        let settings = Settings::read(writer.as_ref().ok_or(StoreError::Closed)?)?;
        self.keep_settings(settings);
        Ok(())
    }
}

fn sync_file(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// Scopes that are held and that the plan does not bring.
fn kept_scopes(conn: &Connection, plan: &LoadPlan) -> Result<Vec<rows::ScopeState>> {
    let mut scopes = rows::scopes(conn)?;
    scopes.retain(|held| {
        plan.manifests
            .iter()
            .all(|manifest| manifest.scope != held.cursor.scope)
    });
    Ok(scopes)
}

/// A row as the server had it.
fn copy_of(conn: &Connection, entity: &str, id: &str, seq: u64) -> Result<Change> {
    let body = rows::server_body(conn, entity, id)?.unwrap_or_default().into();
    Ok(Change {
        seq,
        entity: entity.to_owned(),
        id: id.to_owned(),
        kind: ChangeKind::Put,
        body,
    })
}

/// Tables of the app itself, with their columns.
const LOCAL: [(&str, &str); 5] = [
    ("outbox", outbox::ALL_COLUMNS),
    ("pin", "staff_id, hash, failures, blocked_until_ms"),
    ("lookup", "member_id, until_ms"),
    ("recording", recording::rows::ALL_COLUMNS),
    ("sync_round", "round_key, at_ms, body"),
];

/// Copies what exists only on this phone, and rows of scopes that the plan does not bring.
fn copy_local(old: &Connection, tx: &Tx<'_>, plan: &LoadPlan) -> Result<()> {
    for (table, columns) in LOCAL {
        tx.execute(&format!("DELETE FROM {table}"), [])?;
        // All of it or no swap: the file that is shown is gone afterwards.
        copy_rows(old, tx, table, columns, "")??;
    }
    tx.execute("DELETE FROM meta", [])?;
    copy_rows(old, tx, "meta", "key, value", "")??;
    for gone in [PLAN, CHUNKS_DONE, meta::FIGURES_OF, meta::FIRST_LOAD] {
        meta::remove(tx, gone)?;
    }
    meta::set(tx, meta::EPOCH, &plan.epoch)?;
    for scope in kept_scopes(old, plan)? {
        let key = rows::scope_key(tx, &scope.cursor.scope)?;
        rows::set_cursor(tx, &scope.cursor)?;
        rows::set_scope_state(tx, &scope.cursor.scope, scope.shape, scope.stale)?;
        for (entity, id, seq) in rows::rows_of_scope(old, scope.scope_key)? {
            rows::put(tx, key, &copy_of(old, &entity, &id, seq)?)?;
        }
    }
    // What became of parked operations came with the load, before the operations were here.
    for result in rows::records(tx, entity::OP_RESULT)? {
        outbox::settle_parked(tx, &result)?;
    }
    copy_lookups(old, tx)?;
    copy_refusals(old, tx)
}

/// Members that were looked up, with their purchases and readings.
fn copy_lookups(old: &Connection, tx: &Tx<'_>) -> Result<()> {
    for (entity, id) in rows::looked_up_rows(old)? {
        let held = tx
            .prepare_cached("SELECT 1 FROM scope_row WHERE entity = ?1 AND id = ?2")?
            .exists([&entity, &id])?;
        if !held {
            rows::write(tx, &entity, &id, rows::body(old, &entity, &id)?.as_deref())?;
        }
    }
    Ok(())
}

fn copy_refusals(old: &Connection, tx: &Tx<'_>) -> Result<()> {
    tx.execute("DELETE FROM refusal", [])?;
    let mut select = old.prepare(
        "SELECT r.at_ms, m.member_id, r.channel, r.purpose, r.reason FROM refusal r JOIN member m USING (member_key)",
    )?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let key = rows::key_of(tx, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        tx.prepare_cached(
            "INSERT INTO refusal (at_ms, member_key, channel, purpose, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(rusqlite::params![
            row.get::<_, i64>(0)?,
            key,
            row.get::<_, String>(2)?,
            row.get::<_, String>(3)?,
            row.get::<_, String>(4)?
        ])?;
    }
    Ok(())
}

/// Removes a file of SQLite with what stands beside it.
pub(super) fn remove(path: &Path) -> Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let path = with_suffix(path, suffix);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::File { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}
