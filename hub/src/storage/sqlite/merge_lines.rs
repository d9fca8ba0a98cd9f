//! Purchases of a member that go over to another, and back: the packed rows by member and by drug.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Gives the purchases of one member to another; gives the lines that moved (those visible now),
    /// packed.
    pub(super) fn move_purchases(&self, from: i64, to: i64) -> Result<Vec<u8>, StorageError> {
        let visible = self.visible_generation()?;
        let moved = self.lines_at(from, visible)?;
        for generation in self.generations_of(from, to, visible)? {
            let (theirs, own) = (self.lines_at(from, generation)?, self.lines_at(to, generation)?);
            let mut all = lines::read(&own).map_err(damaged(to))?;
            all.extend(lines::read(&theirs).map_err(damaged(from))?);
            all.sort_by(|a, b| (a.day, a.second, a.id).cmp(&(b.day, b.second, b.id)));
            self.put_lines(to, generation, &all)?;
            let theirs = lines::read(&theirs).map_err(damaged(from))?;
            self.move_sales(theirs.iter(), from as u32, to as u32)?;
        }
        self.put("DELETE FROM member_lines WHERE member_key = ?1", [from])?;
        self.put("DELETE FROM member_days WHERE member_key = ?1", [from])?;
        Ok(moved)
    }

    /// Takes lines (packed, as [`Tx::move_purchases`] gave them) from one member and gives them to
    /// another who has none yet.
    pub(super) fn return_purchases(&self, from: i64, back: i64, moved: &[u8]) -> Result<(), StorageError> {
        let moved = lines::read(moved).map_err(damaged(back))?;
        let ids: BTreeSet<&[u8]> = moved.iter().map(|line| line.id).collect();
        let visible = self.visible_generation()?;
        let mut returned: Vec<u8> = Vec::new();
        for generation in self.generations_of(from, from, visible)? {
            let own = self.lines_at(from, generation)?;
            let (leave, stay): (Vec<_>, Vec<_>) = lines::read(&own)
                .map_err(damaged(from))?
                .into_iter()
                .partition(|line| ids.contains(line.id));
            self.put_lines(from, generation, &stay)?;
            if generation == visible {
                returned = pack(&leave);
            }
        }
        let returned = lines::read(&returned).map_err(damaged(back))?;
        self.put_lines(back, visible, &returned)?;
        self.return_sales(&returned, from as u32, back as u32)
    }

    /// The visible generation, and those of files that are not complete in which one of the two has rows.
    fn generations_of(&self, one: i64, two: i64, visible: i64) -> Result<BTreeSet<i64>, StorageError> {
        let above = self.all(
            "SELECT DISTINCT generation FROM member_lines WHERE member_key IN (?1, ?2) AND generation > ?3",
            [one, two, visible],
            |row| row.get(0),
        )?;
        Ok(above.into_iter().chain([visible]).collect())
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

    fn put_lines(
        &self,
        key: i64,
        generation: i64,
        lines: &[lines::PackedLine<'_>],
    ) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO member_lines (member_key, generation, lines) VALUES (?1, ?2, ?3) \
             ON CONFLICT (member_key, generation) DO UPDATE SET lines = excluded.lines",
            params![key, generation, pack(lines)],
        )?;
        self.put(
            "INSERT INTO member_days (member_key, generation, days) VALUES (?1, ?2, ?3) \
             ON CONFLICT (member_key, generation) DO UPDATE SET days = excluded.days",
            params![key, generation, pack_days(lines)],
        )
    }
}
