//! The rules and the class model that came with the catalogue, read once and kept.

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;
use yaoban_domain::calendar::{Calendar, day_number};
use yaoban_domain::model::ClassModel;
use yaoban_domain::rules::Rules;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::row::entity;

use super::Tx;
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

impl Tx<'_> {
    /// New settings, if this transaction wrote the rules or the model. All figures are then computed
    /// anew, and with another time zone the business days of instants.
    pub(super) fn changed_settings(&self) -> Result<Option<Settings>> {
        if !self.settings_changed.get() {
            return Ok(None);
        }
        let settings = Settings::read(self)?;
        super::meta::remove(self, super::meta::FIGURES_OF)?;
        if settings.calendar != self.calendar {
            recompute_days(self, settings.calendar)?;
        }
        Ok(Some(settings))
    }
}

fn recompute_days(conn: &Connection, calendar: Calendar) -> Result<()> {
    for (table, key, instant) in [
        ("reading", "reading_key", "taken_at_ms"),
        ("attempt", "attempt_key", "started_at_ms"),
        ("send", "send_key", "at_ms"),
    ] {
        let rows: Vec<(i64, i64)> = conn
            .prepare(&format!("SELECT {key}, {instant} FROM {table}"))?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut update = conn.prepare(&format!("UPDATE {table} SET day = ?2 WHERE {key} = ?1"))?;
        for (key, at_ms) in rows {
            update.execute(rusqlite::params![key, day_number(calendar.day(at_ms))])?;
        }
    }
    Ok(())
}
