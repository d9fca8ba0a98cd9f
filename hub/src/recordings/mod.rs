//! Recordings of calls: what may be taken in, where it rests, when it goes.
//!
//! | module | what belongs there |
//! |---|---|
//! | this one | the shelf: files, the master key; errors |
//! | [`take`] | parts on their way in, resumable, to a checked digest |
//! | [`leave`] | deletion: retention, withdrawn consent, erasure, by hand; files that belong to nobody |
//!
//! `DIR/recordings` holds the files, each encrypted with a key of its own; the database holds those
//! keys, wrapped with the master key in `DIR/keys/recordings.key`. Whoever has two of the three reads
//! nothing. Deleting a row destroys its key at once; its file is then removed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use yaoban_domain::codes::{Channel, Code as _, GateReason};
use yaoban_domain::gate::{MemberFlags, recording_refusal};
use yaoban_domain::model::{Attempt, Member};
use yaoban_sealed::SealError;
use yaoban_sealed::file::{FileKey, Opener};
use yaoban_sealed::wrap::MasterKey;

use crate::keys;
use crate::storage::StorageError;
use crate::storage::sqlite::recordings::{Recording, State};
use crate::storage::sqlite::{Database, Tx};

pub mod leave;
pub mod take;

/// Parts of different recordings are taken beside each other; of one, one after the other.
const TURNS: usize = 64;

/// Why a recording was not taken, given or deleted.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bytes or the key are not what they should be.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// A file or directory could not be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There are recordings, and the key that opens them is gone.
    #[error("{} is missing, and without it no recording can be opened; put it back from where it is kept", .0.display())]
    KeyMissing(PathBuf),
    /// The rules refuse it.
    #[error("{message}")]
    Refused {
        /// Status of HTTP.
        status: u16,
        /// Stable code.
        code: &'static str,
        /// What was wrong and what to do.
        message: String,
    },
}

impl RecordingError {
    fn refused(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            status,
            code,
            message: message.into(),
        }
    }
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> RecordingError {
    let path = path.to_owned();
    move |source| {
        if source.kind() == std::io::ErrorKind::StorageFull {
            StorageError::Full.into()
        } else {
            RecordingError::File { path, source }
        }
    }
}

/// Where the files are, and the key to their keys.
pub struct Shelf {
    dir: PathBuf,
    key: MasterKey,
    turns: Vec<Mutex<()>>,
}

impl Shelf {
    /// The shelf of a hub. The master key is made at the first use, never anew while there are
    /// recordings.
    pub fn open(database: &Database) -> Result<Self, RecordingError> {
        Ok(Self {
            dir: database.dir().join("recordings"),
            key: master_key(database)?,
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
        })
    }

    fn path(&self, file_name: &str) -> PathBuf {
        self.dir.join(file_name)
    }

    fn file_key(&self, recording: &Recording) -> Result<FileKey, RecordingError> {
        let wrapped = recording.file_key.as_ref().ok_or(SealError::NotWhole)?;
        let bytes = self.key.unwrap(&recording.file_name, wrapped)?;
        Ok(FileKey::from_bytes(&bytes)?)
    }

    /// One at a time for one recording.
    fn turn(&self, attempt_id: &str) -> MutexGuard<'_, ()> {
        let sum = attempt_id
            .bytes()
            .fold(7_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(byte));
        // A panic in another turn left no half state: the row says how far the file counts.
        self.turns[sum % TURNS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all bytes that count are on the disk.
    fn is_there(&self, recording: &Recording) -> bool {
        fs::metadata(self.path(&recording.file_name))
            .is_ok_and(|file| file.len() >= yaoban_sealed::file::sealed_bytes(recording.received))
    }

    /// The content of a whole recording.
    pub fn content(&self, recording: &Recording) -> Result<Opener<File>, RecordingError> {
        if recording.state != State::Complete {
            return Err(RecordingError::refused(
                409,
                "recording_not_whole",
                format!("the recording is {}", recording.state.code()),
            ));
        }
        let path = self.path(&recording.file_name);
        let file = File::open(&path).map_err(file_error(&path))?;
        Ok(Opener::new(file, self.file_key(recording)?, recording.bytes))
    }

    fn remove_file(&self, file_name: &str) -> Result<(), RecordingError> {
        let path = self.path(file_name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(&path)(error)),
            _ => Ok(()),
        }
    }
}

/// The key in `DIR/keys/recordings.key`, readable by the hub's user alone.
fn master_key(database: &Database) -> Result<MasterKey, RecordingError> {
    let path = keys::path(database.dir(), "recordings.key");
    let read = keys::read(&path).map_err(file_error(&path))?;
    if let Some(text) = read {
        return Ok(MasterKey::from_text(&text)?);
    }
    if database.read(|tx| tx.has_live_recordings())? {
        return Err(RecordingError::KeyMissing(path));
    }
    let text = keys::write_new(&path, &MasterKey::generate()?.to_text()).map_err(file_error(&path))?;
    Ok(MasterKey::from_text(&text)?)
}

/// Whether a recording of this call may be kept; none, or the gate's reason. A call whose attempt or
/// member is gone was erased.
pub(crate) fn refusal(attempt: &Attempt, member: Option<&Member>) -> Option<GateReason> {
    let Some(member) = member else {
        return Some(GateReason::Erased);
    };
    let channel = attempt.channel.known().unwrap_or(Channel::Call);
    recording_refusal(MemberFlags::from(member), &member.consents, channel)
}

/// The gate's reason as the code of a refusal.
fn gate_code(reason: GateReason) -> &'static str {
    match reason {
        GateReason::NoConsent => "gate.no_consent",
        GateReason::ConsentWithdrawn => "gate.consent_withdrawn",
        GateReason::Erased => "gate.erased",
        _ => "gate.refused",
    }
}

/// The member of a call as it is now, whatever id the call names.
pub(crate) fn member_of(tx: &Tx<'_>, attempt: &Attempt) -> Result<Option<Member>, StorageError> {
    use crate::storage::Records as _;
    match tx.resolve_member(&attempt.member_id)? {
        Some(id) => tx.member(&id),
        None => Ok(None),
    }
}

/// The reason of a deletion by the gate, as it is kept.
fn deletion_reason(reason: GateReason) -> String {
    format!("gate.{}", reason.code())
}
