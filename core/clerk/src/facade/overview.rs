//! Counts for the chips above the lists, and members that were looked at last.

use chrono::NaiveDate;
use rusqlite::Connection;
use serde::Serialize;
use serde_json::json;
use yaoban_domain::audience::{Audience, Condition};
use yaoban_domain::codes::{Class, Code as _, MedicineStatus};

use super::find::{MemberRow, member_row};
use super::groups::{keys, unfit};
use super::listing::Listing;
use super::message::waiting_messages;
use super::tasks::{TaskFilter, TaskView};
use super::work::Work;
use super::{Acting, AppResult, ClerkApp};
use crate::store::{Durability, Settings, meta, rows};

/// Members that are remembered as looked at.
pub const RECENT_MAX: usize = 20;
/// Days within which a birthday is near.
pub(super) const BIRTHDAY_DAYS: i64 = 6;
const RECENT: &str = "recent_members";

/// How many members a chip stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Code, or the word itself for diseases and tags.
    pub code: String,
    /// Members.
    pub count: u32,
}

/// Members of the store by what a clerk picks them by. Each count is that of the group behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MemberCounts {
    /// The day for which they hold.
    pub as_of: NaiveDate,
    /// All of them.
    pub members: u32,
    /// By class, in the order of the specification.
    pub classes: Vec<Count>,
    /// Chronic and general.
    pub care: Vec<Count>,
    /// By disease code, commonest first.
    pub diseases: Vec<Count>,
    /// By tag, commonest first.
    pub tags: Vec<Count>,
    /// With a medicine that is running low or out, by status.
    pub medicines: Vec<Count>,
    /// Birthday today or within the week.
    pub birthdays: u32,
}

/// How many tasks a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ViewCount {
    /// The view.
    pub view: TaskView,
    /// Its tasks.
    pub count: usize,
}

/// Tasks by what a clerk picks them by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    /// Of each view, in the order in which they are shown.
    pub views: Vec<ViewCount>,
    /// Of today's list, emergencies.
    pub emergencies: usize,
    /// Of today's list, by class; those of no class are missing.
    pub classes: Vec<Count>,
    /// Of today's list, by kind.
    pub kinds: Vec<Count>,
    /// Messages that wait for the clerk: put off until now, or handed out and nobody said what became of them.
    pub messages: usize,
}

impl TaskCounts {
    /// How many a view shows.
    pub fn of(&self, view: TaskView) -> usize {
        let found = self.views.iter().find(|one| one.view == view);
        found.map_or(0, |one| one.count)
    }
}

/// What may be told of the tasks without unlocking: numbers, and nobody's name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DueCounts {
    /// On today's list.
    pub due: usize,
    /// Of these, emergencies.
    pub emergencies: usize,
}

impl ClerkApp {
    /// What is on today's list, for the notice of a phone in a pocket: it needs no unlocking. Who is
    /// signed in hears of its own tasks and those of nobody, a phone on which nobody is of the whole
    /// store's. Refused like everything else once the hub locked the phone.
    pub fn due_counts(&self) -> AppResult<DueCounts> {
        let acting = self.acting_behind_the_lock()?;
        self.store.read(|conn| {
            let (whole_store, off) = match &acting.staff {
                Some(staff) => (false, staff.off_on == Some(acting.today)),
                None => (true, false),
            };
            if off {
                return Ok(DueCounts::default());
            }
            let filter = TaskFilter {
                whole_store,
                ..TaskFilter::default()
            };
            let staff_id = acting.staff.as_ref().map_or("", |staff| staff.id.as_str());
            let due = Listing::of(conn, &acting.settings, acting.now_ms, staff_id)?.places(&filter)?;
            Ok(DueCounts {
                due: due.len(),
                emergencies: due.iter().filter(|place| place.emergency).count(),
            })
        })
    }

    /// Members of the store by class, care, disease, tag, medicine and birthday.
    pub fn member_counts(&self) -> AppResult<MemberCounts> {
        let acting = self.acting()?;
        self.current_figures(&acting)?;
        self.store.read(|conn| member_counts(conn, &acting))
    }

    /// The clerk's tasks by view, or the whole store's.
    pub fn task_counts(&self, whole_store: bool) -> AppResult<TaskCounts> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let listing = Listing::new(conn, &work)?;
            let list = |view| {
                let filter = TaskFilter {
                    view,
                    whole_store,
                    ..TaskFilter::default()
                };
                listing.places(&filter)
            };
            // Who is off gets no list of its own, as in [`ClerkApp::tasks`].
            let off = work.staff.off_on == Some(work.today) && !whole_store;
            let mut due = list(TaskView::Due)?;
            due.retain(|_| !off);
            let count = |view| -> crate::store::Result<ViewCount> {
                let count = match view {
                    TaskView::Due => due.len(),
                    view => list(view)?.len(),
                };
                Ok(ViewCount { view, count })
            };
            Ok(TaskCounts {
                views: TaskView::ALL
                    .into_iter()
                    .map(count)
                    .collect::<crate::store::Result<_>>()?,
                emergencies: due.iter().filter(|place| place.emergency).count(),
                classes: tally(due.iter().filter_map(|place| place.class.map(Class::code))),
                kinds: tally(due.iter().map(|place| place.kind.code())),
                messages: waiting_messages(conn, &work)?,
            })
        })
    }

    /// A member was opened: it comes first among [`Self::recent_members`].
    pub fn remember_opened(&self, member_id: &str) -> AppResult<()> {
        let (_, member_id) = self.acting_on(member_id)?;
        self.store.write(Durability::Normal, |tx| -> AppResult<()> {
            let mut ids = recent_ids(tx)?;
            ids.retain(|id| *id != member_id);
            ids.insert(0, member_id);
            ids.truncate(RECENT_MAX);
            Ok(meta::set(tx, RECENT, json!(ids).to_string())?)
        })
    }

    /// The members that were opened last on this phone, newest first.
    pub fn recent_members(&self) -> AppResult<Vec<MemberRow>> {
        let acting = self.acting()?;
        self.store.read(|conn| {
            let mut shown: Vec<MemberRow> = Vec::new();
            for id in recent_ids(conn)? {
                let Some(key) = rows::existing_key(conn, &id)? else {
                    continue;
                };
                let row = member_row(conn, key, &acting)?;
                // Two that were merged since are one now.
                shown.extend(row.filter(|row| !shown.iter().any(|one| one.member_id == row.member_id)));
            }
            Ok(shown)
        })
    }
}

fn recent_ids(conn: &Connection) -> AppResult<Vec<String>> {
    let kept: Option<String> = meta::get(conn, RECENT)?;
    Ok(kept
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default())
}

fn member_counts(conn: &Connection, acting: &Acting) -> AppResult<MemberCounts> {
    let by = |sql: &str| -> AppResult<Vec<Count>> {
        let mut statement = conn.prepare_cached(sql)?;
        let counts = statement.query_map([], |row| {
            Ok(Count {
                code: row.get(0)?,
                count: row.get(1)?,
            })
        })?;
        Ok(counts.collect::<rusqlite::Result<_>>()?)
    };
    let mut classes = by("SELECT class, count(*) FROM v_member WHERE class IS NOT NULL GROUP BY class")?;
    classes.sort_unstable_by_key(|count| Class::ALL.iter().position(|class| class.code() == count.code));
    let settings = &acting.settings;
    let mut medicines = Vec::new();
    for status in [MedicineStatus::RunningLow, MedicineStatus::Out] {
        let with = Condition::Medicine(Vec::new(), vec![status]);
        medicines.push(Count {
            code: status.code().to_owned(),
            count: count_of(conn, &with, acting.today, settings)?,
        });
    }
    let birthday = Condition::BirthdayWithinDays(BIRTHDAY_DAYS);
    Ok(MemberCounts {
        as_of: acting.today,
        members: conn
            .prepare_cached("SELECT count(*) FROM v_member")?
            .query_row([], |row| row.get(0))?,
        classes,
        care: by("SELECT care, count(*) FROM v_member WHERE care IS NOT NULL GROUP BY care ORDER BY care")?,
        diseases: words(conn, "diseases")?,
        tags: words(conn, "tags")?,
        medicines,
        birthdays: count_of(conn, &birthday, acting.today, settings)?,
    })
}

/// Members of the group of a condition.
fn count_of(conn: &Connection, asked: &Condition, as_of: NaiveDate, settings: &Settings) -> AppResult<u32> {
    let audience = Audience::new(asked).map_err(|error| unfit(&error))?;
    Ok(keys(conn, &audience, as_of, settings)?.len() as u32)
}

/// Words of a `;`-wrapped column with the number of their members.
fn words(conn: &Connection, column: &str) -> AppResult<Vec<Count>> {
    let sql = format!("SELECT {column} FROM v_member WHERE {column} <> ';'");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query([])?;
    let mut counts: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
    while let Some(row) = found.next()? {
        let wrapped = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        for word in wrapped.split(';').filter(|word| !word.is_empty()) {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => _ = counts.insert(word.to_owned(), 1),
            }
        }
    }
    let counts = counts.into_iter().map(|(code, count)| Count { code, count });
    Ok(commonest_first(counts.collect()))
}

/// Counts codes, commonest first.
fn tally<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<Count> {
    let mut counts: Vec<Count> = Vec::new();
    for code in codes {
        match counts.iter_mut().find(|count| count.code == code) {
            Some(count) => count.count += 1,
            None => counts.push(Count {
                code: code.to_owned(),
                count: 1,
            }),
        }
    }
    commonest_first(counts)
}

fn commonest_first(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
    counts
}
