//! The production driver: runs the engine against a transport and a store. All functions block; the
//! store is worked on the calling thread, calls run on one worker thread beside it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{
    HistoryReply, Limits, LookupRequest, PairOfferReply, PairOfferRequest, PairReply, PairRequest,
    TokenRequest,
};
use yaoban_protocol::pair::PairCode;

use super::carry_out;
use super::code;
use super::engine::{Engine, Token};
use super::event::{
    Answer, Call, CallFailure, Effect, Event, FailureKind, Now, Options, Problem, Progress, RoundReport, What,
};
use super::storage::{Pairing, SyncStore};
use super::transport::{Connect, Request, Response, Transport};
use super::wire;

/// The engine hears about the time this often.
const TICK: Duration = Duration::from_secs(1);
/// Asking whether the hub still knows the device is one small exchange.
const WELCOME_TIMEOUT_MS: u64 = 20_000;
/// Engines for errands that wait for the next one.
const SPARE_ENGINES_MAX: usize = 4;

/// Hears how a round goes. Called synchronously, from the thread that syncs, under no lock.
pub trait SyncListener: Send + Sync {
    /// How far the round is.
    fn progress(&self, progress: Progress);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deaf;

impl SyncListener for Deaf {
    fn progress(&self, _progress: Progress) {}
}

/// Ends a call or a loop from another thread. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Cancelled>);

#[derive(Debug, Default)]
struct Cancelled {
    flag: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// Ends it; lasting.
    pub fn cancel(&self) {
        self.0.flag.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// It was ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.flag.load(Ordering::SeqCst)
    }

    /// Waits until it is ended.
    pub async fn cancelled(&self) {
        let notified = self.0.notify.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}

/// An engine in a round. Whatever becomes of the round, the next one can begin.
struct Running<'d>(Engine, &'d Driver);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let fresh = Engine::new(&self.1.app_version);
        let used = std::mem::replace(&mut self.0, fresh);
        // What a panic left half done is not gone on with.
        let next = if std::thread::panicking() {
            None
        } else {
            Some(used)
        };
        *lock(&self.1.engine) = Some(next.unwrap_or_else(|| Engine::new(&self.1.app_version)));
        self.1.round_over.notify_waiters();
    }
}

/// Runs rounds and errands for one store. One round at a time; errands run beside it.
pub struct Driver {
    runtime: Runtime,
    connect: Box<dyn Connect>,
    wall_clock_ms: Box<dyn Fn() -> i64 + Send + Sync>,
    app_version: String,
    born: Instant,
    /// None while a round runs.
    engine: Mutex<Option<Engine>>,
    round_over: Notify,
    spare: Mutex<Vec<Engine>>,
    /// What the engine that ran last had; the next one goes on with it.
    token: Mutex<Option<Token>>,
    transport: Mutex<Option<Way>>,
}

impl Driver {
    /// A driver. `wall_clock_ms` tells milliseconds since 1970 UTC.
    pub fn new(
        connect: Box<dyn Connect>,
        wall_clock_ms: Box<dyn Fn() -> i64 + Send + Sync>,
        app_version: &str,
    ) -> Result<Self, Problem> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("yaoban-sync")
            .enable_all()
            .build()
            .map_err(|e| Problem::new(code::ENGINE_STATE, format!("the sync thread cannot start: {e}")))?;
        Ok(Self {
            runtime,
            connect,
            wall_clock_ms,
            app_version: app_version.to_owned(),
            born: Instant::now(),
            engine: Mutex::new(Some(Engine::new(app_version))),
            round_over: Notify::new(),
            spare: Mutex::default(),
            token: Mutex::default(),
            transport: Mutex::default(),
        })
    }

    /// Pairs the device by the hub's one-time code. A device that its hub knows and has not locked
    /// refuses (`already_paired`). One that was locked, or that the hub forgot with a restore, keeps
    /// its operations, and so pairs with its own chain only (`other_chain`).
    pub fn pair(
        &self,
        store: &mut dyn SyncStore,
        code_text: &str,
        device_name: &str,
    ) -> Result<Pairing, Problem> {
        let code = read_code(code_text)?;
        let state = store.state()?;
        if let Some(pairing) = state.pairing.as_ref().filter(|_| state.locked.is_none())
            && !self.is_forgotten(pairing)?
        {
            return Err(Problem::new(
                code::ALREADY_PAIRED,
                "this device is paired already",
            ));
        }
        let transport = self.connect.connect(&code.url, &code.fingerprint)?;
        let request = wire::pair_request(&PairRequest {
            secret: code.secret,
            device_name: device_name.chars().take(100).collect(),
        })?;
        let reply: PairReply = wire::pair_reply(&self.exchange(transport, request)?)?;
        if state.pairing.is_some_and(|p| p.chain_name != reply.chain_name) {
            return Err(Problem::new(
                code::OTHER_CHAIN,
                "this device holds data of another chain; install the app anew to pair it with this one",
            ));
        }
        let pairing = Pairing {
            url: code.url,
            fingerprint: code.fingerprint,
            device_id: reply.device_id,
            refresh_secret: reply.refresh_secret,
            chain_name: reply.chain_name,
            store_id: reply.store_id,
            store_name: reply.store_name,
            staff_id: reply.staff_id,
        };
        store.save_pairing(&pairing)?;
        Ok(pairing)
    }

    /// Whose phone a pairing code makes. The code stays good, and nothing is stored.
    pub fn pairing_offer(&self, code_text: &str) -> Result<PairOfferReply, Problem> {
        let code = read_code(code_text)?;
        let transport = self.connect.connect(&code.url, &code.fingerprint)?;
        let request = wire::offer_request(&PairOfferRequest { secret: code.secret })?;
        Ok(wire::pair_reply(&self.exchange(transport, request)?)?)
    }

    /// The hub of the pairing says that it has no such device, or another holds its address and
    /// certificate now: both happen with a restore.
    fn is_forgotten(&self, pairing: &Pairing) -> Result<bool, Problem> {
        let transport = self.connect.connect(&pairing.url, &pairing.fingerprint)?;
        let call = Call::Token(TokenRequest {
            device_id: pairing.device_id.clone(),
            refresh_secret: pairing.refresh_secret.clone(),
        });
        let request = wire::request(&call, None, WELCOME_TIMEOUT_MS)?;
        let answer = self
            .exchange(transport, request)
            .and_then(|response| wire::answer(&call, &response, Limits::default().inflated_bytes));
        Ok(answer.is_err_and(|failure| {
            failure.code == refusal::DEVICE_UNKNOWN || failure.kind == FailureKind::NotTrusted
        }))
    }

    /// One exchange, to its end.
    fn exchange(&self, transport: Arc<dyn Transport>, request: Request) -> Result<Response, CallFailure> {
        let exchange = self
            .runtime
            .spawn(async move { transport.exchange(request).await });
        let response = self
            .runtime
            .block_on(exchange)
            .map_err(|_| failure(FailureKind::Broken, "the exchange came to no end"))?;
        Ok(response?)
    }

    /// The engine for a round; none: one is under way.
    fn free_engine(&self) -> Option<Running<'_>> {
        let engine = lock(&self.engine).take()?;
        Some(Running(engine, self))
    }

    /// Now, by the wall clock.
    pub(super) fn now_ms(&self) -> i64 {
        (self.wall_clock_ms)()
    }

    /// Waits until no round is under way, or it is cancelled.
    pub fn wait_for_round(&self, cancel: &Cancel) {
        self.runtime.block_on(async {
            let over = self.round_over.notified();
            if lock(&self.engine).is_none() {
                tokio::select! { () = over => {}, () = cancel.cancelled() => {} }
            }
        });
    }

    /// One round, to its end. The report tells what was done and what went wrong; whatever went
    /// wrong, everything that was there stays usable.
    pub fn sync_once(
        &self,
        store: &mut dyn SyncStore,
        options: Options,
        listener: &dyn SyncListener,
        cancel: &Cancel,
    ) -> RoundReport {
        let Some(mut engine) = self.free_engine() else {
            let problem = Some(Problem::new(code::SYNC_RUNNING, "another round is under way"));
            return RoundReport {
                problem,
                ..RoundReport::default()
            };
        };
        let report = self.run(&mut engine.0, store, What::Begin(options), listener, cancel);
        drop(engine);
        // A round that cannot be written down was still a round.
        if let Err(failure) = store.note_round(&report, (self.wall_clock_ms)()) {
            tracing::debug!(code = failure.code, "the round was not kept");
        }
        report
    }

    /// Looks up a walk-in of another store; what was found is kept in the store for 24 hours.
    /// Returns how many rows came.
    pub fn lookup(
        &self,
        store: &mut dyn SyncStore,
        request: LookupRequest,
        cancel: &Cancel,
    ) -> Result<usize, Problem> {
        match self.errand(store, Call::Lookup(request), cancel)? {
            Answer::Lookup(reply) => {
                let rows = reply.rows.len();
                store.keep_lookup(reply, (self.wall_clock_ms)())?;
                Ok(rows)
            }
            _ => Err(lost_call()),
        }
    }

    /// Lines of a member that are older than what the phone holds. They are not kept.
    pub fn history(
        &self,
        store: &mut dyn SyncStore,
        member_id: &str,
        before_day: i32,
        limit: u32,
        cancel: &Cancel,
    ) -> Result<HistoryReply, Problem> {
        let call = Call::History {
            member_id: member_id.to_owned(),
            before_day,
            limit,
        };
        match self.errand(store, call, cancel)? {
            Answer::History(reply) => Ok(reply),
            _ => Err(lost_call()),
        }
    }

    /// One call outside a round.
    pub(crate) fn errand(
        &self,
        store: &mut dyn SyncStore,
        call: Call,
        cancel: &Cancel,
    ) -> Result<Answer, Problem> {
        let report = self.errand_report(store, call, cancel);
        match report.problem {
            Some(problem) => Err(problem),
            None => report.errand.ok_or_else(lost_call),
        }
    }

    /// The same with all that is known of it, such as how long the hub asks not to be called.
    pub(super) fn errand_report(
        &self,
        store: &mut dyn SyncStore,
        call: Call,
        cancel: &Cancel,
    ) -> RoundReport {
        let mut engine = lock(&self.spare)
            .pop()
            .unwrap_or_else(|| Engine::new(&self.app_version));
        let report = self.run(&mut engine, store, What::Errand(call), &Deaf, cancel);
        let mut spare = lock(&self.spare);
        if spare.len() < SPARE_ENGINES_MAX {
            spare.push(engine);
        }
        report
    }

    fn run(
        &self,
        engine: &mut Engine,
        store: &mut dyn SyncStore,
        begin: What,
        listener: &dyn SyncListener,
        cancel: &Cancel,
    ) -> RoundReport {
        let mut calls = Calls {
            transport: None,
            tasks: JoinSet::new(),
            channel: mpsc::unbounded_channel(),
        };
        engine.adopt_token(lock(&self.token).clone());
        let mut happened = VecDeque::from([begin]);
        let mut told_cancel = false;
        loop {
            let what = match happened.pop_front() {
                _ if cancel.is_cancelled() && !told_cancel && engine.is_busy() => {
                    told_cancel = true;
                    What::Cancel
                }
                Some(what) => what,
                None => self.wait(&mut calls, cancel, told_cancel),
            };
            for effect in engine.step(Event {
                now: self.now(),
                what,
            }) {
                match effect {
                    Effect::Store { id, command } => {
                        happened.push_back(What::Stored {
                            id,
                            result: carry_out(store, command),
                        });
                    }
                    Effect::Call {
                        id,
                        call,
                        token,
                        timeout_ms,
                        inflated_bytes_max,
                    } => {
                        let wanted = Wanted {
                            id,
                            call,
                            token,
                            timeout_ms,
                            inflated_bytes_max,
                        };
                        if let Err(failure) = self.call(&mut calls, store, wanted) {
                            happened.push_back(What::Answered {
                                id,
                                answer: Err(failure),
                            });
                        }
                    }
                    Effect::CancelCalls => calls.tasks.abort_all(),
                    Effect::Progress(progress) => listener.progress(progress),
                    Effect::Finished(report) => {
                        *lock(&self.token) = engine.token();
                        return *report;
                    }
                }
            }
        }
    }

    fn wait(&self, calls: &mut Calls, cancel: &Cancel, told_cancel: bool) -> What {
        while calls.tasks.try_join_next().is_some() {}
        let arrivals = &mut calls.channel.1;
        self.runtime.block_on(async {
            tokio::select! {
                Some((id, answer)) = arrivals.recv() => What::Answered { id, answer },
                () = cancel.cancelled(), if !told_cancel => What::Tick,
                () = tokio::time::sleep(TICK) => What::Tick,
            }
        })
    }

    fn call(&self, calls: &mut Calls, store: &mut dyn SyncStore, wanted: Wanted) -> Result<(), CallFailure> {
        let transport = match &calls.transport {
            Some(transport) => Arc::clone(transport),
            None => Arc::clone(calls.transport.insert(self.transport(store)?)),
        };
        let request = wire::request(&wanted.call, wanted.token, wanted.timeout_ms)?;
        let arrivals = calls.channel.0.clone();
        let exchange = async move {
            let limit = Duration::from_millis(wanted.timeout_ms);
            let answer = match tokio::time::timeout(limit, transport.exchange(request)).await {
                Ok(Ok(response)) => wire::answer(&wanted.call, &response, wanted.inflated_bytes_max),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(failure(FailureKind::TimedOut, "the hub did not answer in time")),
            };
            // The round may be over: then nobody listens, and nothing is lost.
            let _ = arrivals.send((wanted.id, answer));
        };
        calls.tasks.spawn_on(exchange, self.runtime.handle());
        Ok(())
    }

    /// Closes connections that are not in use: nothing is sent for minutes.
    pub(super) fn hang_up(&self) {
        if let Some(way) = &*lock(&self.transport) {
            way.transport.hang_up();
        }
    }

    /// The transport of the pairing, made once for each address.
    fn transport(&self, store: &mut dyn SyncStore) -> Result<Arc<dyn Transport>, CallFailure> {
        let no_way = |p: Problem| failure(FailureKind::Unreachable, &p.message);
        let pairing = store.state().map_err(|e| no_way(e.into()))?.pairing;
        let pairing =
            pairing.ok_or_else(|| failure(FailureKind::Unreachable, "this device is not paired"))?;
        let mut cached = lock(&self.transport);
        if let Some(way) = cached.as_ref()
            && way.url == pairing.url
            && way.fingerprint == pairing.fingerprint
        {
            return Ok(Arc::clone(&way.transport));
        }
        let transport = self
            .connect
            .connect(&pairing.url, &pairing.fingerprint)
            .map_err(no_way)?;
        let Pairing { url, fingerprint, .. } = pairing;
        *cached = Some(Way {
            url,
            fingerprint,
            transport: Arc::clone(&transport),
        });
        Ok(transport)
    }

    fn now(&self) -> Now {
        Now {
            wall_ms: (self.wall_clock_ms)(),
            mono_ms: self.born.elapsed().as_millis() as u64,
            // Without chance every phone of a chain comes back in the same second; that is no error.
            random: getrandom::u64().unwrap_or(0),
        }
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

/// A transport, with the address and the fingerprint it was made for.
struct Way {
    url: String,
    fingerprint: String,
    transport: Arc<dyn Transport>,
}

type Arrival = (u64, Result<Answer, CallFailure>);

struct Calls {
    /// Found with the first call.
    transport: Option<Arc<dyn Transport>>,
    tasks: JoinSet<()>,
    channel: (mpsc::UnboundedSender<Arrival>, mpsc::UnboundedReceiver<Arrival>),
}

struct Wanted {
    id: u64,
    call: Call,
    token: Option<String>,
    timeout_ms: u64,
    inflated_bytes_max: u64,
}

fn failure(kind: FailureKind, message: &str) -> CallFailure {
    CallFailure {
        kind,
        code: kind.code().to_owned(),
        message: message.to_owned(),
        retry_after_ms: None,
    }
}

fn lost_call() -> Problem {
    Problem::new(code::ENGINE_STATE, "a call came to no end")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_code(text: &str) -> Result<PairCode, Problem> {
    PairCode::from_text(text).map_err(|e| Problem::new(code::PAIR_CODE_BAD, e.to_string()))
}
