//! Member classes by H-RFM (rules, section 1).
//!
//! The way of a member: [`figures`] from its net amounts by business date, [`scores`] against the
//! model's cut points (fitted by [`fit`], or set by hand) with [`health_need`], and [`classify`],
//! whose [`Verdict`] also says why. [`Board`] sums the result for the dashboard. A second split,
//! chronic or general, is [`care`].
//!
//! Figures, fit and scores run over a whole chain at once, so they allocate nothing per member.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::calendar::{day_number, is_in_window};
use crate::codes::{BpGrade, Care, Class, Code as _};
use crate::disease;
use crate::health::{Latest, Measure, Taken, bp_grade, glucose_above_target};
use crate::model::CutPoints;
use crate::rules::{ClassRules, HealthRules, Rules};

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
        basket_fen: divide_half_up(monetary_fen, frequency),
    }
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
    /// Health lifted the class by one step.
    pub lifted: bool,
    /// 0..=100.
    pub value_index: u8,
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
        lifted: class != base,
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

/// What is known of a member's health.
#[derive(Debug, Clone, Copy, Default)]
pub struct HealthInput<'a> {
    /// Disease codes.
    pub diseases: &'a [String],
    /// The latest readings up to `as_of`, as [`crate::health::latest`] gives them.
    pub latest: Latest,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    pub weight_hg: Option<u16>,
}

/// The points of the health need, for the profile's why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HealthPoints {
    /// For chronic diagnoses.
    pub diseases: i64,
    /// For the latest blood pressure.
    pub bp: i64,
    /// For the latest glucose.
    pub glucose: i64,
    /// For a BMI out of range.
    pub bmi: i64,
}

impl HealthPoints {
    /// The health need 1..=5.
    pub fn need(self, rules: &ClassRules) -> u8 {
        let points = self.diseases + self.bp + self.glucose + self.bmi;
        (1 + points.clamp(0, rules.need_points_max)).clamp(1, 5) as u8
    }
}

/// The health need 1..=5; none unless there is any diagnosis, chronic or not, or a reading at most
/// 180 days old.
pub fn health_need(input: &HealthInput<'_>, as_of: NaiveDate, rules: &Rules) -> Option<u8> {
    health_points(input, as_of, rules).map(|points| points.need(&rules.class))
}

/// The points that make the health need; none where the need is unknown.
pub fn health_points(input: &HealthInput<'_>, as_of: NaiveDate, rules: &Rules) -> Option<HealthPoints> {
    let age_days_max = rules.class.reading_age_days_max;
    let current = |reading: Option<Taken>| {
        reading
            .filter(|taken| is_in_window(taken.day, as_of, age_days_max + 1))
            .map(|taken| taken.measure)
    };
    let (bp, glucose) = (current(input.latest.bp), current(input.latest.glucose));
    if input.diseases.is_empty() && bp.is_none() && glucose.is_none() {
        return None;
    }
    let measure_points = |measure: Option<Measure>| {
        measure.map_or(0, |measure| reading_points(measure, &rules.class, &rules.health))
    };
    Some(HealthPoints {
        diseases: disease_points(input.diseases, &rules.class),
        bp: measure_points(bp),
        glucose: measure_points(glucose),
        bmi: if bmi_out_of_range(input.height_cm, input.weight_hg, &rules.class) {
            rules.class.bmi_points
        } else {
            0
        },
    })
}

fn disease_points(diseases: &[String], rules: &ClassRules) -> i64 {
    let chronic = diseases
        .iter()
        .enumerate()
        .filter(|(i, code)| disease::is_chronic(code) && !diseases[..*i].contains(code));
    (chronic.count() as i64).min(rules.disease_points_max)
}

fn reading_points(measure: Measure, rules: &ClassRules, health: &HealthRules) -> i64 {
    match measure {
        Measure::Bp {
            systolic,
            diastolic,
            context,
        } => match bp_grade(systolic, diastolic, context, health) {
            BpGrade::Normal | BpGrade::HighNormal => 0,
            BpGrade::Grade1 => rules.bp_points[0],
            BpGrade::Grade2 => rules.bp_points[1],
            BpGrade::Grade3 => rules.bp_points[2],
        },
        Measure::Glucose { .. } if measure.is_emergency(health) => rules.glucose_emergency_points,
        Measure::Glucose { tenths, context } if glucose_above_target(tenths, context, health) => {
            rules.glucose_above_target_points
        }
        Measure::Glucose { .. } => 0,
    }
}

/// BMI ≥ 28 or < 18.5, without rounding: weight_hg · 10,000 / height_cm² are tenths of kg/m².
fn bmi_out_of_range(height_cm: Option<u16>, weight_hg: Option<u16>, rules: &ClassRules) -> bool {
    match (height_cm, weight_hg) {
        (Some(height), Some(weight)) if height > 0 && weight > 0 => {
            let square = i64::from(height) * i64::from(height);
            let scaled = i64::from(weight) * 10_000;
            scaled >= rules.bmi_high_tenths * square || scaled < rules.bmi_low_tenths * square
        }
        _ => false,
    }
}

/// Chronic or general. Chronic are members with a diagnosed chronic disease; or with fills on at
/// least 2 days of one chronic ingredient within 180 days; or with readings of grade 1 or the
/// diabetes range, of either kind, on at least 2 days within 365 days. Both periods end with and
/// include `as_of`.
///
/// `fills`: (ingredient, day number, packs in thousandths, negative for a return) of chronic
/// ingredients; a fill is a day with net units above 0. `readings`: (day number, values).
pub fn care<K: Ord>(
    diseases: &[String],
    fills: impl IntoIterator<Item = (K, i32, i64)>,
    readings: impl IntoIterator<Item = (i32, Measure)>,
    as_of: NaiveDate,
    rules: &Rules,
) -> Care {
    let chronic = diseases.iter().any(|code| disease::is_chronic(code))
        || fills_chronic(fills, as_of, &rules.class)
        || readings_chronic(readings, as_of, rules);
    if chronic { Care::Chronic } else { Care::General }
}

fn fills_chronic<K: Ord>(
    fills: impl IntoIterator<Item = (K, i32, i64)>,
    as_of: NaiveDate,
    rules: &ClassRules,
) -> bool {
    let mut fills: Vec<_> = fills
        .into_iter()
        .filter(|(_, day, _)| is_in_window(*day, as_of, rules.chronic_fill_days))
        .collect();
    fills.sort_unstable();
    fills.chunk_by(|a, b| a.0 == b.0).any(|ingredient| {
        let days = ingredient.chunk_by(|a, b| a.1 == b.1);
        days.filter(|day| day.iter().map(|(_, _, quantity)| quantity).sum::<i64>() > 0)
            .count()
            >= rules.chronic_fills_min
    })
}

fn readings_chronic(
    readings: impl IntoIterator<Item = (i32, Measure)>,
    as_of: NaiveDate,
    rules: &Rules,
) -> bool {
    let days: BTreeSet<i32> = readings
        .into_iter()
        .filter(|(day, measure)| {
            is_in_window(*day, as_of, rules.class.chronic_reading_days)
                && measure.is_chronic_range(&rules.health)
        })
        .map(|(day, _)| day)
        .collect();
    days.len() >= rules.class.chronic_readings_min
}

/// The dashboard: sums for each class, in the order of the specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    rows: [BoardRow; Class::ALL.len()],
}

/// Sums over the members of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoardRow {
    /// Heads.
    pub members: i64,
    /// Monetary of all, in fen.
    pub spend_fen: i64,
    /// Frequency of all.
    pub visits: i64,
    /// Recency of all who have one.
    pub recency_sum: i64,
    /// Members who have a recency.
    pub recency_members: i64,
    /// Sums of the scores r, f, m.
    pub score_sums: [i64; 3],
    /// Sum of the health need of all who have one.
    pub health_sum: i64,
    /// Members whose health need is known.
    pub health_members: i64,
}

impl BoardRow {
    /// Spend a visit in fen, half up; none without a visit.
    pub fn basket_fen(&self) -> Option<i64> {
        divide_half_up(self.spend_fen, self.visits)
    }

    /// Mean frequency; none without members.
    pub fn frequency_mean(&self) -> Option<f64> {
        mean(self.visits, self.members)
    }

    /// Mean recency over members who have one; none without such.
    pub fn recency_mean(&self) -> Option<f64> {
        mean(self.recency_sum, self.recency_members)
    }

    /// The radar: mean scores r, f, m, and h over members whose health need is known.
    pub fn radar(&self) -> [Option<f64>; 4] {
        let [r, f, m] = self.score_sums.map(|sum| mean(sum, self.members));
        [r, f, m, mean(self.health_sum, self.health_members)]
    }

    fn merge(&mut self, other: &Self) {
        self.members += other.members;
        self.spend_fen = self.spend_fen.saturating_add(other.spend_fen);
        self.visits += other.visits;
        self.recency_sum += other.recency_sum;
        self.recency_members += other.recency_members;
        for (sum, more) in self.score_sums.iter_mut().zip(other.score_sums) {
            *sum += more;
        }
        self.health_sum += other.health_sum;
        self.health_members += other.health_members;
    }
}

fn mean(sum: i64, count: i64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

impl Board {
    /// Takes one member.
    pub fn add(&mut self, figures: &Figures, verdict: &Verdict) {
        let scores = verdict.scores;
        self.rows[verdict.class as usize].merge(&BoardRow {
            members: 1,
            spend_fen: figures.monetary_fen,
            visits: figures.frequency,
            recency_sum: figures.recency.unwrap_or(0),
            recency_members: i64::from(figures.recency.is_some()),
            score_sums: [scores.r, scores.f, scores.m].map(i64::from),
            health_sum: scores.h.map_or(0, i64::from),
            health_members: i64::from(scores.h.is_some()),
        });
    }

    /// Takes another board's sums, for one that was filled by several threads.
    pub fn merge(&mut self, other: &Self) {
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.merge(more);
        }
    }

    /// The classes with their sums, in the order of the specification.
    pub fn rows(&self) -> impl Iterator<Item = (Class, &BoardRow)> {
        Class::ALL.iter().copied().zip(&self.rows)
    }

    /// The sums of all classes together, for the shares of heads and of spend.
    pub fn total(&self) -> BoardRow {
        let mut total = BoardRow::default();
        for row in &self.rows {
            total.merge(row);
        }
        total
    }
}

#[cfg(test)]
mod tests;
