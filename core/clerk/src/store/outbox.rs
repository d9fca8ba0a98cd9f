//! What a clerk did, on its way to the hub. States: `tables.sql`, table `outbox`.
//!
//! An outcome is stored at once, but gets its number only when its take-back time is over; until
//! then it can be taken back. Every other operation is numbered when it is stored. Numbers rise
//! strictly, and an operation that touches a row of a held one numbers the held one first, so the
//! hub hears of both in the order in which they happened.

use rusqlite::{Connection, OptionalExtension, Row, params};
use yaoban_protocol::codec::{from_cbor, to_cbor};
use yaoban_protocol::op::{Op, OpEnvelope, OpResult, OpStatus, Subject};

use super::{Result, StoreError, Tx, meta, replay, rows};

/// Operations of an outbox at most: a month of a busy store without a hub.
pub const OPS_MAX: i64 = 50_000;

/// A new operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOp {
    /// UUIDv7, the same in every retry.
    pub op_id: String,
    /// Who did it.
    pub staff_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// It can be taken back until this instant; none: it is numbered at once.
    pub held_until_ms: Option<i64>,
    /// What was done.
    pub op: Op,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpState {
    /// Within its take-back time.
    Held,
    /// Numbered, without an answer.
    Pending,
    /// Answered, its effect not yet pulled.
    Answered,
    /// Done.
    Sent,
    /// Refused by the hub.
    Rejected,
    /// Handed over as opaque bytes.
    Parked,
}

impl OpState {
    /// The code in the file and on the screen.
    pub fn code(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::Parked => "parked",
        }
    }

    /// It goes no further by itself.
    pub fn is_stuck(self) -> bool {
        matches!(self, Self::Rejected | Self::Parked)
    }

    fn read(code: &str) -> Self {
        match code {
            "held" => Self::Held,
            "answered" => Self::Answered,
            "sent" => Self::Sent,
            "rejected" => Self::Rejected,
            "parked" => Self::Parked,
            _ => Self::Pending,
        }
    }
}

/// An operation as it stands in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxOp {
    /// Key in the file.
    pub outbox_id: i64,
    /// Its number, once it has one.
    pub n: Option<u64>,
    /// UUIDv7.
    pub op_id: String,
    /// Who did it.
    pub staff_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// Version of the row that it was based on.
    pub base_version: u64,
    /// The operation in CBOR.
    pub body: Vec<u8>,
    /// Whom it concerns, if it concerns a member.
    pub member_id: Option<String>,
    /// Where it stands.
    pub state: OpState,
    /// End of its take-back time, UTC.
    pub held_until_ms: Option<i64>,
    /// How often it failed alone.
    pub failures: u32,
    /// Why it was rejected or parked, as a code.
    pub reason: Option<String>,
    /// Values for the reason's wording.
    pub reason_values: Vec<(String, String)>,
}

/// Every column, for copies from one file to another.
pub(super) const ALL_COLUMNS: &str =
    "outbox_id, n, op_id, staff_id, at_ms, base_version, body, member_id, state,
    held_until_ms, failures, erased, done_at_ms, reason, reason_values, put_away";

const COLUMNS: &str =
    "outbox_id, n, op_id, staff_id, at_ms, base_version, body, member_id, state, held_until_ms,
    failures, reason, reason_values";

fn read(row: &Row<'_>) -> rusqlite::Result<OutboxOp> {
    Ok(OutboxOp {
        outbox_id: row.get(0)?,
        n: row.get(1)?,
        op_id: row.get(2)?,
        staff_id: row.get(3)?,
        at_ms: row.get(4)?,
        base_version: row.get(5)?,
        body: row.get(6)?,
        member_id: row.get(7)?,
        state: OpState::read(row.get_ref(8)?.as_str()?),
        held_until_ms: row.get(9)?,
        failures: row.get(10)?,
        reason: row.get(11)?,
        reason_values: row
            .get_ref(12)?
            .as_str_or_null()?
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
    })
}

/// Stores an operation and shows its effect. Refused where the rules refuse it (then nothing is
/// stored). Returns its key.
pub fn push(tx: &Tx<'_>, new: &NewOp) -> Result<i64> {
    let waiting: i64 = tx.query_row(
        "SELECT count(*) FROM outbox WHERE state IN ('held', 'pending')",
        [],
        |row| row.get(0),
    )?;
    if waiting >= OPS_MAX {
        return Err(StoreError::OutboxFull { ops_max: OPS_MAX });
    }
    let member_id = member_of(tx, &new.op)?;
    let id = tx
        .prepare_cached(
            "INSERT INTO outbox (op_id, staff_id, at_ms, base_version, body, member_id, state, held_until_ms, failures,
                erased, put_away)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'held', ?7, 0, 0, 0)",
        )?
        .insert(params![
            new.op_id,
            new.staff_id,
            new.at_ms,
            base_version(tx, &new.op)?,
            to_cbor(&new.op)?,
            member_id,
            new.held_until_ms,
        ])?;
    replay::perform(tx, id, &new.op, &new.staff_id, new.at_ms)?;
    number_held_before(tx, id)?;
    if new.held_until_ms.is_none() {
        number(tx, id)?;
    }
    Ok(id)
}

/// Held operations that touch a row of this one are numbered before it.
fn number_held_before(tx: &Tx<'_>, id: i64) -> Result<()> {
    let held: Vec<i64> = tx
        .prepare_cached(
            "SELECT DISTINCT o.outbox_id FROM outbox_row mine
             JOIN outbox_row other ON other.entity = mine.entity AND other.id = mine.id
             JOIN outbox o ON o.outbox_id = other.outbox_id
             WHERE mine.outbox_id = ?1 AND o.outbox_id <> ?1 AND o.state = 'held' ORDER BY o.outbox_id",
        )?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    held.into_iter().try_for_each(|id| number(tx, id))
}

/// Gives the next number.
fn number(tx: &Tx<'_>, id: i64) -> Result<()> {
    let n = meta::get::<i64>(tx, meta::LAST_N)?.unwrap_or(0) + 1;
    tx.prepare_cached("UPDATE outbox SET n = ?2, state = 'pending' WHERE outbox_id = ?1 AND n IS NULL")?
        .execute([id, n])?;
    meta::set(tx, meta::LAST_N, n)
}

/// A number must not be given twice, whatever became of the note of the last one.
pub(super) fn raise_last_n(tx: &Connection) -> Result<()> {
    let highest: Option<i64> = tx.query_row("SELECT max(n) FROM outbox", [], |row| row.get(0))?;
    if highest > meta::get(tx, meta::LAST_N)? {
        meta::set(tx, meta::LAST_N, highest)?;
    }
    Ok(())
}

/// Numbers held operations whose time is over at `now_ms`; all of them with `i64::MAX` (a pause, the
/// next call). Over it is, too, if the clock has gone back by more than it lasts: nobody can tell
/// then, and the operation would wait for as long as the clock was wrong.
pub fn number_due(tx: &Tx<'_>, now_ms: i64) -> Result<()> {
    let due: Vec<i64> = tx
        .prepare_cached(
            "SELECT outbox_id FROM outbox WHERE state = 'held'
                AND (held_until_ms <= ?1 OR ?1 <= 2 * at_ms - held_until_ms) ORDER BY outbox_id",
        )?
        .query_map([now_ms], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    due.into_iter().try_for_each(|id| number(tx, id))
}

/// When the next held operation is over, UTC; none: none is held.
pub fn held_until_ms(conn: &Connection) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached("SELECT min(held_until_ms) FROM outbox WHERE state = 'held'")?
        .query_row([], |row| row.get(0))?)
}

/// Takes a held operation back, as if it had never been. False if its time is over.
pub fn take_back(tx: &Tx<'_>, id: i64, now_ms: i64) -> Result<bool> {
    let gone = tx
        .prepare_cached(
            "DELETE FROM outbox WHERE outbox_id = ?1 AND state = 'held' AND held_until_ms > ?2
                AND ?2 > 2 * at_ms - held_until_ms",
        )?
        .execute(params![id, now_ms])?;
    if gone > 0 {
        replay::rebuild(tx)?;
    }
    Ok(gone > 0)
}

/// One operation.
pub fn get(conn: &Connection, id: i64) -> Result<Option<OutboxOp>> {
    Ok(conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE outbox_id = ?1"))?
        .query_row([id], read)
        .optional()?)
}

/// Operations whose effect is not in the pulled rows, in the order in which they take effect:
/// numbered ones first, then held ones.
pub fn under_way(conn: &Connection) -> Result<Vec<OutboxOp>> {
    let acked: i64 = meta::get(conn, meta::ACK_N)?.unwrap_or(0);
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state IN ('held', 'pending', 'answered') AND (n IS NULL OR n > ?1)
         ORDER BY n IS NULL, n, outbox_id"
    ))?;
    Ok(statement
        .query_map([acked], read)?
        .collect::<rusqlite::Result<_>>()?)
}

/// The first operations without an answer, ascending: at most `ops_max`, and before `bytes_max`
/// bytes of bodies are passed, but at least one.
pub fn next(conn: &Connection, ops_max: u32, bytes_max: u64) -> Result<Vec<OutboxOp>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state = 'pending' ORDER BY n LIMIT ?1"
    ))?;
    let mut rows = statement.query([ops_max])?;
    let (mut ops, mut bytes) = (Vec::new(), 0_u64);
    while let Some(row) = rows.next()? {
        let op = read(row)?;
        bytes += op.body.len() as u64;
        if bytes > bytes_max && !ops.is_empty() {
            break;
        }
        ops.push(op);
    }
    Ok(ops)
}

/// Keeps the hub's answers. One whose number and id match an operation without an answer counts,
/// others change nothing. True if something shown has to be built anew.
pub fn record_results(tx: &Tx<'_>, results: &[OpResult]) -> Result<bool> {
    let mut rejected = false;
    for result in results {
        let state = match result.status {
            OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate => OpState::Answered,
            OpStatus::Rejected => OpState::Rejected,
            OpStatus::Parked => OpState::Parked,
        };
        let changed = tx
            .prepare_cached(
                "UPDATE outbox SET state = ?3, reason = ?4, reason_values = ?5
                 WHERE n = ?1 AND op_id = ?2 AND state = 'pending'",
            )?
            .execute(params![
                result.n,
                result.op_id,
                state.code(),
                result.reason,
                serde_json::to_string(&result.values).unwrap_or_default(),
            ])?;
        rejected |= changed > 0 && state.is_stuck();
        if let (1, Some(member_id)) = (changed, &result.member_id) {
            rename_member(tx, result, member_id)?;
        }
    }
    let forgotten = tx.execute(
        "DELETE FROM outbox WHERE erased = 1 AND state NOT IN ('held', 'pending')",
        [],
    )?;
    Ok(rejected || forgotten > 0)
}

/// What became of a parked operation at the hub: it was replayed or discarded there.
pub fn settle_parked(tx: &Tx<'_>, result: &OpResult) -> Result<()> {
    let state = match result.status {
        OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate => OpState::Sent,
        OpStatus::Rejected => OpState::Rejected,
        OpStatus::Parked => return Ok(()),
    };
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET state = ?2, reason = ?3, reason_values = ?4, put_away = 0,
                done_at_ms = max(at_ms, coalesce((SELECT max(done_at_ms) FROM outbox), 0))
             WHERE op_id = ?1 AND state = 'parked'",
        )?
        .execute(params![
            result.op_id,
            state.code(),
            result.reason,
            serde_json::to_string(&result.values).unwrap_or_default(),
        ])?;
    if let (1, Some(member_id)) = (changed, &result.member_id) {
        rename_member(tx, result, member_id)?;
    }
    Ok(())
}

/// The hub gave a member its real id: what was written under the temporary one finds it.
fn rename_member(tx: &Tx<'_>, result: &OpResult, member_id: &str) -> Result<()> {
    let op: Option<Vec<u8>> = tx
        .prepare_cached("SELECT body FROM outbox WHERE n = ?1")?
        .query_row([result.n], |row| row.get(0))
        .optional()?;
    let Some(Op::RegisterMember { member, .. }) = op.map(|body| from_cbor(&body)).transpose()? else {
        return Ok(());
    };
    if member.id == member_id {
        return Ok(());
    }
    let key = rows::key_of(tx, member_id)?;
    tx.prepare_cached("INSERT OR REPLACE INTO alias (alias_id, member_key) VALUES (?1, ?2)")?
        .execute(params![member.id, key])?;
    Ok(())
}

/// A pull contains the effect of everything up to `ack_n`: answered operations are done. True if
/// there was one.
pub fn acknowledge(tx: &Tx<'_>, ack_n: u64, now_ms: i64) -> Result<bool> {
    let before: u64 = meta::get(tx, meta::ACK_N)?.unwrap_or(0);
    let moved = tx
        .prepare_cached(
            "UPDATE outbox SET state = 'sent', done_at_ms = ?2, failures = 0 WHERE state = 'answered' AND n <= ?1",
        )?
        .execute(params![ack_n, now_ms])?;
    if ack_n > before {
        meta::set(tx, meta::ACK_N, ack_n)?;
    }
    Ok(moved > 0 || ack_n > before)
}

/// The hub went back to a backup: what it had done above `hub_last_n` is to be sent again under the
/// old numbers. Rejected operations stay rejected.
pub fn send_again(tx: &Tx<'_>, hub_last_n: u64) -> Result<()> {
    tx.prepare_cached(
        "UPDATE outbox SET state = 'pending', done_at_ms = NULL, reason = NULL, failures = 0
         WHERE n > ?1 AND state IN ('answered', 'sent', 'parked')",
    )?
    .execute([hub_last_n])?;
    meta::set(tx, meta::ACK_N, hub_last_n)
}

/// The phone has become another device of the hub, which counts from 0 again: only answers to the new
/// one are ever acknowledged. What was answered to the old one is asked for again, under its number
/// and id.
pub fn ask_again(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE outbox SET state = 'pending' WHERE state = 'answered'", [])?;
    Ok(())
}

/// Gives every unanswered operation from `n` on a new number, in order.
pub fn renumber_from(tx: &Tx<'_>, n: u64) -> Result<()> {
    let ids: Vec<i64> = tx
        .prepare_cached("SELECT outbox_id FROM outbox WHERE state = 'pending' AND n >= ?1 ORDER BY n")?
        .query_map([n], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in ids {
        tx.prepare_cached("UPDATE outbox SET n = NULL WHERE outbox_id = ?1")?
            .execute([id])?;
        number(tx, id)?;
    }
    Ok(())
}

/// Counts that an operation failed alone; returns the count.
pub fn note_failure(tx: &Tx<'_>, n: u64) -> Result<u32> {
    Ok(tx
        .prepare_cached("UPDATE outbox SET failures = failures + 1 WHERE n = ?1 RETURNING failures")?
        .query_row([n], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Forgets what was done, or stuck and put away, before `before_ms`.
pub fn prune(tx: &Tx<'_>, before_ms: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM outbox WHERE (state = 'sent' AND done_at_ms < ?1)
            OR (state IN ('rejected', 'parked') AND put_away = 1 AND at_ms < ?1)",
        [before_ms],
    )?;
    tx.execute(
        "DELETE FROM outbox_row WHERE outbox_id NOT IN (SELECT outbox_id FROM outbox)",
        [],
    )?;
    Ok(())
}

/// Operations that the hub refused or could not read and that nobody has put away, oldest first.
pub fn stuck(conn: &Connection, limit: u32) -> Result<Vec<OutboxOp>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE state IN ('rejected', 'parked') AND put_away = 0 ORDER BY n LIMIT ?1"
    ))?;
    Ok(statement
        .query_map([limit], read)?
        .collect::<rusqlite::Result<_>>()?)
}

/// The clerk has seen a stuck operation. False if there is none like that.
pub fn put_away(tx: &Tx<'_>, id: i64) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET put_away = 1 WHERE outbox_id = ?1 AND state IN ('rejected', 'parked')",
        )?
        .execute([id])?;
    Ok(changed > 0)
}

/// Messages to a member that were handed out though the hub refused (or could not read) the record of
/// them, by their keys: no row shows them, and they were written all the same.
pub fn refused_sends(conn: &Connection, member_id: &str) -> Result<Vec<String>> {
    let mut statement = conn
        .prepare_cached("SELECT body FROM outbox WHERE member_id = ?1 AND state IN ('rejected', 'parked')")?;
    let bodies = statement
        .query_map([member_id], |row| row.get::<_, Vec<u8>>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let key = |body: Vec<u8>| match from_cbor(&body) {
        Ok(Op::RecordSend { send }) => Some(send.key),
        _ => None,
    };
    Ok(bodies.into_iter().filter_map(key).collect())
}

/// As it travels.
pub fn envelope(op: &OutboxOp) -> OpEnvelope {
    OpEnvelope {
        n: op.n.unwrap_or(0),
        op_id: op.op_id.clone(),
        staff_id: op.staff_id.clone(),
        at_ms: op.at_ms,
        base_version: op.base_version,
        body: op.body.clone().into(),
        parked: false,
    }
}

/// Version of the row that an edit is based on.
fn base_version(conn: &Connection, op: &Op) -> Result<u64> {
    match op {
        Op::EditMember { member_id, .. } | Op::Tags { member_id, .. } | Op::SetRegimen { member_id, .. } => {
            Ok(rows::member(conn, member_id)?.map_or(0, |member| member.version))
        }
        Op::StartTask { task_id }
        | Op::DeferTask { task_id, .. }
        | Op::CancelTask { task_id }
        | Op::ReassignTask { task_id, .. }
        | Op::NudgeTask { task_id }
        | Op::RecordOutcome { task_id, .. } => Ok(rows::task(conn, task_id)?.map_or(0, |task| task.version)),
        _ => Ok(0),
    }
}

/// Whom an operation concerns.
fn member_of(conn: &Connection, op: &Op) -> Result<Option<String>> {
    Ok(match op.subject() {
        Subject::Member(id) => Some(id.to_owned()),
        Subject::OfTask(id) => rows::task(conn, id)?.map(|task| task.member_id),
        Subject::OfAttempt(id) => rows::attempt(conn, id)?.map(|attempt| attempt.member_id),
        Subject::Nobody => None,
    })
}
