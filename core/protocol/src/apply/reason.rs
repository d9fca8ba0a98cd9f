//! Why an operation was not done, or not as asked: stable codes that the shells word. Those of the
//! task state machine ([`yaoban_domain::task::TaskError::code`]) and of readings
//! ([`yaoban_domain::health::ReadingError::code`]) come beside them.

/// The member of staff is not known.
pub const STAFF_UNKNOWN: &str = "staff_unknown";
/// The member of staff does not work here any more.
pub const STAFF_INACTIVE: &str = "staff_inactive";
/// The member of staff belongs to another store than the device.
pub const STAFF_OTHER_STORE: &str = "staff_other_store";
/// The role does not do this on a phone.
pub const ROLE_NOT_ALLOWED: &str = "role_not_allowed";
/// Only the store manager may.
pub const MANAGER_ONLY: &str = "manager_only";
/// No such member.
pub const MEMBER_UNKNOWN: &str = "member_unknown";
/// The member's data were erased.
pub const MEMBER_ERASED: &str = "member_erased";
/// The member belongs to another store.
pub const MEMBER_OTHER_STORE: &str = "member_other_store";
/// No such task.
pub const TASK_UNKNOWN: &str = "task_unknown";
/// The task belongs to another store.
pub const TASK_OTHER_STORE: &str = "task_other_store";
/// The task is for another member.
pub const TASK_OTHER_MEMBER: &str = "task_other_member";
/// No such attempt.
pub const ATTEMPT_UNKNOWN: &str = "attempt_unknown";
/// The attempt has ended in another way.
pub const ATTEMPT_ENDED: &str = "attempt_ended";
/// Another row has this id; the first one is kept. Value: `entity`.
pub const ID_TAKEN: &str = "id_taken";
/// The id is empty, too long or of the wrong form. Value: `field`.
pub const ID_NOT_VALID: &str = "id_not_valid";
/// A text is too long. Values: `field`, `chars_max`.
pub const TEXT_TOO_LONG: &str = "text_too_long";
/// A text holds what it may not. Value: `field`.
pub const TEXT_NOT_VALID: &str = "text_not_valid";
/// A text is needed. Value: `field`.
pub const TEXT_REQUIRED: &str = "text_required";
/// More entries than a record may have. Values: `field`, `count_max`.
pub const TOO_MANY: &str = "too_many";
/// A value lies outside what is possible. Values: `field`, `min`, `max`.
pub const OUT_OF_RANGE: &str = "out_of_range";
/// A signature has more strokes or points than one may, or points beyond its pad.
pub const SIGNATURE_NOT_VALID: &str = "signature_not_valid";
/// Not a phone number.
pub const PHONE_NOT_VALID: &str = "phone_not_valid";
/// A time lies in the future. Value: `field`.
pub const IN_FUTURE: &str = "in_future";
/// The row names somebody else as its author.
pub const AUTHOR_DIFFERS: &str = "author_differs";
/// A clerk makes tasks of its own only: no campaign, no rule, no emergency.
pub const ORIGIN_NOT_ALLOWED: &str = "origin_not_allowed";
/// Not a member of the store's staff, or not active.
pub const ASSIGNEE_UNKNOWN: &str = "assignee_unknown";
/// Marked off for the day.
pub const ASSIGNEE_OFF: &str = "assignee_off";
/// A task that is due before it starts.
pub const DUE_BEFORE_START: &str = "due_before_start";
/// A withdrawal that is not earlier stands against the consent.
pub const WITHDRAWN_SINCE: &str = "withdrawn_since";
/// The task was closed before; what was recorded is kept beside what counts.
pub const KEPT_BESIDE: &str = "kept_beside";
/// The member is the same.
pub const SAME_MEMBER: &str = "same_member";
/// The two were not merged.
pub const NOT_MERGED: &str = "not_merged";
/// No such pair of possible duplicates.
pub const PAIR_UNKNOWN: &str = "pair_unknown";
