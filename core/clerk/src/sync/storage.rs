//! What the engine needs of a store: [`SyncStore`].
//!
//! Every method is one transaction: after a kill at any moment either all of it happened or nothing.
//! The engine calls one method at a time; the app reads and writes beside it.

use yaoban_protocol::message::{Chunk, Cursor, DigestRange, LookupReply, Manifest};
use yaoban_protocol::op::{OpEnvelope, OpResult};
use yaoban_protocol::row::Change;

use super::event::RoundReport;

/// Why the store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreFailure {
    /// Stable code, for example `disk_full`, `paused`, `damaged`.
    pub code: String,
    /// What was wrong and what to do, without personal data.
    pub message: String,
}

impl StoreFailure {
    /// A failure with a code of [`crate::sync::code`] or the store's own.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// What a paired device knows of its hub. The refresh secret never appears in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    /// Address of the hub, for example `https://hub.example:8443`.
    pub url: String,
    /// SHA-256 of the hub's certificate (DER), in hex.
    pub fingerprint: String,
    /// Id of this device.
    pub device_id: String,
    /// Long-lived secret with which tokens are asked for.
    pub refresh_secret: String,
    /// Name of the chain.
    pub chain_name: String,
    /// The device's store.
    pub store_id: String,
    /// Name of the store.
    pub store_name: String,
    /// The member of staff that the code was made for, if it was.
    pub staff_id: Option<String>,
}

impl std::fmt::Debug for Pairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pairing")
            .field("url", &self.url)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}

/// What the store knows of sync when a round begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncState {
    /// None before pairing.
    pub pairing: Option<Pairing>,
    /// The reason for which the hub locked this device, if it did; see [`SyncStore::lock`].
    pub locked: Option<String>,
    /// The epoch that the cursors belong to; none before the first round.
    pub epoch: Option<String>,
    /// The scopes held, in ascending order.
    pub scopes: Vec<HeldScope>,
    /// A load that has begun and not finished.
    pub load: Option<LoadProgress>,
    /// Highest number given to an operation, 0 if none.
    pub highest_n: u64,
    /// When digests were last compared, by the hub's clock; a finished load counts as one.
    pub repaired_at_ms: Option<i64>,
}

/// A scope as the phone holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldScope {
    /// Scope, generation and place.
    pub cursor: Cursor,
    /// Shape of its rows when it was loaded (see [`crate::sync::SHAPE`]).
    pub shape: u16,
    /// Its rows are from another epoch or known to be bad: shown, but to be loaded anew, never pulled on.
    pub stale: bool,
}

/// What a load brings. Its chunks are those of the manifests, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPlan {
    /// The epoch of the manifests.
    pub epoch: String,
    /// One for each scope that is loaded.
    pub manifests: Vec<Manifest>,
    /// Shape that the scopes have once loaded.
    pub shape: u16,
}

impl LoadPlan {
    /// Number of chunks over all manifests.
    pub fn chunks(&self) -> u32 {
        self.manifests.iter().map(|m| m.chunks.len() as u32).sum()
    }

    /// The chunk with this index over all manifests, with its scope.
    pub fn chunk(&self, index: u32) -> Option<(&str, &yaoban_protocol::message::ChunkRef)> {
        self.manifests
            .iter()
            .flat_map(|m| m.chunks.iter().map(|c| (m.scope.as_str(), c)))
            .nth(index as usize)
    }

    /// Members in the first `chunks` chunks.
    pub fn members_in(&self, chunks: u32) -> u64 {
        let all = self.manifests.iter().flat_map(|m| &m.chunks);
        all.take(chunks as usize).map(|chunk| chunk.members).sum()
    }
}

/// A load under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadProgress {
    /// What it brings.
    pub plan: LoadPlan,
    /// Chunks that are in, always the first ones.
    pub chunks_done: u32,
}

/// What a hello told, for [`SyncStore::adopt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The hub's epoch.
    pub epoch: String,
    /// Highest number that the hub has accepted from this device.
    pub hub_last_n: u64,
    /// The device's store, as it is now.
    pub store_id: String,
    /// Name of the chain.
    pub chain_name: String,
    /// The hub's clock, UTC.
    pub hub_now_ms: i64,
}

/// One page to apply, checked by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledPage {
    /// The place that the page was asked from; the store refuses the page (code `cursor_moved`) if
    /// the scope is not exactly there.
    pub from: Cursor,
    /// The new place.
    pub next: u64,
    /// Changes in ascending order of `seq`, all within `from.after + 1 ..= next`.
    pub changes: Vec<Change>,
}

/// An operation that has a number and no result yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOp {
    /// As it travels, not parked.
    pub op: OpEnvelope,
    /// How often it failed alone, in rounds in which hello succeeded.
    pub solo_failures: u32,
}

/// What the phone holds of a scope, as sums (see [`yaoban_protocol::digest`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSums {
    /// The place at which the sums were taken.
    pub cursor: Cursor,
    /// The 256 sums over the server rows of the scope, each with its `seq`.
    pub sums: Vec<u64>,
}

/// Shorthand.
pub type StoreResult<T> = Result<T, StoreFailure>;

/// The store as the engine sees it. See the module for the promise that every method makes.
pub trait SyncStore {
    /// What is known of sync.
    fn state(&mut self) -> StoreResult<SyncState>;

    /// Keeps the pairing and lifts a lock. Operations that wait keep waiting. Those that were answered
    /// to another device of the hub and not acknowledged wait again: the hub counts each device apart.
    fn save_pairing(&mut self, pairing: &Pairing) -> StoreResult<()>;

    /// Takes over what hello told and returns the state after it. New numbers are given above
    /// `greeting.hub_last_n` and above every number ever given.
    ///
    /// If `restored`, the hub went back to a backup (point 10): every operation of the outbox and of
    /// `sent` with a number above `hub_last_n` becomes pending again under its old number and id –
    /// but for rejected ones, which the hub never did – and every scope becomes stale.
    fn adopt(&mut self, greeting: &Greeting, restored: bool) -> StoreResult<SyncState>;

    /// Forgets a scope that the device no longer has. Rows that another scope holds stay.
    fn drop_scope(&mut self, scope: &str) -> StoreResult<()>;

    /// Begins a load (point 4) into a fresh file, beside what is shown; an earlier one is given up.
    fn begin_load(&mut self, plan: &LoadPlan) -> StoreResult<()>;

    /// Takes in the chunk with this index over all manifests; it is `chunks_done` exactly, else the
    /// code is `chunk_out_of_order`. Rows and `chunks_done` commit together.
    fn load_chunk(&mut self, index: u32, chunk: Chunk) -> StoreResult<()>;

    /// Makes indexes, puts pending operations on top, and swaps: the scopes of the plan now are what
    /// was loaded, at generation and `at_seq` of their manifests, not stale. Other scopes, outbox
    /// and the app's own tables are as before.
    fn finish_load(&mut self, hub_now_ms: i64) -> StoreResult<()>;

    /// Gives up a load under way.
    fn abandon_load(&mut self) -> StoreResult<()>;

    /// Applies pages: rows, cursors, and the move to `sent` of every answered operation up to
    /// `ack_n`, together (points 3 and 9). `hub_now_ms` dates the move.
    fn apply_pull(&mut self, pages: Vec<PulledPage>, ack_n: u64, hub_now_ms: i64) -> StoreResult<()>;

    /// In how many milliseconds the next operation leaves its take-back time; none: none is within it.
    fn held_for_ms(&mut self, _now_ms: i64) -> StoreResult<Option<u64>> {
        Ok(None)
    }

    /// Numbers every operation that has left its take-back time by `now_ms`, in order, then gives
    /// the first ones without a result, ascending: at most `ops_max`, and stops before `bytes_max`
    /// bytes of bodies are passed, but gives at least one.
    fn next_ops(&mut self, now_ms: i64, ops_max: u32, bytes_max: u64) -> StoreResult<Vec<PendingOp>>;

    /// Keeps results. An operation whose number and id match and that has none yet takes it: a
    /// rejected one is no longer replayed and stays visible with its reason; a temporary member id
    /// gets its real one. Other results change nothing.
    fn record_results(&mut self, results: &[OpResult]) -> StoreResult<()>;

    /// Counts that the operation failed alone and returns the count.
    fn note_solo_failure(&mut self, n: u64) -> StoreResult<u32>;

    /// Gives every operation without a result whose number is `n` or above a new number, in order.
    fn renumber_from(&mut self, n: u64) -> StoreResult<()>;

    /// Sums of a scope, none if it is not held.
    fn sums(&mut self, scope: &str) -> StoreResult<Option<ScopeSums>>;

    /// Makes the ranges of the scope exactly what the hub sent: rows that are missing there leave
    /// the scope. Refused (code `cursor_moved`) if the scope is not at `cursor` any more.
    fn replace_ranges(&mut self, cursor: &Cursor, ranges: Vec<DigestRange>) -> StoreResult<()>;

    /// Digests were compared and nothing differs any more.
    fn mark_repaired(&mut self, hub_now_ms: i64) -> StoreResult<()>;

    /// Forgets what `sent` has held for longer than [`crate::sync::SENT_KEEP_MS`], and looked-up
    /// members whose time is over, both by the hub's clock.
    fn prune(&mut self, hub_now_ms: i64) -> StoreResult<()>;

    /// The hub locked this device: what it holds is not shown any more, and not deleted.
    fn lock(&mut self, reason: &str) -> StoreResult<()>;

    /// Keeps what a round did, for support.
    fn note_round(&mut self, _report: &RoundReport, _at_ms: i64) -> StoreResult<()> {
        Ok(())
    }

    /// Keeps looked-up members in no scope, for `keep_ms` from now.
    fn keep_lookup(&mut self, reply: LookupReply, now_ms: i64) -> StoreResult<()>;
}
