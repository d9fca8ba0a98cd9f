//! Hash sums over 256 id ranges of a scope, to find what differs without sending it (point 5).
//!
//! A row's range is the first byte of the SHA-256 of its entity and id. Its hash is the first eight
//! bytes of the SHA-256 of entity, id and `seq`. A range's sum is the wrapping sum of its rows'
//! hashes, so it can be kept row by row in any order.

use sha2::{Digest as _, Sha256};

/// Number of ranges.
pub const RANGES: usize = 256;

/// The range of a row.
pub fn range_of(entity: &str, id: &str) -> u8 {
    let mut hash = Sha256::new();
    hash.update(entity.as_bytes());
    hash.update([0]);
    hash.update(id.as_bytes());
    hash.finalize()[0]
}

/// The hash of a row.
pub fn row_hash(entity: &str, id: &str, seq: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(entity.as_bytes());
    hash.update([0]);
    hash.update(id.as_bytes());
    hash.update([0]);
    hash.update(seq.to_be_bytes());
    let bytes = hash.finalize();
    u64::from_be_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ])
}

/// The sums of a scope's rows, given as entity, id and `seq`.
pub fn sums<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str, u64)>) -> Vec<u64> {
    let mut sums = vec![0_u64; RANGES];
    for (entity, id, seq) in rows {
        let sum = &mut sums[usize::from(range_of(entity, id))];
        *sum = sum.wrapping_add(row_hash(entity, id, seq));
    }
    sums
}
