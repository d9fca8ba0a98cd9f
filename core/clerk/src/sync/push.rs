//! The way up: operations in batches (points 7 and 8).
//!
//! A batch that fails is halved until the operation that spoils it stands alone. One that failed
//! five times alone, in rounds in which hello succeeded, goes as parked bytes: the hub keeps them
//! unread, and what stands behind it moves on. So does one that is larger than the hub says it reads:
//! it would fail each time. Nothing is ever taken out of the queue without a
//! result from the hub.

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{PushReply, PushRequest};
use yaoban_protocol::op::{OpEnvelope, OpResult, OpStatus};

use super::code;
use super::engine::{Engine, Lane};
use super::event::{Answer, Call, CallFailure, Command, FailureKind, Problem, Stage, Stored};
use super::storage::{PendingOp, StoreFailure};

/// Failures alone after which an operation is parked.
pub const SOLO_FAILURES_MAX: u32 = 5;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    /// Not begun, or through.
    #[default]
    Ended,
    Reading,
    Calling,
    Recording,
    Renumbering,
    Counting,
}

/// Where the way up is.
#[derive(Default)]
pub(super) struct Push {
    step: Step,
    /// Ops and results of the push under way.
    batch: Vec<PendingOp>,
    results: Vec<OpResult>,
    /// Why the op that is being counted failed.
    failure: Option<Problem>,
    /// Numbers were given anew in this round.
    renumbered: bool,
}

impl Push {
    pub(super) fn has_ended(&self) -> bool {
        self.step == Step::Ended
    }
}

impl Engine {
    pub(super) fn push_begin(&mut self) {
        self.push_read();
    }

    fn push_read(&mut self) {
        let limits = self.round.limits;
        let ops_max = match self.memory.batch_ops {
            0 => limits.push_ops,
            batch => batch.min(limits.push_ops),
        };
        self.round.push.step = Step::Reading;
        let command = Command::NextOps {
            now_ms: self.now.wall_ms,
            ops_max,
            bytes_max: limits.body_bytes / 2,
        };
        self.command(Lane::Push, command);
    }

    pub(super) fn push_stored(&mut self, result: Result<Stored, StoreFailure>) {
        let stored = match result {
            Ok(stored) => stored,
            Err(failure) => return self.push_fail(failure.into()),
        };
        match (self.round.push.step, stored) {
            (Step::Reading, Stored::Ops(ops)) if ops.is_empty() => self.round.push.step = Step::Ended,
            (Step::Reading, Stored::Ops(ops)) => self.push_send(ops),
            (Step::Recording, Stored::Done) => self.push_recorded(),
            (Step::Renumbering, Stored::Done) => self.push_read(),
            (Step::Counting, Stored::SoloFailures(count)) => self.push_counted(count),
            _ => self.push_fail(Problem::new(
                code::ENGINE_STATE,
                "the store answered something else",
            )),
        }
    }

    fn push_send(&mut self, ops: Vec<PendingOp>) {
        let Some(epoch) = self.round.state.epoch.clone() else {
            return self.push_fail(Problem::new(code::ENGINE_STATE, "operations without an epoch"));
        };
        let op_bytes_max = self.round.limits.op_bytes;
        let envelopes = ops.iter().map(|op| as_sent(op, op_bytes_max)).collect();
        self.round.push.batch = ops;
        self.round.push.step = Step::Calling;
        self.ask(
            Lane::Push,
            Call::Push(PushRequest {
                epoch,
                ops: envelopes,
            }),
        );
    }

    pub(super) fn push_answer(&mut self, answer: Result<Answer, CallFailure>) {
        match answer {
            Ok(Answer::Push(reply)) => self.push_reply(&reply),
            Ok(_) => self.push_halve(Problem::new(
                code::REPLY_UNREADABLE,
                "the hub answered something else to push",
            )),
            Err(failure) if is_ops_fault(&failure) => self.push_halve(failure.into()),
            Err(failure) => self.push_fail(failure.into()),
        }
    }

    fn push_reply(&mut self, reply: &PushReply) {
        if self.round.state.epoch.as_ref() != Some(&reply.epoch) {
            return self.start_over(Problem::new(
                refusal::EPOCH_CHANGED,
                "the hub's epoch changed during a push",
            ));
        }
        let batch = &self.round.push.batch;
        let sent = |r: &&OpResult| batch.iter().any(|p| p.op.n == r.n && p.op.op_id == r.op_id);
        let results: Vec<OpResult> = reply.results.iter().filter(sent).cloned().collect();
        if results.is_empty() {
            let foreign = |p: &&PendingOp| {
                reply
                    .results
                    .iter()
                    .any(|r| r.n == p.op.n && r.op_id != p.op.op_id)
            };
            if let Some(n) = batch.iter().find(foreign).map(|p| p.op.n)
                && !self.round.push.renumbered
            {
                // The phone itself came back from a backup: the hub knows its numbers by other ops.
                self.round.push.renumbered = true;
                self.round.push.step = Step::Renumbering;
                return self.command(Lane::Push, Command::RenumberFrom { n });
            }
            return self.push_halve(Problem::new(
                code::REPLY_UNREADABLE,
                "the hub gave no result for any operation sent",
            ));
        }
        self.round.push.step = Step::Recording;
        self.round.push.results.clone_from(&results);
        self.command(Lane::Push, Command::RecordResults(results));
    }

    fn push_recorded(&mut self) {
        self.lasting_progress();
        let results = std::mem::take(&mut self.round.push.results);
        let count = |status: OpStatus| results.iter().filter(|r| r.status == status).count() as u64;
        self.round.report.pushed_ops += results.len() as u64;
        self.round.report.rejected_ops += count(OpStatus::Rejected);
        self.round.report.parked_ops += count(OpStatus::Parked);
        // What was recorded now may be below an acknowledgement that was applied before.
        self.round.acked_n = 0;
        self.memory.batch_ops = self.memory.batch_ops.saturating_mul(2);
        if self.memory.batch_ops >= self.round.limits.push_ops {
            self.memory.batch_ops = 0;
        }
        self.progress(Stage::Pushing, self.round.report.pushed_ops, 0);
        self.push_read();
    }

    /// The batch failed: try half of it, or count the operation that stands alone.
    fn push_halve(&mut self, problem: Problem) {
        let batch = &self.round.push.batch;
        if batch.len() > 1 {
            self.memory.batch_ops = (batch.len() / 2) as u32;
            return self.push_read();
        }
        let Some(n) = batch
            .first()
            .map(|p| p.op.n)
            .filter(|_| self.round.hello_succeeded)
        else {
            return self.push_fail(problem);
        };
        self.memory.batch_ops = 1;
        self.round.push.failure = Some(problem);
        self.round.push.step = Step::Counting;
        self.command(Lane::Push, Command::NoteSoloFailure { n });
    }

    fn push_counted(&mut self, count: u32) {
        if count == SOLO_FAILURES_MAX {
            return self.push_read();
        }
        let problem = self.round.push.failure.take();
        self.push_fail(
            problem.unwrap_or_else(|| Problem::new(code::ENGINE_STATE, "a failure without a reason")),
        );
    }

    fn push_fail(&mut self, problem: Problem) {
        self.retire(Lane::Push);
        self.round.push.step = Step::Ended;
        self.round.report.push_problem = Some(problem);
    }
}

/// An operation in the form in which it is sent now.
fn as_sent(pending: &PendingOp, op_bytes_max: u64) -> OpEnvelope {
    OpEnvelope {
        parked: pending.solo_failures >= SOLO_FAILURES_MAX || pending.op.body.len() as u64 > op_bytes_max,
        ..pending.op.clone()
    }
}

/// The operations may be why the push failed – by what they hold, or by what they do to the hub.
fn is_ops_fault(failure: &CallFailure) -> bool {
    match failure.kind {
        // No connection, or a refusal of the device, not of what it sends.
        FailureKind::Unreachable | FailureKind::NotTrusted | FailureKind::Refused(401 | 403 | 426) => false,
        // The hub itself says that it cannot take more now.
        FailureKind::Refused(429 | 503) => failure.retry_after_ms.is_none(),
        FailureKind::Refused(_) | FailureKind::TimedOut | FailureKind::Broken | FailureKind::Garbled => true,
    }
}
