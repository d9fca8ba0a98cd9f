use proptest::prelude::*;

use super::*;

fn rules() -> EffectRules {
    EffectRules::default()
}

fn arm(members: i64, buyers: i64) -> ArmSums {
    ArmSums {
        members,
        buyers,
        ..ArmSums::default()
    }
}

/// An arm of members with these margins.
fn margins(of: &[Option<i64>]) -> ArmSums {
    let mut sums = ArmSums::default();
    for margin_fen in of {
        sums.add(&Takings {
            bought: *margin_fen != Some(0),
            amount_fen: 0,
            margin_fen: *margin_fen,
        });
    }
    sums
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 5e-5, "{found} is not {expected}");
}

mod holdout {
    use super::*;

    #[test]
    fn the_lot_is_fixed_for_ever() {
        // Calculated with Python: int.from_bytes(sha256(b"c1\nm1").digest()[:8], "big") % 10000.
        for (seed, member, lot) in [("c1", "m1", 4_307), ("c1", "m2", 1_224), ("c2", "m1", 9_580)] {
            // Held out exactly if the lot is below percent · 100.
            for percent in 0..=100 {
                assert_eq!(
                    is_held_out(seed, member, percent),
                    lot < percent * 100,
                    "{seed} {member} {percent}"
                );
            }
        }
    }

    #[test]
    fn none_at_0_all_at_100_and_about_a_tenth_at_10() {
        let held = |percent| {
            (0..10_000)
                .filter(|i| is_held_out("c1", &format!("m{i}"), percent))
                .count()
        };
        assert_eq!((held(0), held(100)), (0, 10_000));
        assert!((850..1_150).contains(&held(10)), "{}", held(10));
    }

    #[test]
    fn seeds_draw_independently() {
        let both = (0..10_000)
            .map(|i| format!("m{i}"))
            .filter(|member| is_held_out("c1", member, 10) && is_held_out("c2", member, 10));
        assert!((50..150).contains(&both.count()));
    }
}

mod credit {
    use super::*;

    fn assigned(campaign: u32, day: i32, at_ms: i64) -> Assignment<u32> {
        Assignment { campaign, day, at_ms }
    }

    #[test]
    fn a_purchase_counts_for_the_latest_assignment_only() {
        let assignments = [assigned(1, 10, 0), assigned(2, 20, 0)];
        let campaigns = [9, 10, 19, 20, 99].map(|day| credited_to(day, &assignments));
        assert_eq!(campaigns, [None, Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn assignments_of_one_day_go_by_time_then_campaign() {
        assert_eq!(
            credited_to(10, &[assigned(2, 10, 5), assigned(1, 10, 6)]),
            Some(1)
        );
        assert_eq!(
            credited_to(10, &[assigned(2, 10, 5), assigned(1, 10, 5)]),
            Some(2)
        );
    }

    #[test]
    fn the_window_begins_with_its_first_day_and_has_its_days() {
        let bought = |day| {
            takings(
                [Bought {
                    day,
                    net_fen: 100,
                    margin_fen: Some(30),
                }],
                10,
                30,
            )
            .bought
        };
        assert_eq!([9, 10, 39, 40].map(bought), [false, true, true, false]);
    }

    #[test]
    fn takings_net_out_and_buying_needs_a_date_above_zero() {
        let date = |day, net_fen, margin_fen| Bought {
            day,
            net_fen,
            margin_fen,
        };
        let found = takings([date(1, 500, Some(100)), date(2, -200, Some(-40))], 0, 30);
        assert_eq!(
            found,
            Takings {
                bought: true,
                amount_fen: 300,
                margin_fen: Some(60)
            }
        );
        assert!(!takings([date(1, 0, Some(0)), date(2, -5, Some(-5))], 0, 30).bought);
        let unknown = takings([date(1, 500, None), date(2, 500, Some(9))], 0, 30);
        assert_eq!(
            unknown.margin_fen, None,
            "one unknown cost makes the margin unknown"
        );
        assert_eq!(
            takings([date(31, 500, None)], 0, 30).margin_fen,
            Some(0),
            "outside the window it does not matter"
        );
    }
}

mod lifts {
    use super::*;

    #[test]
    fn newcombes_published_example() {
        // Newcombe 1998, method 10: 56/70 against 48/80 gives 0.2000, 0.0524 to 0.3339.
        let found = lift(&arm(70, 56), &arm(80, 48), &rules()).unwrap();
        close(found.value, 0.2);
        close(found.low, 0.0524);
        close(found.high, 0.3339);
        // 10/10 against 0/10: 1.0000, 0.6075 to 1.0000; 0/10 against 0/10: −0.2775 to 0.2775.
        let all = lift(&arm(10, 10), &arm(10, 0), &rules()).unwrap();
        close(all.low, 0.6075);
        close(all.high, 1.0);
        let nothing = lift(&arm(10, 0), &arm(10, 0), &rules()).unwrap();
        close(nothing.low, -0.2775);
        close(nothing.high, 0.2775);
    }

    #[test]
    fn an_empty_arm_gives_none() {
        assert_eq!(lift(&arm(0, 0), &arm(10, 1), &rules()), None);
        assert_eq!(lift(&arm(10, 1), &arm(0, 0), &rules()), None);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_lift(
            (n, a) in (1..500_i64).prop_flat_map(|n| (Just(n), 0..=n)),
            (m, b) in (1..500_i64).prop_flat_map(|m| (Just(m), 0..=m)),
        ) {
            let found = lift(&arm(n, a), &arm(m, b), &rules()).unwrap();
            prop_assert!(-1.0 <= found.low && found.low <= found.value + 1e-12);
            prop_assert!(found.value <= found.high + 1e-12 && found.high <= 1.0);
            let back = lift(&arm(m, b), &arm(n, a), &rules()).unwrap();
            prop_assert!((found.value + back.value).abs() < 1e-12 && (found.low + back.high).abs() < 1e-9);
        }
    }
}

mod returns_on_investment {
    use super::*;

    #[test]
    fn incremental_margin_is_the_difference_of_means_times_the_treated() {
        // Means 300 and 100; sample variances 20,000 and 0, of the means 5,000 and 0.
        let treated = margins(&[Some(400), Some(400), Some(200), Some(200)]);
        let holdout = margins(&[Some(100), Some(100)]);
        let found = incremental_margin_fen(&treated, &holdout, &rules()).unwrap();
        let half = 1.959_963_985 * (13_333.333_333_f64 / 4.0).sqrt() * 4.0;
        close(found.value, 800.0);
        assert!((found.low - (800.0 - half)).abs() < 1e-3 && (found.high - (800.0 + half)).abs() < 1e-3);
    }

    #[test]
    fn roi_is_incremental_margin_less_cost_over_cost() {
        let treated = margins(&[Some(400), Some(400), Some(200), Some(200)]);
        let holdout = margins(&[Some(100), Some(100)]);
        let found = roi(&treated, &holdout, Some(400), &rules()).unwrap();
        close(found.value, 1.0);
        assert!(found.low < 1.0 && 1.0 < found.high);
    }

    #[test]
    fn without_cost_or_margin_there_is_none_never_zero() {
        let (treated, holdout) = (margins(&[Some(9), Some(8)]), margins(&[Some(1), Some(2)]));
        assert!(roi(&treated, &holdout, Some(1), &rules()).is_some());
        assert_eq!(roi(&treated, &holdout, None, &rules()), None);
        assert_eq!(roi(&treated, &holdout, Some(0), &rules()), None);
        assert_eq!(roi(&margins(&[Some(9), None]), &holdout, Some(1), &rules()), None);
        assert_eq!(roi(&treated, &margins(&[None, Some(1)]), Some(1), &rules()), None);
        assert_eq!(
            roi(&margins(&[Some(9)]), &holdout, Some(1), &rules()),
            None,
            "one member has no spread"
        );
        assert_eq!(roi(&treated, &ArmSums::default(), Some(1), &rules()), None);
    }
}

#[test]
fn gross_figures_count_the_reached() {
    let mut gross = Gross::default();
    assert_eq!(gross.repurchase_share(), None);
    gross.add(
        true,
        &Takings {
            bought: true,
            amount_fen: 500,
            margin_fen: None,
        },
    );
    gross.add(
        false,
        &Takings {
            bought: false,
            amount_fen: -20,
            margin_fen: None,
        },
    );
    assert_eq!(
        gross,
        Gross {
            reached: 2,
            answered: 1,
            buyers: 1,
            amount_fen: 480
        }
    );
    assert_eq!(gross.repurchase_share(), Some(0.5));
}
