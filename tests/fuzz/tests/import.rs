//! The import takes any file: an error that names the place or a report, never a panic; and the same file
//! again changes nothing.

use std::panic::AssertUnwindSafe;
use std::path::Path;

use bolero::check;
use yaoban_fuzz::{Edit, edited};
use yaoban_hub::clock::SystemClock;
use yaoban_hub::import::{FileKind, FileReport, ImportError, Options, run};
use yaoban_hub::storage::sqlite::Database;

const STORES: &str = "store_id,name,region\nS1,中心店,东区\nS2,河西店,西区\n";
const DRUGS: &str = "drug_id,name,ingredient,category,units_per_pack,daily_units,prescription,chronic\n\
    D1,苯磺酸氨氯地平片,氨氯地平,降压药,28,1,yes,yes\nD2,板蓝根颗粒,,感冒药,10,,no,no\n";
const MEMBERS: &str = "member_id,store_id,name,phone,sex,birthday,joined_on,diseases,allergies,tags,height_cm,weight_kg,consents\n\
    M1,S1,单雪,13800001111,女,1960-02-29,2024-01-01,高血压;痛风,青霉素,老年卡,160,62.5,marketing:call=yes@2024-01-01\n\
    M2,S2,\"查, 良\",,male,,,,,,,,\n";
const PURCHASES: &str = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost\n\
    L1,M1,S1,2026-01-02,D1,2,59.80,40\nL2,M1,S1,2026-01-05 10:00:00,D1,-1,-29.90,-20\nL3,,S1,2026-01-06,D2,1,12,\n\
    L4,M2,S2,2026-02-28T23:59:59+08:00,D2,0.5,6.00,3\n";
const READINGS: &str = "reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context\n\
    R1,M1,2026-01-02 09:00:00,bp,150,95,,office\nR2,M1,2026-01-02,glucose,,,7.1,fasting\n";

fn import(database: &Database, kind: FileKind, path: &Path) -> Result<FileReport, ImportError> {
    let mut reports = run(
        database,
        &[(kind, path.to_owned())],
        Options::default(),
        &SystemClock,
    )?;
    Ok(reports.remove(0))
}

fn hub(folder: &Path) -> Database {
    let database = Database::create(&folder.join("hub"), "试点连锁", None).unwrap();
    for (kind, name, text) in [
        (FileKind::Stores, "stores", STORES),
        (FileKind::Drugs, "drugs", DRUGS),
        (FileKind::Members, "members", MEMBERS),
        (FileKind::Purchases, "purchases", PURCHASES),
        (FileKind::Readings, "readings", READINGS),
    ] {
        let path = folder.join(format!("{name}.csv"));
        std::fs::write(&path, text).unwrap();
        let report = import(&database, kind, &path).unwrap();
        assert_eq!(
            (report.rejected, report.accepted > 0),
            (0, true),
            "{name}: the sample is valid"
        );
    }
    database
}

fn edits_never_break(kind: FileKind, sample: &str) {
    let folder = tempfile::tempdir().unwrap();
    // A run that panics ends the test: nobody sees what it left in the hub.
    let database = AssertUnwindSafe(hub(folder.path()));
    let path = folder.path().join("edited.csv");
    check!().with_type::<Vec<Edit>>().for_each(|edits| {
        let AssertUnwindSafe(database) = &database;
        std::fs::write(&path, edited(sample.as_bytes(), edits)).unwrap();
        if import(database, kind, &path).is_ok() {
            let again = import(database, kind, &path).unwrap();
            assert_eq!(again.accepted, 0, "the same file again changes nothing");
        }
    });
}

#[test]
fn members_with_edits() {
    edits_never_break(FileKind::Members, MEMBERS);
}

#[test]
fn purchases_with_edits() {
    edits_never_break(FileKind::Purchases, PURCHASES);
}

#[test]
fn readings_with_edits() {
    edits_never_break(FileKind::Readings, READINGS);
}
