//! One day from its first sync to its last, by everybody in the store, and what headquarters know
//! in the evening.

use std::collections::BTreeSet;
use std::fs;

use rusqlite::Connection;
use serde_json::Value;
use yaoban_e2e::{Hub, Phone};

use crate::chain::{CAMPAIGN, campaign, day, members};
use crate::worker::{self, Worker, at, number, text};
use crate::{TAKE_BACK_OVER_S, started};

/// A single number out of the hub's database.
fn count(hub: &Hub, sql: &str) -> i64 {
    let database = Connection::open(hub.dir().join("hub.db")).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Texts out of the hub's database.
fn texts(hub: &Hub, sql: &str) -> Vec<String> {
    let database = Connection::open(hub.dir().join("hub.db")).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Place of a task on the list by the words of the rules, without the code that makes the list.
fn place(task: &Value) -> (bool, &str, usize, &str, i64, bool, &str) {
    let classes = ["retain", "win_back", "develop", "valued", "ordinary", "low"];
    let class = at(task, "/class").as_str();
    (
        at(task, "/emergency") != true,
        text(task, "/due"),
        class
            .and_then(|class| classes.iter().position(|known| *known == class))
            .unwrap_or(classes.len()),
        at(task, "/next_end").as_str().unwrap_or("9999"),
        -i64::try_from(number(task, "/value_index")).unwrap(),
        at(task, "/hour_matches") != true,
        text(task, "/task_id"),
    )
}

#[test]
fn a_day_from_the_first_sync_to_what_headquarters_know_in_the_evening() {
    let (hub, mut serving, mut clerk) = started();
    let mut second = Worker::paired(&hub, "S1");
    second.sync();
    second.is("C2");
    serving.end();

    // Somebody at the counter: by the end of the number, a part of the name, initials, pinyin.
    for asked in ["0001", "约", "wy", "wangyue", "agreed_to_visit"] {
        let found = clerk.json(&["find", asked]);
        assert_eq!(text(&found, "/0/name"), "王约", "{asked}");
        assert_eq!(found.as_array().unwrap().len(), 1, "{asked}: {found}");
    }
    assert_eq!(clerk.json(&["find", "9998"]), serde_json::json!([]));
    let shown = clerk.told(&["show", "王约"], false);
    assert_eq!(shown.lines().next(), Some("⚠ 过敏：青霉素"), "{shown}");
    let bought = clerk.json(&["history", "王约"]);
    let days: Vec<(&str, u64)> = at(&bought, "/days")
        .as_array()
        .unwrap()
        .iter()
        .map(|day| (text(day, "/day"), number(day, "/net_fen")))
        .collect();
    let fills = [-25, -55, -85].map(|back| day(back).to_string());
    assert_eq!(days, fills.each_ref().map(|day| (day.as_str(), 2_000)));
    assert_eq!(text(&bought, "/days/0/lines/0/name"), "苯磺酸氨氯地平片");

    // The list is in the order of the rules, whatever is on it.
    for (who, due) in [("spare", "+1"), ("killed", "+3"), ("H2", "+1")] {
        let own = clerk.json(&["tasks", "--new", who, "--note", "问候"]);
        let list = clerk.json(&["tasks", "--limit", "100"]);
        assert!(
            worker::tasks(&list)
                .iter()
                .any(|task| task["task_id"] == own["task_id"])
        );
        let put_off = clerk.json(&["tasks", "--defer", text(&own, "/task_id"), "--until", due]);
        assert_eq!(text(&put_off, "/state"), "deferred");
    }
    let danger = clerk.json(&["reading", "王约", "185/112"]);
    assert_eq!(at(&danger, "/alarm"), true);
    let list = clerk.json(&["tasks", "--store", "--limit", "200"]);
    let households = at(&list, "/households").as_array().unwrap();
    let firsts: Vec<&Value> = households.iter().map(|one| at(one, "/tasks/0")).collect();
    let places: Vec<_> = firsts.iter().map(|task| place(task)).collect();
    assert!(places.is_sorted(), "{places:#?}");
    assert_eq!(at(firsts[0], "/emergency"), true);
    let classes: BTreeSet<_> = places.iter().map(|place| place.2).collect();
    assert!(classes.len() >= 3, "too much alike to show an order: {classes:?}");
    let indexes: BTreeSet<_> = places.iter().map(|place| place.4).collect();
    assert!(indexes.len() > classes.len(), "{indexes:?}");

    // A call, what came of it, a mistake taken back, what follows.
    let task = clerk.task_of("needs_pharmacist");
    let _ = clerk.done(&["dial", &task]);
    let _ = clerk.done(&["dial", &task, "--result", "answered", "--seconds", "61"]);
    let _ = clerk.done(&["outcome", &task, "deceased"]);
    let back = clerk.json(&["outcome", &task, "--take-back"]);
    assert_eq!(text(&back, "/state"), "in_progress");
    let recorded = clerk.json(&["outcome", &task, "needs_pharmacist"]);
    assert_eq!(text(&recorded, "/follow_up/assignee"), "P1");
    assert_eq!(text(&recorded, "/follow_up/due"), day(0).to_string());
    let sent = clerk.json(&["message", "no_answer", "refill-sms"]);
    assert_eq!(at(&sent, "/ready").as_array().unwrap().len(), 1);
    let _ = clerk.done(&["note", "no_answer", "不方便接电话，发短信"]);

    // Somebody new, who is dialled only as long as it wants to be.
    let new = clerk.json(&[
        "register",
        "--name",
        "仇玲",
        "--phone",
        "15499990000",
        "--consent",
        "membership=yes",
        "--consent",
        "health=yes",
    ]);
    let _ = clerk.done(&["reading", "9990000", "7.8", "--context", "空腹"]);
    let _ = clerk.done(&["dial", "9990000", "--result", "busy"]);
    for purpose in ["membership", "health"] {
        let _ = clerk.done(&["consent", "9990000", &format!("{purpose}=no")]);
    }
    let refused = clerk.phone.run(["dial", "9990000"]).expect_code(1);
    assert!(refused.stderr.contains("同意"), "{}", refused.stderr);
    assert_eq!(clerk.refused(&["dial", "9990000"]), "gate.consent_withdrawn");
    assert_eq!(
        clerk.refused(&["message", "9990000", "refill-sms"]),
        "gate.consent_withdrawn"
    );

    // The other clerk's phone, also without a network.
    let _ = second.done(&["dial", "moved", "--result", "no_answer"]);

    // In the evening everything goes up, once.
    clerk.later(TAKE_BACK_OVER_S);
    let waiting = number(&clerk.json(&["status"]), "/outbox");
    assert!(waiting >= 15, "{waiting}");
    assert_eq!(clerk.refused(&["sync"]), "hub_unreachable");
    assert_eq!(count(&hub, "SELECT count(*) FROM attempt"), 0);
    let serving = hub.serve();
    let report = clerk.json(&["sync"]);
    assert_eq!(number(&report, "/pushed_ops"), waiting, "{report}");
    second.sync();
    clerk.sync();
    for phone in [&clerk, &second] {
        phone.nothing_waits();
        assert_eq!(number(&phone.json(&["sync"]), "/pushed_ops"), 0);
    }

    // What headquarters know, and the other phone.
    assert_eq!(
        texts(
            &hub,
            "SELECT result FROM attempt WHERE staff_id = 'C1' ORDER BY 1"
        ),
        ["answered", "busy"]
    );
    assert_eq!(
        count(&hub, "SELECT count(*) FROM attempt WHERE staff_id = 'C2'"),
        1
    );
    assert_eq!(
        texts(&hub, "SELECT code FROM task_outcome"),
        ["needs_pharmacist"],
        "what was taken back never left the phone"
    );
    assert_eq!(count(&hub, "SELECT count(*) FROM note"), 1);
    assert_eq!(count(&hub, "SELECT count(*) FROM send"), 1);
    let new_id = texts(&hub, "SELECT member_id FROM member WHERE name = '仇玲'");
    assert_eq!(new_id.len(), 1);
    assert_ne!(new_id[0], text(&new, "/member/member_id"), "the hub gives the id");
    assert_eq!(
        count(
            &hub,
            "SELECT count(*) FROM reading r JOIN member m USING (member_key) WHERE m.name IN ('仇玲', '王约')"
        ),
        2
    );
    let trail = hub.run("audit verify", [""; 0]).done().stdout;
    assert!(trail.contains("whole"), "{trail}");
    second.sync();
    assert_eq!(second.refused(&["dial", "仇玲"]), "gate.consent_withdrawn");
    assert_eq!(
        second.json(&["show", &new_id[0]]),
        clerk.json(&["show", &new_id[0]])
    );
    drop(serving);
}

#[test]
fn a_holdout_gets_no_task_and_the_effect_is_told_by_arm() {
    let (hub, _serving, mut clerk) = started();
    campaign(&hub, "回访", "40");
    clerk.sync();
    let told = || hub.run("campaign effect", ["回访", "--json"]).done().json();
    let before = told();
    let held_out: BTreeSet<String> = texts(
        &hub,
        "SELECT a.member_id FROM assignment a JOIN campaign c USING (campaign_id) WHERE c.name = '回访' AND a.arm = 'holdout'",
    )
    .into_iter()
    .collect();
    let treated = members().count() - held_out.len();
    assert!(!held_out.is_empty() && treated > 0, "{held_out:?}");
    assert_eq!(number(&before, "/holdout/members"), held_out.len() as u64);
    assert_eq!(number(&before, "/treated/members"), treated as u64);
    assert_eq!(number(&before, "/gross/reached"), 0);
    assert_eq!(
        at(&before, "/gross/repurchase_share"),
        &Value::Null,
        "none, never 0"
    );
    assert_eq!(at(&before, "/roi"), &Value::Null, "without cost, none");
    let list = clerk.json(&["tasks", "--store", "--limit", "200"]);
    let of_campaign: Vec<&Value> = worker::tasks(&list)
        .into_iter()
        .filter(|task| task["campaign"] == "回访")
        .collect();
    assert_eq!(of_campaign.len(), treated);
    for task in &of_campaign {
        assert!(!held_out.contains(text(task, "/member_id")), "{task}");
    }
    // One is reached for this campaign; a call for the other one is no contact of this.
    let mut reachable = of_campaign
        .iter()
        .filter(|task| !["silent", "no_phone"].contains(&text(task, "/member_id")));
    let call = |task: &str| {
        let _ = clerk.done(&["dial", task, "--result", "answered", "--seconds", "20"]);
        let _ = clerk.done(&["outcome", task, "not_interested"]);
    };
    call(text(reachable.next().unwrap(), "/task_id"));
    let elsewhere = text(reachable.next().unwrap(), "/member_id").to_owned();
    let other_task = worker::tasks(&list)
        .into_iter()
        .find(|task| task["campaign"] == CAMPAIGN && task["member_id"] == elsewhere)
        .unwrap();
    call(text(other_task, "/task_id"));
    clerk.later(TAKE_BACK_OVER_S);
    clerk.sync();
    let after = told();
    assert_eq!(number(&after, "/gross/reached"), 1, "{after}");
    assert_eq!(number(&after, "/gross/answered"), 1);
    assert_eq!(number(&after, "/tasks/done"), 1);
    assert_eq!(number(&after, "/tasks/open"), treated as u64 - 1);
}

#[test]
fn a_members_record_is_put_right_without_a_network() {
    let (hub, mut serving, clerk) = started();
    serving.end();
    // Tags: added, removed, and what is not there is told.
    let tags = |line: &[&str]| clerk.json(&[&["tag", "王约"], line].concat());
    assert_eq!(
        tags(&["糖友", "怕打针"]),
        serde_json::json!(["怕打针", "糖友", "老会员"])
    );
    assert_eq!(
        tags(&["--remove", "怕打针"]),
        serde_json::json!(["糖友", "老会员"])
    );
    assert_eq!(
        clerk.refused(&["tag", "王约", "--remove", "怕打针"]),
        "not_recorded"
    );
    // A regimen: the dose decides when a medicine ends, what the member says goes before it.
    let medicine = |line: &[&str]| -> Value {
        let told = clerk.json(&[&["regimen", "王约"], line].concat());
        let all = at(&told, "/medicines").as_array().unwrap();
        all.iter()
            .find(|one| one["ingredient"] == "氨氯地平")
            .unwrap()
            .clone()
    };
    assert_eq!(text(&medicine(&[]), "/end"), day(4).to_string());
    let faster = medicine(&["氨氯", "--daily", "2"]);
    assert_eq!(text(&faster, "/end"), day(-11).to_string());
    assert_eq!(text(&faster, "/status"), "out");
    let told = medicine(&["苯磺酸氨氯地平片", "--until", "+9"]);
    assert_eq!(text(&told, "/end"), day(9).to_string());
    assert_eq!(at(&medicine(&["氨氯地平", "--stopped"]), "/inactive"), true);
    assert_eq!(clerk.refused(&["regimen", "王约", "氨氯地平"]), "input.regimen");
    assert_eq!(
        clerk.refused(&["regimen", "王约", "氨氯地平", "--daily", "2000"]),
        "out_of_range"
    );
    // The record: lists are added to, never replaced.
    let edited = clerk.json(&[
        "edit",
        "王约",
        "--name",
        "王越",
        "--phone",
        "154 0000 8888",
        "--allergy",
        "海鲜",
        "--disease",
        "痛风",
        "--weight",
        "61.5",
    ]);
    let allergies: Vec<&str> = at(&edited, "/allergies")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(one, "/text"))
        .collect();
    assert_eq!(allergies, ["海鲜", "青霉素"]);
    assert_eq!(
        at(&edited, "/diseases"),
        &serde_json::json!(["gout", "hypertension"])
    );
    assert_eq!(text(&edited, "/member/phone_masked"), "154****8888");
    let edited = clerk.json(&["edit", "王越", "--no-allergy", "海鲜", "--no-disease", "痛风"]);
    assert_eq!(at(&edited, "/allergies").as_array().unwrap().len(), 1);
    assert_eq!(at(&edited, "/diseases"), &serde_json::json!(["hypertension"]));
    assert_eq!(
        clerk.refused(&["edit", "王越", "--no-allergy", "海鲜"]),
        "not_recorded"
    );
    assert_eq!(clerk.refused(&["edit", "王越", "--phone", "12"]), "invalid");
    // The store's other phone has it all.
    let serving = hub.serve();
    clerk.sync();
    clerk.nothing_waits();
    let mut second = Worker::paired(&hub, "S1");
    second.sync();
    second.is("C2");
    assert_eq!(second.json(&["edit", "8888"]), clerk.json(&["edit", "王越"]));
    assert_eq!(
        second.json(&["regimen", "王越"]),
        clerk.json(&["regimen", "王越"])
    );
    drop(serving);
}

#[test]
fn every_command_speaks_json_and_ends_with_its_code() {
    let (_hub, serving, mut clerk) = started();
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("call.m4a");
    fs::write(&sound, b"sound").unwrap();
    let bundle = folder.path().join("phone.bundle");
    let task = clerk.task_of("moved");
    clerk.is("G1");
    let lines: Vec<Vec<&str>> = vec![
        vec!["sync"],
        vec!["staff"],
        vec!["find", "王约"],
        vec!["register", "--name", "仇玲"],
        vec!["show", "王约"],
        vec!["history", "王约"],
        vec!["group"],
        vec!["group", "--disease", "高血压"],
        vec!["tasks", "--store"],
        vec!["dial", &task, "--result", "busy"],
        vec!["outcome", &task],
        vec!["message"],
        vec!["reading", "王约", "120/80"],
        vec!["reading", "王约"],
        vec!["note", "王约", "好"],
        vec!["consent", "王约"],
        vec!["tag", "王约"],
        vec!["regimen", "王约"],
        vec!["edit", "王约"],
        vec!["today"],
        vec!["reassign", &task, "--nudge"],
        vec!["recording"],
        vec!["duplicates"],
        vec!["status"],
        vec!["status", "--queue"],
        vec!["doctor", "--offline"],
        vec!["bundle", "--offline", "--out", bundle.to_str().unwrap()],
    ];
    let mut shown: BTreeSet<&str> = lines.iter().map(|line| line[0]).collect();
    for line in &lines {
        let told = clerk.json(line);
        assert!(told.is_object() || told.is_array(), "{line:?}: {told}");
    }
    drop(serving);
    // Paired and unpaired again, where nobody works.
    let hub = crate::chain::hub();
    let serving = hub.serve();
    let phone = Phone::new();
    let _ = phone.json(["pair", &hub.pair_store("S2")]);
    assert_eq!(phone.json(["unpair"])["unpaired"], true);
    shown.extend(["pair", "unpair"]);
    drop(serving);
    let help = clerk.phone.run(["--help"]).done().stdout;
    let commands: BTreeSet<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("命令"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(commands, shown, "a command without its line here");

    // 0 done, 1 refused with a reason, 2 usage; the reason is JSON too.
    for (code, line) in [
        (0, &["find", "没有这个人"][..]),
        (1, &["show", "没有这个人"]),
        (1, &["sync"]),
        (2, &["shwo", "王约"]),
        (2, &["reading", "王约", "高"]),
        (2, &["outcome", &task, "不知道"]),
        (2, &[]),
    ] {
        let ended = clerk.phone.run([line, &["--json"]].concat()).expect_code(code);
        let told = ended.json();
        if code > 0 {
            assert!(
                told["error"].is_string() && !ended.stderr.trim().is_empty(),
                "{line:?}"
            );
        }
    }
}
