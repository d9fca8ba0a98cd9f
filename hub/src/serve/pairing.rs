//! Making one-time pairing codes.

use super::secrets::{self, PAIR_CODE_LIFE_MS, SecretError};
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::PairCodeRow;
use crate::storage::{Records as _, StorageError};

/// Whom a phone is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Everybody in a store.
    Store(String),
    /// One member of staff, in its store.
    Staff(String),
}

/// Why no code was made.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No randomness.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No such store.
    #[error("no store `{0}`; import the stores, or check the id")]
    StoreUnknown(String),
    /// No such member of staff.
    #[error("no member of staff `{0}`; import the staff, or check the id")]
    StaffUnknown(String),
    /// Headquarters and regions have no store.
    #[error("`{0}` belongs to no store; pair with --store ID")]
    StaffWithoutStore(String),
    /// Left the chain.
    #[error("`{0}` no longer works here")]
    StaffInactive(String),
}

/// Makes a code and gives its secret; only its hash is kept.
pub fn make_code(tx: &Tx<'_>, whom: &Whom, now_ms: i64) -> Result<String, PairingError> {
    let (store_id, staff_id) = match whom {
        Whom::Store(store_id) => (store_id.clone(), None),
        Whom::Staff(staff_id) => (store_of(tx, staff_id)?, Some(staff_id.clone())),
    };
    if tx.store(&store_id)?.is_none() {
        return Err(PairingError::StoreUnknown(store_id));
    }
    let (code_id, secret) = (
        secrets::random_text(tx.chance(), 9)?,
        secrets::random_text(tx.chance(), 18)?,
    );
    let code = PairCodeRow {
        code_id: code_id.clone(),
        secret_hash: secrets::secret_hash(&secret),
        store_id,
        staff_id,
        created_ms: now_ms,
        expires_ms: now_ms + PAIR_CODE_LIFE_MS,
        used_ms: None,
    };
    tx.insert_pair_code(&code, now_ms - PAIR_CODE_LIFE_MS)?;
    tx.audit(&AuditEntry {
        at_ms: now_ms,
        actor: "cli".to_owned(),
        staff_id: code.staff_id,
        action: "pair_code",
        subject: Some(code.code_id),
        detail: serde_json::json!({ "store": code.store_id }),
    })?;
    Ok(format!("{code_id}.{secret}"))
}

fn store_of(tx: &Tx<'_>, staff_id: &str) -> Result<String, PairingError> {
    let id = || staff_id.to_owned();
    let staff = tx
        .staff(staff_id)?
        .ok_or_else(|| PairingError::StaffUnknown(id()))?;
    if !staff.active {
        return Err(PairingError::StaffInactive(id()));
    }
    staff
        .store_id
        .ok_or_else(|| PairingError::StaffWithoutStore(id()))
}
