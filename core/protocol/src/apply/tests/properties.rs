//! What must hold for any list of operations.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::op::ProfileFields;

fn any_of<T: Code + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::sample::select(T::ALL)
}

fn any_union_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0_u8..6, 60_u16..220).prop_map(|(id, high)| Op::AddReading {
            reading: bp(&format!("r{id}"), 100 + u16::from(id), high.min(99)),
        }),
        (0_u8..6).prop_map(|id| Op::AddReading {
            reading: bp(&format!("e{id}"), 190, 100)
        }),
        (0_u8..6).prop_map(|id| Op::AddNote {
            note: note(&format!("n{id}"), "a")
        }),
        (0_u8..6).prop_map(|id| Op::StartAttempt {
            attempt: attempt(&format!("a{id}"), None)
        }),
        (0_u8..6, any_of::<SendState>()).prop_map(|(id, state)| Op::RecordSend {
            send: message(&format!("k{id}"), state)
        }),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    let task =
        prop::sample::select(&["T1", "T2", "T9", "follow-o1", "emergency-e1"][..]).prop_map(str::to_owned);
    let dates = prop::option::of(prop::sample::select(
        &[
            "2026-03-09",
            "2026-03-10",
            "2026-03-15",
            "2026-04-09",
            "2026-04-10",
        ][..],
    ));
    let member = prop::sample::select(&["M1", "M2", "tmp-1", "M9"][..]).prop_map(str::to_owned);
    prop_oneof![
        4 => any_union_op(),
        2 => (0_u8..4, any_of::<CarrierResult>()).prop_map(|(id, r)| hang_up(&format!("a{id}"), at(10), r)),
        2 => (0_u8..4).prop_map(|id| dial(&format!("a{id}"))),
        6 => (task.clone(), 0_u8..5, any_of::<OutcomeCode>(), dates.clone(), any::<bool>()).prop_map(
            |(task_id, id, code, date, corrects)| record(
                &task_id,
                Outcome {
                    date: date.map(day),
                    note: Some("a".into()),
                    ingredient: Some("x".into()),
                    supersedes: corrects.then(|| "o1".into()),
                    ..outcome(&format!("o{id}"), code)
                }
            )
        ),
        1 => task.clone().prop_map(|task_id| Op::StartTask { task_id }),
        1 => task.clone().prop_map(|task_id| Op::CancelTask { task_id }),
        1 => task.clone().prop_map(|task_id| Op::NudgeTask { task_id }),
        1 => (task, dates).prop_filter_map("a date", |(task_id, date)| {
            Some(Op::DeferTask { task_id, until: day(date?), until_ms: None })
        }),
        1 => (member.clone(), any::<bool>(), 0_i64..14).prop_map(|(member_id, granted, hour)| Op::SetConsent {
            member_id,
            consent: consent(ConsentPurpose::Marketing, granted, at(hour)), signature: None }),
        1 => (member.clone(), "[ab]", "[ab]").prop_map(|(member_id, add, remove)| Op::Tags {
            member_id, add: vec![add], remove: vec![remove],
        }),
        1 => (member.clone(), "[王李]?", "[王李]").prop_map(|(member_id, base, name)| Op::EditMember {
            member_id,
            base: Box::new(ProfileFields { name: Some(base), ..ProfileFields::default() }),
            edit: Box::new(ProfileFields { name: Some(name), ..ProfileFields::default() }),
        }),
        1 => Just(Op::RegisterMember { member: Box::new(super::member("tmp-1")), signature: None }),
        1 => (member.clone(), member.clone()).prop_map(|(keep, other)| Op::MergeMembers { keep, other }),
        1 => (member.clone(), member).prop_map(|(keep, other)| Op::UndoMerge { keep, other }),
    ]
}

fn rows() -> Memory {
    let mut rows = hub();
    rows.members.insert(
        "M2".into(),
        Member {
            name: "李强".into(),
            ..member("M2")
        },
    );
    rows.tasks.insert(
        "T2".into(),
        CareTask {
            campaign_id: Some("k".into()),
            ..care_task("T2", "M1")
        },
    );
    rows
}

/// A host that knows the operations it has applied, as the hub does by their ids.
struct Host {
    rows: Memory,
    known: HashSet<usize>,
}

impl Host {
    fn hear(&mut self, n: usize, op: &Op) -> OpStatus {
        if !self.known.insert(n) {
            return OpStatus::Duplicate;
        }
        let who = if n.is_multiple_of(3) { MANAGER } else { CLERK };
        run_as(&mut self.rows, who, op).status
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_replay_changes_nothing(ops in prop::collection::vec(any_op(), 0..30)) {
        let mut host = Host { rows: rows(), known: HashSet::new() };
        for (n, op) in ops.iter().enumerate() {
            host.hear(n, op);
        }
        let once = host.rows.clone();
        for (n, op) in ops.iter().enumerate() {
            prop_assert_eq!(host.hear(n, op), OpStatus::Duplicate);
        }
        prop_assert_eq!(host.rows, once);
    }

    #[test]
    fn rows_with_their_own_id_are_known_without_the_operations_id(op in any_union_op()) {
        let mut rows = rows();
        prop_assert_eq!(run(&mut rows, &op).status, OpStatus::Applied);
        let once = rows.clone();
        prop_assert_eq!(run(&mut rows, &op).status, OpStatus::Duplicate);
        prop_assert_eq!(rows, once);
    }

    #[test]
    fn unions_do_not_depend_on_the_order(
        ops in prop::collection::vec(any_union_op(), 0..20).prop_filter("one row an id", |ops| {
            let mut ids = HashSet::new();
            ops.iter().all(|op| ids.insert(match op {
                Op::AddReading { reading } => reading.id.clone(),
                Op::AddNote { note } => note.id.clone(),
                Op::StartAttempt { attempt } => attempt.id.clone(),
                Op::RecordSend { send } => send.key.clone(),
                _ => String::new(),
            }))
        }).prop_flat_map(|ops| (Just(ops.clone()), Just(ops).prop_shuffle())),
    ) {
        let (mut one, mut two) = (rows(), rows());
        for op in &ops.0 {
            run(&mut one, op);
        }
        for op in &ops.1 {
            run(&mut two, op);
        }
        prop_assert_eq!(one, two);
    }

    #[test]
    fn nothing_leaves_an_absorbing_state_and_no_outcome_is_lost(ops in prop::collection::vec(any_op(), 0..40)) {
        let mut host = Host { rows: rows(), known: HashSet::new() };
        for (n, op) in ops.iter().enumerate() {
            let before = host.rows.tasks.clone();
            host.hear(n, op);
            for (id, task) in &before {
                let now = &host.rows.tasks[id];
                if yaoban_domain::task::is_absorbing(&task.state) {
                    prop_assert_eq!(&now.state, &task.state);
                }
                let outcomes = |t: &CareTask| t.outcome.iter().chain(&t.other_outcomes).count();
                prop_assert!(outcomes(now) >= outcomes(task));
            }
        }
    }

    #[test]
    fn a_phone_shows_what_the_hub_makes_of_it(ops in prop::collection::vec(any_op(), 0..30)) {
        let members = |op: &Op| matches!(
            op,
            Op::RegisterMember { .. } | Op::MergeMembers { .. } | Op::UndoMerge { .. }
        );
        let (mut hub, mut phone) = (rows(), Memory { is_hub: false, ..rows() });
        for op in ops.iter().filter(|op| !members(op)) {
            prop_assert_eq!(run(&mut hub, op), run(&mut phone, op));
        }
        // The hub counts versions; all else is equal.
        let unversioned = |mut rows: Memory| {
            rows.is_hub = false;
            rows.members.values_mut().for_each(|m| m.version = 0);
            rows.tasks.values_mut().for_each(|t| t.version = 0);
            rows
        };
        prop_assert_eq!(unversioned(hub), unversioned(phone));
    }
}
