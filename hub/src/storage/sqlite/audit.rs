//! The audit trail: append only (the schema's triggers see to that), each row carries the hash of
//! the one before, so that a change or a gap shows.

use rusqlite::params;
use sha2::{Digest as _, Sha256};

use super::Tx;
use crate::storage::StorageError;

/// Something to be audited. No names and no numbers in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, UTC.
    pub at_ms: i64,
    /// `device:<id>`, `cli` or `hub`.
    pub actor: String,
    /// The member of staff behind it, if known.
    pub staff_id: Option<String>,
    /// What was done, for example `lookup`.
    pub action: &'static str,
    /// To what: a member, device or campaign by its id.
    pub subject: Option<String>,
    /// Further values.
    pub detail: serde_json::Value,
}

/// What a check of the trail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditCheck {
    /// All rows are as they were written.
    Whole {
        /// How many.
        rows: u64,
        /// Hash of the last one, in hex: written down elsewhere it also shows a cut at the end.
        head: String,
    },
    /// The trail was changed.
    Broken {
        /// The first row that does not fit.
        audit_key: i64,
    },
}

type StoredEntry = (
    i64,
    i64,
    String,
    Option<String>,
    String,
    Option<String>,
    String,
    Vec<u8>,
    Vec<u8>,
);

/// Each field with its length before it, so that no two rows give the same bytes.
fn row_hash(prev: &[u8], key: i64, at_ms: i64, texts: [Option<&str>; 5]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(prev);
    hash.update(key.to_be_bytes());
    hash.update(at_ms.to_be_bytes());
    for text in texts {
        match text {
            Some(text) => {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update(u64::MAX.to_be_bytes()),
        }
    }
    hash.finalize().to_vec()
}

impl Tx<'_> {
    /// Appends to the trail.
    pub fn audit(&self, entry: &AuditEntry) -> Result<(), StorageError> {
        let last: Option<(i64, Vec<u8>)> = self.one(
            "SELECT audit_key, hash FROM audit ORDER BY audit_key DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let (last_key, prev) = last.unwrap_or_default();
        let key = last_key + 1;
        let detail = entry.detail.to_string();
        let texts = [
            Some(entry.actor.as_str()),
            entry.staff_id.as_deref(),
            Some(entry.action),
            entry.subject.as_deref(),
            Some(&detail),
        ];
        let hash = row_hash(&prev, key, entry.at_ms, texts);
        self.put(
            "INSERT INTO audit (audit_key, at_ms, actor, staff_id, action, subject, detail, prev_hash, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                key,
                entry.at_ms,
                entry.actor,
                entry.staff_id,
                entry.action,
                entry.subject,
                detail,
                prev,
                hash
            ],
        )
    }

    /// Checks the whole trail.
    pub fn audit_check(&self) -> Result<AuditCheck, StorageError> {
        let mut statement = self.connection().prepare(
            "SELECT audit_key, at_ms, actor, staff_id, action, subject, detail, prev_hash, hash FROM audit \
             ORDER BY audit_key",
        )?;
        let mut rows = statement.query([])?;
        let (mut count, mut prev) = (0, Vec::new());
        while let Some(row) = rows.next()? {
            let (key, at_ms, actor, staff, action, subject, detail, prev_hash, hash): StoredEntry =
                row.try_into()?;
            let texts = [
                Some(actor.as_str()),
                staff.as_deref(),
                Some(action.as_str()),
                subject.as_deref(),
                Some(detail.as_str()),
            ];
            count += 1;
            let expected = row_hash(&prev, key, at_ms, texts);
            if key != i64::try_from(count).unwrap_or(i64::MAX) || prev_hash != prev || hash != expected {
                return Ok(AuditCheck::Broken { audit_key: key });
            }
            prev = hash;
        }
        Ok(AuditCheck::Whole {
            rows: count,
            head: hex::encode(prev),
        })
    }

    /// Whether a device looked a member up since an instant.
    pub fn looked_up_since(&self, actor: &str, member_id: &str, since_ms: i64) -> Result<bool, StorageError> {
        let found = self.one(
            "SELECT 1 FROM audit WHERE subject = ?1 AND at_ms >= ?2 AND actor = ?3 AND action = 'lookup' LIMIT 1",
            params![member_id, since_ms, actor],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
}
