//! A reading while it is typed: what may be chosen, whether the numbers can be, what they say.

use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::codes::{Code as _, ReadingKind};
use yaoban_domain::health::{Measure, check_entry, default_context, numbers, raises_alarm};
use yaoban_domain::model::{Member, Reading, Template};
use yaoban_protocol::row::entity;

use super::find::require_member;
use super::readings::{NewReading, ReadingRow, contexts_of, reading_of, row_of_reading, values_of};
use super::tasks::{Script, filled};
use super::work::Work;
use super::{Acting, AppResult, ClerkApp};
use crate::store::{Result, rows};

/// What a reading of a kind is typed into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadingForm {
    /// `bp` or `glucose`.
    pub kind: &'static str,
    /// Its numbers, in the order in which they are typed.
    pub numbers: Vec<ReadingNumber>,
    /// The contexts that may be chosen, as codes.
    pub contexts: Vec<&'static str>,
    /// What it counts as if none is chosen.
    pub default_context: &'static str,
}

/// A number of a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadingNumber {
    /// `systolic`, `diastolic` (mmHg) or `glucose` (tenths of mmol/L).
    pub field: &'static str,
    /// The lowest possible value.
    pub min: u16,
    /// The highest possible value.
    pub max: u16,
}

/// How far a reading is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// Something is still missing; more digits can make it possible.
    Incomplete,
    /// Nobody has such a value, whatever is typed now.
    Impossible,
    /// It can be stored.
    Possible,
}

/// What a reading says before it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadingCheck {
    /// How far it is.
    pub state: EntryState,
    /// The reading with its grade; none unless it is possible.
    pub reading: Option<ReadingRow>,
    /// Stored now it would raise an alarm.
    pub alarm: bool,
    /// What the chain advises at this grade.
    pub advice: Option<Script>,
    /// Why it is impossible, as the code of the refusal.
    pub reason: Option<&'static str>,
    /// Values for the reason's wording: the number, and its lowest and highest possible value.
    pub values: Vec<(String, String)>,
}

impl ClerkApp {
    /// What readings are typed into, one form for each kind.
    pub fn reading_forms(&self) -> Vec<ReadingForm> {
        let rules = &self.settings().rules.health;
        let form = |kind: &ReadingKind| ReadingForm {
            kind: kind.code(),
            numbers: numbers(*kind, rules)
                .into_iter()
                .map(|number| ReadingNumber {
                    field: number.name,
                    min: number.possible.0,
                    max: number.possible.1,
                })
                .collect(),
            contexts: contexts_of(*kind),
            default_context: default_context(*kind).code(),
        };
        ReadingKind::ALL.iter().map(form).collect()
    }

    /// What a reading says while it is typed. Nothing is stored.
    pub fn check_reading(&self, member_id: &str, new: &NewReading) -> AppResult<ReadingCheck> {
        let acting = self.acting()?;
        self.store.read(|conn| {
            let (_, member) = require_member(conn, member_id, acting.now_ms)?;
            let reading = reading_of(&acting, &member, new, String::new())?;
            let rules = &acting.settings.rules.health;
            Ok(match check_entry(&reading, rules) {
                Err(error) => ReadingCheck {
                    reason: Some(error.code()),
                    values: values_of(error),
                    ..ReadingCheck::of(EntryState::Impossible)
                },
                Ok(None) => ReadingCheck::of(EntryState::Incomplete),
                Ok(Some(_)) => ReadingCheck {
                    alarm: raises_alarm(&reading, acting.now_ms, rules),
                    advice: advice(conn, &reading, &member, &acting)?,
                    reading: Some(row_of_reading(&reading, &member, &acting.settings)),
                    ..ReadingCheck::of(EntryState::Possible)
                },
            })
        })
    }
}

impl ReadingCheck {
    fn of(state: EntryState) -> Self {
        Self {
            state,
            reading: None,
            alarm: false,
            advice: None,
            reason: None,
            values: Vec::new(),
        }
    }
}

/// What the chain advises at a reading's grade: its script `advice.<kind>.<grade>`, filled in.
pub(super) fn advice(
    conn: &Connection,
    reading: &Reading,
    member: &Member,
    acting: &Acting,
) -> Result<Option<Script>> {
    let Some(measure) = Measure::of(reading) else {
        return Ok(None);
    };
    let grade = measure.grade(&acting.settings.rules.health);
    let id = format!("advice.{}.{grade}", reading.kind.code());
    let Some(script) = rows::record::<Template>(conn, entity::TEMPLATE, &id)? else {
        return Ok(None);
    };
    let (store, chain) = Work::names(conn)?;
    let values = [
        ("name", member.name.as_str()),
        ("store", &store),
        ("chain", &chain),
        ("clerk", &acting.staff.name),
    ];
    Ok(Some(filled(script, &values)))
}
