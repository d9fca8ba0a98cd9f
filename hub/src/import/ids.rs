//! The chain's ids and the keys that stand for them.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes that an id may have.
pub const ID_BYTES_MAX: usize = 64;

/// A map from ids to keys, compact enough for every member of a chain (about 25 bytes an id).
#[derive(Debug, Default)]
pub struct IdMap {
    table: HashTable<u32>,
    keys: Vec<u32>,
    ends: Vec<usize>,
    text: Vec<u8>,
}

fn id_at<'a>(text: &'a [u8], ends: &[usize], slot: u32) -> &'a [u8] {
    let slot = slot as usize;
    let start = if slot == 0 { 0 } else { ends[slot - 1] };
    &text[start..ends[slot]]
}

impl IdMap {
    /// The key of an id.
    #[inline]
    pub fn get(&self, id: &[u8]) -> Option<u32> {
        self.table
            .find(xxh3_64(id), |&slot| id_at(&self.text, &self.ends, slot) == id)
            .map(|&slot| self.keys[slot as usize])
    }

    /// Adds an id; one that is there keeps its key.
    pub fn insert(&mut self, id: &[u8], key: u32) {
        if self.get(id).is_some() {
            return;
        }
        let slot = self.keys.len() as u32;
        self.keys.push(key);
        self.text.extend_from_slice(id);
        self.ends.push(self.text.len());
        let (text, ends) = (&self.text, &self.ends);
        self.table
            .insert_unique(xxh3_64(id), slot, |&slot| xxh3_64(id_at(text, ends, slot)));
    }

    /// Number of ids.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
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
