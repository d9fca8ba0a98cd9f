//! Bytes that one recipient alone can read: HPKE (RFC 9180), base mode, one shot, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305. Whoever knows the public key can
//! write a letter; it does not say who did.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::SealError;

type Suite = X25519HkdfSha256;
type PublicKey = <Suite as Kem>::PublicKey;
type PrivateKey = <Suite as Kem>::PrivateKey;
type Encapped = <Suite as Kem>::EncappedKey;

/// What a letter begins with.
pub const MAGIC: &[u8; 8] = b"YBLETTR1";
const ENCAPPED_BYTES: usize = 32;

/// Who can read letters.
#[derive(Debug)]
pub struct Recipient {
    /// For whoever writes, in hex.
    pub public: String,
    /// For whoever reads, in hex.
    pub secret: SecretString,
}

impl Recipient {
    /// A new recipient.
    pub fn generate() -> Self {
        let (secret, public) = Suite::gen_keypair();
        Self {
            public: hex::encode(public.to_bytes()),
            secret: hex::encode(secret.to_bytes()).into(),
        }
    }
}

fn public_key(text: &str) -> Result<PublicKey, SealError> {
    let bad = || SealError::BadKey("a recipient is 64 hexadecimal digits");
    let bytes = hex::decode(text.trim()).map_err(|_| bad())?;
    PublicKey::from_bytes(&bytes).map_err(|_| bad())
}

/// Whether a text is the public key of a recipient.
pub fn is_public_key(text: &str) -> bool {
    public_key(text).is_ok()
}

/// Seals bytes for a recipient. `purpose` must be told again when the letter is opened.
pub fn seal(recipient: &str, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let (encapped, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeS::Base,
        &public_key(recipient)?,
        purpose.as_bytes(),
        plain,
        MAGIC,
    )
    .map_err(|_| SealError::BadKey("nothing can be sealed for this recipient"))?;
    Ok([MAGIC.as_slice(), &encapped.to_bytes(), &sealed].concat())
}

/// Opens a letter.
pub fn open(secret: &SecretString, purpose: &str, letter: &[u8]) -> Result<Vec<u8>, SealError> {
    let bad = || SealError::BadKey("a recipient's secret is 64 hexadecimal digits");
    let secret = hex::decode(secret.expose_secret().trim()).map_err(|_| bad())?;
    let secret = PrivateKey::from_bytes(&secret).map_err(|_| bad())?;
    let rest = letter.strip_prefix(MAGIC).ok_or(SealError::NotWhole)?;
    let (encapped, sealed) = rest
        .split_first_chunk::<ENCAPPED_BYTES>()
        .ok_or(SealError::NotWhole)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Base,
        &secret,
        &Encapped::from_bytes(encapped).map_err(|_| SealError::NotWhole)?,
        purpose.as_bytes(),
        sealed,
        MAGIC,
    )
    .map_err(|_| SealError::NotWhole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_read_by_its_recipient_only() {
        let (support, other) = (Recipient::generate(), Recipient::generate());
        let letter = seal(&support.public, "bundle", "队列".as_bytes()).unwrap();
        assert_eq!(
            open(&support.secret, "bundle", &letter).unwrap(),
            "队列".as_bytes()
        );
        assert!(open(&other.secret, "bundle", &letter).is_err());
        assert!(open(&support.secret, "else", &letter).is_err());
        let mut changed = letter.clone();
        *changed.last_mut().unwrap() ^= 1;
        for bad in [&changed[..], &letter[..20], b"", b"YBLETTR1"] {
            assert!(matches!(
                open(&support.secret, "bundle", bad),
                Err(SealError::NotWhole)
            ));
        }
        assert!(!letter.windows(6).any(|w| w == "队列".as_bytes()));
        assert!(!format!("{support:?}").contains(support.secret.expose_secret()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in ["", "zz", "00", &"g".repeat(64)] {
            assert!(!is_public_key(bad), "{bad}");
            assert!(seal(bad, "bundle", b"x").is_err());
        }
        assert!(is_public_key(&Recipient::generate().public));
    }
}
