//! What a rule may ask of a member beyond its figures: chronic or general, leanings. Made for the whole
//! chain at once, and only if the rule asks.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rustc_hash::FxHashMap;
use yaoban_domain::calendar::{day_number, is_in_window};
use yaoban_domain::class::care;
use yaoban_domain::codes::{Care, PriceLeaning, Severity, Testing};
use yaoban_domain::health::Taken;
use yaoban_domain::leaning::{BoughtLine, DrugSales, leanings, price_ranks_ppm};
use yaoban_domain::rules::Rules;

use super::{Chain, damaged, words};
use crate::storage::StorageError;
use crate::storage::packed::lines::{self, PackedLine};
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scan::DrugFacts;

/// Leanings of one member, without the names that only a profile shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaning {
    pub brand_loyal: Option<bool>,
    pub price: Option<PriceLeaning>,
    pub regular: Option<bool>,
    pub testing: Testing,
    pub severity: Option<Severity>,
}

/// Whether each member is chronic, by key.
pub(super) fn chronic(tx: &Tx<'_>, as_of: NaiveDate, rules: &Rules) -> Result<Vec<bool>, StorageError> {
    let today = day_number(as_of);
    let fills = chronic_fills(tx, today - rules.class.chronic_fill_days as i32, today)?;
    let readings = readings(tx, today - rules.class.chronic_reading_days as i32, today)?;
    let mut chronic = vec![false; tx.last_member_key()? as usize + 1];
    tx.each_person(today, |person| {
        let Some(is_chronic) = chronic.get_mut(person.key as usize) else {
            return;
        };
        let first = fills.partition_point(|fill| fill.0 < person.key);
        let fills = fills[first..].iter().take_while(|fill| fill.0 == person.key);
        let readings = readings.get(&person.key).map_or(&[][..], Vec::as_slice);
        let readings = readings.iter().map(|taken| (taken.day, taken.measure));
        let found = care(
            &words(person.diseases),
            fills.map(|fill| fill.1),
            readings,
            as_of,
            rules,
        );
        *is_chronic = found == Care::Chronic;
    })?;
    Ok(chronic)
}

/// A member, and what it bought: number of the ingredient, day, packs in thousandths (negative for a
/// return).
type Fill = (u32, (u32, i32, i64));

/// What was bought of chronic ingredients in a period, by member.
fn chronic_fills(tx: &Tx<'_>, from_day: i32, to_day: i32) -> Result<Vec<Fill>, StorageError> {
    let mut ingredients: FxHashMap<String, u32> = FxHashMap::default();
    let mut fills = Vec::new();
    for drug in tx.drug_facts()?.into_iter().filter(|drug| drug.chronic) {
        let Some(ingredient) = drug.ingredient else {
            continue;
        };
        let next = ingredients.len() as u32;
        let number = *ingredients.entry(ingredient).or_insert(next);
        tx.each_sale(drug.key, from_day, to_day, |sale| {
            fills.push((sale.member_key, (number, sale.day, sale.quantity_milli)));
        })?;
    }
    fills.sort_unstable_by_key(|fill| fill.0);
    Ok(fills)
}

fn readings(tx: &Tx<'_>, from_day: i32, to_day: i32) -> Result<FxHashMap<u32, Vec<Taken>>, StorageError> {
    let mut readings: FxHashMap<u32, Vec<Taken>> = FxHashMap::default();
    tx.each_reading(from_day, to_day, |key, taken| {
        readings.entry(key).or_default().push(taken);
    })?;
    Ok(readings)
}

pub(super) fn by_key(drugs: Vec<DrugFacts>) -> FxHashMap<u32, DrugFacts> {
    drugs.into_iter().map(|drug| (drug.key, drug)).collect()
}

/// The leanings of every member who exists.
pub(super) fn all_leanings(tx: &Tx<'_>, chain: &Chain) -> Result<FxHashMap<u32, Leaning>, StorageError> {
    let rules = &chain.rules;
    let today = day_number(chain.as_of);
    let drugs = by_key(tx.drug_facts()?);
    let ranks = price_ranks(tx, chain, &drugs)?;
    let oldest = rules.leaning.testing_days.max(rules.class.reading_age_days_max) as i32;
    let mut readings = readings(tx, today - oldest, today)?;
    let mut found = FxHashMap::default();
    tx.each_lines::<StorageError>(|key, packed| {
        if chain.exists(key) {
            let lines = lines::read(packed).map_err(damaged(key))?;
            let readings = readings.remove(&key).unwrap_or_default();
            found.insert(key, leaning(&lines, &readings, &drugs, &ranks, chain));
        }
        Ok(())
    })?;
    // Members who never bought lean by their readings alone.
    tx.each_person(today, |person| {
        found.entry(person.key).or_insert_with(|| {
            let readings = readings.remove(&person.key).unwrap_or_default();
            leaning(&[], &readings, &drugs, &ranks, chain)
        });
    })?;
    Ok(found)
}

fn leaning(
    packed: &[PackedLine<'_>],
    readings: &[Taken],
    drugs: &FxHashMap<u32, DrugFacts>,
    ranks: &BTreeMap<u32, u32>,
    chain: &Chain,
) -> Leaning {
    let mut bought: Vec<BoughtLine<'_>> = packed
        .iter()
        .map(|line| {
            let drug = drugs.get(&line.drug_key);
            BoughtLine {
                day: line.day,
                drug_key: (line.drug_key != 0).then_some(i64::from(line.drug_key)),
                ingredient: drug.and_then(|drug| drug.ingredient.as_deref()),
                manufacturer: drug.and_then(|drug| drug.manufacturer.as_deref()),
                price_rank_ppm: ranks.get(&line.drug_key).copied(),
                quantity_milli: line.quantity_milli,
            }
        })
        .collect();
    let days = packed
        .chunk_by(|a, b| a.day == b.day)
        .map(|of_day| (of_day[0].day, of_day.iter().map(|line| line.amount_fen).sum()));
    let found = leanings(&mut bought, days, readings, chain.as_of, &chain.rules);
    Leaning {
        brand_loyal: found.brand_loyal,
        price: found.price,
        regular: found.regular,
        testing: found.testing,
        severity: found.severity,
    }
}

/// The price rank of each drug, from what the chain sold in the window to members who exist.
pub(super) fn price_ranks(
    tx: &Tx<'_>,
    chain: &Chain,
    drugs: &FxHashMap<u32, DrugFacts>,
) -> Result<BTreeMap<u32, u32>, StorageError> {
    let today = day_number(chain.as_of);
    let window_days = chain.rules.class.window_days;
    let from = today.saturating_sub(i32::try_from(window_days).unwrap_or(i32::MAX));
    let mut sold: FxHashMap<u32, (i64, i64)> = FxHashMap::default();
    for key in drugs.keys() {
        let sums = sold.entry(*key).or_default();
        tx.each_sale(*key, from, today, |sale| {
            if chain.exists(sale.member_key) && is_in_window(sale.day, chain.as_of, window_days) {
                sums.0 = sums.0.saturating_add(sale.quantity_milli);
                sums.1 = sums.1.saturating_add(sale.amount_fen);
            }
        })?;
    }
    Ok(price_ranks_ppm(sold.into_iter().filter_map(
        |(key, (quantity_milli, amount_fen))| {
            let drug = drugs.get(&key)?;
            Some(DrugSales {
                drug: key,
                ingredient: drug.ingredient.as_deref(),
                units_per_pack_milli: drug.units_per_pack_milli,
                quantity_milli,
                amount_fen,
            })
        },
    )))
}
