//! The contact gate (rules, section 5): one function decides every contact — a clerk's call, a call
//! by the voice robot, a text message, WeChat — and gives a reason when it refuses.
//!
//! The checks run in the order of the specification and the first that fails gives the reason.
//! An emergency passes everything but deceased, erased and an invalid number. A member who asked
//! not to be contacted gets neither marketing nor service contacts.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};

use crate::calendar::Calendar;
pub use crate::codes::GateReason;
use crate::codes::{CarrierResult, Channel, ConsentPurpose, ContactPurpose, Open, SendState};
use crate::consent::{Standing, standing};
use crate::model::{Attempt, Consent, Member, Send};
use crate::rules::{GateRules, Rules};

/// Days ahead in which an allowed hour is looked for.
const DEFER_DAYS_MAX: u64 = 60;

/// What the gate knows of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate fact of the member's record"
)]
pub struct MemberFlags {
    /// The member has died.
    pub deceased: bool,
    /// The member's data were erased.
    pub erased: bool,
    /// A number is known.
    pub has_number: bool,
    /// The number was found not to reach the member.
    pub number_invalid: bool,
    /// All contact pauses up to and including this day.
    pub paused_until: Option<NaiveDate>,
    /// The member asked not to be contacted.
    pub do_not_contact: bool,
}

impl From<&Member> for MemberFlags {
    fn from(member: &Member) -> Self {
        Self {
            deceased: member.deceased,
            erased: member.erased,
            has_number: member.phone.is_some(),
            number_invalid: member.phone_invalid,
            paused_until: member.paused_until,
            do_not_contact: member.do_not_contact,
        }
    }
}

/// A contact that reached the member: an answered call or a delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastContact {
    /// Business date.
    pub day: NaiveDate,
    /// By which channel.
    pub channel: Channel,
    /// Why it was made.
    pub purpose: ContactPurpose,
}

impl PastContact {
    /// The contact that an attempt was, if it was answered.
    pub fn of_attempt(attempt: &Attempt, calendar: Calendar) -> Option<Self> {
        let answered = attempt
            .result
            .as_ref()
            .and_then(Open::known)
            .is_some_and(is_answered);
        answered.then(|| Self {
            day: calendar.day(attempt.started_at_ms),
            channel: attempt.channel.known().unwrap_or(Channel::Call),
            purpose: strictest(&attempt.purpose),
        })
    }

    /// The contact that a message was, if it was delivered.
    pub fn of_send(send: &Send, calendar: Calendar) -> Option<Self> {
        send.state.is(SendState::Delivered).then(|| Self {
            day: calendar.day(send.at_ms),
            channel: send.channel.known().unwrap_or(Channel::Sms),
            purpose: strictest(&send.purpose),
        })
    }
}

/// Whether a call with this result counts as a contact: an answered one. One that was cut off does
/// not, so that the clerk may call back at once.
pub fn is_answered(result: CarrierResult) -> bool {
    result == CarrierResult::Answered
}

/// Whether an attempt counts among the dials to its number: all but those that never rang. One
/// whose result is not told yet counts.
pub fn is_dial(attempt: &Attempt) -> bool {
    !attempt
        .result
        .as_ref()
        .is_some_and(|r| r.is(CarrierResult::Cancelled) || r.is(CarrierResult::BlockedByPolicy))
}

/// A purpose as the gate reads it: one that this build does not know is held to be marketing, which
/// asks for the most.
pub fn strictest(purpose: &Open<ContactPurpose>) -> ContactPurpose {
    purpose.known().unwrap_or(ContactPurpose::Marketing)
}

/// What the gate decides on.
#[derive(Debug, Clone, Copy)]
pub struct GateInput<'a> {
    /// By which channel.
    pub channel: Channel,
    /// Why.
    pub purpose: ContactPurpose,
    /// The text promotes something (see [`crate::template::is_promotional`]).
    pub promotional: bool,
    /// The member.
    pub member: MemberFlags,
    /// The member's consents.
    pub consents: &'a [Consent],
    /// Contacts that reached the member, at least of the longest cap; those after today are ignored.
    pub history: &'a [PastContact],
    /// Dials to this number today, by anybody (see [`is_dial`]).
    pub dials_today: u32,
    /// Now, UTC.
    pub now_ms: i64,
    /// The chain's calendar.
    pub calendar: Calendar,
}

/// What the gate decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The contact may be made now.
    Allow,
    /// Not now: again from `until_ms` on (through the gate), given up at `expires_ms`.
    Defer {
        /// Outside hours, or a holiday.
        reason: GateReason,
        /// The next instant at which contacts are allowed, UTC.
        until_ms: i64,
        /// The end of the allowed hours of that day, UTC.
        expires_ms: i64,
    },
    /// No.
    Refuse {
        /// Why.
        reason: GateReason,
    },
}

impl Verdict {
    /// Whether the contact may be made now.
    pub fn allows(self) -> bool {
        self == Self::Allow
    }
}

/// Decides a contact.
pub fn verdict(input: &GateInput, rules: &Rules) -> Verdict {
    let emergency = input.purpose == ContactPurpose::Emergency;
    let refusal = person(&input.member, input.channel);
    let refusal = if emergency {
        refusal
    } else {
        refusal.or_else(|| wish(input))
    };
    if let Some(reason) = refusal {
        return Verdict::Refuse { reason };
    }
    if emergency {
        return Verdict::Allow;
    }
    if let Some(not_now) = hours(input, &rules.gate) {
        return not_now;
    }
    caps(input, &rules.gate).map_or(Verdict::Allow, |reason| Verdict::Refuse { reason })
}

/// Whether the recording of a call with the member may be made and kept: none, or why not. A
/// recording asks for its own consent, whatever the call was for; missing is unknown, which refuses.
pub fn recording_refusal(member: MemberFlags, consents: &[Consent], channel: Channel) -> Option<GateReason> {
    if member.erased {
        return Some(GateReason::Erased);
    }
    match standing(consents, ConsentPurpose::Recording, channel) {
        Standing::Granted => None,
        Standing::Unknown => Some(GateReason::NoConsent),
        Standing::Withdrawn => Some(GateReason::ConsentWithdrawn),
    }
}

/// Deceased, erased, number: what stops even an emergency.
fn person(member: &MemberFlags, channel: Channel) -> Option<GateReason> {
    let needs_number = channel != Channel::Wechat;
    match member {
        MemberFlags { deceased: true, .. } => Some(GateReason::Deceased),
        MemberFlags { erased: true, .. } => Some(GateReason::Erased),
        MemberFlags {
            number_invalid: true, ..
        } => Some(GateReason::NumberInvalid),
        MemberFlags {
            has_number: false, ..
        } if needs_number => Some(GateReason::NoNumber),
        _ => None,
    }
}

/// Pause, consent, do-not-contact.
fn wish(input: &GateInput) -> Option<GateReason> {
    let today = input.calendar.day(input.now_ms);
    if input.member.paused_until.is_some_and(|until| today <= until) {
        return Some(GateReason::Paused);
    }
    let needed: &[ConsentPurpose] = match input.purpose {
        ContactPurpose::Marketing => &[ConsentPurpose::Marketing],
        ContactPurpose::Service => &[ConsentPurpose::Membership, ConsentPurpose::Health],
        ContactPurpose::Emergency => &[],
    };
    let standings = || {
        needed
            .iter()
            .map(|purpose| standing(input.consents, *purpose, input.channel))
    };
    if !standings().any(|s| s == Standing::Granted) {
        let withdrawn = standings().any(|s| s == Standing::Withdrawn);
        return Some(if withdrawn {
            GateReason::ConsentWithdrawn
        } else {
            GateReason::NoConsent
        });
    }
    input.member.do_not_contact.then_some(GateReason::DoNotContact)
}

/// The allowed hours of a day, never wider than the widest that a chain may choose.
fn allowed_hours(rules: &GateRules) -> (u32, u32) {
    (
        rules.hours.0.max(rules.hours_widest.0),
        rules.hours.1.min(rules.hours_widest.1),
    )
}

fn hours(input: &GateInput, rules: &GateRules) -> Option<Verdict> {
    let (from, to) = allowed_hours(rules);
    let today = input.calendar.day(input.now_ms);
    let hour = input.calendar.hour(input.now_ms);
    let holiday = rules.holidays.contains(&today);
    if !holiday && (from..to).contains(&hour) {
        return None;
    }
    let reason = if holiday {
        GateReason::Holiday
    } else {
        GateReason::OutsideHours
    };
    let first = u64::from(holiday || hour >= to);
    let day = (first..=DEFER_DAYS_MAX)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .find(|day| from < to && !rules.holidays.contains(day));
    let at = |day: NaiveDate, hour: u32| {
        let local = day
            .and_time(NaiveTime::MIN)
            .checked_add_signed(TimeDelta::hours(i64::from(hour)))?;
        Some(input.calendar.instant_ms(local))
    };
    Some(match day.and_then(|day| Some((at(day, from)?, at(day, to)?))) {
        Some((until_ms, expires_ms)) => Verdict::Defer {
            reason,
            until_ms,
            expires_ms,
        },
        None => Verdict::Refuse { reason },
    })
}

fn caps(input: &GateInput, rules: &GateRules) -> Option<GateReason> {
    let today = input.calendar.day(input.now_ms);
    let is_message = |channel| matches!(channel, Channel::Sms | Channel::Wechat);
    let within = |days: i64| {
        input
            .history
            .iter()
            .filter(move |c| c.day <= today && (today - c.day).num_days() < days)
    };
    match input.purpose {
        ContactPurpose::Marketing => {
            let reached = |(days, contacts): &&(i64, u32)| {
                within(*days)
                    .filter(|c| c.purpose == ContactPurpose::Marketing)
                    .count()
                    >= *contacts as usize
            };
            if let Some((days, _)) = rules.marketing_caps.iter().find(reached) {
                return Some(match days {
                    ..=1 => GateReason::CapMarketingDay,
                    2..=7 => GateReason::CapMarketingWeek,
                    _ => GateReason::CapMarketingMonth,
                });
            }
        }
        ContactPurpose::Service if is_message(input.channel) => {
            let sent = within(1)
                .filter(|c| c.purpose == ContactPurpose::Service && is_message(c.channel))
                .count();
            if sent >= rules.service_messages_a_day as usize {
                return Some(GateReason::CapServiceDay);
            }
            if input.promotional {
                return Some(GateReason::MixedPromotion);
            }
        }
        ContactPurpose::Service | ContactPurpose::Emergency => {}
    }
    (!is_message(input.channel) && input.dials_today >= rules.dials_a_day).then_some(GateReason::DialsADay)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
