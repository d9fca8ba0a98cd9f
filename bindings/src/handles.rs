//! What a shell holds on to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use yaoban_clerk_core::facade;
use yaoban_clerk_core::recording::RecordingReader;
use yaoban_clerk_core::sync::{self, Background, Cancel, Progress, RoundReport, SyncListener};

use crate::error::{ClerkError, Result};
use crate::platform::BackgroundListener;

/// Ends a long call from another thread. It is given to the call, so that it works before, during and
/// after it; one handle serves one call.
#[derive(Debug, Default, uniffi::Object)]
pub struct CancelHandle(Cancel);

#[uniffi::export]
impl CancelHandle {
    /// A handle that was not used yet.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Ends the call; lasting.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// It was ended.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl CancelHandle {
    pub(crate) fn inner(&self) -> &Cancel {
        &self.0
    }
}

/// Sync in the background. Ends when it is told to or let go.
#[derive(uniffi::Object)]
pub struct BackgroundSync {
    running: Mutex<Option<Background>>,
    after: Cancel,
}

#[uniffi::export]
impl BackgroundSync {
    /// The network is back, or somebody asks for a round: do not wait any longer. What is new to send wakes it by
    /// itself.
    pub fn wake(&self) {
        if let Some(running) = &*lock(&self.running) {
            running.wake();
        }
    }

    /// Ends the loop; a round under way ends at its next step. Does not wait for it.
    pub fn cancel(&self) {
        self.after.cancel();
        if let Some(running) = &*lock(&self.running) {
            running.cancel();
        }
    }

    /// Ends the loop and waits for it. Not to be called by a listener of the loop.
    pub fn stop(&self) {
        self.after.cancel();
        let running = lock(&self.running).take();
        if let Some(running) = running {
            running.stop();
        }
    }
}

impl BackgroundSync {
    pub(crate) fn start(app: &Arc<facade::ClerkApp>, listener: Arc<dyn BackgroundListener>) -> Result<Self> {
        let (driver, store, wake) = app.background_parts();
        let after = Cancel::default();
        let ear = Ear {
            app: Arc::clone(app),
            after: after.clone(),
            listener,
        };
        let running =
            Background::start(driver, store, Arc::new(ear), wake).map_err(facade::AppError::from)?;
        Ok(Self {
            running: Mutex::new(Some(running)),
            after,
        })
    }
}

/// Hears the loop, lets the core do what follows on a round, and tells the platform.
struct Ear {
    app: Arc<facade::ClerkApp>,
    after: Cancel,
    listener: Arc<dyn BackgroundListener>,
}

impl SyncListener for Ear {
    fn progress(&self, progress: Progress) {
        self.listener.progress(progress);
    }
}

impl sync::BackgroundListener for Ear {
    fn finished(&self, report: &RoundReport) {
        match self.app.after_round(report.clone(), &self.after) {
            Ok(report) => self.listener.synced(report),
            Err(error) => self.listener.failed(ClerkError::from(error)),
        }
    }
}

/// A recording that plays: its bytes, decrypted while they are read, from any place.
#[derive(uniffi::Object)]
pub struct RecordingPlayer {
    bytes: u64,
    reader: Mutex<RecordingReader>,
}

#[uniffi::export]
impl RecordingPlayer {
    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// At most so many bytes from a place on; none: it ended there.
    pub fn read_at(&self, offset: u64, bytes_max: u32) -> Result<Vec<u8>> {
        let read = lock(&self.reader).read_at(offset, bytes_max as usize);
        let unreadable = |error: &dyn ToString| facade::AppError::Storage {
            code: "recording_unreadable".to_owned(),
            message: error.to_string(),
        };
        Ok(read.map_err(|error| unreadable(&error))?)
    }
}

impl From<RecordingReader> for RecordingPlayer {
    fn from(reader: RecordingReader) -> Self {
        Self {
            bytes: reader.content_bytes(),
            reader: Mutex::new(reader),
        }
    }
}

/// A lock; what it guards is sound also after a panic in another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
