//! Allotment of tasks to clerks.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn assigned(id: &str, assignee: Option<&str>) -> CareTask {
    CareTask {
        assignee: assignee.map(str::to_owned),
        ..task(id)
    }
}

#[test]
fn a_clerk_who_is_off_gets_none_and_others_keep_theirs() {
    let today = day("2026-03-10");
    let in_progress = TaskState::InProgress;
    let off = |id: &str| Staff {
        off_on: Some(today),
        ..staff(id, Role::Clerk, "S1")
    };
    let there = [
        staff("a", Role::Clerk, "S1"),
        staff("b", Role::Clerk, "S1"),
        off("off"),
    ];
    let tasks = [
        assigned("t1", Some("off")),
        assigned("t2", Some("off")),
        assigned("t3", Some("a")),
        assigned("t4", Some("b")),
        assigned("t5", None),
        CareTask {
            state: TaskState::Done.into(),
            ..assigned("t6", Some("off"))
        },
        CareTask {
            state: in_progress.into(),
            ..assigned("t7", Some("b"))
        },
        CareTask {
            state: in_progress.into(),
            ..assigned("t8", Some("off"))
        },
    ];
    let to = |id: &str, clerk: &str| (id.to_owned(), Some(clerk.to_owned()));
    let expected = [to("t1", "a"), to("t2", "a"), to("t5", "b"), to("t8", "a")];
    assert_eq!(rebalance(&tasks, &there, today), expected);
    let nobody = rebalance(&tasks[..3], &[off("off"), off("a")], today);
    assert_eq!(
        nobody.iter().map(|(_, to)| to.clone()).collect::<Vec<_>>(),
        [None, None, None]
    );
}

#[test]
fn a_pharmacists_task_stays_with_a_pharmacist() {
    let today = day("2026-03-10");
    let pharmacist = |id: &str| Staff {
        pharmacist: true,
        ..staff(id, Role::Clerk, "S1")
    };
    let there = [
        Staff {
            off_on: Some(today),
            ..pharmacist("p1")
        },
        pharmacist("p2"),
        staff("a", Role::Clerk, "S1"),
        staff("m", Role::StoreManager, "S1"),
    ];
    let for_pharmacist = |id: &str, of: &str| CareTask {
        kind: TaskKind::Pharmacist.into(),
        ..assigned(id, Some(of))
    };
    let tasks = [
        for_pharmacist("t1", "p1"),
        for_pharmacist("t2", "p2"),
        for_pharmacist("t3", "m"),
    ];
    assert_eq!(
        rebalance(&tasks, &there, today),
        [("t1".to_owned(), Some("p2".to_owned()))]
    );
}

#[test]
fn a_campaign_is_allotted_by_store_and_balanced() {
    let members = [
        ("m1", "S1"),
        ("m2", "S1"),
        ("m3", "S1"),
        ("m4", "S2"),
        ("m5", "S3"),
    ];
    let members = members.map(|(member, store)| (member.to_owned(), store.to_owned()));
    let staff = [
        staff("a", Role::Clerk, "S1"),
        staff("b", Role::Clerk, "S1"),
        staff("m", Role::StoreManager, "S1"),
        Staff {
            off_on: Some(day("2026-03-10")),
            ..staff("c", Role::Clerk, "S1")
        },
        staff("d", Role::Clerk, "S2"),
    ];
    let loads = BTreeMap::from([("a".to_owned(), 1)]);
    let allotted = allocate(members, &staff, &loads, day("2026-03-10"));
    let allotted: Vec<(&str, Option<&str>)> =
        allotted.iter().map(|(m, c)| (m.as_str(), c.as_deref())).collect();
    assert_eq!(
        allotted,
        [
            ("m1", Some("b")),
            ("m2", Some("a")),
            ("m3", Some("b")),
            ("m4", Some("d")),
            ("m5", None)
        ]
    );
}

proptest! {
    #[test]
    fn rebalancing_is_balanced_and_moves_as_few_as_possible(
        owners in prop::collection::vec(0_usize..6, 0..40), present in 1_usize..5,
    ) {
        // Owners 0..present are there, the others are off; the last is nobody.
        let clerks: Vec<String> = (0..present).map(|n| format!("c{n}")).collect();
        let tasks: Vec<CareTask> = owners.iter().enumerate().map(|(n, owner)| {
            let assignee = (*owner < 5).then(|| format!("c{owner}"));
            assigned(&format!("t{n:03}"), assignee.as_deref())
        }).collect();
        let there: Vec<Staff> = clerks.iter().map(|id| staff(id, Role::Clerk, "S1")).collect();
        let today = day("2026-03-10");
        let changes = rebalance(&tasks, &there, today);
        let after: BTreeMap<&str, &str> = tasks.iter().filter_map(|t| Some((t.id.as_str(), t.assignee.as_deref()?)))
            .chain(changes.iter().filter_map(|(id, to)| Some((id.as_str(), to.as_deref()?)))).collect();
        let load = |clerk: &str| after.values().filter(|c| **c == clerk).count();
        let loads: Vec<usize> = clerks.iter().map(|c| load(c)).collect();
        prop_assert_eq!(loads.iter().sum::<usize>(), tasks.len());
        prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);
        // The fewest: what nobody present has, and what lies above the balanced loads.
        let mut before: Vec<usize> = (0..present).map(|n| owners.iter().filter(|o| **o == n).count()).collect();
        before.sort_unstable_by(|a, b| b.cmp(a));
        let (base, extra) = (tasks.len() / present, tasks.len() % present);
        let kept: usize = before.iter().enumerate().map(|(n, have)| (*have).min(base + usize::from(n < extra))).sum();
        prop_assert_eq!(changes.len(), tasks.len() - kept);
        // Again: nothing to do, whatever the order.
        let mut done: Vec<CareTask> = tasks.iter().map(|t| assigned(&t.id, after.get(t.id.as_str()).copied())).collect();
        done.reverse();
        prop_assert!(rebalance(&done, &there, today).is_empty());
    }
}
