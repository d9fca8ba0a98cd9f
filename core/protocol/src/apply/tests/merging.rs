//! Two records of one person.

use yaoban_domain::codes::Sex;

use super::*;

fn register(change: fn(&mut Member)) -> Op {
    let mut member = Member {
        joined_on: None,
        ..member("tmp-1")
    };
    change(&mut member);
    Op::RegisterMember {
        member: Box::new(member),
        signature: None,
    }
}

fn merge(keep: &str, other: &str) -> Op {
    Op::MergeMembers {
        keep: keep.into(),
        other: other.into(),
    }
}

fn undo(keep: &str, other: &str) -> Op {
    Op::UndoMerge {
        keep: keep.into(),
        other: other.into(),
    }
}

#[test]
fn a_new_member_is_merged_only_if_nothing_contradicts() {
    let known = |rows: &mut Memory| {
        let m = rows.members.get_mut("M1").unwrap();
        m.sex = Some(Sex::Female.into());
        m.birthday = Some(day("1960-05-01"));
    };
    for (why, op, merges) in [
        ("same number and name", register(|_| {}), true),
        ("name with a space", register(|m| m.name = "王 芳".into()), true),
        (
            "same sex and birthday",
            register(|m| m.birthday = Some(day("1960-05-01"))),
            true,
        ),
        ("another name", register(|m| m.name = "王强".into()), false),
        ("another sex", register(|m| m.sex = Some(Sex::Male.into())), false),
        (
            "another birthday",
            register(|m| m.birthday = Some(day("1960-05-02"))),
            false,
        ),
        (
            "another number",
            register(|m| m.phone = Some("13900000000".into())),
            false,
        ),
    ] {
        let mut rows = hub();
        known(&mut rows);
        let applied = run(&mut rows, &op);
        if merges {
            assert_eq!(
                (applied.status, applied.member_id.as_deref()),
                (OpStatus::Merged, Some("M1")),
                "{why}"
            );
            assert_eq!(rows.members["M1"].aliases, ["tmp-1"], "{why}");
            assert_eq!(rows.members.len(), 1, "{why}");
        } else {
            assert_eq!(
                (applied.status, applied.member_id.as_deref()),
                (OpStatus::Applied, Some("H001")),
                "{why}"
            );
            let on_one_number = rows.members["H001"].phone == rows.members["M1"].phone;
            let pair = rows.duplicates.get("M1+H001").map(|pair| pair.state.as_str());
            assert_eq!(pair, on_one_number.then_some("open"), "{why}");
        }
    }
}

#[test]
fn a_merge_on_registration_fills_in_what_was_missing_and_can_be_undone() {
    let mut rows = hub();
    let op = register(|m| {
        m.sex = Some(Sex::Female.into());
        m.tags = vec!["新".into()];
        m.consents = vec![consent(ConsentPurpose::Health, true, at(10))];
    });
    run(&mut rows, &op);
    assert_eq!(rows.members["M1"].sex, Some(Sex::Female.into()));
    assert_eq!(rows.members["M1"].tags, ["新"]);
    assert_eq!(rows.members["M1"].consents.len(), 1);
    let applied = run_as(&mut rows, MANAGER, &undo("M1", "tmp-1"));
    assert_eq!(said(&applied), APPLIED);
    assert_eq!(applied.member_id.as_deref(), Some("H001"));
    let (one, two) = (&rows.members["M1"], &rows.members["H001"]);
    assert_eq!(
        (
            one.sex.clone(),
            one.tags.len(),
            one.consents.len(),
            one.aliases.len()
        ),
        (None, 0, 0, 0)
    );
    assert_eq!(
        (two.tags.len(), two.aliases.as_slice()),
        (1, ["tmp-1".to_owned()].as_slice())
    );
    assert_eq!(rows.duplicates["M1+H001"].state, "apart");
    assert_eq!(said(&run_as(&mut rows, MANAGER, &undo("M1", "tmp-1"))), DUPLICATE);
}

#[test]
fn a_manager_merges_and_takes_it_back() {
    let mut rows = hub();
    let mut other = member("M2");
    other.tags = vec!["b".into()];
    other.consents = vec![consent(ConsentPurpose::Marketing, false, at(1))];
    other.aliases = vec!["tmp-0".into()];
    rows.members.insert("M2".into(), other.clone());
    rows.members.get_mut("M1").unwrap().consents = vec![consent(ConsentPurpose::Marketing, true, 5)];
    let before = rows.members["M1"].clone();
    rows.tasks.insert("T2".into(), care_task("T2", "M2"));
    run(
        &mut rows,
        &Op::AddReading {
            reading: Reading {
                member_id: "M2".into(),
                ..bp("r2", 130, 80)
            },
        },
    );

    let applied = run_as(&mut rows, MANAGER, &merge("M1", "M2"));
    assert_eq!(said(&applied), APPLIED);
    for touched in ["M1", "M2", "T2", "r2"] {
        assert!(applied.touched.iter().any(|row| row.id == touched), "{touched}");
    }
    assert_eq!(rows.members["M1"].aliases, ["M2", "tmp-0"]);
    assert!(!rows.members["M1"].consents[0].granted, "the withdrawal is later");
    assert_eq!(rows.readings["r2"].member_id, "M1");
    assert_eq!(said(&run_as(&mut rows, MANAGER, &merge("M1", "M2"))), DUPLICATE);
    // Work that speaks of the other id reaches the one that stayed.
    let tags = Op::Tags {
        member_id: "M2".into(),
        add: vec!["c".into()],
        remove: vec![],
    };
    assert_eq!(said(&run(&mut rows, &tags)), APPLIED);
    assert_eq!(rows.members["M1"].tags, ["b", "c"]);
    // A reading and a withdrawal after the merge.
    run(
        &mut rows,
        &Op::AddReading {
            reading: bp("r3", 130, 80),
        },
    );
    let withdrawn = Op::SetConsent {
        member_id: "M1".into(),
        consent: consent(ConsentPurpose::Health, false, at(10)),
        signature: None,
    };
    run(&mut rows, &withdrawn);

    assert_eq!(said(&run_as(&mut rows, MANAGER, &undo("M1", "M2"))), APPLIED);
    let (one, two) = (&rows.members["M1"], &rows.members["M2"]);
    assert_eq!(one.aliases, before.aliases);
    assert_eq!(
        (two.aliases.clone(), two.tags.clone()),
        (other.aliases, other.tags)
    );
    assert_eq!(
        (
            rows.readings["r2"].member_id.as_str(),
            rows.readings["r3"].member_id.as_str()
        ),
        ("M2", "M1")
    );
    assert_eq!(rows.tasks["T2"].member_id, "M2");
    for member in [one, two] {
        assert!(
            member
                .consents
                .iter()
                .any(|c| c.purpose.is(ConsentPurpose::Health) && !c.granted)
        );
    }
    assert!(
        one.consents
            .iter()
            .any(|c| c.purpose.is(ConsentPurpose::Marketing) && c.granted)
    );
    assert_eq!(said(&run_as(&mut rows, MANAGER, &undo("M1", "M2"))), DUPLICATE);
}

#[test]
fn merges_stay_within_the_store_unless_the_pair_was_shown() {
    let mut rows = hub();
    rows.members.insert(
        "M2".into(),
        Member {
            store_id: Some("S2".into()),
            ..member("M2")
        },
    );
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &merge("M1", "M2"))),
        rejected(reason::MEMBER_OTHER_STORE)
    );
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &merge("M2", "M1"))),
        rejected(reason::MEMBER_OTHER_STORE)
    );
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &merge("M1", "M1"))),
        rejected(reason::SAME_MEMBER)
    );
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &undo("M1", "M9"))),
        rejected(reason::NOT_MERGED)
    );
    let pair = DuplicatePair {
        first: "M2".into(),
        second: "M1".into(),
        state: "open".into(),
    };
    rows.duplicates.insert("M2+M1".into(), pair);
    assert_eq!(said(&run_as(&mut rows, MANAGER, &merge("M1", "M2"))), APPLIED);
    assert_eq!(rows.duplicates["M2+M1"].state, "merged");
}

#[test]
fn a_pair_is_kept_apart() {
    let mut rows = hub();
    rows.members.insert("M2".into(), member("M2"));
    let apart = Op::KeepApart {
        first: "M2".into(),
        second: "M1".into(),
    };
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &apart)),
        rejected(reason::PAIR_UNKNOWN)
    );
    let pair = DuplicatePair {
        first: "M1".into(),
        second: "M2".into(),
        state: "open".into(),
    };
    rows.duplicates.insert("M1+M2".into(), pair);
    assert_eq!(said(&run(&mut rows, &apart)), rejected(reason::MANAGER_ONLY));
    assert_eq!(said(&run_as(&mut rows, MANAGER, &apart)), APPLIED);
    assert_eq!(said(&run_as(&mut rows, MANAGER, &apart)), DUPLICATE);
    assert_eq!(rows.duplicates["M1+M2"].state, "apart");
}

/// M3 and M2 may be one person, M2 becomes part of M1: the pair can still be settled.
#[test]
fn a_pair_outlives_the_merge_of_one_of_its_two() {
    for settle in [
        Op::KeepApart {
            first: "M3".into(),
            second: "M2".into(),
        },
        merge("M3", "M2"),
    ] {
        let mut rows = hub();
        for id in ["M2", "M3"] {
            rows.members.insert(id.into(), member(id));
        }
        let pair = DuplicatePair {
            first: "M2".into(),
            second: "M3".into(),
            state: "open".into(),
        };
        rows.duplicates.insert("M2+M3".into(), pair);
        assert_eq!(said(&run_as(&mut rows, MANAGER, &merge("M1", "M2"))), APPLIED);
        assert_eq!(said(&run_as(&mut rows, MANAGER, &settle)), APPLIED);
        assert_ne!(rows.duplicates["M2+M3"].state, "open");
    }
}

#[test]
fn a_store_goes_on_with_whom_it_registered_though_the_hub_found_them_in_another() {
    let mut rows = hub();
    rows.members.get_mut("M1").unwrap().store_id = Some("S2".into());
    let applied = run(&mut rows, &register(|_| {}));
    assert_eq!(
        (applied.status, applied.member_id.as_deref()),
        (OpStatus::Merged, Some("M1"))
    );
    let tags = |id: &str| Op::Tags {
        member_id: id.into(),
        add: vec!["a".into()],
        remove: vec![],
    };
    assert_eq!(said(&run(&mut rows, &tags("tmp-1"))), APPLIED);
    assert_eq!(
        said(&run(&mut rows, &tags("M1"))),
        rejected(reason::MEMBER_OTHER_STORE)
    );
    assert_eq!(rows.members["M1"].tags, ["a"]);
}

#[test]
fn the_more_restrictive_counts_for_both() {
    for restricted in ["M1", "M2"] {
        let mut rows = hub();
        rows.members.insert("M2".into(), member("M2"));
        let hard = rows.members.get_mut(restricted).unwrap();
        hard.do_not_contact = true;
        hard.deceased = true;
        hard.paused_until = Some(day("2026-04-01"));
        assert_eq!(said(&run_as(&mut rows, MANAGER, &merge("M1", "M2"))), APPLIED);
        let one = &rows.members["M1"];
        assert!(one.do_not_contact && one.deceased, "{restricted}");
        assert_eq!(one.paused_until, Some(day("2026-04-01")), "{restricted}");
        assert_eq!(said(&run_as(&mut rows, MANAGER, &undo("M1", "M2"))), APPLIED);
        for (id, member) in &rows.members {
            assert_eq!(
                (member.do_not_contact, member.deceased),
                (id == restricted, id == restricted),
                "{id}"
            );
        }
    }
}
