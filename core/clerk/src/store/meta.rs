//! Single values of this phone by name.

use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, params};

use super::Result;

/// Highest number that was given to an operation.
pub const LAST_N: &str = "last_n";
/// Everything up to this number is contained in the pulled rows.
pub const ACK_N: &str = "ack_n";
/// The store of this device.
pub const STORE_ID: &str = "store_id";
/// Day, rules and model by which the figures of all members were computed.
pub const FIGURES_OF: &str = "figures_of";
/// Why the hub locked this device, if it did.
pub const LOCKED: &str = "locked";
/// When digests were last compared, by the hub's clock.
pub const REPAIRED_AT: &str = "repaired_at_ms";
/// Address of the hub.
pub const HUB_URL: &str = "hub_url";
/// Digest of the hub's certificate.
pub const HUB_FINGERPRINT: &str = "hub_fingerprint";
/// Id of this device.
pub const DEVICE_ID: &str = "device_id";
/// Secret with which tokens are asked for.
pub const REFRESH_SECRET: &str = "refresh_secret";
/// Name of the chain.
pub const CHAIN_NAME: &str = "chain_name";
/// Name of the store.
pub const STORE_NAME: &str = "store_name";
/// Who the pairing code was made for.
pub const PAIRED_STAFF: &str = "paired_staff";
/// Members that came in and all members of a phone's first load, as two numbers in CBOR; none once it is in.
pub const FIRST_LOAD: &str = "first_load";
/// The hub's epoch that the cursors belong to.
pub const EPOCH: &str = "epoch";

/// The value, if there is one.
pub fn get<T: FromSql>(conn: &Connection, key: &str) -> Result<Option<T>> {
    Ok(conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

/// Sets the value.
pub fn set(conn: &Connection, key: &str, value: impl ToSql) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    )?
    .execute(params![key, value])?;
    Ok(())
}

/// Takes the value away.
pub fn remove(conn: &Connection, key: &str) -> Result<()> {
    conn.prepare_cached("DELETE FROM meta WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}
