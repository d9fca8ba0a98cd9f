//! What time does to the chain's records, whether or not a phone is near: tasks that expire, come
//! back or are closed by a purchase; tasks for medicines that ran out; tombstones that are old
//! enough. Everything can be done twice without harm, in short transactions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use yaoban_domain::calendar::{Calendar, day_number, from_day_number};
use yaoban_domain::codes::{ContactPurpose, TaskKind, TaskOrigin, TaskState};
use yaoban_domain::medicine::{DrugDose, Fill, run_out, task_due};
use yaoban_domain::model::{CareTask, Drug, Member, Why};
use yaoban_domain::rules::Rules;
use yaoban_domain::task::{TaskCtx, TaskEvent, allocate, apply, settle};
use yaoban_protocol::row::entity;

use crate::ops::RESULTS_KEPT_MS;
use crate::storage::sqlite::lines::KeyNames;
use crate::storage::sqlite::scope::{Changes, Mark, store_scope};
use crate::storage::sqlite::{Database, Tx};
use crate::storage::{Records as _, StorageError};

/// Tombstones are kept this long (sync protocol, point 2).
pub const TOMBSTONE_DAYS: i32 = 90;
/// Tasks in one transaction.
const BATCH: u32 = 500;
/// Members read in one transaction.
const MEMBERS_BATCH: u32 = 2_000;
/// Days made up for after the hub was away.
const CATCH_UP_DAYS: u64 = 7;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Done {
    /// Tasks that expired.
    pub expired: usize,
    /// Deferred tasks that came back.
    pub returned: usize,
    /// Tasks closed by a purchase.
    pub bought: usize,
    /// Tasks made for medicines that ran out.
    pub run_out: usize,
    /// Tombstones forgotten.
    pub tombstones: usize,
}

/// When it is, and by which rules.
#[derive(Debug, Clone)]
pub struct Today {
    /// Now, UTC.
    pub now_ms: i64,
    /// The chain's rules.
    pub rules: Rules,
    /// The chain's calendar.
    pub calendar: Calendar,
}

impl Today {
    /// Reads rules and calendar.
    pub fn at(tx: &Tx<'_>, now_ms: i64) -> Result<Self, StorageError> {
        Ok(Self {
            now_ms,
            rules: tx.rules()?,
            calendar: tx.calendar()?,
        })
    }

    /// The business date.
    pub fn day(&self) -> NaiveDate {
        self.calendar.day(self.now_ms)
    }

    fn ctx(&self) -> TaskCtx<'_> {
        TaskCtx {
            at_ms: self.now_ms,
            now_ms: self.now_ms,
            calendar: self.calendar,
            rules: &self.rules.task,
            staff: &[],
        }
    }
}

/// Tasks that expire, come back or are closed by a purchase. Cheap where nothing is due.
pub fn settle_tasks(database: &Database, now_ms: i64) -> Result<Done, StorageError> {
    let today = database.read(|tx| Today::at(tx, now_ms))?;
    let mut done = Done::default();
    loop {
        let expired = database.write(|tx| settle_batch(tx, &today, tx.overdue_tasks(today.day(), BATCH)?))?;
        done.expired += expired;
        if expired == 0 {
            break;
        }
    }
    loop {
        let returned = database.write(|tx| settle_batch(tx, &today, tx.returning_tasks(&today, BATCH)?))?;
        done.returned += returned;
        if returned == 0 {
            break;
        }
    }
    done.bought = close_bought(database, &today)?;
    Ok(done)
}

/// Stores what the clock has made of tasks.
fn settle_batch(tx: &Tx<'_>, today: &Today, tasks: Vec<CareTask>) -> Result<usize, StorageError> {
    let settled = tasks.into_iter().filter_map(|task| {
        let settled = settle(task.clone(), today.now_ms, today.calendar);
        (settled != task).then_some(settled)
    });
    put_changed(tx, settled.collect())
}

fn put_changed(tx: &Tx<'_>, tasks: Vec<CareTask>) -> Result<usize, StorageError> {
    let mut changes = Changes::new();
    let count = tasks.len();
    for task in tasks {
        // Its member may have moved since the task was made or chosen.
        let mut task = tx.brought_home(task)?;
        task.version += 1;
        tx.put_task(&task)?;
        changes.add(&store_scope(&task.store_id), entity::TASK, &task.id, Mark::Put);
    }
    tx.touch(&changes)?;
    Ok(count)
}

/// Closes tasks whose member bought within the agreed days.
pub fn close_bought(database: &Database, today: &Today) -> Result<usize, StorageError> {
    let (mut closed, mut after) = (0, String::new());
    loop {
        let tasks = database.read(|tx| tx.tasks_awaiting_purchase(today.day(), &after, BATCH))?;
        let Some(last) = tasks.last() else {
            return Ok(closed);
        };
        after.clone_from(&last.id);
        closed += database.write(|tx| {
            let mut bought = Vec::new();
            for task in tasks {
                bought.extend(closed_by_purchase(tx, today, &task.id)?);
            }
            put_changed(tx, bought)
        })?;
    }
}

/// The task closed, if its member bought within the agreed days.
fn closed_by_purchase(tx: &Tx<'_>, today: &Today, task_id: &str) -> Result<Option<CareTask>, StorageError> {
    // Read again: it may have moved on since the list was read.
    let Some(task) = tx.task(task_id)? else {
        return Ok(None);
    };
    let Some((from, to)) = task.closes_on_purchase else {
        return Ok(None);
    };
    let Some(day) = tx.first_visit_between(&task.member_id, day_number(from), day_number(to))? else {
        return Ok(None);
    };
    let event = TaskEvent::Purchase {
        day: from_day_number(day),
    };
    // One that is closed by now, or that this build cannot read, stays as it is.
    Ok(apply(&task, &event, &today.ctx())
        .ok()
        .filter(|closed| *closed != task))
}

/// The work of one business date: everything above, tasks for medicines that ran out, and old
/// tombstones and results.
pub fn run(database: &Database, now_ms: i64) -> Result<Done, StorageError> {
    let mut done = settle_tasks(database, now_ms)?;
    let today = database.read(|tx| Today::at(tx, now_ms))?;
    done.run_out = run_out_tasks(database, &today)?;
    done.tombstones = database.write(|tx| tx.prune_tombstones(day_number(today.day()) - TOMBSTONE_DAYS))?;
    database.write(|tx| tx.prune_staff_history(now_ms - RESULTS_KEPT_MS))?;
    while database.write(|tx| tx.prune_op_results(now_ms - RESULTS_KEPT_MS, BATCH))? > 0 {}
    database.write(|tx| tx.set_meta(LAST_DAY, &today.day().to_string()))?;
    Ok(done)
}

const LAST_DAY: &str = "daily_done";

/// Whether the work of today is still to be done.
pub fn is_due(tx: &Tx<'_>, now_ms: i64) -> Result<bool, StorageError> {
    let today = tx.calendar()?.day(now_ms).to_string();
    Ok(tx.meta(LAST_DAY)?.is_none_or(|done| done < today))
}

/// The days for which run-out tasks are made: today, and those that were missed.
fn days_to_do(tx: &Tx<'_>, today: NaiveDate) -> Result<Vec<NaiveDate>, StorageError> {
    let last: Option<NaiveDate> = tx.meta(LAST_DAY)?.and_then(|text| text.parse().ok());
    let earliest = today.checked_sub_days(Days::new(CATCH_UP_DAYS)).unwrap_or(today);
    let first = last
        .and_then(|day| day.succ_opt())
        .map_or(today, |day| day.max(earliest).min(today));
    Ok(first.iter_days().take_while(|day| *day <= today).collect())
}

/// A chronic medicine that ran out, for whose member a task falls on one of the days.
struct RanOut {
    member_id: String,
    store_id: String,
    ingredient: String,
    end: NaiveDate,
}

impl RanOut {
    /// Follows from what it is about, so that it is made once.
    fn task_id(&self) -> String {
        format!("runout:{}:{}:{}", self.member_id, self.ingredient, self.end)
    }
}

/// Makes the tasks of rules section 3: the third day after a medicine's end, if nothing was bought.
/// Only for medicines taken for a chronic disease, or that the member has a regimen for: a cold's
/// medicine is meant to end.
fn run_out_tasks(database: &Database, today: &Today) -> Result<usize, StorageError> {
    let days = database.read(|tx| days_to_do(tx, today.day()))?;
    let (drugs, names) = database.read::<_, StorageError>(|tx| Ok((tx.drugs()?, tx.key_names()?)))?;
    let drugs: BTreeMap<String, (i64, Drug)> = (0..)
        .zip(drugs)
        .map(|(key, drug)| (drug.id.clone(), (key, drug)))
        .collect();
    let (mut made, mut after) = (0, String::new());
    loop {
        let (last, ran_out) = database.read::<_, StorageError>(|tx| {
            let members = tx.members_after(&after, MEMBERS_BATCH)?;
            let mut ran_out = Vec::new();
            for member in &members {
                ran_out.extend(ran_out_of(tx, member, &drugs, &names, &days, &today.rules)?);
            }
            Ok((members.last().map(|member| member.id.clone()), ran_out))
        })?;
        made += database.write(|tx| make_tasks(tx, &ran_out, today))?;
        match last {
            Some(last) => after = last,
            None => return Ok(made),
        }
    }
}

fn ran_out_of(
    tx: &Tx<'_>,
    member: &Member,
    drugs: &BTreeMap<String, (i64, Drug)>,
    names: &KeyNames,
    days: &[NaiveDate],
    rules: &Rules,
) -> Result<Vec<RanOut>, StorageError> {
    let Some(store_id) = member
        .store_id
        .clone()
        .filter(|_| !member.deceased && !member.erased)
    else {
        return Ok(Vec::new());
    };
    let mut fills: BTreeMap<&str, (bool, Vec<Fill>)> = BTreeMap::new();
    for stored in tx.lines_of(&member.id, names)? {
        let Some((key, drug)) = stored.line.drug_id.as_ref().and_then(|id| drugs.get(id)) else {
            continue;
        };
        let Some(ingredient) = drug.ingredient.as_deref() else {
            continue;
        };
        let (chronic, lines) = fills.entry(ingredient).or_default();
        *chronic |= drug.chronic;
        lines.push(Fill {
            day: day_number(stored.line.day),
            quantity_milli: stored.line.quantity_milli,
            drug: DrugDose {
                drug_key: *key,
                units_per_pack_milli: drug.units_per_pack_milli,
                daily_units_milli: drug.daily_units_milli,
            },
        });
    }
    let mut ran_out = Vec::new();
    for (ingredient, (chronic, lines)) in fills {
        let regimen = member
            .regimens
            .iter()
            .find(|regimen| regimen.ingredient == ingredient);
        if !chronic && regimen.is_none() {
            continue;
        }
        let due = days.iter().find_map(|day| {
            let state = run_out(&lines, regimen, *day, &rules.medicine);
            state
                .end
                .filter(|end| task_due(*end, *day, state.last_fill, &rules.medicine))
        });
        if let Some(end) = due {
            ran_out.push(RanOut {
                member_id: member.id.clone(),
                store_id: store_id.clone(),
                ingredient: ingredient.to_owned(),
                end,
            });
        }
    }
    Ok(ran_out)
}

fn make_tasks(tx: &Tx<'_>, ran_out: &[RanOut], today: &Today) -> Result<usize, StorageError> {
    let mut new = Vec::new();
    let mut members = BTreeSet::new();
    for item in ran_out {
        if tx.task(&item.task_id())?.is_none() {
            members.insert((item.member_id.clone(), item.store_id.clone()));
            new.push(item);
        }
    }
    if new.is_empty() {
        return Ok(0);
    }
    let loads = tx.open_task_loads("")?;
    let clerks: BTreeMap<String, Option<String>> =
        allocate(members, &tx.staff_of(None)?, &loads, today.day())
            .into_iter()
            .collect();
    let tasks = new
        .iter()
        .map(|item| task(item, clerks.get(&item.member_id).cloned().flatten(), today));
    put_changed(tx, tasks.collect())
}

fn task(item: &RanOut, assignee: Option<String>, today: &Today) -> CareTask {
    let start = today.day();
    let days = Days::new(today.rules.task.run_out_due_days.unsigned_abs());
    CareTask {
        id: item.task_id(),
        member_id: item.member_id.clone(),
        store_id: item.store_id.clone(),
        assignee,
        kind: TaskKind::Call.into(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Rule.into(),
        campaign_id: None,
        step: 0,
        why: Why {
            code: "medicine_out".to_owned(),
            values: vec![
                ("ingredient".to_owned(), item.ingredient.clone()),
                ("end".to_owned(), item.end.to_string()),
            ],
        },
        script_id: None,
        emergency: false,
        start,
        due: start.checked_add_days(days).unwrap_or(start),
        state: TaskState::Open.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: None,
        other_outcomes: Vec::new(),
        nudged_at_ms: None,
        created_at_ms: today.now_ms,
        changed_at_ms: today.now_ms,
        version: 0,
    }
}
