//! What the import asks of the tables beyond single records: keys, and what the chain's file said last.

use std::collections::HashSet;

use yaoban_domain::model::Member;

use super::Tx;
use crate::storage::{Records as _, StorageError};

impl Tx<'_> {
    /// Gives id and key of each row of a statement that selects them.
    pub(crate) fn each_key(&self, sql: &str, mut take: impl FnMut(&[u8], u32)) -> Result<(), StorageError> {
        let mut statement = self.connection().prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(
                row.get_ref(0)?
                    .as_str()
                    .map_err(rusqlite::Error::from)?
                    .as_bytes(),
                row.get(1)?,
            );
        }
        Ok(())
    }

    /// The ingredients of the catalogue.
    pub(crate) fn ingredients(&self) -> Result<HashSet<String>, StorageError> {
        let sql = "SELECT DISTINCT ingredient FROM drug WHERE ingredient IS NOT NULL";
        Ok(self.all(sql, [], |row| row.get(0))?.into_iter().collect())
    }

    /// The key of a store.
    pub fn store_key(&self, id: &str) -> Result<Option<u32>, StorageError> {
        self.one("SELECT store_key FROM store WHERE store_id = ?1", [id], |row| {
            row.get(0)
        })
    }

    /// The key of a drug.
    pub fn drug_key(&self, id: &str) -> Result<Option<u32>, StorageError> {
        self.one("SELECT drug_key FROM drug WHERE drug_id = ?1", [id], |row| {
            row.get(0)
        })
    }

    /// The key of a member.
    pub fn member_key(&self, id: &str) -> Result<Option<i64>, StorageError> {
        self.one(
            "SELECT member_key FROM member WHERE member_id = ?1",
            [id],
            |row| row.get(0),
        )
    }

    /// Whether a member was erased, by its id or another id of the same person.
    pub fn is_erased(&self, id: &str) -> Result<bool, StorageError> {
        let erased = self.one(
            "SELECT erased FROM member WHERE member_id = ?1 UNION ALL \
             SELECT m.erased FROM member_alias a JOIN member m USING (member_id) WHERE a.alias = ?1 LIMIT 1",
            [id],
            |row| row.get(0),
        )?;
        Ok(erased.unwrap_or(false))
    }

    /// A member by its id, or by another id of the same person.
    pub(crate) fn member_or_alias(&self, id: &str) -> Result<Option<Member>, StorageError> {
        self.resolve_member(id)?.map_or(Ok(None), |id| self.member(&id))
    }

    /// What the chain's file said last about a member.
    pub(crate) fn member_source(&self, key: u32) -> Result<Option<String>, StorageError> {
        self.one(
            "SELECT body FROM member_source WHERE member_key = ?1",
            [key],
            |row| row.get(0),
        )
    }

    /// Keeps what the chain's file said about a member.
    pub(crate) fn put_member_source(&self, key: u32, body: &str) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO member_source VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body",
            rusqlite::params![key, body],
        )
    }
}
