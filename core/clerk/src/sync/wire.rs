//! The calls of the engine as HTTP requests, and responses as answers.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use yaoban_protocol::codec;
use yaoban_protocol::endpoint;
use yaoban_protocol::message::{Chunk, ErrorReply, Limits, PairOfferRequest, PairRequest};

use super::code;
use super::event::{Answer, Call, CallFailure, FailureKind};
use super::transport::{Method, Request, Response};

/// An error's body is short.
const ERROR_INFLATED_BYTES_MAX: u64 = 64 << 10;
/// Pairing is one small exchange.
const PAIR_TIMEOUT_MS: u64 = 20_000;

impl FailureKind {
    /// The code of a failure that the phone itself finds.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Broken => code::HUB_UNREACHABLE,
            Self::NotTrusted => code::HUB_NOT_TRUSTED,
            Self::TimedOut => code::TIMED_OUT,
            Self::Garbled => code::REPLY_UNREADABLE,
            Self::Refused(_) => code::REFUSED,
        }
    }
}

/// The request of a call.
pub fn request(call: &Call, token: Option<String>, timeout_ms: u64) -> Result<Request, CallFailure> {
    let (path, body) = match call {
        Call::Token(body) => (endpoint::TOKEN.to_owned(), Some(encode(body)?)),
        Call::Hello(body) => (endpoint::HELLO.to_owned(), Some(encode(body)?)),
        Call::Pull(body) => (endpoint::PULL.to_owned(), Some(encode(body)?)),
        Call::Push(body) => (endpoint::PUSH.to_owned(), Some(encode(body)?)),
        Call::Digest(body) => (endpoint::DIGEST.to_owned(), Some(encode(body)?)),
        Call::Lookup(body) => (endpoint::LOOKUP.to_owned(), Some(encode(body)?)),
        Call::Manifest { scope } => (endpoint::snapshot(scope), None),
        Call::Chunk { chunk, .. } => (endpoint::chunk(&chunk.sha256), None),
        Call::Wait(cursors) => (endpoint::wait(cursors), None),
        Call::History {
            member_id,
            before_day,
            limit,
        } => (endpoint::history(member_id, *before_day, *limit), None),
        Call::Recording { attempt_id } => (endpoint::recording(attempt_id), None),
        Call::RecordingPart {
            attempt_id,
            part,
            body,
        } => (
            endpoint::recording_part(attempt_id, part),
            Some(body.as_ref().clone()),
        ),
    };
    let method = match (call, &body) {
        (Call::RecordingPart { .. }, _) => Method::Put,
        (_, Some(_)) => Method::Post,
        (_, None) => Method::Get,
    };
    let response_bytes_max = match call {
        Call::Chunk { chunk, .. } => chunk.bytes,
        _ => Limits::default().body_bytes,
    };
    Ok(Request {
        method,
        body,
        path,
        token,
        timeout_ms,
        response_bytes_max,
    })
}

/// The answer in a response to the call.
pub fn answer(call: &Call, response: &Response, inflated_bytes_max: u64) -> Result<Answer, CallFailure> {
    if let (Call::Wait(_), 204) = (call, response.status) {
        return Ok(Answer::Wait { moved: false });
    }
    if response.status != 200 {
        return Err(refusal(response));
    }
    let max = inflated_bytes_max;
    let body = response.body.as_slice();
    match call {
        Call::Token(_) => decode(body, max).map(Answer::Token),
        Call::Hello(_) => decode(body, max).map(Answer::Hello),
        Call::Manifest { .. } => decode(body, max).map(Answer::Manifest),
        Call::Chunk { chunk, .. } => {
            // The digest comes first: nothing unproven is inflated.
            if hex::encode(Sha256::digest(body)) != chunk.sha256.to_ascii_lowercase() {
                return Err(garbled("a chunk's bytes do not have its digest"));
            }
            decode::<Chunk>(body, max).map(Answer::Chunk)
        }
        Call::Pull(_) => decode(body, max).map(Answer::Pull),
        Call::Push(_) => decode(body, max).map(Answer::Push),
        Call::Digest(_) => decode(body, max).map(Answer::Digest),
        Call::Wait(_) => Ok(Answer::Wait { moved: true }),
        Call::Lookup(_) => decode(body, max).map(Answer::Lookup),
        Call::History { .. } => decode(body, max).map(Answer::History),
        Call::Recording { .. } | Call::RecordingPart { .. } => decode(body, max).map(Answer::Recording),
    }
}

/// The request with which a device is paired.
pub fn pair_request(body: &PairRequest) -> Result<Request, CallFailure> {
    before_pairing(endpoint::PAIR, body)
}

/// The request that asks whose phone a code makes.
pub fn offer_request(body: &PairOfferRequest) -> Result<Request, CallFailure> {
    before_pairing(endpoint::PAIR_OFFER, body)
}

fn before_pairing<T: Serialize>(path: &str, body: &T) -> Result<Request, CallFailure> {
    Ok(Request {
        method: Method::Post,
        body: Some(encode(body)?),
        path: path.to_owned(),
        token: None,
        timeout_ms: PAIR_TIMEOUT_MS,
        response_bytes_max: ERROR_INFLATED_BYTES_MAX,
    })
}

/// The reply to [`pair_request`] or [`offer_request`].
pub fn pair_reply<T: DeserializeOwned>(response: &Response) -> Result<T, CallFailure> {
    if response.status == 200 {
        decode(&response.body, ERROR_INFLATED_BYTES_MAX)
    } else {
        Err(refusal(response))
    }
}

fn refusal(response: &Response) -> CallFailure {
    let reply: Option<ErrorReply> = decode(&response.body, ERROR_INFLATED_BYTES_MAX).ok();
    let kind = FailureKind::Refused(response.status);
    let (code, message) = match reply {
        Some(reply) => (reply.code, reply.message),
        None => (
            kind.code().to_owned(),
            format!("the hub refused with status {}", response.status),
        ),
    };
    CallFailure {
        kind,
        code,
        message,
        retry_after_ms: response.retry_after_ms,
    }
}

fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>, CallFailure> {
    codec::encode(body).map_err(|e| CallFailure {
        kind: FailureKind::Garbled,
        code: code::ENGINE_STATE.to_owned(),
        message: format!("the request cannot be encoded: {e}"),
        retry_after_ms: None,
    })
}

fn decode<T: DeserializeOwned>(bytes: &[u8], inflated_bytes_max: u64) -> Result<T, CallFailure> {
    codec::decode(bytes, inflated_bytes_max)
        .map(|envelope| envelope.body)
        .map_err(|e| garbled(&e.to_string()))
}

fn garbled(message: &str) -> CallFailure {
    CallFailure {
        kind: FailureKind::Garbled,
        code: code::REPLY_UNREADABLE.to_owned(),
        message: message.to_owned(),
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_poll_tells_whether_something_moved() {
        let response = |status| Response {
            status,
            retry_after_ms: None,
            body: Vec::new(),
        };
        let wait = Call::Wait(Vec::new());
        assert_eq!(
            answer(&wait, &response(200), 1_000),
            Ok(Answer::Wait { moved: true })
        );
        assert_eq!(
            answer(&wait, &response(204), 1_000),
            Ok(Answer::Wait { moved: false })
        );
        let manifest = Call::Manifest {
            scope: "catalogue".into(),
        };
        assert!(
            answer(&manifest, &response(204), 1_000).is_err(),
            "only a long poll may be empty"
        );
    }
}
