//! What members signed their consents with.

use rusqlite::params;
use yaoban_protocol::apply::SignedConsents;

use super::Tx;
use super::work::{body, read_body};
use crate::storage::StorageError;

impl Tx<'_> {
    /// Keeps a signature; one operation brings one at most.
    pub fn put_signed(&self, signed: &SignedConsents) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO signed_consents (op_id, member_id, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (op_id) DO NOTHING",
            params![
                signed.op_id,
                signed.member_id,
                body("signature", &signed.op_id, signed)?
            ],
        )
    }

    /// The signatures that were given under one id, by operation, so in the order of time.
    pub fn signed_under(&self, member_id: &str) -> Result<Vec<SignedConsents>, StorageError> {
        self.all(
            "SELECT body FROM signed_consents WHERE member_id = ?1 ORDER BY op_id",
            [member_id],
            read_body,
        )
    }
}
