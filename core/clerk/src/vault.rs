//! Where the key of the file comes from: Android Keystore, iOS Keychain, or a test.

use secrecy::SecretBox;

/// Bytes of a key for SQLCipher.
pub const KEY_BYTES: usize = 32;

/// The key of the file. Wiped when dropped, never printed.
pub type DatabaseKey = SecretBox<[u8; KEY_BYTES]>;

/// The vault could not give the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key vault did not give the key ({reason}); unlock the phone and try again")]
pub struct VaultError {
    /// What the platform said, as a code or class name, without secrets.
    pub reason: String,
}

/// Gives the raw 32-byte key of the file, made by the platform at the first start.
pub trait KeyVault: Send + Sync {
    /// The key. The same at every call; a lost key means a new file.
    fn database_key(&self) -> Result<DatabaseKey, VaultError>;
}
