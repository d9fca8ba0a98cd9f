//! Readings, notes, attempts and sends: immutable, union by id. The same row again changes nothing;
//! another row under a known id is refused and the first is kept. Contacts are recorded whatever the
//! gate would say now: they have been made.

use yaoban_domain::codes::{CarrierResult, Open, SendState};
use yaoban_domain::health::{check_plausible, raises_alarm};
use yaoban_domain::model::{Attempt, Note, Reading, Send};
use yaoban_domain::task::{
    EffectSource, TaskEvent, apply_effect, attempt_result, emergency_id, emergency_task, is_absorbing,
};

use super::{Act, Refusal, Rows, Step, Stop, limits, reason};
use crate::op::OpStatus;
use crate::row::entity;

/// What a row with a known id is.
fn repeated<T: PartialEq>(known: &T, again: &T, entity: &str) -> Result<OpStatus, Refusal> {
    if known == again {
        Ok(OpStatus::Duplicate)
    } else {
        Err(Refusal::new(reason::ID_TAKEN).with("entity", entity))
    }
}

impl<R: Rows> Act<'_, R> {
    pub(super) fn add_reading(&mut self, asked: &Reading) -> Step<R> {
        limits::id("reading_id", &asked.id)?;
        if let Some(corrected) = &asked.supersedes {
            limits::id("supersedes", corrected)?;
        }
        let member = self.own_member(&asked.member_id)?;
        let reading = Reading {
            member_id: member.id.clone(),
            staff_id: Some(self.meta.staff_id.to_owned()),
            ..asked.clone()
        };
        if let Some(known) = self.rows.reading(&reading.id).map_err(Stop::Rows)? {
            return Ok(repeated(&known, &reading, entity::READING)?);
        }
        limits::text("context", reading.context.code(), limits::TAG_CHARS_MAX)?;
        check_plausible(&reading, &self.rules.health).map_err(|error| Refusal::new(error.code()))?;
        self.not_ahead("taken_at_ms", reading.taken_at_ms)?;
        self.touch(entity::READING, &reading.id);
        self.rows.put_reading(&reading).map_err(Stop::Rows)?;
        if let Some(corrected) = &reading.supersedes {
            self.cancel_if_open(&emergency_id(corrected))?;
        }
        // By the phone's own clock, at the time of recording: the phone and the hub, which hears of
        // it later, raise the same task.
        let recorded_ms = self.meta.at_ms.max(reading.taken_at_ms);
        if raises_alarm(&reading, recorded_ms, &self.rules.health) {
            let store_id = member.store_id.unwrap_or_else(|| self.store_id.clone());
            let staff = self.rows.staff_of_store(&store_id).map_err(Stop::Rows)?;
            let task = emergency_task(&reading, &store_id, &self.task_ctx(self.meta.at_ms, &staff));
            self.put_new_task(&task)?;
        }
        Ok(OpStatus::Applied)
    }

    pub(super) fn add_note(&mut self, asked: &Note) -> Step<R> {
        limits::id("note_id", &asked.id)?;
        if let Some(corrected) = &asked.supersedes {
            limits::id("supersedes", corrected)?;
        }
        self.author(&asked.staff_id)?;
        limits::required("note", &asked.text, limits::NOTE_CHARS_MAX)?;
        let member = self.own_member(&asked.member_id)?;
        let note = Note {
            member_id: member.id,
            ..asked.clone()
        };
        if let Some(known) = self.rows.note(&note.id).map_err(Stop::Rows)? {
            return Ok(repeated(&known, &note, entity::NOTE)?);
        }
        self.not_ahead("at_ms", note.at_ms)?;
        self.touch(entity::NOTE, &note.id);
        self.rows.put_note(&note).map_err(Stop::Rows)?;
        Ok(OpStatus::Applied)
    }

    /// A dial begins. Its task, if it is there, is in progress from now on.
    pub(super) fn start_attempt(&mut self, asked: &Attempt) -> Step<R> {
        limits::id("attempt_id", &asked.id)?;
        limits::text("number_hash", &asked.number_hash, limits::WORD_CHARS_MAX)?;
        limits::text("channel", asked.channel.code(), limits::TAG_CHARS_MAX)?;
        limits::text("purpose", asked.purpose.code(), limits::TAG_CHARS_MAX)?;
        self.author(&asked.staff_id)?;
        self.not_ahead("started_at_ms", asked.started_at_ms)?;
        let member = self.own_member(&asked.member_id)?;
        let attempt = Attempt {
            member_id: member.id.clone(),
            ended_at_ms: None,
            duration_s: None,
            result: None,
            ..asked.clone()
        };
        if let Some(known) = self.rows.attempt(&attempt.id).map_err(Stop::Rows)? {
            let begun = Attempt {
                ended_at_ms: None,
                duration_s: None,
                result: None,
                recording: attempt.recording.clone(),
                ..known
            };
            return Ok(repeated(&begun, &attempt, entity::ATTEMPT)?);
        }
        let task = match &attempt.task_id {
            Some(id) => self.rows.task(id).map_err(Stop::Rows)?,
            None => None,
        };
        if task.as_ref().is_some_and(|task| task.member_id != member.id) {
            return Err(Refusal::new(reason::TASK_OTHER_MEMBER).into());
        }
        self.touch(entity::ATTEMPT, &attempt.id);
        self.rows.put_attempt(&attempt).map_err(Stop::Rows)?;
        let start = TaskEvent::Start {
            staff_id: self.meta.staff_id.to_owned(),
        };
        if let Some(task) = task {
            let ctx = self.task_ctx(attempt.started_at_ms, &[]);
            // A task that was closed meanwhile stays closed; the dial is recorded all the same.
            if let Ok(begun) = yaoban_domain::task::apply(&task, &start, &ctx) {
                self.put_task(&begun)?;
            }
        }
        Ok(OpStatus::Applied)
    }

    /// The dial ended: the result counts for its task and for the number.
    pub(super) fn end_attempt(
        &mut self,
        id: &str,
        ended_at_ms: i64,
        duration_s: Option<u32>,
        result: &Open<CarrierResult>,
    ) -> Step<R> {
        let known = self.rows.attempt(id).map_err(Stop::Rows)?;
        let known = known.ok_or_else(|| Refusal::new(reason::ATTEMPT_UNKNOWN))?;
        self.author(&known.staff_id)?;
        limits::text("result", result.code(), limits::TAG_CHARS_MAX)?;
        if let Some(seconds) = duration_s {
            limits::range("duration_s", seconds, limits::DURATION_S)?;
        }
        let ended = Attempt {
            ended_at_ms: Some(ended_at_ms.max(known.started_at_ms)),
            duration_s,
            result: Some(result.clone()),
            ..known.clone()
        };
        if known.result.is_some() {
            return if known == ended {
                Ok(OpStatus::Duplicate)
            } else {
                Err(Refusal::new(reason::ATTEMPT_ENDED).into())
            };
        }
        let mut member = self.any_member(&known.member_id)?;
        self.touch(entity::ATTEMPT, id);
        self.rows.put_attempt(&ended).map_err(Stop::Rows)?;
        let Some(result) = result.known() else {
            return Ok(OpStatus::Applied);
        };
        let task = match &known.task_id {
            Some(task_id) => self.rows.task(task_id).map_err(Stop::Rows)?,
            None => None,
        };
        let at_ms = ended.ended_at_ms.unwrap_or(ended_at_ms);
        let effects = match task {
            Some(task) => {
                let effect = attempt_result(&task, result, &self.task_ctx(at_ms, &[]));
                if effect.task != task {
                    self.put_task(&effect.task)?;
                }
                effect.member_effects
            }
            None => yaoban_domain::task::number_effects(result),
        };
        if !effects.is_empty() {
            let store_id = self.store_id.clone();
            let source = EffectSource {
                at_ms: self.weighed_at_ms(at_ms),
                day: self.calendar.day(at_ms),
                store_id: &store_id,
                staff_id: self.meta.staff_id,
            };
            for effect in &effects {
                apply_effect(&mut member, effect, &source);
            }
            self.put_member(&member)?;
        }
        Ok(OpStatus::Applied)
    }

    /// A message, or news of its state, which only moves on. Two devices that claim one key made
    /// one send: the first counts.
    pub(super) fn record_send(&mut self, asked: &Send) -> Step<R> {
        limits::id("key", &asked.key)?;
        limits::id("template_id", &asked.template_id)?;
        limits::text(
            "reason",
            asked.reason.as_deref().unwrap_or_default(),
            limits::WORD_CHARS_MAX,
        )?;
        limits::text("state", asked.state.code(), limits::TAG_CHARS_MAX)?;
        self.author(&asked.staff_id)?;
        let member = self.own_member(&asked.member_id)?;
        let send = Send {
            member_id: member.id.clone(),
            ..asked.clone()
        };
        let known = self.rows.send(&send.key).map_err(Stop::Rows)?;
        let next = match &known {
            None => send,
            Some(known) if known.member_id != send.member_id || known.channel != send.channel => {
                return Err(Refusal::new(reason::ID_TAKEN).with("entity", entity::SEND).into());
            }
            Some(known) if progress(&send) > progress(known) => Send {
                state: send.state,
                reason: send.reason,
                ..known.clone()
            },
            Some(_) => return Ok(OpStatus::Duplicate),
        };
        self.touch(entity::SEND, &next.key);
        self.rows.put_send(&next).map_err(Stop::Rows)?;
        let handed_over = next.state.is(SendState::Sent) || next.state.is(SendState::Delivered);
        if let Some(task_id) = next.task_id.as_ref().filter(|_| handed_over) {
            let task = self
                .rows
                .task(task_id)
                .map_err(Stop::Rows)?
                .filter(|t| t.member_id == member.id);
            if let Some(task) = task.filter(|task| !is_absorbing(&task.state)) {
                let ctx = self.task_ctx(self.meta.at_ms, &[]);
                if let Ok(sent) = yaoban_domain::task::apply(&task, &TaskEvent::Sent, &ctx) {
                    self.put_task(&sent)?;
                }
            }
        }
        Ok(OpStatus::Applied)
    }

    /// A row's time is not after its operation's, by the same clock.
    pub(super) fn not_ahead(&self, field: &str, at_ms: i64) -> Result<(), Refusal> {
        if at_ms <= self.meta.at_ms.saturating_add(limits::AHEAD_MS_MAX) {
            return Ok(());
        }
        Err(Refusal::new(reason::IN_FUTURE).with("field", field))
    }
}

/// How far a message has come; its state only moves on. One that the gate put off is queued with its
/// reason, until it is handed out.
fn progress(send: &Send) -> u8 {
    match send.state.known() {
        Some(SendState::Queued) if send.reason.is_some() => 0,
        Some(SendState::Queued) => 1,
        None => 2,
        Some(SendState::Sent) => 3,
        Some(SendState::Failed | SendState::Refused) => 4,
        Some(SendState::Delivered) => 5,
    }
}
