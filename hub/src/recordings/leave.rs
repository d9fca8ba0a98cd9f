//! Deletion of recordings. The row loses the key in one transaction, with an audit entry, and the
//! call says that it has no recording any more, which phones hear of; the file follows.

use std::fs;

use serde::Serialize;
use yaoban_domain::rules::RecordingRules;

use super::{RecordingError, Shelf, deletion_reason, file_error, member_of, refusal};
use crate::storage::StorageError;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::recordings::{Recording, State};
use crate::storage::sqlite::{Database, Tx};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Recordings in one transaction.
const BATCH: u32 = 500;

/// The call is older than recordings are kept.
pub const RETENTION: &str = "retention";

/// Who deletes, and why it is written down.
#[derive(Debug, Clone)]
pub struct By<'a> {
    /// `hub`, `cli` or `device:<id>`.
    pub actor: &'a str,
    /// The member of staff behind it.
    pub staff_id: Option<&'a str>,
    /// Now, UTC.
    pub now_ms: i64,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Recordings that were deleted.
    pub deleted: usize,
    /// Files that belonged to none.
    pub files: usize,
}

/// Deletes a recording: its key at once, its file with the next sweep.
pub fn delete(tx: &Tx<'_>, recording: &Recording, reason: &str, by: &By<'_>) -> Result<(), StorageError> {
    let attempt = tx.attempt(&recording.attempt_id)?;
    tx.put_recording(&Recording {
        state: State::Deleted,
        file_key: None,
        received: 0,
        reason: Some(reason.to_owned()),
        changed_ms: by.now_ms,
        ..recording.clone()
    })?;
    if let Some(attempt) = &attempt {
        tx.set_attempt_recording(attempt, None, by.now_ms)?;
    }
    tx.audit(&AuditEntry {
        at_ms: by.now_ms,
        actor: by.actor.to_owned(),
        staff_id: by.staff_id.map(str::to_owned),
        action: "recording_deleted",
        subject: attempt.map(|attempt| attempt.member_id),
        detail: serde_json::json!({ "attempt": recording.attempt_id, "reason": reason }),
    })
}

/// Why a recording may not be kept any longer.
fn reason_to_leave(
    tx: &Tx<'_>,
    recording: &Recording,
    rules: &RecordingRules,
    now_ms: i64,
) -> Result<Option<String>, StorageError> {
    if recording.started_at_ms < now_ms - rules.retention_days * DAY_MS {
        return Ok(Some(RETENTION.to_owned()));
    }
    let Some(attempt) = tx.attempt(&recording.attempt_id)? else {
        return Ok(Some("gate.erased".to_owned()));
    };
    let member = member_of(tx, &attempt)?;
    Ok(refusal(&attempt, member.as_ref()).map(deletion_reason))
}

/// Deletes what may not be kept of a member's recordings: consent was withdrawn, records were merged
/// under the stricter consent, the member was erased.
pub fn settle_member(tx: &Tx<'_>, member_id: &str, by: &By<'_>) -> Result<(), StorageError> {
    let id = tx
        .resolve_member(member_id)?
        .unwrap_or_else(|| member_id.to_owned());
    let rules = tx.rules()?.recording;
    for recording in tx.recordings_of(&id)? {
        if let Some(reason) = reason_to_leave(tx, &recording, &rules, by.now_ms)? {
            delete(tx, &recording, &reason, by)?;
        }
    }
    Ok(())
}

/// Deletes every recording that may not be kept, and the files that belong to none.
pub fn sweep(database: &Database, shelf: &Shelf, now_ms: i64) -> Result<Swept, RecordingError> {
    let by = By {
        actor: "hub",
        staff_id: None,
        now_ms,
    };
    let (mut deleted, mut after) = (0, String::new());
    loop {
        // Looked through without a lock; what is to go is looked at again when it goes.
        let (last, leaving) = database.read::<_, StorageError>(|tx| {
            let rules = tx.rules()?.recording;
            let batch = tx.recordings_after(&after, BATCH)?;
            let mut leaving = Vec::new();
            for recording in &batch {
                if reason_to_leave(tx, recording, &rules, now_ms)?.is_some() {
                    leaving.push(recording.attempt_id.clone());
                }
            }
            Ok((batch.last().map(|last| last.attempt_id.clone()), leaving))
        })?;
        if !leaving.is_empty() {
            deleted += database.write(|tx| leave_all(tx, &leaving, &by))?;
        }
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    remove_files_of_deleted(database, shelf)?;
    let files = remove_strangers(database, shelf)?;
    Ok(Swept { deleted, files })
}

fn leave_all(tx: &Tx<'_>, attempt_ids: &[String], by: &By<'_>) -> Result<usize, StorageError> {
    let rules = tx.rules()?.recording;
    let mut deleted = 0;
    for id in attempt_ids {
        let Some(recording) = tx.recording(id)?.filter(|one| one.state != State::Deleted) else {
            continue;
        };
        if let Some(reason) = reason_to_leave(tx, &recording, &rules, by.now_ms)? {
            delete(tx, &recording, &reason, by)?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Removes the files of recordings that were deleted since the last time.
pub fn remove_files_of_deleted(database: &Database, shelf: &Shelf) -> Result<(), RecordingError> {
    loop {
        let gone = database.read::<_, StorageError>(|tx| tx.recordings_to_remove(BATCH))?;
        if gone.is_empty() {
            return Ok(());
        }
        for recording in &gone {
            shelf.remove_file(&recording.file_name)?;
        }
        database.write::<_, StorageError>(|tx| {
            gone.iter().try_for_each(|recording| {
                tx.put_recording(&Recording {
                    file_name: String::new(),
                    ..recording.clone()
                })
            })
        })?;
    }
}

/// Removes files without a live row. A row is written before its file, so none is on its way.
pub fn remove_strangers(database: &Database, shelf: &Shelf) -> Result<usize, RecordingError> {
    let entries = match fs::read_dir(&shelf.dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(file_error(&shelf.dir)(error)),
    };
    let mut removed = 0;
    for entry in entries {
        let name = entry.map_err(file_error(&shelf.dir))?.file_name();
        let name = name.to_string_lossy();
        if !database.read::<_, StorageError>(|tx| tx.is_recording_file(&name))? {
            shelf.remove_file(&name)?;
            removed += 1;
        }
    }
    Ok(removed)
}
