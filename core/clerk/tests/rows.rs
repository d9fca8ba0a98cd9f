//! Rows of a scope in a real encrypted file.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{TestVault, member};
use yaoban_clerk_core::store::{Durability, Store, StoreError, rows};
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::row::{Change, ChangeKind, Purchases, entity};

fn change(seq: u64, entity: &str, id: &str, body: Vec<u8>) -> Change {
    Change {
        seq,
        entity: entity.into(),
        id: id.into(),
        kind: ChangeKind::Put,
        body: body.into(),
    }
}

#[test]
fn a_member_goes_in_and_comes_out_and_leaves_with_its_scope() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clerk.db");
    let (store, _) = Store::open(&path, &TestVault(1), 0).unwrap();
    let row = member("M1", "欧阳娜娜");
    let lines = Purchases {
        member_id: "M1".into(),
        days: vec![1, 1, 2],
        seconds: vec![-1, 5, 6],
        drug_index: vec![0, -1, 0],
        drugs: vec!["D1".into()],
        store_index: vec![0, 0, -1],
        stores: vec!["S1".into()],
        quantities_milli: vec![1000, -1000, 500],
        amounts_fen: vec![100, -100, 50],
    };
    store
        .write(Durability::Normal, |tx| -> Result<(), StoreError> {
            let scope = rows::scope_key(tx, "store:S1")?;
            rows::apply(tx, scope, &change(1, entity::MEMBER, "M1", to_cbor(&row)?))?;
            rows::apply(tx, scope, &change(2, entity::PURCHASES, "M1", to_cbor(&lines)?))
        })
        .unwrap();
    store.pause().unwrap();
    assert!(matches!(
        store.read(|_| Ok::<_, StoreError>(())),
        Err(StoreError::Closed)
    ));
    store.resume().unwrap();
    let (found, packed) = store
        .read(|conn| Ok::<_, StoreError>((rows::member(conn, "M1")?, rows::purchases(conn, "M1")?)))
        .unwrap();
    assert_eq!(found, Some(row));
    assert_eq!(packed, Some(lines));
    store
        .write(Durability::Normal, |tx| -> Result<(), StoreError> {
            let scope = rows::scope_key(tx, "store:S1")?;
            rows::evict(tx, scope, entity::MEMBER, "M1")?;
            rows::evict(tx, scope, entity::PURCHASES, "M1")
        })
        .unwrap();
    let left: i64 = store
        .read(|conn| Ok::<_, StoreError>(conn.query_row("SELECT (SELECT count(*) FROM purchases) + (SELECT count(*) FROM bought) + (SELECT count(*) FROM gram) + (SELECT count(*) FROM pinyin) + (SELECT count(*) FROM scope_row)", [], |r| r.get(0))?))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn the_file_is_not_readable_without_its_key_and_is_set_aside_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clerk.db");
    drop(Store::open(&path, &TestVault(1), 0).unwrap());
    assert!(!std::fs::read(&path).unwrap().starts_with(b"SQLite format"));
    let (_, report) = Store::open(&path, &TestVault(2), 7).unwrap();
    assert!(report.set_aside.unwrap().exists());
    assert_eq!(report.salvaged_ops, 0);
}

/// Rows of `bought`: drug, day, packs in thousandths, fen.
fn bought(store: &Store, member_id: &str) -> Vec<(String, i32, i64, i64)> {
    store
        .read(|conn| -> Result<_, StoreError> {
            let mut statement = conn.prepare(
                "SELECT d.drug_id, b.day, b.quantity_milli, b.amount_fen FROM bought b JOIN drug d USING (drug_key)
                 JOIN member m USING (member_key) WHERE m.member_id = ?1 ORDER BY 1, 2",
            )?;
            let rows = statement.query_map([member_id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .unwrap()
}

/// Lines of one drug each: day, drug, packs in thousandths, fen.
fn purchases(member_id: &str, lines: &[(i32, &str, i64, i64)]) -> Purchases {
    let mut purchases = Purchases {
        member_id: member_id.into(),
        stores: vec!["S1".into()],
        ..Purchases::default()
    };
    for (day, drug, quantity_milli, amount_fen) in lines {
        purchases.days.push(*day);
        purchases.seconds.push(-1);
        purchases.drug_index.push(purchases.drugs.len() as i32);
        purchases.drugs.push((*drug).into());
        purchases.store_index.push(0);
        purchases.quantities_milli.push(*quantity_milli);
        purchases.amounts_fen.push(*amount_fen);
    }
    purchases
}

#[test]
fn what_audiences_read_is_the_net_of_the_lines_whatever_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&dir.path().join("clerk.db"), &TestVault(1), 0).unwrap();
    let put = |lines: &Purchases| {
        store
            .write(Durability::Normal, |tx| rows::put_purchases(tx, lines))
            .unwrap();
    };
    put(&purchases(
        "M1",
        &[
            (1, "A", 1000, 50),
            (1, "A", 1000, 50),
            (1, "B", 1000, 7),
            (1, "B", -1000, -7),
            (2, "A", 500, 9),
        ],
    ));
    let row = |drug: &str, day, packs, fen| (drug.to_owned(), day, packs, fen);
    assert_eq!(
        bought(&store, "M1"),
        [row("A", 1, 2000, 100), row("A", 2, 500, 9)]
    );
    // A line is corrected, one goes, one comes.
    put(&purchases(
        "M1",
        &[(1, "A", 1000, 50), (1, "B", 1000, 7), (3, "A", 500, 9)],
    ));
    assert_eq!(
        bought(&store, "M1"),
        [row("A", 1, 1000, 50), row("A", 3, 500, 9), row("B", 1, 1000, 7)]
    );
    // Two records become one: lines of one day keep their order, its own first.
    put(&purchases("M2", &[(1, "A", 3000, 1), (4, "C", 1000, 2)]));
    store
        .write(Durability::Normal, |tx| -> Result<(), StoreError> {
            let (from, to) = (rows::key_of(tx, "M2")?, rows::key_of(tx, "M1")?);
            rows::move_lines(tx, from, to)
        })
        .unwrap();
    assert_eq!(bought(&store, "M2"), []);
    assert_eq!(
        bought(&store, "M1"),
        [
            row("A", 1, 4000, 51),
            row("A", 3, 500, 9),
            row("B", 1, 1000, 7),
            row("C", 4, 1000, 2)
        ]
    );
    let merged = store.read(|conn| rows::purchases(conn, "M1")).unwrap().unwrap();
    assert_eq!(merged.quantities_milli, [1000, 1000, 3000, 500, 1000]);
}

#[test]
fn a_task_comes_back_as_it_was_in_all_its_fields() {
    use yaoban_domain::codes::{ContactPurpose, Open, OutcomeCode, TaskKind, TaskOrigin, TaskState};
    use yaoban_domain::model::{CareTask, Outcome, Why};
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let outcome = |id: &str, supersedes: Option<&str>| Outcome {
        id: id.into(),
        code: OutcomeCode::AgreedToVisit.into(),
        at_ms: 7,
        day: day("2026-03-02"),
        staff_id: "C1".into(),
        attempt_id: Some("a1".into()),
        date: Some(day("2026-03-05")),
        call_at_ms: Some(8),
        ingredient: Some("氨氯地平".into()),
        note: Some("家里还有".into()),
        supersedes: supersedes.map(str::to_owned),
    };
    let full = CareTask {
        id: "T1".into(),
        member_id: "M1".into(),
        store_id: "S1".into(),
        assignee: Some("C1".into()),
        kind: TaskKind::Call.into(),
        purpose: ContactPurpose::Service.into(),
        origin: Open::Unknown("of_a_newer_build".into()),
        campaign_id: Some("7".into()),
        step: 2,
        why: Why {
            code: "medicine_out".into(),
            values: vec![
                ("ingredient".into(), "氨氯地平".into()),
                ("end".into(), "2026-03-01".into()),
            ],
        },
        script_id: Some("refill".into()),
        emergency: true,
        start: day("2026-03-01"),
        due: day("2026-03-09"),
        state: TaskState::Deferred.into(),
        deferred_until: Some(day("2026-03-06")),
        deferred_until_ms: Some(9),
        closes_on_purchase: Some((day("2026-03-02"), day("2026-03-05"))),
        attempts: 2,
        avoid_part: Some(1),
        outcome: Some(outcome("o1", None)),
        other_outcomes: vec![outcome("o2", Some("o1"))],
        nudged_at_ms: Some(10),
        created_at_ms: 11,
        changed_at_ms: 12,
        version: 13,
    };
    let bare = CareTask {
        id: "T2".into(),
        assignee: None,
        origin: TaskOrigin::Clerk.into(),
        campaign_id: None,
        why: Why {
            code: "clerk".into(),
            values: Vec::new(),
        },
        script_id: None,
        emergency: false,
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        avoid_part: None,
        outcome: None,
        other_outcomes: Vec::new(),
        nudged_at_ms: None,
        ..full.clone()
    };
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&dir.path().join("clerk.db"), &TestVault(1), 0).unwrap();
    for task in [&full, &bare, &full] {
        store
            .write(Durability::Normal, |tx| rows::put_task(tx, task))
            .unwrap();
        let found = store.read(|conn| rows::task(conn, &task.id)).unwrap();
        assert_eq!(found.as_ref(), Some(task));
    }
}
