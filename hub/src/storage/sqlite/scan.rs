//! The chain in one pass each: what the figures of all members are made from. Everything is handed
//! on row by row; nothing is collected here.

use yaoban_domain::codes::{Code as _, ReadingContext, ReadingKind};
use yaoban_domain::health::{Measure, Taken};

use super::Tx;
use crate::storage::StorageError;

/// What a member's record says for the health need. `diseases` is the text at rest (`;a;b;`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person<'a> {
    pub key: u32,
    pub diseases: &'a str,
    pub height_cm: Option<u16>,
    pub weight_hg: Option<u16>,
}

/// What the catalogue says of a drug, for audiences, leanings and medicines.
#[derive(Debug, Clone)]
pub(crate) struct DrugFacts {
    pub key: u32,
    pub drug_id: String,
    pub ingredient: Option<String>,
    pub category: Option<String>,
    pub chronic: bool,
    pub manufacturer: Option<String>,
    pub units_per_pack_milli: Option<i64>,
    pub daily_units_milli: Option<i64>,
}

impl Tx<'_> {
    /// The highest key that a member ever had.
    pub(crate) fn last_member_key(&self) -> Result<u32, StorageError> {
        Ok(self
            .one("SELECT coalesce(max(member_key), 0) FROM member", [], |row| {
                row.get(0)
            })?
            .unwrap_or(0))
    }

    /// Members who exist on a day, by key.
    pub(crate) fn each_person(&self, day: i32, mut take: impl FnMut(Person<'_>)) -> Result<(), StorageError> {
        // The index holds all of this, so the wide rows are not read.
        let mut statement = self.connection().prepare(
            "SELECT member_key, joined_day, diseases, height_cm, weight_hg
             FROM member INDEXED BY member_screen WHERE erased = 0 ORDER BY member_key",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, Option<i32>>(1)?.is_none_or(|joined| joined <= day) {
                take(Person {
                    key: row.get(0)?,
                    diseases: row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?,
                    height_cm: row.get(3)?,
                    weight_hg: row.get(4)?,
                });
            }
        }
        Ok(())
    }

    /// The packed days of each member who bought, by key.
    pub(crate) fn each_days<E: From<StorageError>>(
        &self,
        take: impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_packed("SELECT member_key, generation, days FROM member_days", take)
    }

    /// The packed lines of each member who bought, by key.
    pub(crate) fn each_lines<E: From<StorageError>>(
        &self,
        take: impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_packed("SELECT member_key, generation, lines FROM member_lines", take)
    }

    /// Of each member the packed row of the highest visible generation; rows come by member and
    /// generation, which is the order of the table.
    fn each_packed<E: From<StorageError>>(
        &self,
        sql: &str,
        mut take: impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: rusqlite::Error| E::from(StorageError::from(error));
        let visible = self.visible_generation()?;
        let sql = format!("{sql} ORDER BY member_key, generation");
        let mut statement = self.connection().prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        let mut best: Option<u32> = None;
        let mut packed = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let key: u32 = row.get(0).map_err(failed)?;
            if let Some(done) = best.filter(|best| *best != key) {
                take(done, &packed)?;
                best = None;
            }
            if row.get::<_, i64>(1).map_err(failed)? <= visible {
                let blob = row.get_ref(2).map_err(failed)?;
                packed.clear();
                packed.extend_from_slice(blob.as_blob().map_err(|error| failed(error.into()))?);
                best = Some(key);
            }
        }
        best.map_or(Ok(()), |key| take(key, &packed))
    }

    /// Readings of a period of business days, superseded ones left out, in the order in which they
    /// were taken. One that this build cannot read is left out.
    pub(crate) fn each_reading(
        &self,
        from_day: i32,
        to_day: i32,
        mut take: impl FnMut(u32, Taken),
    ) -> Result<(), StorageError> {
        let mut statement = self.connection().prepare(
            "SELECT member_key, day, taken_at_ms, kind, context, systolic, diastolic, glucose_tenths
             FROM v_reading WHERE day BETWEEN ?1 AND ?2 ORDER BY day, taken_at_ms, reading_id",
        )?;
        let mut rows = statement.query([from_day, to_day])?;
        while let Some(row) = rows.next()? {
            let text = |index| -> rusqlite::Result<&str> { Ok(row.get_ref(index)?.as_str()?) };
            let context = ReadingContext::from_code(text(4)?);
            let measure = match ReadingKind::from_code(text(3)?) {
                Some(ReadingKind::Bp) => match (row.get(5)?, row.get(6)?) {
                    (Some(systolic), Some(diastolic)) => Measure::bp(systolic, diastolic, context),
                    _ => continue,
                },
                Some(ReadingKind::Glucose) => match row.get(7)? {
                    Some(tenths) => Measure::glucose(tenths, context),
                    None => continue,
                },
                None => continue,
            };
            take(
                row.get(0)?,
                Taken {
                    day: row.get(1)?,
                    at_ms: row.get(2)?,
                    measure,
                },
            );
        }
        Ok(())
    }

    /// The catalogue as the figures need it.
    pub(crate) fn drug_facts(&self) -> Result<Vec<DrugFacts>, StorageError> {
        self.all(
            "SELECT drug_key, ingredient, manufacturer, units_per_pack_milli, daily_units_milli, drug_id, category,
                chronic FROM drug",
            [],
            |row| {
                Ok(DrugFacts {
                    key: row.get(0)?,
                    ingredient: row.get(1)?,
                    manufacturer: row.get(2)?,
                    units_per_pack_milli: row.get(3)?,
                    daily_units_milli: row.get(4)?,
                    drug_id: row.get(5)?,
                    category: row.get(6)?,
                    chronic: row.get(7)?,
                })
            },
        )
    }

    /// The regimens of members who have some, as JSON.
    pub(crate) fn each_regimens<E: From<StorageError>>(
        &self,
        mut take: impl FnMut(u32, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: rusqlite::Error| E::from(StorageError::from(error));
        let mut statement = self
            .connection()
            .prepare("SELECT member_key, regimens FROM member WHERE erased = 0 AND regimens <> '[]'")
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let body = row.get_ref(1).map_err(failed)?;
            take(
                row.get(0).map_err(failed)?,
                body.as_str().map_err(|error| failed(error.into()))?,
            )?;
        }
        Ok(())
    }

    /// Id and key of every member, in the order of the ids.
    pub(crate) fn each_member_id(&self, mut take: impl FnMut(u32, &str)) -> Result<(), StorageError> {
        let mut statement = self
            .connection()
            .prepare("SELECT member_key, member_id FROM member ORDER BY member_id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(
                row.get(0)?,
                row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?,
            );
        }
        Ok(())
    }
}
