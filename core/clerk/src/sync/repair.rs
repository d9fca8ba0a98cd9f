//! Repair by digests (point 5): sums over 256 id ranges are compared, and only ranges that differ
//! are fetched. Nothing is wiped.

use yaoban_protocol::digest::RANGES;
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{DigestReply, DigestRequest};

use super::code;
use super::engine::{Engine, Lane};
use super::event::{Answer, Call, CallFailure, Command, Problem, Stage, Stored};
use super::storage::ScopeSums;

/// Digests are compared this often, by the hub's clock.
pub const REPAIR_EVERY_MS: i64 = 24 * 3_600_000;
/// A scope is compared at most this often in a row; more than that is no repair.
const PASSES_MAX: u32 = 4;

/// Where a repair is.
pub(super) struct Repair {
    /// Scopes still to be compared; the last one is under way.
    left: Vec<String>,
    total: u64,
    passes: u32,
    /// Every scope so far could be compared and is equal.
    all_equal: bool,
    /// The ranges of a reply are being written, or the end of it all is.
    writing: bool,
    sums: Option<ScopeSums>,
}

impl Engine {
    /// A day has passed since the last comparison, the hub's clock was set back, or it is asked for.
    pub(super) fn repair_is_due(&self) -> bool {
        let due = |at: i64| !(0..REPAIR_EVERY_MS).contains(&self.round.hub_now_ms.saturating_sub(at));
        self.round.options.repair || self.round.state.repaired_at_ms.is_none_or(due)
    }

    pub(super) fn repair_begin(&mut self, scopes: Vec<String>) {
        let total = scopes.len() as u64;
        let repair = Repair {
            left: scopes,
            total,
            passes: 0,
            all_equal: true,
            writing: false,
            sums: None,
        };
        self.repair_next(repair);
    }

    fn repair_next(&mut self, mut repair: Repair) {
        self.progress(
            Stage::Checking,
            repair.total - repair.left.len() as u64,
            repair.total,
        );
        repair.sums = None;
        match repair.left.last() {
            Some(scope) => {
                repair.writing = false;
                self.command(Lane::Pull, Command::Sums { scope: scope.clone() });
            }
            None if repair.all_equal => {
                repair.writing = true;
                self.command(
                    Lane::Pull,
                    Command::MarkRepaired {
                        hub_now_ms: self.round.hub_now_ms,
                    },
                );
            }
            None => return self.round.pull.end(),
        }
        self.repair_step(repair);
    }

    fn repair_scope_through(&mut self, mut repair: Repair, equal: bool) {
        repair.left.pop();
        repair.passes = 0;
        repair.all_equal &= equal;
        self.repair_next(repair);
    }

    pub(super) fn repair_stored(&mut self, mut repair: Repair, stored: Stored) {
        match stored {
            Stored::Sums(None) => self.repair_scope_through(repair, true),
            Stored::Sums(Some(held)) if held.sums.len() == RANGES => {
                let request = DigestRequest {
                    cursor: held.cursor.clone(),
                    sums: held.sums.clone(),
                };
                repair.sums = Some(held);
                self.ask(Lane::Pull, Call::Digest(request));
                self.repair_step(repair);
            }
            Stored::Done if repair.writing && repair.left.is_empty() => self.round.pull.end(),
            // Compare again: the reply may have held only the first of many bad ranges.
            Stored::Done if repair.writing => self.repair_next(repair),
            _ => self.pull_fail(Problem::new(
                code::ENGINE_STATE,
                "the store answered something else",
            )),
        }
    }

    pub(super) fn repair_answer(&mut self, repair: Repair, answer: Result<Answer, CallFailure>) {
        match answer {
            Ok(Answer::Digest(reply)) => self.repair_reply(repair, reply),
            Ok(_) => self.pull_fail(Problem::new(
                code::REPLY_UNREADABLE,
                "the hub answered something else to digest",
            )),
            // The scope is to be loaded anew: the next hello says so.
            Err(failure) if failure.code == refusal::SCOPE_GONE => self.repair_scope_through(repair, false),
            Err(failure) => self.pull_fail(failure.into()),
        }
    }

    fn repair_reply(&mut self, mut repair: Repair, reply: DigestReply) {
        let Some(held) = repair.sums.take() else {
            return self.repair_next(repair);
        };
        if reply.head != held.cursor.after {
            // The scope moved meanwhile: the sums say nothing; the next round compares again.
            return self.repair_scope_through(repair, false);
        }
        if reply.ranges.is_empty() {
            return self.repair_scope_through(repair, true);
        }
        repair.passes += 1;
        if repair.passes > PASSES_MAX {
            return self.repair_scope_through(repair, false);
        }
        self.lasting_progress();
        self.round.report.repaired_ranges += reply.ranges.len() as u32;
        repair.writing = true;
        self.command(
            Lane::Pull,
            Command::ReplaceRanges {
                cursor: held.cursor,
                ranges: reply.ranges,
            },
        );
        self.repair_step(repair);
    }
}
