//! Tasks, calls and outcomes, and what follows from them.

use super::*;

#[test]
fn a_clerk_makes_tasks_of_its_own_only() {
    let create = |change: fn(&mut CareTask)| {
        let mut task = care_task("T9", "M1");
        change(&mut task);
        Op::CreateTask { task: Box::new(task) }
    };
    for (why, op, expected) in [
        ("a plain wish", create(|_| {}), APPLIED),
        ("for itself", create(|t| t.assignee = Some(CLERK.into())), APPLIED),
        (
            "for a colleague",
            create(|t| t.assignee = Some(OTHER_CLERK.into())),
            rejected(reason::MANAGER_ONLY),
        ),
        (
            "past the gate",
            create(|t| t.purpose = ContactPurpose::Emergency.into()),
            rejected(reason::ORIGIN_NOT_ALLOWED),
        ),
        (
            "first on the list",
            create(|t| t.emergency = true),
            rejected(reason::ORIGIN_NOT_ALLOWED),
        ),
        (
            "a rule's",
            create(|t| t.origin = TaskOrigin::Rule.into()),
            rejected(reason::ORIGIN_NOT_ALLOWED),
        ),
        (
            "a campaign's",
            create(|t| t.campaign_id = Some("c".into())),
            rejected(reason::ORIGIN_NOT_ALLOWED),
        ),
        (
            "due before it starts",
            create(|t| t.due = day("2026-03-09")),
            rejected(reason::DUE_BEFORE_START),
        ),
        (
            "over",
            create(|t| (t.start, t.due) = (day("2026-03-08"), day("2026-03-09"))),
            rejected("date_in_past"),
        ),
        (
            "in two years",
            create(|t| t.due = day("2028-03-09")),
            rejected("date_too_late"),
        ),
    ] {
        assert_eq!(said(&run(&mut hub(), &op)), expected, "{why}");
    }
    let mut rows = hub();
    let sly = create(|t| {
        t.state = TaskState::Done.into();
        t.attempts = 2;
        t.store_id = "S2".into();
    });
    assert_eq!(said(&run(&mut rows, &sly)), APPLIED);
    assert_eq!(said(&run(&mut rows, &sly)), DUPLICATE);
    let made = &rows.tasks["T9"];
    assert_eq!(
        (state(&rows, "T9"), made.attempts, made.store_id.as_str()),
        (Some(TaskState::Open), 0, STORE)
    );
}

#[test]
fn a_dial_is_stored_before_and_counts_after() {
    let mut rows = hub();
    assert_eq!(said(&run(&mut rows, &dial("a1"))), APPLIED);
    assert_eq!(state(&rows, "T1"), Some(TaskState::InProgress));
    assert_eq!(said(&run(&mut rows, &dial("a1"))), DUPLICATE);
    let busy = hang_up("a1", at(10) + 60_000, CarrierResult::Busy);
    assert_eq!(said(&run(&mut rows, &busy)), APPLIED);
    assert_eq!(said(&run(&mut rows, &busy)), DUPLICATE);
    assert_eq!(
        said(&run(&mut rows, &dial("a1"))),
        DUPLICATE,
        "told again after its end"
    );
    let task = &rows.tasks["T1"];
    assert_eq!((task.attempts, task.avoid_part), (1, Some(0)));
    assert_eq!(task.deferred_until_ms, Some(at(12)));
    let other = hang_up("a1", at(10) + 60_000, CarrierResult::Answered);
    assert_eq!(said(&run(&mut rows, &other)), rejected(reason::ATTEMPT_ENDED));
    let unknown = hang_up("a9", at(10), CarrierResult::Busy);
    assert_eq!(said(&run(&mut rows, &unknown)), rejected(reason::ATTEMPT_UNKNOWN));
}

#[test]
fn a_dead_number_is_marked_with_and_without_a_task() {
    for task_id in [None, Some("T1")] {
        let mut rows = hub();
        run(
            &mut rows,
            &Op::StartAttempt {
                attempt: attempt("a1", task_id),
            },
        );
        let dead = hang_up("a1", at(10), CarrierResult::InvalidNumber);
        assert_eq!(said(&run(&mut rows, &dead)), APPLIED);
        assert!(rows.members["M1"].phone_invalid);
        assert_eq!(state(&rows, "T1") == Some(TaskState::Done), task_id.is_some());
    }
}

#[test]
fn an_unknown_carrier_result_is_kept() {
    let mut rows = hub();
    run(&mut rows, &dial("a1"));
    let result = Open::Unknown("quantum".to_owned());
    let op = Op::EndAttempt {
        attempt_id: "a1".into(),
        ended_at_ms: at(11),
        duration_s: None,
        result: result.clone(),
    };
    assert_eq!(said(&run(&mut rows, &op)), APPLIED);
    assert_eq!(rows.attempts["a1"].result, Some(result));
    assert_eq!(state(&rows, "T1"), Some(TaskState::InProgress));
}

#[test]
fn outcomes_change_the_member() {
    let with = |code, change: fn(&mut Outcome)| {
        let mut outcome = outcome("o1", code);
        change(&mut outcome);
        record("T1", outcome)
    };
    let after = |op: &Op| {
        let mut rows = hub();
        assert_eq!(said(&run(&mut rows, op)), APPLIED, "{op:?}");
        let member = rows.members["M1"].clone();
        (rows, member)
    };
    let marketing_off = |member: &Member| {
        Channel::ALL.iter().all(|channel| {
            yaoban_domain::consent::standing(&member.consents, ConsentPurpose::Marketing, *channel)
                == yaoban_domain::consent::Standing::Withdrawn
        })
    };
    let (_, m) = after(&with(OutcomeCode::DoNotContact, |_| {}));
    assert!(m.do_not_contact && marketing_off(&m));
    let (_, m) = after(&with(OutcomeCode::WrongNumber, |_| {}));
    assert!(m.phone_invalid && m.ask_number && !m.do_not_contact);
    let (_, m) = after(&with(OutcomeCode::Moved, |_| {}));
    assert!(marketing_off(&m) && !m.do_not_contact);
    let (_, m) = after(&with(OutcomeCode::Hospitalised, |_| {}));
    assert!(marketing_off(&m));
    assert_eq!(m.paused_until, Some(day("2026-04-09")));
    let (rows, m) = after(&with(OutcomeCode::Deceased, |_| {}));
    assert!(m.deceased && marketing_off(&m));
    assert_eq!(state(&rows, "T1"), Some(TaskState::Done));
    let (_, m) = after(&with(OutcomeCode::StillHasStock, |o| {
        o.ingredient = Some("二甲双胍".into());
        o.date = Some(day("2026-04-01"));
    }));
    assert_eq!(m.regimens[0].stock_until, Some(day("2026-04-01")));
    let (_, m) = after(&with(OutcomeCode::DoctorChangedOrStopped, |o| {
        o.ingredient = Some("二甲双胍".into());
    }));
    assert!(m.regimens[0].inactive);
}

#[test]
fn not_interested_ends_the_campaign_for_this_member_and_deceased_everything() {
    let mut rows = hub();
    let of = |id: &str, campaign: Option<&str>| CareTask {
        campaign_id: campaign.map(str::to_owned),
        ..care_task(id, "M1")
    };
    for task in [
        of("T1", Some("k1")),
        of("T2", Some("k1")),
        of("T3", Some("k2")),
        of("T4", None),
    ] {
        rows.tasks.insert(task.id.clone(), task);
    }
    rows.tasks.insert(
        "T5".into(),
        CareTask {
            campaign_id: Some("k1".into()),
            ..care_task("T5", "M2")
        },
    );
    let applied = run(
        &mut rows,
        &record("T1", outcome("o1", OutcomeCode::NotInterested)),
    );
    assert_eq!(state(&rows, "T2"), Some(TaskState::Cancelled));
    for open in ["T3", "T4", "T5"] {
        assert_eq!(state(&rows, open), Some(TaskState::Open), "{open}");
    }
    assert_eq!(
        applied.touched,
        [RowRef::new(entity::TASK, "T1"), RowRef::new(entity::TASK, "T2")]
    );
    run(&mut rows, &record("T3", outcome("o2", OutcomeCode::Deceased)));
    assert_eq!(state(&rows, "T4"), Some(TaskState::Cancelled));
}

#[test]
fn a_pharmacists_task_follows_once_with_an_id_both_ends_derive() {
    let op = record("T1", outcome("o1", OutcomeCode::AdverseReaction));
    let mut hub_rows = hub();
    let mut phone_rows = Memory {
        is_hub: false,
        ..hub()
    };
    run(&mut phone_rows, &op);
    // The hub hears of it two days later: still a task of that day.
    let late = OpMeta {
        at_ms: at(11),
        ..meta(CLERK, at(11) + 2 * DAY_MS)
    };
    run_meta(&mut hub_rows, &op, &late);
    for rows in [&phone_rows, &hub_rows] {
        let task = &rows.tasks["follow-o1"];
        assert_eq!(task.assignee.as_deref(), Some(PHARMACIST));
        assert_eq!(task.kind, TaskKind::Pharmacist.into());
        assert_eq!(task.why.code, "adverse_reaction");
    }
    assert_eq!(phone_rows.tasks["follow-o1"].due, day("2026-03-10"));
    assert_eq!(hub_rows.tasks["follow-o1"].due, day("2026-03-12"));
    // Without a pharmacist: the manager.
    let mut rows = hub();
    rows.staff.get_mut(PHARMACIST).unwrap().off_on = Some(day("2026-03-10"));
    run(&mut rows, &op);
    assert_eq!(rows.tasks["follow-o1"].assignee.as_deref(), Some(MANAGER));
}

#[test]
fn an_emergency_reading_raises_a_task_at_once_only() {
    let add = |reading: Reading| Op::AddReading { reading };
    let mut rows = hub();
    run(&mut rows, &add(bp("r1", 180, 100)));
    let task = rows.tasks["emergency-r1"].clone();
    assert!(task.emergency);
    assert_eq!(
        (task.due, task.assignee.as_deref()),
        (day("2026-03-10"), Some(PHARMACIST))
    );
    assert_eq!(task.purpose, ContactPurpose::Emergency.into());
    for (why, reading) in [
        ("below the threshold", bp("r2", 179, 109)),
        (
            "older than a day",
            Reading {
                taken_at_ms: at(11) - 24 * HOUR_MS - 1,
                ..bp("r2", 200, 120)
            },
        ),
    ] {
        run(&mut rows, &add(reading));
        assert!(!rows.tasks.contains_key("emergency-r2"), "{why}");
        rows.readings.remove("r2");
    }
    // It was mistyped: the correction takes the alarm back.
    let correction = Reading {
        supersedes: Some("r1".into()),
        ..bp("r3", 130, 80)
    };
    run(&mut rows, &add(correction));
    assert_eq!(state(&rows, "emergency-r1"), Some(TaskState::Cancelled));
}

#[test]
fn a_message_task_is_done_once_its_message_is_out() {
    let mut rows = hub();
    rows.tasks.get_mut("T1").unwrap().kind = TaskKind::Sms.into();
    let send = |state| Op::RecordSend {
        send: Send {
            task_id: Some("T1".into()),
            ..message("k/M1/0/sms", state)
        },
    };
    assert_eq!(said(&run(&mut rows, &send(SendState::Queued))), APPLIED);
    assert_eq!(state(&rows, "T1"), Some(TaskState::Open));
    assert_eq!(said(&run(&mut rows, &send(SendState::Sent))), APPLIED);
    assert_eq!(state(&rows, "T1"), Some(TaskState::Done));
    assert_eq!(said(&run(&mut rows, &send(SendState::Delivered))), APPLIED);
    assert_eq!(
        said(&run(&mut rows, &send(SendState::Sent))),
        DUPLICATE,
        "a state only moves on"
    );
    assert_eq!(rows.sends["k/M1/0/sms"].state, SendState::Delivered.into());
}

#[test]
fn tasks_are_given_by_the_manager_and_taken_by_clerks() {
    let give = |to: Option<&str>| Op::ReassignTask {
        task_id: "T1".into(),
        assignee: to.map(str::to_owned),
    };
    let mut rows = hub();
    assert_eq!(
        said(&run(&mut rows, &give(Some(OTHER_CLERK)))),
        rejected(reason::MANAGER_ONLY)
    );
    assert_eq!(
        said(&run(&mut rows, &give(Some(CLERK)))),
        APPLIED,
        "a clerk takes what is nobody's"
    );
    assert_eq!(
        said(&run_as(&mut rows, OTHER_CLERK, &give(Some(OTHER_CLERK)))),
        rejected(reason::MANAGER_ONLY)
    );
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &give(Some(OTHER_CLERK)))),
        APPLIED
    );
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &give(Some("x1")))),
        rejected(reason::ASSIGNEE_UNKNOWN)
    );
    let off = Op::MarkOff {
        staff_id: CLERK.into(),
        on: Some(day("2026-03-10")),
    };
    assert_eq!(said(&run_as(&mut rows, MANAGER, &off)), APPLIED);
    assert_eq!(said(&run_as(&mut rows, MANAGER, &off)), DUPLICATE);
    assert_eq!(
        said(&run_as(&mut rows, MANAGER, &give(Some(CLERK)))),
        rejected(reason::ASSIGNEE_OFF)
    );
    assert_eq!(said(&run_as(&mut rows, MANAGER, &give(None))), APPLIED);
}

#[test]
fn cancelling_is_for_the_manager_but_for_a_clerks_own_wish() {
    let cancel = Op::CancelTask { task_id: "T1".into() };
    let mut rows = hub();
    rows.tasks.get_mut("T1").unwrap().origin = TaskOrigin::Campaign.into();
    assert_eq!(said(&run(&mut rows, &cancel)), rejected(reason::MANAGER_ONLY));
    assert_eq!(said(&run_as(&mut rows, MANAGER, &cancel)), APPLIED);
    assert_eq!(said(&run(&mut rows, &cancel)), DUPLICATE);
    let mut rows = hub();
    rows.tasks.get_mut("T1").unwrap().assignee = Some(OTHER_CLERK.into());
    assert_eq!(said(&run(&mut rows, &cancel)), rejected(reason::MANAGER_ONLY));
    assert_eq!(said(&run_as(&mut rows, OTHER_CLERK, &cancel)), APPLIED);
}

#[test]
fn putting_off_goes_as_far_as_the_due_date() {
    let defer = |until: &str| Op::DeferTask {
        task_id: "T1".into(),
        until: day(until),
        until_ms: None,
    };
    for (until, expected) in [
        ("2026-03-09", rejected("date_in_past")),
        ("2026-03-10", APPLIED),
        ("2026-03-20", APPLIED),
        ("2026-03-21", rejected("after_due")),
    ] {
        let mut rows = hub();
        assert_eq!(said(&run(&mut rows, &defer(until))), expected, "{until}");
        if expected == APPLIED {
            assert_eq!(said(&run(&mut rows, &defer(until))), DUPLICATE, "{until}");
        }
    }
}

#[test]
fn what_an_outcome_needs() {
    let with = |code, change: fn(&mut Outcome)| {
        let mut outcome = outcome("o1", code);
        change(&mut outcome);
        record("T1", outcome)
    };
    for (op, expected) in [
        (
            with(OutcomeCode::AgreedToVisit, |_| {}),
            rejected("date_required"),
        ),
        (
            with(OutcomeCode::StillHasStock, |_| {}),
            rejected("date_required"),
        ),
        (with(OutcomeCode::Other, |_| {}), rejected("note_required")),
        (
            with(OutcomeCode::Other, |o| o.note = Some("问营业时间".into())),
            APPLIED,
        ),
        (
            with(OutcomeCode::Other, |o| o.note = Some("长".repeat(2_001))),
            rejected(reason::TEXT_TOO_LONG),
        ),
        (
            with(OutcomeCode::Moved, |o| o.staff_id = OTHER_CLERK.into()),
            rejected(reason::AUTHOR_DIFFERS),
        ),
        (
            with(OutcomeCode::Moved, |o| o.at_ms = at(99)),
            rejected(reason::IN_FUTURE),
        ),
        (
            with(OutcomeCode::Moved, |o| o.code = Open::Unknown("abducted".into())),
            (OpStatus::Parked, Some("unknown_outcome")),
        ),
    ] {
        assert_eq!(said(&run(&mut hub(), &op)), expected, "{op:?}");
    }
}
