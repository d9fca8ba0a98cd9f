//! Tasks, attempts, notes and sends: the records whole as JSON, beside the columns that SQL finds
//! them by.

use chrono::NaiveDate;
use rusqlite::{Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yaoban_domain::calendar::day_number;
use yaoban_domain::model::{Attempt, CareTask, Note, Outcome, Send};

use super::Tx;
use crate::daily::Today;
use crate::storage::StorageError;

/// Reads a record from the JSON in column 0.
pub(super) fn read_body<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })
}

/// A record as JSON.
pub(super) fn body<T: Serialize>(entity: &'static str, id: &str, record: &T) -> Result<String, StorageError> {
    serde_json::to_string(record).map_err(|error| StorageError::Record {
        entity,
        id: id.to_owned(),
        reason: error.to_string(),
    })
}

impl Tx<'_> {
    /// A task.
    pub fn task(&self, id: &str) -> Result<Option<CareTask>, StorageError> {
        self.one("SELECT body FROM task WHERE task_id = ?1", [id], read_body)
    }

    /// All tasks of a member, by id.
    pub fn tasks_of(&self, member_id: &str) -> Result<Vec<CareTask>, StorageError> {
        self.all(
            "SELECT body FROM task WHERE member_id = ?1 ORDER BY task_id",
            [member_id],
            read_body,
        )
    }

    /// Tasks in a state that is not final, of all stores, whose due date is before `day`.
    pub fn overdue_tasks(&self, day: NaiveDate, limit: u32) -> Result<Vec<CareTask>, StorageError> {
        self.all(
            "SELECT body FROM task WHERE state IN ('open', 'in_progress', 'deferred') AND due_day < ?1 \
             ORDER BY due_day, task_id LIMIT ?2",
            params![day_number(day), limit],
            read_body,
        )
    }

    /// Deferred tasks whose day, or instant, has come.
    pub fn returning_tasks(&self, today: &Today, limit: u32) -> Result<Vec<CareTask>, StorageError> {
        self.all(
            "SELECT body FROM task WHERE state = 'deferred' AND coalesce(deferred_until_ms, 0) <= ?1 \
                AND coalesce(deferred_until_day, 0) <= ?2 ORDER BY deferred_until_day, task_id LIMIT ?3",
            params![today.now_ms, day_number(today.day()), limit],
            read_body,
        )
    }

    /// Live tasks that wait for a purchase on or before `day`, after a task id, by id.
    pub fn tasks_awaiting_purchase(
        &self,
        day: NaiveDate,
        after_id: &str,
        limit: u32,
    ) -> Result<Vec<CareTask>, StorageError> {
        self.all(
            "SELECT body FROM task WHERE state IN ('open', 'in_progress', 'deferred') \
             AND closes_from_day <= ?1 AND task_id > ?2 ORDER BY task_id LIMIT ?3",
            params![day_number(day), after_id, limit],
            read_body,
        )
    }

    /// Writes a task and its outcomes.
    pub fn put_task(&self, task: &CareTask) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO task (task_id, member_id, store_id, assignee, campaign_id, state, due_day, \
                deferred_until_day, deferred_until_ms, closes_from_day, closes_to_day, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (task_id) DO UPDATE SET member_id = excluded.member_id, store_id = excluded.store_id, \
                assignee = excluded.assignee, campaign_id = excluded.campaign_id, state = excluded.state, \
                due_day = excluded.due_day, deferred_until_day = excluded.deferred_until_day, \
                closes_from_day = excluded.closes_from_day, closes_to_day = excluded.closes_to_day, \
                body = excluded.body",
            params![
                task.id,
                task.member_id,
                task.store_id,
                task.assignee,
                task.campaign_id,
                task.state.code(),
                day_number(task.due),
                task.deferred_until.map(day_number),
                task.deferred_until_ms,
                task.closes_on_purchase.map(|(from, _)| day_number(from)),
                task.closes_on_purchase.map(|(_, to)| day_number(to)),
                body("task", &task.id, task)?,
            ],
        )?;
        self.put("DELETE FROM task_outcome WHERE task_id = ?1", [&task.id])?;
        let outcomes = || task.outcome.iter().chain(&task.other_outcomes);
        let stands =
            |outcome: &&Outcome| !outcomes().any(|other| other.supersedes.as_ref() == Some(&outcome.id));
        outcomes()
            .filter(stands)
            .try_for_each(|outcome| self.put_outcome(&task.id, outcome))
    }

    fn put_outcome(&self, task_id: &str, outcome: &Outcome) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO task_outcome (outcome_id, task_id, attempt_id, code, at_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (outcome_id) DO NOTHING",
            params![outcome.id, task_id, outcome.attempt_id, outcome.code.code(), outcome.at_ms],
        )
    }

    /// An attempt.
    pub fn attempt(&self, id: &str) -> Result<Option<Attempt>, StorageError> {
        self.one("SELECT body FROM attempt WHERE attempt_id = ?1", [id], read_body)
    }

    /// All attempts on a member, oldest first.
    pub fn attempts_of(&self, member_id: &str) -> Result<Vec<Attempt>, StorageError> {
        self.all(
            "SELECT body FROM attempt WHERE member_id = ?1 ORDER BY started_at_ms, attempt_id",
            [member_id],
            read_body,
        )
    }

    /// Writes an attempt; `day` is the business date of its start.
    pub fn put_attempt(&self, attempt: &Attempt, day: NaiveDate) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO attempt (attempt_id, task_id, member_id, staff_id, channel, started_at_ms, day, result, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (attempt_id) DO UPDATE SET task_id = excluded.task_id, member_id = excluded.member_id, \
                staff_id = excluded.staff_id, channel = excluded.channel, started_at_ms = excluded.started_at_ms, \
                day = excluded.day, result = excluded.result, body = excluded.body",
            params![
                attempt.id,
                attempt.task_id,
                attempt.member_id,
                attempt.staff_id,
                attempt.channel.code(),
                attempt.started_at_ms,
                day_number(day),
                attempt.result.as_ref().map(yaoban_domain::codes::Open::code),
                body("attempt", &attempt.id, attempt)?,
            ],
        )
    }

    /// A note.
    pub fn note(&self, id: &str) -> Result<Option<Note>, StorageError> {
        self.one("SELECT body FROM note WHERE note_id = ?1", [id], read_body)
    }

    /// All notes on a member, oldest first.
    pub fn notes_of(&self, member_id: &str) -> Result<Vec<Note>, StorageError> {
        self.all(
            "SELECT body FROM note WHERE member_id = ?1 ORDER BY at_ms, note_id",
            [member_id],
            read_body,
        )
    }

    /// Writes a note.
    pub fn put_note(&self, note: &Note) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO note (note_id, member_id, at_ms, body) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (note_id) DO UPDATE SET member_id = excluded.member_id, at_ms = excluded.at_ms, \
                body = excluded.body",
            params![note.id, note.member_id, note.at_ms, body("note", &note.id, note)?],
        )
    }

    /// A send.
    pub fn send(&self, key: &str) -> Result<Option<Send>, StorageError> {
        self.one("SELECT body FROM send WHERE send_key = ?1", [key], read_body)
    }

    /// All sends to a member, oldest first.
    pub fn sends_of(&self, member_id: &str) -> Result<Vec<Send>, StorageError> {
        self.all(
            "SELECT body FROM send WHERE member_id = ?1 ORDER BY at_ms, send_key",
            [member_id],
            read_body,
        )
    }

    /// Writes a send; `day` is the business date of its instant.
    pub fn put_send(&self, send: &Send, day: NaiveDate) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO send (send_key, task_id, member_id, channel, at_ms, day, state, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (send_key) DO UPDATE SET task_id = excluded.task_id, member_id = excluded.member_id, \
                channel = excluded.channel, at_ms = excluded.at_ms, day = excluded.day, state = excluded.state, \
                body = excluded.body",
            params![
                send.key,
                send.task_id,
                send.member_id,
                send.channel.code(),
                send.at_ms,
                day_number(day),
                send.state.code(),
                body("send", &send.key, send)?,
            ],
        )
    }
}

/// Statements on a table of records that belong to a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owned {
    /// The record of an id.
    pub(super) select: &'static str,
    /// Sets member (?2) and record (?3) of an id.
    pub(super) update: &'static str,
}

impl Owned {
    pub(super) const NOTE: Self = Self {
        select: "SELECT body FROM note WHERE note_id = ?1",
        update: "UPDATE note SET member_id = ?2, body = ?3 WHERE note_id = ?1",
    };
    pub(super) const ATTEMPT: Self = Self {
        select: "SELECT body FROM attempt WHERE attempt_id = ?1",
        update: "UPDATE attempt SET member_id = ?2, body = ?3 WHERE attempt_id = ?1",
    };
    pub(super) const SEND: Self = Self {
        select: "SELECT body FROM send WHERE send_key = ?1",
        update: "UPDATE send SET member_id = ?2, body = ?3 WHERE send_key = ?1",
    };
}
