//! The facade on a small store, without a network.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use common::{NOON, TestVault, load, member, open, put, small_store};
use yaoban_clerk_core::ClerkApp;
use yaoban_clerk_core::clock::Clock;
use yaoban_clerk_core::facade::AppError;
use yaoban_clerk_core::facade::history::DaysAsked;
use yaoban_clerk_core::facade::members::{DrawnSignature, MemberForm, NewConsent, NewMember, NewRegimen};
use yaoban_clerk_core::facade::readings::NewReading;
use yaoban_clerk_core::store::{ChangeListener, StoreError};
use yaoban_clerk_core::sync::Cancel;
use yaoban_domain::model::{Allergy, ClassModel, CutPoints, Drug, Stock};
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{Op, ProfileFields};
use yaoban_protocol::row::{Change, Purchases, entity};

/// A clock that tests move.
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Phone {
    app: ClerkApp,
    clock: Arc<Hands>,
}

impl Phone {
    fn start(dir: &Path, rows: Vec<Change>) -> Self {
        let mut store = open(dir);
        load(&mut store, rows);
        store.pause().unwrap();
        drop(store);
        let clock = Arc::new(Hands(AtomicI64::new(NOON)));
        let app = ClerkApp::open(dir, &TestVault(1), Arc::<Hands>::clone(&clock)).unwrap();
        app.switch_staff("C1", None).unwrap();
        Self { app, clock }
    }

    fn later(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }
}

const TODAY: i32 = 20_619; // 2026-06-15

/// The small store with a drug, its stock, purchases and a class model.
fn full_store() -> Vec<Change> {
    let drug = Drug {
        id: "D1".into(),
        name: "络活喜".into(),
        ingredient: Some("氨氯地平".into()),
        category: Some("降压药".into()),
        manufacturer: Some("辉瑞".into()),
        spec: Some("5mg*28片".into()),
        units_per_pack_milli: Some(28_000),
        daily_units_milli: Some(1_000),
        prescription: true,
        chronic: true,
    };
    let bought = Purchases {
        member_id: "M1".into(),
        days: vec![TODAY - 60, TODAY - 30, TODAY - 30],
        seconds: vec![-1, -1, -1],
        drug_index: vec![0, 0, -1],
        drugs: vec!["D1".into()],
        store_index: vec![0, 0, 0],
        stores: vec!["S1".into()],
        quantities_milli: vec![1000, 1000, 1000],
        amounts_fen: vec![3_000, 3_000, 500],
    };
    let cuts = CutPoints {
        recency: [5, 20, 40, 80],
        frequency: [1, 2, 3, 4],
        monetary: [1_000, 5_000, 6_000, 9_000],
    };
    let model = ClassModel {
        version: 1,
        cut_points: Some(cuts),
        ..ClassModel::default()
    };
    let mut sick = member("M1", "欧阳娜娜");
    sick.allergies = vec![Allergy {
        text: "青霉素".into(),
        ingredients: vec!["青霉素".into()],
    }];
    let mut rows = small_store();
    rows[2] = put(3, entity::MEMBER, "M1", &sick);
    rows.push(put(5, entity::DRUG, "D1", &drug));
    rows.push(put(
        6,
        entity::STOCK,
        "D1",
        &Stock {
            drug_id: "D1".into(),
            units_milli: 12_000,
        },
    ));
    rows.push(put(7, entity::PURCHASES, "M1", &bought));
    rows.push(put(8, entity::MODEL, "model", &model));
    rows
}

#[test]
fn a_member_is_found_by_everything_a_clerk_types() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = small_store();
    let mut other = member("M3", "单雄信");
    other.phone = Some("13900005678".into());
    rows.push(put(5, entity::MEMBER, "M3", &other));
    let phone = Phone::start(dir.path(), rows);
    for (typed, id) in [
        ("5678", "M3"),
        ("139 0000 5678", "M3"),
        ("＋86 139-0000-5678", "M3"),
        ("单", "M3"),
        ("雄信", "M3"),
        ("信", "M3"),
        ("sxx", "M3"),
        ("shanxiong", "M3"),
        ("danxx", ""),
        ("M3", "M3"),
        ("娜娜", "M1"),
        ("oynn", "M1"),
        ("ouyang", "M1"),
        ("wf", "M2"),
        ("999", ""),
        ("", ""),
        ("'; DROP TABLE member; --", ""),
    ] {
        let found = phone.app.find(typed, 10).unwrap().members;
        assert_eq!(
            found.first().map_or("", |row| row.member_id.as_str()),
            id,
            "{typed}"
        );
    }
    let both = phone.app.find("1234", 10).unwrap().members;
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].phone_masked.as_deref(), Some("138****1234"));
    assert_eq!(both[0].household, 1);
}

#[test]
fn nobody_is_said_only_once_enough_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    for (typed, too_short) in [
        ("1", true),
        ("999", true),
        ("９９９", true),
        ("9999", false),
        ("99999", false),
        ("13900", true),
        ("139 0000 000", true),
        ("13900000000", false),
        ("xyz", false),
        ("赵", false),
        ("", false),
        ("-", false),
        // Somebody fits already.
        ("234", false),
    ] {
        let found = phone.app.find(typed, 10).unwrap();
        let none = found.none.map(|say| format!("{}.{}", say.group, say.code));
        let said = match (typed, too_short) {
            ("234" | "-", _) => None,
            ("", _) => Some("counter.first"),
            (_, true) => Some("counter.go_on"),
            (_, false) => Some("counter.none"),
        };
        assert_eq!(none.as_deref(), said, "{typed}");
        assert_eq!(found.nobody, said == Some("counter.none"), "{typed}");
    }
}

#[test]
fn a_profile_says_what_matters() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), full_store());
    let profile = phone.app.profile("M1").unwrap();
    assert_eq!(profile.allergies[0].text, "青霉素");
    assert_eq!(
        (
            profile.class.recency,
            profile.class.frequency,
            profile.class.monetary_fen
        ),
        (Some(30), 2, 6_500)
    );
    assert_eq!((profile.class.r, profile.class.f, profile.class.m), (3, 2, 4));
    assert_eq!(profile.class.base, "develop");
    let medicine = &profile.medicines[0];
    assert_eq!(medicine.drug_name.as_deref(), Some("络活喜"));
    // 28 days from day −60 end on −33; the next 28 begin on −30 and end on −3.
    assert_eq!(
        (medicine.status.as_deref(), medicine.days_left),
        (Some("out"), Some(-3))
    );
    assert_eq!(medicine.stock_milli, Some(12_000));
    let said = if medicine.estimated { "end_about" } else { "end" };
    assert_eq!(
        (medicine.end_says.group, medicine.end_says.code.as_str()),
        ("member", said)
    );
    let said: Vec<&str> = profile.say.iter().map(|say| say.code.as_str()).collect();
    assert_eq!(said, ["medicine_out", "measure_bp", "ask_consent", "ask_consent"]);
    assert_eq!(profile.latest_purchase.as_ref().unwrap().net_fen, 3_500);
    assert!(matches!(
        phone.app.profile("M9"),
        Err(AppError::Unknown { what: "member" })
    ));
    let page = phone.app.days_here("M1", &DaysAsked::default(), 1).unwrap();
    assert_eq!(page.days[0].lines.len(), 2);
    let older = page.next.unwrap();
    assert_eq!((older.until, older.at_hub), (page.days[0].day.pred_opt(), false));
    let next = phone.app.days_here("M1", &older, 1).unwrap();
    assert_eq!((next.days.len(), next.next), (1, None));
}

#[test]
fn a_history_is_narrowed_to_one_ingredient_and_goes_on_at_the_hub() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = full_store();
    let mut often = member("M1", "欧阳娜娜");
    often.lifetime.times = 9;
    rows.push(put(90, entity::MEMBER, "M1", &often));
    let phone = Phone::start(dir.path(), rows);
    assert_eq!(phone.app.bought_ingredients("M1").unwrap(), ["氨氯地平"]);
    assert_eq!(phone.app.bought_ingredients("M2").unwrap(), [""; 0]);
    let page = |ingredient: Option<&str>| {
        let asked = DaysAsked {
            ingredient: ingredient.map(str::to_owned),
            ..DaysAsked::default()
        };
        phone.app.history("M1", &asked, &Cancel::default()).unwrap()
    };
    let all = page(None);
    assert_eq!(
        all.days.iter().map(|day| day.lines.len()).collect::<Vec<_>>(),
        [2, 1]
    );
    let one = page(Some("氨氯地平"));
    assert_eq!(
        one.days.iter().map(|day| day.lines.len()).collect::<Vec<_>>(),
        [1, 1]
    );
    assert!(one.days[0].net_fen < all.days[0].net_fen);
    assert!(page(Some("二甲双胍")).days.is_empty());
    // Nine visits and two days here: whatever is asked for, the others are at the hub.
    for shown in [all, one, page(Some("二甲双胍"))] {
        let next = shown.next.unwrap();
        assert!(next.at_hub);
        assert_eq!(
            yaoban_domain::calendar::day_number(next.until.unwrap()),
            TODAY - 61
        );
    }
    let nothing = phone.app.days_here("M2", &DaysAsked::default(), 9).unwrap();
    assert_eq!((nothing.days.len(), nothing.next), (0, None));
}

#[test]
fn a_regimen_and_readings_change_what_the_profile_says() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), full_store());
    let half = NewRegimen {
        ingredient: "氨氯地平".into(),
        daily_units_milli: Some(500),
        ..NewRegimen::default()
    };
    phone.app.set_regimen("M1", &half).unwrap();
    assert_eq!(
        phone.app.profile("M1").unwrap().medicines[0].status.as_deref(),
        Some("in_use")
    );
    let bp = |systolic, diastolic| NewReading {
        kind: "bp".into(),
        systolic: Some(systolic),
        diastolic: Some(diastolic),
        ..NewReading::default()
    };
    assert_eq!(
        phone.app.add_reading("M1", &bp(80, 120)).unwrap_err().code(),
        "systolic_not_above_diastolic"
    );
    let calm = phone.app.add_reading("M1", &bp(150, 95)).unwrap();
    assert_eq!(
        (calm.reading.grade.as_deref(), calm.alarm, calm.task_id),
        (Some("grade1"), false, None)
    );
    phone.later(60_000);
    let danger = phone.app.add_reading("M1", &bp(185, 100)).unwrap();
    assert!(danger.alarm);
    let profile = phone.app.profile("M1").unwrap();
    assert_eq!(profile.say[0].code, "emergency_reading");
    assert!(
        profile
            .tasks
            .iter()
            .any(|task| task.emergency && Some(&task.task_id) == danger.task_id.as_ref())
    );
    let readings = phone.app.readings("M1", Some("bp"), 10).unwrap();
    assert_eq!(
        (readings.readings[0].systolic_change, readings.in_target_percent),
        (Some(35), Some(0))
    );
    let said = |at: usize| {
        (
            readings.readings[at].value.as_str(),
            readings.readings[at].change.as_deref(),
        )
    };
    assert_eq!((said(0), said(1)), (("185/100", Some("+35")), ("150/95", None)));
    let profile = phone.app.profile("M1").unwrap();
    assert_eq!(profile.care, "chronic");
    // It became so by these readings: the marks say it too.
    assert!(profile.member.marks.iter().any(|mark| mark.say.code == "chronic"));
}

#[test]
fn a_new_member_is_there_at_once_and_its_record_can_be_edited() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    let new = NewMember {
        name: "王小明".into(),
        phone: Some("138-1234-1234".into()),
        diseases: vec!["高血压".into()],
        consents: vec![NewConsent {
            purpose: "health".into(),
            granted: true,
            ..NewConsent::default()
        }],
        ..NewMember::default()
    };
    let registered = phone.app.register(&new).unwrap();
    let id = registered.member.member_id;
    assert!(id.starts_with("tmp-"));
    assert_eq!(registered.same_number.len(), 2);
    assert_eq!(phone.app.find("wxm", 5).unwrap().members[0].member_id, id);
    let edit = ProfileFields {
        name: Some("王晓明".into()),
        phone: Some(String::new()),
        ..ProfileFields::default()
    };
    phone.app.edit_member(&id, edit).unwrap();
    phone.app.tag(&id, &[" 会员日\n".into()], &[]).unwrap();
    phone.app.add_note(&id, "喜欢上午来", None).unwrap();
    let withdrawn = NewConsent {
        purpose: "health".into(),
        granted: false,
        ..NewConsent::default()
    };
    phone.app.set_consent(&id, &withdrawn, None).unwrap();
    let profile = phone.app.profile(&id).unwrap();
    assert_eq!(
        (profile.member.name.as_str(), profile.member.phone_masked),
        ("王晓明", None)
    );
    assert_eq!(
        (profile.tags, profile.diseases),
        (vec!["会员日".to_owned()], vec!["hypertension".to_owned()])
    );
    assert_eq!(profile.notes[0].text, "喜欢上午来");
    let health = profile.consents.iter().find(|one| one.purpose == "health");
    assert!(health.is_some_and(|one| !one.granted && one.answers.len() == 1));
    assert_eq!(phone.app.status().unwrap().outbox, 5);
    let wrong = NewMember {
        name: "x".into(),
        phone: Some("12".into()),
        ..NewMember::default()
    };
    assert_eq!(phone.app.register(&wrong).unwrap_err().values()[0].1, "phone");
}

#[test]
fn a_form_tells_only_what_was_changed_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    let before = phone.app.member_form("M1").unwrap();
    assert_eq!(before.phone, "", "a new number is asked for, none is shown");
    phone.app.save_form("M1", &before, &before).unwrap();
    assert_eq!(phone.app.status().unwrap().outbox, 0, "nothing to tell");
    // Meanwhile somebody else has corrected the name: it stays.
    let name = ProfileFields {
        name: Some("王大明".into()),
        ..ProfileFields::default()
    };
    phone.app.edit_member("M1", name).unwrap();
    let after = MemberForm {
        birthday: "1963年2月15日".into(),
        ..before.clone()
    };
    phone.app.save_form("M1", &before, &after).unwrap();
    let profile = phone.app.profile("M1").unwrap();
    assert_eq!(profile.member.name, "王大明");
    assert_eq!(profile.birthday, "1963-02-15".parse().ok());
    let begun = phone.app.member_form("M1").unwrap();
    assert_eq!(begun.birthday, "1963-02-15");
    let emptied = MemberForm {
        birthday: " ".into(),
        ..begun.clone()
    };
    let refused = phone.app.save_form("M1", &begun, &emptied).unwrap_err();
    assert_eq!(
        (refused.code(), refused.values()[0].1.as_str()),
        ("invalid", "birthday")
    );
    let number = MemberForm {
        phone: "12".into(),
        ..begun.clone()
    };
    assert_eq!(
        phone.app.save_form("M1", &begun, &number).unwrap_err().values()[0].1,
        "phone"
    );
}

#[test]
fn what_is_new_to_send_wakes_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    let (_, _, wake) = phone.app.background_parts();
    phone.app.profile("M1").unwrap();
    phone.app.remember_opened("M1").unwrap();
    assert!(!wake.is_asked(), "there is nothing to send");
    phone.app.add_note("M1", "喜欢上午来", None).unwrap();
    assert!(wake.is_asked());
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    let (_, _, wake) = phone.app.background_parts();
    phone.app.plan_call("M1", None).unwrap();
    assert!(wake.is_asked(), "a task as well as a record");
}

#[test]
fn an_allergy_comes_and_goes_and_the_others_stay_as_they_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), full_store());
    let texts = || -> Vec<String> {
        let known = phone.app.profile("M1").unwrap().allergies;
        known.into_iter().map(|allergy| allergy.text).collect()
    };
    let known = phone.app.profile("M1").unwrap().allergies;
    phone.app.add_allergies("M1", "海鲜、青霉素 ").unwrap();
    assert_eq!(texts(), ["海鲜", "青霉素"]);
    assert_eq!(phone.app.profile("M1").unwrap().allergies[1], known[0]);
    let marks = phone.app.profile("M1").unwrap().member.marks;
    assert!(marks[0].stands_out && marks[0].say.code == "allergies");
    phone.app.remove_allergy("M1", "海鲜").unwrap();
    assert_eq!(texts(), ["青霉素"]);
    let told = phone.app.status().unwrap().outbox;
    phone.app.add_allergies("M1", "青霉素").unwrap();
    phone.app.remove_allergy("M1", "花生").unwrap();
    assert_eq!(
        phone.app.status().unwrap().outbox,
        told,
        "what changes nothing is not told"
    );
}

#[test]
fn a_signature_goes_up_with_the_consents_that_it_signs() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    let drawn = |to| DrawnSignature {
        width: 300.0,
        strokes: vec![vec![10.0, 10.0, to, 40.0]],
        purposes: vec!["health".to_owned()],
    };
    let health = NewConsent {
        purpose: "health".into(),
        granted: true,
        ..NewConsent::default()
    };
    let new = |to| NewMember {
        name: "王小明".into(),
        consents: vec![health.clone()],
        signature: Some(drawn(to)),
        ..NewMember::default()
    };
    // A slip of the finger is no signature, and nothing is registered without the one that was meant.
    let refused = phone.app.register(&new(12.0)).unwrap_err();
    assert_eq!(
        (refused.code(), refused.values()[0].1.as_str()),
        ("invalid", "signature")
    );
    assert!(phone.app.set_consent("M1", &health, Some(&drawn(12.0))).is_err());
    // One that was drawn under other consents is none of these.
    let mut more = new(250.0);
    more.consents.push(NewConsent {
        purpose: "marketing".into(),
        ..health.clone()
    });
    let refused = phone.app.register(&more).unwrap_err();
    assert_eq!(refused.values()[1].1, "signature_again");
    more.consents.clear();
    assert!(phone.app.register(&more).is_err());
    assert_eq!(phone.app.status().unwrap().outbox, 0);
    phone.app.register(&new(250.0)).unwrap();
    phone.app.set_consent("M1", &health, Some(&drawn(250.0))).unwrap();
    phone.app.set_consent("M2", &health, None).unwrap();
    let written: Vec<Vec<u8>> = phone
        .app
        .store()
        .read::<_, StoreError>(|conn| {
            let mut bodies = conn.prepare("SELECT body FROM outbox ORDER BY outbox_id")?;
            let bodies = bodies.query_map([], |row| row.get(0))?;
            Ok(bodies.collect::<Result<_, _>>()?)
        })
        .unwrap();
    let signed = written.iter().map(|body| match from_cbor(body).unwrap() {
        Op::RegisterMember { signature, .. } | Op::SetConsent { signature, .. } => signature.is_some(),
        other => panic!("{other:?}"),
    });
    assert_eq!(signed.collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn a_registration_begins_with_what_was_typed() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    for (typed, name, number) in [
        ("王芳", "王芳", ""),
        (" 13812341234 ", "", "13812341234"),
        ("138-1234 1234", "", "138-1234 1234"),
        ("+86 13812341234", "", "+86 13812341234"),
        ("１３８１２３４１２３４", "", "13812341234"),
        ("王1", "王1", ""),
        ("ｗｆ", "ｗｆ", ""),
        ("", "", ""),
        ("  ", "", ""),
    ] {
        let begun = phone.app.begin_registration(typed);
        assert_eq!(
            (begun.name.as_str(), begun.phone.as_str()),
            (name, number),
            "{typed}"
        );
    }
    assert_eq!(phone.app.sexes(), ["female", "male"]);
}

#[test]
fn groups_follow_the_audience_and_what_clerks_change() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), full_store());
    let count = |rule: &str| phone.app.group_count(rule).unwrap();
    assert_eq!(count(r#"{"all":[]}"#), 2);
    assert_eq!(count(r#"{"class":"develop"}"#), 1);
    assert_eq!(count(r#"{"medicine":{"status":"out"}}"#), 1);
    let group = phone
        .app
        .group(r#"{"bought":{"ingredient":"氨氯地平","within_days":60}}"#, 0, 10)
        .unwrap();
    assert_eq!(group.members[0].member_id, "M1");
    phone.app.tag("M2", &["vip".into()], &[]).unwrap();
    assert_eq!(count(r#"{"tags":"vip"}"#), 1);
    assert_eq!(
        phone.app.group(r#"{"nope":1}"#, 0, 1).unwrap_err().code(),
        "audience"
    );
    phone
        .app
        .save_group("断药", r#"{"medicine":{"status":"out"}}"#)
        .unwrap();
    assert_eq!(phone.app.saved_groups().unwrap()[0].name, "断药");
    phone.app.remove_group("断药").unwrap();
    assert!(phone.app.saved_groups().unwrap().is_empty());
}

#[test]
fn the_phone_knows_who_uses_it_and_locks() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    assert_eq!(
        phone.app.switch_staff_biometric("C1").unwrap_err().code(),
        "pin_unset"
    );
    phone.app.set_pin("C1", None, "2468").unwrap();
    phone.app.switch_staff_biometric("C1").unwrap();
    assert_eq!(
        phone.app.switch_staff_biometric("B1").unwrap_err().code(),
        "pin_unset"
    );
    assert_eq!(
        phone.app.set_pin("C1", Some("2468"), "12").unwrap_err().code(),
        "invalid"
    );
    phone.later(15 * 60_000 - 1);
    phone.app.find("M1", 1).unwrap();
    phone.later(15 * 60_000);
    assert_eq!(phone.app.find("M1", 1).unwrap_err(), AppError::Locked);
    assert_eq!(
        phone.app.switch_staff("C1", Some("0000")).unwrap_err().code(),
        "pin_wrong"
    );
    phone.app.switch_staff("C1", Some("2468")).unwrap();
    assert_eq!(
        phone.app.switch_staff("C1", None).unwrap_err(),
        AppError::PinMissing
    );
    for tries_left in [4, 3, 2, 1] {
        assert_eq!(
            phone.app.switch_staff("C1", Some("0000")).unwrap_err(),
            AppError::PinWrong { tries_left }
        );
    }
    let blocked = AppError::PinBlocked { wait_s: 20 * 60 };
    assert_eq!(phone.app.switch_staff("C1", Some("0000")).unwrap_err(), blocked);
    assert_eq!(phone.app.switch_staff("C1", Some("2468")).unwrap_err(), blocked);
    phone.later(20 * 60_000 - 1);
    assert_eq!(
        phone.app.switch_staff("C1", Some("2468")).unwrap_err(),
        AppError::PinBlocked { wait_s: 1 }
    );
    phone.later(1);
    phone.app.switch_staff("C1", Some("2468")).unwrap();
    assert_eq!(
        phone.app.switch_staff("C9", None).unwrap_err().code(),
        "unknown_staff"
    );
    assert!(
        phone
            .app
            .staff()
            .unwrap()
            .iter()
            .any(|row| row.current && row.has_pin)
    );
    phone.app.sign_out().unwrap();
    assert_eq!(phone.app.profile("M1").unwrap_err(), AppError::StaffMissing);
}

#[test]
fn a_pause_closes_and_a_resume_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), small_store());
    phone.app.pause().unwrap();
    phone.app.pause().unwrap();
    assert_eq!(phone.app.find("M1", 1).unwrap_err().code(), "paused");
    phone.app.resume().unwrap();
    assert_eq!(phone.app.find("M1", 1).unwrap().members.len(), 1);
    phone.app.close().unwrap();
    assert!(!dir.path().join("clerk.db-wal").exists());
}

/// Counts what it hears, and looks at the file each time: nobody may hold a lock then.
struct Ear {
    app: std::sync::Weak<ClerkApp>,
    heard: AtomicI64,
}

impl ChangeListener for Ear {
    fn changed(&self) {
        self.app.upgrade().unwrap().status().unwrap();
        self.heard.fetch_add(1, Ordering::SeqCst);
    }
}

/// Keeps whether the lock was down when it last heard of a change.
struct LockEar {
    app: std::sync::Weak<ClerkApp>,
    locked: std::sync::atomic::AtomicBool,
}

impl ChangeListener for LockEar {
    fn changed(&self) {
        self.locked
            .store(self.app.upgrade().unwrap().is_locked(), Ordering::SeqCst);
    }
}

#[test]
fn who_hears_of_a_sign_in_or_a_lock_finds_it_so() {
    let dir = tempfile::tempdir().unwrap();
    let Phone { app, .. } = Phone::start(dir.path(), full_store());
    let app = Arc::new(app);
    let staff_id = app.signed_in().unwrap();
    let ear = Arc::new(LockEar {
        app: Arc::downgrade(&app),
        locked: false.into(),
    });
    app.store().set_listener(Some(Arc::<LockEar>::clone(&ear)));
    app.lock_now().unwrap();
    assert!(ear.locked.load(Ordering::SeqCst));
    app.switch_staff(&staff_id, None).unwrap();
    assert!(!ear.locked.load(Ordering::SeqCst));
}

#[test]
fn a_change_is_told_once_it_is_committed_and_looking_is_no_change() {
    let dir = tempfile::tempdir().unwrap();
    let Phone { app, .. } = Phone::start(dir.path(), full_store());
    let app = Arc::new(app);
    let ear = Arc::new(Ear {
        app: Arc::downgrade(&app),
        heard: AtomicI64::new(0),
    });
    app.store().set_listener(Some(Arc::<Ear>::clone(&ear)));
    let heard = || ear.heard.swap(0, Ordering::SeqCst);
    app.profile("M1").unwrap();
    app.find("M1", 10).unwrap();
    assert_eq!(heard(), 0);
    app.tag("M1", &["老客".to_owned()], &[]).unwrap();
    assert_eq!(heard(), 1);
    app.tag("nobody", &["老客".to_owned()], &[]).unwrap_err();
    assert_eq!(heard(), 0);
    app.store().set_listener(None);
    app.tag("M1", &[], &["老客".to_owned()]).unwrap();
    assert_eq!(heard(), 0);
}

#[test]
fn a_shell_that_tells_of_touches_is_locked_although_its_lists_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let phone = Phone::start(dir.path(), full_store());
    let minute_ms = 60_000;
    phone.later(14 * minute_ms);
    phone.app.profile("M1").unwrap();
    phone.later(14 * minute_ms);
    phone.app.profile("M1").unwrap();
    phone.app.touched_by_shell();
    phone.later(14 * minute_ms);
    phone.app.profile("M1").unwrap();
    phone.later(minute_ms);
    assert_eq!(phone.app.profile("M1").unwrap_err(), AppError::Locked);
    assert_eq!(phone.app.touch().unwrap_err(), AppError::Locked);
    phone.app.switch_staff("C1", None).unwrap();
    phone.later(14 * minute_ms);
    phone.app.touch().unwrap();
    phone.later(14 * minute_ms);
    phone.app.profile("M1").unwrap();
}
