//! A small secret under a master key: XChaCha20-Poly1305, a random nonce before the sealed bytes. The
//! context says whose secret it is; under another one it does not open.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretBox};

use crate::{SealError, random};

const NONCE_BYTES: usize = 24;

/// A key that wraps others. Wiped when dropped, never printed.
pub struct MasterKey(SecretBox<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey")
    }
}

impl MasterKey {
    /// A new key.
    pub fn generate() -> Result<Self, SealError> {
        Ok(Self(SecretBox::new(Box::new(random()?))))
    }

    /// A key as [`Self::to_text`] gave it.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let bad = || SealError::BadKey("a master key is 64 hexadecimal digits");
        let bytes = hex::decode(text.trim()).map_err(|_| bad())?;
        Ok(Self(SecretBox::new(Box::new(
            bytes.try_into().map_err(|_| bad())?,
        ))))
    }

    /// The key for its file.
    pub fn to_text(&self) -> String {
        hex::encode(self.0.expose_secret())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.expose_secret().into())
    }

    /// Wraps a secret.
    pub fn wrap(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let payload = Payload {
            msg: secret,
            aad: context.as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SealError::NotWhole)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Unwraps what [`Self::wrap`] gave.
    pub fn unwrap(&self, context: &str, wrapped: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = wrapped
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(SealError::NotWhole)?;
        let payload = Payload {
            msg: sealed,
            aad: context.as_bytes(),
        };
        self.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| SealError::NotWhole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_back_under_its_key_and_context_only() {
        let key = MasterKey::generate().unwrap();
        let wrapped = key.wrap("a-1", b"secret").unwrap();
        assert_eq!(key.unwrap("a-1", &wrapped).unwrap(), b"secret");
        assert_ne!(
            wrapped,
            key.wrap("a-1", b"secret").unwrap(),
            "a nonce is used once"
        );
        assert!(key.unwrap("a-2", &wrapped).is_err());
        assert!(MasterKey::generate().unwrap().unwrap("a-1", &wrapped).is_err());
        assert!(key.unwrap("a-1", &wrapped[..20]).is_err());
        let again = MasterKey::from_text(&key.to_text()).unwrap();
        assert_eq!(again.unwrap("a-1", &wrapped).unwrap(), b"secret");
        assert!(MasterKey::from_text("abc").is_err());
        assert_eq!(format!("{key:?}"), "MasterKey");
    }
}
