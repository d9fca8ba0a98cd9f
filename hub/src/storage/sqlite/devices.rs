//! Phones and the one-time codes that pair them. Secrets are held as SHA-256 only.

use std::collections::BTreeMap;

use rusqlite::{Row, params};

use super::Tx;
use crate::storage::StorageError;

/// A phone of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// Its store.
    pub store_id: String,
    /// The member of staff that its code was made for.
    pub staff_id: Option<String>,
    /// SHA-256 of its refresh secret.
    pub refresh_hash: Vec<u8>,
    /// When it was paired, UTC.
    pub created_ms: i64,
    /// When it was last heard of, UTC.
    pub seen_ms: Option<i64>,
    /// When it was shut out, UTC.
    pub revoked_ms: Option<i64>,
    /// Highest accepted number.
    pub last_n: u64,
    /// Version of its app.
    pub app_version: Option<String>,
    /// How far its clock was ahead of the hub's when it was last seen.
    pub ahead_ms: i64,
}

/// A one-time pairing code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairCodeRow {
    /// Public part of the secret, by which it is found.
    pub code_id: String,
    /// SHA-256 of the secret part.
    pub secret_hash: Vec<u8>,
    /// Store of the device to be.
    pub store_id: String,
    /// Staff that the code is made for.
    pub staff_id: Option<String>,
    /// When it was made, UTC.
    pub created_ms: i64,
    /// From when it is too old, UTC.
    pub expires_ms: i64,
    /// When it was used, UTC.
    pub used_ms: Option<i64>,
}

/// Numbers of the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Devices that are not revoked.
    pub devices: u64,
    /// Operations that wait for inspection.
    pub parked_ops: u64,
    /// Size of the database.
    pub database_bytes: u64,
}

const DEVICE: &str = "SELECT device_id, name, store_id, staff_id, refresh_hash, created_ms, seen_ms, revoked_ms, \
                      last_n, app_version, ahead_ms FROM device";

fn read_device(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        id: row.get(0)?,
        name: row.get(1)?,
        store_id: row.get(2)?,
        staff_id: row.get(3)?,
        refresh_hash: row.get(4)?,
        created_ms: row.get(5)?,
        seen_ms: row.get(6)?,
        revoked_ms: row.get(7)?,
        last_n: row.get(8)?,
        app_version: row.get(9)?,
        ahead_ms: row.get(10)?,
    })
}

impl Tx<'_> {
    /// A device.
    pub fn device(&self, id: &str) -> Result<Option<Device>, StorageError> {
        self.one(&format!("{DEVICE} WHERE device_id = ?1"), [id], read_device)
    }

    /// All devices, oldest first.
    pub fn devices(&self) -> Result<Vec<Device>, StorageError> {
        self.all(
            &format!("{DEVICE} ORDER BY created_ms, device_id"),
            [],
            read_device,
        )
    }

    /// Writes a new device.
    pub fn insert_device(&self, device: &Device) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO device (device_id, name, store_id, staff_id, refresh_hash, created_ms, last_n) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                device.id,
                device.name,
                device.store_id,
                device.staff_id,
                device.refresh_hash,
                device.created_ms,
                device.last_n
            ],
        )
    }

    /// Notes what a device told at the beginning of a round.
    pub fn device_seen(
        &self,
        id: &str,
        seen_ms: i64,
        schema: u16,
        app_version: &str,
        ahead_ms: i64,
    ) -> Result<(), StorageError> {
        self.put(
            "UPDATE device SET seen_ms = ?2, schema_no = ?3, app_version = ?4, ahead_ms = ?5 WHERE device_id = ?1",
            params![id, seen_ms, schema, app_version, ahead_ms],
        )
    }

    /// Raises the highest accepted number of a device; never lowers it.
    pub fn device_accepted(&self, id: &str, n: u64) -> Result<(), StorageError> {
        self.put(
            "UPDATE device SET last_n = max(last_n, ?2) WHERE device_id = ?1",
            params![id, n],
        )
    }

    /// Shuts a device out; tells whether it was in.
    pub fn revoke_device(&self, id: &str, now_ms: i64) -> Result<bool, StorageError> {
        let rows = self.connection().execute(
            "UPDATE device SET revoked_ms = ?2 WHERE device_id = ?1 AND revoked_ms IS NULL",
            params![id, now_ms],
        )?;
        Ok(rows > 0)
    }

    /// Writes a new code and forgets those that expired before `forget_before_ms`.
    pub fn insert_pair_code(&self, code: &PairCodeRow, forget_before_ms: i64) -> Result<(), StorageError> {
        self.put("DELETE FROM pair_code WHERE expires_ms < ?1", [forget_before_ms])?;
        self.put(
            "INSERT INTO pair_code (code_id, secret_hash, store_id, staff_id, created_ms, expires_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                code.code_id,
                code.secret_hash,
                code.store_id,
                code.staff_id,
                code.created_ms,
                code.expires_ms
            ],
        )
    }

    /// A code by its public part.
    pub fn pair_code(&self, code_id: &str) -> Result<Option<PairCodeRow>, StorageError> {
        self.one(
            "SELECT code_id, secret_hash, store_id, staff_id, created_ms, expires_ms, used_ms FROM pair_code \
             WHERE code_id = ?1",
            [code_id],
            |row| {
                Ok(PairCodeRow {
                    code_id: row.get(0)?,
                    secret_hash: row.get(1)?,
                    store_id: row.get(2)?,
                    staff_id: row.get(3)?,
                    created_ms: row.get(4)?,
                    expires_ms: row.get(5)?,
                    used_ms: row.get(6)?,
                })
            },
        )
    }

    /// Numbers for `/metrics` and `status`.
    pub fn service_counts(&self) -> Result<ServiceCounts, StorageError> {
        let counts = self.one(
            "SELECT (SELECT count(*) FROM device WHERE revoked_ms IS NULL), \
                    (SELECT count(*) FROM parked_op WHERE replayed_ms IS NULL), \
                    (SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())",
            [],
            |row| {
                Ok(ServiceCounts {
                    devices: row.get(0)?,
                    parked_ops: row.get(1)?,
                    database_bytes: row.get(2)?,
                })
            },
        )?;
        Ok(counts.unwrap_or_default())
    }

    /// How many records of each kind there are, for `status`.
    pub fn record_counts(&self) -> Result<BTreeMap<String, u64>, StorageError> {
        let tables = [
            "store", "staff", "drug", "member", "reading", "task", "attempt", "send", "campaign", "template",
        ];
        let counts: Vec<String> = tables
            .iter()
            .map(|table| format!("SELECT '{table}' AS name, count(*) AS rows FROM {table}"))
            .collect();
        let rows = self.all(&counts.join(" UNION ALL "), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Marks a code used by a device; false if somebody was quicker.
    pub fn use_pair_code(&self, code_id: &str, device_id: &str, now_ms: i64) -> Result<bool, StorageError> {
        let rows = self.connection().execute(
            "UPDATE pair_code SET used_ms = ?2, device_id = ?3 WHERE code_id = ?1 AND used_ms IS NULL",
            params![code_id, now_ms, device_id],
        )?;
        Ok(rows > 0)
    }
}
