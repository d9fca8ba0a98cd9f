//! Rows by entity and id, between the wire's form (CBOR of the domain's records) and the tables.
//!
//! | function | what it does |
//! |---|---|
//! | [`put`] | a row of a scope is now as in the change |
//! | [`evict`] | a row left a scope; it goes when no other scope holds it |
//! | [`erase`] | a member's data go everywhere, overwritten on the disk |
//! | [`body`], [`write`] | one row as CBOR, for replay |
//!
//! These write what shows. Rows with operations under way go through [`super::replay`] instead,
//! which keeps the server's row beside it.

mod catalogue;
mod contact;
mod erase;
mod member;
mod purchases;
mod reading;
mod scope;
mod task;

use rusqlite::{Connection, OptionalExtension, params};
use yaoban_protocol::codec::{from_cbor, to_cbor};
use yaoban_protocol::row::{Change, ChangeKind, entity};

pub use catalogue::{drug, drug_by_key, put_drug, put_stock, store_id};
pub use contact::{attempt, note, put_attempt, put_note, put_send, send};
pub(super) use erase::TABLES as MEMBER_TABLES;
pub use erase::erase;
pub use member::{
    Standing, existing_key, has_aliases, key_of, member, member_by_key, member_id_of, put_member,
    remove_member, resolve_alias,
};
pub use purchases::{StoredLine, move_lines, packed as purchases, put_purchases, stored_lines};
pub use reading::{put_reading, read as read_reading, reading};
pub use scope::{
    ScopeState, any_loaded, digest_sums, drop_scope, evict_range_rest, forget_row, looked_up_rows,
    looked_up_rows_of, mark_scopes_stale, remember_row, rows_of_scope, scope_key, scope_state, scopes,
    server_body, set_cursor, set_scope_state,
};
pub use task::{
    PLACE_COLUMN_COUNT, PLACE_COLUMNS, TASK_COLUMN_COUNT, TASK_COLUMNS, put_task, read_place, read_task,
    remove_task, task,
};

pub(super) use catalogue::Interned;
pub(super) use member::{insert_member, named_key};
pub(super) use purchases::{build_bought, insert_lines};
pub(super) use reading::{insert_reading, settle_superseded};
pub(super) use scope::{NOT_LOADED, insert_scope_rows};

use super::{Result, StoreError, Tx, outbox};

/// Applies one change of a scope: the row and its place in the scope. Cursor: [`set_cursor`].
pub fn apply(tx: &Tx<'_>, scope_key: i64, change: &Change) -> Result<()> {
    match change.kind {
        ChangeKind::Put => put(tx, scope_key, change),
        ChangeKind::Evict => evict(tx, scope_key, &change.entity, &change.id),
        ChangeKind::Erase => erase(tx, &change.id),
    }
}

/// The row is now as in the change.
pub fn put(tx: &Tx<'_>, scope_key: i64, change: &Change) -> Result<()> {
    remember_row(tx, scope_key, &change.entity, &change.id, change.seq)?;
    write(tx, &change.entity, &change.id, Some(&change.body))
}

/// The row left the scope; it goes unless another scope holds it.
pub fn evict(tx: &Tx<'_>, scope_key: i64, entity: &str, id: &str) -> Result<()> {
    if forget_row(tx, scope_key, entity, id)? {
        write(tx, entity, id, None)?;
    }
    Ok(())
}

/// Writes one row from its CBOR; none takes it away. Scopes are not touched.
pub fn write(tx: &Tx<'_>, name: &str, id: &str, body: Option<&[u8]>) -> Result<()> {
    let Some(body) = body else {
        return remove(tx, name, id);
    };
    match name {
        entity::MEMBER => {
            put_member(tx, &from_cbor(body)?, standing_by_scope(tx, id)?)?;
            Ok(())
        }
        entity::PURCHASES => put_purchases(tx, &from_cbor(body)?),
        entity::READING => put_reading(tx, &from_cbor(body)?),
        entity::NOTE => put_note(tx, &from_cbor(body)?),
        entity::TASK => put_task(tx, &from_cbor(body)?),
        entity::ATTEMPT => put_attempt(tx, &from_cbor(body)?),
        entity::SEND => put_send(tx, &from_cbor(body)?),
        entity::DRUG => put_drug(tx, &from_cbor(body)?),
        entity::STOCK => put_stock(tx, &from_cbor(body)?),
        entity::OP_RESULT => {
            outbox::settle_parked(tx, &from_cbor(body)?)?;
            put_record(tx, name, id, body)
        }
        _ => put_record(tx, name, id, body),
    }
}

/// One row as CBOR, if it is here.
pub fn body(conn: &Connection, name: &str, id: &str) -> Result<Option<Vec<u8>>> {
    match name {
        entity::MEMBER => member(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::PURCHASES => purchases(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::READING => reading(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::NOTE => note(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::TASK => task(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::ATTEMPT => attempt(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::SEND => send(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::DRUG => drug(conn, id)?.map(|row| Ok(to_cbor(&row)?)).transpose(),
        entity::STOCK => Err(StoreError::Row {
            entity: name.into(),
            what: "is never edited here".into(),
        }),
        _ => record_body(conn, name, id),
    }
}

fn remove(tx: &Tx<'_>, name: &str, id: &str) -> Result<()> {
    match name {
        entity::MEMBER => remove_member(tx, id),
        entity::PURCHASES => purchases::remove(tx, id),
        entity::READING => reading::remove(tx, id),
        entity::NOTE => contact::remove_note(tx, id),
        entity::TASK => remove_task(tx, id),
        entity::ATTEMPT => contact::remove_attempt(tx, id),
        entity::SEND => contact::remove_send(tx, id),
        entity::DRUG => catalogue::remove_drug(tx, id),
        entity::STOCK => catalogue::remove_stock(tx, id),
        _ => {
            note_settings(tx, name);
            tx.prepare_cached("DELETE FROM record WHERE entity = ?1 AND id = ?2")?
                .execute([name, id])?;
            Ok(())
        }
    }
}

/// Held, unless the member is here only because somebody looked it up.
fn standing_by_scope(conn: &Connection, id: &str) -> Result<Standing> {
    let looked_up: bool = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM lookup WHERE member_id = ?1)
                AND NOT EXISTS (SELECT 1 FROM scope_row WHERE entity = 'member' AND id = ?1)",
        )?
        .query_row([id], |row| row.get(0))?;
    Ok(if looked_up {
        Standing::LookedUp
    } else {
        Standing::Held
    })
}

/// A small record as it came.
fn put_record(tx: &Tx<'_>, name: &str, id: &str, body: &[u8]) -> Result<()> {
    note_settings(tx, name);
    tx.prepare_cached(
        "INSERT INTO record (entity, id, body) VALUES (?1, ?2, ?3) ON CONFLICT (entity, id) DO UPDATE SET body = ?3",
    )?
    .execute(params![name, id, body])?;
    Ok(())
}

fn note_settings(tx: &Tx<'_>, name: &str) {
    if name == entity::RULES || name == entity::MODEL {
        tx.settings_changed.set(true);
    }
}

fn record_body(conn: &Connection, name: &str, id: &str) -> Result<Option<Vec<u8>>> {
    Ok(conn
        .prepare_cached("SELECT body FROM record WHERE entity = ?1 AND id = ?2")?
        .query_row([name, id], |row| row.get(0))
        .optional()?)
}

/// A small record (store, staff, template, campaign, duplicate), if it is here.
pub fn record<T: serde::de::DeserializeOwned>(conn: &Connection, name: &str, id: &str) -> Result<Option<T>> {
    Ok(record_body(conn, name, id)?
        .map(|body| from_cbor(&body))
        .transpose()?)
}

/// All small records of an entity, in the order of their ids.
pub fn records<T: serde::de::DeserializeOwned>(conn: &Connection, name: &str) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached("SELECT body FROM record WHERE entity = ?1 ORDER BY id")?;
    let mut rows = statement.query([name])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(from_cbor(
            row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
        )?);
    }
    Ok(records)
}

/// The figures of this member are to be computed anew.
pub(super) fn mark_stale(conn: &Connection, member_key: i64) -> Result<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO figure_stale (member_key) VALUES (?1)")?
        .execute([member_key])?;
    Ok(())
}
