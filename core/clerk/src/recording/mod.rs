//! Recordings of calls on the phone.
//!
//! | module | what belongs there |
//! |---|---|
//! | this one | the shelf: files, encrypted, each with a key of its own; the network |
//! | [`rows`] | what the file of the phone knows of each recording |
//! | [`tidy`] | what has to go, and when |
//! | [`lane`] | the way up: `step(what) -> effect`, without clock, network or disk |
//! | [`run`] | carries out what the lane wants |
//!
//! The bytes are files beside the database (a page cache is no place for 50 MB); the key of each is a
//! value in the encrypted database. A row that goes takes its key along, so its file is unreadable in
//! the same transaction, whenever the file itself is removed. Nothing here touches the outbox: an
//! upload never waits for operations, nor they for it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use yaoban_sealed::SealError;
use yaoban_sealed::file::{Content, FileKey, Opener, seal};

use crate::store::StoreError;

pub mod lane;
pub mod rows;
pub mod run;
pub mod tidy;

/// The content of a recording, decrypted while it is read, from any place.
pub type RecordingReader = Opener<File>;

/// The network that the phone is on, as the shell tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// None, or not told yet.
    #[default]
    None,
    /// One that costs: a mobile network.
    Metered,
    /// Wi-Fi, or another one that costs nothing.
    Wifi,
}

/// Where the files are.
pub struct Shelf {
    dir: PathBuf,
    /// Held while a file has no row yet, and while files without a row are removed.
    files: Mutex<()>,
    /// Held while an upload runs.
    upload: Mutex<()>,
    network: AtomicU8,
}

/// A file that was written and has no row yet.
pub struct NewFile {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: FileKey,
    /// What it holds.
    pub content: Content,
}

impl Shelf {
    /// The shelf beside a database.
    pub fn beside(database: &Path) -> Self {
        Self {
            dir: database.with_file_name("recordings"),
            files: Mutex::default(),
            upload: Mutex::default(),
            network: AtomicU8::new(Network::None as u8),
        }
    }

    /// Tells which network the phone is on.
    pub fn set_network(&self, network: Network) {
        self.network.store(network as u8, Ordering::SeqCst);
    }

    /// The network that was told last.
    pub fn network(&self) -> Network {
        match self.network.load(Ordering::SeqCst) {
            value if value == Network::Wifi as u8 => Network::Wifi,
            value if value == Network::Metered as u8 => Network::Metered,
            _ => Network::None,
        }
    }

    /// Nobody adds or removes files meanwhile.
    pub fn hold_files(&self) -> MutexGuard<'_, ()> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The only upload; none while another one runs.
    pub fn begin_upload(&self) -> Option<MutexGuard<'_, ()>> {
        match self.upload.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a content into a new file, encrypted, and puts it on the disk.
    pub fn write(&self, source: &mut dyn Read, bytes_max: u64) -> Result<NewFile, StoreError> {
        fs::create_dir_all(&self.dir).map_err(|source| StoreError::of_file(&self.dir, source))?;
        let (name, key) = (
            uuid::Uuid::new_v4().to_string(),
            FileKey::generate().map_err(sealed)?,
        );
        let path = self.path(&name);
        let written = File::create_new(&path)
            .map_err(SealError::Io)
            .and_then(|mut file| {
                let content = seal(&key, source, &mut file, bytes_max)?;
                file.sync_all()?;
                File::open(&self.dir)?.sync_all()?;
                Ok(content)
            });
        match written {
            Ok(content) => Ok(NewFile { name, key, content }),
            Err(error) => {
                self.remove(&name)?;
                Err(match error {
                    SealError::TooLarge(bytes) => refused("recording_too_large", "bytes_max", bytes),
                    SealError::Io(source) => StoreError::of_file(&path, source),
                    other => sealed(other),
                })
            }
        }
    }

    /// The content of a file.
    pub fn open(&self, name: &str, key: &[u8], bytes: u64) -> Result<RecordingReader, StoreError> {
        let path = self.path(name);
        let file = File::open(&path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                damaged()
            } else {
                StoreError::of_file(&path, source)
            }
        })?;
        Ok(Opener::new(
            file,
            FileKey::from_bytes(key).map_err(sealed)?,
            bytes,
        ))
    }

    /// Removes a file; none is no error.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::of_file(&path, source))
            }
            _ => Ok(()),
        }
    }

    /// Removes every file that is not named. Call with [`Self::hold_files`] held, the names read
    /// under it.
    pub fn remove_others(&self, named: &BTreeSet<String>) -> Result<u32, StoreError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(source) => return Err(StoreError::of_file(&self.dir, source)),
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry.map_err(|source| StoreError::of_file(&self.dir, source))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !named.contains(&name) {
                self.remove(&name)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// The file of a recording is gone or changed.
pub(crate) fn damaged() -> StoreError {
    StoreError::Refused {
        code: "recording_damaged".to_owned(),
        values: Vec::new(),
    }
}

/// What sealing found, as the store's own error.
pub(crate) fn sealed(error: SealError) -> StoreError {
    match error {
        SealError::Random(what) => StoreError::Row {
            entity: "recording".to_owned(),
            what,
        },
        _ => damaged(),
    }
}

fn refused(code: &str, name: &str, value: u64) -> StoreError {
    StoreError::Refused {
        code: code.to_owned(),
        values: vec![(name.to_owned(), value.to_string())],
    }
}
