//! Readings of blood pressure and glucose.

use chrono::NaiveDate;
use rusqlite::{Row, params};
use yaoban_domain::calendar::day_number;
use yaoban_domain::codes::Open;
use yaoban_domain::model::Reading;

use super::Tx;
use crate::storage::StorageError;

const READING: &str = "SELECT reading_id, member_id, taken_at_ms, kind, systolic, diastolic, glucose_tenths, context, \
                       staff_id, supersedes FROM reading JOIN member USING (member_key)";

fn read_reading(row: &Row<'_>) -> rusqlite::Result<Reading> {
    Ok(Reading {
        id: row.get(0)?,
        member_id: row.get(1)?,
        taken_at_ms: row.get(2)?,
        kind: Open::read(row.get_ref(3)?.as_str()?),
        systolic: row.get(4)?,
        diastolic: row.get(5)?,
        glucose_tenths: row.get(6)?,
        context: Open::read(row.get_ref(7)?.as_str()?),
        staff_id: row.get(8)?,
        supersedes: row.get(9)?,
    })
}

impl Tx<'_> {
    pub(super) fn reading_row(&self, id: &str) -> Result<Option<Reading>, StorageError> {
        self.one(&format!("{READING} WHERE reading_id = ?1"), [id], read_reading)
    }

    pub(super) fn reading_rows(&self, member_id: &str) -> Result<Vec<Reading>, StorageError> {
        let sql = format!("{READING} WHERE member_id = ?1 ORDER BY taken_at_ms, reading_id");
        self.all(&sql, [member_id], read_reading)
    }

    pub(super) fn put_reading_row(&self, reading: &Reading, day: NaiveDate) -> Result<(), StorageError> {
        let rows = self
            .connection()
            .prepare_cached(
                "INSERT INTO reading (reading_id, member_key, taken_at_ms, day, kind, context, systolic, diastolic,
                    glucose_tenths, staff_id, supersedes)
                 SELECT ?1, member_key, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM member WHERE member_id = ?2
                 ON CONFLICT (reading_id) DO UPDATE SET member_key = excluded.member_key,
                    taken_at_ms = excluded.taken_at_ms, day = excluded.day, kind = excluded.kind,
                    context = excluded.context, systolic = excluded.systolic, diastolic = excluded.diastolic,
                    glucose_tenths = excluded.glucose_tenths, staff_id = excluded.staff_id,
                    supersedes = excluded.supersedes",
            )?
            .execute(params![
                reading.id,
                reading.member_id,
                reading.taken_at_ms,
                day_number(day),
                reading.kind.code(),
                reading.context.code(),
                reading.systolic,
                reading.diastolic,
                reading.glucose_tenths,
                reading.staff_id,
                reading.supersedes,
            ])?;
        if rows == 0 {
            return Err(StorageError::Record {
                entity: "reading",
                id: reading.id.clone(),
                reason: format!("there is no member `{}`", reading.member_id),
            });
        }
        Ok(())
    }
}
