//! The schema in one place: making it, and bringing an older file up to it.
//!
//! | version | what it brought |
//! |---|---|
//! | 1 | the first file |
//!
//! A migration runs in one immediate transaction: a crash leaves the old file or the new one. A
//! file of a newer build is refused and kept. `tests/fixtures/create_v1_db.sql` is version 1 as it was
//! shipped; `tests/migrations.rs` holds that every old version upgrades to the schema of a new file.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{Result, StoreError};

/// The version that this build writes (`user_version`).
pub const VERSION: i64 = 1;

const TABLES: &str = include_str!("sql/tables.sql");
const INDEXES: &str = include_str!("sql/indexes.sql");
const VIEWS: &str = include_str!("sql/views.sql");

/// Makes the tables, without indexes: a first load fills them faster.
pub fn create_tables(conn: &Connection) -> Result<()> {
    Ok(conn.execute_batch(TABLES)?)
}

/// Makes indexes and views, and marks the file as complete.
pub fn create_indexes(conn: &Connection) -> Result<()> {
    conn.execute_batch(INDEXES)?;
    conn.execute_batch(VIEWS)?;
    Ok(conn.pragma_update(None, "user_version", VERSION)?)
}

/// Brings the file to [`VERSION`]: makes a new one, upgrades an older one, refuses a newer one.
pub fn prepare(conn: &mut Connection, path: &Path) -> Result<()> {
    let found = version(conn)?;
    if found == VERSION {
        return Ok(());
    }
    if found > VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have upgraded the file while this one waited for the lock.
    let found = version(&tx)?;
    if found == 0 {
        create_tables(&tx)?;
        create_indexes(&tx)?;
    } else {
        (found..VERSION).try_for_each(|from| upgrade_from(&tx, from))?;
        tx.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(tx.commit()?)
}

/// One step: from version `from` to the next. There is none yet: version 1 is the first.
fn upgrade_from(_tx: &Transaction<'_>, from: i64) -> Result<()> {
    Err(StoreError::Row {
        entity: "schema".into(),
        what: format!("no upgrade from version {from}"),
    })
}

/// Makes some of the tables, empty and without indexes, and marks the file with [`VERSION`]; what was
/// there under their names goes.
pub(super) fn copy_tables(conn: &Connection, tables: &[&str]) -> Result<()> {
    let whole = Connection::open_in_memory()?;
    create_tables(&whole)?;
    for table in tables {
        let sql: String =
            whole.query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| {
                row.get(0)
            })?;
        conn.execute_batch(&format!("DROP TABLE IF EXISTS {table}; {sql}"))?;
    }
    Ok(conn.pragma_update(None, "user_version", VERSION)?)
}

/// Version of the file; 0 for an empty one.
pub fn version(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
