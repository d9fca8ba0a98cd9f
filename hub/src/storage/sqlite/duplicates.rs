//! Members who may be one person, and values that lost a merge.

use rusqlite::params;
use yaoban_protocol::row::DuplicatePair;

use super::Tx;
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

impl Tx<'_> {
    /// The pair of two members, whichever comes first.
    pub fn duplicate(&self, one: &str, other: &str) -> Result<Option<DuplicatePair>, StorageError> {
        self.one(
            "SELECT first_id, second_id, state FROM duplicate \
             WHERE (first_id = ?1 AND second_id = ?2) OR (first_id = ?2 AND second_id = ?1)",
            [one, other],
            |row| {
                Ok(DuplicatePair {
                    first: row.get(0)?,
                    second: row.get(1)?,
                    state: row.get(2)?,
                })
            },
        )
    }

    /// All pairs that a member is in.
    pub fn duplicates_of(&self, member_id: &str) -> Result<Vec<DuplicatePair>, StorageError> {
        self.all(
            "SELECT first_id, second_id, state FROM duplicate WHERE first_id = ?1 OR second_id = ?1 \
             ORDER BY first_id, second_id",
            [member_id],
            |row| {
                Ok(DuplicatePair {
                    first: row.get(0)?,
                    second: row.get(1)?,
                    state: row.get(2)?,
                })
            },
        )
    }

    /// Writes a pair.
    pub fn put_duplicate(&self, pair: &DuplicatePair) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO duplicate (first_id, second_id, state) VALUES (?1, ?2, ?3) \
             ON CONFLICT (first_id, second_id) DO UPDATE SET state = excluded.state",
            params![pair.first, pair.second, pair.state],
        )
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
