//! What a member allowed: the standing of each purpose and channel, and how consents that were
//! taken at two places come together.
//!
//! A list of consents holds at most one entry a purpose and channel, ascending. An entry without a
//! channel speaks for every channel of its purpose; an entry that names a channel is more precise:
//! - a withdrawal that names a channel is lifted only by a consent that names it;
//! - a withdrawal for every channel is lifted by any later consent, for the channels it speaks for.

use crate::codes::{Channel, Code as _, ConsentPurpose, Open};
use crate::model::{Consent, Member};
use crate::rules::GateRules;

/// What is known of the consent for one purpose and channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Given.
    Granted,
    /// Never asked, or not told.
    Unknown,
    /// Withdrawn or refused.
    Withdrawn,
}

/// The standing of a purpose and channel.
pub fn standing(consents: &[Consent], purpose: ConsentPurpose, channel: Channel) -> Standing {
    let newest = |channel: Option<Channel>| {
        consents
            .iter()
            .filter(|c| c.purpose.is(purpose) && channel_code(c) == channel.map(Channel::code))
            .map(weight)
            .max()
    };
    match (newest(Some(channel)), newest(None)) {
        (None, None) => Standing::Unknown,
        (Some((_, false)), None) | (None, Some((_, false))) => Standing::Granted,
        // Withdrawn by name: a general consent does not lift it.
        (Some((_, true)), _) | (None, Some((_, true))) => Standing::Withdrawn,
        (Some((given_ms, false)), Some((general_ms, withdrawn))) => {
            if withdrawn && general_ms >= given_ms {
                Standing::Withdrawn
            } else {
                Standing::Granted
            }
        }
    }
}

/// What outweighs what among entries of one purpose and channel: the later one, at the same instant
/// the withdrawal.
fn weight(consent: &Consent) -> (i64, bool) {
    (consent.at_ms, !consent.granted)
}

/// What became of a consent that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It stands now.
    Stands,
    /// It stood already.
    Unchanged,
    /// A withdrawal that is not earlier stands against it.
    StaysWithdrawn,
}

/// Records a consent as a clerk took it. A withdrawal always stands, whatever the clocks of two
/// phones say: it takes at least the time of what it withdraws. A new consent lifts a withdrawal
/// only if it was given after it.
pub fn record(consents: &mut Vec<Consent>, mut consent: Consent) -> Recorded {
    let same_purpose = |other: &Consent| other.purpose.code() == consent.purpose.code();
    let covered = |other: &&Consent| {
        same_purpose(other)
            && (consent.channel.is_none()
                || other.channel.is_none()
                || channel_code(other) == channel_code(&consent))
    };
    if consents.contains(&consent) {
        return Recorded::Unchanged;
    }
    if consent.granted {
        let withdrawn_at = consents
            .iter()
            .filter(|other| covered(other) && !other.granted)
            .filter(|other| consent.channel.is_some() || other.channel.is_none())
            .map(|other| other.at_ms)
            .max();
        if withdrawn_at.is_some_and(|at_ms| at_ms >= consent.at_ms) {
            return Recorded::StaysWithdrawn;
        }
    } else {
        let newest = consents.iter().filter(covered).map(|other| other.at_ms).max();
        consent.at_ms = newest.map_or(consent.at_ms, |at_ms| at_ms.max(consent.at_ms));
    }
    put(consents, consent)
}

/// Brings the consents of two records of one person together: for each purpose and channel the
/// later entry, at the same instant the withdrawal. The order of the two does not matter.
pub fn merge(consents: &mut Vec<Consent>, others: &[Consent]) {
    for consent in others {
        put(consents, consent.clone());
    }
}

fn put(consents: &mut Vec<Consent>, consent: Consent) -> Recorded {
    let key = |c: &Consent| (c.purpose.clone(), c.channel.clone());
    match consents.binary_search_by(|other| key(other).cmp(&key(&consent))) {
        Err(place) => consents.insert(place, consent),
        Ok(place) if (weight(&consents[place]), &consents[place]) < (weight(&consent), &consent) => {
            consents[place] = consent;
        }
        Ok(_) => return Recorded::Unchanged,
    }
    Recorded::Stands
}

fn channel_code(consent: &Consent) -> Option<&str> {
    consent.channel.as_ref().map(Open::code)
}

/// Records a consent in a member's record. A consent to be contacted that is newer than everything
/// withdrawn also ends a do-not-contact; what was withdrawn for marketing stays withdrawn.
pub fn record_for(member: &mut Member, consent: Consent) -> Recorded {
    let lifts = consent.granted
        && [
            ConsentPurpose::Membership,
            ConsentPurpose::Health,
            ConsentPurpose::Marketing,
        ]
        .iter()
        .any(|purpose| consent.purpose.is(*purpose));
    let newest_withdrawal = member
        .consents
        .iter()
        .filter(|c| !c.granted)
        .map(|c| c.at_ms)
        .max()
        .unwrap_or(i64::MIN);
    let at_ms = consent.at_ms;
    let recorded = record(&mut member.consents, consent);
    if recorded == Recorded::Stands && lifts && at_ms > newest_withdrawal {
        member.do_not_contact = false;
    }
    recorded
}

/// Withdraws marketing on every channel.
pub fn withdraw_marketing(member: &mut Member, at_ms: i64, place: &str, staff_id: Option<&str>) {
    let general = Consent {
        purpose: ConsentPurpose::Marketing.into(),
        channel: None,
        granted: false,
        at_ms,
        wording_version: String::new(),
        place: place.to_owned(),
        staff_id: staff_id.map(str::to_owned),
    };
    record(&mut member.consents, general);
}

/// Whether a reply to a message opts out: only if it is the whole reply (letters in any case and
/// width, space around it ignored).
pub fn is_opt_out(reply: &str, rules: &GateRules) -> bool {
    let reply = fold(reply);
    rules.opt_out_replies.iter().any(|word| fold(word) == reply)
}

fn fold(text: &str) -> String {
    text.trim()
        .chars()
        .map(|c| match c {
            // Full-width forms lie at a fixed distance from ASCII.
            '！'..='～' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            _ => c,
        })
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn consent(channel: Option<Channel>, granted: bool, at_ms: i64) -> Consent {
        Consent {
            purpose: ConsentPurpose::Marketing.into(),
            channel: channel.map(Open::from),
            granted,
            at_ms,
            wording_version: String::new(),
            place: String::new(),
            staff_id: None,
        }
    }

    fn sms(consents: &[Consent]) -> Standing {
        standing(consents, ConsentPurpose::Marketing, Channel::Sms)
    }

    #[test]
    fn missing_is_unknown_and_a_general_entry_speaks_for_every_channel() {
        assert_eq!(sms(&[]), Standing::Unknown);
        assert_eq!(sms(&[consent(Some(Channel::Call), true, 1)]), Standing::Unknown);
        assert_eq!(sms(&[consent(None, true, 1)]), Standing::Granted);
        assert_eq!(sms(&[consent(None, false, 1)]), Standing::Withdrawn);
        assert_eq!(
            standing(&[consent(None, true, 1)], ConsentPurpose::Health, Channel::Sms),
            Standing::Unknown
        );
    }

    #[test]
    fn a_precise_entry_and_a_general_one() {
        for (general, precise, expected, why) in [
            (
                (true, 1),
                (false, 2),
                Standing::Withdrawn,
                "opted out of this channel",
            ),
            (
                (true, 3),
                (false, 2),
                Standing::Withdrawn,
                "a general consent does not lift a precise withdrawal",
            ),
            (
                (false, 1),
                (true, 2),
                Standing::Granted,
                "a later consent for this channel lifts a general one",
            ),
            (
                (false, 2),
                (true, 2),
                Standing::Withdrawn,
                "at the same instant the withdrawal counts",
            ),
            (
                (false, 3),
                (true, 2),
                Standing::Withdrawn,
                "withdrawn for every channel since",
            ),
        ] {
            let list = [
                consent(None, general.0, general.1),
                consent(Some(Channel::Sms), precise.0, precise.1),
            ];
            assert_eq!(sms(&list), expected, "{why}");
        }
    }

    #[test]
    fn a_withdrawal_stands_even_from_a_phone_whose_clock_is_behind() {
        let mut list = vec![consent(Some(Channel::Sms), true, 100)];
        assert_eq!(record(&mut list, consent(None, false, 5)), Recorded::Stands);
        assert_eq!(sms(&list), Standing::Withdrawn);
        assert_eq!(
            record(&mut list, consent(Some(Channel::Sms), true, 100)),
            Recorded::Unchanged
        );
        assert_eq!(
            record(&mut list, consent(Some(Channel::Sms), true, 99)),
            Recorded::StaysWithdrawn
        );
        assert_eq!(sms(&list), Standing::Withdrawn);
        assert_eq!(
            record(&mut list, consent(Some(Channel::Sms), true, 101)),
            Recorded::Stands
        );
        assert_eq!(sms(&list), Standing::Granted);
    }

    #[test]
    fn at_the_same_instant_the_withdrawal_stands() {
        let mut list = vec![consent(None, false, 5)];
        assert_eq!(
            record(&mut list, consent(None, true, 5)),
            Recorded::StaysWithdrawn
        );
        assert_eq!(
            record(&mut list, consent(Some(Channel::Sms), true, 5)),
            Recorded::StaysWithdrawn
        );
        assert_eq!(
            record(&mut list, consent(Some(Channel::Sms), true, 6)),
            Recorded::Stands
        );
        assert_eq!(sms(&list), Standing::Granted);
    }

    #[test]
    fn only_a_whole_reply_opts_out() {
        let rules = GateRules::default();
        for reply in ["R", "r", " td ", "退订", "拒收\n", "Ｔ", "T"] {
            assert!(is_opt_out(reply, &rules), "{reply:?}");
        }
        for reply in ["", "TT", "R 谢谢", "不要退订", "请问怎么退订", "TD了", "0"] {
            assert!(!is_opt_out(reply, &rules), "{reply:?}");
        }
    }

    fn any_consent() -> impl Strategy<Value = Consent> {
        let channel = prop_oneof![Just(None), Just(Some(Channel::Sms)), Just(Some(Channel::Call))];
        (channel, any::<bool>(), 0_i64..6)
            .prop_map(|(channel, granted, at_ms)| consent(channel, granted, at_ms))
    }

    proptest! {
        #[test]
        fn merging_does_not_depend_on_the_order(list in prop::collection::vec(any_consent(), 0..8)) {
            let (mut forward, mut backward) = (Vec::new(), Vec::new());
            merge(&mut forward, &list);
            merge(&mut backward, &list.iter().rev().cloned().collect::<Vec<_>>());
            prop_assert_eq!(&forward, &backward);
            merge(&mut forward, &backward);
            prop_assert_eq!(&forward, &backward);
        }

        #[test]
        fn after_a_withdrawal_nothing_it_speaks_for_is_granted(
            list in prop::collection::vec(any_consent(), 0..8),
            channel in prop_oneof![Just(None), Just(Some(Channel::Sms))],
            at_ms in 0_i64..6,
        ) {
            let mut held = Vec::new();
            for entry in list {
                record(&mut held, entry);
            }
            // Another wording: the very same entry again would be a repetition, not a new wish.
            record(&mut held, Consent { wording_version: "2".into(), ..consent(channel, false, at_ms) });
            prop_assert_eq!(sms(&held), Standing::Withdrawn);
        }
    }
}
