//! A real year of shopping goes through the import, and every figure that comes out equals a second
//! calculation that shares no code with the hub.

// Helpers of a test end it as the test itself would.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use yaoban_e2e::{Hub, data};

mod contacts;

/// The last day of the year, and one in the middle of it.
const DAYS: [&str; 2] = ["2017-12-31", "2017-07-04"];

#[test]
fn real_year_equals_the_second_calculation() {
    let Some(files) = data::real() else { return };
    let hub = Hub::new("Complete Journey");
    let first = import(&hub, &files);
    for day in DAYS {
        let Some(expected) = data::expected(&files, day, &[]) else {
            return;
        };
        import_is_equal(&first, &expected);
        classes_are_equal(&hub, day, &expected);
        audiences_are_equal(&hub, day, &expected);
    }
    campaigns_are_equal(&hub, &files);
    let before = hub_classes(&hub, DAYS[0]);
    for file in import(&hub, &files) {
        assert_eq!(file["accepted"], 0, "the same files again change nothing: {file}");
    }
    assert_eq!(hub_classes(&hub, DAYS[0]), before);
}

#[test]
fn sample_chain_equals_the_second_calculation() {
    let folder = tempfile::tempdir().unwrap();
    let day = "2026-03-01";
    data::sample(
        folder.path(),
        &["--members", "6000", "--until", day, "--seed", "7"],
    );
    let Some(expected) = data::expected(folder.path(), day, &[]) else {
        return;
    };
    let hub = Hub::new("示范大药房");
    import_is_equal(&import(&hub, folder.path()), &expected);
    classes_are_equal(&hub, day, &expected);
    audiences_are_equal(&hub, day, &expected);

    // Two campaigns over each other, with a cost: their margin and what they earned.
    let every = fs::read_to_string(folder.path().join("members.csv")).unwrap();
    let ids = every.lines().skip(1).filter_map(|row| row.split(',').next());
    let made: Vec<Value> = [("2025-12-01", 2, 20, "900"), ("2025-12-20", 3, 30, "100000")]
        .into_iter()
        .map(|(start, every, holdout, cost)| {
            let chosen: Vec<&str> = ids.clone().step_by(every).collect();
            let list = folder.path().join(format!("chosen-{every}.csv"));
            fs::write(&list, format!("member_id\n{}\n", chosen.join("\n"))).unwrap();
            let plan = Plan {
                name: start,
                start,
                list: &list,
                holdout,
                cost: Some(cost),
            };
            create_campaign(&hub, &plan)
        })
        .collect();
    let contacts = contacts::record(&hub, &made);
    let reached = effects_are_equal(&hub, folder.path(), day, &made, &contacts);
    assert!(reached.is_none_or(|reached| reached > 100), "{reached:?}");
    let roi = hub.run("campaign effect", ["c1", "--json"]).done().json()["roi"].clone();
    assert!(roi["value"].is_number(), "{roi}");
}

/// What the import says of each file.
fn import(hub: &Hub, files: &Path) -> Vec<Value> {
    hub.import(files).done().json()["files"]
        .as_array()
        .unwrap()
        .clone()
}

fn import_is_equal(files: &[Value], expected: &Value) {
    for file in files {
        let counts = &expected["import"][file["kind"].as_str().unwrap()];
        for key in ["skipped", "rejected"] {
            let count = counts[key].as_u64().unwrap_or(0);
            assert_eq!(file[key], count, "{key} of {file}");
        }
    }
}

/// The board and then one value a member.
fn hub_classes(hub: &Hub, day: &str) -> Vec<Value> {
    let run = hub.run("classes", ["--as-of", day, "--json", "--members"]);
    run.done().json_lines()
}

fn classes_are_equal(hub: &Hub, day: &str, expected: &Value) {
    let lines = hub_classes(hub, day);
    let (board, members) = lines.split_first().unwrap();
    for key in ["as_of", "members", "active", "cut_points"] {
        assert_eq!(board[key], expected[key], "{key} on {day}");
    }
    let classes = board["classes"].as_array().unwrap();
    for row in expected["board"].as_array().unwrap() {
        let found = classes.iter().find(|found| found["class"] == row["class"]);
        assert_eq!(found.map(whole), Some(whole(&board_row(row))), "{day}");
    }
    let rows = expected["rows"].as_array().unwrap();
    assert_eq!(members.len(), rows.len());
    for (found, row) in members.iter().zip(rows) {
        assert_eq!(found, row, "{day}");
    }
}

/// A row of the board with its means in billionths: JSON does not carry the last bit of a float.
fn whole(row: &Value) -> Value {
    let mut row = row.clone();
    for key in ["frequency_mean", "recency_mean"] {
        row[key] = json!(row[key].as_f64().map(|mean| (mean * 1e9).round() as i64));
    }
    row
}

/// The row of the board that follows from exact sums.
fn board_row(sums: &Value) -> Value {
    let number = |key: &str| sums[key].as_i64().unwrap();
    let mean = |sum: i64, of: i64| (of > 0).then(|| sum as f64 / of as f64);
    let (spend_fen, visits) = (number("spend_fen"), number("visits"));
    json!({
        "class": sums["class"],
        "members": sums["members"],
        "spend_fen": spend_fen,
        "basket_fen": (visits > 0).then(|| (2 * spend_fen + visits) / (2 * visits)),
        "frequency_mean": mean(visits, number("members")),
        "recency_mean": mean(number("recency_sum"), number("recency_members")),
    })
}

fn audiences_are_equal(hub: &Hub, day: &str, expected: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.json");
    for (name, audience) in expected["audiences"].as_object().unwrap() {
        fs::write(&rule, audience["rule"].to_string()).unwrap();
        let arguments = [
            "--as-of",
            day,
            "--ids",
            "--json",
            "--rule",
            rule.to_str().unwrap(),
        ];
        let found = hub.run("audience", arguments).done().json();
        let mut ids: Vec<&str> = found["ids"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        ids.sort_unstable();
        assert_eq!(json!(ids), audience["ids"], "audience {name} on {day}");
    }
}

/// What is made of a campaign at the hub, and told to the second calculation.
struct Plan<'a> {
    name: &'a str,
    start: &'a str,
    /// A file of members.
    list: &'a Path,
    holdout: u32,
    cost: Option<&'a str>,
}

/// All campaigns of the year with their targeted households, each with a holdout and contacts.
fn campaigns_are_equal(hub: &Hub, files: &Path) {
    let campaigns = fs::read_to_string(files.join("campaigns.csv")).unwrap();
    let mut made = Vec::new();
    for line in campaigns.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let list = files.join(format!("campaigns/{}-targeted.csv", fields[0]));
        let plan = Plan {
            name: fields[0],
            start: fields[2],
            list: &list,
            holdout: 10,
            cost: None,
        };
        made.push(create_campaign(hub, &plan));
    }
    let contacts = contacts::record(hub, &made);
    let reached = DAYS.map(|day| effects_are_equal(hub, files, day, &made, &contacts));
    if let [Some(at_the_end), Some(in_the_middle)] = reached {
        assert!(at_the_end > in_the_middle && in_the_middle > 0);
    }
}

/// Every figure of every campaign on a day; gives how many members were reached in all, none if the
/// second calculation could not run.
fn effects_are_equal(
    hub: &Hub,
    files: &Path,
    day: &str,
    campaigns: &[Value],
    contacts: &[Value],
) -> Option<i64> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, records: &[Value]| {
        let path = folder.path().join(name);
        fs::write(&path, json!(records).to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (list, contacts) = (
        write("campaigns.json", campaigns),
        write("contacts.json", contacts),
    );
    let expected = data::expected(files, day, &["--campaigns", &list, "--contacts", &contacts])?;
    let mut reached = 0;
    for (campaign, expected) in campaigns.iter().zip(expected["campaigns"].as_array().unwrap()) {
        let id = campaign["id"].as_str().unwrap();
        let effect = hub
            .run("campaign effect", [id, "--as-of", day, "--json"])
            .done()
            .json();
        let place = format!("of {id} on {day}");
        for arm in ["treated", "holdout"] {
            for key in ["members", "buyers", "amount_fen", "margin_fen"] {
                assert_eq!(
                    effect[arm][key], expected[arm][key],
                    "{key} of the {arm} arm {place}"
                );
            }
            is_close(&effect[arm]["buyer_share"], &expected[arm]["buyer_share"], &place);
        }
        for key in ["reached", "answered", "buyers", "amount_fen"] {
            assert_eq!(
                effect["gross"][key], expected["gross"][key],
                "gross {key} {place}"
            );
        }
        is_close(
            &effect["gross"]["repurchase_share"],
            &expected["gross"]["repurchase_share"],
            &place,
        );
        for key in ["lift", "incremental_margin_fen", "roi"] {
            assert_eq!(effect[key].is_null(), expected[key].is_null(), "{key} {place}");
            for end in ["value", "low", "high"] {
                is_close(
                    &effect[key][end],
                    &expected[key][end],
                    &format!("{end} of {key} {place}"),
                );
            }
        }
        reached += effect["gross"]["reached"].as_i64().unwrap();
    }
    Some(reached)
}

/// Two numbers that may differ in the last digits of a float, or nothing twice.
fn is_close(found: &Value, expected: &Value, place: &str) {
    match (found.as_f64(), expected.as_f64()) {
        (None, None) => {}
        (Some(found), Some(expected)) => {
            let slack = 1e-9 * expected.abs().max(1.0);
            assert!(
                (found - expected).abs() <= slack,
                "{found}, expected {expected}: {place}"
            );
        }
        (found, expected) => panic!("{found:?}, expected {expected:?}: {place}"),
    }
}

/// Makes a campaign of a list of members, and says of it what the second calculation needs.
fn create_campaign(hub: &Hub, plan: &Plan<'_>) -> Value {
    let script = data::demo("winback-script.json");
    let holdout = plan.holdout.to_string();
    let mut arguments = vec![
        "--name",
        plan.name,
        "--members",
        plan.list.to_str().unwrap(),
        "--kind",
        "call",
        "--purpose",
        "marketing",
        "--script",
        script.to_str().unwrap(),
        "--start",
        plan.start,
        "--holdout",
        &holdout,
        "--json",
    ];
    arguments.extend(plan.cost.iter().flat_map(|cost| ["--cost", cost]));
    let campaign = hub.run("campaign create", arguments).done().json();
    let members: Vec<String> = fs::read_to_string(plan.list)
        .unwrap()
        .lines()
        .skip(1)
        .map(str::to_owned)
        .collect();
    let cost_fen = plan.cost.map(|cost| cost.parse::<i64>().unwrap() * 100);
    json!({
        "id": campaign["campaign_id"], "start": plan.start, "window_days": 30, "holdout": plan.holdout,
        "cost_fen": cost_fen, "members": members,
    })
}
