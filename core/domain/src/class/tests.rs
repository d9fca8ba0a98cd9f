use proptest::prelude::*;

use super::*;
use crate::calendar::from_day_number;

const TODAY: i32 = 20_000;

fn as_of() -> NaiveDate {
    from_day_number(TODAY)
}

fn rules() -> ClassRules {
    ClassRules::default()
}

/// Figures from (days ago, net fen).
fn figures_of(days_ago: &[(i32, i64)]) -> Figures {
    figures(
        days_ago.iter().map(|(ago, fen)| (TODAY - ago, *fen)),
        as_of(),
        &rules(),
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
    classify(scores_of(r, f, m, h), &rules()).class
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
            for figures in &members {
                input.push(figures);
            }
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
                let verdict = classify(scores_of(r, f, m, h), &rules());
                assert_eq!((verdict.base, verdict.class), (before, class), "{r}{f}{m} {h:?}");
                assert_eq!(verdict.is_lifted(), before != class);
            }
        }
    }

    #[test]
    fn the_verdict_says_why() {
        let verdict = classify(scores_of(3, 3, 4, Some(2)), &rules());
        assert_eq!(
            (verdict.recent, verdict.frequent, verdict.big),
            (true, false, true)
        );
        assert_eq!(verdict.scores, scores_of(3, 3, 4, Some(2)));
    }

    #[test]
    fn value_index_rounds_half_up_and_spans_0_to_100() {
        let index = |r, f, m, h| classify(scores_of(r, f, m, h), &rules()).value_index;
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
            let index = |r, f, m, h| classify(scores_of(r, f, m, Some(h)), &rules()).value_index;
            let here = index(r, f, m, h);
            for more in [index(r + 1, f, m, h), index(r, f + 1, m, h), index(r, f, m + 1, h), index(r, f, m, h + 1)] {
                prop_assert!(here < more && more <= 100);
            }
        }
    }
}
