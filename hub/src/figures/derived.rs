//! What a rule may ask of a member beyond its figures: chronic or general, leanings, medicines. Made
//! for the whole chain at once, and only if the rule asks.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use yaoban_domain::calendar::{day_number, is_in_window};
use yaoban_domain::class::care;
use yaoban_domain::codes::{Care, PriceLeaning, Severity, Testing};
use yaoban_domain::health::Taken;
use yaoban_domain::leaning::{BoughtLine, DrugSales, leanings, price_ranks_ppm};
use yaoban_domain::medicine::{DrugDose, Fill, run_out};
use yaoban_domain::model::Regimen;

use super::{Chain, damaged, words};
use crate::storage::StorageError;
use crate::storage::packed::lines::{self, PackedLine};
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scan::DrugFacts;
use crate::storage::sqlite::screen::MedicineRow;

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
pub(super) fn chronic(tx: &Tx<'_>, chain: &Chain) -> Result<Vec<bool>, StorageError> {
    let rules = &chain.rules;
    let today = day_number(chain.as_of);
    let mut ingredients: FxHashMap<String, u32> = FxHashMap::default();
    let mut fills: FxHashMap<u32, Vec<(u32, i32, i64)>> = FxHashMap::default();
    tx.each_chronic_fill(
        today - rules.class.chronic_fill_days as i32,
        today,
        |key, ingredient, day, quantity| {
            let number = ingredients.get(ingredient).copied().unwrap_or_else(|| {
                let number = ingredients.len() as u32;
                ingredients.insert(ingredient.to_owned(), number);
                number
            });
            fills.entry(key).or_default().push((number, day, quantity));
        },
    )?;
    let readings = readings(tx, today - rules.class.chronic_reading_days as i32, today)?;
    let mut chronic = vec![false; chain.slots.len()];
    tx.each_person(today, |person| {
        let Some(is_chronic) = chronic.get_mut(person.key as usize) else {
            return;
        };
        let fills = fills.get(&person.key).map_or(&[][..], Vec::as_slice);
        let readings = readings.get(&person.key).map_or(&[][..], Vec::as_slice);
        let readings = readings.iter().map(|taken| (taken.day, taken.measure));
        let found = care(
            &words(person.diseases),
            fills.iter().copied(),
            readings,
            chain.as_of,
            rules,
        );
        *is_chronic = found == Care::Chronic;
    })?;
    Ok(chronic)
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
    let mut sold: FxHashMap<u32, (i64, i64)> = FxHashMap::default();
    tx.each_lines::<StorageError>(|key, packed| {
        if chain.exists(key) {
            for line in lines::read(packed).map_err(damaged(key))? {
                if is_in_window(line.day, chain.as_of, chain.rules.class.window_days) {
                    let sums = sold.entry(line.drug_key).or_default();
                    sums.0 = sums.0.saturating_add(line.quantity_milli);
                    sums.1 = sums.1.saturating_add(line.amount_fen);
                }
            }
        }
        Ok(())
    })?;
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

/// Fills the table `medicine`: of these ingredients, or (none given) of all.
pub(super) fn put_medicines(
    tx: &Tx<'_>,
    chain: &Chain,
    wanted: &BTreeSet<String>,
) -> Result<(), StorageError> {
    let drugs = by_key(tx.drug_facts()?);
    let mut regimens: FxHashMap<u32, Vec<Regimen>> = FxHashMap::default();
    tx.each_regimens(|key, body| {
        let read = serde_json::from_str(body).map_err(|error| StorageError::Record {
            entity: "regimens",
            id: format!("of member key {key}"),
            reason: error.to_string(),
        })?;
        regimens.insert(key, read);
        Ok::<_, StorageError>(())
    })?;
    let is_wanted = |ingredient: &str| wanted.is_empty() || wanted.contains(ingredient);
    let put = |key: u32, fills: &BTreeMap<&str, Vec<Fill>>, regimens: &[Regimen]| {
        let known = fills
            .keys()
            .copied()
            .chain(regimens.iter().map(|regimen| regimen.ingredient.as_str()));
        for ingredient in known
            .filter(|ingredient| is_wanted(ingredient))
            .collect::<BTreeSet<&str>>()
        {
            let regimen = regimens.iter().find(|regimen| regimen.ingredient == ingredient);
            let fills = fills.get(ingredient).map_or(&[][..], Vec::as_slice);
            let state = run_out(fills, regimen, chain.as_of, &chain.rules.medicine);
            tx.put_medicine(&MedicineRow {
                member_key: key,
                ingredient,
                end_day: state.end.map(day_number),
                estimated: state.estimated,
            })?;
        }
        Ok::<_, StorageError>(())
    };
    tx.provide_medicines()?;
    tx.each_lines::<StorageError>(|key, packed| {
        if !chain.exists(key) {
            return Ok(());
        }
        let mut fills: BTreeMap<&str, Vec<Fill>> = BTreeMap::new();
        for line in lines::read(packed).map_err(damaged(key))? {
            if let Some(drug) = drugs.get(&line.drug_key)
                && let Some(ingredient) = drug
                    .ingredient
                    .as_deref()
                    .filter(|ingredient| is_wanted(ingredient))
            {
                fills.entry(ingredient).or_default().push(Fill {
                    day: line.day,
                    quantity_milli: line.quantity_milli,
                    drug: DrugDose {
                        drug_key: i64::from(line.drug_key),
                        units_per_pack_milli: drug.units_per_pack_milli,
                        daily_units_milli: drug.daily_units_milli,
                    },
                });
            }
        }
        put(key, &fills, &regimens.remove(&key).unwrap_or_default())
    })?;
    // Members who never bought have the regimens that they told.
    for (key, regimens) in regimens {
        if chain.exists(key) {
            put(key, &BTreeMap::new(), &regimens)?;
        }
    }
    Ok(())
}
