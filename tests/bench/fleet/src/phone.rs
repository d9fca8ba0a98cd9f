//! One phone: the product's own sync engine and wire format, with the rhythm of the product's
//! background loop (`yaoban_clerk_core::sync::background`), over a line that counts its bytes.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};
use yaoban_clerk_core::sync::background::{Next, PAUSE, after_wait};
use yaoban_clerk_core::sync::event::{Answer, Call, CallFailure, Effect, Event, FailureKind, Now, What};
use yaoban_clerk_core::sync::http::IDLE_MAX;
use yaoban_clerk_core::sync::{Engine, Options, RoundReport, carry_out, wire};
use yaoban_protocol::endpoint::refusal;

use crate::chance::Chance;
use crate::figures::{Figures, add};
use crate::line::Line;
use crate::store::PhoneStore;
use crate::work::Work;

/// A round hears about the time this often.
const TICK: Duration = Duration::from_secs(1);

/// A phone in a clerk's hand.
pub struct Phone {
    /// Runs rounds.
    pub rounds: Engine,
    /// Runs the long poll; as in the product both share a token.
    pub errands: Engine,
    /// Its store.
    pub store: PhoneStore,
    /// Its line.
    pub line: Rc<Line>,
    /// The clerk's work.
    pub work: Work,
    /// The clerk.
    pub staff_id: String,
    /// Chance of the engine.
    pub chance: Chance,
    /// When the run began.
    pub born: Instant,
    /// What the run measures.
    pub figures: Rc<Figures>,
}

/// Milliseconds since 1970 UTC.
pub fn wall_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

impl Phone {
    /// Opens the app and works until the run ends.
    pub async fn live(mut self) {
        let opened = Instant::now();
        let mut first = true;
        loop {
            self.work_until_now();
            let began = Instant::now();
            let report = self.round().await;
            match report.first_problem() {
                Some(problem) => self.figures.failed("round", &problem.code),
                None => self.figures.took("round", began.elapsed()),
            }
            if std::mem::take(&mut first) {
                self.figures.took("open", opened.elapsed());
            }
            sleep(PAUSE).await;
            self.rest(Duration::from_millis(report.next_delay_ms)).await;
            if report.first_problem().is_none() {
                self.poll(report).await;
            }
        }
    }

    async fn round(&mut self) -> RoundReport {
        let (rows, taken) = (self.store.rows, self.store.ops_taken);
        let began = What::Begin(Options::default());
        let report = self.run(true, began).await;
        add(&self.figures.rows, self.store.rows - rows);
        add(&self.figures.ops_taken, self.store.ops_taken - taken);
        for result in self.store.ops_refused.drain(..) {
            self.figures
                .failed("operation", result.reason.as_deref().unwrap_or("?"));
        }
        report
    }

    /// Waits until the hub has something, or the clerk does.
    async fn poll(&mut self, report: RoundReport) {
        let (began, next) = (Instant::now(), self.work.next_at());
        while Instant::now() < next {
            add(&self.figures.waiting, 1);
            let call = Call::Wait(report.wait_at.clone());
            let waited = tokio::select! {
                waited = self.run(false, What::Errand(call)) => Some(waited),
                () = sleep_until(next) => None,
            };
            add(&self.figures.waiting, -1);
            let Some(waited) = waited else {
                // The wait was given up; the errand's engine is told, as the product's driver does.
                return self.cancel_errand();
            };
            match after_wait(&waited, began.elapsed()) {
                Next::Wait => {}
                Next::Round => return,
                Next::Rest(time) => {
                    self.line.close();
                    return self.rest(time).await;
                }
            }
        }
    }

    fn cancel_errand(&mut self) {
        let now = self.now();
        self.errands.step(Event {
            now,
            what: What::Cancel,
        });
    }

    /// Waits, unless the clerk does something; hangs up an unused line.
    async fn rest(&mut self, time: Duration) {
        let until = (Instant::now() + time).min(self.work.next_at());
        let idle = Instant::now() + IDLE_MAX;
        if idle < until {
            sleep_until(idle).await;
            self.line.close();
        }
        sleep_until(until).await;
    }

    fn work_until_now(&mut self) {
        let now_ms = wall_ms();
        for op in self.work.due(now_ms) {
            if let Err(error) = self.store.record(&op, &self.staff_id, now_ms) {
                self.figures.failed("record", &error);
            }
        }
    }

    fn now(&mut self) -> Now {
        Now {
            wall_ms: wall_ms(),
            mono_ms: self.born.elapsed().as_millis() as u64,
            random: self.chance.next(),
        }
    }

    async fn run(&mut self, round: bool, begin: What) -> RoundReport {
        let (engine, other) = if round {
            (&mut self.rounds, &self.errands)
        } else {
            (&mut self.errands, &self.rounds)
        };
        engine.adopt_token(other.token());
        let mut calls = FuturesUnordered::new();
        let mut happened = VecDeque::from([begin]);
        loop {
            let what = if let Some(what) = happened.pop_front() {
                what
            } else {
                tokio::select! {
                    Some((id, answer)) = calls.next() => What::Answered { id, answer },
                    () = sleep(TICK), if round => What::Tick,
                }
            };
            let now = self.now();
            let engine = if round {
                &mut self.rounds
            } else {
                &mut self.errands
            };
            for effect in engine.step(Event { now, what }) {
                match effect {
                    Effect::Store { id, command } => happened.push_back(What::Stored {
                        id,
                        result: carry_out(&mut self.store, command),
                    }),
                    Effect::Call {
                        id,
                        call,
                        token,
                        timeout_ms,
                        inflated_bytes_max,
                    } => {
                        let (line, figures) = (Rc::clone(&self.line), Rc::clone(&self.figures));
                        calls.push(async move {
                            let began = Instant::now();
                            let answer = exchange(&line, &call, token, timeout_ms, inflated_bytes_max).await;
                            note(&figures, &call, &answer, began.elapsed());
                            (id, answer)
                        });
                    }
                    Effect::CancelCalls => calls.clear(),
                    Effect::Progress(_) => {}
                    Effect::Finished(report) => return *report,
                }
            }
        }
    }
}

async fn exchange(
    line: &Line,
    call: &Call,
    token: Option<String>,
    timeout_ms: u64,
    inflated_bytes_max: u64,
) -> Result<Answer, CallFailure> {
    let request = wire::request(call, token, timeout_ms)?;
    let response = line.exchange(request).await?;
    wire::answer(call, &response, inflated_bytes_max)
}

fn note(figures: &Figures, call: &Call, answer: &Result<Answer, CallFailure>, took: Duration) {
    match answer {
        Ok(_) => figures.took(call.name(), took),
        // The hub has no place for another long poll: that is an answer, not an error.
        Err(failure)
            if matches!(call, Call::Wait(_))
                && failure.kind == FailureKind::Refused(503)
                && failure.code == refusal::BUSY =>
        {
            add(&figures.told_to_come_back, 1);
        }
        Err(failure) => figures.failed(call.name(), &format!("{} ({})", failure.code, failure.message)),
    }
}
