//! Parts of a recording on their way in. What counts is `received` in the database: it moves on only
//! after the part is on the disk, so a kill at any point costs at most one part. Everything may be
//! sent again.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use yaoban_domain::model::Attempt;
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{
    RECORDING_MISMATCH, RECORDING_PART_BYTES_MAX, RECORDING_STEP_BYTES, RecordingPart, RecordingState,
    RecordingStatus,
};
use yaoban_protocol::row::entity;
use yaoban_sealed::file::{CHUNK_BYTES, FileKey, Opener, chunk_at, chunks};

use super::{RecordingError, Shelf, file_error, gate_code, member_of};
use crate::storage::Records as _;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::Device;
use crate::storage::sqlite::recordings::{Recording, State};
use crate::storage::sqlite::scope::store_scope;
use crate::storage::sqlite::{Database, Tx};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const MEDIA_TYPE_CHARS_MAX: usize = 100;

/// Who sends what, and when.
#[derive(Debug)]
pub struct Sending<'a> {
    /// The phone.
    pub device: &'a Device,
    /// The call.
    pub attempt_id: &'a str,
    /// Now, UTC.
    pub now_ms: i64,
}

impl Sending<'_> {
    /// What the hub has of the recording.
    pub fn status(&self, database: &Database, shelf: &Shelf) -> Result<RecordingStatus, RecordingError> {
        database.read(|tx| {
            let known = tx.recording(self.attempt_id)?;
            if let Some(gone) = known.as_ref().filter(|known| self.is_gone(known)) {
                return answer(tx, shelf, Some(gone));
            }
            self.own_attempt(tx)?;
            answer(tx, shelf, known.as_ref())
        })
    }

    /// Whether the recording was deleted: its phone is told so, even if the call is gone as well.
    fn is_gone(&self, known: &Recording) -> bool {
        known.state == State::Deleted && known.store_id == self.device.store_id
    }

    /// The call, if its recordings come from this device's store: it is or was in the store's scope,
    /// or somebody of the store made it.
    fn own_attempt(&self, tx: &Tx<'_>) -> Result<Attempt, RecordingError> {
        let attempt = tx.attempt(self.attempt_id)?.ok_or_else(|| {
            RecordingError::refused(
                404,
                refusal::ATTEMPT_UNKNOWN,
                "the hub does not know this call yet; push its operation first",
            )
        })?;
        let store_id = &self.device.store_id;
        let scoped = tx.row_kind(&store_scope(store_id), entity::ATTEMPT, self.attempt_id)?;
        let known = matches!(scoped.as_deref(), Some("put" | "evict"));
        if known
            || tx
                .staff(&attempt.staff_id)?
                .is_some_and(|staff| staff.store_id.as_ref() == Some(store_id))
        {
            return Ok(attempt);
        }
        Err(RecordingError::refused(
            403,
            refusal::ATTEMPT_OTHER_STORE,
            "the call is none of this phone's store",
        ))
    }

    /// Whether this part may come, before a byte of it is read.
    pub fn admit(&self, tx: &Tx<'_>, part: &RecordingPart) -> Result<Attempt, RecordingError> {
        let rules = tx.rules()?.recording;
        check_form(part)?;
        if part.bytes > rules.bytes_max {
            return Err(RecordingError::refused(
                413,
                refusal::TOO_LARGE,
                format!("a recording has at most {} bytes", rules.bytes_max),
            ));
        }
        let attempt = self.own_attempt(tx)?;
        let member = member_of(tx, &attempt)?;
        if let Some(reason) = super::refusal(&attempt, member.as_ref()) {
            return Err(RecordingError::refused(
                403,
                gate_code(reason),
                "the member has not allowed this recording; delete it",
            ));
        }
        if attempt.started_at_ms < self.now_ms - rules.retention_days * DAY_MS {
            return Err(RecordingError::refused(
                410,
                refusal::RECORDING_EXPIRED,
                format!(
                    "recordings are kept {} days, this call is older",
                    rules.retention_days
                ),
            ));
        }
        let used = tx.recording_bytes(&self.device.store_id, self.attempt_id)?;
        if used.saturating_add(part.bytes) > rules.store_bytes_max {
            return Err(RecordingError::refused(
                507,
                refusal::RECORDING_STORE_FULL,
                format!(
                    "the recordings of this store may take {} bytes; ask headquarters",
                    rules.store_bytes_max
                ),
            ));
        }
        Ok(attempt)
    }

    /// Takes a part in. The answer says where the next one begins.
    pub fn take(
        &self,
        database: &Database,
        shelf: &Shelf,
        part: &RecordingPart,
        body: &[u8],
    ) -> Result<RecordingStatus, RecordingError> {
        let _turn = shelf.turn(self.attempt_id);
        let known = database.read::<_, RecordingError>(|tx| Ok(tx.recording(self.attempt_id)?))?;
        let recording = match known {
            Some(gone) if gone.state == State::Deleted => return answer_now(database, shelf, &gone),
            Some(known) if known.sha256 == part.sha256 && known.bytes == part.bytes => {
                if shelf.is_there(&known) || known.received == 0 {
                    known
                } else {
                    // The database is a backup: its file is gone.
                    self.begin(database, shelf, part, known.mismatches)?
                }
            }
            Some(known) if known.state == State::Complete && shelf.is_there(&known) => {
                return Err(RecordingError::refused(
                    409,
                    refusal::RECORDING_TAKEN,
                    "the hub has another recording of this call; the first one is kept",
                ));
            }
            _ => self.begin(database, shelf, part, 0)?,
        };
        if recording.state == State::Complete || part.offset != recording.received {
            return answer_now(database, shelf, &recording);
        }
        check_length(part, body)?;
        let recording = if body.is_empty() {
            recording
        } else {
            self.append(database, shelf, &recording, part, body)?
        };
        if recording.received == recording.bytes {
            return self.finish(database, shelf, part, &recording);
        }
        answer_now(database, shelf, &recording)
    }

    /// A new file with a new key. What was there of another content leaves.
    fn begin(
        &self,
        database: &Database,
        shelf: &Shelf,
        part: &RecordingPart,
        mismatches: u32,
    ) -> Result<Recording, RecordingError> {
        let file_name = uuid::Uuid::new_v4().to_string();
        let key = FileKey::generate()?;
        let file_key = Some(shelf.key.wrap(&file_name, &key.to_bytes())?);
        let (recording, before) = database.write::<_, RecordingError>(|tx| {
            let attempt = self.admit(tx, part)?;
            let before = tx.recording(self.attempt_id)?.map(|before| before.file_name);
            let recording = Recording {
                attempt_id: self.attempt_id.to_owned(),
                store_id: self.device.store_id.clone(),
                device_id: self.device.id.clone(),
                started_at_ms: attempt.started_at_ms,
                sha256: part.sha256.clone(),
                bytes: part.bytes,
                media_type: part.media_type.clone(),
                received: 0,
                mismatches,
                file_name,
                file_key,
                state: State::Receiving,
                reason: None,
                changed_ms: self.now_ms,
            };
            tx.put_recording(&recording)?;
            Ok((recording, before))
        })?;
        if let Some(before) = before {
            shelf.remove_file(&before)?;
        }
        Ok(recording)
    }

    fn append(
        &self,
        database: &Database,
        shelf: &Shelf,
        recording: &Recording,
        part: &RecordingPart,
        body: &[u8],
    ) -> Result<Recording, RecordingError> {
        fs::create_dir_all(&shelf.dir).map_err(file_error(&shelf.dir))?;
        let key = shelf.file_key(recording)?;
        let path = shelf.path(&recording.file_name);
        if !write_part(&path, &key, part, body)? {
            return self.begin(database, shelf, part, recording.mismatches);
        }
        database.write(|tx| {
            // Consent may have been withdrawn while the part was on its way.
            self.admit(tx, part)?;
            let now = tx.recording(self.attempt_id)?;
            let mut now = now
                .filter(|now| now.file_name == recording.file_name && now.received == recording.received)
                .ok_or_else(|| {
                    RecordingError::refused(409, "recording_moved", "another part came in between; ask again")
                })?;
            now.received += body.len() as u64;
            now.changed_ms = self.now_ms;
            tx.put_recording(&now)?;
            Ok(now)
        })
    }

    /// All bytes are there: they count if they have their digest, else all of them are wanted again.
    fn finish(
        &self,
        database: &Database,
        shelf: &Shelf,
        part: &RecordingPart,
        recording: &Recording,
    ) -> Result<RecordingStatus, RecordingError> {
        let path = shelf.path(&recording.file_name);
        let file = File::open(&path).map_err(file_error(&path))?;
        let digest = Opener::new(file, shelf.file_key(recording)?, recording.bytes).sha256();
        if digest.ok().as_ref() != Some(&recording.sha256) {
            let again = self.begin(database, shelf, part, recording.mismatches + 1)?;
            let status = answer_now(database, shelf, &again)?;
            return Ok(RecordingStatus {
                reason: Some(RECORDING_MISMATCH.to_owned()),
                ..status
            });
        }
        database.write(|tx| {
            let attempt = self.admit(tx, part)?;
            let complete = Recording {
                state: State::Complete,
                changed_ms: self.now_ms,
                ..recording.clone()
            };
            tx.put_recording(&complete)?;
            tx.set_attempt_recording(&attempt, Some(&complete.sha256), self.now_ms)?;
            tx.audit(&AuditEntry {
                at_ms: self.now_ms,
                actor: format!("device:{}", self.device.id),
                staff_id: Some(attempt.staff_id.clone()),
                action: "recording_received",
                subject: Some(attempt.member_id.clone()),
                detail: serde_json::json!({ "attempt": attempt.id, "bytes": complete.bytes }),
            })?;
            answer(tx, shelf, Some(&complete))
        })
    }
}

fn answer_now(
    database: &Database,
    shelf: &Shelf,
    recording: &Recording,
) -> Result<RecordingStatus, RecordingError> {
    database.read(|tx| answer(tx, shelf, Some(recording)))
}

/// A recording as its phone is told of it.
fn answer(
    tx: &Tx<'_>,
    shelf: &Shelf,
    recording: Option<&Recording>,
) -> Result<RecordingStatus, RecordingError> {
    let epoch = tx.epoch()?;
    let absent = RecordingStatus {
        epoch,
        state: RecordingState::Absent,
        sha256: None,
        received: 0,
        reason: None,
    };
    let Some(recording) = recording else {
        return Ok(absent);
    };
    let state = match recording.state {
        State::Deleted => RecordingState::Deleted,
        // A database from a backup may know of files that are gone.
        _ if recording.received > 0 && !shelf.is_there(recording) => return Ok(absent),
        State::Receiving => RecordingState::Receiving,
        State::Complete => RecordingState::Complete,
    };
    Ok(RecordingStatus {
        state,
        sha256: Some(recording.sha256.clone()),
        received: recording.received,
        reason: recording.reason.clone(),
        ..absent
    })
}

fn bad(message: &str) -> RecordingError {
    RecordingError::refused(400, "bad_request", message)
}

fn check_form(part: &RecordingPart) -> Result<(), RecordingError> {
    if part.bytes == 0 {
        return Err(bad("a recording is not empty"));
    }
    if part.sha256.len() != 64
        || !part
            .sha256
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    {
        return Err(bad("`sha256` must have 64 lower-case hexadecimal digits"));
    }
    let named = part
        .media_type
        .strip_prefix("audio/")
        .or_else(|| part.media_type.strip_prefix("video/"));
    let plain = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+'))
    };
    if part.media_type.len() > MEDIA_TYPE_CHARS_MAX || !named.is_some_and(plain) {
        return Err(bad(
            "`media_type` must be one of audio or video, for example audio/mp4",
        ));
    }
    Ok(())
}

/// A part is a whole number of steps, or ends where the recording ends.
fn check_length(part: &RecordingPart, body: &[u8]) -> Result<(), RecordingError> {
    let (length, end) = (body.len() as u64, part.offset + body.len() as u64);
    if length > RECORDING_PART_BYTES_MAX || end > part.bytes {
        return Err(bad(
            "the part is longer than 1 MiB, or goes past the end of the recording",
        ));
    }
    if end < part.bytes && (length == 0 || !length.is_multiple_of(RECORDING_STEP_BYTES)) {
        return Err(bad(
            "a part has a multiple of 65,536 bytes, or ends with the recording",
        ));
    }
    Ok(())
}

/// Puts a part into the file. False: bytes of another content are at its place from before a kill;
/// a key seals one content only, so the recording begins anew.
fn write_part(path: &Path, key: &FileKey, part: &RecordingPart, body: &[u8]) -> Result<bool, RecordingError> {
    let (first, count) = (part.offset / CHUNK_BYTES, chunks(part.bytes));
    let mut sealed = Vec::with_capacity(body.len() + 1_024);
    for (index, plain) in (first..).zip(body.chunks(CHUNK_BYTES as usize)) {
        let number = u32::try_from(index).map_err(|_| bad("the recording is too long"))?;
        sealed.extend(key.seal_chunk(number, index + 1 == count, plain)?);
    }
    let failed = |error| file_error(path)(error);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    let place = chunk_at(first);
    if file.metadata().map_err(failed)?.len() > place {
        file.seek(SeekFrom::Start(place)).map_err(failed)?;
        let mut left = Vec::new();
        file.read_to_end(&mut left).map_err(failed)?;
        let both = left.len().min(sealed.len());
        if left[..both] != sealed[..both] {
            return Ok(false);
        }
    }
    file.seek(SeekFrom::Start(place)).map_err(failed)?;
    file.write_all(&sealed).map_err(failed)?;
    file.set_len(place + sealed.len() as u64).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    if place == 0
        && let Some(parent) = path.parent()
    {
        File::open(parent)
            .and_then(|dir| dir.sync_all())
            .map_err(file_error(parent))?;
    }
    Ok(true)
}
