//! Medicines: run-out, status, reminders and adherence (rules, section 3).
//!
//! Everything here is about one member and one ingredient: the caller hands the lines of that
//! ingredient. Lines after `as_of` do not exist.
//!
//! A *fill* is what was bought of one drug on one business date: the sum of that date's positive
//! lines, less what later returns took from it. Returns of a date come after its purchases and take
//! from the newest fills of the same drug first; a fill that was returned whole is none.

use chrono::NaiveDate;

use crate::calendar::{day_number, from_day_number};
use crate::codes::MedicineStatus;
use crate::model::{MILLI, Regimen};
use crate::rules::MedicineRules;

/// Pack and dose of a drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrugDose {
    /// Tells the drugs among the lines apart: any number that the caller gives each drug.
    pub drug_key: i64,
    /// Dosage units in a pack, in thousandths.
    pub units_per_pack_milli: Option<i64>,
    /// Usual units a day, in thousandths.
    pub daily_units_milli: Option<i64>,
}

/// One line of a purchase or return of the ingredient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Business date as a day number.
    pub day: i32,
    /// Packs in thousandths; negative for a return.
    pub quantity_milli: i64,
    /// Of which drug.
    pub drug: DrugDose,
}

/// How a medicine stands for a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MedicineState {
    /// Last day with stock; none if unknown or the medicine is no longer taken.
    pub end: Option<NaiveDate>,
    /// Status by the end.
    pub status: Option<MedicineStatus>,
    /// The end is an estimate from the gaps between fills.
    pub estimated: bool,
    /// The regimen says that it is no longer taken.
    pub inactive: bool,
    /// Day of the newest fill that was not returned whole.
    pub last_fill: Option<NaiveDate>,
    /// Packs in thousandths that were returned without having been bought.
    pub excess_return_milli: i64,
}

/// Share of days covered by the medicine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pdc {
    /// Distinct covered days.
    pub covered_days: i64,
    /// Days from the first fill of the period to `as_of`, both included.
    pub days: i64,
}

impl Pdc {
    /// The share, 0..=1.
    pub fn share(self) -> f64 {
        self.covered_days as f64 / self.days as f64
    }

    /// At least 80 % of the days are covered.
    pub fn is_adherent(self, rules: &MedicineRules) -> bool {
        self.covered_days * 100 >= self.days * rules.adherent_percent
    }
}

/// A reminder that falls on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    /// Last day with stock.
    pub end: NaiveDate,
    /// Days from the reminder to it: 7, 3 or 0.
    pub days_before: i64,
}

/// A fill after returns were taken from it.
#[derive(Debug, Clone, Copy)]
struct KeptFill {
    day: i32,
    quantity_milli: i64,
    drug: DrugDose,
}

/// Run-out and status of one ingredient at `as_of`.
///
/// The end is that of the chain of fills: days of supply = floor(quantity × units a pack ÷ daily
/// dose), at least 1, each beginning on its fill day or on the day after the supply before it,
/// whichever is later. A regimen's `stock_until` replaces it, and `inactive` takes it away, until a
/// fill after the regimen's change. Where a fill's dose is not known, the end is the last fill day
/// plus the lower median of the gaps between the last fill days, less one: estimated.
pub fn run_out(
    lines: &[Fill],
    regimen: Option<&Regimen>,
    as_of: NaiveDate,
    rules: &MedicineRules,
) -> MedicineState {
    let (fills, excess_return_milli) = keep_fills(lines, as_of);
    let last_fill = fills.last().map(|fill| fill.day);
    let mut state = MedicineState {
        last_fill: last_fill.map(from_day_number),
        excess_return_milli,
        ..MedicineState::default()
    };
    // A fill after the regimen was changed ends what it says of stock and of stopping.
    let said = regimen.filter(|regimen| last_fill.is_none_or(|day| day <= day_number(regimen.changed_on)));
    if said.is_some_and(|regimen| regimen.inactive) {
        state.inactive = true;
        return state;
    }
    let end = said
        .and_then(|regimen| regimen.stock_until)
        .map(day_number)
        .or_else(|| chain_end(&fills, regimen));
    state.estimated = end.is_none();
    let end = end.or_else(|| estimated_end(&fills, rules));
    state.estimated &= end.is_some();
    state.end = end.map(from_day_number);
    state.status = state.end.map(|end| status(end, as_of, rules));
    state
}

/// Status of a medicine whose stock ends on `end`.
pub fn status(end: NaiveDate, as_of: NaiveDate, rules: &MedicineRules) -> MedicineStatus {
    let days_left = (end - as_of).num_days();
    if days_left > rules.low_days {
        MedicineStatus::InUse
    } else if days_left >= 0 {
        MedicineStatus::RunningLow
    } else if -days_left <= rules.out_days_max {
        MedicineStatus::Out
    } else {
        MedicineStatus::Lapsed
    }
}

/// The reminder that falls on `as_of`: 7 days, 3 days before the end, or on it.
pub fn reminder_on(end: NaiveDate, as_of: NaiveDate, rules: &MedicineRules) -> Option<Reminder> {
    let days_before = (end - as_of).num_days();
    rules
        .reminder_days_before
        .contains(&days_before)
        .then_some(Reminder { end, days_before })
}

/// Whether a clerk's task falls on `as_of`: the third day after the end, if nothing was bought after
/// the end. A host that was away for days asks for each of them.
pub fn task_due(
    end: NaiveDate,
    as_of: NaiveDate,
    last_fill: Option<NaiveDate>,
    rules: &MedicineRules,
) -> bool {
    (as_of - end).num_days() == rules.task_days_after && last_fill.is_none_or(|day| day <= end)
}

/// Adherence over the 365 days to `as_of`; none with fills on fewer than 2 days of the period, with
/// a first fill less than 91 days ago, or where a dose is not known.
pub fn pdc(
    lines: &[Fill],
    regimen: Option<&Regimen>,
    as_of: NaiveDate,
    rules: &MedicineRules,
) -> Option<Pdc> {
    coverage(lines, regimen, as_of, rules).filter(|pdc| pdc.days > rules.pdc_first_fill_days_min)
}

/// The quotient behind [`pdc`], however short its history: covered days from the first fill of the
/// period to `as_of`, over all days from that fill to `as_of`. The chain of shifts restarts at that
/// fill. None with fills on fewer than 2 days of the period, or where a dose is not known.
pub fn coverage(
    lines: &[Fill],
    regimen: Option<&Regimen>,
    as_of: NaiveDate,
    rules: &MedicineRules,
) -> Option<Pdc> {
    let today = i64::from(day_number(as_of));
    let (mut fills, _) = keep_fills(lines, as_of);
    fills.retain(|fill| i64::from(fill.day) > today - rules.pdc_days);
    let first = i64::from(fills.first()?.day);
    if fill_days(&fills).count() < rules.pdc_fill_days_min {
        return None;
    }
    let mut covered_days = 0;
    for supply in supplies(&fills, regimen) {
        let (from, to) = supply?;
        covered_days += (to.min(today) - from + 1).max(0);
    }
    Some(Pdc {
        covered_days,
        days: today - first + 1,
    })
}

/// The fills that were kept, by day, and the excess of returns. Lines may come in any order.
fn keep_fills(lines: &[Fill], as_of: NaiveDate) -> (Vec<KeptFill>, i64) {
    let today = day_number(as_of);
    let mut lines: Vec<&Fill> = lines
        .iter()
        .filter(|line| line.day <= today && line.quantity_milli != 0)
        .collect();
    // Purchases of a date before its returns.
    lines.sort_by_key(|line| (line.day, line.drug.drug_key, line.quantity_milli < 0));
    let mut kept: Vec<KeptFill> = Vec::with_capacity(lines.len());
    let mut excess_milli = 0_i64;
    for line in lines {
        if line.quantity_milli < 0 {
            let left = take_back(
                &mut kept,
                line.drug.drug_key,
                line.quantity_milli.saturating_neg(),
            );
            excess_milli = excess_milli.saturating_add(left);
        } else if let Some(same) = kept
            .last_mut()
            .filter(|fill| (fill.day, fill.drug.drug_key) == (line.day, line.drug.drug_key))
        {
            same.quantity_milli = same.quantity_milli.saturating_add(line.quantity_milli);
        } else {
            kept.push(KeptFill {
                day: line.day,
                quantity_milli: line.quantity_milli,
                drug: line.drug,
            });
        }
    }
    kept.retain(|fill| fill.quantity_milli > 0);
    (kept, excess_milli)
}

/// Takes returned packs from the newest fills of the drug; gives what could not be taken.
fn take_back(fills: &mut [KeptFill], drug_key: i64, mut quantity_milli: i64) -> i64 {
    for fill in fills
        .iter_mut()
        .rev()
        .filter(|fill| fill.drug.drug_key == drug_key)
    {
        let taken = quantity_milli.min(fill.quantity_milli);
        fill.quantity_milli -= taken;
        quantity_milli -= taken;
        if quantity_milli == 0 {
            break;
        }
    }
    quantity_milli
}

/// Days of supply of a fill; none without pack size or dose.
fn days_supply(fill: &KeptFill, regimen: Option<&Regimen>) -> Option<i64> {
    let own = regimen
        .and_then(|regimen| regimen.daily_units_milli)
        .filter(|units| *units > 0);
    let daily = own.or(fill.drug.daily_units_milli).filter(|units| *units > 0)?;
    let per_pack = fill.drug.units_per_pack_milli.filter(|units| *units > 0)?;
    let units_milli = i128::from(fill.quantity_milli) * i128::from(per_pack) / i128::from(MILLI);
    let days = (units_milli / i128::from(daily)).clamp(1, i128::from(SUPPLY_DAYS_MAX));
    Some(days as i64)
}

/// No fill lasts longer than this: keeps a wrong quantity from leaving the calendar.
const SUPPLY_DAYS_MAX: i64 = 100 * 366;

/// First and last day of each fill's supply, as day numbers; none where its dose is not known.
fn supplies<'a>(
    fills: &'a [KeptFill],
    regimen: Option<&'a Regimen>,
) -> impl Iterator<Item = Option<(i64, i64)>> + 'a {
    let mut previous_end = i64::MIN;
    fills.iter().map(move |fill| {
        let days = days_supply(fill, regimen)?;
        let from = i64::from(fill.day).max(previous_end.saturating_add(1));
        previous_end = from + days - 1;
        Some((from, previous_end))
    })
}

/// The end of the chain; none without fills, or if the dose of any fill is not known.
fn chain_end(fills: &[KeptFill], regimen: Option<&Regimen>) -> Option<i32> {
    let mut end = None;
    for supply in supplies(fills, regimen) {
        end = Some(supply?.1);
    }
    end.map(|day| day.min(i64::from(i32::MAX)) as i32)
}

fn fill_days(fills: &[KeptFill]) -> impl DoubleEndedIterator<Item = i32> + '_ {
    fills.chunk_by(|a, b| a.day == b.day).map(|day| day[0].day)
}

/// Last fill day plus the lower median of the gaps between the last fill days, less one.
fn estimated_end(fills: &[KeptFill], rules: &MedicineRules) -> Option<i32> {
    let mut days: Vec<i32> = fill_days(fills).rev().take(rules.estimate_fill_days).collect();
    days.reverse();
    let mut gaps: Vec<i32> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if gaps.is_empty() || gaps.len() < rules.estimate_gaps_min {
        return None;
    }
    gaps.sort_unstable();
    let median = gaps[(gaps.len() - 1) / 2];
    days.last().map(|day| day + median - 1)
}

#[cfg(test)]
mod tests;
