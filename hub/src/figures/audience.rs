//! Which members a rule selects at a date, over the whole chain. The rule runs as SQL (the one
//! compiler of the audience language); what it asks beyond the tables is worked out first.

use std::sync::Arc;

use chrono::NaiveDate;
use rustc_hash::FxHashMap;
use yaoban_domain::audience::Audience;
use yaoban_domain::audience::sql::compile_with_sets;
use yaoban_domain::codes::{Care, Code as _};
use yaoban_domain::rules::Rules;

use super::Chain;
use super::derived::{Leaning, all_leanings, chronic};
use super::sets::Sets;
use crate::storage::StorageError;
use crate::storage::sqlite::screen::{CodeColumn, DerivedColumns, NumberColumn};
use crate::storage::sqlite::{Database, Tx};

/// The derived columns of one evaluation.
struct Columns {
    chain: Option<Chain>,
    chronic: Option<Vec<bool>>,
    leanings: FxHashMap<u32, Leaning>,
}

impl DerivedColumns for Columns {
    fn number(&self, column: NumberColumn, key: u32) -> Option<i64> {
        let member = || self.chain.as_ref()?.member(key);
        let leaning = self.leanings.get(&key);
        match column {
            NumberColumn::Recency => member()?.0.recency,
            NumberColumn::Frequency => Some(member()?.0.frequency),
            NumberColumn::MonetaryFen => Some(member()?.0.monetary_fen),
            NumberColumn::BasketFen => member()?.0.basket_fen,
            NumberColumn::ValueIndex => Some(i64::from(member()?.1.value_index)),
            NumberColumn::BrandLoyal => leaning?.brand_loyal.map(i64::from),
            NumberColumn::Regular => leaning?.regular.map(i64::from),
        }
    }

    fn code(&self, column: CodeColumn, key: u32) -> Option<&'static str> {
        let leaning = self.leanings.get(&key);
        match column {
            CodeColumn::Class => Some(self.chain.as_ref()?.member(key)?.1.class.code()),
            CodeColumn::Care => {
                let chronic = *self.chronic.as_ref()?.get(key as usize)?;
                Some(if chronic { Care::Chronic } else { Care::General }.code())
            }
            CodeColumn::PriceLeaning => leaning?.price.map(yaoban_domain::codes::Code::code),
            CodeColumn::Testing => Some(leaning?.testing.code()),
            CodeColumn::Severity => leaning?.severity.map(yaoban_domain::codes::Code::code),
        }
    }
}

/// The keys of the members that a rule selects at a date, ascending. The classes are those fitted at
/// the same date.
pub fn select_keys(
    database: &Database,
    audience: &Audience,
    as_of: NaiveDate,
    rules: &Rules,
) -> Result<Vec<u32>, StorageError> {
    database.read_apart(|tx| keys(tx, audience, as_of, rules))
}

/// The ids of the members that a rule selects at a date, ascending.
pub fn select(
    database: &Database,
    audience: &Audience,
    as_of: NaiveDate,
    rules: &Rules,
) -> Result<Vec<String>, StorageError> {
    database.read_apart(|tx| {
        let mut ids = Vec::new();
        for some in keys(tx, audience, as_of, rules)?.chunks(4096) {
            ids.extend(tx.homes(some)?.into_iter().map(|(_, id)| id));
        }
        ids.sort_unstable();
        Ok(ids)
    })
}

fn keys(tx: &Tx<'_>, audience: &Audience, as_of: NaiveDate, rules: &Rules) -> Result<Vec<u32>, StorageError> {
    let compiled = compile_with_sets(audience, as_of, rules);
    let needs = compiled.needs;
    let needs_chain = needs.figures || needs.classes || needs.leanings;
    let chain = needs_chain.then(|| Chain::load(tx, as_of, rules)).transpose()?;
    if !compiled.sets.is_empty() {
        let mut sets = Sets::new(tx, as_of, &rules.medicine)?;
        for (number, condition) in compiled.sets.iter().enumerate() {
            tx.provide_set(number, &sets.members(condition)?)?;
        }
    }
    let mut columns = Columns {
        chain: None,
        chronic: None,
        leanings: FxHashMap::default(),
    };
    if needs.care {
        columns.chronic = Some(chronic(tx, as_of, rules)?);
    }
    if let Some(chain) = chain.as_ref().filter(|_| needs.leanings) {
        columns.leanings = all_leanings(tx, chain)?;
    }
    columns.chain = chain;
    tx.provide_members(&Arc::new(columns))?;
    let mut keys = tx.select_members(&compiled)?;
    keys.sort_unstable();
    Ok(keys)
}
