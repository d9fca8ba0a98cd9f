//! The task list: which tasks a filter finds, their order, and what each of them shows.

use std::cmp::Ordering;

use chrono::{Days, NaiveDate};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use rustc_hash::FxHashMap;
use yaoban_domain::calendar::{Calendar, day_number, from_day_number};
use yaoban_domain::codes::{Channel, Class, Open, TaskKind, TaskState};
use yaoban_domain::model::{CareTask, Staff, Why};
use yaoban_domain::phone;
use yaoban_domain::task::{OrderInput, OrderKey, channel, is_absorbing, is_on_list, order_key, settle};
use yaoban_protocol::apply::reason;
use yaoban_protocol::row::{Campaign, entity};

use super::profile::Say;
use super::tasks::{Household, LIST_MAX, OVERDUE_DAYS, TaskAct, TaskFilter, TaskRow, TaskView};
use super::work::{Work, refused};
use crate::store::figures::{CACHED_COLUMNS, Cached, read_cached};
use crate::store::rows::{PLACE_COLUMN_COUNT, PLACE_COLUMNS, TASK_COLUMN_COUNT, TASK_COLUMNS};
use crate::store::{Result, Settings, rows};

/// A task as it stands, with all by which lists choose and order. [`Listing::row`] makes what shows of it.
pub(super) struct Found {
    /// The task, settled by the clock.
    pub task: CareTask,
    /// The member's name.
    pub name: String,
    /// The full number, for households; never shown.
    pub number: Option<String>,
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
        (Some(at_ms), _) if deferred => Say::of("after", "back_at", &[("when", &at_ms)]),
        (None, Some(day)) if deferred => Say::of("after", "back_on", &[("day", &day)]),
        _ if task.state.is(TaskState::Expired) && task.attempts > 0 => {
            Say::of("after", "given_up", &[("n", &task.attempts)])
        }
        _ => Say::of("after", "state", &[("state", &task.state.code())]),
    }
}

/// What is done with a task by a touch.
pub(super) fn act(task: &CareTask) -> TaskAct {
    match channel(&task.kind) {
        _ if is_absorbing(&task.state) => TaskAct::Nothing,
        Some(Channel::Call) => TaskAct::Call,
        Some(Channel::Sms | Channel::Wechat) => TaskAct::Message,
        _ => TaskAct::Nothing,
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
    pub number_reversed: Option<String>,
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
    pub fn household(&self, tasks: &[Found]) -> Result<Household> {
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
            Say::of("tasks", code, &[("medicine", &medicine), ("day", &end)])
        });
        let back = task.deferred_until.filter(|day| *day > self.today);
        let tried = (task.attempts > 0).then(|| Say::of("tasks", "attempts", &[("n", &task.attempts)]));
        let parts = [
            end,
            back.map(|day| Say::of("tasks", "back", &[("day", &day)])),
            task.outcome
                .as_ref()
                .map(|outcome| Say::of("tasks", "outcome", &[("outcome", &outcome.code.code())])),
            task.nudged_at_ms.map(|_| Say::of("tasks", "nudged", &[])),
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
            why: Say::from(&task.why),
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
            act: act(task),
            defer_until_max: Some(task.due).filter(|due| is_on_list(task, self.today) && *due > self.today),
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
