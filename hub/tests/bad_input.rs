//! Files as they come from real tills: each wrong row and each wrong file is named with its place.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod process;

use std::fs;
use std::path::Path;

use process::{Hub, PURCHASES, counts};
use yaoban_cipher as _;

/// Rows of one kind that are wrong, each with the words that its reason must hold.
fn rejects(kind: &str, header: &str, rows: &[(&str, &[&str])]) {
    let hub = Hub::with_chain();
    let name = format!("wrong-{}.csv", kind.trim_start_matches('-'));
    let text: String = rows.iter().map(|(row, _)| format!("{row}\n")).collect();
    let report = hub.import(kind, &hub.file(&name, format!("{header}\n{text}")));
    assert_eq!(
        counts(&report),
        [0, 0, 0, rows.len() as u64],
        "{kind}: {:#?}",
        hub.rejects(&name)
    );
    assert!(report["rejects"].as_str().unwrap().ends_with(&name), "{report}");
    for (index, ((row, words), line)) in rows.iter().zip(hub.rejects(&name)).enumerate() {
        assert!(line.starts_with(&format!("{},", index + 2)), "{row}: {line}");
        for word in *words {
            assert!(line.contains(word), "{row}: {word}: {line}");
        }
    }
}

#[test]
fn wrong_stores_staff_drugs_and_stock() {
    let long = "x".repeat(65);
    rejects(
        "--stores",
        "store_id,name",
        &[
            (",无号", &["`store_id`", "blank"]),
            (&format!("{long},长号"), &["`store_id`", "64 bytes"]),
            ("S\u{1}1,控制", &["`store_id`", "control"]),
            ("S7", &["1 fields, the header has 2"]),
        ],
    );
    rejects(
        "--staff",
        "staff_id,store_id,name,role,pharmacist,active",
        &[
            (",S1,无号,,,", &["`staff_id`", "blank"]),
            ("E1,S9,外店,,,", &["unknown store `S9`"]),
            ("E2,S1,何职,收银员,,", &["`role`", "unknown"]),
            ("E3,S1,是否,,maybe,", &["`pharmacist`", "neither yes nor no"]),
            ("E4,S1,在否,,,perhaps", &["`active`", "neither yes nor no"]),
        ],
    );
    rejects(
        "--drugs",
        "drug_id,units_per_pack,daily_units,prescription",
        &[
            ("D7,0,1,", &["`units_per_pack`", "above 0"]),
            ("D7,七,1,", &["`units_per_pack`", "no plain number"]),
            ("D7,28,-1,", &["`daily_units`", "above 0"]),
            ("D7,28,1.2345,", &["`daily_units`", "decimals"]),
            ("D7,28,1,1/2", &["`prescription`", "neither yes nor no"]),
        ],
    );
    rejects(
        "--stock",
        "store_id,drug_id,units",
        &[
            ("S9,D1,1", &["unknown store `S9`"]),
            ("S1,D9,1", &["unknown drug `D9`"]),
            ("S1,D1,", &["`units`", "blank"]),
            ("S1,D1,-1", &["`units`", "negative"]),
            ("S1,D1,１", &["`units`", "no plain number"]),
        ],
    );
}

#[test]
fn wrong_members() {
    rejects(
        "--members",
        "member_id,store_id,name,phone,sex,birthday,joined_on,height_cm,weight_kg,consents",
        &[
            (",S1,无号,,,,,,,", &["`member_id`", "blank"]),
            ("N1,S9,外店,,,,,,,", &["unknown store `S9`"]),
            ("N1,S1,号码,12,,,,,,", &["`phone`", "no phone number"]),
            ("N1,S1,性别,,x,,,,,", &["`sex`"]),
            ("N1,S1,生日,,,2001-02-29,,,,", &["`birthday`", "ISO date"]),
            ("N1,S1,生日,,,1/2/2001,,,,", &["`birthday`", "ISO date"]),
            ("N1,S1,生日,,,20010203,,,,", &["`birthday`", "ISO date"]),
            ("N1,S1,入会,,,,2026-13-01,,,", &["`joined_on`", "ISO date"]),
            ("N1,S1,入会,,,,0001-01-01,,,", &["`joined_on`", "ISO date"]),
            ("N1,S1,身高,,,,,20,,", &["`height_cm`", "impossible"]),
            ("N1,S1,身高,,,,,1.65,,", &["`height_cm`"]),
            ("N1,S1,体重,,,,,,62.55,", &["`weight_kg`", "decimals"]),
            ("N1,S1,授权,,,,,,,marketing", &["`consents`", "purpose"]),
            ("N1,S1,授权,,,,,,,spam=yes@2026-01-01", &["`consents`", "`spam`"]),
            (
                "N1,S1,授权,,,,,,,marketing:fax=yes@2026-01-01",
                &["`consents`", "`fax`"],
            ),
            (
                "N1,S1,授权,,,,,,,marketing=yes@yesterday",
                &["`consents`", "ISO date"],
            ),
        ],
    );
}

#[test]
fn wrong_purchases_and_readings() {
    let long = "L".repeat(65);
    rejects(
        "--purchases",
        PURCHASES,
        &[
            ("L1,M1,S1,,D1,1,10,", &["`sold_at`"]),
            ("L1,M1,S1,2026-01-01 25:00,D1,1,10,", &["`sold_at`"]),
            ("L1,M1,S1,2026-01-01T10:00+15:00,D1,1,10,", &["`sold_at`"]),
            ("L1,M1,S1,2026-1-1,D1,1,10,", &["`sold_at`"]),
            ("L1,M1,S1,2026-01-01,D1,1,+10,", &["`amount`", "no plain number"]),
            ("L1,M1,S1,2026-01-01,D1,1,￥10,", &["`amount`", "no plain number"]),
            ("L1,M1,S1,2026-01-01,D1,1,1e3,", &["`amount`", "no plain number"]),
            ("L1,M1,S1,2026-01-01,D1,1,NaN,", &["`amount`", "no plain number"]),
            (
                "L1,M1,S1,2026-01-01,D1,1,99999999999,",
                &["`amount`", "out of range"],
            ),
            (
                "L1,M1,S1,2026-01-01,D1,一,10,",
                &["`quantity`", "no plain number"],
            ),
            ("L1,M1,S1,2026-01-01,D1,1,10,0.001", &["`cost`", "decimals"]),
            (
                &format!("{long},M1,S1,2026-01-01,D1,1,10,"),
                &["`line_id`", "64 bytes"],
            ),
        ],
    );
    rejects(
        "--readings",
        "reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context",
        &[
            (",M1,2026-01-01,bp,120,80,,", &["`reading_id`", "blank"]),
            ("R1,,2026-01-01,bp,120,80,,", &["`member_id`", "blank"]),
            ("R1,M1,,bp,120,80,,", &["`taken_at`", "blank"]),
            ("R1,M1,2026-01-01,weight,,,60,", &["`kind`", "unknown"]),
            ("R1,M1,2026-01-01,,120,80,5.0,", &["`kind`"]),
            ("R1,M1,2026-01-01,bp,120.5,80,,", &["`systolic`"]),
            ("R1,M1,2026-01-01,bp,120,-80,,", &["`diastolic`", "negative"]),
            ("R1,M1,2026-01-01,bp,120,80,,空腹", &["`context`"]),
        ],
    );
}

#[test]
fn a_blank_quantity_is_not_known_and_no_pack() {
    let hub = Hub::with_chain();
    let rows = "L1,M1,S1,2026-02-01,D1,,10,\nL2,M2,S1,2026-02-01,D1,1,10,\nL3,M2,S1,2026-02-02,D1,,-3,\n";
    assert_eq!(counts(&hub.purchases(rows)), [3, 0, 0, 0]);
    assert_eq!(counts(&hub.purchases(rows)), [0, 3, 0, 0]);
    let with = |condition: &str| hub.audience(&format!(r#"{{"bought": {{"drug": "D1", {condition}}}}}"#));
    // What was paid counts, the visit counts; units and times do not.
    assert_eq!(with(r#""at_least": {"fen": 700}"#), ["M1", "M2"]);
    assert_eq!(hub.audience(r#"{"frequency": {"min": 1}}"#), ["M1", "M2"]);
    assert_eq!(with(r#""at_least": {"times": 1}"#), ["M2"]);
    assert_eq!(with(r#""at_least": {"units": 1}"#), ["M2"]);
    // Nobody is told that a medicine runs out that may last for months.
    let state = |state: &str| {
        hub.audience(&format!(
            r#"{{"medicine": {{"ingredient": "氨氯地平", "status": ["{state}"]}}}}"#
        ))
    };
    let known: Vec<String> = ["in_use", "running_low", "out", "lapsed"]
        .iter()
        .flat_map(|s| state(s))
        .collect();
    assert_eq!(known, ["M2"]);
    // A file without the column at all is taken in too.
    let file = hub.file(
        "plain.csv",
        "line_id,member_id,sold_at,amount\nL9,M3,2026-02-01,5\n",
    );
    assert_eq!(counts(&hub.import("--purchases", &file)), [1, 0, 0, 0]);
}

/// Of files that are tables, but odd ones, every good row goes in.
#[test]
fn odd_tables_are_read() {
    let gb = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    let text = "member_id,name\r\nM7,单雪\r\nM8,\"王,\"\"小\"\"芳\"\r\n";
    let mut gb_bom = vec![0x84, 0x31, 0x95, 0x33];
    gb_bom.extend(gb(text));
    let no_end = text.trim_end().as_bytes().to_vec();
    for (name, bytes) in [
        ("crlf.csv", text.as_bytes().to_vec()),
        ("lf.csv", text.replace('\r', "").into_bytes()),
        ("no-end.csv", no_end),
        ("gb18030.csv", gb(text)),
        ("gb18030-bom.csv", gb_bom),
        (
            "blank-lines.csv",
            text.replace("\r\n", "\r\n\r\n , \r\n")
                .replace(" , ", "")
                .into_bytes(),
        ),
    ] {
        let hub = Hub::with_chain();
        let report = hub.import("--members", &hub.file(name, bytes));
        assert_eq!(counts(&report), [2, 0, 0, 0], "{name}: {report}");
        let database = rusqlite::Connection::open(hub.data().join("hub.db")).unwrap();
        let named: String = database
            .query_row(
                "SELECT group_concat(name, ' ') FROM member WHERE member_id IN ('M7', 'M8')",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(named, "单雪 王,\"小\"芳", "{name}");
    }
    let hub = Hub::with_chain();
    let report = hub.import("--members", &hub.file("header-only.csv", "member_id,name\n"));
    assert_eq!(counts(&report), [0, 0, 0, 0]);
}

/// Rows that are broken as text cost themselves only.
#[test]
fn broken_rows_cost_themselves_only() {
    let hub = Hub::with_chain();
    let long = "y".repeat(70_000);
    let mut bytes = format!(
        "member_id,name\nM10,a\nM11,\"open\nM12,b\nM13,{long}\nM14,c\nM15,\0\nM16,d\nM17,\"a\"b\nM18,e\n"
    )
    .into_bytes();
    bytes.extend_from_slice(b"M19,\xff\xff\nM20,f\n");
    let report = hub.import("--members", &hub.file("broken.csv", bytes));
    assert_eq!(counts(&report), [6, 0, 0, 5], "{:#?}", hub.rejects("broken.csv"));
    for (line, (number, words)) in hub.rejects("broken.csv").iter().zip([
        (3, "quote"),
        (5, "64 KiB"),
        (7, "NUL"),
        (9, "quote"),
        (11, "no text"),
    ]) {
        assert!(
            line.starts_with(&format!("{number},")) && line.contains(words),
            "{line}"
        );
    }
}

#[test]
fn files_that_are_no_table_are_named_and_change_nothing() {
    let hub = Hub::with_chain();
    let utf16 = |text: &str, bom: [u8; 2]| {
        let little = bom[0] == 0xff;
        let units = text.encode_utf16().flat_map(|unit| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        });
        bom.into_iter().chain(units).collect::<Vec<u8>>()
    };
    let workbook = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/members.xlsx")).unwrap();
    let header = "member_id,name\n";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.csv", Vec::new(), "empty"),
        ("bom-only.csv", b"\xef\xbb\xbf".to_vec(), "empty"),
        ("blank.csv", b"\n \n\n".to_vec(), "empty"),
        (
            "picture.png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01".to_vec(),
            "binary",
        ),
        ("nul.csv", b"member_id,na\0me\nM9,x\n".to_vec(), "binary"),
        ("utf16le.csv", utf16(header, [0xff, 0xfe]), "UTF-16"),
        ("utf16be.csv", utf16(header, [0xfe, 0xff]), "UTF-16"),
        ("truncated.xlsx", workbook[..workbook.len() / 2].to_vec(), "XLSX"),
        (
            "cr-only.csv",
            b"member_id,name\rM9,x\rM8,y\r".to_vec(),
            "carriage return",
        ),
        (
            "cr-only-long.csv",
            format!("member_id,name\r{}", "M9,x\r".repeat(20_000)).into_bytes(),
            "carriage return",
        ),
        ("no-id.csv", b"name,phone\nx,\n".to_vec(), "`member_id`"),
        (
            "twice.csv",
            b"member_id,name,\xe5\xa7\x93\xe5\x90\x8d\nM9,x,y\n".to_vec(),
            "both mean `name`",
        ),
        (
            "semicolons.csv",
            b"member_id;name\nM9;x\n".to_vec(),
            "`member_id`",
        ),
        ("open-quote.csv", b"\"member_id,name\nM9,x\n".to_vec(), "quote"),
    ];
    let before = hub.classes();
    for (name, bytes, word) in cases {
        let message = hub.refused(&["import", "--members", hub.file(name, bytes).to_str().unwrap()]);
        assert!(
            message.contains(word) && message.contains(name),
            "{name}: {message}"
        );
    }
    let message = hub.refused(&["import", "--members", hub.dir.path().to_str().unwrap()]);
    assert!(message.contains("directory"), "{message}");
    if Path::new("/dev/zero").exists() {
        let message = hub.refused(&["import", "--members", "/dev/zero"]);
        assert!(message.contains("/dev/zero"), "{message}");
    }
    assert_eq!(hub.classes(), before);
}

#[test]
fn a_data_directory_that_is_none_is_named() {
    let hub = Hub::with_chain();
    let file = hub.file("stores.csv", "store_id\nS1\n");
    let file = file.to_str().unwrap();
    let run = |data: &str| {
        let output = std::process::Command::new(process::HUB)
            .args(["import", "--data", data, "--stores", file])
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{data}: {message}");
        assert!(
            message.contains(data) && !message.contains("panicked"),
            "{data}: {message}"
        );
        message
    };
    assert!(run("/nowhere/at/all").contains("init"));
    // A file in the place of the directory.
    run(file);
    // A directory with something else in the place of the database.
    let other = hub.dir.path().join("other");
    fs::create_dir_all(&other).unwrap();
    fs::write(
        other.join("hub.db"),
        "no database, but long enough to be looked at as one",
    )
    .unwrap();
    assert!(run(other.to_str().unwrap()).contains("backup"));
    assert_eq!(
        fs::read(other.join("hub.db")).unwrap(),
        b"no database, but long enough to be looked at as one"
    );
}
