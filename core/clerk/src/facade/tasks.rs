//! The task list: whom to call next, why, and what to say.

use chrono::{Days, NaiveDate};
use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::codes::{
    Action, Care, Channel, Class, Code as _, ContactPurpose, Open, TaskKind, TaskOrigin, TaskState,
};
use yaoban_domain::model::{CareTask, Template, Why};
use yaoban_domain::task::{channel, households, is_absorbing, settle};
use yaoban_domain::template;
use yaoban_protocol::apply::reason;
use yaoban_protocol::op::Op;
use yaoban_protocol::row::entity;

use super::contact::{AttemptRow, attempts_of_task};
use super::listing::Listing;
use super::profile::Say;
use super::work::{Refused, Work, check_group, known_member, refused};
use super::{AppResult, ClerkApp};
use crate::store::rows::TASK_COLUMNS;
use crate::store::{Result, Tx, rows};

/// Tasks of a list at most.
pub const LIST_MAX: usize = 2_000;
/// Days for which a task that ran out stays among the overdue.
pub const OVERDUE_DAYS: u64 = 30;
/// Days within which a clerk's own task is due, if no day is chosen.
const OWN_TASK_DAYS: u64 = 7;
/// Days from now that are one touch away where a day is asked for.
const NEAR_DAYS: [u64; 6] = [1, 2, 3, 7, 14, 30];

/// Which tasks a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskView {
    /// Begun and waiting to be done today.
    #[default]
    Due,
    /// Put off, or not begun.
    Later,
    /// Expired within [`OVERDUE_DAYS`], without a result.
    Overdue,
    /// Done today.
    DoneToday,
}

impl TaskView {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Due, Self::Overdue, Self::Later, Self::DoneToday];

    /// What an empty list of it says.
    fn none(self) -> Say {
        match self {
            Self::Due => Say::of("list", "none", &[]),
            Self::Later => Say::of("tasks", "none_later", &[]),
            Self::Overdue => Say::of("tasks", "none_overdue", &[]),
            Self::DoneToday => Say::of("tasks", "none_done", &[]),
        }
    }
}

/// What is done with a task by a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskAct {
    /// It is closed, or done when the member comes.
    Nothing,
    /// A call.
    Call,
    /// A message.
    Message,
}

/// What a list is narrowed to. All conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Which tasks.
    pub view: TaskView,
    /// The whole store's instead of the clerk's own and those of nobody.
    pub whole_store: bool,
    /// Tasks of this member of staff (with `whole_store`).
    pub assignee: Option<String>,
    /// Members of this class.
    pub class: Option<Class>,
    /// Members with this disease.
    pub disease: Option<String>,
    /// Members with this tag.
    pub tag: Option<String>,
    /// Tasks for this member.
    pub member_id: Option<String>,
}

/// A task, ready to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    /// Id of the task.
    pub task_id: String,
    /// For whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The member's number, masked.
    pub phone_masked: Option<String>,
    /// How it is carried out.
    pub kind: Open<TaskKind>,
    /// By which channel: it is done by a call or a message; none: when the member comes.
    pub channel: Option<Channel>,
    /// Service, marketing or emergency.
    pub purpose: Open<ContactPurpose>,
    /// Where it comes from.
    pub origin: Open<TaskOrigin>,
    /// Name of its campaign.
    pub campaign: Option<String>,
    /// Where it stands now.
    pub state: Open<TaskState>,
    /// First day on the list.
    pub start: NaiveDate,
    /// Last day.
    pub due: NaiveDate,
    /// Put off until this day.
    pub deferred_until: Option<NaiveDate>,
    /// Put off until this instant, UTC.
    pub deferred_until_ms: Option<i64>,
    /// Why this member is on the list.
    pub why: Say,
    /// The member's class.
    pub class: Option<Class>,
    /// Chronic or general.
    pub care: Option<Care>,
    /// The member's value index, 0..=100.
    pub value_index: u8,
    /// The earliest end of a medicine that the member takes: it orders the list.
    pub next_end: Option<NaiveDate>,
    /// The ingredient of the medicine that the task is about; if it is about none, of the one that ends
    /// first.
    pub medicine: Option<String>,
    /// When that medicine ends, as far as this phone or else the hub knows.
    pub medicine_end: Option<NaiveDate>,
    /// Whose task it is.
    pub assignee: Option<String>,
    /// That clerk's name.
    pub assignee_name: Option<String>,
    /// Attempts that count.
    pub attempts: u32,
    /// Part of the day to be avoided next (0, 1, 2).
    pub avoid_part: Option<u8>,
    /// A health emergency.
    pub emergency: bool,
    /// The manager asked for it to be done soon.
    pub nudged: bool,
    /// The member answered before at this hour of the day.
    pub hour_matches: bool,
    /// The outcome that counts, as a code.
    pub outcome: Option<String>,
    /// When its state last changed, UTC.
    pub changed_at_ms: i64,
    /// What matters about it now, beside why it is there: when the medicine ends,
    /// when it is back on the list, what was recorded, that the manager asks, how often it was tried.
    pub also: Vec<Say>,
    /// Where it stands once a call for it is over.
    pub after: Say,
    /// What is done with it by a touch.
    pub act: TaskAct,
    /// The last day to which it can be put off; none: it does not wait on today's list, or no day is left.
    pub defer_until_max: Option<NaiveDate>,
}

/// Tasks of one phone number, shown together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Household {
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// Its tasks, in order.
    pub tasks: Vec<TaskRow>,
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TaskList {
    /// Why there are none: the clerk is marked off, or none fits. None: there are some.
    pub none: Option<Say>,
    /// Number of tasks, of all pages.
    pub count: usize,
    /// Number of households, of all pages.
    pub household_count: usize,
    /// The tasks of this page by household, in the order of each one's first task.
    pub households: Vec<Household>,
}

impl TaskList {
    /// The list of who is marked off for today: none.
    fn off_today() -> Self {
        Self {
            none: Some(Say::of("tasks", "off", &[])),
            ..Self::default()
        }
    }

    /// The tasks one after another.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskRow> {
        self.households.iter().flat_map(|household| &household.tasks)
    }
}

/// What to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Script {
    /// Title.
    pub title: String,
    /// The text, filled in for this member.
    pub text: String,
    /// Talking points, filled in.
    pub points: Vec<String>,
    /// Placeholders that have no value here and stand as they are.
    pub missing: Vec<String>,
}

/// What was recorded of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeRow {
    /// Id.
    pub outcome_id: String,
    /// What came of it.
    pub code: String,
    /// When it was recorded, UTC.
    pub at_ms: i64,
    /// Who recorded it.
    pub staff_id: String,
    /// The day that was chosen.
    pub date: Option<NaiveDate>,
    /// The medicine that it concerns.
    pub ingredient: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// It is the one that counts.
    pub counts: bool,
}

/// A task with its script and history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskDetail {
    /// The task.
    pub task: TaskRow,
    /// What to say, if it has a script.
    pub script: Option<Script>,
    /// Its dials, newest first.
    pub attempts: Vec<AttemptRow>,
    /// What was recorded, what counts first.
    pub outcomes: Vec<OutcomeRow>,
}

/// A task that a clerk makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// How it is carried out.
    pub kind: TaskKind,
    /// Service or marketing.
    pub purpose: ContactPurpose,
    /// First day; none: today.
    pub start: Option<NaiveDate>,
    /// Last day; none: a week from the first one.
    pub due: Option<NaiveDate>,
    /// Script to follow.
    pub script_id: Option<String>,
    /// In the clerk's words, why.
    pub note: Option<String>,
}

impl NewTask {
    /// A service task of a kind, from today on.
    pub fn of_kind(kind: TaskKind) -> Self {
        Self {
            kind,
            purpose: ContactPurpose::Service,
            start: None,
            due: None,
            script_id: None,
            note: None,
        }
    }
}

/// What became of a group of tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupTasks {
    /// Ids of the tasks that were made.
    pub made: Vec<String>,
    /// Members for whom none was made, and why.
    pub refused: Vec<Refused>,
}

impl ClerkApp {
    /// The whole task list in the order of the rules: [`Self::task_page`] with every household.
    pub fn tasks(&self, filter: &TaskFilter) -> AppResult<TaskList> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            if off_today(&work, filter)? {
                return Ok(TaskList::off_today());
            }
            let listing = Listing::new(conn, &work)?;
            let found = listing.list(filter)?;
            let count = found.len();
            let households = households(found, |one| one.number.clone());
            let shown = households.iter().map(|tasks| listing.household(tasks));
            Ok(TaskList {
                none: (count == 0).then(|| filter.view.none()),
                count,
                household_count: households.len(),
                households: shown.collect::<Result<_>>()?,
            })
        })
    }

    /// The task list in the order of the rules: at most `limit` households from `offset` on, each whole. A
    /// clerk who is marked off gets none of its own.
    pub fn task_page(&self, filter: &TaskFilter, offset: usize, limit: usize) -> AppResult<TaskList> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            if off_today(&work, filter)? {
                return Ok(TaskList::off_today());
            }
            let listing = Listing::new(conn, &work)?;
            let places = listing.places(filter)?;
            let count = places.len();
            let households = households(places, |place| place.number_reversed.clone());
            let page = households.iter().skip(offset).take(limit);
            let shown = page.map(|places| {
                let tasks = places.iter().map(|place| listing.one(&place.task_id));
                listing.household(&tasks.collect::<Result<Vec<_>>>()?)
            });
            Ok(TaskList {
                none: (count == 0).then(|| filter.view.none()),
                count,
                household_count: households.len(),
                households: shown.collect::<Result<_>>()?,
            })
        })
    }

    /// The first task of today's list that is done by a call, of what the list is narrowed to, whichever view it
    /// shows: whom to call next. None: nobody.
    pub fn next_call(&self, filter: &TaskFilter) -> AppResult<Option<String>> {
        let work = Work::begin(self)?;
        let filter = &TaskFilter {
            view: TaskView::Due,
            ..filter.clone()
        };
        work.read(|conn| {
            if off_today(&work, filter)? {
                return Ok(None);
            }
            let places = Listing::new(conn, &work)?.places(filter)?;
            let by_household = households(places, |place| place.number_reversed.clone());
            let mut places = by_household.into_iter().flatten();
            let next = places.find(|place| channel(&place.kind) == Some(Channel::Call));
            Ok(next.map(|place| place.task_id))
        })
    }

    /// One task with its script and history.
    pub fn task(&self, task_id: &str) -> AppResult<TaskDetail> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            work.allowed(Action::SeeTask)?;
            let listing = Listing::new(conn, &work)?;
            let found = listing.one(task_id)?;
            let task = listing.row(&found)?;
            Ok(TaskDetail {
                script: script_of(conn, &work, &found.task, &task)?,
                attempts: attempts_of_task(conn, task_id)?,
                outcomes: outcome_rows(&found.task),
                task,
            })
        })
    }

    /// The days that are one touch away where a day is asked for, up to the last one that is taken (none: any).
    pub fn near_days(&self, last: Option<NaiveDate>) -> Vec<NaiveDate> {
        let today = self.today();
        let days = NEAR_DAYS
            .iter()
            .filter_map(|n| today.checked_add_days(Days::new(*n)));
        days.filter(|day| last.is_none_or(|last| *day <= last)).collect()
    }

    /// A task that the clerk makes for itself. Returns its id.
    pub fn make_task(&self, member_id: &str, new: &NewTask) -> AppResult<String> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            let task = own_task(&work, member_id, new)?;
            let id = task.id.clone();
            work.put(tx, Op::CreateTask { task: Box::new(task) })?;
            Ok(id)
        })
    }

    /// Tasks that the clerk makes for itself from a group of members. One that is refused, or has
    /// an open task of the same kind by a clerk's wish already, is listed with its reason.
    pub fn make_tasks(&self, member_ids: &[String], new: &NewTask) -> AppResult<GroupTasks> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            check_group(member_ids)?;
            let mut result = GroupTasks::default();
            for member_id in member_ids {
                let made = if has_own_task(tx, member_id, new.kind, work.now_ms)? {
                    Err(("task_exists".to_owned(), Vec::new()))
                } else {
                    let task = own_task(&work, member_id, new)?;
                    let id = task.id.clone();
                    let op = Op::CreateTask { task: Box::new(task) };
                    work.try_put(tx, op)?.map(|_| id)
                };
                match made {
                    Ok(id) => result.made.push(id),
                    Err((code, values)) => result.refused.push(Refused {
                        id: member_id.clone(),
                        name: rows::member(tx, member_id)?.map(|m| m.name).unwrap_or_default(),
                        code,
                        values,
                    }),
                }
            }
            Ok(result)
        })
    }

    /// A service call that the clerk plans, on its list from a day on; none: today. Returns the task's id.
    pub fn plan_call(&self, member_id: &str, start: Option<NaiveDate>) -> AppResult<String> {
        let call = NewTask {
            start,
            ..NewTask::of_kind(TaskKind::Call)
        };
        self.make_task(member_id, &call)
    }

    /// Service calls that the clerk plans for a group of members, from today on; as [`Self::make_tasks`].
    pub fn plan_calls(&self, member_ids: &[String]) -> AppResult<GroupTasks> {
        self.make_tasks(member_ids, &NewTask::of_kind(TaskKind::Call))
    }

    /// The clerk is at the task. Returns it as it is now.
    pub fn start_task(&self, task_id: &str) -> AppResult<TaskRow> {
        self.change_task(
            task_id,
            Op::StartTask {
                task_id: task_id.to_owned(),
            },
        )
    }

    /// The task is put off until a day, and an instant of it.
    pub fn defer_task(&self, task_id: &str, until: NaiveDate, until_ms: Option<i64>) -> AppResult<TaskRow> {
        let op = Op::DeferTask {
            task_id: task_id.to_owned(),
            until,
            until_ms,
        };
        self.change_task(task_id, op)
    }

    /// The task is cancelled: a clerk's own wish by the clerk, any by the manager.
    pub fn cancel_task(&self, task_id: &str) -> AppResult<TaskRow> {
        self.change_task(
            task_id,
            Op::CancelTask {
                task_id: task_id.to_owned(),
            },
        )
    }

    /// Applies an operation on a task and shows the task after it.
    pub(super) fn change_task(&self, task_id: &str, op: Op) -> AppResult<TaskRow> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            work.put(tx, op)?;
            task_row(tx, &work, task_id)
        })
    }
}

/// Whether who asks for its own list is marked off today. Refused to who sees no tasks.
fn off_today(work: &Work<'_>, filter: &TaskFilter) -> Result<bool> {
    work.allowed(Action::SeeTask)?;
    Ok(work.staff.off_on == Some(work.today) && !filter.whole_store)
}

/// A task as it shows.
pub(super) fn task_row(conn: &Connection, work: &Work<'_>, task_id: &str) -> Result<TaskRow> {
    let listing = Listing::new(conn, work)?;
    listing.row(&listing.one(task_id)?)
}

/// A clerk's own task for a member.
fn own_task(work: &Work<'_>, member_id: &str, new: &NewTask) -> Result<CareTask> {
    if new.purpose == ContactPurpose::Emergency {
        return Err(refused(reason::ORIGIN_NOT_ALLOWED));
    }
    let start = new.start.unwrap_or(work.today);
    let due = new
        .due
        .unwrap_or_else(|| start.checked_add_days(Days::new(OWN_TASK_DAYS)).unwrap_or(start));
    let note = new.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    Ok(CareTask {
        id: work.new_id()?,
        member_id: member_id.to_owned(),
        store_id: work.store_id.clone(),
        assignee: Some(work.staff.id.clone()),
        kind: new.kind.into(),
        purpose: new.purpose.into(),
        origin: TaskOrigin::Clerk.into(),
        campaign_id: None,
        step: 0,
        why: Why {
            code: "clerk".to_owned(),
            values: note
                .map(|note| ("note".to_owned(), note.to_owned()))
                .into_iter()
                .collect(),
        },
        script_id: new.script_id.clone(),
        emergency: false,
        start,
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
        created_at_ms: work.now_ms,
        changed_at_ms: work.now_ms,
        version: 0,
    })
}

/// Whether a member has an open task of a kind that a clerk made.
fn has_own_task(tx: &Tx<'_>, member_id: &str, kind: TaskKind, now_ms: i64) -> Result<bool> {
    let Some(key) = rows::existing_key(tx, member_id)? else {
        return Ok(false);
    };
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {TASK_COLUMNS} FROM task t WHERE t.member_key = ?1 AND t.kind = ?2"
    ))?;
    let mut found = statement.query((key, kind.code()))?;
    while let Some(row) = found.next()? {
        let task = rows::read_task(row, member_id.to_owned())?;
        let settled = settle(task, now_ms, tx.calendar);
        if settled.origin.is(TaskOrigin::Clerk) && !is_absorbing(&settled.state) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn outcome_rows(task: &CareTask) -> Vec<OutcomeRow> {
    let counts = task.outcome.iter().map(|outcome| (outcome, true));
    let others = task.other_outcomes.iter().rev().map(|outcome| (outcome, false));
    counts
        .chain(others)
        .map(|(outcome, counts)| OutcomeRow {
            outcome_id: outcome.id.clone(),
            code: outcome.code.code().to_owned(),
            at_ms: outcome.at_ms,
            staff_id: outcome.staff_id.clone(),
            date: outcome.date,
            ingredient: outcome.ingredient.clone(),
            note: outcome.note.clone(),
            counts,
        })
        .collect()
}

/// The script of a task, filled in for its member. A clerk reads it, so a placeholder without a
/// value stands as it is.
pub(super) fn script_of(
    conn: &Connection,
    work: &Work<'_>,
    task: &CareTask,
    row: &TaskRow,
) -> Result<Option<Script>> {
    let Some(id) = &task.script_id else {
        return Ok(None);
    };
    let Some(script) = rows::record::<Template>(conn, entity::TEMPLATE, id)? else {
        return Ok(None);
    };
    let (store, chain) = Work::names(conn)?;
    let member = known_member(conn, &task.member_id)?;
    let end = row.medicine_end.map(|day| day.to_string());
    let medicine = row.medicine.as_deref();
    let mut values: Vec<(&str, &str)> = vec![
        ("name", &member.name),
        ("store", &store),
        ("chain", &chain),
        ("clerk", &work.staff.name),
    ];
    values.extend(medicine.map(|name| ("medicine", name)));
    values.extend(end.as_deref().map(|day| ("medicine_end", day)));
    for (name, value) in &task.why.values {
        values.push((name, value));
    }
    Ok(Some(filled(script, &values)))
}

/// A script with its values filled in.
pub(super) fn filled(script: Template, values: &[(&str, &str)]) -> Script {
    let mut missing = Vec::new();
    let text = fill(&script.text, values, &mut missing);
    let points = script
        .points
        .iter()
        .map(|point| fill(point, values, &mut missing))
        .collect();
    Script {
        title: script.title,
        text,
        points,
        missing,
    }
}

/// Fills in what has a value; the rest stands as it is and is told.
fn fill(text: &str, values: &[(&str, &str)], missing: &mut Vec<String>) -> String {
    let Ok(names) = template::placeholders(text) else {
        return text.to_owned();
    };
    let stand_ins: Vec<(String, String)> = names
        .iter()
        .filter(|name| !values.iter().any(|(known, _)| known == *name))
        .map(|name| ((*name).to_owned(), format!("{{{name}}}")))
        .collect();
    missing.extend(stand_ins.iter().map(|(name, _)| name.clone()));
    let all: Vec<(&str, &str)> = values
        .iter()
        .copied()
        .chain(
            stand_ins
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str())),
        )
        .collect();
    template::render(text, &all).unwrap_or_else(|_| text.to_owned())
}
