//! Leanings: what a member tends to (rules, section 8). They show what to offer, never how to push.
//!
//! Exact terms, so that a second implementation can hold them:
//!
//! - A *purchase* is one drug on one business date of the window W (365 days ending with and
//!   including `as_of`) whose net quantity on that date, sales less returns, is above 0. Lines
//!   without a drug count as one drug more. A return on a later date takes no purchase away. With
//!   fewer than 4 purchases in W, brand, price and rhythm are unknown.
//! - *Brand*: the most bought ingredient is the one with the most purchases, of several the first in
//!   byte order; purchases without an ingredient are left out. A member is loyal if
//!   `100 · purchases of one manufacturer ≥ 80 · purchases of the ingredient`; a purchase whose
//!   manufacturer is not known counts below the line only. Unknown without any ingredient.
//! - *Price*: see [`price_ranks_ppm`] for a drug's rank. The mean is over the purchases whose drug
//!   has a rank; unknown without one. Price minded: `100 · Σ rank ≤ 33 · n · 1,000,000`; quality
//!   minded: `100 · Σ rank ≥ 67 · n · 1,000,000`; otherwise none.
//! - *Rhythm*: the n gaps between successive visit days in W (days with a net amount above 0).
//!   Unknown with n < 4. With S = Σ gap and Q = Σ gap², the coefficient of variation is that of the
//!   whole population, so it is ≤ 0.35 exactly if `10,000 · (n·Q − S²) ≤ 35² · S²`. The period is
//!   the mean gap S/n, half up.
//! - *Testing*: readings of either kind in the 90 days ending with and including `as_of`.
//! - *Severity*: the higher of the latest blood pressure and the latest glucose, each at most 180
//!   days old, on the scale of [`Measure::severity`](crate::health::Measure::severity); unknown
//!   without either.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::calendar::is_in_window;
use crate::codes::{PriceLeaning, Severity, Testing};
use crate::health::{Taken, latest};
use crate::rules::{LeaningRules, Rules};

/// The rank of the dearest drug, in millionths.
pub const RANK_MAX_PPM: u32 = 1_000_000;

/// What a member leans to; none where unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leanings {
    /// Loyal to one manufacturer.
    pub brand_loyal: Option<bool>,
    /// The manufacturer, if loyal.
    pub brand: Option<String>,
    /// Price or quality minded; none in between, too.
    pub price: Option<PriceLeaning>,
    /// Visits in a regular rhythm.
    pub regular: Option<bool>,
    /// The period of the rhythm in days, if regular.
    pub rhythm_days: Option<i64>,
    /// How often readings are taken.
    pub testing: Testing,
    /// The highest current grade.
    pub severity: Option<Severity>,
}

/// One purchase line or return of a member, with what the catalogue says of its drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoughtLine<'a> {
    /// Business date as a day number.
    pub day: i32,
    /// Tells the drugs apart: any number that the caller gives each drug; none if not told.
    pub drug_key: Option<i64>,
    /// Its ingredient.
    pub ingredient: Option<&'a str>,
    /// Its manufacturer.
    pub manufacturer: Option<&'a str>,
    /// Its price rank in millionths, if it has one.
    pub price_rank_ppm: Option<u32>,
    /// Packs in thousandths; negative for a return.
    pub quantity_milli: i64,
}

/// The leanings of one member at `as_of`, by the terms at the head of this module.
///
/// `lines` are sorted and shortened on the way. `days` are (day number, net fen) in ascending order,
/// one entry a business date; `readings` leave superseded ones out. What lies after `as_of` does not
/// exist.
pub fn leanings(
    lines: &mut Vec<BoughtLine<'_>>,
    days: impl IntoIterator<Item = (i32, i64)>,
    readings: &[Taken],
    as_of: NaiveDate,
    rules: &Rules,
) -> Leanings {
    let mut found = Leanings {
        brand_loyal: None,
        brand: None,
        price: None,
        regular: None,
        rhythm_days: None,
        testing: testing(readings, as_of, &rules.leaning),
        severity: severity(readings, as_of, rules),
    };
    lines.retain(|line| is_in_window(line.day, as_of, rules.class.window_days));
    keep_purchases(lines);
    if lines.len() < rules.leaning.purchases_min {
        return found;
    }
    found.price = price(lines, &rules.leaning);
    if let Some(most) = most_bought_ingredient(lines) {
        let brand = loyal_to(most, &rules.leaning);
        found.brand_loyal = Some(brand.is_some());
        found.brand = brand.map(str::to_owned);
    }
    let visits = days
        .into_iter()
        .filter(|(day, net_fen)| *net_fen > 0 && is_in_window(*day, as_of, rules.class.window_days))
        .map(|(day, _)| day);
    let gaps = Gaps::between(visits);
    if gaps.count >= rules.leaning.regular_gaps_min.max(1) as i64 {
        found.rhythm_days = gaps.period(&rules.leaning);
        found.regular = Some(found.rhythm_days.is_some());
    }
    found
}

/// Leaves one line a purchase: the lines of one drug on one date, if their net quantity is above 0.
fn keep_purchases(lines: &mut Vec<BoughtLine<'_>>) {
    lines.sort_unstable_by_key(|line| (line.day, line.drug_key));
    lines.dedup_by(|next, kept| {
        let same = (next.day, next.drug_key) == (kept.day, kept.drug_key);
        if same {
            kept.quantity_milli = kept.quantity_milli.saturating_add(next.quantity_milli);
        }
        same
    });
    lines.retain(|line| line.quantity_milli > 0);
}

/// The purchases of the most bought ingredient; none if no ingredient is known.
fn most_bought_ingredient<'a, 'b>(purchases: &'b mut [BoughtLine<'a>]) -> Option<&'b [BoughtLine<'a>]> {
    purchases.sort_unstable_by_key(|line| (line.ingredient, line.manufacturer));
    let mut most: Option<&[BoughtLine<'a>]> = None;
    for ingredient in purchases.chunk_by(|a, b| a.ingredient == b.ingredient) {
        let more = most.is_none_or(|most| ingredient.len() > most.len());
        if more && ingredient[0].ingredient.is_some() {
            most = Some(ingredient);
        }
    }
    most
}

/// The manufacturer of nearly all of these purchases, which are sorted by it.
fn loyal_to<'a>(purchases: &[BoughtLine<'a>], rules: &LeaningRules) -> Option<&'a str> {
    let needed = purchases.len() as i64 * rules.brand_percent;
    let same = purchases.chunk_by(|a, b| a.manufacturer == b.manufacturer);
    same.filter(|same| same.len() as i64 * 100 >= needed)
        .find_map(|same| same[0].manufacturer)
}

fn price(purchases: &[BoughtLine<'_>], rules: &LeaningRules) -> Option<PriceLeaning> {
    let ranks = || {
        purchases
            .iter()
            .filter_map(|line| line.price_rank_ppm)
            .map(i64::from)
    };
    let count = ranks().count() as i64;
    if count == 0 {
        return None;
    }
    let (reached, full) = (100 * ranks().sum::<i64>(), count * i64::from(RANK_MAX_PPM));
    if reached <= rules.price_minded_percent_max * full {
        Some(PriceLeaning::PriceMinded)
    } else if reached >= rules.quality_minded_percent_min * full {
        Some(PriceLeaning::QualityMinded)
    } else {
        None
    }
}

/// Sums over the gaps between visit days.
struct Gaps {
    count: i64,
    sum: i64,
    squares: i64,
}

impl Gaps {
    fn between(visit_days: impl Iterator<Item = i32>) -> Self {
        let mut gaps = Self {
            count: 0,
            sum: 0,
            squares: 0,
        };
        let mut before: Option<i32> = None;
        for day in visit_days {
            if let Some(before) = before.replace(day) {
                let gap = i64::from(day) - i64::from(before);
                gaps.count += 1;
                gaps.sum += gap;
                gaps.squares += gap * gap;
            }
        }
        gaps
    }

    /// The period in days, if the gaps are regular; needs a gap.
    fn period(&self, rules: &LeaningRules) -> Option<i64> {
        let cv_max = rules.regular_cv_percent_max;
        let spread = self.count * self.squares - self.sum * self.sum;
        let regular = 10_000 * spread <= cv_max * cv_max * self.sum * self.sum;
        regular.then_some((2 * self.sum + self.count) / (2 * self.count))
    }
}

fn testing(readings: &[Taken], as_of: NaiveDate, rules: &LeaningRules) -> Testing {
    match readings
        .iter()
        .filter(|taken| is_in_window(taken.day, as_of, rules.testing_days))
        .count()
    {
        0 => Testing::None,
        count if count < rules.testing_frequent_min => Testing::Occasional,
        _ => Testing::Frequent,
    }
}

fn severity(readings: &[Taken], as_of: NaiveDate, rules: &Rules) -> Option<Severity> {
    let latest = latest(readings.iter().copied(), as_of);
    [latest.bp, latest.glucose]
        .into_iter()
        .flatten()
        .filter(|taken| is_in_window(taken.day, as_of, rules.class.reading_age_days_max + 1))
        .map(|taken| taken.measure.severity(&rules.health))
        .max()
}

/// What the chain sold of one drug in W to members who exist at `as_of`, net of returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrugSales<'a, K> {
    /// The drug.
    pub drug: K,
    /// Its ingredient.
    pub ingredient: Option<&'a str>,
    /// Dosage units in a pack, in thousandths.
    pub units_per_pack_milli: Option<i64>,
    /// Packs in thousandths.
    pub quantity_milli: i64,
    /// Fen.
    pub amount_fen: i64,
}

/// The price rank of each drug, in millionths.
///
/// A drug's unit price is what the chain took in W for one of its dosage units: net fen ÷ (net packs
/// × units a pack). Drugs without an ingredient, a pack size, or net sales above 0 in both numbers
/// are left out. Among the drugs of one ingredient the rank is `⌊1,000,000 · cheaper ÷ (cheaper +
/// dearer)⌋`, so equal prices have equal ranks, the cheapest 0, the dearest 1,000,000; where nothing
/// is cheaper or dearer there was no choice, and no rank.
pub fn price_ranks_ppm<'a, K: Ord>(sales: impl IntoIterator<Item = DrugSales<'a, K>>) -> BTreeMap<K, u32> {
    let mut by_ingredient: BTreeMap<&str, Vec<(UnitPrice, K)>> = BTreeMap::new();
    for sold in sales {
        if let (Some(ingredient), Some(price)) = (sold.ingredient, UnitPrice::of(&sold)) {
            by_ingredient
                .entry(ingredient)
                .or_default()
                .push((price, sold.drug));
        }
    }
    let mut ranks = BTreeMap::new();
    for mut drugs in by_ingredient.into_values() {
        drugs.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let prices: Vec<UnitPrice> = drugs.iter().map(|(price, _)| *price).collect();
        for (price, drug) in drugs {
            let cheaper = prices.partition_point(|other| other.cmp(&price).is_lt());
            let dearer = prices.len() - prices.partition_point(|other| other.cmp(&price).is_le());
            if let Some(rank) = (cheaper * RANK_MAX_PPM as usize).checked_div(cheaper + dearer) {
                ranks.insert(drug, rank as u32);
            }
        }
    }
    ranks
}

/// Fen for so many millionths of a dosage unit; compared exactly.
#[derive(Debug, Clone, Copy)]
struct UnitPrice {
    fen: i128,
    units_micro: i128,
}

impl UnitPrice {
    fn of<K>(sold: &DrugSales<'_, K>) -> Option<Self> {
        let units_micro = i128::from(sold.quantity_milli) * i128::from(sold.units_per_pack_milli?);
        let sellable = sold.quantity_milli > 0 && units_micro > 0 && sold.amount_fen > 0;
        sellable.then_some(Self {
            fen: sold.amount_fen.into(),
            units_micro,
        })
    }

    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.fen.saturating_mul(other.units_micro)).cmp(&(other.fen.saturating_mul(self.units_micro)))
    }
}

#[cfg(test)]
mod tests;
