//! Sync with the hub. The points named here are those of the protocol.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`engine`] | the state machine: `step(event) -> effects`; `pull`, `load`, `repair` and `push` are its parts |
//! | [`event`] | what goes in and what comes out |
//! | [`storage`] | what the engine needs of a store; [`carry_out`] carries out commands on it |
//! | [`backoff`] | how long to wait |
//! | [`transport`], [`wire`] | one HTTP exchange in bytes; calls as requests, responses as answers |
//! | [`http`], [`driver`], [`background`] | production: HTTPS with a pinned certificate, blocking functions, the loop |

pub mod background;
pub mod backoff;
mod carry_out;
pub mod driver;
pub mod engine;
pub mod event;
pub mod http;
mod load;
mod pull;
mod push;
mod repair;
pub mod storage;
#[cfg(test)]
mod tests;
pub mod transport;
pub mod wire;

pub use background::{Background, BackgroundListener, Wake};
pub use carry_out::carry_out;
pub use driver::{Cancel, Deaf, Driver, SyncListener};
pub use engine::{Engine, WATCHDOG_MS};
pub use event::{HubSeen, Options, Problem, Progress, RoundReport, Stage};
pub use http::Https;
pub use pull::SAME_CURSOR_REPLIES_MAX;
pub use push::SOLO_FAILURES_MAX;
pub use repair::REPAIR_EVERY_MS;
pub use storage::{
    Greeting, HeldScope, LoadPlan, LoadProgress, Pairing, PendingOp, PulledPage, ScopeSums, StoreFailure,
    StoreResult, SyncState, SyncStore,
};
pub use transport::Connect;

/// Shape of the rows that this build stores. Raised when an app update must fetch scopes anew.
pub const SHAPE: u16 = 1;

/// Acknowledged operations are kept this long, for a hub that comes back from a backup (point 10).
pub const SENT_KEEP_MS: i64 = 35 * 24 * 3_600_000;

/// Codes of problems that the phone itself finds; the hub's own are in
/// [`yaoban_protocol::endpoint::refusal`].
pub mod code {
    /// No connection to the hub; everything goes on offline.
    pub const HUB_UNREACHABLE: &str = "hub_unreachable";
    /// Somebody answered who does not hold the certificate of the pairing code.
    pub const HUB_NOT_TRUSTED: &str = "hub_not_trusted";
    /// No answer in time.
    pub const TIMED_OUT: &str = "timed_out";
    /// An answer that cannot be read or does not fit the question.
    pub const REPLY_UNREADABLE: &str = "reply_unreadable";
    /// The hub refused without a reason that can be read.
    pub const REFUSED: &str = "refused";
    /// The device was never paired.
    pub const NOT_PAIRED: &str = "not_paired";
    /// The text is no pairing code.
    pub const PAIR_CODE_BAD: &str = "pair_code_bad";
    /// The device is paired already.
    pub const ALREADY_PAIRED: &str = "already_paired";
    /// The device holds data of another chain.
    pub const OTHER_CHAIN: &str = "other_chain";
    /// The hub names no scope for the device.
    pub const NO_SCOPES: &str = "no_scopes";
    /// Nothing moves although there is more.
    pub const NO_PROGRESS: &str = "no_progress";
    /// The hub's scopes change faster than they can be loaded.
    pub const HUB_UNSETTLED: &str = "hub_unsettled";
    /// The clerk or the system ended the round.
    pub const CANCELLED: &str = "cancelled";
    /// Another round is under way.
    pub const SYNC_RUNNING: &str = "sync_running";
    /// A mistake in the engine or its driver.
    pub const ENGINE_STATE: &str = "engine_state";
}
