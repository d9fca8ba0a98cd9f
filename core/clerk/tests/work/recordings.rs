//! Recordings on the phone: attached, encrypted, bounded, gone when they have to be.

use std::io::{Cursor, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use yaoban_clerk_core::facade::contact::DialTarget;
use yaoban_clerk_core::facade::members::NewConsent;
use yaoban_clerk_core::facade::recordings::{RecorderFile, RecordingRow};
use yaoban_clerk_core::recording::Network;
use yaoban_clerk_core::sync::Cancel;
use yaoban_domain::codes::{CarrierResult, ConsentPurpose};
use yaoban_domain::rules::Rules;
use yaoban_protocol::row::entity;

use crate::common::{NOON, put};
use crate::phone::{DAY, HOUR, Phone, code, consent, member_row, willing};

fn audio(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 % 253) as u8).collect()
}

/// Members who allow recordings, and one (M0) who was never asked.
fn phone(bytes_max: Option<u64>) -> Phone {
    let mut rows = Vec::new();
    for (seq, id) in (10..).zip(["M0", "M1", "M2", "M3", "M4"]) {
        let mut member = willing(id);
        if id != "M0" {
            member.consents.push(consent(ConsentPurpose::Recording, true));
        }
        rows.push(member_row(seq, &member));
    }
    if let Some(phone_bytes_max) = bytes_max {
        let mut rules = Rules::default();
        rules.recording.phone_bytes_max = phone_bytes_max;
        rows.push(put(30, entity::RULES, "rules", &rules));
    }
    Phone::with(rows)
}

fn call(phone: &Phone, member_id: &str) -> String {
    let target = DialTarget::Member(member_id.into());
    phone.app.dial(&target).unwrap().attempt_id
}

fn attach(phone: &Phone, call: &str, bytes: &[u8]) -> Result<RecordingRow, String> {
    let attached = phone
        .app
        .attach_recording(call, &mut Cursor::new(bytes), "audio/mp4");
    attached.map_err(|error| error.code().to_owned())
}

fn files(phone: &Phone) -> Vec<PathBuf> {
    std::fs::read_dir(phone.home().join("recordings")).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|entry| entry.unwrap().path()).collect(),
    )
}

#[test]
fn the_recorders_file_is_found_by_number_and_time() {
    let phone = phone(None);
    let dial = call;
    let call = dial(&phone, "M1");
    let number = willing("M1").phone.unwrap();
    let now = NOON;
    phone.rest(2_000);
    let ended = phone.app.end_attempt(&call, CarrierResult::Answered, None);
    assert!(ended.unwrap().recording_due, "it is looked for");
    let file = |id: &str, name: &str, at_ms| RecorderFile {
        id: id.into(),
        name: name.into(),
        at_ms,
        bytes: 1,
        media_type: "audio/mp4".into(),
    };
    let earlier = file("earlier", &format!("{number}_1.m4a"), now - 3_600_000);
    let other = file("other", "13900000000_2.m4a", now + 1_000);
    let ours = file("ours", &format!("{number}_2.m4a"), now + 2_000);
    let found = |files: &[&RecorderFile]| {
        let files = files.iter().map(|file| (*file).clone()).collect();
        let matched = phone.app.match_recording(&call, files).unwrap();
        let order: Vec<String> = matched.files.into_iter().map(|file| file.id).collect();
        (matched.found, order.join(" "))
    };
    assert_eq!(
        found(&[&earlier, &other, &ours]),
        (Some("ours".into()), "ours other earlier".into())
    );
    assert_eq!(found(&[&earlier, &other]), (None, "other earlier".into()));
    // Two fit: the clerk chooses.
    let unnamed = file("unnamed", "a.m4a", now + 1_000);
    assert_eq!(found(&[&ours, &unnamed]), (None, "ours unnamed".into()));
    assert_eq!(found(&[&unnamed]).0, Some("unnamed".into()));
    // Of the next call, whoever that is with.
    phone.rest(1_000);
    dial(&phone, "M2");
    let next = file("next", "b.m4a", now + 3_500);
    assert_eq!(found(&[&next]), (None, "next".into()));
}

#[test]
fn a_recording_is_kept_encrypted_and_plays_from_any_place() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    assert_eq!(phone.app.recording_of(&call).unwrap().state, "none");
    let bytes = "药伴录音".repeat(20_000).into_bytes();
    let row = attach(&phone, &call, &bytes).unwrap();
    assert_eq!(
        (row.state, row.here, row.bytes, row.member_name.as_deref()),
        ("waiting", true, bytes.len() as u64, Some("王M1"))
    );
    let stored = std::fs::read(&files(&phone)[0]).unwrap();
    assert!(!stored.windows(12).any(|window| window == &bytes[..12]));
    // The same file again changes nothing; another one is not taken.
    assert_eq!(attach(&phone, &call, &bytes).unwrap(), row);
    assert_eq!(attach(&phone, &call, b"other"), Err("recording_taken".into()));
    assert_eq!(files(&phone).len(), 1);
    // The app is killed, the recording stays.
    let phone = phone.restart();
    let mut content = phone.app.play_recording(&call).unwrap();
    let mut back = Vec::new();
    content.read_to_end(&mut back).unwrap();
    assert!(back == bytes);
    content.seek(SeekFrom::Start(100_000)).unwrap();
    let mut piece = [0; 9];
    content.read_exact(&mut piece).unwrap();
    assert_eq!(piece, bytes[100_000..100_009]);
}

#[test]
fn without_consent_nothing_is_kept_and_the_reason_shows() {
    let phone = phone(None);
    let call = call(&phone, "M0");
    assert_eq!(attach(&phone, &call, &audio(10)), Err("gate.no_consent".into()));
    let row = phone.app.recording_of(&call).unwrap();
    assert_eq!(
        (row.state, row.reason.as_deref()),
        ("none", Some("gate.no_consent"))
    );
    assert!(files(&phone).is_empty());
}

#[test]
fn a_withdrawal_takes_the_bytes_and_says_so() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    attach(&phone, &call, &audio(10)).unwrap();
    let withdrawn = NewConsent {
        purpose: "recording".into(),
        channel: None,
        granted: false,
        wording_version: "1".into(),
    };
    phone.app.set_consent("M1", &withdrawn, None).unwrap();
    assert_eq!(phone.app.tidy_recordings().unwrap(), 1);
    let row = phone.app.recording_of(&call).unwrap();
    assert_eq!(
        (row.state, row.here, row.reason.as_deref()),
        ("refused", false, Some("gate.consent_withdrawn"))
    );
    assert!(files(&phone).is_empty());
    assert_eq!(
        code(phone.app.play_recording(&call).map(|_| ())),
        "recording_not_here"
    );
}

#[test]
fn no_recording_is_said_with_its_reason_and_gives_way_to_one_that_is_found() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    let row = phone.app.no_recording(&call, "not_found").unwrap();
    assert_eq!((row.state, row.reason.as_deref()), ("none", Some("not_found")));
    attach(&phone, &call, &audio(10)).unwrap();
    assert_eq!(
        phone.app.no_recording(&call, "not_found").unwrap().state,
        "waiting"
    );
    assert_eq!(
        code(phone.app.no_recording("nothing", "not_found")),
        "attempt_unknown"
    );
}

#[test]
fn the_room_is_bounded_and_what_is_not_uploaded_never_leaves_for_it() {
    let phone = phone(Some(25_000));
    let calls: Vec<String> = ["M1", "M2", "M3"].iter().map(|id| call(&phone, id)).collect();
    attach(&phone, &calls[0], &audio(10_000)).unwrap();
    attach(&phone, &calls[1], &audio(10_000)).unwrap();
    assert_eq!(
        attach(&phone, &calls[2], &audio(10_000)),
        Err("recording_quota".into())
    );
    assert_eq!(files(&phone).len(), 2, "the refused one left no file");
    let usage = phone.app.recording_usage().unwrap();
    assert_eq!((usage.bytes, usage.bytes_max, usage.waiting), (20_000, 25_000, 2));
    // Somebody makes room.
    phone.app.remove_recording(&calls[0]).unwrap();
    attach(&phone, &calls[2], &audio(10_000)).unwrap();
    let row = phone.app.recording_of(&calls[0]).unwrap();
    assert_eq!((row.state, row.reason.as_deref()), ("deleted", Some("removed")));
}

#[test]
fn what_is_too_large_empty_or_no_sound_is_refused() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    let mut endless = std::io::repeat(1).take(60_000_000);
    let refused = phone.app.attach_recording(&call, &mut endless, "audio/mp4");
    assert_eq!(code(refused), "recording_too_large");
    assert_eq!(attach(&phone, &call, b""), Err("recording_empty".into()));
    for media_type in ["", "text/html", "audio/", "audio/a b", "audio"] {
        let refused = phone
            .app
            .attach_recording(&call, &mut Cursor::new(b"x"), media_type);
        assert_eq!(code(refused), "invalid", "{media_type}");
    }
    assert!(files(&phone).is_empty());
}

#[test]
fn only_the_caller_and_the_manager_hear_it() {
    let mut phone = phone(None);
    let call = call(&phone, "M1");
    attach(&phone, &call, &audio(10)).unwrap();
    phone.sign_in("C2");
    assert_eq!(code(phone.app.recording_of(&call)), "recording_of_other");
    assert_eq!(
        code(phone.app.play_recording(&call).map(|_| ())),
        "recording_of_other"
    );
    assert_eq!(code(phone.app.remove_recording(&call)), "recording_of_other");
    assert_eq!(attach(&phone, &call, b"x"), Err("recording_of_other".into()));
    assert!(phone.app.recordings(None).unwrap().is_empty());
    phone.sign_in("B1");
    assert_eq!(phone.app.recordings(None).unwrap().len(), 1);
    phone.app.play_recording(&call).unwrap();
}

#[test]
fn a_damaged_file_is_said_and_a_stranger_is_removed() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    attach(&phone, &call, &audio(100)).unwrap();
    let path = files(&phone)[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[50] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut content = phone.app.play_recording(&call).unwrap();
    assert!(content.read_to_end(&mut Vec::new()).is_err());
    // What a kill left half done is nobody's, and goes at the next start.
    std::fs::write(phone.home().join("recordings/half"), b"x").unwrap();
    let phone = phone.restart();
    assert_eq!(files(&phone), [path]);
}

#[test]
fn a_call_of_long_ago_loses_its_recording() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    attach(&phone, &call, &audio(10)).unwrap();
    phone.pass(180 * DAY - HOUR);
    assert_eq!(phone.app.tidy_recordings().unwrap(), 0);
    phone.pass(2 * HOUR);
    assert_eq!(phone.app.tidy_recordings().unwrap(), 1);
    let row = phone.app.recording_of(&call).unwrap();
    assert_eq!((row.state, row.reason.as_deref()), ("deleted", Some("retention")));
    assert!(files(&phone).is_empty());
}

#[test]
fn nothing_goes_up_by_a_network_that_costs_unless_it_is_allowed() {
    let phone = phone(None);
    let call = call(&phone, "M1");
    attach(&phone, &call, &audio(10)).unwrap();
    let held = |phone: &Phone| phone.app.upload_recordings(&Cancel::default()).unwrap().held_back;
    assert_eq!(held(&phone), Some("no_network"));
    phone.app.set_network(Network::Metered);
    assert_eq!(held(&phone), Some("needs_wifi"));
    phone.app.set_recording_wifi_only(false).unwrap();
    // Now it tries, and no hub is there.
    let report = phone.app.upload_recordings(&Cancel::default()).unwrap();
    assert_eq!((report.held_back, report.waiting), (None, 1));
    assert!(report.problem.is_some());
    assert_eq!(phone.app.recording_of(&call).unwrap().state, "waiting");
}
