//! A chain that is small enough to know by heart: every member is in it for one thing that can happen
//! to it during the day.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};
use yaoban_e2e::{Hub, clock_in_the_morning};

/// The day in China on which everything happens.
pub fn today() -> NaiveDate {
    clock_in_the_morning().today.parse().unwrap()
}

/// A day from today on; before it where `days` is negative.
pub fn day(days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    let today = today();
    if days < 0 {
        today - distance
    } else {
        today + distance
    }
}

/// A member and what the day does to it.
struct Person {
    id: &'static str,
    name: &'static str,
    phone: &'static str,
    consents: &'static str,
}

const ALL: &str = "membership=yes;health=yes;marketing=yes";
const SERVICE: &str = "membership=yes;health=yes;marketing=no";

const fn person(id: &'static str, name: &'static str, phone: &'static str) -> Person {
    Person {
        id,
        name,
        phone,
        consents: ALL,
    }
}

/// Members by what happens to them. `H1` and `H2` share a number.
const PEOPLE: [Person; 34] = [
    person("agreed_to_visit", "王约", "15400000001"),
    person("call_later", "李晚", "15400000002"),
    person("already_bought", "张买", "15400000003"),
    person("bought_elsewhere", "刘别", "15400000004"),
    person("still_has_stock", "陈存", "15400000005"),
    person("doctor_changed_or_stopped", "杨医", "15400000006"),
    person("not_interested", "黄兴", "15400000007"),
    person("do_not_contact", "赵勿", "15400000008"),
    person("wrong_number", "吴错", "15400000009"),
    person("needs_pharmacist", "周药", "15400000010"),
    person("adverse_reaction", "徐反", "15400000011"),
    person("moved", "孙搬", "15400000012"),
    person("hospitalised", "马院", "15400000013"),
    person("deceased", "朱故", "15400000014"),
    person("other", "胡它", "15400000015"),
    person("busy", "郭忙", "15400000021"),
    person("no_answer", "何无", "15400000022"),
    person("rejected", "高拒", "15400000023"),
    person("power_off", "林关", "15400000024"),
    person("suspended", "罗停", "15400000025"),
    person("invalid_number", "郑空", "15400000026"),
    person("voicemail", "梁箱", "15400000027"),
    person("line_failed", "谢线", "15400000028"),
    person("cancelled", "宋消", "15400000029"),
    person("dropped", "唐断", "15400000030"),
    person("blocked_by_policy", "许拦", "15400000031"),
    person("killed", "邓杀", "15400000032"),
    person("H1", "冯大", "15400000033"),
    person("H2", "冯小", "15400000033"),
    Person {
        id: "silent",
        name: "曾静",
        phone: "15400000034",
        consents: "",
    },
    Person {
        id: "no_marketing",
        name: "彭否",
        phone: "15400000035",
        consents: SERVICE,
    },
    Person {
        id: "no_phone",
        name: "曹无",
        phone: "",
        consents: ALL,
    },
    person("taken_back", "袁悔", "15400000036"),
    person("spare", "邹余", "15400000037"),
];

/// Ids of the members of store S1.
pub fn members() -> impl Iterator<Item = &'static str> {
    PEOPLE.iter().map(|person| person.id)
}

/// A hub with the chain imported, its model published, its templates and one campaign of calls.
pub fn hub() -> Hub {
    let files = tempfile::tempdir().unwrap();
    write_files(files.path());
    let hub = Hub::new("晨光大药房");
    let told = hub.import(files.path()).done();
    let told = told.json();
    for file in crate::worker::at(&told, "/files").as_array().unwrap() {
        assert_eq!(crate::worker::number(file, "/rejected"), 0, "{told}");
    }
    let as_of = today().to_string();
    let _ = hub.run("model publish", ["--as-of", &as_of]).done();
    let templates = yaoban_e2e::data::demo("templates.json");
    let _ = hub.run("template import", [&templates]).done();
    campaign(&hub, CAMPAIGN, "0");
    hub
}

/// The campaign that every member of S1 is in.
pub const CAMPAIGN: &str = "续药关怀";

/// A campaign of calls to all members of S1, of whom so many per cent are held out.
pub fn campaign(hub: &Hub, name: &str, holdout_percent: &str) {
    let files = tempfile::tempdir().unwrap();
    let list = files.path().join("list.txt");
    fs::write(&list, members().collect::<Vec<_>>().join("\n")).unwrap();
    let script = yaoban_e2e::data::demo("refill-script.json");
    let created = hub.run(
        "campaign create",
        [
            "--name",
            name,
            "--members",
            list.to_str().unwrap(),
            "--kind",
            "call",
            "--purpose",
            "service",
            "--script",
            script.to_str().unwrap(),
            "--start",
            &today().to_string(),
            "--holdout",
            holdout_percent,
        ],
    );
    let _ = created.done();
}

fn write_files(folder: &Path) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write(
        "stores.csv",
        "store_id,name,region\nS1,晨光一店,东区\nS2,晨光二店,东区\n",
    );
    write(
        "staff.csv",
        "staff_id,store_id,region,name,role,pharmacist\n\
         G1,S1,,方店长,store_manager,no\nP1,S1,,苏药师,clerk,yes\nC1,S1,,陆小敏,clerk,no\n\
         C2,S1,,陆小慧,clerk,no\nG2,S2,,江店长,store_manager,no\n",
    );
    write(
        "drugs.csv",
        "drug_id,name,ingredient,category,manufacturer,spec,units_per_pack,daily_units,prescription,chronic\n\
         D1,苯磺酸氨氯地平片,氨氯地平,降压药,晨光制药,5mg×30片,30,1,yes,yes\n\
         D2,维生素C片,维生素C,维生素,晨光制药,100片,,,no,no\n",
    );
    write("stock.csv", "store_id,drug_id,units\nS1,D1,12\n");
    let mut members =
        "member_id,store_id,name,phone,sex,birthday,joined_on,diseases,allergies,tags,consents\n".to_owned();
    let mut purchases = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount\n".to_owned();
    for (number, person) in PEOPLE.iter().enumerate() {
        let consents: Vec<String> = person
            .consents
            .split(';')
            .filter(|consent| !consent.is_empty())
            .map(|consent| format!("{consent}@2025-01-01"))
            .collect();
        _ = writeln!(
            members,
            "{},S1,{},{},女,1960-02-29,2024-01-01,高血压,青霉素,老会员,{}",
            person.id,
            person.name,
            person.phone,
            consents.join(";")
        );
        // A pack of thirty days, bought 25 days ago: it runs low, and no task by rule comes of it.
        for (fill, back) in [(0, -85), (1, -55), (2, -25)] {
            _ = writeln!(
                purchases,
                "L{number}-{fill},{},S1,{},D1,1,20.00",
                person.id,
                day(back)
            );
        }
        // Some come more often and spend more, so that there is every class.
        for extra in 0..number % 3 {
            let sold_at = day(-20 - 9 * i64::try_from(extra).unwrap());
            let amount = 15 * number;
            _ = writeln!(
                purchases,
                "X{number}-{extra},{},S1,{sold_at},D2,1,{amount}.00",
                person.id
            );
        }
    }
    // A member of the other store, who walks into this one.
    members += "walk_in,S2,钱过客,15400000099,男,1955-05-05,2024-01-01,糖尿病,,,membership=yes@2025-01-01\n";
    write("members.csv", &members);
    write("purchases.csv", &purchases);
}

/// A rule file for a group.
pub fn rule(folder: &Path, json: &str) -> PathBuf {
    let file = folder.join("rule.json");
    fs::write(&file, json).unwrap();
    file
}
