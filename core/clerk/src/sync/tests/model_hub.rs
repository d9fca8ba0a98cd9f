//! A hub in memory: the other side of the protocol in the fewest lines, on typed messages. An
//! operation's effect is a row `note` with the operation's id.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{
    Chunk, ChunkRef, DigestRange, DigestReply, HelloReply, HistoryReply, Limits, LookupReply, Manifest, Page,
    PullReply, PullRequest, PushReply, PushRequest, RecordingState, RecordingStatus, ScopeHead, TokenReply,
};
use yaoban_protocol::op::{OpEnvelope, OpResult, OpStatus};
use yaoban_protocol::row::{Change, ChangeKind, Purchases};
use yaoban_protocol::{SCHEMA, codec, digest};

use super::memory::{Key, serde_bytes_buf};
use crate::sync::event::{Answer, Call, CallFailure, FailureKind};

pub const STORE: &str = "store:1";
pub const CATALOGUE: &str = "catalogue";

#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub generation: u64,
    pub head: u64,
    pub pruned: u64,
    pub rows: BTreeMap<Key, (u64, ChangeKind, Vec<u8>)>,
}

/// What a backup holds.
#[derive(Debug, Clone)]
pub struct Data {
    pub scopes: BTreeMap<String, Scope>,
    /// Results by `n`.
    pub results: BTreeMap<u64, OpResult>,
    /// How often each operation took effect.
    pub effects: BTreeMap<String, u32>,
    pub parked: Vec<OpEnvelope>,
}

#[derive(Debug, Clone)]
pub struct ModelHub {
    pub epoch: u64,
    pub data: Data,
    pub chunks: BTreeMap<String, Vec<u8>>,
    pub token_serial: u64,
    pub now_ms: i64,
    pub limits: Limits,
    pub schema_range: (u16, u16),
    pub revoked: bool,
    pub backoff_ms: u64,
    pub chunk_rows: usize,
    /// Pushes that hold an unparked op whose body is this fail with a 500.
    pub poison: &'static [u8],
}

pub fn refuse(status: u16, code: &str) -> CallFailure {
    CallFailure {
        kind: FailureKind::Refused(status),
        code: code.to_owned(),
        message: format!("status {status}"),
        retry_after_ms: None,
    }
}

pub fn unreachable() -> CallFailure {
    CallFailure {
        kind: FailureKind::Unreachable,
        ..refuse(0, FailureKind::Unreachable.code())
    }
}

pub fn timed_out() -> CallFailure {
    CallFailure {
        kind: FailureKind::TimedOut,
        ..refuse(0, FailureKind::TimedOut.code())
    }
}

type Reply<T> = Result<T, CallFailure>;

impl ModelHub {
    pub fn new() -> Self {
        let scope = Scope {
            generation: 1,
            ..Scope::default()
        };
        let scopes = [(STORE.to_owned(), scope.clone()), (CATALOGUE.to_owned(), scope)].into();
        Self {
            epoch: 1,
            data: Data {
                scopes,
                results: BTreeMap::new(),
                effects: BTreeMap::new(),
                parked: Vec::new(),
            },
            chunks: BTreeMap::new(),
            token_serial: 1,
            now_ms: 1_000_000_000_000,
            limits: Limits {
                page_rows: 5,
                push_ops: 8,
                ..Limits::default()
            },
            schema_range: (SCHEMA, SCHEMA),
            revoked: false,
            backoff_ms: 0,
            chunk_rows: 3,
            poison: b"poison",
        }
    }

    pub fn last_n(&self) -> u64 {
        self.data.results.keys().next_back().copied().unwrap_or(0)
    }

    pub fn scope(&mut self, scope: &str) -> &mut Scope {
        self.data.scopes.get_mut(scope).expect("scope exists")
    }

    pub fn put(&mut self, scope: &str, entity: &str, id: &str, body: &[u8]) {
        self.change(scope, entity, id, ChangeKind::Put, body);
    }

    pub fn change(&mut self, scope: &str, entity: &str, id: &str, kind: ChangeKind, body: &[u8]) {
        let scope = self.scope(scope);
        scope.head += 1;
        scope
            .rows
            .insert((entity.into(), id.into()), (scope.head, kind, body.to_vec()));
    }

    /// Forgets tombstones: older cursors are gone.
    pub fn prune(&mut self, scope: &str) {
        let scope = self.scope(scope);
        scope.rows.retain(|_, (_, kind, _)| *kind == ChangeKind::Put);
        scope.pruned = scope.head;
    }

    pub fn restore(&mut self, backup: Data) {
        self.data = backup;
        self.epoch += 1;
    }

    fn epoch_name(&self) -> String {
        format!("e{}", self.epoch)
    }

    fn heads(&self) -> Vec<ScopeHead> {
        let head = |(scope, s): (&String, &Scope)| ScopeHead {
            scope: scope.clone(),
            generation: s.generation,
            head: s.head,
        };
        self.data.scopes.iter().map(head).collect()
    }

    pub fn answer(&mut self, call: &Call, token: Option<&str>) -> Reply<Answer> {
        if self.revoked {
            return Err(refuse(401, refusal::DEVICE_REVOKED));
        }
        if let Call::Token(_) = call {
            let token = format!("t{}", self.token_serial);
            return Ok(Answer::Token(TokenReply {
                token,
                expires_in_ms: 3_600_000,
            }));
        }
        if token != Some(format!("t{}", self.token_serial).as_str()) {
            return Err(refuse(401, refusal::TOKEN_EXPIRED));
        }
        match call {
            Call::Token(_) | Call::Wait(_) => Ok(Answer::Wait { moved: true }),
            Call::Hello(_) => Ok(Answer::Hello(HelloReply {
                epoch: self.epoch_name(),
                schema_range: self.schema_range,
                limits: self.limits,
                scopes: self.heads(),
                last_n: self.last_n(),
                backoff_ms: self.backoff_ms,
                now_ms: self.now_ms,
                chain_name: "chain".into(),
                store_id: "1".into(),
                support_key: None,
            })),
            Call::Manifest { scope } => self.manifest(scope).map(Answer::Manifest),
            Call::Chunk { chunk, .. } => {
                let bytes = self
                    .chunks
                    .get(&chunk.sha256)
                    .ok_or_else(|| refuse(404, refusal::CHUNK_UNKNOWN))?;
                Ok(Answer::Chunk(
                    codec::decode(bytes, 1 << 20).expect("own bytes").body,
                ))
            }
            Call::Pull(request) => self.pull(request).map(Answer::Pull),
            Call::Push(request) => self.push(request).map(Answer::Push),
            Call::Digest(request) => {
                let empty = Scope::default();
                let scope = self.data.scopes.get(&request.cursor.scope).unwrap_or(&empty);
                let own = digest::sums(puts(scope).map(|c| (c.0.as_str(), c.1.as_str(), c.2)));
                let differ = (0..=u8::MAX).filter(|r| own[usize::from(*r)] != request.sums[usize::from(*r)]);
                let rows = |range: u8| {
                    let rows = scope
                        .rows
                        .iter()
                        .filter(|((e, i), row)| row.1 == ChangeKind::Put && digest::range_of(e, i) == range);
                    rows.map(|(key, row)| change(key, row)).collect()
                };
                let ranges = differ
                    .map(|range| DigestRange {
                        range,
                        rows: rows(range),
                    })
                    .collect();
                Ok(Answer::Digest(DigestReply {
                    head: scope.head,
                    ranges,
                }))
            }
            Call::Lookup(_) => Ok(Answer::Lookup(LookupReply {
                rows: Vec::new(),
                keep_ms: 1,
            })),
            Call::History { .. } => Ok(Answer::History(HistoryReply {
                purchases: Purchases::default(),
                more: false,
            })),
            Call::Recording { .. } | Call::RecordingPart { .. } => Ok(Answer::Recording(RecordingStatus {
                epoch: self.epoch_name(),
                state: RecordingState::Absent,
                sha256: None,
                received: 0,
                reason: None,
            })),
        }
    }

    fn manifest(&mut self, name: &str) -> Reply<Manifest> {
        let scope = self
            .data
            .scopes
            .get(name)
            .ok_or_else(|| refuse(404, "scope_unknown"))?;
        let rows: Vec<Change> = scope
            .rows
            .iter()
            .filter(|(_, r)| r.1 == ChangeKind::Put)
            .map(|(k, r)| change(k, r))
            .collect();
        let mut chunks = Vec::new();
        for part in rows.chunks(self.chunk_rows) {
            let bytes = codec::encode(&Chunk { rows: part.to_vec() }).expect("encodes");
            let sha256 = hex::encode(Sha256::digest(&bytes));
            chunks.push(ChunkRef {
                sha256: sha256.clone(),
                bytes: bytes.len() as u64,
                members: part.len() as u64,
            });
            self.chunks.insert(sha256, bytes);
        }
        Ok(Manifest {
            scope: name.to_owned(),
            generation: scope.generation,
            at_seq: scope.head,
            members: rows.len() as u64,
            rows: rows.len() as u64,
            chunks,
            erased: Vec::new(),
        })
    }

    fn pull(&self, request: &PullRequest) -> Reply<PullReply> {
        if request.epoch != self.epoch_name() {
            return Err(refuse(409, refusal::EPOCH_CHANGED));
        }
        let mut room = self.limits.page_rows as usize;
        let mut complete = true;
        let mut pages = Vec::new();
        for cursor in &request.cursors {
            let Some(scope) = self.data.scopes.get(&cursor.scope) else {
                continue;
            };
            let gone = cursor.after < scope.pruned || cursor.generation != scope.generation;
            let mut changes: Vec<Change> = Vec::new();
            if !gone {
                changes = scope
                    .rows
                    .iter()
                    .filter(|(_, r)| r.0 > cursor.after)
                    .map(|(k, r)| change(k, r))
                    .collect();
                changes.sort_by_key(|c| c.seq);
            }
            let cut = changes.len() > room;
            changes.truncate(room);
            room -= changes.len();
            complete &= !cut && !gone;
            let next = if cut {
                changes.last().map_or(cursor.after, |c| c.seq)
            } else {
                scope.head
            };
            let next = if gone { cursor.after } else { next };
            let generation = scope.generation;
            pages.push(Page {
                scope: cursor.scope.clone(),
                generation,
                changes,
                next,
                head: scope.head,
                gone,
            });
        }
        let ack_n = if complete { self.last_n() } else { 0 };
        Ok(PullReply {
            epoch: self.epoch_name(),
            pages,
            ack_n,
            scopes: self.heads(),
            backoff_ms: self.backoff_ms,
        })
    }

    fn push(&mut self, request: &PushRequest) -> Reply<PushReply> {
        if request.epoch != self.epoch_name() {
            return Err(refuse(409, refusal::EPOCH_CHANGED));
        }
        if request
            .ops
            .iter()
            .any(|o| !o.parked && o.body.as_slice() == self.poison)
        {
            return Err(refuse(500, "internal"));
        }
        let too_large = |op: &&OpEnvelope| !op.parked && op.body.len() as u64 > self.limits.op_bytes;
        if request.ops.iter().any(|op| too_large(&op)) {
            return Err(refuse(413, refusal::TOO_LARGE));
        }
        let results = request.ops.iter().map(|op| self.take(op)).collect();
        Ok(PushReply {
            epoch: self.epoch_name(),
            results,
            last_n: self.last_n(),
        })
    }

    fn take(&mut self, op: &OpEnvelope) -> OpResult {
        if let Some(stored) = self.data.results.get(&op.n) {
            return stored.clone();
        }
        assert!(
            op.n > self.last_n() || self.data.effects.contains_key(&op.op_id),
            "n rises strictly"
        );
        let status = if op.parked {
            self.data.parked.push(op.clone());
            OpStatus::Parked
        } else if op.body.as_slice() == b"bad" {
            OpStatus::Rejected
        } else if self.data.effects.contains_key(&op.op_id) {
            OpStatus::Duplicate
        } else {
            *self.data.effects.entry(op.op_id.clone()).or_default() += 1;
            self.put(STORE, "note", &op.op_id, &op.body);
            OpStatus::Applied
        };
        let result = OpResult {
            n: op.n,
            op_id: op.op_id.clone(),
            status,
            reason: (status == OpStatus::Rejected).then(|| "bad".to_owned()),
            values: Vec::new(),
            member_id: None,
        };
        self.data.results.insert(op.n, result.clone());
        result
    }
}

fn change(key: &Key, row: &(u64, ChangeKind, Vec<u8>)) -> Change {
    let body = if row.1 == ChangeKind::Put {
        row.2.as_slice()
    } else {
        &[]
    };
    Change {
        seq: row.0,
        entity: key.0.clone(),
        id: key.1.clone(),
        kind: row.1,
        body: serde_bytes_buf(body),
    }
}

fn puts(scope: &Scope) -> impl Iterator<Item = (&String, &String, u64)> {
    scope
        .rows
        .iter()
        .filter(|(_, r)| r.1 == ChangeKind::Put)
        .map(|((e, i), r)| (e, i, r.0))
}
