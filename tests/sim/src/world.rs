//! One simulated world: a queue of things that will happen, each at its time, carried out one after
//! another on one thread. Time is a number; nothing waits.

use std::collections::{BTreeMap, BTreeSet};

use yaoban_clerk_core::sync::event::{Answer, Call, CallFailure, Effect, FailureKind, What};
use yaoban_clerk_core::sync::transport::{Request, Response};
use yaoban_clerk_core::sync::{Options, Pairing, RoundReport, SyncStore, wire};
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{PairRequest, PullReply, PushReply, TokenRequest};
use yaoban_protocol::op::OpStatus;

use crate::chain::{BEGIN_MS, Chain, DAY_MS, STORES};
use crate::chance::Stream;
use crate::fault::{Fault, Faults};
use crate::ledger::Ledger;
use crate::phone::Phone;
use crate::trace::{Trace, short};
use crate::{check, clerk, headquarters, network};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// A store is open for eleven hours, from nine o'clock on.
const OPEN_MS: i64 = 11 * HOUR_MS;
/// The engine hears about the time this often while it is busy.
const TICK_MS: i64 = 5_000;
/// A step of a store takes so long, so that other things happen in between.
const STORE_MS: i64 = 20;
/// Sweeps over all phones within which everything must have come together.
const SWEEPS_MAX: u32 = 8;
/// More happenings than this in one world are a loop.
const HAPPENINGS_MAX: u64 = 400_000;

/// What a world is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Faults that shall not happen.
    pub without: BTreeSet<Fault>,
    /// At most so many phones.
    pub phones_max: u32,
    /// At most so many days.
    pub days_max: u32,
    /// Keep the lines of the trace.
    pub keep_trace: bool,
}

impl Plan {
    /// Everything that a seed has.
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            without: BTreeSet::new(),
            phones_max: u32::MAX,
            days_max: u32::MAX,
            keep_trace: false,
        }
    }
}

/// What a broken invariant is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An acknowledged operation is nowhere.
    Lost,
    /// One was done twice.
    Doubled,
    /// A queue does not drain, or rows do not converge.
    Wedged,
    /// Anything else.
    Violation,
}

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What it is about.
    pub kind: Kind,
    /// In words.
    pub what: String,
}

/// What came of a world.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Invariants that broke.
    pub broken: Vec<Broken>,
    /// How often each fault fired, in the order of [`Fault::ALL`].
    pub fired: Vec<u64>,
    /// Phones times days.
    pub phone_days: u64,
    /// Deeds of clerks.
    pub deeds: u64,
    /// Rounds of sync.
    pub rounds: u64,
    /// Sweeps over all phones until everything had come together.
    pub sweeps: u32,
    /// Digest and length of the trace.
    pub trace: (u64, u64),
    /// Its lines, if they were kept.
    pub lines: Vec<String>,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The phone, and its life when it asked.
    pub from: (usize, u32),
    /// The call's id; none: nobody waits for the answer.
    pub id: Option<u64>,
    /// The call.
    pub call: Call,
    /// As it travels.
    pub request: Request,
    /// No reply may inflate to more.
    pub inflated_bytes_max: u64,
    /// The phone gives up then.
    pub until_ms: i64,
}

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    Act(usize),
    Begin(usize),
    Arrive(Box<Letter>),
    Heard(Box<Letter>, Result<Response, CallFailure>, u64),
    Store(usize, u32),
    Tick(usize, u32),
    Headquarters,
    Night,
    RoomAgain(usize),
    HubRoomAgain,
    Updated(usize),
    Pair(usize),
}

/// The world.
pub struct World {
    /// Now, UTC.
    pub now_ms: i64,
    /// The hub.
    pub chain: Chain,
    /// The phones.
    pub phones: Vec<Phone>,
    /// The truth.
    pub ledger: Ledger,
    /// The faults.
    pub faults: Faults,
    /// Chance of everything that is no fault.
    pub chance: Stream,
    /// What happened.
    pub trace: Trace,
    /// What broke.
    pub broken: Vec<Broken>,
    queue: BTreeMap<(i64, u64), Happening>,
    serial: u64,
    days: u32,
    rounds: u64,
    healing: bool,
    reports: BTreeMap<usize, RoundReport>,
    away: bool,
}

/// Runs a world to its end.
pub fn run(plan: &Plan) -> Outcome {
    let mut world = World::new(plan);
    world.live();
    if world.broken.is_empty() {
        world.heal()
    } else {
        world.outcome(0)
    }
}

impl World {
    fn new(plan: &Plan) -> Self {
        let mut chance = Stream::new(plan.seed, "world");
        let phones = (2 + chance.below(3)).min(u64::from(plan.phones_max)) as usize;
        let days = (1 + chance.below(2) as u32).min(plan.days_max);
        let homes = ["A", "A", "B", "A"];
        let mut world = Self {
            now_ms: BEGIN_MS,
            chain: Chain::new(plan.seed),
            phones: (0..phones)
                .map(|index| Phone::new(plan.seed, index, homes[index % homes.len()]))
                .collect(),
            ledger: Ledger::default(),
            faults: Faults::new(plan.seed, &plan.without),
            chance,
            trace: Trace::new(plan.keep_trace),
            broken: Vec::new(),
            queue: BTreeMap::new(),
            serial: 0,
            days,
            rounds: 0,
            healing: false,
            reports: BTreeMap::new(),
            away: false,
        };
        for index in 0..phones {
            world.at(index as i64 * 1_000, Happening::Pair(index));
            let first = world.chance.between(10_000, 10 * MINUTE_MS);
            world.at(first + 10 * MINUTE_MS, Happening::Act(index));
        }
        world.at(5 * MINUTE_MS, Happening::Headquarters);
        world.at(14 * HOUR_MS, Happening::Night);
        world
    }

    /// In so many milliseconds.
    fn at(&mut self, in_ms: i64, happening: Happening) {
        self.serial += 1;
        self.queue.insert((self.now_ms + in_ms, self.serial), happening);
    }

    /// The next moment within opening hours, not before `in_ms` from now.
    fn open_in(&mut self, in_ms: i64) -> i64 {
        let then = self.now_ms + in_ms - BEGIN_MS;
        let of_day = then.rem_euclid(DAY_MS);
        if of_day < OPEN_MS {
            in_ms
        } else {
            in_ms + DAY_MS - of_day + self.chance.between(0, 20 * MINUTE_MS)
        }
    }

    /// Adds a line to the trace.
    pub fn tell(&mut self, line: &str) {
        let second = (self.now_ms - BEGIN_MS) as f64 / 1_000.0;
        self.trace.line(format!("{second:>12.3} {line}"));
    }

    /// An invariant broke.
    pub fn break_(&mut self, kind: Kind, what: String) {
        self.tell(&format!("BROKEN {kind:?}: {what}"));
        self.broken.push(Broken { kind, what });
    }

    fn live(&mut self) {
        let end_ms = BEGIN_MS + i64::from(self.days) * DAY_MS;
        let mut count = 0;
        while let Some(((at_ms, _), happening)) = self.queue.pop_first() {
            let end = end_ms + if self.away { 100 * DAY_MS } else { 0 };
            if at_ms >= end || !self.broken.is_empty() {
                self.queue.insert((at_ms, 0), happening);
                return;
            }
            count += 1;
            if count > HAPPENINGS_MAX {
                return self.break_(Kind::Wedged, "the world does not come to rest".into());
            }
            self.happen(at_ms, happening);
        }
    }

    fn happen(&mut self, at_ms: i64, happening: Happening) {
        self.now_ms = self.now_ms.max(at_ms);
        self.chain.set_clock(self.now_ms);
        for phone in &self.phones {
            phone.set_time(self.now_ms);
        }
        match happening {
            Happening::Act(index) => self.act(index),
            Happening::Begin(index) => self.begin(index, Options::default()),
            Happening::Arrive(letter) => self.arrive(*letter),
            Happening::Heard(letter, response, hello_at) => self.heard(&letter, response, hello_at),
            Happening::Store(index, life) => self.carry_out(index, life),
            Happening::Tick(index, life) => {
                if self.phones[index].life == life && self.phones[index].is_busy() {
                    self.step(index, What::Tick);
                    self.at(TICK_MS, Happening::Tick(index, life));
                }
            }
            Happening::Headquarters if !self.healing => {
                self.headquarters();
                let next = self.chance.between(20 * MINUTE_MS, 2 * HOUR_MS);
                let next = self.open_in(next);
                self.at(next, Happening::Headquarters);
            }
            Happening::Night if !self.healing => {
                self.chain.daily(self.now_ms);
                self.tell("night");
                self.maybe_go_away();
                self.at(DAY_MS, Happening::Night);
            }
            Happening::Headquarters | Happening::Night => {}
            Happening::RoomAgain(index) => {
                if self.phones[index].disk_full {
                    self.phones[index].set_disk_full(false);
                }
            }
            Happening::HubRoomAgain => self.chain.set_disk_full(false),
            Happening::Updated(index) => self.phones[index].old_schema = false,
            Happening::Pair(index) => self.pair(index),
        }
    }

    // ---- phones ------------------------------------------------------------------------------

    fn act(&mut self, index: usize) {
        if self.healing {
            return;
        }
        self.befall_phone(index);
        let killed = self.faults.fires(Fault::PhoneKilledInStore);
        let mut chance = self.chance.clone();
        let phone = &mut self.phones[index];
        let mut done = clerk::Done::default();
        if killed {
            let steps = self.faults.stream(Fault::PhoneKilledInStore).draw();
            let (ledger, faults) = (&mut self.ledger, &mut self.faults);
            phone.kill_within(steps, |phone| {
                done = clerk::act(phone, ledger, faults, &mut chance);
            });
        } else {
            done = clerk::act(phone, &mut self.ledger, &mut self.faults, &mut chance);
        }
        self.chance = chance;
        let lost = clerk::enter(&mut self.phones[index], &mut self.ledger, done.deeds);
        self.tell(&format!(
            "phone {index} {}{}",
            done.what,
            if killed { ", killed in it" } else { "" }
        ));
        for what in lost {
            self.break_(Kind::Lost, what);
        }
        for (kind, what) in done.violations {
            self.break_(kind, what);
        }
        if killed {
            self.reborn(index);
        }
        let next = self.chance.between(3 * MINUTE_MS, 50 * MINUTE_MS);
        let next = self.open_in(next);
        self.at(next, Happening::Act(index));
    }

    /// What befalls a phone on its own.
    fn befall_phone(&mut self, index: usize) {
        if self.faults.fires(Fault::ClockOff) {
            let days = self.faults.stream(Fault::ClockOff).between(-5, 6);
            self.phones[index].set_clock_off(days * DAY_MS);
            self.tell(&format!("phone {index} clock off by {days} days"));
        }
        if self.faults.fires(Fault::ClockBackwards) {
            let back = self
                .faults
                .stream(Fault::ClockBackwards)
                .between(1_000, 3 * HOUR_MS);
            let off = self.phones[index].clock_off_ms() - back;
            self.phones[index].set_clock_off(off);
            self.tell(&format!("phone {index} clock back by {back} ms"));
        }
        if self.faults.fires(Fault::Offline) {
            let hours = self.faults.stream(Fault::Offline).between(1, 9);
            self.phones[index].offline_until_ms = self.now_ms + hours * HOUR_MS;
            self.tell(&format!("phone {index} offline for {hours} hours"));
        }
        if self.faults.fires(Fault::PhoneDiskFull) {
            self.phones[index].set_disk_full(true);
            self.tell(&format!("phone {index} disk full"));
            self.at(2 * HOUR_MS, Happening::RoomAgain(index));
        }
        if self.faults.fires(Fault::OldSchema) {
            self.phones[index].old_schema = true;
            self.tell(&format!("phone {index} is too old for the hub"));
            self.at(3 * HOUR_MS, Happening::Updated(index));
        }
        if self.faults.fires(Fault::PhoneKilled) {
            self.phones[index].kill();
            self.tell(&format!("phone {index} killed while it idles"));
            self.reborn(index);
        }
    }

    /// After a start of the app.
    fn reborn(&mut self, index: usize) {
        self.phones[index].round = crate::phone::Round::default();
        check::held_rows(self, index);
        let load = self.phones[index].store().clone().state();
        if let Ok(state) = load
            && state.load.is_some()
        {
            self.faults.count(Fault::LoadInterrupted);
        }
        let soon = self.chance.between(10_000, 20 * MINUTE_MS);
        self.at(soon, Happening::Begin(index));
    }

    fn begin(&mut self, index: usize, options: Options) {
        if self.phones[index].is_busy() {
            return;
        }
        self.rounds += 1;
        self.tell(&format!("phone {index} round begins"));
        let life = self.phones[index].life;
        self.at(TICK_MS, Happening::Tick(index, life));
        self.step(index, What::Begin(options));
    }

    fn step(&mut self, index: usize, what: What) {
        let now_ms = self.now_ms;
        for effect in self.phones[index].step(what, now_ms) {
            match effect {
                Effect::Store { id, command } => {
                    self.phones[index].commands.push_back((id, command));
                    let life = self.phones[index].life;
                    self.at(STORE_MS, Happening::Store(index, life));
                }
                Effect::Call {
                    id,
                    call,
                    token,
                    timeout_ms,
                    inflated_bytes_max,
                } => {
                    let letter = wire::request(&call, token, timeout_ms).map(|request| Letter {
                        from: (index, self.phones[index].life),
                        id: Some(id),
                        call,
                        request,
                        inflated_bytes_max,
                        until_ms: now_ms + timeout_ms as i64,
                    });
                    match letter {
                        Ok(letter) => self.send(letter),
                        Err(failure) => {
                            self.break_(Kind::Violation, format!("a request cannot be made: {failure:?}"));
                        }
                    }
                }
                Effect::CancelCalls | Effect::Progress(_) => {}
                Effect::Finished(report) => self.finished(index, *report),
            }
        }
    }

    fn carry_out(&mut self, index: usize, life: u32) {
        if self.phones[index].life != life {
            return;
        }
        if self.faults.fires(Fault::PhoneKilled) {
            let after = self.faults.stream(Fault::PhoneKilled).once_in(2);
            if after {
                self.phones[index].carry_out();
            }
            self.tell(&format!(
                "phone {index} killed between two steps{}",
                if after { ", after one" } else { "" }
            ));
            self.phones[index].kill();
            return self.reborn(index);
        }
        if self.faults.fires(Fault::PhoneKilledInStore) {
            let steps = self.faults.stream(Fault::PhoneKilledInStore).draw();
            let command = self.phones[index]
                .commands
                .front()
                .map(|(_, command)| name(command));
            self.phones[index].kill_within(steps, |phone| {
                phone.carry_out();
            });
            self.tell(&format!("phone {index} killed in {command:?}"));
            return self.reborn(index);
        }
        let command = self.phones[index]
            .commands
            .front()
            .map(|(_, command)| name(command));
        let Some((id, result)) = self.phones[index].carry_out() else {
            return;
        };
        let shown = match &result {
            Ok(_) => "ok".to_owned(),
            Err(failure) => failure.code.clone(),
        };
        self.tell(&format!(
            "phone {index} store {}: {shown}",
            command.unwrap_or_default()
        ));
        self.step(index, What::Stored { id, result });
    }

    fn finished(&mut self, index: usize, report: RoundReport) {
        let problem = report.first_problem().map(|problem| problem.code.clone());
        self.tell(&format!(
            "phone {index} round ended up_to_date={} pulled={} pushed={} rejected={} parked={} problem={problem:?}",
            report.up_to_date, report.pulled_rows, report.pushed_ops, report.rejected_ops, report.parked_ops
        ));
        self.phones[index].round_ended(&report);
        check::held_rows(self, index);
        if self.healing {
            self.reports.insert(index, report);
            return;
        }
        let delay = i64::try_from(report.next_delay_ms).unwrap_or(HOUR_MS);
        let next = self.chance.between(10 * MINUTE_MS, 80 * MINUTE_MS).max(delay);
        let next = self.open_in(next);
        self.at(next, Happening::Begin(index));
    }

    fn pair(&mut self, index: usize) {
        if self.is_welcome(index) {
            return;
        }
        let store_id = self.phones[index].store_id.clone();
        let code = self.chain.pair_code(&store_id, self.now_ms);
        let paired = code.is_some_and(|secret| self.pair_by(index, secret));
        self.tell(&format!("phone {index} paired={paired}"));
        let next = if paired { 5_000 } else { HOUR_MS };
        let happening = if paired {
            Happening::Begin(index)
        } else {
            Happening::Pair(index)
        };
        self.at(next, happening);
    }

    /// The phone has a pairing that the hub knows, as far as can be told now.
    fn is_welcome(&self, index: usize) -> bool {
        let state = self.phones[index].store().clone().state().unwrap_or_default();
        let Some(pairing) = state.pairing.filter(|_| state.locked.is_none()) else {
            return false;
        };
        let call = Call::Token(TokenRequest {
            device_id: pairing.device_id,
            refresh_secret: pairing.refresh_secret,
        });
        let Ok(request) = wire::request(&call, None, 1_000) else {
            return false;
        };
        let answer = wire::answer(&call, &self.chain.exchange(request), 1 << 20);
        answer
            .err()
            .is_none_or(|failure| failure.code != refusal::DEVICE_UNKNOWN)
    }

    fn pair_by(&mut self, index: usize, secret: String) -> bool {
        let request = PairRequest {
            secret,
            device_name: format!("手机{index}"),
        };
        let Ok(request) = wire::pair_request(&request) else {
            return false;
        };
        let Ok(reply) = wire::pair_reply(&self.chain.exchange(request)) else {
            return false;
        };
        let pairing = Pairing {
            url: "https://hub.example".into(),
            fingerprint: "00".repeat(32),
            device_id: reply.device_id,
            refresh_secret: reply.refresh_secret,
            chain_name: reply.chain_name,
            store_id: reply.store_id,
            store_name: reply.store_name,
            staff_id: reply.staff_id,
        };
        self.phones[index].store().clone().save_pairing(&pairing).is_ok()
    }

    // ---- the way -----------------------------------------------------------------------------

    fn send(&mut self, mut letter: Letter) {
        let (index, _) = letter.from;
        let shown = format!(
            "phone {index} call {} {}",
            letter.call.name(),
            short(letter.request.body.as_deref().unwrap_or_default())
        );
        let now_ms = self.now_ms;
        if self.phones[index].offline_until_ms > now_ms {
            self.tell(&format!("{shown} offline"));
            return self.fail(letter, FailureKind::Unreachable, 200);
        }
        if self.phones[index].old_schema {
            network::as_older_schema(&mut letter.request);
        }
        if self.faults.fires(Fault::DropRequest) {
            self.tell(&format!("{shown} dropped"));
            let wait = letter.until_ms - now_ms;
            return self.fail(letter, FailureKind::TimedOut, wait);
        }
        let harm = network::harm_request(&mut letter.request, &mut self.faults);
        self.tell(&format!("{shown}{harm}"));
        let latency = self.chance.between(20, 300);
        if self.faults.fires(Fault::Duplicate) {
            let twin = Letter {
                id: None,
                ..letter.clone()
            };
            self.at(latency + 5, Happening::Arrive(Box::new(twin)));
        }
        if self.faults.fires(Fault::Reorder) {
            let twin = Letter {
                id: None,
                ..letter.clone()
            };
            let late = self.faults.stream(Fault::Reorder).between(MINUTE_MS, 3 * HOUR_MS);
            self.at(late, Happening::Arrive(Box::new(twin)));
        }
        if matches!(letter.call, Call::Pull(_)) && self.faults.fires(Fault::ForeignScope) {
            let mut curious = Letter {
                id: None,
                ..letter.clone()
            };
            let other = Self::other_store(&self.phones[index].store_id);
            network::ask_for(&mut curious.request, &format!("store:{other}"));
            self.at(latency + 7, Happening::Arrive(Box::new(curious)));
        }
        self.at(latency, Happening::Arrive(Box::new(letter)));
    }

    fn fail(&mut self, letter: Letter, kind: FailureKind, in_ms: i64) {
        let failure = CallFailure {
            kind,
            code: kind.code().to_owned(),
            message: "simulated".into(),
            retry_after_ms: None,
        };
        self.at(in_ms, Happening::Heard(Box::new(letter), Err(failure), 0));
    }

    fn arrive(&mut self, letter: Letter) {
        let (index, _) = letter.from;
        self.befall_hub_at_call(index);
        if self.faults.fires(Fault::HubKilled) {
            let before = self.faults.stream(Fault::HubKilled).once_in(2);
            if !before {
                self.exchange(&letter);
            }
            self.chain.restart();
            self.tell(&format!(
                "hub killed, call {} done={}",
                letter.call.name(),
                !before
            ));
            return self.fail(letter, FailureKind::Broken, 100);
        }
        let response = self.exchange(&letter);
        let happened = self.ledger.happened;
        if self.faults.fires(Fault::DropReply) {
            self.tell(&format!("phone {index} reply to {} lost", letter.call.name()));
            let wait = (letter.until_ms - self.now_ms).max(0);
            return self.fail(letter, FailureKind::TimedOut, wait);
        }
        let max = letter.request.response_bytes_max;
        let mut response = response;
        let harm = network::harm_response(&mut response, &mut self.faults);
        if !harm.is_empty() {
            self.tell(&format!("phone {index} reply to {}{harm}", letter.call.name()));
        }
        if response.body.len() as u64 > max {
            // The transport finds this while it reads.
            return self.fail(letter, FailureKind::Garbled, 300);
        }
        let mut latency = self.chance.between(20, 300);
        if self.faults.fires(Fault::Delay) {
            latency = self.faults.stream(Fault::Delay).between(10_000, 3 * MINUTE_MS);
        }
        if self.now_ms + latency > letter.until_ms {
            let wait = (letter.until_ms - self.now_ms).max(0);
            return self.fail(letter, FailureKind::TimedOut, wait);
        }
        self.at(
            latency,
            Happening::Heard(Box::new(letter), Ok(response), happened),
        );
    }

    /// The hub answers, and the ledger looks on.
    fn exchange(&mut self, letter: &Letter) -> Response {
        let (index, _) = letter.from;
        let response = self.chain.exchange(letter.request.clone());
        self.ledger.happened += 1;
        self.tell(&format!(
            "hub {} {} of phone {index}: {} {}",
            self.ledger.happened,
            letter.call.name(),
            response.status,
            short(&response.body)
        ));
        if response.status == 200 {
            match &letter.call {
                Call::Push(_) => {
                    if let Some(reply) = network::read::<PushReply>(&response) {
                        for result in &reply.results {
                            let (n, op_id, status) = (result.n, &result.op_id, result.status);
                            self.tell(&format!("    op {n} {op_id} {status:?} {:?}", result.reason));
                            if matches!(status, OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate) {
                                self.ledger.taken(op_id);
                            }
                        }
                    }
                }
                Call::Pull(_) => {
                    if let Some(reply) = network::read::<PullReply>(&response) {
                        self.look_at_pages(index, &reply);
                    }
                }
                _ => {}
            }
        }
        response
    }

    fn look_at_pages(&mut self, index: usize, reply: &PullReply) {
        let own = format!("store:{}", self.phones[index].store_id);
        for page in &reply.pages {
            if page.scope != own && page.scope != "catalogue" {
                self.break_(
                    Kind::Violation,
                    format!("phone {index} of {own} was sent rows of {}", page.scope),
                );
            }
            if page.gone {
                self.faults.count(Fault::CursorTooOld);
            }
        }
    }

    fn heard(&mut self, letter: &Letter, response: Result<Response, CallFailure>, happened: u64) {
        let (index, life) = letter.from;
        let Some(id) = letter.id.filter(|_| self.phones[index].life == life) else {
            return;
        };
        let answer = response.and_then(|r| wire::answer(&letter.call, &r, letter.inflated_bytes_max));
        let shown = match &answer {
            Ok(_) => "ok".to_owned(),
            Err(failure) => format!("{:?} {}", failure.kind, failure.code),
        };
        self.tell(&format!("phone {index} heard {}: {shown}", letter.call.name()));
        if matches!(answer, Ok(Answer::Hello(_))) {
            self.phones[index].round.hello_at = happened;
        }
        self.step(index, What::Answered { id, answer });
    }

    // ---- the hub -----------------------------------------------------------------------------

    fn befall_hub_at_call(&mut self, index: usize) {
        if self.faults.fires(Fault::DeviceRevoked) {
            let state = self.phones[index].store().clone().state();
            if let Some(pairing) = state.ok().and_then(|state| state.pairing) {
                let now_ms = self.now_ms;
                self.chain
                    .write(|tx| tx.revoke_device(&pairing.device_id, now_ms));
                self.ledger.happened += 1;
                self.tell(&format!("phone {index} revoked"));
                self.at(2 * HOUR_MS, Happening::Pair(index));
            }
        }
    }

    fn headquarters(&mut self) {
        headquarters::act(self);
        if self.faults.fires(Fault::HubDiskFull) {
            self.chain.set_disk_full(true);
            self.tell("hub disk full");
            self.at(HOUR_MS, Happening::HubRoomAgain);
        }
        if self.chance.once_in(4) {
            let at = self.ledger.happened;
            self.chain.backup(at);
            self.tell("backup");
        } else if !self.chain.backups.is_empty() && self.faults.fires(Fault::HubRestored) {
            let stream = self.faults.stream(Fault::HubRestored);
            let Some(backup) = stream.pick(&self.chain.backups).cloned() else {
                return;
            };
            self.chain.restore(&backup, self.now_ms);
            self.ledger.restored(backup.at);
            self.ledger.happened += 1;
            self.tell(&format!("hub restored to {}", backup.at));
            // Devices that were paired since are strangers to the hub.
            for index in 0..self.phones.len() {
                self.at(2 * HOUR_MS, Happening::Pair(index));
            }
        }
    }

    /// Everybody is away for a hundred days; the hub goes on alone.
    fn maybe_go_away(&mut self) {
        if self.away || !self.faults.fires(Fault::LongAway) {
            return;
        }
        self.away = true;
        // Something leaves a scope that no phone has heard of.
        headquarters::move_someone(self);
        self.tell("everybody away for 100 days");
        let queue = std::mem::take(&mut self.queue);
        self.queue = queue
            .into_iter()
            .map(|((at, serial), happening)| ((at + 100 * DAY_MS, serial), happening))
            .collect();
        // Backups this old are not kept, and phones keep what they sent for 35 days.
        self.chain.backups.clear();
        for day in [30, 60, 91, 99] {
            let then = self.now_ms + day * DAY_MS;
            self.chain.set_clock(then);
            self.chain.daily(then);
        }
        self.now_ms += 100 * DAY_MS;
        self.chain.set_clock(self.now_ms);
    }

    // ---- the end -----------------------------------------------------------------------------

    /// Nothing goes wrong any more: everything must come together.
    fn heal(mut self) -> Outcome {
        self.tell("calm");
        self.healing = true;
        self.faults.calm = true;
        self.chain.set_disk_full(false);
        for index in 0..self.phones.len() {
            let phone = &mut self.phones[index];
            phone.offline_until_ms = 0;
            phone.old_schema = false;
            phone.set_clock_off(0);
            phone.set_disk_full(false);
        }
        self.drain();
        let mut sweeps = 0;
        while self.broken.is_empty() {
            sweeps += 1;
            if self.sweep(Options::default()) {
                break;
            }
            if sweeps == SWEEPS_MAX {
                let reports = format!("{:?}", self.reports);
                self.break_(
                    Kind::Wedged,
                    format!("not healed after {sweeps} sweeps: {reports}"),
                );
            }
        }
        if self.broken.is_empty() {
            self.sweep(Options { repair: true });
            check::repaired(&mut self);
            check::everything(&mut self);
        }
        self.outcome(sweeps)
    }

    /// One round of each phone. True if there was nothing left to do.
    fn sweep(&mut self, options: Options) -> bool {
        let mut quiet = true;
        for index in 0..self.phones.len() {
            self.reports.remove(&index);
            self.pair(index);
            self.drain();
            if !self.reports.contains_key(&index) || options.repair {
                self.reports.remove(&index);
                self.begin(index, options);
                self.drain();
            }
            let waiting = check::under_way(&self.phones[index]);
            quiet &= waiting == 0
                && self.reports.get(&index).is_some_and(|report| {
                    report.first_problem().is_none()
                        && report.up_to_date
                        && report.pulled_rows == 0
                        && report.pushed_ops == 0
                        && report.loaded_scopes.is_empty()
                });
        }
        quiet
    }

    /// Lets everything happen that is under way.
    fn drain(&mut self) {
        let mut count = 0;
        while let Some(((at_ms, _), happening)) = self.queue.pop_first() {
            count += 1;
            if count > HAPPENINGS_MAX {
                return self.break_(Kind::Wedged, "a round does not come to its end".into());
            }
            self.happen(at_ms, happening);
            if !self.broken.is_empty() {
                return;
            }
        }
    }

    /// The last answers of the phones.
    pub fn reports(&self) -> &BTreeMap<usize, RoundReport> {
        &self.reports
    }

    fn outcome(mut self, sweeps: u32) -> Outcome {
        check::count_double_finishes(&mut self);
        Outcome {
            broken: self.broken,
            fired: self.faults.fired,
            phone_days: self.phones.len() as u64 * u64::from(self.days),
            deeds: self.ledger.entries.len() as u64,
            rounds: self.rounds,
            sweeps,
            trace: self.trace.digest(),
            lines: self.trace.into_lines(),
        }
    }

    /// Another store than this one.
    pub fn other_store(store: &str) -> &'static str {
        STORES.iter().copied().find(|one| *one != store).unwrap_or("A")
    }
}

fn name(command: &yaoban_clerk_core::sync::event::Command) -> String {
    let text = format!("{command:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
