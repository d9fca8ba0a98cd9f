//! [`ClerkApp`]: one object, records in, records out. What a shell shows is ready to show: codes and
//! values, numbers masked; the shell words and paints it.
//!
//! | module | what belongs there |
//! |---|---|
//! | this one | opening, pausing, status, sync, who acts |
//! | [`error`] | the one flat error |
//! | [`device`] | what the phone's data take up, the end of a pairing |
//! | [`staff`] | who uses the phone: PIN, switch, lock |
//! | [`tasks`] | the task list, tasks that a clerk makes |
//! | [`contact`] | gate, dial, outcome, take-back |
//! | [`outcomes`] | which outcomes are offered, and what each asks for |
//! | [`doctor`], [`bundle`] | how the phone is, for support |
//! | [`find`], [`lookup`] | finding a member, here or at the hub |
//! | [`profile`], [`history`], [`readings`] | what is known of a member |
//! | [`entry`] | a reading while it is typed |
//! | [`members`] | what a clerk changes in a record |
//! | [`recordings`] | recordings of calls |
//! | [`groups`] | members by an audience |
//! | [`overview`] | counts for the chips, members looked at last |
//! | [`message`] | messages from templates, each through the gate |
//! | [`manager`] | today by clerk, tasks given away, duplicates, the outbox |
//!
//! Calls block and may come from any thread; none waits for the network but [`ClerkApp::pairing_offer`],
//! [`ClerkApp::pair`], [`ClerkApp::sync`] and the look-ups.

pub mod bundle;
pub mod contact;
pub mod device;
pub mod doctor;
pub mod entry;
pub mod error;
pub mod find;
pub mod groups;
pub mod history;
mod listing;
pub mod lookup;
pub mod manager;
pub mod members;
pub mod message;
pub mod outcomes;
pub mod overview;
pub mod profile;
pub mod readings;
pub mod recordings;
pub mod staff;
pub mod tasks;
pub mod wording;
mod work;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{NaiveDate, NaiveDateTime};
use serde::Serialize;
use yaoban_domain::model::Staff;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::Op;
use yaoban_protocol::row::entity;

use crate::chance::{Chance, SystemChance, uuid_v7};
use crate::clock::Clock;
use crate::recording::{self, Shelf};
use crate::store::StoreError;
use crate::store::outbox::{self, NewOp};
use crate::store::{Durability, OpenReport, Settings, Store, meta, read_pairing, rows};
use crate::sync::{
    Cancel, Connect, Driver, Https, Options, Problem, RoundReport, SyncListener, SyncStore, Wake, code,
};
use crate::vault::KeyVault;
pub use error::{AppError, AppResult};
pub use work::{GROUP_MAX, ReasonCount, Refused};

/// Name of the file in the app's directory.
const FILE: &str = "clerk.db";
/// When the last round was, by the phone's clock.
const LAST_SYNC: &str = "last_sync_ms";
/// Stuck operations that a status shows.
const STUCK_MAX: u32 = 50;

/// A phone of a store.
pub struct ClerkApp {
    pub(crate) store: Arc<Store>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    driver: Arc<Driver>,
    session: Mutex<staff::Session>,
    touched_by_shell: AtomicBool,
    wake: Arc<Wake>,
    /// What the hub was asked for last, if it knew nobody either.
    nowhere: Mutex<String>,
    pub(crate) recordings: Shelf,
    pub(crate) opened: Mutex<OpenReport>,
}

/// Who acts, where and when; see [`ClerkApp::acting`].
#[derive(Debug, Clone)]
pub struct Acting {
    /// The member of staff.
    pub staff: Staff,
    /// The device's store.
    pub store_id: String,
    /// Now, UTC.
    pub now_ms: i64,
    /// Today, by the chain's calendar.
    pub today: NaiveDate,
    /// Rules, model and calendar.
    pub settings: Arc<Settings>,
}

/// A phone in a pocket: [`Acting`] without the lock, and perhaps without anybody.
#[derive(Debug, Clone)]
pub(crate) struct Pocketed {
    staff: Option<Staff>,
    store_id: String,
    now_ms: i64,
    today: NaiveDate,
    settings: Arc<Settings>,
}

/// An operation that was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acted {
    /// Its key in the outbox; what it takes to take it back.
    pub outbox_id: i64,
    /// It can be taken back until then, UTC; none: it cannot.
    pub take_back_until_ms: Option<i64>,
}

/// Whose phone a pairing code makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairingOffer {
    /// Name of the chain.
    pub chain_name: String,
    /// Name of the store.
    pub store_name: String,
}

/// What a device knows of its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paired {
    /// Name of the chain.
    pub chain_name: String,
    /// The device's store.
    pub store_id: String,
    /// Name of the store.
    pub store_name: String,
    /// The member of staff that the code was made for, if it was.
    pub staff_id: Option<String>,
}

/// How far a phone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneStage {
    /// No hub knows it.
    Unpaired,
    /// Paired; the first load is not in.
    Loading,
    /// Everything that was ever loaded is here.
    Ready,
}

/// How the phone stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// How far it is.
    pub stage: PhoneStage,
    /// Paired with a hub.
    pub paired: bool,
    /// Why the hub locked this phone, if it did.
    pub locked: Option<String>,
    /// Id of this device.
    pub device_id: String,
    /// Address of the hub.
    pub hub_url: String,
    /// Name of the chain.
    pub chain_name: String,
    /// The store.
    pub store_id: String,
    /// Name of the store.
    pub store_name: String,
    /// Who uses the phone.
    pub staff_id: Option<String>,
    /// When the last round that got through was, UTC.
    pub last_sync_ms: Option<i64>,
    /// Everything that was ever loaded is here; false during a first load.
    pub loaded: bool,
    /// How far the first load is, or was when it was cut short; none once it is in. With it the phone can be
    /// used already: people sign in, see the tasks and the members that came first, and look others up at the
    /// hub.
    pub first_load: Option<FirstLoad>,
    /// Operations that are not sent yet.
    pub outbox: i64,
    /// Of these, within their take-back time.
    pub held: i64,
    /// Of these, that wait for the hub only.
    pub waiting: i64,
    /// Operations that the hub could not read.
    pub parked: i64,
    /// Operations that are stuck, with their reason.
    pub stuck: Vec<StuckOp>,
    /// Members of the store.
    pub members: i64,
    /// Size of the file.
    pub file_bytes: u64,
    /// Version of the published class model.
    pub model_version: u64,
    /// Where a damaged file was set aside at the start, if one was.
    pub set_aside: Option<PathBuf>,
    /// Operations that the file had lost and that were saved, from it or from the mirror.
    pub salvaged_ops: u32,
}

/// A first load that is not in yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FirstLoad {
    /// Members that came in.
    pub members_done: u64,
    /// Members that it brings.
    pub members: u64,
    /// Somebody can sign in and work with what came in.
    pub usable: bool,
}

pub(crate) fn first_load(conn: &rusqlite::Connection) -> crate::store::Result<Option<FirstLoad>> {
    let Some(kept) = meta::get::<Vec<u8>>(conn, meta::FIRST_LOAD)? else {
        return Ok(None);
    };
    let (members_done, members) = from_cbor(&kept)?;
    Ok(Some(FirstLoad {
        members_done,
        members,
        usable: staff::anybody(conn)?,
    }))
}

/// An operation that the hub refused or could not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StuckOp {
    /// Its key in the outbox.
    pub outbox_id: i64,
    /// What was done, as the operation's code.
    pub op: String,
    /// Who did it.
    pub staff_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// Whom it concerns.
    pub member_id: Option<String>,
    /// The member's name, if it is here.
    pub member_name: Option<String>,
    /// `rejected` or `parked`; of one on its way `held`, `pending` or `answered`.
    pub state: String,
    /// It goes no further by itself: the hub refused it or could not read it.
    pub stuck: bool,
    /// Why, as a code.
    pub reason: Option<String>,
    /// Values for the reason's wording.
    pub values: Vec<(String, String)>,
}

/// What a round of sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Everything that the hub had when the round began is here.
    pub up_to_date: bool,
    /// Rows that came in.
    pub pulled_rows: u64,
    /// Scopes that were loaded whole.
    pub loaded_scopes: u32,
    /// Operations that got their answer.
    pub pushed_ops: u64,
    /// Of these, refused with a reason to see.
    pub rejected_ops: u64,
    /// Of these, kept unread at the hub.
    pub parked_ops: u64,
    /// Wait at least this long before the next round.
    pub next_delay_ms: u64,
}

impl From<&RoundReport> for SyncReport {
    fn from(report: &RoundReport) -> Self {
        Self {
            up_to_date: report.up_to_date,
            pulled_rows: report.pulled_rows,
            loaded_scopes: report.loaded_scopes.len() as u32,
            pushed_ops: report.pushed_ops,
            rejected_ops: report.rejected_ops,
            parked_ops: report.parked_ops,
            next_delay_ms: report.next_delay_ms,
        }
    }
}

impl ClerkApp {
    /// Opens the phone in its directory; makes the file if there is none. A damaged file is set
    /// aside (see [`Status::set_aside`]), a newer one is refused and kept.
    pub fn open(home: &Path, vault: &dyn KeyVault, clock: Arc<dyn Clock>) -> AppResult<Self> {
        Self::open_with(home, vault, clock, Arc::new(SystemChance), Box::new(Https))
    }

    /// [`Self::open`] with other chance and another way to the hub, for tests and simulators.
    pub fn open_with(
        home: &Path,
        vault: &dyn KeyVault,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        connect: Box<dyn Connect>,
    ) -> AppResult<Self> {
        let (store, mut opened) = Store::open(&home.join(FILE), vault, clock.now_ms())?;
        let wall_clock = Arc::clone(&clock);
        let driver = Driver::new(
            connect,
            Box::new(move || wall_clock.now_ms()),
            env!("CARGO_PKG_VERSION"),
        )?;
        let recordings = Shelf::beside(store.path());
        let begin = || {
            let session = store.read(staff::Session::read)?;
            // Of erased members, and what a kill left half done.
            recording::tidy::remove_strangers(&store, &recordings)?;
            Ok(session)
        };
        // Damage that shows only here is seen to like that of the first page: nobody could open the phone
        // to mend it.
        let session = match begin() {
            Err(StoreError::Damaged) => {
                opened = store.set_damaged_aside(clock.now_ms())?;
                begin()?
            }
            begun => begun?,
        };
        Ok(Self {
            recordings,
            store: Arc::new(store),
            clock,
            chance,
            driver: Arc::new(driver),
            session: Mutex::new(session),
            touched_by_shell: AtomicBool::new(false),
            wake: Arc::default(),
            nowhere: Mutex::default(),
            opened: Mutex::new(opened),
        })
    }

    /// Numbers what is held, moves the log into the file and closes it. Everything else fails with
    /// `paused` until [`Self::resume`].
    pub fn pause(&self) -> AppResult<()> {
        if self.store.is_open() {
            self.store
                .write(Durability::Full, |tx| outbox::number_due(tx, i64::MAX))?;
        }
        Ok(self.store.pause()?)
    }

    /// Opens the file again.
    pub fn resume(&self) -> AppResult<()> {
        Ok(self.store.resume()?)
    }

    /// Pauses for good.
    pub fn close(self) -> AppResult<()> {
        self.pause()
    }

    /// A read said that the file is damaged: the file is set aside, its outbox saved, and the next round loads
    /// everything anew. The next call does so by itself, once; here it is asked for again.
    pub fn repair(&self) -> AppResult<u32> {
        let report = self.store.set_damaged_aside(self.now_ms())?;
        let salvaged_ops = report.salvaged_ops;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = report;
        self.store.tell_change();
        Ok(salvaged_ops)
    }

    /// What opening the file found, or its last repair.
    pub(crate) fn opened(&self) -> OpenReport {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.clone()
    }

    /// Mends what the call before found damaged.
    fn mend(&self) -> AppResult<()> {
        if !self.store.claim_repair() {
            return Ok(());
        }
        tracing::warn!("the phone's file is damaged; it is set aside");
        self.repair()
            .map(drop)
            .inspect_err(|_| self.store.give_repair_back())
    }

    /// Whose phone the hub's one-time code makes, to be shown before it is accepted. The code stays good.
    pub fn pairing_offer(&self, code: &str) -> AppResult<PairingOffer> {
        let offer = self.driver.pairing_offer(code)?;
        Ok(PairingOffer {
            chain_name: offer.chain_name,
            store_name: offer.store_name,
        })
    }

    /// Pairs the phone by the hub's one-time code.
    pub fn pair(&self, code: &str, device_name: &str) -> AppResult<Paired> {
        let mut store = Arc::clone(&self.store);
        let pairing = self.driver.pair(&mut store, code, device_name)?;
        Ok(Paired {
            chain_name: pairing.chain_name,
            store_id: pairing.store_id,
            store_name: pairing.store_name,
            staff_id: pairing.staff_id,
        })
    }

    /// One round with the hub, after one that is under way already. Afterwards the figures of whoever changed are
    /// computed.
    pub fn sync(&self, listener: &dyn SyncListener, cancel: &Cancel) -> AppResult<SyncReport> {
        self.mend()?;
        let mut store = Arc::clone(&self.store);
        loop {
            let report = self
                .driver
                .sync_once(&mut store, Options::default(), listener, cancel);
            let running = |problem: &Problem| problem.code == code::SYNC_RUNNING;
            if cancel.is_cancelled() || !report.first_problem().is_some_and(running) {
                return self.after_round(report, cancel);
            }
            self.driver.wait_for_round(cancel);
        }
    }

    /// What follows on a round, also on one of the background loop: figures of whoever changed,
    /// recordings that have to go, the time of the round.
    pub fn after_round(&self, report: RoundReport, cancel: &Cancel) -> AppResult<SyncReport> {
        let now_ms = self.now_ms();
        self.refresh(cancel)?;
        self.tidy_recordings()?;
        let report = report.checked()?;
        self.store
            .write(Durability::Normal, |tx| meta::set(tx, LAST_SYNC, now_ms))?;
        Ok(SyncReport::from(&report))
    }

    /// Brings the figures up to today, in short batches; called after a round, at the start and
    /// when a new day begins. Lists and groups show the figures of the last time.
    pub fn refresh(&self, cancel: &Cancel) -> AppResult<()> {
        let today = self.today();
        while !cancel.is_cancelled()
            && self
                .store
                .refresh_figures(today, crate::store::figures::BATCH_MEMBERS)?
        {}
        Ok(())
    }

    /// The driver, the store, and what wakes it, for a background loop (see [`crate::sync::Background`]).
    pub fn background_parts(&self) -> (Arc<Driver>, Box<dyn SyncStore + Send>, Arc<Wake>) {
        let store = Box::new(Arc::clone(&self.store));
        (Arc::clone(&self.driver), store, Arc::clone(&self.wake))
    }

    /// What the hub was asked for last, if it knew nobody either; empty: it knew somebody, or was not asked.
    pub(crate) fn nowhere(&self) -> MutexGuard<'_, String> {
        self.nowhere.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to send: the background does not wait any longer.
    pub(crate) fn wake_background(&self) {
        self.wake.up();
    }

    /// The file beneath, for support tools and simulators.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// How the phone stands.
    pub fn status(&self) -> AppResult<Status> {
        self.mend()?;
        let file_bytes = std::fs::metadata(self.store.path()).map_or(0, |file| file.len());
        let staff_id = self.signed_in();
        let stuck = self.stuck_ops()?;
        let opened = self.opened();
        self.store.read(|conn| {
            let pairing = read_pairing(conn)?;
            let text = |value: fn(&crate::sync::Pairing) -> &String| {
                pairing.as_ref().map(value).cloned().unwrap_or_default()
            };
            let count = |sql: &str| {
                conn.prepare_cached(sql)?
                    .query_row([], |row| row.get::<_, i64>(0))
            };
            let loaded = rows::any_loaded(conn)?;
            Ok(Status {
                stage: match (pairing.is_some(), loaded) {
                    (false, _) => PhoneStage::Unpaired,
                    (true, false) => PhoneStage::Loading,
                    (true, true) => PhoneStage::Ready,
                },
                paired: pairing.is_some(),
                locked: meta::get(conn, meta::LOCKED)?,
                device_id: text(|p| &p.device_id),
                hub_url: text(|p| &p.url),
                chain_name: text(|p| &p.chain_name),
                store_id: meta::get(conn, meta::STORE_ID)?.unwrap_or_default(),
                store_name: text(|p| &p.store_name),
                staff_id: staff_id.clone(),
                last_sync_ms: meta::get(conn, LAST_SYNC)?,
                loaded,
                first_load: first_load(conn)?,
                outbox: count("SELECT count(*) FROM outbox WHERE state IN ('held', 'pending')")?,
                held: count("SELECT count(*) FROM outbox WHERE state = 'held'")?,
                waiting: count("SELECT count(*) FROM outbox WHERE state = 'pending'")?,
                parked: count("SELECT count(*) FROM outbox WHERE state = 'parked' AND put_away = 0")?,
                stuck,
                members: count("SELECT count(*) FROM member WHERE standing = 1")?,
                file_bytes,
                model_version: self.settings().model.version,
                set_aside: opened.set_aside.clone(),
                salvaged_ops: opened.salvaged_ops,
            })
        })
    }

    /// Operations that the hub refused or could not read and that nobody has put away.
    pub fn stuck_ops(&self) -> AppResult<Vec<StuckOp>> {
        self.store.read(|conn| {
            let stuck = outbox::stuck(conn, STUCK_MAX)?;
            Ok(stuck
                .into_iter()
                .map(|op| shown_op(conn, op))
                .collect::<crate::store::Result<_>>()?)
        })
    }

    /// The clerk has seen a stuck operation.
    pub fn put_away(&self, outbox_id: i64) -> AppResult<()> {
        if self
            .store
            .write(Durability::Full, |tx| outbox::put_away(tx, outbox_id))?
        {
            Ok(())
        } else {
            Err(AppError::Unknown { what: "operation" })
        }
    }

    /// A new id.
    pub(crate) fn new_id(&self, now_ms: i64) -> crate::store::Result<String> {
        Ok(uuid_v7(self.chance.as_ref(), now_ms)?)
    }

    /// Random bytes.
    pub(crate) fn chance(&self) -> &dyn Chance {
        self.chance.as_ref()
    }

    /// Now, UTC.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Today, by the chain's calendar.
    pub fn today(&self) -> NaiveDate {
        self.settings().calendar.day(self.now_ms())
    }

    /// The civil date and time of an instant, by the chain's calendar.
    pub fn local(&self, at_ms: i64) -> NaiveDateTime {
        self.settings().calendar.local(at_ms)
    }

    /// The chain's time zone, by its IANA name: instants show by its clock, whatever the phone is set to.
    pub fn time_zone(&self) -> String {
        self.settings().rules.time_zone.0.clone()
    }

    /// Rules, model and calendar.
    pub fn settings(&self) -> Arc<Settings> {
        self.store.settings()
    }

    /// Who acts: paired, signed in, not locked. Every call that shows or changes members begins
    /// with it; it keeps the lock from falling, unless the shell tells of touches itself.
    pub(crate) fn acting(&self) -> AppResult<Acting> {
        let phone = self.acting_behind_the_lock()?;
        let minutes = phone.settings.rules.device.lock_minutes_of(&phone.store_id);
        let staff_id = self.awake(phone.now_ms, minutes)?;
        let staff = phone.staff.filter(|staff| staff.id == staff_id);
        Ok(Acting {
            staff: staff.ok_or(AppError::StaffMissing)?,
            store_id: phone.store_id,
            now_ms: phone.now_ms,
            today: phone.today,
            settings: phone.settings,
        })
    }

    /// Whose phone it is, whether the lock has fallen or not. It keeps no lock from falling, and what
    /// is read for it shows no member.
    pub(crate) fn acting_behind_the_lock(&self) -> AppResult<Pocketed> {
        self.mend()?;
        let now_ms = self.now_ms();
        let settings = self.settings();
        let signed_in = self.signed_in().unwrap_or_default();
        let (store_id, locked, staff) = self.store.read(|conn| -> AppResult<_> {
            let store_id: Option<String> = meta::get(conn, meta::STORE_ID)?;
            let locked: Option<String> = meta::get(conn, meta::LOCKED)?;
            let staff: Option<Staff> = rows::record(conn, entity::STAFF, &signed_in)?;
            Ok((store_id, locked, staff))
        })?;
        // What is wrong with the phone comes before what is wrong with who holds it.
        let store_id = store_id.ok_or(AppError::NotPaired)?;
        if let Some(reason) = locked {
            return Err(AppError::DeviceLocked { reason });
        }
        let today = settings.calendar.day(now_ms);
        Ok(Pocketed {
            staff: staff.filter(|staff| staff.active),
            store_id,
            now_ms,
            today,
            settings,
        })
    }

    /// Stores an operation of who acts.
    pub(crate) fn act(&self, acting: &Acting, op: Op) -> AppResult<Acted> {
        self.act_held(acting, op, None)
    }

    /// Stores an operation that can be taken back for so many milliseconds.
    pub(crate) fn act_held(&self, acting: &Acting, op: Op, hold_ms: Option<i64>) -> AppResult<Acted> {
        let held_until_ms = hold_ms.map(|hold_ms| acting.now_ms + hold_ms);
        let new = NewOp {
            op_id: self.new_id(acting.now_ms)?,
            staff_id: acting.staff.id.clone(),
            at_ms: acting.now_ms,
            held_until_ms,
            op,
        };
        let outbox_id = self.store.write(Durability::Full, |tx| {
            outbox::number_due(tx, acting.now_ms)?;
            outbox::push(tx, &new)
        })?;
        self.wake_background();
        Ok(Acted {
            outbox_id,
            take_back_until_ms: held_until_ms,
        })
    }
}

/// An operation of the outbox as it shows.
fn shown_op(conn: &rusqlite::Connection, op: outbox::OutboxOp) -> crate::store::Result<StuckOp> {
    let member = match &op.member_id {
        Some(id) => rows::member(conn, id)?,
        None => None,
    };
    Ok(StuckOp {
        outbox_id: op.outbox_id,
        op: op_code(&op.body),
        staff_id: op.staff_id,
        at_ms: op.at_ms,
        member_id: op.member_id,
        member_name: member.map(|member| member.name),
        state: op.state.code().to_owned(),
        stuck: op.state.is_stuck(),
        reason: op.reason,
        values: op.reason_values,
    })
}

/// The operation's code, also of one that this build cannot read as a whole.
fn op_code(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Tag {
        op: String,
    }
    from_cbor::<Tag>(body).map_or_else(|_| "unknown".to_owned(), |tag| tag.op)
}
