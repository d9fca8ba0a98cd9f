//! The rules and the class model that came with the catalogue, read once and kept.

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;
use yaoban_domain::calendar::Calendar;
use yaoban_domain::model::ClassModel;
use yaoban_domain::rules::Rules;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::row::entity;

use super::error::Result;

/// What every rule needs beside its input.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The chain's numbers; the specification's until the catalogue is here.
    pub rules: Rules,
    /// The published class model.
    pub model: ClassModel,
    /// The calendar of the chain's time zone.
    pub calendar: Calendar,
}

impl Settings {
    /// Reads them from the file.
    pub(super) fn read(conn: &Connection) -> Result<Self> {
        let rules: Rules = record(conn, entity::RULES)?.unwrap_or_default();
        let model: ClassModel = record(conn, entity::MODEL)?.unwrap_or_default();
        let calendar = Calendar::new(&rules.time_zone)?;
        Ok(Self {
            rules,
            model,
            calendar,
        })
    }
}

fn record<T: DeserializeOwned>(conn: &Connection, entity: &str) -> Result<Option<T>> {
    let body: Option<Vec<u8>> = conn
        .prepare_cached("SELECT body FROM record WHERE entity = ?1 LIMIT 1")?
        .query_row([entity], |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| from_cbor(&body)).transpose()?)
}
