//! Drugs and the store's stock, and the keys that lines hold in place of ids.

use rusqlite::{Connection, OptionalExtension, Row, params};
use rustc_hash::FxHashMap;
use yaoban_domain::model::{Drug, Stock};

use super::super::{Result, Tx};

const COLUMNS: &str = "drug_id, name, ingredient, category, manufacturer, spec, units_per_pack_milli,
    daily_units_milli, prescription, chronic";

/// Stores a drug of the catalogue.
pub fn put_drug(tx: &Tx<'_>, drug: &Drug) -> Result<()> {
    write_drug(tx, drug)
}

pub(in crate::store) fn write_drug(conn: &Connection, drug: &Drug) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO drug (drug_id, known, name, ingredient, category, manufacturer, spec, units_per_pack_milli,
            daily_units_milli, prescription, chronic)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (drug_id) DO UPDATE SET known = 1, name = ?2, ingredient = ?3, category = ?4, manufacturer = ?5,
            spec = ?6, units_per_pack_milli = ?7, daily_units_milli = ?8, prescription = ?9, chronic = ?10",
    )?
    .execute(params![
        drug.id,
        drug.name,
        drug.ingredient,
        drug.category,
        drug.manufacturer,
        drug.spec,
        drug.units_per_pack_milli,
        drug.daily_units_milli,
        drug.prescription,
        drug.chronic
    ])?;
    Ok(())
}

/// The drug left the catalogue; lines that name it keep its key.
pub(super) fn remove_drug(tx: &Tx<'_>, id: &str) -> Result<()> {
    tx.prepare_cached("UPDATE drug SET known = 0 WHERE drug_id = ?1")?
        .execute([id])?;
    Ok(())
}

/// A drug of the catalogue.
pub fn drug(conn: &Connection, id: &str) -> Result<Option<Drug>> {
    Ok(conn
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM drug WHERE drug_id = ?1 AND known = 1"
        ))?
        .query_row([id], read)
        .optional()?)
}

/// The drug of a key; one that the catalogue has not told of has its id as its name.
pub fn drug_by_key(conn: &Connection, key: i64) -> Result<Option<Drug>> {
    Ok(conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM drug WHERE drug_key = ?1"))?
        .query_row([key], read)
        .optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Drug> {
    Ok(Drug {
        id: row.get(0)?,
        name: row.get(1)?,
        ingredient: row.get(2)?,
        category: row.get(3)?,
        manufacturer: row.get(4)?,
        spec: row.get(5)?,
        units_per_pack_milli: row.get(6)?,
        daily_units_milli: row.get(7)?,
        prescription: row.get(8)?,
        chronic: row.get(9)?,
    })
}

/// Stores what the store has of a drug.
pub fn put_stock(tx: &Tx<'_>, stock: &Stock) -> Result<()> {
    write_stock(tx, stock)
}

pub(in crate::store) fn write_stock(conn: &Connection, stock: &Stock) -> Result<()> {
    let key = drug_key(conn, &stock.drug_id)?;
    conn.prepare_cached(
        "INSERT INTO stock (drug_key, units_milli) VALUES (?1, ?2) ON CONFLICT (drug_key) DO UPDATE SET units_milli = ?2",
    )?
    .execute(params![key, stock.units_milli])?;
    Ok(())
}

pub(super) fn remove_stock(tx: &Tx<'_>, id: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM stock WHERE drug_key = (SELECT drug_key FROM drug WHERE drug_id = ?1)")?
        .execute([id])?;
    Ok(())
}

fn drug_key(conn: &Connection, id: &str) -> Result<i64> {
    let key = conn
        .prepare_cached("SELECT drug_key FROM drug WHERE drug_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    key.map_or_else(
        || {
            Ok(conn
                .prepare_cached(
                    "INSERT INTO drug (drug_id, known, name, prescription, chronic) VALUES (?1, 0, ?1, 0, 0)",
                )?
                .insert([id])?)
        },
        Ok,
    )
}

fn store_key(conn: &Connection, id: &str) -> Result<i64> {
    let key = conn
        .prepare_cached("SELECT store_key FROM place WHERE store_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    key.map_or_else(
        || {
            Ok(conn
                .prepare_cached("INSERT INTO place (store_id) VALUES (?1)")?
                .insert([id])?)
        },
        Ok,
    )
}

/// The id of a store that lines name.
pub fn store_id(conn: &Connection, key: i64) -> Result<Option<String>> {
    Ok(conn
        .prepare_cached("SELECT store_id FROM place WHERE store_key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

/// Keys of drugs and stores, remembered for the length of a load.
#[derive(Default)]
pub(in crate::store) struct Interned {
    drugs: FxHashMap<String, i64>,
    stores: FxHashMap<String, i64>,
}

impl Interned {
    /// The key of a drug; an unknown one gets a row without data.
    pub(in crate::store) fn drug(&mut self, conn: &Connection, id: &str) -> Result<i64> {
        remembered(&mut self.drugs, id, || drug_key(conn, id))
    }

    /// The key of a store.
    pub(in crate::store) fn store(&mut self, conn: &Connection, id: &str) -> Result<i64> {
        remembered(&mut self.stores, id, || store_key(conn, id))
    }
}

fn remembered(
    keys: &mut FxHashMap<String, i64>,
    id: &str,
    find: impl FnOnce() -> Result<i64>,
) -> Result<i64> {
    if let Some(key) = keys.get(id) {
        return Ok(*key);
    }
    let key = find()?;
    keys.insert(id.to_owned(), key);
    Ok(key)
}
