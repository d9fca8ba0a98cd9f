//! The way up of recordings, as a state machine: [`Lane::step`] takes what happened and gives the one
//! thing to do next. It has no clock, network or disk of its own, so a test decides every order.
//!
//! One recording after the other, one part after the other; where the next part begins, the hub says.
//! So a kill at any point costs at most the part that was on its way, and a hub that went back to a
//! backup gets what it lacks. What belongs to one recording (a refusal, a damaged file) lets the lane
//! go on with the next; what belongs to the hub or the network ends it.

use std::collections::BTreeSet;
use std::sync::Arc;

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{
    RECORDING_MISMATCH, RECORDING_PART_BYTES_MAX, RECORDING_STEP_BYTES, RecordingPart, RecordingState,
    RecordingStatus,
};

use crate::sync::{Problem, code};

/// How often one recording may start again or stand still in one run.
pub const STUMBLES_MAX: u32 = 3;

/// A recording to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The call.
    pub attempt_id: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
}

/// What happened.
#[derive(Debug)]
pub enum What {
    /// The run begins.
    Begin,
    /// The run must end: cancelled, or not the right network any more.
    Stop,
    /// To [`Effect::Choose`].
    Chosen(Option<Upload>),
    /// To [`Effect::Ask`] and [`Effect::Send`].
    Answered(Result<RecordingStatus, Problem>),
    /// To [`Effect::Read`]: the bytes, or why there are none, as a code.
    Read(Result<Vec<u8>, String>),
    /// To [`Effect::Note`].
    Noted,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Find the next recording, none of these.
    Choose {
        /// Recordings that this run is done with.
        skip: BTreeSet<String>,
    },
    /// Ask the hub what it has of a recording.
    Ask {
        /// The call.
        attempt_id: String,
    },
    /// Read bytes of a recording.
    Read {
        /// The call.
        attempt_id: String,
        /// From here.
        offset: u64,
        /// So many.
        bytes: u64,
    },
    /// Send a part.
    Send {
        /// The call.
        attempt_id: String,
        /// What it is.
        part: RecordingPart,
        /// Its bytes.
        body: Arc<Vec<u8>>,
    },
    /// Note what became of a recording.
    Note {
        /// The call.
        attempt_id: String,
        /// What.
        note: Note,
    },
    /// The run is over.
    Finished(Report),
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The hub has so many bytes.
    Sent(u64),
    /// The hub has all of it, in this epoch.
    Uploaded {
        /// The hub's epoch.
        epoch: String,
    },
    /// The hub deleted it and does not want it again.
    Deleted {
        /// Why.
        reason: String,
    },
    /// The member did not allow it, or it is too old: its bytes must go.
    Forbidden {
        /// Why.
        reason: String,
    },
    /// The hub does not take it; its bytes stay until somebody removes them.
    Refused {
        /// Why.
        reason: String,
    },
    /// The hub does not know the call.
    AttemptUnknown,
    /// Not this time.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Recordings that the hub has whole now.
    pub uploaded: u32,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Recordings that the hub refused for good.
    pub refused: u32,
    /// Recordings that stay for another run.
    pub postponed: u32,
    /// What ended the run before its time.
    pub problem: Option<Problem>,
}

#[derive(Debug)]
struct Current {
    upload: Upload,
    offset: u64,
    /// Bytes of the part on its way; 0 while only asked.
    sending: u64,
    stumbles: u32,
    /// How often its bytes did not have their digest.
    mismatches: u32,
}

/// The lane. One of them carries out one run.
#[derive(Debug)]
pub struct Lane {
    skip: BTreeSet<String>,
    current: Option<Current>,
    part_bytes: u64,
    /// What is to be done once the note is written.
    after_note: After,
    report: Report,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Choose,
    Read,
    Finish,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            skip: BTreeSet::new(),
            current: None,
            part_bytes: RECORDING_PART_BYTES_MAX,
            after_note: After::Choose,
            report: Report::default(),
        }
    }
}

impl Lane {
    /// Takes in what happened and tells what to do.
    pub fn step(&mut self, what: What) -> Effect {
        match what {
            What::Begin => self.choose(),
            What::Stop | What::Chosen(None) => self.finish(None),
            What::Chosen(Some(upload)) => {
                let attempt_id = upload.attempt_id.clone();
                self.current = Some(Current {
                    upload,
                    offset: 0,
                    sending: 0,
                    stumbles: 0,
                    mismatches: 0,
                });
                Effect::Ask { attempt_id }
            }
            What::Answered(Ok(status)) => self.answered(status),
            What::Answered(Err(problem)) => self.failed(problem),
            What::Read(Ok(body)) => self.send(body),
            What::Read(Err(reason)) => self.done(Note::Refused { reason }, After::Choose),
            What::Noted => match self.after_note {
                After::Choose => self.choose(),
                After::Read => self.read(),
                After::Finish => self.finish(None),
            },
        }
    }

    fn choose(&mut self) -> Effect {
        self.current = None;
        Effect::Choose {
            skip: self.skip.clone(),
        }
    }

    fn finish(&mut self, problem: Option<Problem>) -> Effect {
        let mut report = std::mem::take(&mut self.report);
        report.problem = report.problem.or(problem);
        Effect::Finished(report)
    }

    fn answered(&mut self, status: RecordingStatus) -> Effect {
        let Some(current) = &mut self.current else {
            return self.choose();
        };
        let same = status.sha256.as_ref() == Some(&current.upload.sha256);
        self.report.sent_bytes += if same && status.received >= current.offset + current.sending {
            current.sending
        } else {
            0
        };
        let asked = current.sending == 0 && current.offset == 0;
        match status.state {
            RecordingState::Complete if same => {
                return self.done(Note::Uploaded { epoch: status.epoch }, After::Choose);
            }
            RecordingState::Complete => {
                let reason = refusal::RECORDING_TAKEN.to_owned();
                return self.done(Note::Refused { reason }, After::Choose);
            }
            RecordingState::Deleted => {
                let reason = status.reason.unwrap_or_default();
                return self.done(Note::Deleted { reason }, After::Choose);
            }
            RecordingState::Absent | RecordingState::Receiving => {}
        }
        let received = if same { status.received } else { 0 };
        let moved = received > current.offset;
        let mismatch = status.reason.as_deref() == Some(RECORDING_MISMATCH);
        current.mismatches += u32::from(mismatch);
        if !moved && !asked {
            current.stumbles += 1;
            if current.stumbles.max(current.mismatches) >= STUMBLES_MAX {
                let reason = status.reason.unwrap_or_else(|| code::NO_PROGRESS.to_owned());
                return self.done(Note::Failed { reason }, After::Choose);
            }
        }
        if moved {
            current.stumbles = 0;
        }
        current.offset = received.min(current.upload.bytes);
        current.sending = 0;
        let attempt_id = current.upload.attempt_id.clone();
        self.after_note = After::Read;
        Effect::Note {
            attempt_id,
            note: Note::Sent(received),
        }
    }

    fn read(&mut self) -> Effect {
        let Some(current) = &self.current else {
            return self.choose();
        };
        let bytes = self.part_bytes.min(current.upload.bytes - current.offset);
        Effect::Read {
            attempt_id: current.upload.attempt_id.clone(),
            offset: current.offset,
            bytes,
        }
    }

    fn send(&mut self, body: Vec<u8>) -> Effect {
        let Some(current) = &mut self.current else {
            return self.choose();
        };
        current.sending = body.len() as u64;
        Effect::Send {
            attempt_id: current.upload.attempt_id.clone(),
            part: RecordingPart {
                offset: current.offset,
                bytes: current.upload.bytes,
                sha256: current.upload.sha256.clone(),
                media_type: current.upload.media_type.clone(),
            },
            body: Arc::new(body),
        }
    }

    fn failed(&mut self, problem: Problem) -> Effect {
        let Some(current) = &mut self.current else {
            return self.finish(Some(problem));
        };
        let reason = problem.code.clone();
        match problem.code.as_str() {
            gate if gate.starts_with(refusal::GATE_PREFIX) => {
                self.done(Note::Forbidden { reason }, After::Choose)
            }
            refusal::RECORDING_EXPIRED => self.done(Note::Forbidden { reason }, After::Choose),
            refusal::RECORDING_TAKEN | refusal::ATTEMPT_OTHER_STORE => {
                self.done(Note::Refused { reason }, After::Choose)
            }
            refusal::ATTEMPT_UNKNOWN => self.done(Note::AttemptUnknown, After::Choose),
            // A line or a proxy that does not carry so much at once.
            refusal::TOO_LARGE | code::TIMED_OUT | code::HUB_UNREACHABLE | code::REFUSED
                if current.sending > RECORDING_STEP_BYTES
                    && (problem.code == refusal::TOO_LARGE || current.stumbles < STUMBLES_MAX) =>
            {
                current.stumbles += 1;
                self.part_bytes = (current.sending / 2)
                    .next_multiple_of(RECORDING_STEP_BYTES)
                    .min(self.part_bytes);
                current.sending = 0;
                Effect::Ask {
                    attempt_id: current.upload.attempt_id.clone(),
                }
            }
            refusal::TOO_LARGE => self.done(Note::Refused { reason }, After::Choose),
            // These are the hub's or the network's own: the others would fare no better.
            refusal::RECORDING_STORE_FULL
            | refusal::BUSY
            | refusal::DEVICE_REVOKED
            | refusal::TOKEN_EXPIRED
            | code::TIMED_OUT
            | code::HUB_UNREACHABLE
            | code::HUB_NOT_TRUSTED
            | code::NOT_PAIRED
            | code::CANCELLED => {
                self.report.problem = Some(problem);
                self.done(Note::Failed { reason }, After::Finish)
            }
            _ => self.done(Note::Failed { reason }, After::Choose),
        }
    }

    /// The run is done with the current recording.
    fn done(&mut self, note: Note, after: After) -> Effect {
        let Some(current) = self.current.take() else {
            return self.choose();
        };
        match &note {
            Note::Uploaded { .. } => self.report.uploaded += 1,
            Note::Deleted { .. } | Note::Forbidden { .. } | Note::Refused { .. } => self.report.refused += 1,
            Note::AttemptUnknown | Note::Failed { .. } => self.report.postponed += 1,
            Note::Sent(_) => {}
        }
        let attempt_id = current.upload.attempt_id;
        self.skip.insert(attempt_id.clone());
        self.after_note = after;
        Effect::Note { attempt_id, note }
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
