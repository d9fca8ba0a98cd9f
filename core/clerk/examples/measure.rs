//! Measures the phone's file on a full store: 100,000 members, 1,000,000 lines, encrypted.
//!
//! `cargo run --release -p yaoban-clerk-core --example measure` prints a table beside the targets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measuring tool may stop at the first error"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretBox;
use yaoban_clerk_core::ClerkApp;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::facade::tasks::{NewTask, TaskFilter};
use yaoban_clerk_core::search::search;
use yaoban_clerk_core::store::{Store, StoreError};
use yaoban_clerk_core::sync::{LoadPlan, Pairing, PulledPage, SyncStore};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};
use yaoban_domain::calendar::day_number;
use yaoban_domain::codes::{ConsentPurpose, Role};
use yaoban_domain::model::{ClassModel, Consent, CutPoints, Drug, Lifetime, Member, Reading, Staff};
use yaoban_protocol::codec::{from_cbor, to_cbor};
use yaoban_protocol::message::{Chunk, ChunkRef, Cursor, Manifest};
use yaoban_protocol::row::{Change, ChangeKind, Purchases, entity};

const MEMBERS: usize = 100_000;
const LINES_A_MEMBER: usize = 10;
const DRUGS: usize = 2_000;
const CHUNK_MEMBERS: usize = 5_000;
const NOW_MS: i64 = 1_781_496_000_000;

struct Vault;
impl KeyVault for Vault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([7; 32])))
    }
}

/// A small generator: the same data at every run.
struct Draw(u64);
impl Draw {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.next(of.len())]
    }
}

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何",
    "高", "单", "曾", "解", "欧阳", "尉迟", "林",
];
const GIVEN: [&str; 40] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超",
    "秀", "霞", "平", "刚", "桂", "英", "华", "玉", "萍", "红", "梅", "建", "国", "文", "志", "海", "云",
    "雪", "晨", "宇", "浩", "然", "欣",
];

fn put<T: serde::Serialize>(entity: &str, id: &str, seq: u64, row: &T) -> Change {
    Change {
        seq,
        entity: entity.into(),
        id: id.into(),
        kind: ChangeKind::Put,
        body: to_cbor(row).unwrap().into(),
    }
}

fn member(draw: &mut Draw, at: usize, last_visit: Option<chrono::NaiveDate>) -> Member {
    let mut name = draw.pick(&SURNAMES).to_owned() + draw.pick(&GIVEN);
    if draw.next(4) > 0 {
        name += draw.pick(&GIVEN);
    }
    let consent = |purpose: ConsentPurpose| Consent {
        purpose: purpose.into(),
        channel: None,
        granted: true,
        at_ms: NOW_MS - 86_400_000 * 200,
        wording_version: "v1".into(),
        place: "S001".into(),
        staff_id: Some("C001".into()),
    };
    let prefix = draw.pick(&["138", "139", "150", "186", "177"]);
    Member {
        id: format!("M{at:07}"),
        store_id: Some("S001".into()),
        name,
        phone: Some(format!("{prefix}{:08}", draw.next(100_000_000))),
        phone_invalid: false,
        sex: None,
        birthday: chrono::NaiveDate::from_ymd_opt(
            1940 + draw.next(60) as i32,
            1 + draw.next(12) as u32,
            1 + draw.next(28) as u32,
        ),
        joined_on: chrono::NaiveDate::from_ymd_opt(2020, 1 + draw.next(12) as u32, 1),
        diseases: if draw.next(3) == 0 {
            vec!["hypertension".into()]
        } else {
            Vec::new()
        },
        allergies: Vec::new(),
        tags: if draw.next(5) == 0 {
            vec!["会员日".into()]
        } else {
            Vec::new()
        },
        height_cm: None,
        weight_hg: None,
        consents: vec![
            consent(ConsentPurpose::Membership),
            consent(ConsentPurpose::Health),
            consent(ConsentPurpose::Marketing),
        ],
        regimens: Vec::new(),
        paused_until: None,
        do_not_contact: false,
        deceased: false,
        erased: false,
        ask_number: false,
        aliases: Vec::new(),
        lifetime: Lifetime {
            times: 12,
            total_fen: 120_000,
            last_visit,
        },
        version: 1,
    }
}

fn purchases(draw: &mut Draw, id: &str, today: i32) -> Purchases {
    let mut lines: Vec<(i32, i32, usize, i64)> = Vec::new();
    let usual = draw.next(DRUGS);
    for _ in 0..LINES_A_MEMBER {
        let drug = if draw.next(2) == 0 {
            usual
        } else {
            draw.next(DRUGS)
        };
        lines.push((
            today - draw.next(730) as i32,
            30_000 + draw.next(40_000) as i32,
            drug,
            500 + draw.next(20_000) as i64,
        ));
    }
    lines.sort_unstable();
    let mut bought = Purchases {
        member_id: id.to_owned(),
        stores: vec!["S001".into()],
        ..Purchases::default()
    };
    for (day, second, drug, amount) in lines {
        let drug_id = format!("D{drug:05}");
        let place = bought
            .drugs
            .iter()
            .position(|known| *known == drug_id)
            .unwrap_or_else(|| {
                bought.drugs.push(drug_id);
                bought.drugs.len() - 1
            });
        bought.days.push(day);
        bought.seconds.push(second);
        bought.drug_index.push(place as i32);
        bought.store_index.push(0);
        bought.quantities_milli.push(1_000 + 1_000 * draw.next(2) as i64);
        bought.amounts_fen.push(amount);
    }
    bought
}

fn chunk(at: usize, today: chrono::NaiveDate) -> Chunk {
    let mut draw = Draw(0x9E37_79B9_7F4A_7C15 ^ (at as u64 + 1).wrapping_mul(0x1234_5678_9ABC_DEF1));
    let mut rows = Vec::new();
    let mut seq = (at * CHUNK_MEMBERS * 3) as u64 + 10_000;
    for index in at * CHUNK_MEMBERS..(at + 1) * CHUNK_MEMBERS {
        let id = format!("M{index:07}");
        let bought = purchases(&mut draw, &id, day_number(today));
        let last = bought
            .days
            .last()
            .map(|day| yaoban_domain::calendar::from_day_number(*day));
        seq += 3;
        rows.push(put(entity::MEMBER, &id, seq, &member(&mut draw, index, last)));
        rows.push(put(entity::PURCHASES, &id, seq + 1, &bought));
        if index % 3 == 0 {
            let reading = Reading {
                id: format!("R{index:07}"),
                member_id: id.clone(),
                taken_at_ms: NOW_MS - draw.next(300) as i64 * 86_400_000,
                kind: yaoban_domain::codes::ReadingKind::Bp.into(),
                systolic: Some(110 + draw.next(60) as u16),
                diastolic: Some(70 + draw.next(30) as u16),
                glucose_tenths: None,
                context: yaoban_domain::codes::ReadingContext::Office.into(),
                staff_id: None,
                supersedes: None,
            };
            rows.push(put(entity::READING, &reading.id, seq + 2, &reading));
        }
    }
    Chunk { rows }
}

fn catalogue() -> Chunk {
    let mut rows: Vec<Change> = (0..DRUGS)
        .map(|at| {
            let drug = Drug {
                id: format!("D{at:05}"),
                name: format!("药品{at}"),
                ingredient: Some(format!("成分{}", at / 4)),
                category: Some(format!("类别{}", at % 30)),
                manufacturer: Some(format!("厂家{}", at % 50)),
                spec: Some("10mg*30片".into()),
                units_per_pack_milli: Some(30_000),
                daily_units_milli: Some(1_000),
                prescription: at % 2 == 0,
                chronic: at % 3 == 0,
            };
            put(entity::DRUG, &drug.id, at as u64 + 1, &drug)
        })
        .collect();
    let cuts = CutPoints {
        recency: [20, 60, 120, 240],
        frequency: [2, 4, 6, 9],
        monetary: [10_000, 30_000, 60_000, 90_000],
    };
    let model = ClassModel {
        version: 1,
        cut_points: Some(cuts),
        ..ClassModel::default()
    };
    rows.push(put(entity::MODEL, "model", 5_000, &model));
    let manager = Staff {
        id: "B001".into(),
        store_id: Some("S001".into()),
        region: None,
        name: "店长".into(),
        role: Role::StoreManager.into(),
        pharmacist: true,
        active: true,
        off_on: None,
    };
    rows.push(put(entity::STAFF, "B001", 5_001, &manager));
    Chunk { rows }
}

fn manifest(scope: &str, chunks: usize, at_seq: u64) -> Manifest {
    let chunk = ChunkRef {
        sha256: String::new(),
        bytes: 0,
        members: 0,
    };
    Manifest {
        scope: scope.into(),
        generation: 1,
        at_seq,
        chunks: vec![chunk; chunks],
        members: 0,
        rows: 0,
    }
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn row(what: &str, value: impl std::fmt::Display, target: &str) {
    println!("| {what} | {value} | {target} |");
}

/// Processor time of this process: on a busy machine the clock says little.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn memory_peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clerk.db");
    println!("| what | measured | target |\n|---|---|---|");
    let today = "2026-06-15".parse().unwrap();
    load(&path, today);
    row(
        "peak memory of a load",
        format!("{} MB", memory_peak_mb()),
        "120 MB",
    );
    let begin = Instant::now();
    let (store, _) = Store::open(&path, &Vault, NOW_MS).unwrap();
    row("open", format!("{:?}", begin.elapsed()), "100 ms");
    let store = Arc::new(store);
    searches(&store);
    pull(&store, today);
    drop(store);
    let app = ClerkApp::open(dir.path(), &Vault, Arc::new(Still)).unwrap();
    app.switch_staff("B001", None).unwrap();
    screens(&app);
    let store = Store::open(&path, &Vault, NOW_MS).unwrap().0;
    let bytes = std::fs::metadata(&path).unwrap().len();
    row("file", format!("{:.1} MB", bytes as f64 / 1e6), "100 MB");
    row("peak memory", format!("{} MB", memory_peak_mb()), "120 MB");
    if std::env::args().nth(1).as_deref() == Some("--tables") {
        tables(&store);
    }
}

fn load(path: &std::path::Path, today: chrono::NaiveDate) {
    let chunks = MEMBERS / CHUNK_MEMBERS;
    let mut store = Arc::new(Store::open(path, &Vault, NOW_MS).unwrap().0);
    store
        .save_pairing(&Pairing {
            url: "https://hub".into(),
            fingerprint: String::new(),
            device_id: "D".into(),
            refresh_secret: "s".into(),
            chain_name: "chain".into(),
            store_id: "S001".into(),
            store_name: "store".into(),
            staff_id: None,
        })
        .unwrap();
    let plan = LoadPlan {
        epoch: "e".into(),
        manifests: vec![
            manifest("catalogue", 1, 6_000),
            manifest("store:S001", chunks, 10_000_000),
        ],
        shape: 1,
    };
    store.begin_load(&plan).unwrap();
    let mut busy = Duration::ZERO;
    let mut worked = Duration::ZERO;
    for index in 0..=chunks {
        let rows = if index == 0 {
            catalogue()
        } else {
            chunk(index - 1, today)
        };
        let (begin, before) = (Instant::now(), cpu());
        store.load_chunk(index as u32, rows).unwrap();
        busy += begin.elapsed();
        worked += cpu().saturating_sub(before);
    }
    row(
        "rows of a first load",
        format!("{busy:?} (processor {worked:?})"),
        "",
    );
    let (begin, before) = (Instant::now(), cpu());
    SyncStore::finish_load(&mut store, NOW_MS).unwrap();
    row(
        "indexes and swap",
        format!(
            "{:?} (processor {:?})",
            begin.elapsed(),
            cpu().saturating_sub(before)
        ),
        "",
    );
    row(
        "first load",
        format!("{:?}", busy + begin.elapsed()),
        "10 s with the network",
    );
    let begin = Instant::now();
    store.refresh_all_figures(today).unwrap();
    row("figures of all members", format!("{:?}", begin.elapsed()), "");
    store.pause().unwrap();
}

fn searches(store: &Store) {
    let mut draw = Draw(42);
    let numbers: Vec<String> = (0..500).map(|_| format!("{:04}", draw.next(10_000))).collect();
    let names: Vec<String> = (0..500)
        .map(|_| draw.pick(&SURNAMES).to_owned() + draw.pick(&GIVEN))
        .collect();
    let parts: Vec<String> = (0..500)
        .map(|_| draw.pick(&GIVEN).to_owned() + draw.pick(&GIVEN))
        .collect();
    let initials: Vec<String> = (0..500)
        .map(|_| ["wf", "lwj", "zm", "oyn", "ych", "sf"][draw.next(6)].to_owned())
        .collect();
    let full: Vec<String> = (0..500)
        .map(|_| ["wangfang", "zeng", "ouyang", "liwei", "shan"][draw.next(5)].to_owned())
        .collect();
    let one: Vec<String> = (0..500)
        .map(|_| ["王", "w", "伟", "l"][draw.next(4)].to_owned())
        .collect();
    for (what, queries) in [
        ("end of a number", numbers),
        ("name", names),
        ("part of a name", parts),
        ("initials", initials),
        ("pinyin", full),
        ("one character", one),
    ] {
        let times = timed(queries.len(), |run| {
            let hits = store
                .read(|conn| search(conn, &queries[run], "S001", 20))
                .unwrap();
            assert!(hits.len() <= 20);
        });
        show(&format!("search by {what}"), times, "2 ms");
    }
}

/// A clock that stands still.
struct Still;
impl Clock for Still {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }
}

fn timed(runs: usize, mut work: impl FnMut(usize)) -> Vec<Duration> {
    (0..runs)
        .map(|run| {
            let begin = Instant::now();
            work(run);
            begin.elapsed()
        })
        .collect()
}

fn show(what: &str, times: Vec<Duration>, target: &str) {
    let (half, most) = (percentile(times.clone(), 50), percentile(times, 99));
    row(
        &format!("{what}, p50 / p99"),
        format!("{half:?} / {most:?}"),
        target,
    );
}

fn screens(app: &ClerkApp) {
    let mut draw = Draw(7);
    let ids: Vec<String> = (0..500).map(|_| format!("M{:07}", draw.next(MEMBERS))).collect();
    show(
        "profile",
        timed(500, |run| drop(app.profile(&ids[run]).unwrap())),
        "2 ms",
    );
    let task = NewTask::of_kind(yaoban_domain::codes::TaskKind::Call);
    let begin = Instant::now();
    app.make_tasks(&ids, &task).unwrap();
    row("500 tasks from a group", format!("{:?}", begin.elapsed()), "");
    let filter = TaskFilter {
        whole_store: true,
        ..TaskFilter::default()
    };
    show(
        "task list of 500",
        timed(100, |_| {
            assert!(app.tasks(&filter).unwrap().tasks().count() >= 490);
        }),
        "5 ms",
    );
    let rule = r#"{"all":[{"any":[{"class":["retain","win_back"]},{"disease":["hypertension"]}]},
        {"bought":{"ingredient":["成分10","成分11"],"within_days":365,"at_least":{"times":1}}},
        {"no_contact":{"within_days":30}}]}"#;
    show(
        "group by ingredient",
        timed(20, |_| drop(app.group(rule, 0, 50).unwrap())),
        "150 ms",
    );
    let rule = r#"{"all":[{"not":{"class":"low"}},{"bought":{"category":["类别1","类别2"],"within_days":365,"at_least":{"times":2}}},
        {"any":[{"tags":"会员日"},{"value_index":{"min":30}}]}]}"#;
    show(
        "group by category",
        timed(20, |_| drop(app.group(rule, 0, 50).unwrap())),
        "150 ms",
    );
}

fn pull(store: &Arc<Store>, today: chrono::NaiveDate) {
    let mut store = Arc::clone(store);
    let changes = chunk(3, today).rows.into_iter().take(1_000).enumerate();
    let changes = changes
        .map(|(at, change)| {
            let seq = 10_000_001 + at as u64;
            if change.entity != entity::PURCHASES {
                return Change { seq, ..change };
            }
            // A visit today: one line more.
            let mut bought: Purchases = from_cbor(&change.body).unwrap();
            bought.days.push(day_number(today));
            bought.seconds.push(40_000);
            bought.drug_index.push(0);
            bought.store_index.push(0);
            bought.quantities_milli.push(1_000);
            bought.amounts_fen.push(1_234);
            put(entity::PURCHASES, &bought.member_id.clone(), seq, &bought)
        })
        .collect();
    let from = Cursor {
        scope: "store:S001".into(),
        generation: 1,
        after: 10_000_000,
    };
    let begin = Instant::now();
    store
        .apply_pull(
            vec![PulledPage {
                from,
                next: 10_001_000,
                changes,
            }],
            0,
            NOW_MS,
        )
        .unwrap();
    row(
        "pull of 1,000 changes",
        format!("{:?}", begin.elapsed()),
        "300 ms",
    );
    let begin = Instant::now();
    store.refresh_all_figures(today).unwrap();
    row(
        "figures of the members in it",
        format!("{:?}", begin.elapsed()),
        "",
    );
}

fn tables(store: &Store) {
    store
        .read(|conn| -> Result<(), StoreError> {
            let mut statement =
                conn.prepare("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                println!(
                    "{:>10.2} MB {}",
                    row.get::<_, i64>(1)? as f64 / 1e6,
                    row.get::<_, String>(0)?
                );
            }
            Ok(())
        })
        .unwrap();
}
