//! The way down: scopes that went, first loads, changes, and what to do when nothing moves
//! (points 2, 3, 4 and 12). Repair by digests is in [`super::repair`].

use std::collections::{BTreeMap, BTreeSet};

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{Cursor, Page, PullReply, PullRequest, ScopeHead};

use super::engine::{Engine, Lane};
use super::event::{Answer, Call, CallFailure, Command, Problem, Stage, Stored};
use super::load::Loading;
use super::repair::Repair;
use super::storage::{HeldScope, PulledPage, StoreFailure};
use super::{SHAPE, code};

/// Replies in a row that left every cursor where it was, before the next rung of the ladder.
pub const SAME_CURSOR_REPLIES_MAX: u32 = 5;
/// A phone that went up the whole ladder may climb it again after this time.
const LADDER_REST_MS: u64 = 24 * 3_600_000;
/// Loads in one round: scopes may change under it, but not for ever.
const LOADS_MAX: u32 = 3;

#[derive(Default)]
enum Step {
    /// Not begun, or through.
    #[default]
    Ended,
    Dropping(String),
    /// A load that nobody needs any more is given up.
    Abandoning,
    Loading(Loading),
    /// The state is read again after a load.
    Rereading,
    Calling,
    Applying(Vec<Cursor>),
    Repairing(Repair),
}

/// Where the way down is.
#[derive(Default)]
pub(super) struct Pull {
    step: Step,
    /// The device's scopes, as the hub last told.
    scopes: Vec<ScopeHead>,
    /// The heads to get past; taken from the next reply where there is none.
    targets: BTreeMap<String, u64>,
    /// Scopes to load anew although they look sound.
    anew: BTreeSet<String>,
    loads: u32,
    /// Loading failed in this round: only scopes that are sound are pulled.
    load_failed: bool,
    repair_done: bool,
}

impl Pull {
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.step, Step::Ended)
    }

    pub(super) fn end(&mut self) {
        self.step = Step::Ended;
    }
}

impl Engine {
    pub(super) fn pull_begin(&mut self, scopes: Vec<ScopeHead>) {
        self.round.pull.targets = scopes.iter().map(|s| (s.scope.clone(), s.head)).collect();
        self.round.pull.scopes = scopes;
        self.pull_plan();
    }

    /// The second pass: what the pushed operations caused.
    pub(super) fn pull_again(&mut self) {
        self.round.pull.targets.clear();
        self.pull_next();
    }

    /// Brings the scopes held in line with the scopes of the device, then pulls.
    pub(super) fn pull_plan(&mut self) {
        if let Some(gone) = self.scope_to_drop() {
            self.round.pull.step = Step::Dropping(gone.clone());
            return self.command(Lane::Pull, Command::DropScope(gone));
        }
        let wanted = self.scopes_to_load();
        if wanted.is_empty() && self.round.state.load.take().is_some() {
            self.round.pull.step = Step::Abandoning;
            return self.command(Lane::Pull, Command::AbandonLoad);
        }
        if wanted.is_empty() || self.round.pull.load_failed {
            return self.pull_next();
        }
        self.round.pull.loads += 1;
        if self.round.pull.loads > LOADS_MAX {
            return self.load_fail(Problem::new(
                code::HUB_UNSETTLED,
                "the hub's scopes changed again after each load",
            ));
        }
        let loading = self.load_begin(&wanted);
        self.round.pull.step = Step::Loading(loading);
    }

    fn scope_to_drop(&self) -> Option<String> {
        let known = |held: &HeldScope| {
            self.round
                .pull
                .scopes
                .iter()
                .any(|s| s.scope == held.cursor.scope)
        };
        self.round
            .state
            .scopes
            .iter()
            .find(|held| !known(held))
            .map(|held| held.cursor.scope.clone())
    }

    fn scopes_to_load(&self) -> Vec<ScopeHead> {
        let sound = |head: &ScopeHead| {
            self.round.state.scopes.iter().any(|held| {
                held.cursor.scope == head.scope
                    && held.cursor.generation == head.generation
                    && held.shape == SHAPE
                    && !held.stale
                    && !self.round.pull.anew.contains(&head.scope)
            })
        };
        self.round
            .pull
            .scopes
            .iter()
            .filter(|head| !sound(head))
            .cloned()
            .collect()
    }

    /// Cursors of the scopes that can be pulled as they are.
    fn sound_cursors(&self) -> Vec<Cursor> {
        let wanted = self.scopes_to_load();
        let sound = |held: &&HeldScope| {
            self.round
                .pull
                .scopes
                .iter()
                .any(|s| s.scope == held.cursor.scope)
                && !wanted.iter().any(|w| w.scope == held.cursor.scope)
        };
        self.round
            .state
            .scopes
            .iter()
            .filter(sound)
            .map(|held| held.cursor.clone())
            .collect()
    }

    /// Loading failed: the scopes that are sound are pulled all the same.
    pub(super) fn load_fail(&mut self, problem: Problem) {
        self.retire(Lane::Pull);
        self.round.pull.load_failed = true;
        self.round.report.pull_problem = Some(problem);
        self.pull_next();
    }

    /// The load is in: go on from the state that it left.
    pub(super) fn load_done(&mut self, scopes: &[String]) {
        for scope in scopes {
            self.round.pull.anew.remove(scope);
        }
        self.round.report.loaded_scopes.extend_from_slice(scopes);
        self.round.pull.repair_done = true;
        self.round.pull.step = Step::Rereading;
        self.command(Lane::Pull, Command::State);
    }

    pub(super) fn pull_next(&mut self) {
        let Some(epoch) = self.round.state.epoch.clone() else {
            return self.pull_fail(Problem::new(code::ENGINE_STATE, "a pull without an epoch"));
        };
        let cursors = self.sound_cursors();
        if cursors.is_empty() {
            return self.round.pull.end();
        }
        self.round.pull.step = Step::Calling;
        self.ask(Lane::Pull, Call::Pull(PullRequest { epoch, cursors }));
    }

    pub(super) fn pull_answer(&mut self, call: Call, answer: Result<Answer, CallFailure>) {
        match std::mem::take(&mut self.round.pull.step) {
            Step::Loading(loading) => {
                if let Some(loading) = self.load_answer(loading, call, answer) {
                    self.round.pull.step = Step::Loading(loading);
                }
            }
            Step::Repairing(repair) => self.repair_answer(repair, answer),
            Step::Calling => match (call, answer) {
                (Call::Pull(request), Ok(Answer::Pull(reply))) => self.pull_reply(&request, reply),
                (Call::Pull(request), Err(failure)) if failure.code == refusal::SCOPE_GONE => {
                    self.all_gone(&request);
                }
                (_, Err(failure)) => self.pull_fail(failure.into()),
                (_, Ok(_)) => self.pull_fail(garbled()),
            },
            _ => self.pull_fail(Problem::new(
                code::ENGINE_STATE,
                "an answer that nobody waits for",
            )),
        }
    }

    pub(super) fn pull_stored(&mut self, result: Result<Stored, StoreFailure>) {
        match (std::mem::take(&mut self.round.pull.step), result) {
            (Step::Loading(loading), result) => {
                if let Some(loading) = self.load_stored(loading, result) {
                    self.round.pull.step = Step::Loading(loading);
                }
            }
            (_, Err(failure)) => self.pull_fail(failure.into()),
            (Step::Repairing(repair), Ok(stored)) => self.repair_stored(repair, stored),
            (Step::Dropping(scope), Ok(Stored::Done)) => {
                self.round.state.scopes.retain(|held| held.cursor.scope != scope);
                self.pull_plan();
            }
            (Step::Abandoning, Ok(Stored::Done)) => self.pull_plan(),
            (Step::Rereading, Ok(Stored::State(state))) => {
                self.round.state = *state;
                self.lasting_progress();
                self.pull_plan();
            }
            (Step::Applying(cursors), Ok(Stored::Done)) => self.pull_applied(cursors),
            _ => self.pull_fail(Problem::new(
                code::ENGINE_STATE,
                "the store answered something else",
            )),
        }
    }

    /// Time passed.
    pub(super) fn pull_tick(&mut self) {
        match std::mem::take(&mut self.round.pull.step) {
            Step::Loading(mut loading) => {
                self.load_tick(&mut loading);
                self.round.pull.step = Step::Loading(loading);
            }
            other => self.round.pull.step = other,
        }
    }

    /// The hub holds none of these places any more.
    fn all_gone(&mut self, request: &PullRequest) {
        self.round
            .pull
            .anew
            .extend(request.cursors.iter().map(|c| c.scope.clone()));
        self.pull_plan();
    }

    fn pull_reply(&mut self, request: &PullRequest, reply: PullReply) {
        if reply.epoch != request.epoch {
            return self.start_over(Problem::new(
                refusal::EPOCH_CHANGED,
                "the hub's epoch changed during a pull",
            ));
        }
        if reply.scopes.is_empty() {
            return self.pull_fail(Problem::new(
                code::NO_SCOPES,
                "the hub names no scope for this device",
            ));
        }
        self.hint(reply.backoff_ms);
        self.round.pull.scopes = reply.scopes;
        // An effect may be in a scope that was not asked for, because it must be loaded first.
        let asked = |head: &ScopeHead| request.cursors.iter().any(|c| c.scope == head.scope);
        let mut ack_n = if self.round.pull.scopes.iter().all(asked) {
            reply.ack_n
        } else {
            0
        };
        let mut pages = Vec::new();
        for page in reply.pages {
            let Some(from) = request.cursors.iter().find(|c| c.scope == page.scope) else {
                return self.pull_fail(garbled());
            };
            if page.gone || page.generation != from.generation {
                self.round.pull.anew.insert(page.scope);
                ack_n = 0;
                continue;
            }
            if !is_sound(&page, from) {
                return self.pull_fail(garbled());
            }
            self.round
                .pull
                .targets
                .entry(page.scope.clone())
                .or_insert(page.head);
            if page.next > from.after {
                pages.push(PulledPage {
                    from: from.clone(),
                    next: page.next,
                    changes: page.changes,
                });
            }
        }
        if pages.is_empty() && ack_n <= self.round.acked_n {
            return self.pull_applied(Vec::new());
        }
        self.round.acked_n = self.round.acked_n.max(ack_n);
        self.round.report.pulled_rows += pages.iter().map(|p| p.changes.len() as u64).sum::<u64>();
        let moved = pages
            .iter()
            .map(|p| Cursor {
                after: p.next,
                ..p.from.clone()
            })
            .collect();
        self.round.pull.step = Step::Applying(moved);
        self.command(
            Lane::Pull,
            Command::ApplyPull {
                pages,
                ack_n,
                hub_now_ms: self.round.hub_now_ms,
            },
        );
    }

    /// The store took the pages in; `moved` holds the new places.
    fn pull_applied(&mut self, moved: Vec<Cursor>) {
        let has_moved = !moved.is_empty();
        for cursor in moved {
            if let Some(held) = self
                .round
                .state
                .scopes
                .iter_mut()
                .find(|h| h.cursor.scope == cursor.scope)
            {
                held.cursor = cursor;
            }
        }
        if has_moved {
            self.lasting_progress();
            self.memory.same_cursor_replies = 0;
            self.memory.ladder = 0;
            self.progress(Stage::Pulling, self.round.report.pulled_rows, 0);
        }
        if self.scope_to_drop().is_some()
            || (!self.scopes_to_load().is_empty() && !self.round.pull.load_failed)
        {
            return self.pull_plan();
        }
        let behind = self.scopes_behind();
        if behind.is_empty() {
            return self.pull_caught_up();
        }
        if !has_moved {
            self.memory.same_cursor_replies += 1;
            if self.memory.same_cursor_replies >= SAME_CURSOR_REPLIES_MAX {
                return self.climb_ladder(behind);
            }
        }
        self.pull_next();
    }

    fn scopes_behind(&self) -> Vec<String> {
        let target = |c: &Cursor| self.round.pull.targets.get(&c.scope).copied().unwrap_or(0);
        self.sound_cursors()
            .into_iter()
            .filter(|c| c.after < target(c))
            .map(|c| c.scope)
            .collect()
    }

    /// Nothing moves: first a fresh session, then the scopes anew, then rest for a day (point 12).
    fn climb_ladder(&mut self, behind: Vec<String>) {
        self.memory.same_cursor_replies = 0;
        let rested = self.now.mono_ms.saturating_sub(self.memory.ladder_mono_ms) >= LADDER_REST_MS;
        let stuck = Problem::new(
            code::NO_PROGRESS,
            "the hub repeats the same place and says that there is more",
        );
        match self.memory.ladder {
            0 => {
                self.memory.ladder = 1;
                self.memory.ladder_mono_ms = self.now.mono_ms;
                self.start_afresh(stuck);
            }
            1 => {
                self.memory.ladder = 2;
                self.round.pull.anew.extend(behind);
                self.pull_plan();
            }
            _ => {
                if rested {
                    self.memory.ladder = 0;
                }
                self.pull_fail(stuck);
            }
        }
    }

    /// Past the head seen when the round (or its second pass) began.
    fn pull_caught_up(&mut self) {
        self.round.report.up_to_date = !self.round.pull.load_failed;
        if self.round.pull.repair_done || self.round.pull.load_failed || !self.repair_is_due() {
            return self.round.pull.end();
        }
        self.round.pull.repair_done = true;
        let scopes = self.sound_cursors().into_iter().map(|c| c.scope).collect();
        self.repair_begin(scopes);
    }

    pub(super) fn repair_step(&mut self, repair: Repair) {
        self.round.pull.step = Step::Repairing(repair);
    }

    pub(super) fn pull_fail(&mut self, problem: Problem) {
        self.retire(Lane::Pull);
        self.round.pull.end();
        // Why loading failed says more than that the rest failed, too.
        self.round.report.pull_problem.get_or_insert(problem);
    }
}

/// Changes ascend within the page, and the page goes forward.
fn is_sound(page: &Page, from: &Cursor) -> bool {
    let mut last = from.after;
    let ascending = page.changes.iter().all(|change| {
        let rises = change.seq > last;
        last = change.seq;
        rises
    });
    ascending && page.next >= last && page.next <= page.head.max(from.after)
}

fn garbled() -> Problem {
    Problem::new(
        code::REPLY_UNREADABLE,
        "the hub's pages do not fit what was asked; nothing of them was applied",
    )
}
