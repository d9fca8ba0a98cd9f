//! The store under the sync engine: loads, pulls over pending operations, answers, repair.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::sync::Arc;

use common::{NOON, SCOPE, gone, load, member, open, pairing, plan, put, small_store};
use yaoban_clerk_core::chance::{SystemChance, uuid_v7};
use yaoban_clerk_core::store::outbox::{self, NewOp, OpState};
use yaoban_clerk_core::store::{Durability, Store, StoreError, meta, rows};
use yaoban_clerk_core::sync::{Greeting, PulledPage, SyncStore};
use yaoban_domain::model::Member;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::message::{Chunk, Cursor, DigestRange};
use yaoban_protocol::op::{Op, OpResult, OpStatus};
use yaoban_protocol::row::{ChangeKind, Purchases, entity};

fn tag(store: &Store, member_id: &str, tag: &str, held_until_ms: Option<i64>) -> i64 {
    let op = Op::Tags {
        member_id: member_id.into(),
        add: vec![tag.into()],
        remove: Vec::new(),
    };
    let new = NewOp {
        op_id: uuid_v7(&SystemChance, 0).unwrap(),
        staff_id: "C1".into(),
        at_ms: NOON,
        held_until_ms,
        op,
    };
    store
        .write(Durability::Full, |tx| outbox::push(tx, &new))
        .unwrap()
}

fn find(store: &Store, id: &str) -> Option<Member> {
    store.read(|conn| rows::member(conn, id)).unwrap()
}

fn tags(store: &Store, id: &str) -> Vec<String> {
    find(store, id).unwrap().tags
}

fn page(after: u64, next: u64, changes: Vec<yaoban_protocol::row::Change>) -> PulledPage {
    PulledPage {
        from: Cursor {
            scope: SCOPE.into(),
            generation: 1,
            after,
        },
        next,
        changes,
    }
}

fn count(store: &Store, table: &str) -> i64 {
    store
        .read(|conn| -> Result<i64, StoreError> {
            Ok(conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
        })
        .unwrap()
}

fn answer(n: u64, op_id: &str, status: OpStatus) -> OpResult {
    OpResult {
        n,
        op_id: op_id.into(),
        status,
        reason: Some("why".into()),
        values: Vec::new(),
        member_id: None,
    }
}

#[test]
fn a_load_goes_on_after_an_interruption_and_what_clerks_did_stays_on_top() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "vip", None);
    let rows = small_store();
    store.begin_load(&plan(SCOPE, 2, 9)).unwrap();
    store
        .load_chunk(
            0,
            Chunk {
                rows: rows[..3].to_vec(),
            },
        )
        .unwrap();
    drop(store);
    let mut store = open(dir.path());
    assert_eq!(store.state().unwrap().load.unwrap().chunks_done, 1);
    assert_eq!(
        store.load_chunk(0, Chunk { rows: Vec::new() }).unwrap_err().code,
        "chunk_out_of_order"
    );
    let bought = Purchases {
        member_id: "M2".into(),
        days: vec![20_000],
        seconds: vec![-1],
        drug_index: vec![0],
        drugs: vec!["D1".into()],
        store_index: vec![-1],
        stores: Vec::new(),
        quantities_milli: vec![1000],
        amounts_fen: vec![990],
    };
    let last = vec![rows[3].clone(), put(9, entity::PURCHASES, "M2", &bought)];
    store.load_chunk(1, Chunk { rows: last }).unwrap();
    assert_eq!(
        tags(&store, "M1"),
        ["a", "b", "vip"],
        "the old file shows until the swap"
    );
    SyncStore::finish_load(&mut store, NOON).unwrap();
    assert_eq!(tags(&store, "M1"), ["a", "b", "vip"]);
    assert_eq!(
        store.read(|conn| rows::purchases(conn, "M2")).unwrap(),
        Some(bought)
    );
    let state = store.state().unwrap();
    assert_eq!(state.scopes[0].cursor.after, 9);
    assert_eq!((state.load, state.pairing.is_some()), (None, true));
    assert_eq!(store.next_ops(NOON, 10, 1 << 20).unwrap().len(), 1);
}

#[test]
fn a_first_load_shows_who_may_sign_in_and_the_first_members_before_it_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.save_pairing(&pairing()).unwrap();
    let mut plan = plan(SCOPE, 2, 900);
    plan.manifests[0].chunks[0].members = 600;
    plan.manifests[0].chunks[1].members = 1;
    let mut rows = small_store()[..2].to_vec();
    rows.extend((0..600).map(|n| {
        let id = format!("M{n}");
        put(3 + n, entity::MEMBER, &id, &member(&id, "王芳"))
    }));
    store.begin_load(&plan).unwrap();
    store.load_chunk(0, Chunk { rows }).unwrap();
    let kept = |store: &Store| -> Option<(u64, u64)> {
        let bytes: Option<Vec<u8>> = store.read(|conn| meta::get(conn, meta::FIRST_LOAD)).unwrap();
        bytes.map(|bytes| from_cbor(&bytes).unwrap())
    };
    assert_eq!((count(&store, "member"), kept(&store)), (500, Some((0, 601))));
    assert!(!store.read(rows::any_loaded).unwrap());
    // It is loaded anew, not pulled on.
    let scopes = store.state().unwrap().scopes;
    assert!(scopes[0].stale && scopes[0].shape == 0);
    // What a clerk does meanwhile stays.
    tag(&store, "M1", "vip", None);
    drop(store);
    let mut store = open(dir.path());
    let last = vec![put(900, entity::MEMBER, "M900", &member("M900", "李娜"))];
    store.load_chunk(1, Chunk { rows: last }).unwrap();
    assert_eq!((count(&store, "member"), kept(&store)), (500, Some((600, 601))));
    SyncStore::finish_load(&mut store, NOON).unwrap();
    assert_eq!((count(&store, "member"), kept(&store)), (601, None));
    assert!(store.read(rows::any_loaded).unwrap());
    assert_eq!(tags(&store, "M1"), ["a", "b", "vip"]);
}

/// Operations on members with their states.
fn outbox_of(store: &Store) -> Vec<(String, String)> {
    store
        .read(|conn| -> Result<_, StoreError> {
            let mut statement = conn.prepare("SELECT member_id, state FROM outbox ORDER BY outbox_id")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .unwrap()
}

/// Loads the store anew after M1 was erased.
fn load_without_m1(store: &mut Arc<Store>) {
    let mut plan = plan(SCOPE, 1, 9);
    plan.manifests[0].erased = vec!["M1".into()];
    let rows = small_store().into_iter().filter(|row| row.id != "M1").collect();
    store.begin_load(&plan).unwrap();
    store.load_chunk(0, Chunk { rows }).unwrap();
    SyncStore::finish_load(store, NOON).unwrap();
}

#[test]
fn what_was_done_for_a_member_goes_with_a_load_that_tells_of_its_erasure() {
    for left_before in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        load(&mut store, small_store());
        tag(&store, "M1", "one", None);
        tag(&store, "M2", "two", None);
        let ops = store.next_ops(NOON, 10, 1 << 20).unwrap();
        let results: Vec<OpResult> = ops
            .iter()
            .map(|op| answer(op.op.n, &op.op.op_id, OpStatus::Applied))
            .collect();
        store.record_results(&results).unwrap();
        let left = gone(5, ChangeKind::Evict, entity::MEMBER, "M1");
        let changes = if left_before { vec![left] } else { Vec::new() };
        store.apply_pull(vec![page(4, 5, changes)], 2, NOON).unwrap();
        if !left_before {
            tag(&store, "M1", "three", None);
        }
        load_without_m1(&mut store);
        let m2 = ("M2".to_owned(), "sent".to_owned());
        if left_before {
            assert_eq!(outbox_of(&store), [m2]);
            continue;
        }
        assert_eq!(outbox_of(&store), [m2.clone(), ("M1".into(), "pending".into())]);
        // What was under way goes once the hub has answered it.
        let op = store.next_ops(NOON, 10, 1 << 20).unwrap().remove(0).op;
        store
            .record_results(&[answer(op.n, &op.op_id, OpStatus::Rejected)])
            .unwrap();
        assert_eq!(outbox_of(&store), [m2]);
    }
}

#[test]
fn a_pull_under_a_pending_edit_changes_the_base_and_keeps_the_edit() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "vip", None);
    let ops = store.next_ops(NOON, 10, 1 << 20).unwrap();
    let mut changed = member("M1", "欧阳新名");
    changed.version = 4;
    store
        .apply_pull(
            vec![page(4, 5, vec![put(5, entity::MEMBER, "M1", &changed)])],
            0,
            NOON,
        )
        .unwrap();
    let shown = find(&store, "M1").unwrap();
    assert_eq!((shown.name.as_str(), shown.tags.len()), ("欧阳新名", 3));
    // An edit made while its predecessor uploads stays pending when that one is acknowledged.
    tag(&store, "M1", "later", None);
    store
        .record_results(&[answer(1, &ops[0].op.op_id, OpStatus::Applied)])
        .unwrap();
    changed.tags = vec!["a".into(), "b".into(), "vip".into()];
    changed.version = 5;
    store
        .apply_pull(
            vec![page(5, 6, vec![put(6, entity::MEMBER, "M1", &changed)])],
            1,
            NOON,
        )
        .unwrap();
    assert_eq!(tags(&store, "M1"), ["a", "b", "later", "vip"]);
    assert_eq!(count(&store, "base_row"), 1);
    let left = store.next_ops(NOON, 10, 1 << 20).unwrap();
    assert_eq!(left.iter().map(|op| op.op.n).collect::<Vec<_>>(), [2]);
    store
        .record_results(&[answer(2, &left[0].op.op_id, OpStatus::Applied)])
        .unwrap();
    store.apply_pull(vec![page(6, 6, Vec::new())], 2, NOON).unwrap();
    assert_eq!(count(&store, "base_row"), 0);
    assert_eq!(
        store
            .apply_pull(vec![page(4, 5, Vec::new())], 2, NOON)
            .unwrap_err()
            .code,
        "cursor_moved"
    );
}

#[test]
fn a_refused_operation_loses_its_effect_and_shows_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    let first = tag(&store, "M1", "one", None);
    tag(&store, "M1", "two", None);
    let ops = store.next_ops(NOON, 10, 1 << 20).unwrap();
    store
        .record_results(&[answer(1, "another op", OpStatus::Rejected)])
        .unwrap();
    assert_eq!(tags(&store, "M1"), ["a", "b", "one", "two"]);
    store
        .record_results(&[answer(1, &ops[0].op.op_id, OpStatus::Rejected)])
        .unwrap();
    assert_eq!(tags(&store, "M1"), ["a", "b", "two"]);
    let stuck = store.read(|conn| outbox::stuck(conn, 10)).unwrap();
    assert_eq!(
        (stuck[0].outbox_id, stuck[0].reason.as_deref()),
        (first, Some("why"))
    );
    assert!(
        store
            .write(Durability::Full, |tx| outbox::put_away(tx, first))
            .unwrap()
    );
    assert!(store.read(|conn| outbox::stuck(conn, 10)).unwrap().is_empty());
}

#[test]
fn a_held_operation_can_be_taken_back_until_its_time_is_over_and_gets_its_number_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    let held = tag(&store, "M1", "held", Some(NOON + 10_000));
    assert!(store.next_ops(NOON + 9_999, 10, 1 << 20).unwrap().is_empty());
    assert!(
        !store
            .write(Durability::Full, |tx| outbox::take_back(tx, held, NOON + 10_000))
            .unwrap()
    );
    assert!(
        store
            .write(Durability::Full, |tx| outbox::take_back(tx, held, NOON + 9_999))
            .unwrap()
    );
    assert_eq!(tags(&store, "M1"), ["a", "b"]);
    let held = tag(&store, "M1", "held", Some(NOON + 10_000));
    tag(&store, "M2", "other", None);
    let state = |id| store.read(|conn| outbox::get(conn, id)).unwrap().unwrap().state;
    assert_eq!(
        state(held),
        OpState::Held,
        "another member's row does not hurry it"
    );
    tag(&store, "M1", "same", None);
    assert_eq!(state(held), OpState::Pending);
    let order: Vec<u64> = store
        .next_ops(NOON, 10, 1 << 20)
        .unwrap()
        .iter()
        .map(|op| op.op.n)
        .collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn what_became_of_a_parked_operation_comes_down_as_a_row() {
    for (status, state) in [
        (OpStatus::Applied, OpState::Sent),
        (OpStatus::Rejected, OpState::Rejected),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        load(&mut store, small_store());
        let id = tag(&store, "M1", "one", None);
        let op_id = store.next_ops(NOON, 10, 1 << 20).unwrap()[0].op.op_id.clone();
        store
            .record_results(&[answer(1, &op_id, OpStatus::Parked)])
            .unwrap();
        let state_of = |store: &Store| {
            store
                .read(|conn| -> Result<String, StoreError> {
                    Ok(
                        conn.query_row("SELECT state FROM outbox WHERE outbox_id = ?1", [id], |row| {
                            row.get(0)
                        })?,
                    )
                })
                .unwrap()
        };
        assert_eq!(state_of(&store), "parked");
        let row = put(5, entity::OP_RESULT, &op_id, &answer(1, &op_id, status));
        // By a pull, and by a first load that brings the row before the operation is copied over.
        if state == OpState::Sent {
            store.apply_pull(vec![page(4, 5, vec![row])], 1, NOON).unwrap();
        } else {
            let rows = [small_store(), vec![row]].concat();
            store.begin_load(&plan(SCOPE, 1, 5)).unwrap();
            store.load_chunk(0, Chunk { rows }).unwrap();
            SyncStore::finish_load(&mut store, NOON).unwrap();
        }
        assert_eq!(state_of(&store), state.code());
        let stuck = store.read(|conn| outbox::stuck(conn, 10)).unwrap();
        assert_eq!(stuck.len(), usize::from(state == OpState::Rejected));
    }
}

#[test]
fn a_restored_hub_gets_again_what_it_forgot_but_not_what_it_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    for name in ["one", "two", "three"] {
        tag(&store, "M1", name, None);
    }
    let ops = store.next_ops(NOON, 10, 1 << 20).unwrap();
    let status = [OpStatus::Applied, OpStatus::Applied, OpStatus::Rejected];
    let results: Vec<OpResult> = ops
        .iter()
        .zip(status)
        .map(|(op, status)| answer(op.op.n, &op.op.op_id, status))
        .collect();
    store.record_results(&results).unwrap();
    store.apply_pull(vec![page(4, 4, Vec::new())], 3, NOON).unwrap();
    let greeting = Greeting {
        epoch: "e2".into(),
        hub_last_n: 1,
        store_id: "S1".into(),
        chain_name: "安康".into(),
        hub_now_ms: NOON,
    };
    let state = store.adopt(&greeting, true).unwrap();
    assert!(state.scopes.iter().all(|scope| scope.stale));
    let again = store.next_ops(NOON, 10, 1 << 20).unwrap();
    assert_eq!(again.iter().map(|op| op.op.n).collect::<Vec<_>>(), [2]);
    assert_eq!(state.highest_n, 3);
}

#[test]
fn another_device_asks_again_for_what_the_old_one_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "one", None);
    let op = store.next_ops(NOON, 10, 1 << 20).unwrap().remove(0).op;
    store
        .record_results(&[answer(op.n, &op.op_id, OpStatus::Applied)])
        .unwrap();
    assert!(store.next_ops(NOON, 10, 1 << 20).unwrap().is_empty());
    let mut pairing = store.state().unwrap().pairing.unwrap();
    store.save_pairing(&pairing).unwrap();
    assert!(
        store.next_ops(NOON, 10, 1 << 20).unwrap().is_empty(),
        "the same device"
    );
    pairing.device_id = "another".into();
    store.save_pairing(&pairing).unwrap();
    let again = store.next_ops(NOON, 10, 1 << 20).unwrap().remove(0).op;
    assert_eq!((again.n, again.op_id), (op.n, op.op_id));
}

#[test]
fn what_is_held_by_a_clock_that_was_ahead_does_not_wait_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    let day = 86_400_000;
    let held = tag(&store, "M1", "one", Some(NOON + 10_000));
    assert!(store.next_ops(NOON - 9_999, 10, 1 << 20).unwrap().is_empty());
    let taken_back = store
        .write(Durability::Full, |tx| outbox::take_back(tx, held, NOON - 3 * day))
        .unwrap();
    assert!(!taken_back, "nobody can tell whether its time is over");
    assert_eq!(store.next_ops(NOON - 3 * day, 10, 1 << 20).unwrap().len(), 1);
}

#[test]
fn an_operation_of_an_erased_member_is_forgotten_with_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "answered", None);
    let op = store.next_ops(NOON, 10, 1 << 20).unwrap().remove(0).op;
    store
        .record_results(&[answer(op.n, &op.op_id, OpStatus::Applied)])
        .unwrap();
    tag(&store, "M1", "waits", None);
    let erase = gone(5, ChangeKind::Erase, entity::MEMBER, "M1");
    store.apply_pull(vec![page(4, 5, vec![erase])], 0, NOON).unwrap();
    let waits = store.next_ops(NOON, 10, 1 << 20).unwrap();
    assert_eq!((waits.len(), count(&store, "outbox")), (1, 1));
    let op = &waits[0].op;
    store
        .record_results(&[answer(op.n, &op.op_id, OpStatus::Applied)])
        .unwrap();
    assert_eq!(count(&store, "outbox"), 0);
    let written_over: i64 = store
        .on_writer(|conn| conn.pragma_query_value(None, "secure_delete", |row| row.get(0)))
        .unwrap();
    assert_eq!(written_over, 1);
}

#[test]
fn an_erasure_takes_what_was_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    let aside = [
        "clerk.db.damaged-5",
        "clerk.db.damaged-5-wal",
        "clerk.db.damaged-mirror",
    ];
    let there = |names: &[&str]| names.iter().filter(|name| dir.path().join(name).exists()).count();
    let kept = ["clerk.db", "clerk.db.mirror"];
    for name in aside {
        std::fs::write(dir.path().join(name), "M1").unwrap();
    }
    store.apply_pull(vec![page(4, 5, Vec::new())], 0, NOON).unwrap();
    assert_eq!(there(&aside), 3);
    let erase = gone(6, ChangeKind::Erase, entity::MEMBER, "M1");
    store.apply_pull(vec![page(5, 6, vec![erase])], 0, NOON).unwrap();
    assert_eq!((there(&aside), there(&kept)), (0, 2));
    // A first load that tells of it does the same.
    std::fs::write(dir.path().join(aside[0]), "M1").unwrap();
    load_without_m1(&mut store);
    assert_eq!(there(&aside), 0);
}

#[test]
fn an_erased_member_leaves_nothing_and_a_moved_one_leaves_its_scope() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "x", None);
    store
        .apply_pull(
            vec![page(
                4,
                6,
                vec![
                    gone(5, ChangeKind::Erase, entity::MEMBER, "M1"),
                    gone(6, ChangeKind::Evict, entity::MEMBER, "M2"),
                ],
            )],
            0,
            NOON,
        )
        .unwrap();
    assert_eq!((find(&store, "M1"), find(&store, "M2")), (None, None));
    assert_eq!(
        (
            count(&store, "member"),
            count(&store, "gram"),
            count(&store, "pinyin")
        ),
        (0, 0, 0)
    );
    assert_eq!(
        store.next_ops(NOON, 10, 1 << 20).unwrap().len(),
        1,
        "what was done still goes up"
    );
}

#[test]
fn repair_makes_ranges_exactly_the_hubs_and_a_dropped_scope_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    let sums = store.sums(SCOPE).unwrap().unwrap();
    let expected = yaoban_protocol::digest::sums([
        (entity::STAFF, "C1", 1),
        (entity::STAFF, "B1", 2),
        (entity::MEMBER, "M1", 3),
        (entity::MEMBER, "M2", 4),
    ]);
    assert_eq!(sums.sums, expected);
    // Both members happen to lie in one range; the hub has only the first.
    let range = yaoban_protocol::digest::range_of(entity::MEMBER, "M2");
    store
        .replace_ranges(
            &sums.cursor,
            vec![DigestRange {
                range,
                rows: vec![small_store()[2].clone()],
            }],
        )
        .unwrap();
    assert_eq!(find(&store, "M2"), None);
    assert!(find(&store, "M1").is_some());
    store.drop_scope(SCOPE).unwrap();
    assert!(store.state().unwrap().scopes.is_empty());
    assert_eq!(count(&store, "member") + count(&store, "record"), 0);
}

/// SQLCipher's pages.
const PAGE_BYTES: usize = 4_096;

#[test]
fn a_damaged_file_gives_its_outbox_to_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "x", None);
    let page: usize = store
        .read(|conn| {
            let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'member_by_name'";
            Ok::<_, StoreError>(conn.query_row(sql, [], |row| row.get(0))?)
        })
        .unwrap();
    store.pause().unwrap();
    drop(Arc::try_unwrap(store).unwrap());
    let path = dir.path().join("clerk.db");
    // A page of an index is damaged: the header and the schema can still be read.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[page * PAGE_BYTES - 100..page * PAGE_BYTES].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let (store, report) = Store::open(&path, &common::TestVault(1), NOON).unwrap();
    // Damage in a page that opening does not read shows later; `repair` then sets the file aside.
    let report = if report.set_aside.is_none() {
        store.set_damaged_aside(NOON).unwrap()
    } else {
        report
    };
    assert!(report.set_aside.unwrap().exists());
    assert_eq!(report.salvaged_ops, 1);
    assert_eq!(
        store.read(|conn| outbox::next(conn, 10, 1 << 20)).unwrap().len(),
        1
    );
}

#[test]
fn a_first_load_takes_a_note_that_comes_before_its_member() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = common::open(dir.path());
    let note = yaoban_domain::model::Note {
        id: "N1".into(),
        member_id: "M1".into(),
        at_ms: 1,
        staff_id: "C1".into(),
        text: "喜欢早上来".into(),
        supersedes: None,
    };
    common::load(
        &mut store,
        vec![
            common::put(1, entity::NOTE, "N1", &note),
            common::put(2, entity::MEMBER, "M1", &common::member("M1", "单雪")),
        ],
    );
    assert_eq!(find(&store, "M1").unwrap().name, "单雪");
    assert_eq!((count(&store, "member"), count(&store, "note")), (1, 1));
}

#[test]
fn a_phone_that_dies_while_it_sets_a_file_aside_saves_its_outbox_later() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    load(&mut store, small_store());
    tag(&store, "M1", "x", None);
    // As a kill leaves them: the operation is in the log only.
    let left = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("clerk.db", "clerk.db.damaged-5"),
        ("clerk.db-wal", "clerk.db-wal"),
    ] {
        std::fs::copy(dir.path().join(from), left.path().join(to)).unwrap();
    }
    let path = left.path().join("clerk.db");
    let (store, report) = Store::open(&path, &common::TestVault(1), NOON).unwrap();
    let aside = left.path().join("clerk.db.damaged-5");
    assert_eq!((report.set_aside, report.salvaged_ops), (Some(aside), 1));
    drop(store);
    // Once: what happens to the operation now is not undone at the next start.
    let (store, report) = Store::open(&path, &common::TestVault(1), NOON).unwrap();
    assert_eq!(report, yaoban_clerk_core::store::OpenReport::default());
    let waiting = store.read(|conn| outbox::next(conn, 10, 1 << 20)).unwrap();
    assert_eq!(waiting.len(), 1);
}
