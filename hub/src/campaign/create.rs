//! Making a campaign: who belongs to it, which arm each is in, and the tasks for the stores.
//!
//! A campaign is written in short transactions, so that phones keep syncing. If that breaks off,
//! the same command again goes on where it stopped: arms and task ids follow from the campaign's
//! and the member's id alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use yaoban_domain::codes::{Arm, Code as _, ContactPurpose, TaskKind, TaskOrigin, TaskState};
use yaoban_domain::effect::is_held_out;
use yaoban_domain::model::{CareTask, Staff, Template, Why};
use yaoban_domain::task::allocate;
use yaoban_protocol::row::entity;

use super::{CampaignError, script};
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::campaigns::{Assignment, CampaignRow};
use crate::storage::sqlite::scope::{CATALOGUE, Changes, Mark, store_scope};
use crate::storage::sqlite::{Database, Tx};
use crate::storage::{Records as _, StorageError};

/// Assignments in one transaction.
const BATCH: usize = 1_000;
const NAME_CHARS_MAX: usize = 100;

/// What a campaign is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name, unique.
    pub name: String,
    /// Kind of its tasks.
    pub kind: TaskKind,
    /// Its purpose.
    pub purpose: ContactPurpose,
    /// Its script: text of the file.
    pub script: String,
    /// First day, and day of assignment.
    pub start: NaiveDate,
    /// Last day of its tasks; none: the last day of the window.
    pub due: Option<NaiveDate>,
    /// Days from `start` in which purchases count.
    pub window_days: i64,
    /// What it costs, in fen.
    pub cost_fen: Option<i64>,
    /// Share held out, in per cent.
    pub holdout_percent: u32,
    /// The audience in JSON, for the record; none if the members were listed.
    pub audience: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Created {
    /// Id of the campaign.
    pub campaign_id: String,
    /// Its name.
    pub name: String,
    /// Members selected or listed.
    pub members: usize,
    /// Members assigned, in both arms.
    pub assigned: usize,
    /// Of these, held out: no task.
    pub holdout: usize,
    /// Tasks made.
    pub tasks: usize,
    /// Treated members without a store: assigned, no task.
    pub without_store: usize,
    /// Members left out because they died or were erased.
    pub left_out: usize,
    /// Tasks by store.
    pub stores: BTreeMap<String, usize>,
}

/// Checks a plan's values.
fn check(plan: &Plan) -> Result<(), CampaignError> {
    let value = |what, reason: &str| {
        Err(CampaignError::Value {
            what,
            reason: reason.to_owned(),
        })
    };
    if plan.name.trim().is_empty() || plan.name.chars().count() > NAME_CHARS_MAX {
        return value("--name", "must have 1 to 100 characters");
    }
    if plan.due.is_some_and(|due| due < plan.start) {
        return value("--due", "lies before the start");
    }
    if !(1..=3_650).contains(&plan.window_days) {
        return value("--window-days", "must be 1 to 3650");
    }
    if plan.holdout_percent > 50 {
        return value("--holdout", "must be 0 (no holdout) to 50 per cent");
    }
    if plan.cost_fen.is_some_and(|cost| cost < 0) {
        return value("--cost", "must not be negative");
    }
    if plan.purpose == ContactPurpose::Emergency {
        return value("--purpose", "must be service or marketing");
    }
    Ok(())
}

/// Makes a campaign for these members (ids, each once) and tells how far it is (done, of).
pub fn create(
    database: &Database,
    plan: &Plan,
    member_ids: &BTreeSet<String>,
    now_ms: i64,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Created, CampaignError> {
    check(plan)?;
    let campaign = database.write(|tx| begin(tx, plan, now_ms))?;
    let (members, left_out) = database.read(|tx| members(tx, member_ids))?;
    if members.is_empty() {
        database.write::<_, StorageError>(|tx| tx.drop_empty_campaign(&campaign.id))?;
        return Err(CampaignError::Nobody("the list or the rule selects none"));
    }
    let mut created = Created {
        campaign_id: campaign.id.clone(),
        name: campaign.name.clone(),
        members: member_ids.len(),
        left_out,
        ..Created::default()
    };
    let clerks = database.read(|tx| allot(tx, &campaign, &members))?;
    for batch in members.chunks(BATCH) {
        database.write(|tx| write_batch(tx, &campaign, batch, &clerks, &mut created))?;
        progress(created.assigned, members.len());
    }
    database.write(|tx| finish(tx, &campaign, &created, now_ms))?;
    Ok(created)
}

/// Writes the campaign and its script, or finds the one that broke off.
fn begin(tx: &Tx<'_>, plan: &Plan, now_ms: i64) -> Result<CampaignRow, CampaignError> {
    if let Some(found) = tx.campaign(&plan.name)? {
        return if found.ready {
            Err(CampaignError::NameTaken(plan.name.clone()))
        } else {
            Ok(found)
        };
    }
    let id = tx.next_campaign_id()?;
    let template: Template = script::read_script(
        &format!("script-{id}"),
        &plan.name,
        &plan.script,
        plan.kind,
        plan.purpose,
    )?;
    script::check(tx, &template, &tx.rules()?)?;
    tx.put_template(&template)?;
    let window = Days::new(plan.window_days.unsigned_abs() - 1);
    let campaign = CampaignRow {
        id,
        name: plan.name.clone(),
        kind: plan.kind.code().to_owned(),
        purpose: plan.purpose.code().to_owned(),
        script_id: Some(template.id.clone()),
        start: plan.start,
        due: plan
            .due
            .or_else(|| plan.start.checked_add_days(window))
            .unwrap_or(plan.start),
        window_days: plan.window_days,
        cost_fen: plan.cost_fen,
        holdout_percent: plan.holdout_percent,
        audience: plan.audience.clone(),
        created_ms: now_ms,
        ready: false,
    };
    tx.put_campaign(&campaign)?;
    let mut changes = Changes::new();
    changes.add(CATALOGUE, entity::TEMPLATE, &template.id, Mark::Put);
    changes.add(CATALOGUE, entity::CAMPAIGN, &campaign.id, Mark::Put);
    tx.touch(&changes)?;
    Ok(campaign)
}

/// A member to assign, with its store.
struct Candidate {
    id: String,
    store_id: Option<String>,
}

/// The members, by store and id, without those who died or were erased.
fn members(tx: &Tx<'_>, ids: &BTreeSet<String>) -> Result<(Vec<Candidate>, usize), StorageError> {
    let mut members = Vec::with_capacity(ids.len());
    let mut left_out = 0;
    for id in ids {
        match tx.member(id)? {
            Some(member) if !member.deceased && !member.erased => {
                members.push(Candidate {
                    id: member.id,
                    store_id: member.store_id,
                });
            }
            _ => left_out += 1,
        }
    }
    members.sort_by(|a, b| (&a.store_id, &a.id).cmp(&(&b.store_id, &b.id)));
    Ok((members, left_out))
}

fn arm(campaign: &CampaignRow, member_id: &str) -> Arm {
    if is_held_out(&campaign.id, member_id, campaign.holdout_percent) {
        Arm::Holdout
    } else {
        Arm::Treated
    }
}

/// Who gets whom: balanced over the clerks of each store who are there on the first day.
fn allot(
    tx: &Tx<'_>,
    campaign: &CampaignRow,
    members: &[Candidate],
) -> Result<BTreeMap<String, Option<String>>, StorageError> {
    let staff: Vec<Staff> = tx.staff_of(None)?;
    let treated = members
        .iter()
        .filter(|member| arm(campaign, &member.id) == Arm::Treated);
    let in_stores = treated.filter_map(|member| Some((member.id.clone(), member.store_id.clone()?)));
    let loads = tx.open_task_loads(&campaign.id)?;
    Ok(allocate(in_stores, &staff, &loads, campaign.start)
        .into_iter()
        .collect())
}

fn write_batch(
    tx: &Tx<'_>,
    campaign: &CampaignRow,
    batch: &[Candidate],
    clerks: &BTreeMap<String, Option<String>>,
    created: &mut Created,
) -> Result<(), StorageError> {
    let mut changes = Changes::new();
    for member in batch {
        let arm = arm(campaign, &member.id);
        let task = match (&member.store_id, arm) {
            (Some(store_id), Arm::Treated) => Some(task(
                campaign,
                &member.id,
                store_id,
                clerks.get(&member.id).cloned().flatten(),
            )),
            _ => None,
        };
        created.assigned += 1;
        created.holdout += usize::from(arm == Arm::Holdout);
        created.without_store += usize::from(arm == Arm::Treated && task.is_none());
        if let Some(task) = &task {
            created.tasks += 1;
            *created.stores.entry(task.store_id.clone()).or_default() += 1;
        }
        let assignment = Assignment {
            campaign_id: campaign.id.clone(),
            member_id: member.id.clone(),
            arm: arm.code().to_owned(),
            day: campaign.start,
            assigned_ms: campaign.created_ms,
            task_id: task.as_ref().map(|task| task.id.clone()),
        };
        // Written before by the run that broke off: the task may have moved on since.
        if !tx.put_assignment(&assignment)? {
            continue;
        }
        if let Some(task) = task {
            tx.put_task(&task)?;
            changes.add(&store_scope(&task.store_id), entity::TASK, &task.id, Mark::Put);
        }
    }
    tx.touch(&changes)
}

fn finish(tx: &Tx<'_>, campaign: &CampaignRow, created: &Created, now_ms: i64) -> Result<(), StorageError> {
    tx.campaign_ready(&campaign.id)?;
    tx.audit(&AuditEntry {
        at_ms: now_ms,
        actor: "cli".to_owned(),
        staff_id: None,
        action: "campaign_create",
        subject: Some(campaign.id.clone()),
        detail: serde_json::json!({ "assigned": created.assigned, "tasks": created.tasks }),
    })
}

/// The task of a member: its id follows from campaign and member.
fn task(campaign: &CampaignRow, member_id: &str, store_id: &str, assignee: Option<String>) -> CareTask {
    CareTask {
        id: format!("{}:{member_id}", campaign.id),
        member_id: member_id.to_owned(),
        store_id: store_id.to_owned(),
        assignee,
        kind: yaoban_domain::codes::Open::read(&campaign.kind),
        purpose: yaoban_domain::codes::Open::read(&campaign.purpose),
        origin: TaskOrigin::Campaign.into(),
        campaign_id: Some(campaign.id.clone()),
        step: 0,
        why: Why {
            code: "campaign".to_owned(),
            values: vec![("campaign".to_owned(), campaign.name.clone())],
        },
        script_id: campaign.script_id.clone(),
        emergency: false,
        start: campaign.start,
        due: campaign.due,
        state: TaskState::Open.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: None,
        other_outcomes: Vec::new(),
        nudged_at_ms: None,
        created_at_ms: campaign.created_ms,
        changed_at_ms: campaign.created_ms,
        version: 1,
    }
}

/// Reads a list of members: one id a line (a header line `member_id` and further columns are left
/// out). Ids that do not exist refuse the list.
pub fn read_list(tx: &Tx<'_>, text: &str) -> Result<BTreeSet<String>, CampaignError> {
    let mut ids = BTreeSet::new();
    let mut unknown: Option<(usize, String)> = None;
    let mut unknown_count = 0;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let id = line
            .split(',')
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches('"');
        if id.is_empty() || (index == 0 && matches!(id, "member_id" | "会员编号" | "会员号" | "会员ID"))
        {
            continue;
        }
        if tx.member(id)?.is_some() {
            ids.insert(id.to_owned());
        } else {
            unknown_count += 1;
            unknown.get_or_insert_with(|| (index + 1, id.to_owned()));
        }
    }
    match unknown {
        Some((line, id)) => Err(CampaignError::UnknownMembers {
            count: unknown_count,
            line,
            id,
        }),
        None => Ok(ids),
    }
}
