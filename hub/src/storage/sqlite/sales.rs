//! What was bought, by drug: packed rows (`storage::packed::sales`) of one drug in a block of days,
//! from which audiences and leanings are answered without reading the lines of other drugs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Instant;

use rusqlite::params;

use super::Tx;
use crate::storage::StorageError;
use crate::storage::packed::lines::PackedLine;
use crate::storage::packed::sales::{self, Sale};

/// Days in a block. Shorter ones make more rows, longer ones are read for a few of their days.
const BLOCK_DAYS: i32 = 16;

/// The block of a day.
pub(crate) fn block_of(day: i32) -> i32 {
    day.div_euclid(BLOCK_DAYS)
}

/// The sales of one drug in one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DrugSales<'a> {
    pub drug_key: u32,
    pub block: i32,
    pub sales: &'a [u8],
}

/// A drug and a block of days.
type Place = (u32, i32);

fn place_of(line: &PackedLine<'_>) -> Place {
    (line.drug_key, block_of(line.day))
}

fn read(place: Place, packed: &[u8]) -> Result<Vec<Sale>, StorageError> {
    sales::read(packed)
        .collect::<Result<_, _>>()
        .map_err(|_| damaged(place.0))
}

fn damaged(drug_key: u32) -> StorageError {
    StorageError::Record {
        entity: "purchases",
        id: format!("of drug key {drug_key}"),
        reason: "packed row is damaged".to_owned(),
    }
}

impl Tx<'_> {
    /// Writes packed rows until the iterator ends or the time is up; gives how many.
    pub(crate) fn put_sales<'s>(
        &self,
        rows: impl Iterator<Item = DrugSales<'s>>,
        generation: i64,
        until: Instant,
    ) -> Result<usize, StorageError> {
        let mut statement = self
            .connection()
            .prepare_cached("INSERT OR REPLACE INTO drug_sales VALUES (?1, ?2, ?3, ?4)")?;
        let mut count = 0;
        for row in rows {
            statement.execute(params![row.drug_key, row.block, generation, row.sales])?;
            count += 1;
            // One row may hold the busiest days of a large chain.
            if Instant::now() >= until {
                break;
            }
        }
        Ok(count)
    }

    /// About how many bytes hold the visible sales of a drug in a period (8 of them a line).
    pub(crate) fn sales_bytes(&self, drug_key: u32, from_day: i32, to_day: i32) -> Result<u64, StorageError> {
        let sql = "SELECT sum(length(sales)) FROM drug_sales WHERE drug_key = ?1 AND block BETWEEN ?2 AND ?3";
        let bytes: Option<Option<i64>> = self.one(
            sql,
            params![drug_key, block_of(from_day), block_of(to_day)],
            |row| row.get(0),
        )?;
        Ok(bytes.flatten().unwrap_or(0) as u64)
    }

    /// The visible sales of a drug in a period of days (both ends included), in no order.
    pub(crate) fn each_sale(
        &self,
        drug_key: u32,
        from_day: i32,
        to_day: i32,
        mut take: impl FnMut(&Sale),
    ) -> Result<(), StorageError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT sales FROM drug_sales WHERE drug_key = ?1 AND block BETWEEN ?2 AND ?3
                AND generation <= (SELECT generation FROM visible)",
        )?;
        let mut rows = statement.query(params![drug_key, block_of(from_day), block_of(to_day)])?;
        while let Some(row) = rows.next()? {
            let packed = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            for sale in sales::read(packed) {
                let sale = sale.map_err(|_| damaged(drug_key))?;
                if (from_day..=to_day).contains(&sale.day) {
                    take(&sale);
                }
            }
        }
        Ok(())
    }

    /// Gives the sales of one member to another, in these generations; `lines` are all that it bought there.
    pub(super) fn move_sales(
        &self,
        lines: &[PackedLine<'_>],
        from: u32,
        to: u32,
        generations: RangeInclusive<i64>,
    ) -> Result<(), StorageError> {
        let places: BTreeSet<Place> = lines.iter().map(place_of).collect();
        places.into_iter().try_for_each(|place| {
            self.rewrite_sales(place, &generations, |sales| {
                let of_from = sales.iter_mut().filter(|sale| sale.member_key == from);
                of_from.for_each(|sale| sale.member_key = to);
            })
        })
    }

    /// Takes the visible sales of a member away; `lines` are all that it bought.
    pub(super) fn remove_sales(
        &self,
        lines: &[PackedLine<'_>],
        member_key: u32,
        visible: i64,
    ) -> Result<(), StorageError> {
        let places: BTreeSet<Place> = lines.iter().map(place_of).collect();
        places.into_iter().try_for_each(|place| {
            self.rewrite_sales(place, &(0..=visible), |sales| {
                sales.retain(|sale| sale.member_key != member_key);
            })
        })
    }

    /// Gives these lines, which one member has in these generations, to another.
    pub(super) fn return_sales(
        &self,
        lines: &[PackedLine<'_>],
        from: u32,
        back: u32,
        generations: RangeInclusive<i64>,
    ) -> Result<(), StorageError> {
        let mut by_place: BTreeMap<Place, Vec<Sale>> = BTreeMap::new();
        for line in lines {
            by_place.entry(place_of(line)).or_default().push(Sale {
                day: line.day,
                member_key: from,
                quantity_milli: line.quantity_milli,
                amount_fen: line.amount_fen,
            });
        }
        by_place.into_iter().try_for_each(|(place, mut wanted)| {
            self.rewrite_sales(place, &generations, |sales| {
                wanted.retain(|one| match sales.iter_mut().find(|sale| *sale == one) {
                    Some(sale) => {
                        sale.member_key = back;
                        false
                    }
                    None => true,
                });
            })
        })
    }

    /// Changes the sales of a place, generation by generation.
    fn rewrite_sales(
        &self,
        place: Place,
        generations: &RangeInclusive<i64>,
        mut change: impl FnMut(&mut Vec<Sale>),
    ) -> Result<(), StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = self.all(
            "SELECT generation, sales FROM drug_sales
                WHERE drug_key = ?1 AND block = ?2 AND generation BETWEEN ?3 AND ?4 ORDER BY generation",
            params![place.0, place.1, generations.start(), generations.end()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (generation, packed) in rows {
            let before = read(place, &packed)?;
            let mut after = before.clone();
            change(&mut after);
            if after != before {
                after.sort_unstable();
                self.put(
                    "UPDATE drug_sales SET sales = ?4 WHERE drug_key = ?1 AND block = ?2 AND generation = ?3",
                    params![place.0, place.1, generation, sales::pack(&after)],
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sqlite::Database;

    fn line(day: i32, quantity_milli: i64) -> PackedLine<'static> {
        PackedLine {
            day,
            second: -1,
            id: b"L",
            drug_key: 7,
            store_key: 0,
            quantity_milli,
            amount_fen: 100,
            cost_fen: None,
        }
    }

    fn sale(day: i32, member_key: u32, quantity_milli: i64) -> Sale {
        Sale {
            day,
            member_key,
            quantity_milli,
            amount_fen: 100,
        }
    }

    /// All visible sales of the drug in a period, sorted.
    fn visible(tx: &Tx<'_>, from: i32, to: i32) -> Vec<Sale> {
        let mut found = Vec::new();
        tx.each_sale(7, from, to, |sale| found.push(*sale)).unwrap();
        found.sort_unstable();
        found
    }

    #[test]
    fn sales_go_over_to_another_member_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "chain", None).unwrap();
        // Two lines of a day that are alike, one before 1970, one of a file that is not complete.
        let first = [
            sale(-1, 2, 1000),
            sale(20, 1, 1000),
            sale(20, 2, 1000),
            sale(20, 2, 1000),
        ];
        let second = [sale(20, 2, 2000)];
        let put = |tx: &Tx<'_>, sales: &[Sale], generation: i64| {
            for of_block in sales.chunk_by(|a, b| block_of(a.day) == block_of(b.day)) {
                let row = DrugSales {
                    drug_key: 7,
                    block: block_of(of_block[0].day),
                    sales: &sales::pack(of_block),
                };
                let until = Instant::now() + std::time::Duration::from_mins(1);
                tx.put_sales(std::iter::once(row), generation, until).unwrap();
            }
        };
        database
            .write::<_, StorageError>(|tx| {
                put(tx, &first, 1);
                put(tx, &second, 2);
                tx.show_generation(1)?;
                assert_eq!(visible(tx, i32::MIN, i32::MAX), first);
                assert!(visible(tx, 0, 19).is_empty());
                let lines = [line(-1, 1000), line(20, 1000), line(20, 1000), line(20, 2000)];
                tx.move_sales(&lines, 2, 1, 0..=2)?;
                assert!(
                    visible(tx, i32::MIN, i32::MAX)
                        .iter()
                        .all(|sale| sale.member_key == 1)
                );
                tx.return_sales(&lines[..3], 1, 2, 0..=2)?;
                let mut back = visible(tx, i32::MIN, i32::MAX);
                assert_eq!(back.len(), first.len());
                // Of lines that are alike it does not matter which one goes back.
                back.retain(|sale| sale.member_key == 2);
                assert_eq!(back, [sale(-1, 2, 1000), sale(20, 2, 1000), sale(20, 2, 1000)]);
                tx.show_generation(2)?;
                assert!(visible(tx, 20, 20).contains(&sale(20, 1, 2000)));
                // One goes for good, the other keeps what it has.
                let kept = visible(tx, i32::MIN, i32::MAX);
                tx.remove_sales(&lines, 2, 2)?;
                let left = visible(tx, i32::MIN, i32::MAX);
                assert!(left.iter().all(|sale| sale.member_key == 1) && !left.is_empty());
                assert_eq!(left.len(), kept.len() - 3);
                Ok(())
            })
            .unwrap();
    }
}
