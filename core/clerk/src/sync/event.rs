//! What goes into the engine and what comes out: plain data, so that a driver, a test and a
//! simulator all run the same engine.

use std::sync::Arc;

use yaoban_protocol::message::{
    Chunk, ChunkRef, Cursor, DigestRange, DigestReply, DigestRequest, HelloReply, HelloRequest, HistoryReply,
    LookupReply, LookupRequest, Manifest, PullReply, PullRequest, PushReply, PushRequest, RecordingPart,
    RecordingStatus, TokenReply, TokenRequest,
};
use yaoban_protocol::op::OpResult;

use super::storage::{Greeting, LoadPlan, PendingOp, PulledPage, ScopeSums, StoreFailure, SyncState};

/// Clock and chance at the moment of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The phone's wall clock, UTC; may be off by days and run backwards.
    pub wall_ms: i64,
    /// A clock that only goes forward; all waiting is measured with it.
    pub mono_ms: u64,
    /// A random number, fresh with each event.
    pub random: u64,
}

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    /// When.
    pub now: Now,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug)]
pub enum What {
    /// A round shall begin.
    Begin(Options),
    /// One call outside a round shall be made: a lookup, older history, the long poll.
    Errand(Call),
    /// A call came back.
    Answered {
        /// The call's id.
        id: u64,
        /// What came back.
        answer: Result<Answer, CallFailure>,
    },
    /// A command to the store was carried out.
    Stored {
        /// The command's id.
        id: u64,
        /// What came of it.
        result: Result<Stored, StoreFailure>,
    },
    /// Time passed. Wanted about every second while a round runs.
    Tick,
    /// The round shall end now.
    Cancel,
}

/// How a round shall be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Compare digests even if that is not due.
    pub repair: bool,
}

/// Something to do, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make a call; answer with [`What::Answered`]. Calls run beside each other.
    Call {
        /// Id to answer with.
        id: u64,
        /// The call.
        call: Call,
        /// Bearer token, none for `/v1/token`.
        token: Option<String>,
        /// Give up after this time.
        timeout_ms: u64,
        /// No reply may inflate to more.
        inflated_bytes_max: u64,
    },
    /// Drop every call under way; answers to them are ignored.
    CancelCalls,
    /// Carry out a command; answer with [`What::Stored`]. One after another, in order.
    Store {
        /// Id to answer with.
        id: u64,
        /// The command.
        command: Command,
    },
    /// Tell how far the round is.
    Progress(Progress),
    /// The round or errand is over.
    Finished(Box<RoundReport>),
}

/// A call to the hub. See [`super::wire`] for its form as HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A new token.
    Token(TokenRequest),
    /// Beginning of a round.
    Hello(HelloRequest),
    /// What a first load of the scope consists of.
    Manifest {
        /// The scope.
        scope: String,
    },
    /// One chunk.
    Chunk {
        /// Its index over all manifests of the load.
        index: u32,
        /// Which.
        chunk: ChunkRef,
    },
    /// Changes.
    Pull(PullRequest),
    /// Operations.
    Push(PushRequest),
    /// Comparison of sums.
    Digest(DigestRequest),
    /// Long poll.
    Wait(Vec<Cursor>),
    /// A walk-in from another store.
    Lookup(LookupRequest),
    /// Older lines of a member.
    History {
        /// Whose.
        member_id: String,
        /// Only lines before this day number.
        before_day: i32,
        /// At most this many.
        limit: u32,
    },
    /// What the hub has of a recording.
    Recording {
        /// The call.
        attempt_id: String,
    },
    /// A part of a recording.
    RecordingPart {
        /// The call.
        attempt_id: String,
        /// What it is.
        part: RecordingPart,
        /// Its bytes.
        body: Arc<Vec<u8>>,
    },
}

/// What a call brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Call::Token`].
    Token(TokenReply),
    /// To [`Call::Hello`].
    Hello(HelloReply),
    /// To [`Call::Manifest`].
    Manifest(Manifest),
    /// To [`Call::Chunk`]; its digest was checked.
    Chunk(Chunk),
    /// To [`Call::Pull`].
    Pull(PullReply),
    /// To [`Call::Push`].
    Push(PushReply),
    /// To [`Call::Digest`].
    Digest(DigestReply),
    /// To [`Call::Wait`].
    Wait {
        /// A scope has moved: there is something to pull. Otherwise the hub's patience ended.
        moved: bool,
    },
    /// To [`Call::Lookup`].
    Lookup(LookupReply),
    /// To [`Call::History`].
    History(HistoryReply),
    /// To [`Call::Recording`] and [`Call::RecordingPart`].
    Recording(RecordingStatus),
}

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// Stable code: the hub's own for a refusal, else one of [`super::code`].
    pub code: String,
    /// What was wrong, without personal data.
    pub message: String,
    /// The hub asks not to be called before this many milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// Kinds of failed calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No connection: nothing was carried out.
    Unreachable,
    /// The connection broke before the answer was whole; the call may have been carried out.
    Broken,
    /// Somebody answered who is not the paired hub.
    NotTrusted,
    /// No answer in time; it may have been carried out.
    TimedOut,
    /// The answer could not be read, or is larger than allowed.
    Garbled,
    /// The hub refused, with this status.
    Refused(u16),
}

/// A command to the store, one for each method of [`super::storage::SyncStore`] that rounds use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `state`
    State,
    /// `adopt`
    Adopt {
        /// What hello told.
        greeting: Greeting,
        /// The hub went back to a backup.
        restored: bool,
    },
    /// `drop_scope`
    DropScope(String),
    /// `begin_load`
    BeginLoad(LoadPlan),
    /// `load_chunk`
    LoadChunk {
        /// Index over all manifests.
        index: u32,
        /// The rows.
        chunk: Chunk,
    },
    /// `finish_load`
    FinishLoad {
        /// The hub's clock.
        hub_now_ms: i64,
    },
    /// `abandon_load`
    AbandonLoad,
    /// `apply_pull`
    ApplyPull {
        /// The pages.
        pages: Vec<PulledPage>,
        /// Acknowledged number.
        ack_n: u64,
        /// The hub's clock.
        hub_now_ms: i64,
    },
    /// `next_ops`
    NextOps {
        /// The phone's clock.
        now_ms: i64,
        /// At most so many.
        ops_max: u32,
        /// At most so many bytes.
        bytes_max: u64,
    },
    /// `record_results`
    RecordResults(Vec<OpResult>),
    /// `note_solo_failure`
    NoteSoloFailure {
        /// The operation's number.
        n: u64,
    },
    /// `renumber_from`
    RenumberFrom {
        /// The first number.
        n: u64,
    },
    /// `sums`
    Sums {
        /// The scope.
        scope: String,
    },
    /// `replace_ranges`
    ReplaceRanges {
        /// Where the scope is.
        cursor: Cursor,
        /// The ranges.
        ranges: Vec<DigestRange>,
    },
    /// `mark_repaired`
    MarkRepaired {
        /// The hub's clock.
        hub_now_ms: i64,
    },
    /// `prune`
    Prune {
        /// The hub's clock.
        hub_now_ms: i64,
    },
    /// `lock`
    Lock {
        /// Why.
        reason: String,
    },
}

/// What a command brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Done.
    Done,
    /// From `state` and `adopt`.
    State(Box<SyncState>),
    /// From `next_ops`.
    Ops(Vec<PendingOp>),
    /// From `note_solo_failure`.
    SoloFailures(u32),
    /// From `sums`.
    Sums(Option<ScopeSums>),
}

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// So much of it is done, in the stage's own unit.
    pub done: u64,
    /// Of so much, 0 if not known.
    pub total: u64,
}

/// Stages of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The hub is being greeted.
    Connecting,
    /// A first load; unit: members.
    Loading,
    /// The load is in; indexes are being made.
    Indexing,
    /// Changes come in; unit: rows.
    Pulling,
    /// Operations go out; unit: operations.
    Pushing,
    /// Digests are compared; unit: scopes.
    Checking,
}

/// Why a round, or one direction of it, ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Stable code: one of [`super::code`], the hub's own, or the store's own.
    pub code: String,
    /// What was wrong, without personal data.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl From<CallFailure> for Problem {
    fn from(failure: CallFailure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
        }
    }
}

impl From<StoreFailure> for Problem {
    fn from(failure: StoreFailure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
        }
    }
}

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoundReport {
    /// Everything that the hub had when the round began is here.
    pub up_to_date: bool,
    /// Rows that came in by pull.
    pub pulled_rows: u64,
    /// Scopes that were loaded whole.
    pub loaded_scopes: Vec<String>,
    /// Id ranges that were repaired.
    pub repaired_ranges: u32,
    /// Operations that got their result.
    pub pushed_ops: u64,
    /// Of these, rejected with a reason for the clerk to see.
    pub rejected_ops: u64,
    /// Of these, parked at the hub.
    pub parked_ops: u64,
    /// What ended the round before either direction began.
    pub problem: Option<Problem>,
    /// What ended the way down.
    pub pull_problem: Option<Problem>,
    /// What ended the way up.
    pub push_problem: Option<Problem>,
    /// Wait at least this long before the next round.
    pub next_delay_ms: u64,
    /// Where the phone stands, for the long poll; empty if it must not be used.
    pub wait_at: Vec<Cursor>,
    /// What the errand brought.
    pub errand: Option<Answer>,
    /// What the hub said of itself, if it answered.
    pub hub: Option<HubSeen>,
}

/// What a hub says of itself when it is greeted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSeen {
    /// The phone's clock minus the hub's, in milliseconds.
    pub clock_skew_ms: i64,
    /// Public key of the chain's support.
    pub support_key: Option<String>,
}

impl RoundReport {
    /// The first thing that went wrong, if anything did.
    pub fn first_problem(&self) -> Option<&Problem> {
        self.problem
            .as_ref()
            .or(self.pull_problem.as_ref())
            .or(self.push_problem.as_ref())
    }

    /// The report, or the first thing that went wrong.
    pub fn checked(self) -> Result<Self, Problem> {
        match self.first_problem() {
            Some(problem) => Err(problem.clone()),
            None => Ok(self),
        }
    }
}
