//! One simulated world: a queue of things that will happen, each at its time, carried out one after
//! another on one thread. Time is a number; nothing waits.

use std::collections::{BTreeMap, BTreeSet};

use yaoban_clerk_core::sync::event::{Call, CallFailure, What};
use yaoban_clerk_core::sync::transport::{Request, Response};
use yaoban_clerk_core::sync::{Options, RoundReport};

use crate::chain::{BEGIN_MS, Chain, DAY_MS, STORES};
use crate::chance::Stream;
use crate::check;
use crate::fault::{Fault, Faults};
use crate::ledger::Ledger;
use crate::phone::Phone;
use crate::trace::Trace;

mod healing;
mod hub;
mod phones;
mod way;

use healing::Healing;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// A store is open for eleven hours, from nine o'clock on.
const OPEN_MS: i64 = 11 * HOUR_MS;
/// The engine hears about the time this often while it is busy.
const TICK_MS: i64 = 5_000;
/// A step of a store takes so long, so that other things happen in between.
const STORE_MS: i64 = 20;
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
    /// Sweeps over all phones until everything had come together, and one more had nothing to do.
    pub sweeps: u32,
    /// For each phone that was behind when everything was well again: the rounds that it took to be
    /// level with the hub.
    pub rounds_to_level: Vec<u32>,
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
    healing: Healing,
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
            healing: Healing::default(),
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
            Happening::Headquarters if !self.healing.is_on() => {
                self.headquarters();
                let next = self.chance.between(20 * MINUTE_MS, 2 * HOUR_MS);
                let next = self.open_in(next);
                self.at(next, Happening::Headquarters);
            }
            Happening::Night if !self.healing.is_on() => {
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
            Happening::HubRoomAgain => self.room_at_hub(),
            Happening::Updated(index) => self.phones[index].old_schema = false,
            Happening::Pair(index) => self.pair(index),
        }
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
            rounds_to_level: self.healing.rounds_to_level(),
            trace: self.trace.digest(),
            lines: self.trace.into_lines(),
        }
    }

    /// Another store than this one.
    pub fn other_store(store: &str) -> &'static str {
        STORES.iter().copied().find(|one| *one != store).unwrap_or("A")
    }
}
