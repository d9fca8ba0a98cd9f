use proptest::prelude::*;

use super::*;
use crate::model::MILLI;
use crate::rules::TimeZone;

fn calendar() -> Calendar {
    Calendar::new(&TimeZone::default()).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// 2026-03-10 at an hour and minute.
fn at(hour: i64, minute: i64) -> i64 {
    calendar().day_start_ms(day("2026-03-10")) + (hour * 60 + minute) * 60 * MILLI
}

fn consent(purpose: ConsentPurpose, granted: bool) -> Consent {
    Consent {
        purpose: purpose.into(),
        channel: None,
        granted,
        at_ms: 1,
        wording_version: String::new(),
        place: String::new(),
        staff_id: None,
    }
}

const FLAGS: MemberFlags = MemberFlags {
    deceased: false,
    erased: false,
    has_number: true,
    number_invalid: false,
    paused_until: None,
    do_not_contact: false,
};

fn marketing(consents: &[Consent]) -> GateInput<'_> {
    GateInput {
        channel: Channel::Call,
        purpose: ContactPurpose::Marketing,
        promotional: false,
        member: FLAGS,
        consents,
        history: &[],
        dials_today: 0,
        now_ms: at(10, 0),
        calendar: calendar(),
    }
}

fn reason(input: &GateInput) -> Option<GateReason> {
    match verdict(input, &Rules::default()) {
        Verdict::Allow => None,
        Verdict::Defer { reason, .. } | Verdict::Refuse { reason } => Some(reason),
    }
}

#[test]
fn the_order_of_the_checks_is_the_specifications() {
    let history = [PastContact {
        day: day("2026-03-10"),
        channel: Channel::Sms,
        purpose: ContactPurpose::Marketing,
    }];
    let withdrawn = [consent(ConsentPurpose::Marketing, false)];
    let granted = [consent(ConsentPurpose::Marketing, true)];
    let mut input = GateInput {
        member: MemberFlags {
            deceased: true,
            erased: true,
            has_number: false,
            number_invalid: true,
            paused_until: Some(day("2026-03-10")),
            do_not_contact: true,
        },
        history: &history,
        dials_today: 3,
        now_ms: at(8, 59),
        ..marketing(&withdrawn)
    };
    // Each step takes away what the gate found first.
    assert_eq!(reason(&input), Some(GateReason::Deceased));
    input.member.deceased = false;
    assert_eq!(reason(&input), Some(GateReason::Erased));
    input.member.erased = false;
    assert_eq!(reason(&input), Some(GateReason::NumberInvalid));
    input.member.number_invalid = false;
    assert_eq!(reason(&input), Some(GateReason::NoNumber));
    input.member.has_number = true;
    assert_eq!(reason(&input), Some(GateReason::Paused));
    input.member.paused_until = Some(day("2026-03-09"));
    assert_eq!(reason(&input), Some(GateReason::ConsentWithdrawn));
    input.consents = &[];
    assert_eq!(reason(&input), Some(GateReason::NoConsent));
    input.consents = &granted;
    assert_eq!(reason(&input), Some(GateReason::DoNotContact));
    input.member.do_not_contact = false;
    assert_eq!(reason(&input), Some(GateReason::OutsideHours));
    input.now_ms = at(9, 0);
    assert_eq!(reason(&input), Some(GateReason::CapMarketingDay));
    input.history = &[];
    assert_eq!(reason(&input), Some(GateReason::DialsADay));
    input.dials_today = 2;
    assert_eq!(reason(&input), None);
}

#[test]
fn service_needs_membership_or_health() {
    for (consents, expected) in [
        (vec![], Some(GateReason::NoConsent)),
        (
            vec![consent(ConsentPurpose::Marketing, true)],
            Some(GateReason::NoConsent),
        ),
        (vec![consent(ConsentPurpose::Health, true)], None),
        (vec![consent(ConsentPurpose::Membership, true)], None),
        (
            vec![
                consent(ConsentPurpose::Membership, true),
                consent(ConsentPurpose::Health, false),
            ],
            None,
        ),
        (
            vec![consent(ConsentPurpose::Health, false)],
            Some(GateReason::ConsentWithdrawn),
        ),
    ] {
        let input = GateInput {
            purpose: ContactPurpose::Service,
            ..marketing(&consents)
        };
        assert_eq!(reason(&input), expected, "{consents:?}");
    }
}

#[test]
fn hours_are_half_open_and_outside_them_a_contact_is_deferred() {
    let consents = [consent(ConsentPurpose::Marketing, true)];
    let at_time = |now_ms| {
        verdict(
            &GateInput {
                now_ms,
                ..marketing(&consents)
            },
            &Rules::default(),
        )
    };
    let next_day = 24 * 3_600_000;
    let defer = |until_ms, expires_ms| Verdict::Defer {
        reason: GateReason::OutsideHours,
        until_ms,
        expires_ms,
    };
    assert_eq!(at_time(at(9, 0) - 1), defer(at(9, 0), at(20, 0)));
    assert_eq!(at_time(at(9, 0)), Verdict::Allow);
    assert_eq!(at_time(at(20, 0) - 1), Verdict::Allow);
    assert_eq!(
        at_time(at(20, 0)),
        defer(at(9, 0) + next_day, at(20, 0) + next_day)
    );
}

#[test]
fn a_chain_widens_the_hours_only_so_far() {
    let consents = [consent(ConsentPurpose::Marketing, true)];
    let mut rules = Rules::default();
    rules.gate.hours = (0, 24);
    let allows = |now_ms| {
        verdict(
            &GateInput {
                now_ms,
                ..marketing(&consents)
            },
            &rules,
        )
        .allows()
    };
    assert!(!allows(at(8, 0) - 1));
    assert!(allows(at(8, 0)));
    assert!(allows(at(21, 0) - 1));
    assert!(!allows(at(21, 0)));
}

#[test]
fn a_holiday_defers_to_the_next_working_day() {
    let consents = [consent(ConsentPurpose::Marketing, true)];
    let mut rules = Rules::default();
    rules.gate.holidays = vec![day("2026-03-10"), day("2026-03-11")];
    let two_days = 48 * 3_600_000;
    assert_eq!(
        verdict(&marketing(&consents), &rules),
        Verdict::Defer {
            reason: GateReason::Holiday,
            until_ms: at(9, 0) + two_days,
            expires_ms: at(20, 0) + two_days
        }
    );
    rules.gate.hours = (12, 12);
    assert_eq!(
        verdict(&marketing(&consents), &rules),
        Verdict::Refuse {
            reason: GateReason::Holiday
        }
    );
}

#[test]
fn marketing_caps_count_over_all_channels_and_days() {
    let consents = [consent(ConsentPurpose::Marketing, true)];
    let contact = |text: &str| PastContact {
        day: day(text),
        channel: Channel::Wechat,
        purpose: ContactPurpose::Marketing,
    };
    for (days, expected) in [
        (vec!["2026-03-10"], Some(GateReason::CapMarketingDay)),
        (vec!["2026-03-09"], None),
        (
            vec!["2026-03-09", "2026-03-04"],
            Some(GateReason::CapMarketingWeek),
        ),
        (vec!["2026-03-09", "2026-03-03"], None),
        (
            vec!["2026-03-03", "2026-03-01", "2026-02-20", "2026-02-09"],
            Some(GateReason::CapMarketingMonth),
        ),
        (vec!["2026-03-03", "2026-03-01", "2026-02-20", "2026-02-08"], None),
        (vec!["2026-03-11", "2026-03-12"], None),
    ] {
        let history: Vec<PastContact> = days.iter().map(|d| contact(d)).collect();
        assert_eq!(
            reason(&GateInput {
                history: &history,
                ..marketing(&consents)
            }),
            expected,
            "{days:?}"
        );
    }
    let service = [PastContact {
        day: day("2026-03-10"),
        channel: Channel::Sms,
        purpose: ContactPurpose::Service,
    }];
    assert_eq!(
        reason(&GateInput {
            history: &service,
            ..marketing(&consents)
        }),
        None
    );
}

#[test]
fn service_messages_once_a_day_and_never_with_promotion() {
    let consents = [consent(ConsentPurpose::Health, true)];
    let sms = GateInput {
        purpose: ContactPurpose::Service,
        channel: Channel::Sms,
        ..marketing(&consents)
    };
    let sent = [PastContact {
        day: day("2026-03-10"),
        channel: Channel::Wechat,
        purpose: ContactPurpose::Service,
    }];
    let called = [PastContact {
        channel: Channel::Call,
        ..sent[0]
    }];
    assert_eq!(reason(&sms), None);
    assert_eq!(
        reason(&GateInput {
            dials_today: 9,
            ..sms
        }),
        None,
        "a message is no dial"
    );
    assert_eq!(
        reason(&GateInput {
            promotional: true,
            ..sms
        }),
        Some(GateReason::MixedPromotion)
    );
    assert_eq!(
        reason(&GateInput {
            history: &sent,
            ..sms
        }),
        Some(GateReason::CapServiceDay)
    );
    assert_eq!(
        reason(&GateInput {
            history: &called,
            ..sms
        }),
        None
    );
    assert_eq!(
        reason(&GateInput {
            history: &sent,
            channel: Channel::Call,
            ..sms
        }),
        None
    );
}

#[test]
fn a_recording_needs_its_own_consent() {
    let given = [consent(ConsentPurpose::Recording, true)];
    let withdrawn = [consent(ConsentPurpose::Recording, false)];
    let other = [
        consent(ConsentPurpose::Membership, true),
        consent(ConsentPurpose::Marketing, true),
    ];
    let refusal = |consents: &[Consent]| recording_refusal(FLAGS, consents, Channel::Call);
    assert_eq!(refusal(&given), None);
    assert_eq!(refusal(&withdrawn), Some(GateReason::ConsentWithdrawn));
    assert_eq!(refusal(&other), Some(GateReason::NoConsent));
    assert_eq!(refusal(&[]), Some(GateReason::NoConsent));
    let erased = MemberFlags {
        erased: true,
        ..FLAGS
    };
    assert_eq!(
        recording_refusal(erased, &given, Channel::Call),
        Some(GateReason::Erased)
    );
}

#[test]
fn wechat_needs_no_number() {
    let consents = [consent(ConsentPurpose::Marketing, true)];
    let member = MemberFlags {
        has_number: false,
        ..FLAGS
    };
    let input = GateInput {
        channel: Channel::Wechat,
        member,
        ..marketing(&consents)
    };
    assert_eq!(reason(&input), None);
    assert_eq!(
        reason(&GateInput {
            channel: Channel::AiCall,
            ..input
        }),
        Some(GateReason::NoNumber)
    );
}

fn attempt(result: Option<CarrierResult>) -> Attempt {
    Attempt {
        id: "a".into(),
        task_id: None,
        member_id: "m".into(),
        staff_id: "c".into(),
        purpose: ContactPurpose::Service.into(),
        channel: Channel::AiCall.into(),
        number_hash: String::new(),
        started_at_ms: at(10, 0),
        ended_at_ms: None,
        duration_s: None,
        result: result.map(Open::from),
        recording: None,
    }
}

#[test]
fn what_counts_as_a_contact_and_as_a_dial() {
    use crate::codes::Code as _;
    for result in CarrierResult::ALL {
        let attempt = attempt(Some(*result));
        let contact = PastContact::of_attempt(&attempt, calendar());
        assert_eq!(contact.is_some(), *result == CarrierResult::Answered, "{result}");
        let rang = !matches!(result, CarrierResult::Cancelled | CarrierResult::BlockedByPolicy);
        assert_eq!(is_dial(&attempt), rang, "{result}");
    }
    let answered = PastContact::of_attempt(&attempt(Some(CarrierResult::Answered)), calendar()).unwrap();
    let expected = PastContact {
        day: day("2026-03-10"),
        channel: Channel::AiCall,
        purpose: ContactPurpose::Service,
    };
    assert_eq!(answered, expected);
    assert!(is_dial(&attempt(None)), "a dial whose result is not told yet");
    assert_eq!(PastContact::of_attempt(&attempt(None), calendar()), None);
    // A purpose from a newer version is held to be marketing.
    let newer = Attempt {
        purpose: Open::Unknown("gift".into()),
        ..attempt(Some(CarrierResult::Answered))
    };
    let contact = PastContact::of_attempt(&newer, calendar()).unwrap();
    assert_eq!(contact.purpose, ContactPurpose::Marketing);
}

#[test]
fn only_a_delivered_message_is_a_contact() {
    use crate::codes::Code as _;
    for state in SendState::ALL {
        let send = Send {
            key: "k".into(),
            member_id: "m".into(),
            task_id: None,
            campaign_id: None,
            step: 0,
            channel: Channel::Wechat.into(),
            purpose: ContactPurpose::Marketing.into(),
            template_id: "t".into(),
            staff_id: "c".into(),
            at_ms: at(23, 0),
            state: (*state).into(),
            reason: None,
        };
        let contact = PastContact::of_send(&send, calendar());
        assert_eq!(contact.is_some(), *state == SendState::Delivered, "{state}");
        assert!(contact.is_none_or(|c| c.day == day("2026-03-10") && c.channel == Channel::Wechat));
    }
}

fn any_flags() -> impl Strategy<Value = MemberFlags> {
    (any::<[bool; 5]>(), prop::option::of(-2_i64..3)).prop_map(|(bits, pause)| MemberFlags {
        deceased: bits[0],
        erased: bits[1],
        has_number: bits[2],
        number_invalid: bits[3],
        do_not_contact: bits[4],
        paused_until: pause.map(|days| day("2026-03-10") + chrono::TimeDelta::days(days)),
    })
}

fn any_of<T: crate::codes::Code + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::sample::select(T::ALL)
}

fn any_consents() -> impl Strategy<Value = Vec<Consent>> {
    let entry = (
        any_of::<ConsentPurpose>(),
        prop::option::of(any_of::<Channel>()),
        any::<bool>(),
        0_i64..4,
    );
    prop::collection::vec(entry, 0..8).prop_map(|entries| {
        let mut list = Vec::new();
        for (purpose, channel, granted, at_ms) in entries {
            let channel = channel.map(Open::from);
            crate::consent::record(
                &mut list,
                Consent {
                    channel,
                    at_ms,
                    ..consent(purpose, granted)
                },
            );
        }
        list
    })
}

proptest! {
    #[test]
    fn the_gate_never_passes_who_must_not_be_contacted(
        member in any_flags(), consents in any_consents(), channel in any_of::<Channel>(),
        purpose in any_of::<ContactPurpose>(), hour in 0_i64..24, dials_today in 0_u32..5,
    ) {
        let input = GateInput { channel, purpose, member, dials_today, now_ms: at(hour, 0), ..marketing(&consents) };
        let allows = verdict(&input, &Rules::default()).allows();
        prop_assert!(!(allows && (member.deceased || member.erased || member.number_invalid)));
        if purpose == ContactPurpose::Emergency {
            prop_assert!(allows || reason(&input) < Some(GateReason::Paused));
        } else {
            prop_assert!(!(allows && (member.do_not_contact || !(9..20).contains(&hour))));
        }
    }

    #[test]
    fn a_withdrawal_never_turns_a_refusal_into_a_pass(
        consents in any_consents(), channel in any_of::<Channel>(), purpose in any_of::<ContactPurpose>(),
        withdrawn in any_of::<ConsentPurpose>(), by in prop::option::of(any_of::<Channel>()), at_ms in 0_i64..5,
    ) {
        let before = verdict(&GateInput { channel, purpose, ..marketing(&consents) }, &Rules::default());
        let mut after = consents.clone();
        crate::consent::record(
            &mut after,
            Consent { channel: by.map(Open::from), at_ms, ..consent(withdrawn, false) },
        );
        let after = verdict(&GateInput { channel, purpose, ..marketing(&after) }, &Rules::default());
        prop_assert!(before.allows() || !after.allows());
    }
}
