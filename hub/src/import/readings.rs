//! Readings: immutable, by id. An emergency of the last 24 hours raises a task for a pharmacist.

use std::path::PathBuf;

use yaoban_domain::calendar::Calendar;
use yaoban_domain::codes::{Code as _, ReadingContext, ReadingKind};
use yaoban_domain::health::{check_plausible, raises_alarm};
use yaoban_domain::model::Reading;
use yaoban_domain::task::{TaskCtx, emergency_task};
use yaoban_protocol::row::entity;

use super::records::{Cells, Kind, Outcome, Refused, take_in};
use super::refs::NOT_WRITTEN;
use super::source::Source;
use super::value::{Moment, decimal, moment, whole};
use super::{Context, FileKind, FileReport, ImportError};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scope::{Changes, Mark, store_scope};

pub(super) fn take_in_readings(
    context: &mut Context<'_>,
    source: &Source,
    rejects: PathBuf,
) -> Result<FileReport, ImportError> {
    take_in(Readings, context, source, rejects)
}

struct Readings;

#[derive(Hash)]
struct ReadingRow {
    id: String,
    member_id: String,
    taken: (i32, i32),
    kind: ReadingKind,
    systolic: Option<u16>,
    diastolic: Option<u16>,
    glucose_tenths: Option<u16>,
    context: ReadingContext,
}

fn kind(word: &str) -> Option<ReadingKind> {
    ReadingKind::from_code(&word.to_ascii_lowercase()).or(match word {
        "血压" => Some(ReadingKind::Bp),
        "血糖" => Some(ReadingKind::Glucose),
        _ => None,
    })
}

fn context_of(word: &str) -> Option<ReadingContext> {
    ReadingContext::from_code(&word.to_ascii_lowercase()).or(match word {
        "门店" | "诊室" | "店内" => Some(ReadingContext::Office),
        "家庭" | "居家" | "家中" => Some(ReadingContext::Home),
        "空腹" => Some(ReadingContext::Fasting),
        "餐后" => Some(ReadingContext::AfterMeal),
        "随机" => Some(ReadingContext::Random),
        _ => None,
    })
}

fn fits(kind: ReadingKind, context: ReadingContext) -> bool {
    let of_bp = matches!(context, ReadingContext::Office | ReadingContext::Home);
    of_bp == (kind == ReadingKind::Bp)
}

impl ReadingRow {
    fn reading(&self, calendar: Calendar) -> Reading {
        Reading {
            id: self.id.clone(),
            member_id: self.member_id.clone(),
            taken_at_ms: self.moment().at_ms(calendar),
            kind: self.kind.into(),
            systolic: self.systolic,
            diastolic: self.diastolic,
            glucose_tenths: self.glucose_tenths,
            context: self.context.into(),
            staff_id: None,
            supersedes: None,
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            day: self.taken.0,
            second: self.taken.1,
        }
    }
}

impl Kind for Readings {
    type Row = ReadingRow;
    const KIND: FileKind = FileKind::Readings;

    fn read(&self, cells: &Cells<'_>, context: &Context<'_>) -> Result<ReadingRow, String> {
        let (id, member_id) = (cells.id(0)?, cells.id(1)?);
        if context.refs.members.get(member_id.as_bytes()).is_none() {
            return Err(format!("unknown member `{member_id}`"));
        }
        let taken = cells
            .value(2, |cell| moment(cell, context.calendar))?
            .ok_or_else(|| cells.refuse(2, "is blank"))?;
        let (systolic, diastolic) = (cells.value(4, whole)?, cells.value(5, whole)?);
        let glucose = cells.value(6, |cell| decimal(cell, 1, i64::from(u16::MAX)))?;
        let glucose_tenths = match glucose {
            Some(tenths) if tenths < 0 => return Err(cells.refuse(6, "must not be negative")),
            tenths => tenths.map(|tenths| tenths as u16),
        };
        let has_bp = systolic.is_some() || diastolic.is_some();
        let kind = match cells.optional(3)? {
            Some(word) => kind(&word).ok_or_else(|| cells.refuse(3, "is unknown, expected bp or glucose"))?,
            None if has_bp && glucose.is_none() => ReadingKind::Bp,
            None if glucose.is_some() && !has_bp => ReadingKind::Glucose,
            None => return Err(cells.refuse(3, "is blank and the values do not tell it")),
        };
        if (kind == ReadingKind::Bp && glucose.is_some()) || (kind == ReadingKind::Glucose && has_bp) {
            return Err(format!("a reading of kind `{kind}` has values of the other kind"));
        }
        let default = if kind == ReadingKind::Bp {
            ReadingContext::Office
        } else {
            ReadingContext::Random
        };
        let place = match cells.optional(7)? {
            None => default,
            Some(word) => context_of(&word)
                .filter(|place| fits(kind, *place))
                .ok_or_else(|| cells.refuse(7, &format!("does not fit a reading of kind `{kind}`")))?,
        };
        let row = ReadingRow {
            id,
            member_id,
            taken: (taken.day, taken.second),
            kind,
            systolic,
            diastolic,
            glucose_tenths,
            context: place,
        };
        check_plausible(&row.reading(context.calendar), &context.rules.health)
            .map_err(|error| error.to_string())?;
        Ok(row)
    }

    fn id(row: &ReadingRow) -> String {
        row.id.clone()
    }

    fn take(
        &self,
        row: ReadingRow,
        tx: &Tx<'_>,
        context: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let mut reading = row.reading(context.calendar);
        let known = context
            .refs
            .members
            .get(row.member_id.as_bytes())
            .filter(|key| *key != NOT_WRITTEN);
        let member = if known.is_some() {
            tx.member_or_alias(&row.member_id)?
        } else {
            None
        };
        if let Some(member) = &member {
            reading.member_id.clone_from(&member.id);
        }
        if let Some(before) = tx.reading(&reading.id)? {
            if before == reading {
                return Ok(Outcome::Unchanged);
            }
            return Err(Refused::Row(format!(
                "reading `{}` is known already, with other content",
                reading.id
            )));
        }
        if !write {
            return Ok(Outcome::Accepted);
        }
        tx.put_reading(&reading, row.moment().date())?;
        if reading.member_id != row.member_id {
            tx.came_by_alias(&row.member_id, entity::READING, &reading.id)?;
        }
        let Some(store_id) = member.and_then(|member| member.store_id) else {
            return Ok(Outcome::Accepted);
        };
        changes.add(&store_scope(&store_id), entity::READING, &reading.id, Mark::Put);
        if raises_alarm(&reading, context.now_ms, &context.rules.health) {
            raise(&reading, &store_id, tx, context, changes)?;
        }
        Ok(Outcome::Accepted)
    }
}

/// The same-day task of rules, section 2. Its id comes from the reading, so it is raised once.
fn raise(
    reading: &Reading,
    store_id: &str,
    tx: &Tx<'_>,
    context: &Context<'_>,
    changes: &mut Changes,
) -> Result<(), Refused> {
    let staff = tx.staff_of(Some(store_id))?;
    let ctx = TaskCtx {
        at_ms: reading.taken_at_ms,
        now_ms: context.now_ms,
        calendar: context.calendar,
        rules: &context.rules.task,
        staff: &staff,
    };
    let task = emergency_task(reading, store_id, &ctx);
    if tx.task(&task.id)?.is_none() {
        tx.put_task(&task)?;
        changes.add(&store_scope(store_id), entity::TASK, &task.id, Mark::Put);
    }
    Ok(())
}
