//! Purchases of a member that go over to another, and back, or go for good: the packed rows by member and by drug.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::params;

use super::Tx;
use crate::storage::StorageError;
use crate::storage::packed::{Damaged, days, lines};

fn damaged(key: i64) -> impl Fn(Damaged) -> StorageError {
    move |error| StorageError::Record {
        entity: "purchases",
        id: format!("member {key}"),
        reason: error.to_string(),
    }
}

/// Lines in the order of packed rows, as a packed row.
fn pack(lines: &[lines::PackedLine<'_>]) -> Vec<u8> {
    let (mut packed, mut before) = (Vec::new(), 0);
    for line in lines {
        lines::put(&mut packed, before, line);
        before = line.day;
    }
    packed
}

/// Net fen by business date, as a packed row.
fn pack_days(lines: &[lines::PackedLine<'_>]) -> Vec<u8> {
    let mut nets: BTreeMap<i32, i64> = BTreeMap::new();
    for line in lines {
        let net = nets.entry(line.day).or_default();
        *net = net.saturating_add(line.amount_fen);
    }
    let (mut packed, mut before) = (Vec::new(), 0);
    for (day, net) in nets.into_iter().filter(|(_, net)| *net != 0) {
        days::put(&mut packed, before, day, net);
        before = day;
    }
    packed
}

impl Tx<'_> {
    /// Gives the visible purchases of one member to another; gives the lines that moved, packed. Rows
    /// of a file that is under way stay where they are: the switch settles them.
    pub(super) fn move_purchases(&self, from: i64, to: i64) -> Result<Vec<u8>, StorageError> {
        let visible = self.visible_generation()?;
        let moved = self.lines_at(from, visible)?;
        let own = self.lines_at(to, visible)?;
        let theirs = lines::read(&moved).map_err(damaged(from))?;
        let mut all = lines::read(&own).map_err(damaged(to))?;
        all.extend(theirs.iter().copied());
        self.put_lines(to, visible, all)?;
        self.move_sales(&theirs, from as u32, to as u32, 0..=visible)?;
        let old = params![from, visible];
        self.put(
            "DELETE FROM member_lines WHERE member_key = ?1 AND generation <= ?2",
            old,
        )?;
        self.put(
            "DELETE FROM member_days WHERE member_key = ?1 AND generation <= ?2",
            old,
        )?;
        self.note_moved(from, to)?;
        Ok(moved)
    }

    /// Takes lines (packed, as [`Tx::move_purchases`] gave them) from one member and gives them to
    /// another who has none yet.
    pub(super) fn return_purchases(&self, from: i64, back: i64, moved: &[u8]) -> Result<(), StorageError> {
        let moved = lines::read(moved).map_err(damaged(back))?;
        let ids: BTreeSet<&[u8]> = moved.iter().map(|line| line.id).collect();
        let visible = self.visible_generation()?;
        let own = self.lines_at(from, visible)?;
        let (leave, stay): (Vec<_>, Vec<_>) = lines::read(&own)
            .map_err(damaged(from))?
            .into_iter()
            .partition(|line| ids.contains(line.id));
        self.put_lines(from, visible, stay)?;
        self.return_sales(&leave, from as u32, back as u32, 0..=visible)?;
        self.put_lines(back, visible, leave)?;
        self.note_moved(from, back)
    }

    /// Deletes the purchases of a member. No file may be under way.
    pub(super) fn erase_purchases(&self, key: i64) -> Result<(), StorageError> {
        let visible = self.visible_generation()?;
        let packed = self.lines_at(key, visible)?;
        let lines = lines::read(&packed).map_err(damaged(key))?;
        self.remove_sales(&lines, key as u32, visible)?;
        self.put("DELETE FROM member_lines WHERE member_key = ?1", [key])?;
        self.put("DELETE FROM member_days WHERE member_key = ?1", [key])
    }

    /// While a file is under way the switch must know whose purchases moved.
    fn note_moved(&self, one: i64, other: i64) -> Result<(), StorageError> {
        if self.has_unseen_run()? {
            self.put(
                "INSERT INTO moved_key (member_key) VALUES (?1), (?2) ON CONFLICT DO NOTHING",
                [one, other],
            )?;
        }
        Ok(())
    }

    /// Forgets moves that the fold which begins now sees by itself.
    pub(crate) fn forget_moved_keys(&self) -> Result<(), StorageError> {
        self.put("DELETE FROM moved_key", [])
    }

    /// Which of some keys belong to members who became part of others.
    pub(crate) fn merged_among(&self, keys: &[u32]) -> Result<Vec<u32>, StorageError> {
        let mut merged: Vec<u32> = self.all("SELECT from_key FROM moved_history", [], |row| row.get(0))?;
        let keys: HashSet<u32> = if merged.is_empty() {
            HashSet::new()
        } else {
            keys.iter().copied().collect()
        };
        merged.retain(|key| keys.contains(key));
        Ok(merged)
    }

    /// The keys with those of merged members replaced by the keys of the members they became part
    /// of, each once, ascending.
    pub(crate) fn owners_of(&self, mut keys: Vec<u32>) -> Result<Vec<u32>, StorageError> {
        let merged: HashSet<u32> = self.merged_among(&keys)?.into_iter().collect();
        if !merged.is_empty() {
            for key in keys.iter_mut().filter(|key| merged.contains(key)) {
                *key = self.owner_of(i64::from(*key))? as u32;
            }
            keys.sort_unstable();
            keys.dedup();
        }
        Ok(keys)
    }

    /// Puts the purchases of a generation that is about to become visible where they belong now.
    /// Within the transaction of the switch.
    ///
    /// The fold wrote a member's row from what was visible when it read the member, and from what the
    /// file adds under that key; members may have become one, or two again, since. So, of `merged`
    /// (members of the file who are part of others) and of all whose purchases moved since: a line
    /// that is visible stays where it is visible, and a new one goes to the member to whom the key
    /// it came by belongs now.
    pub(crate) fn settle_moved(&self, generation: i64, merged: &[u32]) -> Result<(), StorageError> {
        let mut keys: BTreeSet<i64> = merged.iter().copied().map(i64::from).collect();
        keys.extend(self.all("SELECT member_key FROM moved_key", [], |row| row.get::<_, i64>(0))?);
        let mut owners = BTreeMap::new();
        for key in keys {
            let owner = self.owner_of(key)?;
            owners.insert(key, owner);
            owners.insert(owner, owner);
        }
        let visible = self.visible_generation()?;
        let mut known: HashSet<Vec<u8>> = HashSet::new();
        for &key in owners.keys() {
            let packed = self.lines_at(key, visible)?;
            let lines = lines::read(&packed).map_err(damaged(key))?;
            known.extend(lines.iter().map(|line| line.id.to_vec()));
        }
        let mut added: BTreeMap<i64, Vec<Vec<u8>>> = BTreeMap::new();
        for (&key, &owner) in &owners {
            let Some(packed) = self.lines_of_generation(key, generation)? else {
                continue;
            };
            let mut new = lines::read(&packed).map_err(damaged(key))?;
            new.retain(|line| !known.contains(line.id));
            if key != owner {
                self.settle_other(key, owner, generation, &new)?;
            }
            added.entry(owner).or_default().push(pack(&new));
        }
        for (owner, new) in added {
            let own = self.lines_at(owner, visible)?;
            let mut all = lines::read(&own).map_err(damaged(owner))?;
            for packed in &new {
                all.extend(lines::read(packed).map_err(damaged(owner))?);
            }
            self.put_lines(owner, generation, all)?;
        }
        self.forget_moved_keys()
    }

    /// New lines of a merged member go to the one it is part of, and will go back if that is undone.
    fn settle_other(
        &self,
        key: i64,
        owner: i64,
        generation: i64,
        new: &[lines::PackedLine<'_>],
    ) -> Result<(), StorageError> {
        self.move_sales(new, key as u32, owner as u32, generation..=generation)?;
        let row = [key, generation];
        self.put(
            "DELETE FROM member_lines WHERE member_key = ?1 AND generation = ?2",
            row,
        )?;
        self.put(
            "DELETE FROM member_days WHERE member_key = ?1 AND generation = ?2",
            row,
        )?;
        let mut from = self.merged_id(key)?;
        while let Some(id) = from {
            let moved: Option<Vec<u8>> = self.one(
                "SELECT lines FROM moved_history WHERE from_id = ?1",
                [&id],
                |row| row.get(0),
            )?;
            if let Some(moved) = moved {
                let mut all = lines::read(&moved).map_err(damaged(key))?;
                all.extend(new);
                all.sort_unstable();
                self.put(
                    "UPDATE moved_history SET lines = ?2 WHERE from_id = ?1",
                    params![id, pack(&all)],
                )?;
            }
            from = self.kept_by(&id)?;
        }
        Ok(())
    }

    /// The id that a merged member had, by the key that it had.
    fn merged_id(&self, key: i64) -> Result<Option<String>, StorageError> {
        self.one(
            "SELECT from_id FROM moved_history WHERE from_key = ?1",
            [key],
            |row| row.get(0),
        )
    }

    /// The key of the member to whom a key belongs: its own, or that of the one it became part of.
    fn owner_of(&self, key: i64) -> Result<i64, StorageError> {
        let owner = match self.merged_id(key)? {
            Some(id) => self
                .resolve_member(&id)?
                .map_or(Ok(None), |id| self.member_key(&id))?,
            None => None,
        };
        Ok(owner.unwrap_or(key))
    }

    fn lines_of_generation(&self, key: i64, generation: i64) -> Result<Option<Vec<u8>>, StorageError> {
        self.one(
            "SELECT lines FROM member_lines WHERE member_key = ?1 AND generation = ?2",
            [key, generation],
            |row| row.get(0),
        )
    }

    fn lines_at(&self, key: i64, generation: i64) -> Result<Vec<u8>, StorageError> {
        let packed = self.one(
            "SELECT lines FROM member_lines WHERE member_key = ?1 AND generation <= ?2 \
             ORDER BY generation DESC LIMIT 1",
            [key, generation],
            |row| row.get(0),
        )?;
        Ok(packed.unwrap_or_default())
    }

    /// Writes lines, given in any order.
    fn put_lines(
        &self,
        key: i64,
        generation: i64,
        mut lines: Vec<lines::PackedLine<'_>>,
    ) -> Result<(), StorageError> {
        lines.sort_unstable();
        self.put(
            "INSERT INTO member_lines (member_key, generation, lines) VALUES (?1, ?2, ?3) \
             ON CONFLICT (member_key, generation) DO UPDATE SET lines = excluded.lines",
            params![key, generation, pack(&lines)],
        )?;
        self.put(
            "INSERT INTO member_days (member_key, generation, days) VALUES (?1, ?2, ?3) \
             ON CONFLICT (member_key, generation) DO UPDATE SET days = excluded.days",
            params![key, generation, pack_days(&lines)],
        )
    }
}
