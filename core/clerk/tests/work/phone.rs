//! A phone of a small store, and the records it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::facade::{AppResult, ClerkApp};
use yaoban_domain::codes::{ConsentPurpose, ContactPurpose, Role, TaskKind, TaskOrigin, TaskState};
use yaoban_domain::model::{CareTask, Consent, Drug, Member, Template, Why};
use yaoban_protocol::row::{Change, entity};

use crate::common::{NOON, TestVault, load, member, open, put, staff};

/// A clock that a test sets.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

/// A phone that was loaded and is signed in.
pub struct Phone {
    pub app: ClerkApp,
    pub clock: TestClock,
    staff_id: String,
    dir: TempDir,
}

impl Phone {
    /// A phone with these rows beside the staff of [`store_rows`], with the clerk C1 at noon.
    pub fn with(rows: Vec<Change>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        load(&mut store, [store_rows(), rows].concat());
        store.pause().unwrap();
        drop(store);
        let clock = TestClock(Arc::new(AtomicI64::new(NOON)));
        let app = ClerkApp::open(dir.path(), &TestVault(1), Arc::new(clock.clone())).unwrap();
        app.refresh(&yaoban_clerk_core::sync::Cancel::default()).unwrap();
        app.switch_staff("C1", None).unwrap();
        Self {
            app,
            clock,
            staff_id: "C1".into(),
            dir,
        }
    }

    /// The app was killed and starts again.
    pub fn restart(self) -> Self {
        drop(self.app);
        let app = ClerkApp::open(self.dir.path(), &TestVault(1), Arc::new(self.clock.clone())).unwrap();
        Self { app, ..self }
    }

    /// The app's directory.
    pub fn home(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Files of the data in the phone's directory.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("clerk.db")).collect()
    }

    /// Somebody else takes the phone.
    pub fn sign_in(&mut self, staff_id: &str) {
        self.app.switch_staff(staff_id, None).unwrap();
        self.staff_id = staff_id.into();
    }

    /// Time goes on, and nobody touches the phone.
    pub fn rest(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Time goes on; whoever has the phone signs in again.
    pub fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
        self.app.switch_staff(&self.staff_id, None).unwrap();
    }
}

/// The code and values of a refusal.
pub fn code<T: std::fmt::Debug>(result: AppResult<T>) -> String {
    result.unwrap_err().code().to_owned()
}

/// Two clerks, a pharmacist, a manager.
pub fn store_rows() -> Vec<Change> {
    let mut pharmacist = staff("P1", Role::Clerk);
    pharmacist.pharmacist = true;
    vec![
        put(1, entity::STAFF, "C1", &staff("C1", Role::Clerk)),
        put(2, entity::STAFF, "C2", &staff("C2", Role::Clerk)),
        put(3, entity::STAFF, "P1", &pharmacist),
        put(4, entity::STAFF, "B1", &staff("B1", Role::StoreManager)),
    ]
}

pub fn consent(purpose: ConsentPurpose, granted: bool) -> Consent {
    Consent {
        purpose: purpose.into(),
        channel: None,
        granted,
        at_ms: NOON - 100 * DAY,
        wording_version: "1".into(),
        place: "S1".into(),
        staff_id: None,
    }
}

/// A member who may be contacted for everything, on a number of its own.
pub fn willing(id: &str) -> Member {
    let mut member = member(id, &format!("王{id}"));
    member.phone = Some(format!(
        "138{:08}",
        id.bytes().fold(0_u32, |n, b| n * 31 + u32::from(b))
    ));
    member.consents = vec![
        consent(ConsentPurpose::Membership, true),
        consent(ConsentPurpose::Marketing, true),
    ];
    member
}

/// A service call for a member, of C1, due in five days.
pub fn task(id: &str, member_id: &str) -> CareTask {
    CareTask {
        id: id.into(),
        member_id: member_id.into(),
        store_id: "S1".into(),
        assignee: Some("C1".into()),
        kind: TaskKind::Call.into(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Campaign.into(),
        campaign_id: Some("K1".into()),
        step: 0,
        why: Why {
            code: "campaign".into(),
            values: vec![("campaign".into(), "续药".into())],
        },
        script_id: None,
        emergency: false,
        start: "2026-06-10".parse().unwrap(),
        due: "2026-06-20".parse().unwrap(),
        state: TaskState::Open.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: None,
        other_outcomes: Vec::new(),
        nudged_at_ms: None,
        created_at_ms: NOON - 5 * DAY,
        changed_at_ms: NOON - 5 * DAY,
        version: 1,
    }
}

pub fn template(id: &str, kind: &str, purpose: ContactPurpose, text: &str) -> Template {
    Template {
        id: id.into(),
        title: id.into(),
        kind: kind.into(),
        purpose: purpose.into(),
        text: text.into(),
        points: Vec::new(),
    }
}

pub fn drug(id: &str, ingredient: &str, prescription: bool) -> Drug {
    Drug {
        id: id.into(),
        name: ingredient.into(),
        ingredient: Some(ingredient.into()),
        category: None,
        manufacturer: None,
        spec: None,
        units_per_pack_milli: Some(30_000),
        daily_units_milli: Some(1_000),
        prescription,
        chronic: true,
    }
}

pub fn member_row(seq: u64, member: &Member) -> Change {
    put(seq, entity::MEMBER, &member.id, member)
}

pub fn task_row(seq: u64, task: &CareTask) -> Change {
    put(seq, entity::TASK, &task.id, task)
}

/// One willing member M1 with the task T1.
pub fn one_task() -> Phone {
    Phone::with(vec![
        member_row(10, &willing("M1")),
        task_row(11, &task("T1", "M1")),
    ])
}
