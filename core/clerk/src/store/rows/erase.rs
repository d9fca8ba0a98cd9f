//! Erasure: the hub's, absorbing, and nothing of it stays on the disk.

use rusqlite::params;
use yaoban_protocol::row::entity;

use super::super::{Result, Tx};
use super::member::{existing_key, forget};
use super::purchases::remove_lines;

/// Tables with rows of a member, and the column with their id on the wire.
pub(in crate::store) const TABLES: [(&str, &str, &str); 5] = [
    ("reading", "reading_id", entity::READING),
    ("note", "note_id", entity::NOTE),
    ("task", "task_id", entity::TASK),
    ("attempt", "attempt_id", entity::ATTEMPT),
    ("send", "key", entity::SEND),
];

/// Erases all data of a member, in all scopes; their place in the file is written over (see
/// `secure_delete` in [`super::super::connection`]). Operations that the hub has answered go with
/// them, also those under another id of the member, and also if its rows have left before; one that
/// is still under way stays until the hub has answered it.
pub fn erase(tx: &Tx<'_>, member_id: &str) -> Result<()> {
    let key = existing_key(tx, member_id)?;
    erase_work(tx, member_id, key)?;
    key.map_or(Ok(()), |key| erase_rows(tx, key, member_id))
}

/// What only this phone keeps: operations, recordings, that somebody looked the member up.
fn erase_work(tx: &Tx<'_>, member_id: &str, key: Option<i64>) -> Result<()> {
    let own = "(member_id = ?1 OR member_id IN (SELECT alias_id FROM alias WHERE member_key = ?2))";
    tx.execute(
        &format!("DELETE FROM outbox WHERE state NOT IN ('held', 'pending') AND {own}"),
        params![member_id, key],
    )?;
    tx.execute(
        &format!("UPDATE outbox SET erased = 1 WHERE {own}"),
        params![member_id, key],
    )?;
    // With its row goes the key of a recording; the file is removed afterwards.
    tx.execute(
        "DELETE FROM recording WHERE member_id = ?1
            OR attempt_id IN (SELECT attempt_id FROM attempt WHERE member_key = ?2)",
        params![member_id, key],
    )?;
    tx.execute("DELETE FROM lookup WHERE member_id = ?1", [member_id])?;
    Ok(())
}

fn erase_rows(tx: &Tx<'_>, key: i64, member_id: &str) -> Result<()> {
    let name: String = tx.query_row("SELECT name FROM member WHERE member_key = ?1", [key], |row| {
        row.get(0)
    })?;
    for (table, id, entity) in TABLES {
        let ids = format!("SELECT {id} FROM {table} WHERE member_key = ?1");
        tx.execute(
            &format!("DELETE FROM scope_row WHERE entity = ?2 AND id IN ({ids})"),
            params![key, entity],
        )?;
        tx.execute(
            &format!("DELETE FROM base_row WHERE entity = ?2 AND id IN ({ids})"),
            params![key, entity],
        )?;
    }
    tx.execute(
        "DELETE FROM task_outcome WHERE task_key IN (SELECT task_key FROM task WHERE member_key = ?1)",
        [key],
    )?;
    for (table, _, _) in TABLES {
        tx.execute(&format!("DELETE FROM {table} WHERE member_key = ?1"), [key])?;
    }
    remove_lines(tx, key)?;
    tx.execute("DELETE FROM refusal WHERE member_key = ?1", [key])?;
    for table in ["scope_row", "base_row"] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE entity IN (?2, ?3) AND id = ?1"),
            params![member_id, entity::MEMBER, entity::PURCHASES],
        )?;
    }
    forget(tx, key, &name)
}
