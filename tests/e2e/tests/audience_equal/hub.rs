//! A hub's own database: purchases as they come by import, in two files, everything else as records.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tempfile::TempDir;
use yaoban_domain::audience::Audience;
use yaoban_domain::calendar::Calendar;
use yaoban_domain::model::Store;
use yaoban_domain::rules::Rules;
use yaoban_hub::clock::ManualClock;
use yaoban_hub::figures::audience::select;
use yaoban_hub::import::{self, FileKind, Options};
use yaoban_hub::storage::sqlite::Database;
use yaoban_hub::storage::{Records as _, StorageError};

use crate::records::{MemberRecords, drugs};
use crate::world::{STORES, World};

/// A hub with the members of a world.
pub struct Hub {
    database: Database,
    _directory: TempDir,
}

impl Hub {
    pub fn load(world: &World, members: &[MemberRecords], rules: &Rules) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(&directory.path().join("hub"), "chain", None).unwrap();
        put_records(&database, members, Calendar::new(&rules.time_zone).unwrap());
        let clock = ManualClock::at(Calendar::new(&rules.time_zone).unwrap().day_start_ms(world.as_of));
        for half in 0..2 {
            let path = directory.path().join(format!("purchases{half}.csv"));
            let (text, count) = purchases(members, half);
            std::fs::write(&path, text).unwrap();
            let reports = import::run(
                &database,
                &[(FileKind::Purchases, path)],
                Options::default(),
                &clock,
            )
            .unwrap();
            assert_eq!(reports[0].accepted, count, "{reports:?}");
        }
        Self {
            database,
            _directory: directory,
        }
    }

    /// The ids of the members that an audience selects.
    pub fn select(&self, audience: &Audience, world: &World, rules: &Rules) -> BTreeSet<String> {
        let ids = select(&self.database, audience, world.as_of, rules).unwrap();
        let distinct: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(
            distinct.len(),
            ids.len(),
            "a member was selected twice: {}",
            audience.to_json()
        );
        distinct
    }
}

fn put_records(database: &Database, members: &[MemberRecords], calendar: Calendar) {
    database
        .write(|tx| -> Result<(), StorageError> {
            for id in STORES {
                tx.put_store(&Store {
                    id: (*id).to_owned(),
                    name: (*id).to_owned(),
                    region: None,
                })?;
            }
            for drug in drugs() {
                tx.put_drug(&drug)?;
            }
            for records in members {
                tx.put_member(&records.member)?;
                for reading in &records.readings {
                    tx.put_reading(reading, calendar.day(reading.taken_at_ms))?;
                }
                for attempt in &records.attempts {
                    tx.put_attempt(attempt, calendar.day(attempt.started_at_ms))?;
                }
                for send in &records.sends {
                    tx.put_send(send, calendar.day(send.at_ms))?;
                }
                for task in &records.tasks {
                    tx.put_task(task)?;
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Every other line as a file, and how many there are. Erased members buy nothing.
fn purchases(members: &[MemberRecords], half: usize) -> (String, u64) {
    let mut text = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount\n".to_owned();
    let mut count = 0;
    let members = members.iter().filter(|records| !records.member.erased);
    for (number, line) in members.flat_map(|records| &records.lines).enumerate() {
        if number % 2 != half {
            continue;
        }
        count += 1;
        let member_id = line.id.split('-').next().unwrap();
        let (store_id, drug_id) = (
            line.store_id.as_deref().unwrap_or_default(),
            line.drug_id.as_deref().unwrap_or_default(),
        );
        writeln!(
            text,
            "{},{member_id},{store_id},{},{drug_id},{},{}",
            line.id,
            line.day,
            decimal(line.quantity_milli, 3),
            decimal(line.amount_fen, 2),
        )
        .unwrap();
    }
    (text, count)
}

fn decimal(value: i64, digits: usize) -> String {
    let (sign, unit) = (if value < 0 { "-" } else { "" }, 10_i64.pow(digits as u32));
    format!("{sign}{}.{:0digits$}", value.abs() / unit, value.abs() % unit)
}
