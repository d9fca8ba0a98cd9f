//! Hello, pull, wait, digest: rows on their way down.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod rig;

use axum::http::{Method, StatusCode};
use rig::{DAY_MS, Phone, Rig, member};
use yaoban_domain::model::Member;
use yaoban_hub::serve::sync::WAIT_MAX;
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::sqlite::scope::{CATALOGUE, Changes, Mark};
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::digest;
use yaoban_protocol::message::{Cursor, DigestReply, DigestRequest, PullRequest};
use yaoban_protocol::row::{ChangeKind, entity};

#[tokio::test]
async fn hello_tells_the_devices_scopes() {
    let rig = Rig::new(2);
    let hello = rig.hello(&rig.phone("A").await).await.unwrap();
    let scopes: Vec<&str> = hello.scopes.iter().map(|scope| scope.scope.as_str()).collect();
    assert_eq!(scopes, [CATALOGUE, "store:A"]);
    assert_eq!(
        (hello.store_id.as_str(), hello.last_n, hello.limits.page_rows),
        ("A", 0, 1000)
    );
    assert!(!hello.epoch.is_empty());
}

#[tokio::test]
async fn pull_gives_the_store_and_nothing_of_others() {
    let rig = Rig::new(3);
    let phone = rig.phone("A").await;
    let reply = rig
        .pull(&phone, &[(CATALOGUE, 0), ("store:A", 0), ("store:B", 0)])
        .await
        .unwrap();
    assert_eq!(reply.pages.len(), 2);
    let members: Vec<Member> = reply.pages[1]
        .changes
        .iter()
        .filter(|change| change.entity == entity::MEMBER)
        .map(|change| from_cbor(&change.body).unwrap())
        .collect();
    assert_eq!(members.len(), 3);
    assert!(
        members
            .iter()
            .all(|member| member.store_id.as_deref() == Some("A"))
    );
    assert!(
        reply
            .pages
            .iter()
            .all(|page| page.next == page.head && !page.gone)
    );
    assert!(reply.scopes.iter().all(|scope| scope.scope != "store:B"));
}

#[tokio::test]
async fn pages_hold_a_thousand_rows_over_all_scopes() {
    let rig = Rig::new(1_500);
    let phone = rig.phone("A").await;
    let (mut catalogue, mut store, mut ids, mut pages) = (0, 0, Vec::new(), 0);
    loop {
        let reply = rig
            .pull(&phone, &[(CATALOGUE, catalogue), ("store:A", store)])
            .await
            .unwrap();
        let rows: usize = reply.pages.iter().map(|page| page.changes.len()).sum();
        assert!(rows <= 1_000);
        pages += 1;
        catalogue = reply.pages[0].next;
        store = reply.pages[1].next;
        ids.extend(
            reply.pages[1]
                .changes
                .iter()
                .map(|change| (change.entity.clone(), change.id.clone())),
        );
        let done = reply.pages.iter().all(|page| page.next == page.head);
        if done {
            break;
        }
        assert_eq!(rows, 1_000);
    }
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((pages, ids.len(), distinct.len()), (2, 1_503, 1_503));
    let again = rig
        .pull(&phone, &[(CATALOGUE, catalogue), ("store:A", store)])
        .await
        .unwrap();
    assert!(
        again
            .pages
            .iter()
            .all(|page| page.changes.is_empty() && page.next == page.head)
    );
}

#[tokio::test]
async fn another_epoch_does_nothing() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let request = PullRequest {
        epoch: "old".into(),
        cursors: Vec::new(),
    };
    let answer = rig
        .post::<_, ()>("/v1/pull", Some(&phone.token), &request)
        .await
        .unwrap_err();
    assert_eq!(
        (answer.0, answer.1.code.as_str()),
        (StatusCode::CONFLICT, "epoch_changed")
    );
}

#[tokio::test]
async fn a_cursor_older_than_the_tombstones_is_gone() {
    let rig = Rig::new(2);
    let phone = rig.phone("A").await;
    let day = |ms: i64| i32::try_from(ms / DAY_MS).unwrap();
    let head = rig.pull_all(&phone).await.pages[1].head;
    rig.write(|tx| {
        let mut changes = Changes::new();
        changes.add(
            "store:A",
            entity::MEMBER,
            "MA0",
            Mark::Evict {
                day: day(rig.now_ms()),
            },
        );
        tx.touch(&changes)
    });
    let evicted = rig.pull(&phone, &[("store:A", head)]).await.unwrap();
    assert_eq!(evicted.pages[0].changes[0].kind, ChangeKind::Evict);
    assert!(evicted.pages[0].changes[0].body.is_empty());
    rig.write(|tx| tx.prune_tombstones(day(rig.now_ms()) + 1));
    assert!(rig.pull(&phone, &[("store:A", head)]).await.unwrap().pages[0].gone);
    let next = evicted.pages[0].next;
    assert!(!rig.pull(&phone, &[("store:A", next)]).await.unwrap().pages[0].gone);
}

#[tokio::test]
async fn a_cursor_of_another_generation_or_ahead_is_gone() {
    let rig = Rig::new(2);
    let phone = rig.phone("A").await;
    let head = rig.pull_all(&phone).await.pages[1].head;
    assert!(rig.pull(&phone, &[("store:A", head + 1)]).await.unwrap().pages[0].gone);
    let cursors = vec![Cursor {
        scope: "store:A".into(),
        generation: 9,
        after: 0,
    }];
    let request = PullRequest {
        epoch: phone.epoch.clone(),
        cursors,
    };
    let reply: yaoban_protocol::message::PullReply =
        rig.post("/v1/pull", Some(&phone.token), &request).await.unwrap();
    assert!(reply.pages[0].gone && reply.pages[0].changes.is_empty());
}

#[tokio::test]
async fn digests_tell_what_differs() {
    let rig = Rig::new(40);
    let phone = rig.phone("A").await;
    let page = rig.pull_all(&phone).await.pages.remove(1);
    let rows = || {
        page.changes
            .iter()
            .map(|change| (change.entity.as_str(), change.id.as_str(), change.seq))
    };
    let ask = |sums: Vec<u64>| DigestRequest {
        cursor: Cursor {
            scope: "store:A".into(),
            generation: 1,
            after: page.next,
        },
        sums,
    };
    let same: DigestReply = rig
        .post("/v1/digest", Some(&phone.token), &ask(digest::sums(rows())))
        .await
        .unwrap();
    assert!(same.ranges.is_empty());
    // The phone lost one row.
    let lost = page.changes.last().unwrap();
    let sums = digest::sums(rows().filter(|(_, id, _)| *id != lost.id));
    let reply: DigestReply = rig
        .post("/v1/digest", Some(&phone.token), &ask(sums))
        .await
        .unwrap();
    assert_eq!(reply.ranges.len(), 1);
    assert!(reply.ranges[0].rows.iter().any(|row| row == lost));
    // Nobody asks for another store's.
    let mut other = ask(Vec::new());
    other.cursor.scope = "store:B".into();
    let refused = rig
        .post::<_, DigestReply>("/v1/digest", Some(&phone.token), &other)
        .await
        .unwrap_err();
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_wait_ends_when_something_moves() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let pulled = rig.pull_all(&phone).await;
    let behind = format!("/v1/wait?at=catalogue@{},store:A@0", pulled.pages[0].head);
    assert_eq!(
        rig.raw(Method::GET, &behind, Some(&phone.token), Vec::new())
            .await
            .status(),
        StatusCode::OK
    );
    let at = format!(
        "/v1/wait?at=catalogue@{},store:A@{}",
        pulled.pages[0].head, pulled.pages[1].head
    );
    let waiting = rig.raw(Method::GET, &at, Some(&phone.token), Vec::new());
    let moving = async {
        tokio::task::yield_now().await;
        rig.write(|tx| {
            tx.put_member(&member("new", Some("A")))?;
            let mut changes = Changes::new();
            changes.add("store:A", entity::MEMBER, "new", Mark::Put);
            tx.touch(&changes)
        });
        rig.hub.notify();
    };
    let (response, ()) = tokio::join!(waiting, moving);
    assert_eq!(response.status(), StatusCode::OK);
}

/// Where a phone of store A stands after a pull, as a long poll tells it.
async fn wait_path(rig: &Rig, phone: &Phone) -> String {
    let pulled = rig.pull_all(phone).await;
    format!(
        "/v1/wait?at=catalogue@{},store:A@{}",
        pulled.pages[0].head, pulled.pages[1].head
    )
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_which_nothing_moves_ends_without_a_word() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let path = wait_path(&rig, &phone).await;
    let began = tokio::time::Instant::now();
    let response = rig.raw(Method::GET, &path, Some(&phone.token), Vec::new()).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(began.elapsed() >= WAIT_MAX, "{:?}", began.elapsed());
}

#[tokio::test]
async fn another_stores_change_does_not_end_a_wait() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let path = wait_path(&rig, &phone).await;
    let waiting = rig.raw(Method::GET, &path, Some(&phone.token), Vec::new());
    let moving = async {
        tokio::task::yield_now().await;
        rig.write(|tx| {
            let mut changes = Changes::new();
            changes.add("store:B", entity::MEMBER, "new", Mark::Put);
            tx.touch(&changes)
        });
        rig.hub.notify();
    };
    let both = async { tokio::join!(waiting, moving) };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(2), both).await;
    assert!(ended.is_err(), "woken by a store that is not the phone's");
}

#[tokio::test]
async fn phones_that_wait_are_no_reason_to_ask_others_for_patience() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let path = wait_path(&rig, &phone).await;
    let waits: Vec<_> = (0..100)
        .map(|_| {
            let router = yaoban_hub::serve::router::router(std::sync::Arc::clone(&rig.hub));
            let request = axum::http::Request::get(&path)
                .header("authorization", format!("Bearer {}", phone.token))
                .body(axum::body::Body::empty())
                .unwrap();
            tokio::spawn(tower::ServiceExt::oneshot(router, request))
        })
        .collect();
    while rig.hub.waiters.available_permits() > rig.hub.waiters_max - 100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.hello(&phone).await.unwrap().backoff_ms, 0);
    waits.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn what_phones_tell_of_themselves_is_written_together() {
    let rig = Rig::new(1);
    let phones = [rig.phone("A").await, rig.phone("A").await];
    for phone in &phones {
        rig.hello(phone).await.unwrap();
    }
    rig.hub.write_seen().await;
    for phone in &phones {
        let device = rig
            .hub
            .database
            .read::<_, yaoban_hub::storage::StorageError>(|tx| tx.device(&phone.pair.device_id))
            .unwrap()
            .unwrap();
        assert!(device.seen_ms.is_some() && device.app_version.is_some());
    }
}

#[tokio::test]
async fn bodies_are_limited_and_nonsense_is_refused() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let token = Some(phone.token.as_str());
    let huge = rig
        .raw(Method::POST, "/v1/push", token, vec![0; (8 << 20) + 1])
        .await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let bomb = zstd::bulk::compress(&vec![0; 65 << 20], 3).unwrap();
    assert_eq!(
        rig.raw(Method::POST, "/v1/push", token, bomb).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let nonsense = rig
        .raw(Method::POST, "/v1/push", token, b"nonsense".to_vec())
        .await;
    assert_eq!(nonsense.status(), StatusCode::BAD_REQUEST);
    let big_pair = rig
        .raw(Method::POST, "/v1/pair", None, vec![0; (16 << 10) + 1])
        .await;
    assert_eq!(big_pair.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let nowhere = rig.raw(Method::GET, "/v2/nothing", None, Vec::new()).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn health_and_metrics_answer_without_a_token() {
    let rig = Rig::new(1);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            rig.raw(Method::GET, path, None, Vec::new()).await.status(),
            StatusCode::OK,
            "{path}"
        );
    }
    let text = String::from_utf8(
        rig.bytes(rig.raw(Method::GET, "/metrics", None, Vec::new()).await)
            .await,
    )
    .unwrap();
    assert!(text.contains("yaoban_requests_total{endpoint=\"/healthz\",status=\"200\"} 1"));
}
