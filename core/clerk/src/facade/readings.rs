//! Readings: one as it shows, the list with its course, and a new one taken at the counter.

use chrono::NaiveDate;
use rusqlite::{Connection, params};
use serde::Serialize;
use yaoban_domain::codes::{Code as _, Open, ReadingContext, ReadingKind};
use yaoban_domain::disease;
use yaoban_domain::health::{
    Measure, ReadingError, bp_target_below, check_plausible, context_fits, default_context, glucose_target,
    is_emergency, mg_dl_to_tenths, numbers, raises_alarm,
};
use yaoban_domain::model::{Member, Reading};
use yaoban_domain::rules::HealthRules;
use yaoban_domain::task::emergency_id;
use yaoban_protocol::op::Op;

use super::entry::advice;
use super::find::require_member;
use super::tasks::Script;
use super::{Acted, Acting, AppError, AppResult, ClerkApp};
use crate::store::{Settings, rows};

/// Readings that a list shows at most.
const READINGS_MAX: u32 = 1_000;
/// Days that a chart goes back.
const TREND_DAYS: u64 = 365;

/// A reading as it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadingRow {
    /// Id.
    pub reading_id: String,
    /// When, UTC.
    pub taken_at_ms: i64,
    /// Business day.
    pub day: NaiveDate,
    /// `bp` or `glucose`.
    pub kind: String,
    /// `office`, `home`, `fasting`, `after_meal`, `random`.
    pub context: String,
    /// mmHg.
    pub systolic: Option<u16>,
    /// mmHg.
    pub diastolic: Option<u16>,
    /// Tenths of mmol/L.
    pub glucose_tenths: Option<u16>,
    /// The value as it is said: 150/95 or 6.1.
    pub value: String,
    /// How it moved since the reading before, as it is said: +5 or -0.3; none: there is none to compare with.
    pub change: Option<String>,
    /// Grade, as a code.
    pub grade: Option<String>,
    /// Meets the member's target.
    pub in_target: Option<bool>,
    /// An emergency by its values.
    pub emergency: bool,
    /// It wants attention: an emergency, or beside the member's target.
    pub stands_out: bool,
    /// Change of the systolic pressure since the reading before, mmHg.
    pub systolic_change: Option<i32>,
    /// Change of the diastolic pressure since the reading before, mmHg.
    pub diastolic_change: Option<i32>,
    /// Change of the glucose since the reading before in the same context, tenths of mmol/L.
    pub glucose_change_tenths: Option<i32>,
    /// Who took it.
    pub staff_id: Option<String>,
}

/// A member's readings, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readings {
    /// The readings.
    pub readings: Vec<ReadingRow>,
    /// Share of them in target, in per cent; none without readings.
    pub in_target_percent: Option<u32>,
    /// Where the values should lie, for each number and context of the kinds asked for.
    pub targets: Vec<TargetBand>,
}

/// Where a number of a member should lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetBand {
    /// `systolic`, `diastolic` (mmHg) or `glucose` (tenths of mmol/L).
    pub field: &'static str,
    /// Places behind the point with which it shows.
    pub decimals: u8,
    /// For readings of this context; none: of every context that is shown.
    pub context: Option<&'static str>,
    /// From this value on; none: however low.
    pub from: Option<u16>,
    /// Up to this value, itself included.
    pub to: u16,
}

/// A reading as it is typed in. Blood pressure in mmHg, glucose in tenths of mmol/L or in mg/dL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewReading {
    /// `bp` or `glucose`.
    pub kind: String,
    /// mmHg.
    pub systolic: Option<u16>,
    /// mmHg.
    pub diastolic: Option<u16>,
    /// Tenths of mmol/L.
    pub glucose_tenths: Option<u16>,
    /// mg/dL, where the device shows that.
    pub glucose_mg_dl: Option<u16>,
    /// `office`, `home`, `fasting`, `after_meal`, `random`; none: office, random.
    pub context: Option<String>,
    /// When, UTC; none: now.
    pub taken_at_ms: Option<i64>,
    /// The reading that this one corrects.
    pub supersedes: Option<String>,
}

/// What became of a new reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadingAdded {
    /// The reading, with its grade.
    pub reading: ReadingRow,
    /// It raises an alarm: the member is to be warned now.
    pub alarm: bool,
    /// What the chain advises at this grade.
    pub advice: Option<Script>,
    /// The same-day pharmacist's task that it raised.
    pub task_id: Option<String>,
    /// The operation.
    pub acted: Acted,
}

impl ClerkApp {
    /// The readings of a member, newest first, of one kind (`bp`, `glucose`) or of both.
    pub fn readings(&self, member_id: &str, kind: Option<&str>, limit: u32) -> AppResult<Readings> {
        self.readings_since(member_id, kind, None, limit)
    }

    /// The readings of one kind of the last twelve months, newest first: what a chart shows.
    pub fn trend(&self, member_id: &str, kind: &str) -> AppResult<Readings> {
        let since = self.today() - chrono::Days::new(TREND_DAYS);
        let mut shown = self.readings_since(member_id, Some(kind), Some(since), READINGS_MAX)?;
        shown.targets = targets_shown(shown.targets, &shown.readings);
        Ok(shown)
    }

    fn readings_since(
        &self,
        member_id: &str,
        kind: Option<&str>,
        since: Option<NaiveDate>,
        limit: u32,
    ) -> AppResult<Readings> {
        let acting = self.acting()?;
        let kinds: Vec<ReadingKind> = match kind {
            Some(code) => vec![parse(code, "kind")?],
            None => ReadingKind::ALL.to_vec(),
        };
        self.store.read(|conn| {
            let (key, member) = require_member(conn, member_id, acting.now_ms)?;
            let (mut readings, mut targets) = (Vec::new(), Vec::new());
            for kind in kinds {
                targets.extend(targets_of(kind, &member, &acting.settings.rules.health));
                readings.extend(of_kind(conn, key, &member, kind, limit, &acting.settings)?);
            }
            readings.retain(|row: &ReadingRow| since.is_none_or(|since| row.day > since));
            readings
                .sort_unstable_by(|a, b| (b.taken_at_ms, &a.reading_id).cmp(&(a.taken_at_ms, &b.reading_id)));
            readings.truncate(limit.min(READINGS_MAX) as usize);
            let judged: Vec<bool> = readings.iter().filter_map(|row| row.in_target).collect();
            let in_target = judged.iter().filter(|in_target| **in_target).count();
            let in_target_percent = (100 * in_target)
                .checked_div(judged.len())
                .map(|share| share as u32);
            Ok(Readings {
                readings,
                in_target_percent,
                targets,
            })
        })
    }

    /// Stores a reading taken at the counter. Impossible values are refused; an emergency raises a
    /// same-day task for the pharmacist.
    pub fn add_reading(&self, member_id: &str, new: &NewReading) -> AppResult<ReadingAdded> {
        let acting = self.acting()?;
        let (_, member) = self
            .store
            .read(|conn| require_member(conn, member_id, acting.now_ms))?;
        let reading = reading_of(&acting, &member, new, self.new_id(acting.now_ms)?)?;
        let rules = &acting.settings.rules.health;
        check_plausible(&reading, rules).map_err(|error| AppError::Refused {
            code: error.code().to_owned(),
            values: values_of(error),
        })?;
        let alarm = raises_alarm(&reading, acting.now_ms, rules);
        let acted = self.act(
            &acting,
            Op::AddReading {
                reading: reading.clone(),
            },
        )?;
        let task_id = emergency_id(&reading.id);
        let (raised, advice) = self.store.read(|conn| -> AppResult<_> {
            let raised = rows::task(conn, &task_id)?.is_some();
            Ok((raised, advice(conn, &reading, &member, &acting)?))
        })?;
        Ok(ReadingAdded {
            reading: row_of_reading(&reading, &member, &acting.settings),
            advice,
            alarm,
            task_id: raised.then_some(task_id),
            acted,
        })
    }
}

/// The reading that was typed in.
pub(super) fn reading_of(
    acting: &Acting,
    member: &Member,
    new: &NewReading,
    id: String,
) -> AppResult<Reading> {
    let kind: ReadingKind = parse(&new.kind, "kind")?;
    let context = new
        .context
        .as_deref()
        .map_or(Ok(default_context(kind)), |code| parse(code, "context"))?;
    if !context_fits(kind, context) {
        let codes = contexts_of(kind).join(", ");
        return Err(AppError::invalid("context", "one_of", [("codes", codes)]));
    }
    let from_mg = new
        .glucose_mg_dl
        .map(|value| mg_dl_to_tenths(value, &acting.settings.rules.health));
    Ok(Reading {
        id,
        member_id: member.id.clone(),
        taken_at_ms: new.taken_at_ms.unwrap_or(acting.now_ms),
        kind: kind.into(),
        systolic: new.systolic,
        diastolic: new.diastolic,
        glucose_tenths: new.glucose_tenths.or(from_mg),
        context: context.into(),
        staff_id: Some(acting.staff.id.clone()),
        supersedes: new.supersedes.clone(),
    })
}

/// The contexts of a kind, as codes.
pub(super) fn contexts_of(kind: ReadingKind) -> Vec<&'static str> {
    let fitting = ReadingContext::ALL
        .iter()
        .filter(|context| context_fits(kind, **context));
    fitting.map(|context| context.code()).collect()
}

/// Where the member's values of a kind should lie.
fn targets_of(kind: ReadingKind, member: &Member, rules: &HealthRules) -> Vec<TargetBand> {
    let numbers = numbers(kind, rules);
    let contexts = ReadingContext::ALL.iter().filter(|one| context_fits(kind, **one));
    contexts
        .flat_map(|context| {
            let bands = match kind {
                ReadingKind::Bp => {
                    let (systolic, diastolic) = bp_target_below(is_diabetic(member), rules);
                    vec![
                        (None, systolic.saturating_sub(1)),
                        (None, diastolic.saturating_sub(1)),
                    ]
                }
                ReadingKind::Glucose => vec![glucose_target(*context, rules)],
            };
            numbers.iter().zip(bands).map(|(number, (from, to))| TargetBand {
                field: number.name,
                decimals: number.decimals,
                context: Some(context.code()),
                from,
                to,
            })
        })
        .collect()
}

/// The targets of the contexts in which readings were taken; one for a number that has the same in all.
fn targets_shown(mut targets: Vec<TargetBand>, readings: &[ReadingRow]) -> Vec<TargetBand> {
    targets.retain(|band| {
        readings
            .iter()
            .any(|row| Some(row.context.as_str()) == band.context)
    });
    let mut shown: Vec<TargetBand> = Vec::new();
    for band in &targets {
        let alike = targets.iter().filter(|other| other.field == band.field);
        let alone = alike
            .clone()
            .all(|other| (other.from, other.to) == (band.from, band.to));
        let context = band.context.filter(|_| !alone);
        let band = TargetBand {
            context,
            ..band.clone()
        };
        if !shown.contains(&band) {
            shown.push(band);
        }
    }
    shown
}

fn is_diabetic(member: &Member) -> bool {
    member.diseases.iter().any(|code| code == disease::DIABETES)
}

/// Values of an impossible reading for its wording, by name.
pub(super) fn values_of(error: ReadingError) -> Vec<(String, String)> {
    let value = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
    match error {
        ReadingError::UnknownKind | ReadingError::NotAbove { .. } => Vec::new(),
        ReadingError::Missing(field) => vec![value("field", &field)],
        ReadingError::Impossible {
            what,
            value: found,
            from,
            to,
            ..
        } => {
            // Glucose is held in tenths and said with a decimal.
            let said = |number: u16| match what {
                "glucose" => format!("{}.{}", number / 10, number % 10),
                _ => number.to_string(),
            };
            vec![
                value("field", &what),
                value("value", &said(found)),
                value("min", &said(from)),
                value("max", &said(to)),
            ]
        }
    }
}

/// A code of an enum, or an error that names the field and what it may be.
pub(crate) fn parse<
    T: yaoban_domain::codes::Code + std::str::FromStr<Err = yaoban_domain::codes::UnknownCode>,
>(
    code: &str,
    field: &'static str,
) -> AppResult<T> {
    code.parse().map_err(|error: yaoban_domain::codes::UnknownCode| {
        AppError::invalid(field, "one_of", [("codes", error.expected)])
    })
}

/// Readings of one kind, newest first, each with its change since the one before.
pub(super) fn of_kind(
    conn: &Connection,
    member_key: i64,
    member: &Member,
    kind: ReadingKind,
    limit: u32,
    settings: &Settings,
) -> AppResult<Vec<ReadingRow>> {
    // One more than is shown: the oldest has a predecessor as well.
    let mut statement = conn.prepare_cached(
        "SELECT reading_id, member_key, taken_at_ms, kind, context, systolic, diastolic, glucose_tenths, staff_id,
            supersedes FROM reading WHERE member_key = ?1 AND kind = ?2 AND superseded = 0
         ORDER BY taken_at_ms DESC, reading_id DESC LIMIT ?3",
    )?;
    let mut found = statement.query(params![member_key, kind.code(), limit.min(READINGS_MAX) + 1])?;
    let mut readings: Vec<ReadingRow> = Vec::new();
    while let Some(row) = found.next()? {
        let reading = rows::read_reading(row, member.id.clone())?;
        readings.push(row_of_reading(&reading, member, settings));
    }
    for at in 0..readings.len() {
        let context = readings[at].context.clone();
        let before = readings[at + 1..]
            .iter()
            .find(|row| kind == ReadingKind::Bp || row.context == context)
            .cloned();
        if let Some(before) = before {
            let change = |now: Option<u16>, then: Option<u16>| Some(i32::from(now?) - i32::from(then?));
            let row = &mut readings[at];
            row.systolic_change = change(row.systolic, before.systolic);
            row.diastolic_change = change(row.diastolic, before.diastolic);
            row.glucose_change_tenths = change(row.glucose_tenths, before.glucose_tenths);
            let of_glucose = row
                .glucose_change_tenths
                .map(|change| (change, tenths(change.abs())));
            let moved = row
                .systolic_change
                .map(|change| (change, change.abs().to_string()));
            row.change = moved.or(of_glucose).map(|(change, said)| match change.signum() {
                1 => format!("+{said}"),
                -1 => format!("-{said}"),
                _ => said,
            });
        }
    }
    readings.truncate(limit as usize);
    Ok(readings)
}

fn value_said(reading: &Reading) -> String {
    match (reading.systolic, reading.diastolic, reading.glucose_tenths) {
        (Some(high), Some(low), _) => format!("{high}/{low}"),
        (_, _, Some(glucose)) => tenths(i32::from(glucose)),
        _ => String::new(),
    }
}

/// Tenths as a decimal; not below zero.
fn tenths(value: i32) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// A reading as it shows, without what came before it.
pub(super) fn row_of_reading(reading: &Reading, member: &Member, settings: &Settings) -> ReadingRow {
    let rules = &settings.rules.health;
    let measure = Measure::of(reading);
    let in_target = measure.map(|measure| measure.in_target(is_diabetic(member), rules));
    let emergency = is_emergency(reading, rules);
    ReadingRow {
        reading_id: reading.id.clone(),
        taken_at_ms: reading.taken_at_ms,
        day: settings.calendar.day(reading.taken_at_ms),
        kind: reading.kind.code().to_owned(),
        context: Open::code(&reading.context).to_owned(),
        systolic: reading.systolic,
        diastolic: reading.diastolic,
        glucose_tenths: reading.glucose_tenths,
        value: value_said(reading),
        change: None,
        grade: measure.map(|measure| measure.grade(rules).to_owned()),
        in_target,
        emergency,
        stands_out: emergency || in_target == Some(false),
        systolic_change: None,
        diastolic_change: None,
        glucose_change_tenths: None,
        staff_id: reading.staff_id.clone(),
    }
}
