//! Purchases at rest as the import writes them: generations of packed rows, entries of line ids.
//! What is read of them stands in [`super::lines`] and [`super::sales`].

use std::time::Instant;

use rusqlite::params;

use super::Tx;
use crate::storage::StorageError;

/// The packed rows of one member in a new generation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberFigures<'a> {
    pub member_key: u32,
    pub days: &'a [u8],
    pub lines: &'a [u8],
}

/// One row of `import_run`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImportRun {
    pub generation: i64,
    pub file_name: String,
    pub digest: String,
    pub state: String,
    pub accepted: u64,
    pub unchanged: u64,
    pub skipped: u64,
    pub rejected: u64,
}

/// Rows between two looks at the clock.
const ROWS_PER_LOOK: usize = 256;

impl Tx<'_> {
    /// The generation that readers see.
    pub fn visible_generation(&self) -> Result<i64, StorageError> {
        Ok(self
            .one("SELECT generation FROM visible", [], |row| row.get(0))?
            .unwrap_or(0))
    }

    /// Makes a generation visible: from this commit on every figure is as of it.
    pub(crate) fn show_generation(&self, generation: i64) -> Result<(), StorageError> {
        self.put("UPDATE visible SET generation = ?1", [generation])
    }

    /// The highest generation that was ever begun.
    pub(crate) fn last_generation(&self) -> Result<i64, StorageError> {
        let sql = "SELECT max(coalesce((SELECT max(generation) FROM import_run), 0), (SELECT generation FROM visible))";
        Ok(self.one(sql, [], |row| row.get(0))?.unwrap_or(0))
    }

    /// The run of a generation.
    pub(crate) fn import_run(&self, generation: i64) -> Result<Option<ImportRun>, StorageError> {
        self.one(
            "SELECT generation, file_name, digest, state, accepted, unchanged, skipped, rejected
             FROM import_run WHERE generation = ?1",
            [generation],
            |row| {
                Ok(ImportRun {
                    generation: row.get(0)?,
                    file_name: row.get(1)?,
                    digest: row.get(2)?,
                    state: row.get(3)?,
                    accepted: row.get::<_, i64>(4)? as u64,
                    unchanged: row.get::<_, i64>(5)? as u64,
                    skipped: row.get::<_, i64>(6)? as u64,
                    rejected: row.get::<_, i64>(7)? as u64,
                })
            },
        )
    }

    /// Writes a run.
    pub(crate) fn put_import_run(&self, run: &ImportRun) -> Result<(), StorageError> {
        self.put(
            "INSERT OR REPLACE INTO import_run VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                run.generation,
                run.file_name,
                run.digest,
                run.state,
                run.accepted as i64,
                run.unchanged as i64,
                run.skipped as i64,
                run.rejected as i64,
            ],
        )
    }

    /// The packed days and lines of a member that are visible, if it has any.
    pub(crate) fn figures_of(
        &self,
        member_key: u32,
        days: &mut Vec<u8>,
        lines: &mut Vec<u8>,
    ) -> Result<(), StorageError> {
        for (sql, out) in [
            (
                "SELECT days FROM member_days WHERE member_key = ?1
                    AND generation <= (SELECT generation FROM visible) ORDER BY generation DESC LIMIT 1",
                days,
            ),
            (
                "SELECT lines FROM member_lines WHERE member_key = ?1
                    AND generation <= (SELECT generation FROM visible) ORDER BY generation DESC LIMIT 1",
                lines,
            ),
        ] {
            out.clear();
            let mut statement = self.connection().prepare_cached(sql)?;
            let mut rows = statement.query([member_key])?;
            if let Some(row) = rows.next()? {
                out.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
            }
        }
        Ok(())
    }

    /// Writes packed rows until the iterator ends or the time is up; gives how many.
    pub(crate) fn put_figures<'f>(
        &self,
        rows: impl Iterator<Item = MemberFigures<'f>>,
        generation: i64,
        until: Instant,
    ) -> Result<usize, StorageError> {
        let mut days = self
            .connection()
            .prepare_cached("INSERT OR REPLACE INTO member_days VALUES (?1, ?2, ?3)")?;
        let mut lines = self
            .connection()
            .prepare_cached("INSERT OR REPLACE INTO member_lines VALUES (?1, ?2, ?3)")?;
        let mut count = 0;
        for row in rows {
            days.execute(params![row.member_key, generation, row.days])?;
            lines.execute(params![row.member_key, generation, row.lines])?;
            count += 1;
            if count % ROWS_PER_LOOK == 0 && Instant::now() >= until {
                break;
            }
        }
        Ok(count)
    }

    /// The rows of entries of one bucket, of any generation.
    pub(crate) fn line_entries(&self, bucket: u32, into: &mut Vec<Vec<u8>>) -> Result<(), StorageError> {
        let sql = "SELECT entries FROM line_entry WHERE bucket = ?1";
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut rows = statement.query([bucket])?;
        while let Some(row) = rows.next()? {
            into.push(row.get(0)?);
        }
        Ok(())
    }

    /// Every row of entries, of any bucket and generation.
    pub(crate) fn each_line_entries(&self, mut take: impl FnMut(&[u8])) -> Result<(), StorageError> {
        let mut statement = self.connection().prepare("SELECT entries FROM line_entry")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
        }
        Ok(())
    }

    /// Writes the entries that a generation adds to a bucket.
    pub(crate) fn put_line_entries(
        &self,
        bucket: u32,
        generation: i64,
        entries: &[u8],
    ) -> Result<(), StorageError> {
        self.put(
            "INSERT OR REPLACE INTO line_entry VALUES (?1, ?2, ?3)",
            params![bucket, generation, entries],
        )
    }

    /// Buckets with more rows than this.
    pub(crate) fn crowded_buckets(&self, rows_max: u32) -> Result<Vec<u32>, StorageError> {
        let sql = "SELECT bucket FROM line_entry GROUP BY bucket HAVING count(*) > ?1";
        self.all(sql, [rows_max], |row| row.get(0))
    }

    /// Puts one row of entries in the place of all rows of a bucket.
    pub(crate) fn replace_line_entries(
        &self,
        bucket: u32,
        generation: i64,
        entries: &[u8],
    ) -> Result<(), StorageError> {
        self.put("DELETE FROM line_entry WHERE bucket = ?1", [bucket])?;
        self.put_line_entries(bucket, generation, entries)
    }

    /// Removes packed rows of a member that a newer visible one has replaced.
    pub(crate) fn remove_old_figures(&self, member_key: u32, generation: i64) -> Result<(), StorageError> {
        let key = params![member_key, generation];
        self.put(
            "DELETE FROM member_days WHERE member_key = ?1 AND generation < ?2",
            key,
        )?;
        self.put(
            "DELETE FROM member_lines WHERE member_key = ?1 AND generation < ?2",
            key,
        )
    }

    /// Removes what a generation that never became visible has left, for keys from `from` on, a step
    /// at a time; gives where the next step begins, none at the end.
    pub(crate) fn purge_step(&self, table: UnseenTable, from: i64) -> Result<Option<i64>, StorageError> {
        let (table, key, step) = match table {
            UnseenTable::MemberDays => ("member_days", "member_key", 20_000),
            UnseenTable::MemberLines => ("member_lines", "member_key", 20_000),
            UnseenTable::DrugSales => ("drug_sales", "drug_key", 1),
            UnseenTable::LineEntry => ("line_entry", "bucket", 256),
        };
        let next: Option<i64> = self
            .one(
                &format!("SELECT min({key}) FROM {table} WHERE {key} >= ?1"),
                [from],
                |row| row.get(0),
            )?
            .flatten();
        let Some(first) = next else { return Ok(None) };
        self.put(
            &format!(
                "DELETE FROM {table} WHERE {key} >= ?1 AND {key} < ?2
                    AND generation > (SELECT generation FROM visible)"
            ),
            [first, first + step],
        )?;
        Ok(Some(first + step))
    }

    /// Forgets runs that never became visible.
    pub(crate) fn forget_unseen_runs(&self) -> Result<(), StorageError> {
        self.put(
            "DELETE FROM import_run WHERE generation > (SELECT generation FROM visible)",
            [],
        )
    }

    /// Whether a run was begun that never became visible.
    pub(crate) fn has_unseen_run(&self) -> Result<bool, StorageError> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM import_run WHERE generation > (SELECT generation FROM visible))";
        Ok(self.one(sql, [], |row| row.get(0))?.unwrap_or(false))
    }

    /// Whose rows these are and in which store, for members with these keys.
    pub(crate) fn homes(&self, keys: &[u32]) -> Result<Vec<(Option<String>, String)>, StorageError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT store_id, member_id FROM member WHERE member_key = ?1")?;
        let mut homes = Vec::with_capacity(keys.len());
        for key in keys {
            let mut rows = statement.query([key])?;
            if let Some(row) = rows.next()? {
                homes.push((row.get(0)?, row.get(1)?));
            }
        }
        Ok(homes)
    }
}

/// Tables whose rows may belong to a generation that never became visible.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UnseenTable {
    MemberDays,
    MemberLines,
    DrugSales,
    LineEntry,
}
