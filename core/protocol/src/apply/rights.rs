//! Who may do what: the rights of [`yaoban_domain::role`], for what each operation is, and the reach
//! of a store (rules, section 7).

use yaoban_domain::codes::{Action, Role};
use yaoban_domain::model::{CareTask, Member, Staff};
use yaoban_domain::role::{Place, Request, decide};
use yaoban_domain::rules::DeviceRules;

use super::{Act, OpMeta, Refusal, Rows, Step, Stop, is_temporary, reason};
use crate::op::Op;

/// What an operation is, for the rights. Giving a task away and cancelling it ask for more, unless
/// it is the clerk's own (see [`Act::allowed`]).
fn action(op: &Op) -> Action {
    match op {
        Op::RegisterMember { .. } => Action::RegisterMember,
        Op::EditMember { .. } | Op::SetRegimen { .. } => Action::EditMember,
        Op::Tags { .. } => Action::Tag,
        Op::SetConsent { .. } => Action::SetConsent,
        Op::AddReading { .. } => Action::AddReading,
        Op::AddNote { .. } => Action::AddNote,
        Op::CreateTask { .. }
        | Op::StartTask { .. }
        | Op::DeferTask { .. }
        | Op::CancelTask { .. }
        | Op::ReassignTask { .. }
        | Op::StartAttempt { .. }
        | Op::EndAttempt { .. }
        | Op::RecordOutcome { .. }
        | Op::RecordSend { .. } => Action::RunTask,
        Op::NudgeTask { .. } => Action::Nudge,
        Op::MarkOff { .. } => Action::MarkOff,
        Op::MergeMembers { .. } | Op::UndoMerge { .. } | Op::KeepApart { .. } => Action::Merge,
    }
}

/// Whether an operation tells of a contact with a member that has been made: a fact, that no right
/// undoes. Refused, it would be missing from the record by which the gate judges the next contact,
/// and the member would be called or written to once more.
fn is_contact(op: &Op) -> bool {
    matches!(
        op,
        Op::StartAttempt { .. } | Op::EndAttempt { .. } | Op::RecordSend { .. }
    )
}

/// The member of staff who did it, as they are now and as they were when they did it (phones' clocks
/// are wrong at times, so either is enough): known, active, of the device's store, in a role that may
/// do this there. None of both: the refusal of what they are now. Who made a contact need only be
/// known: their phone let them before it heard that they may no more.
pub(super) fn staff_of_device(
    now: Option<Staff>,
    then: Option<Staff>,
    op: &Op,
    meta: &OpMeta,
    rules: &DeviceRules,
) -> Result<Vec<Staff>, Refusal> {
    let now = now.ok_or_else(|| Refusal::new(reason::STAFF_UNKNOWN))?;
    if is_contact(op) {
        return Ok(std::iter::once(now).chain(then).collect());
    }
    let refused = may(&now, op, meta, rules).err();
    let then = then.filter(|staff| may(staff, op, meta, rules).is_ok());
    match (refused, then) {
        (None, then) => Ok(std::iter::once(now).chain(then).collect()),
        (Some(_), Some(then)) => Ok(vec![then]),
        (Some(refusal), None) => Err(refusal),
    }
}

fn may(staff: &Staff, op: &Op, meta: &OpMeta, rules: &DeviceRules) -> Result<(), Refusal> {
    if !staff.active {
        return Err(Refusal::new(reason::STAFF_INACTIVE));
    }
    if !staff.role.is(Role::Clerk) && !staff.role.is(Role::StoreManager) {
        return Err(Refusal::new(reason::ROLE_NOT_ALLOWED));
    }
    if staff.store_id.as_deref() != Some(meta.device_store_id) {
        return Err(Refusal::new(reason::STAFF_OTHER_STORE));
    }
    allowed(staff, action(op), rules)
}

/// What somebody of a store may do there.
fn allowed(staff: &Staff, action: Action, rules: &DeviceRules) -> Result<(), Refusal> {
    let place = Place {
        store_id: staff.store_id.as_deref(),
        region: None,
    };
    if decide(staff, &Request::new(action, place), rules).is_allowed() {
        Ok(())
    } else {
        Err(Refusal::new(reason::MANAGER_ONLY))
    }
}

impl<R: Rows> Act<'_, R> {
    /// Lets on who may do this in the store.
    pub(super) fn allowed(&self, action: Action) -> Result<(), Refusal> {
        let mut allowed = self
            .staff
            .iter()
            .map(|staff| allowed(staff, action, &self.rules.device));
        let first = allowed.next().unwrap_or(Ok(()));
        if first.is_ok() || allowed.any(|answer| answer.is_ok()) {
            Ok(())
        } else {
            first
        }
    }

    /// The row's author is who did the operation.
    pub(super) fn author(&self, staff_id: &str) -> Result<(), Refusal> {
        if staff_id == self.meta.staff_id {
            Ok(())
        } else {
            Err(Refusal::new(reason::AUTHOR_DIFFERS))
        }
    }

    /// A member that the store may touch, by id or alias. A member that this store registered
    /// under a temporary id stays within its reach by that id, wherever the hub found it.
    pub(super) fn own_member(&mut self, id: &str) -> Step<R, Member> {
        let member = self.any_member(id)?;
        let own = member.store_id.as_deref() == Some(self.store_id.as_str())
            || (is_temporary(id) && member.id != id)
            || self.was_here(&member.id)?;
        if own {
            Ok(member)
        } else {
            Err(Refusal::new(reason::MEMBER_OTHER_STORE).into())
        }
    }

    /// A member of any store that is not erased.
    pub(super) fn any_member(&mut self, id: &str) -> Step<R, Member> {
        let member = self.rows.member(id).map_err(Stop::Rows)?;
        let member = member.ok_or_else(|| Refusal::new(reason::MEMBER_UNKNOWN))?;
        if member.erased {
            Err(Refusal::new(reason::MEMBER_ERASED).into())
        } else {
            Ok(member)
        }
    }

    /// A task that the store may touch: one for its members. A task goes where its member goes, so
    /// it is given back in the member's home store, wherever it was made.
    pub(super) fn own_task(&mut self, id: &str) -> Step<R, CareTask> {
        let task = self.rows.task(id).map_err(Stop::Rows)?;
        let mut task = task.ok_or_else(|| Refusal::new(reason::TASK_UNKNOWN))?;
        let member = self.any_member(&task.member_id)?;
        if let Some(home) = member.store_id {
            task.store_id = home;
        }
        let own = task.store_id == self.store_id || self.was_here(&member.id)?;
        if own {
            Ok(task)
        } else {
            Err(Refusal::new(reason::TASK_OTHER_STORE).into())
        }
    }

    fn was_here(&mut self, member_id: &str) -> Step<R, bool> {
        self.rows
            .was_in_store(member_id, &self.store_id, self.meta.at_ms)
            .map_err(Stop::Rows)
    }
}
