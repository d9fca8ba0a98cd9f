//! What has to go from the phone: a withdrawn consent, a member who was erased or moved away, a call
//! that is older than recordings are kept, a copy that the hub has had for long enough.

use yaoban_domain::codes::{Channel, Code as _};
use yaoban_domain::gate::{MemberFlags, recording_refusal};
use yaoban_domain::rules::RecordingRules;

use super::rows::{self, Recording, State};
use super::{Shelf, refused};
use crate::store::{Durability, Result, Store, StoreError, Tx, meta, rows as store_rows};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What became of a recording's bytes, as a code.
pub mod reason {
    /// The call is older than recordings are kept.
    pub const RETENTION: &str = "retention";
    /// The hub deleted it.
    pub const AT_HUB: &str = "deleted_at_hub";
    /// The member belongs to another store now.
    pub const MOVED: &str = "member_moved";
    /// The hub has it; the copy was not needed any more.
    pub const KEPT_AT_HUB: &str = "kept_at_hub";
    /// The hub has it; the copy made room for a new one.
    pub const ROOM: &str = "made_room";
    /// Somebody removed it.
    pub const REMOVED: &str = "removed";
}

/// Lets go what has to go, then removes files that belong to no recording. Returns how many
/// recordings lost their bytes.
pub fn tidy(store: &Store, shelf: &Shelf, now_ms: i64) -> Result<u32> {
    let settings = store.settings();
    let rules = &settings.rules.recording;
    let leaving = store.read(rows::here)?;
    let mut dropped = 0;
    if !leaving.is_empty() {
        dropped = store.write(Durability::Full, |tx| -> Result<u32> {
            let mut dropped = 0;
            for recording in rows::here(tx)? {
                dropped += u32::from(settle(tx, &recording, rules, now_ms)?);
            }
            rows::prune(tx, now_ms - rules.retention_days * DAY_MS)?;
            Ok(dropped)
        })?;
    }
    remove_strangers(store, shelf)?;
    Ok(dropped)
}

/// Removes files that belong to no recording: of erased members, and what a kill left half done.
pub fn remove_strangers(store: &Store, shelf: &Shelf) -> Result<u32> {
    let _held = shelf.hold_files();
    let named = store.read(rows::file_names)?;
    shelf.remove_others(&named)
}

/// Whether a recording lost its bytes.
fn settle(tx: &Tx<'_>, recording: &Recording, rules: &RecordingRules, now_ms: i64) -> Result<bool> {
    let drop = |state, reason: &str| -> Result<bool> {
        rows::drop_bytes(tx, recording, state, reason, now_ms)?;
        Ok(true)
    };
    if recording.call_at_ms < now_ms - rules.retention_days * DAY_MS {
        return drop(State::Deleted, reason::RETENTION);
    }
    let attempt = store_rows::attempt(tx, &recording.attempt_id)?;
    let member_id = attempt
        .as_ref()
        .map_or(&recording.member_id, |attempt| &attempt.member_id);
    let Some(member) = store_rows::member(tx, member_id)? else {
        // Its member left this store: what the hub has must not stay here, the rest goes up first.
        return match recording.state {
            State::Uploaded => drop(State::Deleted, reason::MOVED),
            _ => Ok(false),
        };
    };
    let channel = attempt
        .as_ref()
        .and_then(|attempt| attempt.channel.known())
        .unwrap_or(Channel::Call);
    if let Some(refusal) = recording_refusal(MemberFlags::from(&member), &member.consents, channel) {
        let state = match recording.state {
            State::Uploaded => State::Deleted,
            _ => State::Refused,
        };
        return drop(state, &format!("gate.{}", refusal.code()));
    }
    if recording.state != State::Uploaded {
        return Ok(false);
    }
    let told = attempt.and_then(|attempt| attempt.recording);
    let epoch: Option<String> = meta::get(tx, meta::EPOCH)?;
    if told.as_ref() == Some(&recording.sha256) {
        if !recording.seen_at_hub {
            rows::put(
                tx,
                &Recording {
                    seen_at_hub: true,
                    ..recording.clone()
                },
            )?;
        }
    } else if recording.seen_at_hub && recording.uploaded_epoch == epoch {
        return drop(State::Deleted, reason::AT_HUB);
    }
    if recording.changed_ms < now_ms - rules.phone_keep_days * DAY_MS {
        return drop(State::Uploaded, reason::KEPT_AT_HUB);
    }
    Ok(false)
}

/// Makes room for so many bytes: copies that the hub has leave, the one that it has had longest
/// first. What is not at the hub never leaves for it; if the room is not enough, the new one is
/// refused.
pub fn make_room(tx: &Tx<'_>, bytes: u64, rules: &RecordingRules, now_ms: i64) -> Result<()> {
    let mut used = rows::bytes_here(tx)?;
    let epoch: Option<String> = meta::get(tx, meta::EPOCH)?;
    for copy in rows::here(tx)? {
        if used.saturating_add(bytes) <= rules.phone_bytes_max {
            return Ok(());
        }
        // A hub that came back from a backup may lack it: that one waits to be asked about.
        if copy.state == State::Uploaded && copy.uploaded_epoch == epoch {
            rows::drop_bytes(tx, &copy, State::Uploaded, reason::ROOM, now_ms)?;
            used -= copy.bytes;
        }
    }
    if used.saturating_add(bytes) <= rules.phone_bytes_max {
        return Ok(());
    }
    let mut error = refused("recording_quota", "bytes_max", rules.phone_bytes_max);
    if let StoreError::Refused { values, .. } = &mut error {
        values.push(("waiting".to_owned(), rows::waiting(tx)?.0.to_string()));
    }
    Err(error)
}
