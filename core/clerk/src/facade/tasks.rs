//! The task list: whom to call next, why, and what to say.

use std::cmp::Ordering;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use rustc_hash::FxHashMap;
use serde::Serialize;
use yaoban_domain::calendar::{Calendar, day_number, from_day_number};
use yaoban_domain::codes::{
    Action, Care, Channel, Class, Code as _, ContactPurpose, Open, TaskKind, TaskOrigin, TaskState,
};
use yaoban_domain::model::{CareTask, Staff, Template, Why};
use yaoban_domain::task::{
    OrderInput, OrderKey, channel, households, is_absorbing, is_on_list, order_key, settle,
};
use yaoban_domain::{phone, template};
use yaoban_protocol::apply::reason;
use yaoban_protocol::op::Op;
use yaoban_protocol::row::{Campaign, entity};

use super::contact::{AttemptRow, attempts_of_task};
use super::profile::Say;
use super::work::{Refused, Work, check_group, known_member, refused};
use super::{AppResult, ClerkApp};
use crate::store::figures::{CACHED_COLUMNS, Cached, read_cached};
use crate::store::rows::{PLACE_COLUMN_COUNT, PLACE_COLUMNS, TASK_COLUMN_COUNT, TASK_COLUMNS};
use crate::store::{Result, Settings, Tx, rows};

/// Tasks of a list at most.
pub const LIST_MAX: usize = 2_000;
/// Days for which a task that ran out stays among the overdue.
pub const OVERDUE_DAYS: u64 = 30;
/// Days within which a clerk's own task is due, if no day is chosen.
const OWN_TASK_DAYS: u64 = 7;

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
    pub why: Why,
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
    /// What matters about it now, beside why it is there (`tasks.*` of the texts): when the medicine ends,
    /// when it is back on the list, what was recorded, that the manager asks, how often it was tried.
    pub also: Vec<Say>,
    /// Where it stands once a call for it is over (`after.*` of the texts).
    pub after: Say,
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
    /// The clerk is marked off for today and gets none.
    pub off_today: bool,
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
            off_today: true,
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
                off_today: false,
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
                off_today: false,
                count,
                household_count: households.len(),
                households: shown.collect::<Result<_>>()?,
            })
        })
    }

    /// The first task of a list that is done by a call: whom to call next. None: nobody.
    pub fn next_call(&self, filter: &TaskFilter) -> AppResult<Option<String>> {
        let work = Work::begin(self)?;
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

/// A task as it stands, with all by which lists choose and order. [`Listing::row`] makes what shows of it.
pub(super) struct Found {
    /// The task, settled by the clock.
    pub task: CareTask,
    /// The member's name.
    pub name: String,
    /// The full number, for households; never shown.
    number: Option<String>,
    /// What is computed of the member.
    pub figures: Cached,
    /// The ingredient of the medicine that ends first.
    next_ingredient: Option<String>,
    /// The member's diseases, `;`-wrapped.
    diseases: String,
    /// The member's tags, `;`-wrapped.
    tags: String,
    /// Key of the member in this file.
    member_key: i64,
    /// Its place on the list.
    pub key: OrderKey,
}

impl Found {
    /// The number with its middle hidden.
    pub fn phone_masked(&self) -> Option<String> {
        self.number.as_deref().map(phone::mask)
    }
}

/// Where a task stands once a call for it is over.
fn after(task: &CareTask) -> Say {
    let deferred = task.state.is(TaskState::Deferred);
    match (task.deferred_until_ms, task.deferred_until) {
        (Some(at_ms), _) if deferred => Say::of("back_at", &[("when", &at_ms)]),
        (None, Some(day)) if deferred => Say::of("back_on", &[("day", &day)]),
        _ if task.state.is(TaskState::Expired) && task.attempts > 0 => {
            Say::of("given_up", &[("n", &task.attempts)])
        }
        _ => Say::of("state", &[("state", &task.state.code())]),
    }
}

/// A task's place on a list, and what lists are counted by. What a task shows is read for what is shown only:
/// most of a long list is not.
pub(super) struct Place {
    /// The task.
    pub task_id: String,
    /// Its kind.
    pub kind: Open<TaskKind>,
    /// It is an emergency.
    pub emergency: bool,
    /// The member's class.
    pub class: Option<Class>,
    /// The full number as it is stored, for households; never shown.
    number_reversed: Option<String>,
    changed_at_ms: i64,
    key: OrderKey,
}

/// What a filter looks at.
struct Asked<'a> {
    task: &'a CareTask,
    member_id: &'a str,
    class: Option<Class>,
    diseases: &'a str,
    tags: &'a str,
}

/// Brings tasks into the order of the rules.
pub(super) fn in_order(tasks: &mut [Found]) {
    tasks.sort_unstable_by(|a, b| a.key.cmp(&b.key));
}

/// After [`PLACE_COLUMNS`]: what filters and households look at.
const PLACED_MEMBER_COLUMNS: &str = "m.member_id, m.phone_reversed, m.diseases, m.tags";
/// After [`TASK_COLUMNS`]: the member, and the ingredient of the medicine that ends first.
const MEMBER_COLUMNS: &str =
    "m.member_id, m.name, m.phone_reversed, m.diseases, m.tags, m.member_key, i.ingredient";
const FROM: &str = "FROM task t JOIN member m ON m.member_key = t.member_key
    LEFT JOIN figure f ON f.member_key = t.member_key
    LEFT JOIN ingredient i ON i.ingredient_key = f.next_ingredient_key";

/// What [`Listing::read`] reads.
fn all_columns() -> String {
    format!("{TASK_COLUMNS}, {MEMBER_COLUMNS}, {CACHED_COLUMNS}")
}

/// Reads tasks as they show: one query for the tasks with members and figures, one each for the
/// names of staff and campaigns.
pub(super) struct Listing<'a> {
    conn: &'a Connection,
    calendar: Calendar,
    now_ms: i64,
    hour: u32,
    today: NaiveDate,
    staff_id: String,
    staff: FxHashMap<String, String>,
    campaigns: FxHashMap<String, String>,
}

impl<'a> Listing<'a> {
    pub fn new(conn: &'a Connection, work: &Work<'_>) -> Result<Self> {
        Self::of(conn, &work.settings, work.now_ms, &work.staff.id)
    }

    /// The listing for a member of staff; empty: for nobody.
    pub fn of(conn: &'a Connection, settings: &Settings, now_ms: i64, staff_id: &str) -> Result<Self> {
        let staff: Vec<Staff> = rows::records(conn, entity::STAFF)?;
        let campaigns: Vec<Campaign> = rows::records(conn, entity::CAMPAIGN)?;
        let calendar = settings.calendar;
        Ok(Self {
            conn,
            calendar,
            now_ms,
            hour: calendar.hour(now_ms),
            today: calendar.day(now_ms),
            staff_id: staff_id.to_owned(),
            staff: staff.into_iter().map(|one| (one.id, one.name)).collect(),
            campaigns: campaigns.into_iter().map(|one| (one.id, one.name)).collect(),
        })
    }

    /// Tasks by a filter, in the order of the rules; what was done, newest first.
    pub fn list(&self, filter: &TaskFilter) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        self.scan(filter.view, &all_columns(), &mut |row| {
            let one = self.read(row)?;
            let asked = Asked {
                task: &one.task,
                member_id: &one.task.member_id,
                class: one.figures.class,
                diseases: &one.diseases,
                tags: &one.tags,
            };
            if self.fits(&asked, filter) {
                found.push(one);
            }
            Ok(())
        })?;
        if filter.view == TaskView::DoneToday {
            found
                .sort_unstable_by(|a, b| (b.task.changed_at_ms, &a.key).cmp(&(a.task.changed_at_ms, &b.key)));
        } else {
            in_order(&mut found);
        }
        found.truncate(LIST_MAX);
        Ok(found)
    }

    /// The places of the tasks of [`Self::list`].
    pub fn places(&self, filter: &TaskFilter) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        let columns = format!("{PLACE_COLUMNS}, {PLACED_MEMBER_COLUMNS}, {CACHED_COLUMNS}");
        self.scan(filter.view, &columns, &mut |row| {
            let member = PLACE_COLUMN_COUNT;
            let text = |at: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(at)?.as_str()?) };
            let figures = read_cached(row, member + 4)?;
            let task = settle(rows::read_place(row)?, self.now_ms, self.calendar);
            let asked = Asked {
                task: &task,
                member_id: text(member)?,
                class: figures.class,
                diseases: text(member + 2)?,
                tags: text(member + 3)?,
            };
            if self.fits(&asked, filter) {
                places.push(Place {
                    key: self.place_of(&task, &figures),
                    number_reversed: row.get(member + 1)?,
                    class: figures.class,
                    emergency: task.emergency,
                    changed_at_ms: task.changed_at_ms,
                    kind: task.kind,
                    task_id: task.id,
                });
            }
            Ok(())
        })?;
        let newest_first = filter.view == TaskView::DoneToday;
        places.sort_unstable_by(|a, b| {
            let newer = newest_first.then(|| b.changed_at_ms.cmp(&a.changed_at_ms));
            newer.unwrap_or(Ordering::Equal).then_with(|| a.key.cmp(&b.key))
        });
        places.truncate(LIST_MAX);
        Ok(places)
    }

    /// Reads the tasks that a view may show.
    fn scan(
        &self,
        view: TaskView,
        columns: &str,
        read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let today = day_number(self.today);
        let day_start_ms = self.calendar.day_start_ms(self.today);
        let first = day_number(
            self.today
                .checked_sub_days(Days::new(OVERDUE_DAYS))
                .unwrap_or(self.today),
        );
        let first_ms = day_start_ms.saturating_sub(OVERDUE_DAYS as i64 * 86_400_000);
        match view {
            TaskView::Due | TaskView::Later => {
                let waits = "t.state IN ('open', 'in_progress', 'deferred') AND t.due_day >= ?1";
                self.select(columns, waits, &[&today], read)
            }
            TaskView::Overdue => {
                let waited =
                    "t.state IN ('open', 'in_progress', 'deferred') AND t.due_day >= ?1 AND t.due_day < ?2";
                self.select(columns, waited, &[&first, &today], read)?;
                let expired = "t.changed_at_ms >= ?1 AND t.state = 'expired'";
                self.select(columns, expired, &[&first_ms], read)
            }
            TaskView::DoneToday => {
                let done = "t.changed_at_ms >= ?1 AND t.state = 'done'";
                self.select(columns, done, &[&day_start_ms], read)
            }
        }
    }

    fn fits(&self, asked: &Asked<'_>, filter: &TaskFilter) -> bool {
        let task = asked.task;
        let viewed = match filter.view {
            TaskView::Due => is_on_list(task, self.today),
            TaskView::Later => !is_absorbing(&task.state) && !is_on_list(task, self.today),
            TaskView::Overdue => task.state.is(TaskState::Expired),
            TaskView::DoneToday => true,
        };
        let whose = if filter.whole_store {
            filter.assignee.is_none() || filter.assignee == task.assignee
        } else if filter.view == TaskView::DoneToday {
            self.did(task)
        } else {
            task.assignee
                .as_deref()
                .is_none_or(|assignee| assignee == self.staff_id)
        };
        viewed
            && whose
            && filter.class.is_none_or(|class| asked.class == Some(class))
            && filter
                .disease
                .as_ref()
                .is_none_or(|code| has_word(asked.diseases, code))
            && filter.tag.as_ref().is_none_or(|tag| has_word(asked.tags, tag))
            && filter.member_id.as_ref().is_none_or(|id| id == asked.member_id)
    }

    /// Whether the clerk did it: recorded what counts, or had it when it was closed without one.
    fn did(&self, task: &CareTask) -> bool {
        done_by(task).is_some_and(|staff_id| staff_id == self.staff_id)
    }

    /// One task, whatever its state.
    pub fn one(&self, task_id: &str) -> Result<Found> {
        let found = self.query("t.task_id = ?1", &[&task_id])?;
        found
            .into_iter()
            .next()
            .ok_or_else(|| refused(reason::TASK_UNKNOWN))
    }

    /// Tasks of one number, as they show.
    fn household(&self, tasks: &[Found]) -> Result<Household> {
        Ok(Household {
            phone_masked: tasks.first().and_then(Found::phone_masked),
            tasks: tasks.iter().map(|one| self.row(one)).collect::<Result<_>>()?,
        })
    }

    /// Tasks by a condition over `t` (task), `m` (member), `f` (figure), in no order.
    pub fn query(&self, condition: &str, values: &[&dyn ToSql]) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        self.select(&all_columns(), condition, values, &mut |row| {
            found.push(self.read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    fn select(
        &self,
        columns: &str,
        condition: &str,
        values: &[&dyn ToSql],
        read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let sql = format!("SELECT {columns} {FROM} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            read(row)?;
        }
        Ok(())
    }

    fn read(&self, row: &Row<'_>) -> Result<Found> {
        let member = TASK_COLUMN_COUNT;
        let task = rows::read_task(row, row.get(member)?)?;
        let task = settle(task, self.now_ms, self.calendar);
        let reversed = row
            .get_ref(member + 2)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?;
        let number: Option<String> = reversed.map(|digits| digits.chars().rev().collect());
        let figures = read_cached(row, member + 7)?;
        Ok(Found {
            key: self.place_of(&task, &figures),
            number,
            diseases: row.get(member + 3)?,
            tags: row.get(member + 4)?,
            member_key: row.get(member + 5)?,
            name: row.get(member + 1)?,
            next_ingredient: row.get(member + 6)?,
            figures,
            task,
        })
    }

    /// Where a task stands in the order of the rules.
    fn place_of(&self, task: &CareTask, figures: &Cached) -> OrderKey {
        let order = OrderInput {
            class: figures.class,
            medicine_end: figures.next_end,
            value_index: figures.value_index,
            hour_matches: self.hour_matches(figures),
        };
        order_key(task, &order)
    }

    /// What matters about a task now, in the order in which it is said.
    fn also(&self, task: &CareTask, medicine: Option<&str>, medicine_end: Option<NaiveDate>) -> Vec<Say> {
        let end = medicine.zip(medicine_end).map(|(medicine, end)| {
            // Its name stands in the reason already if the task is about it.
            let named = task.why.values.iter().any(|(_, value)| value == medicine);
            let code = if named { "end" } else { "medicine_end" };
            Say::of(code, &[("medicine", &medicine), ("day", &end)])
        });
        let back = task.deferred_until.filter(|day| *day > self.today);
        let tried = (task.attempts > 0).then(|| Say::of("attempts", &[("n", &task.attempts)]));
        let parts = [
            end,
            back.map(|day| Say::of("back", &[("day", &day)])),
            task.outcome
                .as_ref()
                .map(|outcome| Say::of("outcome", &[("outcome", &outcome.code.code())])),
            task.nudged_at_ms.map(|_| Say::of("nudged", &[])),
            tried,
        ];
        parts.into_iter().flatten().collect()
    }

    /// When a medicine ends that a task is about. What the member said or bought since goes before what the
    /// hub knew when it made the task.
    fn end_of(&self, ingredient: &str, member_key: i64, why: &Why) -> Result<Option<NaiveDate>> {
        let now: Option<Option<i32>> = self
            .conn
            .prepare_cached("SELECT end_day FROM medicine WHERE member_key = ?1 AND ingredient = ?2")?
            .query_row((member_key, ingredient), |row| row.get(0))
            .optional()?;
        Ok(match now {
            Some(day) => day.map(from_day_number),
            None => value_of(why, "end").and_then(|day| day.parse().ok()),
        })
    }

    fn hour_matches(&self, figures: &Cached) -> bool {
        figures.answered_hours >> self.hour & 1 == 1
    }

    /// A task as it shows. It looks up the medicine that the task is about and copies much, so it is made for
    /// what is shown only.
    pub fn row(&self, found: &Found) -> Result<TaskRow> {
        let Found { task, figures, .. } = found;
        let (medicine, medicine_end) = match about(task) {
            Some(ingredient) => (
                Some(ingredient.to_owned()),
                self.end_of(ingredient, found.member_key, &task.why)?,
            ),
            None => (found.next_ingredient.clone(), figures.next_end),
        };
        let name_of = |names: &FxHashMap<String, String>, id: &Option<String>| {
            id.as_ref().and_then(|id| names.get(id)).cloned()
        };
        let also = self.also(task, medicine.as_deref(), medicine_end);
        Ok(TaskRow {
            task_id: task.id.clone(),
            member_id: task.member_id.clone(),
            name: found.name.clone(),
            phone_masked: found.phone_masked(),
            kind: task.kind.clone(),
            channel: channel(&task.kind),
            purpose: task.purpose.clone(),
            origin: task.origin.clone(),
            campaign: name_of(&self.campaigns, &task.campaign_id),
            state: task.state.clone(),
            start: task.start,
            due: task.due,
            deferred_until: task.deferred_until,
            deferred_until_ms: task.deferred_until_ms,
            why: task.why.clone(),
            class: figures.class,
            care: figures.care,
            value_index: figures.value_index,
            next_end: figures.next_end,
            medicine,
            medicine_end,
            assignee: task.assignee.clone(),
            assignee_name: name_of(&self.staff, &task.assignee),
            attempts: task.attempts,
            avoid_part: task.avoid_part,
            emergency: task.emergency,
            nudged: task.nudged_at_ms.is_some(),
            hour_matches: self.hour_matches(figures),
            outcome: task
                .outcome
                .as_ref()
                .map(|outcome| outcome.code.code().to_owned()),
            changed_at_ms: task.changed_at_ms,
            also,
            after: after(task),
        })
    }
}

/// A value by which a task says why the member is on the list.
fn value_of<'w>(why: &'w Why, name: &str) -> Option<&'w str> {
    let found = why.values.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// The ingredient of the medicine that a task is about, if it is about one.
pub(super) fn about(task: &CareTask) -> Option<&str> {
    value_of(&task.why, "ingredient")
}

/// Who did a task that is closed: who recorded what counts, else whose it was.
pub(super) fn done_by(task: &CareTask) -> Option<&str> {
    let recorded = task.outcome.as_ref().map(|outcome| outcome.staff_id.as_str());
    recorded.or(task.assignee.as_deref())
}

fn has_word(wrapped: &str, word: &str) -> bool {
    wrapped.split(';').any(|one| one == word)
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
