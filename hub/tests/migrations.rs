//! Every version of the database that was ever shipped opens, keeps its rows, and has the schema of a new
//! one afterwards. `fixtures/create_vN_db.sql` is version N as it was, with a row or two in each kind of
//! table, and never changes once version N was released.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::Path;

use rusqlite::Connection;
use yaoban_hub::storage::sqlite::schema::VERSION;
use yaoban_hub::storage::sqlite::{Database, FILE_NAME};
use yaoban_hub::storage::{Records as _, StorageError};

fn make(dir: &Path, sql: &str) {
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Every object of the schema with its text, but for the spaces in it.
fn schema_of(dir: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    let mut statement = connection
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")
        .unwrap();
    let objects = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .unwrap();
    let plain = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    objects
        .map(|object| object.map(|(name, sql)| (name, plain(sql))).unwrap())
        .collect()
}

#[test]
fn every_version_opens_with_its_rows_and_the_schema_of_a_new_database() {
    let versions = [
        include_str!("fixtures/create_v1_db.sql"),
        include_str!("fixtures/create_v2_db.sql"),
    ];
    assert_eq!(versions.len() as i64, VERSION);
    let new = tempfile::tempdir().unwrap();
    drop(Database::create(new.path(), "新连锁", None).unwrap());
    for sql in versions {
        let old = tempfile::tempdir().unwrap();
        make(old.path(), sql);
        let database = Database::open(old.path()).unwrap();
        assert_eq!(schema_of(old.path()), schema_of(new.path()));
        let (name, member, staff) = database
            .read::<_, StorageError>(|tx| Ok((tx.meta("chain_name")?, tx.member("M1")?, tx.staff("E1")?)))
            .unwrap();
        assert_eq!(name.as_deref(), Some("测试连锁"));
        let member = member.unwrap();
        assert_eq!(
            (member.name.as_str(), member.phone.as_deref()),
            ("王芳", Some("13812341234"))
        );
        assert_eq!(staff.unwrap().name, "李店长");
        let signed = database.read(|tx| tx.signed_under("M1")).unwrap();
        assert_eq!(signed.len(), usize::from(sql.contains("signed_consents")));
    }
}

#[test]
fn a_newer_database_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    drop(Database::create(dir.path(), "新连锁", None).unwrap());
    make(dir.path(), &format!("PRAGMA user_version = {}", VERSION + 1));
    let before = std::fs::read(dir.path().join(FILE_NAME)).unwrap();
    let error = Database::open(dir.path()).map(drop).unwrap_err();
    assert!(
        matches!(error, StorageError::Newer { found, .. } if found == VERSION + 1),
        "{error}"
    );
    assert_eq!(std::fs::read(dir.path().join(FILE_NAME)).unwrap(), before);
}
