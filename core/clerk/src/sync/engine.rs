//! The sync engine: `step(event) -> effects`, without clock, chance, network or disk of its own.
//!
//! A round: read the state, say hello, then two lanes beside each other – down ([`super::pull`]:
//! loads, changes, repair) and up ([`super::push`]: operations). Neither waits for the other
//! (point 9); when operations went up, a second pass fetches what they caused. Tokens, revocation,
//! a changed epoch, back-off and the watchdog are the same for every call and live here.

use std::collections::BTreeMap;

use yaoban_protocol::SCHEMA;
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{HelloReply, HelloRequest, Limits, TokenRequest};

use super::event::{
    Answer, Call, CallFailure, Command, Effect, Event, FailureKind, HubSeen, Now, Options, Problem, Progress,
    RoundReport, Stage, Stored, What,
};
use super::pull::Pull;
use super::push::Push;
use super::storage::{Greeting, StoreFailure, SyncState};
use super::{backoff, code};

/// A round in which nothing moved for this long is ended (point 12).
pub const WATCHDOG_MS: u64 = 180_000;
/// A call of a few kilobytes.
const SMALL_CALL_TIMEOUT_MS: u64 = 20_000;
/// A call whose answer takes time to make or to travel.
const LARGE_CALL_TIMEOUT_MS: u64 = 60_000;
/// A chunk is given the time that it takes at 8 kB a second.
const SLOW_LINE_BYTES_PER_MS: u64 = 8;
/// The long poll: longer than the hub's patience, which is four minutes.
const WAIT_TIMEOUT_MS: u64 = 270_000;
/// A token this near its end is not used any more.
const TOKEN_MARGIN_MS: u64 = 10_000;
/// A round starts over this often when the epoch changes under it.
const RESTARTS_MAX: u32 = 2;
/// `sent` and looked-up members are pruned at most this often.
const PRUNE_EVERY_MS: u64 = 6 * 3_600_000;

/// Who asked for a call or command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Token,
    Round,
    Pull,
    Push,
}

#[derive(Debug)]
struct Asked {
    lane: Lane,
    call: Call,
    token_serial: u64,
    retried: bool,
    timeout_ms: u64,
}

/// The hub's short-lived proof of who calls. Engines of one device may share it; each costs an exchange.
#[derive(Clone)]
pub struct Token {
    device_id: String,
    text: String,
    expires_mono_ms: u64,
    serial: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Opening,
    Greeting,
    Adopting,
    Running,
    OnErrand,
    Closing,
    Locking,
}

/// What a round knows; replaced when the next one begins.
#[derive(Default)]
pub(super) struct Round {
    phase: Phase,
    pub(super) options: Options,
    pub(super) state: SyncState,
    pub(super) limits: Limits,
    pub(super) hub_now_ms: i64,
    pub(super) hello_succeeded: bool,
    pub(super) report: RoundReport,
    pub(super) pull: Pull,
    pub(super) push: Push,
    errand: Option<Call>,
    hello: Option<HelloReply>,
    restarts: u32,
    second_pass: bool,
    /// Acknowledgement that the store has applied in this round.
    pub(super) acked_n: u64,
    moved: bool,
    moved_mono_ms: u64,
    hint_ms: u64,
}

/// What outlives a round, in memory only: losing it costs time, never data.
#[derive(Default)]
pub(super) struct Memory {
    failures: u32,
    pruned_mono_ms: Option<u64>,
    /// Operations in the next push; 0 = as many as the hub takes.
    pub(super) batch_ops: u32,
    /// Replies in a row that left every cursor where it was.
    pub(super) same_cursor_replies: u32,
    /// How far up the reset ladder the phone is, and since when.
    pub(super) ladder: u8,
    pub(super) ladder_mono_ms: u64,
}

/// The engine. One of them runs one round or errand at a time.
pub struct Engine {
    app_version: String,
    pub(super) now: Now,
    out: Vec<Effect>,
    next_id: u64,
    token: Option<Token>,
    token_serial: u64,
    waiting: Vec<Asked>,
    calls: BTreeMap<u64, Asked>,
    commands: BTreeMap<u64, Lane>,
    pub(super) round: Round,
    pub(super) memory: Memory,
}

impl Engine {
    /// An engine that has seen nothing yet; `app_version` is for the hub's list of devices.
    pub fn new(app_version: &str) -> Self {
        Self {
            app_version: app_version.to_owned(),
            now: Now {
                wall_ms: 0,
                mono_ms: 0,
                random: 0,
            },
            out: Vec::new(),
            next_id: 0,
            token: None,
            token_serial: 0,
            waiting: Vec::new(),
            calls: BTreeMap::new(),
            commands: BTreeMap::new(),
            round: Round::default(),
            memory: Memory::default(),
        }
    }

    /// The token that it uses now.
    pub fn token(&self) -> Option<Token> {
        self.token.clone()
    }

    /// Takes over the token of another engine of this device and clock, if that holds longer than its own.
    pub fn adopt_token(&mut self, token: Option<Token>) {
        let own_until = self.token.as_ref().map(|own| own.expires_mono_ms);
        if let Some(token) = token.filter(|token| Some(token.expires_mono_ms) > own_until) {
            self.token_serial += 1;
            self.token = Some(Token {
                serial: self.token_serial,
                ..token
            });
        }
    }

    /// Takes in what happened and tells what to do. An answer to something that is no longer wanted
    /// changes nothing.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        self.now = event.now;
        match event.what {
            What::Begin(options) => self.begin(options, None),
            What::Errand(call) => self.begin(Options::default(), Some(call)),
            What::Answered { id, answer } => self.on_answer(id, answer),
            What::Stored { id, result } => self.on_stored(id, result),
            What::Tick => self.on_tick(),
            What::Cancel if self.is_busy() => self.fail_round(Problem::new(code::CANCELLED, "cancelled")),
            What::Cancel => {}
        }
        self.settle();
        std::mem::take(&mut self.out)
    }

    /// A round or errand is under way.
    pub fn is_busy(&self) -> bool {
        self.round.phase != Phase::Idle
    }

    fn begin(&mut self, options: Options, errand: Option<Call>) {
        if self.is_busy() {
            return;
        }
        self.round = Round {
            phase: Phase::Opening,
            options,
            errand,
            moved_mono_ms: self.now.mono_ms,
            ..Round::default()
        };
        self.command(Lane::Round, Command::State);
    }

    // ---- calls -------------------------------------------------------------------------------

    /// Makes a call, with a fresh token first if there is none.
    pub(super) fn ask(&mut self, lane: Lane, call: Call) {
        self.place(Asked {
            lane,
            call,
            token_serial: 0,
            retried: false,
            timeout_ms: 0,
        });
    }

    fn place(&mut self, mut asked: Asked) {
        let now = self.now.mono_ms;
        // One of the pairing before would speak for a device that the hub may have locked.
        let device_id = self
            .round
            .state
            .pairing
            .as_ref()
            .map(|pairing| &pairing.device_id);
        let usable =
            |t: &&Token| now + TOKEN_MARGIN_MS < t.expires_mono_ms && Some(&t.device_id) == device_id;
        if let Some(token) = self.token.as_ref().filter(usable) {
            asked.token_serial = token.serial;
            let text = token.text.clone();
            self.send(asked, Some(text));
        } else {
            self.waiting.push(asked);
            self.ask_token();
        }
    }

    fn ask_token(&mut self) {
        if self.calls.values().any(|c| c.lane == Lane::Token) {
            return;
        }
        let Some(pairing) = &self.round.state.pairing else {
            return self.fail_round(Problem::new(
                code::NOT_PAIRED,
                "this device is not paired; enter a pairing code first",
            ));
        };
        let request = TokenRequest {
            device_id: pairing.device_id.clone(),
            refresh_secret: pairing.refresh_secret.clone(),
        };
        self.send(
            Asked {
                lane: Lane::Token,
                call: Call::Token(request),
                token_serial: 0,
                retried: false,
                timeout_ms: 0,
            },
            None,
        );
    }

    fn send(&mut self, mut asked: Asked, token: Option<String>) {
        let id = self.id();
        let timeout_ms = timeout_ms(&asked.call);
        asked.timeout_ms = timeout_ms;
        let inflated_bytes_max = self
            .round
            .limits
            .inflated_bytes
            .min(Limits::default().inflated_bytes);
        self.out.push(Effect::Call {
            id,
            call: asked.call.clone(),
            token,
            timeout_ms,
            inflated_bytes_max,
        });
        self.calls.insert(id, asked);
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Gives a command to the store.
    pub(super) fn command(&mut self, lane: Lane, command: Command) {
        let id = self.id();
        self.commands.insert(id, lane);
        self.out.push(Effect::Store { id, command });
    }

    /// Forgets what a lane has asked for; late answers are ignored.
    pub(super) fn retire(&mut self, lane: Lane) {
        self.calls.retain(|_, asked| asked.lane != lane);
        self.commands.retain(|_, owner| *owner != lane);
        self.waiting.retain(|asked| asked.lane != lane);
    }

    fn on_answer(&mut self, id: u64, answer: Result<Answer, CallFailure>) {
        let Some(asked) = self.calls.remove(&id) else {
            return;
        };
        match answer {
            Ok(Answer::Token(reply)) if asked.lane == Lane::Token => {
                self.token_serial += 1;
                let lifetime_ms = u64::try_from(reply.expires_in_ms)
                    .unwrap_or(0)
                    .max(2 * TOKEN_MARGIN_MS);
                let expires_mono_ms = self.now.mono_ms.saturating_add(lifetime_ms);
                let device_id = self.round.state.pairing.as_ref().map(|p| p.device_id.clone());
                self.token = Some(Token {
                    device_id: device_id.unwrap_or_default(),
                    text: reply.token,
                    expires_mono_ms,
                    serial: self.token_serial,
                });
                for asked in std::mem::take(&mut self.waiting) {
                    self.place(asked);
                }
            }
            Ok(answer) => self.give(asked, Ok(answer)),
            Err(failure) => self.on_failure(asked, failure),
        }
    }

    fn on_failure(&mut self, mut asked: Asked, failure: CallFailure) {
        self.hint(failure.retry_after_ms.unwrap_or(0));
        if failure.kind == FailureKind::Refused(401) {
            if failure.code == refusal::TOKEN_EXPIRED && asked.lane != Lane::Token && !asked.retried {
                if self
                    .token
                    .as_ref()
                    .is_some_and(|t| t.serial == asked.token_serial)
                {
                    self.token = None;
                }
                asked.retried = true;
                return self.place(asked);
            }
            if failure.code == refusal::DEVICE_REVOKED {
                return self.revoked(failure);
            }
        }
        if failure.code == refusal::EPOCH_CHANGED && self.round.phase == Phase::Running {
            return self.start_over(failure.into());
        }
        if asked.lane == Lane::Token {
            for waiting in std::mem::take(&mut self.waiting) {
                self.give(waiting, Err(failure.clone()));
            }
            return;
        }
        self.give(asked, Err(failure));
    }

    fn give(&mut self, asked: Asked, answer: Result<Answer, CallFailure>) {
        match asked.lane {
            Lane::Token => self.fail_round(Problem::new(
                code::REPLY_UNREADABLE,
                "the hub answered something else than a token",
            )),
            Lane::Round => self.round_answer(&asked.call, answer),
            Lane::Pull => self.pull_answer(asked.call, answer),
            Lane::Push => self.push_answer(answer),
        }
    }

    /// The hub asks for patience.
    pub(super) fn hint(&mut self, wait_ms: u64) {
        self.round.hint_ms = self.round.hint_ms.max(wait_ms.min(backoff::HINT_MS_MAX));
    }

    /// Something moved: the watchdog lies down again.
    pub(super) fn moved(&mut self) {
        self.round.moved_mono_ms = self.now.mono_ms;
    }

    /// Something moved that stays moved: the next failure is the first one again.
    pub(super) fn lasting_progress(&mut self) {
        self.moved();
        self.round.moved = true;
    }

    /// Tells how far the round is.
    pub(super) fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        self.out.push(Effect::Progress(Progress { stage, done, total }));
    }

    // ---- store -------------------------------------------------------------------------------

    fn on_stored(&mut self, id: u64, result: Result<Stored, StoreFailure>) {
        match self.commands.remove(&id) {
            Some(Lane::Round | Lane::Token) => self.round_stored(result),
            Some(Lane::Pull) => self.pull_stored(result),
            Some(Lane::Push) => self.push_stored(result),
            None => {}
        }
    }

    fn round_stored(&mut self, result: Result<Stored, StoreFailure>) {
        match (self.round.phase, result) {
            (Phase::Opening, Ok(Stored::State(state))) => self.opened(*state),
            (Phase::Adopting, Ok(Stored::State(state))) => {
                self.round.state = *state;
                self.run();
            }
            // What could not be pruned or locked now is asked for again in the next round.
            (Phase::Closing | Phase::Locking, _) => self.finish(),
            (_, Err(failure)) => self.fail_round(failure.into()),
            (_, Ok(_)) => self.fail_round(Problem::new(
                code::ENGINE_STATE,
                "the store answered something else",
            )),
        }
    }

    // ---- the round ---------------------------------------------------------------------------

    fn opened(&mut self, state: SyncState) {
        self.round.state = state;
        if let Some(reason) = &self.round.state.locked {
            let message = format!("the hub has locked this device ({reason}); pair it anew");
            return self.fail_round(Problem::new(refusal::DEVICE_REVOKED, message));
        }
        if let Some(errand) = self.round.errand.take() {
            self.round.phase = Phase::OnErrand;
            return self.ask(Lane::Round, errand);
        }
        self.greet();
    }

    fn greet(&mut self) {
        self.round.phase = Phase::Greeting;
        self.progress(Stage::Connecting, 0, 0);
        let request = HelloRequest {
            schema: SCHEMA,
            app_version: self.app_version.clone(),
            last_n: self.round.state.highest_n,
            now_ms: self.now.wall_ms,
        };
        self.ask(Lane::Round, Call::Hello(request));
    }

    fn round_answer(&mut self, call: &Call, answer: Result<Answer, CallFailure>) {
        match (self.round.phase, answer) {
            (Phase::Greeting, Ok(Answer::Hello(reply))) => self.on_hello(reply),
            (Phase::Greeting, Err(failure)) if failure.kind == FailureKind::Refused(426) => {
                self.run_push_only(failure.into());
            }
            (Phase::OnErrand, Ok(answer)) => {
                self.round.report.errand = Some(answer);
                self.finish();
            }
            (_, Err(failure)) => self.fail_round(failure.into()),
            (_, Ok(_)) => {
                let message = format!("the hub answered something else to {}", call.name());
                self.fail_round(Problem::new(code::REPLY_UNREADABLE, message));
            }
        }
    }

    fn on_hello(&mut self, reply: HelloReply) {
        self.moved();
        self.hint(reply.backoff_ms);
        if reply.scopes.is_empty() {
            return self.fail_round(Problem::new(
                code::NO_SCOPES,
                "the hub names no scope for this device; its administrator must assign a store",
            ));
        }
        let state = &self.round.state;
        let restored = state.epoch.as_ref().is_some_and(|held| *held != reply.epoch);
        let known = state.epoch.is_some()
            && !restored
            && reply.last_n <= state.highest_n
            && state
                .pairing
                .as_ref()
                .is_some_and(|p| p.store_id == reply.store_id && p.chain_name == reply.chain_name);
        self.round.hello_succeeded = true;
        self.round.report.hub = Some(HubSeen {
            clock_skew_ms: self.now.wall_ms.saturating_sub(reply.now_ms),
            support_key: reply.support_key.clone(),
        });
        self.round.hub_now_ms = reply.now_ms;
        self.round.limits = sane(reply.limits);
        let greeting = Greeting {
            epoch: reply.epoch.clone(),
            hub_last_n: reply.last_n,
            store_id: reply.store_id.clone(),
            chain_name: reply.chain_name.clone(),
            hub_now_ms: reply.now_ms,
        };
        self.round.hello = Some(reply);
        if known {
            return self.run();
        }
        self.round.phase = Phase::Adopting;
        self.command(Lane::Round, Command::Adopt { greeting, restored });
    }

    /// Both lanes begin.
    fn run(&mut self) {
        self.round.phase = Phase::Running;
        let Some(hello) = self.round.hello.take() else {
            return self.fail_round(Problem::new(code::ENGINE_STATE, "a round without hello"));
        };
        let (oldest, newest) = hello.schema_range;
        if SCHEMA < oldest {
            let message =
                format!("the hub serves schemas {oldest} to {newest}, this app has {SCHEMA}; update the app");
            self.round.report.pull_problem = Some(Problem::new(refusal::SCHEMA_TOO_OLD, message));
            self.round.pull.end();
        } else {
            self.pull_begin(hello.scopes);
        }
        self.push_begin();
    }

    /// The phone is too old for the hub to serve: what it has done still goes up (point 11).
    fn run_push_only(&mut self, problem: Problem) {
        if self.round.state.epoch.is_none() {
            return self.fail_round(problem);
        }
        self.round.phase = Phase::Running;
        self.round.report.pull_problem = Some(problem);
        self.round.pull.end();
        self.push_begin();
    }

    /// The hub's epoch is another one than hello told: nothing of this round counts, greet again.
    pub(super) fn start_over(&mut self, problem: Problem) {
        self.round.restarts += 1;
        if self.round.restarts > RESTARTS_MAX {
            return self.fail_round(problem);
        }
        self.drop_calls();
        let report = std::mem::take(&mut self.round.report);
        self.round = Round {
            phase: Phase::Opening,
            options: self.round.options,
            report: RoundReport {
                up_to_date: false,
                ..report
            },
            restarts: self.round.restarts,
            moved: self.round.moved,
            moved_mono_ms: self.round.moved_mono_ms,
            hint_ms: self.round.hint_ms,
            ..Round::default()
        };
        self.command(Lane::Round, Command::State);
    }

    /// A fresh session: another token, another hello.
    pub(super) fn start_afresh(&mut self, problem: Problem) {
        self.token = None;
        self.start_over(problem);
    }

    fn revoked(&mut self, failure: CallFailure) {
        self.drop_calls();
        self.token = None;
        self.round.phase = Phase::Locking;
        let reason = failure.code.clone();
        self.round.report.problem = Some(failure.into());
        self.command(Lane::Round, Command::Lock { reason });
    }

    /// Ends the round before its time.
    pub(super) fn fail_round(&mut self, problem: Problem) {
        self.round.report.problem = Some(problem);
        self.finish();
    }

    fn drop_calls(&mut self) {
        if !self.calls.is_empty() {
            self.out.push(Effect::CancelCalls);
        }
        self.calls.clear();
        self.waiting.clear();
        self.commands.clear();
    }

    fn on_tick(&mut self) {
        let quiet_ms = self.now.mono_ms.saturating_sub(self.round.moved_mono_ms);
        let watched = self.is_busy() && self.round.phase != Phase::OnErrand;
        // A chunk on a slow line is given its time.
        let allowed_ms = self
            .calls
            .values()
            .map(|call| call.timeout_ms)
            .fold(WATCHDOG_MS, u64::max);
        if watched && quiet_ms > allowed_ms {
            self.token = None;
            self.fail_round(Problem::new(
                code::NO_PROGRESS,
                "nothing moved for minutes; the round was ended",
            ));
        } else if self.round.phase == Phase::Running {
            self.pull_tick();
        }
    }

    /// Ends the round once both lanes are through.
    fn settle(&mut self) {
        if self.round.phase != Phase::Running || !self.round.pull.has_ended() || !self.round.push.has_ended()
        {
            return;
        }
        let effects_to_fetch = self.round.report.pushed_ops > 0 && !self.round.second_pass;
        if effects_to_fetch && self.round.report.pull_problem.is_none() {
            self.round.second_pass = true;
            self.pull_again();
            if !self.round.pull.has_ended() {
                return;
            }
        }
        let due = |at: u64| self.now.mono_ms.saturating_sub(at) >= PRUNE_EVERY_MS;
        if self.round.hello_succeeded && self.memory.pruned_mono_ms.is_none_or(due) {
            self.memory.pruned_mono_ms = Some(self.now.mono_ms);
            self.round.phase = Phase::Closing;
            return self.command(
                Lane::Round,
                Command::Prune {
                    hub_now_ms: self.round.hub_now_ms,
                },
            );
        }
        self.finish();
    }

    fn finish(&mut self) {
        self.drop_calls();
        let round = std::mem::take(&mut self.round);
        let mut report = round.report;
        let failed = report.first_problem().is_some_and(|p| p.code != code::CANCELLED);
        self.memory.failures = match (failed, round.moved) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => self.memory.failures.saturating_add(1),
        };
        report.next_delay_ms = backoff::delay_ms(self.memory.failures, self.now.random).max(round.hint_ms);
        if report.first_problem().is_none() {
            report.wait_at = round.state.scopes.into_iter().map(|s| s.cursor).collect();
        }
        self.out.push(Effect::Finished(Box::new(report)));
    }
}

impl Call {
    /// The call's name, for messages and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Hello(_) => "hello",
            Self::Manifest { .. } => "snapshot",
            Self::Chunk { .. } => "chunk",
            Self::Pull(_) => "pull",
            Self::Push(_) => "push",
            Self::Digest(_) => "digest",
            Self::Wait(_) => "wait",
            Self::Lookup(_) => "lookup",
            Self::History { .. } => "history",
            Self::Recording { .. } | Self::RecordingPart { .. } => "recording",
        }
    }
}

/// How long a call may take.
fn timeout_ms(call: &Call) -> u64 {
    match call {
        Call::Token(_)
        | Call::Hello(_)
        | Call::Push(_)
        | Call::Lookup(_)
        | Call::History { .. }
        | Call::Recording { .. } => SMALL_CALL_TIMEOUT_MS,
        Call::Manifest { .. } | Call::Pull(_) | Call::Digest(_) => LARGE_CALL_TIMEOUT_MS,
        Call::Chunk { chunk, .. } => LARGE_CALL_TIMEOUT_MS + chunk.bytes / SLOW_LINE_BYTES_PER_MS,
        Call::RecordingPart { body, .. } => {
            LARGE_CALL_TIMEOUT_MS + body.len() as u64 / SLOW_LINE_BYTES_PER_MS
        }
        Call::Wait(_) => WAIT_TIMEOUT_MS,
    }
}

/// Limits of the hub within our own: a hub can make us do less, never more.
fn sane(limits: Limits) -> Limits {
    let own = Limits::default();
    Limits {
        page_rows: limits.page_rows.clamp(1, own.page_rows),
        push_ops: limits.push_ops.clamp(1, own.push_ops),
        body_bytes: limits.body_bytes.clamp(64 << 10, own.body_bytes),
        inflated_bytes: limits.inflated_bytes.clamp(1 << 20, own.inflated_bytes),
        op_bytes: limits.op_bytes.clamp(1 << 10, own.op_bytes),
    }
}
