//! A disk that fills during an import, and phones that go on beside one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::merge_tests::{HEADER, World};
use crate::import::{FileKind, FileReport, ImportError};
use crate::storage::sqlite::Database;
use crate::storage::{Records as _, StorageError};

const LINES: u64 = 4_000;

fn lines() -> String {
    let mut text = HEADER.to_owned();
    for line in 0..LINES {
        let (member, day, drug) = (line % 6 + 1, line % 28 + 1, line % 2 + 1);
        text.push_str(&format!(
            "n{line},M{member},S1,2026-02-{day:02},D{drug},1,{}.50,\n",
            line % 90
        ));
    }
    text
}

fn is_full(result: &Result<FileReport, ImportError>) -> bool {
    match result {
        Ok(_) => false,
        Err(ImportError::Storage(StorageError::Full)) => true,
        Err(error) => panic!("not the full disk: {error}"),
    }
}

#[test]
fn purchases_wait_for_room_and_count_once() {
    let text = lines();
    let expected = {
        let world = World::new();
        world.import(FileKind::Purchases, "many.csv", &text).unwrap();
        world.seen()
    };
    let mut full = 0;
    for room in (0..).step_by(3) {
        let world = World::new();
        let before = world.seen();
        world.database.room(Some(room));
        let result = world.import(FileKind::Purchases, "many.csv", &text);
        if !is_full(&result) {
            break;
        }
        full += 1;
        let seen = world.seen();
        assert!(
            seen == before || seen == expected,
            "half a file shows, with room for {room} pages"
        );
        world.database.room(None);
        let report = world.import(FileKind::Purchases, "many.csv", &text).unwrap();
        assert_eq!(
            (report.accepted + report.unchanged, report.rejected),
            (LINES, 0),
            "{room}"
        );
        assert_eq!(world.seen(), expected, "{room}");
        let report = world.import(FileKind::Purchases, "many.csv", &text).unwrap();
        assert_eq!((report.accepted, report.unchanged), (0, LINES), "{room}");
    }
    assert!(full >= 3, "the disk was full {full} times only");
}

#[test]
fn members_wait_for_room() {
    let mut text = String::from("member_id,store_id,name\n");
    for member in 0..3_000 {
        text.push_str(&format!("N{member:05},S1,会员{member}\n"));
    }
    let world = World::new();
    world.database.room(Some(4));
    assert!(is_full(&world.import(FileKind::Members, "many.csv", &text)));
    world.database.room(None);
    let report = world.import(FileKind::Members, "many.csv", &text).unwrap();
    assert_eq!((report.accepted + report.unchanged, report.rejected), (3_000, 0));
    let members = world
        .database
        .read::<_, StorageError>(|tx| tx.members_after("N", 5_000))
        .unwrap();
    assert_eq!(members.len(), 3_000);
}

/// Readers beside an import see all of a file or nothing of it, and writers get their turn.
#[test]
fn phones_go_on_and_figures_switch_at_once() {
    let world = World::new();
    let serve = Database::open(&world.dir.path().join("data")).unwrap();
    let done = AtomicBool::new(false);
    let totals = |database: &Database| -> Vec<i64> {
        database
            .read::<_, StorageError>(|tx| {
                tx.members_after("", 100)?
                    .iter()
                    .map(|member| Ok(tx.lifetime_of(&member.id)?.total_fen))
                    .collect()
            })
            .unwrap()
    };
    let before = totals(&serve);
    let (seen, written) = std::thread::scope(|scope| {
        let phone = scope.spawn(|| {
            let (mut seen, mut written) = (BTreeSet::new(), 0_u32);
            while !done.load(Ordering::SeqCst) {
                seen.insert(totals(&serve));
                serve
                    .write::<_, StorageError>(|tx| tx.set_meta("phone", &written.to_string()))
                    .unwrap();
                written += 1;
            }
            (seen, written)
        });
        world.import(FileKind::Purchases, "many.csv", &lines()).unwrap();
        done.store(true, Ordering::SeqCst);
        phone.join().unwrap()
    });
    let after = totals(&serve);
    assert!(
        seen.iter().all(|totals| *totals == before || *totals == after),
        "{seen:?}"
    );
    assert!(written > 1, "no phone wrote while the import ran");
}
