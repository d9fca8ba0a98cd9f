//! Who sees and may do what (rules, section 7). What is not allowed here is refused.

use crate::codes::{Action, Role};
use crate::model::{Staff, Store};
use crate::rules::DeviceRules;

/// Where the thing is that an action concerns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// The store of the member, task or figure; none: the chain's.
    pub store_id: Option<&'a str>,
    /// That store's region.
    pub region: Option<&'a str>,
}

impl<'a> From<&'a Store> for Place<'a> {
    fn from(store: &'a Store) -> Self {
        Self {
            store_id: Some(&store.id),
            region: store.region.as_deref(),
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// What.
    pub action: Action,
    /// Where.
    pub place: Place<'a>,
    /// Why, where a reason has to be stated.
    pub reason: Option<&'a str>,
    /// Members in the smallest group of an export; 0 for single members.
    pub export_group: u32,
    /// Another admin approved the export.
    pub second_admin: bool,
}

impl<'a> Request<'a> {
    /// A request without a reason.
    pub fn new(action: Action, place: Place<'a>) -> Self {
        Self {
            action,
            place,
            reason: None,
            export_group: 0,
            second_admin: false,
        }
    }
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Allowed.
    Allow,
    /// Allowed, and written to the audit log.
    AllowAudited,
    /// Not allowed.
    Refuse(Refusal),
}

impl Decision {
    /// Whether it is allowed, audited or not.
    pub fn is_allowed(self) -> bool {
        !matches!(self, Self::Refuse(_))
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The person no longer works here, or holds a role that this build does not know.
    NotStaff,
    /// The role may not do this anywhere.
    Role,
    /// The role may do this, but not there.
    Place,
    /// A reason has to be stated.
    ReasonMissing,
    /// The export covers groups that are too small; a second admin has to approve it.
    SecondAdminMissing,
}

impl Refusal {
    /// The stable code, for answers and screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotStaff => "not_staff",
            Self::Role => "role_may_not",
            Self::Place => "other_place",
            Self::ReasonMissing => "reason_missing",
            Self::SecondAdminMissing => "second_admin_missing",
        }
    }
}

/// Whether a member of staff may do what is asked.
///
/// - clerks: everything of daily work in their own store;
/// - store managers: that, and leading their store;
/// - region managers: figures and campaigns of their stores, single members only with a stated
///   reason, audited;
/// - admins: the chain's figures, campaigns, services, models, users; exports of groups of at least
///   10 members, smaller ones with a second admin.
///
/// A clerk or store manager may look up a walk-in from another store with a stated reason, audited.
pub fn decide(staff: &Staff, request: &Request<'_>, rules: &DeviceRules) -> Decision {
    let Some(role) = staff.role.known().filter(|_| staff.active) else {
        return Decision::Refuse(Refusal::NotStaff);
    };
    match role {
        Role::Clerk | Role::StoreManager => in_store(staff, role, request),
        Role::RegionManager => in_region(staff, request),
        Role::Admin => at_headquarters(request, rules),
    }
}

fn in_store(staff: &Staff, role: Role, request: &Request<'_>) -> Decision {
    let own = staff.store_id.is_some() && staff.store_id.as_deref() == request.place.store_id;
    match request.action {
        Action::SeeMember if !own => with_reason(request),
        Action::SeeMember
        | Action::SeeTask
        | Action::RunTask
        | Action::RegisterMember
        | Action::EditMember
        | Action::AddReading
        | Action::Tag
        | Action::AddNote
        | Action::SetConsent => there(own),
        Action::SeeStore
        | Action::SeeFigures
        | Action::Assign
        | Action::Nudge
        | Action::MarkOff
        | Action::Merge
            if role == Role::StoreManager =>
        {
            there(own)
        }
        _ => Decision::Refuse(Refusal::Role),
    }
}

fn in_region(staff: &Staff, request: &Request<'_>) -> Decision {
    let own = request.place.store_id.is_some()
        && staff.region.is_some()
        && staff.region.as_deref() == request.place.region;
    match request.action {
        Action::SeeMember if own => with_reason(request),
        Action::SeeMember | Action::SeeStore | Action::SeeFigures | Action::Campaign => there(own),
        _ => Decision::Refuse(Refusal::Role),
    }
}

fn at_headquarters(request: &Request<'_>, rules: &DeviceRules) -> Decision {
    match request.action {
        Action::SeeStore
        | Action::SeeFigures
        | Action::SeeChain
        | Action::Campaign
        | Action::Services
        | Action::Models => Decision::Allow,
        // Every permission change and every export is audited.
        Action::Users => Decision::AllowAudited,
        Action::Export if request.second_admin || request.export_group >= rules.k_anonymity => {
            Decision::AllowAudited
        }
        Action::Export => Decision::Refuse(Refusal::SecondAdminMissing),
        _ => Decision::Refuse(Refusal::Role),
    }
}

fn there(own: bool) -> Decision {
    if own {
        Decision::Allow
    } else {
        Decision::Refuse(Refusal::Place)
    }
}

/// Reads of a member by someone outside its store state a reason and are audited.
fn with_reason(request: &Request<'_>) -> Decision {
    if request.reason.is_some_and(|reason| !reason.trim().is_empty()) {
        Decision::AllowAudited
    } else {
        Decision::Refuse(Refusal::ReasonMissing)
    }
}

#[cfg(test)]
mod tests;
