//! Figures, scores and classes of all members at any date, from one scan of the packed rows.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`audience`] | which members a rule selects |
//! | [`derived`] | what a rule may ask beyond the classes: chronic or general, leanings |
//! | [`sets`] | conditions on purchases and medicines |

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rustc_hash::FxHashMap;
use yaoban_domain::calendar::day_number;
use yaoban_domain::class::{
    Board, Figures, FitInput, HealthInput, Verdict, basket_fen, classify, figures, fit, health_need, scores,
};
use yaoban_domain::codes::ReadingKind;
use yaoban_domain::health::{Latest, Taken};
use yaoban_domain::model::CutPoints;
use yaoban_domain::rules::Rules;

use crate::storage::StorageError;
use crate::storage::packed::{Damaged, days};
use crate::storage::sqlite::Tx;

pub mod audience;
mod derived;
mod sets;

/// What is known of one member, small enough for a chain to stand in memory (24 bytes).
#[derive(Debug, Clone, Copy)]
struct Slot {
    monetary_fen: i64,
    /// -1 where unknown.
    recency: i32,
    frequency: i32,
    /// Health need, 0 where unknown.
    health: u8,
    exists: bool,
}

const NOBODY: Slot = Slot {
    monetary_fen: 0,
    recency: -1,
    frequency: 0,
    health: 0,
    exists: false,
};

impl Slot {
    fn figures(&self) -> Figures {
        let frequency = i64::from(self.frequency);
        Figures {
            recency: (self.recency >= 0).then_some(i64::from(self.recency)),
            frequency,
            monetary_fen: self.monetary_fen,
            basket_fen: basket_fen(self.monetary_fen, frequency),
        }
    }

    fn health(&self) -> Option<u8> {
        (self.health > 0).then_some(self.health)
    }
}

/// All members who exist at a date, with their figures and the cut points over them.
#[derive(Debug)]
pub struct Chain {
    as_of: NaiveDate,
    rules: Rules,
    slots: Vec<Slot>,
    /// The cut points; none if no member is active.
    pub cut_points: Option<CutPoints>,
    /// Members who exist.
    pub members: usize,
    /// Members who are active.
    pub active: usize,
}

fn damaged(key: u32) -> impl Fn(Damaged) -> StorageError {
    move |error| StorageError::Record {
        entity: "purchases",
        id: format!("of member key {key}"),
        reason: error.to_string(),
    }
}

impl Chain {
    /// Reads the chain as of a date and fits the cut points over its active members.
    pub fn load(tx: &Tx<'_>, as_of: NaiveDate, rules: &Rules) -> Result<Self, StorageError> {
        let mut slots = vec![NOBODY; tx.last_member_key()? as usize + 1];
        let members = fill_health(tx, as_of, rules, &mut slots)?;
        tx.each_days(|key, packed| {
            let Some(slot) = slots.get_mut(key as usize).filter(|slot| slot.exists) else {
                return Ok(());
            };
            let mut failed = None;
            let entries =
                days::read(packed).map_while(|entry| entry.map_err(|error| failed = Some(error)).ok());
            let found = figures(entries, as_of, &rules.class);
            if let Some(error) = failed {
                return Err(damaged(key)(error));
            }
            slot.recency = found.recency.map_or(-1, |days| days as i32);
            slot.frequency = found.frequency as i32;
            slot.monetary_fen = found.monetary_fen;
            Ok(())
        })?;
        let mut input = FitInput::with_capacity(members);
        for slot in slots.iter().filter(|slot| slot.exists) {
            input.push(&slot.figures());
        }
        let active = input.active();
        Ok(Self {
            as_of,
            rules: rules.clone(),
            slots,
            cut_points: fit(&mut input),
            members,
            active,
        })
    }

    /// The figures and the verdict of a member by its key; none if it does not exist at the date.
    pub fn member(&self, key: u32) -> Option<(Figures, Verdict)> {
        let slot = self.slots.get(key as usize).filter(|slot| slot.exists)?;
        let figures = slot.figures();
        let scores = scores(&figures, self.cut_points.as_ref(), slot.health());
        Some((figures, classify(scores, &self.rules.class)))
    }

    fn exists(&self, key: u32) -> bool {
        self.slots.get(key as usize).is_some_and(|slot| slot.exists)
    }

    /// The dashboard.
    pub fn board(&self) -> Board {
        let mut board = Board::default();
        for key in 0..self.slots.len() as u32 {
            if let Some((figures, verdict)) = self.member(key) {
                board.add(&figures, &verdict);
            }
        }
        board
    }

    /// The price rank of each drug (rules, section 8), by its id.
    pub fn price_ranks_ppm(&self, tx: &Tx<'_>) -> Result<BTreeMap<String, u32>, StorageError> {
        let names = tx.key_names()?;
        let ranks = derived::price_ranks(tx, self, &derived::by_key(tx.drug_facts()?))?;
        Ok(ranks
            .into_iter()
            .filter_map(|(key, rank)| Some((names.drug(key)?.to_owned(), rank)))
            .collect())
    }

    /// The date.
    pub fn as_of(&self) -> NaiveDate {
        self.as_of
    }
}

/// Puts each member who exists at its place, with its health need; gives their number.
fn fill_health(
    tx: &Tx<'_>,
    as_of: NaiveDate,
    rules: &Rules,
    slots: &mut [Slot],
) -> Result<usize, StorageError> {
    let today = day_number(as_of);
    let mut latest: FxHashMap<u32, Latest> = FxHashMap::default();
    tx.each_reading(
        today - rules.class.reading_age_days_max as i32,
        today,
        |key, taken| {
            keep_latest(latest.entry(key).or_default(), taken);
        },
    )?;
    // A chain's members share a few combinations of diseases.
    let mut diseases: FxHashMap<String, Vec<String>> = FxHashMap::default();
    let mut members = 0;
    tx.each_person(today, |person| {
        let Some(slot) = slots.get_mut(person.key as usize) else {
            return;
        };
        slot.exists = true;
        members += 1;
        let latest = latest.get(&person.key).copied().unwrap_or_default();
        if !diseases.contains_key(person.diseases) {
            diseases.insert(person.diseases.to_owned(), words(person.diseases));
        }
        let input = HealthInput {
            diseases: diseases.get(person.diseases).map_or(&[], Vec::as_slice),
            latest,
            height_cm: person.height_cm,
            weight_hg: person.weight_hg,
        };
        slot.health = health_need(&input, as_of, rules).unwrap_or(0);
    })?;
    Ok(members)
}

/// Readings come in the order in which they were taken.
fn keep_latest(latest: &mut Latest, taken: Taken) {
    match taken.measure.kind() {
        ReadingKind::Bp => latest.bp = Some(taken),
        ReadingKind::Glucose => latest.glucose = Some(taken),
    }
}

/// The words of a list at rest (`;a;b;`).
fn words(text: &str) -> Vec<String> {
    text.split(';')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
