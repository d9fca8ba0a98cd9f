//! What came of a campaign. The arithmetic is [`yaoban_domain::effect`]; here the figures of each
//! member are brought together. Definitions in `docs/campaigns.md`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::codes::{Arm, Code as _};
use yaoban_domain::effect::{
    ArmSums, Assignment as Given, Bought, Estimate, Gross, credited_to, incremental_margin_fen, lift, roi,
    takings,
};

use super::CampaignError;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::campaigns::CampaignRow;
use crate::storage::sqlite::lines::{KeyNames, StoredLine};
use crate::storage::{Records as _, StorageError};

/// Everything `campaign effect` tells.
#[derive(Debug, Clone, Serialize)]
pub struct Effect {
    /// Id.
    pub campaign_id: String,
    /// Name.
    pub name: String,
    /// Day of assignment.
    pub start: NaiveDate,
    /// Last day of the window.
    pub window_end: NaiveDate,
    /// Days in the window.
    pub window_days: i64,
    /// The window has ended; before that the figures still grow.
    pub complete: bool,
    /// Cost in fen, if told.
    pub cost_fen: Option<i64>,
    /// Those who get the campaign, by assignment, from the day of assignment.
    pub treated: ArmFigures,
    /// Those held out.
    pub holdout: ArmFigures,
    /// Share of buyers among the treated less that among the holdout.
    pub lift: Option<Range>,
    /// Margin that the campaign brought, in fen.
    pub incremental_margin_fen: Option<Range>,
    /// (incremental margin − cost) ÷ cost.
    pub roi: Option<Range>,
    /// From the contact on; compares with nothing.
    pub gross: GrossFigures,
    /// Tasks by state.
    pub tasks: BTreeMap<String, u64>,
}

/// One arm.
#[derive(Debug, Clone, Serialize)]
pub struct ArmFigures {
    /// Members assigned.
    pub members: i64,
    /// Members who bought in the window.
    pub buyers: i64,
    /// Buyers ÷ members.
    pub buyer_share: Option<f64>,
    /// Net amount in fen.
    pub amount_fen: i64,
    /// Net margin in fen; none if a cost of goods is not known.
    pub margin_fen: Option<i64>,
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Range {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Figures from the contact on.
#[derive(Debug, Clone, Serialize)]
pub struct GrossFigures {
    /// Members with an answered call or a delivered message of this campaign.
    pub reached: i64,
    /// Members who answered a call.
    pub answered: i64,
    /// Reached members who bought in the window from their first contact on.
    pub buyers: i64,
    /// Buyers ÷ reached.
    pub repurchase_share: Option<f64>,
    /// Their net amount in that window, in fen.
    pub amount_fen: i64,
}

impl From<&ArmSums> for ArmFigures {
    fn from(sums: &ArmSums) -> Self {
        Self {
            members: sums.members,
            buyers: sums.buyers,
            buyer_share: sums.buyer_share(),
            amount_fen: sums.amount_fen,
            margin_fen: (sums.margin_unknown == 0).then_some(sums.margin_fen),
        }
    }
}

impl From<Estimate> for Range {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: estimate.value,
            low: estimate.low,
            high: estimate.high,
        }
    }
}

impl From<&Gross> for GrossFigures {
    fn from(gross: &Gross) -> Self {
        Self {
            reached: gross.reached,
            answered: gross.answered,
            buyers: gross.buyers,
            repurchase_share: gross.repurchase_share(),
            amount_fen: gross.amount_fen,
        }
    }
}

/// Measures a campaign (by id or name) as of a day: purchases and contacts after it do not exist.
pub fn effect(tx: &Tx<'_>, id_or_name: &str, as_of: NaiveDate) -> Result<Effect, CampaignError> {
    let campaign = tx
        .campaign(id_or_name)?
        .ok_or_else(|| CampaignError::Unknown(id_or_name.to_owned()))?;
    let rules = tx.rules()?.effect;
    let names = tx.key_names()?;
    let contacts = tx.campaign_contacts(&campaign.id, day_number(as_of))?;
    let (mut treated, mut holdout, mut gross) = (ArmSums::default(), ArmSums::default(), Gross::default());
    let mut counted = BTreeSet::new();
    for assignment in tx.assignments(&campaign.id)? {
        // Members who were merged since are one person, who bought once.
        let member_id = tx
            .resolve_member(&assignment.member_id)?
            .unwrap_or(assignment.member_id);
        if !counted.insert(member_id.clone()) {
            continue;
        }
        // Members who joined after the day do not exist for it.
        let joined = tx.member(&member_id)?.and_then(|member| member.joined_on);
        if joined.is_some_and(|joined| joined > as_of) {
            continue;
        }
        let bought = credited(tx, &campaign, &member_id, as_of, &names)?;
        let sums = if assignment.arm == Arm::Holdout.code() {
            &mut holdout
        } else {
            &mut treated
        };
        let from_assignment = day_number(assignment.day);
        sums.add(&takings(
            bought.iter().copied(),
            from_assignment,
            campaign.window_days,
        ));
        if let Some(contact) = contacts.get(&member_id) {
            gross.add(
                contact.answered,
                &takings(bought, contact.first_day, campaign.window_days),
            );
        }
    }
    let window_end = from_day_number(
        i32::try_from(i64::from(day_number(campaign.start)) + campaign.window_days - 1).unwrap_or(i32::MAX),
    );
    Ok(Effect {
        campaign_id: campaign.id.clone(),
        name: campaign.name,
        start: campaign.start,
        window_end,
        window_days: campaign.window_days,
        complete: campaign.ready && as_of > window_end,
        cost_fen: campaign.cost_fen,
        lift: lift(&treated, &holdout, &rules).map(Range::from),
        incremental_margin_fen: incremental_margin_fen(&treated, &holdout, &rules).map(Range::from),
        roi: roi(&treated, &holdout, campaign.cost_fen, &rules).map(Range::from),
        treated: ArmFigures::from(&treated),
        holdout: ArmFigures::from(&holdout),
        gross: GrossFigures::from(&gross),
        tasks: tx.campaign_task_states(&campaign.id)?,
    })
}

/// What a member bought by business date, as far as it is credited to the campaign.
fn credited(
    tx: &Tx<'_>,
    campaign: &CampaignRow,
    member_id: &str,
    as_of: NaiveDate,
    names: &KeyNames,
) -> Result<Vec<Bought>, StorageError> {
    let assignments = tx.assignments_of(member_id)?;
    let given: Vec<Given<&str>> = assignments
        .iter()
        .map(|a| Given {
            campaign: a.campaign_id.as_str(),
            day: day_number(a.day),
            at_ms: a.assigned_ms,
        })
        .collect();
    let lines = tx.lines_of(member_id, names)?;
    let by_day = by_day(
        lines
            .iter()
            .filter(|stored| stored.line.day >= campaign.start && stored.line.day <= as_of),
    );
    Ok(by_day
        .into_iter()
        .filter(|bought| credited_to(bought.day, &given) == Some(campaign.id.as_str()))
        .collect())
}

/// Sums lines by business date.
fn by_day<'a>(lines: impl Iterator<Item = &'a StoredLine>) -> Vec<Bought> {
    let mut days: BTreeMap<i32, Bought> = BTreeMap::new();
    for stored in lines {
        let day = day_number(stored.line.day);
        let bought = days.entry(day).or_insert(Bought {
            day,
            net_fen: 0,
            margin_fen: Some(0),
        });
        bought.net_fen = bought.net_fen.saturating_add(stored.line.amount_fen);
        let margin = stored
            .cost_fen
            .map(|cost| stored.line.amount_fen.saturating_sub(cost));
        bought.margin_fen = bought
            .margin_fen
            .zip(margin)
            .map(|(sum, more)| sum.saturating_add(more));
    }
    days.into_values().collect()
}
