//! A store with as many members as the run calls, and the files that headquarters import meanwhile.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data;
use crate::hub::Hub;

/// The store of the phones.
pub const STORE: &str = "S1";
/// Who works there.
pub const CLERK: &str = "C1";
/// Lines of each file of purchases.
pub const LINES: u64 = 1_500;
/// Lines that each file of purchases shares with the one before.
const REPEATED: u64 = 200;

/// Id of a member.
pub fn member(number: u64) -> String {
    format!("M{number:05}")
}

/// The files of the first import.
pub fn first_files(folder: &Path, members: u64) {
    let write = |name: &str, text: &str| write_file(&folder.join(name), text);
    write("stores.csv", "store_id,name,region\nS1,晨光一店,东区\n");
    write(
        "staff.csv",
        "staff_id,store_id,region,name,role,pharmacist\nG1,S1,,方店长,store_manager,no\nC1,S1,,陆小敏,clerk,no\n",
    );
    write(
        "drugs.csv",
        "drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,daily_units,prescription,chronic\n\
         D1,苯磺酸氨氯地平片,氨氯地平,降压药,晨光制药,5mg×30片,30,1,yes,yes\n",
    );
    let mut text = "member_id,store_id,name,phone,joined_on,consents\n".to_owned();
    for number in 0..members {
        _ = writeln!(
            text,
            "{},S1,会员{number},155{number:08},2024-01-01,membership=yes@2025-01-01;health=yes@2025-01-01;marketing=yes@2025-01-01",
            member(number)
        );
    }
    write("members.csv", &text);
}

/// One file of purchases of some members. A part of its lines was in the file before, so that counting
/// them again would show.
pub fn purchases(folder: &Path, batch: u64, members: u64) -> PathBuf {
    let mut text = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount\n".to_owned();
    let from = batch * (LINES - REPEATED);
    for line in from..from + LINES {
        _ = writeln!(
            text,
            "L{line},{},S1,2026-0{}-{:02},D1,1,{}.50",
            member(line.wrapping_mul(7_919) % members),
            line % 3 + 1,
            line % 28 + 1,
            line % 90 + 1
        );
    }
    let file = folder.join(format!("purchases-{batch}.csv"));
    write_file(&file, &text);
    file
}

/// A hub with the chain imported and its model published.
///
/// # Panics
/// If the hub refuses.
pub fn hub(folder: &Path, members: u64) -> Hub {
    first_files(folder, members);
    let hub = Hub::new("晨光大药房");
    let _ = hub.import(folder).done();
    hub
}

/// The words by which a campaign for a few members is made.
pub fn campaign(folder: &Path, name: &str, members: &[String]) -> Vec<String> {
    let list = folder.join("campaign.txt");
    write_file(&list, &members.join("\n"));
    let script = data::demo("refill-script.json");
    let words = [
        "--name",
        name,
        "--members",
        &list.to_string_lossy(),
        "--kind",
        "call",
        "--purpose",
        "service",
        "--script",
        &script.to_string_lossy(),
        "--holdout",
        "0",
    ];
    words.map(str::to_owned).to_vec()
}

/// What each imported member bought, as the hub counts it: one line each, without what depends on others.
///
/// # Panics
/// If the hub refuses.
pub fn figures(hub: &Hub) -> Vec<String> {
    let told = hub
        .run("classes", ["--as-of", "2026-04-01", "--json", "--members"])
        .done();
    let mut figures: Vec<String> = told
        .json_lines()
        .iter()
        .filter(|line| line["member_id"].as_str().is_some_and(|id| id.starts_with('M')))
        .map(|line| {
            format!(
                "{} {} {} {}",
                line["member_id"], line["recency"], line["frequency"], line["monetary_fen"]
            )
        })
        .collect();
    figures.sort_unstable();
    figures
}

fn write_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
