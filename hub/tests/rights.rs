//! Staff who moved, left or got another role: what they did before is judged by the rights they had
//! then (sync protocol, point 6), and what they did afterwards is refused.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod rig;

use rig::{DAY_MS, NOW_MS, Phone, Rig};
use yaoban_domain::model::{CareTask, Note};
use yaoban_hub::import::{FileKind, Options, run};
use yaoban_hub::storage::Records as _;
use yaoban_protocol::message::HelloRequest;
use yaoban_protocol::op::{Op, OpStatus};

/// Tokens outlive a few of these.
const STEP_MS: i64 = 60_000;

/// Takes a file of staff in, as the chain sends it.
fn import(rig: &Rig, rows: &str) {
    let path = rig.dir.path().join("staff.csv");
    std::fs::write(&path, format!("员工编号,门店编号,岗位,在职\n{rows}\n")).unwrap();
    let files = [(FileKind::Staff, path)];
    let reports = run(&rig.hub.database, &files, Options::default(), &*rig.clock).unwrap();
    assert_eq!(reports[0].rejected, 0);
}

fn note(staff: &str) -> Op {
    Op::AddNote {
        note: Note {
            id: uuid::Uuid::now_v7().to_string(),
            member_id: "MA0".into(),
            at_ms: NOW_MS - 10 * DAY_MS,
            staff_id: staff.into(),
            text: "喜欢早上来".into(),
            supersedes: None,
        },
    }
}

fn task(id: &str, assignee: &str) -> Op {
    let task: CareTask = serde_json::from_value(serde_json::json!({
        "id": id, "member_id": "MA0", "store_id": "A", "assignee": assignee, "kind": "call", "purpose": "service",
        "origin": "clerk", "campaign_id": null, "why": { "code": "clerk" }, "start": "2026-03-02",
        "due": "2026-03-20", "state": "open", "created_at_ms": NOW_MS
    }))
    .unwrap();
    Op::CreateTask { task: Box::new(task) }
}

fn reassign(id: &str) -> Op {
    Op::ReassignTask {
        task_id: id.into(),
        assignee: Some("manager-A".into()),
    }
}

/// What becomes of an operation that was made at an instant by the phone's clock.
async fn push(rig: &Rig, phone: &mut Phone, staff: &str, at_ms: i64, op: &Op) -> (OpStatus, Option<String>) {
    let op = phone.op(staff, at_ms, op);
    let mut reply = rig.push(phone, std::slice::from_ref(&op)).await.unwrap();
    let result = reply.results.remove(0);
    (result.status, result.reason)
}

const APPLIED: (OpStatus, Option<String>) = (OpStatus::Applied, None);

fn refused(reason: &str) -> (OpStatus, Option<String>) {
    (OpStatus::Rejected, Some(reason.to_owned()))
}

#[tokio::test]
async fn work_before_a_move_counts_and_work_after_it_is_refused() {
    for (change, reason) in [
        ("clerk-A,B,店员,是", "staff_other_store"),
        ("clerk-A,A,店员,否", "staff_inactive"),
        ("clerk-A,,店员,是", "staff_other_store"),
        ("clerk-A,A,区域经理,是", "role_not_allowed"),
    ] {
        let rig = Rig::new(1);
        let mut phone = rig.phone("A").await;
        import(&rig, change);
        rig.clock.advance(3 * STEP_MS);
        assert_eq!(
            push(&rig, &mut phone, "clerk-A", NOW_MS - STEP_MS, &note("clerk-A")).await,
            APPLIED,
            "{change}"
        );
        assert_eq!(
            push(&rig, &mut phone, "clerk-A", NOW_MS + STEP_MS, &note("clerk-A")).await,
            refused(reason),
            "{change}"
        );
        // Somebody who never worked there did not before either.
        assert_eq!(
            push(&rig, &mut phone, "clerk-B", NOW_MS - STEP_MS, &note("clerk-B")).await,
            refused("staff_other_store")
        );
        assert_eq!(rig.read(|tx| tx.notes_of("MA0")).len(), 1);
    }
}

#[tokio::test]
async fn in_the_new_store_the_clerk_works_at_once() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("B").await;
    import(&rig, "clerk-A,B,店员,是");
    let op = match note("clerk-A") {
        Op::AddNote { mut note } => {
            note.member_id = "MB0".into();
            Op::AddNote { note }
        }
        op => op,
    };
    // Even on a phone whose clock is behind.
    assert_eq!(
        push(&rig, &mut phone, "clerk-A", NOW_MS - DAY_MS, &op).await,
        APPLIED
    );
}

#[tokio::test]
async fn a_manager_who_is_one_no_more_keeps_what_was_decided_before() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    assert_eq!(
        push(&rig, &mut phone, "clerk-A", NOW_MS, &task("t-1", "clerk-A")).await,
        APPLIED
    );
    assert_eq!(
        push(&rig, &mut phone, "clerk-A", NOW_MS, &task("t-2", "clerk-A")).await,
        APPLIED
    );
    rig.clock.advance(STEP_MS);
    import(&rig, "manager-A,A,店员,是");
    rig.clock.advance(STEP_MS);
    assert_eq!(
        push(&rig, &mut phone, "manager-A", NOW_MS, &reassign("t-1")).await,
        APPLIED
    );
    assert_eq!(
        push(
            &rig,
            &mut phone,
            "manager-A",
            NOW_MS + 2 * STEP_MS,
            &reassign("t-2")
        )
        .await,
        refused("manager_only")
    );
    // What a clerk may do stays.
    assert_eq!(
        push(
            &rig,
            &mut phone,
            "manager-A",
            NOW_MS + 2 * STEP_MS,
            &note("manager-A")
        )
        .await,
        APPLIED
    );
}

#[tokio::test]
async fn each_change_has_its_time() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    // A for an hour, B for an hour, A for an hour, gone.
    for change in ["clerk-A,B,店员,是", "clerk-A,A,店员,是", "clerk-A,A,店员,否"] {
        rig.clock.advance(STEP_MS);
        import(&rig, change);
    }
    rig.clock.advance(STEP_MS);
    for (at_ms, expected) in [
        (STEP_MS / 2, APPLIED),
        (STEP_MS * 3 / 2, refused("staff_inactive")),
        (STEP_MS * 5 / 2, APPLIED),
        (STEP_MS * 7 / 2, refused("staff_inactive")),
    ] {
        let got = push(&rig, &mut phone, "clerk-A", NOW_MS + at_ms, &note("clerk-A")).await;
        assert_eq!(got, expected, "{at_ms}");
    }
}

#[tokio::test]
async fn a_phone_whose_clock_is_wrong_is_judged_by_the_hubs() {
    for (ahead_ms, at_ms, expected) in [
        // Two days ahead: an hour before the move stands as two days later.
        (2 * DAY_MS, NOW_MS - STEP_MS + 2 * DAY_MS, APPLIED),
        // Two days behind: an hour after the move stands as two days earlier.
        (
            -2 * DAY_MS,
            NOW_MS + STEP_MS - 2 * DAY_MS,
            refused("staff_other_store"),
        ),
    ] {
        let rig = Rig::new(1);
        let mut phone = rig.phone("A").await;
        import(&rig, "clerk-A,B,店员,是");
        rig.clock.advance(2 * STEP_MS);
        let hello = HelloRequest {
            schema: 1,
            app_version: "1".into(),
            last_n: 0,
            now_ms: rig.now_ms() + ahead_ms,
        };
        let _: yaoban_protocol::message::HelloReply =
            rig.post("/v1/hello", Some(&phone.token), &hello).await.unwrap();
        let got = push(&rig, &mut phone, "clerk-A", at_ms, &note("clerk-A")).await;
        assert_eq!(got, expected, "{ahead_ms}");
    }
}

#[tokio::test]
async fn a_member_who_moved_keeps_what_the_old_store_did_and_a_stranger_stays_closed() {
    let rig = Rig::new(2);
    let mut phone = rig.phone("A").await;
    let path = rig.dir.path().join("members.csv");
    std::fs::write(&path, "member_id,store_id\nMA0,B\n").unwrap();
    let files = [(FileKind::Members, path)];
    run(&rig.hub.database, &files, Options::default(), &*rig.clock).unwrap();
    assert_eq!(
        rig.read(|tx| tx.member("MA0")).unwrap().store_id.as_deref(),
        Some("B")
    );
    assert_eq!(
        push(&rig, &mut phone, "clerk-A", NOW_MS - STEP_MS, &note("clerk-A")).await,
        APPLIED
    );
    let stranger = match note("clerk-A") {
        Op::AddNote { mut note } => {
            note.member_id = "MB0".into();
            Op::AddNote { note }
        }
        op => op,
    };
    assert_eq!(
        push(&rig, &mut phone, "clerk-A", NOW_MS - STEP_MS, &stranger).await,
        refused("member_other_store")
    );
}
