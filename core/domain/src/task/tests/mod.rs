use proptest::prelude::*;

use super::*;
use crate::codes::{CarrierResult, Class, Code, ContactPurpose, OutcomeCode, Role, TaskKind, TaskOrigin};
use crate::model::{Outcome, Reading, Why};
use crate::rules::TimeZone;

mod share;

fn calendar() -> Calendar {
    Calendar::new(&TimeZone::default()).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// 2026-03-10 at an hour.
fn at(hour: i64) -> i64 {
    calendar().day_start_ms(day("2026-03-10")) + hour * 3_600_000
}

static RULES: std::sync::LazyLock<TaskRules> = std::sync::LazyLock::new(TaskRules::default);

fn ctx(at_ms: i64) -> TaskCtx<'static> {
    TaskCtx {
        at_ms,
        now_ms: at_ms,
        calendar: calendar(),
        rules: &RULES,
        staff: &[],
    }
}

fn task(id: &str) -> CareTask {
    CareTask {
        id: id.into(),
        member_id: "M1".into(),
        store_id: "S1".into(),
        assignee: None,
        kind: TaskKind::Call.into(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Campaign.into(),
        campaign_id: Some("k1".into()),
        step: 0,
        why: Why {
            code: "campaign".into(),
            values: vec![],
        },
        script_id: None,
        emergency: false,
        start: day("2026-03-10"),
        due: day("2026-03-20"),
        state: TaskState::Open.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: None,
        other_outcomes: vec![],
        nudged_at_ms: None,
        created_at_ms: 0,
        changed_at_ms: 0,
        version: 0,
    }
}

fn result(code: OutcomeCode) -> Outcome {
    Outcome {
        id: "o1".into(),
        code: code.into(),
        at_ms: at(10),
        day: day("2026-03-10"),
        staff_id: "c1".into(),
        attempt_id: None,
        date: None,
        call_at_ms: None,
        ingredient: None,
        note: None,
        supersedes: None,
    }
}

fn staff(id: &str, role: Role, store_id: &str) -> Staff {
    Staff {
        id: id.into(),
        store_id: Some(store_id.into()),
        region: None,
        name: String::new(),
        role: role.into(),
        pharmacist: false,
        active: true,
        off_on: None,
    }
}

#[test]
fn what_each_carrier_result_does() {
    use CarrierResult as R;
    use TaskState as S;
    // Result at 10:00, state, attempts, back on, back at, outcome required.
    let next_part = (Some(day("2026-03-10")), Some(at(12)));
    let tomorrow = (Some(day("2026-03-11")), None);
    let none = (None, None);
    for (result, state, attempts, back, outcome_required) in [
        (R::Answered, S::InProgress, 0, none, true),
        (R::Dropped, S::InProgress, 0, none, true),
        (R::Busy, S::Deferred, 1, next_part, false),
        (R::NoAnswer, S::Deferred, 1, next_part, false),
        (R::LineFailed, S::Deferred, 1, next_part, false),
        (R::PowerOff, S::Deferred, 1, next_part, false),
        (R::Rejected, S::Deferred, 1, tomorrow, false),
        (R::Voicemail, S::Deferred, 1, tomorrow, false),
        (R::InvalidNumber, S::Done, 0, none, false),
        (R::Suspended, S::Done, 0, none, false),
        (R::Cancelled, S::Open, 0, none, false),
        (R::BlockedByPolicy, S::Open, 0, none, false),
    ] {
        let effect = attempt_result(&task("T"), result, &ctx(at(10)));
        assert_eq!(effect.task.state, state.into(), "{result}");
        assert_eq!(effect.task.attempts, attempts, "{result}");
        assert_eq!(
            (effect.task.deferred_until, effect.task.deferred_until_ms),
            back,
            "{result}"
        );
        assert_eq!(effect.outcome_required, outcome_required, "{result}");
        assert_eq!(effect.member_effects.is_empty(), state != S::Done, "{result}");
    }
}

#[test]
fn the_next_attempt_is_in_another_part_of_the_day() {
    for (hour, back_day, back_ms, avoided) in [
        (8, "2026-03-10", at(9), None),
        (9, "2026-03-10", at(12), Some(0)),
        (11, "2026-03-10", at(12), Some(0)),
        (12, "2026-03-10", at(17), Some(1)),
        (16, "2026-03-10", at(17), Some(1)),
        (17, "2026-03-11", at(24 + 9), Some(2)),
        (19, "2026-03-11", at(24 + 9), Some(2)),
        (20, "2026-03-11", at(24 + 9), None),
    ] {
        let task = attempt_result(&task("T"), CarrierResult::Busy, &ctx(at(hour))).task;
        assert_eq!(task.deferred_until, Some(day(back_day)), "{hour}");
        assert_eq!(task.deferred_until_ms, Some(back_ms), "{hour}");
        assert_eq!(task.avoid_part, avoided, "{hour}");
    }
}

#[test]
fn the_third_attempt_expires_the_task_with_its_history() {
    let mut task = task("T");
    for (n, state) in [
        (1, TaskState::Deferred),
        (2, TaskState::Deferred),
        (3, TaskState::Expired),
    ] {
        task = attempt_result(&task, CarrierResult::Busy, &ctx(at(9 + n))).task;
        assert_eq!((task.attempts, task.state.known()), (n as u32, Some(state)));
    }
}

#[test]
fn a_task_expires_at_the_end_of_its_due_date() {
    let end_ms = calendar().day_start_ms(day("2026-03-21"));
    let task = task("T");
    assert_eq!(settle(task.clone(), end_ms - 1, calendar()), task);
    let expired = settle(task.clone(), end_ms, calendar());
    assert_eq!(
        (expired.state.known(), expired.changed_at_ms),
        (Some(TaskState::Expired), end_ms)
    );
    assert_eq!(settle(expired.clone(), i64::MAX, calendar()), expired);
    // Work that was done in time holds, whenever the news arrives.
    let in_time = outcome(&task, &result(OutcomeCode::CallLater), &ctx(end_ms - 1)).unwrap();
    assert_eq!(in_time.task.state.known(), Some(TaskState::Deferred));
    let late = outcome(&task, &result(OutcomeCode::AlreadyBought), &ctx(end_ms)).unwrap();
    assert_eq!(
        (late.task.state.known(), late.place),
        (Some(TaskState::Expired), OutcomePlace::Beside)
    );
    assert_eq!(
        late.task.outcome.map(|o| o.id).as_deref(),
        Some("o1"),
        "the first one counts"
    );
}

#[test]
fn a_deferred_task_comes_back() {
    let by_day = apply(
        &task("T"),
        &TaskEvent::Defer {
            until: day("2026-03-12"),
            until_ms: None,
        },
        &ctx(at(10)),
    )
    .unwrap();
    let start_ms = calendar().day_start_ms(day("2026-03-12"));
    assert!(!is_on_list(
        &settle(by_day.clone(), start_ms - 1, calendar()),
        day("2026-03-11")
    ));
    let back = settle(by_day.clone(), start_ms, calendar());
    assert!(is_on_list(&back, day("2026-03-12")));
    assert_eq!((back.deferred_until, back.deferred_until_ms), (None, None));
    let event = TaskEvent::Defer {
        until: day("2026-03-10"),
        until_ms: Some(at(15)),
    };
    let by_hour = apply(&task("T"), &event, &ctx(at(10))).unwrap();
    assert_eq!(
        settle(by_hour.clone(), at(15) - 1, calendar()).state,
        TaskState::Deferred.into()
    );
    assert_eq!(
        settle(by_hour.clone(), at(15), calendar()).state,
        TaskState::Open.into()
    );
    let other_day = TaskEvent::Defer {
        until: day("2026-03-11"),
        until_ms: Some(at(15)),
    };
    assert_eq!(
        apply(&task("T"), &other_day, &ctx(at(10))),
        Err(TaskError::DateInPast)
    );
}

#[test]
fn a_task_that_has_not_begun_is_not_on_the_list() {
    assert!(!is_on_list(&task("T"), day("2026-03-09")));
    assert!(is_on_list(&task("T"), day("2026-03-10")));
}

#[test]
fn what_each_outcome_does_to_its_task() {
    use OutcomeCode as O;
    for code in O::ALL {
        let given = Outcome {
            date: Some(day("2026-03-15")),
            note: Some("a".into()),
            ..result(*code)
        };
        let transition = outcome(&task("T"), &given, &ctx(at(10))).unwrap();
        let expected = match code {
            O::AgreedToVisit => (TaskState::Deferred, Some(day("2026-03-16"))),
            O::CallLater | O::StillHasStock => (TaskState::Deferred, Some(day("2026-03-15"))),
            _ => (TaskState::Done, None),
        };
        let got = (transition.task.state.known(), transition.task.deferred_until);
        assert_eq!(got, (Some(expected.0), expected.1), "{code}");
        assert_eq!(transition.place, OutcomePlace::Counts, "{code}");
        assert_eq!(transition.cancel_campaign, *code == O::NotInterested, "{code}");
        assert_eq!(transition.cancel_all, *code == O::Deceased, "{code}");
        let follows = matches!(code, O::NeedsPharmacist | O::AdverseReaction);
        assert_eq!(
            transition.follow_up.map(|t| t.id),
            follows.then(|| "follow-o1".to_owned()),
            "{code}"
        );
    }
}

#[test]
fn what_an_outcome_asks_for_is_what_it_is_refused_without() {
    for code in OutcomeCode::ALL {
        let asks = asks(*code, &RULES);
        let mut bare = result(*code);
        (bare.date, bare.note, bare.ingredient) = (None, None, None);
        let refused = outcome(&task("t"), &bare, &ctx(at(10))).err();
        let expected = match (asks.day, asks.note) {
            (Answer::Required, _) => Some(TaskError::DateRequired),
            (_, Answer::Required) => Some(TaskError::NoteRequired),
            _ => None,
        };
        assert_eq!(refused, expected, "{code}");
        // A day that is not asked for changes nothing.
        let mut dated = result(*code);
        dated.note = Some("x".into());
        dated.date = Some(day("2026-03-12"));
        dated.ingredient = Some("metformin".into());
        let with = outcome(&task("t"), &dated, &ctx(at(10))).unwrap();
        let speaks_of_one = with.member_effects.iter().any(|effect| {
            matches!(
                effect,
                MemberEffect::StockUntil { .. } | MemberEffect::RegimenInactive { .. }
            )
        });
        assert_eq!(asks.medicine == Answer::Optional, speaks_of_one, "{code}");
        assert_ne!(asks.medicine, Answer::Required, "{code}");
        let last = ctx(at(10)).day() + chrono::Days::new(asks.days_max.unsigned_abs());
        dated.date = Some(last);
        assert!(outcome(&task("t"), &dated, &ctx(at(10))).is_ok(), "{code}");
        dated.date = last.succ_opt();
        assert_eq!(
            outcome(&task("t"), &dated, &ctx(at(10))).err(),
            Some(TaskError::DateTooLate {
                days_max: asks.days_max
            }),
            "{code}"
        );
    }
}

#[test]
fn what_is_offered_depends_on_how_a_task_is_carried_out() {
    assert_eq!(offered(&TaskKind::Call.into()), OutcomeCode::ALL);
    assert_eq!(offered(&Open::Unknown("visit_home".into())), OutcomeCode::ALL);
    assert!(offered(&TaskKind::Sms.into()).is_empty() && offered(&TaskKind::Wechat.into()).is_empty());
    let missing = |kind: TaskKind| {
        let offered = offered(&kind.into());
        let missing = OutcomeCode::ALL.iter().filter(|code| !offered.contains(code));
        missing.copied().collect::<Vec<_>>()
    };
    assert_eq!(missing(TaskKind::Pharmacist), [OutcomeCode::NeedsPharmacist]);
    assert_eq!(
        missing(TaskKind::InStore),
        [OutcomeCode::CallLater, OutcomeCode::WrongNumber]
    );
}

#[test]
fn a_task_is_carried_out_by_the_channel_of_its_kind() {
    for (kind, by) in [
        (TaskKind::Call, Some(Channel::Call)),
        (TaskKind::Pharmacist, Some(Channel::Call)),
        (TaskKind::Sms, Some(Channel::Sms)),
        (TaskKind::Wechat, Some(Channel::Wechat)),
        (TaskKind::InStore, None),
    ] {
        assert_eq!(channel(&kind.into()), by, "{kind}");
    }
    assert_eq!(channel(&Open::Unknown("visit_home".into())), None);
}

#[test]
fn a_visit_is_agreed_within_thirty_days() {
    let agreed = |date: &str| {
        let given = Outcome {
            date: Some(day(date)),
            ..result(OutcomeCode::AgreedToVisit)
        };
        outcome(&task("T"), &given, &ctx(at(10))).map(|t| t.task)
    };
    assert_eq!(agreed("2026-03-09"), Err(TaskError::DateInPast));
    assert!(agreed("2026-03-10").is_ok());
    assert_eq!(agreed("2026-04-10"), Err(TaskError::DateTooLate { days_max: 30 }));
    let far = agreed("2026-04-09").unwrap();
    assert_eq!(far.deferred_until, Some(day("2026-04-10")));
    assert!(
        far.due >= day("2026-04-10"),
        "it must not expire before it comes back"
    );
}

#[test]
fn a_purchase_until_the_agreed_date_closes_the_task() {
    let given = Outcome {
        date: Some(day("2026-03-15")),
        ..result(OutcomeCode::AgreedToVisit)
    };
    let agreed = outcome(&task("T"), &given, &ctx(at(10))).unwrap().task;
    let bought = |on: &str, at_ms| {
        apply(&agreed, &TaskEvent::Purchase { day: day(on) }, &ctx(at_ms))
            .unwrap()
            .state
            .known()
    };
    let import_ms = calendar().day_start_ms(day("2026-03-13"));
    assert_eq!(bought("2026-03-09", import_ms), Some(TaskState::Deferred));
    assert_eq!(bought("2026-03-10", import_ms), Some(TaskState::Done));
    assert_eq!(bought("2026-03-15", import_ms), Some(TaskState::Done));
    assert_eq!(bought("2026-03-16", import_ms), Some(TaskState::Deferred));
    // The chain's file comes after the task is back on the list.
    let late_ms = calendar().day_start_ms(day("2026-03-17"));
    assert_eq!(bought("2026-03-15", late_ms), Some(TaskState::Done));
    assert_eq!(
        settle(agreed.clone(), late_ms, calendar()).state,
        TaskState::Open.into()
    );
}

#[test]
fn a_call_back_is_at_the_chosen_time_else_in_a_week() {
    let later = |change: fn(&mut Outcome)| {
        let mut given = result(OutcomeCode::CallLater);
        change(&mut given);
        let task = outcome(&task("T"), &given, &ctx(at(10))).unwrap().task;
        (task.deferred_until, task.deferred_until_ms)
    };
    assert_eq!(later(|_| {}), (Some(day("2026-03-17")), None));
    assert_eq!(
        later(|o| o.date = Some(day("2026-03-12"))),
        (Some(day("2026-03-12")), None)
    );
    assert_eq!(
        later(|o| o.call_at_ms = Some(at(39))),
        (Some(day("2026-03-11")), Some(at(39)))
    );
}

#[test]
fn an_outcome_of_an_open_task_replaces_the_one_before() {
    let first = outcome(&task("T"), &result(OutcomeCode::CallLater), &ctx(at(10)))
        .unwrap()
        .task;
    let second = Outcome {
        id: "o2".into(),
        ..result(OutcomeCode::AlreadyBought)
    };
    let done = outcome(&first, &second, &ctx(at(11))).unwrap().task;
    assert_eq!(done.outcome.as_ref().map(|o| o.id.as_str()), Some("o2"));
    assert_eq!(
        done.other_outcomes
            .iter()
            .map(|o| o.id.as_str())
            .collect::<Vec<_>>(),
        ["o1"]
    );
    let third = Outcome {
        id: "o3".into(),
        ..result(OutcomeCode::Moved)
    };
    let kept = outcome(&done, &third, &ctx(at(12))).unwrap();
    assert_eq!(
        (kept.place, kept.task.outcome.map(|o| o.id)),
        (OutcomePlace::Beside, Some("o2".into()))
    );
    assert_eq!(kept.task.other_outcomes.len(), 2);
}

#[test]
fn a_correction_takes_back_what_was_wrong() {
    let wrong = outcome(&task("T"), &result(OutcomeCode::Deceased), &ctx(at(10))).unwrap();
    let right = Outcome {
        id: "o2".into(),
        supersedes: Some("o1".into()),
        ..result(OutcomeCode::CallLater)
    };
    let corrected = outcome(&wrong.task, &right, &ctx(at(11))).unwrap();
    assert_eq!(corrected.undone, wrong.member_effects);
    assert_eq!(corrected.task.state, TaskState::Done.into(), "the state stays");
    assert_eq!(corrected.task.outcome.map(|o| o.id).as_deref(), Some("o2"));
    assert_eq!(corrected.cancel_follow_up.as_deref(), Some("follow-o1"));
}

#[test]
fn outcomes_kept_with_a_task_are_limited() {
    let mut task = task("T");
    for n in 0..=RULES.other_outcomes_max {
        let given = Outcome {
            id: format!("o{n}"),
            ..result(OutcomeCode::AlreadyBought)
        };
        task = outcome(&task, &given, &ctx(at(10))).unwrap().task;
    }
    let more = Outcome {
        id: "more".into(),
        ..result(OutcomeCode::AlreadyBought)
    };
    assert_eq!(
        outcome(&task, &more, &ctx(at(10))),
        Err(TaskError::TooManyOutcomes(50))
    );
}

#[test]
fn a_pharmacists_task_goes_to_who_is_there() {
    let pharmacist = |id: &str| Staff {
        pharmacist: true,
        ..staff(id, Role::Clerk, "S1")
    };
    let manager = staff("m", Role::StoreManager, "S1");
    let today = day("2026-03-10");
    let off = Staff {
        off_on: Some(today),
        ..pharmacist("a")
    };
    let gone = Staff {
        active: false,
        ..pharmacist("a")
    };
    let elsewhere = Staff {
        store_id: Some("S2".into()),
        ..pharmacist("a")
    };
    for (staff, expected) in [
        (vec![pharmacist("b"), pharmacist("a"), manager.clone()], Some("a")),
        (vec![off, pharmacist("b"), manager.clone()], Some("b")),
        (vec![gone, elsewhere, manager], Some("m")),
        (vec![staff("c", Role::Clerk, "S1")], None),
    ] {
        assert_eq!(pharmacist_of(&staff, "S1", today).as_deref(), expected);
    }
}

#[test]
fn an_emergency_task_tells_the_reading() {
    let reading = Reading {
        id: "r1".into(),
        member_id: "M1".into(),
        taken_at_ms: at(10),
        kind: crate::codes::ReadingKind::Glucose.into(),
        systolic: None,
        diastolic: None,
        glucose_tenths: Some(170),
        context: crate::codes::ReadingContext::Random.into(),
        staff_id: None,
        supersedes: None,
    };
    let task = emergency_task(&reading, "S1", &ctx(at(10)));
    assert_eq!(
        (task.id.as_str(), task.why.code.as_str()),
        ("emergency-r1", "emergency_glucose")
    );
    assert!(task.why.values.contains(&("glucose_tenths".into(), "170".into())));
    assert!(task.emergency && task.purpose.is(ContactPurpose::Emergency));
    assert_eq!((task.start, task.due), (day("2026-03-10"), day("2026-03-10")));
}

#[test]
fn the_list_is_in_the_order_of_the_rules() {
    let key = |change: fn(&mut CareTask, &mut OrderInput)| {
        let (mut task, mut input) = (
            task("T5"),
            OrderInput {
                class: Some(Class::Valued),
                value_index: 50,
                ..OrderInput::default()
            },
        );
        change(&mut task, &mut input);
        order_key(&task, &input)
    };
    // Each comes before all that follow, though it loses in everything after what sets it apart.
    let ordered = [
        key(|t, i| (t.emergency, t.due, i.class) = (true, day("2026-12-31"), None)),
        key(|t, i| (t.due, i.class) = (day("2026-03-19"), None)),
        key(|_, i| (i.class, i.value_index) = (Some(Class::Retain), 0)),
        key(|_, i| i.class = Some(Class::WinBack)),
        key(|_, i| i.class = Some(Class::Develop)),
        key(|_, i| (i.medicine_end, i.value_index) = (Some(day("2026-03-01")), 0)),
        key(|_, i| (i.medicine_end, i.value_index) = (Some(day("2026-03-02")), 0)),
        key(|_, i| i.value_index = 51),
        key(|t, i| (t.id, i.hour_matches) = ("T9".into(), true)),
        key(|t, _| t.id = "T4".into()),
        key(|_, _| {}),
        key(|_, i| (i.class, i.value_index) = (Some(Class::Ordinary), 100)),
        key(|_, i| i.class = Some(Class::Low)),
        key(|_, i| i.class = None),
        key(|t, i| (t.due, i.class) = (day("2026-03-21"), Some(Class::Retain))),
    ];
    for (n, pair) in ordered.windows(2).enumerate() {
        assert!(pair[0] < pair[1], "{n}: {pair:?}");
    }
}

#[test]
fn a_household_stands_together() {
    let items = [
        ("a", Some("1")),
        ("b", None),
        ("c", Some("2")),
        ("d", Some("1")),
        ("e", None),
    ];
    let groups = households(items, |item| item.1.map(str::to_owned));
    let names: Vec<Vec<&str>> = groups
        .iter()
        .map(|g| g.iter().map(|item| item.0).collect())
        .collect();
    assert_eq!(names, [vec!["a", "d"], vec!["b"], vec!["c"], vec!["e"]]);
}

fn any_of<T: Code + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::sample::select(T::ALL)
}

fn any_date() -> impl Strategy<Value = NaiveDate> {
    (0_i64..60).prop_map(|days| days_after(day("2026-03-01"), days))
}

#[derive(Debug, Clone)]
enum Step {
    Event(TaskEvent),
    Dial(CarrierResult),
    Outcome(OutcomeCode, Option<NaiveDate>, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any_of::<CarrierResult>().prop_map(Step::Dial),
        (
            any_of::<OutcomeCode>(),
            prop::option::of(any_date()),
            any::<bool>()
        )
            .prop_map(|(code, date, corrects)| Step::Outcome(code, date, corrects)),
        any_date().prop_map(|until| Step::Event(TaskEvent::Defer {
            until,
            until_ms: None
        })),
        any_date().prop_map(|day| Step::Event(TaskEvent::Purchase { day })),
        Just(Step::Event(TaskEvent::Cancel)),
        Just(Step::Event(TaskEvent::Sent)),
        Just(Step::Event(TaskEvent::Nudge)),
        Just(Step::Event(TaskEvent::Start {
            staff_id: "c1".into()
        })),
    ]
}

proptest! {
    #[test]
    fn nothing_leaves_an_absorbing_state(
        steps in prop::collection::vec((any_step(), 0_i64..200), 0..30), kind in any_of::<TaskKind>(),
    ) {
        let mut now = CareTask { kind: kind.into(), ..task("T") };
        let mut hour = 0;
        for (n, (step, hours)) in steps.into_iter().enumerate() {
            hour += hours;
            let ctx = ctx(at(hour));
            let next = match step {
                Step::Event(event) => apply(&now, &event, &ctx).unwrap_or_else(|_| now.clone()),
                Step::Dial(result) => attempt_result(&now, result, &ctx).task,
                Step::Outcome(code, date, corrects) => {
                    let supersedes = now.outcome.as_ref().filter(|_| corrects).map(|o| o.id.clone());
                    let given = Outcome {
                        id: format!("o{n}"), date, supersedes, note: Some("a".into()), ..result(code)
                    };
                    outcome(&now, &given, &ctx).map_or_else(|_| now.clone(), |t| t.task)
                }
            };
            if is_absorbing(&now.state) {
                prop_assert_eq!(&next.state, &now.state);
                prop_assert_eq!(next.attempts, now.attempts);
            }
            prop_assert!(next.attempts <= RULES.attempts_max);
            prop_assert!(next.due >= now.due);
            if next.state.is(TaskState::Deferred) {
                let until = next.deferred_until.unwrap();
                let ms = next.deferred_until_ms;
                prop_assert!(ms.is_none_or(|ms| calendar().day(ms) == until));
            } else {
                prop_assert_eq!((next.deferred_until, next.deferred_until_ms), (None, None));
            }
            now = next;
        }
    }
}
