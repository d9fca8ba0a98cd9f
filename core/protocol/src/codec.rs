//! Bytes on the wire: an [`Envelope`] in CBOR under zstd; JSON on request, for debugging.
//!
//! CBOR describes itself, so a field that one side does not know is skipped and a missing one takes
//! its default. The inflated size is capped while inflating, never after.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SCHEMA;
use crate::message::Envelope;

/// Media type of the compact form.
pub const MEDIA_TYPE: &str = "application/vnd.yaoban.cbor+zstd";
/// Media type of the debugging form.
pub const MEDIA_TYPE_JSON: &str = "application/json";
/// zstd level: the best trade on phones' radio links (see ADR on the wire format). Phones compress
/// with its parameters and the fast strategy: `bindings/limits.sh` leaves the others out of their library.
const ZSTD_LEVEL: i32 = 3;
/// A message may ask for a window of at most 8 MiB (what we write asks for 2 MiB), so that a few
/// bytes cannot make a phone set aside more.
const WINDOW_LOG_MAX: u32 = 23;

/// Why bytes could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// More bytes than the limit once inflated.
    #[error("message inflates to more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Not zstd.
    #[error("message is not valid zstd: {0}")]
    Compression(std::io::Error),
    /// Not the CBOR that was expected.
    #[error("message is not the expected CBOR: {0}")]
    Cbor(String),
}

/// A record in CBOR, without an envelope.
pub fn to_cbor<T: Serialize>(value: &T) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut bytes).map_err(|e| WireError::Cbor(e.to_string()))?;
    Ok(bytes)
}

/// Reads what [`to_cbor`] wrote, and nothing after it.
pub fn from_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).map_err(|e| WireError::Cbor(e.to_string()))?;
    if rest.is_empty() {
        return Ok(value);
    }
    Err(WireError::Cbor(format!("{} bytes after its end", rest.len())))
}

/// A message as it travels.
pub fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>, WireError> {
    let cbor = to_cbor(&Envelope { v: SCHEMA, body })?;
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(WireError::Compression)?;
    // A sum over the message, which the reader checks: a byte that changed on the way, or at rest in
    // a cache, is found whatever it stands for.
    compressor
        .include_checksum(true)
        .map_err(WireError::Compression)?;
    compressor.compress(&cbor).map_err(WireError::Compression)
}

/// Reads a message of at most `inflated_max` bytes once inflated.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], inflated_max: u64) -> Result<Envelope<T>, WireError> {
    from_cbor(&inflate(bytes, inflated_max)?)
}

fn inflate(bytes: &[u8], inflated_max: u64) -> Result<Vec<u8>, WireError> {
    let mut decoder = zstd::stream::read::Decoder::new(bytes).map_err(WireError::Compression)?;
    decoder
        .window_log_max(WINDOW_LOG_MAX)
        .map_err(WireError::Compression)?;
    let mut inflated = Vec::with_capacity(bytes.len().saturating_mul(4).min(1 << 20));
    decoder
        .take(inflated_max.saturating_add(1))
        .read_to_end(&mut inflated)
        .map_err(WireError::Compression)?;
    if inflated.len() as u64 > inflated_max {
        return Err(WireError::TooLarge { limit: inflated_max });
    }
    Ok(inflated)
}

#[cfg(test)]
mod tests;
