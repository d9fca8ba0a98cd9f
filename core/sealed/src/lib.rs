//! Bytes encrypted at rest, the same way on the phone and at the hub. Nothing here is invented: it
//! puts maintained implementations of published constructions together.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`file`] | a file in chunks: STREAM over XChaCha20-Poly1305, read from any place |
//! | [`wrap`] | a small secret under a master key: XChaCha20-Poly1305 with a random nonce |
//! | [`letter`] | bytes that one recipient alone can read: HPKE (RFC 9180), X25519 |
//!
//! A chunk that was changed, moved, cut off or taken from another file does not open.

pub mod file;
pub mod letter;
pub mod wrap;

/// Why bytes could not be sealed or opened. Never says what they hold.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Changed, cut off, from another place, or sealed with another key.
    #[error("the bytes are damaged, or were sealed with another key")]
    NotWhole,
    /// A key that has not the form of one.
    #[error("not a key: {0}")]
    BadKey(&'static str),
    /// More than a file may hold.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// The system gave no randomness.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Random bytes of the system.
fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| SealError::Random(error.to_string()))?;
    Ok(bytes)
}
