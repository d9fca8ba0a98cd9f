//! Notes, attempts and sends: what was written about a member, and each contact with it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use yaoban_domain::calendar::day_number;
use yaoban_domain::codes::Open;
use yaoban_domain::model::{Attempt, Note, Send};

use super::super::{Result, Tx};
use super::{key_of, mark_stale, member_id_of};

/// Stores a note.
pub fn put_note(tx: &Tx<'_>, note: &Note) -> Result<()> {
    let key = key_of(tx, &note.member_id)?;
    tx.prepare_cached(
        "INSERT INTO note (note_id, member_key, at_ms, staff_id, text, supersedes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (note_id) DO UPDATE SET member_key = ?2, at_ms = ?3, staff_id = ?4, text = ?5, supersedes = ?6",
    )?
    .execute(params![note.id, key, note.at_ms, note.staff_id, note.text, note.supersedes])?;
    Ok(())
}

pub(super) fn remove_note(tx: &Tx<'_>, id: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM note WHERE note_id = ?1")?
        .execute([id])?;
    Ok(())
}

/// A note.
pub fn note(conn: &Connection, id: &str) -> Result<Option<Note>> {
    let found = conn
        .prepare_cached(
            "SELECT note_id, member_key, at_ms, staff_id, text, supersedes FROM note WHERE note_id = ?1",
        )?
        .query_row([id], |row| {
            Ok((
                row.get::<_, i64>(1)?,
                Note {
                    id: row.get(0)?,
                    member_id: String::new(),
                    at_ms: row.get(2)?,
                    staff_id: row.get(3)?,
                    text: row.get(4)?,
                    supersedes: row.get(5)?,
                },
            ))
        })
        .optional()?;
    found
        .map(|(key, note)| {
            Ok(Note {
                member_id: member_id_of(conn, key)?,
                ..note
            })
        })
        .transpose()
}

/// Stores an attempt.
pub fn put_attempt(tx: &Tx<'_>, attempt: &Attempt) -> Result<()> {
    let key = key_of(tx, &attempt.member_id)?;
    tx.prepare_cached(
        "INSERT INTO attempt (attempt_id, member_key, task_id, staff_id, purpose, channel, number_hash, started_at_ms,
            day, ended_at_ms, duration_s, result, recording)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (attempt_id) DO UPDATE SET member_key = ?2, task_id = ?3, staff_id = ?4, purpose = ?5, channel = ?6,
            number_hash = ?7, started_at_ms = ?8, day = ?9, ended_at_ms = ?10, duration_s = ?11, result = ?12,
            recording = ?13",
    )?
    .execute(params![
        attempt.id,
        key,
        attempt.task_id,
        attempt.staff_id,
        attempt.purpose.code(),
        attempt.channel.code(),
        attempt.number_hash,
        attempt.started_at_ms,
        day_number(tx.calendar.day(attempt.started_at_ms)),
        attempt.ended_at_ms,
        attempt.duration_s,
        attempt.result.as_ref().map(Open::code),
        attempt.recording,
    ])?;
    mark_stale(tx, key)
}

pub(super) fn remove_attempt(tx: &Tx<'_>, id: &str) -> Result<()> {
    let key: Option<i64> = tx
        .prepare_cached("DELETE FROM attempt WHERE attempt_id = ?1 RETURNING member_key")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    key.map_or(Ok(()), |key| mark_stale(tx, key))
}

pub(in crate::store) const ATTEMPT_COLUMNS: &str =
    "attempt_id, member_key, task_id, staff_id, purpose, channel,
    number_hash, started_at_ms, ended_at_ms, duration_s, result, recording";

/// An attempt.
pub fn attempt(conn: &Connection, id: &str) -> Result<Option<Attempt>> {
    let found = conn
        .prepare_cached(&format!(
            "SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE attempt_id = ?1"
        ))?
        .query_row([id], |row| {
            Ok((row.get::<_, i64>(1)?, read_attempt(row, String::new())?))
        })
        .optional()?;
    found
        .map(|(key, row)| {
            Ok(Attempt {
                member_id: member_id_of(conn, key)?,
                ..row
            })
        })
        .transpose()
}

/// Reads a row of [`ATTEMPT_COLUMNS`].
pub(in crate::store) fn read_attempt(row: &Row<'_>, member_id: String) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        id: row.get(0)?,
        task_id: row.get(2)?,
        member_id,
        staff_id: row.get(3)?,
        purpose: Open::read(row.get_ref(4)?.as_str()?),
        channel: Open::read(row.get_ref(5)?.as_str()?),
        number_hash: row.get(6)?,
        started_at_ms: row.get(7)?,
        ended_at_ms: row.get(8)?,
        duration_s: row.get(9)?,
        result: row.get_ref(10)?.as_str_or_null()?.map(Open::read),
        recording: row.get(11)?,
    })
}

/// Stores a message.
pub fn put_send(tx: &Tx<'_>, send: &Send) -> Result<()> {
    let key = key_of(tx, &send.member_id)?;
    tx.prepare_cached(
        "INSERT INTO send (key, member_key, task_id, campaign_id, step, channel, purpose, template_id, staff_id, at_ms,
            day, state, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (key) DO UPDATE SET member_key = ?2, task_id = ?3, campaign_id = ?4, step = ?5, channel = ?6,
            purpose = ?7, template_id = ?8, staff_id = ?9, at_ms = ?10, day = ?11, state = ?12, reason = ?13",
    )?
    .execute(params![
        send.key,
        key,
        send.task_id,
        send.campaign_id,
        send.step,
        send.channel.code(),
        send.purpose.code(),
        send.template_id,
        send.staff_id,
        send.at_ms,
        day_number(tx.calendar.day(send.at_ms)),
        send.state.code(),
        send.reason,
    ])?;
    Ok(())
}

pub(super) fn remove_send(tx: &Tx<'_>, key: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM send WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

pub(in crate::store) const SEND_COLUMNS: &str =
    "key, member_key, task_id, campaign_id, step, channel, purpose,
    template_id, staff_id, at_ms, state, reason";

/// A message by its key.
pub fn send(conn: &Connection, key: &str) -> Result<Option<Send>> {
    let found = conn
        .prepare_cached(&format!("SELECT {SEND_COLUMNS} FROM send WHERE key = ?1"))?
        .query_row([key], |row| {
            Ok((row.get::<_, i64>(1)?, read_send(row, String::new())?))
        })
        .optional()?;
    found
        .map(|(key, row)| {
            Ok(Send {
                member_id: member_id_of(conn, key)?,
                ..row
            })
        })
        .transpose()
}

/// Reads a row of [`SEND_COLUMNS`].
pub(in crate::store) fn read_send(row: &Row<'_>, member_id: String) -> rusqlite::Result<Send> {
    Ok(Send {
        key: row.get(0)?,
        member_id,
        task_id: row.get(2)?,
        campaign_id: row.get(3)?,
        step: row.get(4)?,
        channel: Open::read(row.get_ref(5)?.as_str()?),
        purpose: Open::read(row.get_ref(6)?.as_str()?),
        template_id: row.get(7)?,
        staff_id: row.get(8)?,
        at_ms: row.get(9)?,
        state: Open::read(row.get_ref(10)?.as_str()?),
        reason: row.get(11)?,
    })
}
