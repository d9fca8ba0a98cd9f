//! A chain's files, a hub, a phone, and the way between them, all in one process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use rusqlite::{Connection, OpenFlags};
use secrecy::SecretBox;
use tower::ServiceExt as _;
use yaoban_clerk_core::chance::SystemChance;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::facade::{AppResult, ClerkApp};
use yaoban_clerk_core::sync::event::FailureKind;
use yaoban_clerk_core::sync::transport::{Connect, Exchange, Request, Response, Transport, TransportError};
use yaoban_clerk_core::sync::{Cancel, Deaf, Options, Problem, RoundReport};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};
use yaoban_hub::clock::ManualClock;
use yaoban_hub::import::{self, FileKind};
use yaoban_hub::serve::pairing::{Whom, make_code};
use yaoban_hub::serve::router::router;
use yaoban_hub::serve::state::Hub;
use yaoban_hub::storage::StorageError;
use yaoban_hub::storage::sqlite::Database;
use yaoban_protocol::pair::PairCode;

/// 2026-06-15, noon in Shanghai: contacts are allowed.
pub const NOON_MS: i64 = 1_781_496_000_000;
/// One day.
pub const DAY_MS: i64 = 86_400_000;
/// The store of the phone.
pub const STORE: &str = "A";
/// Name of the phone's file.
pub const PHONE_FILE: &str = "clerk.db";
/// Name of the hub's file.
pub const HUB_FILE: &str = "hub.db";

/// Gives a fixed key.
#[derive(Debug)]
pub struct FixedVault;

const KEY_BYTE: u8 = 7;

impl KeyVault for FixedVault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([KEY_BYTE; 32])))
    }
}

/// One clock for both ends, which stands until it is set.
#[derive(Debug, Clone)]
pub struct WorldClock {
    phone: Arc<AtomicI64>,
    hub: Arc<ManualClock>,
}

impl Clock for WorldClock {
    fn now_ms(&self) -> i64 {
        self.phone.load(Ordering::SeqCst)
    }
}

impl WorldClock {
    /// A clock that shows this instant.
    pub fn at(now_ms: i64) -> Self {
        Self {
            phone: Arc::new(AtomicI64::new(now_ms)),
            hub: Arc::new(ManualClock::at(now_ms)),
        }
    }

    /// Moves it on.
    pub fn advance(&self, by_ms: i64) {
        self.phone.fetch_add(by_ms, Ordering::SeqCst);
        self.hub.advance(by_ms);
    }
}

/// The way to a hub that may be down.
#[derive(Clone, Default)]
struct Way(Arc<Mutex<Option<Arc<Hub>>>>);

impl Way {
    fn hub(&self) -> Option<Arc<Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, hub: Option<Arc<Hub>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hub;
    }
}

impl Connect for Way {
    fn connect(&self, _url: &str, _fingerprint: &str) -> Result<Arc<dyn Transport>, Problem> {
        Ok(Arc::new(self.clone()))
    }
}

impl Transport for Way {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(async move {
            let hub = self.hub().ok_or(TransportError {
                kind: FailureKind::Unreachable,
                message: "the hub is down".into(),
            })?;
            let method = if request.body.is_some() { "POST" } else { "GET" };
            let mut http = axum::http::Request::builder().method(method).uri(request.path);
            if let Some(token) = request.token {
                http = http.header("authorization", format!("Bearer {token}"));
            }
            let http = http
                .body(Body::from(request.body.unwrap_or_default()))
                .expect("a request");
            let response = router(hub).oneshot(http).await.expect("a response");
            let status = response.status().as_u16();
            let retry_after = response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .expect("a body")
                .to_vec();
            Ok(Response {
                status,
                retry_after_ms: retry_after.map(|seconds| seconds * 1_000),
                body,
            })
        })
    }
}

/// What an operator does at the hub's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubCommand {
    /// `init`.
    Init,
    /// `import` of these files.
    Import(Vec<(FileKind, PathBuf)>),
    /// `model publish`.
    Publish,
    /// `campaign create` for these members.
    Campaign(Vec<String>),
    /// `daily`.
    Daily,
    /// `backup` into a file of the data directory.
    Backup(String),
    /// `restore` from a file of the data directory.
    Restore(String),
}

/// Phone and hub, each in its directory.
pub struct World {
    /// The hub's data directory.
    pub hub_dir: PathBuf,
    /// The phone's directory.
    pub home: PathBuf,
    /// The clock of both.
    pub clock: WorldClock,
    way: Way,
    code: Mutex<Option<String>>,
}

impl World {
    /// Both directories exist; nothing is opened yet.
    pub fn at(hub_dir: &Path, home: &Path, now_ms: i64) -> Self {
        Self {
            hub_dir: hub_dir.to_owned(),
            home: home.to_owned(),
            clock: WorldClock::at(now_ms),
            way: Way::default(),
            code: Mutex::default(),
        }
    }

    /// Opens the phone.
    pub fn open_phone(&self) -> AppResult<ClerkApp> {
        ClerkApp::open_with(
            &self.home,
            &FixedVault,
            Arc::new(self.clock.clone()),
            Arc::new(SystemChance),
            Box::new(self.way.clone()),
        )
    }

    /// Starts to serve.
    pub fn serve(&self) -> Result<(), String> {
        let database = Database::open(&self.hub_dir).map_err(|error| error.to_string())?;
        let hub = Hub::new(database, self.clock.hub.clone()).map_err(|error| error.to_string())?;
        self.way.set(Some(hub));
        Ok(())
    }

    /// Stops to serve.
    pub fn stop(&self) {
        self.way.set(None);
    }

    /// Whether the hub serves.
    pub fn serves(&self) -> bool {
        self.way.hub().is_some()
    }

    /// Gets a pairing code for later, before the hub can make none.
    pub fn keep_code(&self) {
        let code = self.code();
        *self.code.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    /// A pairing code, as the operator gets it.
    pub fn code(&self) -> String {
        let kept = self.code.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(code) = kept {
            return code;
        }
        let secret = self
            .hub(|database| {
                database.write(|tx| make_code(tx, &Whom::Store(STORE.into()), self.clock.now_ms()))
            })
            .expect("a code");
        PairCode {
            url: "https://hub.example".into(),
            fingerprint: "00".repeat(32),
            secret,
        }
        .to_text()
    }

    /// Works on the hub's database as another process beside the serving one.
    pub fn hub<T>(&self, work: impl FnOnce(&Database) -> T) -> T {
        work(&Database::open(&self.hub_dir).expect("the hub's database"))
    }

    /// Runs a command at the hub, as a process of its own would.
    pub fn command(&self, command: &HubCommand) -> Result<(), String> {
        let now_ms = self.clock.now_ms();
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let open = || Database::open(&self.hub_dir).map_err(|error| words(&error));
        match command {
            HubCommand::Init => Database::create(&self.hub_dir, "康健大药房", None)
                .map(drop)
                .map_err(|error| words(&error)),
            HubCommand::Import(files) => import::run(
                &open()?,
                files,
                import::Options::default(),
                self.clock.hub.as_ref(),
            )
            .map(drop)
            .map_err(|error| words(&error)),
            HubCommand::Publish => {
                let today = self.today()?;
                yaoban_hub::cli::model::publish(&open()?, today)
                    .map(drop)
                    .map_err(|error| words(&error))
            }
            HubCommand::Campaign(members) => {
                let members = members.iter().cloned().collect();
                yaoban_hub::campaign::create::create(
                    &open()?,
                    &plan(self.today()?),
                    &members,
                    now_ms,
                    &mut |_, _| {},
                )
                .map(drop)
                .map_err(|error| words(&error))
            }
            HubCommand::Daily => yaoban_hub::daily::run(&open()?, now_ms)
                .map(drop)
                .map_err(|error| words(&error)),
            HubCommand::Backup(name) => yaoban_hub::backup::backup(&self.hub_dir, &self.hub_dir.join(name))
                .map_err(|error| words(&error)),
            HubCommand::Restore(name) => {
                let served = self.serves();
                self.stop();
                yaoban_hub::backup::restore(&self.hub_dir, &self.hub_dir.join(name), now_ms)
                    .map_err(|error| words(&error))?;
                if served { self.serve() } else { Ok(()) }
            }
        }
    }

    fn today(&self) -> Result<chrono::NaiveDate, String> {
        Database::open(&self.hub_dir)
            .and_then(|database| database.read(|tx| Ok(tx.calendar()?.day(self.clock.now_ms()))))
            .map_err(|error: StorageError| error.to_string())
    }
}

/// Name of the campaign that [`HubCommand::Campaign`] makes.
pub const CAMPAIGN: &str = "续药关怀";

fn plan(start: chrono::NaiveDate) -> yaoban_hub::campaign::create::Plan {
    yaoban_hub::campaign::create::Plan {
        name: CAMPAIGN.into(),
        kind: yaoban_domain::codes::TaskKind::Call,
        purpose: yaoban_domain::codes::ContactPurpose::Service,
        script: "# 续药关怀\n您好，{name}。\n- 先问近况".into(),
        start,
        due: None,
        window_days: 30,
        cost_fen: Some(1_000),
        holdout_percent: 0,
        audience: None,
    }
}

/// One round that compares digests.
pub fn repair_round(app: &ClerkApp) -> RoundReport {
    let (driver, mut store, _) = app.background_parts();
    driver.sync_once(
        store.as_mut(),
        Options { repair: true },
        &Deaf,
        &Cancel::default(),
    )
}

/// A connection to the phone's file beside the app, for looking only.
pub fn peek_phone(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.execute_batch(&format!(
        "PRAGMA cipher_log_level = NONE; PRAGMA key = \"x'{}'\"; PRAGMA query_only = ON",
        hex::encode([KEY_BYTE; 32])
    ))?;
    Ok(connection)
}

/// A connection to the hub's file beside the hub, for looking only.
pub fn peek_hub(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

/// Members of a chain's files.
const MEMBERS: u32 = 40;

/// Writes the chain's files: two stores, staff, drugs, members with purchases and readings, and in each
/// file a row that is wrong. `second`: the files of the next day, with new and changed rows.
pub fn write_files(dir: &Path, second: bool) -> Vec<(FileKind, PathBuf)> {
    std::fs::create_dir_all(dir).expect("a directory");
    let mut files: BTreeMap<&str, (FileKind, String)> = BTreeMap::new();
    let mut members = String::from("member_id,store_id,name,phone,joined_on,diseases,tags,consents\n");
    for index in 0..MEMBERS {
        let store = if index % 4 == 3 { "B" } else { STORE };
        let name = if second && index % 5 == 0 {
            "改名会员"
        } else {
            "会员"
        };
        let _ = writeln!(
            members,
            "M{index},{store},{name}{index},138{index:08},2024-01-01,高血压,常客,membership=yes@2026-01-01;health=yes@2026-01-01;marketing=yes@2026-01-01",
        );
    }
    members.push_str("M-wrong,A,无效,12,不是日期,,,\n");
    let mut purchases = String::from("line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost\n");
    let lines = if second { 0..300 } else { 0..240 };
    for line in lines {
        let (member, day) = (line % MEMBERS, line % 28 + 1);
        let month = if line >= 240 { 6 } else { 1 + line % 5 };
        let day = if month == 6 { day % 14 + 1 } else { day };
        let _ = writeln!(
            purchases,
            "L{line},M{member},A,2026-{month:02}-{day:02} 10:00:00,D{},1,{}.50,",
            line % 3,
            10 + line % 90
        );
    }
    purchases.push_str("L-wrong,M1,A,2026-01-01 10:00:00,D1,1,not money,\n");
    let mut readings =
        String::from("reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context\n");
    for index in 0..MEMBERS {
        let _ = writeln!(
            readings,
            "R{index},M{index},2026-05-{:02} 09:00:00,bp,{},85,,office",
            index % 28 + 1,
            120 + index
        );
    }
    if !second {
        files.insert(
            "stores",
            (
                FileKind::Stores,
                "store_id,name,region\nA,一店,东\nB,二店,西\n".into(),
            ),
        );
        files.insert(
            "staff",
            (
                FileKind::Staff,
                "staff_id,store_id,region,name,role,pharmacist\nC1,A,,甲,clerk,no\nC2,A,,乙,clerk,yes\nG1,A,,丙,store_manager,no\n"
                    .into(),
            ),
        );
        files.insert(
            "drugs",
            (
                FileKind::Drugs,
                "drug_id,name,ingredient,units_per_pack,daily_units,prescription,chronic\nD0,络活喜,氨氯地平,7,1,yes,yes\nD1,格华止,二甲双胍,20,2,yes,yes\nD2,感冒灵,感冒灵,9,3,no,no\n"
                    .into(),
            ),
        );
        files.insert("readings", (FileKind::Readings, readings));
    }
    files.insert("members", (FileKind::Members, members));
    files.insert("purchases", (FileKind::Purchases, purchases));
    files
        .into_iter()
        .map(|(name, (kind, text))| {
            let path = dir.join(format!("{name}.csv"));
            std::fs::write(&path, text).expect("a file");
            (kind, path)
        })
        .collect()
}
