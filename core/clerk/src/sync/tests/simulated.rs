//! The engine under a seeded storm: calls dropped, doubled, delayed and answered into the void, the
//! phone killed between effects, the hub restored from backups, scopes moved, tokens expired. One
//! seed decides everything; `YAOBAN_SYNC_SEED=k` replays one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use yaoban_protocol::op::OpStatus;
use yaoban_protocol::row::ChangeKind;

use super::memory::MemoryStore;
use super::model_hub::{CATALOGUE, Data, ModelHub, STORE, Scope, refuse, timed_out, unreachable};
use crate::sync::event::{
    Answer, Call, CallFailure, Command, Effect, Event, FailureKind, Now, Options, RoundReport, What,
};
use crate::sync::storage::StoreFailure;
use crate::sync::{Engine, SOLO_FAILURES_MAX, carry_out};

const SEEDS: u64 = 400;
const STEPS: u32 = 1_200;
const IDS: u64 = 30;

/// splitmix64
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `n`.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

type Reply = Result<Answer, CallFailure>;

enum Flying {
    Call {
        life: u64,
        id: u64,
        call: Call,
        token: Option<String>,
    },
    Reply {
        life: u64,
        id: u64,
        reply: Reply,
    },
}

struct Storm {
    chance: Chance,
    hub: ModelHub,
    store: MemoryStore,
    engine: Engine,
    /// Rises with each kill: what flew to a dead phone is lost.
    life: u64,
    commands: VecDeque<(u64, Command)>,
    flying: Vec<Flying>,
    backups: Vec<Data>,
    erased: BTreeSet<String>,
    ops: BTreeMap<String, &'static [u8]>,
    now: Now,
    reports: Vec<RoundReport>,
    trace: String,
    faults: u64,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut hub = ModelHub::new();
        for i in 0..IDS {
            hub.put(
                if i % 4 == 0 { CATALOGUE } else { STORE },
                "member",
                &format!("m{i}"),
                b"0",
            );
        }
        Self {
            chance: Chance(seed),
            hub,
            store: MemoryStore::paired(),
            engine: Engine::new("storm"),
            life: 0,
            commands: VecDeque::new(),
            flying: Vec::new(),
            backups: Vec::new(),
            erased: BTreeSet::new(),
            ops: BTreeMap::new(),
            now: Now {
                wall_ms: 0,
                mono_ms: 0,
                random: 0,
            },
            reports: Vec::new(),
            trace: String::new(),
            faults: 0,
        }
    }

    fn note(&mut self, what: &str) {
        let _ = writeln!(self.trace, "{what}");
    }

    fn tell(&mut self, what: What) {
        self.now.random = self.chance.next();
        let event = Event { now: self.now, what };
        for effect in self.engine.step(event) {
            match effect {
                Effect::Store { id, command } => self.commands.push_back((id, command)),
                Effect::Call { id, call, token, .. } => {
                    self.note(&format!("ask {id} {}", call.name()));
                    self.flying.push(Flying::Call {
                        life: self.life,
                        id,
                        call,
                        token,
                    });
                }
                Effect::CancelCalls | Effect::Progress(_) => {}
                Effect::Finished(report) => {
                    self.note(&format!("round {report:?}"));
                    self.reports.push(*report);
                }
            }
        }
    }

    fn step(&mut self) {
        match self.chance.below(100) {
            0..=34 => self.run_command(),
            35..=74 => self.fly(),
            75 | 76 => self.kill(),
            77..=81 => self.clerk_works(),
            82..=90 => self.hub_changes(),
            91 => self.hub_upheaval(),
            92 => self.backups.push(self.hub.data.clone()),
            93 => self.restore(),
            94 | 95 => self.time_passes(),
            _ if !self.engine.is_busy() => self.tell(What::Begin(Options { repair: false })),
            _ => {}
        }
        self.check();
    }

    fn run_command(&mut self) {
        let Some((id, command)) = self.commands.pop_front() else {
            return;
        };
        let result = if self.chance.once_in(60) {
            self.faults += 1;
            Err(StoreFailure::new("disk_full", "the disk is full"))
        } else {
            carry_out(&mut self.store, command)
        };
        self.note(&format!("stored {id} {}", result.is_ok()));
        self.tell(What::Stored { id, result });
    }

    fn fly(&mut self) {
        if self.flying.is_empty() {
            return;
        }
        let at = self.chance.below(self.flying.len() as u64) as usize;
        match self.flying.swap_remove(at) {
            Flying::Call {
                life,
                id,
                call,
                token,
            } => self.call_flies(life, id, &call, token.as_deref()),
            Flying::Reply { life, id, reply } if life == self.life => {
                self.note(&format!("reply {id} {}", reply.is_ok()));
                self.tell(What::Answered { id, answer: reply });
            }
            Flying::Reply { .. } => {}
        }
    }

    fn call_flies(&mut self, life: u64, id: u64, call: &Call, token: Option<&str>) {
        let broken = || CallFailure {
            kind: FailureKind::Broken,
            ..unreachable()
        };
        let garbled = || CallFailure {
            kind: FailureKind::Garbled,
            ..timed_out()
        };
        let fate = self.chance.below(40);
        self.faults += u64::from(fate < 8);
        let reply = match fate {
            0 => Err(unreachable()),
            1 => Err(timed_out()),
            2 => Err(refuse(502, "bad_gateway")),
            3 => self.hub.answer(call, token).and(Err(timed_out())),
            4 => self.hub.answer(call, token).and(Err(broken())),
            5 => self.hub.answer(call, token).and(Err(garbled())),
            6 | 7 => {
                // Doubled: the copy arrives some other time, and nobody hears its answer.
                let copy = Flying::Call {
                    life: u64::MAX,
                    id,
                    call: call.clone(),
                    token: token.map(str::to_owned),
                };
                self.flying.push(copy);
                self.hub.answer(call, token)
            }
            _ => self.hub.answer(call, token),
        };
        self.note(&format!("call {id} fate {fate}"));
        if life == self.life {
            self.flying.push(Flying::Reply { life, id, reply });
        }
    }

    fn kill(&mut self) {
        self.faults += 1;
        self.note("kill");
        self.engine = Engine::new("storm");
        self.life += 1;
        self.commands.clear();
        self.flying.retain(|f| matches!(f, Flying::Call { .. }));
        if self.chance.once_in(2) {
            self.flying.clear();
        }
    }

    fn clerk_works(&mut self) {
        let id = format!("op{:04}", self.ops.len());
        let body: &'static [u8] = match self.chance.below(30) {
            0 => b"poison",
            1..=3 => b"bad",
            _ => b"fine",
        };
        self.store.add_op(&id, body);
        self.ops.insert(id, body);
    }

    fn hub_changes(&mut self) {
        let scopes: Vec<String> = self.hub.data.scopes.keys().cloned().collect();
        let scope = &scopes[self.chance.below(scopes.len() as u64) as usize];
        let id = format!("m{}", self.chance.below(IDS));
        if self.erased.contains(&id) {
            return;
        }
        let body = format!("{}", self.chance.below(1_000));
        match self.chance.below(12) {
            0 | 1 => self.hub.change(scope, "member", &id, ChangeKind::Evict, b""),
            2 if self.chance.once_in(6) => {
                for scope in &scopes {
                    self.hub.change(scope, "member", &id, ChangeKind::Erase, b"");
                }
                self.erased.insert(id);
            }
            _ => self.hub.put(scope, "member", &id, body.as_bytes()),
        }
    }

    fn hub_upheaval(&mut self) {
        self.faults += 1;
        match self.chance.below(6) {
            0 => self.hub.prune(STORE),
            1 => self.hub.scope(CATALOGUE).generation += 1,
            2 => self.hub.token_serial += 1,
            3 => self.hub.chunks.clear(),
            4 => self.hub.now_ms += 25 * 3_600_000,
            _ if self.hub.data.scopes.remove("store:2").is_none() => {
                let fresh = Scope {
                    generation: self.hub.epoch * 1_000 + self.chance.below(1_000),
                    ..Scope::default()
                };
                self.hub.data.scopes.insert("store:2".to_owned(), fresh);
                self.hub.put("store:2", "member", "m-two", b"2");
            }
            _ => {}
        }
    }

    fn restore(&mut self) {
        if self.backups.is_empty() || !self.chance.once_in(3) {
            return;
        }
        self.faults += 1;
        self.note("restore");
        let at = self.chance.below(self.backups.len() as u64) as usize;
        // What came after the backup that is restored never was.
        self.backups.truncate(at + 1);
        self.hub.restore(self.backups[at].clone());
        // Erasures are kept outside of backups and done again, as the hub must.
        let scopes: Vec<String> = self.hub.data.scopes.keys().cloned().collect();
        for id in self.erased.clone() {
            for scope in &scopes {
                self.hub.change(scope, "member", &id, ChangeKind::Erase, b"");
            }
        }
    }

    fn time_passes(&mut self) {
        self.now.mono_ms += self.chance.below(60_000);
        self.now.wall_ms += self.chance.below(60_000) as i64;
        if self.chance.once_in(10) {
            let days = self.chance.below(21) as i64 - 10;
            self.now.wall_ms += days * 24 * 3_600_000;
        }
        self.tell(What::Tick);
    }

    /// What must hold at every moment.
    fn check(&self) {
        for (op, effects) in &self.hub.data.effects {
            assert!(*effects <= 1, "{op} was applied {effects} times");
        }
        let epoch = format!("e{}", self.hub.epoch);
        if self.store.known.epoch.as_ref() != Some(&epoch) {
            return;
        }
        let sound = |scope: &str| {
            self.store
                .known
                .scopes
                .iter()
                .any(|h| h.cursor.scope == scope && !h.stale)
        };
        for op in self
            .store
            .outbox
            .iter()
            .filter(|o| o.sent_at_ms.is_some() && sound(STORE))
        {
            if self.hub.data.effects.contains_key(&op.op.op_id) {
                let key = ("note".to_owned(), op.op.op_id.clone());
                assert!(
                    self.store.rows[STORE].contains_key(&key),
                    "{} vanished from the screen",
                    key.1
                );
            }
        }
        for held in self.store.known.scopes.iter().filter(|h| !h.stale) {
            let cursor = &held.cursor;
            let Some(scope) = self.hub.data.scopes.get(&cursor.scope) else {
                continue;
            };
            if scope.generation != cursor.generation {
                continue;
            }
            assert!(
                cursor.after <= scope.head,
                "the cursor of {} is ahead of the hub",
                cursor.scope
            );
            let rows = &self.store.rows[&cursor.scope];
            for (key, (seq, kind, body)) in scope.rows.iter().filter(|(_, r)| r.0 <= cursor.after) {
                let wanted = (*kind == ChangeKind::Put).then(|| (*seq, body.clone()));
                assert_eq!(
                    rows.get(key),
                    wanted.as_ref(),
                    "{} is at {} without {key:?}",
                    cursor.scope,
                    cursor.after
                );
            }
        }
    }

    /// No faults any more: rounds until everything is through. Returns their number.
    fn heal(&mut self) -> u32 {
        self.kill();
        self.flying.clear();
        let poisoned = self.ops.values().filter(|b| **b == b"poison").count() as u32;
        for round in 1..=SOLO_FAILURES_MAX * poisoned + 3 {
            self.now.mono_ms += 1_000;
            let report = self.calm_round(false);
            if report.first_problem().is_none() && report.up_to_date && self.store.unanswered() == 0 {
                return round;
            }
        }
        panic!("the queue does not drain: {:?}", self.reports.last());
    }

    fn calm_round(&mut self, repair: bool) -> RoundReport {
        let before = self.reports.len();
        self.tell(What::Begin(Options { repair }));
        while self.reports.len() == before {
            if let Some((id, command)) = self.commands.pop_front() {
                let result = carry_out(&mut self.store, command);
                self.tell(What::Stored { id, result });
            } else if let Some(Flying::Call { id, call, token, .. }) = self.flying.pop() {
                let answer = self.hub.answer(&call, token.as_deref());
                self.tell(What::Answered { id, answer });
            } else {
                panic!("the engine waits for nothing");
            }
            self.check();
        }
        self.reports.last().expect("a report").clone()
    }

    /// What must hold once healed.
    fn check_healed(&mut self) {
        for (id, body) in self.ops.clone() {
            let op = self.store.op(&id);
            let status = op.result.as_ref().map(|r| r.status).expect("answered");
            let effects = self.hub.data.effects.get(&id).copied().unwrap_or(0);
            match status {
                OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate => {
                    assert_eq!(effects, 1, "{id} was acknowledged and is lost");
                    let key = ("note".to_owned(), id.clone());
                    assert!(
                        self.store.rows[STORE].contains_key(&key),
                        "the effect of {id} came back"
                    );
                    assert!(op.sent_at_ms.is_some(), "{id} never left the outbox");
                }
                OpStatus::Parked => {
                    assert!(
                        self.hub.data.parked.iter().any(|p| p.op_id == id),
                        "{id} was parked and is lost"
                    );
                    assert!(op.sent_at_ms.is_some(), "{id} never left the outbox");
                }
                OpStatus::Rejected => assert_eq!(body, b"bad"),
            }
        }
        let report = self.calm_round(true);
        assert!(report.first_problem().is_none());
        assert_eq!(report.repaired_ranges, 0, "digests converge");
        let held: Vec<&String> = self.store.rows.keys().collect();
        let scopes: Vec<&String> = self.hub.data.scopes.keys().collect();
        assert_eq!(held, scopes, "no scope too many");
        for (name, scope) in &self.hub.data.scopes {
            let puts = scope.rows.iter().filter(|(_, r)| r.1 == ChangeKind::Put);
            let wanted: BTreeMap<_, _> = puts.map(|(k, r)| (k.clone(), (r.0, r.2.clone()))).collect();
            assert_eq!(self.store.rows[name], wanted, "rows of {name}");
        }
    }
}

/// Runs one seed: its trace, rounds to heal and faults.
fn run(seed: u64) -> (String, u32, u64) {
    let mut storm = Storm::new(seed);
    for _ in 0..STEPS {
        storm.step();
    }
    let rounds = storm.heal();
    storm.check_healed();
    (storm.trace, rounds, storm.faults)
}

#[test]
fn no_op_is_lost_or_doubled_and_the_cursor_is_never_ahead_of_rows() {
    let one = std::env::var("YAOBAN_SYNC_SEED")
        .ok()
        .map(|s| s.parse::<u64>().expect("a seed is a number"));
    let seeds = one.map_or(0..SEEDS, |seed| seed..seed + 1);
    println!("seeds {seeds:?}");
    let (mut rounds_max, mut faults) = (0, 0);
    for seed in seeds {
        let result = std::panic::catch_unwind(|| run(seed));
        let Ok((_, rounds, seed_faults)) = result else {
            panic!(
                "seed {seed} fails; replay: YAOBAN_SYNC_SEED={seed} cargo test -p yaoban-clerk-core no_op_is_lost"
            );
        };
        rounds_max = rounds_max.max(rounds);
        faults += seed_faults;
    }
    println!("faults {faults}, at most {rounds_max} rounds to heal");
}

#[test]
fn same_seed_same_trace() {
    for seed in [1, 77, 4_242] {
        println!("seed {seed}");
        let first = run(seed).0;
        assert!(first.len() > 1_000);
        assert_eq!(first, run(seed).0);
    }
}
