use proptest::prelude::*;

use super::*;

/// Tablets by 28, one a day.
const DAILY: DrugDose = DrugDose {
    drug_key: 1,
    units_per_pack_milli: Some(28 * MILLI),
    daily_units_milli: Some(MILLI),
};
/// The same ingredient of another maker: by 14, one a day.
const OTHER: DrugDose = DrugDose {
    drug_key: 2,
    units_per_pack_milli: Some(14 * MILLI),
    daily_units_milli: Some(MILLI),
};
/// By 30, one a day.
const THIRTY: DrugDose = DrugDose {
    drug_key: 3,
    units_per_pack_milli: Some(30 * MILLI),
    daily_units_milli: Some(MILLI),
};
/// Nothing known of its dose.
const DOSELESS: DrugDose = DrugDose {
    drug_key: 4,
    units_per_pack_milli: Some(28 * MILLI),
    daily_units_milli: None,
};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn fill(on: &str, packs: i64, drug: DrugDose) -> Fill {
    Fill {
        day: day_number(day(on)),
        quantity_milli: packs * MILLI,
        drug,
    }
}

fn rules() -> MedicineRules {
    MedicineRules::default()
}

fn state(lines: &[Fill], as_of: &str) -> MedicineState {
    run_out(lines, None, day(as_of), &rules())
}

fn end(lines: &[Fill], as_of: &str) -> Option<String> {
    state(lines, as_of).end.map(|end| end.to_string())
}

fn regimen(changed_on: &str) -> Regimen {
    Regimen {
        ingredient: "x".into(),
        daily_units_milli: None,
        stock_until: None,
        inactive: false,
        changed_on: day(changed_on),
    }
}

mod chain {
    use super::*;

    #[test]
    fn the_first_day_of_supply_is_the_fill_day() {
        assert_eq!(
            end(&[fill("2026-03-01", 1, DAILY)], "2026-03-01").as_deref(),
            Some("2026-03-28")
        );
        assert_eq!(end(&[], "2026-03-01"), None);
        assert_eq!(state(&[], "2026-03-01"), MedicineState::default());
    }

    #[test]
    fn an_early_fill_begins_after_the_supply_before_it() {
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-20", 1, DAILY)];
        assert_eq!(end(&lines, "2026-03-20").as_deref(), Some("2026-04-25"));
        // On the last day of supply it still begins the day after; on the day after, on its own day.
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-28", 1, DAILY)];
        assert_eq!(end(&lines, "2026-04-01").as_deref(), Some("2026-04-25"));
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-29", 1, DAILY)];
        assert_eq!(end(&lines, "2026-04-01").as_deref(), Some("2026-04-25"));
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-30", 1, DAILY)];
        assert_eq!(end(&lines, "2026-04-01").as_deref(), Some("2026-04-26"));
    }

    #[test]
    fn drugs_of_one_ingredient_share_the_chain() {
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-02", 1, OTHER)];
        assert_eq!(end(&lines, "2026-03-02").as_deref(), Some("2026-04-11"));
    }

    #[test]
    fn days_of_supply_are_floored_and_at_least_one() {
        let supply = |milli, per_pack, daily| {
            let drug = DrugDose {
                drug_key: 1,
                units_per_pack_milli: Some(per_pack),
                daily_units_milli: Some(daily),
            };
            let kept = KeptFill {
                day: 0,
                quantity_milli: milli,
                drug,
            };
            days_supply(&kept, None)
        };
        assert_eq!(supply(1_000, 28_000, 3_000), Some(9), "28 / 3");
        assert_eq!(supply(3_000, 28_000, 3_000), Some(28), "84 / 3");
        assert_eq!(supply(1_000, 1_000, 2_000), Some(1), "half a day is one");
        assert_eq!(supply(1, 1_000, 1_000), Some(1));
        assert_eq!(supply(1_500, 28_000, 500), Some(84), "half a tablet a day");
        assert_eq!(
            supply(i64::MAX, i64::MAX, 1),
            Some(SUPPLY_DAYS_MAX),
            "a wrong quantity stays in the calendar"
        );
        for (per_pack, daily) in [(0, 1_000), (-1, 1_000), (28_000, 0), (28_000, -5)] {
            assert_eq!(supply(1_000, per_pack, daily), None, "{per_pack} {daily}");
        }
    }

    #[test]
    fn lines_of_one_drug_and_date_are_one_fill() {
        // 3 × 10 tablets at 4 a day: 7 days, not 3 × 2.
        let drug = DrugDose {
            units_per_pack_milli: Some(10 * MILLI),
            daily_units_milli: Some(4 * MILLI),
            ..DAILY
        };
        let lines = [fill("2026-03-01", 1, drug); 3];
        assert_eq!(end(&lines, "2026-03-01").as_deref(), Some("2026-03-07"));
    }

    #[test]
    fn fills_after_as_of_do_not_exist() {
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-20", 1, DAILY)];
        assert_eq!(end(&lines, "2026-03-19").as_deref(), Some("2026-03-28"));
        assert_eq!(end(&lines, "2026-02-28"), None);
    }
}

mod returns {
    use super::*;

    #[test]
    fn a_return_takes_from_the_newest_earlier_fills_of_that_drug() {
        let bought = [fill("2026-03-01", 2, DAILY), fill("2026-04-01", 1, DAILY)];
        let with = |line: Fill| [&bought[..], &[line]].concat();
        // Whole newest fill gone: two packs from 1 March.
        let found = state(&with(fill("2026-04-02", -1, DAILY)), "2026-04-10");
        assert_eq!(
            (found.end, found.last_fill),
            (Some(day("2026-04-25")), Some(day("2026-03-01")))
        );
        // One pack more reaches into the fill before it.
        let found = state(&with(fill("2026-04-02", -2, DAILY)), "2026-04-10");
        assert_eq!(
            (found.end, found.excess_return_milli),
            (Some(day("2026-03-28")), 0)
        );
        // Another drug's return takes nothing of this one.
        let found = state(&with(fill("2026-04-02", -1, OTHER)), "2026-04-10");
        assert_eq!(
            (found.end, found.excess_return_milli),
            (Some(day("2026-05-23")), MILLI)
        );
    }

    #[test]
    fn a_return_takes_nothing_from_later_fills() {
        let lines = [fill("2026-03-01", -1, DAILY), fill("2026-03-02", 1, DAILY)];
        let found = state(&lines, "2026-03-02");
        assert_eq!(
            (found.end, found.excess_return_milli),
            (Some(day("2026-03-29")), MILLI)
        );
    }

    #[test]
    fn returns_of_a_date_come_after_its_purchases() {
        let lines = [fill("2026-03-01", -1, DAILY), fill("2026-03-01", 2, DAILY)];
        let found = state(&lines, "2026-03-01");
        assert_eq!(
            (found.end, found.excess_return_milli),
            (Some(day("2026-03-28")), 0)
        );
    }

    #[test]
    fn an_excess_is_reported() {
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-05", -3, DAILY)];
        let found = state(&lines, "2026-03-10");
        assert_eq!(
            found,
            MedicineState {
                excess_return_milli: 2 * MILLI,
                ..MedicineState::default()
            }
        );
    }

    #[test]
    fn a_return_after_as_of_does_not_exist() {
        let lines = [fill("2026-03-01", 1, DAILY), fill("2026-03-05", -1, DAILY)];
        assert_eq!(end(&lines, "2026-03-04").as_deref(), Some("2026-03-28"));
        assert_eq!(end(&lines, "2026-03-05"), None);
    }
}

mod regimens {
    use super::*;

    #[test]
    fn the_members_own_dose_comes_before_the_drugs() {
        let own = Regimen {
            daily_units_milli: Some(2 * MILLI),
            ..regimen("2026-01-01")
        };
        let found = run_out(
            &[fill("2026-03-01", 1, DAILY)],
            Some(&own),
            day("2026-03-01"),
            &rules(),
        );
        assert_eq!(found.end, Some(day("2026-03-14")));
        let found = run_out(
            &[fill("2026-03-01", 1, DOSELESS)],
            Some(&own),
            day("2026-03-01"),
            &rules(),
        );
        assert_eq!((found.end, found.estimated), (Some(day("2026-03-14")), false));
        let zero = Regimen {
            daily_units_milli: Some(0),
            ..own
        };
        let found = run_out(
            &[fill("2026-03-01", 1, DAILY)],
            Some(&zero),
            day("2026-03-01"),
            &rules(),
        );
        assert_eq!(found.end, Some(day("2026-03-28")), "no dose at all is not a dose");
    }

    #[test]
    fn stock_until_replaces_the_end_until_a_later_fill() {
        let said = Regimen {
            stock_until: Some(day("2026-05-05")),
            ..regimen("2026-03-25")
        };
        let found = |lines: &[Fill]| run_out(lines, Some(&said), day("2026-04-01"), &rules()).end;
        assert_eq!(found(&[]), Some(day("2026-05-05")), "bought elsewhere");
        assert_eq!(found(&[fill("2026-03-01", 1, DAILY)]), Some(day("2026-05-05")));
        assert_eq!(
            found(&[fill("2026-03-25", 1, DAILY)]),
            Some(day("2026-05-05")),
            "a fill on that day is no later one"
        );
        assert_eq!(found(&[fill("2026-03-26", 1, DAILY)]), Some(day("2026-04-22")));
        assert_eq!(
            found(&[fill("2026-04-02", 1, DAILY)]),
            Some(day("2026-05-05")),
            "a fill after as_of does not exist"
        );
    }

    #[test]
    fn stock_until_may_also_shorten() {
        let said = Regimen {
            stock_until: Some(day("2026-03-10")),
            ..regimen("2026-03-05")
        };
        let found = run_out(
            &[fill("2026-03-01", 1, DAILY)],
            Some(&said),
            day("2026-03-06"),
            &rules(),
        );
        assert_eq!(
            (found.end, found.status),
            (Some(day("2026-03-10")), Some(MedicineStatus::RunningLow))
        );
    }

    #[test]
    fn inactive_takes_the_medicine_away_until_a_later_fill() {
        let stopped = Regimen {
            inactive: true,
            stock_until: Some(day("2026-05-05")),
            ..regimen("2026-03-25")
        };
        let found = |lines: &[Fill]| run_out(lines, Some(&stopped), day("2026-04-01"), &rules());
        let off = found(&[fill("2026-03-01", 1, DAILY)]);
        assert_eq!((off.end, off.status, off.inactive), (None, None, true));
        let on = found(&[fill("2026-03-01", 1, DAILY), fill("2026-03-27", 1, DAILY)]);
        assert_eq!((on.end, on.inactive), (Some(day("2026-04-25")), false));
    }

    #[test]
    fn a_later_fill_that_was_returned_whole_ends_nothing() {
        let stopped = Regimen {
            inactive: true,
            ..regimen("2026-03-25")
        };
        let lines = [
            fill("2026-03-01", 1, DAILY),
            fill("2026-03-26", 1, DAILY),
            fill("2026-03-27", -1, DAILY),
        ];
        assert!(run_out(&lines, Some(&stopped), day("2026-04-01"), &rules()).inactive);
    }
}

mod estimates {
    use super::*;

    fn fills(days: &[&str]) -> Vec<Fill> {
        days.iter().map(|on| fill(on, 1, DOSELESS)).collect()
    }

    #[test]
    fn three_gaps_are_needed() {
        let three = fills(&["2026-01-01", "2026-01-11", "2026-01-21"]);
        let found = state(&three, "2026-02-01");
        assert_eq!((found.end, found.status, found.estimated), (None, None, false));
        let four = fills(&["2026-01-01", "2026-01-11", "2026-01-21", "2026-01-31"]);
        let found = state(&four, "2026-02-01");
        assert_eq!((found.end, found.estimated), (Some(day("2026-02-09")), true));
    }

    #[test]
    fn the_lower_median_of_the_gaps_counts() {
        // Gaps 10, 20, 30, 40: the lower median is 20.
        let lines = fills(&[
            "2026-01-01",
            "2026-01-11",
            "2026-01-31",
            "2026-03-02",
            "2026-04-11",
        ]);
        assert_eq!(end(&lines, "2026-04-11").as_deref(), Some("2026-04-30"));
    }

    #[test]
    fn only_the_last_six_fill_days_are_looked_at() {
        // The first gap (100 days) drops out with a seventh fill day.
        let six = fills(&[
            "2025-09-23",
            "2026-01-01",
            "2026-04-11",
            "2026-04-12",
            "2026-04-13",
            "2026-04-14",
        ]);
        assert_eq!(
            end(&six, "2026-04-14").as_deref(),
            Some("2026-04-14"),
            "gaps 100, 100, 1, 1, 1"
        );
        let seven = fills(&[
            "2025-01-01",
            "2026-01-01",
            "2026-01-11",
            "2026-01-21",
            "2026-02-10",
            "2026-03-02",
            "2026-03-22",
        ]);
        assert_eq!(
            end(&seven, "2026-03-22").as_deref(),
            Some("2026-04-10"),
            "gaps 10, 10, 20, 20, 20"
        );
    }

    #[test]
    fn two_fills_on_a_day_are_one_fill_day() {
        let mut lines = fills(&["2026-01-01", "2026-01-11", "2026-01-21"]);
        lines.push(fill(
            "2026-01-21",
            1,
            DrugDose {
                drug_key: 9,
                ..DOSELESS
            },
        ));
        assert_eq!(end(&lines, "2026-02-01"), None);
    }

    #[test]
    fn one_fill_without_a_dose_makes_the_dose_unknown() {
        let mut lines = fills(&["2026-01-01", "2026-01-11", "2026-01-21"]);
        lines.push(fill("2026-01-31", 1, DAILY));
        let found = state(&lines, "2026-02-01");
        assert_eq!((found.end, found.estimated), (Some(day("2026-02-09")), true));
    }
}

mod statuses {
    use super::*;

    #[test]
    fn status_at_every_edge() {
        let end = day("2026-06-30");
        for (as_of, expected) in [
            ("2026-06-22", MedicineStatus::InUse),
            ("2026-06-23", MedicineStatus::RunningLow),
            ("2026-06-30", MedicineStatus::RunningLow),
            ("2026-07-01", MedicineStatus::Out),
            ("2026-08-29", MedicineStatus::Out),
            ("2026-08-30", MedicineStatus::Lapsed),
        ] {
            assert_eq!(status(end, day(as_of), &rules()), expected, "{as_of}");
        }
    }

    #[test]
    fn reminders_fall_on_d_minus_7_d_minus_3_and_d() {
        let end = day("2026-06-30");
        let due: Vec<(String, i64)> = (-10..=10)
            .filter_map(|ago| {
                let as_of = from_day_number(day_number(end) + ago);
                let reminder = reminder_on(end, as_of, &rules())?;
                assert_eq!(reminder.end, end);
                Some((as_of.to_string(), reminder.days_before))
            })
            .collect();
        let expected = [("2026-06-23", 7), ("2026-06-27", 3), ("2026-06-30", 0)];
        assert_eq!(due, expected.map(|(on, before)| (on.to_owned(), before)));
    }

    #[test]
    fn a_clerks_task_falls_on_d_plus_3_if_nothing_was_bought() {
        let end = day("2026-06-30");
        let due = |as_of, last_fill: Option<&str>| task_due(end, day(as_of), last_fill.map(day), &rules());
        assert!(!due("2026-07-02", None) && due("2026-07-03", None) && !due("2026-07-04", None));
        assert!(due("2026-07-03", Some("2026-06-30")));
        assert!(!due("2026-07-03", Some("2026-07-01")));
    }
}

mod adherence {
    use super::*;

    #[test]
    fn worked_example_60_of_90() {
        let fills = [fill("2026-01-01", 1, THIRTY), fill("2026-01-20", 1, THIRTY)];
        let found = coverage(&fills, None, day("2026-03-31"), &rules()).unwrap();
        assert_eq!((found.covered_days, found.days), (60, 90));
        assert!(!found.is_adherent(&rules()));
        assert!((found.share() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_first_fill_less_than_91_days_ago_says_nothing_yet() {
        let fills = [fill("2026-01-01", 1, THIRTY), fill("2026-01-20", 1, THIRTY)];
        let told = |as_of| pdc(&fills, None, day(as_of), &rules());
        assert_eq!(told("2026-03-31"), None, "89 days");
        assert_eq!(told("2026-04-01"), None, "90 days");
        assert_eq!(
            told("2026-04-02"),
            Some(Pdc {
                covered_days: 60,
                days: 92
            })
        );
    }

    #[test]
    fn fills_on_two_days_are_needed() {
        let one = [fill("2026-01-01", 1, THIRTY), fill("2026-01-01", 1, OTHER)];
        assert_eq!(pdc(&one, None, day("2026-06-01"), &rules()), None);
        assert_eq!(pdc(&[], None, day("2026-06-01"), &rules()), None);
        let returned = [
            fill("2026-01-01", 1, THIRTY),
            fill("2026-01-20", 1, THIRTY),
            fill("2026-01-21", -1, THIRTY),
        ];
        assert_eq!(pdc(&returned, None, day("2026-06-01"), &rules()), None);
    }

    #[test]
    fn the_period_is_365_days_and_the_chain_restarts_in_it() {
        // as_of 2026-12-31: the period begins on 2026-01-01. The great fill before it carries nothing in.
        let fills = [
            fill("2025-12-31", 5, THIRTY),
            fill("2026-01-01", 1, THIRTY),
            fill("2026-03-01", 1, THIRTY),
        ];
        let found = pdc(&fills, None, day("2026-12-31"), &rules());
        assert_eq!(
            found,
            Some(Pdc {
                covered_days: 60,
                days: 365
            })
        );
        let found = pdc(&fills, None, day("2026-12-30"), &rules()).unwrap();
        assert_eq!(
            (found.covered_days, found.days),
            (210, 365),
            "a day earlier it is the first fill"
        );
    }

    #[test]
    fn supply_is_clipped_to_as_of() {
        let fills = [fill("2026-01-01", 1, THIRTY), fill("2026-01-10", 9, THIRTY)];
        assert_eq!(
            pdc(&fills, None, day("2026-05-01"), &rules()),
            Some(Pdc {
                covered_days: 121,
                days: 121
            })
        );
        let late = [fill("2026-01-01", 1, THIRTY), fill("2026-05-01", 1, THIRTY)];
        assert_eq!(
            pdc(&late, None, day("2026-05-01"), &rules()),
            Some(Pdc {
                covered_days: 31,
                days: 121
            })
        );
    }

    #[test]
    fn adherent_from_80_per_cent() {
        for (covered_days, days, adherent) in [
            (80, 100, true),
            (79, 100, false),
            (4, 5, true),
            (291, 364, false),
            (292, 365, true),
        ] {
            assert_eq!(
                Pdc { covered_days, days }.is_adherent(&rules()),
                adherent,
                "{covered_days}/{days}"
            );
        }
    }

    #[test]
    fn without_a_dose_there_is_no_pdc() {
        let fills = [fill("2026-01-01", 1, THIRTY), fill("2026-01-20", 1, DOSELESS)];
        assert_eq!(pdc(&fills, None, day("2026-06-01"), &rules()), None);
        let own = Regimen {
            daily_units_milli: Some(MILLI),
            ..regimen("2026-01-01")
        };
        assert!(pdc(&fills, Some(&own), day("2026-06-01"), &rules()).is_some());
    }
}

fn lines_strategy() -> impl Strategy<Value = Vec<Fill>> {
    let drug = prop::sample::select(vec![DAILY, OTHER, THIRTY]);
    let line = (0..500_i32, -3_000..6_000_i64, drug);
    prop::collection::vec(
        line.prop_map(|(day, quantity_milli, drug)| Fill {
            day,
            quantity_milli,
            drug,
        }),
        0..25,
    )
}

proptest! {
    #[test]
    fn pdc_lies_within_0_and_1(lines in lines_strategy(), as_of in 0..600_i32) {
        if let Some(found) = coverage(&lines, None, from_day_number(as_of), &rules()) {
            prop_assert!(0 < found.covered_days && found.covered_days <= found.days && found.days <= 365);
            prop_assert!((0.0..=1.0).contains(&found.share()));
        }
    }

    #[test]
    fn the_end_never_falls_when_more_is_bought(
        lines in lines_strategy(), at in any::<prop::sample::Index>(), more in 1..9_000_i64
    ) {
        prop_assume!(!lines.is_empty());
        let before = run_out(&lines, None, from_day_number(600), &rules()).end;
        let mut lines = lines;
        let line = at.index(lines.len());
        lines[line].quantity_milli += more;
        prop_assert!(run_out(&lines, None, from_day_number(600), &rules()).end >= before);
    }

    #[test]
    fn the_order_of_lines_does_not_matter(
        (lines, shuffled) in lines_strategy().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))
    ) {
        let at = from_day_number(500);
        prop_assert_eq!(run_out(&lines, None, at, &rules()), run_out(&shuffled, None, at, &rules()));
        prop_assert_eq!(coverage(&lines, None, at, &rules()), coverage(&shuffled, None, at, &rules()));
    }

    #[test]
    fn packs_are_kept_or_reported(lines in lines_strategy()) {
        let mut fills = KeptFills::default();
        let excess_milli = fills.keep(&lines, 600);
        let kept = fills.fills;
        let net: i64 = lines.iter().map(|line| line.quantity_milli).sum();
        prop_assert_eq!(kept.iter().map(|fill| fill.quantity_milli).sum::<i64>() - excess_milli, net);
    }
}
