use proptest::prelude::*;

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

/// Figures from (days ago, net fen).
fn figures_of(days_ago: &[(i32, i64)]) -> Figures {
    figures(
        days_ago.iter().map(|(ago, fen)| (TODAY - ago, *fen)),
        as_of(),
        &rules().class,
    )
}

fn active(recency: i64, frequency: i64, monetary_fen: i64) -> Figures {
    Figures {
        recency: Some(recency),
        frequency,
        monetary_fen,
        basket_fen: divide_half_up(monetary_fen, frequency),
    }
}

fn scores_of(r: u8, f: u8, m: u8, h: Option<u8>) -> Scores {
    Scores { r, f, m, h }
}

fn class_of(r: u8, f: u8, m: u8, h: Option<u8>) -> Class {
    classify(scores_of(r, f, m, h), &rules().class).class
}

mod figures {
    use super::*;

    #[test]
    fn a_member_without_purchases_has_no_recency_and_no_basket() {
        assert_eq!(
            figures_of(&[]),
            Figures {
                recency: None,
                frequency: 0,
                monetary_fen: 0,
                basket_fen: None
            }
        );
    }

    #[test]
    fn the_window_ends_with_as_of_and_begins_364_days_before() {
        let found = figures_of(&[(366, 1), (365, 10), (364, 100), (0, 1_000)]);
        assert_eq!(found, active(0, 2, 1_100));
    }

    #[test]
    fn days_after_as_of_do_not_exist() {
        assert_eq!(figures_of(&[(10, 500), (-1, 900)]), active(10, 1, 500));
        assert_eq!(figures_of(&[(-1, 900)]), Figures::default());
    }

    #[test]
    fn recency_looks_at_all_time_and_frequency_at_the_window() {
        let found = figures_of(&[(400, 500)]);
        assert_eq!(
            found,
            Figures {
                recency: Some(400),
                frequency: 0,
                monetary_fen: 0,
                basket_fen: None
            }
        );
        assert!(!found.is_active());
    }

    #[test]
    fn a_visit_day_has_a_net_amount_above_zero() {
        let found = figures_of(&[(30, 1), (20, 0), (10, -1)]);
        assert_eq!(found, active(30, 1, 0));
    }

    #[test]
    fn monetary_is_not_below_zero() {
        // The sale was before the window, its return is in it.
        assert_eq!(figures_of(&[(365, 900), (10, -900)]).monetary_fen, 0);
        // Returns of the window count against its sales.
        assert_eq!(figures_of(&[(20, 900), (10, -400)]).monetary_fen, 500);
    }

    #[test]
    fn basket_rounds_half_up() {
        for (monetary, frequency, basket) in [
            (5, 2, 3),
            (4, 3, 1),
            (5, 3, 2),
            (7, 1, 7),
            (0, 2, 0),
            (10, 4, 3),
            (9, 4, 2),
        ] {
            assert_eq!(
                divide_half_up(monetary, frequency),
                Some(basket),
                "{monetary}/{frequency}"
            );
        }
        assert_eq!(divide_half_up(i64::MAX, 2), Some(i64::MAX / 2 + 1));
        assert_eq!(divide_half_up(5, 0), None);
    }

    proptest! {
        #[test]
        fn the_order_of_days_does_not_matter(mut days in days_strategy()) {
            let before = figures_of(&days);
            days.reverse();
            prop_assert_eq!(before, figures_of(&days));
        }

        #[test]
        fn figures_hold_together(days in days_strategy()) {
            let found = figures_of(&days);
            prop_assert!(found.monetary_fen >= 0 && found.frequency >= 0 && found.frequency <= 365);
            prop_assert!(found.recency.is_some() || found.frequency == 0);
            prop_assert_eq!(found.basket_fen.is_some(), found.frequency > 0);
            if let Some(basket) = found.basket_fen {
                let off_twice = 2 * (found.monetary_fen - basket * found.frequency);
                prop_assert!(-found.frequency <= off_twice && off_twice < found.frequency);
            }
        }
    }

    fn days_strategy() -> impl Strategy<Value = Vec<(i32, i64)>> {
        prop::collection::btree_map(-5..800_i32, -5_000..20_000_i64, 0..40)
            .prop_map(|days| days.into_iter().collect())
    }
}

mod cut_points {
    use super::*;

    fn fit_frequencies(values: &[i64]) -> Option<[i64; 4]> {
        let mut input = FitInput::with_capacity(values.len());
        for value in values {
            input.push(&active(*value, *value, *value * 100));
        }
        let cuts = fit(&mut input)?;
        assert_eq!(cuts.recency, cuts.frequency);
        assert_eq!(cuts.monetary, cuts.frequency.map(|cut| cut * 100));
        Some(cuts.frequency)
    }

    /// The definition, word by word.
    fn by_definition(values: &[i64]) -> Option<[i64; 4]> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let n = sorted.len();
        (n > 0).then(|| [1, 2, 3, 4].map(|i| sorted[(i * n).div_ceil(5) - 1]))
    }

    #[test]
    fn ranks_are_ceil_of_i_n_over_5() {
        assert_eq!(fit_frequencies(&[10, 20, 30, 40, 50]), Some([10, 20, 30, 40]));
        // n = 6: ranks 2, 3, 4, 5; n = 4: ranks 1, 2, 3, 4; n = 3: ranks 1, 2, 2, 3.
        assert_eq!(fit_frequencies(&[6, 5, 4, 3, 2, 1]), Some([2, 3, 4, 5]));
        assert_eq!(fit_frequencies(&[4, 3, 2, 1]), Some([1, 2, 3, 4]));
        assert_eq!(fit_frequencies(&[3, 2, 1]), Some([1, 2, 2, 3]));
        assert_eq!(fit_frequencies(&[7]), Some([7; 4]));
    }

    #[test]
    fn no_active_member_no_cut_points() {
        let mut input = FitInput::default();
        input.push(&Figures {
            recency: Some(400),
            ..Figures::default()
        });
        input.push(&Figures::default());
        assert_eq!(input.active(), 0);
        assert_eq!(fit(&mut input), None);
    }

    #[test]
    fn inputs_of_several_threads_add_up() {
        let (mut first, mut second) = (FitInput::default(), FitInput::default());
        first.push(&active(1, 1, 1));
        second.push(&active(2, 2, 2));
        first.append(second);
        assert_eq!(first.active(), 2);
        assert_eq!(fit(&mut first).unwrap().monetary, [1, 1, 2, 2]);
    }

    #[test]
    fn cut_points_set_by_hand_have_to_ascend() {
        let good = CutPoints {
            recency: [1, 2, 2, 3],
            frequency: [1, 1, 1, 1],
            monetary: [0, 1, 2, 3],
        };
        assert_eq!(check_cut_points(&good), Ok(()));
        let error = check_cut_points(&CutPoints {
            frequency: [1, 3, 2, 4],
            ..good
        })
        .unwrap_err();
        assert_eq!(error.figure, "frequency");
        assert!(error.to_string().contains("do not ascend"));
    }

    proptest! {
        #[test]
        fn fit_is_its_definition(values in prop::collection::vec(1..60_i64, 0..200)) {
            prop_assert_eq!(fit_frequencies(&values), by_definition(&values));
        }

        #[test]
        fn fit_does_not_depend_on_order(
            (values, shuffled) in prop::collection::vec(1..1_000_i64, 1..100)
                .prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
        ) {
            prop_assert_eq!(fit_frequencies(&values), fit_frequencies(&shuffled));
        }
    }
}

mod scoring {
    use super::*;

    fn cuts() -> CutPoints {
        CutPoints {
            recency: [10, 20, 30, 40],
            frequency: [1, 2, 4, 8],
            monetary: [100, 200, 300, 400],
        }
    }

    fn score(recency: i64, frequency: i64, monetary: i64) -> (u8, u8, u8) {
        let found = scores(&active(recency, frequency, monetary), Some(&cuts()), None);
        (found.r, found.f, found.m)
    }

    #[test]
    fn a_value_at_a_cut_point_does_not_exceed_it() {
        for (recency, r) in [
            (0, 5),
            (10, 5),
            (11, 4),
            (20, 4),
            (21, 3),
            (30, 3),
            (31, 2),
            (40, 2),
            (41, 1),
            (9_999, 1),
        ] {
            assert_eq!(score(recency, 1, 0).0, r, "recency {recency}");
        }
        for (frequency, f) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (8, 4), (9, 5)] {
            assert_eq!(score(0, frequency, 0).1, f, "frequency {frequency}");
        }
        for (monetary, m) in [
            (0, 1),
            (100, 1),
            (101, 2),
            (200, 2),
            (201, 3),
            (300, 3),
            (301, 4),
            (400, 4),
            (401, 5),
        ] {
            assert_eq!(score(0, 1, monetary).2, m, "monetary {monetary}");
        }
    }

    #[test]
    fn who_is_not_active_scores_1_and_keeps_the_health_need() {
        let lapsed = Figures {
            recency: Some(366),
            ..Figures::default()
        };
        assert_eq!(
            scores(&lapsed, Some(&cuts()), Some(3)),
            scores_of(1, 1, 1, Some(3))
        );
        assert_eq!(
            scores(&Figures::default(), Some(&cuts()), None),
            scores_of(1, 1, 1, None)
        );
        // Cut points set by hand above every recency would give r = 5 to an inactive member.
        let wide = CutPoints {
            recency: [9_999; 4],
            ..cuts()
        };
        assert_eq!(scores(&lapsed, Some(&wide), None).r, 1);
    }

    #[test]
    fn without_cut_points_everyone_scores_1() {
        assert_eq!(
            scores(&active(0, 99, 99_999), None, None),
            scores_of(1, 1, 1, None)
        );
    }

    #[test]
    fn equal_cut_points_leave_scores_out() {
        let same = CutPoints {
            recency: [5; 4],
            frequency: [1; 4],
            monetary: [100; 4],
        };
        assert_eq!(
            scores(&active(5, 1, 100), Some(&same), None),
            scores_of(5, 1, 1, None)
        );
        assert_eq!(
            scores(&active(6, 2, 101), Some(&same), None),
            scores_of(1, 5, 5, None)
        );
    }

    proptest! {
        #[test]
        fn scores_are_monotone_and_equal_values_score_equally(
            members in prop::collection::vec((0..400_i64, 1..60_i64, 0..90_000_i64), 1..80)
        ) {
            let members: Vec<Figures> = members.into_iter().map(|(r, f, m)| active(r, f, m)).collect();
            let mut input = FitInput::default();
            members.iter().for_each(|figures| input.push(figures));
            let cuts = fit(&mut input);
            let scored: Vec<Scores> = members.iter().map(|figures| scores(figures, cuts.as_ref(), None)).collect();
            for (a, x) in members.iter().zip(&scored) {
                prop_assert!([x.r, x.f, x.m].iter().all(|score| (1..=5).contains(score)));
                for (b, y) in members.iter().zip(&scored) {
                    prop_assert!(a.recency < b.recency || x.r <= y.r);
                    prop_assert!(a.frequency > b.frequency || x.f <= y.f);
                    prop_assert!(a.monetary_fen > b.monetary_fen || x.m <= y.m);
                }
            }
        }
    }
}

mod classes {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        // The marks flip between r 2|3, f 3|4, m 3|4.
        for (r, f, m, class) in [
            (3, 4, 4, Class::Retain),
            (5, 5, 5, Class::Retain),
            (3, 3, 4, Class::Develop),
            (5, 1, 5, Class::Develop),
            (2, 4, 4, Class::WinBack),
            (2, 3, 4, Class::WinBack),
            (1, 1, 5, Class::WinBack),
            (3, 4, 3, Class::Valued),
            (5, 5, 1, Class::Valued),
            (2, 3, 3, Class::Low),
            (1, 1, 1, Class::Low),
            (3, 3, 3, Class::Ordinary),
            (5, 1, 1, Class::Ordinary),
            (2, 4, 3, Class::Ordinary),
            (1, 5, 1, Class::Ordinary),
        ] {
            assert_eq!(class_of(r, f, m, None), class, "{r}{f}{m}");
        }
    }

    #[test]
    fn health_lifts_by_one_step_only() {
        // low → ordinary, what was ordinary → valued, nothing else moves; h 3 is not enough.
        for (r, f, m, before, after) in [
            (1, 1, 1, Class::Low, Class::Ordinary),
            (3, 1, 1, Class::Ordinary, Class::Valued),
            (1, 5, 1, Class::Ordinary, Class::Valued),
            (3, 4, 1, Class::Valued, Class::Valued),
            (1, 1, 4, Class::WinBack, Class::WinBack),
            (3, 1, 4, Class::Develop, Class::Develop),
            (3, 4, 4, Class::Retain, Class::Retain),
        ] {
            for (h, class) in [
                (None, before),
                (Some(1), before),
                (Some(3), before),
                (Some(4), after),
                (Some(5), after),
            ] {
                let verdict = classify(scores_of(r, f, m, h), &rules().class);
                assert_eq!((verdict.base, verdict.class), (before, class), "{r}{f}{m} {h:?}");
                assert_eq!(verdict.lifted, before != class);
            }
        }
    }

    #[test]
    fn the_verdict_says_why() {
        let verdict = classify(scores_of(3, 3, 4, Some(2)), &rules().class);
        assert_eq!(
            (verdict.recent, verdict.frequent, verdict.big),
            (true, false, true)
        );
        assert_eq!(verdict.scores, scores_of(3, 3, 4, Some(2)));
    }

    #[test]
    fn value_index_rounds_half_up_and_spans_0_to_100() {
        let index = |r, f, m, h| classify(scores_of(r, f, m, h), &rules().class).value_index;
        assert_eq!(index(1, 1, 1, None), 0);
        assert_eq!(index(5, 5, 5, Some(5)), 100);
        assert_eq!(index(5, 5, 5, None), 85);
        assert_eq!(index(1, 1, 1, Some(1)), index(1, 1, 1, None));
        // 25/4 = 6.25, 50/4 = 12.5, 75/4 = 18.75
        assert_eq!(
            (index(1, 2, 1, None), index(1, 3, 1, None), index(1, 4, 1, None)),
            (6, 13, 19)
        );
        // Each weight alone: 20, 25, 40, 15 at the full score.
        assert_eq!(
            [
                index(5, 1, 1, None),
                index(1, 5, 1, None),
                index(1, 1, 5, None),
                index(1, 1, 1, Some(5))
            ],
            [20, 25, 40, 15]
        );
    }

    proptest! {
        #[test]
        fn value_index_rises_with_every_score(r in 1..5_u8, f in 1..5_u8, m in 1..5_u8, h in 1..5_u8) {
            let index = |r, f, m, h| classify(scores_of(r, f, m, Some(h)), &rules().class).value_index;
            let here = index(r, f, m, h);
            for more in [index(r + 1, f, m, h), index(r, f + 1, m, h), index(r, f, m + 1, h), index(r, f, m, h + 1)] {
                prop_assert!(here < more && more <= 100);
            }
        }
    }
}

mod health {
    use super::*;

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
}

mod board {
    use super::*;

    fn add(board: &mut Board, figures: Figures, scores: Scores) {
        board.add(&figures, &classify(scores, &rules().class));
    }

    #[test]
    fn sums_and_means_by_class() {
        let mut board = Board::default();
        add(&mut board, active(3, 1, 101), scores_of(1, 1, 1, None));
        add(&mut board, active(6, 1, 100), scores_of(2, 1, 1, Some(3)));
        add(&mut board, Figures::default(), scores_of(1, 1, 1, None));
        let (_, low) = board.rows().find(|(class, _)| *class == Class::Low).unwrap();
        assert_eq!((low.members, low.spend_fen, low.visits), (3, 201, 2));
        assert_eq!(low.basket_fen(), Some(101), "201 / 2, half up");
        assert_eq!(low.frequency_mean(), Some(2.0 / 3.0));
        assert_eq!(low.recency_mean(), Some(4.5), "over the two who have one");
        assert_eq!(low.radar(), [Some(4.0 / 3.0), Some(1.0), Some(1.0), Some(3.0)]);
    }

    #[test]
    fn an_empty_class_has_no_means() {
        let board = Board::default();
        assert_eq!(
            board.rows().map(|(class, _)| class).collect::<Vec<_>>(),
            Class::ALL
        );
        for (_, row) in board.rows() {
            assert_eq!(
                (row.basket_fen(), row.frequency_mean(), row.recency_mean()),
                (None, None, None)
            );
            assert_eq!(row.radar(), [None; 4]);
        }
    }

    #[test]
    fn boards_of_several_threads_add_up() {
        let (mut first, mut second) = (Board::default(), Board::default());
        add(&mut first, active(0, 9, 900), scores_of(5, 5, 5, Some(5)));
        add(&mut second, active(9, 1, 100), scores_of(1, 1, 1, None));
        first.merge(&second);
        assert_eq!(
            (
                first.total().members,
                first.total().spend_fen,
                first.total().visits
            ),
            (2, 1_000, 10)
        );
    }

    #[test]
    fn a_lifted_member_counts_in_its_class_not_in_its_row() {
        let mut board = Board::default();
        add(&mut board, Figures::default(), scores_of(1, 1, 1, Some(4)));
        let heads: Vec<i64> = board.rows().map(|(_, row)| row.members).collect();
        assert_eq!(heads, [0, 0, 0, 0, 1, 0]);
    }
}
