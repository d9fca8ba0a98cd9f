//! Settings, stores, staff, drugs and stock.

use rusqlite::{OptionalExtension as _, Row, named_params, params};
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::codes::Open;
use yaoban_domain::model::{Drug, Staff, Stock, Store};

use super::Tx;
use super::work::{body, read_body};
use crate::storage::StorageError;

const STORE: &str = "SELECT store_id, name, region FROM store";
const STAFF: &str = "SELECT staff_id, store_id, region, name, role, pharmacist, active, off_day FROM staff";
const DRUG: &str = "SELECT drug_id, name, ingredient, category, manufacturer, spec, units_per_pack_milli, \
                    daily_units_milli, prescription, chronic FROM drug";

fn read_store(row: &Row<'_>) -> rusqlite::Result<Store> {
    Ok(Store {
        id: row.get(0)?,
        name: row.get(1)?,
        region: row.get(2)?,
    })
}

fn read_staff(row: &Row<'_>) -> rusqlite::Result<Staff> {
    Ok(Staff {
        id: row.get(0)?,
        store_id: row.get(1)?,
        region: row.get(2)?,
        name: row.get(3)?,
        role: Open::read(row.get_ref(4)?.as_str()?),
        pharmacist: row.get(5)?,
        active: row.get(6)?,
        off_on: row.get::<_, Option<i32>>(7)?.map(from_day_number),
    })
}

fn read_drug(row: &Row<'_>) -> rusqlite::Result<Drug> {
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

impl Tx<'_> {
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StorageError> {
        Ok(self
            .connection()
            .prepare_cached(sql)?
            .query_row(params, read)
            .optional()?)
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StorageError> {
        Ok(self
            .connection()
            .prepare_cached(sql)?
            .query_map(params, read)?
            .collect::<Result<_, _>>()?)
    }

    pub(super) fn put(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), StorageError> {
        self.connection().prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    pub(super) fn meta_row(&self, key: &str) -> Result<Option<String>, StorageError> {
        self.one("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
    }

    pub(super) fn put_meta_row(&self, key: &str, value: &str) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            [key, value],
        )
    }

    pub(super) fn store_row(&self, id: &str) -> Result<Option<Store>, StorageError> {
        self.one(&format!("{STORE} WHERE store_id = ?1"), [id], read_store)
    }

    pub(super) fn store_rows(&self) -> Result<Vec<Store>, StorageError> {
        self.all(&format!("{STORE} ORDER BY store_id"), [], read_store)
    }

    pub(super) fn put_store_row(&self, store: &Store) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO store (store_id, name, region) VALUES (?1, ?2, ?3)
             ON CONFLICT (store_id) DO UPDATE SET name = excluded.name, region = excluded.region",
            params![store.id, store.name, store.region],
        )
    }

    pub(super) fn staff_row(&self, id: &str) -> Result<Option<Staff>, StorageError> {
        self.one(&format!("{STAFF} WHERE staff_id = ?1"), [id], read_staff)
    }

    pub(super) fn staff_rows(&self, store_id: Option<&str>) -> Result<Vec<Staff>, StorageError> {
        match store_id {
            Some(id) => self.all(
                &format!("{STAFF} WHERE store_id = ?1 ORDER BY staff_id"),
                [id],
                read_staff,
            ),
            None => self.all(&format!("{STAFF} ORDER BY staff_id"), [], read_staff),
        }
    }

    pub(super) fn put_staff_row(&self, staff: &Staff) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO staff (staff_id, store_id, region, name, role, pharmacist, active, off_day)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (staff_id) DO UPDATE SET store_id = excluded.store_id, region = excluded.region,
                name = excluded.name, role = excluded.role, pharmacist = excluded.pharmacist,
                active = excluded.active, off_day = excluded.off_day",
            params![
                staff.id,
                staff.store_id,
                staff.region,
                staff.name,
                staff.role.code(),
                staff.pharmacist,
                staff.active,
                staff.off_on.map(day_number),
            ],
        )
    }

    /// Keeps what someone's rights were until now.
    pub fn staff_changed(&self, before: &Staff, now_ms: i64) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO staff_history (staff_id, until_ms, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![before.id, now_ms, body("staff", &before.id, before)?],
        )
    }

    /// Someone as they were at an instant; none if nothing has changed since that is still kept.
    pub fn staff_at(&self, id: &str, at_ms: i64) -> Result<Option<Staff>, StorageError> {
        self.one(
            "SELECT body FROM staff_history WHERE staff_id = ?1 AND until_ms > ?2 ORDER BY until_ms LIMIT 1",
            params![id, at_ms],
            read_body,
        )
    }

    /// Forgets rights that ended before an instant.
    pub fn prune_staff_history(&self, before_ms: i64) -> Result<(), StorageError> {
        self.put("DELETE FROM staff_history WHERE until_ms < ?1", [before_ms])
    }

    pub(super) fn drug_row(&self, id: &str) -> Result<Option<Drug>, StorageError> {
        self.one(&format!("{DRUG} WHERE drug_id = ?1"), [id], read_drug)
    }

    pub(super) fn drug_rows(&self) -> Result<Vec<Drug>, StorageError> {
        self.all(&format!("{DRUG} ORDER BY drug_id"), [], read_drug)
    }

    pub(super) fn put_drug_row(&self, drug: &Drug) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO drug (drug_id, name, ingredient, category, manufacturer, spec, units_per_pack_milli,
                daily_units_milli, prescription, chronic)
             VALUES (:id, :name, :ingredient, :category, :manufacturer, :spec, :pack, :daily, :rx, :chronic)
             ON CONFLICT (drug_id) DO UPDATE SET name = excluded.name, ingredient = excluded.ingredient,
                category = excluded.category, manufacturer = excluded.manufacturer, spec = excluded.spec,
                units_per_pack_milli = excluded.units_per_pack_milli,
                daily_units_milli = excluded.daily_units_milli,
                prescription = excluded.prescription, chronic = excluded.chronic",
            named_params! {
                ":id": drug.id, ":name": drug.name, ":ingredient": drug.ingredient, ":category": drug.category,
                ":manufacturer": drug.manufacturer, ":spec": drug.spec, ":pack": drug.units_per_pack_milli,
                ":daily": drug.daily_units_milli, ":rx": drug.prescription, ":chronic": drug.chronic,
            },
        )
    }

    pub(super) fn stock_row(&self, store_id: &str, drug_id: &str) -> Result<Option<Stock>, StorageError> {
        self.one(
            "SELECT drug_id, units_milli FROM stock WHERE store_id = ?1 AND drug_id = ?2",
            [store_id, drug_id],
            |row| {
                Ok(Stock {
                    drug_id: row.get(0)?,
                    units_milli: row.get(1)?,
                })
            },
        )
    }

    pub(super) fn put_stock_row(&self, store_id: &str, stock: &Stock) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO stock VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET units_milli = excluded.units_milli",
            params![store_id, stock.drug_id, stock.units_milli],
        )
    }
}
