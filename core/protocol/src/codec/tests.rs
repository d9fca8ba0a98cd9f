use std::io::Write as _;

use proptest::prelude::*;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use yaoban_domain::codes::{Open, TaskKind};
use yaoban_domain::model::{Note, Staff};

use super::*;
use crate::message::{PullReply, PushRequest};
use crate::op::{Op, OpEnvelope};
use crate::row::{Change, ChangeKind};

const CAP: u64 = 1 << 20;

fn note_op() -> Op {
    Op::AddNote {
        note: Note {
            id: "n1".into(),
            member_id: "M1".into(),
            at_ms: 1,
            staff_id: "c1".into(),
            text: "老伴也吃这个药".into(),
            supersedes: None,
        },
    }
}

fn push() -> PushRequest {
    let body = ByteBuf::from(to_cbor(&note_op()).unwrap());
    let envelope = |n| OpEnvelope {
        n,
        op_id: format!("op{n}"),
        staff_id: "c1".into(),
        at_ms: 1,
        base_version: 0,
        body: body.clone(),
        parked: false,
    };
    PushRequest {
        epoch: "e".into(),
        ops: (1..4).map(envelope).collect(),
    }
}

fn compressed(cbor: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(cbor, ZSTD_LEVEL).unwrap()
}

#[test]
fn a_message_goes_both_ways() {
    let read: Envelope<PushRequest> = decode(&encode(&push()).unwrap(), CAP).unwrap();
    assert_eq!(read.v, SCHEMA);
    assert_eq!(read.body, push());
    let op: Op = from_cbor(&read.body.ops[0].body).unwrap();
    assert_eq!(op, note_op());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = encode(&push()).unwrap();
    for length in 0..bytes.len() {
        assert!(decode::<PushRequest>(&bytes[..length], CAP).is_err(), "{length}");
    }
    let cbor = to_cbor(&note_op()).unwrap();
    for length in 0..cbor.len() {
        assert!(from_cbor::<Op>(&cbor[..length]).is_err(), "{length}");
    }
}

#[test]
fn every_changed_byte_is_found() {
    let bytes = encode(&push()).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            // What differs only in how it says the same may be read, what says something else not.
            if let Ok(read) = decode::<PushRequest>(&changed, CAP) {
                assert_eq!(read.body, push(), "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn what_comes_after_the_end_is_refused() {
    let mut cbor = to_cbor(&note_op()).unwrap();
    cbor.extend([0, 0]);
    let error = from_cbor::<Op>(&cbor).unwrap_err().to_string();
    assert_eq!(error, "message is not the expected CBOR: 2 bytes after its end");
}

#[test]
fn a_bomb_is_stopped_while_it_inflates() {
    let zeros = vec![0_u8; 8 << 20];
    let bomb = compressed(&zeros);
    assert!(bomb.len() < 2_000);
    assert!(matches!(
        decode::<PushRequest>(&bomb, CAP),
        Err(WireError::TooLarge { limit: CAP })
    ));
    // Exactly at the limit it is read, one above it is not.
    let at_limit = compressed(&zeros[..CAP as usize]);
    assert!(!matches!(
        decode::<PushRequest>(&at_limit, CAP),
        Err(WireError::TooLarge { .. })
    ));
    assert!(matches!(
        decode::<PushRequest>(&at_limit, CAP - 1),
        Err(WireError::TooLarge { .. })
    ));
    assert!(
        decode::<PushRequest>(&at_limit, u64::MAX).is_err(),
        "zeros are no message"
    );
}

#[test]
fn a_window_that_is_too_wide_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).unwrap();
    encoder.window_log(WINDOW_LOG_MAX + 1).unwrap();
    encoder.write_all(&[0; 64]).unwrap();
    let bytes = encoder.finish().unwrap();
    assert!(matches!(
        decode::<PushRequest>(&bytes, CAP),
        Err(WireError::Compression(_))
    ));
}

#[test]
fn a_large_message_of_ours_keeps_to_the_window() {
    let changes = (0..64_u64).map(|seq| Change {
        seq,
        entity: "member".into(),
        id: seq.to_string(),
        kind: ChangeKind::Put,
        body: ByteBuf::from(
            (0..256 << 10)
                .map(|n: u64| (n.wrapping_mul(seq + 1) >> 3) as u8)
                .collect::<Vec<u8>>(),
        ),
    });
    let chunk = crate::message::Chunk {
        rows: changes.collect(),
    };
    let read: Envelope<crate::message::Chunk> = decode(&encode(&chunk).unwrap(), 64 << 20).unwrap();
    assert_eq!(read.body, chunk);
}

#[test]
fn lengths_that_lie_set_nothing_aside() {
    // Byte string, text, array and map that claim 2^60 entries; an array in an array, very deep.
    for head in [0x5b_u8, 0x7b, 0x9b, 0xbb] {
        let mut cbor = vec![head];
        cbor.extend((1_u64 << 60).to_be_bytes());
        assert!(from_cbor::<ByteBuf>(&cbor).is_err());
        assert!(from_cbor::<Vec<u64>>(&cbor).is_err());
        assert!(from_cbor::<Op>(&cbor).is_err());
        assert!(decode::<PullReply>(&compressed(&cbor), CAP).is_err());
    }
    assert!(from_cbor::<Op>(&vec![0x81; 100_000]).is_err());
    assert!(decode::<PullReply>(&compressed(&vec![0xa1; 100_000]), CAP).is_err());
}

#[test]
fn a_field_from_a_newer_version_is_skipped_and_a_missing_one_takes_its_default() {
    #[derive(Serialize)]
    struct Newer {
        id: &'static str,
        store_id: Option<&'static str>,
        region: Option<&'static str>,
        name: &'static str,
        role: &'static str,
        badge_colour: Vec<&'static str>,
    }
    let newer = Newer {
        id: "c1",
        store_id: Some("S1"),
        region: None,
        name: "张",
        role: "clerk",
        badge_colour: vec!["red"],
    };
    let staff: Staff = from_cbor(&to_cbor(&newer).unwrap()).unwrap();
    assert!(staff.active && !staff.pharmacist);
    assert_eq!(staff.store_id.as_deref(), Some("S1"));
}

#[test]
fn a_code_from_a_newer_version_is_kept_as_it_came() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        kind: Open<TaskKind>,
    }
    #[derive(Serialize)]
    struct Newer {
        kind: &'static str,
    }
    for (code, known) in [("hologram", None), ("sms", Some(TaskKind::Sms)), ("", None)] {
        let bytes = to_cbor(&Newer { kind: code }).unwrap();
        let read: Holder = from_cbor(&bytes).unwrap();
        assert_eq!((read.kind.known(), read.kind.code()), (known, code));
        assert_eq!(to_cbor(&read).unwrap(), bytes, "written back unchanged");
    }
}

#[test]
fn an_operation_from_a_newer_version_is_an_error_and_its_bytes_stay() {
    #[derive(Serialize)]
    struct Newer {
        op: &'static str,
        member_id: &'static str,
    }
    let bytes = to_cbor(&Newer {
        op: "sing_to_member",
        member_id: "M1",
    })
    .unwrap();
    assert!(matches!(from_cbor::<Op>(&bytes), Err(WireError::Cbor(_))));
}

#[test]
fn every_operation_names_itself_in_snake_case() {
    let json = serde_json::to_value(note_op()).unwrap();
    assert_eq!(json["op"], "add_note");
    assert_eq!(serde_json::from_value::<Op>(json).unwrap(), note_op());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(decode::<PushRequest>(&bytes, CAP));
        drop(decode::<PullReply>(&compressed(&bytes), CAP));
        drop(from_cbor::<Op>(&bytes));
    }

    #[test]
    fn a_flipped_bit_is_read_or_refused(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = encode(&push()).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        drop(decode::<PushRequest>(&bytes, CAP));
        let mut cbor = to_cbor(&Envelope { v: SCHEMA, body: push() }).unwrap();
        let place = place % cbor.len();
        cbor[place] ^= 1 << bit;
        drop(from_cbor::<Envelope<PushRequest>>(&cbor));
    }

    #[test]
    fn rows_go_both_ways(
        entity in ".{0,12}", id in ".{0,40}", seq in any::<u64>(), body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let change = Change { seq, entity, id, kind: ChangeKind::Evict, body: ByteBuf::from(body) };
        prop_assert_eq!(&from_cbor::<Change>(&to_cbor(&change).unwrap()).unwrap(), &change);
    }
}
