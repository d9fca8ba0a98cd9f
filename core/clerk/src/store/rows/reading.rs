//! Readings: immutable, a correction supersedes.

use rusqlite::{Connection, OptionalExtension, Row, params};
use yaoban_domain::calendar::{Calendar, day_number};
use yaoban_domain::codes::Open;
use yaoban_domain::model::Reading;

use super::super::{Result, Tx};
use super::{key_of, mark_stale, member_id_of};

/// Stores a reading. One that it supersedes no longer shows, in whatever order they come.
pub fn put_reading(tx: &Tx<'_>, reading: &Reading) -> Result<()> {
    let key = key_of(tx, &reading.member_id)?;
    insert_reading(tx, tx.calendar, key, reading)?;
    let corrected: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM reading WHERE supersedes = ?1)")?
        .query_row([&reading.id], |row| row.get(0))?;
    if corrected {
        set_superseded(tx, &reading.id, true)?;
    }
    if let Some(older) = &reading.supersedes {
        set_superseded(tx, older, true)?;
    }
    mark_stale(tx, key)
}

/// Writes the row; what it supersedes is the caller's (a first load settles it at the end).
pub(in crate::store) fn insert_reading(
    conn: &Connection,
    calendar: Calendar,
    key: i64,
    reading: &Reading,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO reading (reading_id, member_key, taken_at_ms, day, kind, context, systolic, diastolic,
            glucose_tenths, staff_id, supersedes, superseded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)
         ON CONFLICT (reading_id) DO UPDATE SET member_key = ?2, taken_at_ms = ?3, day = ?4, kind = ?5, context = ?6,
            systolic = ?7, diastolic = ?8, glucose_tenths = ?9, staff_id = ?10, supersedes = ?11",
    )?
    .execute(params![
        reading.id,
        key,
        reading.taken_at_ms,
        day_number(calendar.day(reading.taken_at_ms)),
        reading.kind.code(),
        reading.context.code(),
        reading.systolic,
        reading.diastolic,
        reading.glucose_tenths,
        reading.staff_id,
        reading.supersedes,
    ])?;
    Ok(())
}

/// After a first load: readings that others supersede no longer show.
pub(in crate::store) fn settle_superseded(conn: &Connection) -> Result<()> {
    conn.execute(
        "UPDATE reading SET superseded = 1
         WHERE reading_id IN (SELECT supersedes FROM reading WHERE supersedes IS NOT NULL)",
        [],
    )?;
    Ok(())
}

fn set_superseded(conn: &Connection, id: &str, superseded: bool) -> Result<()> {
    conn.prepare_cached("UPDATE reading SET superseded = ?2 WHERE reading_id = ?1")?
        .execute(params![id, superseded])?;
    Ok(())
}

/// The reading leaves; one that only it superseded shows again.
pub(super) fn remove(tx: &Tx<'_>, id: &str) -> Result<()> {
    let gone: Option<(i64, Option<String>)> = tx
        .prepare_cached("DELETE FROM reading WHERE reading_id = ?1 RETURNING member_key, supersedes")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((key, older)) = gone else { return Ok(()) };
    if let Some(older) = older {
        let still: bool = tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM reading WHERE supersedes = ?1)")?
            .query_row([&older], |row| row.get(0))?;
        set_superseded(tx, &older, still)?;
    }
    mark_stale(tx, key)
}

pub(in crate::store) const COLUMNS: &str =
    "reading_id, member_key, taken_at_ms, kind, context, systolic, diastolic,
    glucose_tenths, staff_id, supersedes";

/// A reading.
pub fn reading(conn: &Connection, id: &str) -> Result<Option<Reading>> {
    let found = conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM reading WHERE reading_id = ?1"))?
        .query_row([id], |row| Ok((row.get::<_, i64>(1)?, read(row, String::new())?)))
        .optional()?;
    found
        .map(|(key, row)| {
            Ok(Reading {
                member_id: member_id_of(conn, key)?,
                ..row
            })
        })
        .transpose()
}

/// Reads a row of the columns of a reading: id, member key, time, kind, context, the three values,
/// staff, what it supersedes.
pub fn read(row: &Row<'_>, member_id: String) -> rusqlite::Result<Reading> {
    Ok(Reading {
        id: row.get(0)?,
        member_id,
        taken_at_ms: row.get(2)?,
        kind: Open::read(row.get_ref(3)?.as_str()?),
        systolic: row.get(5)?,
        diastolic: row.get(6)?,
        glucose_tenths: row.get(7)?,
        context: Open::read(row.get_ref(4)?.as_str()?),
        staff_id: row.get(8)?,
        supersedes: row.get(9)?,
    })
}
