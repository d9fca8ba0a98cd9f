//! Two records that become one person's, and two again: every record, and what phones hold of it.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod rig;

use std::collections::BTreeMap;

use rig::{NOW_MS, Phone, Rig};
use serde_json::{Value, json};
use yaoban_domain::model::Member;
use yaoban_hub::import::{FileKind, Options, run};
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::packed::sales;
use yaoban_hub::storage::sqlite::scope::store_scope;
use yaoban_protocol::codec::{self, from_cbor};
use yaoban_protocol::message::{Chunk, Envelope, Manifest};
use yaoban_protocol::op::{Op, OpStatus};
use yaoban_protocol::row::{ChangeKind, DuplicatePair, Purchases, entity};

/// The store's rows as a phone holds them that has taken every change since its first one.
#[derive(Default)]
struct Held {
    after: u64,
    rows: BTreeMap<(String, String), Vec<u8>>,
}

impl Held {
    async fn pull(&mut self, rig: &Rig, phone: &Phone) {
        let scope = store_scope(&phone.pair.store_id);
        let page = rig
            .pull(phone, &[(&scope, self.after)])
            .await
            .unwrap()
            .pages
            .remove(0);
        for change in page.changes {
            let key = (change.entity, change.id);
            match change.kind {
                ChangeKind::Put => self.rows.insert(key, change.body.into_vec()),
                ChangeKind::Evict | ChangeKind::Erase => self.rows.remove(&key),
            };
        }
        self.after = page.next;
        assert_eq!(page.next, page.head);
    }

    fn has(&self, entity: &str, id: &str) -> bool {
        self.rows.contains_key(&(entity.to_owned(), id.to_owned()))
    }

    /// A new phone of the store gets the same rows.
    async fn equals_first_load(&self, rig: &Rig, phone: &Phone) {
        let loaded = Self::first_load(rig, phone).await;
        let missing: Vec<_> = self
            .rows
            .keys()
            .filter(|key| !loaded.contains_key(*key))
            .collect();
        let more: Vec<_> = loaded
            .keys()
            .filter(|key| !self.rows.contains_key(*key))
            .collect();
        assert!(
            missing.is_empty() && more.is_empty(),
            "missing {missing:?}, more {more:?}"
        );
        for (key, body) in &loaded {
            assert_eq!(Some(body), self.rows.get(key), "{key:?}");
        }
    }

    /// What a new phone of the store holds after its first load and its first pull.
    async fn first_load(rig: &Rig, phone: &Phone) -> BTreeMap<(String, String), Vec<u8>> {
        let path = format!("/v1/snapshot/store%3A{}", phone.pair.store_id);
        let manifest: Manifest = rig.get(&path, &phone.token).await.unwrap();
        let mut rows = BTreeMap::new();
        for chunk in &manifest.chunks {
            let path = format!("/v1/chunk/{}", chunk.sha256);
            let response = rig
                .raw(axum::http::Method::GET, &path, Some(&phone.token), Vec::new())
                .await;
            let bytes = rig.bytes(response).await;
            let body: Envelope<Chunk> = codec::decode(&bytes, rig::INFLATED_MAX).unwrap();
            for row in body.body.rows {
                rows.insert((row.entity, row.id), row.body.into_vec());
            }
        }
        let mut held = Self {
            after: manifest.at_seq,
            rows,
        };
        held.pull(rig, phone).await;
        held.rows
    }
}

/// What a member bought by drug and day, from the rows that audiences read.
fn sums_by_drug(connection: &rusqlite::Connection, member_key: i64) -> Vec<String> {
    let mut statement = connection
        .prepare(
            "SELECT d.drug_id, s.sales FROM drug_sales s JOIN drug d USING (drug_key)
             WHERE s.generation <= (SELECT generation FROM visible)",
        )
        .unwrap();
    let rows: Vec<(String, Vec<u8>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut sums: BTreeMap<(String, i32), (i64, i64)> = BTreeMap::new();
    for (drug_id, packed) in rows {
        let sales = sales::read(&packed).map(Result::unwrap);
        for sale in sales.filter(|sale| i64::from(sale.member_key) == member_key) {
            let sum = sums.entry((drug_id.clone(), sale.day)).or_default();
            sum.0 += sale.quantity_milli;
            sum.1 += sale.amount_fen;
        }
    }
    sums.retain(|_, sum| sum.0 != 0);
    sums.iter().map(|sum| format!("{sum:?}")).collect()
}

/// Every record of the members of the chain, without the versions of rows.
fn chain(rig: &Rig) -> BTreeMap<String, Value> {
    fn plain<T: serde::Serialize>(records: &[T]) -> Value {
        let mut records = serde_json::to_value(records).unwrap();
        for record in records.as_array_mut().unwrap() {
            record.as_object_mut().unwrap().remove("version");
        }
        records
    }
    let connection = rusqlite::Connection::open(rig.dir.path().join("hub.db")).unwrap();
    rig.read(|tx| {
        let names = tx.key_names()?;
        let mut chain = BTreeMap::new();
        for member in tx.members_after("", 1_000)? {
            let id = &member.id;
            let key = tx.member_key(id)?.unwrap();
            let lines: Vec<String> = tx.lines_of(id, &names)?.iter().map(|line| format!("{line:?}")).collect();
            let sums = sums_by_drug(&connection, key);
            let days: Option<Vec<u8>> = connection
                .query_row(
                    "SELECT days FROM member_days WHERE member_key = ?1 ORDER BY generation DESC",
                    [key],
                    |row| row.get(0),
                )
                .ok()
                .filter(|days: &Vec<u8>| !days.is_empty());
            chain.insert(
                id.clone(),
                json!({
                    "member": plain(std::slice::from_ref(&member)), "lines": lines, "sums": sums, "days": days,
                    "readings": plain(&tx.readings_of(id)?), "notes": plain(&tx.notes_of(id)?),
                    "tasks": plain(&tx.tasks_of(id)?),
                }),
            );
        }
        Ok(chain)
    })
}

fn import(rig: &Rig, kind: FileKind, text: &str) -> [u64; 3] {
    let path = rig.dir.path().join(format!("{}.csv", text.len()));
    std::fs::write(&path, text).unwrap();
    let reports = run(
        &rig.hub.database,
        &[(kind, path)],
        Options::default(),
        &*rig.clock,
    )
    .unwrap();
    [reports[0].accepted, reports[0].unchanged, reports[0].rejected]
}

const MEMBERS: &str = "member_id,store_id,name,phone,height_cm,tags,consents\n\
    MA0,A,单雪,13800000001,160,老客,marketing=yes@2025-01-01\n\
    MA1,A,单雪,13800000002,161,慢病,marketing=no@2025-06-01;health=yes@2025-01-01\n\
    MB0,B,单雪,13800000001,,,\n";
const PURCHASES: &str = "line_id,member_id,sold_at,drug_id,quantity,amount\n\
    p0,MA0,2026-01-05,D1,1,10\np1,MA1,2026-01-05,D1,2,20.5\np2,MA1,2026-02-05,,1,-3\n\
    p3,MB0,2026-02-06,D1,1,4\np4,MA1,2020-02-06,D1,1,5\n";

async fn push(rig: &Rig, phone: &mut Phone, staff: &str, op: &Op) {
    let op = phone.op(staff, NOW_MS, op);
    let reply = rig.push(phone, std::slice::from_ref(&op)).await.unwrap();
    let result = &reply.results[0];
    assert_eq!(
        (result.status, result.reason.as_deref()),
        (OpStatus::Applied, None)
    );
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A note, a reading, a task, a dial and a message for a member.
async fn work_on(rig: &Rig, phone: &mut Phone, member: &str, name: &str) {
    let clerk = format!("clerk-{}", phone.pair.store_id);
    let store = phone.pair.store_id.clone();
    let ops = [
        Op::AddNote {
            note: read(
                json!({ "id": format!("note-{name}"), "member_id": member, "at_ms": NOW_MS,
                "staff_id": clerk, "text": "下午来" }),
            ),
        },
        Op::AddReading {
            reading: read(
                json!({ "id": format!("reading-{name}"), "member_id": member, "taken_at_ms": NOW_MS,
                "kind": "bp", "systolic": 130, "diastolic": 80, "glucose_tenths": null, "context": "office",
                "staff_id": clerk }),
            ),
        },
        Op::CreateTask {
            task: read(
                json!({ "id": format!("task-{name}"), "member_id": member, "store_id": store,
                "assignee": clerk, "kind": "call", "purpose": "service", "origin": "clerk", "campaign_id": null,
                "why": { "code": "clerk" }, "start": "2026-03-02", "due": "2026-03-20", "state": "open",
                "created_at_ms": NOW_MS }),
            ),
        },
        Op::StartAttempt {
            attempt: read(
                json!({ "id": format!("attempt-{name}"), "task_id": format!("task-{name}"),
                "member_id": member, "staff_id": clerk, "purpose": "service", "channel": "call",
                "started_at_ms": NOW_MS, "ended_at_ms": null, "duration_s": null, "result": null }),
            ),
        },
        Op::RecordSend {
            send: read(
                json!({ "key": format!("//{name}/0/sms"), "task_id": null, "member_id": member,
                "staff_id": clerk, "purpose": "service", "channel": "sms", "at_ms": NOW_MS,
                "state": "delivered", "campaign_id": null, "template_id": "T1" }),
            ),
        },
    ];
    for op in ops {
        push(rig, phone, &clerk, &op).await;
    }
}

const OWN_ROWS: [(&str, &str); 5] = [
    (entity::NOTE, "note-"),
    (entity::READING, "reading-"),
    (entity::TASK, "task-"),
    (entity::ATTEMPT, "attempt-"),
    (entity::SEND, "//"),
];

fn row_id(prefix: &str, name: &str) -> String {
    if prefix == "//" {
        format!("//{name}/0/sms")
    } else {
        format!("{prefix}{name}")
    }
}

async fn world() -> (Rig, Phone, Phone) {
    let rig = Rig::new(3);
    let (mut a, mut b) = (rig.phone("A").await, rig.phone("B").await);
    assert_eq!(import(&rig, FileKind::Members, MEMBERS)[2], 0);
    assert_eq!(import(&rig, FileKind::Purchases, PURCHASES), [5, 0, 0]);
    work_on(&rig, &mut a, "MA0", "0").await;
    work_on(&rig, &mut a, "MA1", "1").await;
    work_on(&rig, &mut b, "MB0", "b").await;
    (rig, a, b)
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

#[tokio::test]
async fn a_merge_joins_every_record_and_its_undo_parts_them() {
    let (rig, mut a, _) = world().await;
    let before = chain(&rig);
    let mut held = Held::default();
    held.pull(&rig, &a).await;
    let held_before = held.rows.clone();

    push(&rig, &mut a, "manager-A", &merge("MA0", "MA1")).await;
    let joined = chain(&rig);
    assert!(!joined.contains_key("MA1"));
    let one = &joined["MA0"];
    let lines = one["lines"].to_string();
    for id in ["p0", "p1", "p2", "p4"] {
        assert!(lines.contains(id), "{id}: {lines}");
    }
    let member: Member = rig.read(|tx| tx.member("MA0")).unwrap();
    // 2020-02-06 and 2026-01-05 are visit days; the return of 2026-02-05 is none.
    assert_eq!(
        (member.lifetime.times, member.lifetime.total_fen),
        (2, 1_000 + 2_050 - 300 + 500)
    );
    assert_eq!(member.lifetime.last_visit.unwrap().to_string(), "2026-01-05");
    assert_eq!(
        (
            member.phone.as_deref(),
            member.height_cm,
            member.aliases,
            member.tags
        ),
        (
            Some("13800000001"),
            Some(160),
            vec!["MA1".to_owned()],
            vec!["慢病".to_owned(), "老客".to_owned()]
        )
    );
    let granted = |purpose: &str| {
        member
            .consents
            .iter()
            .filter(|consent| consent.purpose.code() == purpose)
            .map(|consent| consent.granted)
            .collect::<Vec<_>>()
    };
    assert_eq!(granted("marketing").last(), Some(&false), "{:?}", member.consents);
    assert_eq!(granted("health"), [true]);
    for list in ["readings", "notes", "tasks"] {
        assert_eq!(one[list].as_array().unwrap().len(), 2, "{list}");
    }
    assert_eq!(one["sums"].as_array().unwrap().len(), 2, "{}", one["sums"]);

    // The phone holds one member with everything, and so does a new phone.
    held.pull(&rig, &a).await;
    assert!(held.has(entity::MEMBER, "MA0") && held.has(entity::PURCHASES, "MA0"));
    assert!(!held.has(entity::MEMBER, "MA1") && !held.has(entity::PURCHASES, "MA1"));
    for (entity, prefix) in OWN_ROWS {
        for name in ["0", "1"] {
            let row = &held.rows[&(entity.to_owned(), row_id(prefix, name))];
            let row: carried::Row = from_cbor(row).unwrap();
            assert_eq!(row.member_id, "MA0", "{entity} {name}");
        }
    }
    let purchases: Purchases =
        from_cbor(&held.rows[&(entity::PURCHASES.to_owned(), "MA0".to_owned())]).unwrap();
    // A phone holds 24 months.
    assert_eq!(purchases.amounts_fen, [1_000, 2_050, -300]);
    held.equals_first_load(&rig, &a).await;

    push(&rig, &mut a, "manager-A", &undo("MA0", "MA1")).await;
    assert_eq!(chain(&rig), before);
    held.pull(&rig, &a).await;
    held.equals_first_load(&rig, &a).await;
    let ids = |rows: &BTreeMap<(String, String), Vec<u8>>| {
        rows.keys()
            .filter(|(entity, _)| entity != entity::DUPLICATE)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&held.rows), ids(&held_before));
}

/// What every row of a member carries.
mod carried {
    #[derive(serde::Deserialize)]
    pub struct Row {
        pub member_id: String,
    }
}

#[tokio::test]
async fn a_member_of_another_store_leaves_it_with_the_merge_and_comes_back_with_its_undo() {
    let (rig, mut a, b) = world().await;
    rig.write(|tx| {
        tx.put_duplicate(&DuplicatePair {
            first: "MA0".into(),
            second: "MB0".into(),
            state: "open".into(),
        })
    });
    let before = chain(&rig);
    let (mut of_a, mut of_b) = (Held::default(), Held::default());
    of_a.pull(&rig, &a).await;
    of_b.pull(&rig, &b).await;
    push(&rig, &mut a, "manager-A", &merge("MA0", "MB0")).await;
    of_a.pull(&rig, &a).await;
    of_b.pull(&rig, &b).await;
    assert!(!of_b.has(entity::MEMBER, "MB0") && !of_b.has(entity::PURCHASES, "MB0"));
    for (entity, prefix) in OWN_ROWS {
        let id = row_id(prefix, "b");
        assert!(of_a.has(entity, &id) && !of_b.has(entity, &id), "{entity}");
    }
    of_a.equals_first_load(&rig, &a).await;
    of_b.equals_first_load(&rig, &b).await;
    push(&rig, &mut a, "manager-A", &undo("MA0", "MB0")).await;
    of_a.pull(&rig, &a).await;
    of_b.pull(&rig, &b).await;
    assert!(of_b.has(entity::MEMBER, "MB0") && of_b.has(entity::PURCHASES, "MB0"));
    for (entity, prefix) in OWN_ROWS {
        let id = row_id(prefix, "b");
        assert!(of_b.has(entity, &id) && !of_a.has(entity, &id), "{entity}");
    }
    of_a.equals_first_load(&rig, &a).await;
    of_b.equals_first_load(&rig, &b).await;
    let mut after = chain(&rig);
    // The task was handed over and back; who was to do it is the other store's to say again.
    for chain in [
        &mut after["MB0"]["tasks"][0].clone(),
        &mut before["MB0"]["tasks"][0].clone(),
    ] {
        assert_eq!(chain["store_id"], "B");
    }
    after.get_mut("MB0").unwrap()["tasks"][0]["assignee"] = json!("clerk-B");
    assert_eq!(after, before);
}

#[tokio::test]
async fn what_came_by_the_other_id_goes_back_with_it() {
    let (rig, mut a, _) = world().await;
    push(&rig, &mut a, "manager-A", &merge("MA0", "MA1")).await;
    // A phone that had not heard of the merge, a file of the chain, and a purchase on the old card.
    work_on(&rig, &mut a, "MA1", "late").await;
    let readings = "reading_id,member_id,taken_at,systolic,diastolic\nfile-1,MA1,2026-03-01 09:00,140,90\n";
    assert_eq!(import(&rig, FileKind::Readings, readings), [1, 0, 0]);
    assert_eq!(import(&rig, FileKind::Readings, readings), [0, 1, 0]);
    let line = "line_id,member_id,sold_at,drug_id,quantity,amount\nlate,MA1,2026-03-01,D1,1,8\n";
    assert_eq!(import(&rig, FileKind::Purchases, line), [1, 0, 0]);
    assert!(chain(&rig)["MA0"]["lines"].to_string().contains("late"));
    push(&rig, &mut a, "manager-A", &undo("MA0", "MA1")).await;
    let after = chain(&rig);
    assert_eq!(after["MA1"]["readings"].as_array().unwrap().len(), 3);
    assert_eq!(after["MA1"]["notes"].as_array().unwrap().len(), 2);
    assert_eq!(after["MA1"]["tasks"].as_array().unwrap().len(), 2);
    assert!(after["MA1"]["lines"].to_string().contains("late"));
    for list in ["readings", "notes", "tasks"] {
        assert_eq!(after["MA0"][list].as_array().unwrap().len(), 1, "{list}");
    }
    // The same files again change nothing.
    assert_eq!(import(&rig, FileKind::Purchases, line), [0, 1, 0]);
    assert_eq!(import(&rig, FileKind::Purchases, PURCHASES), [0, 5, 0]);
    assert_eq!(import(&rig, FileKind::Readings, readings), [0, 1, 0]);
}

#[tokio::test]
async fn the_chains_file_does_not_turn_one_card_into_the_other() {
    let (rig, mut a, _) = world().await;
    push(&rig, &mut a, "manager-A", &merge("MA0", "MA1")).await;
    let joined = chain(&rig);
    // Both cards stand in the file of every day.
    assert_eq!(import(&rig, FileKind::Members, MEMBERS), [0, 3, 0]);
    assert_eq!(chain(&rig), joined);
    // What changes on the other card changes what that card had told, and nothing else.
    let changed = MEMBERS
        .replace("13800000002", "13800000009")
        .replace("161,慢病", "150,高血压");
    assert_eq!(import(&rig, FileKind::Members, &changed), [1, 2, 0]);
    let member = rig.read(|tx| tx.member("MA0")).unwrap();
    assert_eq!(
        (member.phone.as_deref(), member.height_cm),
        (Some("13800000001"), Some(160))
    );
    assert_eq!(member.tags, ["老客", "高血压"]);
    assert_eq!(import(&rig, FileKind::Members, &changed), [0, 3, 0]);
    // Apart again, the other card hears of it with the next file.
    push(&rig, &mut a, "manager-A", &undo("MA0", "MA1")).await;
    assert_eq!(
        rig.read(|tx| tx.member("MA1")).unwrap().phone.as_deref(),
        Some("13800000002")
    );
    assert_eq!(import(&rig, FileKind::Members, &changed), [1, 2, 0]);
    let other = rig.read(|tx| tx.member("MA1")).unwrap();
    assert_eq!(
        (other.phone.as_deref(), other.height_cm),
        (Some("13800000009"), Some(150))
    );
    assert_eq!(other.tags, ["高血压"]);
}
