use super::*;
use crate::calendar::from_day_number;
use crate::codes::ReadingContext;

const TODAY: i32 = 20_000;

fn as_of() -> NaiveDate {
    from_day_number(TODAY)
}

fn rules() -> Rules {
    Rules::default()
}

fn codes(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn taken(days_ago: i32, measure: Measure) -> Taken {
    Taken {
        day: TODAY - days_ago,
        at_ms: i64::from(TODAY - days_ago) * 86_400_000,
        measure,
    }
}

fn bp(systolic: u16, diastolic: u16) -> Measure {
    Measure::bp(systolic, diastolic, None)
}

fn with(
    diseases: &[&str],
    bp: Option<Taken>,
    glucose: Option<Taken>,
    body: Option<(u16, u16)>,
) -> Option<u8> {
    let input = HealthInput {
        diseases: &codes(diseases),
        latest: Latest { bp, glucose },
        height_cm: body.map(|body| body.0),
        weight_hg: body.map(|body| body.1),
    };
    health_need(&input, as_of(), &rules())
}

#[test]
fn unknown_without_diagnosis_and_recent_reading() {
    assert_eq!(with(&[], None, None, None), None);
    assert_eq!(
        with(&[], None, None, Some((170, 1_000))),
        None,
        "a BMI alone says nothing"
    );
    assert_eq!(with(&[], Some(taken(181, bp(190, 120))), None, None), None);
    assert_eq!(with(&[], Some(taken(180, bp(119, 79))), None, None), Some(1));
    assert_eq!(
        with(&["cold"], None, None, None),
        Some(1),
        "any diagnosis, chronic or not"
    );
}

#[test]
fn chronic_diagnoses_count_one_each_up_to_two() {
    assert_eq!(with(&["gout"], None, None, None), Some(2));
    assert_eq!(
        with(&["gout", "gout"], None, None, None),
        Some(2),
        "the same one twice is one"
    );
    assert_eq!(with(&["gout", "cold"], None, None, None), Some(2));
    assert_eq!(with(&["gout", "asthma"], None, None, None), Some(3));
    assert_eq!(with(&["gout", "asthma", "copd"], None, None, None), Some(3));
}

#[test]
fn blood_pressure_counts_by_grade() {
    for (systolic, diastolic, need) in [
        (119, 79, 1),
        (139, 89, 1),
        (140, 79, 2),
        (119, 90, 2),
        (159, 99, 2),
        (160, 79, 3),
        (119, 100, 3),
        (179, 109, 3),
        (180, 79, 4),
        (119, 110, 4),
    ] {
        assert_eq!(
            with(&[], Some(taken(0, bp(systolic, diastolic))), None, None),
            Some(need),
            "{systolic}/{diastolic}"
        );
    }
    let home = Measure::bp(135, 70, Some(ReadingContext::Home));
    assert_eq!(with(&[], Some(taken(0, home)), None, None), Some(2));
}

#[test]
fn glucose_counts_above_target_and_at_an_emergency() {
    let need = |tenths, context| with(&[], None, Some(taken(0, Measure::glucose(tenths, context))), None);
    let fasting = Some(ReadingContext::Fasting);
    for (tenths, points) in [
        (38, 4),
        (39, 1),
        (43, 1),
        (44, 1),
        (70, 1),
        (71, 2),
        (166, 2),
        (167, 4),
    ] {
        assert_eq!(need(tenths, fasting), Some(points), "fasting {tenths}");
    }
    for context in [
        None,
        Some(ReadingContext::AfterMeal),
        Some(ReadingContext::Random),
    ] {
        for (tenths, points) in [(38, 4), (39, 1), (99, 1), (100, 2), (166, 2), (167, 4)] {
            assert_eq!(need(tenths, context), Some(points), "{context:?} {tenths}");
        }
    }
}

#[test]
fn readings_count_for_180_days_and_not_from_the_future() {
    let high = |days_ago| Some(taken(days_ago, bp(160, 100)));
    assert_eq!(with(&["cold"], high(180), None, None), Some(3));
    assert_eq!(with(&["cold"], high(181), None, None), Some(1));
    assert_eq!(with(&["cold"], high(-1), None, None), Some(1));
}

#[test]
fn the_latest_reading_decides_even_if_an_earlier_one_was_worse() {
    let readings = [
        taken(1, bp(118, 76)),
        taken(100, bp(185, 112)),
        taken(-1, bp(200, 120)),
    ];
    let latest = crate::health::latest(readings, as_of());
    assert_eq!(with(&[], latest.bp, latest.glucose, None), Some(1));
}

#[test]
fn bmi_edges_are_exact() {
    // 200 cm: BMI = weight_hg / 40, so 28 is 1,120 hg and 18.5 is 740 hg.
    let need = |height, weight| with(&["cold"], None, None, Some((height, weight)));
    assert_eq!((need(200, 1_119), need(200, 1_120)), (Some(1), Some(2)));
    assert_eq!((need(200, 739), need(200, 740)), (Some(2), Some(1)));
    // 170 cm: 28 · 2.89 = 80.92 kg, 18.5 · 2.89 = 53.465 kg.
    assert_eq!((need(170, 809), need(170, 810)), (Some(1), Some(2)));
    assert_eq!((need(170, 534), need(170, 535)), (Some(2), Some(1)));
    assert_eq!((need(0, 700), need(170, 0)), (Some(1), Some(1)), "0 is not told");
}

#[test]
fn points_add_up_to_four_at_most() {
    let emergency = Some(taken(0, bp(190, 115)));
    let sugar = Some(taken(0, Measure::glucose(200, None)));
    assert_eq!(with(&["gout"], emergency, None, None), Some(5));
    assert_eq!(
        with(&["gout", "copd"], emergency, sugar, Some((160, 900))),
        Some(5)
    );
    let points = HealthPoints {
        diseases: 1,
        bp: 1,
        glucose: 1,
        bmi: 0,
    };
    assert_eq!(points.need(&rules().class), 4);
}

mod care {
    use super::*;

    fn care_of(diseases: &[&str], fills: &[(&str, i32, i64)], readings: &[(i32, Measure)]) -> Care {
        care(
            &codes(diseases),
            fills
                .iter()
                .map(|(ingredient, ago, milli)| (*ingredient, TODAY - ago, *milli)),
            readings.iter().map(|(ago, measure)| (TODAY - ago, *measure)),
            as_of(),
            &rules(),
        )
    }

    #[test]
    fn a_chronic_diagnosis_is_enough() {
        assert_eq!(care_of(&["gout"], &[], &[]), Care::Chronic);
        assert_eq!(care_of(&["cold", "skin"], &[], &[]), Care::General);
        assert_eq!(care_of(&[], &[], &[]), Care::General);
    }

    #[test]
    fn two_fills_of_one_chronic_ingredient_in_180_days() {
        assert_eq!(
            care_of(&[], &[("a", 179, 1_000), ("a", 0, 1_000)], &[]),
            Care::Chronic
        );
        assert_eq!(
            care_of(&[], &[("a", 180, 1_000), ("a", 0, 1_000)], &[]),
            Care::General
        );
        assert_eq!(
            care_of(&[], &[("a", 9, 1_000), ("a", -1, 1_000)], &[]),
            Care::General,
            "not from the future"
        );
        assert_eq!(
            care_of(&[], &[("a", 9, 1_000), ("b", 0, 1_000)], &[]),
            Care::General,
            "two ingredients"
        );
        assert_eq!(
            care_of(&[], &[("a", 9, 1_000), ("a", 9, 1_000)], &[]),
            Care::General,
            "one day"
        );
        assert_eq!(
            care_of(&[], &[("a", 9, 1_000), ("a", 0, 1_000), ("a", 0, -1_000)], &[]),
            Care::General,
            "returned on the same day"
        );
    }

    #[test]
    fn two_readings_on_different_days_in_365_days() {
        let high = bp(140, 80);
        assert_eq!(care_of(&[], &[], &[(364, high), (0, high)]), Care::Chronic);
        assert_eq!(care_of(&[], &[], &[(365, high), (0, high)]), Care::General);
        assert_eq!(
            care_of(&[], &[], &[(3, high), (3, high)]),
            Care::General,
            "one day"
        );
        assert_eq!(
            care_of(&[], &[], &[(3, high), (-1, high)]),
            Care::General,
            "not from the future"
        );
    }

    #[test]
    fn a_reading_counts_from_grade_1_or_the_diabetes_range() {
        use ReadingContext::{AfterMeal, Fasting, Home, Office, Random};
        for (below, at) in [
            (
                Measure::bp(139, 89, Some(Office)),
                Measure::bp(140, 89, Some(Office)),
            ),
            (
                Measure::bp(139, 89, Some(Office)),
                Measure::bp(139, 90, Some(Office)),
            ),
            (Measure::bp(134, 84, Some(Home)), Measure::bp(135, 84, Some(Home))),
            (Measure::bp(134, 84, Some(Home)), Measure::bp(134, 85, Some(Home))),
            (
                Measure::glucose(69, Some(Fasting)),
                Measure::glucose(70, Some(Fasting)),
            ),
            (
                Measure::glucose(110, Some(AfterMeal)),
                Measure::glucose(111, Some(AfterMeal)),
            ),
            (Measure::glucose(110, Some(Random)), Measure::glucose(111, None)),
        ] {
            assert_eq!(
                care_of(&[], &[], &[(5, at), (0, below)]),
                Care::General,
                "{below:?}"
            );
            assert_eq!(care_of(&[], &[], &[(5, at), (0, at)]), Care::Chronic, "{at:?}");
        }
    }
}
