//! Results of operations, and operations that were parked.

use rusqlite::{OptionalExtension as _, Row, params};
use yaoban_protocol::op::{OpEnvelope, OpResult};

use super::Tx;
use super::work::{body, read_body};
use crate::storage::StorageError;

/// An operation that could not be read or done, kept as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedOp {
    /// Rises with each.
    pub key: i64,
    /// The device that sent it.
    pub device_id: String,
    /// The operation.
    pub envelope: OpEnvelope,
    /// When it came, UTC.
    pub received_ms: i64,
    /// Why it is here, as a code.
    pub reason: String,
    /// When it was replayed, UTC.
    pub replayed_ms: Option<i64>,
    /// What the replay gave.
    pub result: Option<OpResult>,
}

const PARKED: &str = "SELECT parked_key, device_id, n, op_id, staff_id, at_ms, base_version, body, received_ms, reason, \
                      replayed_ms, result FROM parked_op";

fn read_parked(row: &Row<'_>) -> rusqlite::Result<ParkedOp> {
    let result: Option<String> = row.get(11)?;
    Ok(ParkedOp {
        key: row.get(0)?,
        device_id: row.get(1)?,
        envelope: OpEnvelope {
            n: row.get(2)?,
            op_id: row.get(3)?,
            staff_id: row.get(4)?,
            at_ms: row.get(5)?,
            base_version: row.get(6)?,
            body: serde_bytes::ByteBuf::from(row.get::<_, Vec<u8>>(7)?),
            parked: true,
        },
        received_ms: row.get(8)?,
        reason: row.get(9)?,
        replayed_ms: row.get(10)?,
        result: result.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

impl Tx<'_> {
    /// The stored result of an operation.
    pub fn op_result(&self, op_id: &str) -> Result<Option<OpResult>, StorageError> {
        self.one("SELECT body FROM op_result WHERE op_id = ?1", [op_id], read_body)
    }

    /// Stores the result of an operation.
    pub fn put_op_result(&self, device_id: &str, result: &OpResult, now_ms: i64) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO op_result (op_id, device_id, n, at_ms, body) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (op_id) DO UPDATE SET body = excluded.body",
            params![
                result.op_id,
                device_id,
                result.n,
                now_ms,
                body("result", &result.op_id, result)?
            ],
        )
    }

    /// Forgets results older than an instant, at most `limit` of them; those of parked operations are
    /// rows of phones and stay.
    pub fn prune_op_results(&self, before_ms: i64, limit: u32) -> Result<usize, StorageError> {
        Ok(self.connection().execute(
            "DELETE FROM op_result WHERE op_id IN (SELECT op_id FROM op_result WHERE at_ms < ?1 \
                AND op_id NOT IN (SELECT op_id FROM parked_op) LIMIT ?2)",
            params![before_ms, limit],
        )?)
    }

    /// Keeps an operation as it came.
    pub fn park_op(
        &self,
        device_id: &str,
        op: &OpEnvelope,
        reason: &str,
        now_ms: i64,
    ) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO parked_op (op_id, device_id, n, staff_id, at_ms, base_version, received_ms, reason, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (op_id) DO NOTHING",
            params![
                op.op_id,
                device_id,
                op.n,
                op.staff_id,
                op.at_ms,
                op.base_version,
                now_ms,
                reason,
                op.body.as_slice()
            ],
        )
    }

    /// Parked operations, oldest first; without `all` only those that wait.
    pub fn parked_ops(&self, all: bool) -> Result<Vec<ParkedOp>, StorageError> {
        let filter = if all { "" } else { "WHERE replayed_ms IS NULL" };
        self.all(
            &format!("{PARKED} {filter} ORDER BY parked_key LIMIT 10000"),
            [],
            read_parked,
        )
    }

    /// One parked operation.
    pub fn parked_op(&self, op_id: &str) -> Result<Option<ParkedOp>, StorageError> {
        self.one(&format!("{PARKED} WHERE op_id = ?1"), [op_id], read_parked)
    }

    /// Notes what a replay gave.
    pub fn parked_replayed(&self, op_id: &str, result: &OpResult, now_ms: i64) -> Result<(), StorageError> {
        self.put(
            "UPDATE parked_op SET replayed_ms = ?2, result = ?3 WHERE op_id = ?1",
            params![op_id, now_ms, body("result", op_id, result)?],
        )
    }

    /// Deletes the content of a parked operation.
    pub fn forget_parked_body(&self, op_id: &str) -> Result<(), StorageError> {
        self.put("UPDATE parked_op SET body = x'' WHERE op_id = ?1", [op_id])
    }

    /// Runs `f` so that it leaves nothing behind unless it gives `Ok`.
    pub fn savepoint<T, E: From<StorageError>>(&self, f: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let step = |sql: &str| {
            self.connection()
                .execute_batch(sql)
                .map_err(|error| E::from(error.into()))
        };
        step("SAVEPOINT step")?;
        match f(self) {
            Ok(value) => {
                step("RELEASE step")?;
                Ok(value)
            }
            Err(error) => {
                // A full or failing disk ends the whole transaction, and the savepoint with it.
                if !self.is_over() {
                    step("ROLLBACK TO step; RELEASE step")?;
                }
                Err(error)
            }
        }
    }

    /// Whether the transaction was rolled back by the database itself: nothing may be written any more.
    pub fn is_over(&self) -> bool {
        self.connection().is_autocommit()
    }

    /// How a row stands in a scope: `put`, `evict`, `erase`, or none if it never did (or its tombstone
    /// is pruned).
    pub fn row_kind(&self, scope: &str, entity: &str, id: &str) -> Result<Option<String>, StorageError> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT kind FROM scope_row r JOIN scope s USING (scope_key) \
                 WHERE s.scope = ?1 AND r.entity = ?2 AND r.id = ?3",
            )?
            .query_row(params![scope, entity, id], |row| row.get(0))
            .optional()?)
    }
}
