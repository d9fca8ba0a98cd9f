//! Members looked up from other stores: kept for a day, in no scope, in no list and no group.

use rusqlite::params;
use yaoban_protocol::message::LookupReply;
use yaoban_protocol::row::{ChangeKind, entity};

use super::{Result, Tx, rows};

/// No lookup is kept longer, whatever the hub says.
const KEEP_MS_MAX: i64 = 24 * 3_600_000;

/// Keeps the rows of a reply. Rows that a scope holds are newer and stay.
pub(super) fn keep(tx: &Tx<'_>, reply: &LookupReply, now_ms: i64) -> Result<()> {
    let until_ms = now_ms.saturating_add(reply.keep_ms.clamp(0, KEEP_MS_MAX));
    let puts = || reply.rows.iter().filter(|row| row.kind == ChangeKind::Put);
    for row in puts().filter(|row| row.entity == entity::MEMBER) {
        tx.prepare_cached("INSERT OR REPLACE INTO lookup (member_id, until_ms) VALUES (?1, ?2)")?
            .execute(params![row.id, until_ms])?;
    }
    for row in puts() {
        if !is_held(tx, &row.entity, &row.id)? {
            rows::write(tx, &row.entity, &row.id, Some(&row.body))?;
        }
    }
    Ok(())
}

/// Forgets looked-up members whose time is over.
pub(super) fn forget(tx: &Tx<'_>, now_ms: i64) -> Result<()> {
    let over: Vec<String> = tx
        .prepare_cached("SELECT member_id FROM lookup WHERE until_ms <= ?1")?
        .query_map([now_ms], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for (entity, id) in rows::looked_up_rows_of(tx, &over)? {
        if !is_held(tx, &entity, &id)? {
            rows::write(tx, &entity, &id, None)?;
        }
    }
    for member_id in over {
        tx.prepare_cached("DELETE FROM lookup WHERE member_id = ?1")?
            .execute([member_id])?;
    }
    Ok(())
}

fn is_held(tx: &Tx<'_>, entity: &str, id: &str) -> Result<bool> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM scope_row WHERE entity = ?1 AND id = ?2")?
        .exists([entity, id])?)
}
