//! A clerk's whole day against a real hub process and real terminal processes: the morning's sync, calls
//! without a network, what comes of each, a new member, readings, messages, the manager, the evening's
//! sync, and the same picture on the store's second phone.
//!
//! The phones' clocks are set to half past ten: contacts are allowed in the daytime only, and this
//! runs at any hour.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed helper fails its test")]

mod chain;
mod erasure;
mod whole;
mod worker;

use chain::{day, hub, members};
use serde_json::Value;
use worker::{Worker, at, number, text};
use yaoban_e2e::{Hub, Phone};

/// Seconds after which an outcome can no longer be taken back.
const TAKE_BACK_OVER_S: i64 = 11;
const DAY_S: i64 = 86_400;

/// A hub that serves, and a phone of S1 with its store on it, in the hands of C1.
fn started() -> (Hub, yaoban_e2e::Serving, Worker) {
    let hub = hub();
    let serving = hub.serve();
    let mut clerk = Worker::paired(&hub, "S1");
    clerk.sync();
    clerk.is("C1");
    (hub, serving, clerk)
}

#[test]
fn a_pairing_code_serves_one_phone_once() {
    let hub = hub();
    let serving = hub.serve();
    let code = hub.pair_store("S1");
    let (first, second) = (Phone::new(), Phone::new());
    assert!(!at(&first.json(["status"]), "/paired").as_bool().unwrap());
    let _ = first.run(["find", "王"]).expect_code(1);
    for wrong in ["", "YB1-", "not a code", &code[..code.len() - 4]] {
        let _ = first.run(["pair", wrong]).expect_code(1);
    }
    let _ = first.run(["pair", &code]).done();
    assert_eq!(
        worker::refusal(&first.run(["pair", &code, "--json"])),
        "already_paired"
    );
    assert_eq!(
        worker::refusal(&second.run(["pair", &code, "--json"])),
        "pair_code_invalid"
    );
    // A phone that was refused is as good as new.
    let _ = second.run(["pair", &hub.pair_store("S2")]).done();
    assert_eq!(
        worker::refusal(&second.run(["find", "x", "--json"])),
        "staff_missing"
    );
    drop(serving);
}

#[test]
fn who_uses_the_phone_is_asked_for_its_pin() {
    let (_hub, _serving, mut clerk) = started();
    assert_eq!(clerk.refused(&["staff", "陆小"]), "several_staff");
    assert_eq!(clerk.refused(&["staff", "G2"]), "staff", "of another store");
    assert_eq!(clerk.refused(&["staff", "C2", "--set-pin", "12"]), "invalid");
    let _ = clerk.done(&["staff", "陆小慧", "--set-pin", "2468"]);
    let _ = clerk.done(&["staff", "C1"]);
    assert_eq!(clerk.refused(&["staff", "C2"]), "pin_missing");
    for left in ["4", "3", "2", "1"] {
        let told = clerk
            .phone
            .run(["staff", "C2", "--pin", "1111", "--json"])
            .expect_code(1);
        assert_eq!(text(&told.json(), "/values/tries_left"), left);
    }
    assert_eq!(clerk.refused(&["staff", "C2", "--pin", "1111"]), "pin_blocked");
    assert_eq!(clerk.refused(&["staff", "C2", "--pin", "2468"]), "pin_blocked");
    clerk.later(20 * 60);
    let _ = clerk.done(&["staff", "C2", "--pin", "2468"]);
    clerk.later(15 * 60);
    assert_eq!(clerk.refused(&["find", "王约"]), "locked");
    let _ = clerk.done(&["staff", "C2", "--pin", "2468"]);
    let _ = clerk.done(&["find", "王约"]);
}

#[test]
fn the_list_has_everybody_once_and_households_together() {
    let (_hub, _serving, clerk) = started();
    let list = clerk.json(&["tasks", "--store", "--limit", "100"]);
    let tasks = worker::tasks(&list);
    assert_eq!(number(&list, "/count"), tasks.len() as u64);
    for id in members() {
        let count = tasks.iter().filter(|task| text(task, "/member_id") == id).count();
        assert_eq!(count, 1, "{id}");
    }
    let household = at(&list, "/households")
        .as_array()
        .unwrap()
        .iter()
        .find(|household| at(household, "/tasks").as_array().unwrap().len() > 1);
    let names: Vec<&str> = at(household.unwrap(), "/tasks")
        .as_array()
        .unwrap()
        .iter()
        .map(|task| text(task, "/member_id"))
        .collect();
    assert!(
        names.contains(&"H1") && names.contains(&"H2") && names.len() == 2,
        "{names:?}"
    );
    for task in &tasks {
        let shown = at(task, "/phone_masked").as_str().unwrap_or("154****");
        assert!(shown.starts_with("154****"), "{shown}");
        assert_eq!(text(task, "/why/code"), "campaign");
        assert_eq!(text(task, "/medicine"), "氨氯地平");
    }
    let profile = clerk.json(&["show", "王约"]);
    assert_eq!(text(&profile, "/allergies/0/text"), "青霉素");
    assert_eq!(text(&profile, "/medicines/0/status"), "running_low");
    assert_eq!(text(&profile, "/medicines/0/end"), day(4).to_string());
    assert_eq!(number(&profile, "/medicines/0/stock_milli"), 12_000);
    assert_eq!(number(&profile, "/times"), 3);
    assert_eq!(number(&profile, "/total_fen"), 6_000);
    assert_eq!(text(&profile, "/latest_purchase/day"), day(-25).to_string());
    // Nothing that is printed holds a whole number, whatever the command.
    for command in [
        &["show", "王约"][..],
        &["tasks"],
        &["find", "王约"],
        &["find", "154"],
    ] {
        for json in [false, true] {
            let told = clerk.told(command, json);
            assert!(!told.contains("15400000001"), "{command:?}: {told}");
        }
    }
}

#[test]
fn every_outcome_does_what_the_table_says_and_the_hub_agrees() {
    let (hub, mut serving, mut clerk) = started();
    serving.end();
    assert_eq!(clerk.refused(&["sync"]), "hub_unreachable");
    let (in_3, in_4, in_7) = (day(3).to_string(), day(4).to_string(), day(7).to_string());
    let about = ["--ingredient", "氨氯地平"];
    // Outcome, what is said with it, the state after it, until when it is put off.
    let rows: [(&str, &[&str], &str, Option<&str>); 15] = [
        ("agreed_to_visit", &["--date", "+3"], "deferred", Some(&in_4)),
        ("call_later", &[], "deferred", Some(&in_7)),
        ("already_bought", &[], "done", None),
        (
            "bought_elsewhere",
            &["--date", "+3", "--ingredient", "氨氯地平"],
            "done",
            None,
        ),
        (
            "still_has_stock",
            &["--date", "+7", "--ingredient", "氨氯地平"],
            "deferred",
            Some(&in_7),
        ),
        ("doctor_changed_or_stopped", &about, "done", None),
        ("not_interested", &[], "done", None),
        ("do_not_contact", &[], "done", None),
        ("wrong_number", &[], "done", None),
        ("needs_pharmacist", &[], "done", None),
        ("adverse_reaction", &[], "done", None),
        ("moved", &[], "done", None),
        ("hospitalised", &[], "done", None),
        ("deceased", &[], "done", None),
        ("other", &["--note", "女儿代接，说下周再联系"], "done", None),
    ];
    for (outcome, more, state, until) in rows {
        let task = clerk.task_of(outcome);
        let _ = clerk.done(&["dial", &task, "--result", "answered", "--seconds", "40"]);
        if outcome == "other" {
            assert_eq!(clerk.refused(&["outcome", &task, outcome]), "note_required");
        }
        if outcome == "adverse_reaction" {
            // The pharmacist is off: the task falls to the store manager.
            clerk.is("G1");
            let _ = clerk.done(&["staff", "P1", "--off"]);
            clerk.is("C1");
        }
        let recorded = clerk.json(&[&["outcome", &task, outcome], more].concat());
        assert_eq!(text(&recorded, "/task/state"), state, "{outcome}");
        assert_eq!(at(&recorded, "/task/deferred_until").as_str(), until, "{outcome}");
        let follows = match outcome {
            "needs_pharmacist" => Some("P1"),
            "adverse_reaction" => Some("G1"),
            _ => None,
        };
        assert_eq!(
            recorded.pointer("/follow_up/assignee").and_then(Value::as_str),
            follows,
            "{outcome}"
        );
    }
    let check = |clerk: &Worker| {
        let profile = |id: &str| clerk.json(&["show", id]);
        let medicine = |id: &str, key: &str| {
            let profile = profile(id);
            let medicines = at(&profile, "/medicines").as_array().unwrap();
            let one = medicines.iter().find(|one| one["ingredient"] == "氨氯地平");
            at(one.unwrap(), &format!("/{key}")).clone()
        };
        assert_eq!(medicine("bought_elsewhere", "end"), in_3);
        assert_eq!(medicine("still_has_stock", "end"), in_7);
        assert_eq!(medicine("doctor_changed_or_stopped", "inactive"), true);
        assert_eq!(at(&profile("do_not_contact"), "/do_not_contact"), true);
        assert_eq!(at(&profile("wrong_number"), "/phone_invalid"), true);
        assert_eq!(at(&profile("wrong_number"), "/ask_number"), true);
        assert_eq!(
            at(&profile("hospitalised"), "/paused_until"),
            &Value::from(day(30).to_string())
        );
        assert_eq!(at(&profile("deceased"), "/deceased"), true);
        for id in ["do_not_contact", "moved", "hospitalised", "deceased"] {
            let consents = at(&profile(id), "/consents").clone();
            let marketing = consents
                .as_array()
                .unwrap()
                .iter()
                .rev()
                .find(|one| one["purpose"] == "marketing");
            assert_eq!(marketing.unwrap()["granted"], false, "{id}");
        }
        for (id, refused) in [
            ("do_not_contact", "gate.do_not_contact"),
            ("wrong_number", "gate.number_invalid"),
            ("hospitalised", "gate.paused"),
            ("deceased", "gate.deceased"),
        ] {
            assert_eq!(clerk.refused(&["dial", id]), refused);
        }
    };
    check(&clerk);
    clerk.later(TAKE_BACK_OVER_S);
    let serving = hub.serve();
    clerk.sync();
    clerk.nothing_waits();
    check(&clerk);
    // The store's second phone sees the same.
    let mut second = Worker::paired(&hub, "S1");
    second.sync();
    second.is("C2");
    check(&second);
    assert_eq!(
        second.json(&["tasks", "--store", "--done"]),
        clerk.json(&["tasks", "--store", "--done"])
    );
    let effect = hub.run("campaign effect", ["续药关怀", "--json"]).done().json();
    assert_eq!(number(&effect, "/gross/reached"), 15, "{effect}");
    drop(serving);
}

#[test]
fn what_the_carrier_says_counts_as_the_rules_say() {
    let (hub, serving, mut clerk) = started();
    let tomorrow = day(1).to_string();
    // Result, state after it, attempts that count.
    for (result, state, attempts) in [
        ("busy", "deferred", 1),
        ("no_answer", "deferred", 1),
        ("line_failed", "deferred", 1),
        ("power_off", "deferred", 1),
        ("rejected", "deferred", 1),
        ("voicemail", "deferred", 1),
        ("suspended", "done", 0),
        ("invalid_number", "done", 0),
        ("cancelled", "open", 0),
        ("blocked_by_policy", "open", 0),
        ("dropped", "in_progress", 0),
    ] {
        let task = clerk.task_of(result);
        let ended = clerk.json(&["dial", &task, "--result", result]);
        assert_eq!(text(&ended, "/ended/task/state"), state, "{result}");
        assert_eq!(number(&ended, "/ended/task/attempts"), attempts, "{result}");
        let marked = state == "done";
        assert_eq!(at(&ended, "/ended/number_marked"), marked, "{result}");
        assert_eq!(
            at(&ended, "/ended/outcome_required"),
            result == "dropped",
            "{result}"
        );
        if ["rejected", "voicemail"].contains(&result) {
            assert_eq!(text(&ended, "/ended/task/deferred_until"), tomorrow, "{result}");
        }
    }
    // An answered call waits for its outcome, and another result would be another call.
    let dropped = clerk.task_of("dropped");
    assert_eq!(
        clerk.refused(&["dial", &dropped, "--result", "busy"]),
        "outcome_awaited"
    );
    // Three attempts, and the task is over, its history kept.
    let busy = clerk.task_of("busy");
    for attempt in [2, 3] {
        let ended = clerk.json(&["dial", &busy, "--result", "busy"]);
        assert_eq!(number(&ended, "/ended/task/attempts"), attempt);
    }
    assert_eq!(clerk.refused(&["dial", &busy]), "task_closed");
    let overdue = clerk.json(&["tasks", "--store", "--overdue"]);
    assert!(
        worker::tasks(&overdue)
            .iter()
            .any(|task| text(task, "/task_id") == busy)
    );
    assert_eq!(clerk.refused(&["dial", "busy"]), "gate.dials_a_day");
    // A phone that dies during a call asks for the result afterwards: it is one attempt.
    let killed = clerk.task_of("killed");
    let begun = clerk.json(&["dial", &killed]);
    assert_eq!(clerk.refused(&["dial", &killed]), "attempt_open");
    assert!(
        clerk
            .told(&["tasks"], false)
            .contains("邓杀 的拨打还没记通话结果")
    );
    let ended = clerk.json(&["dial", &killed, "--result", "answered", "--seconds", "12"]);
    assert_eq!(at(&begun, "/attempt_id"), at(&ended, "/attempt_id"));
    assert!(clerk.told(&["tasks"], false).contains("邓杀 接了电话"));
    let _ = clerk.done(&["outcome", &killed, "moved"]);
    // Taken back within ten seconds, and not after.
    let mistake = clerk.task_of("taken_back");
    let _ = clerk.done(&["dial", &mistake, "--result", "answered"]);
    let _ = clerk.done(&["outcome", &mistake, "deceased"]);
    let task = clerk.json(&["outcome", &mistake, "--take-back"]);
    assert_eq!(text(&task, "/state"), "in_progress");
    assert_eq!(at(&clerk.json(&["show", "taken_back"]), "/deceased"), false);
    let _ = clerk.done(&["outcome", &mistake, "moved"]);
    clerk.later(TAKE_BACK_OVER_S);
    assert_eq!(
        clerk.refused(&["outcome", &mistake, "--take-back"]),
        "take_back_over"
    );
    clerk.sync();
    clerk.nothing_waits();
    // The dials count for the hub and for every phone of the store.
    let mut second = Worker::paired(&hub, "S1");
    second.sync();
    second.is("C2");
    assert_eq!(second.refused(&["dial", "busy"]), "gate.dials_a_day");
    drop(serving);
}

#[test]
fn a_new_member_is_served_before_the_hub_hears_of_it() {
    let (hub, mut serving, clerk) = started();
    serving.end();
    assert_eq!(clerk.refused(&["register", "--name", " "]), "text_required");
    assert_eq!(
        clerk.refused(&["register", "--name", "仇玲", "--phone", "12"]),
        "invalid"
    );
    let _ = clerk
        .phone
        .run(["register", "--name", "仇玲", "--sex", "x"])
        .expect_code(2);
    let registered = clerk.json(&[
        "register",
        "--name",
        "仇玲",
        "--phone",
        "154 9999 0000",
        "--sex",
        "女",
        "--birthday",
        "1960-02-29",
        "--allergy",
        "青霉素;海鲜",
        "--disease",
        "高血压",
        "--height",
        "158",
        "--weight",
        "61.5",
        "--consent",
        "membership=yes",
        "--consent",
        "health=yes",
        "--consent",
        "marketing:sms=no",
    ]);
    assert!(text(&registered, "/member/member_id").starts_with("tmp-"));
    let found = clerk.json(&["find", "qiuling"]);
    assert_eq!(text(&found, "/0/name"), "仇玲");
    let _ = clerk.done(&["reading", "9990000", "152/96", "--context", "门店"]);
    assert_eq!(
        clerk.refused(&["reading", "9990000", "96/152"]),
        "systolic_not_above_diastolic"
    );
    assert_eq!(
        clerk.refused(&["reading", "9990000", "400/90"]),
        "impossible_value"
    );
    assert_eq!(
        clerk.refused(&["reading", "9990000", "7.8", "--context", "home"]),
        "invalid"
    );
    let danger = clerk.json(&["reading", "9990000", "310mg"]);
    assert_eq!(number(&danger, "/reading/glucose_tenths"), 172);
    assert_eq!(at(&danger, "/alarm"), true);
    let raised = text(&danger, "/task_id").to_owned();
    let _ = clerk.done(&["note", "9990000", "女儿陪同，喜欢小包装"]);
    let profile = clerk.json(&["show", "9990000"]);
    assert_eq!(at(&profile, "/allergies").as_array().unwrap().len(), 2);
    assert_eq!(text(&profile, "/bp/grade"), "grade1");
    assert_eq!(text(&profile, "/notes/0/staff_name"), "陆小敏");
    assert_eq!(number(&profile, "/weight_hg"), 615);
    assert_eq!(at(&profile, "/tasks/0/emergency"), true);
    // The alarm stands first on the pharmacist's list.
    let list = clerk.json(&["tasks", "--store", "--limit", "1"]);
    assert_eq!(text(worker::tasks(&list)[0], "/task_id"), raised);
    assert_eq!(text(worker::tasks(&list)[0], "/assignee"), "P1");
    // Marketing was asked for once and refused by SMS.
    let _ = clerk.done(&["consent", "9990000", "marketing=yes"]);
    assert_eq!(
        clerk.refused(&["message", "9990000", "member-day-sms"]),
        "gate.consent_withdrawn"
    );
    let serving = hub.serve();
    clerk.sync();
    clerk.nothing_waits();
    let given = clerk.json(&["show", "9990000"]);
    assert!(!text(&given, "/member/member_id").starts_with("tmp-"));
    assert_eq!(text(&given, "/bp/grade"), "grade1");
    drop(serving);
}

#[test]
fn messages_pass_the_gate_one_by_one() {
    let (_hub, _serving, mut clerk) = started();
    assert_eq!(
        clerk.refused(&["message", "spare", "no-such"]),
        "template_unknown"
    );
    assert_eq!(
        clerk.refused(&["message", "no_phone", "refill-sms"]),
        "gate.no_number"
    );
    assert_eq!(
        clerk.refused(&["message", "silent", "refill-sms"]),
        "gate.no_consent"
    );
    assert_eq!(
        clerk.refused(&["message", "no_marketing", "member-day-sms"]),
        "gate.consent_withdrawn"
    );
    let preview = clerk.json(&["message", "spare", "refill-sms", "--preview"]);
    assert_eq!(text(&preview, "/gate/verdict"), "allow");
    assert!(text(&preview, "/text").contains("邹余"));
    let sent = clerk.json(&["message", "spare", "refill-sms"]);
    assert_eq!(text(&sent, "/ready/0/phone_masked"), "154****0037");
    assert_eq!(clerk.refused(&["message", "spare", "refill-sms"]), "already_sent");
    // A group: those who are refused are listed and counted, and stop nobody else.
    let folder = tempfile::tempdir().unwrap();
    let everybody = chain::rule(folder.path(), r#"{"all":[]}"#);
    let everybody = everybody.to_str().unwrap();
    let told = clerk.json(&[
        "group",
        "--rule",
        everybody,
        "--limit",
        "100",
        "--message",
        "member-day-sms",
    ]);
    let count = |key: &str| at(&told, key).as_array().unwrap().len();
    assert_eq!(count("/refused"), 3, "{told}");
    assert_eq!(count("/ready"), members().count() - 3);
    let mut reasons: Vec<(&str, u64)> = at(&told, "/reasons")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                text(one, "/code"),
                at(one, "/names").as_array().unwrap().len() as u64,
            )
        })
        .collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            ("gate.consent_withdrawn", 1),
            ("gate.no_consent", 1),
            ("gate.no_number", 1)
        ]
    );
    // The same group again: nobody gets it twice.
    let again = clerk.json(&[
        "group",
        "--rule",
        everybody,
        "--limit",
        "100",
        "--message",
        "member-day-sms",
    ]);
    assert_eq!(at(&again, "/ready").as_array().unwrap().len(), 0);
    clerk.sync();
    clerk.nothing_waits();
    // At night a message waits for the morning.
    clerk.later(12 * 3_600);
    clerk.is("C1");
    let night = clerk.json(&["message", "H1", "refill-sms"]);
    assert_eq!(text(&night, "/deferred/0/reason"), "outside_hours");
    assert_eq!(clerk.refused(&["dial", "H1"]), "gate.outside_hours");
    assert_eq!(
        at(&clerk.json(&["message", "--due"]), "/ready")
            .as_array()
            .unwrap()
            .len(),
        0
    );
    clerk.later(DAY_S - 12 * 3_600);
    clerk.is("C1");
    let morning = clerk.json(&["message", "--due"]);
    assert_eq!(text(&morning, "/ready/0/member_id"), "H1");
    assert_eq!(
        at(&clerk.json(&["message", "--due"]), "/ready")
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn groups_become_filters_and_tasks_of_ones_own() {
    let (_hub, _serving, clerk) = started();
    let all = clerk.json(&["group", "--disease", "高血压", "--limit", "100"]);
    assert_eq!(number(&all, "/count"), members().count() as u64);
    let low = clerk.json(&[
        "group",
        "--medicine",
        "临药",
        "--tag",
        "老会员",
        "--save",
        "快断药",
    ]);
    assert_eq!(number(&low, "/count"), members().count() as u64);
    let kept = clerk.json(&["group"]);
    assert_eq!(text(&kept, "/saved/0/name"), "快断药");
    assert_eq!(text(&kept, "/tags/0/code"), "老会员");
    let made = clerk.json(&["group", "快断药", "--limit", "3", "--task", "电话", "--due", "+5"]);
    assert_eq!(at(&made, "/made").as_array().unwrap().len(), 3);
    let again = clerk.json(&["group", "快断药", "--limit", "3", "--task", "电话"]);
    assert_eq!(at(&again, "/made").as_array().unwrap().len(), 0);
    assert_eq!(text(&again, "/refused/0/code"), "task_exists");
    let own = clerk.json(&["tasks", "--new", "spare", "--note", "问问血压计好不好用"]);
    assert_eq!(text(&own, "/assignee"), "C1");
    let task = text(&own, "/task_id").to_owned();
    let put_off = clerk.json(&["tasks", "--defer", &task, "--until", "明天"]);
    assert_eq!(text(&put_off, "/deferred_until"), day(1).to_string());
    assert_eq!(
        text(&clerk.json(&["tasks", "--cancel", &task]), "/state"),
        "cancelled"
    );
    let _ = clerk.done(&["group", "快断药", "--forget"]);
    assert_eq!(clerk.refused(&["group", "快断药"]), "group_unknown");
    let _ = clerk
        .phone
        .run(["group", "--disease", "没有这种病"])
        .expect_code(2);
}

#[test]
fn a_walk_in_is_looked_up_with_a_reason_and_forgotten_after_a_day() {
    let (_hub, mut serving, mut clerk) = started();
    assert_eq!(
        at(&clerk.json(&["find", "15400000099"]), "")
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        clerk.refused(&["find", "15400000099", "--reason", " "]),
        "reason_missing"
    );
    let found = clerk.json(&["find", "15400000099", "--reason", "来店咨询用药"]);
    assert_eq!(text(&found, "/0/member_id"), "walk_in");
    assert_eq!(at(&found, "/0/looked_up"), true);
    serving.end();
    assert_eq!(text(&clerk.json(&["show", "钱过客"]), "/member/store_id"), "S2");
    assert_eq!(
        clerk.refused(&["find", "15400000098", "--reason", "来店咨询"]),
        "hub_unreachable"
    );
    assert_eq!(clerk.refused(&["history", "王约", "--older"]), "hub_unreachable");
    clerk.later(DAY_S);
    clerk.is("C1");
    assert_eq!(clerk.refused(&["show", " "]), "nobody");
    assert_eq!(clerk.refused(&["show", "walk_in"]), "nobody");
}

#[test]
fn the_manager_leads_the_store_from_a_phone() {
    let (hub, serving, mut clerk) = started();
    for command in [
        &["reassign", "--rebalance"][..],
        &["staff", "C2", "--off"],
        &["duplicates"],
        &["reassign", &clerk.task_of("spare"), "--nudge"],
    ] {
        let code = clerk.refused(command);
        assert!(
            ["manager_only", "role_may_not"].contains(&code.as_str()),
            "{command:?}: {code}"
        );
    }
    let task = clerk.task_of("moved");
    let _ = clerk.done(&["dial", &task, "--result", "answered", "--seconds", "30"]);
    let _ = clerk.done(&["outcome", &task, "moved"]);
    let task = clerk.task_of("agreed_to_visit");
    let _ = clerk.done(&["dial", &task, "--result", "answered", "--seconds", "30"]);
    let _ = clerk.done(&["outcome", &task, "agreed_to_visit", "--date", "+2"]);
    let _ = clerk.done(&["dial", &clerk.task_of("busy"), "--result", "busy"]);
    let _ = clerk.done(&["message", "spare", "refill-sms"]);
    let own = clerk.json(&["today"]);
    assert_eq!(
        at(&own, "/clerks").as_array().unwrap().len(),
        1,
        "a clerk sees its own line"
    );
    clerk.is("G1");
    let today = clerk.json(&["today"]);
    assert_eq!(text(&today, "/day"), chain::today().to_string());
    let line = |today: &Value, who: &str| -> Value {
        let clerks = at(today, "/clerks").as_array().unwrap();
        clerks.iter().find(|one| one["staff_id"] == who).unwrap().clone()
    };
    let figure = |line: &Value, figure: &str| -> u64 {
        let figures = at(line, "/figures").as_array().unwrap();
        let found = figures.iter().find(|one| one["figure"] == figure);
        number(found.unwrap(), "/count")
    };
    let figures = |line: &Value| -> Vec<u64> {
        ["done", "attempts", "answered", "agreed", "messages", "overdue"]
            .map(|name| figure(line, name))
            .to_vec()
    };
    assert_eq!(figures(&line(&today, "C1")), [1, 3, 2, 1, 1, 0]);
    assert_eq!(figures(&line(&today, "C2")), [0; 6]);
    assert_eq!(figures(at(&today, "/total")), [1, 3, 2, 1, 1, 0]);
    // The total is nobody's: the only figure without a name.
    assert_eq!(at(&today, "/total/staff_id"), &Value::Null);
    for key in [
        "open", "due", "done", "attempts", "answered", "agreed", "messages", "overdue",
    ] {
        let list = clerk.json(&["today", key]);
        let count = list.as_array().unwrap().len() as u64;
        assert_eq!(count, figure(at(&today, "/total"), key), "{key}");
    }
    assert_eq!(
        clerk
            .json(&["today", "attempts", "--of", "C1"])
            .as_array()
            .unwrap()
            .len(),
        3
    );
    // Given away, nudged, spread.
    let spare = clerk.task_of("spare");
    assert_eq!(
        clerk.phone.run(["reassign", spare.as_str()]).code,
        Some(2),
        "to whom?"
    );
    assert_eq!(
        text(&clerk.json(&["reassign", &spare, "--to", "陆小慧"]), "/assignee"),
        "C2"
    );
    assert_eq!(
        at(&clerk.json(&["reassign", &spare, "--anyone"]), "/assignee"),
        &Value::Null
    );
    assert_eq!(at(&clerk.json(&["reassign", &spare, "--nudge"]), "/nudged"), true);
    let _ = clerk.done(&["staff", "C2", "--off"]);
    assert_eq!(clerk.refused(&["reassign", &spare, "--to", "C2"]), "assignee_off");
    let moved = clerk.json(&["reassign", "--rebalance"]);
    assert!(!at(&moved, "/moved").as_array().unwrap().is_empty());
    assert_eq!(at(&moved, "/refused").as_array().unwrap().len(), 0);
    let spread = clerk.json(&["today"]);
    assert_eq!(figure(&line(&spread, "C2"), "due"), 0);
    let shares: Vec<u64> = ["C1", "P1"]
        .map(|who| figure(&line(&spread, who), "due"))
        .to_vec();
    assert!(shares[0].abs_diff(shares[1]) <= 1, "{shares:?}");
    clerk.later(TAKE_BACK_OVER_S);
    clerk.sync();
    clerk.nothing_waits();
    let mut second = Worker::paired(&hub, "S1");
    second.sync();
    second.is("G1");
    assert_eq!(
        second.json(&["today"]),
        spread,
        "the store's other phone counts the same"
    );
    second.is("C2");
    assert_eq!(at(&second.json(&["tasks"]), "/none/code"), "off");
    drop(serving);
}

#[test]
fn two_who_may_be_one_are_shown_to_the_manager() {
    let (_hub, _serving, mut clerk) = started();
    let _ = clerk.done(&["register", "--name", "冯大爷", "--phone", "15400000033"]);
    clerk.sync();
    clerk.is("G1");
    clerk.sync();
    let pairs = clerk.json(&["duplicates"]);
    let pairs = pairs.as_array().unwrap();
    assert!(!pairs.is_empty());
    let pair = pairs
        .iter()
        .find(|pair| text(pair, "/second/name") == "冯大爷" || text(pair, "/first/name") == "冯大爷");
    let pair = pair.unwrap();
    let new = if text(pair, "/first/name") == "冯大爷" {
        "/first"
    } else {
        "/second"
    };
    let new_id = text(pair, &format!("{new}/member_id")).to_owned();
    let _ = clerk.done(&["duplicates", "--merge", "H1", &new_id]);
    assert_eq!(text(&clerk.json(&["show", &new_id]), "/member/member_id"), "H1");
    let _ = clerk.done(&["duplicates", "--undo", "H1", &new_id]);
    assert_eq!(text(&clerk.json(&["show", &new_id]), "/member/name"), "冯大爷");
    let _ = clerk.done(&["duplicates", "--apart", "H1", &new_id]);
    clerk.sync();
    clerk.nothing_waits();
}

#[test]
fn an_unpaired_phone_holds_nothing() {
    let (hub, mut serving, mut clerk) = started();
    serving.end();
    let _ = clerk.done(&["note", "spare", "还没上传"]);
    assert_eq!(clerk.refused(&["unpair"]), "unsent");
    let serving = hub.serve();
    clerk.sync();
    // A recording that waits is something to lose, too; one that was sent is deleted with the rest.
    let (call, recordings) = erasure::recorded_call(&mut clerk, "spare");
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("second.m4a");
    std::fs::write(&sound, b"sound").unwrap();
    let second = clerk.json(&["dial", "spare", "--result", "answered"]);
    let second = text(&second, "/attempt_id").to_owned();
    let _ = clerk.done(&["recording", &second, "--attach", sound.to_str().unwrap()]);
    clerk.sync();
    assert_eq!(clerk.refused(&["unpair"]), "unsent");
    let _ = clerk.done(&["recording", "--send"]);
    assert_eq!(std::fs::read_dir(&recordings).unwrap().count(), 2);
    let _ = clerk.done(&["unpair"]);
    assert!(!recordings.exists() || std::fs::read_dir(&recordings).unwrap().count() == 0);
    let left: Vec<_> = std::fs::read_dir(clerk.phone.home()).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| entry.path() == recordings), "{left:?}");
    assert_eq!(at(&clerk.json(&["status"]), "/paired"), false);
    assert_eq!(clerk.refused(&["find", "王约"]), "not_paired");
    let again = hub.pair_store("S1");
    let _ = clerk.done(&["pair", &again]);
    clerk.sync();
    clerk.is("C1");
    let rows = clerk.json(&["recording"]);
    assert_eq!(at(&rows, "/usage/bytes"), 0, "{rows}");
    assert_ne!(clerk.json(&["recording", &call])["here"], true);
    drop(serving);
}

#[test]
fn what_is_printed_fits_the_terminal_and_is_whole_in_a_pipe() {
    let (_hub, _serving, clerk) = started();
    let store = &["tasks", "--store", "--limit", "100"][..];
    for (columns, list) in [(48, &["tasks"][..]), (60, store), (80, store)] {
        let whole = clerk.told(list, false);
        assert!(whole.contains("氨氯地平用到") && !whole.contains('…'));
        let narrow = clerk
            .phone
            .run_in(&[("COLUMNS", &columns.to_string())], list)
            .done();
        for line in narrow.stdout.lines().filter(|line| !line.starts_with("下一步")) {
            let cells: usize = line.chars().map(|c| if c < '\u{2e80}' { 1 } else { 2 }).sum();
            assert!(cells <= columns, "{cells}: {line}");
        }
        // The number is what a clerk knows a member by: other words give way first.
        let numbers = |text: &str| text.matches("154****0").count();
        assert_eq!(numbers(&narrow.stdout), numbers(&whole), "{}", narrow.stdout);
    }
}
