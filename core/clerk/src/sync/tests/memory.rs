//! A store in memory: what the trait promises, in the fewest lines. Its whole state is what would
//! survive a kill.

use std::collections::BTreeMap;

use yaoban_protocol::digest;
use yaoban_protocol::message::{Chunk, Cursor, DigestRange, LookupReply};
use yaoban_protocol::op::{OpEnvelope, OpResult, OpStatus};
use yaoban_protocol::row::{Change, ChangeKind};

use crate::sync::SENT_KEEP_MS;
use crate::sync::storage::{
    Greeting, HeldScope, LoadPlan, LoadProgress, Pairing, PendingOp, PulledPage, ScopeSums, StoreFailure,
    StoreResult, SyncState, SyncStore,
};

/// Entity and id.
pub type Key = (String, String);
/// `seq` and body.
pub type Held = (u64, Vec<u8>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxOp {
    pub op: OpEnvelope,
    pub numbered: bool,
    pub result: Option<OpResult>,
    pub solo_failures: u32,
    pub sent_at_ms: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryStore {
    pub known: SyncState,
    pub hub_last_n: u64,
    pub rows: BTreeMap<String, BTreeMap<Key, Held>>,
    pub fresh: BTreeMap<String, BTreeMap<Key, Held>>,
    pub outbox: Vec<OutboxOp>,
    pub pruned: u32,
    /// The next command fails with this.
    pub fail_next: Option<StoreFailure>,
}

impl MemoryStore {
    pub fn paired() -> Self {
        let pairing = Pairing {
            url: "https://hub.test".into(),
            fingerprint: "00".repeat(32),
            device_id: "d1".into(),
            refresh_secret: "secret".into(),
            chain_name: "chain".into(),
            store_id: "1".into(),
            store_name: "store".into(),
            staff_id: None,
        };
        let known = SyncState {
            pairing: Some(pairing),
            ..SyncState::default()
        };
        Self {
            known,
            ..Self::default()
        }
    }

    pub fn add_op(&mut self, op_id: &str, body: &[u8]) {
        let op = OpEnvelope {
            n: 0,
            op_id: op_id.into(),
            staff_id: "s1".into(),
            at_ms: 0,
            base_version: 0,
            body: serde_bytes_buf(body),
            parked: false,
        };
        self.outbox.push(OutboxOp {
            op,
            numbered: false,
            result: None,
            solo_failures: 0,
            sent_at_ms: None,
        });
    }

    pub fn op(&self, op_id: &str) -> &OutboxOp {
        self.outbox
            .iter()
            .find(|o| o.op.op_id == op_id)
            .expect("op exists")
    }

    pub fn unanswered(&self) -> usize {
        self.outbox.iter().filter(|o| o.result.is_none()).count()
    }

    pub fn cursor(&self, scope: &str) -> Option<Cursor> {
        self.known
            .scopes
            .iter()
            .find(|s| s.cursor.scope == scope)
            .map(|s| s.cursor.clone())
    }

    fn take_failure(&mut self) -> StoreResult<()> {
        self.fail_next.take().map_or(Ok(()), Err)
    }

    fn number(&mut self) {
        for op in self.outbox.iter_mut().filter(|o| !o.numbered) {
            self.known.highest_n = self.known.highest_n.max(self.hub_last_n) + 1;
            op.op.n = self.known.highest_n;
            op.numbered = true;
        }
    }

    fn apply(&mut self, scope: &str, change: Change) {
        let key = (change.entity, change.id);
        let rows = self.rows.entry(scope.to_owned()).or_default();
        match change.kind {
            ChangeKind::Put => {
                rows.insert(key, (change.seq, change.body.into_vec()));
            }
            ChangeKind::Evict => {
                rows.remove(&key);
            }
            ChangeKind::Erase => {
                for rows in self.rows.values_mut() {
                    rows.remove(&key);
                }
            }
        }
    }
}

pub fn serde_bytes_buf<T: From<Vec<u8>>>(bytes: &[u8]) -> T {
    T::from(bytes.to_vec())
}

impl SyncStore for MemoryStore {
    fn state(&mut self) -> StoreResult<SyncState> {
        self.take_failure()?;
        Ok(self.known.clone())
    }

    fn save_pairing(&mut self, pairing: &Pairing) -> StoreResult<()> {
        self.known.pairing = Some(pairing.clone());
        self.known.locked = None;
        Ok(())
    }

    fn adopt(&mut self, greeting: &Greeting, restored: bool) -> StoreResult<SyncState> {
        self.take_failure()?;
        self.hub_last_n = greeting.hub_last_n;
        self.known.epoch = Some(greeting.epoch.clone());
        if let Some(pairing) = &mut self.known.pairing {
            pairing.store_id.clone_from(&greeting.store_id);
            pairing.chain_name.clone_from(&greeting.chain_name);
        }
        if restored {
            for op in self
                .outbox
                .iter_mut()
                .filter(|o| o.numbered && o.op.n > greeting.hub_last_n)
            {
                if op.result.as_ref().is_some_and(|r| r.status != OpStatus::Rejected) {
                    op.result = None;
                    op.sent_at_ms = None;
                }
            }
            for scope in &mut self.known.scopes {
                scope.stale = true;
            }
        }
        Ok(self.known.clone())
    }

    fn drop_scope(&mut self, scope: &str) -> StoreResult<()> {
        self.take_failure()?;
        self.known.scopes.retain(|s| s.cursor.scope != scope);
        self.rows.remove(scope);
        Ok(())
    }

    fn begin_load(&mut self, plan: &LoadPlan) -> StoreResult<()> {
        self.take_failure()?;
        self.fresh = plan
            .manifests
            .iter()
            .map(|m| (m.scope.clone(), BTreeMap::new()))
            .collect();
        self.known.load = Some(LoadProgress {
            plan: plan.clone(),
            chunks_done: 0,
        });
        Ok(())
    }

    fn load_chunk(&mut self, index: u32, chunk: Chunk) -> StoreResult<()> {
        self.take_failure()?;
        let load = self.known.load.as_mut().expect("a load is under way");
        assert_eq!(load.chunks_done, index, "chunks come in order");
        let (scope, _) = load.plan.chunk(index).expect("the chunk is in the plan");
        let rows = self.fresh.get_mut(scope).expect("the scope is in the plan");
        for change in chunk.rows {
            rows.insert((change.entity, change.id), (change.seq, change.body.into_vec()));
        }
        load.chunks_done += 1;
        Ok(())
    }

    fn finish_load(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        self.take_failure()?;
        let load = self.known.load.take().expect("a load is under way");
        assert_eq!(load.chunks_done, load.plan.chunks(), "every chunk is in");
        for manifest in load.plan.manifests {
            let rows = self.fresh.remove(&manifest.scope).unwrap_or_default();
            assert_eq!(rows.len() as u64, manifest.rows);
            self.rows.insert(manifest.scope.clone(), rows);
            self.known.scopes.retain(|s| s.cursor.scope != manifest.scope);
            let cursor = Cursor {
                scope: manifest.scope,
                generation: manifest.generation,
                after: manifest.at_seq,
            };
            self.known.scopes.push(HeldScope {
                cursor,
                shape: load.plan.shape,
                stale: false,
            });
        }
        self.known.repaired_at_ms = Some(hub_now_ms);
        Ok(())
    }

    fn abandon_load(&mut self) -> StoreResult<()> {
        self.known.load = None;
        self.fresh.clear();
        Ok(())
    }

    fn apply_pull(&mut self, pages: Vec<PulledPage>, ack_n: u64, hub_now_ms: i64) -> StoreResult<()> {
        self.take_failure()?;
        for page in pages {
            let held = self.known.scopes.iter_mut().find(|s| s.cursor == page.from);
            let held =
                held.ok_or_else(|| StoreFailure::new("cursor_moved", "the scope is somewhere else"))?;
            held.cursor.after = page.next;
            for change in page.changes {
                self.apply(&page.from.scope, change);
            }
        }
        for op in self.outbox.iter_mut().filter(|o| o.numbered && o.op.n <= ack_n) {
            if op.result.as_ref().is_some_and(|r| r.status != OpStatus::Rejected) {
                op.sent_at_ms.get_or_insert(hub_now_ms);
            }
        }
        Ok(())
    }

    fn next_ops(&mut self, _now_ms: i64, ops_max: u32, bytes_max: u64) -> StoreResult<Vec<PendingOp>> {
        self.take_failure()?;
        self.number();
        let mut bytes = 0;
        let mut pending: Vec<&OutboxOp> = self.outbox.iter().filter(|o| o.result.is_none()).collect();
        pending.sort_by_key(|o| o.op.n);
        let mut ops = Vec::new();
        for op in pending.into_iter().take(ops_max as usize) {
            bytes += op.op.body.len() as u64;
            if !ops.is_empty() && bytes > bytes_max {
                break;
            }
            ops.push(PendingOp {
                op: op.op.clone(),
                solo_failures: op.solo_failures,
            });
        }
        Ok(ops)
    }

    fn record_results(&mut self, results: &[OpResult]) -> StoreResult<()> {
        self.take_failure()?;
        for result in results {
            let fits = |o: &&mut OutboxOp| o.numbered && o.op.n == result.n && o.op.op_id == result.op_id;
            if let Some(op) = self.outbox.iter_mut().find(fits) {
                op.result.get_or_insert_with(|| result.clone());
            }
        }
        Ok(())
    }

    fn note_solo_failure(&mut self, n: u64) -> StoreResult<u32> {
        let op = self.outbox.iter_mut().find(|o| o.op.n == n).expect("op exists");
        op.solo_failures += 1;
        Ok(op.solo_failures)
    }

    fn renumber_from(&mut self, n: u64) -> StoreResult<()> {
        for op in self
            .outbox
            .iter_mut()
            .filter(|o| o.result.is_none() && o.op.n >= n)
        {
            op.numbered = false;
        }
        self.number();
        Ok(())
    }

    fn sums(&mut self, scope: &str) -> StoreResult<Option<ScopeSums>> {
        let Some(cursor) = self.cursor(scope) else {
            return Ok(None);
        };
        let empty = BTreeMap::new();
        let rows = self.rows.get(scope).unwrap_or(&empty);
        let sums = digest::sums(
            rows.iter()
                .map(|((entity, id), (seq, _))| (entity.as_str(), id.as_str(), *seq)),
        );
        Ok(Some(ScopeSums { cursor, sums }))
    }

    fn replace_ranges(&mut self, cursor: &Cursor, ranges: Vec<DigestRange>) -> StoreResult<()> {
        if self.cursor(&cursor.scope).as_ref() != Some(cursor) {
            return Err(StoreFailure::new("cursor_moved", "the scope is somewhere else"));
        }
        let rows = self.rows.entry(cursor.scope.clone()).or_default();
        for range in ranges {
            rows.retain(|(entity, id), _| digest::range_of(entity, id) != range.range);
            for change in range.rows {
                rows.insert((change.entity, change.id), (change.seq, change.body.into_vec()));
            }
        }
        Ok(())
    }

    fn mark_repaired(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        self.known.repaired_at_ms = Some(hub_now_ms);
        Ok(())
    }

    fn prune(&mut self, hub_now_ms: i64) -> StoreResult<()> {
        self.pruned += 1;
        self.outbox
            .retain(|o| o.sent_at_ms.is_none_or(|at| hub_now_ms - at <= SENT_KEEP_MS));
        Ok(())
    }

    fn lock(&mut self, reason: &str) -> StoreResult<()> {
        self.known.locked = Some(reason.to_owned());
        Ok(())
    }

    fn keep_lookup(&mut self, _reply: LookupReply, _now_ms: i64) -> StoreResult<()> {
        Ok(())
    }
}
