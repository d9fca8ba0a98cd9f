//! The command line as others rely on it: names, JSON keys, exit codes (0 done, 1 refused with a reason,
//! 2 usage).
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod process;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use process::{HUB, Hub};
use serde_json::Value;

/// The keys of an object, in their order in the text.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

/// Runs a command line as it stands; `DIR` stands for the data directory.
fn run(hub: &Hub, line: &str) -> Output {
    let data = hub.data();
    let words = line.split_whitespace().map(|word| {
        if word == "DIR" {
            data.to_str().unwrap()
        } else {
            word
        }
    });
    Command::new(HUB)
        .args(words)
        .current_dir(hub.dir.path())
        .output()
        .unwrap()
}

fn ends(hub: &Hub, line: &str, code: i32) -> Output {
    let output = run(hub, line);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{line}\n{out}\n{err}");
    assert!(!err.contains("panicked"), "{line}\n{err}");
    if code != 0 {
        assert!(!err.trim().is_empty(), "{line} says nothing");
    }
    output
}

fn json(hub: &Hub, line: &str) -> Value {
    serde_json::from_slice(&ends(hub, line, 0).stdout).unwrap()
}

/// A chain with purchases, and the files that the commands below name.
fn world() -> Hub {
    let hub = Hub::with_chain();
    hub.purchases("L1,M1,S1,2026-01-05,D1,1,10,\nL2,M2,S1,2026-02-05,D1,2,20.50,10\n,,,,,,,\n");
    hub.file(
        "staff.csv",
        "staff_id,store_id,name,role\nE1,S1,甲,clerk\nE2,S1,乙,store_manager\n",
    );
    hub.file("rule.json", r#"{"frequency": {"min": 1}}"#);
    hub.file("bad-rule.json", r#"{"frequency": {"least": 1}}"#);
    hub.file("list.csv", "member_id\nM1\nM2\nM3\n");
    hub.file("bad-list.csv", "member_id\nM1\nM99\n");
    hub.file("script.txt", "# 回访\n您好，最近身体怎么样？\n- 问用药\n");
    hub.file(
        "templates.json",
        r#"[{"id": "T1", "title": "提醒", "kind": "sms", "purpose": "service", "text": "【示范大药房】您的常用药快用完了。"}]"#,
    );
    hub.file("bad-templates.json", r#"[{"id": "T1"}]"#);
    ends(&hub, "import --data DIR --staff staff.csv", 0);
    hub
}

#[test]
fn init_and_import() {
    let hub = world();
    ends(
        &hub,
        "init --data new --name 示范 --url https://hub.example:8443",
        0,
    );
    ends(&hub, "init --data new --name 示范", 1);
    ends(&hub, "init --data other --name 示范 --url http://hub.example", 1);
    ends(&hub, "init --data other --name 示范 --url no-address", 2);
    ends(&hub, "init --data other", 2);
    ends(&hub, "init --name 示范", 2);
    let report = json(&hub, "import --data DIR --stores stores.csv --json");
    assert_eq!(
        sorted(&keys(&report["files"][0])),
        sorted(&[
            "accepted",
            "file",
            "kind",
            "rejected",
            "rejects",
            "skipped",
            "unchanged",
            "write_ms_max"
        ])
    );
    let text = String::from_utf8(ends(&hub, "import --data DIR --members members.csv", 0).stdout).unwrap();
    assert_eq!(
        text.trim(),
        "members members.csv: accepted 0, unchanged 4, skipped 0, rejected 0"
    );
    ends(&hub, "import --data DIR --members members.csv --dry-run", 0);
    ends(&hub, "import --data DIR", 2);
    ends(&hub, "import --members members.csv", 2);
    ends(&hub, "import --data DIR --member members.csv", 2);
    ends(&hub, "import --data DIR --members nothing.csv", 1);
    ends(&hub, "import --data nowhere --members members.csv", 1);
    ends(
        &hub,
        "import --data DIR --members members.csv --members members.csv",
        2,
    );
    ends(&hub, "", 2);
    ends(&hub, "imports", 2);
    ends(&hub, "--help", 0);
    ends(&hub, "--version", 0);
}

#[test]
fn classes_and_model() {
    let hub = world();
    let board = json(&hub, "classes --data DIR --as-of 2026-03-01 --json");
    assert_eq!(
        sorted(&keys(&board)),
        sorted(&["active", "as_of", "classes", "cut_points", "members"])
    );
    assert_eq!(
        (&board["as_of"], &board["members"], &board["active"]),
        (&"2026-03-01".into(), &4.into(), &2.into())
    );
    for name in ["recency", "frequency", "monetary"] {
        assert_eq!(board["cut_points"][name].as_array().unwrap().len(), 4, "{name}");
    }
    for class in board["classes"].as_array().unwrap() {
        assert_eq!(
            sorted(&keys(class)),
            sorted(&[
                "basket_fen",
                "class",
                "frequency_mean",
                "members",
                "recency_mean",
                "spend_fen"
            ])
        );
    }
    let names: Vec<&str> = board["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["class"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["retain", "develop", "win_back", "valued", "ordinary", "low"]
    );
    let output = ends(&hub, "classes --data DIR --as-of 2026-03-01 --json --members", 0);
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        sorted(&keys(&lines[1])),
        sorted(&[
            "basket_fen",
            "class",
            "f",
            "frequency",
            "h",
            "m",
            "member_id",
            "monetary_fen",
            "r",
            "recency",
            "value_index"
        ])
    );
    // Nobody bought by then: no cut points.
    assert!(json(&hub, "classes --data DIR --as-of 2020-01-01 --json")["cut_points"].is_null());
    ends(&hub, "classes --data DIR", 2);
    ends(&hub, "classes --data DIR --as-of 2026-02-30", 2);
    ends(&hub, "classes --data nowhere --as-of 2026-03-01", 1);
    ends(&hub, "model publish --data DIR --as-of 2026-03-01", 0);
    ends(&hub, "model publish --data DIR", 2);
    ends(&hub, "model --data DIR", 2);
}

#[test]
fn audience_and_campaign() {
    let hub = world();
    let line = "audience --data DIR --as-of 2026-03-01 --rule rule.json";
    assert_eq!(keys(&json(&hub, &format!("{line} --json"))), ["as_of", "members"]);
    let found = json(&hub, &format!("{line} --ids --json"));
    assert_eq!(found["ids"], serde_json::json!(["M1", "M2"]));
    let text = String::from_utf8(ends(&hub, &format!("{line} --ids"), 0).stdout).unwrap();
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["M1", "M2"]);
    let refused = ends(
        &hub,
        "audience --data DIR --as-of 2026-03-01 --rule bad-rule.json",
        1,
    );
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.contains("bad-rule.json") && message.contains("least"),
        "{message}"
    );
    ends(
        &hub,
        "audience --data DIR --as-of 2026-03-01 --rule nothing.json",
        1,
    );
    ends(&hub, "audience --data DIR --as-of 2026-03-01", 2);

    let create = "campaign create --data DIR --name 召回 --members list.csv --kind call --purpose service \
                  --script script.txt --start 2026-02-01";
    let made = json(
        &hub,
        &format!("{create} --window-days 20 --cost 99.50 --holdout 0 --due 2026-02-10 --json"),
    );
    assert_eq!(
        sorted(&keys(&made)),
        sorted(&[
            "assigned",
            "campaign_id",
            "holdout",
            "left_out",
            "members",
            "name",
            "stores",
            "tasks",
            "without_store"
        ])
    );
    assert_eq!(
        (&made["assigned"], &made["tasks"], &made["holdout"]),
        (&3.into(), &3.into(), &0.into())
    );
    ends(&hub, &create.replace("2026-02-01", "2026-02-02"), 1);
    for (with, code) in [
        ("--kind fax", 2),
        ("--purpose fun", 2),
        ("--start soon", 2),
        ("--window-days 0", 1),
        ("--holdout 51", 1),
        ("--cost 1.999", 1),
        ("--due 2026-01-01", 1),
        ("--members bad-list.csv", 1),
        ("--rule rule.json", 2),
    ] {
        let option = with.split(' ').next().unwrap();
        let mut line = create.replace("召回", "另一个");
        if option != "--rule" && line.contains(option) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == option).unwrap();
            line = words
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != at && *i != at + 1)
                .map(|(_, w)| *w)
                .collect::<Vec<_>>()
                .join(" ");
        }
        ends(&hub, &format!("{line} {with}"), code);
    }
    ends(
        &hub,
        "campaign create --data DIR --name x --kind call --purpose service --script script.txt",
        2,
    );
    ends(
        &hub,
        "campaign create --data DIR --name x --rule rule.json --kind call --purpose service --script nothing.txt",
        1,
    );
    let list = json(&hub, "campaign list --data DIR --json");
    assert_eq!(
        list.as_array().unwrap().len(),
        1,
        "a campaign that was refused is none: {list}"
    );
    assert_eq!(
        sorted(&keys(&list[0])),
        sorted(&[
            "campaign_id",
            "cost_fen",
            "done",
            "due",
            "holdout",
            "kind",
            "members",
            "name",
            "purpose",
            "ready",
            "start",
            "tasks",
            "window_days"
        ])
    );
    ends(&hub, "campaign list --data DIR", 0);
    let effect = json(&hub, "campaign effect 召回 --data DIR --json");
    assert_eq!(
        sorted(&keys(&effect)),
        sorted(&[
            "campaign_id",
            "complete",
            "cost_fen",
            "gross",
            "holdout",
            "incremental_margin_fen",
            "lift",
            "name",
            "roi",
            "start",
            "tasks",
            "treated",
            "window_days",
            "window_end"
        ])
    );
    assert_eq!(
        (&effect["cost_fen"], &effect["treated"]["buyers"]),
        (&9_950.into(), &1.into())
    );
    assert!(effect["lift"].is_null() && effect["roi"].is_null());
    ends(&hub, "campaign effect c1 --data DIR", 0);
    ends(&hub, "campaign effect c9 --data DIR --json", 1);
    ends(&hub, "campaign effect --data DIR", 2);
    ends(&hub, "template import --data DIR templates.json", 0);
    ends(&hub, "template import --data DIR bad-templates.json", 1);
    ends(&hub, "template import --data DIR", 2);
    ends(&hub, "template list --data DIR", 0);
}

#[test]
fn pair_and_serve() {
    let hub = world();
    ends(&hub, "pair --data DIR --store S1", 1);
    let output = ends(
        &hub,
        "pair --data DIR --store S1 --url https://hub.example:8443",
        0,
    );
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().lines().count(),
        1,
        "the code alone"
    );
    ends(
        &hub,
        "pair --data DIR --staff E1 --url https://hub.example:8443",
        0,
    );
    ends(
        &hub,
        "pair --data DIR --store S9 --url https://hub.example:8443",
        1,
    );
    ends(
        &hub,
        "pair --data DIR --staff E9 --url https://hub.example:8443",
        1,
    );
    ends(&hub, "pair --data DIR --store S1 --url http://hub.example", 1);
    ends(&hub, "pair --data DIR", 2);
    ends(&hub, "pair --data DIR --store S1 --staff E1", 2);
    ends(&hub, "serve --data DIR --listen nowhere", 2);
    ends(&hub, "serve --data nowhere --listen 127.0.0.1:0", 1);
    let mut child = Command::new(HUB)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(hub.data())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = first.trim().rsplit('/').next().unwrap().to_owned();
    // The port is taken now.
    ends(&hub, &format!("serve --data DIR --listen {address}"), 1);
    let stopped = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    let status = child.wait().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(
        status.code(),
        Some(0),
        "a stop that was asked for is no failure: {log}"
    );
}

/// A reader that has read enough goes away; a place that takes nothing is a refusal.
#[test]
fn output_that_nobody_takes() {
    let hub = world();
    let mut child = Command::new(HUB)
        .args([
            "audience",
            "--as-of",
            "2026-03-01",
            "--ids",
            "--rule",
            "rule.json",
            "--data",
        ])
        .arg(hub.data())
        .current_dir(hub.dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    if Path::new("/dev/full").exists() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(HUB)
            .args(["campaign", "list", "--data"])
            .arg(hub.data())
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
