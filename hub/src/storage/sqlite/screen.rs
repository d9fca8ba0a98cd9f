//! Which members a statement of the audience compiler selects: the view `v_member` and the table
//! `medicine`, as of the evaluation's date, over values that the caller holds in memory.

use rusqlite::functions::FunctionFlags;
use rusqlite::params;
use rusqlite::types::Value;
use yaoban_domain::audience::sql::{CompiledSql, SqlValue};

use super::Tx;
use crate::storage::StorageError;

/// The derived columns of `v_member`, by member key.
pub(crate) trait DerivedColumns: Send + Sync + 'static {
    /// A number; none where unknown.
    fn number(&self, column: NumberColumn, key: u32) -> Option<i64>;
    /// A code; none where unknown.
    fn code(&self, column: CodeColumn, key: u32) -> Option<&'static str>;
}

/// Derived columns that hold numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberColumn {
    Recency,
    Frequency,
    MonetaryFen,
    BasketFen,
    ValueIndex,
    BrandLoyal,
    Regular,
}

/// Derived columns that hold codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeColumn {
    Care,
    Class,
    PriceLeaning,
    Testing,
    Severity,
}

const NUMBERS: [(&str, NumberColumn); 7] = [
    ("recency", NumberColumn::Recency),
    ("frequency", NumberColumn::Frequency),
    ("monetary_fen", NumberColumn::MonetaryFen),
    ("basket_fen", NumberColumn::BasketFen),
    ("value_index", NumberColumn::ValueIndex),
    ("brand_loyal", NumberColumn::BrandLoyal),
    ("regular", NumberColumn::Regular),
];
const CODES: [(&str, CodeColumn); 5] = [
    ("care", CodeColumn::Care),
    ("class", CodeColumn::Class),
    ("price_leaning", CodeColumn::PriceLeaning),
    ("testing", CodeColumn::Testing),
    ("severity", CodeColumn::Severity),
];

/// How a medicine stands for a member.
#[derive(Debug, Clone)]
pub(crate) struct MedicineRow<'a> {
    pub member_key: u32,
    pub ingredient: &'a str,
    pub end_day: Option<i32>,
    pub estimated: bool,
}

impl Tx<'_> {
    /// Makes `v_member` over derived columns. For a connection of its own.
    pub(crate) fn provide_members(
        &self,
        columns: &std::sync::Arc<impl DerivedColumns>,
    ) -> Result<(), StorageError> {
        let connection = self.connection();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        for (name, column) in NUMBERS {
            let columns = columns.clone();
            connection.create_scalar_function(
                format!("figure_{name}").as_str(),
                1,
                flags,
                move |context| Ok(columns.number(column, context.get(0)?)),
            )?;
        }
        for (name, column) in CODES {
            let columns = columns.clone();
            connection.create_scalar_function(
                format!("figure_{name}").as_str(),
                1,
                flags,
                move |context| Ok(columns.code(column, context.get(0)?)),
            )?;
        }
        let derived: Vec<String> = NUMBERS
            .iter()
            .map(|(name, _)| name)
            .chain(CODES.iter().map(|(name, _)| name))
            .map(|name| format!("figure_{name}(member_key) AS {name}"))
            .collect();
        connection.execute_batch(&format!(
            "CREATE TEMP VIEW v_member AS
             SELECT member_key, member_id, store_id, sex, birthday_ymd, joined_day, tags, diseases, {}
             FROM main.member WHERE erased = 0",
            derived.join(", ")
        ))?;
        Ok(())
    }

    /// Makes the empty table `medicine`. For a connection of its own.
    pub(crate) fn provide_medicines(&self) -> Result<(), StorageError> {
        Ok(self.connection().execute_batch(
            "CREATE TEMP TABLE medicine (member_key INTEGER NOT NULL, ingredient TEXT NOT NULL, end_day INTEGER,
                estimated INTEGER NOT NULL, PRIMARY KEY (member_key, ingredient)) WITHOUT ROWID",
        )?)
    }

    /// Adds to the table `medicine`.
    pub(crate) fn put_medicine(&self, row: &MedicineRow<'_>) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO temp.medicine VALUES (?1, ?2, ?3, ?4)",
            params![row.member_key, row.ingredient, row.end_day, row.estimated],
        )
    }

    /// The keys of the members that a compiled audience selects, in no order.
    pub(crate) fn select_members(&self, compiled: &CompiledSql) -> Result<Vec<u32>, StorageError> {
        let values: Vec<Value> = compiled
            .params
            .iter()
            .map(|value| match value {
                SqlValue::Integer(number) => Value::Integer(*number),
                SqlValue::Text(text) => Value::Text(text.clone()),
            })
            .collect();
        self.all(&compiled.sql, rusqlite::params_from_iter(values), |row| {
            row.get(0)
        })
    }
}
