//! First loads, lookups, history.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod rig;

use axum::http::{Method, StatusCode};
use rig::{DAY_MS, NOW_MS, Rig, bought};
use sha2::{Digest as _, Sha256};
use yaoban_domain::model::Member;
use yaoban_hub::erasure::erase;
use yaoban_hub::import::{FileKind, Options, run};
use yaoban_hub::recordings::leave::By;
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::sqlite::scope::{CATALOGUE, Changes, Mark};
use yaoban_protocol::codec::{self, from_cbor};
use yaoban_protocol::message::{Chunk, Envelope, HistoryReply, LookupReply, LookupRequest, Manifest};
use yaoban_protocol::row::{Change, Purchases, entity};

async fn load(rig: &Rig, token: &str, scope: &str) -> (Manifest, Vec<Change>) {
    let path = format!("/v1/snapshot/{}", scope.replace(':', "%3A"));
    let manifest: Manifest = rig.get(&path, token).await.unwrap();
    let mut rows = Vec::new();
    for chunk in &manifest.chunks {
        let response = rig
            .raw(
                Method::GET,
                &format!("/v1/chunk/{}", chunk.sha256),
                Some(token),
                Vec::new(),
            )
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(
            response.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let bytes = rig.bytes(response).await;
        assert_eq!(hex::encode(Sha256::digest(&bytes)), chunk.sha256);
        assert_eq!(bytes.len() as u64, chunk.bytes);
        let body: Envelope<Chunk> = codec::decode(&bytes, rig::INFLATED_MAX).unwrap();
        rows.extend(body.body.rows);
    }
    (manifest, rows)
}

#[tokio::test]
async fn a_first_load_is_the_scope_and_pull_goes_on_from_it() {
    let rig = Rig::new(30);
    let phone = rig.phone("A").await;
    rig.buys("MA3", &[bought("2023-01-01", 100), bought("2026-01-05", 200)]);
    rig.write(|tx| {
        let mut changes = Changes::new();
        changes.add("store:A", entity::PURCHASES, "MA3", Mark::Put);
        tx.touch(&changes)
    });
    let (manifest, rows) = load(&rig, &phone.token, "store:A").await;
    assert_eq!((manifest.members, manifest.rows), (30, 34));
    assert_eq!(manifest.at_seq, rig.pull_all(&phone).await.pages[1].head);
    let mut pulled = rig.pull_all(&phone).await.pages.remove(1).changes;
    let mut loaded = rows.clone();
    pulled.sort_by_key(|row| row.seq);
    loaded.sort_by_key(|row| row.seq);
    assert_eq!(loaded, pulled);
    assert_eq!(rows[0].entity, entity::STORE);
    // A phone holds 24 months.
    let purchases: Purchases = from_cbor(
        &rows
            .iter()
            .find(|row| row.entity == entity::PURCHASES)
            .unwrap()
            .body,
    )
    .unwrap();
    assert_eq!(purchases.amounts_fen, [200]);
    // Small changes do not ask for a new build.
    rig.write(|tx| {
        let mut changes = Changes::new();
        changes.add("store:A", entity::MEMBER, "MA1", Mark::Put);
        tx.touch(&changes)
    });
    assert_eq!(load(&rig, &phone.token, "store:A").await.0, manifest);
    let rest = rig.pull(&phone, &[("store:A", manifest.at_seq)]).await.unwrap();
    assert_eq!(rest.pages[0].changes.len(), 1);
    assert_eq!(load(&rig, &phone.token, CATALOGUE).await.0.rows, 2);
}

#[tokio::test]
async fn a_row_that_left_is_in_no_first_load() {
    let rig = Rig::new(3);
    let phone = rig.phone("A").await;
    assert_eq!(load(&rig, &phone.token, "store:A").await.0.members, 3);
    rig.write(|tx| {
        let mut changes = Changes::new();
        changes.add("store:A", entity::MEMBER, "MA1", Mark::Evict { day: 1 });
        tx.touch(&changes)
    });
    let (manifest, rows) = load(&rig, &phone.token, "store:A").await;
    assert_eq!(manifest.members, 2);
    assert!(rows.iter().all(|row| row.id != "MA1"));
}

#[tokio::test]
async fn a_first_load_names_who_was_erased() {
    let rig = Rig::new(3);
    let phone = rig.phone("A").await;
    assert!(load(&rig, &phone.token, "store:A").await.0.erased.is_empty());
    rig.write(|tx| {
        let mut changes = Changes::new();
        changes.add("store:A", entity::MEMBER, "MA1", Mark::Erase { day: 1 });
        changes.add("store:A", entity::MEMBER, "MA2", Mark::Evict { day: 1 });
        tx.touch(&changes)
    });
    assert_eq!(load(&rig, &phone.token, "store:A").await.0.erased, ["MA1"]);
}

/// MA0 moves from store A to store B.
fn move_to_b(rig: &Rig) {
    let path = rig.dir.path().join("members.csv");
    std::fs::write(&path, "member_id,store_id\nMA0,B\n").unwrap();
    let files = [(FileKind::Members, path)];
    run(&rig.hub.database, &files, Options::default(), &*rig.clock).unwrap();
}

fn erase_ma0(rig: &Rig) {
    let by = By {
        actor: "cli",
        staff_id: None,
        now_ms: NOW_MS,
    };
    erase(&rig.hub.database, &rig.hub.recordings, "MA0", "asked", &by).unwrap();
}

#[tokio::test]
async fn every_store_that_ever_held_a_member_hears_of_its_erasure() {
    let rig = Rig::new(2);
    // A first load of the former store stands prepared from before the move.
    let phone = rig.phone("A").await;
    load(&rig, &phone.token, "store:A").await;
    move_to_b(&rig);
    erase_ma0(&rig);
    let kind = |scope: &str| rig.read(|tx| tx.row_kind(scope, entity::MEMBER, "MA0"));
    assert_eq!(kind("store:A").as_deref(), Some("erase"));
    assert_eq!(kind("store:B").as_deref(), Some("erase"));
    assert_eq!(kind(CATALOGUE), None);
    let prepared: Vec<_> = std::fs::read_dir(rig.dir.path().join("chunks"))
        .unwrap()
        .collect();
    assert!(prepared.is_empty(), "{prepared:?}");
}

#[tokio::test]
async fn a_store_that_a_member_left_long_ago_hears_of_its_erasure() {
    let rig = Rig::new(2);
    move_to_b(&rig);
    rig.write(|tx| tx.prune_tombstones(i32::MAX));
    let kind = || rig.read(|tx| tx.row_kind("store:A", entity::MEMBER, "MA0"));
    assert_eq!(kind().as_deref(), Some("evict"));
    erase_ma0(&rig);
    assert_eq!(kind().as_deref(), Some("erase"));
}

#[tokio::test]
async fn members_with_due_tasks_come_first() {
    let rig = Rig::new(20);
    let phone = rig.phone("A").await;
    rig.write(|tx| {
        let task = serde_json::from_value(serde_json::json!({
            "id": "t-1", "member_id": "MA9", "store_id": "A", "assignee": null, "kind": "call", "purpose": "service",
            "origin": "rule", "campaign_id": null, "why": { "code": "clerk" }, "start": "2026-03-02",
            "due": "2026-03-20", "state": "open", "created_at_ms": NOW_MS
        }))
        .unwrap();
        tx.put_task(&task)?;
        let mut changes = Changes::new();
        changes.add("store:A", entity::TASK, "t-1", Mark::Put);
        tx.touch(&changes)
    });
    let rows = load(&rig, &phone.token, "store:A").await.1;
    let first = rows.iter().find(|row| row.entity == entity::MEMBER).unwrap();
    assert_eq!(first.id, "MA9");
}

#[tokio::test]
async fn chunks_and_scopes_of_other_stores_are_closed() {
    let rig = Rig::new(3);
    let (phone_a, phone_b) = (rig.phone("A").await, rig.phone("B").await);
    let (manifest, _) = load(&rig, &phone_a.token, "store:A").await;
    let refused = rig
        .get::<Manifest>("/v1/snapshot/store%3AA", &phone_b.token)
        .await
        .unwrap_err();
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
    let path = format!("/v1/chunk/{}", manifest.chunks[0].sha256);
    let refused = rig.get::<Chunk>(&path, &phone_b.token).await.unwrap_err();
    assert_eq!(
        (refused.0, refused.1.code.as_str()),
        (StatusCode::NOT_FOUND, "chunk_unknown")
    );
    for wrong in ["..%2Fmanifest.json", "manifest.json", &"0".repeat(64)] {
        let answer = rig
            .get::<Chunk>(&format!("/v1/chunk/{wrong}"), &phone_a.token)
            .await;
        assert_eq!(answer.unwrap_err().0, StatusCode::NOT_FOUND, "{wrong}");
    }
}

fn ask(query: &str, reason: &str, staff_id: &str) -> LookupRequest {
    LookupRequest {
        query: query.into(),
        reason: reason.into(),
        staff_id: staff_id.into(),
    }
}

#[tokio::test]
async fn a_walk_in_is_looked_up_with_a_reason_and_audited() {
    let rig = Rig::new(2);
    let mut phone = rig.phone("A").await;
    rig.write(|tx| {
        let mut member: Member = tx.member("MB1")?.unwrap();
        member.phone = Some("13800002222".into());
        tx.put_member(&member)
    });
    let token = Some(phone.token.as_str());
    for (query, rows) in [("MB1", 2), ("138 0000 2222", 2), ("2222", 0), ("13800009999", 0)] {
        let reply: LookupReply = rig
            .post("/v1/lookup", token, &ask(query, "到店咨询", "clerk-A"))
            .await
            .unwrap();
        assert_eq!((reply.rows.len(), reply.keep_ms), (rows, DAY_MS), "{query}");
    }
    for (reason, staff_id) in [
        ("", "clerk-A"),
        ("  ", "clerk-A"),
        ("到店咨询", "clerk-B"),
        ("到店咨询", "nobody"),
    ] {
        let refused = rig
            .post::<_, LookupReply>("/v1/lookup", token, &ask("MB1", reason, staff_id))
            .await
            .unwrap_err();
        assert_eq!(refused.0, StatusCode::FORBIDDEN, "{reason} {staff_id}");
    }
    let actor = format!("device:{}", phone.pair.device_id);
    assert!(rig.read(|tx| tx.looked_up_since(&actor, "MB1", NOW_MS)));
    // What is then recorded for the walk-in is accepted.
    let note = serde_json::from_value(serde_json::json!({
        "id": "n-1", "member_id": "MB1", "at_ms": NOW_MS, "staff_id": "clerk-A", "text": "询问用法"
    }))
    .unwrap();
    let op = phone.op("clerk-A", NOW_MS, &yaoban_protocol::op::Op::AddNote { note });
    let reply = rig.push(&phone, &[op]).await.unwrap();
    assert_eq!(
        reply.results[0].status,
        yaoban_protocol::op::OpStatus::Applied,
        "{:?}",
        reply.results
    );
}

#[tokio::test]
async fn history_goes_back_page_by_page_in_whole_days() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let days = [
        "2020-01-01",
        "2020-01-02",
        "2020-01-02",
        "2020-01-03",
        "2026-01-01",
    ];
    rig.buys("MA0", &days.map(|day| bought(day, 100)));
    let before = |day: &str| {
        let day: chrono::NaiveDate = day.parse().unwrap();
        yaoban_domain::calendar::day_number(day)
    };
    let mut cursor = before("2024-03-02");
    let mut pages = Vec::new();
    loop {
        let path = format!("/v1/history/MA0?before={cursor}&limit=2");
        let reply: HistoryReply = rig.get(&path, &phone.token).await.unwrap();
        cursor = reply.purchases.days[0];
        pages.push(reply.purchases.days.len());
        if !reply.more {
            break;
        }
    }
    assert_eq!((pages, cursor), (vec![1, 2, 1], before("2020-01-01")));
    let refused = rig
        .get::<HistoryReply>("/v1/history/MB0?before=1&limit=2", &phone.token)
        .await
        .unwrap_err();
    assert_eq!(refused.0, StatusCode::NOT_FOUND);
    let refused = rig
        .get::<HistoryReply>("/v1/history/MA0?before=x", &phone.token)
        .await
        .unwrap_err();
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
}
