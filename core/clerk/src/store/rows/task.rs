//! Tasks: the record in CBOR, beside it the columns that lists ask for.

use rusqlite::{Connection, OptionalExtension, params};
use yaoban_domain::calendar::day_number;
use yaoban_domain::model::{CareTask, Outcome};
use yaoban_protocol::codec::{from_cbor, to_cbor};

use super::super::{Result, Tx};
use super::key_of;

/// Stores a task and its outcomes.
pub fn put_task(tx: &Tx<'_>, task: &CareTask) -> Result<()> {
    let member_key = key_of(tx, &task.member_id)?;
    let task_key: i64 = tx
        .prepare_cached(
            "INSERT INTO task (task_id, member_key, assignee, kind, state, campaign_id, start_day, due_day,
                deferred_until_day, changed_at_ms, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (task_id) DO UPDATE SET member_key = ?2, assignee = ?3, kind = ?4, state = ?5, campaign_id = ?6,
                start_day = ?7, due_day = ?8, deferred_until_day = ?9, changed_at_ms = ?10, body = ?11
             RETURNING task_key",
        )?
        .query_row(
            params![
                task.id,
                member_key,
                task.assignee,
                task.kind.code(),
                task.state.code(),
                task.campaign_id,
                day_number(task.start),
                day_number(task.due),
                task.deferred_until.map(day_number),
                task.changed_at_ms,
                to_cbor(task)?,
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
    let found: Option<(Vec<u8>, String)> = conn
        .prepare_cached(
            "SELECT t.body, m.member_id FROM task t JOIN member m ON m.member_key = t.member_key WHERE t.task_id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found
        .map(|(body, member_id)| {
            Ok(CareTask {
                member_id,
                ..from_cbor(&body)?
            })
        })
        .transpose()
}
