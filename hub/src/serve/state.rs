//! What all handlers share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use yaoban_protocol::message::Limits;

use super::heads::{self, Heads};
use super::metrics::Metrics;
use super::room;
use super::secrets::{SecretError, TokenKey};
use super::snapshot::Builder;
use super::wire::Refusal;
use crate::clock::Clock;
use crate::recordings::{RecordingError, Shelf};
use crate::storage::StorageError;
use crate::storage::sqlite::{Database, Tx};
use crate::support::{self, SupportError};

/// Reads of the database at a time. Each runs on a thread of its own with a connection of its own;
/// more of them would only wait for each other's core, and hold memory meanwhile.
const READS_MAX: usize = 8;
/// What phones tell of themselves in hello is written together after this time: one commit, not one
/// for each phone that opens on a Monday morning. A hub that is killed forgets at most this much of
/// it, and hears it again in the phones' next hello.
const SEEN_WRITTEN_AFTER: Duration = Duration::from_secs(2);
/// Requests at work at a time from which replies carry a hint to slow down.
const BUSY_REQUESTS: i64 = 64;

/// Why a hub could not be made ready to serve.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No randomness, or a damaged key.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The key of the recordings cannot be used.
    #[error(transparent)]
    Recordings(#[from] RecordingError),
    /// The key of the support cannot be used.
    #[error(transparent)]
    Support(#[from] SupportError),
}

/// A serving hub: database, clock and what runs between them.
pub struct Hub {
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Limits told to phones.
    pub limits: Limits,
    /// Counts for `/metrics`.
    pub metrics: Metrics,
    /// Signs tokens.
    pub token_key: TokenKey,
    /// Builds the chunks of first loads.
    pub snapshots: Builder,
    /// Public key of the chain's support.
    pub support_key: String,
    /// Recordings of calls.
    pub recordings: Shelf,
    /// Places for long polls.
    pub waiters: Arc<Semaphore>,
    /// How many of them there are.
    pub waiters_max: usize,
    /// Where the scopes stand, and who waits for them.
    pub heads: Arc<Heads>,
    reads: Arc<Semaphore>,
    seen: Mutex<HashMap<String, Seen>>,
    is_watched: AtomicBool,
    changed: AtomicBool,
    in_flight: AtomicI64,
    stopping: AtomicBool,
}

impl Hub {
    /// A hub over an open database.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Result<Arc<Self>, HubError> {
        let token_key = TokenKey::of(&database)?;
        let snapshots = Builder::new(database.dir());
        let waiters_max = room::waiters_max();
        let recordings = Shelf::open(&database)?;
        let support_key = support::public_key(&database)?;
        Ok(Arc::new(Self {
            database,
            clock,
            limits: Limits::default(),
            metrics: Metrics::default(),
            token_key,
            snapshots,
            support_key,
            recordings,
            waiters: Arc::new(Semaphore::new(waiters_max)),
            waiters_max,
            heads: Arc::default(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            seen: Mutex::default(),
            is_watched: AtomicBool::new(false),
            changed: AtomicBool::new(false),
            in_flight: AtomicI64::new(0),
            stopping: AtomicBool::new(false),
        }))
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Some scope may have moved: the phones that wait for it are woken in their turn.
    pub fn notify(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    /// Whether [`Hub::notify`] was called since [`Hub::take_changed`].
    pub fn has_changed(&self) -> bool {
        self.changed.load(Ordering::SeqCst)
    }

    /// What changed is being looked at.
    pub fn take_changed(&self) {
        self.changed.store(false, Ordering::SeqCst);
    }

    /// Sees to it that waiting phones are woken; begins with the first of them.
    pub fn watch(self: &Arc<Self>) {
        if !self.is_watched.swap(true, Ordering::SeqCst) {
            tokio::spawn(heads::watch(Arc::downgrade(self)));
        }
    }

    /// Ends the long polls: the hub stops.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// A device was heard of; written together with what others told.
    pub fn note_seen(self: &Arc<Self>, device_id: String, seen: Seen) {
        let first = {
            let mut waiting = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.insert(device_id, seen);
            waiting.len() == 1
        };
        if first {
            let hub = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep(SEEN_WRITTEN_AFTER).await;
                if let Some(hub) = hub.upgrade() {
                    hub.write_seen().await;
                }
            });
        }
    }

    /// What a device told that is not written yet.
    pub fn seen(&self, device_id: &str) -> Option<Seen> {
        let waiting = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(device_id).cloned()
    }

    /// Writes what devices told.
    pub async fn write_seen(self: &Arc<Self>) {
        let hub = Arc::clone(self);
        let written = blocking(move || {
            let told = std::mem::take(&mut *hub.seen.lock().unwrap_or_else(PoisonError::into_inner));
            hub.database.write(|tx| {
                told.iter().try_for_each(|(id, seen)| {
                    tx.device_seen(id, seen.at_ms, seen.schema, &seen.app_version, seen.ahead_ms)
                })?;
                Ok::<(), Refusal>(())
            })
        });
        if let Err(refusal) = written.await {
            // The phones tell it again in their next hello.
            tracing::warn!(code = refusal.code, "what devices told was not written");
        }
    }

    /// Whether the hub stops.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Counts a request in; it is counted out when the guard falls.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Requests at work now.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long a phone should wait before its next round, in milliseconds.
    pub fn backoff_ms(&self) -> u64 {
        let over = self.in_flight() - BUSY_REQUESTS;
        if over <= 0 {
            0
        } else {
            (1_000 + 50 * over.unsigned_abs()).min(60_000)
        }
    }

    /// Reads on a thread that may block.
    pub async fn read<T, F>(self: &Arc<Self>, f: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    {
        // The semaphore is never closed: an error would mean that there is no limit any more.
        let _turn = Arc::clone(&self.reads).acquire_owned().await;
        let hub = Arc::clone(self);
        blocking(move || hub.database.read(|tx| f(&hub, tx))).await
    }

    /// Writes on a thread that may block; then scopes may have moved.
    pub async fn write<T, F>(self: &Arc<Self>, f: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Self, &Tx<'_>) -> Result<T, Refusal> + Send + 'static,
    {
        let hub = Arc::clone(self);
        let value = blocking(move || hub.database.write(|tx| f(&hub, tx))).await?;
        self.notify();
        Ok(value)
    }
}

/// What a device told in a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When, UTC.
    pub at_ms: i64,
    /// Its schema.
    pub schema: u16,
    /// Version of its app.
    pub app_version: String,
    /// How far its clock was ahead of the hub's.
    pub ahead_ms: i64,
}

/// One request at work.
pub struct InFlight(Arc<Hub>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs `f` on a thread that may block; a panic in it is an internal error, no more.
pub async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(f).await.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the hub failed on this request",
        ))
    })
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage refused");
        match error {
            StorageError::Busy => Self::busy("the hub's database is busy", 2),
            StorageError::Full => Self::busy("the hub's disk is full", 60),
            StorageError::Disk(_) | StorageError::NotWritable { .. } => {
                Self::busy("the hub's disk fails", 60)
            }
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the hub's database refused",
            ),
        }
    }
}
