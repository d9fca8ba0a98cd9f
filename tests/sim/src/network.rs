//! What the way between phone and hub does to messages.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use yaoban_clerk_core::sync::transport::{Request, Response};
use yaoban_protocol::message::{Cursor, Envelope, Limits, PullRequest};
use yaoban_protocol::{SCHEMA_MIN, codec};

use crate::fault::{Fault, Faults};

/// A few kilobytes that inflate to more than any message may.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| codec::encode(&"0".repeat(70 << 20)).expect("a bomb"));

/// The message of a response, as the hub meant it.
pub fn read<T: DeserializeOwned>(response: &Response) -> Option<T> {
    let max = Limits::default().inflated_bytes;
    codec::decode(&response.body, max)
        .ok()
        .map(|envelope| envelope.body)
}

/// The request as a phone would write it whose schema the hub does not serve any more.
pub fn as_older_schema(request: &mut Request) {
    let Some(body) = &request.body else { return };
    let max = Limits::default().inflated_bytes;
    let Ok(read) = codec::decode::<ciborium::Value>(body, max) else {
        return;
    };
    let older = Envelope {
        v: SCHEMA_MIN - 1,
        body: read.body,
    };
    let bytes = codec::to_cbor(&older).expect("what was read can be written");
    let mut compressor = zstd::bulk::Compressor::new(3).expect("a compressor");
    compressor
        .include_checksum(true)
        .expect("a sum, as every version writes one");
    request.body = Some(compressor.compress(&bytes).expect("bytes can be compressed"));
}

/// The pull asks for this scope from its beginning, too.
pub fn ask_for(request: &mut Request, scope: &str) {
    let Some(body) = &request.body else { return };
    let max = Limits::default().inflated_bytes;
    let Ok(read) = codec::decode::<PullRequest>(body, max) else {
        return;
    };
    let mut pull = read.body;
    pull.cursors.push(Cursor {
        scope: scope.to_owned(),
        generation: 1,
        after: 0,
    });
    request.body = codec::encode(&pull).ok();
}

fn oversized() -> Vec<u8> {
    vec![b'x'; Limits::default().body_bytes as usize + 1]
}

/// Spoils a request, perhaps; tells how.
pub fn harm_request(request: &mut Request, faults: &mut Faults) -> &'static str {
    let Some(body) = &mut request.body else { return "" };
    if faults.fires(Fault::TruncateUp) {
        let at = faults.stream(Fault::TruncateUp).below(body.len().max(1) as u64);
        body.truncate(at as usize);
        return ", truncated";
    }
    if faults.fires(Fault::CorruptUp) {
        flip(body, faults.stream(Fault::CorruptUp));
        return ", corrupted";
    }
    if faults.fires(Fault::OversizedUp) {
        *body = oversized();
        return ", oversized";
    }
    if faults.fires(Fault::BombUp) {
        body.clone_from(&BOMB);
        return ", a bomb";
    }
    ""
}

/// Spoils a response, perhaps; tells how.
pub fn harm_response(response: &mut Response, faults: &mut Faults) -> &'static str {
    let body = &mut response.body;
    if faults.fires(Fault::TruncateDown) {
        let at = faults.stream(Fault::TruncateDown).below(body.len().max(1) as u64);
        body.truncate(at as usize);
        return ", truncated";
    }
    if faults.fires(Fault::CorruptDown) {
        flip(body, faults.stream(Fault::CorruptDown));
        return ", corrupted";
    }
    if faults.fires(Fault::OversizedDown) {
        *body = oversized();
        return ", oversized";
    }
    if faults.fires(Fault::BombDown) {
        body.clone_from(&BOMB);
        return ", a bomb";
    }
    if faults.fires(Fault::ProxyError) {
        response.status = 502;
        response.retry_after_ms = None;
        *body = b"<html>bad gateway</html>".to_vec();
        return ", replaced by a proxy's page";
    }
    ""
}

fn flip(body: &mut [u8], chance: &mut crate::chance::Stream) {
    if let Some(at) = (body.len() as u64).checked_sub(1) {
        let byte = &mut body[chance.below(at + 1) as usize];
        *byte ^= 1 << chance.below(8);
    }
}
