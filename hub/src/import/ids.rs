//! The chain's ids and the keys that stand for them.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes that an id may have.
pub const ID_BYTES_MAX: usize = 64;

/// A map from ids to keys, compact enough for every member of a chain (about 30 bytes an id).
#[derive(Debug, Default)]
pub struct IdMap {
    table: HashTable<Entry>,
    text: Vec<u8>,
}

/// Everything that a look-up needs beside the id's text, in one place.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    len: u32,
    key: u32,
}

fn id_of(text: &[u8], entry: Entry) -> &[u8] {
    &text[entry.start as usize..][..entry.len as usize]
}

impl IdMap {
    /// The key of an id.
    #[inline]
    pub fn get(&self, id: &[u8]) -> Option<u32> {
        self.get_hashed(Self::hash(id), id)
    }

    /// The hash of an id; the same in every run.
    #[inline]
    pub fn hash(id: &[u8]) -> u64 {
        xxh3_64(id)
    }

    /// The key of an id whose hash is at hand.
    #[inline]
    pub fn get_hashed(&self, hash: u64, id: &[u8]) -> Option<u32> {
        let found = self.table.find(hash, |&entry| id_of(&self.text, entry) == id);
        found.map(|entry| entry.key)
    }

    /// Adds an id; one that is there keeps its key.
    pub fn insert(&mut self, id: &[u8], key: u32) {
        if self.get(id).is_some() {
            return;
        }
        let entry = Entry {
            start: self.text.len() as u32,
            len: id.len() as u32,
            key,
        };
        self.text.extend_from_slice(id);
        let text = &self.text;
        self.table
            .insert_unique(xxh3_64(id), entry, |&entry| xxh3_64(id_of(text, entry)));
    }

    /// Number of ids.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_keys() {
        let mut map = IdMap::default();
        for key in 0..10_000_u32 {
            map.insert(format!("M{key}").as_bytes(), key);
        }
        map.insert(b"M7", 99);
        assert_eq!((map.len(), map.is_empty()), (10_000, false));
        assert!((0..10_000_u32).all(|key| map.get(format!("M{key}").as_bytes()) == Some(key)));
        assert_eq!(map.get(b""), None);
        assert_eq!(map.get(b"M10000"), None);
    }
}
