//! A phone's own file: rows as they come by a pull, figures as the phone computes them.

use std::collections::BTreeSet;

use rusqlite::params_from_iter;
use tempfile::TempDir;
use yaoban_clerk_core::store::{Durability, Store, StoreError, rows};
use yaoban_clerk_core::vault::{DatabaseKey, KEY_BYTES, KeyVault, VaultError};
use yaoban_domain::audience::sql::CompiledSql;
use yaoban_domain::calendar::day_number;
use yaoban_domain::model::ClassModel;
use yaoban_domain::rules::Rules;
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::row::{Purchases, entity};

use crate::records::{MemberRecords, drugs};
use crate::reference::values;
use crate::world::World;

struct TestVault;

impl KeyVault for TestVault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(DatabaseKey::new(Box::new([7; KEY_BYTES])))
    }
}

/// A phone that holds all members of a world.
pub struct Phone {
    store: Store,
    _directory: TempDir,
}

impl Phone {
    pub fn load(world: &World, members: &[MemberRecords], model: &ClassModel, rules: &Rules) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&directory.path().join("clerk.db"), &TestVault, 0).unwrap();
        store
            .write(Durability::Normal, |tx| -> Result<(), StoreError> {
                let put = |name: &str, id: &str, body: Vec<u8>| rows::write(tx, name, id, Some(&body));
                put(entity::RULES, "rules", to_cbor(rules)?)?;
                put(entity::MODEL, "model", to_cbor(model)?)?;
                for drug in drugs() {
                    put(entity::DRUG, &drug.id, to_cbor(&drug)?)?;
                }
                for records in members {
                    let id = &records.member.id;
                    put(entity::MEMBER, id, to_cbor(&records.member)?)?;
                    put(entity::PURCHASES, id, to_cbor(&packed(records))?)?;
                    for reading in &records.readings {
                        put(entity::READING, &reading.id, to_cbor(reading)?)?;
                    }
                    for attempt in &records.attempts {
                        put(entity::ATTEMPT, &attempt.id, to_cbor(attempt)?)?;
                    }
                    for send in &records.sends {
                        put(entity::SEND, &send.key, to_cbor(send)?)?;
                    }
                    for task in &records.tasks {
                        put(entity::TASK, &task.id, to_cbor(task)?)?;
                    }
                }
                Ok(())
            })
            .unwrap();
        store.refresh_all_figures(world.as_of).unwrap();
        Self {
            store,
            _directory: directory,
        }
    }

    /// The ids of the members that a statement selects.
    pub fn select(&self, compiled: &CompiledSql) -> BTreeSet<String> {
        let ids = |conn: &rusqlite::Connection| -> Result<BTreeSet<String>, StoreError> {
            let sql = format!(
                "SELECT member_id FROM member WHERE member_key IN ({})",
                compiled.sql
            );
            let mut statement = conn.prepare(&sql)?;
            let ids = statement.query_map(params_from_iter(values(compiled)), |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        };
        self.store.read(ids).unwrap()
    }
}

/// The lines of a member by day, column by column.
fn packed(records: &MemberRecords) -> Purchases {
    let mut lines: Vec<_> = records.lines.iter().collect();
    lines.sort_by_key(|line| line.day);
    let mut packed = Purchases {
        member_id: records.member.id.clone(),
        ..Purchases::default()
    };
    for line in lines {
        packed.days.push(day_number(line.day));
        packed.seconds.push(-1);
        packed.drug_index.push(line.drug_id.as_ref().map_or(-1, |id| {
            let at = packed.drugs.iter().position(|drug| drug == id);
            at.unwrap_or_else(|| {
                packed.drugs.push(id.clone());
                packed.drugs.len() - 1
            }) as i32
        }));
        packed.store_index.push(-1);
        packed.quantities_milli.push(line.quantity_milli);
        packed.amounts_fen.push(line.amount_fen);
    }
    packed
}
