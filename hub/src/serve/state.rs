//! What all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use axum::http::StatusCode;
use tokio::sync::{Semaphore, watch};
use yaoban_protocol::message::Limits;

use super::metrics::Metrics;
use super::secrets::{SecretError, TokenKey};
use super::snapshot::Builder;
use super::wire::Refusal;
use crate::clock::Clock;
use crate::storage::StorageError;
use crate::storage::sqlite::{Database, Tx};

/// Most long polls at a time; more are told to come back later.
pub const WAITERS_MAX: usize = 4_096;
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
    /// Places for long polls.
    pub waiters: Arc<Semaphore>,
    changed: watch::Sender<u64>,
    in_flight: AtomicI64,
    stopping: AtomicBool,
}

impl Hub {
    /// A hub over an open database.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Result<Arc<Self>, HubError> {
        let token_key = TokenKey::of(&database)?;
        let snapshots = Builder::new(database.dir());
        Ok(Arc::new(Self {
            database,
            clock,
            limits: Limits::default(),
            metrics: Metrics::default(),
            token_key,
            snapshots,
            waiters: Arc::new(Semaphore::new(WAITERS_MAX)),
            changed: watch::Sender::new(0),
            in_flight: AtomicI64::new(0),
            stopping: AtomicBool::new(false),
        }))
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Wakes the long polls: some scope moved.
    pub fn notify(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Rises with each [`Hub::notify`].
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Ends the long polls: the hub stops.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.notify();
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
        let hub = Arc::clone(self);
        blocking(move || hub.database.read(|tx| f(&hub, tx))).await
    }

    /// Writes on a thread that may block, then wakes the long polls.
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
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the hub's database refused",
            ),
        }
    }
}
