//! What the carrier's result of a dial does to a task.

use chrono::NaiveDate;

use super::{MemberEffect, TaskCtx, clear_deferral, close, days_after, defer, is_absorbing, settle};
use crate::codes::{CarrierResult, TaskState};
use crate::model::CareTask;

/// What a carrier's result does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEffect {
    /// The task after it.
    pub task: CareTask,
    /// What changes in the member's record.
    pub member_effects: Vec<MemberEffect>,
    /// The clerk must say what came of it.
    pub outcome_required: bool,
}

/// Whether a result counts as an attempt: somebody could have been reached and was not.
pub fn counts_as_attempt(result: CarrierResult) -> bool {
    use CarrierResult::{Busy, LineFailed, NoAnswer, PowerOff, Rejected, Voicemail};
    matches!(
        result,
        Busy | NoAnswer | LineFailed | PowerOff | Rejected | Voicemail
    )
}

/// Whether a result asks for an outcome.
pub fn needs_outcome(result: CarrierResult) -> bool {
    matches!(result, CarrierResult::Answered | CarrierResult::Dropped)
}

/// What a result says of the number, whether the dial belonged to a task or not.
pub fn number_effects(result: CarrierResult) -> Vec<MemberEffect> {
    match result {
        CarrierResult::InvalidNumber | CarrierResult::Suspended => vec![MemberEffect::NumberInvalid],
        _ => Vec::new(),
    }
}

/// What a result makes of the task of its dial; `ctx.at_ms` is the end of the dial. On a task that
/// is closed only what it says of the number has an effect.
pub fn attempt_result(task: &CareTask, result: CarrierResult, ctx: &TaskCtx) -> AttemptEffect {
    let mut next = settle(task.clone(), ctx.at_ms, ctx.calendar);
    let member_effects = number_effects(result);
    if is_absorbing(&next.state) {
        return AttemptEffect {
            task: next,
            member_effects,
            outcome_required: needs_outcome(result),
        };
    }
    next.changed_at_ms = ctx.at_ms;
    clear_deferral(&mut next);
    match result {
        CarrierResult::InvalidNumber | CarrierResult::Suspended => close(&mut next, TaskState::Done, ctx),
        CarrierResult::Answered | CarrierResult::Dropped => next.state = TaskState::InProgress.into(),
        _ if counts_as_attempt(result) => count(&mut next, result, ctx),
        // The clerk or the gate stopped it: as if it had not been dialled.
        _ => next.state = TaskState::Open.into(),
    }
    AttemptEffect {
        task: next,
        member_effects,
        outcome_required: needs_outcome(result),
    }
}

fn count(task: &mut CareTask, result: CarrierResult, ctx: &TaskCtx) {
    task.attempts = task.attempts.saturating_add(1);
    if task.attempts >= ctx.rules.attempts_max {
        return close(task, TaskState::Expired, ctx);
    }
    if matches!(result, CarrierResult::Rejected | CarrierResult::Voicemail) {
        task.avoid_part = None;
        return defer(task, days_after(ctx.day(), 1), None);
    }
    let (day, at_ms, avoid) = next_part(ctx);
    task.avoid_part = avoid;
    defer(task, day, at_ms);
}

/// The next time in another part of the day: later today, else tomorrow; and the part to avoid.
fn next_part(ctx: &TaskCtx) -> (NaiveDate, Option<i64>, Option<u8>) {
    let (today, hour) = (ctx.day(), ctx.calendar.hour(ctx.at_ms));
    let parts = &ctx.rules.day_parts;
    let current = parts.iter().position(|(from, to)| (*from..*to).contains(&hour));
    let start_ms = |day: NaiveDate, from: u32| {
        day.and_hms_opt(from, 0, 0)
            .map(|local| ctx.calendar.instant_ms(local))
    };
    let avoid = current.and_then(|part| u8::try_from(part).ok());
    if let Some((from, _)) = parts.iter().find(|(from, _)| *from > hour) {
        return (today, start_ms(today, *from), avoid);
    }
    let tomorrow = days_after(today, 1);
    let other = parts.iter().enumerate().find(|(part, _)| Some(*part) != current);
    (
        tomorrow,
        other.and_then(|(_, (from, _))| start_ms(tomorrow, *from)),
        avoid,
    )
}
