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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hash_is_the_one_that_both_ends_agreed_on() {
        // SHA-256 of "member\0M1": the first byte is the range.
        assert_eq!(range_of("member", "M1"), hash(b"member\0M1")[0]);
        let mut seq = b"member\0M1\0".to_vec();
        seq.extend(7_u64.to_be_bytes());
        assert_eq!(row_hash("member", "M1", 7).to_be_bytes(), hash(&seq)[..8]);
    }

    fn hash(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn entity_and_id_are_kept_apart() {
        assert_ne!(row_hash("a", "bc", 1), row_hash("ab", "c", 1));
        assert_ne!(row_hash("a", "b", 1), row_hash("a", "b", 2));
    }

    #[test]
    fn no_rows_sum_to_nothing() {
        assert_eq!(sums([]), vec![0; RANGES]);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter_and_a_missing_row_shows_in_its_range(
            rows in prop::collection::btree_map("[a-z]{1,6}", 1_u64.., 1..40),
        ) {
            let rows: Vec<(&str, &str, u64)> = rows.iter().map(|(id, seq)| ("task", id.as_str(), *seq)).collect();
            let all = sums(rows.iter().copied());
            prop_assert_eq!(&sums(rows.iter().rev().copied()), &all);
            let missing = sums(rows[1..].iter().copied());
            let differ: Vec<usize> = (0..RANGES).filter(|n| all[*n] != missing[*n]).collect();
            prop_assert_eq!(differ, vec![usize::from(range_of(rows[0].0, rows[0].1))]);
        }
    }
}
