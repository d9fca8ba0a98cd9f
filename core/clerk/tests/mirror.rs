//! The mirror of the outbox: whatever one file loses, the other brings back, and nothing else comes back.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{NOON, TestVault, load, open, small_store};
use yaoban_clerk_core::chance::{SystemChance, uuid_v7};
use yaoban_clerk_core::store::outbox::{self, NewOp};
use yaoban_clerk_core::store::{Durability, OpenReport, Store, StoreError, meta, read_pairing, rows};
use yaoban_clerk_core::sync::{Pairing, SyncStore};
use yaoban_protocol::op::{Op, OpResult, OpStatus};

const FILE: &str = "clerk.db";
const LOG: &str = "clerk.db-wal";
const MIRROR: &str = "clerk.db.mirror";
const MIRROR_LOG: &str = "clerk.db.mirror-wal";
const ASIDE: &str = "clerk.db.damaged-mirror";

/// A phone with one member.
fn phone(dir: &Path) -> Arc<Store> {
    let mut store = open(dir);
    load(&mut store, small_store());
    store
}

/// Adds a tag to the member.
fn tag(store: &Store, tag: &str, held_until_ms: Option<i64>) -> i64 {
    let new = NewOp {
        op_id: uuid_v7(&SystemChance, 0).unwrap(),
        staff_id: "C1".into(),
        at_ms: NOON,
        held_until_ms,
        op: Op::Tags {
            member_id: "M1".into(),
            add: vec![tag.into()],
            remove: Vec::new(),
        },
    };
    store
        .write(Durability::Full, |tx| outbox::push(tx, &new))
        .unwrap()
}

/// The files as they are now, as a kill or a power cut leaves them.
fn as_killed(dir: &Path, files: &[&str]) -> tempfile::TempDir {
    let left = tempfile::tempdir().unwrap();
    for name in files {
        std::fs::copy(dir.join(name), left.path().join(name)).unwrap();
    }
    left
}

fn opened(dir: &Path) -> (Arc<Store>, OpenReport) {
    let (store, report) = Store::open(&dir.join(FILE), &TestVault(1), NOON).unwrap();
    (Arc::new(store), report)
}

/// Tags that were added and wait to be sent, in the order of their numbers.
fn waiting(store: &Store) -> Vec<String> {
    let ops = store.read(|conn| outbox::next(conn, 100, 1 << 20)).unwrap();
    ops.iter()
        .map(|op| match yaoban_protocol::codec::from_cbor(&op.body).unwrap() {
            Op::Tags { add, .. } => add.concat(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn shown(store: &Store) -> Vec<String> {
    store
        .read(|conn| rows::member(conn, "M1"))
        .unwrap()
        .map(|member| member.tags)
        .unwrap_or_default()
}

fn damage(path: &Path, harm: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    harm(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_a_broken_log_lost_comes_back_is_said_and_shows() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    store.pause().unwrap();
    store.resume().unwrap();
    tag(&store, "x", None);
    tag(&store, "y", None);
    let left = as_killed(dir.path(), &[FILE, LOG, MIRROR, MIRROR_LOG]);
    // The log's first frame: nothing behind it counts any more.
    damage(&left.path().join(LOG), |bytes| bytes[100] ^= 1);
    let (store, report) = opened(left.path());
    assert_eq!((report.set_aside, report.salvaged_ops), (None, 2));
    assert_eq!(waiting(&store), ["x", "y"]);
    assert!(shown(&store).contains(&"x".to_owned()) && shown(&store).contains(&"y".to_owned()));
    // Said once.
    drop(store);
    assert_eq!(opened(left.path()).1, OpenReport::default());
}

#[test]
fn without_its_file_a_phone_knows_its_hub_and_its_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = phone(dir.path());
    let pairing = Pairing {
        url: "https://127.0.0.1:1".into(),
        fingerprint: "ab".into(),
        device_id: "D1".into(),
        refresh_secret: "s".into(),
        chain_name: "康宁".into(),
        store_id: "S1".into(),
        store_name: "一店".into(),
        staff_id: Some("C1".into()),
    };
    store.save_pairing(&pairing).unwrap();
    tag(&store, "x", None);
    let left = as_killed(dir.path(), &[FILE, LOG, MIRROR, MIRROR_LOG]);
    for name in [FILE, LOG] {
        damage(&left.path().join(name), |bytes| bytes.fill(0x5a));
    }
    let (store, report) = opened(left.path());
    assert!(report.set_aside.is_some());
    assert_eq!(report.salvaged_ops, 1);
    assert_eq!(waiting(&store), ["x"]);
    assert_eq!(store.read(read_pairing).unwrap(), Some(pairing));
    // The next number is none that was given.
    let last_n: Option<u64> = store.read(|conn| meta::get(conn, meta::LAST_N)).unwrap();
    assert_eq!(last_n, Some(1));
}

#[test]
fn what_was_taken_back_or_sent_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = phone(dir.path());
    let held = tag(&store, "x", Some(NOON + 10_000));
    assert!(
        store
            .write(Durability::Full, |tx| outbox::take_back(tx, held, NOON + 1))
            .unwrap()
    );
    tag(&store, "y", None);
    let op = store
        .read(|conn| outbox::next(conn, 9, 1 << 20))
        .unwrap()
        .remove(0);
    let result = OpResult {
        n: op.n.unwrap(),
        op_id: op.op_id.clone(),
        status: OpStatus::Applied,
        reason: None,
        values: Vec::new(),
        member_id: None,
    };
    store.record_results(&[result]).unwrap();
    store
        .write(Durability::Normal, |tx| {
            outbox::acknowledge(tx, op.n.unwrap(), NOON)
        })
        .unwrap();
    let left = as_killed(dir.path(), &[MIRROR, MIRROR_LOG]);
    let (store, report) = opened(left.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(waiting(&store), Vec::<String>::new());
}

#[test]
fn a_mirror_that_a_kill_left_behind_is_brought_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    tag(&store, "x", None);
    let old = as_killed(dir.path(), &[MIRROR, MIRROR_LOG]);
    tag(&store, "y", None);
    let left = as_killed(dir.path(), &[FILE, LOG]);
    for name in [MIRROR, MIRROR_LOG] {
        std::fs::copy(old.path().join(name), left.path().join(name)).unwrap();
    }
    let (store, report) = opened(left.path());
    assert_eq!(report, OpenReport::default());
    tag(&store, "z", None);
    let lost = as_killed(left.path(), &[MIRROR, MIRROR_LOG]);
    let (store, report) = opened(lost.path());
    assert_eq!(report.salvaged_ops, 3);
    assert_eq!(waiting(&store), ["x", "y", "z"]);
}

#[test]
fn a_damaged_mirror_stops_nobody_and_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    tag(&store, "x", None);
    let left = as_killed(dir.path(), &[FILE, LOG, MIRROR]);
    damage(&left.path().join(MIRROR), |bytes| bytes[..64].fill(0));
    let (store, report) = opened(left.path());
    assert_eq!(report, OpenReport::default());
    assert!(left.path().join(ASIDE).exists());
    tag(&store, "y", None);
    let lost = as_killed(left.path(), &[MIRROR, MIRROR_LOG]);
    assert_eq!(opened(lost.path()).1.salvaged_ops, 2);
}

#[test]
fn a_mirror_that_breaks_in_use_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    tag(&store, "x", None);
    store.pause().unwrap();
    store.resume().unwrap();
    damage(&dir.path().join(MIRROR), |bytes| {
        let half = bytes.len() / 2;
        bytes[half..].fill(0x11);
    });
    for name in ["y", "z"] {
        tag(&store, name, None);
    }
    assert_eq!(waiting(&store), ["x", "y", "z"]);
    let left = as_killed(dir.path(), &[MIRROR, MIRROR_LOG]);
    assert_eq!(waiting(&opened(left.path()).0), ["x", "y", "z"]);
}

#[test]
fn a_number_that_is_taken_is_given_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    let before = as_killed(dir.path(), &[FILE, LOG]);
    tag(&store, "x", None);
    // Another phone of the same beginnings gave the same number to something else.
    let (other, _) = opened(before.path());
    tag(&other, "y", None);
    drop(other);
    for name in [MIRROR, MIRROR_LOG] {
        std::fs::copy(dir.path().join(name), before.path().join(name)).unwrap();
    }
    let (store, report) = opened(before.path());
    assert_eq!(report.salvaged_ops, 1);
    store
        .write(Durability::Full, |tx| outbox::number_due(tx, NOON + 1))
        .unwrap();
    assert_eq!(waiting(&store), ["y", "x"]);
}

#[test]
fn a_mirror_of_another_key_is_kept_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    tag(&store, "x", None);
    store.pause().unwrap();
    drop(store);
    let (_, report) = Store::open(&dir.path().join(FILE), &TestVault(2), 7).unwrap();
    assert_eq!(report.salvaged_ops, 0);
    assert!(report.set_aside.is_some() && dir.path().join(ASIDE).exists());
}

#[test]
fn a_rolled_back_write_leaves_the_mirror_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    let held = tag(&store, "x", Some(NOON + 10_000));
    let refused = store.write(Durability::Full, |tx| {
        outbox::take_back(tx, held, NOON + 1)?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(refused.is_err());
    tag(&store, "y", None);
    let left = as_killed(dir.path(), &[MIRROR, MIRROR_LOG]);
    assert_eq!(opened(left.path()).1.salvaged_ops, 2);
}

#[test]
fn what_was_taken_back_while_the_mirror_was_away_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    let held = tag(&store, "x", Some(NOON + 10_000));
    store.pause().unwrap();
    let (mirror, away) = (dir.path().join(MIRROR), dir.path().join("away"));
    std::fs::rename(&mirror, &away).unwrap();
    // No file can be made in the place of a folder.
    std::fs::create_dir(&mirror).unwrap();
    store.resume().unwrap();
    let taken = store.write(Durability::Full, |tx| outbox::take_back(tx, held, NOON + 1));
    assert!(taken.unwrap());
    store.pause().unwrap();
    drop(store);
    std::fs::remove_dir(&mirror).unwrap();
    std::fs::rename(&away, &mirror).unwrap();
    let (store, report) = opened(dir.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(waiting(&store), Vec::<String>::new());
    // It may have been lost, too: it is kept for inspection.
    assert!(dir.path().join(ASIDE).exists());
    // Brought up, it is trusted again.
    tag(&store, "y", None);
    let lost = as_killed(dir.path(), &[MIRROR, MIRROR_LOG]);
    assert_eq!(waiting(&opened(lost.path()).0), ["y"]);
    let trusted = as_killed(dir.path(), &[FILE, MIRROR, MIRROR_LOG]);
    assert_eq!(waiting(&opened(trusted.path()).0), ["y"]);
}

#[test]
fn a_mirror_whose_work_cannot_come_back_yet_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    store.pause().unwrap();
    let before = as_killed(dir.path(), &[FILE]);
    store.resume().unwrap();
    tag(&store, "x", None);
    store.pause().unwrap();
    // Something stands in the way of one operation.
    let (lost, _) = opened(before.path());
    lost.on_writer(|conn| {
        conn.execute_batch(
            "CREATE TRIGGER in_the_way BEFORE INSERT ON outbox WHEN NEW.n = 1
             BEGIN SELECT RAISE(ABORT, 'not now'); END",
        )
    })
    .unwrap();
    drop(lost);
    std::fs::copy(dir.path().join(MIRROR), before.path().join(MIRROR)).unwrap();
    let (store, report) = opened(before.path());
    assert_eq!(report, OpenReport::default());
    tag(&store, "y", Some(NOON + 10_000));
    store
        .on_writer(|conn| conn.execute_batch("DROP TRIGGER in_the_way"))
        .unwrap();
    store.pause().unwrap();
    drop(store);
    let (store, report) = opened(before.path());
    assert_eq!(report.salvaged_ops, 1);
    assert_eq!(waiting(&store), ["x"]);
}

#[test]
fn a_damaged_mirror_that_cannot_be_set_aside_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = phone(dir.path());
    tag(&store, "x", None);
    let left = as_killed(dir.path(), &[FILE, LOG, MIRROR]);
    damage(&left.path().join(MIRROR), |bytes| bytes[..64].fill(0));
    std::fs::create_dir_all(left.path().join("clerk.db.damaged-mirror/full")).unwrap();
    let (store, report) = opened(left.path());
    assert_eq!(report, OpenReport::default());
    tag(&store, "y", None);
    assert_eq!(waiting(&store), ["x", "y"]);
}
