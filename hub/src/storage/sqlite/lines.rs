//! What members bought, read from the packed rows of the visible generation.

use chrono::NaiveDate;
use rustc_hash::FxHashMap;
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::model::{Lifetime, Line};
use yaoban_protocol::row::Purchases;

use super::Tx;
use crate::storage::StorageError;
use crate::storage::packed::{Damaged, days, lines};

/// A line with what the chain's margin is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// The line.
    pub line: Line,
    /// What it cost the chain, in fen; none if the chain did not tell.
    pub cost_fen: Option<i64>,
}

/// The ids behind the keys in packed rows. Load once, use for many members.
#[derive(Debug, Clone, Default)]
pub struct KeyNames {
    drugs: FxHashMap<u32, String>,
    stores: FxHashMap<u32, String>,
}

impl KeyNames {
    /// The drug of a key.
    pub fn drug(&self, key: u32) -> Option<&str> {
        self.drugs.get(&key).map(String::as_str)
    }

    /// The store of a key.
    pub fn store(&self, key: u32) -> Option<&str> {
        self.stores.get(&key).map(String::as_str)
    }
}

fn damaged(member_id: &str) -> impl Fn(Damaged) -> StorageError + '_ {
    move |error| StorageError::Record {
        entity: "purchases",
        id: member_id.to_owned(),
        reason: error.to_string(),
    }
}

/// Life-time figures from packed days.
pub(in crate::storage) fn lifetime(packed: &[u8]) -> Result<Lifetime, Damaged> {
    let mut lifetime = Lifetime::default();
    for entry in days::read(packed) {
        let (day, net_fen) = entry?;
        lifetime.total_fen = lifetime.total_fen.saturating_add(net_fen);
        if net_fen > 0 {
            lifetime.times += 1;
            lifetime.last_visit = Some(from_day_number(day));
        }
    }
    Ok(lifetime)
}

impl Tx<'_> {
    /// The ids behind the keys of drugs and stores.
    pub fn key_names(&self) -> Result<KeyNames, StorageError> {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?));
        Ok(KeyNames {
            drugs: self
                .all("SELECT drug_key, drug_id FROM drug", [], read)?
                .into_iter()
                .collect(),
            stores: self
                .all("SELECT store_key, store_id FROM store", [], read)?
                .into_iter()
                .collect(),
        })
    }

    fn packed_lines(&self, member_id: &str) -> Result<Vec<u8>, StorageError> {
        let packed = self.one(
            "SELECT lines FROM member_lines
             WHERE member_key = (SELECT member_key FROM member WHERE member_id = ?1)
                AND generation <= (SELECT generation FROM visible)
             ORDER BY generation DESC LIMIT 1",
            [member_id],
            |row| row.get(0),
        )?;
        Ok(packed.unwrap_or_default())
    }

    /// All lines of a member, ordered by day, second and id.
    pub fn lines_of(&self, member_id: &str, names: &KeyNames) -> Result<Vec<StoredLine>, StorageError> {
        let packed = self.packed_lines(member_id)?;
        let lines = lines::read(&packed).map_err(damaged(member_id))?;
        Ok(lines
            .into_iter()
            .map(|line| StoredLine {
                line: Line {
                    id: String::from_utf8_lossy(line.id).into_owned(),
                    day: from_day_number(line.day),
                    second: u32::try_from(line.second).ok(),
                    store_id: names.store(line.store_key).map(str::to_owned),
                    drug_id: names.drug(line.drug_key).map(str::to_owned),
                    quantity_milli: line.quantity_milli,
                    amount_fen: line.amount_fen,
                },
                cost_fen: line.cost_fen,
            })
            .collect())
    }

    /// The lines of a member from a day on (inclusive) and before another one, in the form in which
    /// they travel; at most the newest `limit`. The flag says that older ones were left out by it.
    pub fn purchases_of(
        &self,
        member_id: &str,
        from: Option<NaiveDate>,
        before: Option<NaiveDate>,
        limit: usize,
        names: &KeyNames,
    ) -> Result<(Purchases, bool), StorageError> {
        let packed = self.packed_lines(member_id)?;
        let lines = lines::read(&packed).map_err(damaged(member_id))?;
        let first = from.map_or(0, |day| lines.partition_point(|line| line.day < day_number(day)));
        let end = before.map_or(lines.len(), |day| {
            lines.partition_point(|line| line.day < day_number(day))
        });
        let chosen = lines.get(first..end).unwrap_or_default();
        let skipped = chosen.len().saturating_sub(limit);
        let mut purchases = Purchases {
            member_id: member_id.to_owned(),
            ..Purchases::default()
        };
        let (mut drugs, mut stores) = (FxHashMap::default(), FxHashMap::default());
        for line in &chosen[skipped..] {
            purchases.days.push(line.day);
            purchases.seconds.push(line.second);
            let drug = names.drug(line.drug_key);
            purchases
                .drug_index
                .push(index(line.drug_key, drug, &mut drugs, &mut purchases.drugs));
            let store = names.store(line.store_key);
            purchases
                .store_index
                .push(index(line.store_key, store, &mut stores, &mut purchases.stores));
            purchases.quantities_milli.push(line.quantity_milli);
            purchases.amounts_fen.push(line.amount_fen);
        }
        Ok((purchases, skipped > 0))
    }

    /// The first visit day of a member between two days (inclusive).
    pub fn first_visit_between(
        &self,
        member_id: &str,
        from: i32,
        to: i32,
    ) -> Result<Option<i32>, StorageError> {
        let packed = self.packed_days(member_id)?;
        for entry in days::read(&packed) {
            let (day, net_fen) = entry.map_err(damaged(member_id))?;
            if net_fen > 0 && (from..=to).contains(&day) {
                return Ok(Some(day));
            }
        }
        Ok(None)
    }

    /// Life-time figures of a member.
    pub fn lifetime_of(&self, member_id: &str) -> Result<Lifetime, StorageError> {
        lifetime(&self.packed_days(member_id)?).map_err(damaged(member_id))
    }

    fn packed_days(&self, member_id: &str) -> Result<Vec<u8>, StorageError> {
        let packed = self.one(
            "SELECT days FROM member_days
             WHERE member_key = (SELECT member_key FROM member WHERE member_id = ?1)
                AND generation <= (SELECT generation FROM visible)
             ORDER BY generation DESC LIMIT 1",
            [member_id],
            |row| row.get(0),
        )?;
        Ok(packed.unwrap_or_default())
    }
}

/// The place of a key's id in a row's list of distinct ids, in order of first use; -1 if not told.
fn index(key: u32, id: Option<&str>, seen: &mut FxHashMap<u32, i32>, ids: &mut Vec<String>) -> i32 {
    let Some(id) = id else { return -1 };
    *seen.entry(key).or_insert_with(|| {
        ids.push(id.to_owned());
        ids.len() as i32 - 1
    })
}
