//! Every version of the file that was ever shipped opens, keeps its rows, and has the schema of a
//! new file afterwards. `fixtures/create_vN_db.sql` is version N as it was and never changes.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::path::Path;

use common::TestVault;
use rusqlite::Connection;
use yaoban_clerk_core::store::{Store, StoreError, outbox, rows, schema};

/// Makes a file of an old version, encrypted with the key of [`TestVault`].
fn make(path: &Path, sql: &str) {
    yaoban_cipher::ready().unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(&format!("PRAGMA key = \"x'{}'\"", "01".repeat(32)))
        .unwrap();
    conn.execute_batch(sql).unwrap();
}

/// Every object of the schema with its text, but for the spaces in it.
fn schema_of(store: &Store) -> Vec<(String, String)> {
    store
        .read(|conn| -> Result<_, StoreError> {
            let mut statement =
                conn.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
            let objects =
                statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let objects = objects.collect::<rusqlite::Result<Vec<_>>>()?;
            let plain = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
            Ok(objects
                .into_iter()
                .map(|(name, sql)| (name, plain(sql)))
                .collect())
        })
        .unwrap()
}

#[test]
fn version_1_opens_with_its_rows_and_the_schema_of_a_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clerk.db");
    make(&path, include_str!("fixtures/create_v1_db.sql"));
    let (store, report) = Store::open(&path, &TestVault(1), 0).unwrap();
    assert_eq!(report.set_aside, None);
    let fresh = Store::open(&dir.path().join("fresh.db"), &TestVault(1), 0)
        .unwrap()
        .0;
    assert_eq!(schema_of(&store), schema_of(&fresh));
    let member = store.read(|conn| rows::member(conn, "M1")).unwrap().unwrap();
    assert_eq!(
        (member.name.as_str(), member.phone.as_deref()),
        ("王芳", Some("13812341234"))
    );
    assert_eq!(store.read(|conn| outbox::next(conn, 10, 1_000)).unwrap().len(), 1);
}

#[test]
fn a_newer_file_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clerk.db");
    drop(Store::open(&path, &TestVault(1), 0).unwrap());
    make(&path, &format!("PRAGMA user_version = {}", schema::VERSION + 1));
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path, &TestVault(1), 0).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found, .. } if found == schema::VERSION + 1),
        "{error}"
    );
    assert_eq!(error.code(), "file_newer");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
