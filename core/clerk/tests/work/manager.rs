//! The manager's day.

use yaoban_clerk_core::facade::contact::{DialTarget, NewOutcome};
use yaoban_clerk_core::facade::manager::{ClerkDay, TodayFigure, Whose};
use yaoban_clerk_core::facade::tasks::TaskFilter;
use yaoban_domain::codes::{CarrierResult, OutcomeCode};
use yaoban_protocol::row::{Change, DuplicatePair, entity};

use crate::common::put;
use crate::phone::{Phone, code, member_row, task, task_row, willing};

fn rows(tasks: u64) -> Vec<Change> {
    (0..tasks)
        .flat_map(|n| {
            let (member, id) = (format!("M{n}"), format!("T{n}"));
            [
                member_row(10 + 2 * n, &willing(&member)),
                task_row(11 + 2 * n, &task(&id, &member)),
            ]
        })
        .collect()
}

fn call(phone: &Phone, task_id: &str, result: CarrierResult) {
    let dial = phone.app.dial(&DialTarget::Task(task_id.into())).unwrap();
    phone.app.end_attempt(&dial.attempt_id, result, None).unwrap();
}

fn line<'a>(clerks: &'a [ClerkDay], id: &str) -> &'a ClerkDay {
    clerks
        .iter()
        .find(|clerk| clerk.staff_id.as_deref() == Some(id))
        .unwrap()
}

#[test]
fn the_managers_numbers_are_the_lengths_of_the_lists_behind_them() {
    let mut over = task("T9", "M0");
    over.due = "2026-06-14".parse().unwrap();
    let mut phone = Phone::with([rows(4), vec![task_row(90, &over)]].concat());
    call(&phone, "T0", CarrierResult::Answered);
    let visit = NewOutcome {
        date: "2026-06-18".parse().ok(),
        ..NewOutcome::of(OutcomeCode::AgreedToVisit)
    };
    phone.app.record_outcome("T0", &visit).unwrap();
    call(&phone, "T1", CarrierResult::Busy);
    call(&phone, "T2", CarrierResult::Cancelled);
    phone
        .app
        .record_outcome("T3", &NewOutcome::of(OutcomeCode::AlreadyBought))
        .unwrap();
    let own = phone.app.today_by_clerk().unwrap();
    assert_eq!(own.clerks.len(), 1, "a clerk sees its own line");
    assert_eq!(own.total, None, "and no sum of it");

    phone.sign_in("B1");
    let today = phone.app.today_by_clerk().unwrap();
    assert_eq!(today.clerks.len(), 4);
    let c1 = line(&today.clerks, "C1");
    let shown: Vec<(TodayFigure, u32)> = c1.figures.iter().map(|one| (one.figure, one.count)).collect();
    assert_eq!(
        shown,
        [
            (TodayFigure::Open, 3),
            (TodayFigure::Due, 1),
            (TodayFigure::Done, 1),
            (TodayFigure::Attempts, 2),
            (TodayFigure::Answered, 1),
            (TodayFigure::Agreed, 1),
            (TodayFigure::Messages, 0),
            (TodayFigure::Overdue, 1)
        ]
    );
    assert_eq!(line(&today.clerks, "C2").count(TodayFigure::Open), 0);
    assert_eq!(today.total.unwrap().count(TodayFigure::Open), 3);
    for (figure, count) in shown {
        let items = phone.app.today_items(&Whose::Staff("C1".into()), figure).unwrap();
        assert_eq!(items.len() as u32, count, "{figure:?}");
        assert!(phone.app.today_items(&Whose::Nobody, figure).unwrap().is_empty());
    }
    let agreed = phone.app.today_items(&Whose::Store, TodayFigure::Agreed).unwrap();
    assert_eq!(
        (agreed[0].name.as_str(), agreed[0].code.as_str()),
        ("王M0", "agreed_to_visit")
    );
    let group = |figure| phone.app.today_items(&Whose::Store, figure).unwrap()[0].group;
    assert_eq!(group(TodayFigure::Agreed), "outcome");
    assert_eq!(group(TodayFigure::Attempts), "carrier");
    assert_eq!(group(TodayFigure::Open), "task_state");
    let may_give = |figure| phone.app.today_items(&Whose::Store, figure).unwrap()[0].may_give;
    assert!(may_give(TodayFigure::Open));
    for closed in [TodayFigure::Done, TodayFigure::Overdue, TodayFigure::Agreed] {
        assert!(!may_give(closed), "{closed:?}");
    }
}

#[test]
fn the_manager_gives_tasks_away_and_a_clerk_does_not() {
    let mut phone = Phone::with(rows(2));
    assert_eq!(code(phone.app.reassign("T0", Some("C2"))), "manager_only");
    assert_eq!(code(phone.app.rebalance()), "role_may_not");
    assert_eq!(code(phone.app.nudge("T0")), "manager_only");
    assert_eq!(code(phone.app.mark_off("C2", None)), "manager_only");
    assert_eq!(code(phone.app.duplicates()), "role_may_not");
    phone.sign_in("B1");
    let given = phone.app.reassign("T0", Some("C2")).unwrap();
    assert_eq!(given.assignee.as_deref(), Some("C2"));
    assert!(phone.app.nudge("T0").unwrap().nudged);
    let both = ["T0", "T1", "T8"].map(str::to_owned);
    let result = phone.app.reassign_all(&both, None).unwrap();
    assert_eq!(result.moved.len(), 2);
    assert_eq!(result.refused[0].code, "task_unknown");
    phone.sign_in("C1");
    let taken = phone.app.reassign("T0", Some("C1")).unwrap();
    assert_eq!(
        taken.assignee.as_deref(),
        Some("C1"),
        "a clerk takes what is nobody's"
    );
}

#[test]
fn the_tasks_of_a_clerk_who_is_off_go_to_the_others_evenly() {
    let mut phone = Phone::with(rows(6));
    phone.sign_in("B1");
    phone.app.mark_off("C1", "2026-06-15".parse().ok()).unwrap();
    let given = phone.app.reassign("T0", Some("C2")).unwrap();
    assert_eq!(given.assignee.as_deref(), Some("C2"));
    assert_eq!(code(phone.app.reassign("T0", Some("C1"))), "assignee_off");
    let result = phone.app.rebalance().unwrap();
    assert_eq!(result.moved.len(), 5);
    assert!(result.refused.is_empty());
    let today = phone.app.today_by_clerk().unwrap();
    assert!(line(&today.clerks, "C1").off_today);
    let loads: Vec<u32> = ["C1", "C2", "P1", "B1"]
        .map(|id| line(&today.clerks, id).count(TodayFigure::Due))
        .to_vec();
    assert_eq!(loads, [0, 3, 3, 0]);
    assert!(
        phone.app.rebalance().unwrap().moved.is_empty(),
        "balanced already"
    );
    phone.sign_in("C2");
    assert_eq!(phone.app.tasks(&TaskFilter::default()).unwrap().count, 3);
}

#[test]
fn possible_duplicates_are_merged_or_kept_apart() {
    let pair = |first: &str, second: &str| DuplicatePair {
        first: first.into(),
        second: second.into(),
        state: "open".into(),
    };
    let mut phone = Phone::with(
        [
            rows(4),
            vec![
                put(80, entity::DUPLICATE, "M0+M1", &pair("M0", "M1")),
                put(81, entity::DUPLICATE, "M2+M3", &pair("M2", "M3")),
            ],
        ]
        .concat(),
    );
    phone.sign_in("B1");
    let pairs = phone.app.duplicates().unwrap();
    assert_eq!(pairs.len(), 2);
    assert_eq!(pairs[0].second.name, "王M1");
    assert!(pairs[0].first.phone_masked.as_ref().unwrap().contains("****"));
    phone.app.merge_members("M0", "M1").unwrap();
    phone.app.keep_apart("M2", "M3").unwrap();
    assert!(phone.app.duplicates().unwrap().is_empty());
    assert_eq!(phone.app.task("T1").unwrap().task.member_id, "M0");
    assert_eq!(code(phone.app.merge_members("M2", "M2")), "same_member");
    phone.app.undo_merge("M0", "M1").unwrap();
}

#[test]
fn what_is_on_its_way_shows_with_its_state() {
    let phone = Phone::with(rows(1));
    phone.app.start_task("T0").unwrap();
    phone
        .app
        .record_outcome("T0", &NewOutcome::of(OutcomeCode::NotInterested))
        .unwrap();
    let queue = phone.app.sync_queue().unwrap().unwrap();
    assert_eq!((queue.held, queue.pending, queue.rejected), (1, 1, 0));
    let ops: Vec<(&str, &str)> = queue
        .ops
        .iter()
        .map(|op| (op.op.as_str(), op.state.as_str()))
        .collect();
    assert_eq!(ops, [("start_task", "pending"), ("record_outcome", "held")]);
    assert_eq!(queue.ops[0].member_name.as_deref(), Some("王M0"));
}
