//! What a clerk does in a day, as operations.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use yaoban_domain::codes::{
    CarrierResult, Channel, Code as _, ContactPurpose, OutcomeCode, ReadingContext, ReadingKind,
};
use yaoban_domain::model::{Attempt, Note, Outcome, Reading};
use yaoban_protocol::op::Op;

use crate::chance::Chance;
use crate::plan::{PhonePlan, StorePlan};

/// Calls of a clerk in a day: three operations each (begun, ended, what came of it).
pub const CALLS_A_DAY: f64 = 15.0;
/// Readings taken at the counter in a day.
pub const READINGS_A_DAY: f64 = 10.0;
/// Notes written in a day.
pub const NOTES_A_DAY: f64 = 5.0;
/// Operations of a clerk in a day.
pub const OPS_A_DAY: f64 = CALLS_A_DAY * 3.0 + READINGS_A_DAY + NOTES_A_DAY;
/// A working day of a store.
pub const DAY: Duration = Duration::from_hours(12);
/// A call lasts from … to, in seconds, with the wording of what came of it.
const CALL_S: (u64, u64) = (45, 105);
/// What came of a call is sent only once it can no longer be taken back.
const TAKE_BACK: Duration = Duration::from_secs(10);

/// The work of one clerk: when the next thing happens, and what it is.
pub struct Work {
    chance: Chance,
    members: Vec<String>,
    tasks: VecDeque<(String, String)>,
    staff_id: String,
    next: Instant,
    /// Calls that were begun: when their result is sent, attempt, task, begun at.
    talking: VecDeque<(Instant, String, String, i64)>,
}

impl Work {
    /// Work that begins now.
    pub fn new(store: &StorePlan, phone: &PhonePlan, mut chance: Chance) -> Self {
        let first = chance.gap(DAY, CALLS_A_DAY + READINGS_A_DAY + NOTES_A_DAY);
        Self {
            members: store.members.clone(),
            tasks: phone.tasks.clone().into(),
            staff_id: phone.staff_id.clone(),
            next: Instant::now() + first,
            talking: VecDeque::new(),
            chance,
        }
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Instant {
        self.talking
            .front()
            .map_or(self.next, |(ends, ..)| self.next.min(*ends))
    }

    /// What has happened by now.
    pub fn due(&mut self, now_ms: i64) -> Vec<Op> {
        let mut ops = Vec::new();
        let now = Instant::now();
        while let Some((_, attempt_id, task_id, _)) = self.talking.pop_front_if(|(ends, ..)| *ends <= now) {
            self.end_call(attempt_id, task_id, now_ms, &mut ops);
        }
        if self.next <= now {
            let gap = self.chance.gap(DAY, CALLS_A_DAY + READINGS_A_DAY + NOTES_A_DAY);
            self.next = now + gap;
            let dice = self.chance.part() * (CALLS_A_DAY + READINGS_A_DAY + NOTES_A_DAY);
            // While a call lasts there is no other; then, and without a task, a reading is taken.
            let may_call = dice < CALLS_A_DAY && self.talking.is_empty();
            let task = if may_call { self.tasks.pop_front() } else { None };
            match task {
                Some((task_id, member_id)) => ops.push(self.begin_call(task_id, member_id, now, now_ms)),
                None if dice < CALLS_A_DAY + READINGS_A_DAY => ops.push(self.reading(now_ms)),
                None => ops.push(self.note(now_ms)),
            }
        }
        ops
    }

    fn member(&mut self) -> String {
        let place = self.chance.below(self.members.len().max(1) as u64) as usize;
        self.members.get(place).cloned().unwrap_or_default()
    }

    fn begin_call(&mut self, task_id: String, member_id: String, now: Instant, now_ms: i64) -> Op {
        let attempt_id = uuid::Uuid::now_v7().to_string();
        let lasts = Duration::from_secs(CALL_S.0 + self.chance.below(CALL_S.1 - CALL_S.0));
        self.talking.push_back((
            now + lasts + TAKE_BACK,
            attempt_id.clone(),
            task_id.clone(),
            now_ms,
        ));
        Op::StartAttempt {
            attempt: Attempt {
                id: attempt_id,
                task_id: Some(task_id),
                member_id,
                staff_id: self.staff_id.clone(),
                purpose: ContactPurpose::Service.into(),
                channel: Channel::Call.into(),
                number_hash: format!("{:016x}", self.chance.next()),
                started_at_ms: now_ms,
                ended_at_ms: None,
                duration_s: None,
                result: None,
                recording: None,
            },
        }
    }

    fn end_call(&self, attempt_id: String, task_id: String, now_ms: i64, ops: &mut Vec<Op>) {
        let ended_at_ms = now_ms - TAKE_BACK.as_millis() as i64;
        ops.push(Op::EndAttempt {
            attempt_id: attempt_id.clone(),
            ended_at_ms,
            duration_s: Some(40),
            result: CarrierResult::Answered.into(),
        });
        ops.push(Op::RecordOutcome {
            task_id,
            outcome: Outcome {
                id: uuid::Uuid::now_v7().to_string(),
                code: OutcomeCode::AlreadyBought.into(),
                at_ms: ended_at_ms,
                day: chrono::DateTime::from_timestamp_millis(ended_at_ms)
                    .unwrap_or_default()
                    .date_naive(),
                staff_id: self.staff_id.clone(),
                attempt_id: Some(attempt_id),
                date: None,
                call_at_ms: None,
                ingredient: None,
                note: None,
                supersedes: None,
            },
        });
    }

    fn reading(&mut self, now_ms: i64) -> Op {
        let diastolic = 65 + self.chance.below(20) as u16;
        Op::AddReading {
            reading: Reading {
                id: uuid::Uuid::now_v7().to_string(),
                member_id: self.member(),
                taken_at_ms: now_ms,
                kind: ReadingKind::Bp.into(),
                systolic: Some(diastolic + 35 + self.chance.below(20) as u16),
                diastolic: Some(diastolic),
                glucose_tenths: None,
                context: ReadingContext::Office.into(),
                staff_id: Some(self.staff_id.clone()),
                supersedes: None,
            },
        }
    }

    fn note(&mut self, now_ms: i64) -> Op {
        Op::AddNote {
            note: Note {
                id: uuid::Uuid::now_v7().to_string(),
                member_id: self.member(),
                at_ms: now_ms,
                staff_id: self.staff_id.clone(),
                text: format!("{}：下周到店复测", ReadingKind::Bp.code()),
                supersedes: None,
            },
        }
    }
}
