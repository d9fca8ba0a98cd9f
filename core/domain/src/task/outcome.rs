//! What an outcome does: to its task, to the member, to the rest of the campaign.

use chrono::NaiveDate;
use serde::Serialize;

use super::follow::follow_up;
use super::{TaskCtx, TaskError, close, days_after, defer, follow_up_id, is_absorbing, settle};
use crate::codes::{Code as _, Open, OutcomeCode, TaskKind, TaskState};
use crate::consent::withdraw_marketing;
use crate::model::{CareTask, Member, Outcome, Regimen};
use crate::rules::TaskRules;

/// How far an outcome asks for something beside its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is not asked for.
    NotAsked,
    /// It is asked for, and may be left out.
    Optional,
    /// Without it the outcome is refused.
    Required,
}

/// What an outcome asks for beside its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asks {
    /// The day of the visit, of the call back, or until which there is stock.
    pub day: Answer,
    /// The medicine that it concerns. Never required: nobody may know it.
    pub medicine: Answer,
    /// A note; one may be left with every outcome.
    pub note: Answer,
    /// The farthest day that is taken, in days from today.
    pub days_max: i64,
}

/// What an outcome asks for.
pub fn asks(code: OutcomeCode, rules: &TaskRules) -> Asks {
    use Answer::{NotAsked, Optional, Required};
    let (day, medicine) = match code {
        OutcomeCode::AgreedToVisit => (Required, NotAsked),
        OutcomeCode::CallLater => (Optional, NotAsked),
        OutcomeCode::StillHasStock => (Required, Optional),
        OutcomeCode::BoughtElsewhere => (Optional, Optional),
        OutcomeCode::DoctorChangedOrStopped => (NotAsked, Optional),
        _ => (NotAsked, NotAsked),
    };
    Asks {
        day,
        medicine,
        note: if code == OutcomeCode::Other {
            Required
        } else {
            NotAsked
        },
        days_max: if code == OutcomeCode::AgreedToVisit {
            rules.visit_days_max
        } else {
            rules.defer_days_max
        },
    }
}

/// The outcomes that are offered for a task of a kind, in the order of the specification. None for a
/// message, which is done once it was handed over. What is not offered is recorded all the same: a
/// phone with other choices may have offered it.
pub fn offered(kind: &Open<TaskKind>) -> Vec<OutcomeCode> {
    let fits = |code: &OutcomeCode| match kind.known() {
        Some(TaskKind::Sms | TaskKind::Wechat) => false,
        // The pharmacist is at it.
        Some(TaskKind::Pharmacist) => *code != OutcomeCode::NeedsPharmacist,
        // The member stands at the counter: no number was dialled, and nobody calls.
        Some(TaskKind::InStore) => !matches!(code, OutcomeCode::WrongNumber | OutcomeCode::CallLater),
        Some(TaskKind::Call) | None => true,
    };
    OutcomeCode::ALL.iter().copied().filter(fits).collect()
}

/// What an outcome changes in the member's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberEffect {
    /// The member has stock of an ingredient up to and including a day.
    StockUntil {
        /// The ingredient.
        ingredient: String,
        /// The day.
        until: NaiveDate,
    },
    /// An ingredient is no longer taken.
    RegimenInactive {
        /// The ingredient.
        ingredient: String,
    },
    /// Marketing is withdrawn on every channel.
    MarketingOff,
    /// The member wants no contact; comes with [`Self::MarketingOff`].
    DoNotContact,
    /// The number does not reach the member.
    NumberInvalid,
    /// Ask for the right number at the next visit.
    AskNumber,
    /// All contact pauses up to and including a day.
    PauseUntil(NaiveDate),
    /// The member has died.
    Deceased,
}

/// Where an effect comes from, for what it leaves in the record.
#[derive(Debug, Clone, Copy)]
pub struct EffectSource<'a> {
    /// When, UTC.
    pub at_ms: i64,
    /// Business day.
    pub day: NaiveDate,
    /// In which store.
    pub store_id: &'a str,
    /// Who recorded it.
    pub staff_id: &'a str,
}

/// Everything that follows from an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The task after it.
    pub task: CareTask,
    /// What changes in the member's record.
    pub member_effects: Vec<MemberEffect>,
    /// What a correction takes back, to be undone before the effects apply.
    pub undone: Vec<MemberEffect>,
    /// The campaign's other steps for this member are cancelled.
    pub cancel_campaign: bool,
    /// All open tasks of the member are cancelled.
    pub cancel_all: bool,
    /// A task that follows.
    pub follow_up: Option<CareTask>,
    /// The follow-up of a corrected outcome, to be cancelled.
    pub cancel_follow_up: Option<String>,
    /// Which place the outcome takes.
    pub place: OutcomePlace,
}

/// Which place an outcome takes among those of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomePlace {
    /// It counts.
    Counts,
    /// The task was closed before: it is kept beside what closed the task.
    Beside,
    /// The very same was recorded before; nothing changes.
    Repeated,
}

/// Records an outcome. The effects on the member hold even if the task was closed before: what a
/// member asked for counts, whoever heard it second.
pub fn outcome(task: &CareTask, outcome: &Outcome, ctx: &TaskCtx) -> Result<Transition, TaskError> {
    let mut next = settle(task.clone(), ctx.at_ms, ctx.calendar);
    if all_outcomes(task).any(|known| known.id == outcome.id) {
        return Ok(repeated(task));
    }
    let Some(code) = outcome.code.known() else {
        return Err(TaskError::UnknownOutcome(outcome.code.code().to_owned()));
    };
    check(code, outcome, ctx)?;
    if next.other_outcomes.len() >= ctx.rules.other_outcomes_max {
        return Err(TaskError::TooManyOutcomes(ctx.rules.other_outcomes_max));
    }
    let corrected = outcome
        .supersedes
        .as_ref()
        .and_then(|id| all_outcomes(task).find(|known| known.id == *id))
        .cloned();
    let closed = is_absorbing(&next.state);
    keep(&mut next, outcome, closed);
    if !closed {
        advance(&mut next, code, outcome, ctx);
        next.changed_at_ms = ctx.at_ms;
    }
    let undone = corrected
        .iter()
        .filter_map(|old| Some(effects(old.code.known()?, old, ctx)))
        .flatten();
    let cancel_follow_up = corrected.as_ref().map(|old| follow_up_id(&old.id));
    Ok(Transition {
        member_effects: effects(code, outcome, ctx),
        undone: undone.collect(),
        cancel_campaign: code == OutcomeCode::NotInterested && task.campaign_id.is_some(),
        cancel_all: code == OutcomeCode::Deceased,
        follow_up: follow_up(task, code, outcome, ctx),
        cancel_follow_up,
        place: if closed {
            OutcomePlace::Beside
        } else {
            OutcomePlace::Counts
        },
        task: next,
    })
}

fn repeated(task: &CareTask) -> Transition {
    Transition {
        task: task.clone(),
        member_effects: Vec::new(),
        undone: Vec::new(),
        cancel_campaign: false,
        cancel_all: false,
        follow_up: None,
        cancel_follow_up: None,
        place: OutcomePlace::Repeated,
    }
}

fn all_outcomes(task: &CareTask) -> impl Iterator<Item = &Outcome> {
    task.outcome.iter().chain(&task.other_outcomes)
}

/// The dates and notes that the codes ask for.
fn check(code: OutcomeCode, outcome: &Outcome, ctx: &TaskCtx) -> Result<(), TaskError> {
    let date = match code {
        OutcomeCode::CallLater => outcome.call_at_ms.map(|ms| ctx.calendar.day(ms)).or(outcome.date),
        _ => outcome.date,
    };
    let asks = asks(code, ctx.rules);
    let days_max = asks.days_max;
    let note = outcome.note.as_deref().unwrap_or_default().trim();
    match date {
        None if asks.day == Answer::Required => Err(TaskError::DateRequired),
        Some(date) if date < ctx.day() => Err(TaskError::DateInPast),
        Some(date) if (date - ctx.day()).num_days() > days_max => Err(TaskError::DateTooLate { days_max }),
        _ if asks.note == Answer::Required && note.is_empty() => Err(TaskError::NoteRequired),
        _ => Ok(()),
    }
}

/// Puts the outcome where it belongs: while the task is open the newest counts, once it is closed
/// the first does, unless it is corrected.
fn keep(task: &mut CareTask, outcome: &Outcome, closed: bool) {
    let corrects_it = task
        .outcome
        .as_ref()
        .is_some_and(|counts| outcome.supersedes.as_ref() == Some(&counts.id));
    if closed && task.outcome.is_some() && !corrects_it {
        task.other_outcomes.push(outcome.clone());
    } else {
        task.other_outcomes.extend(task.outcome.replace(outcome.clone()));
    }
}

/// The state after an outcome of an open task.
fn advance(task: &mut CareTask, code: OutcomeCode, outcome: &Outcome, ctx: &TaskCtx) {
    task.closes_on_purchase = None;
    task.avoid_part = None;
    let today = ctx.day();
    match (code, outcome.date) {
        (OutcomeCode::AgreedToVisit, Some(date)) => {
            come_back(task, days_after(date, ctx.rules.visit_return_days), None, ctx);
            task.closes_on_purchase = Some((today, date));
        }
        (OutcomeCode::StillHasStock, Some(date)) => come_back(task, date, None, ctx),
        (OutcomeCode::CallLater, date) => {
            let chosen = outcome.call_at_ms.map(|at_ms| ctx.calendar.day(at_ms)).or(date);
            let day = chosen.unwrap_or_else(|| days_after(today, ctx.rules.call_later_days));
            come_back(task, day, outcome.call_at_ms, ctx);
        }
        _ => close(task, TaskState::Done, ctx),
    }
}

/// Defers to a day that the member named; the task then stays on the list for a few days.
fn come_back(task: &mut CareTask, day: NaiveDate, at_ms: Option<i64>, ctx: &TaskCtx) {
    defer(task, day, at_ms);
    task.due = task.due.max(days_after(day, ctx.rules.return_days));
}

fn effects(code: OutcomeCode, outcome: &Outcome, ctx: &TaskCtx) -> Vec<MemberEffect> {
    let ingredient = outcome
        .ingredient
        .clone()
        .filter(|ingredient| !ingredient.is_empty());
    match code {
        OutcomeCode::BoughtElsewhere | OutcomeCode::StillHasStock => ingredient
            .zip(outcome.date)
            .map(|(ingredient, until)| MemberEffect::StockUntil { ingredient, until })
            .into_iter()
            .collect(),
        OutcomeCode::DoctorChangedOrStopped => ingredient
            .map(|ingredient| MemberEffect::RegimenInactive { ingredient })
            .into_iter()
            .collect(),
        OutcomeCode::DoNotContact => vec![MemberEffect::MarketingOff, MemberEffect::DoNotContact],
        OutcomeCode::WrongNumber => vec![MemberEffect::NumberInvalid, MemberEffect::AskNumber],
        OutcomeCode::Moved => vec![MemberEffect::MarketingOff],
        OutcomeCode::Hospitalised => vec![
            MemberEffect::MarketingOff,
            MemberEffect::PauseUntil(days_after(outcome.day, ctx.rules.hospital_pause_days)),
        ],
        OutcomeCode::Deceased => vec![MemberEffect::MarketingOff, MemberEffect::Deceased],
        OutcomeCode::AgreedToVisit
        | OutcomeCode::CallLater
        | OutcomeCode::AlreadyBought
        | OutcomeCode::NotInterested
        | OutcomeCode::NeedsPharmacist
        | OutcomeCode::AdverseReaction
        | OutcomeCode::Other => Vec::new(),
    }
}

/// Applies an effect to the member's record.
pub fn apply_effect(member: &mut Member, effect: &MemberEffect, source: &EffectSource) {
    match effect {
        MemberEffect::StockUntil { ingredient, until } => {
            let regimen = regimen(member, ingredient, source.day);
            regimen.stock_until = Some(*until);
            regimen.inactive = false;
        }
        MemberEffect::RegimenInactive { ingredient } => {
            regimen(member, ingredient, source.day).inactive = true;
        }
        MemberEffect::MarketingOff => {
            withdraw_marketing(member, source.at_ms, source.store_id, Some(source.staff_id));
        }
        MemberEffect::DoNotContact => member.do_not_contact = true,
        MemberEffect::NumberInvalid => member.phone_invalid = member.phone.is_some(),
        MemberEffect::AskNumber => member.ask_number = true,
        MemberEffect::PauseUntil(day) => member.paused_until = member.paused_until.max(Some(*day)),
        MemberEffect::Deceased => member.deceased = true,
    }
}

/// Takes back what a corrected outcome did. A withdrawal stays: only a new consent lifts it.
pub fn undo_effect(member: &mut Member, effect: &MemberEffect) {
    match effect {
        MemberEffect::StockUntil { ingredient, until } => {
            for regimen in member.regimens.iter_mut().filter(|r| r.ingredient == *ingredient) {
                regimen.stock_until = regimen.stock_until.filter(|day| day != until);
            }
        }
        MemberEffect::RegimenInactive { ingredient } => {
            for regimen in member.regimens.iter_mut().filter(|r| r.ingredient == *ingredient) {
                regimen.inactive = false;
            }
        }
        MemberEffect::MarketingOff | MemberEffect::DoNotContact => {}
        MemberEffect::NumberInvalid => member.phone_invalid = false,
        MemberEffect::AskNumber => member.ask_number = false,
        MemberEffect::PauseUntil(day) => {
            member.paused_until = member.paused_until.filter(|until| until != day);
        }
        MemberEffect::Deceased => member.deceased = false,
    }
}

/// The member's regimen of an ingredient, made if there is none, changed on a day.
fn regimen<'a>(member: &'a mut Member, ingredient: &str, day: NaiveDate) -> &'a mut Regimen {
    let place = match member
        .regimens
        .binary_search_by(|r| r.ingredient.as_str().cmp(ingredient))
    {
        Ok(place) => place,
        Err(place) => {
            let made = Regimen {
                ingredient: ingredient.to_owned(),
                daily_units_milli: None,
                stock_until: None,
                inactive: false,
                changed_on: day,
            };
            member.regimens.insert(place, made);
            place
        }
    };
    let regimen = &mut member.regimens[place];
    regimen.changed_on = regimen.changed_on.max(day);
    regimen
}
