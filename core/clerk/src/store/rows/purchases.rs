//! Purchase lines: packed column by column on the wire, all lines of a member in one piece in the file.
//!
//! | table | what it is for |
//! |---|---|
//! | `purchases` | the lines as they are, one row a member: a profile reads one place of the file |
//! | `bought` | their net by drug, day and member: what audiences read |
//!
//! Both are written together, here and nowhere else.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;
use yaoban_protocol::row::{Purchases, entity};
use yaoban_protocol::varint::{Damaged, Reader, put_i64, put_u64};

use super::super::bulk::insert_all;
use super::super::{Result, StoreError, Tx};
use super::catalogue::Interned;
use super::mark_stale;

/// Lines that a first load holds at once to bring them into the order of `bought`.
const SORTED_LINES_MAX: usize = 300_000;

/// One line as it is stored. The lines of a day keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredLine {
    /// Business date.
    pub day: i32,
    /// Second of the day, if told.
    pub second: Option<i32>,
    /// Key of the drug, if told.
    pub drug_key: Option<i64>,
    /// Key of the store, if told.
    pub store_key: Option<i64>,
    /// Packs in thousandths, negative for a return.
    pub quantity_milli: i64,
    /// Fen, negative for a return.
    pub amount_fen: i64,
}

/// The lines as one piece: days as differences, what may be missing as one more than it is.
fn pack(lines: &[StoredLine]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(lines.len() * 14);
    let mut before = 0;
    for line in lines {
        put_i64(&mut packed, i64::from(line.day) - before);
        before = i64::from(line.day);
        put_u64(&mut packed, line.second.map_or(0, |second| second as u64 + 1));
        put_u64(&mut packed, line.drug_key.map_or(0, |key| key as u64 + 1));
        put_u64(&mut packed, line.store_key.map_or(0, |key| key as u64 + 1));
        put_i64(&mut packed, line.quantity_milli);
        put_i64(&mut packed, line.amount_fen);
    }
    packed
}

/// Reads what [`pack`] wrote.
fn unpack(packed: &[u8]) -> Result<Vec<StoredLine>> {
    read_packed(packed).map_err(|damaged| StoreError::Row {
        entity: entity::PURCHASES.into(),
        what: damaged.to_string(),
    })
}

fn read_packed(packed: &[u8]) -> std::result::Result<Vec<StoredLine>, Damaged> {
    let mut reader = Reader::new(packed);
    let mut lines = Vec::with_capacity(packed.len() / 10);
    let mut day = 0_i64;
    while !reader.is_empty() {
        day = day.wrapping_add(reader.i64()?);
        lines.push(StoredLine {
            day: day as i32,
            second: reader.u64()?.checked_sub(1).map(|second| second as i32),
            drug_key: reader.u64()?.checked_sub(1).map(|key| key as i64),
            store_key: reader.u64()?.checked_sub(1).map(|key| key as i64),
            quantity_milli: reader.i64()?,
            amount_fen: reader.i64()?,
        });
    }
    Ok(lines)
}

/// Packs (thousandths) and fen by drug and day. Lines without a drug are in no audience, and what
/// nets to nothing changes none.
fn net(lines: &[StoredLine]) -> FxHashMap<(i64, i32), (i64, i64)> {
    let mut net = FxHashMap::default();
    for line in lines {
        let Some(drug_key) = line.drug_key else { continue };
        let sums: &mut (i64, i64) = net.entry((drug_key, line.day)).or_default();
        sums.0 = sums.0.saturating_add(line.quantity_milli);
        sums.1 = sums.1.saturating_add(line.amount_fen);
    }
    net.retain(|_, sums| *sums != (0, 0));
    net
}

/// The key of exactly this id. Not of an alias: the lines of a merged record are the hub's to move.
fn exact_key(conn: &Connection, id: &str) -> Result<Option<i64>> {
    super::member::named_key(conn, id)
}

/// Replaces the lines of a member.
pub fn put_purchases(tx: &Tx<'_>, purchases: &Purchases) -> Result<()> {
    let key = match exact_key(tx, &purchases.member_id)? {
        Some(key) => key,
        None => super::member::insert_stub(tx, &purchases.member_id)?,
    };
    let lines = lines_of(tx, purchases, &mut Interned::default())?;
    replace(tx, key, &lines)
}

/// Writes what differs: a visit adds a few lines to many.
fn replace(tx: &Tx<'_>, key: i64, lines: &[StoredLine]) -> Result<()> {
    let held = stored_lines(tx, key)?;
    if held == lines {
        return mark_stale(tx, key);
    }
    let (before, after) = (net(&held), net(lines));
    let mut delete =
        tx.prepare_cached("DELETE FROM bought WHERE drug_key = ?1 AND day = ?2 AND member_key = ?3")?;
    for (drug_key, day) in before.keys().filter(|place| !after.contains_key(place)) {
        delete.execute(params![drug_key, day, key])?;
    }
    let mut insert = tx.prepare_cached(INSERT_BOUGHT)?;
    for (place, sums) in &after {
        if before.get(place) != Some(sums) {
            insert.execute(params![place.0, place.1, key, sums.0, sums.1])?;
        }
    }
    if lines.is_empty() {
        tx.prepare_cached("DELETE FROM purchases WHERE member_key = ?1")?
            .execute([key])?;
    } else {
        tx.prepare_cached(INSERT_LINES)?
            .execute(params![key, pack(lines)])?;
    }
    mark_stale(tx, key)
}

const INSERT_LINES: &str = "INSERT OR REPLACE INTO purchases (member_key, lines) VALUES (?1, ?2)";

const INSERT_BOUGHT: &str =
    "INSERT OR REPLACE INTO bought (drug_key, day, member_key, quantity_milli, amount_fen)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// For a fresh file: writes the lines of a member that has none. [`build_bought`] comes later.
pub(in crate::store) fn insert_lines(
    conn: &Connection,
    key: i64,
    purchases: &Purchases,
    interned: &mut Interned,
) -> Result<()> {
    let lines = lines_of(conn, purchases, interned)?;
    if lines.is_empty() {
        return Ok(());
    }
    conn.prepare_cached(INSERT_LINES)?
        .execute(params![key, pack(&lines)])?;
    Ok(())
}

/// Fills `bought` of a fresh file, in its order, so that its tree grows at the right edge only.
pub(in crate::store) fn build_bought(conn: &Connection) -> Result<()> {
    let mut counts: FxHashMap<i64, usize> = FxHashMap::default();
    each_member(conn, |_, lines| {
        for drug_key in lines.iter().filter_map(|line| line.drug_key) {
            *counts.entry(drug_key).or_default() += 1;
        }
    })?;
    let mut drugs: Vec<(i64, usize)> = counts.into_iter().collect();
    drugs.sort_unstable();
    let mut rest = drugs.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(drugs_at_once(rest));
        rest = later;
        insert_sorted(conn, now[0].0, now[now.len() - 1].0)?;
    }
    Ok(())
}

/// How many of the drugs have few enough lines to be sorted at once; at least one.
fn drugs_at_once(drugs: &[(i64, usize)]) -> usize {
    let mut lines = 0;
    let fit = drugs.iter().take_while(|(_, count)| {
        lines += count;
        lines <= SORTED_LINES_MAX
    });
    fit.count().max(1)
}

/// The rows of `bought` for a range of drugs.
fn insert_sorted(conn: &Connection, first: i64, last: i64) -> Result<()> {
    let mut sorted: Vec<(i64, i32, i64, i64, i64)> = Vec::new();
    each_member(conn, |key, lines| {
        for line in lines {
            if let Some(drug_key) = line.drug_key.filter(|drug_key| (first..=last).contains(drug_key)) {
                sorted.push((drug_key, line.day, key, line.quantity_milli, line.amount_fen));
            }
        }
    })?;
    sorted.sort_unstable();
    sorted.dedup_by(|line, sums| {
        let same = (line.0, line.1, line.2) == (sums.0, sums.1, sums.2);
        if same {
            sums.3 = sums.3.saturating_add(line.3);
            sums.4 = sums.4.saturating_add(line.4);
        }
        same
    });
    sorted.retain(|sums| (sums.3, sums.4) != (0, 0));
    let rows = sorted.iter().map(|(drug_key, day, key, packs, fen)| {
        [
            ToSqlOutput::from(*drug_key),
            ToSqlOutput::from(*day),
            ToSqlOutput::from(*key),
            ToSqlOutput::from(*packs),
            ToSqlOutput::from(*fen),
        ]
    });
    insert_all(
        conn,
        "INSERT OR REPLACE INTO bought (drug_key, day, member_key, quantity_milli, amount_fen)",
        rows,
    )
}

/// Hands the lines of every member to `take`.
fn each_member(conn: &Connection, mut take: impl FnMut(i64, &[StoredLine])) -> Result<()> {
    let mut statement = conn.prepare_cached("SELECT member_key, lines FROM purchases")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let packed = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        take(row.get(0)?, &unpack(packed)?);
    }
    Ok(())
}

/// The lines as they are stored; columns of different lengths and indexes out of range are refused.
fn lines_of(conn: &Connection, purchases: &Purchases, interned: &mut Interned) -> Result<Vec<StoredLine>> {
    let wrong = |what: &str| StoreError::Row {
        entity: entity::PURCHASES.into(),
        what: what.into(),
    };
    let count = purchases.days.len();
    let lengths = [
        purchases.seconds.len(),
        purchases.drug_index.len(),
        purchases.store_index.len(),
        purchases.quantities_milli.len(),
        purchases.amounts_fen.len(),
    ];
    if lengths.iter().any(|length| *length != count) {
        return Err(wrong("columns have different lengths"));
    }
    let drugs: Vec<i64> = purchases
        .drugs
        .iter()
        .map(|id| interned.drug(conn, id))
        .collect::<Result<_>>()?;
    let stores: Vec<i64> = purchases
        .stores
        .iter()
        .map(|id| interned.store(conn, id))
        .collect::<Result<_>>()?;
    let pick = |keys: &[i64], index: i32| match usize::try_from(index) {
        Err(_) => Ok(None),
        Ok(index) => keys
            .get(index)
            .map(|key| Some(*key))
            .ok_or_else(|| wrong("index out of range")),
    };
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by_key(|at| (purchases.days[*at], *at));
    let lines = order.into_iter().map(|at| {
        Ok(StoredLine {
            day: purchases.days[at],
            second: Some(purchases.seconds[at]).filter(|second| *second >= 0),
            drug_key: pick(&drugs, purchases.drug_index[at])?,
            store_key: pick(&stores, purchases.store_index[at])?,
            quantity_milli: purchases.quantities_milli[at],
            amount_fen: purchases.amounts_fen[at],
        })
    });
    lines.collect()
}

/// The lines of a member, oldest first.
pub fn stored_lines(conn: &Connection, member_key: i64) -> Result<Vec<StoredLine>> {
    let mut statement = conn.prepare_cached("SELECT lines FROM purchases WHERE member_key = ?1")?;
    let mut rows = statement.query([member_key])?;
    match rows.next()? {
        Some(row) => unpack(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?),
        None => Ok(Vec::new()),
    }
}

/// The lines of a member in the form in which they travel; none without lines.
pub fn packed(conn: &Connection, member_id: &str) -> Result<Option<Purchases>> {
    let Some(key) = exact_key(conn, member_id)? else {
        return Ok(None);
    };
    let lines = stored_lines(conn, key)?;
    if lines.is_empty() {
        return Ok(None);
    }
    let mut purchases = Purchases {
        member_id: member_id.to_owned(),
        ..Purchases::default()
    };
    let (mut drugs, mut stores) = (FxHashMap::default(), FxHashMap::default());
    for line in lines {
        purchases.days.push(line.day);
        purchases.seconds.push(line.second.unwrap_or(-1));
        purchases.quantities_milli.push(line.quantity_milli);
        purchases.amounts_fen.push(line.amount_fen);
        let drug = index_of(
            conn,
            line.drug_key,
            &mut drugs,
            &mut purchases.drugs,
            "SELECT drug_id FROM drug WHERE drug_key = ?1",
        )?;
        purchases.drug_index.push(drug);
        let store = index_of(
            conn,
            line.store_key,
            &mut stores,
            &mut purchases.stores,
            "SELECT store_id FROM place WHERE store_key = ?1",
        )?;
        purchases.store_index.push(store);
    }
    Ok(Some(purchases))
}

fn index_of(
    conn: &Connection,
    key: Option<i64>,
    seen: &mut FxHashMap<i64, i32>,
    ids: &mut Vec<String>,
    sql: &str,
) -> Result<i32> {
    let Some(key) = key else { return Ok(-1) };
    if let Some(index) = seen.get(&key) {
        return Ok(*index);
    }
    ids.push(conn.prepare_cached(sql)?.query_row([key], |row| row.get(0))?);
    let index = ids.len() as i32 - 1;
    seen.insert(key, index);
    Ok(index)
}

/// All lines of the member leave this phone.
pub(super) fn remove(tx: &Tx<'_>, member_id: &str) -> Result<()> {
    exact_key(tx, member_id)?.map_or(Ok(()), |key| remove_lines(tx, key))
}

/// All lines of the key leave this phone.
pub(super) fn remove_lines(tx: &Tx<'_>, member_key: i64) -> Result<()> {
    replace(tx, member_key, &[])
}

/// Gives the lines of one member to another, behind those that it has on the same day.
pub fn move_lines(tx: &Tx<'_>, from_key: i64, to_key: i64) -> Result<()> {
    let own = stored_lines(tx, to_key)?;
    let mut lines = Vec::new();
    let mut given = stored_lines(tx, from_key)?.into_iter().peekable();
    for line in own {
        while let Some(before) = given.next_if(|other| other.day < line.day) {
            lines.push(before);
        }
        lines.push(line);
    }
    lines.extend(given);
    remove_lines(tx, from_key)?;
    replace(tx, to_key, &lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{StoredLine, pack, read_packed};

    fn key() -> impl Strategy<Value = Option<i64>> {
        proptest::option::of(0..i64::MAX)
    }

    proptest! {
        #[test]
        fn packed_lines_come_back(
            lines in prop::collection::vec(
                (-90_000_i32..90_000, proptest::option::of(0..86_400), key(), key(), any::<i64>(), any::<i64>()),
                0..20,
            ),
        ) {
            let lines: Vec<StoredLine> = lines
                .into_iter()
                .map(|(day, second, drug_key, store_key, quantity_milli, amount_fen)| StoredLine {
                    day, second, drug_key, store_key, quantity_milli, amount_fen,
                })
                .collect();
            prop_assert_eq!(read_packed(&pack(&lines)).unwrap(), lines);
        }

        #[test]
        fn damaged_lines_are_errors_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_packed(&bytes);
        }
    }
}
