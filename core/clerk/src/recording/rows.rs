//! What the phone knows of each recording (table `recording` in `tables.sql`).

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::{Result, Tx};

/// Where a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is none: the shell looked for it, or says that there can be none. `reason` says why.
    Absent,
    /// Here, to be uploaded.
    Waiting,
    /// The hub has it whole. The phone's copy stays for a while.
    Uploaded,
    /// The hub does not take it. `reason` says why.
    Refused,
    /// Deleted on the phone. `reason` says why.
    Deleted,
}

impl State {
    /// The code in the file and on the screen.
    pub fn code(self) -> &'static str {
        match self {
            Self::Absent => "none",
            Self::Waiting => "waiting",
            Self::Uploaded => "uploaded",
            Self::Refused => "refused",
            Self::Deleted => "deleted",
        }
    }

    fn read(code: &str) -> Self {
        match code {
            "none" => Self::Absent,
            "uploaded" => Self::Uploaded,
            "refused" => Self::Refused,
            "deleted" => Self::Deleted,
            _ => Self::Waiting,
        }
    }
}

/// What is known of the recording of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The call.
    pub attempt_id: String,
    /// Who was called, by the id of that time.
    pub member_id: String,
    /// Who called.
    pub staff_id: String,
    /// When the call began, UTC.
    pub call_at_ms: i64,
    /// Where it stands.
    pub state: State,
    /// Why there is none, or none any more.
    pub reason: Option<String>,
    /// SHA-256 of its bytes, in hex; empty without any.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
    /// Name of its file.
    pub file_name: String,
    /// The key of its file; none once its bytes are not here any more.
    pub file_key: Option<Vec<u8>>,
    /// Bytes that the hub is known to have.
    pub sent_bytes: u64,
    /// The hub's epoch in which it had all of it.
    pub uploaded_epoch: Option<String>,
    /// The call's row from the hub has told of it.
    pub seen_at_hub: bool,
    /// Why the last upload did not succeed, as a code.
    pub last_error: Option<String>,
    /// When its state last changed, UTC.
    pub changed_ms: i64,
}

impl Recording {
    /// Its bytes are on this phone.
    pub fn is_here(&self) -> bool {
        self.file_key.is_some()
    }
}

/// Every column, for copies from one file to another.
pub(crate) const ALL_COLUMNS: &str =
    "attempt_id, member_id, staff_id, call_at_ms, state, reason, sha256, bytes, media_type, file_name, file_key,
    sent_bytes, uploaded_epoch, seen_at_hub, last_error, changed_ms";

fn read(row: &Row<'_>) -> rusqlite::Result<Recording> {
    Ok(Recording {
        attempt_id: row.get(0)?,
        member_id: row.get(1)?,
        staff_id: row.get(2)?,
        call_at_ms: row.get(3)?,
        state: State::read(row.get_ref(4)?.as_str()?),
        reason: row.get(5)?,
        sha256: row.get(6)?,
        bytes: row.get(7)?,
        media_type: row.get(8)?,
        file_name: row.get(9)?,
        file_key: row.get(10)?,
        sent_bytes: row.get(11)?,
        uploaded_epoch: row.get(12)?,
        seen_at_hub: row.get(13)?,
        last_error: row.get(14)?,
        changed_ms: row.get(15)?,
    })
}

fn all(conn: &Connection, filter: &str, values: impl rusqlite::Params) -> Result<Vec<Recording>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {ALL_COLUMNS} FROM recording {filter}"))?;
    Ok(statement
        .query_map(values, read)?
        .collect::<rusqlite::Result<_>>()?)
}

/// The recording of a call.
pub fn get(conn: &Connection, attempt_id: &str) -> Result<Option<Recording>> {
    Ok(all(conn, "WHERE attempt_id = ?1", [attempt_id])?.pop())
}

/// All of them, latest call first; at most so many.
pub fn list(conn: &Connection, limit: u32) -> Result<Vec<Recording>> {
    all(conn, "ORDER BY call_at_ms DESC, attempt_id LIMIT ?1", [limit])
}

/// Those whose bytes are here, oldest first.
pub fn here(conn: &Connection) -> Result<Vec<Recording>> {
    all(
        conn,
        "WHERE file_key IS NOT NULL ORDER BY changed_ms, attempt_id",
        [],
    )
}

/// The next one to upload: what waits, oldest call first, then what another epoch of the hub had.
pub fn next_upload(
    conn: &Connection,
    epoch: Option<&str>,
    skip: &BTreeSet<String>,
) -> Result<Option<Recording>> {
    let waiting = all(
        conn,
        "WHERE file_key IS NOT NULL AND (state = 'waiting' OR (state = 'uploaded' AND uploaded_epoch IS NOT ?1))
         ORDER BY state <> 'waiting', call_at_ms, attempt_id",
        [epoch],
    )?;
    Ok(waiting
        .into_iter()
        .find(|recording| !skip.contains(&recording.attempt_id)))
}

/// Bytes of all recordings on this phone.
pub fn bytes_here(conn: &Connection) -> Result<u64> {
    let bytes = conn.query_row(
        "SELECT coalesce(sum(bytes), 0) FROM recording WHERE file_key IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    Ok(bytes)
}

/// Recordings that wait, and their bytes.
pub fn waiting(conn: &Connection) -> Result<(u64, u64)> {
    let counts = conn.query_row(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM recording WHERE state = 'waiting'",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(counts)
}

/// Names of the files that have a row and a key.
pub fn file_names(conn: &Connection) -> Result<BTreeSet<String>> {
    let mut statement = conn.prepare("SELECT file_name FROM recording WHERE file_key IS NOT NULL")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Writes a recording as it stands.
pub fn put(tx: &Tx<'_>, recording: &Recording) -> Result<()> {
    tx.prepare_cached(&format!(
        "INSERT OR REPLACE INTO recording ({ALL_COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    ))?
    .execute(params![
        recording.attempt_id,
        recording.member_id,
        recording.staff_id,
        recording.call_at_ms,
        recording.state.code(),
        recording.reason,
        recording.sha256,
        recording.bytes,
        recording.media_type,
        recording.file_name,
        recording.file_key,
        recording.sent_bytes,
        recording.uploaded_epoch,
        recording.seen_at_hub,
        recording.last_error,
        recording.changed_ms,
    ])?;
    Ok(())
}

/// Takes the bytes of a recording away: its key goes at once, its file with the next tidying.
pub fn drop_bytes(tx: &Tx<'_>, recording: &Recording, state: State, reason: &str, now_ms: i64) -> Result<()> {
    put(
        tx,
        &Recording {
            state,
            reason: Some(reason.to_owned()),
            file_key: None,
            changed_ms: now_ms,
            ..recording.clone()
        },
    )
}

/// Forgets what is known of recordings whose bytes left before an instant.
pub fn prune(tx: &Tx<'_>, before_ms: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM recording WHERE file_key IS NULL AND changed_ms < ?1",
        [before_ms],
    )?;
    Ok(())
}

/// Why the hub refused the operation with which a call began, if it did.
pub fn attempt_rejected(conn: &Connection, attempt_id: &str) -> Result<Option<String>> {
    use yaoban_protocol::codec::from_cbor;
    use yaoban_protocol::op::Op;
    let mut statement =
        conn.prepare_cached("SELECT body, reason FROM outbox WHERE state IN ('rejected', 'parked')")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(0)?;
        if let Ok(Op::StartAttempt { attempt }) = from_cbor(&body)
            && attempt.id == attempt_id
        {
            return Ok(Some(
                row.get::<_, Option<String>>(1)?
                    .unwrap_or_else(|| "attempt_unknown".to_owned()),
            ));
        }
    }
    Ok(None)
}

/// The setting whether recordings go up by Wi-Fi only; it is on until it is turned off.
pub fn wifi_only(conn: &Connection) -> Result<bool> {
    let value: Option<i64> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([WIFI_ONLY], |row| row.get(0))
        .optional()?;
    Ok(value != Some(0))
}

/// Sets whether recordings go up by Wi-Fi only.
pub fn set_wifi_only(tx: &Tx<'_>, on: bool) -> Result<()> {
    crate::store::meta::set(tx, WIFI_ONLY, i64::from(on))
}

const WIFI_ONLY: &str = "recording_wifi_only";
