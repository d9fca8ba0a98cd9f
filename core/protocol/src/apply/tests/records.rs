//! Members and what is recorded about them.

use yaoban_domain::codes::Sex;
use yaoban_domain::model::Allergy;
use yaoban_domain::signature::{COORDINATE_MAX, POINTS_MAX, STROKES_MAX, Signature};

use super::*;
use crate::op::ProfileFields;

fn register(id: &str) -> Op {
    Op::RegisterMember {
        member: Box::new(Member {
            phone: Some("139 0000 0001".into()),
            ..member(id)
        }),
        signature: None,
    }
}

#[test]
fn a_phone_registers_under_the_temporary_id_and_the_hub_gives_one() {
    let mut phone = Memory {
        is_hub: false,
        ..hub()
    };
    assert_eq!(said(&run(&mut phone, &register("tmp-1"))), APPLIED);
    assert_eq!(phone.members["tmp-1"].phone.as_deref(), Some("13900000001"));
    assert_eq!(phone.members["tmp-1"].joined_on, Some(day("2026-03-10")));

    let mut hub = hub();
    let applied = run(&mut hub, &register("tmp-1"));
    assert_eq!(said(&applied), APPLIED);
    assert_eq!(applied.member_id.as_deref(), Some("H001"));
    assert_eq!(hub.members["H001"].aliases, ["tmp-1"]);
    assert_eq!(hub.members["H001"].store_id.as_deref(), Some(STORE));
    // Again, and work that still speaks of the temporary id.
    let again = run(&mut hub, &register("tmp-1"));
    assert_eq!(said(&again), DUPLICATE);
    assert_eq!(again.member_id.as_deref(), Some("H001"));
    let reading = Reading {
        member_id: "tmp-1".into(),
        ..bp("r1", 120, 70)
    };
    assert_eq!(said(&run(&mut hub, &Op::AddReading { reading })), APPLIED);
    assert_eq!(hub.readings["r1"].member_id, "H001");
}

fn signed() -> Signature {
    Signature {
        strokes: vec![vec![(100, 100), (700, 300)]],
    }
}

#[test]
fn what_a_member_signed_is_kept_under_the_id_that_it_got() {
    let mut rows = hub();
    let register = |id: &str, granted| Op::RegisterMember {
        member: Box::new(Member {
            phone: Some("13900000001".into()),
            consents: vec![consent(ConsentPurpose::Health, granted, at(10))],
            ..member(id)
        }),
        signature: Some(signed()),
    };
    assert_eq!(said(&run(&mut rows, &register("tmp-1", true))), APPLIED);
    assert_eq!(
        said(&run(&mut rows, &register("tmp-2", true))).0,
        OpStatus::Merged
    );
    let ids: Vec<&str> = rows.signed.iter().map(|one| one.member_id.as_str()).collect();
    assert_eq!(ids, ["H001", "H001"], "the second is the same person");
    assert_eq!(rows.signed[0].consents, rows.members["H001"].consents);
    assert_eq!(rows.signed[0].signature, signed());
    // A consent that does not stand, because a later withdrawal does, was signed all the same.
    let set = |granted, at_ms, signature| Op::SetConsent {
        member_id: "M1".into(),
        consent: consent(ConsentPurpose::Health, granted, at_ms),
        signature,
    };
    assert_eq!(said(&run(&mut rows, &set(false, at(10), None))), APPLIED);
    assert_eq!(rows.signed.len(), 2, "not signed, so nothing is kept");
    let late = run(&mut rows, &set(true, at(9), Some(signed())));
    assert_eq!(said(&late).0, OpStatus::Merged);
    let last = rows.signed.last().unwrap();
    assert_eq!((last.member_id.as_str(), last.consents[0].at_ms), ("M1", at(9)));
    assert_eq!(last.consents[0].staff_id.as_deref(), Some(CLERK));
}

#[test]
fn a_signature_keeps_its_limits() {
    let long = |points: usize| vec![vec![(1, 1); points]];
    let many = |strokes: usize| vec![vec![(1, 1)]; strokes];
    let high = |down| vec![vec![(0, 0), (0, down)]];
    for (strokes, fits) in [
        (long(POINTS_MAX), true),
        (long(POINTS_MAX + 1), false),
        (many(STROKES_MAX), true),
        (many(STROKES_MAX + 1), false),
        (high(COORDINATE_MAX), true),
        (high(COORDINATE_MAX + 1), false),
    ] {
        let mut rows = hub();
        let op = Op::SetConsent {
            member_id: "M1".into(),
            consent: consent(ConsentPurpose::Health, true, at(10)),
            signature: Some(Signature { strokes }),
        };
        let expected = if fits {
            APPLIED
        } else {
            rejected(reason::SIGNATURE_NOT_VALID)
        };
        assert_eq!(said(&run(&mut rows, &op)), expected);
        assert_eq!(rows.signed.len(), usize::from(fits));
    }
}

#[test]
fn registration_takes_what_a_clerk_may_say_only() {
    let mut rows = hub();
    let sly = Member {
        store_id: Some("S2".into()),
        joined_on: Some(day("2001-01-01")),
        erased: true,
        lifetime: Lifetime {
            times: 9,
            total_fen: 9,
            last_visit: None,
        },
        aliases: vec!["M1".into()],
        tags: vec!["b".into(), " a".into(), "b".into()],
        consents: vec![Consent {
            staff_id: None,
            ..consent(ConsentPurpose::Health, true, at(99))
        }],
        phone: None,
        ..member("tmp-1")
    };
    let applied = run(
        &mut rows,
        &Op::RegisterMember {
            member: Box::new(sly),
            signature: None,
        },
    );
    let made = &rows.members[applied.member_id.as_deref().unwrap()];
    assert_eq!(made.store_id.as_deref(), Some(STORE));
    assert_eq!(made.joined_on, Some(day("2026-03-10")));
    assert!(!made.erased);
    assert_eq!(made.lifetime, Lifetime::default());
    assert_eq!(made.aliases, ["tmp-1"]);
    assert_eq!(made.tags, ["a", "b"]);
    assert_eq!(
        made.consents,
        [consent(ConsentPurpose::Health, true, at(11))],
        "never given in the future"
    );
}

#[test]
fn an_edit_touches_the_named_fields_only() {
    let mut rows = hub();
    let edit = ProfileFields {
        name: Some(" 王芳芳 ".into()),
        phone: Some("+86 139-0000-0002".into()),
        sex: Some(Sex::Female.into()),
        height_cm: Some(165),
        ..ProfileFields::default()
    };
    rows.members.get_mut("M1").unwrap().phone_invalid = true;
    let base = ProfileFields {
        name: Some("王芳".into()),
        phone: Some("13812341234".into()),
        ..ProfileFields::default()
    };
    let op = Op::EditMember {
        member_id: "M1".into(),
        base: Box::new(base),
        edit: Box::new(edit),
    };
    assert_eq!(said(&run(&mut rows, &op)), APPLIED);
    let edited = &rows.members["M1"];
    assert_eq!(
        (edited.name.as_str(), edited.phone.as_deref()),
        ("王芳芳", Some("13900000002"))
    );
    assert_eq!(
        (edited.phone_invalid, edited.height_cm, edited.birthday),
        (false, Some(165), None)
    );
    assert_eq!(edited.version, 2);
    assert_eq!(said(&run(&mut rows, &op)), DUPLICATE);
}

#[test]
fn an_empty_number_takes_it_away() {
    let mut rows = hub();
    let edit = ProfileFields {
        phone: Some(String::new()),
        ..ProfileFields::default()
    };
    let base = ProfileFields {
        phone: Some("13812341234".into()),
        ..ProfileFields::default()
    };
    let op = Op::EditMember {
        member_id: "M1".into(),
        base: Box::new(base),
        edit: Box::new(edit),
    };
    assert_eq!(said(&run(&mut rows, &op)), APPLIED);
    assert_eq!(rows.members["M1"].phone, None);
}

#[test]
fn tags_are_a_set() {
    let mut rows = hub();
    let tags = |add: &[&str], remove: &[&str]| Op::Tags {
        member_id: "M1".into(),
        add: add.iter().map(|t| (*t).to_owned()).collect(),
        remove: remove.iter().map(|t| (*t).to_owned()).collect(),
    };
    assert_eq!(said(&run(&mut rows, &tags(&["孝顺", "爱聊天"], &[]))), APPLIED);
    assert_eq!(said(&run(&mut rows, &tags(&["孝顺"], &["没有的"]))), DUPLICATE);
    assert_eq!(said(&run(&mut rows, &tags(&[], &["爱聊天"]))), APPLIED);
    assert_eq!(rows.members["M1"].tags, ["孝顺"]);
    let many: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    let many = Op::Tags {
        member_id: "M1".into(),
        add: many,
        remove: vec![],
    };
    assert_eq!(said(&run(&mut rows, &many)), rejected(reason::TOO_MANY));
}

#[test]
fn a_regimen_keeps_what_is_not_said() {
    let mut rows = hub();
    let regimen = |units, stock_until, inactive| Op::SetRegimen {
        member_id: "M1".into(),
        regimen: Regimen {
            ingredient: "氨氯地平".into(),
            daily_units_milli: units,
            stock_until,
            inactive,
            changed_on: day("2026-03-10"),
        },
    };
    assert_eq!(said(&run(&mut rows, &regimen(Some(500), None, false))), APPLIED);
    assert_eq!(
        said(&run(&mut rows, &regimen(None, Some(day("2026-04-01")), false))),
        APPLIED
    );
    assert_eq!(said(&run(&mut rows, &regimen(None, None, true))), APPLIED);
    assert_eq!(said(&run(&mut rows, &regimen(None, None, true))), DUPLICATE);
    let known = &rows.members["M1"].regimens[0];
    assert_eq!(
        (known.daily_units_milli, known.stock_until),
        (Some(500), Some(day("2026-04-01")))
    );
    assert!(known.inactive);
    assert_eq!(
        said(&run(&mut rows, &regimen(Some(0), None, false))),
        rejected(reason::OUT_OF_RANGE)
    );
}

#[test]
fn sizes_and_ranges_are_kept() {
    let edit = |edit: ProfileFields| Op::EditMember {
        member_id: "M1".into(),
        base: Box::default(),
        edit: Box::new(edit),
    };
    let none = ProfileFields::default;
    let allergy = |text: &str| Allergy {
        text: text.into(),
        ingredients: vec![],
    };
    let tag = |tag: String| Op::Tags {
        member_id: "M1".into(),
        add: vec![tag],
        remove: vec![],
    };
    let cases: Vec<(&str, Op, Said)> = vec![
        (
            "longest note",
            Op::AddNote {
                note: note("n", &"好".repeat(2_000)),
            },
            APPLIED,
        ),
        (
            "note too long",
            Op::AddNote {
                note: note("n", &"好".repeat(2_001)),
            },
            rejected(reason::TEXT_TOO_LONG),
        ),
        (
            "note says nothing",
            Op::AddNote {
                note: note("n", " \n"),
            },
            rejected(reason::TEXT_REQUIRED),
        ),
        (
            "note with a control",
            Op::AddNote {
                note: note("n", "a\0"),
            },
            rejected(reason::TEXT_NOT_VALID),
        ),
        (
            "note without an id",
            Op::AddNote { note: note("", "a") },
            rejected(reason::ID_NOT_VALID),
        ),
        (
            "longest name",
            edit(ProfileFields {
                name: Some("王".repeat(100)),
                ..none()
            }),
            (OpStatus::Merged, None),
        ),
        (
            "name too long",
            edit(ProfileFields {
                name: Some("王".repeat(101)),
                ..none()
            }),
            rejected(reason::TEXT_TOO_LONG),
        ),
        (
            "no name",
            edit(ProfileFields {
                name: Some("  ".into()),
                ..none()
            }),
            rejected(reason::TEXT_REQUIRED),
        ),
        (
            "no number",
            edit(ProfileFields {
                phone: Some("打不通".into()),
                ..none()
            }),
            rejected(reason::PHONE_NOT_VALID),
        ),
        (
            "born today",
            edit(ProfileFields {
                birthday: Some(day("2026-03-10")),
                ..none()
            }),
            APPLIED,
        ),
        (
            "born tomorrow",
            edit(ProfileFields {
                birthday: Some(day("2026-03-11")),
                ..none()
            }),
            rejected(reason::IN_FUTURE),
        ),
        (
            "too small",
            edit(ProfileFields {
                height_cm: Some(29),
                ..none()
            }),
            rejected(reason::OUT_OF_RANGE),
        ),
        (
            "too heavy",
            edit(ProfileFields {
                weight_hg: Some(5_001),
                ..none()
            }),
            rejected(reason::OUT_OF_RANGE),
        ),
        (
            "empty allergy",
            edit(ProfileFields {
                allergies: Some(vec![allergy("")]),
                ..none()
            }),
            rejected(reason::TEXT_REQUIRED),
        ),
        ("longest tag", tag("长".repeat(40)), APPLIED),
        (
            "tag too long",
            tag("长".repeat(41)),
            rejected(reason::TEXT_TOO_LONG),
        ),
        (
            "tag with the separator",
            tag("a;b".into()),
            rejected(reason::TEXT_NOT_VALID),
        ),
        (
            "impossible pressure",
            Op::AddReading {
                reading: bp("r", 301, 90),
            },
            rejected("impossible_value"),
        ),
        (
            "reading of tomorrow",
            Op::AddReading {
                reading: Reading {
                    taken_at_ms: at(35),
                    ..bp("r", 130, 80)
                },
            },
            rejected(reason::IN_FUTURE),
        ),
        (
            "temporary id of the wrong form",
            Op::RegisterMember {
                member: Box::new(member("M9")),
                signature: None,
            },
            rejected(reason::ID_NOT_VALID),
        ),
    ];
    for (why, op, expected) in cases {
        assert_eq!(said(&run(&mut hub(), &op)), expected, "{why}");
    }
}

#[test]
fn rights_are_checked_for_every_operation() {
    let tags = |member_id: &str| Op::Tags {
        member_id: member_id.into(),
        add: vec!["a".into()],
        remove: vec![],
    };
    let mut rows = hub();
    rows.members.insert(
        "M2".into(),
        Member {
            store_id: Some("S2".into()),
            ..member("M2")
        },
    );
    rows.members.insert(
        "M3".into(),
        Member {
            store_id: None,
            ..member("M3")
        },
    );
    rows.members.insert(
        "M4".into(),
        Member {
            erased: true,
            ..member("M4")
        },
    );
    rows.tasks.insert(
        "T2".into(),
        CareTask {
            store_id: "S2".into(),
            ..care_task("T2", "M2")
        },
    );
    rows.staff.insert(
        "gone".into(),
        Staff {
            active: false,
            ..staff("gone", Role::Clerk, Some(STORE))
        },
    );
    for (who, op, expected, why) in [
        (CLERK, tags("M1"), APPLIED, "own store"),
        (
            CLERK,
            tags("M2"),
            rejected(reason::MEMBER_OTHER_STORE),
            "another store's member",
        ),
        (
            CLERK,
            tags("M3"),
            rejected(reason::MEMBER_OTHER_STORE),
            "the chain's member",
        ),
        (CLERK, tags("M4"), rejected(reason::MEMBER_ERASED), "erased"),
        (CLERK, tags("M5"), rejected(reason::MEMBER_UNKNOWN), "nobody"),
        (
            CLERK,
            Op::StartTask { task_id: "T2".into() },
            rejected(reason::TASK_OTHER_STORE),
            "another's task",
        ),
        (
            CLERK,
            Op::StartTask { task_id: "T9".into() },
            rejected(reason::TASK_UNKNOWN),
            "no task",
        ),
        (
            "nobody",
            tags("M1"),
            rejected(reason::STAFF_UNKNOWN),
            "nobody's operation",
        ),
        (
            "gone",
            tags("M1"),
            rejected(reason::STAFF_INACTIVE),
            "left the chain",
        ),
        (
            "x1",
            tags("M2"),
            rejected(reason::STAFF_OTHER_STORE),
            "another store's clerk on this device",
        ),
        (
            "r1",
            tags("M1"),
            rejected(reason::ROLE_NOT_ALLOWED),
            "regions look, they do not run tasks",
        ),
        (
            CLERK,
            Op::NudgeTask { task_id: "T1".into() },
            rejected(reason::MANAGER_ONLY),
            "nudge",
        ),
        (MANAGER, Op::NudgeTask { task_id: "T1".into() }, APPLIED, "nudge"),
        (
            CLERK,
            Op::MarkOff {
                staff_id: CLERK.into(),
                on: None,
            },
            rejected(reason::MANAGER_ONLY),
            "day off",
        ),
        (
            MANAGER,
            Op::MarkOff {
                staff_id: "x1".into(),
                on: None,
            },
            rejected(reason::ASSIGNEE_UNKNOWN),
            "day off",
        ),
        (
            CLERK,
            Op::MergeMembers {
                keep: "M1".into(),
                other: "M2".into(),
            },
            rejected(reason::MANAGER_ONLY),
            "merge",
        ),
        (
            OTHER_CLERK,
            Op::AddNote {
                note: note("n1", "a"),
            },
            rejected(reason::AUTHOR_DIFFERS),
            "another's note",
        ),
    ] {
        assert_eq!(said(&run_as(&mut rows, who, &op)), expected, "{why}: {op:?}");
    }
}

#[test]
fn work_done_before_a_move_is_accepted() {
    let mut rows = hub();
    rows.members.insert(
        "M2".into(),
        Member {
            store_id: Some("S2".into()),
            ..member("M2")
        },
    );
    rows.moves.push(("M2".into(), STORE.into(), at(11)));
    let tags = Op::Tags {
        member_id: "M2".into(),
        add: vec!["a".into()],
        remove: vec![],
    };
    let late = run_meta(&mut rows, &tags, &meta(CLERK, at(11)));
    assert_eq!(said(&late), rejected(reason::MEMBER_OTHER_STORE));
    let before = OpMeta {
        at_ms: at(10),
        ..meta(CLERK, at(40))
    };
    assert_eq!(said(&run_meta(&mut rows, &tags, &before)), APPLIED);
}

#[test]
fn a_task_goes_where_its_member_goes() {
    let mut rows = hub();
    rows.members.get_mut("M1").unwrap().store_id = Some("S2".into());
    rows.moves.push(("M1".into(), STORE.into(), at(11)));
    // Made in this store before the move: accepted, and what follows is the new store's.
    let op = record("T1", outcome("o1", OutcomeCode::NeedsPharmacist));
    let before = OpMeta {
        at_ms: at(10),
        ..meta(CLERK, at(12))
    };
    assert_eq!(said(&run_meta(&mut rows, &op, &before)), APPLIED);
    assert_eq!(rows.tasks["T1"].store_id, "S2");
    assert_eq!(
        (
            rows.tasks["follow-o1"].store_id.as_str(),
            &rows.tasks["follow-o1"].assignee
        ),
        ("S2", &None)
    );
    // The new store's clerk is at it now, the old one's no longer.
    let start = Op::StartTask {
        task_id: "follow-o1".into(),
    };
    assert_eq!(said(&run(&mut rows, &start)), rejected(reason::TASK_OTHER_STORE));
    let there = OpMeta {
        device_store_id: "S2",
        ..meta("x1", at(12))
    };
    assert_eq!(said(&run_meta(&mut rows, &start, &there)), APPLIED);
}

#[test]
fn a_task_made_for_a_member_who_has_moved_is_the_new_stores() {
    let mut rows = hub();
    rows.members.get_mut("M1").unwrap().store_id = Some("S2".into());
    rows.moves.push(("M1".into(), STORE.into(), at(11)));
    let wish = CareTask {
        assignee: Some(CLERK.into()),
        ..care_task("T9", "M1")
    };
    let op = Op::CreateTask { task: Box::new(wish) };
    let before = OpMeta {
        at_ms: at(10),
        ..meta(CLERK, at(12))
    };
    assert_eq!(said(&run_meta(&mut rows, &op, &before)), APPLIED);
    let made = &rows.tasks["T9"];
    assert_eq!((made.store_id.as_str(), &made.assignee), ("S2", &None));
    // Nobody of the old store is given a task of the new one.
    let give = Op::ReassignTask {
        task_id: "T9".into(),
        assignee: Some(OTHER_CLERK.into()),
    };
    let before = OpMeta {
        staff_id: MANAGER,
        ..before
    };
    assert_eq!(
        said(&run_meta(&mut rows, &give, &before)),
        rejected(reason::ASSIGNEE_UNKNOWN)
    );
}

#[test]
fn a_contact_that_was_made_is_recorded_whoever_made_it() {
    for (change, why) in [
        (
            Staff {
                active: false,
                ..staff(CLERK, Role::Clerk, Some(STORE))
            },
            "left the chain",
        ),
        (staff(CLERK, Role::Clerk, Some("S2")), "moved"),
        (staff(CLERK, Role::RegionManager, None), "became a manager"),
    ] {
        let mut rows = hub();
        rows.staff.insert(CLERK.into(), change);
        let sent = |state| Op::RecordSend {
            send: message("k1", state),
        };
        for op in [
            dial("a1"),
            hang_up("a1", at(10) + 60_000, CarrierResult::NoAnswer),
            sent(SendState::Queued),
            sent(SendState::Sent),
        ] {
            assert_eq!(said(&run(&mut rows, &op)), APPLIED, "{why}: {op:?}");
        }
        assert_eq!((rows.attempts.len(), rows.sends.len()), (1, 1), "{why}");
        // It is a fact, and no right: of another store's member nothing is taken.
        rows.members.get_mut("M1").unwrap().store_id = Some("S3".into());
        assert_eq!(
            said(&run(&mut rows, &dial("a2"))),
            rejected(reason::MEMBER_OTHER_STORE),
            "{why}"
        );
    }
    let mut rows = hub();
    rows.staff.remove(CLERK);
    assert_eq!(
        said(&run(&mut rows, &dial("a1"))),
        rejected(reason::STAFF_UNKNOWN)
    );
}

#[test]
fn a_new_consent_ends_a_do_not_contact_and_marketing_stays_withdrawn() {
    let mut rows = hub();
    run(&mut rows, &record("T1", outcome("o1", OutcomeCode::DoNotContact)));
    let give = |purpose, at_ms| Op::SetConsent {
        member_id: "M1".into(),
        consent: consent(purpose, true, at_ms),
        signature: None,
    };
    run(&mut rows, &give(ConsentPurpose::Health, at(10)));
    assert!(rows.members["M1"].do_not_contact, "not later than the wish");
    run(&mut rows, &give(ConsentPurpose::Profiling, at(11)));
    assert!(rows.members["M1"].do_not_contact, "not about contact");
    run(&mut rows, &give(ConsentPurpose::Health, at(11)));
    let member = &rows.members["M1"];
    assert!(!member.do_not_contact);
    assert_eq!(
        yaoban_domain::consent::standing(&member.consents, ConsentPurpose::Marketing, Channel::Sms),
        yaoban_domain::consent::Standing::Withdrawn
    );
}
