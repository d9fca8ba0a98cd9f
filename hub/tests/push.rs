//! Operations on their way up: results, replays, rights, parked ones, members who moved.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand
#![allow(clippy::redundant_closure_for_method_calls)] // a method is not general enough over lifetimes

mod rig;

use axum::http::StatusCode;
use rig::{DAY_MS, NOW_MS, Phone, Rig, member};
use serde_bytes::ByteBuf;
use yaoban_domain::model::{Attempt, CareTask, Consent, Member, Note, Outcome, Reading};
use yaoban_domain::signature::Signature;
use yaoban_hub::erasure::erase;
use yaoban_hub::recordings::leave::By;
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::sqlite::audit::AuditCheck;
use yaoban_hub::storage::sqlite::scope::Changes;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{Op, OpEnvelope, OpStatus};
use yaoban_protocol::row::{Change, ChangeKind, entity};

fn note(id: &str, member_id: &str) -> Op {
    let note = Note {
        id: id.into(),
        member_id: member_id.into(),
        at_ms: NOW_MS,
        staff_id: "clerk-A".into(),
        text: "喜欢早上来".into(),
        supersedes: None,
    };
    Op::AddNote { note }
}

fn reading(id: &str, member_id: &str, systolic: u16, taken_at_ms: i64) -> Op {
    let reading: Reading = serde_json::from_value(serde_json::json!({
        "id": id, "member_id": member_id, "taken_at_ms": taken_at_ms, "kind": "bp", "systolic": systolic,
        "diastolic": 85, "glucose_tenths": null, "context": "office", "staff_id": "clerk-A"
    }))
    .unwrap();
    Op::AddReading { reading }
}

fn register(temporary: &str, name: &str, phone: &str) -> Op {
    let mut member = member(temporary, Some("A"));
    member.name = name.into();
    member.phone = Some(phone.into());
    Op::RegisterMember {
        member: Box::new(member),
        signature: None,
    }
}

#[tokio::test]
async fn what_a_member_signed_stays_at_the_hub_and_goes_with_its_erasure() {
    let rig = Rig::new(2);
    let mut phone = rig.phone("A").await;
    let signature = Signature {
        strokes: vec![vec![(10, 10), (900, 200)]],
    };
    let Op::RegisterMember { member, .. } = register("tmp-1", "冯阿姨", "15400000044") else {
        unreachable!()
    };
    let signed = Op::RegisterMember {
        member,
        signature: Some(signature.clone()),
    };
    let consent: Consent = serde_json::from_value(serde_json::json!({
        "purpose": "health", "channel": null, "granted": true, "at_ms": NOW_MS, "wording_version": "2026-11",
        "place": "A"
    }))
    .unwrap();
    let also = Op::SetConsent {
        member_id: "tmp-1".into(),
        consent,
        signature: Some(signature.clone()),
    };
    for op in [&signed, &also] {
        let op = phone.op("clerk-A", NOW_MS, op);
        assert_eq!(one(&rig, &phone, &op).await.0, OpStatus::Applied);
        // Sent again, as after a lost reply, it is kept once.
        assert_eq!(one(&rig, &phone, &op).await.0, OpStatus::Applied);
    }
    let kept = |id: &str| rig.read(|tx| tx.signed_under(id));
    let id = rig.read(|tx| tx.resolve_member("tmp-1")).unwrap();
    let held = kept(&id);
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|one| one.signature == signature));
    assert_eq!(held[1].consents[0].wording_version, "2026-11");
    // No phone hears of it.
    let told: Vec<Change> = rig
        .pull_all(&phone)
        .await
        .pages
        .into_iter()
        .flat_map(|page| page.changes)
        .collect();
    assert!(!rows(&told, entity::MEMBER).is_empty());
    let strokes = b"10,10 900,200";
    for change in &told {
        assert!(
            !change.body.windows(strokes.len()).any(|part| part == strokes),
            "{}",
            change.entity
        );
    }
    let by = By {
        actor: "test",
        staff_id: None,
        now_ms: NOW_MS,
    };
    erase(&rig.hub.database, &rig.hub.recordings, "tmp-1", "asked", &by).unwrap();
    assert!(kept(&id).is_empty() && kept("tmp-1").is_empty());
}

fn task(id: &str, member_id: &str) -> CareTask {
    serde_json::from_value(serde_json::json!({
        "id": id, "member_id": member_id, "store_id": "A", "assignee": "clerk-A", "kind": "call", "purpose": "service",
        "origin": "clerk", "campaign_id": null, "why": { "code": "clerk" }, "start": "2026-03-02",
        "due": "2026-03-20", "state": "open", "created_at_ms": NOW_MS
    }))
    .unwrap()
}

async fn one(rig: &Rig, phone: &Phone, op: &OpEnvelope) -> (OpStatus, Option<String>) {
    let reply = rig.push(phone, std::slice::from_ref(op)).await.unwrap();
    assert_eq!(
        (reply.results.len(), reply.results[0].n, &reply.results[0].op_id),
        (1, op.n, &op.op_id)
    );
    (reply.results[0].status, reply.results[0].reason.clone())
}

fn rows<'a>(changes: &'a [Change], entity: &str) -> Vec<&'a Change> {
    changes.iter().filter(|change| change.entity == entity).collect()
}

#[tokio::test]
async fn a_call_from_dial_to_outcome_comes_back_as_rows() {
    let rig = Rig::new(2);
    let mut phone = rig.phone("A").await;
    let attempt: Attempt = serde_json::from_value(serde_json::json!({
        "id": "att-1", "task_id": "t-1", "member_id": "MA0", "staff_id": "clerk-A", "purpose": "service",
        "channel": "call", "started_at_ms": NOW_MS, "ended_at_ms": null, "duration_s": null, "result": null
    }))
    .unwrap();
    let outcome: Outcome = serde_json::from_value(serde_json::json!({
        "id": "out-1", "code": "already_bought", "at_ms": NOW_MS + 60_000, "day": "2026-03-02", "staff_id": "clerk-A",
        "attempt_id": "att-1"
    }))
    .unwrap();
    let ops = [
        phone.op(
            "clerk-A",
            NOW_MS,
            &Op::CreateTask {
                task: Box::new(task("t-1", "MA0")),
            },
        ),
        phone.op(
            "clerk-A",
            NOW_MS,
            &Op::StartTask {
                task_id: "t-1".into(),
            },
        ),
        phone.op("clerk-A", NOW_MS, &Op::StartAttempt { attempt }),
        phone.op(
            "clerk-A",
            NOW_MS + 60_000,
            &Op::EndAttempt {
                attempt_id: "att-1".into(),
                ended_at_ms: NOW_MS + 60_000,
                duration_s: Some(40),
                result: yaoban_domain::codes::Open::read("answered"),
            },
        ),
        phone.op(
            "clerk-A",
            NOW_MS + 60_000,
            &Op::RecordOutcome {
                task_id: "t-1".into(),
                outcome,
            },
        ),
    ];
    rig.clock.set(NOW_MS + 120_000);
    let reply = rig.push(&phone, &ops).await.unwrap();
    for result in &reply.results {
        assert_eq!(
            (result.status, &result.reason),
            (OpStatus::Applied, &None),
            "{}",
            result.n
        );
    }
    assert_eq!(reply.last_n, 5);
    let pulled = rig.pull_all(&phone).await;
    assert_eq!(pulled.ack_n, 5);
    let tasks = rows(&pulled.pages[1].changes, entity::TASK);
    let done: CareTask = from_cbor(&tasks[0].body).unwrap();
    assert_eq!(
        (done.state.code(), done.outcome.unwrap().id.as_str()),
        ("done", "out-1")
    );
    assert_eq!(rows(&pulled.pages[1].changes, entity::ATTEMPT).len(), 1);
    // The contact stands in the audit trail.
    assert!(matches!(rig.read(|tx| tx.audit_check()), AuditCheck::Whole { rows, .. } if rows >= 3));
}

#[tokio::test]
async fn a_registration_gets_an_id_and_later_work_finds_it() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let ops = [
        phone.op("clerk-A", NOW_MS, &register("tmp-0193a", "仇玲", "13800001111")),
        phone.op("clerk-A", NOW_MS, &reading("r-1", "tmp-0193a", 150, NOW_MS)),
    ];
    let reply = rig.push(&phone, &ops).await.unwrap();
    assert_eq!(reply.results[0].status, OpStatus::Applied);
    let id = reply.results[0].member_id.clone().unwrap();
    assert_eq!(
        reply.results[1].status,
        OpStatus::Applied,
        "{:?}",
        reply.results[1]
    );
    let member = rig.read(|tx| tx.member(&id)).unwrap();
    assert_eq!(
        (member.name.as_str(), member.aliases.as_slice()),
        ("仇玲", ["tmp-0193a".to_owned()].as_slice())
    );
    assert_eq!(rig.read(|tx| tx.readings_of(&id)).len(), 1);
    // The same person again is merged, another on the number is shown to the manager.
    let again = phone.op("clerk-A", NOW_MS, &register("tmp-0193b", "仇玲", "13800001111"));
    let other = phone.op("clerk-A", NOW_MS, &register("tmp-0193c", "张伟", "13800001111"));
    let reply = rig.push(&phone, &[again, other]).await.unwrap();
    assert_eq!(
        (reply.results[0].status, reply.results[0].member_id.as_deref()),
        (OpStatus::Merged, Some(id.as_str()))
    );
    assert_eq!(reply.results[1].status, OpStatus::Applied);
    let pulled = rig.pull_all(&phone).await;
    assert_eq!(rows(&pulled.pages[1].changes, entity::DUPLICATE).len(), 1);
}

#[tokio::test]
async fn a_replay_gives_the_stored_result_and_does_nothing() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let op = phone.op("clerk-A", NOW_MS, &register("tmp-1", "仇玲", "13800001111"));
    let first = rig.push(&phone, std::slice::from_ref(&op)).await.unwrap();
    let head = rig.pull_all(&phone).await.pages[1].head;
    // The reply was lost after the commit, and the hub restarted.
    let rig = rig.restart();
    let second = rig.push(&phone, std::slice::from_ref(&op)).await.unwrap();
    assert_eq!(first.results, second.results);
    assert_eq!(rig.pull_all(&phone).await.pages[1].head, head);
    // A batch that overlaps: the old part is repeated, the new part done.
    let new = phone.op("clerk-A", NOW_MS, &note("n-1", "MA0"));
    let third = rig.push(&phone, &[op, new]).await.unwrap();
    assert_eq!(third.results[0], first.results[0]);
    assert_eq!((third.results[1].status, third.last_n), (OpStatus::Applied, 2));
}

#[tokio::test]
async fn every_op_ends_and_none_blocks_the_next() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let mut garbage = phone.op("clerk-A", NOW_MS, &note("n-0", "MA0"));
    garbage.body = ByteBuf::from(b"\xff not cbor".to_vec());
    let mut given_up = phone.op("clerk-A", NOW_MS, &note("n-1", "MA0"));
    given_up.parked = true;
    let unknown = phone.op("clerk-A", NOW_MS, &note("n-2", "nobody"));
    let other_store = phone.op("clerk-A", NOW_MS, &note("n-3", "MB0"));
    let stranger = phone.op("nobody", NOW_MS, &note("n-4", "MA0"));
    let fine = phone.op("clerk-A", NOW_MS, &note("n-5", "MA0"));
    let ops = [garbage.clone(), given_up, unknown, other_store, stranger, fine];
    let reply = rig.push(&phone, &ops).await.unwrap();
    let ends: Vec<(OpStatus, Option<&str>)> = reply
        .results
        .iter()
        .map(|result| (result.status, result.reason.as_deref()))
        .collect();
    assert_eq!(
        ends,
        [
            (OpStatus::Parked, Some("unreadable")),
            (OpStatus::Parked, Some("parked_by_phone")),
            (OpStatus::Rejected, Some("member_unknown")),
            (OpStatus::Rejected, Some("member_other_store")),
            (OpStatus::Rejected, Some("staff_unknown")),
            (OpStatus::Applied, None),
        ]
    );
    assert_eq!(reply.last_n, 6);
    let parked = rig.read(|tx| tx.parked_ops(false));
    assert_eq!(parked.len(), 2);
    assert_eq!(
        (parked[0].envelope.body.as_slice(), parked[0].reason.as_str()),
        (garbage.body.as_slice(), "unreadable")
    );
}

#[tokio::test]
async fn an_erasure_takes_what_parked_ops_say_of_the_member() {
    let rig = Rig::new(2);
    let mut phone = rig.phone("A").await;
    rig.write(|tx| tx.put_task(&task("t-1", "MA0")));
    let nudge = Op::NudgeTask {
        task_id: "t-1".into(),
    };
    let ops = [note("n-1", "MA0"), nudge, note("n-2", "MA1")].map(|op| {
        let mut op = phone.op("clerk-A", NOW_MS, &op);
        op.parked = true;
        op
    });
    rig.push(&phone, &ops).await.unwrap();
    let by = By {
        actor: "cli",
        staff_id: None,
        now_ms: NOW_MS,
    };
    erase(&rig.hub.database, &rig.hub.recordings, "MA0", "asked", &by).unwrap();
    let kept = ops.map(|op| {
        rig.read(|tx| tx.parked_op(&op.op_id))
            .unwrap()
            .envelope
            .body
            .len()
    });
    assert_eq!((kept[0], kept[1]), (0, 0));
    assert!(kept[2] > 0, "what concerns somebody else stays");
}

#[tokio::test]
async fn a_parked_op_is_replayed_once_it_can_be_read() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let mut op = phone.op("clerk-A", NOW_MS, &note("n-1", "MA0"));
    op.parked = true;
    assert_eq!(one(&rig, &phone, &op).await.0, OpStatus::Parked);
    let parked = rig.read(|tx| tx.parked_op(&op.op_id)).unwrap();
    let result = rig.write(|tx| {
        let device = tx.device(&parked.device_id)?.unwrap();
        let (rules, calendar) = (tx.rules()?, tx.calendar()?);
        let taking = yaoban_hub::ops::Taking {
            device: &device,
            rules: &rules,
            calendar,
            now_ms: NOW_MS,
        };
        taking.replay(tx, &parked.envelope.op_id)
    });
    assert_eq!(result.unwrap().status, OpStatus::Applied);
    assert!(rig.read(|tx| tx.note("n-1")).is_some());
    assert!(rig.read(|tx| tx.parked_ops(false)).is_empty());
    // Once, whoever asks again; and the phone hears of it with its next pull.
    let taking_again = |id: &str, discard: bool| {
        rig.write(|tx| {
            let device = tx.device(&parked.device_id)?.unwrap();
            let (rules, calendar) = (tx.rules()?, tx.calendar()?);
            let taking = yaoban_hub::ops::Taking {
                device: &device,
                rules: &rules,
                calendar,
                now_ms: NOW_MS,
            };
            if discard {
                taking.discard(tx, id, "wrong")
            } else {
                taking.replay(tx, id)
            }
        })
    };
    assert!(taking_again(&op.op_id, false).is_none());
    assert!(taking_again(&op.op_id, true).is_none());
    let pulled = rig.pull_all(&phone).await;
    let told = rows(&pulled.pages[1].changes, entity::OP_RESULT);
    let told: yaoban_protocol::op::OpResult = from_cbor(&told[0].body).unwrap();
    assert_eq!(
        (told.op_id.as_str(), told.status),
        (op.op_id.as_str(), OpStatus::Applied)
    );
    assert_eq!(rows(&pulled.pages[1].changes, entity::NOTE).len(), 1);
    // One that is given up is refused with a reason, its content deleted, and written down.
    let mut given_up = phone.op("clerk-A", NOW_MS, &note("n-2", "MA0"));
    given_up.parked = true;
    one(&rig, &phone, &given_up).await;
    let result = taking_again(&given_up.op_id, true).unwrap();
    assert_eq!(
        (result.status, result.reason.as_deref()),
        (OpStatus::Rejected, Some("discarded"))
    );
    let kept = rig.read(|tx| tx.parked_op(&given_up.op_id)).unwrap();
    assert!(kept.envelope.body.is_empty());
    assert!(rig.read(|tx| tx.note("n-2")).is_none());
    let connection = rusqlite::Connection::open(rig.dir.path().join("hub.db")).unwrap();
    let detail: String = connection
        .query_row(
            "SELECT detail FROM audit WHERE action = 'op_discarded' AND subject = ?1",
            [&given_up.op_id],
            |row| row.get(0),
        )
        .unwrap();
    assert!(detail.contains("wrong"), "{detail}");
    // Sent again, it tells what the replay gave.
    op.parked = false;
    assert_eq!(one(&rig, &phone, &op).await.0, OpStatus::Applied);
}

#[tokio::test]
async fn an_edit_that_loses_is_kept_in_the_history() {
    use yaoban_protocol::op::ProfileFields;
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let edit = |name: &str| Op::EditMember {
        member_id: "MA0".into(),
        base: Box::new(ProfileFields {
            name: Some("会员MA0".into()),
            ..Default::default()
        }),
        edit: Box::new(ProfileFields {
            name: Some(name.into()),
            ..Default::default()
        }),
    };
    let (first, second) = (
        phone.op("clerk-A", NOW_MS, &edit("甲")),
        phone.op("clerk-A", NOW_MS, &edit("乙")),
    );
    assert_eq!(one(&rig, &phone, &first).await.0, OpStatus::Applied);
    assert_eq!(one(&rig, &phone, &second).await.0, OpStatus::Merged);
    assert_eq!(rig.read(|tx| tx.member("MA0")).unwrap().name, "乙");
    let lost = rig.read(|tx| tx.lost_values("MA0"));
    assert_eq!(
        (lost.len(), lost[0].field.as_str(), lost[0].value.as_str()),
        (1, "name", "\"甲\"")
    );
}

#[tokio::test]
async fn too_much_at_once_is_refused_whole() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let many: Vec<OpEnvelope> = (0..201)
        .map(|i| phone.op("clerk-A", NOW_MS, &note(&format!("n-{i}"), "MA0")))
        .collect();
    assert_eq!(
        rig.push(&phone, &many).await.unwrap_err().0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let mut big = phone.op("clerk-A", NOW_MS, &note("n", "MA0"));
    big.body = ByteBuf::from(vec![0; (256 << 10) + 1]);
    assert_eq!(
        rig.push(&phone, std::slice::from_ref(&big)).await.unwrap_err().0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    // Given up by the phone, it is kept whatever its size.
    big.parked = true;
    assert_eq!(one(&rig, &phone, &big).await.0, OpStatus::Parked);
    assert_eq!(
        rig.read(|tx| tx.device(&phone.pair.device_id)).unwrap().last_n,
        big.n
    );
}

#[tokio::test]
async fn a_push_for_another_epoch_does_nothing() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let op = phone.op("clerk-A", NOW_MS, &note("n-1", "MA0"));
    phone.epoch = "old".into();
    let (status, error) = rig.push(&phone, &[op]).await.unwrap_err();
    assert_eq!(
        (status, error.code.as_str()),
        (StatusCode::CONFLICT, "epoch_changed")
    );
    assert!(rig.read(|tx| tx.note("n-1")).is_none());
}

#[tokio::test]
async fn an_op_is_acknowledged_only_when_its_rows_are_contained() {
    let rig = Rig::new(1_200);
    let mut phone = rig.phone("A").await;
    let op = phone.op("clerk-A", NOW_MS, &note("n-1", "MA0"));
    one(&rig, &phone, &op).await;
    let first = rig.pull_all(&phone).await;
    assert!(first.pages[1].next < first.pages[1].head);
    assert_eq!(first.ack_n, 0);
    let second = rig
        .pull(
            &phone,
            &[
                ("catalogue", first.pages[0].next),
                ("store:A", first.pages[1].next),
            ],
        )
        .await
        .unwrap();
    assert_eq!(
        (second.ack_n, rows(&second.pages[1].changes, entity::NOTE).len()),
        (1, 1)
    );
}

/// Moves a member as the import does.
fn move_to_b(rig: &Rig, id: &str) {
    rig.write(|tx| {
        let mut member: Member = tx.member(id)?.unwrap();
        member.store_id = Some("B".into());
        tx.put_member(&member)?;
        let mut changes = Changes::new();
        let day = i32::try_from(rig.now_ms() / DAY_MS).unwrap();
        tx.member_moved(id, Some("A"), Some("B"), day, &mut changes)?;
        tx.touch(&changes)
    });
}

#[tokio::test]
async fn a_member_who_moves_leaves_one_store_and_arrives_in_the_other() {
    let rig = Rig::new(2);
    let mut phone_a = rig.phone("A").await;
    let phone_b = rig.phone("B").await;
    for op in [
        phone_a.op("clerk-A", NOW_MS, &reading("r-1", "MA0", 150, NOW_MS - DAY_MS)),
        phone_a.op("clerk-A", NOW_MS, &note("n-1", "MA0")),
        phone_a.op(
            "clerk-A",
            NOW_MS,
            &Op::CreateTask {
                task: Box::new(task("t-1", "MA0")),
            },
        ),
    ] {
        assert_eq!(one(&rig, &phone_a, &op).await, (OpStatus::Applied, None));
    }
    let (head_a, head_b) = (
        rig.pull_all(&phone_a).await.pages[1].head,
        rig.pull_all(&phone_b).await.pages[1].head,
    );
    move_to_b(&rig, "MA0");
    let left = rig
        .pull(&phone_a, &[("store:A", head_a)])
        .await
        .unwrap()
        .pages
        .remove(0)
        .changes;
    let arrived = rig
        .pull(&phone_b, &[("store:B", head_b)])
        .await
        .unwrap()
        .pages
        .remove(0)
        .changes;
    for name in [
        entity::MEMBER,
        entity::PURCHASES,
        entity::READING,
        entity::NOTE,
        entity::TASK,
    ] {
        assert_eq!(rows(&left, name).len(), 1, "{name}");
        assert_eq!(rows(&arrived, name).len(), 1, "{name}");
    }
    assert!(
        left.iter()
            .all(|change| change.kind == ChangeKind::Evict && change.body.is_empty())
    );
    assert!(arrived.iter().all(|change| change.kind == ChangeKind::Put));
    let moved: CareTask = from_cbor(&rows(&arrived, entity::TASK)[0].body).unwrap();
    assert_eq!((moved.store_id.as_str(), moved.assignee), ("B", None));

    // Work that A did offline before it heard of the move is accepted, and reaches B alone.
    let head_a = rig.pull_all(&phone_a).await.pages[1].head;
    let late = phone_a.op(
        "clerk-A",
        NOW_MS - 1_000,
        &reading("r-2", "MA0", 155, NOW_MS - 1_000),
    );
    assert_eq!(one(&rig, &phone_a, &late).await, (OpStatus::Applied, None));
    assert!(
        rig.pull(&phone_a, &[("store:A", head_a)]).await.unwrap().pages[0]
            .changes
            .is_empty()
    );
    let all_b = rig.pull_all(&phone_b).await.pages.remove(1).changes;
    assert_eq!(rows(&all_b, entity::READING).len(), 2);
}

#[tokio::test]
async fn merged_members_keep_both_histories_and_can_be_parted() {
    let rig = Rig::new(2);
    let mut phone = rig.phone("A").await;
    let ops = [
        phone.op("clerk-A", NOW_MS, &note("n-0", "MA0")),
        phone.op("clerk-A", NOW_MS, &note("n-1", "MA1")),
        phone.op(
            "manager-A",
            NOW_MS,
            &Op::MergeMembers {
                keep: "MA0".into(),
                other: "MA1".into(),
            },
        ),
    ];
    let reply = rig.push(&phone, &ops).await.unwrap();
    assert!(
        reply
            .results
            .iter()
            .all(|result| result.status == OpStatus::Applied),
        "{:?}",
        reply.results
    );
    assert_eq!(rig.read(|tx| tx.notes_of("MA0")).len(), 2);
    assert!(rig.read(|tx| tx.member("MA1")).is_none());
    assert_eq!(rig.read(|tx| tx.resolve_member("MA1")).as_deref(), Some("MA0"));
    let pulled = rig.pull_all(&phone).await.pages.remove(1).changes;
    let gone = pulled
        .iter()
        .find(|change| change.entity == entity::MEMBER && change.id == "MA1")
        .unwrap();
    assert_eq!(gone.kind, ChangeKind::Evict);
    // Work on the other id finds the one that stayed.
    let late = phone.op("clerk-A", NOW_MS, &note("n-2", "MA1"));
    assert_eq!(one(&rig, &phone, &late).await.0, OpStatus::Applied);
    let undo = phone.op(
        "manager-A",
        NOW_MS,
        &Op::UndoMerge {
            keep: "MA0".into(),
            other: "MA1".into(),
        },
    );
    assert_eq!(one(&rig, &phone, &undo).await, (OpStatus::Applied, None));
    // What came by the other id goes back with it.
    assert_eq!(rig.read(|tx| tx.notes_of("MA1")).len(), 2);
    assert_eq!(rig.read(|tx| tx.notes_of("MA0")).len(), 1);
    let pulled = rig.pull_all(&phone).await.pages.remove(1).changes;
    let back = pulled
        .iter()
        .find(|change| change.entity == entity::MEMBER && change.id == "MA1")
        .unwrap();
    assert_eq!(back.kind, ChangeKind::Put);
}
