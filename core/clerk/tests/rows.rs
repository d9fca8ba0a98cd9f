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
        .read(|conn| Ok::<_, StoreError>(conn.query_row("SELECT (SELECT count(*) FROM line) + (SELECT count(*) FROM gram) + (SELECT count(*) FROM pinyin) + (SELECT count(*) FROM scope_row)", [], |r| r.get(0))?))
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
