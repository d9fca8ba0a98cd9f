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
    let stock = RunOuts::new(as_of, rules).stock(lines, regimen);
    MedicineState {
        end: stock.end.map(from_day_number),
        status: stock.end.map(|end| status_on(end, day_number(as_of), rules)),
        estimated: stock.estimated,
        inactive: stock.inactive,
        last_fill: stock.last_fill.map(from_day_number),
        excess_return_milli: stock.excess_return_milli,
    }
}

/// [`run_out`] for many members at one date: the space that it works in is used again, and days stay
/// numbers, for a chain has millions of them.
#[derive(Debug)]
pub struct RunOuts<'r> {
    today: i32,
    rules: &'r MedicineRules,
    kept: KeptFills,
}

/// A [`MedicineState`] in day numbers.
#[derive(Debug, Default)]
struct Stock {
    end: Option<i32>,
    estimated: bool,
    inactive: bool,
    last_fill: Option<i32>,
    excess_return_milli: i64,
}

impl<'r> RunOuts<'r> {
    /// At a date.
    pub fn new(as_of: NaiveDate, rules: &'r MedicineRules) -> Self {
        Self {
            today: day_number(as_of),
            rules,
            kept: KeptFills::default(),
        }
    }

    /// The status that [`run_out`] gives.
    pub fn status(&mut self, lines: &[Fill], regimen: Option<&Regimen>) -> Option<MedicineStatus> {
        let end = self.stock(lines, regimen).end?;
        Some(status_on(end, self.today, self.rules))
    }

    fn stock(&mut self, lines: &[Fill], regimen: Option<&Regimen>) -> Stock {
        let excess_return_milli = self.kept.keep(lines, self.today);
        let fills = &self.kept.fills;
        let last_fill = fills.last().map(|fill| fill.day);
        let mut stock = Stock {
            last_fill,
            excess_return_milli,
            ..Stock::default()
        };
        // A fill after the regimen was changed ends what it says of stock and of stopping.
        let said =
            regimen.filter(|regimen| last_fill.is_none_or(|day| day <= day_number(regimen.changed_on)));
        if said.is_some_and(|regimen| regimen.inactive) {
            stock.inactive = true;
            return stock;
        }
        let known = said
            .and_then(|regimen| regimen.stock_until)
            .map(day_number)
            .or_else(|| chain_end(fills, regimen));
        stock.end = known.or_else(|| estimated_end(fills, self.rules));
        stock.estimated = known.is_none() && stock.end.is_some();
        stock
    }
}

/// Status of a medicine whose stock ends on `end`.
pub fn status(end: NaiveDate, as_of: NaiveDate, rules: &MedicineRules) -> MedicineStatus {
    status_on(day_number(end), day_number(as_of), rules)
}

/// [`status`] by day numbers.
fn status_on(end: i32, today: i32, rules: &MedicineRules) -> MedicineStatus {
    let days_left = i64::from(end) - i64::from(today);
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
    let mut kept = KeptFills::default();
    kept.keep(lines, day_number(as_of));
    let mut fills = kept.fills;
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

/// The fills that were kept, by day, and space to work them out.
#[derive(Debug, Default)]
struct KeptFills {
    fills: Vec<KeptFill>,
    /// The lines in order, where the caller's are not.
    ordered: Vec<Fill>,
}

impl KeptFills {
    /// Works out the fills that were kept until `today`; gives the excess of returns. Lines may come in
    /// any order; by day, drug and returns last is fastest.
    fn keep(&mut self, lines: &[Fill], today: i32) -> i64 {
        // Purchases of a date before its returns.
        let place = |line: &Fill| (line.day, line.drug.drug_key, line.quantity_milli < 0);
        let lines = if lines.is_sorted_by_key(place) {
            lines
        } else {
            self.ordered.clear();
            self.ordered.extend_from_slice(lines);
            // Equal ones add up.
            self.ordered.sort_unstable_by_key(place);
            &self.ordered
        };
        let fills = &mut self.fills;
        fills.clear();
        let (mut excess_milli, mut returned) = (0_i64, false);
        for line in lines.iter().take_while(|line| line.day <= today) {
            if line.quantity_milli < 0 {
                let left = take_back(fills, line.drug.drug_key, line.quantity_milli.saturating_neg());
                excess_milli = excess_milli.saturating_add(left);
                returned = true;
            } else if line.quantity_milli > 0 {
                add(fills, line);
            }
        }
        if returned {
            fills.retain(|fill| fill.quantity_milli > 0);
        }
        excess_milli
    }
}

/// Purchases of one drug on one date are one fill.
fn add(fills: &mut Vec<KeptFill>, line: &Fill) {
    match fills.last_mut() {
        Some(fill) if (fill.day, fill.drug.drug_key) == (line.day, line.drug.drug_key) => {
            fill.quantity_milli = fill.quantity_milli.saturating_add(line.quantity_milli);
        }
        _ => fills.push(KeptFill {
            day: line.day,
            quantity_milli: line.quantity_milli,
            drug: line.drug,
        }),
    }
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
    let days = match fill.quantity_milli.checked_mul(per_pack) {
        Some(product) => product / MILLI / daily,
        // Rounded down once or twice is the same.
        None => {
            (i128::from(fill.quantity_milli) * i128::from(per_pack) / i128::from(MILLI) / i128::from(daily))
                .min(i128::from(SUPPLY_DAYS_MAX)) as i64
        }
    };
    Some(days.clamp(1, SUPPLY_DAYS_MAX))
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
