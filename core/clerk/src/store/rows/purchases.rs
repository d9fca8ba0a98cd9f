//! Purchase lines: packed column by column on the wire, one row a line in the file.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use rustc_hash::{FxHashMap, FxHashSet};
use yaoban_protocol::row::{Purchases, entity};

use super::super::{Result, StoreError, Tx};
use super::catalogue::Interned;
use super::mark_stale;

/// One line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// Business date.
    pub day: i32,
    /// Order within the day.
    pub ord: i64,
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

/// The key of exactly this id. Not of an alias: the lines of a merged record are the hub's to move.
fn exact_key(conn: &Connection, id: &str) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached("SELECT member_key FROM member WHERE member_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

/// Replaces the lines of a member. Only what differs is written: a visit adds a few lines to many.
pub fn put_purchases(tx: &Tx<'_>, purchases: &Purchases) -> Result<()> {
    let key = match exact_key(tx, &purchases.member_id)? {
        Some(key) => key,
        None => super::member::insert_stub(tx, &purchases.member_id)?,
    };
    let wanted = lines_of(tx, purchases, &mut Interned::default())?;
    let held = stored_lines(tx, key)?;
    let same: FxHashSet<(i32, i64)> = {
        let held: FxHashMap<(i32, i64), &StoredLine> =
            held.iter().map(|line| ((line.day, line.ord), line)).collect();
        let unchanged = wanted
            .iter()
            .filter(|line| held.get(&(line.day, line.ord)) == Some(line));
        unchanged.map(|line| (line.day, line.ord)).collect()
    };
    let mut delete = tx.prepare_cached("DELETE FROM line WHERE member_key = ?1 AND day = ?2 AND ord = ?3")?;
    for line in held.iter().filter(|line| !same.contains(&(line.day, line.ord))) {
        delete.execute(params![key, line.day, line.ord])?;
    }
    let mut insert = tx.prepare_cached(INSERT)?;
    for line in wanted.iter().filter(|line| !same.contains(&(line.day, line.ord))) {
        insert_line(&mut insert, key, line)?;
    }
    mark_stale(tx, key)
}

const INSERT: &str =
    "INSERT INTO line (member_key, day, ord, second, drug_key, store_key, quantity_milli, amount_fen)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

fn insert_line(insert: &mut CachedStatement<'_>, key: i64, line: &StoredLine) -> Result<()> {
    insert.execute(params![
        key,
        line.day,
        line.ord,
        line.second,
        line.drug_key,
        line.store_key,
        line.quantity_milli,
        line.amount_fen,
    ])?;
    Ok(())
}

/// Writes the lines of a member that has none.
pub(in crate::store) fn insert_lines(
    conn: &Connection,
    key: i64,
    purchases: &Purchases,
    interned: &mut Interned,
) -> Result<()> {
    let mut insert = conn.prepare_cached(INSERT)?;
    lines_of(conn, purchases, interned)?
        .iter()
        .try_for_each(|line| insert_line(&mut insert, key, line))
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
    order.sort_by_key(|at| purchases.days[*at]);
    let (mut day, mut ord) = (i32::MIN, 0_i64);
    let lines = order.into_iter().map(|at| {
        ord = if purchases.days[at] == day { ord + 1 } else { 0 };
        day = purchases.days[at];
        Ok(StoredLine {
            day,
            ord,
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
    let mut statement = conn.prepare_cached(
        "SELECT day, ord, second, drug_key, store_key, quantity_milli, amount_fen FROM line
         WHERE member_key = ?1 ORDER BY day, ord",
    )?;
    let lines = statement.query_map([member_key], |row| {
        Ok(StoredLine {
            day: row.get(0)?,
            ord: row.get(1)?,
            second: row.get(2)?,
            drug_key: row.get(3)?,
            store_key: row.get(4)?,
            quantity_milli: row.get(5)?,
            amount_fen: row.get(6)?,
        })
    })?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
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
    let Some(key) = exact_key(tx, member_id)? else {
        return Ok(());
    };
    tx.prepare_cached("DELETE FROM line WHERE member_key = ?1")?
        .execute([key])?;
    mark_stale(tx, key)
}

/// Gives the lines of one member to another, behind those that it has on the same day.
pub fn move_lines(tx: &Tx<'_>, from_key: i64, to_key: i64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO line (member_key, day, ord, second, drug_key, store_key, quantity_milli, amount_fen)
         SELECT ?2, l.day, l.ord + 1 + coalesce((SELECT max(m.ord) FROM line m WHERE m.member_key = ?2 AND m.day = l.day), -1),
                l.second, l.drug_key, l.store_key, l.quantity_milli, l.amount_fen
         FROM line l WHERE l.member_key = ?1",
    )?
    .execute([from_key, to_key])?;
    tx.prepare_cached("DELETE FROM line WHERE member_key = ?1")?
        .execute([from_key])?;
    mark_stale(tx, from_key)?;
    mark_stale(tx, to_key)
}
