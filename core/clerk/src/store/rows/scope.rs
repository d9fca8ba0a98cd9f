//! Which scope holds which row, how far each scope is held, and the sums for repair.

use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension, params};
use yaoban_protocol::digest;
use yaoban_protocol::message::Cursor;
use yaoban_protocol::row::{Change, entity};

use super::super::bulk::insert_all;
use super::super::{Result, Tx};

/// A scope as this phone holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeState {
    /// Key in the file.
    pub scope_key: i64,
    /// The cursor.
    pub cursor: Cursor,
    /// Shape of the rows when they were loaded.
    pub shape: u16,
    /// Shown, but to be loaded anew.
    pub stale: bool,
}

/// The key of a scope; makes it with generation 0 and position 0.
pub fn scope_key(conn: &Connection, scope: &str) -> Result<i64> {
    if let Some(state) = scope_state(conn, scope)? {
        return Ok(state.scope_key);
    }
    conn.execute(
        "INSERT INTO scope (scope, generation, after, shape, stale) VALUES (?1, 0, 0, ?2, 0)",
        params![scope, NOT_LOADED],
    )?;
    Ok(conn.last_insert_rowid())
}

/// Shape of a scope that was never loaded.
pub(in crate::store) const NOT_LOADED: u16 = 0;

/// Whether a scope was ever loaded whole.
pub fn any_loaded(conn: &Connection) -> Result<bool> {
    let mut select = conn.prepare_cached("SELECT 1 FROM scope WHERE shape <> ?1")?;
    Ok(select.exists([NOT_LOADED])?)
}

/// How far a scope is held; none if it never was.
pub fn scope_state(conn: &Connection, scope: &str) -> Result<Option<ScopeState>> {
    Ok(conn
        .prepare_cached(
            "SELECT scope_key, scope, generation, after, shape, stale FROM scope WHERE scope = ?1",
        )?
        .query_row([scope], read_state)
        .optional()?)
}

/// All scopes that are held.
pub fn scopes(conn: &Connection) -> Result<Vec<ScopeState>> {
    let mut statement = conn.prepare_cached(
        "SELECT scope_key, scope, generation, after, shape, stale FROM scope ORDER BY scope",
    )?;
    Ok(statement
        .query_map([], read_state)?
        .collect::<rusqlite::Result<_>>()?)
}

fn read_state(row: &rusqlite::Row<'_>) -> rusqlite::Result<ScopeState> {
    Ok(ScopeState {
        scope_key: row.get(0)?,
        cursor: Cursor {
            scope: row.get(1)?,
            generation: row.get(2)?,
            after: row.get(3)?,
        },
        shape: row.get(4)?,
        stale: row.get(5)?,
    })
}

/// Moves the cursor; in the transaction that writes the rows up to it.
pub fn set_cursor(tx: &Connection, cursor: &Cursor) -> Result<()> {
    let key = scope_key(tx, &cursor.scope)?;
    tx.prepare_cached("UPDATE scope SET generation = ?2, after = ?3 WHERE scope_key = ?1")?
        .execute(params![key, cursor.generation, cursor.after])?;
    Ok(())
}

/// Notes that the scope holds the row at this position.
pub fn remember_row(tx: &Connection, scope_key: i64, entity: &str, id: &str, seq: u64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO scope_row (entity, id, scope_key, seq) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (entity, id, scope_key) DO UPDATE SET seq = ?4",
    )?
    .execute(params![entity, id, scope_key, seq])?;
    Ok(())
}

/// For a fresh file: [`remember_row`] of all rows of a chunk.
pub(in crate::store) fn insert_scope_rows(conn: &Connection, scope_key: i64, rows: &[Change]) -> Result<()> {
    let mut entities: Vec<&str> = Vec::new();
    for row in rows {
        if !entities.contains(&row.entity.as_str()) {
            entities.push(&row.entity);
        }
    }
    // One after the other, as the tree has them; within one the hub's order is nearly that of the ids.
    for entity in entities {
        let places = rows.iter().filter(|row| row.entity == entity).map(|row| {
            Ok([
                entity.to_sql()?,
                row.id.to_sql()?,
                scope_key.to_sql()?,
                row.seq.to_sql()?,
            ])
        });
        let places: Vec<[ToSqlOutput<'_>; 4]> = places.collect::<Result<_>>()?;
        insert_all(
            conn,
            "INSERT OR REPLACE INTO scope_row (entity, id, scope_key, seq)",
            places.into_iter(),
        )?;
    }
    Ok(())
}

/// The scope no longer holds the row. True if it was the last that did.
pub fn forget_row(tx: &Connection, scope_key: i64, entity: &str, id: &str) -> Result<bool> {
    let gone = tx
        .prepare_cached("DELETE FROM scope_row WHERE entity = ?1 AND id = ?2 AND scope_key = ?3")?
        .execute(params![entity, id, scope_key])?;
    let elsewhere = tx
        .prepare_cached("SELECT 1 FROM scope_row WHERE entity = ?1 AND id = ?2")?
        .exists([entity, id])?;
    Ok(gone > 0 && !elsewhere)
}

/// Sums over the 256 id ranges of what the scope holds.
pub fn digest_sums(conn: &Connection, scope_key: i64) -> Result<Vec<u64>> {
    let mut statement = conn.prepare_cached("SELECT entity, id, seq FROM scope_row WHERE scope_key = ?1")?;
    let mut rows = statement.query([scope_key])?;
    let mut sums = vec![0_u64; digest::RANGES];
    while let Some(row) = rows.next()? {
        let entity = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let sum = &mut sums[usize::from(digest::range_of(entity, id))];
        *sum = sum.wrapping_add(digest::row_hash(entity, id, row.get(2)?));
    }
    Ok(sums)
}

/// Rows by entity and id.
pub type RowSet = rustc_hash::FxHashSet<(String, String)>;

/// Repair of one range: rows of it that the scope holds here and that `keep` does not name.
/// The caller evicts them after it has put the hub's.
pub fn evict_range_rest(
    conn: &Connection,
    scope_key: i64,
    range: u8,
    keep: &RowSet,
) -> Result<Vec<(String, String)>> {
    let mut statement = conn.prepare_cached("SELECT entity, id FROM scope_row WHERE scope_key = ?1")?;
    let mut rows = statement.query([scope_key])?;
    let mut rest = Vec::new();
    while let Some(row) = rows.next()? {
        let key: (String, String) = (row.get(0)?, row.get(1)?);
        if digest::range_of(&key.0, &key.1) == range && !keep.contains(&key) {
            rest.push(key);
        }
    }
    Ok(rest)
}

/// The device lost a scope: all its rows leave, at most `limit` in this transaction. True when
/// none is left (then the scope itself is gone too).
pub fn drop_scope(tx: &Tx<'_>, scope: &str, limit: u32) -> Result<bool> {
    let Some(state) = scope_state(tx, scope)? else {
        return Ok(true);
    };
    let rows: Vec<(String, String)> = tx
        .prepare_cached("SELECT entity, id FROM scope_row WHERE scope_key = ?1 LIMIT ?2")?
        .query_map(params![state.scope_key, limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (entity, id) in &rows {
        super::evict(tx, state.scope_key, entity, id)?;
    }
    let done = rows.len() < limit as usize;
    if done {
        tx.execute("DELETE FROM scope WHERE scope_key = ?1", [state.scope_key])?;
    }
    Ok(done)
}

/// Shape of a scope's rows, and whether they are to be loaded anew.
pub fn set_scope_state(conn: &Connection, scope: &str, shape: u16, stale: bool) -> Result<()> {
    conn.prepare_cached("UPDATE scope SET shape = ?2, stale = ?3 WHERE scope = ?1")?
        .execute(params![scope, shape, stale])?;
    Ok(())
}

/// All scopes are to be loaded anew.
pub fn mark_scopes_stale(conn: &Connection) -> Result<()> {
    conn.execute("UPDATE scope SET stale = 1", [])?;
    Ok(())
}

/// Rows of a scope: entity, id, position.
pub fn rows_of_scope(conn: &Connection, scope_key: i64) -> Result<Vec<(String, String, u64)>> {
    let mut statement = conn.prepare_cached("SELECT entity, id, seq FROM scope_row WHERE scope_key = ?1")?;
    let rows = statement.query_map([scope_key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A row as the server had it, under the operations that are under way on it.
pub fn server_body(conn: &Connection, entity: &str, id: &str) -> Result<Option<Vec<u8>>> {
    let base: Option<Option<Vec<u8>>> = conn
        .prepare_cached("SELECT body FROM base_row WHERE entity = ?1 AND id = ?2")?
        .query_row([entity, id], |row| row.get(0))
        .optional()?;
    base.map_or_else(|| super::body(conn, entity, id), Ok)
}

/// Rows of members that were looked up (entity, id), those of other tables first.
pub fn looked_up_rows(conn: &Connection) -> Result<Vec<(String, String)>> {
    let mut statement = conn.prepare_cached("SELECT member_id FROM lookup")?;
    let ids: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    looked_up_rows_of(conn, &ids)
}

/// Rows of the given members (entity, id), those of other tables first.
pub fn looked_up_rows_of(conn: &Connection, member_ids: &[String]) -> Result<Vec<(String, String)>> {
    let mut rows = Vec::new();
    for member_id in member_ids {
        if let Some(key) = super::existing_key(conn, member_id)? {
            for (table, id, entity) in super::MEMBER_TABLES {
                let mut statement =
                    conn.prepare_cached(&format!("SELECT {id} FROM {table} WHERE member_key = ?1"))?;
                for id in statement.query_map([key], |row| row.get(0))? {
                    rows.push((entity.to_owned(), id?));
                }
            }
        }
        rows.push((entity::PURCHASES.to_owned(), member_id.clone()));
        rows.push((entity::MEMBER.to_owned(), member_id.clone()));
    }
    Ok(rows)
}
