//! [`Records`] over SQLite. The statements stand beside their tables' subjects.

use chrono::NaiveDate;
use yaoban_domain::model::{Drug, Member, Reading, Staff, Stock, Store};

use super::Tx;
use crate::storage::{Records, StorageError};

impl Records for Tx<'_> {
    fn meta(&self, key: &str) -> Result<Option<String>, StorageError> {
        self.meta_row(key)
    }

    fn set_meta(&self, key: &str, value: &str) -> Result<(), StorageError> {
        self.put_meta_row(key, value)
    }

    fn store(&self, id: &str) -> Result<Option<Store>, StorageError> {
        self.store_row(id)
    }

    fn stores(&self) -> Result<Vec<Store>, StorageError> {
        self.store_rows()
    }

    fn put_store(&self, store: &Store) -> Result<(), StorageError> {
        self.put_store_row(store)
    }

    fn staff(&self, id: &str) -> Result<Option<Staff>, StorageError> {
        self.staff_row(id)
    }

    fn staff_of(&self, store_id: Option<&str>) -> Result<Vec<Staff>, StorageError> {
        self.staff_rows(store_id)
    }

    fn put_staff(&self, staff: &Staff) -> Result<(), StorageError> {
        self.put_staff_row(staff)
    }

    fn drug(&self, id: &str) -> Result<Option<Drug>, StorageError> {
        self.drug_row(id)
    }

    fn drugs(&self) -> Result<Vec<Drug>, StorageError> {
        self.drug_rows()
    }

    fn put_drug(&self, drug: &Drug) -> Result<(), StorageError> {
        self.put_drug_row(drug)
    }

    fn stock(&self, store_id: &str, drug_id: &str) -> Result<Option<Stock>, StorageError> {
        self.stock_row(store_id, drug_id)
    }

    fn put_stock(&self, store_id: &str, stock: &Stock) -> Result<(), StorageError> {
        self.put_stock_row(store_id, stock)
    }

    fn member(&self, id: &str) -> Result<Option<Member>, StorageError> {
        self.member_row(id)
    }

    fn put_member(&self, member: &Member) -> Result<(), StorageError> {
        self.put_member_row(member)
    }

    fn reading(&self, id: &str) -> Result<Option<Reading>, StorageError> {
        self.reading_row(id)
    }

    fn readings_of(&self, member_id: &str) -> Result<Vec<Reading>, StorageError> {
        self.reading_rows(member_id)
    }

    fn put_reading(&self, reading: &Reading, day: NaiveDate) -> Result<(), StorageError> {
        self.put_reading_row(reading, day)
    }
}
