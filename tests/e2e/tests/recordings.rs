//! A recording from the terminal phone to the hub's export, by the real programs over real sockets;
//! and the diagnostic bundle.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::fs;
use std::path::Path;

use yaoban_e2e::{Hub, Phone, clock_in_the_morning};

const NAME: &str = "欧阳建国";
const NUMBER: &str = "13812345678";

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

/// A store with a clerk and a manager; ids of the staff and of the member are phone numbers, as some
/// chains have them.
fn chain(dir: &Path) {
    write(dir, "stores.csv", "store_id,name\nS001,一店\n");
    write(
        dir,
        "staff.csv",
        "staff_id,store_id,name,role\n13900000001,S001,李店员,clerk\n13900000002,S001,赵店长,store_manager\n",
    );
    write(
        dir,
        "members.csv",
        &format!("member_id,store_id,name,phone\n{NUMBER},S001,{NAME},{NUMBER}\n"),
    );
}

#[test]
fn a_recording_goes_from_the_phone_to_the_managers_ear_and_a_bundle_holds_nobody() {
    let files = tempfile::tempdir().unwrap();
    chain(files.path());
    let hub = Hub::new("康健大药房");
    let _ = hub.import(files.path()).done();
    let code = hub.pair_store("S001");
    let mut serving = hub.serve();
    let mut phone = Phone::paired(&code);
    phone.shift_clock(clock_in_the_morning().shift_s);
    let _ = phone.run(["sync"]).done();
    let _ = phone.run(["staff", "13900000001"]).done();
    let _ = phone.run(["consent", NUMBER, "membership=yes"]).done();
    let dialled = phone.json(["dial", NUMBER, "--result", "answered", "--seconds", "60"]);
    let call = dialled["attempt_id"].as_str().unwrap().to_owned();

    // Without consent it is not kept, and the list says why.
    let sound: Vec<u8> = (0..300_000_u32).map(|at| (at * 7 % 253) as u8).collect();
    let file = files.path().join("call.m4a");
    fs::write(&file, &sound).unwrap();
    let file = file.to_str().unwrap();
    let refused = phone.run(["recording", &call, "--attach", file]).expect_code(1);
    assert!(refused.stderr.contains("同意"), "{}", refused.stderr);
    let row = phone.json(["recording", &call]);
    assert_eq!(
        (&row["state"], &row["reason"]),
        (&"none".into(), &"gate.no_consent".into())
    );

    let _ = phone.run(["consent", NUMBER, "recording=yes"]).done();
    let _ = phone.run(["recording", &call, "--attach", file]).done();
    let held = phone.json(["recording", "--send", "--network", "metered"]);
    assert_eq!(held["held_back"], "needs_wifi");
    // The call itself has not gone up yet: the recording waits for it.
    let early = phone.json(["recording", "--send"]);
    assert_eq!((&early["uploaded"], &early["waiting"]), (&0.into(), &1.into()));
    let _ = phone.run(["sync"]).done();
    let sent = phone.json(["recording", "--send"]);
    assert_eq!(
        (&sent["uploaded"], &sent["waiting"]),
        (&1.into(), &0.into()),
        "{sent}"
    );

    // The manager hears it, with a reason, and what was written down holds.
    let listed = hub.run("recordings list", ["--json"]).done().json();
    assert_eq!(
        (&listed["state"], &listed["bytes"]),
        (&"complete".into(), &300_000.into())
    );
    let out = files.path().join("heard.m4a");
    let out = out.to_str().unwrap();
    let as_clerk = [
        call.as_str(),
        "--staff",
        "13900000001",
        "--reason",
        "x",
        "--out",
        out,
    ];
    let _ = hub.run("recordings export", as_clerk).expect_code(1);
    assert!(!Path::new(out).exists());
    let as_manager = [
        call.as_str(),
        "--staff",
        "13900000002",
        "--reason",
        "投诉",
        "--out",
        out,
    ];
    let _ = hub.run("recordings export", as_manager).done();
    assert!(fs::read(out).unwrap() == sound);
    let trail = rusqlite::Connection::open(hub.dir().join("hub.db")).unwrap();
    let exported: i64 = trail
        .query_row(
            "SELECT count(*) FROM audit WHERE action = 'recording_exported' AND staff_id = '13900000002'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(exported, 1);
    assert!(hub.run("audit verify", [""; 0]).done().stdout.contains("whole"));

    // Deleted at the hub: the phone's copy goes with the next pull.
    let _ = phone.run(["sync"]).done();
    assert_eq!(phone.json(["recording", &call])["here"], true);
    let why = [call.as_str(), "--staff", "13900000002", "--reason", "会员要求"];
    let _ = hub.run("recordings delete", why).done();
    let _ = phone.run(["sync"]).done();
    let gone = phone.json(["recording", &call]);
    assert_eq!(
        (&gone["state"], &gone["here"], &gone["reason"]),
        (&"deleted".into(), &false.into(), &"deleted_at_hub".into())
    );
    assert_eq!(fs::read_dir(phone.home().join("recordings")).unwrap().count(), 0);

    // A note, a reading, and an operation that the hub refuses: none of it gets into the bundle.
    let _ = phone.run(["note", NUMBER, "对青霉素过敏的老邻居"]).done();
    let _ = phone.run(["reading", NUMBER, "150/95"]).done();
    let checkup = phone.json(["doctor"]);
    assert_eq!(checkup["file"]["whole"], true, "{checkup}");
    assert_eq!(checkup["file"]["integrity"], serde_json::json!([]));
    let store = &checkup["scopes"][1];
    assert!(
        store["digest"] == "equal" || store["digest"] == "behind",
        "{checkup}"
    );
    assert!(checkup["rounds"].as_array().unwrap().len() >= 3, "{checkup}");
    let well = phone.run(["doctor"]).done().stdout;
    assert!(well.contains("队列"), "{well}");
    let bundle = files.path().join("phone.bundle");
    let bundle = bundle.to_str().unwrap();
    let _ = phone.run(["bundle", "--out", bundle]).done();
    let sealed = fs::read(bundle).unwrap();
    let opened = hub.run("bundle open", [bundle]).done().stdout;
    assert!(opened.contains("\"queue\""), "{opened}");
    for secret in [
        NAME,
        NUMBER,
        "13900000001",
        "13900000002",
        "李店员",
        "青霉素",
        "老邻居",
        "一店",
        "康健",
    ] {
        assert!(!opened.contains(secret), "{secret} is in the bundle:\n{opened}");
        assert!(
            !sealed
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
    serving.end();
}
