//! Sync in the background: round after round on a thread of its own, with the hub's long poll
//! between rounds, until it is cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;
use yaoban_protocol::endpoint::refusal;

use super::code;
use super::driver::{Cancel, Driver, SyncListener};
use super::event::{Call, Options, Problem, RoundReport};
use super::storage::SyncStore;

/// Rounds keep at least this distance, whatever wakes them.
const PAUSE: Duration = Duration::from_secs(1);
/// Without a long poll the phone asks this often.
const POLL: Duration = Duration::from_mins(1);

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

#[derive(Debug, Default)]
struct Wake {
    asked: AtomicBool,
    notify: Notify,
}

impl Background {
    /// Starts the loop.
    pub fn start(
        driver: Arc<Driver>,
        store: Box<dyn SyncStore + Send>,
        listener: Arc<dyn BackgroundListener>,
    ) -> Result<Self, Problem> {
        let (cancel, wake) = (Cancel::default(), Arc::new(Wake::default()));
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
        self.wake.asked.store(true, Ordering::SeqCst);
        self.wake.notify.notify_waiters();
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
                None => self.poll(report),
                Some(problem) if problem.code == code::SYNC_RUNNING => self.rest(POLL, true),
                Some(_) => {}
            }
        }
    }

    /// Waits until the hub has something, or somebody wakes us.
    fn poll(&mut self, report: RoundReport) {
        if self.wake.asked.load(Ordering::SeqCst) || self.cancel.is_cancelled() {
            return;
        }
        let until = Cancel::default();
        let waker = {
            let (wake, cancel, until) = (Arc::clone(&self.wake), self.cancel.clone(), until.clone());
            self.driver.runtime().spawn(async move {
                tokio::select! { () = woken(&wake) => {}, () = cancel.cancelled() => {} }
                until.cancel();
            })
        };
        let answer = self
            .driver
            .errand(self.store.as_mut(), Call::Wait(report.wait_at), &until);
        waker.abort();
        if answer.is_err() && !until.is_cancelled() {
            self.rest(POLL, true);
        }
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

async fn woken(wake: &Wake) {
    let notified = wake.notify.notified();
    if !wake.asked.load(Ordering::SeqCst) {
        notified.await;
    }
}
