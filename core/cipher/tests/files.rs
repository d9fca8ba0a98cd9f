//! Files under this cryptography: SQLCipher's own format, and nothing in clear.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::Path;

use rusqlite::Connection;

/// Written by SQLCipher 4.19 over OpenSSL 3.0.19: 200 lines.
const BY_OPENSSL: &[u8] = include_bytes!("openssl.db");

fn opened(path: &Path, key: &str) -> Connection {
    yaoban_cipher::ready().unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA cipher_log_level = NONE").unwrap();
    conn.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.repeat(32)))
        .unwrap();
    conn
}

fn pragma(conn: &Connection, name: &str) -> String {
    conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
        .unwrap()
}

fn lines(conn: &Connection) -> rusqlite::Result<(u32, String)> {
    conn.query_row("SELECT count(*), max(text) FROM line", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

#[test]
fn what_openssl_wrote_is_read_and_written_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, BY_OPENSSL).unwrap();
    let conn = opened(&path, "2a");
    assert_eq!(pragma(&conn, "cipher_provider"), "yaoban");
    // `Provider` is the table of this version: compare it with a new one's before this number is raised.
    assert!(pragma(&conn, "cipher_version").starts_with("4.19."));
    assert_eq!(lines(&conn).unwrap(), (200, "药伴 99".to_owned()));
    conn.execute("UPDATE line SET text = '药伴 ' || (id + 1000)", [])
        .unwrap();
    conn.execute_batch("VACUUM").unwrap();
    drop(conn);
    let conn = opened(&path, "2a");
    assert_eq!(lines(&conn).unwrap(), (200, "药伴 1200".to_owned()));
    let mut check = conn.prepare("PRAGMA cipher_integrity_check").unwrap();
    assert!(!check.exists([]).unwrap());
}

#[test]
fn another_key_or_a_changed_byte_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(&path, BY_OPENSSL).unwrap();
    assert!(lines(&opened(&path, "2b")).is_err());
    let mut changed = BY_OPENSSL.to_vec();
    changed[5_000] ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert!(lines(&opened(&path, "2a")).is_err());
}

#[test]
fn nothing_stands_in_clear_and_no_two_files_are_alike() {
    let folder = tempfile::tempdir().unwrap();
    let written = ["a.db", "b.db"].map(|name| {
        let path = folder.path().join(name);
        let conn = opened(&path, "2a");
        conn.execute_batch("CREATE TABLE line (text TEXT); INSERT INTO line VALUES ('高血压高血压高血压')")
            .unwrap();
        drop(conn);
        std::fs::read(path).unwrap()
    });
    let clear = "高血压".as_bytes();
    for file in &written {
        assert!(!file.windows(clear.len()).any(|window| window == clear));
        assert!(!file.starts_with(b"SQLite format 3"));
    }
    assert_ne!(written[0][..4096], written[1][..4096]);
}
