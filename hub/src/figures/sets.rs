//! Conditions on purchases and medicines, worked out for the whole chain: from the sales of the drugs
//! that they name, member by member, and from nothing else.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use rustc_hash::FxHashMap;
use yaoban_domain::audience::{Amounts, Condition, DaysAgo, Goods};
use yaoban_domain::calendar::day_number;
use yaoban_domain::codes::MedicineStatus;
use yaoban_domain::medicine::{DrugDose, Fill, RunOuts};
use yaoban_domain::model::Regimen;
use yaoban_domain::rules::MedicineRules;

use crate::storage::StorageError;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scan::DrugFacts;

/// Lines held at a time at most (24 bytes each). More are taken in several passes, each over some of
/// the members.
const LINES_MAX: u64 = 4 << 20;
/// A packed line has about so many bytes.
const LINE_BYTES: u64 = 8;

/// A line of one of the drugs asked for.
#[derive(Debug, Clone, Copy)]
struct Taken {
    member: u32,
    day: i32,
    /// Place of the drug in the list that was asked for.
    drug: u32,
    quantity_milli: i32,
    amount_fen: i64,
}

const NO_LINE: Taken = Taken {
    member: 0,
    day: 0,
    drug: 0,
    quantity_milli: 0,
    amount_fen: 0,
};

/// What conditions on purchases and medicines are worked out from.
pub(super) struct Sets<'a> {
    tx: &'a Tx<'a>,
    drugs: Vec<DrugFacts>,
    /// Regimens by member; read when a condition needs them.
    regimens: Option<FxHashMap<u32, Vec<Regimen>>>,
    as_of: NaiveDate,
    rules: &'a MedicineRules,
}

impl<'a> Sets<'a> {
    /// Over the chain as `tx` sees it.
    pub fn new(tx: &'a Tx<'a>, as_of: NaiveDate, rules: &'a MedicineRules) -> Result<Self, StorageError> {
        Ok(Self {
            tx,
            drugs: tx.drug_facts()?,
            regimens: None,
            as_of,
            rules,
        })
    }

    /// The members of whom a condition on purchases or medicines holds, ascending; members who do not
    /// exist may be among them. None of any other condition.
    pub fn members(&mut self, condition: &Condition) -> Result<Vec<u32>, StorageError> {
        match condition {
            Condition::Bought(bought) => {
                self.by_days(&bought.goods, bought.days, |days| reaches(days, bought.at_least))
            }
            Condition::LastBought(goods, days) => {
                let since = DaysAgo {
                    min: 0,
                    max: days.max,
                };
                let until = i64::from(day_number(self.as_of)) - days.min;
                self.by_days(goods, since, |of_days| {
                    let last = of_days.iter().rev().find(|day| day.quantity_milli > 0);
                    last.is_some_and(|last| i64::from(last.day) <= until)
                })
            }
            Condition::Medicine(ingredients, statuses) => self.medicine(ingredients, statuses),
            _ => Ok(Vec::new()),
        }
    }

    /// Members whose sums by day fit.
    fn by_days(
        &self,
        goods: &Goods,
        days: DaysAgo,
        fits: impl Fn(&[DaySum]) -> bool,
    ) -> Result<Vec<u32>, StorageError> {
        let drugs: Vec<&DrugFacts> = self.drugs.iter().filter(|drug| is_of(drug, goods)).collect();
        let today = i64::from(day_number(self.as_of));
        let clamp = |day: i64| day.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        let from = days.max.map_or(i32::MIN, |max| clamp(today.saturating_sub(max)));
        let period = from..=clamp(today.saturating_sub(days.min));
        let mut found = Vec::new();
        let mut sums: Vec<DaySum> = Vec::new();
        self.each_member(&drugs, &period, |member, lines| {
            sums.clear();
            sums.extend(lines.chunk_by(|a, b| a.day == b.day).map(|of_day| DaySum {
                day: of_day[0].day,
                quantity_milli: of_day.iter().map(|line| i64::from(line.quantity_milli)).sum(),
                amount_fen: of_day.iter().map(|line| line.amount_fen).sum(),
            }));
            if fits(&sums) {
                found.push(member);
            }
        })?;
        Ok(found)
    }

    /// Hands on the lines of some drugs in a period, member by member, ascending; those of a member by day.
    fn each_member(
        &self,
        drugs: &[&DrugFacts],
        period: &RangeInclusive<i32>,
        mut take: impl FnMut(u32, &[Taken]),
    ) -> Result<(), StorageError> {
        let (from, to) = (*period.start(), *period.end());
        let mut bytes = 0;
        for drug in drugs {
            bytes += self.tx.sales_bytes(drug.key, from, to)?;
        }
        let passes = (bytes / LINE_BYTES / LINES_MAX + 1) as u32;
        let step = self.tx.last_member_key()? / passes + 1;
        let mut lines = Vec::with_capacity((bytes / LINE_BYTES).min(LINES_MAX) as usize);
        let mut spare = Vec::new();
        for pass in 0..passes {
            let members = pass * step..(pass + 1).saturating_mul(step);
            lines.clear();
            for (drug, place) in drugs.iter().zip(0..) {
                self.tx.each_sale(drug.key, from, to, |sale| {
                    if members.contains(&sale.member_key) {
                        lines.push(Taken {
                            member: sale.member_key,
                            day: sale.day,
                            drug: place,
                            // The import takes no larger ones.
                            quantity_milli: sale.quantity_milli as i32,
                            amount_fen: sale.amount_fen,
                        });
                    }
                })?;
            }
            sort_by_member(&mut lines, &mut spare);
            for of_member in lines.chunk_by_mut(|a, b| a.member == b.member) {
                // The sales of one drug come by day already.
                if !of_member.is_sorted_by_key(|line| line.day) {
                    of_member.sort_by_key(|line| line.day);
                }
                take(of_member[0].member, of_member);
            }
        }
        Ok(())
    }

    fn medicine(
        &mut self,
        ingredients: &[String],
        statuses: &[MedicineStatus],
    ) -> Result<Vec<u32>, StorageError> {
        if self.regimens.is_none() {
            self.regimens = Some(regimens(self.tx)?);
        }
        let Some(regimens) = &self.regimens else {
            return Ok(Vec::new());
        };
        let ingredients: BTreeSet<&str> = if ingredients.is_empty() {
            let of_drugs = self.drugs.iter().filter_map(|drug| drug.ingredient.as_deref());
            let of_regimens = regimens
                .values()
                .flatten()
                .map(|regimen| regimen.ingredient.as_str());
            of_drugs.chain(of_regimens).collect()
        } else {
            ingredients.iter().map(String::as_str).collect()
        };
        let period = i32::MIN..=day_number(self.as_of);
        let mut run_outs = RunOuts::new(self.as_of, self.rules);
        let mut found = Vec::new();
        for ingredient in ingredients {
            let drugs: Vec<&DrugFacts> = self
                .drugs
                .iter()
                .filter(|drug| drug.ingredient.as_deref() == Some(ingredient))
                .collect();
            let doses: Vec<DrugDose> = drugs.iter().map(|drug| dose(drug)).collect();
            let mut told: FxHashMap<u32, &Regimen> = regimens
                .iter()
                .filter_map(|(member, of_member)| {
                    let regimen = of_member.iter().find(|regimen| regimen.ingredient == ingredient);
                    Some((*member, regimen?))
                })
                .collect();
            let mut judge = |member: u32, fills: &[Fill], regimen: Option<&Regimen>| {
                if run_outs
                    .status(fills, regimen)
                    .is_some_and(|status| statuses.contains(&status))
                {
                    found.push(member);
                }
            };
            let mut fills = Vec::new();
            self.each_member(&drugs, &period, |member, lines| {
                fills.clear();
                fills.extend(lines.iter().map(|line| Fill {
                    day: line.day,
                    quantity_milli: line.quantity_milli.into(),
                    drug: doses[line.drug as usize],
                }));
                judge(member, &fills, told.remove(&member));
            })?;
            // Members who never bought it have the regimen that they told.
            for (member, regimen) in told {
                judge(member, &[], Some(regimen));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// Bits of a member's key that one pass of [`sort_by_member`] looks at.
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;

/// Sorts lines by member and leaves those of one member in their order: a radix sort, for there are
/// millions and comparing them is most of the work. `spare` is space to use again.
fn sort_by_member(lines: &mut Vec<Taken>, spare: &mut Vec<Taken>) {
    let highest = lines.iter().map(|line| line.member).max().unwrap_or(0);
    for shift in (0..u32::BITS - highest.leading_zeros()).step_by(DIGIT_BITS as usize) {
        let digit = |line: &Taken| (line.member >> shift) as usize % DIGITS;
        let mut places = [0_usize; DIGITS];
        for line in lines.iter() {
            places[digit(line)] += 1;
        }
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        spare.clear();
        spare.resize(lines.len(), NO_LINE);
        for line in lines.iter() {
            let place = &mut places[digit(line)];
            spare[*place] = *line;
            *place += 1;
        }
        std::mem::swap(lines, spare);
    }
}

/// What a member bought of the goods on one day.
#[derive(Debug, Clone, Copy)]
struct DaySum {
    day: i32,
    quantity_milli: i64,
    amount_fen: i64,
}

fn reaches(days: &[DaySum], at_least: Amounts) -> bool {
    let times = || days.iter().filter(|day| day.quantity_milli > 0).count() as i64;
    let units_milli = || days.iter().map(|day| day.quantity_milli).sum::<i64>();
    let fen = || days.iter().map(|day| day.amount_fen).sum::<i64>();
    at_least.times.is_none_or(|min| times() >= min)
        && at_least.units_milli.is_none_or(|min| units_milli() >= min)
        && at_least.fen.is_none_or(|min| fen() >= min)
}

fn is_of(drug: &DrugFacts, goods: &Goods) -> bool {
    let one_of =
        |value: Option<&String>, values: &[String]| value.is_some_and(|value| values.contains(value));
    match goods {
        Goods::Drug(ids) => ids.contains(&drug.drug_id),
        Goods::Ingredient(names) => one_of(drug.ingredient.as_ref(), names),
        Goods::Category(names) => one_of(drug.category.as_ref(), names),
    }
}

fn dose(drug: &DrugFacts) -> DrugDose {
    DrugDose {
        drug_key: i64::from(drug.key),
        units_per_pack_milli: drug.units_per_pack_milli,
        daily_units_milli: drug.daily_units_milli,
    }
}

/// The regimens of members who have some.
fn regimens(tx: &Tx<'_>) -> Result<FxHashMap<u32, Vec<Regimen>>, StorageError> {
    let mut regimens = FxHashMap::default();
    tx.each_regimens(|key, body| {
        let read = serde_json::from_str(body).map_err(|error| StorageError::Record {
            entity: "regimens",
            id: format!("of member key {key}"),
            reason: error.to_string(),
        })?;
        regimens.insert(key, read);
        Ok::<_, StorageError>(())
    })?;
    Ok(regimens)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_of_a_member_come_together_and_stay_in_order(members in prop::collection::vec(
            prop_oneof![0_u32..5, any::<u32>()], 0..200,
        )) {
            let line = |(member, day): (u32, i32)| Taken { member, day, ..NO_LINE };
            let mut lines: Vec<Taken> = members.iter().copied().zip(0..).map(line).collect();
            sort_by_member(&mut lines, &mut Vec::new());
            let mut expected: Vec<(u32, i32)> = members.into_iter().zip(0..).collect();
            expected.sort_unstable();
            let sorted: Vec<(u32, i32)> = lines.iter().map(|line| (line.member, line.day)).collect();
            prop_assert_eq!(sorted, expected);
        }
    }
}
