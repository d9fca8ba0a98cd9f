//! Campaigns from the list of members to the effect; the daily work; the audit trail.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand
#![allow(clippy::redundant_closure_for_method_calls)] // a method is not general enough over lifetimes

mod rig;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rig::{Bought, DAY_MS, NOW_MS, Rig, bought, member};
use yaoban_domain::codes::{ContactPurpose, TaskKind};
use yaoban_domain::effect::is_held_out;
use yaoban_domain::model::{Attempt, CareTask, Member};
use yaoban_hub::campaign::CampaignError;
use yaoban_hub::campaign::create::{Created, Plan, create, read_list};
use yaoban_hub::campaign::effect::{Effect, effect};
use yaoban_hub::daily;
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::sqlite::audit::AuditCheck;
use yaoban_protocol::row::entity;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn plan(name: &str, start: &str) -> Plan {
    Plan {
        name: name.into(),
        kind: TaskKind::Call,
        purpose: ContactPurpose::Service,
        script: "# 续药关怀\n您好，{name}。\n- 先问近况".into(),
        start: day(start),
        due: None,
        window_days: 30,
        cost_fen: Some(1_000),
        holdout_percent: 20,
        audience: None,
    }
}

fn ids(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|id| (*id).to_owned()).collect()
}

fn make(rig: &Rig, plan: &Plan, members: &BTreeSet<String>) -> Result<Created, CampaignError> {
    create(&rig.hub.database, plan, members, NOW_MS, &mut |_, _| {})
}

fn measure(rig: &Rig, campaign: &str, as_of: &str) -> Effect {
    rig.hub
        .database
        .read(|tx| effect(tx, campaign, day(as_of)))
        .unwrap()
}

#[tokio::test]
async fn tasks_reach_the_stores_balanced_and_the_holdout_none() {
    let rig = Rig::new(50);
    rig.write(|tx| {
        tx.put_staff(&rig::staff("clerk-A2", "A", "clerk"))?;
        tx.put_member(&member("chain-1", None))?;
        let mut dead: Member = tx.member("MB0")?.unwrap();
        dead.deceased = true;
        tx.put_member(&dead)
    });
    let mut members: BTreeSet<String> = (0..50)
        .flat_map(|i| [format!("MA{i}"), format!("MB{i}")])
        .collect();
    members.insert("chain-1".into());
    let created = make(&rig, &plan("春季", "2026-03-02"), &members).unwrap();
    let held = members
        .iter()
        .filter(|id| *id != "MB0" && is_held_out("c1", id, 20))
        .count();
    assert_eq!(
        (created.campaign_id.as_str(), created.assigned, created.left_out),
        ("c1", 100, 1)
    );
    assert_eq!(created.holdout, held);
    let without_store = usize::from(!is_held_out("c1", "chain-1", 20));
    assert_eq!(
        (created.without_store, created.tasks),
        (without_store, 100 - held - without_store)
    );

    let phone = rig.phone("A").await;
    let pulled = rig.pull_all(&phone).await;
    let tasks: Vec<CareTask> = pulled.pages[1]
        .changes
        .iter()
        .filter(|change| change.entity == entity::TASK)
        .map(|change| yaoban_protocol::codec::from_cbor(&change.body).unwrap())
        .collect();
    assert_eq!(tasks.len(), created.stores["A"]);
    let load = |clerk: &str| {
        tasks
            .iter()
            .filter(|task| task.assignee.as_deref() == Some(clerk))
            .count()
    };
    assert!(load("clerk-A").abs_diff(load("clerk-A2")) <= 1);
    assert_eq!(load("clerk-A") + load("clerk-A2"), tasks.len());
    assert!(tasks.iter().all(|task| !is_held_out("c1", &task.member_id, 20)));
    assert_eq!(
        (tasks[0].start, tasks[0].due),
        (day("2026-03-02"), day("2026-03-31"))
    );
    let catalogue: Vec<&str> = pulled.pages[0]
        .changes
        .iter()
        .map(|change| change.entity.as_str())
        .collect();
    assert!(catalogue.contains(&entity::CAMPAIGN) && catalogue.contains(&entity::TEMPLATE));
}

#[test]
fn a_campaign_that_broke_off_is_finished_by_the_same_command() {
    let rig = Rig::new(3);
    let members = ids(&["MA0", "MA1", "MA2"]);
    let whole = make(&rig, &plan("一", "2026-03-02"), &members).unwrap();
    let connection = rusqlite::Connection::open(rig.dir.path().join("hub.db")).unwrap();
    connection
        .execute_batch(
            "UPDATE campaign SET ready = 0; DELETE FROM assignment WHERE member_id = 'MA1';
             DELETE FROM task WHERE member_id = 'MA1'",
        )
        .unwrap();
    let again = make(&rig, &plan("一", "2026-03-02"), &members).unwrap();
    assert_eq!(again, whole);
    assert_eq!(rig.read(|tx| tx.assignments("c1")).len(), 3);
    assert!(matches!(
        make(&rig, &plan("一", "2026-03-02"), &members),
        Err(CampaignError::NameTaken(_))
    ));
}

#[test]
fn plans_and_lists_that_make_no_sense_are_refused() {
    let rig = Rig::new(2);
    let members = ids(&["MA0"]);
    let refused = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan("x", "2026-03-02");
        change(&mut plan);
        make(&rig, &plan, &members).unwrap_err().to_string()
    };
    assert!(refused(&|plan| plan.name = " ".into()).contains("--name"));
    assert!(refused(&|plan| plan.due = Some(day("2026-03-01"))).contains("--due"));
    assert!(refused(&|plan| plan.window_days = 0).contains("--window-days"));
    assert!(refused(&|plan| plan.holdout_percent = 51).contains("--holdout"));
    assert!(refused(&|plan| plan.purpose = ContactPurpose::Emergency).contains("--purpose"));
    assert!(refused(&|plan| plan.script = String::new()).contains("empty"));
    assert!(
        refused(&|plan| {
            plan.purpose = ContactPurpose::Marketing;
            plan.script = "药到病除".into();
        })
        .contains("efficacy")
    );
    assert!(matches!(
        make(&rig, &plan("y", "2026-03-02"), &ids(&[])),
        Err(CampaignError::Nobody(_))
    ));
    // Nothing of it was kept.
    assert!(rig.read(|tx| tx.campaigns()).is_empty());
    let list = |text: &str| rig.hub.database.read(|tx| read_list(tx, text));
    assert_eq!(
        list("\u{feff}member_id,name\nMA0,x\n\n\"MA1\"\nMA0\n").unwrap(),
        ids(&["MA0", "MA1"])
    );
    let error = list("MA0\nnobody\nnobody2\n").unwrap_err();
    assert!(
        matches!(
            error,
            CampaignError::UnknownMembers {
                count: 2,
                line: 2,
                ..
            }
        ),
        "{error}"
    );
}

/// Members of store A in the treated arm of campaign `c1`, and those held out.
fn arms(rig_members: usize) -> (Vec<String>, Vec<String>) {
    (0..rig_members)
        .map(|i| format!("MA{i}"))
        .partition(|id| !is_held_out("c1", id, 20))
}

#[test]
fn the_window_begins_with_the_day_of_assignment() {
    let rig = Rig::new(40);
    let (treated, holdout) = arms(40);
    let members: BTreeSet<String> = treated.iter().chain(&holdout).cloned().collect();
    make(&rig, &plan("一", "2026-03-02"), &members).unwrap();
    rig.buys(&treated[0], &[bought("2026-03-01", 100)]); // before
    rig.buys(&treated[1], &[bought("2026-03-02", 200)]); // first day
    rig.buys(&treated[2], &[bought("2026-03-31", 400)]); // last day
    rig.buys(&treated[3], &[bought("2026-04-01", 800)]); // after
    rig.buys(
        &treated[4],
        &[bought("2026-03-05", 1_000), bought("2026-03-06", -1_000)],
    ); // returned another day
    rig.buys(&holdout[0], &[bought("2026-03-10", 1_600)]);
    let effect = measure(&rig, "一", "2026-12-31");
    assert_eq!(
        (
            effect.treated.members,
            effect.treated.buyers,
            effect.treated.amount_fen
        ),
        (treated.len() as i64, 3, 600)
    );
    assert_eq!(
        (
            effect.holdout.members,
            effect.holdout.buyers,
            effect.holdout.amount_fen
        ),
        (holdout.len() as i64, 1, 1_600)
    );
    assert_eq!((effect.window_end, effect.complete), (day("2026-03-31"), true));
    let lift = effect.lift.unwrap();
    assert!(lift.low <= lift.value && lift.value <= lift.high);
    assert!(effect.roi.is_some());
    assert_eq!(effect.gross.reached, 0);
    assert_eq!(effect.gross.repurchase_share, None);
    // What comes later does not exist before.
    let early = measure(&rig, "c1", "2026-03-02");
    assert_eq!(
        (early.treated.buyers, early.treated.amount_fen, early.complete),
        (1, 200, false)
    );
}

#[test]
fn without_cost_or_margin_there_is_no_roi() {
    let rig = Rig::new(40);
    let (treated, holdout) = arms(40);
    let members: BTreeSet<String> = treated.iter().chain(&holdout).cloned().collect();
    let mut free = plan("一", "2026-03-02");
    free.cost_fen = None;
    make(&rig, &free, &members).unwrap();
    assert!(measure(&rig, "一", "2026-12-31").roi.is_none());
    assert!(measure(&rig, "一", "2026-12-31").incremental_margin_fen.is_some());
    rig.buys(
        &treated[0],
        &[Bought {
            cost_fen: None,
            ..bought("2026-03-03", 100)
        }],
    );
    let effect = measure(&rig, "一", "2026-12-31");
    assert_eq!(
        (effect.treated.margin_fen, effect.incremental_margin_fen.is_none()),
        (None, true)
    );
}

#[test]
fn a_purchase_is_credited_once_to_the_latest_assignment() {
    let rig = Rig::new(2);
    let mut first = plan("一", "2026-03-02");
    first.holdout_percent = 0;
    let second = Plan {
        name: "二".into(),
        start: day("2026-03-12"),
        ..first.clone()
    };
    make(&rig, &first, &ids(&["MA0", "MA1"])).unwrap();
    make(&rig, &second, &ids(&["MA0"])).unwrap();
    rig.buys("MA0", &[bought("2026-03-11", 100), bought("2026-03-12", 200)]);
    rig.buys("MA1", &[bought("2026-03-12", 400)]);
    let (one, two) = (
        measure(&rig, "一", "2026-12-31"),
        measure(&rig, "二", "2026-12-31"),
    );
    assert_eq!((one.treated.buyers, one.treated.amount_fen), (2, 500));
    assert_eq!((two.treated.buyers, two.treated.amount_fen), (1, 200));
    assert!(one.lift.is_none());
}

#[test]
fn gross_figures_begin_with_the_contact() {
    let rig = Rig::new(3);
    let mut open = plan("一", "2026-03-02");
    open.holdout_percent = 0;
    make(&rig, &open, &ids(&["MA0", "MA1", "MA2"])).unwrap();
    rig.write(|tx| {
        for (id, result) in [("MA0", "answered"), ("MA1", "no_answer")] {
            let attempt: Attempt = serde_json::from_value(serde_json::json!({
                "id": format!("att-{id}"), "task_id": format!("c1:{id}"), "member_id": id, "staff_id": "clerk-A",
                "purpose": "service", "channel": "call", "started_at_ms": NOW_MS + 3 * DAY_MS, "ended_at_ms": null,
                "duration_s": null, "result": result
            }))
            .unwrap();
            tx.put_attempt(&attempt, day("2026-03-05"))?;
        }
        Ok(())
    });
    rig.buys("MA0", &[bought("2026-03-04", 100), bought("2026-03-05", 200)]);
    rig.buys("MA1", &[bought("2026-03-06", 400)]);
    let gross = measure(&rig, "一", "2026-12-31").gross;
    assert_eq!(
        (gross.reached, gross.answered, gross.buyers, gross.amount_fen),
        (1, 1, 1, 200)
    );
    assert_eq!(gross.repurchase_share, Some(1.0));
}

fn put_task(rig: &Rig, id: &str, member_id: &str, fields: &serde_json::Value) {
    let mut task = serde_json::json!({
        "id": id, "member_id": member_id, "store_id": "A", "assignee": "clerk-A", "kind": "call", "purpose": "service",
        "origin": "clerk", "campaign_id": null, "why": { "code": "clerk" }, "start": "2026-02-01",
        "due": "2026-03-20", "state": "open", "created_at_ms": 0
    });
    for (key, value) in fields.as_object().unwrap() {
        task[key] = value.clone();
    }
    rig.write(|tx| tx.put_task(&serde_json::from_value(task).unwrap()));
}

#[test]
fn time_expires_returns_and_closes_tasks() {
    let rig = Rig::new(4);
    put_task(
        &rig,
        "due-today",
        "MA0",
        &serde_json::json!({ "due": "2026-03-02" }),
    );
    put_task(
        &rig,
        "overdue",
        "MA0",
        &serde_json::json!({ "due": "2026-03-01" }),
    );
    put_task(
        &rig,
        "back",
        "MA1",
        &serde_json::json!({ "state": "deferred", "deferred_until": "2026-03-02" }),
    );
    put_task(
        &rig,
        "later",
        "MA1",
        &serde_json::json!({ "state": "deferred", "deferred_until": "2026-03-03" }),
    );
    let agreed = serde_json::json!({
        "state": "deferred", "deferred_until": "2026-03-10", "closes_on_purchase": ["2026-02-20", "2026-03-09"]
    });
    put_task(&rig, "came", "MA2", &agreed);
    put_task(&rig, "stayed-away", "MA3", &agreed);
    rig.buys("MA2", &[bought("2026-02-20", 100)]);
    rig.buys("MA3", &[bought("2026-02-19", 100)]);
    let done = daily::settle_tasks(&rig.hub.database, NOW_MS).unwrap();
    assert_eq!((done.expired, done.returned, done.bought), (1, 1, 1));
    let state = |id: &str| rig.read(|tx| tx.task(id)).unwrap().state.code().to_owned();
    let states: Vec<String> = ["due-today", "overdue", "back", "later", "came", "stayed-away"]
        .iter()
        .map(|id| state(id))
        .collect();
    assert_eq!(
        states,
        ["open", "expired", "open", "deferred", "done", "deferred"]
    );
    assert_eq!(
        daily::settle_tasks(&rig.hub.database, NOW_MS).unwrap(),
        daily::Done::default()
    );
}

#[test]
fn what_time_makes_of_a_task_reaches_its_members_store() {
    let rig = Rig::new(1);
    put_task(
        &rig,
        "back",
        "MA0",
        &serde_json::json!({
            "store_id": "B", "assignee": "clerk-B", "state": "deferred", "deferred_until": "2026-03-02"
        }),
    );
    let heads =
        || ["store:A", "store:B"].map(|scope| rig.read(|tx| tx.row_kind(scope, entity::TASK, "back")));
    assert_eq!(heads(), [None, None]);
    assert_eq!(
        daily::settle_tasks(&rig.hub.database, NOW_MS).unwrap().returned,
        1
    );
    assert_eq!(heads(), [Some("put".to_owned()), None]);
    let task = rig.read(|tx| tx.task("back")).unwrap();
    assert_eq!((task.store_id.as_str(), task.assignee), ("A", None));
}

#[test]
fn a_medicine_that_ran_out_gives_one_task_on_the_third_day() {
    let rig = Rig::new(3);
    // Seven units of one a day: the last day with stock is 26 February, 27 February, 7 March.
    rig.buys("MA0", &[bought("2026-02-20", 100)]);
    rig.buys("MA1", &[bought("2026-02-21", 100)]);
    rig.buys("MA2", &[bought("2026-02-20", 100), bought("2026-03-01", 100)]);
    let run = |days: i64| {
        daily::run(&rig.hub.database, NOW_MS + days * DAY_MS)
            .unwrap()
            .run_out
    };
    assert_eq!((run(-1), run(-1), run(0), run(0)), (1, 0, 1, 0));
    let task = rig.read(|tx| tx.tasks_of("MA0")).remove(0);
    assert_eq!(
        (task.id.as_str(), task.assignee.as_deref()),
        ("runout:MA0:氨氯地平:2026-02-26", Some("clerk-A"))
    );
    assert_eq!(
        task.why.values[0],
        ("ingredient".to_owned(), "氨氯地平".to_owned())
    );
    // Days on which the hub was away are made up for.
    rig.buys("MA2", &[bought("2026-02-25", 100)]);
    assert_eq!(run(5), 1);
}

#[test]
fn old_tombstones_are_forgotten_after_ninety_days() {
    use yaoban_hub::storage::sqlite::scope::{Changes, Mark};
    let rig = Rig::new(1);
    let today = i32::try_from(NOW_MS / DAY_MS).unwrap();
    rig.write(|tx| {
        let mut changes = Changes::new();
        changes.add("store:A", entity::NOTE, "n-1", Mark::Evict { day: today });
        tx.touch(&changes)
    });
    assert_eq!(
        daily::run(&rig.hub.database, NOW_MS + 90 * DAY_MS)
            .unwrap()
            .tombstones,
        0
    );
    assert_eq!(
        daily::run(&rig.hub.database, NOW_MS + 91 * DAY_MS)
            .unwrap()
            .tombstones,
        1
    );
}

#[tokio::test]
async fn the_audit_trail_shows_every_change() {
    let rig = Rig::new(1);
    for _ in 0..3 {
        rig.phone("A").await;
    }
    assert!(matches!(
        rig.read(|tx| tx.audit_check()),
        AuditCheck::Whole { rows: 6, .. }
    ));
    let connection = rusqlite::Connection::open(rig.dir.path().join("hub.db")).unwrap();
    assert!(
        connection
            .execute("UPDATE audit SET actor = 'x' WHERE audit_key = 2", [])
            .is_err()
    );
    assert!(connection.execute("DELETE FROM audit", []).is_err());
    // Somebody who takes the guards away is seen by the chain of hashes.
    connection
        .execute_batch("DROP TRIGGER audit_keeps_values; DROP TRIGGER audit_keeps_rows")
        .unwrap();
    connection
        .execute("UPDATE audit SET actor = 'x' WHERE audit_key = 4", [])
        .unwrap();
    assert_eq!(
        rig.read(|tx| tx.audit_check()),
        AuditCheck::Broken { audit_key: 4 }
    );
    connection
        .execute("DELETE FROM audit WHERE audit_key = 2", [])
        .unwrap();
    assert_eq!(
        rig.read(|tx| tx.audit_check()),
        AuditCheck::Broken { audit_key: 3 }
    );
}
