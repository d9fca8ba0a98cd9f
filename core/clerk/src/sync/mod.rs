//! Sync with the hub (see `docs/sync.md` for the protocol, whose points are named in the code).
//!
//! | module | what belongs there |
//! |---|---|
//! | [`storage`] | what the engine needs of a store |

pub mod storage;

pub use storage::{
    Greeting, HeldScope, LoadPlan, LoadProgress, Pairing, PendingOp, PulledPage, ScopeSums, StoreFailure,
    StoreResult, SyncState, SyncStore,
};

/// Shape of the rows that this build stores. Raised when an app update must fetch scopes anew.
pub const SHAPE: u16 = 1;

/// Acknowledged operations are kept this long, for a hub that comes back from a backup (point 10).
pub const SENT_KEEP_MS: i64 = 35 * 24 * 3_600_000;

/// Codes of failures that end a round.
pub mod code {
    /// No connection, or none that proves to be the paired hub.
    pub const HUB_UNREACHABLE: &str = "hub_unreachable";
}
