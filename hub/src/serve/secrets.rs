//! Random secrets, their hashes, and the hub's signed tokens.
//!
//! A token is `device.expires_ms.signature` (HMAC-SHA256 with a key kept in the database, so that
//! several hubs over one database take each other's tokens). It proves who asks and until when;
//! whether the device is still welcome is looked up at each request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::chance::{Chance, NoChance};
use crate::storage::sqlite::Database;
use crate::storage::{Records as _, StorageError};

/// How long a token holds.
pub const TOKEN_LIFE_MS: i64 = 60 * 60 * 1_000;
/// How long a pairing code holds.
pub const PAIR_CODE_LIFE_MS: i64 = 24 * 60 * 60 * 1_000;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system gave no randomness.
    #[error(transparent)]
    Random(#[from] NoChance),
    /// The stored key cannot be read.
    #[error("the hub's token key in its database is damaged; restore a backup")]
    Key,
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Random text of `bytes` bytes, in base64 for URLs.
pub fn random_text(chance: &dyn Chance, bytes: usize) -> Result<String, SecretError> {
    let mut buffer = vec![0_u8; bytes];
    chance.fill(&mut buffer)?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

/// The form in which a secret rests.
pub fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Whether a secret has this hash, in a time that does not depend on where they differ.
pub fn secret_fits(secret: &str, hash: &[u8]) -> bool {
    secret_hash(secret).ct_eq(hash).into()
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The device.
    pub device_id: String,
    /// Until when it holds, UTC.
    pub expires_ms: i64,
}

/// The hub's key for tokens.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// The key of a database, made at first use.
    pub fn of(database: &Database) -> Result<Self, SecretError> {
        let stored = database.read::<_, StorageError>(|tx| tx.meta("token_key"))?;
        let text = match stored {
            Some(text) => text,
            None => database.write::<_, SecretError>(|tx| {
                if let Some(text) = tx.meta("token_key")? {
                    return Ok(text);
                }
                let mut key = [0_u8; 32];
                tx.chance().fill(&mut key)?;
                let text = hex::encode(key);
                tx.set_meta("token_key", &text)?;
                Ok(text)
            })?,
        };
        let bytes = hex::decode(text).map_err(|_| SecretError::Key)?;
        Ok(Self(bytes.try_into().map_err(|_| SecretError::Key)?))
    }

    fn signature(&self, signed: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(signed.as_bytes());
        Some(mac)
    }

    /// A token for a device.
    pub fn issue(&self, device_id: &str, expires_ms: i64) -> String {
        let signed = format!("{device_id}.{expires_ms}");
        let signature = self
            .signature(&signed)
            .map(|mac| mac.finalize().into_bytes().to_vec())
            .unwrap_or_default();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a token says, if this hub signed it. Its expiry is for the caller to look at.
    pub fn read(&self, token: &str) -> Option<Claim> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.signature(signed)?.verify_slice(&signature).ok()?;
        let (device_id, expires_ms) = signed.rsplit_once('.')?;
        Some(Claim {
            device_id: device_id.to_owned(),
            expires_ms: expires_ms.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SystemChance;

    #[test]
    fn a_token_reads_back_and_no_other() {
        let key = TokenKey([7; 32]);
        let token = key.issue("d-1", 99);
        assert_eq!(
            key.read(&token),
            Some(Claim {
                device_id: "d-1".into(),
                expires_ms: 99
            })
        );
        assert_eq!(TokenKey([8; 32]).read(&token), None);
        assert_eq!(key.read(&token.replace("99", "98")), None);
        assert_eq!(key.read(&token.replace("d-1", "d-2")), None);
        for nonsense in ["", ".", "..", "a.b", "a.b.c", "d-1.99."] {
            assert_eq!(key.read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn secrets_are_compared_by_hash() {
        let secret = random_text(&SystemChance, 16).unwrap();
        assert!(secret_fits(&secret, &secret_hash(&secret)));
        assert!(!secret_fits("other", &secret_hash(&secret)));
        assert!(!secret_fits(&secret, b""));
        assert_ne!(secret, random_text(&SystemChance, 16).unwrap());
    }
}
