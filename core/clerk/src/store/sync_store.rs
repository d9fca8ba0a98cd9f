//! What the sync engine asks of the file ([`SyncStore`]): each method one transaction.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use yaoban_protocol::message::{Chunk, Cursor, DigestRange, LookupReply};
use yaoban_protocol::op::OpResult;
use yaoban_protocol::row::{Change, ChangeKind};

use super::rounds::RoundNote;
use super::{
    Durability, FromStore, Result, Store, StoreError, Tx, lookup, meta, outbox, replay, rounds, rows,
};
use crate::sync::{
    Greeting, HeldScope, LoadPlan, Pairing, PendingOp, PulledPage, RoundReport, SENT_KEEP_MS, ScopeSums,
    StoreFailure, StoreResult, SyncState, SyncStore,
};

/// Rows that leave in one transaction when a scope is dropped: writers wait for less than 50 ms.
const DROP_ROWS: u32 = 2_000;

impl FromStore for StoreFailure {
    fn is_damage(&self) -> bool {
        self.code == StoreError::Damaged.code()
    }
}

impl From<StoreError> for StoreFailure {
    fn from(error: StoreError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// The scope is not where the caller believes.
fn cursor_moved() -> StoreError {
    StoreError::Refused {
        code: "cursor_moved".into(),
        values: Vec::new(),
    }
}

fn check_cursor(tx: &Tx<'_>, cursor: &Cursor) -> Result<i64> {
    rows::scope_state(tx, &cursor.scope)?
        .filter(|held| held.cursor == *cursor)
        .map(|held| held.scope_key)
        .ok_or_else(cursor_moved)
}

/// What the store knows of sync, without the load.
fn read_state(conn: &rusqlite::Connection) -> Result<SyncState> {
    let scopes = rows::scopes(conn)?;
    Ok(SyncState {
        pairing: read_pairing(conn)?,
        locked: meta::get(conn, meta::LOCKED)?,
        epoch: meta::get(conn, meta::EPOCH)?,
        scopes: scopes
            .into_iter()
            .map(|held| HeldScope {
                cursor: held.cursor,
                shape: held.shape,
                stale: held.stale,
            })
            .collect(),
        load: None,
        highest_n: meta::get(conn, meta::LAST_N)?.unwrap_or(0),
        repaired_at_ms: meta::get(conn, meta::REPAIRED_AT)?,
    })
}

/// What this device knows of its hub; none before pairing.
pub fn read_pairing(conn: &rusqlite::Connection) -> Result<Option<Pairing>> {
    let text = |key: &str| meta::get::<String>(conn, key);
    let Some(url) = text(meta::HUB_URL)? else {
        return Ok(None);
    };
    Ok(Some(Pairing {
        url,
        fingerprint: text(meta::HUB_FINGERPRINT)?.unwrap_or_default(),
        device_id: text(meta::DEVICE_ID)?.unwrap_or_default(),
        refresh_secret: text(meta::REFRESH_SECRET)?.unwrap_or_default(),
        chain_name: text(meta::CHAIN_NAME)?.unwrap_or_default(),
        store_id: text(meta::STORE_ID)?.unwrap_or_default(),
        store_name: text(meta::STORE_NAME)?.unwrap_or_default(),
        staff_id: text(meta::PAIRED_STAFF)?,
    }))
}

impl SyncStore for Arc<Store> {
    fn state(&mut self) -> StoreResult<SyncState> {
        let mut state = self.read(read_state)?;
        state.load = self.load_progress()?;
        Ok(state)
    }

    fn save_pairing(&mut self, pairing: &Pairing) -> StoreResult<()> {
        Ok(self.write(Durability::Full, |tx| -> Result<()> {
            if meta::get::<String>(tx, meta::DEVICE_ID)?.is_some_and(|id| id != pairing.device_id) {
                outbox::ask_again(tx)?;
            }
            for (key, value) in [
                (meta::HUB_URL, &pairing.url),
                (meta::HUB_FINGERPRINT, &pairing.fingerprint),
                (meta::DEVICE_ID, &pairing.device_id),
                (meta::REFRESH_SECRET, &pairing.refresh_secret),
                (meta::CHAIN_NAME, &pairing.chain_name),
                (meta::STORE_ID, &pairing.store_id),
                (meta::STORE_NAME, &pairing.store_name),
            ] {
                meta::set(tx, key, value)?;
            }
            match &pairing.staff_id {
                Some(staff_id) => meta::set(tx, meta::PAIRED_STAFF, staff_id)?,
                None => meta::remove(tx, meta::PAIRED_STAFF)?,
            }
            meta::remove(tx, meta::LOCKED)
        })?)
    }

    fn adopt(&mut self, greeting: &Greeting, restored: bool) -> StoreResult<SyncState> {
        self.write(Durability::Full, |tx| -> Result<()> {
            meta::set(tx, meta::EPOCH, &greeting.epoch)?;
            meta::set(tx, meta::STORE_ID, &greeting.store_id)?;
            meta::set(tx, meta::CHAIN_NAME, &greeting.chain_name)?;
            let highest: u64 = meta::get(tx, meta::LAST_N)?.unwrap_or(0);
            meta::set(tx, meta::LAST_N, highest.max(greeting.hub_last_n))?;
            if restored {
                outbox::send_again(tx, greeting.hub_last_n)?;
                rows::mark_scopes_stale(tx)?;
                replay::rebuild(tx)?;
            }
            Ok(())
        })?;
        self.state()
    }

    fn drop_scope(&mut self, scope: &str) -> StoreResult<()> {
        while !self.write(Durability::Normal, |tx| rows::drop_scope(tx, scope, DROP_ROWS))? {}
        Ok(())
    }

    fn begin_load(&mut self, plan: &LoadPlan) -> StoreResult<()> {
        Ok(Store::begin_load(self, plan)?)
    }

    fn load_chunk(&mut self, index: u32, chunk: Chunk) -> StoreResult<()> {
        Ok(Store::load_chunk(self, index, &chunk)?)
    }

    fn finish_load(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        Store::finish_load(self)?;
        self.mark_repaired(hub_now_ms)
    }

    fn abandon_load(&mut self) -> StoreResult<()> {
        Ok(Store::abandon_load(self)?)
    }

    fn apply_pull(&mut self, pages: Vec<PulledPage>, ack_n: u64, hub_now_ms: i64) -> StoreResult<()> {
        let erased = pages
            .iter()
            .flat_map(|page| &page.changes)
            .any(|change| change.kind == ChangeKind::Erase);
        // Rows that a power cut takes are pulled again, cursor and all; what was acknowledged with
        // them is then sent again. Only an erasure must hold at once.
        let durability = if erased {
            Durability::Full
        } else {
            Durability::Normal
        };
        if erased {
            self.remove_set_aside()?;
        }
        self.write(durability, |tx| -> Result<()> {
            let mut anew = false;
            for page in &pages {
                let scope_key = check_cursor(tx, &page.from)?;
                for change in &page.changes {
                    anew |= replay::receive(tx, scope_key, change)?;
                }
                rows::set_cursor(
                    tx,
                    &Cursor {
                        after: page.next,
                        ..page.from.clone()
                    },
                )?;
            }
            anew |= outbox::acknowledge(tx, ack_n, hub_now_ms)?;
            if anew {
                replay::rebuild(tx)?;
            }
            Ok(())
        })?;
        if erased {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn held_for_ms(&mut self, now_ms: i64) -> StoreResult<Option<u64>> {
        let until_ms = self.read(outbox::held_until_ms)?;
        Ok(until_ms.map(|until_ms| u64::try_from(until_ms - now_ms).unwrap_or(0)))
    }

    fn next_ops(&mut self, now_ms: i64, ops_max: u32, bytes_max: u64) -> StoreResult<Vec<PendingOp>> {
        let ops = self.write(Durability::Full, |tx| {
            outbox::number_due(tx, now_ms)?;
            outbox::next(tx, ops_max, bytes_max)
        })?;
        Ok(ops
            .iter()
            .map(|op| PendingOp {
                op: outbox::envelope(op),
                solo_failures: op.failures,
            })
            .collect())
    }

    fn record_results(&mut self, results: &[OpResult]) -> StoreResult<()> {
        Ok(self.write(Durability::Full, |tx| -> Result<()> {
            if outbox::record_results(tx, results)? {
                replay::rebuild(tx)?;
            }
            Ok(())
        })?)
    }

    fn note_solo_failure(&mut self, n: u64) -> StoreResult<u32> {
        Ok(self.write(Durability::Full, |tx| outbox::note_failure(tx, n))?)
    }

    fn renumber_from(&mut self, n: u64) -> StoreResult<()> {
        Ok(self.write(Durability::Full, |tx| outbox::renumber_from(tx, n))?)
    }

    fn sums(&mut self, scope: &str) -> StoreResult<Option<ScopeSums>> {
        Ok(self.read(|conn| -> Result<_> {
            let Some(held) = rows::scope_state(conn, scope)? else {
                return Ok(None);
            };
            let sums = rows::digest_sums(conn, held.scope_key)?;
            Ok(Some(ScopeSums {
                cursor: held.cursor,
                sums,
            }))
        })?)
    }

    fn replace_ranges(&mut self, cursor: &Cursor, ranges: Vec<DigestRange>) -> StoreResult<()> {
        Ok(self.write(Durability::Normal, |tx| -> Result<()> {
            let scope_key = check_cursor(tx, cursor)?;
            for range in ranges {
                let sent: FxHashSet<(String, String)> = range
                    .rows
                    .iter()
                    .map(|row| (row.entity.clone(), row.id.clone()))
                    .collect();
                for row in &range.rows {
                    replay::receive(tx, scope_key, row)?;
                }
                for (entity, id) in rows::evict_range_rest(tx, scope_key, range.range, &sent)? {
                    let gone = Change {
                        seq: 0,
                        entity,
                        id,
                        kind: ChangeKind::Evict,
                        body: Vec::new().into(),
                    };
                    replay::receive(tx, scope_key, &gone)?;
                }
            }
            replay::rebuild(tx)
        })?)
    }

    fn mark_repaired(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        Ok(self.write(Durability::Normal, |tx| {
            meta::set(tx, meta::REPAIRED_AT, hub_now_ms)
        })?)
    }

    fn prune(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        Ok(self.write(Durability::Normal, |tx| -> Result<()> {
            outbox::prune(tx, hub_now_ms - SENT_KEEP_MS)?;
            lookup::forget(tx, hub_now_ms)
        })?)
    }

    fn note_round(&mut self, report: &RoundReport, at_ms: i64) -> StoreResult<()> {
        let note = RoundNote::of(report, at_ms);
        let (due, key) = self.read(|conn| -> Result<_> {
            Ok((
                rounds::is_due(conn, &note)?,
                rounds::new_support_key(conn, report)?,
            ))
        })?;
        if !due && key.is_none() {
            return Ok(());
        }
        Ok(self.write(Durability::Normal, |tx| -> Result<()> {
            if let Some(key) = key {
                meta::set(tx, rounds::SUPPORT_KEY, key)?;
            }
            rounds::keep(tx, &note)
        })?)
    }

    fn lock(&mut self, reason: &str) -> StoreResult<()> {
        Ok(self.write(Durability::Full, |tx| meta::set(tx, meta::LOCKED, reason))?)
    }

    fn keep_lookup(&mut self, reply: LookupReply, now_ms: i64) -> StoreResult<()> {
        Ok(self.write(Durability::Normal, |tx| lookup::keep(tx, &reply, now_ms))?)
    }
}
