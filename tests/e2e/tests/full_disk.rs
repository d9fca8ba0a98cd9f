//! A hub whose disk takes no more while it serves: real processes, and a limit on the size of a file, which
//! SQLite meets as it meets a disk that fails.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::process::Command;

use rusqlite::Connection;
use yaoban_e2e::{Hub, Phone};

const MEMBER: &str = "V00000001";
/// Of a note, in characters: a few of them fill what room there is.
const NOTE_CHARS: usize = 400;
/// By then the hub must have been full.
const NOTES_MAX: usize = 2_000;
/// Notes between two tries to sync.
const BATCH: usize = 20;

fn chain(hub: &Hub) {
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(files.path().join(name), text).unwrap();
    write("stores.csv", "store_id,name\nS001,一店\n");
    write("staff.csv", "staff_id,store_id,name,role\nC1,S001,李店员,clerk\n");
    write(
        "members.csv",
        &format!("member_id,store_id,name\n{MEMBER},S001,王芳\n"),
    );
    let _ = hub.import(files.path()).done();
}

/// `serve` with files that cannot grow beyond what the largest of the hub's has now.
fn cramped(hub: &Hub) -> Command {
    let largest = fs::read_dir(hub.dir())
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .max();
    let serve = hub.serve_command();
    let mut command = Command::new("sh");
    command
        // In blocks of 512 bytes.
        .args(["-c", r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#, "sh"])
        .arg((largest.unwrap() / 512 + 16).to_string())
        .arg(serve.get_program())
        .args(serve.get_args());
    command
}

/// Notes that the hub has.
fn notes_at(hub: &Hub) -> Vec<String> {
    let database = Connection::open(hub.dir().join("hub.db")).unwrap();
    let mut select = database
        .prepare("SELECT json_extract(body, '$.text') FROM note ORDER BY 1")
        .unwrap();
    let texts = select.query_map([], |row| row.get(0)).unwrap();
    texts.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn what_a_full_hub_could_not_take_waits_at_the_phone_until_there_is_room() {
    let hub = Hub::new("康健大药房");
    chain(&hub);
    let code = hub.pair_store("S001");
    let mut serving = hub.serve_by(&mut cramped(&hub));
    let phone = Phone::paired(&code);
    let _ = phone.run(["sync"]).done();
    let _ = phone.run(["staff", "C1"]).done();

    let mut written = Vec::new();
    let refused = loop {
        assert!(written.len() < NOTES_MAX, "the hub was never full");
        for _ in 0..BATCH {
            let text = format!("{:05}{}", written.len(), "药".repeat(NOTE_CHARS));
            let _ = phone.run(["note", MEMBER, &text]).done();
            written.push(text);
        }
        let synced = phone.run(["sync"]);
        if synced.code != Some(0) {
            break synced;
        }
    };
    println!("full after {} notes: {}", written.len(), refused.stderr.trim());
    // What the hub did not take waits at the phone; nothing was refused for good.
    let status = phone.json(["status"]);
    assert!(status["outbox"].as_u64().unwrap() > 0, "{status}");
    assert!(notes_at(&hub).len() < written.len());
    assert_eq!(status["stuck"], serde_json::json!([]), "{status}");

    serving.end();
    let _serving = hub.serve();
    let _ = phone.run(["sync"]).done();
    assert_eq!(phone.json(["status"])["outbox"], 0);
    assert_eq!(notes_at(&hub), written, "each once");
}
