//! A reading while it is typed: what may be chosen, whether the numbers can be, what they say.

use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::codes::{Code as _, ReadingKind};
use yaoban_domain::health::{Measure, check_entry, default_context, numbers, raises_alarm};
use yaoban_domain::model::{Member, Reading, Template};
use yaoban_domain::rules::HealthRules;
use yaoban_protocol::row::entity;

use super::find::require_member;
use super::readings::{
    NewReading, ReadingAdded, ReadingRow, contexts_of, parse, reading_of, row_of_reading, values_of,
};
use super::tasks::{Script, filled};
use super::work::Work;
use super::{Acting, AppError, AppResult, ClerkApp};
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
    /// Places behind the point with which it is typed and shown.
    pub decimals: u8,
    /// The lowest possible value.
    pub min: u16,
    /// The highest possible value.
    pub max: u16,
}

/// A reading as the fields of its form hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedReading {
    /// `bp` or `glucose`.
    pub kind: String,
    /// What is typed for each number of the form, in its order; empty: nothing yet.
    pub numbers: Vec<String>,
    /// The context that was chosen; none: the form's default.
    pub context: Option<String>,
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
                    decimals: number.decimals,
                    min: number.possible.0,
                    max: number.possible.1,
                })
                .collect(),
            contexts: contexts_of(*kind),
            default_context: default_context(*kind).code(),
        };
        ReadingKind::ALL.iter().map(form).collect()
    }

    /// What a reading says while it is typed, none while nothing is. Nothing is stored.
    pub fn check_typed(&self, member_id: &str, typed: &TypedReading) -> AppResult<Option<ReadingCheck>> {
        if typed.numbers.iter().all(|number| number.trim().is_empty()) {
            return Ok(None);
        }
        match reading_typed(typed, &self.settings().rules.health)? {
            Ok(new) => self.check_reading(member_id, &new).map(Some),
            Err(field) => Ok(Some(ReadingCheck {
                reason: Some(NOT_A_NUMBER),
                values: vec![("field".to_owned(), field.to_owned())],
                ..ReadingCheck::of(EntryState::Impossible)
            })),
        }
    }

    /// Stores a reading as it was typed: see [`ClerkApp::add_reading`].
    pub fn add_typed(&self, member_id: &str, typed: &TypedReading) -> AppResult<ReadingAdded> {
        match reading_typed(typed, &self.settings().rules.health)? {
            Ok(new) => self.add_reading(member_id, &new),
            Err(field) => Err(AppError::Refused {
                code: NOT_A_NUMBER.to_owned(),
                values: vec![("field".to_owned(), field.to_owned())],
            }),
        }
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

/// The code of a typed number that is none.
const NOT_A_NUMBER: &str = "not_a_number";

/// The reading that the texts of a form make, or the field whose text is no number.
fn reading_typed(
    typed: &TypedReading,
    rules: &HealthRules,
) -> AppResult<std::result::Result<NewReading, &'static str>> {
    let kind: ReadingKind = parse(&typed.kind, "kind")?;
    let mut new = NewReading {
        kind: typed.kind.clone(),
        context: typed.context.clone(),
        ..NewReading::default()
    };
    for (number, text) in numbers(kind, rules).iter().zip(&typed.numbers) {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let Some(value) = fixed_point(text, number.decimals) else {
            return Ok(Err(number.name));
        };
        match number.name {
            "systolic" => new.systolic = Some(value),
            "diastolic" => new.diastolic = Some(value),
            _ => new.glucose_tenths = Some(value),
        }
    }
    Ok(Ok(new))
}

/// A typed number in its smallest unit: with one place 7, 7. and 7.0 are 70, with a point or a comma, in
/// digits of either width. None for anything else, also for more places than there are: what is cut off
/// would be another value.
fn fixed_point(text: &str, decimals: u8) -> Option<u16> {
    let text: String = text.chars().map(narrow).collect();
    let (whole, places) = text.split_once(['.', ',']).unwrap_or((&text, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(places) || places.len() > usize::from(decimals) {
        return None;
    }
    format!("{whole}{places:0<width$}", width = usize::from(decimals))
        .parse()
        .ok()
}

/// A character as a Chinese keyboard may give it, in its narrow form.
pub(super) fn narrow(c: char) -> char {
    match c {
        '０'..='９' | '．' | '，' | '＋' | '－' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '。' => '.',
        '\u{3000}' => ' ',
        _ => c,
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

#[cfg(test)]
mod tests {
    use super::fixed_point;

    #[test]
    fn typed_numbers_are_read_to_their_smallest_unit_and_never_cut() {
        for (text, decimals, value) in [
            ("120", 0, Some(120)),
            ("7", 1, Some(70)),
            ("7.", 1, Some(70)),
            ("7.8", 1, Some(78)),
            ("7,8", 1, Some(78)),
            ("７．８", 1, Some(78)),
            ("7。8", 1, Some(78)),
            ("7.85", 1, None),
            (".8", 1, None),
            ("120.5", 0, None),
            ("12a", 0, None),
            ("+7", 1, None),
            ("7.8.1", 1, None),
            ("99999", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(fixed_point(text, decimals), value, "{text}");
        }
    }
}
