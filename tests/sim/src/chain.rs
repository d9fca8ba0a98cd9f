//! The chain's side: the hub's real router over its real database, in this process, and what
//! headquarters do to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use tower::ServiceExt as _;
use yaoban_clerk_core::sync::transport::{Request, Response};
use yaoban_domain::codes::{ContactPurpose, TaskKind, TaskOrigin, TaskState};
use yaoban_domain::model::{CareTask, Drug, Member, Staff, Store, Template, Why};
use yaoban_hub::clock::ManualClock;
use yaoban_hub::erasure::{ErasureError, erase};
use yaoban_hub::recordings::leave::By;
use yaoban_hub::serve::pairing::{Whom, make_code};
use yaoban_hub::serve::router::router;
use yaoban_hub::serve::state::Hub;
use yaoban_hub::storage::sqlite::scope::{CATALOGUE, Changes, Mark, store_scope};
use yaoban_hub::storage::sqlite::{Database, Tx};
use yaoban_hub::storage::{Records as _, StorageError};
use yaoban_protocol::row::entity;

use crate::chance::{Seeded, Stream};

/// 2026-03-02 09:00 in Shanghai.
pub const BEGIN_MS: i64 = 1_772_413_200_000;
/// A day.
pub const DAY_MS: i64 = 86_400_000;
/// The stores of the chain.
pub const STORES: [&str; 2] = ["A", "B"];
/// Members of each store at the beginning.
pub const MEMBERS: u64 = 12;
/// Rows of a page of changes, one of them a seed: pages that end in the middle of what happened, too.
const PAGE_ROWS: [u32; 3] = [3, 20, 1_000];
/// Size of a hub's database that is small enough to be full at once.
const FULL_PAGES: u32 = 1;

/// A backup of the hub.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// How many things had happened at the hub when it was taken.
    pub at: u64,
}

/// The hub and its directory.
pub struct Chain {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    chance: Arc<Seeded>,
    /// None only while it is restarted.
    hub: Option<Arc<Hub>>,
    runtime: tokio::runtime::Runtime,
    /// Backups taken, oldest first; those of a future that was restored away are forgotten.
    pub backups: Vec<Backup>,
    page_rows: u32,
    epochs: u32,
    tasks: u32,
    imports: u32,
    /// Files that were not taken in for want of room: somebody runs them again.
    unfinished: Vec<PathBuf>,
}

/// A member of the beginning.
pub fn member_id(store: &str, index: u64) -> String {
    format!("M{store}{index:02}")
}

fn member(store: &str, index: u64) -> Member {
    let consent = |purpose: &str| serde_json::json!({ "purpose": purpose, "channel": null, "granted": true, "at_ms": BEGIN_MS - DAY_MS });
    // Two members share a number now and then: a household, or one person twice.
    let number = 13_900_000_000 + index / 2 * 7 + if store == "A" { 0 } else { 500_000 };
    serde_json::from_value(serde_json::json!({
        "id": member_id(store, index), "store_id": store, "name": format!("会员{store}{index:02}"),
        "phone": number.to_string(), "sex": if index.is_multiple_of(2) { "female" } else { "male" },
        "birthday": "1960-05-01", "joined_on": "2024-01-01", "height_cm": null, "weight_hg": null,
        "consents": [consent("health"), consent("marketing"), consent("membership")],
    }))
    .expect("a member")
}

fn staff(id: &str, store: &str, role: &str) -> Staff {
    serde_json::from_value(serde_json::json!({
        "id": id, "store_id": store, "region": null, "name": format!("店员{id}"), "role": role
    }))
    .expect("a member of staff")
}

/// Staff of a store at the beginning.
pub fn staff_of(store: &str) -> [String; 3] {
    [
        format!("{store}-boss"),
        format!("{store}-one"),
        format!("{store}-two"),
    ]
}

fn found(tx: &Tx<'_>) -> Result<(), StorageError> {
    let mut changes = Changes::new();
    for store in STORES {
        let record = Store {
            id: store.into(),
            name: format!("{store}店"),
            region: None,
        };
        tx.put_store(&record)?;
        changes.add(&store_scope(store), entity::STORE, store, Mark::Put);
        for (id, role) in staff_of(store).iter().zip(["store_manager", "clerk", "clerk"]) {
            tx.put_staff(&staff(id, store, role))?;
            changes.add(&store_scope(store), entity::STAFF, id, Mark::Put);
        }
        for index in 0..MEMBERS {
            let one = member(store, index);
            tx.put_member(&one)?;
            changes.add(&store_scope(store), entity::MEMBER, &one.id, Mark::Put);
        }
    }
    let drug: Drug = serde_json::from_value(serde_json::json!({
        "id": "D1", "name": "络活喜", "ingredient": "氨氯地平", "category": "降压药", "manufacturer": null,
        "spec": null, "units_per_pack_milli": 7000, "daily_units_milli": 1000, "chronic": true
    }))
    .expect("a drug");
    tx.put_drug(&drug)?;
    let template: Template = serde_json::from_value(serde_json::json!({
        "id": "remind", "title": "续药", "kind": "sms", "purpose": "service",
        "text": "【康健大药房】{name}您好，您的常用药快用完了，{store}恭候。",
    }))
    .expect("a template");
    tx.put_template(&template)?;
    changes.add(CATALOGUE, entity::DRUG, "D1", Mark::Put);
    changes.add(CATALOGUE, entity::TEMPLATE, "remind", Mark::Put);
    changes.add(CATALOGUE, entity::RULES, "rules", Mark::Put);
    tx.touch(&changes)
}

impl Chain {
    /// A chain of two stores. Its files stand in memory where the machine offers that.
    pub fn new(seed: u64) -> Self {
        let dir = directory();
        let chance = Arc::new(Seeded::new(seed, "hub"));
        let database = Database::create(dir.path(), "康健大药房", None)
            .expect("a database")
            .with_chance(chance.clone());
        database
            .write::<_, StorageError>(|tx| {
                tx.set_meta("epoch", "epoch-0")?;
                tx.set_meta("dedup_seed", "0011223344556677")?;
                // Made by the system's chance otherwise; its secret is nobody's.
                tx.set_meta(
                    "support_key",
                    "09b558a573395614d245c05615b492e316584b36069204716d793d252f15a602",
                )?;
                found(tx)
            })
            .expect("the chain's records");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .max_blocking_threads(2)
            .build()
            .expect("a runtime");
        let mut chain = Self {
            dir,
            clock: Arc::new(ManualClock::at(BEGIN_MS)),
            chance,
            hub: None,
            runtime,
            backups: Vec::new(),
            page_rows: *Stream::new(seed, "rows of a page")
                .pick(&PAGE_ROWS)
                .unwrap_or(&1_000),
            epochs: 0,
            tasks: 0,
            imports: 0,
            unfinished: Vec::new(),
        };
        chain.serve(database);
        chain
    }

    fn serve(&mut self, database: Database) {
        let mut hub = Hub::new(database, self.clock.clone()).expect("a hub");
        let own = Arc::get_mut(&mut hub).expect("a hub that nobody else holds");
        own.limits.page_rows = self.page_rows;
        self.hub = Some(hub);
    }

    fn hub(&self) -> &Arc<Hub> {
        self.hub.as_ref().expect("a hub that runs")
    }

    /// The hub's database.
    pub fn database(&self) -> &Database {
        &self.hub().database
    }

    /// Sets the hub's clock.
    pub fn set_clock(&self, now_ms: i64) {
        self.clock.set(now_ms);
    }

    /// Reads.
    pub fn read<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, StorageError>) -> T {
        self.database().read(f).expect("the hub's database reads")
    }

    /// Writes; a full disk is an answer, anything else a defect.
    pub fn write<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, StorageError>) -> Option<T> {
        match self.database().write(f) {
            Ok(value) => Some(value),
            Err(StorageError::Full) => None,
            Err(error) => panic!("the hub's database refuses a write: {error}"),
        }
    }

    fn open(&self) -> Database {
        Database::open(self.dir.path())
            .expect("the hub's database opens after any end")
            .with_chance(self.chance.clone())
    }

    /// The process ends and starts again.
    pub fn restart(&mut self) {
        drop(self.hub.take());
        let database = self.open();
        self.serve(database);
    }

    /// Takes a backup; `at` counts what had happened.
    pub fn backup(&mut self, at: u64) {
        let path = self.dir.path().join(format!("backup-{at}.db"));
        if !path.exists() {
            yaoban_hub::backup::backup(self.dir.path(), &path).expect("a backup");
            self.backups.push(Backup { path, at });
        }
    }

    /// Goes back to a backup, as an administrator would.
    pub fn restore(&mut self, backup: &Backup, now_ms: i64) {
        drop(self.hub.take());
        self.epochs += 1;
        let kept =
            yaoban_hub::backup::restore(self.dir.path(), &backup.path, now_ms + i64::from(self.epochs))
                .expect("a backup comes back");
        if let Some(kept) = kept {
            remove_database(&kept);
        }
        self.backups.retain(|other| other.at <= backup.at);
        let database = self.open();
        let epoch = format!("epoch-{}", self.epochs);
        database
            .write::<_, StorageError>(|tx| tx.set_meta("epoch", &epoch))
            .expect("an epoch");
        self.serve(database);
    }

    /// The database file, looked at from outside.
    pub fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.dir.path().join("hub.db")).expect("the hub's file opens")
    }

    /// Where each row of a scope stands: position and kind.
    pub fn positions(&self, scope: &str) -> BTreeMap<(String, String), (u64, String)> {
        let read = || -> rusqlite::Result<_> {
            let connection = self.connection();
            let mut statement = connection.prepare(
                "SELECT entity, id, seq, kind FROM scope_row JOIN scope USING (scope_key) WHERE scope = ?1",
            )?;
            let rows = statement.query_map([scope], |row| {
                Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?)))
            })?;
            rows.collect()
        };
        read().expect("the change index reads")
    }

    /// The disk is full, or has room again.
    pub fn set_disk_full(&self, full: bool) {
        let pages = full.then_some(FULL_PAGES);
        self.database().limit_pages(pages).expect("a limit");
    }

    /// One exchange with the hub, to its end.
    pub fn exchange(&self, request: Request) -> Response {
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let mut http = axum::http::Request::builder().method(method).uri(request.path);
        if let Some(token) = request.token {
            http = http.header("authorization", format!("Bearer {token}"));
        }
        let http = http
            .body(Body::from(request.body.unwrap_or_default()))
            .expect("a request");
        self.runtime.block_on(async {
            let response = router(Arc::clone(self.hub()))
                .oneshot(http)
                .await
                .expect("a response");
            let status = response.status().as_u16();
            let retry_after_s = response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .expect("a body");
            Response {
                status,
                retry_after_ms: retry_after_s.map(|s| s * 1_000),
                body: body.to_vec(),
            }
        })
    }

    /// A one-time code for a phone of a store; none while the hub cannot write.
    pub fn pair_code(&self, store: &str, now_ms: i64) -> Option<String> {
        let whom = Whom::Store(store.to_owned());
        self.database().write(|tx| make_code(tx, &whom, now_ms)).ok()
    }

    /// What time does to the chain's records. A full disk puts it off.
    pub fn daily(&self, now_ms: i64) {
        match yaoban_hub::daily::run(self.database(), now_ms) {
            Ok(_) | Err(StorageError::Full) => {}
            Err(error) => panic!("the daily work fails: {error}"),
        }
    }

    /// A task of a campaign for a member.
    pub fn give_task(&mut self, member_id: &str, now_ms: i64, marketing: bool) -> Option<String> {
        self.tasks += 1;
        let id = format!("task-{:04}", self.tasks);
        let day = self.read(|tx| tx.calendar()).day(now_ms);
        self.write(|tx| {
            let Some(member) = tx.member(member_id)? else {
                return Ok(None);
            };
            let Some(store_id) = member.store_id.filter(|_| !member.erased && !member.deceased) else {
                return Ok(None);
            };
            let task = CareTask {
                id: id.clone(),
                member_id: member.id,
                store_id: store_id.clone(),
                assignee: None,
                kind: TaskKind::Call.into(),
                purpose: if marketing {
                    ContactPurpose::Marketing
                } else {
                    ContactPurpose::Service
                }
                .into(),
                origin: TaskOrigin::Campaign.into(),
                campaign_id: Some("C1".into()),
                step: 0,
                why: Why {
                    code: "campaign".into(),
                    values: Vec::new(),
                },
                script_id: None,
                emergency: false,
                start: day,
                due: day + chrono::Days::new(20),
                state: TaskState::Open.into(),
                deferred_until: None,
                deferred_until_ms: None,
                closes_on_purchase: None,
                attempts: 0,
                avoid_part: None,
                outcome: None,
                other_outcomes: Vec::new(),
                nudged_at_ms: None,
                created_at_ms: now_ms,
                changed_at_ms: now_ms,
                version: 1,
            };
            tx.put_task(&task)?;
            touch(tx, &store_scope(&store_id), entity::TASK, &id, Mark::Put)?;
            Ok(Some(id.clone()))
        })
        .flatten()
    }

    /// All data of a member go. False if there is none, or a full disk or a file that is half in forbids
    /// it now.
    pub fn erase(&self, id: &str, now_ms: i64) -> bool {
        let by = By {
            actor: "hq",
            staff_id: None,
            now_ms,
        };
        match erase(self.database(), &self.hub().recordings, id, "asked", &by) {
            Ok(_) => true,
            Err(
                ErasureError::Unknown(_)
                | ErasureError::Before(_)
                | ErasureError::ImportUnderWay
                | ErasureError::Storage(StorageError::Full),
            ) => false,
            Err(error) => panic!("an erasure stops: {error}"),
        }
    }

    /// Changes a member's record at headquarters. False if there is none to change.
    pub fn change_member(&self, id: &str, change: impl FnOnce(&mut Member)) -> bool {
        self.write(|tx| {
            let Some(mut member) = tx.member(id)?.filter(|member| !member.erased) else {
                return Ok(false);
            };
            change(&mut member);
            member.version += 1;
            tx.put_member(&member)?;
            if let Some(store) = &member.store_id {
                touch(tx, &store_scope(store), entity::MEMBER, id, Mark::Put)?;
            }
            Ok(true)
        })
        .unwrap_or(false)
    }

    /// A member gets another home store.
    pub fn move_member(&self, id: &str, to: &str, now_ms: i64) -> bool {
        self.write(|tx| {
            let day = yaoban_domain::calendar::day_number(tx.calendar()?.day(now_ms));
            let Some(mut member) = tx.member(id)?.filter(|member| !member.erased) else {
                return Ok(false);
            };
            let from = member.store_id.replace(to.to_owned());
            if from.as_deref() == Some(to) {
                return Ok(false);
            }
            member.version += 1;
            tx.put_member(&member)?;
            let mut changes = Changes::new();
            tx.member_moved(id, from.as_deref(), Some(to), day, &mut changes)?;
            tx.touch(&changes)?;
            Ok(true)
        })
        .unwrap_or(false)
    }

    /// Changes a clerk's record; a clerk who moves leaves one scope and enters another.
    pub fn change_staff(&self, id: &str, now_ms: i64, change: impl FnOnce(&mut Staff)) -> bool {
        self.write(|tx| {
            let day = yaoban_domain::calendar::day_number(tx.calendar()?.day(now_ms));
            let Some(mut staff) = tx.staff(id)? else {
                return Ok(false);
            };
            let before = staff.store_id.clone();
            change(&mut staff);
            tx.put_staff(&staff)?;
            let mut changes = Changes::new();
            if let Some(before) = before.filter(|before| staff.store_id.as_ref() != Some(before)) {
                changes.add(&store_scope(&before), entity::STAFF, id, Mark::Evict { day });
            }
            if let Some(now) = &staff.store_id {
                changes.add(&store_scope(now), entity::STAFF, id, Mark::Put);
            }
            tx.touch(&changes)?;
            Ok(true)
        })
        .unwrap_or(false)
    }

    /// Takes a file of purchases in; false if there was no room, and then it waits.
    pub fn import(&mut self, rows: &[(String, i64)], now_ms: i64) -> bool {
        self.imports += 1;
        let path = self.dir.path().join(format!("purchases-{}.csv", self.imports));
        let day = self.read(|tx| tx.calendar()).day(now_ms - DAY_MS);
        let mut csv = String::from("line_id,member_id,store_id,sold_at,drug_id,quantity,amount\n");
        for (index, (member_id, yuan)) in rows.iter().enumerate() {
            csv.push_str(&format!(
                "L{}-{index},{member_id},A,{day},D1,1,{yuan}.00\n",
                self.imports
            ));
        }
        std::fs::write(&path, csv).expect("a file");
        let done = self.take_in(path.clone());
        if !done {
            self.unfinished.push(path);
        }
        done
    }

    /// Somebody runs the files again that found no room. Gives how many went in.
    pub fn import_again(&mut self) -> usize {
        let waiting = std::mem::take(&mut self.unfinished);
        let before = waiting.len();
        for path in waiting {
            if !self.take_in(path.clone()) {
                self.unfinished.push(path);
            }
        }
        before - self.unfinished.len()
    }

    fn take_in(&self, path: PathBuf) -> bool {
        let files = [(yaoban_hub::import::FileKind::Purchases, path)];
        let options = yaoban_hub::import::Options::default();
        let done = yaoban_hub::import::run(self.database(), &files, options, self.clock.as_ref());
        match done {
            Ok(_) => true,
            Err(yaoban_hub::import::ImportError::Storage(StorageError::Full)) => false,
            Err(error) => panic!("an import stops: {error}"),
        }
    }
}

fn touch(tx: &Tx<'_>, scope: &str, entity: &str, id: &str, mark: Mark) -> Result<(), StorageError> {
    let mut changes = Changes::new();
    changes.add(scope, entity, id, mark);
    tx.touch(&changes)
}

/// A directory that costs no disk.
pub fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::Builder::new().prefix("yaoban-sim-").tempdir_in(memory)
    } else {
        tempfile::Builder::new().prefix("yaoban-sim-").tempdir()
    };
    made.expect("a directory")
}

fn remove_database(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        // What is not there needs no removing.
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
}
