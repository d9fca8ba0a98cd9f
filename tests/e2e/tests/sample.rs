//! The sample chain is what its README promises: the same bytes each time, the import's columns, and
//! every oddity that the product has to live with.

// Helpers of a test end it as the test itself would.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use yaoban_e2e::data;

const OPTIONS: [&str; 6] = ["--members", "4000", "--until", "2026-03-01", "--seed", "11"];

/// Columns of each file, as the import takes them.
const COLUMNS: [(&str, &str); 7] = [
    ("stores", "store_id,name,region"),
    ("staff", "staff_id,store_id,region,name,role,pharmacist"),
    (
        "drugs",
        "drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,daily_units,prescription,chronic",
    ),
    (
        "members",
        "member_id,store_id,name,phone,sex,birthday,joined_on,diseases,allergies,tags,height_cm,weight_kg,consents",
    ),
    (
        "purchases",
        "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost",
    ),
    (
        "readings",
        "reading_id,member_id,taken_at,kind,systolic,diastolic,glucose,context",
    ),
    ("stock", "store_id,drug_id,units"),
];

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(format!("{name}.csv"))).unwrap()
}

/// The rows of a file as values by column.
fn rows(folder: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(folder, name);
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            let values: Vec<&str> = line.split(',').collect();
            assert_eq!(values.len(), columns.len(), "{name}: {line}");
            let pairs = columns.iter().zip(values);
            pairs
                .map(|(key, value)| ((*key).to_owned(), value.to_owned()))
                .collect()
        })
        .collect()
}

#[test]
fn same_options_give_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    data::sample(first.path(), &OPTIONS);
    data::sample(second.path(), &OPTIONS);
    for (name, columns) in COLUMNS {
        let made = text(first.path(), name);
        assert_eq!(made.lines().next(), Some(columns), "{name}");
        assert!(made == text(second.path(), name), "{name} differs");
    }
}

#[test]
fn members_have_every_oddity() {
    let folder = tempfile::tempdir().unwrap();
    data::sample(folder.path(), &OPTIONS);
    let members = rows(folder.path(), "members");
    let some = |what: &str, fits: &dyn Fn(&BTreeMap<String, String>) -> bool| {
        assert!(members.iter().any(fits), "no member {what}");
    };
    some("without a store", &|m| m["store_id"].is_empty());
    some("without a number", &|m| m["phone"].is_empty());
    some("with a country code", &|m| m["phone"].starts_with("+86 "));
    some("without a birthday", &|m| m["birthday"].is_empty());
    some("born on 29 February", &|m| m["birthday"].ends_with("-02-29"));
    some("with an allergy", &|m| !m["allergies"].is_empty());
    some("with a disease by its Chinese name", &|m| {
        m["diseases"].contains("高血压")
    });
    some("with a word that is no disease", &|m| {
        m["diseases"].contains("失眠")
    });
    some("who refused marketing", &|m| {
        m["consents"].contains("marketing=no@")
    });
    some("who takes no SMS", &|m| {
        m["consents"].contains("marketing:sms=no@")
    });
    some("who was asked nothing", &|m| m["consents"].is_empty());
    for surname in ["单", "仇", "查", "曾", "解", "任", "区"] {
        some(surname, &|m| m["name"].starts_with(surname));
    }
    let numbers: BTreeSet<&String> = members
        .iter()
        .map(|m| &m["phone"])
        .filter(|p| !p.is_empty())
        .collect();
    let with_number = members.iter().filter(|m| !m["phone"].is_empty()).count();
    assert!(numbers.len() < with_number, "no household shares a number");
    assert!(
        numbers
            .iter()
            .all(|p| p.trim_start_matches("+86 ").starts_with("154"))
    );
}

#[test]
fn purchases_and_readings_have_every_oddity() {
    let folder = tempfile::tempdir().unwrap();
    data::sample(folder.path(), &OPTIONS);
    let purchases = rows(folder.path(), "purchases");
    assert!(
        purchases
            .iter()
            .any(|line| line["amount"].starts_with('-') && line["quantity"].starts_with('-'))
    );
    assert!(purchases.iter().any(|line| line["member_id"].is_empty()));
    assert!(purchases.iter().any(|line| line["quantity"].contains('.')));
    assert!(
        purchases
            .iter()
            .all(|line| line["sold_at"].as_str() <= "2026-03-01 23:59:59")
    );
    let readings = rows(folder.path(), "readings");
    let emergencies = |day: &str| {
        let on_day = readings
            .iter()
            .filter(|reading| reading["taken_at"].starts_with(day));
        on_day
            .filter(|reading| reading["systolic"].parse().is_ok_and(|high: u32| high >= 180))
            .count()
    };
    assert!(emergencies("2026-03-01") >= 1);
    let generics: BTreeSet<String> = rows(folder.path(), "drugs")
        .into_iter()
        .map(|drug| drug["ingredient"].clone())
        .collect();
    assert!(generics.len() >= 150, "{} ingredients", generics.len());
}
