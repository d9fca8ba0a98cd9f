//! What the platform implements. All of it is synchronous; the core calls while it holds no lock.

use std::io::{self, Read};
use std::sync::Arc;

use secrecy::SecretBox;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::store::ChangeListener;
use yaoban_clerk_core::sync::{Progress, SyncListener};
use yaoban_clerk_core::vault::{self, DatabaseKey, KEY_BYTES, VaultError};

use crate::error::ClerkError;

/// The platform could not do its part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PlatformError {
    /// Why, as a code or class name, without secrets.
    #[error("{why}")]
    Failed {
        /// Why.
        why: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { why: error.reason }
    }
}

/// Gives the key of the file: Android Keystore, iOS Keychain.
#[uniffi::export(with_foreign)]
pub trait KeyVault: Send + Sync {
    /// The raw 32 bytes, the same at every call.
    fn database_key(&self) -> Result<Vec<u8>, PlatformError>;
}

/// Tells the time, where it shall not be the system's.
#[uniffi::export(with_foreign)]
pub trait WallClock: Send + Sync {
    /// Milliseconds since 1970 UTC.
    fn now_ms(&self) -> i64;
}

/// Hears how far a round of sync is.
#[uniffi::export(with_foreign)]
pub trait ProgressListener: Send + Sync {
    /// How far it is.
    fn progress(&self, progress: Progress);
}

/// Hears what the background loop does.
#[uniffi::export(with_foreign)]
pub trait BackgroundListener: Send + Sync {
    /// How far a round is.
    fn progress(&self, progress: Progress);
    /// A round got through.
    fn synced(&self, report: yaoban_clerk_core::facade::SyncReport);
    /// A round did not get through.
    fn failed(&self, error: ClerkError);
}

/// Hears that what a screen shows may be old. Comes from the thread that wrote; returns at once and
/// reads on another thread.
#[uniffi::export(with_foreign)]
pub trait DataListener: Send + Sync {
    /// Rows changed.
    fn changed(&self);
}

/// Gives the bytes of a recording.
#[uniffi::export(with_foreign)]
pub trait RecordingSource: Send + Sync {
    /// The next bytes, at most so many; none: that was all.
    fn read(&self, bytes_max: u32) -> Result<Vec<u8>, PlatformError>;
}

/// A vault of the platform as the core has it.
pub(crate) struct Vault(pub Arc<dyn KeyVault>);

impl vault::KeyVault for Vault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        let refused = |reason: String| VaultError { reason };
        let bytes = self
            .0
            .database_key()
            .map_err(|error| refused(error.to_string()))?;
        let length = bytes.len();
        // Boxed at once, so that it is wiped when it is dropped.
        let boxed: Box<[u8; KEY_BYTES]> = bytes
            .into_boxed_slice()
            .try_into()
            .map_err(|_| refused(format!("{length} bytes instead of {KEY_BYTES}")))?;
        Ok(SecretBox::new(boxed))
    }
}

/// A clock of the platform as the core has it.
pub(crate) struct Hands(pub Arc<dyn WallClock>);

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

/// A listener of the platform as the core has it; none hears nothing.
pub(crate) struct Ear(pub Option<Arc<dyn ProgressListener>>);

impl SyncListener for Ear {
    fn progress(&self, progress: Progress) {
        if let Some(listener) = &self.0 {
            listener.progress(progress);
        }
    }
}

/// A listener for changes as the core has it.
pub(crate) struct Changes(pub Arc<dyn DataListener>);

impl ChangeListener for Changes {
    fn changed(&self) {
        self.0.changed();
    }
}

/// A source of the platform as a stream.
pub(crate) struct Stream(pub Arc<dyn RecordingSource>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes_max = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let bytes = self.0.read(bytes_max).map_err(io::Error::other)?;
        let into = buffer
            .get_mut(..bytes.len())
            .ok_or_else(|| io::Error::other("more bytes than were asked for"))?;
        into.copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}
