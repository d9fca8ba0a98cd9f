//! The real process over real files: what the import takes, refuses and keeps.

mod process;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use process::{Hub, PURCHASES, counts};
use proptest::prelude::*;
use serde_json::Value;
use yaoban_hub::storage::packed;

#[test]
fn every_wrong_row_is_rejected_by_name_and_the_rest_goes_in() {
    let hub = Hub::with_chain();
    let bad = [
        ("L1,M9,S1,2026-01-01,D1,1,10,", "unknown member `M9`"),
        ("L1,M1,S9,2026-01-01,D1,1,10,", "unknown store `S9`"),
        ("L1,M1,S1,2026-01-01,D9,1,10,", "unknown drug `D9`"),
        ("L1,M1,S1,2026-02-30,D1,1,10,", "`sold_at`"),
        ("L1,M1,S1,01/02/2026,D1,1,10,", "`sold_at`"),
        ("L1,M1,S1,2026-01-01,D1,1,\"1,000.00\",", "`amount`"),
        (
            "L1,M1,S1,2026-01-01,D1,1,10.001,",
            "`amount` has too many decimals",
        ),
        ("L1,M1,S1,2026-01-01,D1,1,,", "`amount` is blank"),
        (
            "L1,M1,S1,2026-01-01,D1,1.0001,10,",
            "`quantity` has too many decimals",
        ),
        ("L1,M1,S1,2026-01-01,D1,1,10,1e3", "`cost`"),
        (",M1,S1,2026-01-01,D1,1,10,", "`line_id` is blank"),
        ("L1,M1,S1,2026-01-01,D1,1,10", "7 fields"),
        ("L1,M1,S1,2026-01-01,D1,1,10,,x", "9 fields"),
        ("L1,M1,S1,2026-01-01,\"D1,1,10,", "quote"),
        ("L1,M1,\0,2026-01-01,D1,1,10,", "NUL"),
    ];
    let rows: String = bad.iter().map(|(row, _)| format!("{row}\n")).collect();
    let report = hub.purchases(&format!(
        "{rows}G1,,S1,2026-01-01,D1,1,10,\nG2,M1,S1,2026-01-01T23:30:00Z,D1,2,25.50,\n"
    ));
    assert_eq!(counts(&report), [1, 0, 1, bad.len() as u64]);
    let rejects = hub.rejects("purchases.csv");
    for (index, ((_, reason), line)) in bad.iter().zip(&rejects).enumerate() {
        assert!(line.starts_with(&format!("{},", index + 2)), "{line}");
        assert!(line.contains(reason), "{reason}: {line}");
    }
    // Late in the evening of Greenwich it is the next day here.
    assert_eq!(
        hub.audience(r#"{"bought": {"drug": "D1", "days": {"min": 58, "max": 58}}}"#),
        ["M1"]
    );
    // The next run rewrites the file, also when nothing is left to reject.
    assert_eq!(
        counts(&hub.purchases("G2,M1,S1,2026-01-01T23:30:00Z,D1,2,25.50,\n")),
        [0, 1, 0, 0]
    );
    assert!(hub.rejects("purchases.csv").is_empty());
}

#[test]
fn a_line_id_stands_for_one_content() {
    let hub = Hub::with_chain();
    let first =
        "L1,M1,S1,2026-01-01,D1,1,10,\nL1,M1,S1,2026-01-01,D1,1,10.00,\nL1,M1,S1,2026-01-01,D1,1,11,\n";
    assert_eq!(counts(&hub.purchases(first)), [1, 1, 0, 1]);
    assert!(hub.rejects("purchases.csv")[0].starts_with("4,"));
    assert_eq!(counts(&hub.purchases(first)), [0, 2, 0, 1]);
    let before = hub.classes();
    assert_eq!(
        counts(&hub.purchases("L1,M2,S1,2026-01-01,D1,1,10,\nL2,M1,S1,2026-01-02,D1,-1,-10,\n")),
        [1, 0, 0, 1]
    );
    assert_ne!(hub.classes(), before);
}

#[test]
fn members_are_updated_by_a_later_file_and_not_within_one() {
    let hub = Hub::with_chain();
    let file = hub.file(
        "members.csv",
        "member_id,store_id,name,diseases,consents,phone\n\
         M1,S2,单雪,高血压;痛风石;diabetes,marketing:sms=yes@2026-01-01;health=no@2026-01-02,+86 138-0000-1111\n\
         M1,S2,另名,,,\n\
         M5,S7,x,,,\nM6,S1,x,,marketing=perhaps@2026-01-01,\nM7,S1,x,,,12\nM8,S1,\"two\nlines\",,,12\n",
    );
    assert_eq!(counts(&hub.import("--members", &file)), [1, 0, 0, 5]);
    let rejects = hub.rejects("members.csv");
    assert!(rejects[0].contains("stands on line 2 already"), "{rejects:?}");
    assert!(rejects[1].contains("unknown store `S7`"), "{rejects:?}");
    assert!(
        rejects[2].contains("`consents`") && rejects[3].contains("`phone`"),
        "{rejects:?}"
    );
    assert!(
        rejects[4].starts_with("7,") && rejects[4].contains("two\\nlines"),
        "{rejects:?}"
    );
    assert_eq!(
        hub.audience(r#"{"all": [{"disease": ["hypertension"]}, {"tags": ["痛风石"]}, {"store": ["S2"]}]}"#),
        ["M1"]
    );
    assert_eq!(counts(&hub.import("--members", &file))[..2], [0, 1]);
}

#[test]
fn readings_are_possible_immutable_and_raise_the_pharmacist() {
    let hub = Hub::with_chain();
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
    let rows = format!(
        "reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context\n\
         R1,M1,{now},bp,190,95,,\nR2,M1,2025-01-01T08:00,bp,190,95,,home\nR3,M1,2025-01-01,,,,7.1,空腹\n\
         R4,M1,2025-01-01,bp,39,20,,\nR5,M1,2025-01-01,bp,120,120,,\nR6,M1,2025-01-01,glucose,,,7.15,\n\
         R7,M1,2025-01-01,glucose,,,51,\nR8,M9,2025-01-01,glucose,,,5,\nR9,M1,2025-01-01,glucose,,,5,office\n\
         R3,M1,2025-01-01,,,,7.2,空腹\n"
    );
    let file = hub.file("readings.csv", rows);
    assert_eq!(counts(&hub.import("--readings", &file)), [3, 0, 0, 7]);
    assert_eq!(counts(&hub.import("--readings", &file)), [0, 3, 0, 7]);
    let database = rusqlite::Connection::open(hub.data().join("hub.db")).unwrap();
    let tasks: Vec<String> = database
        .prepare("SELECT task_id FROM task")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(tasks, ["emergency-R1"]);
}

#[test]
fn encodings_and_workbooks_give_the_same_records() {
    let text = "会员编号,姓名,手机号,生日,体重（kg）\r\n1001,单雪,13800001111,2000-02-29,62.5\r\n";
    let gb18030 = encoding_rs::GB18030.encode(text).0.into_owned();
    let mut bom = b"\xef\xbb\xbf".to_vec();
    bom.extend_from_slice(text.as_bytes());
    let files = [
        ("utf8.csv", text.as_bytes().to_vec()),
        ("bom.csv", bom),
        ("gb.csv", gb18030),
    ];
    let hub = Hub::new();
    for (index, (name, bytes)) in files.iter().enumerate() {
        let report = hub.import("--members", &hub.file(name, bytes));
        assert_eq!(
            counts(&report),
            if index == 0 { [1, 0, 0, 0] } else { [0, 1, 0, 0] },
            "{name}"
        );
    }
    let workbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/members.xlsx");
    let report = hub.import("--members", &workbook);
    assert_eq!(counts(&report), [0, 1, 0, 1], "{report}");
    assert!(hub.rejects("members.csv")[0].starts_with("3,"));
    let mut broken = text.as_bytes().to_vec();
    broken.extend_from_slice(b"1002,\xff\xfe\xfd,,,\r\n");
    assert_eq!(
        counts(&hub.import("--members", &hub.file("broken.csv", broken))),
        [0, 1, 0, 1]
    );
    assert!(hub.rejects("broken.csv")[0].contains("no text"));
}

#[test]
fn a_file_that_is_no_table_changes_nothing() {
    let hub = Hub::with_chain();
    let before = hub.classes();
    let good = hub.file("more.csv", "member_id,name\nM77,x\n");
    let cases: [(&str, &[u8], &str); 7] = [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b"\n\n\n", "empty"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        ("other.csv", b"a,b,c\n1,2,3\n", "`line_id`"),
        ("utf16.csv", b"\xff\xfel\0i\0", "UTF-16"),
        ("fake.xlsx", b"PK\x03\x04 but nothing else", "XLSX"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xlsx"),
    ];
    for (name, bytes, word) in cases {
        let path = hub.file(name, bytes);
        let message = hub.refused(&[
            "import",
            "--members",
            good.to_str().unwrap(),
            "--purchases",
            path.to_str().unwrap(),
        ]);
        assert!(
            message.contains(word) && message.contains(name),
            "{name}: {message}"
        );
    }
    let message = hub.refused(&["import", "--purchases", "/nowhere/at/all.csv"]);
    assert!(message.contains("/nowhere/at/all.csv"), "{message}");
    hub.refused(&["import", "--purchases", hub.dir.path().to_str().unwrap()]);
    assert_eq!(hub.classes(), before, "not even the good file beside it");
    assert_eq!(hub.run(&["import"]).status.code(), Some(2));
}

#[test]
fn a_newer_database_and_a_second_import_are_refused() {
    let hub = Hub::with_chain();
    let file = hub.file("stores.csv", "store_id\nS1\n");
    let lock = fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(hub.data().join("import.lock"))
        .unwrap();
    lock.lock().unwrap();
    let message = hub.refused(&["import", "--stores", file.to_str().unwrap()]);
    assert!(message.contains("another import"), "{message}");
    drop(lock);
    let database = rusqlite::Connection::open(hub.data().join("hub.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    let message = hub.refused(&["import", "--stores", file.to_str().unwrap()]);
    assert!(message.contains("newer version"), "{message}");
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let hub = Hub::new();
    let stores = hub.file("stores.csv", "store_id\nS1\n");
    let members = hub.file("members.csv", "member_id,store_id\nM1,S1\nM2,S9\n");
    let purchases = hub.file(
        "p.csv",
        "line_id,member_id,sold_at,amount\nL1,M1,2026-01-01,5\nL1,M1,2026-01-01,6\n",
    );
    let args = [
        "import",
        "--stores",
        stores.to_str().unwrap(),
        "--members",
        members.to_str().unwrap(),
        "--purchases",
        purchases.to_str().unwrap(),
        "--json",
    ];
    let files = |args: &[&str]| -> Vec<[u64; 4]> {
        let out: Value = serde_json::from_str(&hub.ok(args)).unwrap();
        out["files"].as_array().unwrap().iter().map(counts).collect()
    };
    let mut dry = args.to_vec();
    dry.push("--dry-run");
    let before = fs::read(hub.data().join("hub.db")).unwrap();
    let told = files(&dry);
    assert_eq!(told, [[1, 0, 0, 0], [1, 0, 0, 1], [1, 0, 0, 1]]);
    assert_eq!(fs::read(hub.data().join("hub.db")).unwrap(), before);
    let entries: Vec<_> = fs::read_dir(hub.data())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        entries
            .iter()
            .all(|name| name.to_str().unwrap().starts_with("hub.db")
                || name.to_str().unwrap().starts_with("write.")
                || name == "keys"),
        "{entries:?}"
    );
    assert_eq!(files(&args), told);
}

/// Lines of many parts, in no order of members or days.
fn long_file(lines: u64) -> String {
    let mut text = format!("{PURCHASES}\n");
    for line in 0..lines {
        let mixed = line.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (member, drug) = (mixed % 4 + 1, (mixed >> 8) % 3 + 1);
        let (month, day) = ((mixed >> 16) % 12 + 1, (mixed >> 24) % 28 + 1);
        let amount = (mixed >> 32) % 5_000;
        let sign = if mixed >> 60 == 0 { "-" } else { "" };
        let member = if line % 1000 == 0 { 9 } else { member };
        text += &format!(
            "L{line},M{member},S1,2025-{month:02}-{day:02},D{drug},{sign}1,{sign}{}.{:02},\n",
            amount / 100,
            amount % 100
        );
    }
    text
}

/// Everything that purchases leave behind, as text.
fn figures(hub: &Hub) -> String {
    let database = rusqlite::Connection::open(hub.data().join("hub.db")).unwrap();
    let mut all = hub.classes();
    for sql in [
        "SELECT member_key || ' ' || hex(days) FROM member_days ORDER BY 1",
        "SELECT member_key || ' ' || hex(lines) FROM member_lines ORDER BY 1",
    ] {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        for row in rows {
            all += &row.unwrap();
            all.push('\n');
        }
    }
    // By drug the lines stand in one row a file.
    let mut sales = Vec::new();
    let mut statement = database
        .prepare("SELECT drug_key, sales FROM drug_sales")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let packed: Vec<u8> = row.get(1).unwrap();
        let read = packed::sales::read(&packed).map(|sale| (row.get::<_, u32>(0).unwrap(), sale.unwrap()));
        sales.extend(read);
    }
    sales.sort_unstable();
    all + &format!("{sales:?}")
}

#[test]
fn a_killed_import_is_finished_by_the_next_one() {
    let text = long_file(1_200_000);
    let clean = Hub::with_chain();
    let clean_path = clean.file("long.csv", &text);
    let expected = counts(&clean.import("--purchases", &clean_path));
    assert_eq!(expected, [1_198_800, 0, 0, 1_200]);
    let expected_figures = figures(&clean);
    // In the first part, after the first part, in the fold, wherever a slower machine stands then.
    for wait_for in ["import.db", "parts", "folding"] {
        let hub = Hub::with_chain();
        let empty = figures(&hub);
        let path = hub.file("long.csv", &text);
        let mut child = hub
            .command(&["import", "--purchases", path.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !reached(&hub, wait_for) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let seen = figures_visible(&hub);
        assert!(seen == empty || seen == hub.classes(), "{wait_for}");
        let report = hub.import("--purchases", &path);
        assert_eq!(counts(&report), expected, "{wait_for}");
        assert_eq!(hub.rejects("long.csv"), clean.rejects("long.csv"), "{wait_for}");
        assert_eq!(figures(&hub), expected_figures, "{wait_for}");
        assert!(!hub.data().join("import.db").exists());
        assert_eq!(counts(&hub.import("--purchases", &path))[..2], [0, 1_198_800]);
    }
}

/// Whether a running import has come this far.
fn reached(hub: &Hub, place: &str) -> bool {
    let open = |name: &str| {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        rusqlite::Connection::open_with_flags(hub.data().join(name), flags).ok()
    };
    let ask = |name: &str, sql: &str| {
        open(name)
            .and_then(|db| db.query_row(sql, [], |row| row.get::<_, i64>(0)).ok())
            .unwrap_or(0)
            > 0
    };
    match place {
        "import.db" => hub.data().join("import.db").exists(),
        "parts" => ask("import.db", "SELECT parts FROM journal"),
        _ => ask("hub.db", "SELECT count(*) FROM member_lines"),
    }
}

fn figures_visible(hub: &Hub) -> String {
    hub.classes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// However the lines are split over files, and in whatever order they come, the figures are the same.
    #[test]
    fn split_and_order_of_files_do_not_matter(
        rows in prop::collection::vec((1_u8..5, 0_u8..4, 1_u8..29, -300_i64..900), 1..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        order in any::<prop::sample::Index>(),
    ) {
        let lines: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(number, (member, drug, day, fen))| {
                let drug = if *drug == 0 { String::new() } else { format!("D{drug}") };
                let sign = if *fen < 0 { "-" } else { "" };
                let fen = fen.abs();
                format!("L{number},M{member},S1,2026-02-{day:02},{drug},{sign}1,{sign}{}.{:02},", fen / 100, fen % 100)
            })
            .collect();
        let whole = Hub::with_chain();
        whole.purchases(&(lines.join("\n") + "\n"));
        let split = Hub::with_chain();
        let mut rest = lines.clone();
        rest.rotate_left(order.index(lines.len()));
        for cut in cuts {
            let some: Vec<String> = rest.drain(..cut.index(rest.len() + 1)).collect();
            split.purchases(&(some.join("\n") + "\n"));
        }
        split.purchases(&(rest.join("\n") + "\n"));
        let report = split.purchases(&(lines.join("\n") + "\n"));
        prop_assert_eq!(counts(&report), [0, lines.len() as u64, 0, 0]);
        let without_generations = |hub: &Hub| figures(hub);
        prop_assert_eq!(without_generations(&split), without_generations(&whole));
    }
}
