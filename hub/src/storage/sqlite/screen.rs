//! Which members a statement of the audience compiler selects: the view `v_member` and the sets of
//! members, as of the evaluation's date, over values that the caller holds in memory.

use rusqlite::functions::FunctionFlags;
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
             SELECT member_key, store_id, sex, birthday_ymd, joined_day, tags, diseases, {}
             FROM main.member INDEXED BY member_screen WHERE erased = 0",
            derived.join(", ")
        ))?;
        Ok(())
    }

    /// Makes the table of a set of members (ascending keys) of a compiled audience. For a connection of
    /// its own.
    pub(crate) fn provide_set(&self, number: usize, members: &[u32]) -> Result<(), StorageError> {
        let table = format!("temp.audience_set_{number}");
        let connection = self.connection();
        connection.execute_batch(&format!("CREATE TABLE {table} (member_key INTEGER PRIMARY KEY)"))?;
        let mut statement = connection.prepare(&format!("INSERT INTO {table} VALUES (?1)"))?;
        for member in members {
            statement.execute([member])?;
        }
        Ok(())
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
