//! Which line ids are taken, and by what: 16 bytes a line.
//!
//! An entry is 96 bits of a hash of the line's id over 32 bits of a hash of its content. The hash is
//! seeded by a secret of this hub, so ids cannot be made to collide; by chance, among a hundred
//! million ids, two do with a probability below 10⁻¹³. Entries are kept sorted in 4096 buckets by
//! their first bits, so that a file's ids are compared bucket by bucket, in order, without a search
//! tree over all ids ever seen.

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Number of buckets.
pub(super) const BUCKETS: usize = 1 << 12;
/// Bytes of an entry at rest.
pub(super) const ENTRY_BYTES: usize = 16;
const CONTENT_BITS: u32 = 32;

/// The entry of a line.
#[inline]
pub(super) fn entry(id: &[u8], seed: u64, content: u32) -> u128 {
    (xxh3_128_with_seed(id, seed) >> CONTENT_BITS << CONTENT_BITS) | u128::from(content)
}

/// The part of an entry that stands for the id.
#[inline]
pub(super) fn id_part(entry: u128) -> u128 {
    entry >> CONTENT_BITS
}

/// The bucket of an entry.
#[inline]
pub(super) fn bucket(entry: u128) -> usize {
    (entry >> (128 - BUCKETS.trailing_zeros())) as usize
}

/// Entries as they stand at rest: big-endian, so that bytes sort as numbers.
pub(super) fn to_bytes(entries: impl Iterator<Item = u128>) -> Vec<u8> {
    entries.flat_map(u128::to_be_bytes).collect()
}

/// Entries at rest.
pub(super) fn from_bytes(bytes: &[u8]) -> impl Iterator<Item = u128> + '_ {
    bytes
        .as_chunks::<ENTRY_BYTES>()
        .0
        .iter()
        .map(|entry| u128::from_be_bytes(*entry))
}

/// Several sorted rows of one bucket as one.
pub(super) fn merge(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut all: Vec<u128> = rows.iter().flat_map(|row| from_bytes(row)).collect();
    #[expect(
        clippy::stable_sort_primitive,
        reason = "runs that are sorted already are merged, not sorted again"
    )]
    all.sort();
    all.dedup();
    to_bytes(all.into_iter())
}

/// What an id is to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Free until now.
    New,
    /// Taken by the same content.
    Same,
    /// Taken by other content.
    Conflict,
}

/// Judges the lines of one bucket, given as (entry, place) in the order of the id and then of the
/// file, against the rows that are known of the bucket.
pub(super) fn judge(lines: &[(u128, u32)], known: &[Vec<u8>], verdicts: &mut [Verdict]) {
    // The entry by which each line's id is taken.
    let mut owners: Vec<u128> = Vec::with_capacity(lines.len());
    for (index, (entry, _)) in lines.iter().enumerate() {
        let first = index > 0 && id_part(lines[index - 1].0) == id_part(*entry);
        owners.push(if first { owners[index - 1] } else { *entry });
    }
    let mut taken = vec![false; lines.len()];
    for row in known {
        let mut entries = from_bytes(row).peekable();
        for (index, (entry, _)) in lines.iter().enumerate() {
            while entries
                .next_if(|known| id_part(*known) < id_part(*entry))
                .is_some()
            {}
            if let Some(&known) = entries.peek()
                && id_part(known) == id_part(*entry)
            {
                owners[index] = known;
                taken[index] = true;
            }
        }
    }
    for (index, (entry, place)) in lines.iter().enumerate() {
        let first = index == 0 || id_part(lines[index - 1].0) != id_part(*entry);
        verdicts[*place as usize] = match (taken[index] || !first, owners[index] == *entry) {
            (false, _) => Verdict::New,
            (true, true) => Verdict::Same,
            (true, false) => Verdict::Conflict,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_tells_id_and_content_apart() {
        let (a, b, c) = (entry(b"L1", 7, 1), entry(b"L1", 7, 2), entry(b"L2", 7, 1));
        assert_eq!(id_part(a), id_part(b));
        assert_ne!(a, b);
        assert_ne!(id_part(a), id_part(c));
        assert_ne!(id_part(a), id_part(entry(b"L1", 8, 1)));
        assert!(bucket(a) < BUCKETS);
        assert_eq!(
            from_bytes(&to_bytes([a, b].into_iter())).collect::<Vec<_>>(),
            [a, b]
        );
    }

    proptest! {
        /// The verdicts are those of a plain map filled line by line.
        #[test]
        fn verdicts_follow_the_order_of_the_file(
            known in prop::collection::vec((0_u128..20, 0_u32..2, 0_usize..3), 0..20),
            lines in prop::collection::vec((0_u128..20, 0_u32..2), 0..40),
        ) {
            let make = |id: u128, content: u32| (id << CONTENT_BITS) | u128::from(content);
            let mut map: HashMap<u128, u32> = HashMap::new();
            let mut rows = vec![Vec::new(); 3];
            for (id, content, row) in known {
                if map.insert(id, *map.get(&id).unwrap_or(&content)).is_none() {
                    rows[row].push(make(id, content));
                }
            }
            let rows: Vec<Vec<u8>> = rows.into_iter().map(|mut row| { row.sort_unstable(); to_bytes(row.into_iter()) }).collect();
            let expected: Vec<Verdict> = lines
                .iter()
                .map(|(id, content)| match map.get(id) {
                    None => { map.insert(*id, *content); Verdict::New }
                    Some(owner) if owner == content => Verdict::Same,
                    Some(_) => Verdict::Conflict,
                })
                .collect();
            let mut sorted: Vec<(u128, u32)> =
                lines.iter().zip(0..).map(|((id, content), place)| (make(*id, *content), place)).collect();
            sorted.sort_unstable_by_key(|(entry, place)| (id_part(*entry), *place));
            let mut verdicts = vec![Verdict::New; lines.len()];
            judge(&sorted, &rows, &mut verdicts);
            prop_assert_eq!(verdicts, expected);
            let merged: Vec<u128> = from_bytes(&merge(&rows)).collect();
            prop_assert!(merged.is_sorted());
        }
    }
}
