//! The wire decoder takes any bytes: an error or a value, never a panic, never more memory than allowed.

use bolero::check;
use yaoban_fuzz::{Edit, edited};
use yaoban_protocol::codec::{decode, encode, from_cbor, to_cbor};
use yaoban_protocol::message::{PullReply, PushRequest};
use yaoban_protocol::op::{Op, OpEnvelope};
use yaoban_protocol::pair::PairCode;

const INFLATED_MAX: u64 = 1 << 20;

fn push_request() -> PushRequest {
    let op = Op::Tags {
        member_id: "V1".into(),
        add: vec!["老年卡".into()],
        remove: vec!["医保".into()],
    };
    PushRequest {
        epoch: "e1".into(),
        ops: vec![OpEnvelope {
            n: 7,
            op_id: "0190".into(),
            staff_id: "C1".into(),
            at_ms: 1_760_000_000_000,
            base_version: 3,
            body: to_cbor(&op).unwrap().into(),
            parked: false,
        }],
    }
}

/// What the hub does with bytes from outside.
fn read_all(bytes: &[u8]) {
    if let Ok(envelope) = decode::<PushRequest>(bytes, INFLATED_MAX) {
        for op in envelope.body.ops {
            let _ = from_cbor::<Op>(&op.body);
        }
    }
    let _ = decode::<PullReply>(bytes, INFLATED_MAX);
}

#[test]
fn the_sample_is_valid() {
    let request = push_request();
    assert_eq!(
        decode::<PushRequest>(&encode(&request).unwrap(), INFLATED_MAX)
            .unwrap()
            .body,
        request
    );
}

#[test]
fn a_compressed_message_with_edits() {
    let sample = encode(&push_request()).unwrap();
    check!()
        .with_type::<Vec<Edit>>()
        .for_each(|edits| read_all(&edited(&sample, edits)));
}

#[test]
fn a_plain_message_with_edits() {
    let sample = to_cbor(&push_request()).unwrap();
    check!().with_type::<Vec<Edit>>().for_each(|edits| {
        let bytes = edited(&sample, edits);
        let _ = from_cbor::<PushRequest>(&bytes);
        let _ = from_cbor::<Op>(&bytes);
    });
}

#[test]
fn any_bytes() {
    check!().with_type::<Vec<u8>>().for_each(|bytes| read_all(bytes));
}

#[test]
fn a_pairing_code_with_edits() {
    let code = PairCode {
        url: "https://hub.example:8443".into(),
        fingerprint: "ab".repeat(32),
        secret: "s".repeat(32),
    };
    let sample = code.to_text().into_bytes();
    check!().with_type::<Vec<Edit>>().for_each(|edits| {
        let text = String::from_utf8_lossy(&edited(&sample, edits)).into_owned();
        let _ = PairCode::from_text(&text);
    });
}
