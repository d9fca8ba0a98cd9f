//! Recordings on their way in, at rest and out: resumable, checked, within the device's reach, only
//! with consent, deleted in time.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand
#![allow(clippy::redundant_closure_for_method_calls)] // a method is not general enough over lifetimes

mod rig;

use std::io::Read as _;

use axum::http::{Method, StatusCode};
use rig::{DAY_MS, INFLATED_MAX, NOW_MS, Phone, Rig};
use sha2::{Digest as _, Sha256};
use yaoban_domain::model::{Attempt, Consent};
use yaoban_hub::recordings::leave;
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::sqlite::audit::AuditCheck;
use yaoban_hub::storage::sqlite::recordings::{Filter, State};
use yaoban_protocol::codec;
use yaoban_protocol::endpoint;
use yaoban_protocol::message::{Envelope, ErrorReply, RecordingPart, RecordingState, RecordingStatus};
use yaoban_protocol::op::{Op, OpStatus};

const STEP: usize = 64 << 10;

fn audio(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 % 253) as u8).collect()
}

fn part(content: &[u8], offset: usize) -> RecordingPart {
    RecordingPart {
        offset: offset as u64,
        bytes: content.len() as u64,
        sha256: hex::encode(Sha256::digest(content)),
        media_type: "audio/mp4".into(),
    }
}

fn consent(granted: bool, at_ms: i64) -> Consent {
    serde_json::from_value(serde_json::json!({
        "purpose": "recording", "channel": null, "granted": granted, "at_ms": at_ms, "wording_version": "1",
        "place": "A", "staff_id": "clerk-A"
    }))
    .unwrap()
}

fn attempt(id: &str, member_id: &str, started_at_ms: i64) -> Attempt {
    serde_json::from_value(serde_json::json!({
        "id": id, "task_id": null, "member_id": member_id, "staff_id": "clerk-A", "purpose": "service",
        "channel": "call", "started_at_ms": started_at_ms, "ended_at_ms": null, "duration_s": null, "result": null
    }))
    .unwrap()
}

type Answer = Result<RecordingStatus, (StatusCode, String)>;

async fn read(rig: &Rig, response: axum::http::Response<axum::body::Body>) -> Answer {
    let status = response.status();
    let bytes = rig.bytes(response).await;
    if status == StatusCode::OK {
        let envelope: Envelope<RecordingStatus> = codec::decode(&bytes, INFLATED_MAX).unwrap();
        return Ok(envelope.body);
    }
    let error: Envelope<ErrorReply> = codec::decode(&bytes, INFLATED_MAX).unwrap();
    Err((status, error.body.code))
}

async fn send(rig: &Rig, phone: &Phone, id: &str, part: &RecordingPart, body: &[u8]) -> Answer {
    let path = endpoint::recording_part(id, part);
    let response = rig
        .raw(Method::PUT, &path, Some(&phone.token), body.to_vec())
        .await;
    read(rig, response).await
}

async fn ask(rig: &Rig, phone: &Phone, id: &str) -> Answer {
    let response = rig
        .raw(
            Method::GET,
            &endpoint::recording(id),
            Some(&phone.token),
            Vec::new(),
        )
        .await;
    read(rig, response).await
}

/// Members of A who allow recordings, and a phone of A that made the calls a-1 … with them.
async fn called(calls: usize) -> (Rig, Phone) {
    let rig = Rig::new(calls);
    let mut phone = rig.phone("A").await;
    for index in 0..calls {
        let member_id = format!("MA{index}");
        let ops = [
            Op::SetConsent {
                member_id: member_id.clone(),
                consent: consent(true, NOW_MS - DAY_MS),
                signature: None,
            },
            Op::StartAttempt {
                attempt: attempt(&format!("a-{index}"), &member_id, NOW_MS),
            },
        ];
        for op in &ops {
            let op = phone.op("clerk-A", NOW_MS, op);
            let reply = rig.push(&phone, &[op]).await.unwrap();
            assert_eq!(reply.results[0].status, OpStatus::Applied, "{:?}", reply.results);
        }
    }
    (rig, phone)
}

fn files(rig: &Rig) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(rig.dir.path().join("recordings")).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|entry| entry.unwrap().path()).collect(),
    )
}

fn content(rig: &Rig, id: &str) -> Vec<u8> {
    let recording = rig.read(|tx| tx.recording(id)).unwrap();
    let mut bytes = Vec::new();
    rig.hub
        .recordings
        .content(&recording)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

async fn send_all(rig: &Rig, phone: &Phone, id: &str, bytes: &[u8]) {
    let status = send(rig, phone, id, &part(bytes, 0), bytes).await.unwrap();
    assert_eq!(status.state, RecordingState::Complete);
}

#[tokio::test]
async fn parts_come_in_whatever_is_lost_or_sent_again_and_the_call_says_so() {
    let (rig, phone) = called(1).await;
    let bytes = audio(2 * STEP + 100);
    assert_eq!(
        ask(&rig, &phone, "a-0").await.unwrap().state,
        RecordingState::Absent
    );
    let first = send(&rig, &phone, "a-0", &part(&bytes, 0), &bytes[..STEP])
        .await
        .unwrap();
    assert_eq!(
        (first.state, first.received),
        (RecordingState::Receiving, STEP as u64)
    );
    // The answer was lost: the part is sent again, and the hub says where it is.
    let again = send(&rig, &phone, "a-0", &part(&bytes, 0), &bytes[..STEP])
        .await
        .unwrap();
    assert_eq!(again.received, STEP as u64);
    // A part that skips one changes nothing.
    let ahead = send(&rig, &phone, "a-0", &part(&bytes, 2 * STEP), &bytes[2 * STEP..])
        .await
        .unwrap();
    assert_eq!(
        (ahead.state, ahead.received),
        (RecordingState::Receiving, STEP as u64)
    );
    // The hub is killed in between.
    let rig = rig.restart();
    assert_eq!(ask(&rig, &phone, "a-0").await.unwrap().received, STEP as u64);
    let whole = send(&rig, &phone, "a-0", &part(&bytes, STEP), &bytes[STEP..])
        .await
        .unwrap();
    assert_eq!(
        (whole.state, whole.received),
        (RecordingState::Complete, bytes.len() as u64)
    );
    assert!(content(&rig, "a-0") == bytes);
    let noted = rig.read(|tx| tx.attempt("a-0")).unwrap();
    assert_eq!(noted.recording, Some(part(&bytes, 0).sha256));
    // Once whole, a part changes nothing, and another recording of the call is not taken.
    let after = send(&rig, &phone, "a-0", &part(&bytes, 0), &bytes[..STEP])
        .await
        .unwrap();
    assert_eq!(after.state, RecordingState::Complete);
    let other = audio(50);
    let refused = send(&rig, &phone, "a-0", &part(&other, 0), &other)
        .await
        .unwrap_err();
    assert_eq!(refused, (StatusCode::CONFLICT, "recording_taken".into()));
    assert!(matches!(
        rig.read(|tx| tx.audit_check()),
        AuditCheck::Whole { .. }
    ));
}

#[tokio::test]
async fn at_rest_nothing_is_in_clear_and_the_key_is_apart_from_the_files() {
    let (rig, phone) = called(1).await;
    let bytes = "药伴通话录音".repeat(5_000).into_bytes();
    send_all(&rig, &phone, "a-0", &bytes).await;
    let stored = std::fs::read(&files(&rig)[0]).unwrap();
    assert!(!stored.windows(12).any(|window| window == &bytes[..12]));
    let key = rig.dir.path().join("keys/recordings.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    // Without the key the hub does not start as if nothing were wrong, nor makes another one.
    std::fs::remove_file(&key).unwrap();
    let database = yaoban_hub::storage::sqlite::Database::open(rig.dir.path()).unwrap();
    let error = yaoban_hub::recordings::Shelf::open(&database).err().unwrap();
    assert!(error.to_string().contains("recordings.key"), "{error}");
    assert!(!key.exists());
}

#[tokio::test]
async fn bytes_without_their_digest_start_again() {
    let (rig, phone) = called(1).await;
    let bytes = audio(STEP + 9);
    let mut wrong = bytes.clone();
    wrong[STEP + 3] ^= 1;
    let status = send(&rig, &phone, "a-0", &part(&bytes, 0), &wrong).await.unwrap();
    assert_eq!(
        (status.state, status.received, status.reason.as_deref()),
        (RecordingState::Receiving, 0, Some("digest_mismatch"))
    );
    assert_eq!(rig.read(|tx| tx.attempt("a-0")).unwrap().recording, None);
    send_all(&rig, &phone, "a-0", &bytes).await;
    assert!(content(&rig, "a-0") == bytes);
    assert_eq!(files(&rig).len(), 1, "the file of the first try is gone");
}

#[tokio::test]
async fn a_file_that_is_ahead_of_the_database_is_overwritten_or_begun_anew() {
    let (rig, phone) = called(2).await;
    let bytes = audio(3 * STEP);
    for (id, left_over) in [("a-0", bytes[STEP..2 * STEP].to_vec()), ("a-1", vec![9; STEP])] {
        send(&rig, &phone, id, &part(&bytes, 0), &bytes[..STEP])
            .await
            .unwrap();
        // Killed between the disk and the database: the part is in the file and does not count.
        let row = rig.read(|tx| tx.recording(id)).unwrap();
        send(&rig, &phone, id, &part(&bytes, STEP), &left_over)
            .await
            .unwrap();
        rig.write(|tx| tx.put_recording(&row));
        assert_eq!(ask(&rig, &phone, id).await.unwrap().received, STEP as u64);
        let status = send(&rig, &phone, id, &part(&bytes, STEP), &bytes[STEP..])
            .await
            .unwrap();
        if id == "a-0" {
            assert_eq!(status.state, RecordingState::Complete);
        } else {
            // Another content never goes under the same key.
            assert_eq!((status.state, status.received), (RecordingState::Receiving, 0));
            let after = rig.read(|tx| tx.recording(id)).unwrap();
            assert_ne!((after.file_name, after.file_key), (row.file_name, row.file_key));
            send_all(&rig, &phone, id, &bytes).await;
        }
        assert!(content(&rig, id) == bytes, "{id}");
    }
}

#[tokio::test]
async fn what_may_not_come_is_refused_before_it_is_read() {
    let (rig, phone) = called(1).await;
    let other_store = rig.phone("B").await;
    let bytes = audio(1_000);
    let good = part(&bytes, 0);
    let of = |change: fn(&mut RecordingPart)| {
        let mut part = good.clone();
        change(&mut part);
        part
    };
    let cases = [
        (
            "unknown call",
            &phone,
            "a-9",
            good.clone(),
            StatusCode::NOT_FOUND,
            "attempt_unknown",
        ),
        (
            "other store",
            &other_store,
            "a-0",
            good.clone(),
            StatusCode::FORBIDDEN,
            "attempt_other_store",
        ),
        (
            "too large",
            &phone,
            "a-0",
            of(|p| p.bytes = 50_000_001),
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
        ),
        (
            "empty",
            &phone,
            "a-0",
            of(|p| p.bytes = 0),
            StatusCode::BAD_REQUEST,
            "bad_request",
        ),
        (
            "no digest",
            &phone,
            "a-0",
            of(|p| p.sha256 = "AB".repeat(32)),
            StatusCode::BAD_REQUEST,
            "bad_request",
        ),
        (
            "no sound",
            &phone,
            "a-0",
            of(|p| p.media_type = "text/html".into()),
            StatusCode::BAD_REQUEST,
            "bad_request",
        ),
    ];
    for (why, who, id, part, status, code) in cases {
        assert_eq!(
            send(&rig, who, id, &part, &bytes).await,
            Err((status, code.to_owned())),
            "{why}"
        );
    }
    // A part that is too long, odd, or past the end.
    let long = audio((1 << 20) + STEP);
    for (why, part, body) in [
        ("more than a part", part(&long, 0), &long[..]),
        ("not a step", part(&long, 0), &long[..100]),
        ("past the end", good.clone(), &long[..STEP]),
    ] {
        let (status, _) = send(&rig, &phone, "a-0", &part, body).await.unwrap_err();
        assert!(
            status == StatusCode::BAD_REQUEST || status == StatusCode::PAYLOAD_TOO_LARGE,
            "{why}: {status}"
        );
    }
    assert!(
        files(&rig)
            .iter()
            .all(|file| std::fs::metadata(file).unwrap().len() == 0)
    );
    // Nobody without a token.
    let path = endpoint::recording_part("a-0", &good);
    let response = rig.raw(Method::PUT, &path, None, bytes.clone()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_room_of_a_store_is_bounded() {
    let (rig, phone) = called(2).await;
    rig.write(|tx| {
        let mut rules = tx.rules()?;
        rules.recording.store_bytes_max = 1_500;
        tx.set_meta("rules", &serde_json::to_string(&rules).unwrap())
    });
    let bytes = audio(1_000);
    send_all(&rig, &phone, "a-0", &bytes).await;
    let refused = send(&rig, &phone, "a-1", &part(&bytes, 0), &bytes)
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        (StatusCode::INSUFFICIENT_STORAGE, "recording_store_full".into())
    );
    // What is there may still be asked for.
    assert_eq!(
        ask(&rig, &phone, "a-0").await.unwrap().state,
        RecordingState::Complete
    );
}

#[tokio::test]
async fn without_consent_nothing_comes_and_a_withdrawal_deletes() {
    let (rig, mut phone) = called(2).await;
    let bytes = audio(1_000);
    send_all(&rig, &phone, "a-0", &bytes).await;
    let withdraw = |phone: &mut Phone, member_id: &str| {
        phone.op(
            "clerk-A",
            NOW_MS,
            &Op::SetConsent {
                member_id: member_id.into(),
                consent: consent(false, NOW_MS),
                signature: None,
            },
        )
    };
    let ops = [withdraw(&mut phone, "MA0"), withdraw(&mut phone, "MA1")];
    rig.push(&phone, &ops).await.unwrap();
    let refused = send(&rig, &phone, "a-1", &part(&bytes, 0), &bytes)
        .await
        .unwrap_err();
    assert_eq!(refused, (StatusCode::FORBIDDEN, "gate.consent_withdrawn".into()));
    // The key is gone with the operation, the file with the next sweep; the call says so.
    let gone = rig.read(|tx| tx.recording("a-0")).unwrap();
    assert_eq!(
        (gone.state, gone.file_key, gone.reason.as_deref()),
        (State::Deleted, None, Some("gate.consent_withdrawn"))
    );
    assert_eq!(rig.read(|tx| tx.attempt("a-0")).unwrap().recording, None);
    leave::remove_files_of_deleted(&rig.hub.database, &rig.hub.recordings).unwrap();
    assert!(files(&rig).is_empty());
    // The phone is told, and what it sends is not taken again.
    let status = ask(&rig, &phone, "a-0").await.unwrap();
    assert_eq!(
        (status.state, status.reason.as_deref()),
        (RecordingState::Deleted, Some("gate.consent_withdrawn"))
    );
    let status = send(&rig, &phone, "a-0", &part(&bytes, 0), &bytes).await.unwrap();
    assert_eq!(status.state, RecordingState::Deleted);
    assert!(files(&rig).is_empty());
}

#[tokio::test]
async fn retention_and_erasure_delete_with_an_audit_entry() {
    let (rig, phone) = called(3).await;
    let bytes = audio(1_000);
    for id in ["a-0", "a-1", "a-2"] {
        send_all(&rig, &phone, id, &bytes).await;
    }
    rig.write(|tx| {
        let mut member = tx.member("MA1")?.unwrap();
        member.erased = true;
        tx.put_member(&member)
    });
    std::fs::write(rig.dir.path().join("recordings/stranger"), b"x").unwrap();
    let swept = leave::sweep(&rig.hub.database, &rig.hub.recordings, NOW_MS).unwrap();
    assert_eq!((swept.deleted, swept.files), (1, 1));
    assert_eq!(files(&rig).len(), 2);
    let later = NOW_MS + 181 * DAY_MS;
    let swept = leave::sweep(&rig.hub.database, &rig.hub.recordings, later).unwrap();
    assert_eq!((swept.deleted, files(&rig).len()), (2, 0));
    let all = Filter {
        deleted: true,
        ..Filter::default()
    };
    let reasons: Vec<_> = rig
        .read(|tx| tx.recordings(&all))
        .into_iter()
        .map(|recording| recording.reason.unwrap())
        .collect();
    assert_eq!(reasons, ["retention", "gate.erased", "retention"]);
    let connection = rusqlite::Connection::open(rig.dir.path().join("hub.db")).unwrap();
    let entries: i64 = connection
        .query_row(
            "SELECT count(*) FROM audit WHERE action = 'recording_deleted' AND actor = 'hub'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(entries, 3);
    // A call that is too old is not taken at all.
    rig.clock.set(later);
    let refused = send(&rig, &phone, "a-9", &part(&bytes, 0), &bytes)
        .await
        .unwrap_err();
    assert!(
        refused.1 == "token_expired" || refused.1 == "attempt_unknown",
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_hub_from_a_backup_asks_again_for_what_it_lacks() {
    let (rig, phone) = called(2).await;
    let bytes = audio(STEP + 1);
    send_all(&rig, &phone, "a-0", &bytes).await;
    let backup = rig.dir.path().join("backup.db");
    yaoban_hub::backup::backup(rig.dir.path(), &backup).unwrap();
    send_all(&rig, &phone, "a-1", &bytes).await;
    let before = ask(&rig, &phone, "a-1").await.unwrap();
    let rig = rig.restored(&backup);
    let lost = ask(&rig, &phone, "a-1").await.unwrap();
    assert_eq!(lost.state, RecordingState::Absent);
    assert_ne!(
        lost.epoch, before.epoch,
        "the phone sees that it has to ask again"
    );
    send_all(&rig, &phone, "a-1", &bytes).await;
    assert!(content(&rig, "a-1") == bytes);
    // What the backup knows of and whose file is gone is asked for again, too.
    let known = rig.read(|tx| tx.recording("a-0")).unwrap();
    std::fs::remove_file(rig.dir.path().join("recordings").join(&known.file_name)).unwrap();
    assert_eq!(
        ask(&rig, &phone, "a-0").await.unwrap().state,
        RecordingState::Absent
    );
    send_all(&rig, &phone, "a-0", &bytes).await;
    assert!(content(&rig, "a-0") == bytes);
}
