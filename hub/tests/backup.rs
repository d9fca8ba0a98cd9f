//! Backup, restore, and what it means to phones.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod rig;

use rig::{NOW_MS, Rig};
use yaoban_hub::backup::{BackupError, InUse, backup, restore};
use yaoban_hub::storage::sqlite::Database;
use yaoban_hub::storage::{Records as _, StorageError};
use yaoban_protocol::op::{Op, OpStatus};

fn note(id: &str) -> Op {
    let note = serde_json::from_value(serde_json::json!({
        "id": id, "member_id": "MA0", "at_ms": NOW_MS, "staff_id": "clerk-A", "text": "喜欢早上来"
    }))
    .unwrap();
    Op::AddNote { note }
}

#[tokio::test]
async fn a_restored_hub_has_a_new_epoch_and_takes_again_what_it_lost() {
    let rig = Rig::new(1);
    let mut phone = rig.phone("A").await;
    let (before, after) = (
        phone.op("clerk-A", NOW_MS, &note("n-1")),
        phone.op("clerk-A", NOW_MS, &note("n-2")),
    );
    rig.push(&phone, &[before]).await.unwrap();
    let file = rig.dir.path().join("backup.db");
    backup(rig.dir.path(), &file).unwrap();
    assert!(matches!(
        backup(rig.dir.path(), &file),
        Err(BackupError::Exists(_))
    ));
    rig.push(&phone, std::slice::from_ref(&after)).await.unwrap();
    let rig = rig.restored(&file);
    assert_eq!(
        rig.push(&phone, std::slice::from_ref(&after))
            .await
            .unwrap_err()
            .1
            .code,
        "epoch_changed"
    );
    let hello = rig.hello(&phone).await.unwrap();
    assert_ne!(hello.epoch, phone.epoch);
    assert_eq!((hello.last_n, hello.scopes[1].generation), (1, 2));
    phone.epoch = hello.epoch;
    assert!(rig.pull_all(&phone).await.pages.iter().all(|page| page.gone));
    let reply = rig.push(&phone, &[after]).await.unwrap();
    assert_eq!((reply.results[0].status, reply.last_n), (OpStatus::Applied, 2));
    assert_eq!(rig.read(|tx| tx.notes_of("MA0")).len(), 2);
    // The database that was there is kept.
    let kept = std::fs::read_dir(rig.dir.path()).unwrap().flatten();
    assert!(kept.into_iter().any(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("hub-before-restore-")
    }));
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let rig = Rig::new(1);
    let file = rig.dir.path().join("nonsense.db");
    let refused = |bytes: Option<&[u8]>| {
        if let Some(bytes) = bytes {
            std::fs::write(&file, bytes).unwrap();
        }
        restore(rig.dir.path(), &file, NOW_MS).unwrap_err()
    };
    assert!(matches!(refused(None), BackupError::NotWhole { .. }));
    assert!(matches!(
        refused(Some(b"not a database, not at all, by no means")),
        BackupError::NotWhole { .. }
    ));
    assert!(matches!(refused(Some(b"")), BackupError::NotWhole { .. }));
    assert!(rig.read(|tx| tx.member("MA0")).is_some());
}

#[test]
fn a_hub_that_serves_is_not_restored() {
    let rig = Rig::new(1);
    let file = rig.dir.path().join("backup.db");
    backup(rig.dir.path(), &file).unwrap();
    let serving = InUse::shared(rig.dir.path()).unwrap();
    let second = InUse::shared(rig.dir.path()).unwrap();
    assert!(matches!(
        restore(rig.dir.path(), &file, NOW_MS),
        Err(BackupError::Running(_))
    ));
    drop((serving, second));
    restore(rig.dir.path(), &file, NOW_MS).unwrap();
}

#[test]
fn a_restore_that_was_broken_off_is_told_and_ended_by_the_same_command() {
    let rig = Rig::new(1);
    let (dir, file) = (rig.dir.path().to_owned(), rig.dir.path().join("backup.db"));
    backup(&dir, &file).unwrap();
    let Rig {
        dir: _folder, hub, ..
    } = rig;
    drop(hub);
    // The old database has left, its log has not.
    std::fs::create_dir(dir.join("restoring")).unwrap();
    let kept = dir.join("hub-before-restore-5.db");
    std::fs::rename(dir.join("hub.db"), &kept).unwrap();
    std::fs::write(dir.join("hub.db-wal"), "the old log").unwrap();
    for refused in [Database::open(&dir), Database::create(&dir, "康健大药房", None)] {
        let error = refused.map(drop).unwrap_err();
        assert!(matches!(error, StorageError::RestoreBrokenOff(_)), "{error}");
    }
    assert_eq!(restore(&dir, &file, NOW_MS).unwrap(), Some(kept));
    let log = std::fs::read(dir.join("hub-before-restore-5.db-wal")).unwrap();
    assert_eq!(log, b"the old log");
    let member = Database::open(&dir)
        .unwrap()
        .read::<_, StorageError>(|tx| tx.member("MA0"))
        .unwrap();
    assert!(member.is_some());
}
