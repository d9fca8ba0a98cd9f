//! Carries out what the lane wants: the store's rows, the files, and one call at a time beside the
//! rounds of the sync engine.

use std::sync::Arc;

use yaoban_protocol::message::RecordingStatus;

use super::lane::{Effect, Lane, Note, Report, Upload, What};
use super::rows::{self, Recording, State};
use super::{Network, RecordingReader, Shelf};
use crate::store::{Durability, Result, Store, StoreError, meta};
use crate::sync::event::{Answer, Call};
use crate::sync::{Cancel, Driver, Problem, code};

/// Why a run did not begin, or ended before its time, though nothing went wrong.
pub mod held_back {
    /// Another run is under way.
    pub const RUNNING: &str = "upload_running";
    /// There is no network.
    pub const NO_NETWORK: &str = "no_network";
    /// Recordings go up by Wi-Fi only, and this is none.
    pub const NEEDS_WIFI: &str = "needs_wifi";
}

/// Everything that a run needs.
pub struct Run<'a> {
    /// The file of the phone.
    pub store: &'a Arc<Store>,
    /// The files of the recordings.
    pub shelf: &'a Shelf,
    /// The way to the hub.
    pub driver: &'a Driver,
    /// Ends the run.
    pub cancel: &'a Cancel,
    /// The phone's clock.
    pub now_ms: &'a dyn Fn() -> i64,
}

/// Why nothing may be uploaded now; none: it may.
pub fn held_back(network: Network, wifi_only: bool) -> Option<&'static str> {
    match network {
        Network::None => Some(held_back::NO_NETWORK),
        Network::Metered if wifi_only => Some(held_back::NEEDS_WIFI),
        Network::Metered | Network::Wifi => None,
    }
}

impl Run<'_> {
    /// Uploads what waits, until nothing does or something ends it. The second value says what held
    /// the run back.
    pub fn run(&self) -> Result<(Report, Option<&'static str>)> {
        let Some(_only) = self.shelf.begin_upload() else {
            return Ok((Report::default(), Some(held_back::RUNNING)));
        };
        let (mut lane, mut reader, mut stopped) = (Lane::default(), None, None);
        let mut what = What::Begin;
        loop {
            let held = self.held()?;
            if held.is_some() || self.cancel.is_cancelled() {
                stopped = stopped.or(held);
                // What a part has brought is still noted.
                if !matches!(what, What::Answered(_) | What::Noted) {
                    what = What::Stop;
                }
            }
            let effect = match (lane.step(what), stopped) {
                // The note of the last answer was the last thing to do.
                (Effect::Choose { .. } | Effect::Ask { .. } | Effect::Read { .. }, Some(_)) => {
                    lane.step(What::Stop)
                }
                (effect, _) => effect,
            };
            what = match effect {
                Effect::Choose { skip } => {
                    reader = None;
                    let next = self.store.read(|conn| -> Result<_> {
                        let epoch: Option<String> = meta::get(conn, meta::EPOCH)?;
                        rows::next_upload(conn, epoch.as_deref(), &skip)
                    })?;
                    What::Chosen(next.map(upload))
                }
                Effect::Ask { attempt_id } => What::Answered(self.call(Call::Recording { attempt_id })),
                Effect::Read {
                    attempt_id,
                    offset,
                    bytes,
                } => What::Read(self.read(&mut reader, &attempt_id, offset, bytes)?),
                Effect::Send {
                    attempt_id,
                    part,
                    body,
                } => What::Answered(self.call(Call::RecordingPart {
                    attempt_id,
                    part,
                    body,
                })),
                Effect::Note { attempt_id, note } => {
                    self.note(&attempt_id, &note)?;
                    What::Noted
                }
                Effect::Finished(report) => return Ok((report, stopped)),
            };
        }
    }

    fn held(&self) -> Result<Option<&'static str>> {
        let wifi_only = self.store.read(rows::wifi_only)?;
        Ok(held_back(self.shelf.network(), wifi_only))
    }

    fn call(&self, call: Call) -> std::result::Result<RecordingStatus, Problem> {
        let mut store = Arc::clone(self.store);
        match self.driver.errand(&mut store, call, self.cancel)? {
            Answer::Recording(status) => Ok(status),
            _ => Err(Problem::new(
                code::REPLY_UNREADABLE,
                "the hub answered something else to a recording",
            )),
        }
    }

    /// The next bytes, or why there are none. A recording that is gone meanwhile gives its reason,
    /// too.
    fn read(
        &self,
        reader: &mut Option<RecordingReader>,
        attempt_id: &str,
        offset: u64,
        bytes: u64,
    ) -> Result<std::result::Result<Vec<u8>, String>> {
        // Looked at before each part: a consent that was withdrawn ends the upload.
        let recording = self.store.read(|conn| rows::get(conn, attempt_id))?;
        let Some((recording, key)) =
            recording.and_then(|mut recording| recording.file_key.take().map(|key| (recording, key)))
        else {
            *reader = None;
            return Ok(Err(super::tidy::reason::REMOVED.to_owned()));
        };
        let opened = match reader {
            Some(open) => Ok(open),
            None => self
                .shelf
                .open(&recording.file_name, &key, recording.bytes)
                .map(|open| reader.insert(open)),
        };
        let read = opened.and_then(|open| {
            open.read_at(offset, usize::try_from(bytes).unwrap_or(usize::MAX))
                .map_err(super::sealed)
        });
        match read {
            Ok(read) => Ok(Ok(read)),
            Err(StoreError::Refused { code, .. }) => Ok(Err(code)),
            Err(error) => Err(error),
        }
    }

    /// Writes down what became of a recording. One that left the phone meanwhile stays as it is.
    fn note(&self, attempt_id: &str, note: &Note) -> Result<()> {
        let now_ms = (self.now_ms)();
        let durability = match note {
            Note::Sent(_) | Note::Failed { .. } => Durability::Normal,
            _ => Durability::Full,
        };
        self.store.write(durability, |tx| -> Result<()> {
            let Some(known) = rows::get(tx, attempt_id)?.filter(Recording::is_here) else {
                return Ok(());
            };
            let refused = |reason: &str| Recording {
                state: State::Refused,
                reason: Some(reason.to_owned()),
                last_error: None,
                changed_ms: now_ms,
                ..known.clone()
            };
            let waiting = |error: &str| Recording {
                state: State::Waiting,
                last_error: Some(error.to_owned()),
                ..known.clone()
            };
            match note {
                Note::Sent(bytes) => rows::put(
                    tx,
                    &Recording {
                        sent_bytes: *bytes,
                        ..known.clone()
                    },
                ),
                Note::Uploaded { epoch } => rows::put(
                    tx,
                    &Recording {
                        state: State::Uploaded,
                        reason: None,
                        sent_bytes: known.bytes,
                        uploaded_epoch: Some(epoch.clone()),
                        seen_at_hub: false,
                        last_error: None,
                        // A copy that is looked for again keeps its age.
                        changed_ms: if known.state == State::Uploaded {
                            known.changed_ms
                        } else {
                            now_ms
                        },
                        ..known.clone()
                    },
                ),
                Note::Deleted { reason } => rows::drop_bytes(tx, &known, State::Deleted, reason, now_ms),
                Note::Forbidden { reason } => rows::drop_bytes(tx, &known, State::Refused, reason, now_ms),
                Note::Refused { reason } => rows::put(tx, &refused(reason)),
                Note::AttemptUnknown => {
                    let row = match rows::attempt_rejected(tx, attempt_id)? {
                        Some(reason) => refused(&reason),
                        None => waiting(yaoban_protocol::endpoint::refusal::ATTEMPT_UNKNOWN),
                    };
                    rows::put(tx, &row)
                }
                Note::Failed { reason } => rows::put(tx, &waiting(reason)),
            }
        })
    }
}

fn upload(recording: Recording) -> Upload {
    Upload {
        attempt_id: recording.attempt_id,
        sha256: recording.sha256,
        bytes: recording.bytes,
        media_type: recording.media_type,
    }
}
