use super::*;
use crate::calendar::from_day_number;
use crate::health::Measure;

const TODAY: i32 = 20_000;

fn line(days_ago: i32, drug_key: i64) -> BoughtLine<'static> {
    BoughtLine {
        day: TODAY - days_ago,
        drug_key: Some(drug_key),
        ingredient: Some("amlodipine"),
        manufacturer: Some("north"),
        price_rank_ppm: None,
        quantity_milli: 1_000,
    }
}

fn found(lines: &[BoughtLine<'_>]) -> Leanings {
    found_with(lines, &[], &[])
}

fn found_with(lines: &[BoughtLine<'_>], visits_ago: &[i32], readings: &[Taken]) -> Leanings {
    let days = visits_ago.iter().map(|ago| (TODAY - ago, 100));
    leanings(
        &mut lines.to_vec(),
        days,
        readings,
        from_day_number(TODAY),
        &Rules::default(),
    )
}

/// Purchases on successive days.
fn purchases(of: &[(Option<&'static str>, Option<&'static str>)]) -> Vec<BoughtLine<'static>> {
    (0..)
        .zip(of)
        .map(|(ago, (ingredient, manufacturer))| BoughtLine {
            ingredient: *ingredient,
            manufacturer: *manufacturer,
            ..line(ago, 1)
        })
        .collect()
}

mod evidence {
    use super::*;

    fn known(lines: &[BoughtLine<'_>]) -> bool {
        found(lines).brand_loyal.is_some()
    }

    #[test]
    fn fewer_than_4_purchases_say_nothing() {
        assert!(!known(&[line(3, 1), line(2, 1), line(1, 1)]));
        assert!(known(&[line(3, 1), line(2, 1), line(1, 1), line(0, 1)]));
    }

    #[test]
    fn only_purchases_of_the_window_count() {
        assert!(known(&[line(364, 1), line(2, 1), line(1, 1), line(0, 1)]));
        assert!(!known(&[line(365, 1), line(2, 1), line(1, 1), line(0, 1)]));
        assert!(!known(&[line(-1, 1), line(2, 1), line(1, 1), line(0, 1)]));
    }

    #[test]
    fn a_purchase_is_one_drug_on_one_date_net_of_that_dates_returns() {
        assert!(
            !known(&[line(2, 1), line(1, 1), line(0, 1), line(0, 1)]),
            "two lines of one drug"
        );
        assert!(
            known(&[line(2, 1), line(1, 1), line(0, 1), line(0, 2)]),
            "two drugs"
        );
        let back = BoughtLine {
            quantity_milli: -1_000,
            ..line(0, 1)
        };
        assert!(
            !known(&[line(3, 1), line(2, 1), line(1, 1), line(0, 1), back]),
            "returned at once"
        );
        let later = [line(4, 1), line(3, 1), line(2, 1), line(1, 1), back];
        assert!(known(&later), "returned on a later date");
        let unnamed = BoughtLine {
            drug_key: None,
            ..line(0, 1)
        };
        assert!(
            !known(&[line(2, 1), line(1, 1), unnamed, unnamed]),
            "lines without a drug are one"
        );
        assert!(known(&[line(2, 1), line(1, 1), line(0, 1), unnamed]));
    }
}

mod brand {
    use super::*;

    const A: Option<&str> = Some("a");
    const B: Option<&str> = Some("b");
    const NORTH: Option<&str> = Some("north");
    const SOUTH: Option<&str> = Some("south");

    #[test]
    fn loyal_from_80_per_cent_of_the_most_bought_ingredient() {
        let loyal = found(&purchases(&[
            (A, NORTH),
            (A, NORTH),
            (A, NORTH),
            (A, NORTH),
            (A, SOUTH),
        ]));
        assert_eq!((loyal.brand_loyal, loyal.brand.as_deref()), (Some(true), NORTH));
        let not = found(&purchases(&[(A, NORTH), (A, NORTH), (A, NORTH), (A, SOUTH)]));
        assert_eq!((not.brand_loyal, not.brand), (Some(false), None));
    }

    #[test]
    fn other_ingredients_do_not_count() {
        let loyal = found(&purchases(&[
            (A, NORTH),
            (A, NORTH),
            (A, NORTH),
            (B, SOUTH),
            (B, NORTH),
        ]));
        assert_eq!(loyal.brand_loyal, Some(true));
    }

    #[test]
    fn of_two_most_bought_ingredients_the_first_in_byte_order() {
        let found_brand = found(&purchases(&[(B, SOUTH), (B, SOUTH), (A, NORTH), (A, NORTH)])).brand;
        assert_eq!(found_brand.as_deref(), NORTH);
    }

    #[test]
    fn an_unknown_manufacturer_counts_below_the_line_only() {
        assert_eq!(
            found(&purchases(&[(A, NORTH), (A, NORTH), (A, NORTH), (A, None)])).brand_loyal,
            Some(false)
        );
        assert_eq!(found(&purchases(&[(A, None); 4])).brand_loyal, Some(false));
    }

    #[test]
    fn without_an_ingredient_it_is_unknown() {
        assert_eq!(found(&purchases(&[(None, NORTH); 4])).brand_loyal, None);
        let one = found(&purchases(&[
            (None, SOUTH),
            (None, SOUTH),
            (None, SOUTH),
            (A, NORTH),
        ]));
        assert_eq!(
            one.brand.as_deref(),
            NORTH,
            "purchases without an ingredient are left out"
        );
    }
}

mod price {
    use super::*;

    fn leaning(ranks: &[Option<u32>]) -> Option<PriceLeaning> {
        let lines: Vec<_> = (0..)
            .zip(ranks)
            .map(|(ago, rank)| BoughtLine {
                price_rank_ppm: *rank,
                ..line(ago, 1)
            })
            .collect();
        found(&lines).price
    }

    #[test]
    fn the_mean_rank_decides_at_0_33_and_0_67() {
        use PriceLeaning::{PriceMinded, QualityMinded};
        for (rank, expected) in [
            (0, Some(PriceMinded)),
            (330_000, Some(PriceMinded)),
            (330_001, None),
            (669_999, None),
            (670_000, Some(QualityMinded)),
            (1_000_000, Some(QualityMinded)),
        ] {
            assert_eq!(leaning(&[Some(rank); 4]), expected, "{rank}");
        }
        assert_eq!(
            leaning(&[Some(0), Some(0), Some(0), Some(1_000_000)]),
            Some(PriceMinded),
            "0.25"
        );
        assert_eq!(
            leaning(&[Some(0), Some(0), Some(1_000_000), Some(1_000_000)]),
            None,
            "0.5"
        );
    }

    #[test]
    fn purchases_without_a_rank_are_left_out() {
        assert_eq!(
            leaning(&[Some(0), None, None, None]),
            Some(PriceLeaning::PriceMinded)
        );
        assert_eq!(leaning(&[None; 4]), None);
    }

    fn sold(
        drug: i64,
        ingredient: Option<&str>,
        pack: Option<i64>,
        packs: i64,
        fen: i64,
    ) -> DrugSales<'_, i64> {
        DrugSales {
            drug,
            ingredient,
            units_per_pack_milli: pack.map(|units| units * 1_000),
            quantity_milli: packs * 1_000,
            amount_fen: fen,
        }
    }

    #[test]
    fn ranks_run_from_0_cheapest_to_1_dearest_within_an_ingredient() {
        let a = Some("a");
        let ranks = price_ranks_ppm([
            sold(1, a, Some(10), 1, 100),
            sold(2, a, Some(10), 1, 200),
            sold(3, a, Some(10), 1, 300),
            sold(4, a, Some(10), 1, 400),
            sold(9, Some("b"), Some(10), 1, 5),
        ]);
        assert_eq!(
            ranks,
            BTreeMap::from([(1, 0), (2, 333_333), (3, 666_666), (4, 1_000_000)]),
            "b has no choice"
        );
    }

    #[test]
    fn prices_are_by_dosage_unit_and_compared_exactly() {
        let a = Some("a");
        // 28 tablets for 20 yuan in one pack, or 84 for 60: the same price; 100 for 60 is cheaper.
        let ranks = price_ranks_ppm([
            sold(1, a, Some(28), 1, 2_000),
            sold(2, a, Some(28), 3, 6_000),
            sold(3, a, Some(100), 1, 6_000),
        ]);
        assert_eq!(ranks, BTreeMap::from([(1, 1_000_000), (2, 1_000_000), (3, 0)]));
        let equal = price_ranks_ppm([sold(1, a, Some(28), 1, 2_000), sold(2, a, Some(28), 3, 6_000)]);
        assert!(equal.is_empty(), "nothing cheaper or dearer is no choice");
    }

    #[test]
    fn drugs_without_price_or_kind_have_no_rank() {
        let a = Some("a");
        let ranks = price_ranks_ppm([
            sold(1, a, Some(10), 1, 100),
            sold(2, a, None, 1, 50),
            sold(3, None, Some(10), 1, 70),
            sold(4, a, Some(10), 0, 80),
            sold(5, a, Some(10), 1, 0),
            sold(6, a, Some(10), -1, -90),
            sold(7, a, Some(10), 1, 300),
        ]);
        assert_eq!(ranks, BTreeMap::from([(1, 0), (7, 1_000_000)]));
    }
}

mod rhythm {
    use super::*;

    fn rhythm_of(visits_ago: &[i32]) -> (Option<bool>, Option<i64>) {
        let lines = [line(3, 1), line(2, 1), line(1, 1), line(0, 1)];
        let found = found_with(&lines, visits_ago, &[]);
        (found.regular, found.rhythm_days)
    }

    #[test]
    fn four_gaps_are_needed() {
        assert_eq!(rhythm_of(&[90, 60, 30, 0]), (None, None));
        assert_eq!(rhythm_of(&[120, 90, 60, 30, 0]), (Some(true), Some(30)));
        assert_eq!(
            rhythm_of(&[365, 90, 60, 30, 0]),
            (None, None),
            "the first visit is before the window"
        );
        assert_eq!(
            rhythm_of(&[90, 60, 30, 0, -30]),
            (None, None),
            "the last one is not yet"
        );
    }

    #[test]
    fn days_without_a_net_amount_are_no_visits() {
        let lines = [line(3, 1), line(2, 1), line(1, 1), line(0, 1)];
        let days = [(120, 5), (90, 5), (60, 5), (45, 0), (44, -5), (30, 5), (0, 5)]
            .map(|(ago, fen)| (TODAY - ago, fen));
        let found = leanings(
            &mut lines.to_vec(),
            days,
            &[],
            from_day_number(TODAY),
            &Rules::default(),
        );
        assert_eq!(found.rhythm_days, Some(30));
    }

    #[test]
    fn the_coefficient_of_variation_is_the_populations_and_0_35_counts() {
        // Gaps 13, 27, 13, 27: mean 20, deviation 7, cv = 0.35.
        assert_eq!(rhythm_of(&[80, 67, 40, 27, 0]), (Some(true), Some(20)));
        // Gaps 12, 28, 12, 28: cv = 0.4.
        assert_eq!(rhythm_of(&[80, 68, 40, 28, 0]), (Some(false), None));
    }

    #[test]
    fn the_period_is_the_mean_gap_half_up() {
        assert_eq!(rhythm_of(&[118, 88, 59, 30, 0]).1, Some(30), "118 / 4 = 29.5");
        assert_eq!(rhythm_of(&[117, 88, 59, 30, 0]).1, Some(29), "117 / 4 = 29.25");
    }

    #[test]
    fn a_rhythm_needs_4_purchases_too() {
        assert_eq!(found_with(&[], &[120, 90, 60, 30, 0], &[]).regular, None);
    }
}

mod readings {
    use super::*;

    fn bp(days_ago: i32, systolic: u16) -> Taken {
        Taken {
            day: TODAY - days_ago,
            at_ms: i64::from(TODAY - days_ago),
            measure: Measure::bp(systolic, 60, None),
        }
    }

    fn glucose(days_ago: i32, tenths: u16) -> Taken {
        Taken {
            measure: Measure::glucose(tenths, None),
            ..bp(days_ago, 0)
        }
    }

    fn testing(readings: &[Taken]) -> Testing {
        found_with(&[], &[], readings).testing
    }

    fn severity(readings: &[Taken]) -> Option<Severity> {
        found_with(&[], &[], readings).severity
    }

    #[test]
    fn testing_counts_the_readings_of_90_days() {
        assert_eq!(testing(&[]), Testing::None);
        assert_eq!(testing(&[bp(90, 120)]), Testing::None);
        assert_eq!(testing(&[bp(-1, 120)]), Testing::None);
        assert_eq!(testing(&[bp(89, 120)]), Testing::Occasional);
        assert_eq!(testing(&[bp(5, 120), glucose(5, 60)]), Testing::Occasional);
        assert_eq!(
            testing(&[bp(5, 120), bp(5, 121), glucose(0, 60)]),
            Testing::Frequent
        );
    }

    #[test]
    fn severity_is_the_higher_of_the_two_latest() {
        assert_eq!(severity(&[]), None);
        assert_eq!(severity(&[bp(5, 165), glucose(3, 60)]), Some(Severity::Grade2));
        assert_eq!(severity(&[bp(5, 125), glucose(3, 120)]), Some(Severity::Grade1));
        assert_eq!(
            severity(&[bp(5, 185), bp(1, 119)]),
            Some(Severity::Normal),
            "the latest decides"
        );
        assert_eq!(severity(&[bp(180, 165)]), Some(Severity::Grade2));
        assert_eq!(severity(&[bp(181, 165)]), None);
        assert_eq!(severity(&[bp(-1, 165)]), None);
    }
}
