//! Member classes by H-RFM (rules, section 1).
//!
//! The way of a member: [`figures`] from its net amounts by business date, [`scores`] against the
//! model's cut points (fitted by [`fit`], or set by hand) with [`health_need`], and [`classify`],
//! whose [`Verdict`] also says why. [`Board`] sums the result for the dashboard. A second split,
//! chronic or general, is [`care`].
//!
//! Figures, fit and scores run over a whole chain at once, so they allocate nothing per member.

use chrono::NaiveDate;

use crate::calendar::day_number;
use crate::codes::Class;
use crate::model::CutPoints;
use crate::rules::ClassRules;

mod board;
mod need;

pub use board::{Board, BoardRow};
pub use need::{HealthInput, HealthPoints, care, health_need, health_points};

/// The values of a member that are scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Days from the last visit day of all time to `as_of`; none without one.
    pub recency: Option<i64>,
    /// Visit days in the window.
    pub frequency: i64,
    /// Net amount in the window in fen, not below 0.
    pub monetary_fen: i64,
    /// Net amount a visit in fen, half up (客单价); none at frequency 0.
    pub basket_fen: Option<i64>,
}

impl Figures {
    /// Whether the member is active: the model is fitted over these, others score 1.
    pub fn is_active(&self) -> bool {
        self.frequency >= 1
    }
}

/// The figures of one member from its net amounts: (day number, net fen of that business date), one
/// entry a date. A date with a net amount above 0 is a visit day. Entries after `as_of` do not
/// exist.
pub fn figures(days: impl IntoIterator<Item = (i32, i64)>, as_of: NaiveDate, rules: &ClassRules) -> Figures {
    let today = day_number(as_of);
    let window_from = i64::from(today) - (rules.window_days - 1);
    let mut last_visit: Option<i32> = None;
    let mut frequency = 0;
    let mut net_fen = 0_i64;
    for (day, amount_fen) in days {
        if day > today {
            continue;
        }
        let visit = amount_fen > 0;
        if visit {
            last_visit = last_visit.max(Some(day));
        }
        if i64::from(day) >= window_from {
            frequency += i64::from(visit);
            net_fen = net_fen.saturating_add(amount_fen);
        }
    }
    let monetary_fen = net_fen.max(0);
    Figures {
        recency: last_visit.map(|day| i64::from(today) - i64::from(day)),
        frequency,
        monetary_fen,
        basket_fen: basket_fen(monetary_fen, frequency),
    }
}

/// Net amount a visit in fen, half up (客单价); none without a visit.
pub fn basket_fen(monetary_fen: i64, frequency: i64) -> Option<i64> {
    divide_half_up(monetary_fen, frequency)
}

/// `total / count` rounded half up for amounts not below 0; none at count 0.
fn divide_half_up(total: i64, count: i64) -> Option<i64> {
    (count > 0).then(|| (total / count) + i64::from(total % count >= count - total % count))
}

/// The values of the chain's active members, one vector a figure, for [`fit`].
#[derive(Debug, Clone, Default)]
pub struct FitInput {
    recency: Vec<i32>,
    frequency: Vec<i32>,
    monetary: Vec<i64>,
}

impl FitInput {
    /// An empty input with room for so many active members.
    pub fn with_capacity(members: usize) -> Self {
        Self {
            recency: Vec::with_capacity(members),
            frequency: Vec::with_capacity(members),
            monetary: Vec::with_capacity(members),
        }
    }

    /// Takes a member's figures; one that is not active is left out.
    pub fn push(&mut self, figures: &Figures) {
        if let (true, Some(recency)) = (figures.is_active(), figures.recency) {
            self.recency.push(recency as i32);
            self.frequency.push(figures.frequency as i32);
            self.monetary.push(figures.monetary_fen);
        }
    }

    /// Takes another input's members, for one that was filled by several threads.
    pub fn append(&mut self, mut other: Self) {
        self.recency.append(&mut other.recency);
        self.frequency.append(&mut other.frequency);
        self.monetary.append(&mut other.monetary);
    }

    /// Number of active members.
    pub fn active(&self) -> usize {
        self.recency.len()
    }
}

/// The cut points over the active members: the values at ascending rank `ceil(i·n/5)` (1-based),
/// i = 1..4. None without an active member. The order of the input does not matter; it is changed.
pub fn fit(active: &mut FitInput) -> Option<CutPoints> {
    Some(CutPoints {
        recency: quintiles(&mut active.recency)?,
        frequency: quintiles(&mut active.frequency)?,
        monetary: quintiles(&mut active.monetary)?,
    })
}

/// Selects instead of sorting: each selection leaves everything greater to its right, so the next
/// one looks at that part only.
fn quintiles<T: Ord + Copy + Into<i64>>(values: &mut [T]) -> Option<[i64; 4]> {
    if values.is_empty() {
        return None;
    }
    let mut cuts = [0; 4];
    let parts = cuts.len() + 1;
    let mut settled = 0;
    for (i, cut) in (1..).zip(&mut cuts) {
        let index = (i * values.len()).div_ceil(parts) - 1;
        if index >= settled {
            values[settled..].select_nth_unstable(index - settled);
            settled = index + 1;
        }
        *cut = values[index].into();
    }
    Some(cuts)
}

/// Cut points, set by hand, that do not ascend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cut points of {figure} do not ascend: {cuts:?}; give four values, none below the one before it")]
pub struct CutPointsError {
    /// Which figure.
    pub figure: &'static str,
    /// What was given.
    pub cuts: [i64; 4],
}

/// Checks cut points that were set by hand: each list ascends (equal neighbours leave a score out).
pub fn check_cut_points(points: &CutPoints) -> Result<(), CutPointsError> {
    let lists = [
        ("recency", points.recency),
        ("frequency", points.frequency),
        ("monetary", points.monetary),
    ];
    match lists.into_iter().find(|(_, cuts)| !cuts.is_sorted()) {
        Some((figure, cuts)) => Err(CutPointsError { figure, cuts }),
        None => Ok(()),
    }
}

/// The scores of a member, each 1..=5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    /// Recency.
    pub r: u8,
    /// Frequency.
    pub f: u8,
    /// Monetary.
    pub m: u8,
    /// Health need, none if unknown.
    pub h: Option<u8>,
}

/// Scores figures against cut points; a member who is not active, and everyone without cut points,
/// scores 1 in all three. Equal values get equal scores.
pub fn scores(figures: &Figures, cuts: Option<&CutPoints>, health: Option<u8>) -> Scores {
    match (figures.recency, cuts) {
        (Some(recency), Some(cuts)) if figures.is_active() => Scores {
            r: 5 - exceeded(recency, &cuts.recency),
            f: 1 + exceeded(figures.frequency, &cuts.frequency),
            m: 1 + exceeded(figures.monetary_fen, &cuts.monetary),
            h: health,
        },
        _ => Scores {
            r: 1,
            f: 1,
            m: 1,
            h: health,
        },
    }
}

fn exceeded(value: i64, cuts: &[i64; 4]) -> u8 {
    cuts.iter().map(|&cut| u8::from(value > cut)).sum()
}

/// The class of a member and why: its scores, the three marks, the row of the table that fired and
/// whether health lifted it from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The scores.
    pub scores: Scores,
    /// Recency reached its mark.
    pub recent: bool,
    /// Frequency reached its mark.
    pub frequent: bool,
    /// Monetary reached its mark.
    pub big: bool,
    /// The row that fired, by its class.
    pub base: Class,
    /// The class, after health.
    pub class: Class,
    /// 0..=100.
    pub value_index: u8,
}

impl Verdict {
    /// Whether health lifted the class by one step from its row.
    pub fn is_lifted(&self) -> bool {
        self.class != self.base
    }
}

/// The class of scores: the first row of the table that fits, lifted at most one step by health.
pub fn classify(scores: Scores, rules: &ClassRules) -> Verdict {
    let recent = i64::from(scores.r) >= rules.recent_score_min;
    let frequent = i64::from(scores.f) >= rules.frequent_score_min;
    let big = i64::from(scores.m) >= rules.big_score_min;
    let base = match (recent, frequent, big) {
        (true, true, true) => Class::Retain,
        (true, false, true) => Class::Develop,
        (false, _, true) => Class::WinBack,
        (true, true, false) => Class::Valued,
        (false, false, false) => Class::Low,
        (true, false, false) | (false, true, false) => Class::Ordinary,
    };
    let needy = scores.h.is_some_and(|h| i64::from(h) >= rules.lift_health_min);
    let class = match base {
        Class::Low if needy => Class::Ordinary,
        Class::Ordinary if needy => Class::Valued,
        _ => base,
    };
    Verdict {
        scores,
        recent,
        frequent,
        big,
        base,
        class,
        value_index: value_index(scores, rules),
    }
}

/// The weighted mean of the scores on 0..=100, half up; health counts 1 where unknown. The weights
/// are divided by their sum (100 by default), so that a chain's own weights keep the range.
fn value_index(scores: Scores, rules: &ClassRules) -> u8 {
    let steps = [scores.r, scores.f, scores.m, scores.h.unwrap_or(1)];
    let reached: i64 = rules
        .value_weights
        .iter()
        .zip(steps)
        .map(|(weight, score)| weight * (i64::from(score) - 1))
        .sum();
    let most = 4 * rules.value_weights.iter().sum::<i64>();
    divide_half_up(100 * reached, most).unwrap_or(0).clamp(0, 100) as u8
}

#[cfg(test)]
mod tests;
