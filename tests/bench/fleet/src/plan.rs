//! What the fleet consists of: devices, where their scopes stand, whom they may work for. Made once
//! over a hub's data directory and read by each run.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use yaoban_hub::clock::{Clock as _, SystemClock};
use yaoban_hub::serve::{secrets, tls};
use yaoban_hub::storage::sqlite::Database;
use yaoban_hub::storage::sqlite::devices::Device;
use yaoban_hub::storage::{Records as _, StorageError};
use yaoban_protocol::codec;

/// Members that the phones of one store work for, at most.
const MEMBERS_A_STORE: usize = 24;
/// Tasks of one clerk that its phone works on, at most.
const TASKS_A_CLERK: usize = 6;
/// Devices written in one transaction.
const BATCH: usize = 2_000;

/// A scope as a phone holds it: generation and position.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Place {
    /// Generation.
    pub generation: u64,
    /// Everything up to here is held.
    pub after: u64,
}

/// One phone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PhonePlan {
    /// The device's id.
    pub device_id: String,
    /// Its secret.
    pub refresh_secret: String,
    /// The clerk.
    pub staff_id: String,
    /// Tasks of the clerk, with their members.
    pub tasks: Vec<(String, String)>,
}

/// One store with its phones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StorePlan {
    /// Id of the store.
    pub store_id: String,
    /// Where its scope stood.
    pub place: Place,
    /// Some of its members.
    pub members: Vec<String>,
    /// Its phones.
    pub phones: Vec<PhonePlan>,
}

/// The fleet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The hub's epoch.
    pub epoch: String,
    /// Name of the chain.
    pub chain_name: String,
    /// SHA-256 of the hub's certificate, in hex.
    pub fingerprint: String,
    /// Where the catalogue stood.
    pub catalogue: Place,
    /// The stores.
    pub stores: Vec<StorePlan>,
}

impl Plan {
    /// Number of phones.
    pub fn phones(&self) -> usize {
        self.stores.iter().map(|store| store.phones.len()).sum()
    }

    /// Reads a plan.
    pub fn read(file: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        codec::from_cbor(&bytes).map_err(|e| format!("{} is no plan of a fleet: {e}", file.display()))
    }
}

/// Pairs a phone with each of `phones_a_store` clerks of every store and writes the plan to `out`.
///
/// The devices are written straight into the database, as pairing would write them: 30,000 codes
/// typed in are not what is measured.
pub fn prepare(data: &Path, phones_a_store: usize, out: &Path) -> Result<String, String> {
    let database = Database::open(data).map_err(|e| e.to_string())?;
    let (epoch, chain_name, url) = database
        .read::<_, StorageError>(|tx| {
            Ok((
                tx.epoch()?,
                tx.meta("chain_name")?.unwrap_or_default(),
                tx.meta("url")?.unwrap_or_default(),
            ))
        })
        .map_err(|e| e.to_string())?;
    let identity = tls::identity(data, &tls::host_of(&url)).map_err(|e| e.to_string())?;
    let connection = Connection::open(data.join("hub.db")).map_err(|e| e.to_string())?;
    let read = |error: rusqlite::Error| format!("the hub's database cannot be read: {error}");
    let places = places(&connection).map_err(read)?;
    let unknown = Place {
        generation: 1,
        after: 0,
    };
    let place = |scope: &str| places.get(scope).copied().unwrap_or(unknown);
    let mut members = members(&connection).map_err(read)?;
    let mut tasks = tasks(&connection).map_err(read)?;
    let mut stores = Vec::new();
    for (store_id, clerks) in clerks(&connection).map_err(read)? {
        let phones = clerks.into_iter().take(phones_a_store);
        stores.push(StorePlan {
            place: place(&format!("store:{store_id}")),
            members: members.remove(&store_id).unwrap_or_default(),
            phones: phones
                .map(|staff_id| PhonePlan {
                    device_id: uuid::Uuid::now_v7().to_string(),
                    refresh_secret: uuid::Uuid::now_v7().to_string(),
                    tasks: tasks.remove(&staff_id).unwrap_or_default(),
                    staff_id,
                })
                .collect(),
            store_id,
        });
    }
    let plan = Plan {
        epoch,
        chain_name,
        fingerprint: identity.fingerprint,
        catalogue: place("catalogue"),
        stores,
    };
    pair(&database, &plan).map_err(|e| e.to_string())?;
    let bytes = codec::to_cbor(&plan).map_err(|e| e.to_string())?;
    std::fs::write(out, bytes).map_err(|e| format!("cannot write {}: {e}", out.display()))?;
    Ok(format!(
        "{} phones in {} stores",
        plan.phones(),
        plan.stores.len()
    ))
}

fn pair(database: &Database, plan: &Plan) -> Result<(), StorageError> {
    let now_ms = SystemClock.now_ms();
    let devices: Vec<Device> = plan
        .stores
        .iter()
        .flat_map(|store| store.phones.iter().map(move |phone| (store, phone)))
        .map(|(store, phone)| Device {
            id: phone.device_id.clone(),
            name: "fleet".to_owned(),
            store_id: store.store_id.clone(),
            staff_id: Some(phone.staff_id.clone()),
            refresh_hash: secrets::secret_hash(&phone.refresh_secret),
            created_ms: now_ms,
            seen_ms: None,
            revoked_ms: None,
            last_n: 0,
            ahead_ms: 0,
            app_version: None,
        })
        .collect();
    for batch in devices.chunks(BATCH) {
        database.write(|tx| batch.iter().try_for_each(|device| tx.insert_device(device)))?;
    }
    Ok(())
}

fn places(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Place>> {
    connection
        .prepare("SELECT scope, generation, head FROM scope")?
        .query_map([], |row| {
            let place = Place {
                generation: row.get(1)?,
                after: row.get(2)?,
            };
            Ok((row.get(0)?, place))
        })?
        .collect()
}

fn clerks(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let sql = "SELECT store_id, staff_id FROM staff WHERE store_id IS NOT NULL AND role = 'clerk' \
               ORDER BY store_id, staff_id";
    grouped(connection, sql, usize::MAX, |row| row.get(1))
}

fn members(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let sql = "SELECT store_id, member_id FROM member WHERE store_id IS NOT NULL";
    grouped(connection, sql, MEMBERS_A_STORE, |row| row.get(1))
}

fn tasks(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<(String, String)>>> {
    let sql = "SELECT assignee, task_id, member_id FROM task WHERE assignee IS NOT NULL AND state = 'open'";
    grouped(connection, sql, TASKS_A_CLERK, |row| {
        Ok((row.get(1)?, row.get(2)?))
    })
}

fn grouped<T>(
    connection: &Connection,
    sql: &str,
    most: usize,
    value: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<BTreeMap<String, Vec<T>>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let group = groups.entry(row.get(0)?).or_default();
        if group.len() < most {
            group.push(value(row)?);
        }
    }
    Ok(groups)
}
