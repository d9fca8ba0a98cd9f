//! Paths of the endpoints and the codes with which the hub refuses: one home for both ends.
//!
//! A POST carries an envelope with the content type [`crate::codec::MEDIA_TYPE`]; all but `pair`
//! and `token` carry `Authorization: Bearer …`. Anything but 200 carries an
//! [`crate::message::ErrorReply`].

use std::fmt::Write as _;

use crate::message::{Cursor, RecordingPart};

/// `POST`: one-time code → device.
pub const PAIR: &str = "/v1/pair";
/// `POST`: whose phone a pairing code makes; the code stays good.
pub const PAIR_OFFER: &str = "/v1/pair/offer";
/// `POST`: refresh of a short-lived token.
pub const TOKEN: &str = "/v1/token";
/// `POST`: beginning of a round.
pub const HELLO: &str = "/v1/hello";
/// `POST`: changes of rows.
pub const PULL: &str = "/v1/pull";
/// `POST`: operations.
pub const PUSH: &str = "/v1/push";
/// `POST`: a walk-in from another store.
pub const LOOKUP: &str = "/v1/lookup";
/// `POST`: hash sums of what the phone holds.
pub const DIGEST: &str = "/v1/digest";
/// `GET` with the parameter `at` (see [`wait`]): answers with an empty body, 200 once a scope has
/// moved past the place told, 204 when the hub's patience ends and none has.
pub const WAIT: &str = "/v1/wait";

/// `GET`: a [`crate::message::Manifest`]. The scope is percent-encoded.
pub fn snapshot(scope: &str) -> String {
    format!("/v1/snapshot/{}", percent_encode(scope))
}

/// `GET`: the bytes of a chunk.
pub fn chunk(sha256: &str) -> String {
    format!("/v1/chunk/{}", percent_encode(sha256))
}

/// `GET`: a [`crate::message::HistoryReply`] with at most `limit` lines older than the day number.
pub fn history(member_id: &str, before_day: i32, limit: u32) -> String {
    format!(
        "/v1/history/{}?before={before_day}&limit={limit}",
        percent_encode(member_id)
    )
}

/// Route of [`recording`].
pub const RECORDING: &str = "/v1/recording/{attempt}";

/// The recording of an attempt. `GET`: what the hub has of it; `PUT` (see [`recording_part`]): a part
/// of its bytes. Both answer with a [`crate::message::RecordingStatus`].
pub fn recording(attempt_id: &str) -> String {
    format!("/v1/recording/{}", percent_encode(attempt_id))
}

/// `PUT` of the part of a recording that begins at `offset`.
pub fn recording_part(attempt_id: &str, part: &RecordingPart) -> String {
    format!(
        "{}?offset={}&bytes={}&sha256={}&media_type={}",
        recording(attempt_id),
        part.offset,
        part.bytes,
        percent_encode(&part.sha256),
        percent_encode(&part.media_type)
    )
}

/// `GET`: the long poll. `at` holds `scope@after` for each scope, separated by commas.
pub fn wait(cursors: &[Cursor]) -> String {
    let at: Vec<String> = cursors
        .iter()
        .map(|c| format!("{}@{}", c.scope, c.after))
        .collect();
    format!("{WAIT}?at={}", percent_encode(&at.join(",")))
}

/// Reads the (decoded) parameter `at` of [`wait`]; parts that are none are left out.
pub fn read_wait(at: &str) -> Vec<(String, u64)> {
    let part = |part: &str| {
        let (scope, after) = part.rsplit_once('@')?;
        Some((scope.to_owned(), after.parse().ok()?))
    };
    at.split(',').filter_map(part).collect()
}

/// Everything but unreserved characters as `%XX`.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Codes of [`crate::message::ErrorReply`] that a phone acts upon.
pub mod refusal {
    /// 401: ask for a new token and try again.
    pub const TOKEN_EXPIRED: &str = "token_expired";
    /// 401: the device may no longer sync; its cache is locked.
    pub const DEVICE_REVOKED: &str = "device_revoked";
    /// 401: the hub has no such device, or its secret is wrong: pair anew. So it is after a restore to
    /// a backup that is older than the pairing.
    pub const DEVICE_UNKNOWN: &str = "device_unknown";
    /// 401: the pairing code is wrong, used or too old.
    pub const PAIR_CODE_INVALID: &str = "pair_code_invalid";
    /// 409: the request names another epoch than the hub's. Nothing of it was done.
    pub const EPOCH_CHANGED: &str = "epoch_changed";
    /// 410: the cursor is older than the tombstones, or the generation is gone: load anew.
    pub const SCOPE_GONE: &str = "scope_gone";
    /// 404: no such chunk (any more): ask for a new manifest.
    pub const CHUNK_UNKNOWN: &str = "chunk_unknown";
    /// 413: body too large.
    pub const TOO_LARGE: &str = "too_large";
    /// 426: the phone's schema is older than what the hub serves; push stays open.
    pub const SCHEMA_TOO_OLD: &str = "schema_too_old";
    /// 404: the hub does not know the attempt (yet): its operation goes up first.
    pub const ATTEMPT_UNKNOWN: &str = "attempt_unknown";
    /// 403: the attempt is none of the device's store.
    pub const ATTEMPT_OTHER_STORE: &str = "attempt_other_store";
    /// 403: the member did not allow the recording, or was erased. The gate's code follows this.
    pub const GATE_PREFIX: &str = "gate.";
    /// 409: the hub has another recording of this attempt; the first one is kept.
    pub const RECORDING_TAKEN: &str = "recording_taken";
    /// 410: the call is so long ago that its recording would be deleted.
    pub const RECORDING_EXPIRED: &str = "recording_expired";
    /// 507: the recordings of the store take all the room they may.
    pub const RECORDING_STORE_FULL: &str = "recording_store_full";
    /// 429 or 503, with `Retry-After`: the hub cannot take more now.
    pub const BUSY: &str = "busy";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_percent_encoded() {
        assert_eq!(snapshot("store:S 1/店"), "/v1/snapshot/store%3AS%201%2F%E5%BA%97");
    }

    #[test]
    fn a_part_of_a_recording_says_what_it_is() {
        let part = RecordingPart {
            offset: 65_536,
            bytes: 70_000,
            sha256: "ab12".into(),
            media_type: "audio/mp4".into(),
        };
        assert_eq!(
            recording_part("a/1", &part),
            "/v1/recording/a%2F1?offset=65536&bytes=70000&sha256=ab12&media_type=audio%2Fmp4"
        );
    }

    #[test]
    fn wait_names_every_scope_and_reads_back() {
        let cursor = |scope: &str, after| Cursor {
            scope: scope.into(),
            generation: 1,
            after,
        };
        let path = wait(&[cursor("store:a@b", 7), cursor("catalogue", 0)]);
        assert_eq!(path, "/v1/wait?at=store%3Aa%40b%407%2Ccatalogue%400");
        let read = read_wait("store:a@b@7,catalogue@0,nonsense");
        assert_eq!(
            read,
            vec![("store:a@b".to_owned(), 7), ("catalogue".to_owned(), 0)]
        );
    }
}
