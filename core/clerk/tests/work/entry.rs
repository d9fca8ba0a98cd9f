//! A reading while it is typed: plausible or not, its grade, the chain's advice, the target.

use yaoban_clerk_core::facade::entry::{EntryState, ReadingCheck, TypedReading};
use yaoban_clerk_core::facade::readings::{NewReading, Readings};
use yaoban_domain::codes::ContactPurpose;
use yaoban_protocol::row::entity;

use crate::common::{NOON, put};
use crate::phone::{DAY, Phone, code, member_row, template, willing};

fn bp(systolic: Option<u16>, diastolic: Option<u16>) -> NewReading {
    NewReading {
        kind: "bp".into(),
        systolic,
        diastolic,
        ..NewReading::default()
    }
}

fn glucose(tenths: u16, context: &str) -> NewReading {
    NewReading {
        kind: "glucose".into(),
        glucose_tenths: Some(tenths),
        context: Some(context.into()),
        ..NewReading::default()
    }
}

fn phone() -> Phone {
    let mut diabetic = willing("M2");
    diabetic.diseases = vec!["diabetes".into()];
    let mut advice = template(
        "advice.bp.grade2",
        "script",
        ContactPurpose::Service,
        "{name}，请坐着休息十分钟再量一次。",
    );
    advice.points = vec!["问今天吃药没有".into()];
    Phone::with(vec![
        member_row(10, &willing("M1")),
        member_row(11, &diabetic),
        put(12, entity::TEMPLATE, "advice.bp.grade2", &advice),
    ])
}

fn check(phone: &Phone, new: &NewReading) -> ReadingCheck {
    phone.app.check_reading("M1", new).unwrap()
}

#[test]
fn a_reading_is_judged_while_it_is_typed() {
    let phone = phone();
    for new in [bp(None, None), bp(Some(16), None), bp(Some(165), Some(9))] {
        let typed = check(&phone, &new);
        assert_eq!(
            (typed.state, typed.reading),
            (EntryState::Incomplete, None),
            "{new:?}"
        );
    }
    let whole = check(&phone, &bp(Some(165), Some(95)));
    assert_eq!((whole.state, whole.alarm), (EntryState::Possible, false));
    let reading = whole.reading.unwrap();
    assert_eq!(
        (reading.grade.as_deref(), reading.in_target),
        (Some("grade2"), Some(false))
    );
    assert!(check(&phone, &bp(Some(180), Some(95))).alarm);

    let impossible = check(&phone, &bp(Some(310), None));
    assert_eq!(
        (impossible.state, impossible.reason),
        (EntryState::Impossible, Some("impossible_value"))
    );
    let values: Vec<&str> = impossible
        .values
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values, ["systolic", "310", "40", "300"]);
    let swapped = check(&phone, &bp(Some(80), Some(120)));
    assert_eq!(swapped.reason, Some("systolic_not_above_diastolic"));

    assert!(
        phone.app.readings("M1", None, 10).unwrap().readings.is_empty(),
        "nothing is stored"
    );
    assert_eq!(phone.app.sync_queue().unwrap().unwrap().pending, 0);
    assert_eq!(
        code(phone.app.check_reading("M1", &glucose(60, "home"))),
        "invalid"
    );
    assert_eq!(
        code(phone.app.check_reading("M9", &bp(None, None))),
        "unknown_member"
    );
}

#[test]
fn the_chain_advises_by_grade() {
    let phone = phone();
    let advice = check(&phone, &bp(Some(165), Some(95))).advice.unwrap();
    assert_eq!(advice.text, "王M1，请坐着休息十分钟再量一次。");
    assert_eq!(advice.points, ["问今天吃药没有"]);
    assert_eq!(
        check(&phone, &bp(Some(145), Some(85))).advice,
        None,
        "the chain has none"
    );
    let added = phone.app.add_reading("M1", &bp(Some(165), Some(95))).unwrap();
    assert_eq!(added.advice, Some(advice));
}

#[test]
fn the_form_and_the_target_are_those_of_the_rules() {
    let phone = phone();
    let forms = phone.app.reading_forms();
    let shown: Vec<(&str, &[&str], &str)> = forms
        .iter()
        .map(|form| (form.kind, form.contexts.as_slice(), form.default_context))
        .collect();
    assert_eq!(
        shown,
        [
            ("bp", ["office", "home"].as_slice(), "office"),
            (
                "glucose",
                ["fasting", "after_meal", "random"].as_slice(),
                "random"
            ),
        ]
    );
    assert_eq!(
        forms[0]
            .numbers
            .iter()
            .map(|one| (one.field, one.min, one.max))
            .collect::<Vec<_>>(),
        [("systolic", 40, 300), ("diastolic", 20, 200)]
    );
    let targets = |member: &str, kind: &str| {
        let readings = phone.app.readings(member, Some(kind), 1).unwrap();
        let targets = readings.targets.into_iter();
        targets
            .map(|band| (band.field, band.context, band.from, band.to))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        targets("M1", "bp")[..2],
        [
            ("systolic", Some("office"), None, 139),
            ("diastolic", Some("office"), None, 89)
        ]
    );
    assert_eq!(targets("M2", "bp")[0], ("systolic", Some("office"), None, 129));
    assert_eq!(
        targets("M2", "glucose"),
        [
            ("glucose", Some("fasting"), Some(44), 70),
            ("glucose", Some("after_meal"), None, 99),
            ("glucose", Some("random"), None, 99),
        ]
    );
}

#[test]
fn a_chart_shows_a_year_and_the_targets_of_what_it_shows() {
    let phone = phone();
    let trend = |member: &str, kind: &str| phone.app.trend(member, kind).unwrap();
    let bands = |readings: &Readings| {
        let bands = readings.targets.iter();
        bands
            .map(|band| (band.field, band.context, band.from, band.to))
            .collect::<Vec<_>>()
    };
    assert!(trend("M2", "glucose").targets.is_empty(), "nothing is shown");
    let add = |kind: &str, value: u16, context: &str, days_ago: i64| {
        let reading = NewReading {
            kind: kind.into(),
            glucose_tenths: (kind == "glucose").then_some(value),
            systolic: (kind == "bp").then_some(value),
            diastolic: (kind == "bp").then_some(80),
            context: Some(context.into()),
            taken_at_ms: Some(NOON - days_ago * DAY),
            ..NewReading::default()
        };
        phone.app.add_reading("M2", &reading).unwrap();
    };
    add("glucose", 60, "fasting", 364);
    add("glucose", 61, "fasting", 365);
    let year = trend("M2", "glucose");
    assert_eq!(year.readings.len(), 1, "a day and a year ago is too long ago");
    assert_eq!(
        bands(&year),
        [("glucose", None, Some(44), 70)],
        "one context needs no name"
    );
    assert!(!year.readings[0].stands_out);
    add("glucose", 120, "after_meal", 0);
    let year = trend("M2", "glucose");
    assert_eq!(
        bands(&year),
        [
            ("glucose", Some("fasting"), Some(44), 70),
            ("glucose", Some("after_meal"), None, 99)
        ]
    );
    assert!(year.readings[0].stands_out, "beside its target");
    // Office and home have the same target: each number is named once.
    add("bp", 120, "office", 2);
    add("bp", 125, "home", 1);
    assert_eq!(
        bands(&trend("M2", "bp")),
        [("systolic", None, None, 129), ("diastolic", None, None, 79)]
    );
}

#[test]
fn what_is_typed_says_the_same_as_its_numbers() {
    let phone = phone();
    let typed = |kind: &str, numbers: &[&str]| TypedReading {
        kind: kind.into(),
        numbers: numbers.iter().map(|text| (*text).to_owned()).collect(),
        context: None,
    };
    let check = |typed: &TypedReading| phone.app.check_typed("M1", typed).unwrap();
    assert_eq!(check(&typed("bp", &["", " "])), None);
    assert_eq!(
        check(&typed("bp", &["150", ""])).unwrap().state,
        EntryState::Incomplete
    );
    let both = check(&typed("bp", &["150", "95"])).unwrap();
    let numbers = NewReading {
        kind: "bp".into(),
        systolic: Some(150),
        diastolic: Some(95),
        ..NewReading::default()
    };
    assert_eq!(both, phone.app.check_reading("M1", &numbers).unwrap());
    let glucose = check(&typed("glucose", &["7，8"])).unwrap();
    assert_eq!(glucose.reading.unwrap().glucose_tenths, Some(78));
    // Two places would be cut to another value.
    let wrong = typed("glucose", &["7.85"]);
    let said = check(&wrong).unwrap();
    assert_eq!(
        (said.state, said.reason),
        (EntryState::Impossible, Some("not_a_number"))
    );
    assert_eq!(code(phone.app.add_typed("M1", &wrong)), "not_a_number");
    let added = phone.app.add_typed("M1", &typed("bp", &["150", "95"])).unwrap();
    assert_eq!(
        (added.reading.systolic, added.reading.diastolic),
        (Some(150), Some(95))
    );
    assert_eq!(
        code(phone.app.check_typed("M1", &typed("weight", &["60"]))),
        "invalid"
    );
}
