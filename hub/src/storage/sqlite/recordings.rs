//! Recordings of calls: what is known of each. Their bytes are files, see [`crate::recordings`].

use rusqlite::{Row, params};
use yaoban_domain::model::Attempt;
use yaoban_protocol::apply::RowRef;
use yaoban_protocol::row::entity;

use super::Tx;
use super::rows::OpRows;
use crate::storage::StorageError;

/// How far a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Parts of it are on the disk.
    Receiving,
    /// All of it is, and has its digest.
    Complete,
    /// Its bytes are gone.
    Deleted,
}

impl State {
    /// The code in the database and for people.
    pub fn code(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Complete => "complete",
            Self::Deleted => "deleted",
        }
    }

    fn read(code: &str) -> Self {
        match code {
            "complete" => Self::Complete,
            "deleted" => Self::Deleted,
            _ => Self::Receiving,
        }
    }
}

/// What is known of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The call.
    pub attempt_id: String,
    /// Store of the phone that sent it.
    pub store_id: String,
    /// That phone.
    pub device_id: String,
    /// When the call began, UTC.
    pub started_at_ms: i64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
    /// Bytes that are on the disk.
    pub received: u64,
    /// How often its bytes did not have their digest.
    pub mismatches: u32,
    /// Name of its file.
    pub file_name: String,
    /// Its key, wrapped; none once deleted.
    pub file_key: Option<Vec<u8>>,
    /// How far it is.
    pub state: State,
    /// Why it was deleted.
    pub reason: Option<String>,
    /// When it last changed, UTC.
    pub changed_ms: i64,
}

/// Which recordings a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this store.
    pub store_id: Option<String>,
    /// Of calls with this member.
    pub member_id: Option<String>,
    /// Also deleted ones.
    pub deleted: bool,
}

/// Numbers of all recordings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordingCounts {
    /// Whole ones.
    pub complete: u64,
    /// Those that are on their way.
    pub receiving: u64,
    /// Bytes of both.
    pub bytes: u64,
}

const COLUMNS: &str = "r.attempt_id, r.store_id, r.device_id, r.started_at_ms, r.sha256, r.bytes, r.media_type, \
                       r.received, r.mismatches, r.file_name, r.file_key, r.state, r.reason, r.changed_ms";

fn read(row: &Row<'_>) -> rusqlite::Result<Recording> {
    Ok(Recording {
        attempt_id: row.get(0)?,
        store_id: row.get(1)?,
        device_id: row.get(2)?,
        started_at_ms: row.get(3)?,
        sha256: row.get(4)?,
        bytes: row.get(5)?,
        media_type: row.get(6)?,
        received: row.get(7)?,
        mismatches: row.get(8)?,
        file_name: row.get(9)?,
        file_key: row.get(10)?,
        state: State::read(row.get_ref(11)?.as_str()?),
        reason: row.get(12)?,
        changed_ms: row.get(13)?,
    })
}

impl Tx<'_> {
    /// The recording of a call.
    pub fn recording(&self, attempt_id: &str) -> Result<Option<Recording>, StorageError> {
        self.one(
            &format!("SELECT {COLUMNS} FROM recording r WHERE r.attempt_id = ?1"),
            [attempt_id],
            read,
        )
    }

    /// Recordings that fit, by the time of the call; at most 10,000.
    pub fn recordings(&self, filter: &Filter) -> Result<Vec<Recording>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM recording r LEFT JOIN attempt a USING (attempt_id) \
                 WHERE (?1 IS NULL OR r.store_id = ?1) AND (?2 IS NULL OR a.member_id = ?2) \
                   AND (?3 OR r.state <> 'deleted') ORDER BY r.started_at_ms, r.attempt_id LIMIT 10000"
            ),
            params![filter.store_id, filter.member_id, filter.deleted],
            read,
        )
    }

    /// Live recordings after an id, for work in batches.
    pub fn recordings_after(&self, after: &str, limit: u32) -> Result<Vec<Recording>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM recording r WHERE r.attempt_id > ?1 AND r.state <> 'deleted' \
                 ORDER BY r.attempt_id LIMIT ?2"
            ),
            params![after, limit],
            read,
        )
    }

    /// Live recordings of calls with a member.
    pub fn recordings_of(&self, member_id: &str) -> Result<Vec<Recording>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM recording r JOIN attempt a USING (attempt_id) \
                 WHERE a.member_id = ?1 AND r.state <> 'deleted' ORDER BY r.attempt_id"
            ),
            [member_id],
            read,
        )
    }

    /// Whether there are recordings that only the master key opens.
    pub fn has_live_recordings(&self) -> Result<bool, StorageError> {
        let found = self.one(
            "SELECT 1 FROM recording WHERE state <> 'deleted' LIMIT 1",
            [],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Deleted recordings whose file is still to be removed.
    pub fn recordings_to_remove(&self, limit: u32) -> Result<Vec<Recording>, StorageError> {
        self.all(
            &format!(
                "SELECT {COLUMNS} FROM recording r INDEXED BY recording_to_remove \
                 WHERE r.state = 'deleted' AND r.file_name <> '' LIMIT ?1"
            ),
            [limit],
            read,
        )
    }

    /// Whether a file belongs to a live recording.
    pub fn is_recording_file(&self, file_name: &str) -> Result<bool, StorageError> {
        let found = self.one(
            "SELECT 1 FROM recording WHERE file_name = ?1 AND state <> 'deleted'",
            [file_name],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Bytes that the live recordings of a store take or will take, but for one.
    pub fn recording_bytes(&self, store_id: &str, but_attempt_id: &str) -> Result<u64, StorageError> {
        let bytes = self.one(
            "SELECT coalesce(sum(bytes), 0) FROM recording \
             WHERE store_id = ?1 AND state IN ('receiving', 'complete') AND attempt_id <> ?2",
            [store_id, but_attempt_id],
            |row| row.get(0),
        )?;
        Ok(bytes.unwrap_or(0))
    }

    /// Numbers for `/metrics` and `status`.
    pub fn recording_counts(&self) -> Result<RecordingCounts, StorageError> {
        let counts = self.one(
            "SELECT count(*) FILTER (WHERE state = 'complete'), count(*) FILTER (WHERE state = 'receiving'), \
                    coalesce(sum(received) FILTER (WHERE state <> 'deleted'), 0) FROM recording",
            [],
            |row| {
                Ok(RecordingCounts {
                    complete: row.get(0)?,
                    receiving: row.get(1)?,
                    bytes: row.get(2)?,
                })
            },
        )?;
        Ok(counts.unwrap_or_default())
    }

    /// Writes a recording as it stands.
    pub fn put_recording(&self, recording: &Recording) -> Result<(), StorageError> {
        self.put(
            "INSERT OR REPLACE INTO recording (attempt_id, store_id, device_id, started_at_ms, sha256, bytes, \
                media_type, received, mismatches, file_name, file_key, state, reason, changed_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                recording.attempt_id,
                recording.store_id,
                recording.device_id,
                recording.started_at_ms,
                recording.sha256,
                recording.bytes,
                recording.media_type,
                recording.received,
                recording.mismatches,
                recording.file_name,
                recording.file_key,
                recording.state.code(),
                recording.reason,
                recording.changed_ms,
            ],
        )
    }

    /// Notes with an attempt which recording it has, and lets its phones hear of it.
    pub fn set_attempt_recording(
        &self,
        attempt: &Attempt,
        sha256: Option<&str>,
        now_ms: i64,
    ) -> Result<(), StorageError> {
        if attempt.recording.as_deref() == sha256 {
            return Ok(());
        }
        let calendar = self.calendar()?;
        let noted = Attempt {
            recording: sha256.map(str::to_owned),
            ..attempt.clone()
        };
        self.put_attempt(&noted, calendar.day(attempt.started_at_ms))?;
        let rows = OpRows::of_hub(self, calendar, now_ms);
        self.touch(&rows.changes(&[RowRef::new(entity::ATTEMPT, &attempt.id)])?)
    }
}
