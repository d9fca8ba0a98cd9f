//! Every operation on rows in memory.

use chrono::NaiveDate;
use yaoban_domain::calendar::Calendar;
use yaoban_domain::codes::{
    CarrierResult, Channel, Code, ConsentPurpose, ContactPurpose, Open, OutcomeCode, ReadingContext,
    ReadingKind, Role, SendState, TaskKind, TaskOrigin, TaskState,
};
use yaoban_domain::model::{
    Attempt, CareTask, Consent, Lifetime, Member, Note, Outcome, Reading, Regimen, Send, Staff, Why,
};
use yaoban_domain::rules::{Rules, TimeZone};

use super::memory::Memory;
use super::*;

mod conflicts;
mod merging;
mod properties;
mod records;
mod tasks;

pub(super) const STORE: &str = "S1";
pub(super) const CLERK: &str = "c1";
pub(super) const OTHER_CLERK: &str = "c2";
pub(super) const MANAGER: &str = "m1";
pub(super) const PHARMACIST: &str = "p1";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

pub(super) fn calendar() -> Calendar {
    Calendar::new(&TimeZone::default()).unwrap()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// 2026-03-10 at an hour.
pub(super) fn at(hour: i64) -> i64 {
    calendar().day_start_ms(day("2026-03-10")) + hour * HOUR_MS
}

pub(super) fn staff(id: &str, role: Role, store_id: Option<&str>) -> Staff {
    Staff {
        id: id.to_owned(),
        store_id: store_id.map(str::to_owned),
        region: None,
        name: "某某".to_owned(),
        role: role.into(),
        pharmacist: id == PHARMACIST,
        active: true,
        off_on: None,
    }
}

pub(super) fn member(id: &str) -> Member {
    Member {
        id: id.to_owned(),
        store_id: Some(STORE.to_owned()),
        name: "王芳".to_owned(),
        phone: Some("13812341234".to_owned()),
        phone_invalid: false,
        sex: None,
        birthday: None,
        joined_on: Some(day("2024-01-01")),
        diseases: Vec::new(),
        allergies: Vec::new(),
        tags: Vec::new(),
        height_cm: None,
        weight_hg: None,
        consents: Vec::new(),
        regimens: Vec::new(),
        paused_until: None,
        do_not_contact: false,
        deceased: false,
        erased: false,
        ask_number: false,
        aliases: Vec::new(),
        lifetime: Lifetime::default(),
        version: 1,
    }
}

pub(super) fn care_task(id: &str, member_id: &str) -> CareTask {
    CareTask {
        id: id.to_owned(),
        member_id: member_id.to_owned(),
        store_id: STORE.to_owned(),
        assignee: None,
        kind: TaskKind::Call.into(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Clerk.into(),
        campaign_id: None,
        step: 0,
        why: Why {
            code: "clerk".to_owned(),
            values: Vec::new(),
        },
        script_id: None,
        emergency: false,
        start: day("2026-03-10"),
        due: day("2026-03-20"),
        state: TaskState::Open.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: None,
        other_outcomes: Vec::new(),
        nudged_at_ms: None,
        created_at_ms: at(9),
        changed_at_ms: at(9),
        version: 1,
    }
}

pub(super) fn bp(id: &str, systolic: u16, diastolic: u16) -> Reading {
    Reading {
        id: id.to_owned(),
        member_id: "M1".to_owned(),
        taken_at_ms: at(10),
        kind: ReadingKind::Bp.into(),
        systolic: Some(systolic),
        diastolic: Some(diastolic),
        glucose_tenths: None,
        context: ReadingContext::Office.into(),
        staff_id: Some(CLERK.to_owned()),
        supersedes: None,
    }
}

pub(super) fn note(id: &str, text: &str) -> Note {
    Note {
        id: id.to_owned(),
        member_id: "M1".to_owned(),
        at_ms: at(10),
        staff_id: CLERK.to_owned(),
        text: text.to_owned(),
        supersedes: None,
    }
}

pub(super) fn attempt(id: &str, task_id: Option<&str>) -> Attempt {
    Attempt {
        id: id.to_owned(),
        task_id: task_id.map(str::to_owned),
        member_id: "M1".to_owned(),
        staff_id: CLERK.to_owned(),
        purpose: ContactPurpose::Service.into(),
        channel: Channel::Call.into(),
        number_hash: "h".to_owned(),
        started_at_ms: at(10),
        ended_at_ms: None,
        duration_s: None,
        result: None,
        recording: None,
    }
}

pub(super) fn outcome(id: &str, code: OutcomeCode) -> Outcome {
    Outcome {
        id: id.to_owned(),
        code: code.into(),
        at_ms: at(10),
        day: day("2026-03-10"),
        staff_id: CLERK.to_owned(),
        attempt_id: None,
        date: None,
        call_at_ms: None,
        ingredient: None,
        note: None,
        supersedes: None,
    }
}

pub(super) fn message(key: &str, state: SendState) -> Send {
    Send {
        key: key.to_owned(),
        member_id: "M1".to_owned(),
        task_id: None,
        campaign_id: None,
        step: 0,
        channel: Channel::Sms.into(),
        purpose: ContactPurpose::Service.into(),
        template_id: "t".to_owned(),
        staff_id: CLERK.to_owned(),
        at_ms: at(10),
        state: state.into(),
        reason: None,
    }
}

pub(super) fn consent(purpose: ConsentPurpose, granted: bool, at_ms: i64) -> Consent {
    Consent {
        purpose: purpose.into(),
        channel: None,
        granted,
        at_ms,
        wording_version: "1".to_owned(),
        place: STORE.to_owned(),
        staff_id: Some(CLERK.to_owned()),
    }
}

/// A hub with one store (two clerks, a pharmacist, a manager), another store, and the member M1 with
/// the open task T1.
pub(super) fn hub() -> Memory {
    let mut rows = Memory {
        is_hub: true,
        ..Memory::default()
    };
    for who in [
        staff(CLERK, Role::Clerk, Some(STORE)),
        staff(OTHER_CLERK, Role::Clerk, Some(STORE)),
        staff(PHARMACIST, Role::Clerk, Some(STORE)),
        staff(MANAGER, Role::StoreManager, Some(STORE)),
        staff("x1", Role::Clerk, Some("S2")),
        staff("r1", Role::RegionManager, None),
    ] {
        rows.staff.insert(who.id.clone(), who);
    }
    rows.members.insert("M1".to_owned(), member("M1"));
    rows.tasks.insert("T1".to_owned(), care_task("T1", "M1"));
    rows
}

pub(super) fn meta(staff_id: &str, at_ms: i64) -> OpMeta<'_> {
    OpMeta {
        op_id: "op",
        staff_id,
        at_ms,
        base_version: 0,
        device_store_id: STORE,
        now_ms: at_ms,
    }
}

/// Applies an operation as the hub hears it at once.
pub(super) fn run_as(rows: &mut Memory, staff_id: &str, op: &Op) -> Applied {
    run_meta(rows, op, &meta(staff_id, at(11)))
}

pub(super) fn run(rows: &mut Memory, op: &Op) -> Applied {
    run_as(rows, CLERK, op)
}

pub(super) fn run_meta(rows: &mut Memory, op: &Op, meta: &OpMeta) -> Applied {
    let writes = rows.writes;
    let Ok(applied) = apply(rows, op, meta, &Rules::default(), calendar());
    let done = matches!(
        applied.status,
        OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate
    );
    assert!(
        done || rows.writes == writes,
        "rejected, but something was written: {applied:?}"
    );
    assert!(
        done || applied.reason.is_some(),
        "rejected without a reason: {applied:?}"
    );
    applied
}

/// Status and reason, for tables.
pub(super) fn said(applied: &Applied) -> Said {
    (applied.status, applied.reason)
}

/// Status and reason.
pub(super) type Said = (OpStatus, Option<&'static str>);

pub(super) const APPLIED: Said = (OpStatus::Applied, None);
pub(super) const DUPLICATE: Said = (OpStatus::Duplicate, None);

pub(super) fn rejected(reason: &'static str) -> Said {
    (OpStatus::Rejected, Some(reason))
}

pub(super) fn record(task_id: &str, outcome: Outcome) -> Op {
    Op::RecordOutcome {
        task_id: task_id.to_owned(),
        outcome,
    }
}

pub(super) fn dial(id: &str) -> Op {
    Op::StartAttempt {
        attempt: attempt(id, Some("T1")),
    }
}

pub(super) fn hang_up(id: &str, ended_at_ms: i64, result: CarrierResult) -> Op {
    Op::EndAttempt {
        attempt_id: id.to_owned(),
        ended_at_ms,
        duration_s: Some(3),
        result: result.into(),
    }
}

pub(super) fn state(rows: &Memory, id: &str) -> Option<TaskState> {
    rows.tasks.get(id).and_then(|task| task.state.known())
}
