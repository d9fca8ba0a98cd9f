//! Tasks that follow by rule. Their ids are derived, so that the phone that is offline and the hub
//! that hears of it later make the same row, once.

use chrono::NaiveDate;

use super::TaskCtx;
use crate::codes::{ContactPurpose, OutcomeCode, ReadingKind, Role, TaskKind, TaskOrigin, TaskState};
use crate::model::{CareTask, Outcome, Reading, Staff, Why};

/// The id of the task that follows from an outcome.
pub fn follow_up_id(outcome_id: &str) -> String {
    format!("follow-{outcome_id}")
}

/// The id of the task that an emergency reading raises.
pub fn emergency_id(reading_id: &str) -> String {
    format!("emergency-{reading_id}")
}

/// Who takes a pharmacist's task: the store's pharmacist who is present (lowest id), without one
/// the store manager, without either anyone.
pub fn pharmacist_of(staff: &[Staff], store_id: &str, day: NaiveDate) -> Option<String> {
    let present = || {
        staff
            .iter()
            .filter(|s| s.active && s.off_on != Some(day) && s.store_id.as_deref() == Some(store_id))
    };
    let lowest = |ids: &mut dyn Iterator<Item = &Staff>| ids.map(|s| s.id.clone()).min();
    lowest(&mut present().filter(|s| s.pharmacist))
        .or_else(|| lowest(&mut present().filter(|s| s.role.is(Role::StoreManager))))
}

/// The same-day pharmacist's task that an outcome asks for, if it does.
pub(super) fn follow_up(
    task: &CareTask,
    code: OutcomeCode,
    outcome: &Outcome,
    ctx: &TaskCtx,
) -> Option<CareTask> {
    let asks = matches!(code, OutcomeCode::NeedsPharmacist | OutcomeCode::AdverseReaction);
    asks.then(|| {
        let why = Why {
            code: outcome.code.code().to_owned(),
            values: vec![
                ("task_id".to_owned(), task.id.clone()),
                ("outcome_id".to_owned(), outcome.id.clone()),
            ],
        };
        pharmacist_task(
            follow_up_id(&outcome.id),
            &task.member_id,
            &task.store_id,
            why,
            ctx,
        )
    })
}

/// The same-day pharmacist's task for a reading that raises an alarm; whether it does is the
/// caller's to ask ([`crate::health::raises_alarm`]).
pub fn emergency_task(reading: &Reading, store_id: &str, ctx: &TaskCtx) -> CareTask {
    let values = match reading.kind.known() {
        Some(ReadingKind::Bp) => vec![("systolic", reading.systolic), ("diastolic", reading.diastolic)],
        Some(ReadingKind::Glucose) => vec![("glucose_tenths", reading.glucose_tenths)],
        None => Vec::new(),
    };
    let values = values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_string())))
        .chain([("reading_id".to_owned(), reading.id.clone())])
        .collect();
    let why = Why {
        code: format!("emergency_{}", reading.kind.code()),
        values,
    };
    let id = emergency_id(&reading.id);
    let task = pharmacist_task(id, &reading.member_id, store_id, why, ctx);
    CareTask {
        emergency: true,
        purpose: ContactPurpose::Emergency.into(),
        ..task
    }
}

fn pharmacist_task(id: String, member_id: &str, store_id: &str, why: Why, ctx: &TaskCtx) -> CareTask {
    // Due today where the news arrives: what comes late is still done, never lost as expired.
    let due = ctx.day().max(ctx.calendar.day(ctx.now_ms));
    CareTask {
        id,
        member_id: member_id.to_owned(),
        store_id: store_id.to_owned(),
        assignee: pharmacist_of(ctx.staff, store_id, due),
        kind: TaskKind::Pharmacist.into(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Rule.into(),
        campaign_id: None,
        step: 0,
        why,
        script_id: None,
        emergency: false,
        start: ctx.day(),
        due,
        state: TaskState::Open.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: None,
        other_outcomes: Vec::new(),
        nudged_at_ms: None,
        created_at_ms: ctx.at_ms,
        changed_at_ms: ctx.at_ms,
        version: 0,
    }
}
