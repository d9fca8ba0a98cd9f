//! What a clerk may record of a task, and what each choice asks for.

use chrono::{Days, NaiveDate};
use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::calendar::from_day_number;
use yaoban_domain::codes::{MedicineStatus, OutcomeCode};
use yaoban_domain::medicine;
use yaoban_domain::model::CareTask;
use yaoban_domain::task::{Answer, asks, offered};
use yaoban_protocol::apply::reason;

use super::listing::about;
use super::work::{Work, refused};
use super::{AppResult, ClerkApp};
use crate::store::{Result, rows};

/// An outcome that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeChoice {
    /// What came of it.
    pub code: OutcomeCode,
    /// Whether a day is asked for.
    pub day: Answer,
    /// The last day that is taken; none where no day is asked for.
    pub last_day: Option<NaiveDate>,
    /// Whether it is asked which medicine it concerns.
    pub medicine: Answer,
    /// Whether a note is asked for; one may be left with every outcome.
    pub note: Answer,
    /// Something of these is asked before it is recorded; else a touch records it.
    pub asks: bool,
}

/// What may be recorded of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeChoices {
    /// The outcomes, in the order in which they are offered; none for a message.
    pub choices: Vec<OutcomeChoice>,
    /// Ingredients of the medicines that an outcome may be about, what the task is about first. Those that lapsed
    /// are left out: who bought here for years would be asked about dozens.
    pub medicines: Vec<String>,
    /// The one that is meant if the clerk names none: what the task is about.
    pub medicine: Option<String>,
}

impl ClerkApp {
    /// What may be recorded of a task, and what each outcome asks for.
    pub fn outcome_choices(&self, task_id: &str) -> AppResult<OutcomeChoices> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let task = rows::task(conn, task_id)?.ok_or_else(|| refused(reason::TASK_UNKNOWN))?;
            let medicines = medicines_of(conn, &task, &work)?;
            let to_choose = !medicines.is_empty();
            let choices = offered(&task.kind).into_iter();
            Ok(OutcomeChoices {
                choices: choices.map(|code| choice(code, to_choose, &work)).collect(),
                medicine: about(&task).map(str::to_owned),
                medicines,
            })
        })
    }
}

fn choice(code: OutcomeCode, to_choose: bool, work: &Work<'_>) -> OutcomeChoice {
    let asks = asks(code, &work.settings.rules.task);
    let last_day = work
        .today
        .checked_add_days(Days::new(asks.days_max.unsigned_abs()));
    let medicine = if to_choose {
        asks.medicine
    } else {
        Answer::NotAsked
    };
    OutcomeChoice {
        code,
        day: asks.day,
        last_day: last_day.filter(|_| asks.day != Answer::NotAsked),
        medicine,
        note: asks.note,
        asks: [asks.day, medicine, asks.note]
            .iter()
            .any(|answer| *answer != Answer::NotAsked),
    }
}

/// Ingredients that the task's member takes, what the task is about first, then what ends first.
fn medicines_of(conn: &Connection, task: &CareTask, work: &Work<'_>) -> Result<Vec<String>> {
    let mut medicines: Vec<String> = about(task).map(str::to_owned).into_iter().collect();
    if let Some(key) = rows::existing_key(conn, &task.member_id)? {
        let mut statement = conn.prepare_cached(
            "SELECT ingredient, end_day FROM medicine WHERE member_key = ?1
             ORDER BY end_day IS NULL, end_day, ingredient",
        )?;
        let rules = &work.settings.rules.medicine;
        let lapsed =
            |end| medicine::status(from_day_number(end), work.today, rules) == MedicineStatus::Lapsed;
        for found in statement.query_map([key], |row| Ok((row.get(0)?, row.get::<_, Option<i32>>(1)?)))? {
            let (ingredient, end) = found?;
            if !medicines.contains(&ingredient) && !end.is_some_and(lapsed) {
                medicines.push(ingredient);
            }
        }
    }
    Ok(medicines)
}
