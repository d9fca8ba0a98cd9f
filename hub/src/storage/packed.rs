//! Packed rows: everything of one member in one piece, so that scanning the chain grows with its
//! members and not with the history of lines; and everything of one drug and a few days in one piece,
//! so that a question about a drug reads its own lines only.
//!
//! Numbers are varints ([`yaoban_protocol::varint`]); days are differences to the entry before (the
//! first one to day 0). All forms are ordered by day.

pub use yaoban_protocol::varint::{Damaged, Reader, put_i64, put_u64};

/// Net fen by business date, ascending, one entry a date; dates that net to 0 are left out.
pub mod days {
    use super::{Damaged, Reader, put_i64, put_u64};

    /// Appends one date after the last one written, whose number is `before` (0 at first).
    pub fn put(out: &mut Vec<u8>, before: i32, day: i32, net_fen: i64) {
        if out.is_empty() {
            put_i64(out, i64::from(day));
        } else {
            put_u64(out, i64::from(day).abs_diff(i64::from(before)));
        }
        put_i64(out, net_fen);
    }

    /// The dates of a packed row. A damaged one ends with an error.
    pub fn read(packed: &[u8]) -> Days<'_> {
        Days {
            reader: Reader::new(packed),
            day: None,
        }
    }

    /// See [`read`].
    #[derive(Debug, Clone)]
    pub struct Days<'a> {
        reader: Reader<'a>,
        day: Option<i64>,
    }

    impl Iterator for Days<'_> {
        type Item = Result<(i32, i64), Damaged>;

        #[inline]
        fn next(&mut self) -> Option<Self::Item> {
            if self.reader.is_empty() {
                return None;
            }
            let mut entry = || {
                let day = match self.day {
                    None => self.reader.i64()?,
                    Some(before) => before.wrapping_add(self.reader.u64()? as i64),
                };
                self.day = Some(day);
                Ok((day as i32, self.reader.i64()?))
            };
            let entry = entry();
            if entry.is_err() {
                self.reader = Reader::new(&[]);
            }
            Some(entry)
        }
    }
}

/// All lines of a member, ordered by day, second and id.
pub mod lines {
    use super::{Damaged, Reader, put_i64, put_u64};

    /// One line; keys are those of the tables `drug` and `store`, 0 = not told.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub struct PackedLine<'a> {
        /// Business date as day number.
        pub day: i32,
        /// Second of the day, -1 = not told.
        pub second: i32,
        /// The chain's id.
        pub id: &'a [u8],
        /// Drug.
        pub drug_key: u32,
        /// Store.
        pub store_key: u32,
        /// Packs in thousandths.
        pub quantity_milli: i64,
        /// Fen.
        pub amount_fen: i64,
        /// What it cost the chain, in fen.
        pub cost_fen: Option<i64>,
    }

    /// Appends one line after the last one written, which was of day `before` (0 at first).
    pub fn put(out: &mut Vec<u8>, before: i32, line: &PackedLine<'_>) {
        put_i64(out, i64::from(line.day) - i64::from(before));
        put_u64(out, (i64::from(line.second) + 1) as u64);
        put_u64(out, u64::from(line.drug_key));
        put_u64(out, u64::from(line.store_key));
        put_i64(out, line.quantity_milli);
        put_i64(out, line.amount_fen);
        match line.cost_fen {
            None => out.push(0),
            Some(cost_fen) => {
                out.push(1);
                put_i64(out, cost_fen);
            }
        }
        put_u64(out, line.id.len() as u64);
        out.extend_from_slice(line.id);
    }

    /// Reads the next line after one of day `before`.
    pub fn take<'a>(reader: &mut Reader<'a>, before: i32) -> Result<PackedLine<'a>, Damaged> {
        let day = i64::from(before).wrapping_add(reader.i64()?) as i32;
        let second = (reader.u64()? as i64 - 1) as i32;
        let drug_key = reader.u64()? as u32;
        let store_key = reader.u64()? as u32;
        let quantity_milli = reader.i64()?;
        let amount_fen = reader.i64()?;
        let cost_fen = if reader.u64()? == 0 {
            None
        } else {
            Some(reader.i64()?)
        };
        let len = reader.u64()? as usize;
        let id = reader.bytes(len)?;
        Ok(PackedLine {
            day,
            second,
            id,
            drug_key,
            store_key,
            quantity_milli,
            amount_fen,
            cost_fen,
        })
    }

    /// The lines of a packed row.
    pub fn read(packed: &[u8]) -> Result<Vec<PackedLine<'_>>, Damaged> {
        let mut reader = Reader::new(packed);
        let mut lines = Vec::new();
        let mut before = 0;
        while !reader.is_empty() {
            let line = take(&mut reader, before)?;
            before = line.day;
            lines.push(line);
        }
        Ok(lines)
    }
}

/// What was sold of one drug, ordered by day, member, quantity and amount.
pub mod sales {
    use super::{Damaged, Reader, put_i64, put_u64};

    /// One line of the drug.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Sale {
        /// Business date as day number.
        pub day: i32,
        /// To whom.
        pub member_key: u32,
        /// Packs in thousandths, negative for a return.
        pub quantity_milli: i64,
        /// Fen, negative for a return.
        pub amount_fen: i64,
    }

    /// Appends one line after the last one written (none at first).
    pub fn put(out: &mut Vec<u8>, before: Option<&Sale>, sale: &Sale) {
        let before = before.copied().unwrap_or_default();
        put_i64(out, i64::from(sale.day) - i64::from(before.day));
        // Within a day members ascend.
        let from = if sale.day == before.day {
            before.member_key
        } else {
            0
        };
        put_u64(out, u64::from(sale.member_key.wrapping_sub(from)));
        put_i64(out, sale.quantity_milli);
        put_i64(out, sale.amount_fen);
    }

    /// Lines in their order as a packed row.
    pub fn pack(sales: &[Sale]) -> Vec<u8> {
        let mut out = Vec::with_capacity(sales.len() * 8);
        let mut before = None;
        for sale in sales {
            put(&mut out, before, sale);
            before = Some(sale);
        }
        out
    }

    /// The lines of a packed row. A damaged one ends with an error.
    pub fn read(packed: &[u8]) -> Sales<'_> {
        Sales {
            reader: Reader::new(packed),
            before: Sale::default(),
        }
    }

    /// See [`read`].
    #[derive(Debug, Clone)]
    pub struct Sales<'a> {
        reader: Reader<'a>,
        before: Sale,
    }

    impl Sales<'_> {
        #[inline]
        fn take(&mut self) -> Result<Sale, Damaged> {
            let step = self.reader.i64()?;
            let from = if step == 0 { self.before.member_key } else { 0 };
            Ok(Sale {
                day: i64::from(self.before.day).wrapping_add(step) as i32,
                member_key: from.wrapping_add(self.reader.u64()? as u32),
                quantity_milli: self.reader.i64()?,
                amount_fen: self.reader.i64()?,
            })
        }
    }

    impl Iterator for Sales<'_> {
        type Item = Result<Sale, Damaged>;

        #[inline]
        fn next(&mut self) -> Option<Self::Item> {
            if self.reader.is_empty() {
                return None;
            }
            let sale = self.take();
            match &sale {
                Ok(sale) => self.before = *sale,
                Err(Damaged) => self.reader = Reader::new(&[]),
            }
            Some(sale)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::lines::PackedLine;
    use super::sales::Sale;
    use super::{days, lines, sales};

    proptest! {
        #[test]
        fn days_come_back(entries in prop::collection::btree_map(-100_000_i32..100_000, any::<i64>(), 0..40)) {
            let mut packed = Vec::new();
            let mut before = 0;
            for (&day, &net_fen) in &entries {
                days::put(&mut packed, before, day, net_fen);
                before = day;
            }
            let read: BTreeMap<i32, i64> = days::read(&packed).map(Result::unwrap).collect();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn lines_come_back(
            mut entries in prop::collection::vec(
                (-90_000_i32..90_000, -1_i32..86_400, "[a-z0-9]{0,9}", any::<u32>(), any::<i64>(), prop::option::of(any::<i64>())),
                0..20,
            ),
        ) {
            entries.sort();
            let entries: Vec<PackedLine<'_>> = entries
                .iter()
                .map(|(day, second, id, key, number, cost_fen)| PackedLine {
                    day: *day, second: *second, id: id.as_bytes(), drug_key: *key, store_key: key / 2,
                    quantity_milli: *number, amount_fen: number / 3, cost_fen: *cost_fen,
                })
                .collect();
            let mut packed = Vec::new();
            let mut before = 0;
            for line in &entries {
                lines::put(&mut packed, before, line);
                before = line.day;
            }
            prop_assert_eq!(lines::read(&packed).unwrap(), entries);
        }

        #[test]
        fn sales_come_back(
            mut entries in prop::collection::vec((-9_i32..9, 0_u32..9, any::<i64>(), -3_i64..3), 0..40),
            far in prop::option::of((any::<i32>(), any::<u32>())),
        ) {
            entries.extend(far.map(|(day, member_key)| (day, member_key, 1, 1)));
            entries.sort_unstable();
            let entries: Vec<Sale> = entries
                .into_iter()
                .map(|(day, member_key, quantity_milli, amount_fen)| Sale { day, member_key, quantity_milli, amount_fen })
                .collect();
            let read: Vec<Sale> = sales::read(&sales::pack(&entries)).map(Result::unwrap).collect();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn damaged_rows_are_errors_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = lines::read(&bytes);
            let _ = days::read(&bytes).count();
            let _ = sales::read(&bytes).count();
        }
    }
}
