//! The first files of a process, opened by several threads at once. A process has one first time, so the test
//! starts itself anew for each try.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::process::Command;
use std::sync::Barrier;
use std::thread;

use rusqlite::Connection;

/// Without [`yaoban_cipher::ready`] about one try in sixty was refused on two cores.
const TRIES: u32 = 400;
const THREADS: usize = 8;
/// Set in the process of a try.
const TRY: &str = "YAOBAN_FIRST_OPEN_TRY";

#[test]
fn every_thread_may_be_the_first() {
    if std::env::var_os(TRY).is_some() {
        return open_at_once();
    }
    for _ in 0..TRIES {
        let done = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "every_thread_may_be_the_first", "--nocapture"])
            .env(TRY, "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

fn open_at_once() {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                yaoban_cipher::ready().unwrap();
                let conn = Connection::open_in_memory().unwrap();
                conn.execute_batch(&format!("PRAGMA key = \"x'{}'\"", "2a".repeat(32)))
                    .unwrap();
            });
        }
    });
}
