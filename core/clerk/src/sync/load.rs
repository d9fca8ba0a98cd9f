//! The first load of scopes by manifest and chunks (point 4): resumable, fetched ahead, applied in
//! order into a fresh file while the app stays usable.

use std::collections::BTreeMap;

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{Chunk, Manifest, ScopeHead};

use super::engine::{Engine, Lane};
use super::event::{Answer, Call, CallFailure, Command, FailureKind, Problem, Stage, Stored};
use super::storage::{LoadPlan, StoreFailure};
use super::{SHAPE, code};

/// Chunks on their way or waiting to be applied: bounds memory.
const CHUNKS_AHEAD_MAX: u32 = 2;
/// A chunk is fetched at most this often in one load.
const CHUNK_TRIES_MAX: u32 = 3;
/// A hub that is preparing the list of chunks is asked again after this time at most; one that wants more
/// is not preparing it, and the round ends with its hint …
const MANIFEST_WAIT_MS: u64 = 5_000;
/// … and so often within one round.
const MANIFEST_TRIES_MAX: u32 = 30;
/// A manifest with more chunks is not believed.
const CHUNKS_MAX: usize = 20_000;
/// Nor one with a larger chunk.
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// Where a load is.
pub(super) struct Loading {
    /// Scopes whose manifests are still to be fetched, the next one last.
    wanted: Vec<String>,
    manifests: Vec<Manifest>,
    plan: Option<LoadPlan>,
    /// Chunks that the store has.
    done: u32,
    /// The next chunk to ask for.
    next: u32,
    arrived: BTreeMap<u32, Chunk>,
    tries: BTreeMap<u32, u32>,
    storing: Storing,
    /// The hub prepares the list of chunks: ask again from this moment on.
    ask_again_mono_ms: Option<u64>,
    asked_again: u32,
}

/// What the store is at work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storing {
    Nothing,
    Beginning,
    Chunk,
    Finishing,
}

impl Engine {
    /// Goes on with a load that was interrupted if it still fits, else fetches the manifests.
    pub(super) fn load_begin(&mut self, wanted: &[ScopeHead]) -> Loading {
        let mut loading = Loading {
            wanted: Vec::new(),
            manifests: Vec::new(),
            plan: None,
            done: 0,
            next: 0,
            arrived: BTreeMap::new(),
            tries: BTreeMap::new(),
            storing: Storing::Nothing,
            ask_again_mono_ms: None,
            asked_again: 0,
        };
        if let Some(progress) = self.round.state.load.take()
            && self.is_current(&progress.plan, wanted)
        {
            loading.done = progress.chunks_done;
            loading.next = progress.chunks_done;
            loading.plan = Some(progress.plan);
            self.load_pump(&mut loading);
            return loading;
        }
        loading.wanted = wanted.iter().rev().map(|s| s.scope.clone()).collect();
        self.load_ask_manifest(&loading);
        loading
    }

    /// The plan brings what is wanted now: nothing else, from the same epoch and generations.
    fn is_current(&self, plan: &LoadPlan, wanted: &[ScopeHead]) -> bool {
        let fits = |m: &Manifest| {
            wanted
                .iter()
                .any(|w| w.scope == m.scope && w.generation == m.generation)
        };
        Some(&plan.epoch) == self.round.state.epoch.as_ref()
            && plan.shape == SHAPE
            && !plan.manifests.is_empty()
            && plan.manifests.iter().all(fits)
    }

    fn load_ask_manifest(&mut self, loading: &Loading) {
        if let Some(scope) = loading.wanted.last() {
            self.ask(Lane::Pull, Call::Manifest { scope: scope.clone() });
        }
    }

    /// Takes in an answer; gives the load back if it goes on.
    pub(super) fn load_answer(
        &mut self,
        mut loading: Loading,
        call: Call,
        answer: Result<Answer, CallFailure>,
    ) -> Option<Loading> {
        match (call, answer) {
            (Call::Manifest { scope }, Ok(Answer::Manifest(manifest))) if is_sound(&manifest, &scope) => {
                self.moved();
                loading.wanted.pop();
                loading.manifests.push(manifest);
                if loading.wanted.is_empty() {
                    self.load_plan(&mut loading)?;
                } else {
                    self.load_ask_manifest(&loading);
                }
            }
            (Call::Chunk { index, .. }, Ok(Answer::Chunk(chunk))) => {
                loading.arrived.insert(index, chunk);
                self.load_pump(&mut loading);
            }
            (Call::Manifest { .. }, Err(failure))
                if failure.code == refusal::BUSY
                    && loading.asked_again < MANIFEST_TRIES_MAX
                    && failure.retry_after_ms.unwrap_or(0) <= MANIFEST_WAIT_MS =>
            {
                let wait_ms = failure.retry_after_ms.unwrap_or(MANIFEST_WAIT_MS);
                loading.ask_again_mono_ms = Some(self.now.mono_ms + wait_ms);
                loading.asked_again += 1;
            }
            (call @ Call::Chunk { .. }, Err(failure)) => {
                return self.load_chunk_failed(loading, call, failure);
            }
            (_, Err(failure)) => {
                self.load_call_failed(failure);
                return None;
            }
            (_, Ok(_)) => {
                self.load_fail(Problem::new(
                    code::REPLY_UNREADABLE,
                    "the hub's list of chunks does not fit what was asked",
                ));
                return None;
            }
        }
        Some(loading)
    }

    /// Time passed.
    pub(super) fn load_tick(&mut self, loading: &mut Loading) {
        if loading.ask_again_mono_ms.is_some_and(|at| self.now.mono_ms >= at) {
            loading.ask_again_mono_ms = None;
            self.load_ask_manifest(loading);
        }
    }

    fn load_plan(&mut self, loading: &mut Loading) -> Option<()> {
        let Some(epoch) = self.round.state.epoch.clone() else {
            self.load_fail(Problem::new(code::ENGINE_STATE, "a load without an epoch"));
            return None;
        };
        let plan = LoadPlan {
            epoch,
            manifests: std::mem::take(&mut loading.manifests),
            shape: SHAPE,
        };
        loading.plan = Some(plan.clone());
        loading.storing = Storing::Beginning;
        self.command(Lane::Pull, Command::BeginLoad(plan));
        Some(())
    }

    fn load_chunk_failed(
        &mut self,
        mut loading: Loading,
        call: Call,
        failure: CallFailure,
    ) -> Option<Loading> {
        let Call::Chunk { index, .. } = call else {
            return Some(loading);
        };
        if failure.code == refusal::CHUNK_UNKNOWN {
            // The hub has made a newer snapshot: ask what it consists of.
            self.retire(Lane::Pull);
            self.pull_plan();
            return None;
        }
        let tries = loading.tries.entry(index).or_insert(1);
        *tries += 1;
        let worth_it = matches!(
            failure.kind,
            FailureKind::TimedOut | FailureKind::Broken | FailureKind::Garbled | FailureKind::Refused(500..)
        );
        if !worth_it || *tries > CHUNK_TRIES_MAX {
            self.load_call_failed(failure);
            return None;
        }
        self.ask(Lane::Pull, call);
        Some(loading)
    }

    /// Asks for chunks ahead, and gives the next one to the store.
    fn load_pump(&mut self, loading: &mut Loading) {
        let Some(plan) = &loading.plan else { return };
        let total = plan.chunks();
        let mut calls = Vec::new();
        while loading.next < total && loading.next < loading.done + CHUNKS_AHEAD_MAX {
            if let Some((_, chunk)) = plan.chunk(loading.next) {
                calls.push(Call::Chunk {
                    index: loading.next,
                    chunk: chunk.clone(),
                });
            }
            loading.next += 1;
        }
        let (members_done, members_total) = (plan.members_in(loading.done), plan.members_in(total));
        for call in calls {
            self.ask(Lane::Pull, call);
        }
        if loading.storing != Storing::Nothing {
            return;
        }
        if loading.done == total {
            loading.storing = Storing::Finishing;
            self.progress(Stage::Indexing, members_total, members_total);
            self.command(
                Lane::Pull,
                Command::FinishLoad {
                    hub_now_ms: self.round.hub_now_ms,
                },
            );
        } else if let Some(chunk) = loading.arrived.remove(&loading.done) {
            loading.storing = Storing::Chunk;
            self.progress(Stage::Loading, members_done, members_total);
            self.command(
                Lane::Pull,
                Command::LoadChunk {
                    index: loading.done,
                    chunk,
                },
            );
        }
    }

    /// Takes in what the store did; gives the load back if it goes on.
    pub(super) fn load_stored(
        &mut self,
        mut loading: Loading,
        result: Result<Stored, StoreFailure>,
    ) -> Option<Loading> {
        if let Err(failure) = result {
            self.load_fail(failure.into());
            return None;
        }
        self.lasting_progress();
        match std::mem::replace(&mut loading.storing, Storing::Nothing) {
            Storing::Nothing | Storing::Beginning => {}
            Storing::Chunk => loading.done += 1,
            Storing::Finishing => {
                let manifests = loading.plan.map(|p| p.manifests).unwrap_or_default();
                let scopes: Vec<String> = manifests.into_iter().map(|m| m.scope).collect();
                self.load_done(&scopes);
                return None;
            }
        }
        self.load_pump(&mut loading);
        Some(loading)
    }

    /// A load cannot go on. Without a connection nothing else can, either.
    fn load_call_failed(&mut self, failure: CallFailure) {
        match failure.kind {
            FailureKind::Unreachable | FailureKind::NotTrusted => self.pull_fail(failure.into()),
            _ => self.load_fail(failure.into()),
        }
    }
}

/// The manifest is of this scope, and within reason.
fn is_sound(manifest: &Manifest, scope: &str) -> bool {
    manifest.scope == scope
        && manifest.chunks.len() <= CHUNKS_MAX
        && manifest
            .chunks
            .iter()
            .all(|c| c.bytes <= CHUNK_BYTES_MAX && c.sha256.len() == 64)
}
