//! Who may do what (rules, section 7): a clerk its own store's members and tasks, a store manager
//! also allotment, merges and days off. Other roles do nothing on a phone.

use yaoban_domain::codes::Role;
use yaoban_domain::model::{CareTask, Member, Staff};

use super::{Act, OpMeta, Refusal, Rows, Step, Stop, is_temporary, reason};

/// The member of staff who did it: known, active, of the device's store, in a role that works there.
pub(super) fn staff_of_device(staff: Option<Staff>, meta: &OpMeta) -> Result<Staff, Refusal> {
    let staff = staff.ok_or_else(|| Refusal::new(reason::STAFF_UNKNOWN))?;
    if !staff.active {
        return Err(Refusal::new(reason::STAFF_INACTIVE));
    }
    if !staff.role.is(Role::Clerk) && !staff.role.is(Role::StoreManager) {
        return Err(Refusal::new(reason::ROLE_NOT_ALLOWED));
    }
    if staff.store_id.as_deref() != Some(meta.device_store_id) {
        return Err(Refusal::new(reason::STAFF_OTHER_STORE));
    }
    Ok(staff)
}

impl<R: Rows> Act<'_, R> {
    /// Whether the store manager is at it.
    pub(super) fn is_manager(&self) -> bool {
        self.staff.role.is(Role::StoreManager)
    }

    /// Lets only the store manager on.
    pub(super) fn manager_only(&self) -> Result<(), Refusal> {
        if self.is_manager() {
            Ok(())
        } else {
            Err(Refusal::new(reason::MANAGER_ONLY))
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

    /// A task that the store may touch.
    pub(super) fn own_task(&mut self, id: &str) -> Step<R, CareTask> {
        let task = self.rows.task(id).map_err(Stop::Rows)?;
        let task = task.ok_or_else(|| Refusal::new(reason::TASK_UNKNOWN))?;
        let own = task.store_id == self.store_id || self.was_here(&task.member_id)?;
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
