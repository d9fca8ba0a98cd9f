//! The engine between the phone's real encrypted file and the hub's real router and database, in one
//! process: calls are lost, doubled and cut, the phone is killed between any two effects, the hub is
//! restarted, restored from a backup, and its clock moves. One seed decides; `YAOBAN_SYNC_SEED=k`
//! replays one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a failed helper fails its test"
)]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use secrecy::SecretBox;
use tower::ServiceExt as _;
use yaoban_clerk_core::chance::{SystemChance, uuid_v7};
use yaoban_clerk_core::store::outbox::{self, NewOp};
use yaoban_clerk_core::store::{Durability, Store, StoreError, rows};
use yaoban_clerk_core::sync::event::{Call, CallFailure, Effect, Event, FailureKind, Now, What};
use yaoban_clerk_core::sync::transport::{Request, Response};
use yaoban_clerk_core::sync::{Engine, Options, Pairing, RoundReport, SyncStore, carry_out, wire};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};
use yaoban_domain::model::{Member, Note, Staff};
use yaoban_hub::clock::ManualClock;
use yaoban_hub::serve::pairing::{Whom, make_code};
use yaoban_hub::serve::router::router;
use yaoban_hub::serve::state::Hub;
use yaoban_hub::storage::sqlite::scope::{CATALOGUE, Changes, Mark, store_scope};
use yaoban_hub::storage::sqlite::{Database, Tx};
use yaoban_hub::storage::{Records as _, StorageError};
use yaoban_protocol::message::PairRequest;
use yaoban_protocol::op::Op;
use yaoban_protocol::row::entity;

/// 2026-03-02 10:00 in Shanghai.
const NOW_MS: i64 = 1_772_416_800_000;
const MEMBERS: u64 = 40;
const SEEDS: u64 = 12;
const ROUNDS: u32 = 30;

/// splitmix64
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

struct Chain {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    /// None only while it is restarted.
    hub: Option<Arc<Hub>>,
    runtime: tokio::runtime::Runtime,
    backups: u32,
    epoch: u32,
}

fn member(index: u64, name: &str) -> Member {
    serde_json::from_value(serde_json::json!({
        "id": format!("M{index}"), "store_id": "A", "name": name, "phone": null, "sex": null, "birthday": null,
        "joined_on": "2024-01-01", "height_cm": null, "weight_hg": null
    }))
    .unwrap()
}

fn put_member(tx: &Tx<'_>, member: &Member) -> Result<(), StorageError> {
    tx.put_member(member)?;
    let mut changes = Changes::new();
    changes.add(&store_scope("A"), entity::MEMBER, &member.id, Mark::Put);
    tx.touch(&changes)
}

impl Chain {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "康健大药房", None).unwrap();
        let clerk: Staff = serde_json::from_value(serde_json::json!({
            "id": "clerk", "store_id": "A", "region": null, "name": "店员", "role": "clerk"
        }))
        .unwrap();
        let store = yaoban_domain::model::Store {
            id: "A".into(),
            name: "A店".into(),
            region: None,
        };
        database
            .write::<_, StorageError>(|tx| {
                tx.put_store(&store)?;
                tx.put_staff(&clerk)?;
                let mut changes = Changes::new();
                changes.add(&store_scope("A"), entity::STORE, "A", Mark::Put);
                changes.add(&store_scope("A"), entity::STAFF, "clerk", Mark::Put);
                changes.add(CATALOGUE, entity::RULES, "rules", Mark::Put);
                tx.touch(&changes)?;
                (0..MEMBERS).try_for_each(|index| put_member(tx, &member(index, &format!("会员{index}"))))
            })
            .unwrap();
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let hub = Some(Hub::new(database, clock.clone()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            dir,
            clock,
            hub,
            runtime,
            backups: 0,
            epoch: 0,
        }
    }

    fn hub(&self) -> &Arc<Hub> {
        self.hub.as_ref().unwrap()
    }

    fn write<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, StorageError>) -> T {
        self.hub().database.write(f).unwrap()
    }

    fn restart(&mut self) {
        drop(self.hub.take());
        let database = Database::open(self.dir.path()).unwrap();
        self.hub = Some(Hub::new(database, self.clock.clone()).unwrap());
    }

    fn backup(&mut self) {
        self.backups += 1;
        let to = self.dir.path().join(format!("backup{}", self.backups));
        // One of a future that was restored away may be there.
        let _ = std::fs::remove_file(&to);
        let file = rusqlite::Connection::open(self.dir.path().join("hub.db")).unwrap();
        file.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
    }

    /// Back to the backup, as an administrator would: the file, and a new epoch.
    fn restore(&mut self, backup: u32) {
        drop(self.hub.take());
        let path = |name: &str| self.dir.path().join(name);
        for name in ["hub.db-wal", "hub.db-shm"] {
            let _ = std::fs::remove_file(path(name));
        }
        std::fs::copy(path(&format!("backup{backup}")), path("hub.db")).unwrap();
        // What came after the backup never was.
        self.backups = backup;
        self.epoch += 1;
        let database = Database::open(self.dir.path()).unwrap();
        let epoch = format!("restored-{}", self.epoch);
        database
            .write::<_, StorageError>(|tx| tx.set_meta("epoch", &epoch))
            .unwrap();
        self.hub = Some(Hub::new(database, self.clock.clone()).unwrap());
    }

    fn exchange(&self, request: Request) -> Response {
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let mut http = axum::http::Request::builder().method(method).uri(request.path);
        if let Some(token) = request.token {
            http = http.header("authorization", format!("Bearer {token}"));
        }
        let http = http.body(Body::from(request.body.unwrap_or_default())).unwrap();
        self.runtime.block_on(async {
            let response = router(Arc::clone(self.hub())).oneshot(http).await.unwrap();
            let status = response.status().as_u16();
            let retry_after = response
                .headers()
                .get("retry-after")
                .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap()
                .to_vec();
            Response {
                status,
                retry_after_ms: retry_after.map(|s| s * 1_000),
                body,
            }
        })
    }

    fn pair(&self, store: &mut Arc<Store>) {
        let secret = self
            .hub()
            .database
            .write(|tx| make_code(tx, &Whom::Store("A".into()), NOW_MS))
            .unwrap();
        let request = wire::pair_request(&PairRequest {
            secret,
            device_name: "手机".into(),
        })
        .unwrap();
        let reply = wire::pair_reply(&self.exchange(request)).unwrap();
        let pairing = Pairing {
            url: "https://hub.example".into(),
            fingerprint: "00".repeat(32),
            device_id: reply.device_id,
            refresh_secret: reply.refresh_secret,
            chain_name: reply.chain_name,
            store_id: reply.store_id,
            store_name: reply.store_name,
            staff_id: None,
        };
        store.save_pairing(&pairing).unwrap();
    }
}

struct TestVault;

impl KeyVault for TestVault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([7; 32])))
    }
}

struct Phone {
    dir: tempfile::TempDir,
    store: Arc<Store>,
    engine: Engine,
    mono_ms: u64,
    notes: Vec<String>,
}

fn open(dir: &Path) -> Arc<Store> {
    let (store, report) = Store::open(&dir.join("clerk.db"), &TestVault, NOW_MS).unwrap();
    assert_eq!(report.set_aside, None, "the file is sound after any kill");
    Arc::new(store)
}

fn failed(kind: FailureKind) -> CallFailure {
    CallFailure {
        kind,
        code: kind.code().into(),
        message: "storm".into(),
        retry_after_ms: None,
    }
}

impl Phone {
    fn new(chain: &Chain) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        chain.pair(&mut store);
        Self {
            dir,
            store,
            engine: Engine::new("storm"),
            mono_ms: 0,
            notes: Vec::new(),
        }
    }

    fn kill(mut self) -> Self {
        let Self { dir, store, .. } = self;
        drop(store);
        self.store = open(dir.path());
        self.dir = dir;
        self.engine = Engine::new("storm");
        self
    }

    fn push(&self, op: Op, at_ms: i64) {
        let new = NewOp {
            op_id: uuid_v7(&SystemChance, 0).unwrap(),
            staff_id: "clerk".into(),
            at_ms,
            held_until_ms: None,
            op,
        };
        self.store
            .write(Durability::Full, |tx| outbox::push(tx, &new))
            .unwrap();
    }

    /// The clerk writes a note or tags a member that the phone knows.
    fn work(&mut self, chance: &mut Chance) {
        let member_id = format!("M{}", chance.below(MEMBERS));
        let known = self.store.read(|c| rows::member(c, &member_id)).unwrap();
        if known.is_none() {
            return;
        }
        let at_ms = NOW_MS + chance.below(1_000_000) as i64;
        if chance.once_in(3) {
            let tag = format!("t{}", chance.below(5));
            return self.push(
                Op::Tags {
                    member_id,
                    add: vec![tag],
                    remove: Vec::new(),
                },
                at_ms,
            );
        }
        let id = format!("note-{:04}", self.notes.len());
        let text = "血压偏高，约周三来店".to_owned();
        let note = Note {
            id: id.clone(),
            member_id,
            at_ms,
            staff_id: "clerk".into(),
            text,
            supersedes: None,
        };
        self.push(Op::AddNote { note }, at_ms);
        self.notes.push(id);
    }

    /// One round; none if the phone was killed in it.
    fn round(
        &mut self,
        chain: &Chain,
        options: Options,
        mut storm: Option<&mut Chance>,
    ) -> Option<RoundReport> {
        let mut happened = VecDeque::from([What::Begin(options)]);
        let mut effects = VecDeque::new();
        loop {
            if let Some(what) = happened.pop_front() {
                self.mono_ms += 10;
                let random = storm.as_mut().map_or(0, |c| c.next());
                let now = Now {
                    wall_ms: NOW_MS,
                    mono_ms: self.mono_ms,
                    random,
                };
                effects.extend(self.engine.step(Event { now, what }));
                continue;
            }
            if storm.as_mut().is_some_and(|c| c.once_in(40)) {
                return None;
            }
            match effects.pop_front() {
                Some(Effect::Store { id, command }) => {
                    let result = carry_out(&mut self.store, command);
                    happened.push_back(What::Stored { id, result });
                }
                Some(Effect::Call {
                    id,
                    call,
                    token,
                    timeout_ms,
                    inflated_bytes_max,
                }) => {
                    let request = wire::request(&call, token, timeout_ms).unwrap();
                    let response = deliver(chain, &call, request, storm.as_deref_mut());
                    let answer = response.and_then(|r| wire::answer(&call, &r, inflated_bytes_max));
                    happened.push_back(What::Answered { id, answer });
                }
                Some(Effect::Finished(report)) => return Some(*report),
                Some(Effect::CancelCalls | Effect::Progress(_)) => {}
                None => {
                    // A hub that prepares its chunks is asked again after a while.
                    self.mono_ms += 1_000;
                    happened.push_back(What::Tick);
                }
            }
        }
    }
}

/// What becomes of a call on its way.
fn deliver(
    chain: &Chain,
    call: &Call,
    request: Request,
    storm: Option<&mut Chance>,
) -> Result<Response, CallFailure> {
    let Some(chance) = storm else {
        return Ok(chain.exchange(request));
    };
    match chance.below(30) {
        0 => Err(failed(FailureKind::Unreachable)),
        1 => Err(failed(FailureKind::TimedOut)),
        2 => {
            chain.exchange(request);
            Err(failed(FailureKind::Broken))
        }
        3 => {
            chain.exchange(request.clone());
            Ok(chain.exchange(request))
        }
        4 => {
            let mut response = chain.exchange(request);
            response.body.truncate(response.body.len() / 2);
            Ok(response)
        }
        5 => Ok(Response {
            status: 502,
            retry_after_ms: None,
            body: b"<html>bad gateway</html>".to_vec(),
        }),
        6 if call.name() != "wait" => {
            let body = yaoban_protocol::codec::encode(&"x".repeat(70 << 20)).unwrap();
            chain.exchange(request);
            Ok(Response {
                status: 200,
                retry_after_ms: None,
                body,
            })
        }
        _ => Ok(chain.exchange(request)),
    }
}

/// The hub's day goes on beside the phone's.
fn chain_lives(chain: &mut Chain, chance: &mut Chance) {
    for _ in 0..chance.below(4) {
        let changed = member(chance.below(MEMBERS), &format!("改名{}", chance.below(1_000)));
        chain.write(|tx| {
            let kept = tx.member(&changed.id)?.unwrap_or_else(|| changed.clone());
            put_member(
                tx,
                &Member {
                    name: changed.name.clone(),
                    version: kept.version + 1,
                    ..kept
                },
            )
        });
    }
    match chance.below(14) {
        0 => chain.backup(),
        1 if chain.backups > 0 => {
            let backup = 1 + chance.below(u64::from(chain.backups)) as u32;
            chain.restore(backup);
        }
        2 => chain.restart(),
        3 => chain.clock.advance(2 * 3_600_000),
        _ => {}
    }
}

fn run(seed: u64) -> (u32, usize) {
    let mut chance = Chance(seed);
    let mut chain = Chain::new();
    let mut phone = Phone::new(&chain);
    let mut kills = 0;
    for _ in 0..ROUNDS {
        for _ in 0..chance.below(4) {
            phone.work(&mut chance);
        }
        if phone
            .round(&chain, Options::default(), Some(&mut chance))
            .is_none()
        {
            kills += 1;
            phone = phone.kill();
        }
        chain_lives(&mut chain, &mut chance);
    }
    // Calm: everything must come together within a few rounds.
    phone = phone.kill();
    for round in 1.. {
        let report = phone.round(&chain, Options::default(), None).unwrap();
        let waiting = phone.store.read(outbox::under_way).unwrap().len();
        if report.first_problem().is_none() && report.up_to_date && waiting == 0 {
            break;
        }
        assert!(
            round < 3,
            "not healed after {round} rounds, {waiting} operations wait: {report:?}"
        );
    }
    let report = phone.round(&chain, Options { repair: true }, None).unwrap();
    assert_eq!(
        (report.first_problem(), report.repaired_ranges),
        (None, 0),
        "digests converge"
    );
    for id in &phone.notes {
        let at_hub = chain
            .hub()
            .database
            .read::<_, StorageError>(|tx| tx.note(id))
            .unwrap();
        let on_phone = phone.store.read(|c| rows::note(c, id)).unwrap();
        assert!(at_hub.is_some(), "{id} was lost");
        assert_eq!(at_hub, on_phone);
    }
    for index in 0..MEMBERS {
        let id = format!("M{index}");
        let at_hub = chain
            .hub()
            .database
            .read::<_, StorageError>(|tx| tx.member(&id))
            .unwrap();
        let on_phone = phone
            .store
            .read::<_, StoreError>(|c| rows::member(c, &id))
            .unwrap();
        assert_eq!(at_hub, on_phone, "{id}");
    }
    (kills, phone.notes.len())
}

#[test]
fn real_store_and_real_hub_lose_nothing_in_a_storm() {
    let one = std::env::var("YAOBAN_SYNC_SEED")
        .ok()
        .map(|s| s.parse::<u64>().expect("a seed is a number"));
    let seeds = one.map_or(0..SEEDS, |seed| seed..seed + 1);
    println!("seeds {seeds:?}");
    let (mut kills, mut notes) = (0, 0);
    for seed in seeds {
        let result = std::panic::catch_unwind(|| run(seed));
        let Ok((seed_kills, seed_notes)) = result else {
            panic!(
                "seed {seed} fails; replay: YAOBAN_SYNC_SEED={seed} cargo test -p yaoban-e2e --test sync_storm"
            );
        };
        kills += seed_kills;
        notes += seed_notes;
    }
    println!("{kills} kills, {notes} notes, none lost");
}

#[test]
fn a_revoked_device_is_locked_and_keeps_what_it_has() {
    let chain = Chain::new();
    let mut phone = Phone::new(&chain);
    phone
        .round(&chain, Options::default(), None)
        .unwrap()
        .checked()
        .unwrap();
    phone.work(&mut Chance(5));
    let device = phone.store.state().unwrap().pairing.unwrap().device_id;
    assert!(chain.write(|tx| tx.revoke_device(&device, NOW_MS)));
    let report = phone.round(&chain, Options::default(), None).unwrap();
    assert_eq!(report.checked().unwrap_err().code, "device_revoked");
    assert_eq!(
        phone.store.state().unwrap().locked.as_deref(),
        Some("device_revoked")
    );
    assert_eq!(phone.store.read(outbox::under_way).unwrap().len(), 1);
}

#[test]
fn an_unchanged_hub_costs_two_calls() {
    let chain = Chain::new();
    let mut phone = Phone::new(&chain);
    phone
        .round(&chain, Options::default(), None)
        .unwrap()
        .checked()
        .unwrap();
    let report = phone
        .round(&chain, Options::default(), None)
        .unwrap()
        .checked()
        .unwrap();
    assert_eq!(
        (report.pulled_rows, report.loaded_scopes.len(), report.up_to_date),
        (0, 0, true)
    );
}
