//! Members who become one person, or two again, while a file of theirs is taken in: another
//! connection merges and parts between any two transactions of the import.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_bytes::ByteBuf;
use tempfile::TempDir;
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::op::{Op, OpEnvelope, OpStatus};

use crate::clock::ManualClock;
use crate::import::{FileKind, FileReport, ImportError, Options, run};
use crate::ops::Taking;
use crate::storage::StorageError;
use crate::storage::sqlite::Database;
use crate::storage::sqlite::devices::Device;

/// 2026-03-02 10:00 in Shanghai.
pub(super) const NOW_MS: i64 = 1_772_416_800_000;
pub(super) const HEADER: &str = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost\n";
/// Lines before: M2 and M3 will be one person, M2 bought twice on one day, and what M3 did.
const FIRST: &str = "a1,M1,S1,2026-01-01,D1,1,10,5\na2,M2,S1,2026-01-02,D1,2,20,\na3,M2,S1,2026-01-02,D2,1,7.5,\n\
    a4,M3,S1,2026-01-02,D1,1,40,\na5,M3,S1,2026-01-09,,1,3,\na6,M5,S1,2026-01-05,D2,1,50,\n";
/// The file that is taken in while members become one.
const SECOND: &str = "b1,M1,S1,2026-02-01,D1,1,11,\nb2,M2,S1,2026-02-02,D1,1,22,\nb3,M3,S1,2026-02-02,D1,3,44,\n\
    b4,M3,S1,2026-02-03,D2,1,4.4,\nb5,M3,S1,2026-01-02,D1,-1,-40,\nb6,M4,S1,2026-02-05,D2,1,55,\n\
    b7,M5,S1,2026-02-06,D1,1,66,\nb8,M6,S1,2026-02-07,D1,1,77,\n";

pub(super) struct World {
    pub dir: TempDir,
    pub database: Database,
}

impl World {
    /// A store with a manager and six members, and what they bought before.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(&dir.path().join("data"), "示范大药房", None).unwrap();
        let world = Self { dir, database };
        for (kind, text) in [
            (FileKind::Stores, "store_id,name\nS1,一店\n"),
            (
                FileKind::Staff,
                "staff_id,store_id,name,role\nE1,S1,店长,store_manager\n",
            ),
            (FileKind::Drugs, "drug_id,name,ingredient\nD1,甲,甲\nD2,乙,乙\n"),
            (
                FileKind::Members,
                "member_id,store_id,name\nM1,S1,一\nM2,S1,二\nM3,S1,二\nM4,S1,四\nM5,S1,五\nM6,S1,六\n",
            ),
        ] {
            world.import(kind, "records.csv", text).unwrap();
        }
        world
            .import(FileKind::Purchases, "first.csv", &format!("{HEADER}{FIRST}"))
            .unwrap();
        world
    }

    pub fn import(&self, kind: FileKind, name: &str, text: &str) -> Result<FileReport, ImportError> {
        let path: PathBuf = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let files = [(kind, path)];
        let clock = ManualClock::at(NOW_MS);
        run(&self.database, &files, Options::default(), &clock).map(|mut reports| reports.remove(0))
    }

    fn second(&self) {
        let report = self
            .import(FileKind::Purchases, "second.csv", &format!("{HEADER}{SECOND}"))
            .unwrap();
        assert_eq!((report.accepted, report.rejected), (8, 0));
    }

    /// Everything that the members who are left bought, as every reader of it sees it.
    pub fn seen(&self) -> BTreeMap<String, String> {
        let connection = rusqlite::Connection::open(self.dir.path().join("data/hub.db")).unwrap();
        let mut seen = BTreeMap::new();
        self.database
            .read::<_, StorageError>(|tx| {
                let names = tx.key_names()?;
                let mut packed_days = BTreeMap::new();
                tx.each_days::<StorageError>(|key, days| {
                    packed_days.insert(i64::from(key), days.to_vec());
                    Ok(())
                })?;
                let mut sold = BTreeMap::new();
                for drug in tx.drug_facts()? {
                    tx.each_sale(drug.key, i32::MIN, i32::MAX, |sale| {
                        let of_member: &mut BTreeMap<(String, i32), (i64, i64)> =
                            sold.entry(i64::from(sale.member_key)).or_default();
                        let sum = of_member.entry((drug.drug_id.clone(), sale.day)).or_default();
                        sum.0 += sale.quantity_milli;
                        sum.1 += sale.amount_fen;
                    })?;
                }
                for member in tx.members_after("", 100)? {
                    let key = tx.member_key(&member.id)?.unwrap();
                    let lines: Vec<String> = tx
                        .lines_of(&member.id, &names)?
                        .iter()
                        .map(|l| {
                            format!(
                                "{}:{}:{:?}:{}",
                                l.line.id, l.line.day, l.cost_fen, l.line.amount_fen
                            )
                        })
                        .collect();
                    let days = packed_days.remove(&key);
                    let mut sums = sold.remove(&key).unwrap_or_default();
                    sums.retain(|_, sum| sum.0 != 0);
                    let lifetime = tx.lifetime_of(&member.id)?;
                    seen.insert(member.id, format!("{lines:?} {days:?} {sums:?} {lifetime:?}"));
                }
                assert_eq!(packed_days, BTreeMap::new(), "days that belong to nobody");
                assert_eq!(sold, BTreeMap::new(), "sales that belong to nobody");
                Ok(())
            })
            .unwrap();
        let left: i64 = connection
            .query_row(
                "SELECT count(*) FROM member_lines WHERE member_key NOT IN (SELECT member_key FROM member)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(left, 0, "rows that belong to nobody");
        seen
    }

    /// Positions of the members in their store's scope, and those of their purchases.
    fn told_after(&self, seq: u64) -> Vec<(String, String)> {
        let scope = self
            .database
            .read::<_, StorageError>(|tx| tx.scope("store:S1"))
            .unwrap();
        let connection = rusqlite::Connection::open(self.dir.path().join("data/hub.db")).unwrap();
        crate::storage::sqlite::scope::page(&connection, scope.key, seq, 1_000)
            .unwrap()
            .into_iter()
            .map(|row| (row.entity, row.id))
            .collect()
    }
}

/// Does an operation of the store's manager over a connection of its own.
fn manager(dir: &Path, op: &Op) -> OpStatus {
    let database = Database::open(&dir.join("data")).unwrap();
    let device = Device {
        id: "device".into(),
        name: String::new(),
        store_id: "S1".into(),
        staff_id: None,
        refresh_hash: Vec::new(),
        created_ms: 0,
        seen_ms: None,
        revoked_ms: None,
        last_n: 0,
        app_version: None,
        ahead_ms: 0,
    };
    let envelope = OpEnvelope {
        n: 1,
        op_id: uuid::Uuid::now_v7().to_string(),
        staff_id: "E1".into(),
        at_ms: NOW_MS,
        base_version: 0,
        body: ByteBuf::from(to_cbor(op).unwrap()),
        parked: false,
    };
    let result = database
        .write(|tx| {
            let (rules, calendar) = (tx.rules()?, tx.calendar()?);
            let taking = Taking {
                device: &device,
                rules: &rules,
                calendar,
                now_ms: NOW_MS,
            };
            taking.take(tx, &envelope)
        })
        .unwrap();
    result.status
}

fn merge(keep: &str, other: &str) -> Op {
    Op::MergeMembers {
        keep: keep.into(),
        other: other.into(),
    }
}

fn undo(keep: &str, other: &str) -> Op {
    Op::UndoMerge {
        keep: keep.into(),
        other: other.into(),
    }
}

/// Takes the second file in and does an operation after each commit of the given number; gives how
/// many commits there were.
fn second_with(world: &World, ops: &[(u64, Op)]) -> u64 {
    let commits = Arc::new(AtomicU64::new(0));
    let (count, dir, ops) = (Arc::clone(&commits), world.dir.path().to_owned(), ops.to_vec());
    *world.database.between.lock().unwrap() = Some(Box::new(move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        for (_, op) in ops.iter().filter(|(at, _)| *at == number) {
            assert_eq!(manager(&dir, op), OpStatus::Applied);
        }
    }));
    world.second();
    *world.database.between.lock().unwrap() = None;
    commits.load(Ordering::SeqCst)
}

/// Commits of an undisturbed second file.
fn commits() -> u64 {
    second_with(&World::new(), &[])
}

#[test]
fn a_merge_between_any_two_transactions_loses_no_line() {
    let expected = {
        let world = World::new();
        world.second();
        manager(world.dir.path(), &merge("M2", "M3"));
        world.seen()
    };
    let commits = commits();
    assert!(commits > 10, "{commits}");
    for (keep, other) in [("M2", "M3"), ("M3", "M2")] {
        for at in 0..commits {
            let world = World::new();
            second_with(&world, &[(at, merge(keep, other))]);
            let mut seen = world.seen();
            if keep == "M3" {
                let both = seen.remove("M3").unwrap();
                seen.insert("M2".into(), both);
            }
            assert_eq!(seen, expected, "{other} into {keep} after commit {at}");
        }
    }
}

#[test]
fn a_merge_that_is_undone_leaves_everybody_with_their_own() {
    let expected = {
        let world = World::new();
        world.second();
        world.seen()
    };
    let commits = commits();
    for first in 0..commits {
        for second in first..commits {
            let world = World::new();
            second_with(&world, &[(first, merge("M2", "M3")), (second, undo("M2", "M3"))]);
            assert_eq!(
                world.seen(),
                expected,
                "merged after {first}, parted after {second}"
            );
        }
    }
}

#[test]
fn what_the_other_card_bought_after_the_merge_goes_back_with_it() {
    let expected = {
        let world = World::new();
        world.second();
        world.seen()
    };
    let commits = {
        let world = World::new();
        manager(world.dir.path(), &merge("M2", "M3"));
        manager(world.dir.path(), &merge("M5", "M2"));
        second_with(&world, &[])
    };
    for at in 0..=commits {
        let world = World::new();
        // M3 becomes part of M2, M2 of M5; the file still names all three cards.
        manager(world.dir.path(), &merge("M2", "M3"));
        manager(world.dir.path(), &merge("M5", "M2"));
        second_with(&world, &[(at, undo("M5", "M2"))]);
        if at == commits {
            let before = world
                .database
                .read::<_, StorageError>(|tx| tx.scope("store:S1"))
                .unwrap()
                .head;
            manager(world.dir.path(), &undo("M5", "M2"));
            let told = world.told_after(before);
            for member in ["M2", "M5"] {
                for entity in ["member", "purchases"] {
                    assert!(
                        told.contains(&(entity.into(), member.into())),
                        "{entity} {member}: {told:?}"
                    );
                }
            }
        }
        manager(world.dir.path(), &undo("M2", "M3"));
        assert_eq!(world.seen(), expected, "parted after commit {at}");
    }
}

#[test]
fn phones_hear_of_what_the_other_card_bought() {
    let world = World::new();
    manager(world.dir.path(), &merge("M2", "M6"));
    let before = world
        .database
        .read::<_, StorageError>(|tx| tx.scope("store:S1"))
        .unwrap()
        .head;
    let line = format!("{HEADER}c1,M6,S1,2026-02-20,D1,1,9,\n");
    let report = world.import(FileKind::Purchases, "third.csv", &line).unwrap();
    assert_eq!((report.accepted, report.rejected), (1, 0));
    assert!(
        world
            .told_after(before)
            .contains(&("purchases".into(), "M2".into()))
    );
    assert!(world.seen()["M2"].contains("c1"));
}
