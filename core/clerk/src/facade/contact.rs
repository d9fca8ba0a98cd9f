//! A contact from the gate to the outcome: verdict → dial → what the carrier said → what came of it.
//!
//! The attempt is on the disk before the number leaves this module, and an attempt whose end was
//! never told is found again after a restart ([`ClerkApp::open_attempts`]).

use chrono::NaiveDate;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, params};
use secrecy::SecretString;
use serde::Serialize;
use sha2::Sha256;
use yaoban_domain::calendar::{Calendar, day_number};
use yaoban_domain::codes::{
    Action, CarrierResult, Channel, Code as _, ContactPurpose, GateReason, Open, OutcomeCode,
};
use yaoban_domain::gate::{GateInput, MemberFlags, PastContact, Verdict, strictest, verdict};
use yaoban_domain::model::{Attempt, Member, Outcome};
use yaoban_domain::rules::TaskRules;
use yaoban_domain::task::{Answer, asks, follow_up_id, is_absorbing, needs_outcome};
use yaoban_protocol::apply::reason;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::Op;

use super::listing::{Found, Listing, about};
use super::profile::TaskBrief;
use super::tasks::{Script, TaskAct, TaskRow, script_of, task_row};
use super::work::{ReasonCount, Refusal, Work, known_member, masked, refused, refused_with};
use super::{Acting, AppError, AppResult, ClerkApp};
use crate::recording;
use crate::store::{Result, Tx, meta, outbox, rows};

/// Days for which an attempt without an end, or an answered one without an outcome, is asked about.
const OPEN_DAYS: i64 = 7;
/// Open attempts of a list at most.
const OPEN_MAX: i64 = 50;
/// What a clerk hears on the line, the commonest first.
const CARRIER_CHOICES: [CarrierResult; 10] = [
    CarrierResult::Answered,
    CarrierResult::NoAnswer,
    CarrierResult::Busy,
    CarrierResult::Rejected,
    CarrierResult::PowerOff,
    CarrierResult::InvalidNumber,
    CarrierResult::Suspended,
    CarrierResult::Voicemail,
    CarrierResult::Dropped,
    CarrierResult::Cancelled,
];
/// Dials shown with a task at most.
const ATTEMPTS_MAX: i64 = 20;

/// Whether a contact may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Now.
    Allow,
    /// Later.
    Defer,
    /// Not at all.
    Refuse,
}

/// What the gate says of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateVerdict {
    /// Whether it may be made.
    pub verdict: Decision,
    /// Why not, or not now.
    pub reason: Option<GateReason>,
    /// Deferred until this instant, UTC.
    pub until_ms: Option<i64>,
    /// Given up at this instant, UTC.
    pub expires_ms: Option<i64>,
}

impl From<Verdict> for GateVerdict {
    fn from(verdict: Verdict) -> Self {
        let (word, reason, until_ms, expires_ms) = match verdict {
            Verdict::Allow => (Decision::Allow, None, None, None),
            Verdict::Defer {
                reason,
                until_ms,
                expires_ms,
            } => (Decision::Defer, Some(reason), Some(until_ms), Some(expires_ms)),
            Verdict::Refuse { reason } => (Decision::Refuse, Some(reason), None, None),
        };
        Self {
            verdict: word,
            reason,
            until_ms,
            expires_ms,
        }
    }
}

impl GateVerdict {
    /// Whether the contact may be made now.
    pub fn allows(&self) -> bool {
        self.reason.is_none()
    }

    /// The refusal's code and values, if it is one or a deferral.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let reason = self.reason?;
        let value = |name: &str, ms: Option<i64>| ms.map(|ms| (name.to_owned(), ms.to_string()));
        let values = [
            value("until_ms", self.until_ms),
            value("expires_ms", self.expires_ms),
        ];
        Some((
            format!("gate.{}", reason.code()),
            values.into_iter().flatten().collect(),
        ))
    }
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DialTarget {
    /// The member of a task.
    Task(String),
    /// A member, without a task: a service call.
    Member(String),
}

impl DialTarget {
    /// For a task, or for a member without one.
    fn of(task_id: Option<String>, member_id: &str) -> Self {
        task_id.map_or_else(|| Self::Member(member_id.to_owned()), Self::Task)
    }

    /// The task, if it is one's.
    pub fn task_id(&self) -> Option<&str> {
        match self {
            Self::Task(id) => Some(id),
            Self::Member(_) => None,
        }
    }
}

/// A dial that may begin: its attempt is stored.
#[derive(Debug, Serialize)]
pub struct Dial {
    /// Id of the attempt.
    pub attempt_id: String,
    /// Whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The task, if there is one.
    pub task_id: Option<String>,
    /// The number as it shows.
    pub phone_masked: Option<String>,
    /// What to say.
    pub script: Option<Script>,
    /// The number, for the dialler and nothing else.
    #[serde(skip)]
    pub number: SecretString,
}

/// A dial, ready to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptRow {
    /// Id.
    pub attempt_id: String,
    /// Who called.
    pub staff_id: String,
    /// When, UTC.
    pub started_at_ms: i64,
    /// Talking time in seconds.
    pub duration_s: Option<u32>,
    /// What the carrier made of it; none while it is not told.
    pub result: Option<Open<CarrierResult>>,
}

/// What a dial waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaits {
    /// What the carrier said.
    Result,
    /// What came of an answered call.
    Outcome,
}

/// A dial that waits for the clerk's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenAttempt {
    /// Id.
    pub attempt_id: String,
    /// What the call was for.
    pub target: DialTarget,
    /// Who was called.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// When it began, UTC.
    pub started_at_ms: i64,
    /// What it waits for.
    pub awaits: Awaits,
}

/// What the end of a dial did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndedAttempt {
    /// The attempt.
    pub attempt_id: String,
    /// The clerk must say what came of it.
    pub outcome_required: bool,
    /// The number was marked: it does not reach the member.
    pub number_marked: bool,
    /// It was answered, and nothing is known of its recording yet.
    pub recording_due: bool,
    /// The task after it.
    pub task: Option<TaskRow>,
}

/// What a clerk says came of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutcome {
    /// What came of it.
    pub code: OutcomeCode,
    /// The dial it belongs to; none: the clerk's last answered one of this task without an outcome.
    pub attempt_id: Option<String>,
    /// The day chosen (visit, call back, stock until).
    pub date: Option<NaiveDate>,
    /// The instant chosen for a call back, UTC.
    pub call_at_ms: Option<i64>,
    /// The ingredient it concerns; none: the one that the task is about, if it is about one.
    pub ingredient: Option<String>,
    /// Note; required for `other`.
    pub note: Option<String>,
    /// The outcome that this one corrects.
    pub supersedes: Option<String>,
}

impl NewOutcome {
    /// An outcome without anything beside it.
    pub fn of(code: OutcomeCode) -> Self {
        Self {
            code,
            attempt_id: None,
            date: None,
            call_at_ms: None,
            ingredient: None,
            note: None,
            supersedes: None,
        }
    }
}

/// An outcome that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Id of the outcome; what it takes to take it back.
    pub outcome_id: String,
    /// It can be taken back until then, UTC …
    pub take_back_until_ms: i64,
    /// … which is so long from now.
    pub held_ms: u64,
    /// The medicine that it concerns, as it was understood.
    pub ingredient: Option<String>,
    /// The call to which it belongs was answered, and nothing is known of its recording yet.
    pub recording_due: bool,
    /// The task after it.
    pub task: TaskRow,
    /// The pharmacist's task that follows.
    pub follow_up: Option<TaskRow>,
}

impl ClerkApp {
    /// What the gate says of a contact, without making it.
    pub fn check_contact(
        &self,
        member_id: &str,
        channel: Channel,
        purpose: ContactPurpose,
    ) -> AppResult<GateVerdict> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let member = known_member(conn, member_id)?;
            gate(conn, &work, &member, &contact(channel, purpose))
        })
    }

    /// What the gate says of a call, without making it.
    pub fn check_dial(&self, target: &DialTarget) -> AppResult<GateVerdict> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let (_, member_id, purpose) = whom(&Listing::new(conn, &work)?, target)?;
            let member = known_member(conn, &member_id)?;
            gate(conn, &work, &member, &contact(Channel::Call, purpose))
        })
    }

    /// What a clerk says of the line, the commonest first. That a call for a task was answered is said by what
    /// came of it.
    pub fn carrier_choices(&self, target: &DialTarget) -> Vec<CarrierResult> {
        let for_task = matches!(target, DialTarget::Task(_));
        let skipped = usize::from(for_task && CARRIER_CHOICES[0] == CarrierResult::Answered);
        CARRIER_CHOICES[skipped..].to_vec()
    }

    /// Begins a dial: the gate, then the attempt on the disk, then the number. A refusal of the gate
    /// is kept, and comes back as `gate.<reason>`.
    pub fn dial(&self, target: &DialTarget) -> AppResult<Dial> {
        let work = Work::begin(self)?;
        let dialled = work.write(|tx| {
            work.allowed(Action::RunTask)?;
            begin_dial(tx, &work, target)
        })?;
        dialled.map_err(|(code, values)| AppError::Refused { code, values })
    }

    /// The clerk's dials that wait for a word: what the carrier said, or what came of an answered
    /// call. Newest first.
    pub fn open_attempts(&self) -> AppResult<Vec<OpenAttempt>> {
        let work = Work::begin(self)?;
        work.read(|conn| open_attempts(conn, &work.staff.id, work.now_ms, None))
    }

    /// How often the gate refused or put off a contact today, by reason.
    pub fn refusals_today(&self) -> AppResult<Vec<ReasonCount>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT reason, count(*) FROM refusal WHERE at_ms >= ?1 GROUP BY reason ORDER BY 2 DESC, 1",
            )?;
            let day_start_ms = work.settings.calendar.day_start_ms(work.today);
            let counts = statement.query_map([day_start_ms], |row| {
                Ok(ReasonCount {
                    code: row.get(0)?,
                    count: row.get(1)?,
                })
            })?;
            Ok(counts.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The dial ended: what the carrier's result does to the task and the number.
    pub fn end_attempt(
        &self,
        attempt_id: &str,
        result: CarrierResult,
        duration_s: Option<u32>,
    ) -> AppResult<EndedAttempt> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            let attempt = rows::attempt(tx, attempt_id)?.ok_or_else(|| refused(reason::ATTEMPT_UNKNOWN))?;
            let before = known_member(tx, &attempt.member_id)?;
            end(tx, &work, &attempt, result, duration_s)?;
            let task = attempt.task_id.as_ref();
            Ok(EndedAttempt {
                attempt_id: attempt_id.to_owned(),
                outcome_required: needs_outcome(result) && attempt.task_id.is_some(),
                recording_due: recording_due(tx, Some(attempt_id))?,
                number_marked: !before.phone_invalid && known_member(tx, &attempt.member_id)?.phone_invalid,
                task: task.map(|id| task_row(tx, &work, id)).transpose()?,
            })
        })
    }

    /// The device could not dial: nothing rang.
    pub fn dial_not_possible(&self, attempt_id: &str) -> AppResult<EndedAttempt> {
        self.end_attempt(attempt_id, CarrierResult::Cancelled, None)
    }

    /// What came of a task. It shows at once and can be taken back for ten seconds; a task that
    /// follows is there at once as well.
    pub fn record_outcome(&self, task_id: &str, new: &NewOutcome) -> AppResult<Recorded> {
        let work = Work::begin(self)?;
        let hold_ms = work.settings.rules.task.take_back_seconds * 1_000;
        let take_back_until_ms = work.now_ms + hold_ms;
        work.write(|tx| {
            let outcome = outcome_of(tx, &work, task_id, new)?;
            let outcome_id = outcome.id.clone();
            let (ingredient, attempt_id) = (outcome.ingredient.clone(), outcome.attempt_id.clone());
            let op = Op::RecordOutcome {
                task_id: task_id.to_owned(),
                outcome,
            };
            work.put_as(tx, &work.staff.id, op, Some(take_back_until_ms))?;
            let follow_up = follow_up_id(&outcome_id);
            let follow_up = rows::task(tx, &follow_up)?
                .map(|task| task_row(tx, &work, &task.id))
                .transpose()?;
            Ok(Recorded {
                task: task_row(tx, &work, task_id)?,
                recording_due: recording_due(tx, attempt_id.as_deref())?,
                outcome_id,
                take_back_until_ms,
                held_ms: u64::try_from(hold_ms).unwrap_or(0),
                ingredient,
                follow_up,
            })
        })
    }

    /// Takes an outcome back, as if it had never been. Returns its task. Refused with
    /// `take_back_over` once its ten seconds are over.
    pub fn take_back(&self, outcome_id: &str) -> AppResult<TaskRow> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            let over = || refused("take_back_over");
            let (outbox_id, task_id) = held_outcome(tx, outcome_id, work.now_ms)?.ok_or_else(over)?;
            if !outbox::take_back(tx, outbox_id, work.now_ms)? {
                return Err(over());
            }
            task_row(tx, &work, &task_id)
        })
    }

    /// The last outcome of a task that can still be taken back, if there is one.
    pub fn held_outcome_of(&self, task_id: &str) -> AppResult<Option<String>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let held = held_outcomes(conn, work.now_ms)?;
            Ok(held
                .into_iter()
                .rev()
                .find(|(_, task, _)| task == task_id)
                .map(|(_, _, outcome_id)| outcome_id))
        })
    }
}

/// A contact to be decided.
pub(super) struct Contact {
    /// By which channel.
    pub channel: Channel,
    /// Why.
    pub purpose: ContactPurpose,
    /// Its text promotes something.
    pub promotional: bool,
}

/// A contact without a promotional text.
pub(super) fn contact(channel: Channel, purpose: ContactPurpose) -> Contact {
    Contact {
        channel,
        purpose,
        promotional: false,
    }
}

/// The gate's verdict now, from what this phone knows.
pub(super) fn gate(
    conn: &Connection,
    acting: &Acting,
    member: &Member,
    contact: &Contact,
) -> Result<GateVerdict> {
    gate_at(conn, acting, member, contact, acting.now_ms)
}

/// The gate's verdict at an instant.
pub(super) fn gate_at(
    conn: &Connection,
    acting: &Acting,
    member: &Member,
    contact: &Contact,
    now_ms: i64,
) -> Result<GateVerdict> {
    let rules = &acting.settings.rules;
    let calendar = acting.settings.calendar;
    let days = rules.gate.marketing_caps.iter().map(|(days, _)| *days).max();
    let since_ms = calendar.day_start_ms(calendar.day(now_ms)) - days.unwrap_or(1).max(1) * 86_400_000;
    let dials_today = match &member.phone {
        Some(number) => dials_on(conn, &number_hash(conn, number)?, acting.today)?,
        None => 0,
    };
    let input = GateInput {
        channel: contact.channel,
        purpose: contact.purpose,
        promotional: contact.promotional,
        member: MemberFlags::from(member),
        consents: &member.consents,
        history: &past_contacts(conn, &member.id, since_ms, calendar)?,
        dials_today,
        now_ms,
        calendar,
    };
    Ok(verdict(&input, rules).into())
}

/// Contacts that reached the member since an instant.
fn past_contacts(
    conn: &Connection,
    member_id: &str,
    since_ms: i64,
    calendar: Calendar,
) -> Result<Vec<PastContact>> {
    let Some(key) = rows::existing_key(conn, member_id)? else {
        return Ok(Vec::new());
    };
    let mut statement = conn.prepare_cached(
        "SELECT started_at_ms, channel, purpose FROM attempt
         WHERE member_key = ?1 AND started_at_ms >= ?2 AND result = 'answered'
         UNION ALL SELECT at_ms, channel, purpose FROM send
         WHERE member_key = ?1 AND at_ms >= ?2 AND state = 'delivered'",
    )?;
    let contacts = statement.query_map([key, since_ms], |row| {
        Ok(PastContact {
            day: calendar.day(row.get(0)?),
            channel: Channel::from_code(row.get_ref(1)?.as_str()?).unwrap_or(Channel::Call),
            purpose: strictest(&Open::read(row.get_ref(2)?.as_str()?)),
        })
    })?;
    Ok(contacts.collect::<rusqlite::Result<_>>()?)
}

/// Dials to a number today, by anybody; those that never rang do not count.
fn dials_on(conn: &Connection, number_hash: &str, today: NaiveDate) -> Result<u32> {
    Ok(conn
        .prepare_cached(
            "SELECT count(*) FROM attempt WHERE number_hash = ?1 AND day = ?2
                AND (result IS NULL OR result NOT IN ('cancelled', 'blocked_by_policy'))",
        )?
        .query_row(params![number_hash, day_number(today)], |row| row.get(0))?)
}

/// A number's hash under a key that every phone of the chain has and no other chain: the digest of
/// the hub's certificate. Phones of one chain count the dials to a number together without the
/// number in the record of a dial.
fn number_hash(conn: &Connection, number: &str) -> Result<String> {
    let key: String = meta::get(conn, meta::HUB_FINGERPRINT)?.unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| refused("number_hash"))?;
    mac.update(number.as_bytes());
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// Keeps a refusal of the gate: each is counted.
pub(super) fn keep_refusal(
    tx: &Tx<'_>,
    work: &Work<'_>,
    member: &Member,
    contact: &Contact,
    reason: GateReason,
) -> Result<()> {
    let key = rows::key_of(tx, &member.id)?;
    tx.prepare_cached(
        "INSERT INTO refusal (at_ms, member_key, channel, purpose, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        work.now_ms,
        key,
        contact.channel.code(),
        contact.purpose.code(),
        reason.code()
    ])?;
    // A year of refusals is enough for every figure that is made of them.
    tx.prepare_cached("DELETE FROM refusal WHERE at_ms < ?1")?
        .execute([work.now_ms - 366 * 86_400_000])?;
    Ok(())
}

/// The task of a dial, its member, and what it is for.
fn whom(listing: &Listing<'_>, target: &DialTarget) -> Result<(Option<Found>, String, ContactPurpose)> {
    match target {
        DialTarget::Task(id) => {
            let found = listing.one(id)?;
            let (member_id, purpose) = (found.task.member_id.clone(), strictest(&found.task.purpose));
            Ok((Some(found), member_id, purpose))
        }
        DialTarget::Member(member_id) => Ok((None, member_id.clone(), ContactPurpose::Service)),
    }
}

/// The call to a member whose tasks wait, and what the gate says of it: for the first of them that is done by a
/// call, so that what comes of it is recorded; else for the member.
pub(super) fn call_to(
    conn: &Connection,
    acting: &Acting,
    member: &Member,
    waiting: &[TaskBrief],
) -> Result<(DialTarget, GateVerdict)> {
    let task = waiting.iter().find(|task| task.act == TaskAct::Call);
    let purpose = match task {
        Some(task) => rows::task(conn, &task.task_id)?.map(|task| strictest(&task.purpose)),
        None => None,
    };
    let purpose = purpose.unwrap_or(ContactPurpose::Service);
    let verdict = gate(conn, acting, member, &contact(Channel::Call, purpose))?;
    Ok((
        DialTarget::of(task.map(|task| task.task_id.clone()), &member.id),
        verdict,
    ))
}

/// The gate and the attempt in one transaction; a refusal of the gate is kept and handed back.
fn begin_dial(
    tx: &Tx<'_>,
    work: &Work<'_>,
    target: &DialTarget,
) -> Result<std::result::Result<Dial, Refusal>> {
    let listing = Listing::new(tx, work)?;
    let (found, member_id, purpose) = whom(&listing, target)?;
    if let Some(found) = found.as_ref().filter(|found| is_absorbing(&found.task.state)) {
        let state = ("state".to_owned(), found.task.state.code().to_owned());
        return Err(refused_with("task_closed", vec![state]));
    }
    let member = known_member(tx, &member_id)?;
    let open = open_attempts(tx, &work.staff.id, work.now_ms, Some(&member.id))?;
    if let Some(open) = open.into_iter().find(|open| open.awaits == Awaits::Result) {
        return Err(refused_with(
            "attempt_open",
            vec![("attempt_id".to_owned(), open.attempt_id)],
        ));
    }
    let contact = contact(Channel::Call, purpose);
    let verdict = gate(tx, work, &member, &contact)?;
    if let (Some(reason), Some(refusal)) = (verdict.reason, verdict.refusal()) {
        keep_refusal(tx, work, &member, &contact, reason)?;
        return Ok(Err(refusal));
    }
    let number = member.phone.clone().ok_or_else(|| refused("gate.no_number"))?;
    let attempt = Attempt {
        id: work.new_id()?,
        task_id: found.as_ref().map(|found| found.task.id.clone()),
        member_id: member.id.clone(),
        staff_id: work.staff.id.clone(),
        purpose: purpose.into(),
        channel: Channel::Call.into(),
        number_hash: number_hash(tx, &number)?,
        started_at_ms: work.now_ms,
        ended_at_ms: None,
        duration_s: None,
        result: None,
        recording: None,
    };
    let dial = Dial {
        attempt_id: attempt.id.clone(),
        member_id: member.id.clone(),
        task_id: attempt.task_id.clone(),
        phone_masked: masked(&member),
        name: member.name,
        script: found
            .map(|found| script_of(tx, work, &found.task, &listing.row(&found)?))
            .transpose()?
            .flatten(),
        number: number.into(),
    };
    work.put(tx, Op::StartAttempt { attempt })?;
    Ok(Ok(dial))
}

/// Stores the end of a dial. It belongs to who began it: on a shared phone somebody else may have
/// signed in before the carrier told.
fn end(
    tx: &Tx<'_>,
    work: &Work<'_>,
    attempt: &Attempt,
    result: CarrierResult,
    duration_s: Option<u32>,
) -> Result<()> {
    let op = Op::EndAttempt {
        attempt_id: attempt.id.clone(),
        ended_at_ms: work.now_ms,
        duration_s,
        result: result.into(),
    };
    work.put_as(tx, &attempt.staff_id, op, None)?;
    Ok(())
}

/// Whether a call was answered of whose recording nothing is known yet.
fn recording_due(conn: &Connection, attempt_id: Option<&str>) -> Result<bool> {
    let Some(id) = attempt_id else { return Ok(false) };
    let answered = |result: &Open<CarrierResult>| result.is(CarrierResult::Answered);
    let waits = rows::attempt(conn, id)?
        .is_some_and(|attempt| attempt.result.as_ref().is_some_and(answered) && attempt.recording.is_none());
    Ok(waits && recording::rows::get(conn, id)?.is_none())
}

/// The outcome to record. A dial of the task whose end was not told is ended as answered: somebody
/// said something.
fn outcome_of(tx: &Tx<'_>, work: &Work<'_>, task_id: &str, new: &NewOutcome) -> Result<Outcome> {
    let mut attempt_id = new.attempt_id.clone();
    if attempt_id.is_none() && new.supersedes.is_none() {
        let task = rows::task(tx, task_id)?.ok_or_else(|| refused(reason::TASK_UNKNOWN))?;
        let open = open_attempts(tx, &work.staff.id, work.now_ms, Some(&task.member_id))?;
        let open = open
            .into_iter()
            .find(|open| open.target.task_id() == Some(task_id));
        attempt_id = open.map(|open| open.attempt_id);
    }
    if let Some(id) = &attempt_id {
        let attempt = rows::attempt(tx, id)?.ok_or_else(|| refused(reason::ATTEMPT_UNKNOWN))?;
        if attempt.task_id.as_deref() != Some(task_id) {
            return Err(refused("attempt_other_task"));
        }
        if attempt.result.is_none() {
            end(tx, work, &attempt, CarrierResult::Answered, None)?;
        }
    }
    let text = |text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let ingredient = match text(&new.ingredient) {
        Some(said) => Some(said),
        None => ingredient_of(tx, task_id, new.code, &work.settings.rules.task)?,
    };
    Ok(Outcome {
        id: work.new_id()?,
        code: new.code.into(),
        at_ms: work.now_ms,
        day: work.today,
        staff_id: work.staff.id.clone(),
        attempt_id,
        date: new.date,
        call_at_ms: new.call_at_ms,
        ingredient,
        note: text(&new.note),
        supersedes: new.supersedes.clone(),
    })
}

/// The medicine that an outcome means if the clerk names none: the one that the task is about.
fn ingredient_of(
    conn: &Connection,
    task_id: &str,
    code: OutcomeCode,
    rules: &TaskRules,
) -> Result<Option<String>> {
    if asks(code, rules).medicine == Answer::NotAsked {
        return Ok(None);
    }
    let task = rows::task(conn, task_id)?;
    Ok(task.and_then(|task| about(&task).map(str::to_owned)))
}

/// A clerk's dials without a result, or answered and without an outcome, newest first; only those of
/// one member if it is given.
fn open_attempts(
    conn: &Connection,
    staff_id: &str,
    now_ms: i64,
    member_id: Option<&str>,
) -> Result<Vec<OpenAttempt>> {
    let mut statement = conn.prepare_cached(
        "SELECT a.attempt_id, a.task_id, m.member_id, m.name, m.phone_reversed, a.started_at_ms, a.result IS NULL
         FROM attempt a JOIN member m ON m.member_key = a.member_key
         LEFT JOIN task t ON t.task_id = a.task_id
         WHERE a.staff_id = ?1 AND a.day >= ?2 AND (?3 IS NULL OR m.member_id = ?3)
           AND (a.result IS NULL OR (a.result IN ('answered', 'dropped') AND t.state = 'in_progress'
                AND NOT EXISTS (SELECT 1 FROM task_outcome o WHERE o.attempt_id = a.attempt_id)))
         ORDER BY a.started_at_ms DESC, a.attempt_id DESC LIMIT ?4",
    )?;
    let first_day = now_ms.div_euclid(86_400_000) - OPEN_DAYS;
    let open = statement.query_map(params![staff_id, first_day, member_id, OPEN_MAX], |row| {
        let reversed: Option<String> = row.get(4)?;
        let member_id: String = row.get(2)?;
        Ok(OpenAttempt {
            attempt_id: row.get(0)?,
            target: DialTarget::of(row.get(1)?, &member_id),
            member_id,
            name: row.get(3)?,
            phone_masked: reversed
                .map(|digits| yaoban_domain::phone::mask(&digits.chars().rev().collect::<String>())),
            started_at_ms: row.get(5)?,
            awaits: if row.get(6)? {
                Awaits::Result
            } else {
                Awaits::Outcome
            },
        })
    })?;
    Ok(open.collect::<rusqlite::Result<_>>()?)
}

/// The dials of a task, newest first.
pub(super) fn attempts_of_task(conn: &Connection, task_id: &str) -> Result<Vec<AttemptRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT a.attempt_id, a.staff_id, a.started_at_ms, a.duration_s, a.result
         FROM task t JOIN attempt a ON a.member_key = t.member_key AND a.task_id = t.task_id
         WHERE t.task_id = ?1 ORDER BY a.started_at_ms DESC, a.attempt_id DESC LIMIT ?2",
    )?;
    let attempts = statement.query_map(params![task_id, ATTEMPTS_MAX], |row| {
        Ok(AttemptRow {
            attempt_id: row.get(0)?,
            staff_id: row.get(1)?,
            started_at_ms: row.get(2)?,
            duration_s: row.get(3)?,
            result: row.get_ref(4)?.as_str_or_null()?.map(Open::read),
        })
    })?;
    Ok(attempts.collect::<rusqlite::Result<_>>()?)
}

/// Outcomes that can still be taken back: key in the outbox, task, outcome.
fn held_outcomes(conn: &Connection, now_ms: i64) -> Result<Vec<(i64, String, String)>> {
    let mut statement = conn.prepare_cached(
        "SELECT outbox_id, body FROM outbox WHERE state = 'held' AND held_until_ms > ?1 ORDER BY outbox_id",
    )?;
    let mut rows = statement.query([now_ms])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let op: Op = from_cbor(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
        if let Op::RecordOutcome { task_id, outcome } = op {
            held.push((row.get(0)?, task_id, outcome.id));
        }
    }
    Ok(held)
}

fn held_outcome(conn: &Connection, outcome_id: &str, now_ms: i64) -> Result<Option<(i64, String)>> {
    Ok(held_outcomes(conn, now_ms)?
        .into_iter()
        .find(|(_, _, id)| id == outcome_id)
        .map(|(outbox_id, task_id, _)| (outbox_id, task_id)))
}
