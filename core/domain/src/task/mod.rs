//! The state machine of a care task (rules, section 4).
//!
//! `open` → `in_progress` → `done` | `cancelled` | `expired`; `open` ↔ `deferred` until a date.
//! The last three absorb: nothing leaves them, an outcome that comes later is kept beside the first.
//!
//! | module | what belongs there |
//! |---|---|
//! | this one | events and what they do to the state, what the clock does to it ([`settle`]) |
//! | [`attempt`] | what a carrier's result does |
//! | [`mod@outcome`] | what an outcome does, to the task and to the member |
//! | [`follow`] | tasks that follow from an outcome or a reading, with ids both ends derive alike |
//! | [`order`] | the order of the list, households |
//! | [`share`] | allotment of tasks to clerks |
//!
//! Everything takes the instant at which it happened by the phone that did it, so that a phone and
//! the hub, which hears of it days later, reach the same state. For the same reason expiry at the
//! end of the due date is derived ([`settle`]), and stored only once something happens after it.

use chrono::{Days, NaiveDate};

use crate::calendar::Calendar;
use crate::codes::{Channel, Open, TaskKind, TaskState};
use crate::model::{CareTask, Staff};
use crate::rules::TaskRules;

pub mod attempt;
pub mod follow;
pub mod order;
pub mod outcome;
pub mod share;

pub use attempt::{AttemptEffect, attempt_result, counts_as_attempt, needs_outcome, number_effects};
pub use follow::{emergency_id, emergency_task, follow_up_id, pharmacist_of};
pub use order::{OrderInput, OrderKey, households, order_key};
pub use outcome::{
    Answer, Asks, EffectSource, MemberEffect, OutcomePlace, Transition, apply_effect, asks, offered, outcome,
    undo_effect,
};
pub use share::{allocate, is_present, rebalance};

/// When something happens to a task, and the rules it happens by.
#[derive(Debug, Clone, Copy)]
pub struct TaskCtx<'a> {
    /// When it happened, by the clock of the phone that did it, UTC.
    pub at_ms: i64,
    /// Now, where the rule is evaluated; a same-day task is due today even if the news is older.
    pub now_ms: i64,
    /// The chain's calendar.
    pub calendar: Calendar,
    /// Section 4.
    pub rules: &'a TaskRules,
    /// The staff of the task's store, for tasks that go to its pharmacist.
    pub staff: &'a [Staff],
}

impl TaskCtx<'_> {
    /// The business day on which it happened.
    pub fn day(&self) -> NaiveDate {
        self.calendar.day(self.at_ms)
    }
}

/// Something that happens to a task, but for attempts and outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEvent {
    /// A clerk is at it.
    Start {
        /// Who; becomes the assignee if nobody was.
        staff_id: String,
    },
    /// It is put off.
    Defer {
        /// Until this day, not after the due date.
        until: NaiveDate,
        /// Until this instant of that day.
        until_ms: Option<i64>,
    },
    /// It is cancelled.
    Cancel,
    /// It is given to somebody, or to anyone.
    Assign {
        /// To whom.
        assignee: Option<String>,
    },
    /// The manager asks for it to be done soon.
    Nudge,
    /// Its message was handed over.
    Sent,
    /// The member bought something.
    Purchase {
        /// On this business day.
        day: NaiveDate,
    },
}

/// Why nothing was done to a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The state absorbs.
    #[error("task is {0} and stays so")]
    Closed(String),
    /// A date is needed.
    #[error("outcome needs a date")]
    DateRequired,
    /// The date lies before the day of recording.
    #[error("date lies in the past")]
    DateInPast,
    /// The date lies too far ahead.
    #[error("date lies more than {days_max} days ahead")]
    DateTooLate {
        /// Days allowed.
        days_max: i64,
    },
    /// A task cannot be put off beyond its due date.
    #[error("task is due on {due} and cannot be put off beyond it")]
    AfterDue {
        /// The due date.
        due: NaiveDate,
    },
    /// `other` needs a note.
    #[error("outcome `other` needs a note")]
    NoteRequired,
    /// A code from a newer version.
    #[error("unknown outcome `{0}`")]
    UnknownOutcome(String),
    /// More outcomes than a task keeps.
    #[error("task has more than {0} outcomes")]
    TooManyOutcomes(usize),
}

impl TaskError {
    /// The stable code that a clerk's screen words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed(_) => "task_closed",
            Self::DateRequired => "date_required",
            Self::DateInPast => "date_in_past",
            Self::DateTooLate { .. } => "date_too_late",
            Self::AfterDue { .. } => "after_due",
            Self::NoteRequired => "note_required",
            Self::UnknownOutcome(_) => "unknown_outcome",
            Self::TooManyOutcomes(_) => "too_many_outcomes",
        }
    }

    /// Values for the wording, by name.
    pub fn values(&self) -> Vec<(String, String)> {
        let value = |name: &str, value: String| vec![(name.to_owned(), value)];
        match self {
            Self::Closed(state) => value("state", state.clone()),
            Self::DateTooLate { days_max } => value("days_max", days_max.to_string()),
            Self::AfterDue { due } => value("due", due.to_string()),
            Self::UnknownOutcome(code) => value("code", code.clone()),
            Self::TooManyOutcomes(max) => value("max", max.to_string()),
            Self::DateRequired | Self::DateInPast | Self::NoteRequired => Vec::new(),
        }
    }
}

/// Whether a state absorbs. One that this build does not know is left alone, so it does.
pub fn is_absorbing(state: &Open<TaskState>) -> bool {
    !matches!(
        state.known(),
        Some(TaskState::Open | TaskState::InProgress | TaskState::Deferred)
    )
}

/// By which channel a task of a kind is carried out; none: when the member comes, or by a kind that
/// this build does not know.
pub fn channel(kind: &Open<TaskKind>) -> Option<Channel> {
    match kind.known()? {
        TaskKind::Call | TaskKind::Pharmacist => Some(Channel::Call),
        TaskKind::Sms => Some(Channel::Sms),
        TaskKind::Wechat => Some(Channel::Wechat),
        TaskKind::InStore => None,
    }
}

/// The task as the clock has made it: expired after its due date, back on the list once its
/// deferral is over.
pub fn settle(mut task: CareTask, now_ms: i64, calendar: Calendar) -> CareTask {
    if is_absorbing(&task.state) {
        return task;
    }
    if calendar.day(now_ms) > task.due {
        task.state = TaskState::Expired.into();
        task.changed_at_ms = calendar.day_start_ms(days_after(task.due, 1));
        clear_deferral(&mut task);
    } else if task.state.is(TaskState::Deferred) {
        let back_ms = task
            .deferred_until_ms
            .or_else(|| task.deferred_until.map(|day| calendar.day_start_ms(day)))
            .unwrap_or(i64::MIN);
        if now_ms >= back_ms {
            task.state = TaskState::Open.into();
            clear_deferral(&mut task);
        }
    }
    task
}

/// Whether a task belongs on today's list: it has begun and waits to be done.
pub fn is_on_list(settled: &CareTask, today: NaiveDate) -> bool {
    matches!(
        settled.state.known(),
        Some(TaskState::Open | TaskState::InProgress)
    ) && settled.start <= today
}

/// What an event makes of a task. Attempts and outcomes have their own functions.
pub fn apply(task: &CareTask, event: &TaskEvent, ctx: &TaskCtx) -> Result<CareTask, TaskError> {
    // A purchase in time closes the task even if it has come back since, or run out.
    if let TaskEvent::Purchase { day } = event {
        let mut closed = task.clone();
        if task
            .closes_on_purchase
            .is_some_and(|(from, to)| (from..=to).contains(day))
            && !is_absorbing(&task.state)
        {
            close(&mut closed, TaskState::Done, ctx);
        }
        return Ok(closed);
    }
    let mut next = settle(task.clone(), ctx.at_ms, ctx.calendar);
    if is_absorbing(&next.state) {
        return Err(TaskError::Closed(next.state.code().to_owned()));
    }
    match event {
        TaskEvent::Start { staff_id } => {
            next.assignee.get_or_insert_with(|| staff_id.clone());
            next.state = TaskState::InProgress.into();
            clear_deferral(&mut next);
        }
        TaskEvent::Defer { until, until_ms } => {
            if *until > next.due {
                return Err(TaskError::AfterDue { due: next.due });
            }
            if *until < ctx.day() || until_ms.is_some_and(|ms| ctx.calendar.day(ms) != *until) {
                return Err(TaskError::DateInPast);
            }
            defer(&mut next, *until, *until_ms);
        }
        TaskEvent::Cancel => close(&mut next, TaskState::Cancelled, ctx),
        TaskEvent::Assign { assignee } => next.assignee.clone_from(assignee),
        TaskEvent::Nudge => next.nudged_at_ms = Some(ctx.at_ms),
        TaskEvent::Sent => {
            if matches!(channel(&next.kind), Some(Channel::Sms | Channel::Wechat)) {
                close(&mut next, TaskState::Done, ctx);
            }
        }
        TaskEvent::Purchase { .. } => {}
    }
    next.changed_at_ms = ctx.at_ms;
    Ok(next)
}

fn close(task: &mut CareTask, state: TaskState, ctx: &TaskCtx) {
    task.state = state.into();
    task.changed_at_ms = ctx.at_ms;
    clear_deferral(task);
    task.closes_on_purchase = None;
}

fn defer(task: &mut CareTask, until: NaiveDate, until_ms: Option<i64>) {
    task.state = TaskState::Deferred.into();
    task.deferred_until = Some(until);
    task.deferred_until_ms = until_ms;
}

fn clear_deferral(task: &mut CareTask) {
    task.deferred_until = None;
    task.deferred_until_ms = None;
}

fn days_after(day: NaiveDate, days: i64) -> NaiveDate {
    day.checked_add_days(Days::new(days.unsigned_abs()))
        .unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests;
