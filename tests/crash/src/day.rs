//! The scripted days, run once while everything that is asked of the disks is recorded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension as _;
use tempfile::TempDir;
use yaoban_clerk_core::facade::contact::{DialTarget, NewOutcome};
use yaoban_clerk_core::facade::members::{NewConsent, NewMember};
use yaoban_clerk_core::facade::readings::NewReading;
use yaoban_clerk_core::facade::tasks::{TaskFilter, TaskView};
use yaoban_clerk_core::facade::{AppResult, ClerkApp};
use yaoban_clerk_core::sync::{Cancel, Deaf};
use yaoban_domain::codes::{CarrierResult, OutcomeCode};
use yaoban_hub::figures::Chain;
use yaoban_hub::import::FileKind;
use yaoban_hub::storage::{Records as _, StorageError};

use crate::disk::{Contents, Cut, Disk, real_contents};
use crate::trace::{Recording, Step};
use crate::world::{
    DAY_MS, HUB_FILE, HubCommand, NOON_MS, PHONE_FILE, World, peek_hub, peek_phone, write_files,
};

/// An operation as the outbox has it: what must not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOp {
    /// Its number, once it has one.
    pub n: Option<i64>,
    /// What was done.
    pub body: Vec<u8>,
}

/// What the phone said was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhoneLedger {
    /// The device, once paired.
    pub device_id: Option<String>,
    /// Operations by id.
    pub ops: BTreeMap<String, KeptOp>,
    /// PINs and saved groups, and whatever else is only here, as text.
    pub local: Vec<String>,
}

/// What the hub said was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubLedger {
    /// Figures of the chain, as text; none before the first import.
    pub figures: Option<String>,
    /// The published model.
    pub model: Option<String>,
    /// Tasks of the campaign; none before it was made.
    pub tasks: Option<String>,
    /// Files of the data directory that are whole backups.
    pub backups: Vec<String>,
}

/// Something done on the phone.
pub type PhoneAct = fn(&World, &ClerkApp) -> AppResult<()>;

/// A step of the script is over: whoever asked for it was told so.
#[derive(Debug, Clone)]
pub struct Mark {
    /// What was done.
    pub name: &'static str,
    /// What was done at the hub's command line, if it was done there.
    pub command: Option<HubCommand>,
    /// What was done on the phone, if it was done there.
    pub act: Option<PhoneAct>,
    /// Steps of the trace before the mark.
    pub at: usize,
    /// The time.
    pub now_ms: i64,
    /// What the phone has to keep.
    pub phone: PhoneLedger,
    /// What the hub has to keep.
    pub hub: HubLedger,
    /// Whether the hub serves.
    pub serves: bool,
    /// Whether the phone asked the hub.
    pub asks_hub: bool,
    /// Whether the phone's file is damaged, or was set aside for it.
    pub damaged: bool,
}

/// A day that was lived through.
pub struct Day {
    /// Everything asked of the disks, and the marks.
    pub steps: Vec<Step>,
    /// The marks.
    pub marks: Vec<Mark>,
    /// The hub's data directory, as the trace names it.
    pub hub_root: String,
    /// The phone's directory, as the trace names it.
    pub home_root: String,
    /// The first step at which the power is cut.
    pub from: usize,
    /// Holds the chain's files and the directories.
    _folder: TempDir,
}

/// A directory in memory where there is one: every layout of a disk is written and synced.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("a temporary directory")
}

/// Lives through a day.
struct Life {
    world: World,
    recording: Option<Recording>,
    marks: Vec<Mark>,
    phone: PhoneLedger,
    hub: HubLedger,
    app: Option<ClerkApp>,
    asks_hub: bool,
    damaged: bool,
    first_files: Vec<(FileKind, PathBuf)>,
    second_files: Vec<(FileKind, PathBuf)>,
}

impl Life {
    fn app(&self) -> &ClerkApp {
        self.app.as_ref().expect("the app is open")
    }

    fn phone_does(&mut self, name: &'static str, act: PhoneAct) {
        act(&self.world, self.app()).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.mark(name, None, Some(act));
    }

    fn hub_does(&mut self, name: &'static str, command: HubCommand) {
        self.world
            .command(&command)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        if let HubCommand::Backup(file) = &command {
            self.hub.backups.push(file.clone());
        }
        self.mark(name, Some(command), None);
    }

    /// The hub's process dies: what it had open is never closed, so its log stays.
    fn hub_dies(&mut self) {
        let open = peek_hub(&self.world.hub_dir.join(HUB_FILE)).expect("the hub's file");
        open.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))
            .expect("a read");
        std::mem::forget(open);
        self.world.stop();
        self.mark("the hub dies", None, None);
    }

    fn open_app(&mut self) {
        self.app = Some(self.world.open_phone().expect("the phone opens"));
    }

    fn mark(&mut self, name: &'static str, command: Option<HubCommand>, act: Option<PhoneAct>) {
        if self.app.is_some() {
            self.phone = phone_ledger(&self.world.home.join(PHONE_FILE)).expect("the phone's ledger");
        }
        if self.world.hub_dir.join(HUB_FILE).exists() {
            self.hub = hub_ledger(&self.world, std::mem::take(&mut self.hub.backups));
        }
        let number = self.marks.len();
        let at = self.recording.as_ref().expect("a recording").mark(number);
        self.marks.push(Mark {
            name,
            command,
            act,
            at,
            now_ms: yaoban_clerk_core::clock::Clock::now_ms(&self.world.clock),
            phone: self.phone.clone(),
            hub: self.hub.clone(),
            serves: self.world.serves(),
            asks_hub: self.asks_hub,
            damaged: self.damaged,
        });
        self.asks_hub = false;
    }

    fn sync(&mut self, name: &'static str) {
        self.asks_hub = true;
        self.phone_does(name, |_, app| app.sync(&Deaf, &Cancel::default()).map(drop));
    }
}

/// Reads what a phone has to keep.
pub fn phone_ledger(file: &Path) -> rusqlite::Result<PhoneLedger> {
    let connection = peek_phone(file)?;
    let ops = connection
        .prepare("SELECT op_id, n, body FROM outbox")?
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                KeptOp {
                    n: row.get(1)?,
                    body: row.get(2)?,
                },
            ))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut local: Vec<String> = connection
        .prepare("SELECT staff_id || ' ' || hash FROM pin ORDER BY 1")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    local.extend(
        connection
            .prepare("SELECT key || ' ' || hex(value) FROM meta WHERE key LIKE 'group:%' ORDER BY 1")?
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?,
    );
    let device: Option<String> = yaoban_clerk_core::store::read_pairing(&connection)
        .ok()
        .flatten()
        .map(|pairing| pairing.device_id);
    Ok(PhoneLedger {
        device_id: device,
        ops,
        local,
    })
}

/// Reads what a hub has to keep.
pub fn hub_ledger(world: &World, backups: Vec<String>) -> HubLedger {
    let connection = peek_hub(&world.hub_dir.join(HUB_FILE)).expect("the hub's file");
    let members: Vec<(u32, String)> = connection
        .prepare("SELECT member_key, member_id FROM member ORDER BY member_id")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .expect("members");
    let as_of = chrono::NaiveDate::from_ymd_opt(2026, 6, 15).expect("a date");
    let figures = world.hub(|database| {
        let read = database.read::<_, StorageError>(|tx| {
            let chain = Chain::load(tx, as_of, &tx.rules()?)?;
            let mut figures = String::new();
            for (key, id) in &members {
                let found = chain
                    .member(*key)
                    .map(|(figures, verdict)| (figures, verdict.class));
                let lines = tx.member(id)?.map(|member| member.lifetime);
                let _ = writeln!(figures, "{id} {found:?} {lines:?}");
            }
            Ok(figures)
        });
        read.expect("figures")
    });
    let one = |sql: &str| -> Option<String> {
        connection
            .query_row(sql, [], |row| row.get(0))
            .optional()
            .expect("a value")
    };
    HubLedger {
        figures: (!members.is_empty()).then_some(figures),
        model: one("SELECT value FROM meta WHERE key = 'model'"),
        tasks: one(
            "SELECT count(*) || ' tasks' FROM task JOIN campaign USING (campaign_id) WHERE ready HAVING count(*) > 0",
        ),
        backups,
    }
}

fn note(app: &ClerkApp, member_id: &str, text: &str) -> AppResult<()> {
    app.add_note(member_id, text, None).map(drop)
}

fn bp(app: &ClerkApp, member_id: &str, systolic: u16) -> AppResult<()> {
    let reading = NewReading {
        kind: "bp".into(),
        systolic: Some(systolic),
        diastolic: Some(85),
        ..NewReading::default()
    };
    app.add_reading(member_id, &reading).map(drop)
}

fn consent(purpose: &str, granted: bool) -> NewConsent {
    NewConsent {
        purpose: purpose.into(),
        channel: None,
        granted,
        wording_version: "1".into(),
    }
}

/// Dials for the first of the clerk's tasks that nobody called yet.
fn dial(app: &ClerkApp) -> AppResult<()> {
    let list = app.tasks(&TaskFilter::default())?;
    let next = list.tasks().find(|task| task.attempts == 0).expect("a task");
    app.dial(&DialTarget::Task(next.task_id.clone())).map(drop)
}

/// The call of the last dial was answered and ended.
fn hung_up(app: &ClerkApp) -> AppResult<()> {
    let attempt = app.open_attempts()?.remove(0);
    app.end_attempt(&attempt.attempt_id, CarrierResult::Answered, Some(60))
        .map(drop)
}

/// Says what came of the last call.
fn outcome(app: &ClerkApp, code: OutcomeCode) -> AppResult<()> {
    let attempt = app.open_attempts()?.remove(0);
    let task = attempt.target.task_id().expect("a task").to_owned();
    app.record_outcome(&task, &NewOutcome::of(code)).map(drop)
}

/// Takes the outcome of the task that was done last back.
fn take_back(app: &ClerkApp) -> AppResult<()> {
    let done = TaskFilter {
        view: TaskView::DoneToday,
        ..TaskFilter::default()
    };
    let list = app.tasks(&done)?;
    let task = list.tasks().next().expect("a done task").task_id.clone();
    let held = app.held_outcome_of(&task)?.expect("a held outcome");
    app.take_back(&held).map(drop)
}

/// How much of a day is lived through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// From the empty hub to the first operations of a clerk that came up.
    Morning,
    /// With new files, a backup and its return, a pause and a second clerk as well.
    Whole,
    /// The morning; then the phone's file is damaged, found to be so, and begun anew.
    Damaged,
}

/// Lives through a day.
pub fn live(length: Length) -> Day {
    let folder = scratch();
    let place = |name: &str| folder.path().join(name);
    let (hub_dir, home) = (place("hub"), place("home"));
    std::fs::create_dir(&hub_dir).expect("a directory");
    std::fs::create_dir(&home).expect("a directory");
    let first_files = write_files(&place("first"), false);
    let second_files = write_files(&place("second"), true);
    let recording = Recording::begin(&[&hub_dir, &home]);
    let mut life = Life {
        world: World::at(&hub_dir, &home, NOON_MS),
        recording: Some(recording),
        marks: Vec::new(),
        phone: PhoneLedger::default(),
        hub: HubLedger::default(),
        app: None,
        asks_hub: false,
        damaged: false,
        first_files,
        second_files,
    };
    morning(&mut life);
    let from = match length {
        Length::Morning => 0,
        Length::Whole => {
            afternoon(&mut life);
            0
        }
        Length::Damaged => misfortune(&mut life),
    };
    life.world.stop();
    drop(life.app.take());
    let steps = life.recording.take().expect("a recording").end();
    for root in [&hub_dir, &home] {
        is_as_recorded(&steps, root);
    }
    Day {
        steps,
        marks: life.marks,
        hub_root: hub_dir.to_string_lossy().into_owned(),
        home_root: home.to_string_lossy().into_owned(),
        from,
        _folder: folder,
    }
}

/// The recorded steps make what really is there, byte for byte: no file call went past the recording.
fn is_as_recorded(steps: &[Step], root: &Path) {
    let mut disk = Disk::new(steps);
    disk.advance_to(steps.len());
    let (made, real) = (
        disk.after(Cut::Kept, &root.to_string_lossy()),
        real_contents(root),
    );
    let names = |contents: &Contents| contents.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&made), names(&real), "a file call was not recorded");
    for (name, bytes) in &made {
        assert!(
            Some(bytes) == real.get(name),
            "{name}: a file call was not recorded"
        );
    }
}

/// The hub gets its chain, the phone is paired and loaded, a clerk works, a round takes it up.
fn morning(life: &mut Life) {
    life.mark("nothing", None, None);
    life.hub_does("init", HubCommand::Init);
    life.hub_does("import", HubCommand::Import(life.first_files.clone()));
    life.hub_does("publish", HubCommand::Publish);
    let members = (0..20).map(|index| format!("M{index}")).collect();
    life.hub_does("campaign", HubCommand::Campaign(members));
    life.world.serve().expect("the hub serves");
    life.mark("serve", None, None);

    life.open_app();
    life.mark("open", None, None);
    life.asks_hub = true;
    life.phone_does("pair", |world, app| app.pair(&world.code(), "柜台手机").map(drop));
    life.sync("first load");
    life.phone_does("staff", |_, app| app.switch_staff("C1", None));
    life.phone_does("pin", |_, app| app.set_pin("C1", None, "4711"));
    life.phone_does("note", |_, app| note(app, "M1", "喜欢早上来"));
    life.phone_does("reading", |_, app| bp(app, "M2", 150));
    life.phone_does("emergency", |_, app| bp(app, "M4", 190));
    life.phone_does("register", |_, app| {
        let member = NewMember {
            name: "新会员".into(),
            phone: Some("13900000001".into()),
            consents: vec![consent("membership", true)],
            ..NewMember::default()
        };
        app.register(&member).map(drop)
    });
    life.phone_does("tag", |_, app| {
        app.tag("M5", &["糖友".into()], &["常客".into()]).map(drop)
    });
    life.phone_does("dial", |_, app| dial(app));
    life.phone_does("carrier", |_, app| hung_up(app));
    life.phone_does("outcome", |_, app| outcome(app, OutcomeCode::NotInterested));
    life.phone_does("take back", |_, app| take_back(app));
    life.phone_does("outcome again", |_, app| outcome(app, OutcomeCode::AlreadyBought));
    life.world.clock.advance(60_000);
    life.sync("push and pull");
}

/// The disk gives one page back otherwise; it is found, the file is set aside, and a new one takes over.
/// Gives the step from which on that is so.
fn misfortune(life: &mut Life) -> usize {
    life.phone_does("note before the damage", |_, app| note(app, "M10", "只在手机上"));
    life.phone_does("pause", |_, app| app.pause());
    life.app = None;
    let path = life.world.home.join(PHONE_FILE);
    damage_one_page(&path);
    life.damaged = true;
    life.mark("damaged", None, None);
    let from = life.marks.last().map_or(0, |mark| mark.at);
    life.open_app();
    life.mark("opened", None, None);
    life.phone_does("note in the damaged file", |_, app| note(app, "M6", "还能写"));
    life.phone_does("repair", |_, app| app.repair().map(drop));
    life.phone_does("status of the new file", |_, app| app.status().map(drop));
    life.sync("load anew");
    life.phone_does("note after the load", |_, app| {
        app.switch_staff("C1", Some("4711"))?;
        note(app, "M6", "又能写了")
    });
    life.sync("last round");
    from
}

/// Damages the last page that leaves everything readable that exists only on the phone.
fn damage_one_page(path: &Path) {
    const PAGE: usize = 4_096;
    let sound = std::fs::read(path).expect("the phone's file");
    let ops = phone_ledger(path).expect("the phone's ledger");
    for page in (1..sound.len() / PAGE).rev() {
        let mut bytes = sound.clone();
        bytes[page * PAGE + 100] ^= 0xFF;
        let copy = scratch();
        let file = copy.path().join(PHONE_FILE);
        std::fs::write(&file, &bytes).expect("a copy");
        let readable = phone_ledger(&file).is_ok_and(|found| found == ops);
        let found = peek_phone(&file).and_then(|connection| {
            connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
        });
        if readable && found.is_ok_and(|found| found != "ok") {
            std::fs::write(path, &bytes).expect("the damaged file");
            std::fs::File::open(path)
                .and_then(|file| file.sync_all())
                .expect("synced");
            return;
        }
    }
    panic!("no page is fit for damage");
}

/// New files at the hub, a second clerk, a backup, a pause, and the hub goes back to its backup.
fn afternoon(life: &mut Life) {
    life.hub_does("second import", HubCommand::Import(life.second_files.clone()));
    life.phone_does("consent", |_, app| {
        app.set_consent("M6", &consent("marketing", false), None)
            .map(drop)
    });
    life.sync("pull with changes");
    life.hub_does("backup", HubCommand::Backup("backup.db".into()));
    life.phone_does("other clerk", |_, app| app.switch_staff("C2", None));
    life.phone_does("note of the other", |_, app| {
        note(app, "M1", "对青霉素过敏，已告知")
    });
    life.phone_does("group", |_, app| {
        app.save_group("高血压", r#"{"disease":"hypertension"}"#)
    });
    life.sync("after the backup");
    life.phone_does("pause", |_, app| app.pause());
    life.phone_does("resume", |_, app| app.resume());
    life.phone_does("note before the restore", |_, app| note(app, "M8", "下午再来"));
    life.hub_dies();
    life.hub_does("restore", HubCommand::Restore("backup.db".into()));
    life.world.serve().expect("the hub serves");
    life.mark("serve again", None, None);
    life.sync("second load");
    life.world.clock.advance(DAY_MS);
    life.hub_does("daily", HubCommand::Daily);
    life.phone_does("clerk of the next day", |_, app| {
        app.switch_staff("C1", Some("4711"))
    });
    life.phone_does("reading of the next day", |_, app| bp(app, "M9", 145));
    life.sync("last round");
    life.phone_does("close", |_, app| app.pause());
    life.app = None;
}
