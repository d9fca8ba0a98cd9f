//! What rows refer to: members, stores, drugs, as they are known now.

use std::collections::HashSet;

use super::ids::IdMap;
use crate::storage::StorageError;
use crate::storage::sqlite::Database;

/// The key of something that a dry run did not write.
pub(crate) const NOT_WRITTEN: u32 = u32::MAX;

/// Ids with their keys, kept up to date by the import itself. In a dry run new ids stand here only.
#[derive(Debug, Default)]
pub(crate) struct Refs {
    pub stores: IdMap,
    pub drugs: IdMap,
    /// By id, then by the other ids of the same persons. The id of a member that became part of
    /// another one keeps the key it had, so that what comes by it can be told apart and go back.
    /// Erased ones are not known.
    pub members: IdMap,
    /// Ingredients of the catalogue.
    pub ingredients: HashSet<String>,
}

impl Refs {
    /// Everything as it stands in the database.
    pub fn load(database: &Database) -> Result<Self, StorageError> {
        let mut refs = Self::default();
        database.read::<_, StorageError>(|tx| {
            tx.each_key("SELECT store_id, store_key FROM store", |id, key| {
                refs.stores.insert(id, key);
            })?;
            tx.each_key("SELECT drug_id, drug_key FROM drug", |id, key| {
                refs.drugs.insert(id, key);
            })?;
            tx.each_key(
                "SELECT member_id, member_key FROM member WHERE erased = 0",
                |id, key| {
                    refs.members.insert(id, key);
                },
            )?;
            tx.each_key(
                "SELECT a.alias, coalesce(h.from_key, m.member_key) FROM member_alias a
                 JOIN member m ON m.member_id = a.member_id LEFT JOIN moved_history h ON h.from_id = a.alias
                 WHERE m.erased = 0",
                |id, key| refs.members.insert(id, key),
            )?;
            refs.ingredients = tx.ingredients()?;
            Ok(())
        })?;
        Ok(refs)
    }
}
