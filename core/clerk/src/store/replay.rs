//! What the screen shows = the server's rows + what clerks did since.
//!
//! An operation writes its effect into the tables at once; the rows as the server had them are kept
//! in `base_row`. When the server's side of such a row changes, or an operation is done, refused or
//! taken back, everything is put back to the server's rows and the operations that are still under
//! way are performed again, in order. Few operations are under way at a time, so this is simple,
//! and it is the same code that runs at the hub ([`yaoban_protocol::apply`]).

use std::cell::RefCell;

use rusqlite::{OptionalExtension, params};
use yaoban_domain::model::{Attempt, CareTask, Member, Note, Reading, Send, Staff};
use yaoban_protocol::apply::{Applied, MergedMember, OpMeta, RowRef, Rows, apply, pair_id};
use yaoban_protocol::codec::{from_cbor, to_cbor};
use yaoban_protocol::op::{Op, OpStatus};
use yaoban_protocol::row::{Change, ChangeKind, DuplicatePair, entity};

use super::{Result, Settings, StoreError, Tx, meta, outbox, rows};

/// Entity under which this phone keeps what is needed to undo its own merges; never on the wire.
const MERGED: &str = "local_merge";

/// Performs an operation for the first time. What the rules refuse is an error with their code.
pub(super) fn perform(tx: &Tx<'_>, outbox_id: i64, op: &Op, staff_id: &str, at_ms: i64) -> Result<Applied> {
    let applied = run(tx, outbox_id, op, staff_id, at_ms)?;
    let undo_elsewhere = matches!(op, Op::UndoMerge { .. });
    match applied.status {
        // Only the hub holds what is needed to part members that were merged on another phone.
        OpStatus::Rejected | OpStatus::Parked if !undo_elsewhere => Err(StoreError::Refused {
            code: applied.reason.unwrap_or("refused").to_owned(),
            values: applied.values,
        }),
        _ => Ok(applied),
    }
}

fn run(tx: &Tx<'_>, outbox_id: i64, op: &Op, staff_id: &str, at_ms: i64) -> Result<Applied> {
    let settings = tx.settings()?;
    let device_store_id: String = meta::get(tx, meta::STORE_ID)?.unwrap_or_default();
    let meta = OpMeta {
        op_id: "",
        staff_id,
        at_ms,
        base_version: 0,
        device_store_id: &device_store_id,
        now_ms: at_ms,
    };
    let mut work = Work { tx, outbox_id };
    apply(&mut work, op, &meta, &settings.rules, settings.calendar)
}

/// Takes one change of a scope in. True if rows under operations changed: then [`rebuild`] follows,
/// once a page.
pub fn receive(tx: &Tx<'_>, scope_key: i64, change: &Change) -> Result<bool> {
    let (entity, id) = (change.entity.as_str(), change.id.as_str());
    let body = match change.kind {
        ChangeKind::Erase => {
            rows::erase(tx, id)?;
            return Ok(true);
        }
        ChangeKind::Put => {
            rows::remember_row(tx, scope_key, entity, id, change.seq)?;
            Some(change.body.as_slice())
        }
        ChangeKind::Evict => {
            if !rows::forget_row(tx, scope_key, entity, id)? {
                return Ok(false);
            }
            None
        }
    };
    let under_way = tx
        .prepare_cached("UPDATE base_row SET body = ?3 WHERE entity = ?1 AND id = ?2")?
        .execute(params![entity, id, body])?;
    if under_way > 0 {
        return Ok(true);
    }
    rows::write(tx, entity, id, body)?;
    // A member that took others in: operations on their ids now concern it.
    Ok(entity == entity::MEMBER && rows::has_aliases(tx, id)?)
}

/// Puts all rows back to the server's and performs what is under way again. An operation that the
/// rules refuse now shows no effect; the hub has the last word on it.
pub fn rebuild(tx: &Tx<'_>) -> Result<()> {
    let bases: Vec<(String, String, Option<Vec<u8>>)> = tx
        .prepare_cached("SELECT entity, id, body FROM base_row ORDER BY entity <> 'member'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    // Members first: the other rows name them.
    for (entity, id, body) in bases {
        rows::write(tx, &entity, &id, body.as_deref())?;
    }
    tx.execute("DELETE FROM base_row", [])?;
    tx.execute("DELETE FROM outbox_row", [])?;
    for op in outbox::under_way(tx)? {
        // A body that this build cannot read is the hub's to judge.
        if let Ok(body) = from_cbor::<Op>(&op.body) {
            run(tx, op.outbox_id, &body, &op.staff_id, op.at_ms)?;
        }
    }
    Ok(())
}

/// The rows as an operation reads and writes them. Every write first keeps the server's row.
struct Work<'t, 'c> {
    tx: &'t Tx<'c>,
    outbox_id: i64,
}

impl Work<'_, '_> {
    /// Keeps the row as it is now, unless an earlier operation did, and notes who touches it.
    fn keep_base(&self, entity: &str, id: &str) -> Result<()> {
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO outbox_row (outbox_id, entity, id) VALUES (?1, ?2, ?3)")?
            .execute(params![self.outbox_id, entity, id])?;
        let kept = self
            .tx
            .prepare_cached("SELECT 1 FROM base_row WHERE entity = ?1 AND id = ?2")?
            .exists([entity, id])?;
        if kept {
            return Ok(());
        }
        let body = rows::body(self.tx, entity, id)?;
        self.tx
            .prepare_cached("INSERT INTO base_row (entity, id, body) VALUES (?1, ?2, ?3)")?
            .execute(params![entity, id, body])?;
        Ok(())
    }

    fn write(&self, entity: &str, id: &str, body: Option<&[u8]>) -> Result<()> {
        self.keep_base(entity, id)?;
        rows::write(self.tx, entity, id, body)
    }

    fn members(&self, sql: &str, value: &str) -> Result<Vec<Member>> {
        let keys: Vec<i64> = self
            .tx
            .prepare_cached(sql)?
            .query_map([value], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        keys.into_iter()
            .filter_map(|key| rows::member_by_key(self.tx, key).transpose())
            .collect()
    }

    /// Ids of a member's rows in one table.
    fn ids_of(&self, table: &str, id: &str, key: i64) -> Result<Vec<String>> {
        let mut statement = self
            .tx
            .prepare_cached(&format!("SELECT {id} FROM {table} WHERE member_key = ?1"))?;
        Ok(statement
            .query_map([key], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?)
    }
}

impl Rows for Work<'_, '_> {
    type Error = StoreError;

    fn member(&mut self, id: &str) -> Result<Option<Member>> {
        rows::member(self.tx, id)
    }
    fn put_member(&mut self, member: &Member) -> Result<()> {
        self.write(entity::MEMBER, &member.id, Some(&to_cbor(member)?))
    }
    fn remove_member(&mut self, id: &str) -> Result<()> {
        self.write(entity::MEMBER, id, None)
    }
    fn members_on_phone(&mut self, phone: &str) -> Result<Vec<Member>> {
        let reversed: String = phone.chars().rev().collect();
        self.members(
            "SELECT member_key FROM member WHERE phone_reversed = ?1 AND standing = 1",
            &reversed,
        )
    }
    fn assigns_ids(&self) -> bool {
        false
    }
    fn new_member_id(&mut self, member: &Member) -> Result<String> {
        Ok(member.id.clone())
    }
    fn was_in_store(&mut self, _member_id: &str, _store_id: &str, _at_ms: i64) -> Result<bool> {
        Ok(false)
    }

    fn task(&mut self, id: &str) -> Result<Option<CareTask>> {
        rows::task(self.tx, id)
    }
    fn put_task(&mut self, task: &CareTask) -> Result<()> {
        self.write(entity::TASK, &task.id, Some(&to_cbor(task)?))
    }
    fn tasks_of_member(&mut self, member_id: &str) -> Result<Vec<CareTask>> {
        let Some(key) = rows::existing_key(self.tx, member_id)? else {
            return Ok(Vec::new());
        };
        let ids = self.ids_of("task", "task_id", key)?;
        ids.iter()
            .filter_map(|id| rows::task(self.tx, id).transpose())
            .collect()
    }
    fn attempt(&mut self, id: &str) -> Result<Option<Attempt>> {
        rows::attempt(self.tx, id)
    }
    fn put_attempt(&mut self, attempt: &Attempt) -> Result<()> {
        self.write(entity::ATTEMPT, &attempt.id, Some(&to_cbor(attempt)?))
    }
    fn reading(&mut self, id: &str) -> Result<Option<Reading>> {
        rows::reading(self.tx, id)
    }
    fn put_reading(&mut self, reading: &Reading) -> Result<()> {
        self.write(entity::READING, &reading.id, Some(&to_cbor(reading)?))
    }
    fn note(&mut self, id: &str) -> Result<Option<Note>> {
        rows::note(self.tx, id)
    }
    fn put_note(&mut self, note: &Note) -> Result<()> {
        self.write(entity::NOTE, &note.id, Some(&to_cbor(note)?))
    }
    fn send(&mut self, key: &str) -> Result<Option<Send>> {
        rows::send(self.tx, key)
    }
    fn put_send(&mut self, send: &Send) -> Result<()> {
        self.write(entity::SEND, &send.key, Some(&to_cbor(send)?))
    }

    fn staff(&mut self, id: &str) -> Result<Option<Staff>> {
        rows::record(self.tx, entity::STAFF, id)
    }
    fn put_staff(&mut self, staff: &Staff) -> Result<()> {
        self.write(entity::STAFF, &staff.id, Some(&to_cbor(staff)?))
    }
    fn staff_of_store(&mut self, store_id: &str) -> Result<Vec<Staff>> {
        let mut staff: Vec<Staff> = rows::records(self.tx, entity::STAFF)?;
        staff.retain(|one| one.store_id.as_deref() == Some(store_id));
        Ok(staff)
    }

    fn duplicate(&mut self, id: &str) -> Result<Option<DuplicatePair>> {
        rows::record(self.tx, entity::DUPLICATE, id)
    }
    fn put_duplicate(&mut self, pair: &DuplicatePair) -> Result<()> {
        self.write(entity::DUPLICATE, &pair_id(pair), Some(&to_cbor(pair)?))
    }
    fn merged(&mut self, other_id: &str) -> Result<Option<MergedMember>> {
        rows::record(self.tx, MERGED, other_id)
    }
    fn put_merged(&mut self, merged: &MergedMember) -> Result<()> {
        self.write(MERGED, &merged.other.id, Some(&to_cbor(merged)?))
    }
    fn remove_merged(&mut self, other_id: &str) -> Result<()> {
        self.write(MERGED, other_id, None)
    }
    fn move_history(&mut self, from: &str, to: &str) -> Result<Vec<RowRef>> {
        let (Some(from_key), Some(to_key)) = (
            rows::existing_key(self.tx, from)?,
            rows::existing_key(self.tx, to)?,
        ) else {
            return Ok(Vec::new());
        };
        let mut moved = Vec::new();
        for (table, id_column, entity) in rows::MEMBER_TABLES {
            for id in self.ids_of(table, id_column, from_key)? {
                self.keep_base(entity, &id)?;
                moved.push(RowRef::new(entity, &id));
            }
            self.tx
                .prepare_cached(&format!(
                    "UPDATE {table} SET member_key = ?2 WHERE member_key = ?1"
                ))?
                .execute([from_key, to_key])?;
        }
        for id in [from, to] {
            self.keep_base(entity::PURCHASES, id)?;
            moved.push(RowRef::new(entity::PURCHASES, id));
        }
        rows::move_lines(self.tx, from_key, to_key)?;
        Ok(moved)
    }
    fn return_history(&mut self, _from: &str, _to: &str, _back: &str) -> Result<Vec<RowRef>> {
        // The hub knows what came from whom; its rows follow.
        Ok(Vec::new())
    }
}

/// Settings as this transaction sees them; read once.
impl Tx<'_> {
    pub(super) fn settings(&self) -> Result<std::rc::Rc<Settings>> {
        if self.settings_changed.get() {
            return Ok(std::rc::Rc::new(Settings::read(self)?));
        }
        if let Some(settings) = self.settings.borrow().as_ref() {
            return Ok(std::rc::Rc::clone(settings));
        }
        let settings = std::rc::Rc::new(Settings::read(self)?);
        self.settings.replace(Some(std::rc::Rc::clone(&settings)));
        Ok(settings)
    }
}

/// The settings of a transaction, once read.
pub(super) type KeptSettings = RefCell<Option<std::rc::Rc<Settings>>>;

/// Whether operations are under way on a row.
pub fn is_under_way(conn: &rusqlite::Connection, entity: &str, id: &str) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM base_row WHERE entity = ?1 AND id = ?2")?
        .query_row([entity, id], |_| Ok(()))
        .optional()?
        .is_some())
}
