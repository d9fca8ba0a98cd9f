//! Templates, campaigns and who was assigned to them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rusqlite::{Row, params};
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::model::Template;

use super::Tx;
use super::work::{body, read_body};
use crate::storage::StorageError;

/// A campaign as the hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRow {
    /// Id, for example `c1`.
    pub id: String,
    /// Name, unique.
    pub name: String,
    /// Code of the kind of its tasks.
    pub kind: String,
    /// Code of its purpose.
    pub purpose: String,
    /// Its script.
    pub script_id: Option<String>,
    /// First day: the day of assignment.
    pub start: NaiveDate,
    /// Last day of its tasks.
    pub due: NaiveDate,
    /// Days from `start` in which purchases count.
    pub window_days: i64,
    /// What it cost, in fen, if told.
    pub cost_fen: Option<i64>,
    /// Share held out, in per cent.
    pub holdout_percent: u32,
    /// The audience in JSON; none if the members were listed.
    pub audience: Option<String>,
    /// When it was made, UTC.
    pub created_ms: i64,
    /// All its members are assigned.
    pub ready: bool,
}

/// One member's assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The campaign.
    pub campaign_id: String,
    /// The member.
    pub member_id: String,
    /// `treated` or `holdout`.
    pub arm: String,
    /// Day of assignment.
    pub day: NaiveDate,
    /// When it was written, UTC: orders assignments of one day.
    pub assigned_ms: i64,
    /// The task that it gave, if it gave one.
    pub task_id: Option<String>,
}

const CAMPAIGN: &str = "SELECT campaign_id, name, kind, purpose, script_id, start_day, due_day, window_days, cost_fen, \
                        holdout_percent, audience, created_ms, ready FROM campaign";
const ASSIGNMENT: &str =
    "SELECT campaign_id, member_id, arm, assigned_day, assigned_ms, task_id FROM assignment";

fn read_campaign(row: &Row<'_>) -> rusqlite::Result<CampaignRow> {
    Ok(CampaignRow {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        purpose: row.get(3)?,
        script_id: row.get(4)?,
        start: from_day_number(row.get(5)?),
        due: from_day_number(row.get(6)?),
        window_days: row.get(7)?,
        cost_fen: row.get(8)?,
        holdout_percent: row.get(9)?,
        audience: row.get(10)?,
        created_ms: row.get(11)?,
        ready: row.get(12)?,
    })
}

fn read_assignment(row: &Row<'_>) -> rusqlite::Result<Assignment> {
    Ok(Assignment {
        campaign_id: row.get(0)?,
        member_id: row.get(1)?,
        arm: row.get(2)?,
        day: from_day_number(row.get(3)?),
        assigned_ms: row.get(4)?,
        task_id: row.get(5)?,
    })
}

impl Tx<'_> {
    /// A template or script.
    pub fn template(&self, id: &str) -> Result<Option<Template>, StorageError> {
        self.one(
            "SELECT body FROM template WHERE template_id = ?1",
            [id],
            read_body,
        )
    }

    /// All templates and scripts, by id.
    pub fn templates(&self) -> Result<Vec<Template>, StorageError> {
        self.all("SELECT body FROM template ORDER BY template_id", [], read_body)
    }

    /// Writes a template or script.
    pub fn put_template(&self, template: &Template) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO template (template_id, kind, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (template_id) DO UPDATE SET kind = excluded.kind, body = excluded.body",
            params![
                template.id,
                template.kind,
                body("template", &template.id, template)?
            ],
        )
    }

    /// A campaign by its id or its name.
    pub fn campaign(&self, id_or_name: &str) -> Result<Option<CampaignRow>, StorageError> {
        let sql =
            format!("{CAMPAIGN} WHERE campaign_id = ?1 OR name = ?1 ORDER BY campaign_id <> ?1 LIMIT 1");
        self.one(&sql, [id_or_name], read_campaign)
    }

    /// All campaigns, oldest first.
    pub fn campaigns(&self) -> Result<Vec<CampaignRow>, StorageError> {
        self.all(
            &format!("{CAMPAIGN} ORDER BY created_ms, campaign_id"),
            [],
            read_campaign,
        )
    }

    /// The id for the next campaign.
    pub fn next_campaign_id(&self) -> Result<String, StorageError> {
        let last: Option<u64> = self.one(
            "SELECT coalesce(max(CAST(substr(campaign_id, 2) AS INTEGER)), 0) FROM campaign",
            [],
            |row| row.get(0),
        )?;
        Ok(format!("c{}", last.unwrap_or_default() + 1))
    }

    /// Writes a campaign.
    pub fn put_campaign(&self, campaign: &CampaignRow) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO campaign (campaign_id, name, kind, purpose, script_id, start_day, due_day, window_days, \
                cost_fen, holdout_percent, audience, created_ms, ready) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                campaign.id,
                campaign.name,
                campaign.kind,
                campaign.purpose,
                campaign.script_id,
                day_number(campaign.start),
                day_number(campaign.due),
                campaign.window_days,
                campaign.cost_fen,
                campaign.holdout_percent,
                campaign.audience,
                campaign.created_ms,
                campaign.ready,
            ],
        )
    }

    /// Says that all members of a campaign are assigned.
    pub fn campaign_ready(&self, id: &str) -> Result<(), StorageError> {
        self.put("UPDATE campaign SET ready = 1 WHERE campaign_id = ?1", [id])
    }

    /// Removes a campaign that was never given a member.
    pub fn drop_empty_campaign(&self, id: &str) -> Result<(), StorageError> {
        self.put(
            "DELETE FROM campaign WHERE campaign_id = ?1 AND ready = 0 \
             AND NOT EXISTS (SELECT 1 FROM assignment WHERE campaign_id = ?1)",
            [id],
        )
    }

    /// Open tasks by assignee, those of one campaign left out.
    pub fn open_task_loads(&self, but_campaign_id: &str) -> Result<BTreeMap<String, usize>, StorageError> {
        let loads = self.all(
            "SELECT assignee, count(*) FROM task \
             WHERE state IN ('open', 'in_progress', 'deferred') AND assignee IS NOT NULL \
                AND campaign_id IS NOT ?1 GROUP BY assignee",
            [but_campaign_id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(loads.into_iter().collect())
    }

    /// Writes an assignment; false if there was one.
    pub fn put_assignment(&self, assignment: &Assignment) -> Result<bool, StorageError> {
        let rows = self
            .connection()
            .prepare_cached(
                "INSERT INTO assignment (campaign_id, member_id, arm, assigned_day, assigned_ms, task_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (campaign_id, member_id) DO NOTHING",
            )?
            .execute(params![
                assignment.campaign_id,
                assignment.member_id,
                assignment.arm,
                day_number(assignment.day),
                assignment.assigned_ms,
                assignment.task_id,
            ])?;
        Ok(rows > 0)
    }

    /// All assignments of a campaign, by member.
    pub fn assignments(&self, campaign_id: &str) -> Result<Vec<Assignment>, StorageError> {
        self.all(
            &format!("{ASSIGNMENT} WHERE campaign_id = ?1 ORDER BY member_id"),
            [campaign_id],
            read_assignment,
        )
    }

    /// All assignments of a member and of those merged into it, over all campaigns, oldest first.
    pub fn assignments_of(&self, member_id: &str) -> Result<Vec<Assignment>, StorageError> {
        self.all(
            &format!("{ASSIGNMENT} WHERE member_id = ?1 OR member_id IN \
                (SELECT alias FROM member_alias WHERE member_id = ?1) ORDER BY assigned_day, assigned_ms, campaign_id"),
            [member_id],
            read_assignment,
        )
    }
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CampaignCounts {
    /// Members assigned.
    pub members: u64,
    /// Tasks.
    pub tasks: u64,
    /// Tasks that are done.
    pub done: u64,
}

/// A member's contacts in a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignContact {
    /// Day number of the first one.
    pub first_day: i32,
    /// A call was answered.
    pub answered: bool,
}

impl Tx<'_> {
    /// Answered calls and delivered messages of a campaign up to a day (day number), by member.
    pub fn campaign_contacts(
        &self,
        campaign_id: &str,
        to_day: i32,
    ) -> Result<BTreeMap<String, CampaignContact>, StorageError> {
        let contacts = self.all(
            "SELECT member_id, min(day), max(answered) FROM ( \
                SELECT a.member_id AS member_id, a.day AS day, 1 AS answered FROM task t JOIN attempt a USING (task_id) \
                 WHERE t.campaign_id = ?1 AND a.result = 'answered' AND a.day <= ?2 \
                UNION ALL \
                SELECT s.member_id, s.day, 0 FROM task t JOIN send s USING (task_id) \
                 WHERE t.campaign_id = ?1 AND s.state = 'delivered' AND s.day <= ?2) GROUP BY member_id",
            params![campaign_id, to_day],
            |row| Ok((row.get(0)?, CampaignContact { first_day: row.get(1)?, answered: row.get(2)? })),
        )?;
        Ok(contacts.into_iter().collect())
    }

    /// How far a campaign is.
    pub fn campaign_counts(&self, campaign_id: &str) -> Result<CampaignCounts, StorageError> {
        let counts = self.one(
            "SELECT (SELECT count(*) FROM assignment WHERE campaign_id = ?1), \
                    (SELECT count(*) FROM task WHERE campaign_id = ?1), \
                    (SELECT count(*) FROM task WHERE campaign_id = ?1 AND state = 'done')",
            [campaign_id],
            |row| {
                Ok(CampaignCounts {
                    members: row.get(0)?,
                    tasks: row.get(1)?,
                    done: row.get(2)?,
                })
            },
        )?;
        Ok(counts.unwrap_or_default())
    }

    /// Tasks of a campaign by state.
    pub fn campaign_task_states(&self, campaign_id: &str) -> Result<BTreeMap<String, u64>, StorageError> {
        let states = self.all(
            "SELECT state, count(*) FROM task WHERE campaign_id = ?1 GROUP BY state",
            [campaign_id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(states.into_iter().collect())
    }
}
