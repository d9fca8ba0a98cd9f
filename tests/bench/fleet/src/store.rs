//! A phone's store as far as sync goes: places and an outbox, but no rows. What a page brings is
//! counted and let go, so that 30,000 phones fit into one process.

use yaoban_clerk_core::sync::{
    Greeting, HeldScope, LoadPlan, Pairing, PendingOp, PulledPage, SHAPE, ScopeSums, StoreFailure,
    StoreResult, SyncState, SyncStore,
};
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::message::{Chunk, Cursor, DigestRange, LookupReply};
use yaoban_protocol::op::{Op, OpEnvelope, OpResult, OpStatus};

use crate::plan::Place;

/// The store of one phone.
#[derive(Debug)]
pub struct PhoneStore {
    state: SyncState,
    outbox: Vec<PendingOp>,
    /// Results that came back, not yet acknowledged by a pull.
    answered_n: u64,
    /// Rows that pulls brought.
    pub rows: u64,
    /// Operations that the hub took.
    pub ops_taken: u64,
    /// Operations that the hub did not do.
    pub ops_refused: Vec<OpResult>,
    /// Highest acknowledged number.
    pub acked_n: u64,
}

impl PhoneStore {
    /// A phone that holds its scopes up to the given places.
    pub fn new(pairing: Pairing, epoch: &str, places: &[(String, Place)], now_ms: i64) -> Self {
        let mut scopes: Vec<HeldScope> = places
            .iter()
            .map(|(scope, place)| HeldScope {
                cursor: Cursor {
                    scope: scope.clone(),
                    generation: place.generation,
                    after: place.after,
                },
                shape: SHAPE,
                stale: false,
            })
            .collect();
        scopes.sort_by(|a, b| a.cursor.scope.cmp(&b.cursor.scope));
        Self {
            state: SyncState {
                pairing: Some(pairing),
                epoch: Some(epoch.to_owned()),
                scopes,
                repaired_at_ms: Some(now_ms),
                ..SyncState::default()
            },
            outbox: Vec::new(),
            answered_n: 0,
            rows: 0,
            ops_taken: 0,
            ops_refused: Vec::new(),
            acked_n: 0,
        }
    }

    /// Puts an operation into the outbox.
    pub fn record(&mut self, op: &Op, staff_id: &str, at_ms: i64) -> Result<(), String> {
        self.state.highest_n += 1;
        self.outbox.push(PendingOp {
            op: OpEnvelope {
                n: self.state.highest_n,
                op_id: uuid::Uuid::now_v7().to_string(),
                staff_id: staff_id.to_owned(),
                at_ms,
                base_version: 0,
                body: serde_bytes::ByteBuf::from(to_cbor(op).map_err(|e| e.to_string())?),
                parked: false,
            },
            solo_failures: 0,
        });
        Ok(())
    }
}

/// The fleet holds no rows, so nothing here can be loaded or repaired: a run in which the hub asks
/// for it is a run that fails.
fn not_here<T>(what: &str) -> StoreResult<T> {
    Err(StoreFailure::new("fleet", format!("the fleet cannot {what}")))
}

impl SyncStore for PhoneStore {
    fn state(&mut self) -> StoreResult<SyncState> {
        Ok(self.state.clone())
    }

    fn save_pairing(&mut self, _pairing: &Pairing) -> StoreResult<()> {
        not_here("pair")
    }

    fn adopt(&mut self, greeting: &Greeting, restored: bool) -> StoreResult<SyncState> {
        if restored || self.state.epoch.as_ref() != Some(&greeting.epoch) {
            return not_here("change its epoch; make the plan anew");
        }
        // The device pushed in an earlier run: go on above its numbers.
        self.state.highest_n = self.state.highest_n.max(greeting.hub_last_n);
        Ok(self.state.clone())
    }

    fn drop_scope(&mut self, _scope: &str) -> StoreResult<()> {
        not_here("drop a scope")
    }

    fn begin_load(&mut self, _plan: &LoadPlan) -> StoreResult<()> {
        not_here("load; make the plan anew")
    }

    fn load_chunk(&mut self, _index: u32, _chunk: Chunk) -> StoreResult<()> {
        not_here("load")
    }

    fn finish_load(&mut self, _hub_now_ms: i64) -> StoreResult<()> {
        not_here("load")
    }

    fn abandon_load(&mut self) -> StoreResult<()> {
        Ok(())
    }

    fn apply_pull(&mut self, pages: Vec<PulledPage>, ack_n: u64, _hub_now_ms: i64) -> StoreResult<()> {
        for page in pages {
            self.rows += page.changes.len() as u64;
            for held in &mut self.state.scopes {
                if held.cursor == page.from {
                    held.cursor.after = page.next;
                    break;
                }
            }
        }
        self.acked_n = self.acked_n.max(ack_n.min(self.answered_n));
        Ok(())
    }

    fn next_ops(&mut self, _now_ms: i64, ops_max: u32, _bytes_max: u64) -> StoreResult<Vec<PendingOp>> {
        Ok(self.outbox.iter().take(ops_max as usize).cloned().collect())
    }

    fn record_results(&mut self, results: &[OpResult]) -> StoreResult<()> {
        for result in results {
            let before = self.outbox.len();
            self.outbox
                .retain(|pending| pending.op.n != result.n || pending.op.op_id != result.op_id);
            if self.outbox.len() == before {
                continue;
            }
            self.answered_n = self.answered_n.max(result.n);
            match result.status {
                OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate => self.ops_taken += 1,
                OpStatus::Rejected | OpStatus::Parked => self.ops_refused.push(result.clone()),
            }
        }
        Ok(())
    }

    fn note_solo_failure(&mut self, n: u64) -> StoreResult<u32> {
        for pending in &mut self.outbox {
            if pending.op.n == n {
                pending.solo_failures += 1;
                return Ok(pending.solo_failures);
            }
        }
        Ok(0)
    }

    fn renumber_from(&mut self, _n: u64) -> StoreResult<()> {
        not_here("renumber")
    }

    fn sums(&mut self, _scope: &str) -> StoreResult<Option<ScopeSums>> {
        Ok(None)
    }

    fn replace_ranges(&mut self, _cursor: &Cursor, _ranges: Vec<DigestRange>) -> StoreResult<()> {
        not_here("repair")
    }

    fn mark_repaired(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        self.state.repaired_at_ms = Some(hub_now_ms);
        Ok(())
    }

    fn prune(&mut self, _hub_now_ms: i64) -> StoreResult<()> {
        Ok(())
    }

    fn lock(&mut self, reason: &str) -> StoreResult<()> {
        self.state.locked = Some(reason.to_owned());
        Ok(())
    }

    fn keep_lookup(&mut self, _reply: LookupReply, _now_ms: i64) -> StoreResult<()> {
        not_here("look up")
    }
}
