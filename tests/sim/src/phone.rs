//! A phone: the real [`ClerkApp`] over its real encrypted file, and the real sync engine, whose
//! effects the world carries out one by one. It can be killed between any two of them and within
//! any transaction.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretBox;
use yaoban_clerk_core::ClerkApp;
use yaoban_clerk_core::chance::Chance;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::store::{Store, StoreError};
use yaoban_clerk_core::sync::event::{Command, Effect, Event, Now, Stored, What};
use yaoban_clerk_core::sync::transport::{Connect, Transport};
use yaoban_clerk_core::sync::{Engine, Problem, RoundReport, StoreFailure, carry_out};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};

use crate::chain::{BEGIN_MS, directory};
use crate::chance::{Seeded, Stream};

/// Instructions of SQLite within which a killed transaction dies.
const KILL_WITHIN_STEPS: u64 = 4_000;
/// Pages that a full disk leaves.
const PAGES_LEFT: i64 = 0;

/// The phone's clock: the true time, and how far it is off.
#[derive(Debug, Default)]
pub struct PhoneClock {
    true_ms: AtomicI64,
    off_ms: AtomicI64,
}

impl Clock for PhoneClock {
    fn now_ms(&self) -> i64 {
        self.true_ms.load(Ordering::SeqCst) + self.off_ms.load(Ordering::SeqCst)
    }
}

/// The key of every phone's file.
#[derive(Debug)]
pub struct Vault;

impl KeyVault for Vault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([7; 32])))
    }
}

/// The facade's own way to the hub is not used: the world drives the engine.
struct NoWay;

impl Connect for NoWay {
    fn connect(&self, _url: &str, _fingerprint: &str) -> Result<Arc<dyn Transport>, Problem> {
        Err(StoreFailure::new("no_way", "the simulator drives the engine").into())
    }
}

/// A round under way, as the world sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Round {
    /// What had happened at the hub when it answered the last hello.
    pub hello_at: u64,
    /// A load had begun in it or before.
    pub loading: bool,
}

/// A phone.
pub struct Phone {
    /// Its place in the world.
    pub index: usize,
    /// The store that it belongs to.
    pub store_id: String,
    dir: tempfile::TempDir,
    home: PathBuf,
    homes: u32,
    app: Option<ClerkApp>,
    store: Option<Arc<Store>>,
    engine: Engine,
    clock: Arc<PhoneClock>,
    chance: Arc<Seeded>,
    random: Stream,
    born_ms: i64,
    /// Rises with each start of the app: what was asked for before is heard by nobody.
    pub life: u32,
    /// Commands of the engine to its store, in order.
    pub commands: VecDeque<(u64, Command)>,
    /// No network until then.
    pub offline_until_ms: i64,
    /// Speaks a schema that the hub does not serve.
    pub old_schema: bool,
    /// The disk is full.
    pub disk_full: bool,
    /// The round under way.
    pub round: Round,
    /// What had happened at the hub when the last complete round said hello.
    pub known_until: u64,
    /// Operations that were seen to be done, with their effect.
    pub settled: BTreeSet<String>,
    /// Who holds it.
    pub staff_id: String,
}

impl Phone {
    /// A phone that was never paired.
    pub fn new(seed: u64, index: usize, store_id: &str) -> Self {
        let dir = directory();
        let home = dir.path().join("0");
        std::fs::create_dir_all(&home).expect("a directory");
        let clock = Arc::new(PhoneClock::default());
        clock.true_ms.store(BEGIN_MS, Ordering::SeqCst);
        let mut phone = Self {
            index,
            store_id: store_id.to_owned(),
            dir,
            home,
            homes: 0,
            app: None,
            store: None,
            engine: Engine::new("sim"),
            clock,
            chance: Arc::new(Seeded::new(seed, &format!("phone {index}"))),
            random: Stream::new(seed, &format!("engine {index}")),
            born_ms: BEGIN_MS,
            life: 0,
            commands: VecDeque::new(),
            offline_until_ms: 0,
            old_schema: false,
            disk_full: false,
            round: Round::default(),
            known_until: 0,
            settled: BTreeSet::new(),
            staff_id: String::new(),
        };
        phone.open();
        phone
    }

    fn open(&mut self) {
        let chance: Arc<dyn Chance> = self.chance.clone();
        let app = ClerkApp::open_with(&self.home, &Vault, self.clock.clone(), chance, Box::new(NoWay))
            .expect("the file opens after any end");
        let status = app.status().expect("a status");
        assert_eq!(status.set_aside, None, "the file is sound after any end");
        self.store = Some(Arc::clone(app.store()));
        self.app = Some(app);
        self.engine = Engine::new("sim");
        self.commands.clear();
        self.life += 1;
        self.disk_full = false;
    }

    /// The app.
    pub fn app(&self) -> &ClerkApp {
        self.app.as_ref().expect("an app that runs")
    }

    /// Its file.
    pub fn store(&self) -> &Arc<Store> {
        self.store.as_ref().expect("a store that is open")
    }

    /// Reads the file.
    pub fn read<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError>) -> T {
        self.store().read(work).expect("the phone's file reads")
    }

    /// Sets the true time; the phone may believe another.
    pub fn set_time(&self, now_ms: i64) {
        self.clock.true_ms.store(now_ms, Ordering::SeqCst);
    }

    /// How far the phone's clock is off.
    pub fn set_clock_off(&self, off_ms: i64) {
        self.clock.off_ms.store(off_ms, Ordering::SeqCst);
    }

    /// How far the phone's clock is off.
    pub fn clock_off_ms(&self) -> i64 {
        self.clock.off_ms.load(Ordering::SeqCst)
    }

    /// A round or errand is under way.
    pub fn is_busy(&self) -> bool {
        self.engine.is_busy()
    }

    /// Something happened to the engine.
    pub fn step(&mut self, what: What, now_ms: i64) -> Vec<Effect> {
        let now = Now {
            wall_ms: self.clock.now_ms(),
            mono_ms: u64::try_from(now_ms - self.born_ms).unwrap_or(0),
            random: self.random.draw(),
        };
        self.engine.step(Event { now, what })
    }

    /// Carries out the next command to the store, if there is one.
    pub fn carry_out(&mut self) -> Option<(u64, Result<Stored, StoreFailure>)> {
        let (id, command) = self.commands.pop_front()?;
        let mut store = Arc::clone(self.store());
        Some((id, carry_out(&mut store, command)))
    }

    /// The process ends now. What it had asked for is heard by nobody.
    pub fn kill(&mut self) {
        self.app = None;
        self.store = None;
        self.open();
    }

    /// Does something during which the process is killed: somewhere within the next transaction, or
    /// right after it. The phone goes on from the bytes that the files had at that moment.
    pub fn kill_within(&mut self, steps: u64, work: impl FnOnce(&mut Self)) {
        self.homes += 1;
        let image = self.dir.path().join(self.homes.to_string());
        std::fs::create_dir_all(&image).expect("a directory");
        let taken = Arc::new(AtomicBool::new(false));
        let (from, to, done) = (self.home.clone(), image.clone(), Arc::clone(&taken));
        let left = AtomicU64::new(1 + steps % KILL_WITHIN_STEPS);
        let guard = Mutex::new(());
        let hook = move || {
            let _one_at_a_time = guard.lock().unwrap_or_else(PoisonError::into_inner);
            if done.load(Ordering::SeqCst) {
                return true;
            }
            if left.fetch_sub(1, Ordering::SeqCst) > 1 {
                return false;
            }
            copy_files(&from, &to);
            done.store(true, Ordering::SeqCst);
            true
        };
        self.store()
            .on_writer(|conn| conn.progress_handler(1, Some(hook)))
            .expect("a hook");
        work(self);
        if !taken.load(Ordering::SeqCst) {
            copy_files(&self.home, &image);
        }
        self.app = None;
        self.store = None;
        let old = std::mem::replace(&mut self.home, image);
        let _ = std::fs::remove_dir_all(old);
        self.open();
    }

    /// The disk is full, or has room again.
    pub fn set_disk_full(&mut self, full: bool) {
        let set = self.store().on_writer(|conn| {
            let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
            let limit = if full { pages + PAGES_LEFT } else { 1 << 30 };
            conn.pragma_query_value(None, &format!("max_page_count({limit})"), |_| Ok(()))
        });
        self.disk_full = full && set.is_ok();
    }

    /// All pages of the file, decrypted, free ones too.
    pub fn bytes(&self) -> Vec<u8> {
        let read = || -> rusqlite::Result<Vec<u8>> {
            let mut conn = rusqlite::Connection::open(self.store().path())?;
            conn.execute_batch(&format!("PRAGMA key = \"x'{}'\"", "07".repeat(32)))?;
            Ok(conn.serialize("main")?.to_vec())
        };
        read().expect("the file can be read whole")
    }

    /// What a finished round showed.
    pub fn round_ended(&mut self, report: &RoundReport) {
        if report.up_to_date && report.pull_problem.is_none() && report.problem.is_none() {
            self.known_until = self.known_until.max(self.round.hello_at);
        }
        self.round = Round::default();
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory").flatten() {
        let name = entry.file_name();
        // The index of the log is memory of the processes that share it: a killed one leaves none.
        if !name.to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.join(name)).expect("a copy");
        }
    }
}
