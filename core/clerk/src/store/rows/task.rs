//! Tasks, column by column, and their outcomes.

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, Row, params};
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::codes::{Code, ContactPurpose, Open, TaskOrigin};
use yaoban_domain::model::{CareTask, Outcome, Why};
use yaoban_protocol::codec::{from_cbor, to_cbor};
use yaoban_protocol::row::entity;

use super::super::{Result, StoreError, Tx};
use super::key_of;

macro_rules! place_columns {
    () => {
        "t.task_id, t.assignee, t.kind, t.emergency, t.start_day, t.due_day, t.state, t.deferred_until_day, \
         t.deferred_until_ms, t.outcomes, t.changed_at_ms"
    };
}

/// What a task is settled, placed on a list and counted by: the columns that [`read_place`] reads, of a
/// `task` under the alias `t`.
pub const PLACE_COLUMNS: &str = place_columns!();

/// Number of [`PLACE_COLUMNS`].
pub const PLACE_COLUMN_COUNT: usize = 11;

/// The columns that [`read_task`] reads: [`PLACE_COLUMNS`], then the others.
pub const TASK_COLUMNS: &str = concat!(
    place_columns!(),
    ", t.store_id, t.purpose, t.origin, t.campaign_id, t.step, t.why_code, t.why_values, t.script_id, \
     t.closes_from_day, t.closes_until_day, t.attempts, t.avoid_part, t.nudged_at_ms, t.created_at_ms, t.version"
);

/// Number of [`TASK_COLUMNS`].
pub const TASK_COLUMN_COUNT: usize = 26;

/// Stores a task and its outcomes.
pub fn put_task(tx: &Tx<'_>, task: &CareTask) -> Result<()> {
    let member_key = key_of(tx, &task.member_id)?;
    let task_key: i64 = tx
        .prepare_cached(
            "INSERT INTO task (task_id, member_key, store_id, assignee, kind, purpose, origin, campaign_id, step,
                why_code, why_values, script_id, emergency, start_day, due_day, state, deferred_until_day,
                deferred_until_ms, closes_from_day, closes_until_day, attempts, avoid_part, outcomes, nudged_at_ms,
                created_at_ms, changed_at_ms, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                ?22, ?23, ?24, ?25, ?26, ?27)
             ON CONFLICT (task_id) DO UPDATE SET member_key = ?2, store_id = ?3, assignee = ?4, kind = ?5, purpose = ?6,
                origin = ?7, campaign_id = ?8, step = ?9, why_code = ?10, why_values = ?11, script_id = ?12,
                emergency = ?13, start_day = ?14, due_day = ?15, state = ?16, deferred_until_day = ?17,
                deferred_until_ms = ?18, closes_from_day = ?19, closes_until_day = ?20, attempts = ?21,
                avoid_part = ?22, outcomes = ?23, nudged_at_ms = ?24, created_at_ms = ?25, changed_at_ms = ?26,
                version = ?27
             RETURNING task_key",
        )?
        .query_row(
            params![
                task.id,
                member_key,
                task.store_id,
                task.assignee,
                task.kind.code(),
                task.purpose.code(),
                task.origin.code(),
                task.campaign_id,
                task.step,
                task.why.code,
                pairs_text(&task.why.values)?,
                task.script_id,
                task.emergency,
                day_number(task.start),
                day_number(task.due),
                task.state.code(),
                task.deferred_until.map(day_number),
                task.deferred_until_ms,
                task.closes_on_purchase.map(|(from, _)| day_number(from)),
                task.closes_on_purchase.map(|(_, until)| day_number(until)),
                task.attempts,
                task.avoid_part,
                packed_outcomes(task)?,
                task.nudged_at_ms,
                task.created_at_ms,
                task.changed_at_ms,
                task.version,
            ],
            |row| row.get(0),
        )?;
    tx.prepare_cached("DELETE FROM task_outcome WHERE task_key = ?1")?
        .execute([task_key])?;
    let outcomes: Vec<&Outcome> = task.outcome.iter().chain(&task.other_outcomes).collect();
    for outcome in &outcomes {
        let superseded = outcomes
            .iter()
            .any(|other| other.supersedes.as_ref() == Some(&outcome.id));
        tx.prepare_cached(
            "INSERT OR REPLACE INTO task_outcome (outcome_id, task_key, attempt_id, outcome, at_ms, staff_id, superseded)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            outcome.id,
            task_key,
            outcome.attempt_id,
            outcome.code.code(),
            outcome.at_ms,
            outcome.staff_id,
            superseded
        ])?;
    }
    Ok(())
}

fn pairs_text(pairs: &[(String, String)]) -> Result<Option<String>> {
    if pairs.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(pairs)
        .map(Some)
        .map_err(|error| unreadable(&error))
}

fn packed_outcomes(task: &CareTask) -> Result<Option<Vec<u8>>> {
    if task.outcome.is_none() && task.other_outcomes.is_empty() {
        return Ok(None);
    }
    Ok(Some(to_cbor(&(&task.outcome, &task.other_outcomes))?))
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Row {
        entity: entity::TASK.into(),
        what: format!("values of the reason: {error}"),
    }
}

/// The task leaves.
pub fn remove_task(tx: &Tx<'_>, id: &str) -> Result<()> {
    let key: Option<i64> = tx
        .prepare_cached("DELETE FROM task WHERE task_id = ?1 RETURNING task_key")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if let Some(key) = key {
        tx.prepare_cached("DELETE FROM task_outcome WHERE task_key = ?1")?
            .execute([key])?;
    }
    Ok(())
}

/// A task. Its member is named by the id under which it is kept now.
pub fn task(conn: &Connection, id: &str) -> Result<Option<CareTask>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {TASK_COLUMNS}, m.member_id FROM task t JOIN member m ON m.member_key = t.member_key
         WHERE t.task_id = ?1"
    ))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => Ok(Some(read_task(row, row.get(TASK_COLUMN_COUNT)?)?)),
        None => Ok(None),
    }
}

/// Reads [`PLACE_COLUMNS`], the first of the row: enough of a task to settle and to place it. What it does
/// not read is empty, so it is never shown nor stored.
pub fn read_place(row: &Row<'_>) -> Result<CareTask> {
    let (outcome, other_outcomes) = match row.get_ref(9)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
        Some(packed) => from_cbor(packed)?,
        None => (None, Vec::new()),
    };
    Ok(CareTask {
        id: row.get(0)?,
        assignee: row.get(1)?,
        kind: code(row, 2)?,
        emergency: row.get(3)?,
        start: from_day_number(row.get(4)?),
        due: from_day_number(row.get(5)?),
        state: code(row, 6)?,
        deferred_until: day(row, 7)?,
        deferred_until_ms: row.get(8)?,
        outcome,
        other_outcomes,
        changed_at_ms: row.get(10)?,
        member_id: String::new(),
        store_id: String::new(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Clerk.into(),
        campaign_id: None,
        step: 0,
        why: Why {
            code: String::new(),
            values: Vec::new(),
        },
        script_id: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        nudged_at_ms: None,
        created_at_ms: 0,
        version: 0,
    })
}

/// Reads [`TASK_COLUMNS`], the first of the row.
pub fn read_task(row: &Row<'_>, member_id: String) -> Result<CareTask> {
    let at = PLACE_COLUMN_COUNT;
    let values = match row
        .get_ref(at + 6)?
        .as_str_or_null()
        .map_err(rusqlite::Error::from)?
    {
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(&error))?,
        None => Vec::new(),
    };
    Ok(CareTask {
        member_id,
        store_id: row.get(at)?,
        purpose: code(row, at + 1)?,
        origin: code(row, at + 2)?,
        campaign_id: row.get(at + 3)?,
        step: row.get(at + 4)?,
        why: Why {
            code: row.get(at + 5)?,
            values,
        },
        script_id: row.get(at + 7)?,
        closes_on_purchase: day(row, at + 8)?.zip(day(row, at + 9)?),
        attempts: row.get(at + 10)?,
        avoid_part: row.get(at + 11)?,
        nudged_at_ms: row.get(at + 12)?,
        created_at_ms: row.get(at + 13)?,
        version: row.get(at + 14)?,
        ..read_place(row)?
    })
}

fn day(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<NaiveDate>> {
    Ok(row.get::<_, Option<i32>>(at)?.map(from_day_number))
}

fn code<T: Code>(row: &Row<'_>, at: usize) -> rusqlite::Result<Open<T>> {
    Ok(Open::read(row.get_ref(at)?.as_str()?))
}
