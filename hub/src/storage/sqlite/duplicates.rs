//! Members who may be one person, other ids of a member, merges, and values that lost one.

use rusqlite::{Row, params};
use yaoban_protocol::apply::{MergedMember, pair_id};
use yaoban_protocol::row::DuplicatePair;

use super::Tx;
use super::work::{body, read_body};
use crate::storage::StorageError;

/// A value of a member that lost a merge or was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostValue {
    /// Whose.
    pub member_id: String,
    /// The field.
    pub field: String,
    /// The value in JSON.
    pub value: String,
    /// The operation that carried it or replaced it.
    pub op_id: Option<String>,
    /// Who wrote it.
    pub staff_id: Option<String>,
    /// When it lost, UTC.
    pub at_ms: i64,
}

const PAIR: &str = "SELECT first_id, second_id, state FROM duplicate";

fn read_pair(row: &Row<'_>) -> rusqlite::Result<DuplicatePair> {
    Ok(DuplicatePair {
        first: row.get(0)?,
        second: row.get(1)?,
        state: row.get(2)?,
    })
}

impl Tx<'_> {
    /// A pair by the id of its row.
    pub fn duplicate(&self, pair_id: &str) -> Result<Option<DuplicatePair>, StorageError> {
        self.one(&format!("{PAIR} WHERE pair_id = ?1"), [pair_id], read_pair)
    }

    /// All pairs that a member is in.
    pub fn duplicates_of(&self, member_id: &str) -> Result<Vec<DuplicatePair>, StorageError> {
        self.all(
            &format!("{PAIR} WHERE first_id = ?1 OR second_id = ?1 ORDER BY pair_id"),
            [member_id],
            read_pair,
        )
    }

    /// Writes a pair.
    pub fn put_duplicate(&self, pair: &DuplicatePair) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO duplicate (pair_id, first_id, second_id, state) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (pair_id) DO UPDATE SET state = excluded.state",
            params![pair_id(pair), pair.first, pair.second, pair.state],
        )
    }

    /// The id of the member that an id stands for: its own, or that of the member whose alias it is.
    pub fn resolve_member(&self, id: &str) -> Result<Option<String>, StorageError> {
        self.one(
            "SELECT member_id FROM member WHERE member_id = ?1 \
             UNION ALL SELECT member_id FROM member_alias WHERE alias = ?1 LIMIT 1",
            [id],
            |row| row.get(0),
        )
    }

    /// Writes the other ids of a member, as its record has them.
    pub fn put_aliases(&self, member_id: &str, aliases: &[String]) -> Result<(), StorageError> {
        self.put("DELETE FROM member_alias WHERE member_id = ?1", [member_id])?;
        for alias in aliases {
            self.put(
                "INSERT INTO member_alias (alias, member_id) VALUES (?1, ?2) \
                 ON CONFLICT (alias) DO UPDATE SET member_id = excluded.member_id",
                [alias.as_str(), member_id],
            )?;
        }
        Ok(())
    }

    /// What is needed to undo a merge.
    pub fn merged(&self, other_id: &str) -> Result<Option<MergedMember>, StorageError> {
        self.one(
            "SELECT body FROM merged_member WHERE other_id = ?1",
            [other_id],
            read_body,
        )
    }

    /// The member into which another one was merged, by the id that it had.
    pub fn kept_by(&self, other_id: &str) -> Result<Option<String>, StorageError> {
        self.one(
            "SELECT keep_id FROM merged_member WHERE other_id = ?1",
            [other_id],
            |row| row.get(0),
        )
    }

    /// Keeps what is needed to undo a merge.
    pub fn put_merged(&self, merged: &MergedMember) -> Result<(), StorageError> {
        let id = &merged.other.id;
        self.put(
            "INSERT INTO merged_member (other_id, keep_id, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (other_id) DO UPDATE SET keep_id = excluded.keep_id, body = excluded.body",
            params![id, merged.keep_id, body("merge", id, merged)?],
        )
    }

    /// Forgets a merge that was undone.
    pub fn remove_merged(&self, other_id: &str) -> Result<(), StorageError> {
        self.put("DELETE FROM merged_member WHERE other_id = ?1", [other_id])
    }

    /// Keeps a value that lost.
    pub fn keep_lost(&self, lost: &LostValue) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO member_history (member_id, field, value, op_id, staff_id, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![lost.member_id, lost.field, lost.value, lost.op_id, lost.staff_id, lost.at_ms],
        )
    }

    /// All values of a member that lost, oldest first.
    pub fn lost_values(&self, member_id: &str) -> Result<Vec<LostValue>, StorageError> {
        self.all(
            "SELECT member_id, field, value, op_id, staff_id, at_ms FROM member_history \
             WHERE member_id = ?1 ORDER BY at_ms, history_key",
            [member_id],
            |row| {
                Ok(LostValue {
                    member_id: row.get(0)?,
                    field: row.get(1)?,
                    value: row.get(2)?,
                    op_id: row.get(3)?,
                    staff_id: row.get(4)?,
                    at_ms: row.get(5)?,
                })
            },
        )
    }
}
