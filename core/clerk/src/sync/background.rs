//! Sync in the background: round after round on a thread of its own, with the hub's long poll
//! between rounds, until it is cancelled. As long as the hub has nothing new, one long poll follows
//! another without a round: an idle phone costs one small exchange every four minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use yaoban_protocol::endpoint::refusal;

use super::code;
use super::driver::{Cancel, Driver, SyncListener};
use super::event::{Answer, Call, Options, Problem, RoundReport};
use super::storage::SyncStore;

/// Rounds keep at least this distance, whatever wakes them.
pub const PAUSE: Duration = Duration::from_secs(1);
/// Without a long poll the phone asks this often.
pub const POLL: Duration = Duration::from_mins(1);
/// However quiet the hub is, a round is made this often: it brings what does not move a scope.
pub const ROUND_EVERY: Duration = Duration::from_mins(30);

/// Hears what the background does. Called synchronously, under no lock.
pub trait BackgroundListener: SyncListener {
    /// A round is over.
    fn finished(&self, report: &RoundReport);
}

/// The running loop. Dropping it cancels it.
pub struct Background {
    cancel: Cancel,
    wake: Arc<Wake>,
    thread: Option<JoinHandle<()>>,
}

/// Ends the wait of a loop; without one nothing happens.
#[derive(Debug, Default)]
pub struct Wake {
    asked: AtomicBool,
    notify: Notify,
}

impl Wake {
    /// There is something to send, or the network is back: do not wait any longer.
    pub fn up(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// Somebody asked since the last round began.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Background {
    /// Starts the loop.
    pub fn start(
        driver: Arc<Driver>,
        store: Box<dyn SyncStore + Send>,
        listener: Arc<dyn BackgroundListener>,
        wake: Arc<Wake>,
    ) -> Result<Self, Problem> {
        let cancel = Cancel::default();
        let turns = Turns {
            driver,
            store,
            listener,
            cancel: cancel.clone(),
            wake: Arc::clone(&wake),
        };
        let thread = std::thread::Builder::new()
            .name("yaoban-background".to_owned())
            .spawn(move || turns.run())
            .map_err(|e| {
                Problem::new(
                    code::ENGINE_STATE,
                    format!("the background thread cannot start: {e}"),
                )
            })?;
        Ok(Self {
            cancel,
            wake,
            thread: Some(thread),
        })
    }

    /// There is something to send, or the network is back: do not wait any longer.
    pub fn wake(&self) {
        self.wake.up();
    }

    /// Ends the loop; a round under way ends at its next step. Does not wait for it.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Ends the loop and waits for it.
    pub fn stop(mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic in the loop is reported by the loop's own thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

struct Turns {
    driver: Arc<Driver>,
    store: Box<dyn SyncStore + Send>,
    listener: Arc<dyn BackgroundListener>,
    cancel: Cancel,
    wake: Arc<Wake>,
}

impl Turns {
    fn run(mut self) {
        while !self.cancel.is_cancelled() {
            self.wake.asked.store(false, Ordering::SeqCst);
            let listener = Arc::clone(&self.listener);
            let report = self.driver.sync_once(
                self.store.as_mut(),
                Options::default(),
                listener.as_ref(),
                &self.cancel,
            );
            listener.finished(&report);
            let is_over = |p: &Problem| p.code == refusal::DEVICE_REVOKED || p.code == code::NOT_PAIRED;
            if report.first_problem().is_some_and(is_over) {
                return;
            }
            self.rest(PAUSE, false);
            self.rest(Duration::from_millis(report.next_delay_ms), true);
            match report.first_problem() {
                None => self.poll(&report),
                Some(problem) if problem.code == code::SYNC_RUNNING => self.rest(POLL, true),
                Some(_) => {}
            }
        }
    }

    /// Waits until the hub has something, somebody wakes us, or an operation can no longer be taken back.
    fn poll(&mut self, report: &RoundReport) {
        // What cannot be read is no reason not to wait: the next round says what is wrong.
        let held_for_ms = self.store.held_for_ms(self.driver.now_ms()).ok().flatten();
        let (began, until) = (Instant::now(), Cancel::default());
        let waker = {
            let (wake, cancel, until) = (Arc::clone(&self.wake), self.cancel.clone(), until.clone());
            self.driver.runtime().spawn(async move {
                tokio::select! {
                    () = woken(&wake) => {},
                    () = cancel.cancelled() => {},
                    () = over(held_for_ms) => {},
                }
                until.cancel();
            })
        };
        while !until.is_cancelled() && !self.wake.is_asked() {
            let call = Call::Wait(report.wait_at.clone());
            let waited = self.driver.errand_report(self.store.as_mut(), call, &until);
            match after_wait(&waited, began.elapsed()) {
                Next::Wait => {}
                Next::Round => break,
                Next::Rest(time) => {
                    if !until.is_cancelled() {
                        self.driver.hang_up();
                        self.rest(time, true);
                    }
                    break;
                }
            }
        }
        waker.abort();
    }

    fn rest(&self, time: Duration, may_wake: bool) {
        self.driver.runtime().block_on(async {
            tokio::select! {
                () = tokio::time::sleep(time) => {},
                () = self.cancel.cancelled() => {},
                () = woken(&self.wake), if may_wake => {},
            }
        });
    }
}

/// What follows on a long poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another long poll.
    Wait,
    /// A round.
    Round,
    /// A rest, then a round.
    Rest(Duration),
}

/// What follows on a long poll that ended so, this long after the round before it. A hub that has no
/// place for it, or cannot be reached, is left in peace for as long as it asks.
pub fn after_wait(waited: &RoundReport, since_round: Duration) -> Next {
    match (&waited.problem, &waited.errand) {
        (Some(_), _) => Next::Rest(POLL.max(Duration::from_millis(waited.next_delay_ms))),
        (None, Some(Answer::Wait { moved: false })) if since_round < ROUND_EVERY => Next::Wait,
        (None, _) => Next::Round,
    }
}

/// Waits so long; none: for ever.
async fn over(wait_ms: Option<u64>) {
    match wait_ms {
        Some(wait_ms) => tokio::time::sleep(Duration::from_millis(wait_ms)).await,
        None => std::future::pending().await,
    }
}

async fn woken(wake: &Wake) {
    let notified = wake.notify.notified();
    if !wake.is_asked() {
        notified.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(moved: bool) -> RoundReport {
        RoundReport {
            errand: Some(Answer::Wait { moved }),
            ..RoundReport::default()
        }
    }

    fn refused(next_delay_ms: u64) -> RoundReport {
        RoundReport {
            problem: Some(Problem::new(refusal::BUSY, "too many phones are waiting")),
            next_delay_ms,
            ..RoundReport::default()
        }
    }

    #[test]
    fn a_quiet_hub_is_asked_again_without_a_round_until_one_is_due() {
        assert_eq!(after_wait(&waited(true), Duration::ZERO), Next::Round);
        assert_eq!(after_wait(&waited(false), Duration::from_mins(29)), Next::Wait);
        assert_eq!(after_wait(&waited(false), ROUND_EVERY), Next::Round);
    }

    #[test]
    fn point_12_a_hub_without_room_is_left_in_peace_as_long_as_it_asks() {
        assert_eq!(
            after_wait(&refused(600_000), Duration::ZERO),
            Next::Rest(Duration::from_mins(10))
        );
        assert_eq!(after_wait(&refused(1_500), Duration::ZERO), Next::Rest(POLL));
    }
}
