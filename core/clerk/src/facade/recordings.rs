//! Recordings of calls: attached to a dial, kept encrypted, uploaded, played, removed.
//!
//! The shell finds the file that the phone's own recorder wrote and hands it over; where there is
//! none, it says so. Who made the call and the store manager see, play and remove a recording.

use std::io::Read;

use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::codes::{Action, Channel, Code as _, Role};
use yaoban_domain::gate::{MemberFlags, recording_refusal};
use yaoban_domain::model::Attempt;
use yaoban_domain::recording::{self, CallSpan};
use yaoban_protocol::apply::reason;

use super::work::{Work, known_member, refused};
use super::{AppError, AppResult, ClerkApp};
use crate::recording::rows::{self, Recording, State};
use crate::recording::run::{Run, held_back};
use crate::recording::{Network, RecordingReader, tidy};
use crate::store::{Result, rows as store_rows};
use crate::sync::Cancel;

/// Recordings of a list at most.
const LIST_MAX: u32 = 500;
const MEDIA_TYPE_CHARS_MAX: usize = 100;

/// A recording, ready to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingRow {
    /// The call.
    pub attempt_id: String,
    /// Who was called.
    pub member_id: String,
    /// The member's name, if it is here.
    pub member_name: Option<String>,
    /// Who called.
    pub staff_id: String,
    /// When the call began, UTC.
    pub call_at_ms: i64,
    /// `none`, `waiting`, `uploaded`, `refused`, `deleted`, or `at_hub`: another phone sent it.
    pub state: &'static str,
    /// Why there is none, or none any more, as a code; for example `gate.no_consent`.
    pub reason: Option<String>,
    /// It can be played on this phone.
    pub here: bool,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes that the hub has.
    pub sent_bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
    /// Why the last upload did not succeed, as a code.
    pub last_error: Option<String>,
}

/// How much room recordings take on this phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingUsage {
    /// Bytes of those that are here.
    pub bytes: u64,
    /// Bytes that they may take.
    pub bytes_max: u64,
    /// How many wait for their upload.
    pub waiting: u64,
    /// Bytes of these.
    pub waiting_bytes: u64,
    /// They go up by Wi-Fi only.
    pub wifi_only: bool,
    /// Why nothing goes up now: `no_network` or `needs_wifi`.
    pub held_back: Option<&'static str>,
}

/// What an upload did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UploadReport {
    /// Recordings that the hub has whole now.
    pub uploaded: u32,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Recordings that the hub refused for good; the list says why.
    pub refused: u32,
    /// Recordings that wait on.
    pub waiting: u64,
    /// Why it did not begin or ended early: `upload_running`, `no_network`, `needs_wifi`.
    pub held_back: Option<&'static str>,
    /// What went wrong, as a code: try again later.
    pub problem: Option<String>,
}

/// A file that the phone's own recorder wrote, or that another app shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecorderFile {
    /// By what the shell finds it again.
    pub id: String,
    /// Its name, with what the recorder put into it.
    pub name: String,
    /// When it was last written, UTC.
    pub at_ms: i64,
    /// Its size.
    pub bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
}

/// Files of the recorder beside a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingMatch {
    /// Id of the only file that fits by number and time: the call's.
    pub found: Option<String>,
    /// All files, those that fit first, then the nearest to the call.
    pub files: Vec<RecorderFile>,
}

impl ClerkApp {
    /// Which of the recorder's files is the recording of a call, by number and time.
    pub fn match_recording(&self, attempt_id: &str, files: Vec<RecorderFile>) -> AppResult<RecordingMatch> {
        let work = Work::begin(self)?;
        let (call, number) = work.read(|conn| {
            let attempt = own_attempt(conn, &work, attempt_id)?;
            let member = known_member(conn, &attempt.member_id)?;
            Ok((span_of(conn, &attempt)?, member.phone.unwrap_or_default()))
        })?;
        let ended = call.ended_at_ms.unwrap_or(call.started_at_ms);
        let mut files: Vec<(bool, u64, RecorderFile)> = files
            .into_iter()
            .map(|file| {
                let fits = recording::fits(&number, call, &file.name, file.at_ms);
                (!fits, file.at_ms.abs_diff(ended), file)
            })
            .collect();
        files.sort_unstable_by(|a, b| (a.0, a.1, &a.2.id).cmp(&(b.0, b.1, &b.2.id)));
        let mut fitting = files.iter().filter(|(misfit, ..)| !misfit).map(|(.., file)| file);
        let found = fitting.next().filter(|_| fitting.next().is_none());
        Ok(RecordingMatch {
            found: found.map(|file| file.id.clone()),
            files: files.into_iter().map(|(.., file)| file).collect(),
        })
    }

    /// Attaches the recording of a call. Read to its end, stored encrypted, uploaded later. The same
    /// bytes again change nothing. Refused without the member's consent for recordings
    /// (`gate.no_consent`, `gate.consent_withdrawn`), with another recording there
    /// (`recording_taken`), too large (`recording_too_large`), or if what is not yet uploaded
    /// takes all the room (`recording_quota`).
    pub fn attach_recording(
        &self,
        attempt_id: &str,
        source: &mut dyn Read,
        media_type: &str,
    ) -> AppResult<RecordingRow> {
        check_media_type(media_type)?;
        let work = Work::begin(self)?;
        let settings = self.settings();
        let rules = &settings.rules.recording;
        // What the rules refuse is refused before a byte is read; the room is looked at once the
        // size is known.
        let allowed = work.read(|conn| {
            work.allowed(Action::RunTask)?;
            recordable(conn, &work, attempt_id)
        });
        if let Err(error) = allowed {
            if error.code().starts_with("gate.") {
                Self::say_none(&work, attempt_id, error.code())?;
            }
            return Err(error);
        }
        let _held = self.recordings.hold_files();
        let file = self.recordings.write(source, rules.bytes_max)?;
        let stored = work.write(|tx| {
            let attempt = recordable(tx, &work, attempt_id)?;
            if file.content.bytes == 0 {
                return Err(refused("recording_empty"));
            }
            if let Some(known) = rows::get(tx, attempt_id)?.filter(|known| !known.sha256.is_empty()) {
                let same = known.sha256 == file.content.sha256;
                if same && (known.is_here() || known.state == State::Uploaded) {
                    return Ok(false);
                }
                if known.is_here() || matches!(known.state, State::Uploaded) {
                    return Err(refused("recording_taken"));
                }
            } else if attempt.recording.is_some() {
                return Err(refused("recording_taken"));
            }
            tidy::make_room(tx, file.content.bytes, rules, work.now_ms)?;
            rows::put(
                tx,
                &Recording {
                    attempt_id: attempt_id.to_owned(),
                    member_id: attempt.member_id.clone(),
                    staff_id: attempt.staff_id.clone(),
                    call_at_ms: attempt.started_at_ms,
                    state: State::Waiting,
                    reason: None,
                    sha256: file.content.sha256.clone(),
                    bytes: file.content.bytes,
                    media_type: media_type.to_owned(),
                    file_name: file.name.clone(),
                    file_key: Some(file.key.to_bytes()),
                    sent_bytes: 0,
                    uploaded_epoch: None,
                    seen_at_hub: false,
                    last_error: None,
                    changed_ms: work.now_ms,
                },
            )?;
            Ok(true)
        });
        if !matches!(stored, Ok(true)) {
            self.recordings.remove(&file.name)?;
        }
        stored?;
        self.recording_of(attempt_id)
    }

    /// Says that a call has no recording, and why: `not_found`, `not_supported`, `no_permission`, or
    /// another code of the shell's. One that is there stays.
    pub fn no_recording(&self, attempt_id: &str, why: &str) -> AppResult<RecordingRow> {
        if why.is_empty() || why.len() > MEDIA_TYPE_CHARS_MAX {
            return Err(AppError::invalid(
                "reason",
                "short_name",
                [("chars_max", MEDIA_TYPE_CHARS_MAX.to_string())],
            ));
        }
        let work = Work::begin(self)?;
        work.read(|conn| own_attempt(conn, &work, attempt_id).map(|_| ()))?;
        Self::say_none(&work, attempt_id, why)?;
        self.recording_of(attempt_id)
    }

    /// Keeps why a call has no recording, unless it has one.
    fn say_none(work: &Work<'_>, attempt_id: &str, why: &str) -> AppResult<()> {
        work.write(|tx| {
            let attempt = own_attempt(tx, work, attempt_id)?;
            let none = |known: &Recording| known.state == State::Absent;
            if rows::get(tx, attempt_id)?.is_some_and(|known| !none(&known)) {
                return Ok(());
            }
            rows::put(
                tx,
                &Recording {
                    attempt_id: attempt_id.to_owned(),
                    member_id: attempt.member_id.clone(),
                    staff_id: attempt.staff_id.clone(),
                    call_at_ms: attempt.started_at_ms,
                    state: State::Absent,
                    reason: Some(why.to_owned()),
                    sha256: String::new(),
                    bytes: 0,
                    media_type: String::new(),
                    file_name: String::new(),
                    file_key: None,
                    sent_bytes: 0,
                    uploaded_epoch: None,
                    seen_at_hub: false,
                    last_error: None,
                    changed_ms: work.now_ms,
                },
            )
        })
    }

    /// Recordings, latest call first: a clerk's own, for the store manager all; of one member, or of all.
    pub fn recordings(&self, member_id: Option<&str>) -> AppResult<Vec<RecordingRow>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let mut shown = rows::list(conn, LIST_MAX)?;
            shown.retain(|recording| may_hear(&work, &recording.staff_id));
            let mut rows = shown
                .into_iter()
                .map(|recording| row(conn, recording))
                .collect::<Result<Vec<_>>>()?;
            rows.retain(|row| member_id.is_none_or(|id| row.member_id == id));
            Ok(rows)
        })
    }

    /// The recording of one call, or the word that there is none.
    pub fn recording_of(&self, attempt_id: &str) -> AppResult<RecordingRow> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            if let Some(recording) = rows::get(conn, attempt_id)? {
                if !may_hear(&work, &recording.staff_id) {
                    return Err(refused("recording_of_other"));
                }
                return row(conn, recording);
            }
            let attempt = store_rows::attempt(conn, attempt_id)?;
            let attempt = attempt.ok_or_else(|| refused(reason::ATTEMPT_UNKNOWN))?;
            let member = store_rows::member(conn, &attempt.member_id)?;
            Ok(RecordingRow {
                attempt_id: attempt.id,
                member_id: attempt.member_id,
                member_name: member.map(|member| member.name),
                staff_id: attempt.staff_id,
                call_at_ms: attempt.started_at_ms,
                state: if attempt.recording.is_some() {
                    "at_hub"
                } else {
                    State::Absent.code()
                },
                reason: None,
                here: false,
                bytes: 0,
                sent_bytes: 0,
                media_type: String::new(),
                last_error: None,
            })
        })
    }

    /// The content of a recording, decrypted while it is read, from any place. Refused if it is not
    /// on this phone (`recording_not_here`) or its member is not here any more.
    pub fn play_recording(&self, attempt_id: &str) -> AppResult<RecordingReader> {
        let work = Work::begin(self)?;
        let (recording, key) = work.read(|conn| {
            work.allowed(Action::SeeMember)?;
            let not_here = || refused("recording_not_here");
            let mut recording = rows::get(conn, attempt_id)?.ok_or_else(not_here)?;
            if !may_hear(&work, &recording.staff_id) {
                return Err(refused("recording_of_other"));
            }
            let key = recording.file_key.take().ok_or_else(not_here)?;
            let attempt = store_rows::attempt(conn, attempt_id)?;
            known_member(
                conn,
                attempt
                    .as_ref()
                    .map_or(&recording.member_id, |attempt| &attempt.member_id),
            )?;
            Ok((recording, key))
        })?;
        Ok(self
            .recordings
            .open(&recording.file_name, &key, recording.bytes)?)
    }

    /// Removes a recording from this phone; one that is not uploaded is gone with it.
    pub fn remove_recording(&self, attempt_id: &str) -> AppResult<()> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            let recording = rows::get(tx, attempt_id)?.filter(Recording::is_here);
            let recording = recording.ok_or_else(|| refused("recording_not_here"))?;
            if !may_hear(&work, &recording.staff_id) {
                return Err(refused("recording_of_other"));
            }
            let state = match recording.state {
                State::Uploaded => State::Uploaded,
                _ => State::Deleted,
            };
            rows::drop_bytes(tx, &recording, state, tidy::reason::REMOVED, work.now_ms)
        })?;
        tidy::remove_strangers(&self.store, &self.recordings)?;
        Ok(())
    }

    /// How much room recordings take, and what waits.
    pub fn recording_usage(&self) -> AppResult<RecordingUsage> {
        let network = self.recordings.network();
        let bytes_max = self.settings().rules.recording.phone_bytes_max;
        Ok(self.store.read(|conn| -> Result<_> {
            let (waiting, waiting_bytes) = rows::waiting(conn)?;
            let wifi_only = rows::wifi_only(conn)?;
            Ok(RecordingUsage {
                bytes: rows::bytes_here(conn)?,
                bytes_max,
                waiting,
                waiting_bytes,
                wifi_only,
                held_back: held_back(network, wifi_only),
            })
        })?)
    }

    /// The shell tells which network the phone is on. An upload that may not go on ends with its
    /// part.
    pub fn set_network(&self, network: Network) {
        self.recordings.set_network(network);
    }

    /// Sets whether recordings go up by Wi-Fi only (they do, until this is turned off).
    pub fn set_recording_wifi_only(&self, on: bool) -> AppResult<()> {
        Ok(self
            .store
            .write(crate::store::Durability::Full, |tx| rows::set_wifi_only(tx, on))?)
    }

    /// Uploads what waits. Runs beside the rounds of sync; one at a time.
    pub fn upload_recordings(&self, cancel: &Cancel) -> AppResult<UploadReport> {
        self.tidy_recordings()?;
        let run = Run {
            store: &self.store,
            shelf: &self.recordings,
            driver: self.driver(),
            cancel,
            now_ms: &|| self.now_ms(),
        };
        let (report, held_back) = run.run()?;
        self.tidy_recordings()?;
        let (waiting, _) = self.store.read(rows::waiting)?;
        Ok(UploadReport {
            uploaded: report.uploaded,
            sent_bytes: report.sent_bytes,
            refused: report.refused,
            waiting,
            held_back,
            problem: report.problem.map(|problem| problem.code),
        })
    }

    /// Lets go what has to go: after a withdrawal, an erasure, a move, or its time. Called after each
    /// round and at each upload. Returns how many recordings lost their bytes.
    pub fn tidy_recordings(&self) -> AppResult<u32> {
        Ok(tidy::tidy(&self.store, &self.recordings, self.now_ms())?)
    }
}

/// Who hears a recording: who made the call, and the store manager.
fn may_hear(work: &Work<'_>, staff_id: &str) -> bool {
    work.staff.id == staff_id || work.staff.role.is(Role::StoreManager)
}

/// A call that is here, and whose recording the acting member of staff may handle.
fn own_attempt(conn: &Connection, work: &Work<'_>, attempt_id: &str) -> Result<Attempt> {
    let attempt = store_rows::attempt(conn, attempt_id)?;
    let attempt = attempt.ok_or_else(|| refused(reason::ATTEMPT_UNKNOWN))?;
    if may_hear(work, &attempt.staff_id) {
        Ok(attempt)
    } else {
        Err(refused("recording_of_other"))
    }
}

/// When a call can have been recorded.
fn span_of(conn: &Connection, attempt: &Attempt) -> Result<CallSpan> {
    let next = conn
        .prepare_cached("SELECT min(started_at_ms) FROM attempt WHERE started_at_ms > ?1")?
        .query_row([attempt.started_at_ms], |row| row.get(0))?;
    Ok(CallSpan {
        started_at_ms: attempt.started_at_ms,
        ended_at_ms: attempt.ended_at_ms,
        next_started_at_ms: next,
    })
}

/// A call whose recording may be kept.
fn recordable(conn: &Connection, work: &Work<'_>, attempt_id: &str) -> Result<Attempt> {
    let attempt = own_attempt(conn, work, attempt_id)?;
    let member = known_member(conn, &attempt.member_id)?;
    let channel = attempt.channel.known().unwrap_or(Channel::Call);
    match recording_refusal(MemberFlags::from(&member), &member.consents, channel) {
        None => Ok(attempt),
        Some(gate) => Err(refused(&format!("gate.{}", gate.code()))),
    }
}

fn row(conn: &Connection, recording: Recording) -> Result<RecordingRow> {
    let attempt = store_rows::attempt(conn, &recording.attempt_id)?;
    let member_id = attempt.map_or_else(|| recording.member_id.clone(), |attempt| attempt.member_id);
    let member = store_rows::member(conn, &member_id)?;
    Ok(RecordingRow {
        here: recording.is_here(),
        attempt_id: recording.attempt_id,
        member_id,
        member_name: member.map(|member| member.name),
        staff_id: recording.staff_id,
        call_at_ms: recording.call_at_ms,
        state: recording.state.code(),
        reason: recording.reason,
        bytes: recording.bytes,
        sent_bytes: recording.sent_bytes,
        media_type: recording.media_type,
        last_error: recording.last_error,
    })
}

fn check_media_type(media_type: &str) -> AppResult<()> {
    let name = media_type
        .strip_prefix("audio/")
        .or_else(|| media_type.strip_prefix("video/"));
    let plain = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+'))
    };
    if media_type.len() <= MEDIA_TYPE_CHARS_MAX && name.is_some_and(plain) {
        return Ok(());
    }
    Err(AppError::invalid("media_type", "media_type", []))
}
