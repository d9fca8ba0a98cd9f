//! Requests and replies, one pair an endpoint. Every message travels in an [`Envelope`].

use serde::{Deserialize, Serialize};

use crate::op::{OpEnvelope, OpResult};
use crate::row::Change;

/// Every message with the schema of its writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Schema of the writer.
    pub v: u16,
    /// The message.
    pub body: T,
}

/// `POST /v1/pair`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRequest {
    /// The one-time secret of the pairing code.
    pub secret: String,
    /// What the device calls itself, for the device list.
    pub device_name: String,
}

/// Reply to [`PairRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairReply {
    /// The device's id.
    pub device_id: String,
    /// Long-lived secret with which the device asks for tokens.
    pub refresh_secret: String,
    /// Name of the chain.
    pub chain_name: String,
    /// The device's store.
    pub store_id: String,
    /// Name of the store.
    pub store_name: String,
    /// The member of staff that the code was made for, if it was.
    #[serde(default)]
    pub staff_id: Option<String>,
}

/// `POST /v1/pair/offer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairOfferRequest {
    /// The one-time secret of the pairing code.
    pub secret: String,
}

/// Reply to [`PairOfferRequest`]: what a device shows before it accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairOfferReply {
    /// Name of the chain.
    pub chain_name: String,
    /// Name of the store.
    pub store_name: String,
}

/// `POST /v1/token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The device.
    pub device_id: String,
    /// Its long-lived secret.
    pub refresh_secret: String,
}

/// Reply to [`TokenRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReply {
    /// Short-lived bearer token.
    pub token: String,
    /// How long it holds, in milliseconds from now.
    pub expires_in_ms: i64,
}

/// `POST /v1/hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloRequest {
    /// Schema of the phone.
    pub schema: u16,
    /// Version of the app, for the device list.
    pub app_version: String,
    /// Highest number that the phone has given.
    pub last_n: u64,
    /// The phone's clock, UTC.
    pub now_ms: i64,
}

/// A scope as it stands at the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeHead {
    /// `store:<id>` or `catalogue`.
    pub scope: String,
    /// Rises when the scope must be loaded anew.
    pub generation: u64,
    /// Newest position.
    pub head: u64,
}

/// Reply to [`HelloRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloReply {
    /// The hub's epoch; a new one after a restore from backup.
    pub epoch: String,
    /// Oldest and newest schema that the hub serves.
    pub schema_range: (u16, u16),
    /// Limits.
    pub limits: Limits,
    /// The device's scopes.
    pub scopes: Vec<ScopeHead>,
    /// Highest number that the hub has accepted from this device.
    pub last_n: u64,
    /// Wait at least this long before the next round.
    #[serde(default)]
    pub backoff_ms: u64,
    /// The hub's clock, UTC.
    pub now_ms: i64,
    /// Name of the chain.
    pub chain_name: String,
    /// The device's store, as it is now.
    pub store_id: String,
    /// Public key of the chain's support: diagnostic bundles are sealed for it.
    #[serde(default)]
    pub support_key: Option<String>,
}

/// Limits that the hub sets and both ends keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Rows in a page of pull.
    pub page_rows: u32,
    /// Operations in a push.
    pub push_ops: u32,
    /// Bytes of a body as sent.
    pub body_bytes: u64,
    /// Bytes of a body inflated.
    pub inflated_bytes: u64,
    /// Bytes of one operation.
    pub op_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page_rows: 1_000,
            push_ops: 200,
            body_bytes: 8 << 20,
            inflated_bytes: 64 << 20,
            op_bytes: 256 << 10,
        }
    }
}

/// `GET /v1/snapshot/{scope}`: what to fetch for a first load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The scope.
    pub scope: String,
    /// Its generation.
    pub generation: u64,
    /// The chunks together are the scope as of this position; pull goes on from here.
    pub at_seq: u64,
    /// Chunks in the order of application.
    pub chunks: Vec<ChunkRef>,
    /// Members in all chunks, for progress.
    pub members: u64,
    /// Rows in all chunks, for repair.
    pub rows: u64,
    /// Members of the scope that were ever erased: a phone that loads anew is past the place at which a
    /// pull would tell it, and what it keeps of them itself must go.
    #[serde(default)]
    pub erased: Vec<String>,
}

/// One immutable chunk of a snapshot: `GET /v1/chunk/{sha256}` gives a [`Chunk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkRef {
    /// Digest of the chunk's bytes as sent, in hex.
    pub sha256: String,
    /// Bytes as sent.
    pub bytes: u64,
    /// Members in it.
    pub members: u64,
}

/// The body of a chunk: puts only, `seq` is the row's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The rows.
    pub rows: Vec<Change>,
}

/// A place in a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The scope.
    pub scope: String,
    /// Generation that the phone holds.
    pub generation: u64,
    /// Everything up to here is held.
    pub after: u64,
}

/// `POST /v1/pull`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// The epoch that the cursors belong to.
    pub epoch: String,
    /// A place for each scope.
    pub cursors: Vec<Cursor>,
}

/// Changes of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The scope.
    pub scope: String,
    /// Its generation; another one than asked for means: load anew.
    pub generation: u64,
    /// Changes in ascending order of `seq`.
    pub changes: Vec<Change>,
    /// The new place.
    pub next: u64,
    /// The scope's head when this page was read.
    pub head: u64,
    /// The cursor is older than the tombstones: load anew.
    #[serde(default)]
    pub gone: bool,
}

/// Reply to [`PullRequest`]. At most [`Limits::page_rows`] changes over all scopes together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullReply {
    /// The hub's epoch.
    pub epoch: String,
    /// A page for each scope asked for.
    pub pages: Vec<Page>,
    /// Highest number whose effect is contained in these pages.
    pub ack_n: u64,
    /// The device's scopes as they are now; one that is missing here is dropped by the phone.
    pub scopes: Vec<ScopeHead>,
    /// Wait at least this long before the next round.
    #[serde(default)]
    pub backoff_ms: u64,
}

/// `POST /v1/push`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushRequest {
    /// The epoch that the phone knows.
    pub epoch: String,
    /// Operations in ascending order of `n`.
    pub ops: Vec<OpEnvelope>,
}

/// Reply to [`PushRequest`]: always 200 once the device is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushReply {
    /// The hub's epoch.
    pub epoch: String,
    /// A result for each operation, in order.
    pub results: Vec<OpResult>,
    /// Highest number that the hub has accepted from this device.
    pub last_n: u64,
}

/// `POST /v1/lookup`: a walk-in from another store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupRequest {
    /// Phone number (whole) or member id (a scanned card).
    pub query: String,
    /// Why; required, audited.
    pub reason: String,
    /// Who asks.
    pub staff_id: String,
}

/// Reply to [`LookupRequest`]: rows of the members found, kept 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupReply {
    /// Member, purchases and readings of each.
    pub rows: Vec<Change>,
    /// When the phone must forget them, in milliseconds from now.
    pub keep_ms: i64,
}

/// `GET /v1/history/{member}?before=DAY&limit=N`: lines older than a phone holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryReply {
    /// Older lines, in the form in which purchases travel.
    pub purchases: crate::row::Purchases,
    /// There are older ones still.
    pub more: bool,
}

/// Parameters of `PUT /v1/recording/{attempt}`; the body is the part's bytes as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingPart {
    /// Where the part begins: what the hub has so far.
    pub offset: u64,
    /// Bytes of the whole recording.
    pub bytes: u64,
    /// SHA-256 of the whole recording, in hex.
    pub sha256: String,
    /// For example `audio/mp4`.
    pub media_type: String,
}

/// Bytes of a part of a recording at most. Every part but the last is a multiple of
/// [`RECORDING_STEP_BYTES`].
pub const RECORDING_PART_BYTES_MAX: u64 = 1 << 20;
/// Parts begin at multiples of this.
pub const RECORDING_STEP_BYTES: u64 = 64 << 10;

/// What diagnostic bundles are sealed for.
pub const BUNDLE_PURPOSE: &str = "yaoban diagnostic bundle 1";

/// What the hub has of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingStatus {
    /// The hub's epoch: after another one, what it had may be missing.
    pub epoch: String,
    /// Nothing yet, a part, all of it, or what was deleted.
    pub state: RecordingState,
    /// Digest of what it is receiving or has, in hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Bytes that it has: where the next part begins.
    #[serde(default)]
    pub received: u64,
    /// Why it was deleted, or [`RECORDING_MISMATCH`] if it starts again.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The bytes did not have their digest: all of it is sent again.
pub const RECORDING_MISMATCH: &str = "digest_mismatch";

/// How far a recording is at the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Nothing of it is there.
    Absent,
    /// Parts of it are.
    Receiving,
    /// All of it is, and has its digest.
    Complete,
    /// It was deleted and is not wanted again.
    Deleted,
}

/// `POST /v1/digest`: compares what a phone holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestRequest {
    /// The place up to which the phone holds the scope.
    pub cursor: Cursor,
    /// Sums over the 256 ranges (see [`crate::digest`]).
    pub sums: Vec<u64>,
}

/// Reply to [`DigestRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestReply {
    /// The hub's head; sums compare only if it equals the cursor.
    pub head: u64,
    /// Ranges that differ, with all their rows.
    pub ranges: Vec<DigestRange>,
}

/// One range that differs, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestRange {
    /// 0..=255.
    pub range: u8,
    /// All rows of the range.
    pub rows: Vec<Change>,
}

/// The body of every refusal (a status other than 200).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// Stable code, for example `token_expired`.
    pub code: String,
    /// What was wrong and what to do, in English, without personal data.
    pub message: String,
}
