//! The production path: the driver over HTTPS with the certificate of the pairing code, the hub as it
//! serves, the phone's encrypted file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a failed helper fails its test"
)]

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use secrecy::SecretBox;
use yaoban_clerk_core::chance::{SystemChance, uuid_v7};
use yaoban_clerk_core::clock::SystemClock as PhoneClock;
use yaoban_clerk_core::facade::ClerkApp;
use yaoban_clerk_core::store::outbox::{self, NewOp};
use yaoban_clerk_core::store::{Durability, Store, rows};
use yaoban_clerk_core::sync::http::IDLE_MAX;
use yaoban_clerk_core::sync::transport::{Connect as _, Method, Request};
use yaoban_clerk_core::sync::{
    Background, BackgroundListener, Cancel, Deaf, Driver, Https, Options, Progress, RoundReport, Stage,
    SyncListener, Wake, code,
};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};
use yaoban_domain::model::{Member, Staff};
use yaoban_hub::clock::{Clock as _, SystemClock};
use yaoban_hub::serve::pairing::{Whom, make_code};
use yaoban_hub::serve::run::serve;
use yaoban_hub::storage::sqlite::scope::{Changes, Mark, store_scope};
use yaoban_hub::storage::sqlite::{Database, Tx};
use yaoban_hub::storage::{Records as _, StorageError};
use yaoban_protocol::message::LookupRequest;
use yaoban_protocol::op::Op;
use yaoban_protocol::pair::PairCode;
use yaoban_protocol::row::entity;

/// Long enough for any machine; what is waited for comes at once.
const PATIENCE: Duration = Duration::from_mins(1);

fn now_ms() -> i64 {
    SystemClock.now_ms()
}

struct Served {
    dir: tempfile::TempDir,
    database: Database,
    runtime: Option<tokio::runtime::Runtime>,
    url: String,
    fingerprint: String,
}

fn put_member(tx: &Tx<'_>, store_id: &str, id: &str, name: &str) -> Result<(), StorageError> {
    let member: Member = serde_json::from_value(serde_json::json!({
        "id": id, "store_id": store_id, "name": name, "phone": null, "sex": null, "birthday": null,
        "joined_on": "2024-01-01", "height_cm": null, "weight_hg": null
    }))
    .unwrap();
    tx.put_member(&member)?;
    let mut changes = Changes::new();
    changes.add(&store_scope(store_id), entity::MEMBER, id, Mark::Put);
    tx.touch(&changes)
}

fn put_store(tx: &Tx<'_>, store_id: &str) -> Result<(), StorageError> {
    tx.put_store(&yaoban_domain::model::Store {
        id: store_id.into(),
        name: format!("{store_id}店"),
        region: None,
    })?;
    let clerk: Staff = serde_json::from_value(serde_json::json!({
        "id": format!("clerk-{store_id}"), "store_id": store_id, "region": null, "name": "店员", "role": "clerk"
    }))
    .unwrap();
    tx.put_staff(&clerk)?;
    let mut changes = Changes::new();
    changes.add(&store_scope(store_id), entity::STORE, store_id, Mark::Put);
    changes.add(&store_scope(store_id), entity::STAFF, &clerk.id, Mark::Put);
    tx.touch(&changes)
}

impl Served {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "康健大药房", None).unwrap();
        database
            .write::<_, StorageError>(|tx| {
                put_store(tx, "A")?;
                put_store(tx, "B")?;
                put_member(tx, "B", "MB", "外店会员")?;
                (0..50).try_for_each(|i| put_member(tx, "A", &format!("M{i}"), "会员"))
            })
            .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let served = Database::open(dir.path()).unwrap();
        let (tell, told) = mpsc::channel();
        runtime.spawn(async move {
            let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
            let ready = |url: &str, fingerprint: &str| {
                let _ = tell.send((url.to_owned(), fingerprint.to_owned()));
            };
            let _ = serve(served, address, ready).await;
        });
        let (url, fingerprint) = told.recv_timeout(PATIENCE).unwrap();
        Self {
            dir,
            database,
            runtime: Some(runtime),
            url,
            fingerprint,
        }
    }

    fn code(&self) -> String {
        let secret = self
            .database
            .write(|tx| make_code(tx, &Whom::Store("A".into()), now_ms()))
            .unwrap();
        PairCode {
            url: self.url.clone(),
            fingerprint: self.fingerprint.clone(),
            secret,
        }
        .to_text()
    }

    fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

struct TestVault;

impl KeyVault for TestVault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([7; 32])))
    }
}

fn driver() -> Driver {
    Driver::new(Box::new(Https), Box::new(now_ms), "test").unwrap()
}

/// Keeps the stages it heard of, and passes reports on.
struct Ear {
    stages: Mutex<Vec<Stage>>,
    reports: Mutex<mpsc::Sender<RoundReport>>,
}

impl Ear {
    fn new() -> (Arc<Self>, mpsc::Receiver<RoundReport>) {
        let (tell, told) = mpsc::channel();
        (
            Arc::new(Self {
                stages: Mutex::default(),
                reports: Mutex::new(tell),
            }),
            told,
        )
    }
}

impl SyncListener for Ear {
    fn progress(&self, progress: Progress) {
        self.stages.lock().unwrap().push(progress.stage);
    }
}

impl BackgroundListener for Ear {
    fn finished(&self, report: &RoundReport) {
        let _ = self.reports.lock().unwrap().send(report.clone());
    }
}

/// Stands between a phone and the hub; tells of each connection when it ends. How many were made?
struct Between {
    url: String,
    made: Arc<AtomicUsize>,
    ended: mpsc::Receiver<()>,
}

impl Between {
    fn phone_and(hub: &Served) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let address = hub.url.trim_start_matches("https://").to_owned();
        let made = Arc::new(AtomicUsize::new(0));
        let (tell, ended) = mpsc::channel();
        let count = Arc::clone(&made);
        std::thread::spawn(move || {
            for phone in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let (mut up, tell) = (phone.unwrap(), tell.clone());
                let mut down = TcpStream::connect(&address).unwrap();
                let (mut from_hub, mut to_phone) = (down.try_clone().unwrap(), up.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from_hub, &mut to_phone));
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut up, &mut down);
                    let _ = down.shutdown(Shutdown::Both);
                    let _ = tell.send(());
                });
            }
        });
        Self { url, made, ended }
    }
}

#[test]
fn before_a_long_rest_the_connection_is_closed_and_later_made_anew() {
    let hub = Served::start();
    let between = Between::phone_and(&hub);
    let transport = Https.connect(&between.url, &hub.fingerprint).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let exchange = || {
        let request = Request {
            method: Method::Get,
            body: None,
            path: "/healthz".into(),
            token: None,
            timeout_ms: 60_000,
            response_bytes_max: 1_000,
        };
        runtime.block_on(transport.exchange(request)).unwrap().status
    };
    assert_eq!((exchange(), exchange()), (200, 200));
    assert_eq!(between.made.load(Ordering::SeqCst), 1, "one connection for both");
    transport.hang_up();
    // Sooner than an unused connection is closed by itself.
    between.ended.recv_timeout(IDLE_MAX / 2).unwrap();
    assert_eq!(exchange(), 200);
    assert_eq!(between.made.load(Ordering::SeqCst), 2);
}

/// Holds a round at its first word until it is let go.
struct Held {
    told: AtomicBool,
    begun: mpsc::SyncSender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl SyncListener for Held {
    fn progress(&self, _progress: Progress) {
        if !self.told.swap(true, Ordering::SeqCst) {
            self.begun.send(()).unwrap();
            self.go.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
    }
}

#[test]
fn a_round_that_is_asked_for_waits_for_the_one_under_way() {
    let mut hub = Served::start();
    let folder = tempfile::tempdir().unwrap();
    let app = ClerkApp::open(folder.path(), &TestVault, Arc::new(PhoneClock)).unwrap();
    app.pair(&hub.code(), "柜台手机").unwrap();
    let (begin, begun) = mpsc::sync_channel(1);
    let (let_go, go) = mpsc::channel();
    let held = Held {
        told: AtomicBool::new(false),
        begun: begin,
        go: Mutex::new(go),
    };
    std::thread::scope(|threads| {
        let first = threads.spawn(|| app.sync(&held, &Cancel::default()));
        begun.recv_timeout(PATIENCE).unwrap();
        // Who gives up waiting is told why; the round goes on.
        let given_up = Cancel::default();
        given_up.cancel();
        let refused = app.sync(&Deaf, &given_up).unwrap_err();
        assert_eq!(refused.code(), code::SYNC_RUNNING);
        let (begin, second_begun) = mpsc::channel();
        let second = threads.spawn({
            let app = &app;
            move || {
                begin.send(()).unwrap();
                app.sync(&Deaf, &Cancel::default())
            }
        });
        // The first one has a whole load before it when the second one asks.
        second_begun.recv_timeout(PATIENCE).unwrap();
        let_go.send(()).unwrap();
        assert_eq!(first.join().unwrap().unwrap().loaded_scopes, 2);
        assert!(second.join().unwrap().unwrap().up_to_date);
    });
    hub.stop();
}

#[test]
fn a_phone_pairs_loads_works_offline_and_syncs_over_https() {
    let mut hub = Served::start();
    let folder = tempfile::tempdir().unwrap();
    let mut store = Arc::new(
        Store::open(&folder.path().join("clerk.db"), &TestVault, now_ms())
            .unwrap()
            .0,
    );
    let (driver, cancel) = (Arc::new(driver()), Cancel::default());
    let (ear, told) = Ear::new();

    // A code works once.
    let text = hub.code();
    let pairing = driver.pair(&mut store, &text, "柜台手机").unwrap();
    assert_eq!(
        (pairing.store_id.as_str(), pairing.store_name.as_str()),
        ("A", "A店")
    );
    let other = tempfile::tempdir().unwrap();
    let mut second = Arc::new(
        Store::open(&other.path().join("clerk.db"), &TestVault, now_ms())
            .unwrap()
            .0,
    );
    assert_eq!(
        driver.pair(&mut second, &text, "手机").unwrap_err().code,
        "pair_code_invalid"
    );

    // First load, then an operation that was done offline.
    let report = driver
        .sync_once(&mut store, Options::default(), ear.as_ref(), &cancel)
        .checked()
        .unwrap();
    assert_eq!(report.loaded_scopes.len(), 2);
    assert!(ear.stages.lock().unwrap().contains(&Stage::Indexing));
    let name = |store: &Store, id: &str| store.read(|c| rows::member(c, id)).unwrap().map(|m| m.name);
    assert_eq!(name(&store, "M7").as_deref(), Some("会员"));
    assert_eq!(name(&store, "MB"), None, "nothing of other stores");
    let op = Op::Tags {
        member_id: "M7".into(),
        add: vec!["糖友".into()],
        remove: Vec::new(),
    };
    let new = NewOp {
        op_id: uuid_v7(&SystemChance, 0).unwrap(),
        staff_id: "clerk-A".into(),
        at_ms: now_ms(),
        held_until_ms: None,
        op,
    };
    store
        .write(Durability::Full, |tx| outbox::push(tx, &new))
        .unwrap();
    let report = driver
        .sync_once(&mut store, Options { repair: true }, ear.as_ref(), &cancel)
        .checked()
        .unwrap();
    assert_eq!((report.pushed_ops, report.repaired_ranges), (1, 0));
    let at_hub = hub
        .database
        .read::<_, StorageError>(|tx| tx.member("M7"))
        .unwrap()
        .unwrap();
    assert_eq!(at_hub.tags, ["糖友"]);
    assert!(store.read(outbox::under_way).unwrap().is_empty());

    // A walk-in from another store, and lines older than the phone holds.
    let request = LookupRequest {
        query: "MB".into(),
        reason: "walk_in".into(),
        staff_id: "clerk-A".into(),
    };
    assert!(driver.lookup(&mut store, request, &cancel).unwrap() > 0);
    assert_eq!(name(&store, "MB").as_deref(), Some("外店会员"));
    assert!(
        !driver
            .history(&mut store, "M7", 20_000, 50, &cancel)
            .unwrap()
            .more
    );

    // In the background a change comes by itself.
    let wake = Arc::new(Wake::default());
    let background = Background::start(
        Arc::clone(&driver),
        Box::new(Arc::clone(&store)),
        ear,
        Arc::clone(&wake),
    )
    .unwrap();
    told.recv_timeout(PATIENCE).unwrap().checked().unwrap();
    hub.database
        .write(|tx| put_member(tx, "A", "M7", "改名"))
        .unwrap();
    let changed = |report: RoundReport| report.pulled_rows > 0;
    assert!(std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok()).any(changed));
    assert_eq!(name(&store, "M7").as_deref(), Some("改名"));
    // What is new to send goes at once, while it waits for the hub.
    let op = Op::Tags {
        member_id: "M7".into(),
        add: vec!["老街坊".into()],
        remove: Vec::new(),
    };
    let new = NewOp {
        op_id: uuid_v7(&SystemChance, 0).unwrap(),
        op,
        ..new
    };
    store
        .write(Durability::Full, |tx| outbox::push(tx, &new))
        .unwrap();
    wake.up();
    let sent = |report: RoundReport| report.pushed_ops > 0;
    assert!(std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok()).any(sent));
    // What can be taken back for a moment goes as soon as it cannot, though nothing else happens.
    let op = Op::Tags {
        member_id: "M7".into(),
        add: vec!["常来".into()],
        remove: Vec::new(),
    };
    let held = NewOp {
        op_id: uuid_v7(&SystemChance, 0).unwrap(),
        at_ms: now_ms(),
        held_until_ms: Some(now_ms() + 1_500),
        op,
        ..new
    };
    store
        .write(Durability::Full, |tx| outbox::push(tx, &held))
        .unwrap();
    wake.up();
    assert!(std::iter::from_fn(|| told.recv_timeout(PATIENCE).ok()).any(sent));
    background.stop();

    // The hub goes away: said clearly, everything stays usable.
    hub.stop();
    let report = driver.sync_once(&mut store, Options::default(), &Deaf, &cancel);
    assert_eq!(report.checked().unwrap_err().code, code::HUB_UNREACHABLE);
    assert_eq!(name(&store, "M7").as_deref(), Some("改名"));
    assert!(hub.dir.path().join("hub.db").is_file());
}
