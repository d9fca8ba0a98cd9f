//! The schema and its migrations: forward only, each version in one immediate transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::storage::StorageError;

/// The scripts of each version, in order. Version n is reached by running `MIGRATIONS[n - 1]`.
/// A script that has been released is never changed.
const MIGRATIONS: &[&[&str]] = &[
    &[
        include_str!("sql/core.sql"),
        include_str!("sql/figures.sql"),
        include_str!("sql/scope.sql"),
        include_str!("sql/service.sql"),
    ],
    &[include_str!("sql/signatures.sql")],
];

/// The newest schema that this build knows.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings a database up to [`VERSION`]. A newer one is refused and left as it is.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StorageError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(StorageError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    if found == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated while this one waited for the lock.
    for (index, scripts) in MIGRATIONS
        .iter()
        .enumerate()
        .skip(version(&transaction)? as usize)
    {
        for script in *scripts {
            transaction.execute_batch(script)?;
        }
        transaction.pragma_update(None, "user_version", index as i64 + 1)?;
    }
    transaction.commit()?;
    Ok(())
}

/// The schema of a database; 0 for an empty one.
pub fn version(connection: &Connection) -> Result<i64, StorageError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
