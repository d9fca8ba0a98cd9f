//! One phone, one hub, and the wire between them, run one effect at a time.

use std::collections::VecDeque;

use super::memory::MemoryStore;
use super::model_hub::{ModelHub, timed_out};
use crate::sync::carry_out;
use crate::sync::engine::Engine;
use crate::sync::event::{
    Answer, Call, CallFailure, Command, Effect, Event, Now, Options, RoundReport, What,
};

/// What the wire does to a call.
pub enum Fate {
    /// It goes through.
    Pass,
    /// It never arrives.
    Fail(CallFailure),
    /// It arrives, its answer does not.
    LoseReply,
    /// Somebody answers this.
    Reply(Box<Answer>),
    /// Nothing ever comes back.
    Hang,
}

pub struct World {
    pub hub: ModelHub,
    pub store: MemoryStore,
    pub engine: Engine,
    pub mono_ms: u64,
    pub wall_ms: i64,
    /// Every call made, with its time limit.
    pub calls: Vec<(Call, u64)>,
    pub commands: Vec<Command>,
}

impl World {
    pub fn new() -> Self {
        Self {
            hub: ModelHub::new(),
            store: MemoryStore::paired(),
            engine: Engine::new("test"),
            mono_ms: 0,
            wall_ms: 1_000,
            calls: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// A world after a round in which everything went well.
    pub fn synced() -> Self {
        let mut world = Self::new();
        for i in 0..7 {
            world.hub.put("store:1", "member", &format!("m{i}"), b"x");
        }
        world.hub.put("catalogue", "drug", "d", b"x");
        world.round().checked().expect("first round");
        world.forget();
        world
    }

    pub fn forget(&mut self) {
        self.calls.clear();
        self.commands.clear();
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.calls.iter().map(|(call, _)| call.name()).collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.calls.iter().filter(|(call, _)| call.name() == name).count()
    }

    pub fn now(&self) -> Now {
        Now {
            wall_ms: self.wall_ms,
            mono_ms: self.mono_ms,
            random: 7,
        }
    }

    pub fn step(&mut self, what: What) -> Vec<Effect> {
        let now = self.now();
        self.engine.step(Event { now, what })
    }

    pub fn round(&mut self) -> RoundReport {
        self.round_with(&mut |_, _| Fate::Pass)
    }

    pub fn repair(&mut self) -> RoundReport {
        self.run(What::Begin(Options { repair: true }), &mut |_, _| Fate::Pass)
            .expect("ends")
    }

    pub fn round_with(&mut self, wire: &mut dyn FnMut(&mut ModelHub, &Call) -> Fate) -> RoundReport {
        self.run(What::Begin(Options::default()), wire)
            .expect("the round ends")
    }

    /// Runs until the engine is through, or nothing is left but calls that hang.
    pub fn run(
        &mut self,
        begin: What,
        wire: &mut dyn FnMut(&mut ModelHub, &Call) -> Fate,
    ) -> Option<RoundReport> {
        let mut happened = VecDeque::from([begin]);
        while let Some(what) = happened.pop_front() {
            for effect in self.step(what) {
                match effect {
                    Effect::Store { id, command } => {
                        self.commands.push(command.clone());
                        happened.push_back(What::Stored {
                            id,
                            result: carry_out(&mut self.store, command),
                        });
                    }
                    Effect::Call {
                        id,
                        call,
                        token,
                        timeout_ms,
                        ..
                    } => {
                        assert!(timeout_ms > 0, "point 12: a time-out on each call");
                        self.calls.push((call.clone(), timeout_ms));
                        assert!(self.calls.len() < 5_000, "a round without end");
                        let answer = match wire(&mut self.hub, &call) {
                            Fate::Pass => self.hub.answer(&call, token.as_deref()),
                            Fate::Fail(failure) => Err(failure),
                            Fate::LoseReply => self.hub.answer(&call, token.as_deref()).and(Err(timed_out())),
                            Fate::Reply(answer) => Ok(*answer),
                            Fate::Hang => continue,
                        };
                        happened.push_back(What::Answered { id, answer });
                    }
                    Effect::CancelCalls => happened.retain(|w| !matches!(w, What::Answered { .. })),
                    Effect::Progress(_) => {}
                    Effect::Finished(report) => return Some(*report),
                }
            }
        }
        None
    }

    /// The app is killed and started again.
    pub fn kill(&mut self) {
        self.engine = Engine::new("test");
    }
}
