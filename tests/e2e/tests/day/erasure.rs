//! A member wants to be forgotten: by headquarters, by the phones, and by whatever comes later.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use yaoban_e2e::{Hub, Phone};

use crate::chain::members;
use crate::worker::{Worker, at, number, text};
use crate::{TAKE_BACK_OVER_S, started};

const WHO: &str = "agreed_to_visit";
const NAME: &str = "王约";
const NUMBER: &str = "15400000001";
const NOTE: &str = "邻居代取，住三楼东头";

/// Tables that may name the member for good: its ids stay taken, tombstones and the answers of
/// operations name an id and nothing more, and the trail is not rewritten.
const KEEP_ITS_ID: [&str; 5] = ["member", "member_alias", "scope_row", "op_result", "audit"];

/// Long enough that sums and random bytes do not hold it by chance.
const ID_BYTES_MIN: usize = 8;

/// Everything in the hub's tables that is the member's, by one of its ids, or holds a text about it.
fn left_at_the_hub(hub: &Hub, ids: &[&str], texts: &[&str]) -> Vec<String> {
    assert!(ids.iter().all(|id| id.len() >= ID_BYTES_MIN), "{ids:?}");
    let database = Connection::open(hub.dir().join("hub.db")).unwrap();
    let key: i64 = database
        .query_row(
            "SELECT member_key FROM member WHERE member_id = ?1",
            [ids[0]],
            |row| row.get(0),
        )
        .unwrap();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let mut left = Vec::new();
    for table in tables {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (place, column) in columns.iter().enumerate() {
                let its_own = match row.get_ref(place).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                        let told = String::from_utf8_lossy(bytes);
                        let about_it = texts.iter().any(|text| told.contains(text));
                        let by_id = ids.iter().any(|id| told.contains(id));
                        about_it || (by_id && !KEEP_ITS_ID.contains(&table.as_str()))
                    }
                    ValueRef::Integer(value) => column == "member_key" && value == key && table != "member",
                    _ => false,
                };
                if its_own {
                    left.push(format!("{table}.{column}"));
                }
            }
        }
    }
    left.sort();
    left.dedup();
    left
}

/// All pages of a phone's file, decrypted, free ones too.
fn pages(phone: &Phone) -> Vec<u8> {
    let file = |ending: &str| {
        let files = fs::read_dir(phone.home()).unwrap().flatten();
        files
            .map(|file| file.path())
            .find(|path| path.to_string_lossy().ends_with(ending))
            .unwrap()
    };
    let key = hex::encode(fs::read(file(".key")).unwrap());
    yaoban_cipher::ready().unwrap();
    let mut conn = Connection::open(file(".db")).unwrap();
    conn.execute_batch(&format!("PRAGMA key = \"x'{key}'\"")).unwrap();
    conn.serialize("main").unwrap().to_vec()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn files_in(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

/// A call with a recording, which is on the phone and at the hub: its id, and where the phone has it.
pub fn recorded_call(clerk: &mut Worker, who: &str) -> (String, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("call.m4a");
    fs::write(&sound, vec![7_u8; 50_000]).unwrap();
    let _ = clerk.done(&["consent", who, "recording=yes"]);
    let call = clerk.json(&["dial", who, "--result", "answered", "--seconds", "30"]);
    let call = text(&call, "/attempt_id").to_owned();
    let _ = clerk.done(&["recording", &call, "--attach", sound.to_str().unwrap()]);
    clerk.later(TAKE_BACK_OVER_S);
    clerk.sync();
    let sent = clerk.json(&["recording", "--send"]);
    assert_eq!(number(&sent, "/uploaded"), 1, "{sent}");
    (call, clerk.phone.home().join("recordings"))
}

#[test]
fn an_erased_member_is_nowhere_and_stays_away() {
    let (hub, _serving, mut clerk) = started();
    let mut second = Worker::paired(&hub, "S1");
    second.sync();
    second.is("C2");
    let _ = recorded_call(&mut clerk, WHO);
    let _ = clerk.done(&["note", WHO, NOTE]);
    let _ = clerk.done(&["reading", WHO, "152/96"]);
    let _ = clerk.done(&["message", WHO, "refill-sms"]);
    let task = clerk.task_of(WHO);
    let _ = clerk.done(&["dial", &task, "--result", "answered"]);
    let _ = clerk.done(&["outcome", &task, "agreed_to_visit", "--date", "+2"]);
    let _ = clerk.done(&["edit", WHO, "--name", "王约约"]);
    let _ = clerk.done(&["edit", "王约约", "--name", NAME]);
    clerk.later(TAKE_BACK_OVER_S);
    clerk.sync();
    second.sync();
    // Before: it is everywhere, or this test would show nothing.
    let before = left_at_the_hub(&hub, &[WHO], &[NAME, NUMBER, NOTE]);
    for place in ["member_lines.member_key", "note.body", "send.body", "task.body"] {
        assert!(before.iter().any(|held| held == place), "{place}: {before:?}");
    }
    for phone in [&clerk.phone, &second.phone] {
        let pages = pages(phone);
        for told in [NAME, NOTE, WHO] {
            assert!(holds(&pages, told), "{told}");
        }
    }
    assert_eq!(files_in(&clerk.phone.home().join("recordings")), 1);
    assert_eq!(files_in(&hub.dir().join("recordings")), 1);
    // The other phone writes about it and has not sent it yet.
    let _ = second.done(&["note", WHO, "没发出去的一句话"]);

    let erase = |id: &str| hub.run("erase", ["--member", id, "--staff", "G1"]);
    assert!(erase("nobody").expect_code(1).stderr.contains("nobody"));
    let told = erase(WHO).done().stdout;
    assert!(told.contains("1 recordings"), "{told}");
    assert!(erase(WHO).expect_code(1).stderr.contains("erased before"));

    assert_eq!(left_at_the_hub(&hub, &[WHO], &[NAME, NUMBER, NOTE]), [""; 0]);
    assert_eq!(files_in(&hub.dir().join("recordings")), 0);
    let trail = Connection::open(hub.dir().join("hub.db")).unwrap();
    let erased: i64 = trail
        .query_row(
            "SELECT count(*) FROM audit WHERE action = 'member_erased' AND subject = ?1 AND staff_id = 'G1'",
            [WHO],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(erased, 1);
    assert!(hub.run("audit verify", [""; 0]).done().stdout.contains("whole"));

    clerk.sync();
    let report = second.json(&["sync"]);
    assert_eq!(number(&report, "/rejected_ops"), 1, "{report}");
    // The refused note is data of the member, too: nothing of it stays to be shown.
    for worker in [&clerk, &second] {
        worker.sync();
        worker.nothing_waits();
        assert_eq!(worker.refused(&["show", WHO]), "nobody");
        for asked in [NAME, "0001", "wy"] {
            assert_eq!(worker.json(&["find", asked]), serde_json::json!([]), "{asked}");
        }
        let pages = pages(&worker.phone);
        for told in [NAME, NOTE, "没发出去的一句话"] {
            assert!(!holds(&pages, told), "{told} is still in the file");
        }
        assert_eq!(files_in(&worker.phone.home().join("recordings")), 0);
    }

    // The chain's next file still has it, and cannot bring it back; the others are as they were.
    let files = tempfile::tempdir().unwrap();
    fs::write(
        files.path().join("members.csv"),
        format!("member_id,store_id,name,phone\n{WHO},S1,{NAME},{NUMBER}\n"),
    )
    .unwrap();
    let told = hub.import(files.path()).done().json();
    assert_eq!(number(&told, "/files/0/rejected"), 1, "{told}");
    let as_of = crate::chain::today().to_string();
    let classes = hub.run("classes", ["--as-of", &as_of, "--json"]).done().json();
    // All members of the store but one, and the walk-in of the other store.
    assert_eq!(number(&classes, "/members"), members().count() as u64);
    let rule = crate::chain::rule(
        files.path(),
        r#"{"bought":{"ingredient":["氨氯地平"],"within_days":365}}"#,
    );
    let bought = hub.run(
        "audience",
        ["--as-of", &as_of, "--json", "--rule", rule.to_str().unwrap()],
    );
    assert_eq!(
        number(&bought.done().json(), "/members"),
        members().count() as u64 - 1
    );

    // A new phone loads the store without it, though chunks were prepared before.
    let mut new = Worker::paired(&hub, "S1");
    new.sync();
    new.is("P1");
    assert_eq!(new.refused(&["show", WHO]), "nobody");
    assert!(!holds(&pages(&new.phone), NAME));
    assert_eq!(text(&new.json(&["show", "李晚"]), "/member/name"), "李晚");
    assert!(at(&new.json(&["status"]), "/members").as_u64() == Some(members().count() as u64 - 1));
}

#[test]
fn what_was_merged_is_erased_with_it_and_cannot_come_back_by_another_id() {
    let (hub, _serving, mut clerk) = started();
    let _ = clerk.done(&["register", "--name", "冯大爷", "--phone", "15400000033"]);
    let _ = clerk.done(&["note", "冯大爷", "爱喝茶的老先生"]);
    clerk.sync();
    clerk.is("G1");
    clerk.sync();
    let other = text(&clerk.json(&["find", "冯大爷"]), "/0/member_id").to_owned();
    assert!(!other.starts_with("tmp-"), "{other}");
    let _ = clerk.done(&["duplicates", "--merge", WHO, &other]);
    clerk.sync();
    clerk.nothing_waits();
    let texts = ["冯大爷", "爱喝茶的老先生"];
    let before = left_at_the_hub(&hub, &[WHO, &other], &texts);
    for place in ["merged_member.body", "moved_history.from_id", "duplicate.pair_id"] {
        assert!(before.iter().any(|held| held == place), "{place}: {before:?}");
    }
    let told = hub.run("erase", ["--member", &other]).done().stdout;
    assert!(told.contains(&format!("erased {WHO}")), "{told}");
    assert_eq!(left_at_the_hub(&hub, &[WHO, &other], &texts), [""; 0]);
    let files = tempfile::tempdir().unwrap();
    fs::write(
        files.path().join("members.csv"),
        format!("member_id,store_id,name\n{WHO},S1,{NAME}\n{other},S1,冯大爷\n"),
    )
    .unwrap();
    let told = hub.import(files.path()).done().json();
    assert_eq!(number(&told, "/files/0/rejected"), 2, "{told}");
    clerk.sync();
    for asked in [WHO, &other, NAME, "冯大爷"] {
        assert_eq!(clerk.json(&["find", asked]), serde_json::json!([]), "{asked}");
    }
    let pages = pages(&clerk.phone);
    for told in texts {
        assert!(!holds(&pages, told), "{told} is still in the file");
    }
}
