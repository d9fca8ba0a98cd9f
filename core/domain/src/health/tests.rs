use super::*;
use crate::calendar::from_day_number;
use crate::codes::Open;

fn rules() -> HealthRules {
    HealthRules::default()
}

fn reading(kind: ReadingKind, systolic: Option<u16>, diastolic: Option<u16>, tenths: Option<u16>) -> Reading {
    Reading {
        id: "r".into(),
        member_id: "m".into(),
        taken_at_ms: 0,
        kind: Open::Known(kind),
        systolic,
        diastolic,
        glucose_tenths: tenths,
        context: Open::Known(ReadingContext::Office),
        staff_id: None,
        supersedes: None,
    }
}

fn pressure(systolic: u16, diastolic: u16) -> Reading {
    reading(ReadingKind::Bp, Some(systolic), Some(diastolic), None)
}

fn sugar(tenths: u16) -> Reading {
    reading(ReadingKind::Glucose, None, None, Some(tenths))
}

#[test]
fn office_grades_at_every_edge() {
    use BpGrade::{Grade1, Grade2, Grade3, HighNormal, Normal};
    for (from, below, at) in [
        ((120, 80), Normal, HighNormal),
        ((140, 90), HighNormal, Grade1),
        ((160, 100), Grade1, Grade2),
        ((180, 110), Grade2, Grade3),
    ] {
        let grade = |systolic, diastolic| bp_grade(systolic, diastolic, ReadingContext::Office, &rules());
        assert_eq!(grade(from.0 - 1, from.1 - 1), below, "below {from:?}");
        assert_eq!(grade(from.0, 60), at, "systolic at {from:?}");
        assert_eq!(grade(100, from.1), at, "diastolic at {from:?}");
        assert_eq!(
            grade(from.0 - 1, 60).max(grade(100, from.1 - 1)),
            below,
            "each alone below {from:?}"
        );
    }
}

#[test]
fn home_grade_1_begins_at_135_or_85_and_the_rest_is_as_in_the_office() {
    use BpGrade::{Grade1, Grade2, Grade3, HighNormal, Normal};
    for (systolic, diastolic, grade) in [
        (119, 79, Normal),
        (120, 79, HighNormal),
        (119, 80, HighNormal),
        (134, 84, HighNormal),
        (135, 84, Grade1),
        (134, 85, Grade1),
        (159, 99, Grade1),
        (160, 99, Grade2),
        (159, 100, Grade2),
        (179, 109, Grade2),
        (180, 109, Grade3),
        (179, 110, Grade3),
    ] {
        assert_eq!(
            bp_grade(systolic, diastolic, ReadingContext::Home, &rules()),
            grade,
            "{systolic}/{diastolic}"
        );
    }
}

#[test]
fn glucose_grades_at_every_edge() {
    use GlucoseGrade::{AboveTarget, DiabetesRange, HighNormal, Low, Normal, VeryHigh};
    for (tenths, grade) in [
        (38, Low),
        (39, Normal),
        (60, Normal),
        (61, HighNormal),
        (69, HighNormal),
        (70, DiabetesRange),
        (166, DiabetesRange),
        (167, VeryHigh),
    ] {
        assert_eq!(
            glucose_grade(tenths, ReadingContext::Fasting, &rules()),
            grade,
            "fasting {tenths}"
        );
    }
    for context in [ReadingContext::AfterMeal, ReadingContext::Random] {
        for (tenths, grade) in [
            (38, Low),
            (39, Normal),
            (61, Normal),
            (99, Normal),
            (100, AboveTarget),
            (110, AboveTarget),
            (111, DiabetesRange),
            (166, DiabetesRange),
            (167, VeryHigh),
        ] {
            assert_eq!(
                glucose_grade(tenths, context, &rules()),
                grade,
                "{context} {tenths}"
            );
        }
    }
}

#[test]
fn targets_at_every_edge() {
    let bp =
        |systolic, diastolic, diabetic| Measure::bp(systolic, diastolic, None).in_target(diabetic, &rules());
    assert!(bp(139, 89, false) && !bp(140, 89, false) && !bp(139, 90, false));
    assert!(bp(129, 79, true) && !bp(130, 79, true) && !bp(129, 80, true));
    let fasting = |tenths| Measure::glucose(tenths, Some(ReadingContext::Fasting)).in_target(false, &rules());
    assert!(!fasting(43) && fasting(44) && fasting(70) && !fasting(71));
    let other = |tenths| Measure::glucose(tenths, None).in_target(false, &rules());
    assert!(other(99) && !other(100));
}

#[test]
fn fasting_7_0_is_in_the_target_and_in_the_diabetes_range() {
    let measure = Measure::glucose(70, Some(ReadingContext::Fasting));
    assert!(measure.in_target(false, &rules()) && measure.is_chronic_range(&rules()));
    assert!(!glucose_above_target(70, ReadingContext::Fasting, &rules()));
}

#[test]
fn emergencies_at_every_edge() {
    for (systolic, diastolic, emergency) in [(179, 109, false), (180, 60, true), (120, 110, true)] {
        assert_eq!(
            is_emergency(&pressure(systolic, diastolic), &rules()),
            emergency,
            "{systolic}/{diastolic}"
        );
    }
    for (tenths, emergency) in [(38, true), (39, false), (166, false), (167, true)] {
        assert_eq!(is_emergency(&sugar(tenths), &rules()), emergency, "{tenths}");
    }
    assert!(
        !is_emergency(&reading(ReadingKind::Bp, Some(250), None, None), &rules()),
        "half a reading says nothing"
    );
}

#[test]
fn an_alarm_is_raised_within_24_hours_only() {
    let hours_24 = 24 * MS_PER_HOUR;
    let now = 1_000 * MS_PER_HOUR;
    for (taken_at_ms, raised) in [
        (now, true),
        (now - hours_24, true),
        (now - hours_24 - 1, false),
        (now + 1, false),
        (0, false),
    ] {
        let reading = Reading {
            taken_at_ms,
            ..pressure(190, 100)
        };
        assert_eq!(raises_alarm(&reading, now, &rules()), raised, "{taken_at_ms}");
    }
    assert!(!raises_alarm(
        &Reading {
            taken_at_ms: now,
            ..pressure(150, 95)
        },
        now,
        &rules()
    ));
}

#[test]
fn impossible_values_are_refused_at_every_edge() {
    let checked = |reading: Reading| {
        check_plausible(&reading, &rules())
            .map(|_| ())
            .map_err(ReadingError::code)
    };
    let impossible = Err("impossible_value");
    for (systolic, diastolic, result) in [
        (39, 30, impossible),
        (40, 30, Ok(())),
        (300, 120, Ok(())),
        (301, 120, impossible),
        (100, 19, impossible),
        (100, 20, Ok(())),
        (250, 200, Ok(())),
        (250, 201, impossible),
        (100, 99, Ok(())),
        (100, 100, Err("systolic_not_above_diastolic")),
        (80, 120, Err("systolic_not_above_diastolic")),
    ] {
        assert_eq!(
            checked(pressure(systolic, diastolic)),
            result,
            "{systolic}/{diastolic}"
        );
    }
    for (tenths, result) in [(5, impossible), (6, Ok(())), (500, Ok(())), (501, impossible)] {
        assert_eq!(checked(sugar(tenths)), result, "{tenths}");
    }
    assert_eq!(
        checked(reading(ReadingKind::Bp, Some(120), None, None)),
        Err("missing_value")
    );
    assert_eq!(
        checked(reading(ReadingKind::Bp, None, Some(80), None)),
        Err("missing_value")
    );
    assert_eq!(
        checked(reading(ReadingKind::Glucose, None, None, None)),
        Err("missing_value")
    );
    let newer = Reading {
        kind: Open::read("oxygen"),
        ..sugar(60)
    };
    assert_eq!(checked(newer), Err("unknown_kind"));
}

#[test]
fn messages_name_the_value_and_what_was_expected() {
    let error = check_plausible(&pressure(301, 120), &rules()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "systolic 301 is impossible, expected 40 to 300 mmHg"
    );
}

#[test]
fn no_context_means_office_or_random() {
    assert_eq!(
        Measure::of(&sugar(60)),
        Some(Measure::glucose(60, None)),
        "office is no context of glucose"
    );
    let fasting = Reading {
        context: Open::Known(ReadingContext::Fasting),
        ..pressure(130, 70)
    };
    assert_eq!(Measure::of(&fasting), Some(Measure::bp(130, 70, None)));
    let newer = Reading {
        context: Open::read("bedtime"),
        ..sugar(60)
    };
    assert_eq!(
        Measure::of(&newer),
        Some(Measure::glucose(60, Some(ReadingContext::Random)))
    );
}

#[test]
fn mg_dl_rounds_half_up_to_tenths() {
    for (mg_dl, tenths) in [
        (0, 0),
        (18, 10),
        (70, 39),
        (100, 55),
        (126, 70),
        (200, 111),
        (301, 167),
        (300, 166),
    ] {
        assert_eq!(mg_dl_to_tenths(mg_dl, &rules()), tenths, "{mg_dl}");
    }
    assert_eq!(
        mg_dl_to_tenths(
            100,
            &HealthRules {
                mg_dl_per_mmol: 0.0,
                ..rules()
            }
        ),
        0
    );
}

#[test]
fn severity_is_one_scale() {
    use Severity::{Grade1, Grade2, Grade3, HighNormal, Normal};
    let of = |measure: Measure| measure.severity(&rules());
    for (systolic, severity) in [
        (119, Normal),
        (120, HighNormal),
        (140, Grade1),
        (160, Grade2),
        (180, Grade3),
    ] {
        assert_eq!(of(Measure::bp(systolic, 70, None)), severity, "{systolic}");
    }
    let fasting = Some(ReadingContext::Fasting);
    for (tenths, severity) in [
        (38, Grade3),
        (39, Normal),
        (60, Normal),
        (61, HighNormal),
        (70, Grade1),
        (166, Grade1),
        (167, Grade3),
    ] {
        assert_eq!(of(Measure::glucose(tenths, fasting)), severity, "{tenths}");
    }
    assert_eq!(
        (of(Measure::glucose(99, None)), of(Measure::glucose(100, None))),
        (Normal, Grade1)
    );
}

#[test]
fn the_latest_of_each_kind_up_to_as_of() {
    let taken = |day, at_ms, measure| Taken { day, at_ms, measure };
    let (bp, other) = (Measure::bp(120, 70, None), Measure::bp(150, 70, None));
    let glucose = Measure::glucose(60, None);
    let readings = [
        taken(10, 500, bp),
        taken(9, 400, other),
        taken(11, 600, other),
        taken(8, 300, glucose),
        taken(10, 500, other),
    ];
    let found = latest(readings, from_day_number(10));
    assert_eq!(
        found.bp,
        Some(taken(10, 500, other)),
        "of one instant the later in the input"
    );
    assert_eq!(found.glucose, Some(taken(8, 300, glucose)));
    assert_eq!(latest(readings, from_day_number(7)), Latest::default());
}

#[test]
fn a_number_under_way_may_become_possible() {
    let range = (40, 300);
    for (typed, grows) in [
        (0, true),
        (1, true),
        (3, true),
        (4, true),
        (12, true),
        (30, true),
        (31, false),
        (39, false),
        (40, false),
        (300, false),
        (301, false),
    ] {
        assert_eq!(may_grow(typed, range), grows, "{typed}");
    }
    assert!(!may_grow(9, (60, 80)), "no number of the range begins so");
}

#[test]
fn the_target_has_both_ends_in_it() {
    let rules = rules();
    for context in [
        ReadingContext::Fasting,
        ReadingContext::AfterMeal,
        ReadingContext::Random,
    ] {
        let (from, to) = glucose_target(context, &rules);
        let meets = |tenths| Measure::glucose(tenths, Some(context)).in_target(false, &rules);
        assert!(meets(to) && !meets(to + 1), "{context}");
        assert!(
            from.is_none_or(|from| meets(from) && !meets(from - 1)),
            "{context}"
        );
    }
    for diabetic in [false, true] {
        let (systolic, diastolic) = bp_target_below(diabetic, &rules);
        let meets = |systolic, diastolic| Measure::bp(systolic, diastolic, None).in_target(diabetic, &rules);
        assert!(meets(systolic - 1, diastolic - 1));
        assert!(!meets(systolic, diastolic - 1) && !meets(systolic - 1, diastolic));
    }
}

#[test]
fn an_entry_is_refused_as_soon_as_no_digit_can_mend_it() {
    let rules = rules();
    let typed = |systolic, diastolic| {
        let reading = reading(ReadingKind::Bp, systolic, diastolic, None);
        check_entry(&reading, &rules).map(|measure| measure.is_some())
    };
    for (systolic, diastolic, whole) in [
        (None, None, false),
        (Some(1), None, false),
        (Some(180), None, false),
        (Some(180), Some(1), false),
        (Some(180), Some(110), true),
        (Some(90), Some(9), false),
    ] {
        assert_eq!(
            typed(systolic, diastolic),
            Ok(whole),
            "{systolic:?}/{diastolic:?}"
        );
    }
    for (systolic, diastolic, code) in [
        (Some(301), None, "impossible_value"),
        (Some(12), Some(80), "impossible_value"),
        (Some(180), Some(201), "impossible_value"),
        (Some(90), Some(90), "systolic_not_above_diastolic"),
    ] {
        let refused = typed(systolic, diastolic).unwrap_err();
        assert_eq!(refused.code(), code, "{systolic:?}/{diastolic:?}");
    }
    let sugar = |tenths| check_entry(&sugar(tenths), &rules).map(|measure| measure.is_some());
    assert_eq!((sugar(0), sugar(6), sugar(500)), (Ok(false), Ok(true), Ok(true)));
    assert!(sugar(5).is_err() && sugar(501).is_err());
}
