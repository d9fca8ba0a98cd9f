//! The effect of a campaign (rules, section 6).
//!
//! Two kinds of figures, never mixed: [`lift`] and [`roi`] compare the treated arm with the holdout,
//! by assignment, from the assignment day; [`Gross`] counts from the contact on and says nothing of
//! what the campaign changed. A period of `window_days` begins with and includes its first day.

use sha2::{Digest, Sha256};

pub use crate::codes::Arm;
use crate::rules::EffectRules;

/// Draws of the lot that decides a holdout: hundredths of a per cent.
const DRAWS: u64 = 10_000;

/// Whether a member is held out. The lot is the first 8 bytes, big endian, of the SHA-256 of
/// `seed`, a line feed and the member id, modulo 10,000; it is held out below `percent · 100`. The
/// same seed (the campaign's id) always gives the same arm, whoever else is in the campaign.
pub fn is_held_out(seed: &str, member_id: &str, percent: u32) -> bool {
    let digest = Sha256::new()
        .chain_update(seed)
        .chain_update("\n")
        .chain_update(member_id)
        .finalize();
    let lot = digest
        .iter()
        .take(8)
        .fold(0_u64, |lot, byte| lot << 8 | u64::from(*byte));
    lot % DRAWS < u64::from(percent) * 100
}

/// One assignment of a member to a campaign, in either arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment<K> {
    /// The campaign.
    pub campaign: K,
    /// Day of assignment as a day number.
    pub day: i32,
    /// When it was assigned, UTC: orders assignments of one day.
    pub at_ms: i64,
}

/// The campaign that a purchase is credited to: that of the member's latest assignment on or before
/// the day of purchase, in either arm, of several at one instant the greatest campaign. Whether the
/// day then lies in that campaign's window is asked afterwards, so that no purchase counts twice.
pub fn credited_to<K: Ord + Copy>(day: i32, assignments: &[Assignment<K>]) -> Option<K> {
    let before = assignments.iter().filter(|assignment| assignment.day <= day);
    before
        .max_by_key(|assignment| (assignment.day, assignment.at_ms, assignment.campaign))
        .map(|latest| latest.campaign)
}

/// What a member bought on one business date, credited to the campaign in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    /// Business date as a day number.
    pub day: i32,
    /// Net amount in fen.
    pub net_fen: i64,
    /// Net margin in fen (amount less cost of goods); none if the cost of a line is not known.
    pub margin_fen: Option<i64>,
}

/// What a member bought in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takings {
    /// On at least one date the net amount was above 0.
    pub bought: bool,
    /// Net amount in fen.
    pub amount_fen: i64,
    /// Net margin in fen; none if it is not known for every date.
    pub margin_fen: Option<i64>,
}

/// Sums what was bought in the `window_days` that begin with and include `from_day`.
pub fn takings(bought: impl IntoIterator<Item = Bought>, from_day: i32, window_days: i64) -> Takings {
    let mut sums = Takings {
        bought: false,
        amount_fen: 0,
        margin_fen: Some(0),
    };
    for date in bought {
        if (0..window_days).contains(&(i64::from(date.day) - i64::from(from_day))) {
            sums.bought |= date.net_fen > 0;
            sums.amount_fen = sums.amount_fen.saturating_add(date.net_fen);
            sums.margin_fen = sums
                .margin_fen
                .zip(date.margin_fen)
                .map(|(sum, more)| sum.saturating_add(more));
        }
    }
    sums
}

/// Sums over the members of one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArmSums {
    /// Members assigned.
    pub members: i64,
    /// Members who bought in the window.
    pub buyers: i64,
    /// Net amount in fen.
    pub amount_fen: i64,
    /// Net margin in fen of the members whose margin is known.
    pub margin_fen: i64,
    /// Sum of squares of the margins, for the interval.
    pub margin_squares: i128,
    /// Members whose margin is not known.
    pub margin_unknown: i64,
}

impl ArmSums {
    /// Takes one member.
    pub fn add(&mut self, takings: &Takings) {
        self.members += 1;
        self.buyers += i64::from(takings.bought);
        self.amount_fen = self.amount_fen.saturating_add(takings.amount_fen);
        match takings.margin_fen {
            Some(margin) => {
                self.margin_fen = self.margin_fen.saturating_add(margin);
                let square = i128::from(margin) * i128::from(margin);
                self.margin_squares = self.margin_squares.saturating_add(square);
            }
            None => self.margin_unknown += 1,
        }
    }

    /// Share of members who bought; none without members.
    pub fn buyer_share(&self) -> Option<f64> {
        (self.members > 0).then(|| self.buyers as f64 / self.members as f64)
    }

    /// Mean margin and the variance of that mean (sample variance ÷ members); none with fewer than
    /// two members or a margin that is not known.
    fn margin_mean(&self) -> Option<(f64, f64)> {
        if self.members < 2 || self.margin_unknown > 0 {
            return None;
        }
        let n = self.members as f64;
        let sum = i128::from(self.margin_fen);
        // Exact in integers: the difference of two great numbers would lose its digits in floats.
        let spread = (i128::from(self.members).checked_mul(self.margin_squares)?)
            .checked_sub(sum.checked_mul(sum)?)?;
        Some((sum as f64 / n, spread as f64 / (n * (n - 1.0)) / n))
    }
}

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The lift: share of buyers in the treated arm less that in the holdout. The interval is Newcombe's
/// (both shares by Wilson's score), which holds for small arms and shares of 0 and 1. None if an arm
/// is empty.
pub fn lift(treated: &ArmSums, holdout: &ArmSums, rules: &EffectRules) -> Option<Estimate> {
    let (a, b) = (wilson(treated, rules.z)?, wilson(holdout, rules.z)?);
    let value = a.value - b.value;
    let low = value - (a.value - a.low).hypot(b.high - b.value);
    let high = value + (a.high - a.value).hypot(b.value - b.low);
    Some(Estimate {
        value,
        low: low.max(-1.0),
        high: high.min(1.0),
    })
}

fn wilson(arm: &ArmSums, z: f64) -> Option<Estimate> {
    let value = arm.buyer_share()?;
    let n = arm.members as f64;
    let centre = value + z * z / (2.0 * n);
    let half = z * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Some(Estimate {
        value,
        low: ((centre - half) / scale).max(0.0),
        high: ((centre + half) / scale).min(1.0),
    })
}

/// The incremental margin in fen: the difference of the arms' mean margins, times the treated
/// members. None if an arm has fewer than two members or a margin is not known.
pub fn incremental_margin_fen(treated: &ArmSums, holdout: &ArmSums, rules: &EffectRules) -> Option<Estimate> {
    let ((mean, variance), (base, base_variance)) = (treated.margin_mean()?, holdout.margin_mean()?);
    let members = treated.members as f64;
    let value = (mean - base) * members;
    let half = rules.z * (variance + base_variance).sqrt() * members;
    Some(Estimate {
        value,
        low: value - half,
        high: value + half,
    })
}

/// ROI = (incremental margin − cost) ÷ cost. None without a cost above 0 or without margin, never 0.
pub fn roi(
    treated: &ArmSums,
    holdout: &ArmSums,
    cost_fen: Option<i64>,
    rules: &EffectRules,
) -> Option<Estimate> {
    let cost = cost_fen.filter(|cost| *cost > 0)? as f64;
    let margin = incremental_margin_fen(treated, holdout, rules)?;
    let over = |margin: f64| (margin - cost) / cost;
    Some(Estimate {
        value: over(margin.value),
        low: over(margin.low),
        high: over(margin.high),
    })
}

/// Gross figures: what happened from the contact on. They compare with nothing and are labelled so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gross {
    /// Members who got an answered call or a delivered message.
    pub reached: i64,
    /// Members who answered a call.
    pub answered: i64,
    /// Reached members who bought in the window from their first contact on.
    pub buyers: i64,
    /// Net amount of reached members in that window, in fen.
    pub amount_fen: i64,
}

impl Gross {
    /// Takes one reached member: whether it answered a call, and its [`takings`] from the day of its
    /// first contact on.
    pub fn add(&mut self, answered: bool, takings: &Takings) {
        self.reached += 1;
        self.answered += i64::from(answered);
        self.buyers += i64::from(takings.bought);
        self.amount_fen = self.amount_fen.saturating_add(takings.amount_fen);
    }

    /// Repurchased: buyers ÷ reached; none if nobody was reached.
    pub fn repurchase_share(&self) -> Option<f64> {
        (self.reached > 0).then(|| self.buyers as f64 / self.reached as f64)
    }
}

#[cfg(test)]
mod tests;
