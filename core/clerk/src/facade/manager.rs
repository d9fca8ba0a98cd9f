//! What a store manager sees and does between customers: today by clerk with the list behind each
//! number, tasks given away, possible duplicates, what waits on its way to the hub.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rusqlite::{Connection, params};
use serde::Serialize;
use yaoban_domain::calendar::day_number;
use yaoban_domain::codes::{Action, Open, Role, Sex, TaskState};
use yaoban_domain::model::{CareTask, Staff};
use yaoban_domain::phone;
use yaoban_domain::task::{is_absorbing, is_on_list, rebalance};
use yaoban_protocol::apply::pair_id;
use yaoban_protocol::op::Op;
use yaoban_protocol::row::{DuplicatePair, entity};

use super::listing::{Found, Listing, done_by, in_order};
use super::staff::by_name;
use super::tasks::{TaskFilter, TaskRow, TaskView};
use super::work::{Refused, Work, check_group, masked};
use super::{AppError, AppResult, ClerkApp, StuckOp, shown_op};
use crate::store::{Result, outbox, rows};

/// Entries behind a number at most.
const ITEMS_MAX: usize = 500;
/// Pairs of possible duplicates of a list at most.
const PAIRS_MAX: usize = 200;
/// Operations of a list at most.
const OPS_MAX: usize = 200;

/// The day of one clerk; or of the tasks that are nobody's, or somebody's who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClerkDay {
    /// Who; none: nobody.
    pub staff_id: Option<String>,
    /// Name.
    pub name: String,
    /// Role, as a code.
    pub role: String,
    /// Is a pharmacist.
    pub pharmacist: bool,
    /// Is marked off today.
    pub off_today: bool,
    /// Its numbers, in the order in which they are shown.
    pub figures: Vec<FigureCount>,
}

/// A number of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FigureCount {
    /// Which one.
    pub figure: TodayFigure,
    /// The number.
    pub count: u32,
}

impl ClerkDay {
    /// A number of the day.
    pub fn count(&self, figure: TodayFigure) -> u32 {
        let found = self.figures.iter().find(|one| one.figure == figure);
        found.map_or(0, |one| one.count)
    }

    fn add(&mut self, other: &Self) {
        for (own, other) in self.figures.iter_mut().zip(&other.figures) {
            own.count += other.count;
        }
    }
}

impl Default for ClerkDay {
    fn default() -> Self {
        Self {
            staff_id: None,
            name: String::new(),
            role: String::new(),
            pharmacist: false,
            off_today: false,
            figures: FIGURES.map(|figure| FigureCount { figure, count: 0 }).to_vec(),
        }
    }
}

/// Today in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Today {
    /// The business day.
    pub day: NaiveDate,
    /// By clerk, by name; what is nobody's, or somebody's who left, comes last. A clerk sees its own line only.
    pub clerks: Vec<ClerkDay>,
    /// All of them together; none: there is but one.
    pub total: Option<ClerkDay>,
}

/// A number of [`ClerkDay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TodayFigure {
    /// Tasks that are not closed.
    Open,
    /// Of these, on today's list.
    Due,
    /// Tasks done today.
    Done,
    /// Dials today.
    Attempts,
    /// Of these, answered.
    Answered,
    /// Visits agreed today.
    Agreed,
    /// Messages handed over today.
    Messages,
    /// Tasks that ran out without a result, within the last days.
    Overdue,
}

const FIGURES: [TodayFigure; 8] = [
    TodayFigure::Open,
    TodayFigure::Due,
    TodayFigure::Done,
    TodayFigure::Attempts,
    TodayFigure::Answered,
    TodayFigure::Agreed,
    TodayFigure::Messages,
    TodayFigure::Overdue,
];

/// Whose numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// The whole store's.
    Store,
    /// Tasks that are nobody's.
    Nobody,
    /// Those of one member of staff.
    Staff(String),
}

impl Whose {
    fn is(&self, staff_id: Option<&str>) -> bool {
        match self {
            Self::Store => true,
            Self::Nobody => staff_id.is_none(),
            Self::Staff(id) => staff_id == Some(id),
        }
    }
}

/// One entry of the list behind a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TodayItem {
    /// The member.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// Who did it, or whose task it is.
    pub staff_id: Option<String>,
    /// The task, if it belongs to one.
    pub task_id: Option<String>,
    /// The task's last day.
    pub due: Option<NaiveDate>,
    /// When, UTC.
    pub at_ms: i64,
    /// State of the task or message, carrier's result or outcome, as a code; empty while a dial's
    /// result is not told.
    pub code: String,
    /// Of what it is the code, as the group of its words: `task_state`, `send`, `carrier`, `outcome`.
    pub group: &'static str,
    /// It is a task that can still be given to somebody.
    pub may_give: bool,
}

/// A task that went to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The task.
    pub task_id: String,
    /// Whose it was.
    pub from: Option<String>,
    /// Whose it is.
    pub to: Option<String>,
}

/// What became of tasks that were given away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reassigned {
    /// Given away.
    pub moved: Vec<Moved>,
    /// Not given away, and why.
    pub refused: Vec<Refused>,
}

/// One of two members who may be the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicateMember {
    /// Id.
    pub member_id: String,
    /// Name.
    pub name: String,
    /// Number, masked.
    pub phone_masked: Option<String>,
    /// Sex.
    pub sex: Option<Open<Sex>>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Day of joining.
    pub joined_on: Option<NaiveDate>,
    /// Visit days of all time.
    pub times: u32,
    /// Spend of all time in fen.
    pub total_fen: i64,
    /// Last visit day.
    pub last_visit: Option<NaiveDate>,
}

/// Two members on one number who may be the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DuplicateRow {
    /// Id of the pair.
    pub pair_id: String,
    /// The one registered first.
    pub first: DuplicateMember,
    /// The other one.
    pub second: DuplicateMember,
}

/// What is on its way to the hub, and what got stuck.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncQueue {
    /// Within their take-back time.
    pub held: u32,
    /// Without an answer.
    pub pending: u32,
    /// Answered, their effect not yet pulled.
    pub answered: u32,
    /// Refused, and not put away.
    pub rejected: u32,
    /// Not readable for the hub, and not put away.
    pub parked: u32,
    /// The operations: stuck ones first.
    pub ops: Vec<StuckOp>,
}

impl ClerkApp {
    /// Today by clerk. A store manager sees everyone, a clerk its own line.
    pub fn today_by_clerk(&self) -> AppResult<Today> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let own_only = sees_own_only(&work)?;
            let mut days = Days::read(conn, &work)?;
            let mut clerks: Vec<ClerkDay> = staff_of_store(conn, &work.store_id)?
                .into_iter()
                .filter(|one| !own_only || one.id == work.staff.id)
                .map(|one| ClerkDay {
                    name: one.name,
                    role: one.role.code().to_owned(),
                    pharmacist: one.pharmacist,
                    off_today: one.off_on == Some(work.today),
                    ..days.take(&one.id)
                })
                .collect();
            if !own_only {
                clerks.extend(days.rest());
            }
            let mut total = ClerkDay::default();
            for clerk in &clerks {
                total.add(clerk);
            }
            Ok(Today {
                day: work.today,
                total: (clerks.len() > 1).then_some(total),
                clerks,
            })
        })
    }

    /// The list behind a number of [`Self::today_by_clerk`].
    pub fn today_items(&self, whose: &Whose, figure: TodayFigure) -> AppResult<Vec<TodayItem>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let own = Whose::Staff(work.staff.id.clone());
            let whose = if sees_own_only(&work)? { &own } else { whose };
            let mut items = items(conn, &work, figure)?;
            items.retain(|item| whose.is(item.staff_id.as_deref()));
            items.truncate(ITEMS_MAX);
            Ok(items)
        })
    }

    /// Gives a task to somebody, or to anyone. A clerk may take what is nobody's.
    pub fn reassign(&self, task_id: &str, assignee: Option<&str>) -> AppResult<TaskRow> {
        let op = Op::ReassignTask {
            task_id: task_id.to_owned(),
            assignee: assignee.map(str::to_owned),
        };
        self.change_task(task_id, op)
    }

    /// Gives several tasks away. Those that are refused are listed, and stop nothing else.
    pub fn reassign_all(&self, task_ids: &[String], assignee: Option<&str>) -> AppResult<Reassigned> {
        let work = Work::begin(self)?;
        check_group(task_ids)?;
        let moves = task_ids
            .iter()
            .map(|id| (id.clone(), assignee.map(str::to_owned)))
            .collect();
        give(&work, moves)
    }

    /// Spreads today's list over the clerks who are here: tasks of nobody and of the absent, and as
    /// few others as balance asks for. What a manager took on stays with the manager.
    pub fn rebalance(&self) -> AppResult<Reassigned> {
        let work = Work::begin(self)?;
        let moves = work.read(|conn| {
            work.allowed(Action::Assign)?;
            let staff = staff_of_store(conn, &work.store_id)?;
            let managers = |id: &str| {
                staff.iter().any(|one| {
                    one.id == id && !one.role.is(Role::Clerk) && one.active && one.off_on != Some(work.today)
                })
            };
            let tasks: Vec<CareTask> = open_tasks(&Listing::new(conn, &work)?, &work)?
                .into_iter()
                .map(|found| found.task)
                .filter(|task| is_on_list(task, work.today))
                .filter(|task| !task.assignee.as_deref().is_some_and(managers))
                .collect();
            Ok(rebalance(&tasks, &staff, work.today))
        })?;
        give(&work, moves)
    }

    /// Asks for a task to be done soon.
    pub fn nudge(&self, task_id: &str) -> AppResult<TaskRow> {
        self.change_task(
            task_id,
            Op::NudgeTask {
                task_id: task_id.to_owned(),
            },
        )
    }

    /// Marks somebody off for a day; none: back again. Its tasks stay until [`Self::rebalance`].
    pub fn mark_off(&self, staff_id: &str, on: Option<NaiveDate>) -> AppResult<()> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            let op = Op::MarkOff {
                staff_id: staff_id.to_owned(),
                on,
            };
            work.put(tx, op).map(|_| ())
        })
    }

    /// Pairs of members on one number who may be the same person.
    pub fn duplicates(&self) -> AppResult<Vec<DuplicateRow>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            work.allowed(Action::Merge)?;
            let pairs: Vec<DuplicatePair> = rows::records(conn, entity::DUPLICATE)?;
            let mut shown = Vec::new();
            for pair in pairs.iter().filter(|pair| pair.state == "open") {
                let first = duplicate_member(conn, &pair.first)?;
                let second = duplicate_member(conn, &pair.second)?;
                // A pair of which one has left this store is no longer this store's to decide.
                if let (Some(first), Some(second)) = (first, second) {
                    shown.push(DuplicateRow {
                        pair_id: pair_id(pair),
                        first,
                        second,
                    });
                }
                if shown.len() == PAIRS_MAX {
                    break;
                }
            }
            Ok(shown)
        })
    }

    /// Two members are one person: `other` becomes an alias of `keep`, both histories stay.
    pub fn merge_members(&self, keep: &str, other: &str) -> AppResult<()> {
        self.settle_pair(Op::MergeMembers {
            keep: keep.to_owned(),
            other: other.to_owned(),
        })
    }

    /// The merge was wrong. Where it was made on another phone, the members part at the next sync.
    pub fn undo_merge(&self, keep: &str, other: &str) -> AppResult<()> {
        self.settle_pair(Op::UndoMerge {
            keep: keep.to_owned(),
            other: other.to_owned(),
        })
    }

    /// Two members on one number are different persons.
    pub fn keep_apart(&self, first: &str, second: &str) -> AppResult<()> {
        self.settle_pair(Op::KeepApart {
            first: first.to_owned(),
            second: second.to_owned(),
        })
    }

    fn settle_pair(&self, op: Op) -> AppResult<()> {
        let work = Work::begin(self)?;
        work.write(|tx| work.put(tx, op).map(|_| ()))
    }

    /// What is on its way to the hub, and what got stuck, with its reason; none while nobody uses the phone.
    pub fn sync_queue(&self) -> AppResult<Option<SyncQueue>> {
        let work = match Work::begin(self) {
            Err(
                AppError::NotPaired
                | AppError::DeviceLocked { .. }
                | AppError::StaffMissing
                | AppError::Locked,
            ) => return Ok(None),
            begun => begun?,
        };
        work.read(|conn| {
            let mut queue = SyncQueue::default();
            let mut statement = conn.prepare_cached(
                "SELECT state, count(*) FROM outbox
                 WHERE state IN ('held', 'pending', 'answered') OR (state IN ('rejected', 'parked') AND put_away = 0)
                 GROUP BY state",
            )?;
            let mut states = statement.query([])?;
            while let Some(row) = states.next()? {
                let count = row.get(1)?;
                match row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)? {
                    "held" => queue.held = count,
                    "pending" => queue.pending = count,
                    "answered" => queue.answered = count,
                    "rejected" => queue.rejected = count,
                    _ => queue.parked = count,
                }
            }
            let stuck = outbox::stuck(conn, OPS_MAX as u32)?;
            for op in stuck.into_iter().chain(outbox::under_way(conn)?).take(OPS_MAX) {
                queue.ops.push(shown_op(conn, op)?);
            }
            Ok(Some(queue))
        })
    }
}

/// Whether somebody sees only its own numbers. Refused to who does not work in this store.
fn sees_own_only(work: &Work<'_>) -> Result<bool> {
    work.allowed(Action::SeeTask)?;
    Ok(work.allowed(Action::SeeStore).is_err())
}

/// The active staff of the store, by name.
fn staff_of_store(conn: &Connection, store_id: &str) -> Result<Vec<Staff>> {
    let mut staff: Vec<Staff> = rows::records(conn, entity::STAFF)?;
    staff.retain(|one| one.active && one.store_id.as_deref() == Some(store_id));
    by_name(&mut staff);
    Ok(staff)
}

fn open_tasks(listing: &Listing<'_>, work: &Work<'_>) -> Result<Vec<Found>> {
    let today = day_number(work.today);
    let mut found = listing.query(
        "t.state IN ('open', 'in_progress', 'deferred') AND t.due_day >= ?1",
        &[&today],
    )?;
    found.retain(|one| !is_absorbing(&one.task.state));
    in_order(&mut found);
    Ok(found)
}

/// The numbers of everybody, by staff id. Each is the length of the list behind it.
struct Days(BTreeMap<Option<String>, ClerkDay>);

impl Days {
    fn read(conn: &Connection, work: &Work<'_>) -> Result<Self> {
        let mut days: BTreeMap<Option<String>, ClerkDay> = BTreeMap::new();
        for figure in FIGURES {
            for item in items(conn, work, figure)? {
                let day = days.entry(item.staff_id.clone()).or_default();
                day.staff_id = item.staff_id;
                if let Some(own) = day.figures.iter_mut().find(|one| one.figure == figure) {
                    own.count += 1;
                }
            }
        }
        Ok(Self(days))
    }

    fn take(&mut self, staff_id: &str) -> ClerkDay {
        let id = Some(staff_id.to_owned());
        let day = self.0.remove(&id).unwrap_or_default();
        ClerkDay { staff_id: id, ..day }
    }

    /// What belongs to nobody who works here now.
    fn rest(self) -> impl Iterator<Item = ClerkDay> {
        self.0.into_values().rev()
    }
}

/// The entries behind a number, of everybody.
fn items(conn: &Connection, work: &Work<'_>, figure: TodayFigure) -> Result<Vec<TodayItem>> {
    let view = |view| {
        let filter = TaskFilter {
            view,
            whole_store: true,
            ..TaskFilter::default()
        };
        Listing::new(conn, work)?.list(&filter)
    };
    let tasks = match figure {
        TodayFigure::Open => open_tasks(&Listing::new(conn, work)?, work)?,
        TodayFigure::Due => view(TaskView::Due)?,
        TodayFigure::Done => view(TaskView::DoneToday)?,
        TodayFigure::Overdue => view(TaskView::Overdue)?,
        TodayFigure::Attempts => {
            return contacts(
                conn,
                work,
                "carrier",
                &format!(
                    "{DIALS} AND (x.result IS NULL OR x.result NOT IN ('cancelled', 'blocked_by_policy'))"
                ),
            );
        }
        TodayFigure::Answered => {
            return contacts(
                conn,
                work,
                "carrier",
                &format!("{DIALS} AND x.result = 'answered'"),
            );
        }
        TodayFigure::Agreed => return contacts(conn, work, "outcome", AGREED),
        TodayFigure::Messages => return contacts(conn, work, "send", MESSAGES),
    };
    Ok(tasks.into_iter().map(task_item).collect())
}

fn task_item(found: Found) -> TodayItem {
    let staff_id = if found.task.state.is(TaskState::Done) {
        done_by(&found.task).map(str::to_owned)
    } else {
        found.task.assignee.clone()
    };
    TodayItem {
        staff_id,
        phone_masked: found.phone_masked(),
        member_id: found.task.member_id,
        name: found.name,
        due: Some(found.task.due),
        at_ms: found.task.changed_at_ms,
        code: found.task.state.code().to_owned(),
        group: "task_state",
        may_give: !is_absorbing(&found.task.state),
        task_id: Some(found.task.id),
    }
}

/// Dials of the day.
const DIALS: &str =
    "SELECT m.member_id, m.name, m.phone_reversed, x.staff_id, x.task_id, x.started_at_ms, x.result
    FROM attempt x JOIN member m ON m.member_key = x.member_key WHERE x.day = ?1 AND ?2 IS NOT NULL";
/// Visits agreed on the day.
const AGREED: &str = "SELECT m.member_id, m.name, m.phone_reversed, x.staff_id, t.task_id, x.at_ms, x.outcome
    FROM task t JOIN task_outcome x ON x.task_key = t.task_key JOIN member m ON m.member_key = t.member_key
    WHERE t.changed_at_ms >= ?2 AND x.at_ms >= ?2 AND x.outcome = 'agreed_to_visit' AND x.superseded = 0
        AND ?1 IS NOT NULL";
/// Messages handed over on the day.
const MESSAGES: &str = "SELECT m.member_id, m.name, m.phone_reversed, x.staff_id, x.task_id, x.at_ms, x.state
    FROM send x JOIN member m ON m.member_key = x.member_key
    WHERE x.day = ?1 AND x.state IN ('sent', 'delivered') AND ?2 IS NOT NULL";

/// Contacts by a query with the day (`?1`) and its first instant (`?2`), newest first; their codes are of a group.
fn contacts(conn: &Connection, work: &Work<'_>, group: &'static str, sql: &str) -> Result<Vec<TodayItem>> {
    let day_start_ms = work.settings.calendar.day_start_ms(work.today);
    let mut statement = conn.prepare_cached(&format!("{sql} ORDER BY 6 DESC, 1"))?;
    let items = statement.query_map(params![day_number(work.today), day_start_ms], |row| {
        let reversed: Option<String> = row.get(2)?;
        Ok(TodayItem {
            member_id: row.get(0)?,
            name: row.get(1)?,
            phone_masked: reversed.map(|digits| phone::mask(&digits.chars().rev().collect::<String>())),
            staff_id: row.get(3)?,
            task_id: row.get(4)?,
            due: None,
            at_ms: row.get(5)?,
            code: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            group,
            may_give: false,
        })
    })?;
    Ok(items.collect::<rusqlite::Result<_>>()?)
}

/// Gives tasks to whom they shall belong, in one transaction.
fn give(work: &Work<'_>, moves: Vec<(String, Option<String>)>) -> AppResult<Reassigned> {
    work.write(|tx| {
        let mut result = Reassigned::default();
        for (task_id, to) in moves {
            let before = rows::task(tx, &task_id)?;
            let op = Op::ReassignTask {
                task_id: task_id.clone(),
                assignee: to.clone(),
            };
            match work.try_put(tx, op)? {
                Ok(_) => result.moved.push(Moved {
                    task_id,
                    from: before.and_then(|task| task.assignee),
                    to,
                }),
                Err((code, values)) => {
                    let member = match before {
                        Some(task) => rows::member(tx, &task.member_id)?,
                        None => None,
                    };
                    result.refused.push(Refused {
                        id: task_id,
                        name: member.map(|member| member.name).unwrap_or_default(),
                        code,
                        values,
                    });
                }
            }
        }
        Ok(result)
    })
}

fn duplicate_member(conn: &Connection, id: &str) -> Result<Option<DuplicateMember>> {
    Ok(rows::member(conn, id)?.map(|member| DuplicateMember {
        phone_masked: masked(&member),
        member_id: member.id,
        name: member.name,
        sex: member.sex,
        birthday: member.birthday,
        joined_on: member.joined_on,
        times: member.lifetime.times,
        total_fen: member.lifetime.total_fen,
        last_visit: member.lifetime.last_visit,
    }))
}
