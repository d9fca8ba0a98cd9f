//! What each operation does: the one implementation, used by the hub inside its transaction and by
//! the phone for the local effect and the replay of its outbox.
//!
//! [`apply`] reads and writes through [`Rows`] and ends every operation in a status; an error is
//! only ever the storage's own. It decides by what the operation carries and by the rows, never by
//! where it runs, so a phone shows what the hub will make of it. Rows that follow by rule
//! (pharmacist's tasks) have derived ids, so both ends make the same row.
//!
//! | module | operations |
//! |---|---|
//! | `member` | register, edit, tags, consent, regimen |
//! | `record` | readings, notes, attempts, sends |
//! | `task` | tasks and outcomes, marking off |
//! | `merge` | two records of one person |
//! | `rights` | who may |
//! | `limits` | sizes and ranges |
//!
//! The conflict rules are those of the sync protocol's table. An operation that was applied before
//! is the caller's to know by its `op_id`; where an operation carries a row with its own id, the
//! same row again is a [`OpStatus::Duplicate`] here too.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use yaoban_domain::calendar::Calendar;
use yaoban_domain::model::{Attempt, CareTask, Consent, Member, Note, Reading, Send, Staff};
use yaoban_domain::rules::Rules;
use yaoban_domain::signature::Signature;
use yaoban_domain::task::TaskCtx;

use crate::op::{Op, OpResult, OpStatus};
use crate::row::{DuplicatePair, entity};

mod limits;
mod member;
mod merge;
pub mod reason;
mod record;
mod rights;
mod task;

pub use limits::{is_temporary, temporary_id};
pub use merge::MergedMember;

/// The rows that operations read and write, in one transaction of the host.
///
/// A `put` stores the record as it is given, but for `version`, which the hub raises by one and a
/// phone leaves.
pub trait Rows {
    /// The storage's error.
    type Error;

    /// A member by its id or by an alias.
    fn member(&mut self, id: &str) -> Result<Option<Member>, Self::Error>;
    /// Stores a member.
    fn put_member(&mut self, member: &Member) -> Result<(), Self::Error>;
    /// Takes a member away that became another one's alias.
    fn remove_member(&mut self, id: &str) -> Result<(), Self::Error>;
    /// Keeps a signature. A phone holds it in its outbox only, until the hub has it: it is evidence for
    /// the chain, and none of a clerk's business.
    fn put_signed(&mut self, _signed: &SignedConsents) -> Result<(), Self::Error> {
        Ok(())
    }
    /// Members on a number in normal form: at the hub all of the chain.
    fn members_on_phone(&mut self, phone: &str) -> Result<Vec<Member>, Self::Error>;
    /// Whether members get their ids here: at the hub yes, on a phone no.
    fn assigns_ids(&self) -> bool;
    /// A new id for a member; asked only where ids are assigned.
    fn new_member_id(&mut self, member: &Member) -> Result<String, Self::Error>;
    /// Whether a member was in a store when the operation was made, though it is not now. Work done
    /// before a move is accepted. A phone answers no.
    fn was_in_store(&mut self, member_id: &str, store_id: &str, at_ms: i64) -> Result<bool, Self::Error>;

    /// A task.
    fn task(&mut self, id: &str) -> Result<Option<CareTask>, Self::Error>;
    /// Stores a task.
    fn put_task(&mut self, task: &CareTask) -> Result<(), Self::Error>;
    /// All tasks of a member.
    fn tasks_of_member(&mut self, member_id: &str) -> Result<Vec<CareTask>, Self::Error>;
    /// An attempt.
    fn attempt(&mut self, id: &str) -> Result<Option<Attempt>, Self::Error>;
    /// Stores an attempt.
    fn put_attempt(&mut self, attempt: &Attempt) -> Result<(), Self::Error>;
    /// A reading.
    fn reading(&mut self, id: &str) -> Result<Option<Reading>, Self::Error>;
    /// Stores a reading.
    fn put_reading(&mut self, reading: &Reading) -> Result<(), Self::Error>;
    /// A note.
    fn note(&mut self, id: &str) -> Result<Option<Note>, Self::Error>;
    /// Stores a note.
    fn put_note(&mut self, note: &Note) -> Result<(), Self::Error>;
    /// A send by its key.
    fn send(&mut self, key: &str) -> Result<Option<Send>, Self::Error>;
    /// Stores a send.
    fn put_send(&mut self, send: &Send) -> Result<(), Self::Error>;

    /// Someone who works for the chain.
    fn staff(&mut self, id: &str) -> Result<Option<Staff>, Self::Error>;
    /// Someone as they stood at an instant, if that was otherwise than now: what they did before they
    /// moved, left or got another role is judged by the rights they had. A phone knows no earlier state.
    fn staff_before(&mut self, _id: &str, _at_ms: i64) -> Result<Option<Staff>, Self::Error> {
        Ok(None)
    }
    /// Stores a member of staff.
    fn put_staff(&mut self, staff: &Staff) -> Result<(), Self::Error>;
    /// Everyone of a store, in any order.
    fn staff_of_store(&mut self, store_id: &str) -> Result<Vec<Staff>, Self::Error>;

    /// A pair of possible duplicates by its row's id (see [`pair_id`]).
    fn duplicate(&mut self, id: &str) -> Result<Option<DuplicatePair>, Self::Error>;
    /// Stores a pair.
    fn put_duplicate(&mut self, pair: &DuplicatePair) -> Result<(), Self::Error>;
    /// What is needed to undo a merge, by the id that became an alias.
    fn merged(&mut self, other_id: &str) -> Result<Option<MergedMember>, Self::Error>;
    /// Keeps what is needed to undo a merge.
    fn put_merged(&mut self, merged: &MergedMember) -> Result<(), Self::Error>;
    /// Forgets a merge that was undone.
    fn remove_merged(&mut self, other_id: &str) -> Result<(), Self::Error>;
    /// Gives everything of one member (purchases, readings, notes, tasks, attempts, sends) to
    /// another, in a way that can be taken back, and brings life-time figures up to date.
    fn move_history(&mut self, from: &str, to: &str) -> Result<Vec<RowRef>, Self::Error>;
    /// Takes [`Self::move_history`] back: what came from `from` leaves `to` and belongs to `back`.
    fn return_history(&mut self, from: &str, to: &str, back: &str) -> Result<Vec<RowRef>, Self::Error>;
}

/// A row by its entity (see [`entity`]) and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowRef {
    /// Its entity.
    pub entity: String,
    /// Its id.
    pub id: String,
}

impl RowRef {
    /// A row.
    pub fn new(entity: &str, id: &str) -> Self {
        Self {
            entity: entity.to_owned(),
            id: id.to_owned(),
        }
    }
}

/// Consents and what a member signed them with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedConsents {
    /// The operation that brought it.
    pub op_id: String,
    /// Whose, by the id under which the member was kept then.
    pub member_id: String,
    /// The consents, with their wording's version, when they were given, where and to whom.
    pub consents: Vec<Consent>,
    /// The signature.
    pub signature: Signature,
}

/// The circumstances of an operation.
#[derive(Debug, Clone, Copy)]
pub struct OpMeta<'a> {
    /// The operation's id.
    pub op_id: &'a str,
    /// Who did it.
    pub staff_id: &'a str,
    /// When by the phone's clock, UTC.
    pub at_ms: i64,
    /// Version of the row that it was based on, 0 if none.
    pub base_version: u64,
    /// The store of the device it was made on.
    pub device_store_id: &'a str,
    /// Now by the clock of the machine that applies it, UTC.
    pub now_ms: i64,
}

/// A value that lost against another, for the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loser {
    /// Whose.
    pub member_id: String,
    /// Which field.
    pub field: String,
    /// The value in JSON.
    pub value: String,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What became of it.
    pub status: OpStatus,
    /// Why (see [`reason`]), where it was rejected, parked or merged.
    pub reason: Option<&'static str>,
    /// Values for the reason's wording, by name, without personal data.
    pub values: Vec<(String, String)>,
    /// Rows that were written or taken away, each once, ascending.
    pub touched: Vec<RowRef>,
    /// The id that takes the place of a temporary one.
    pub member_id: Option<String>,
    /// Values that lost.
    pub losers: Vec<Loser>,
}

impl Applied {
    /// The result that travels back.
    pub fn into_result(self, n: u64, op_id: &str) -> OpResult {
        OpResult {
            n,
            op_id: op_id.to_owned(),
            status: self.status,
            reason: self.reason.map(str::to_owned),
            values: self.values,
            member_id: self.member_id,
        }
    }
}

/// The id of the row of a pair of possible duplicates.
pub fn pair_id(pair: &DuplicatePair) -> String {
    format!("{}+{}", pair.first, pair.second)
}

/// Applies one operation. Every operation ends in a status; the error is the storage's own. A
/// rejected or parked operation has written nothing.
pub fn apply<R: Rows>(
    rows: &mut R,
    op: &Op,
    meta: &OpMeta,
    rules: &Rules,
    calendar: Calendar,
) -> Result<Applied, R::Error> {
    match Act::begin(rows, op, meta, rules, calendar).and_then(|mut act| {
        let status = act.run(op)?;
        Ok(act.end(status))
    }) {
        Ok(applied) => Ok(applied),
        Err(Stop::Rows(error)) => Err(error),
        Err(Stop::Refused(refusal)) => Ok(Applied {
            status: refusal.status,
            reason: Some(refusal.code),
            values: refusal.values,
            touched: Vec::new(),
            member_id: None,
            losers: Vec::new(),
        }),
    }
}

/// Why an operation is not done.
#[derive(Debug)]
struct Refusal {
    status: OpStatus,
    code: &'static str,
    values: Vec<(String, String)>,
}

impl Refusal {
    fn new(code: &'static str) -> Self {
        Self {
            status: OpStatus::Rejected,
            code,
            values: Vec::new(),
        }
    }

    fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.values.push((name.to_owned(), value.to_string()));
        self
    }
}

/// What ends an operation early.
enum Stop<E> {
    Rows(E),
    Refused(Refusal),
}

impl<E> From<Refusal> for Stop<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> From<yaoban_domain::task::TaskError> for Stop<E> {
    fn from(error: yaoban_domain::task::TaskError) -> Self {
        let status = match error {
            // A code from a newer version: nothing is wrong with it but that it is not understood.
            yaoban_domain::task::TaskError::UnknownOutcome(_) => OpStatus::Parked,
            _ => OpStatus::Rejected,
        };
        Self::Refused(Refusal {
            status,
            code: error.code(),
            values: error.values(),
        })
    }
}

type Step<R, T = OpStatus> = Result<T, Stop<<R as Rows>::Error>>;

/// One operation in progress.
struct Act<'a, R: Rows> {
    rows: &'a mut R,
    meta: &'a OpMeta<'a>,
    rules: &'a Rules,
    calendar: Calendar,
    /// Who did it, as they are now and as they were then, as far as either may.
    staff: Vec<Staff>,
    /// The store that the operation is done for.
    store_id: String,
    touched: BTreeSet<RowRef>,
    reason: Option<&'static str>,
    member_id: Option<String>,
    losers: Vec<Loser>,
}

impl<'a, R: Rows> Act<'a, R> {
    fn begin(
        rows: &'a mut R,
        op: &Op,
        meta: &'a OpMeta<'a>,
        rules: &'a Rules,
        calendar: Calendar,
    ) -> Step<R, Self> {
        let now = rows.staff(meta.staff_id).map_err(Stop::Rows)?;
        let then = rows.staff_before(meta.staff_id, meta.at_ms).map_err(Stop::Rows)?;
        let staff = rights::staff_of_device(now, then, op, meta, &rules.device)?;
        Ok(Self {
            rows,
            meta,
            rules,
            calendar,
            staff,
            store_id: meta.device_store_id.to_owned(),
            touched: BTreeSet::new(),
            reason: None,
            member_id: None,
            losers: Vec::new(),
        })
    }

    fn run(&mut self, op: &Op) -> Step<R> {
        match op {
            Op::RegisterMember { member, signature } => self.register(member, signature.as_ref()),
            Op::EditMember {
                member_id,
                base,
                edit,
            } => self.edit(member_id, base, edit),
            Op::Tags {
                member_id,
                add,
                remove,
            } => self.tags(member_id, add, remove),
            Op::SetConsent {
                member_id,
                consent,
                signature,
            } => self.consent(member_id, consent, signature.as_ref()),
            Op::SetRegimen { member_id, regimen } => self.regimen(member_id, regimen),
            Op::AddReading { reading } => self.add_reading(reading),
            Op::AddNote { note } => self.add_note(note),
            Op::CreateTask { task } => self.create_task(task),
            Op::StartTask { task_id } => self.start_task(task_id),
            Op::DeferTask {
                task_id,
                until,
                until_ms,
            } => self.defer_task(task_id, *until, *until_ms),
            Op::CancelTask { task_id } => self.cancel_task(task_id),
            Op::ReassignTask { task_id, assignee } => self.reassign(task_id, assignee.as_deref()),
            Op::NudgeTask { task_id } => self.nudge(task_id),
            Op::StartAttempt { attempt } => self.start_attempt(attempt),
            Op::EndAttempt {
                attempt_id,
                ended_at_ms,
                duration_s,
                result,
            } => self.end_attempt(attempt_id, *ended_at_ms, *duration_s, result),
            Op::RecordOutcome { task_id, outcome } => self.record_outcome(task_id, outcome),
            Op::RecordSend { send } => self.record_send(send),
            Op::MarkOff { staff_id, on } => self.mark_off(staff_id, *on),
            Op::MergeMembers { keep, other } => self.merge_members(keep, other),
            Op::UndoMerge { keep, other } => self.undo_merge(keep, other),
            Op::KeepApart { first, second } => self.keep_apart(first, second),
        }
    }

    fn end(self, status: OpStatus) -> Applied {
        Applied {
            status,
            reason: self.reason,
            values: Vec::new(),
            touched: self.touched.into_iter().collect(),
            member_id: self.member_id,
            losers: self.losers,
        }
    }

    fn touch(&mut self, entity: &str, id: &str) {
        self.touched.insert(RowRef::new(entity, id));
    }

    fn put_member(&mut self, member: &Member) -> Step<R, ()> {
        self.touch(entity::MEMBER, &member.id);
        self.rows.put_member(member).map_err(Stop::Rows)
    }

    fn put_task(&mut self, task: &CareTask) -> Step<R, ()> {
        self.touch(entity::TASK, &task.id);
        self.rows.put_task(task).map_err(Stop::Rows)
    }

    /// The instant at which the operation counts where it is weighed against others: never in the
    /// future, whatever the phone's clock says.
    fn weighed_at_ms(&self, at_ms: i64) -> i64 {
        at_ms.min(self.meta.now_ms)
    }

    fn task_ctx<'c>(&self, at_ms: i64, staff: &'c [Staff]) -> TaskCtx<'c>
    where
        'a: 'c,
    {
        TaskCtx {
            at_ms,
            now_ms: self.meta.now_ms,
            calendar: self.calendar,
            rules: &self.rules.task,
            staff,
        }
    }

    fn lost<T: Serialize>(&mut self, member_id: &str, field: &str, value: &T) {
        self.losers.push(Loser {
            member_id: member_id.to_owned(),
            field: field.to_owned(),
            value: serde_json::to_string(value).unwrap_or_default(),
        });
    }
}

#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;
