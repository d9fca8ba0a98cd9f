//! The evaluator in memory and the compiled SQL select the same members, whatever the rule and
//! whatever the data.
//!
//! [`world`] draws members whose days and values lie on the bounds that [`trees`] asks for, so that a
//! wrong `<` shows within a few cases. Seeds are fixed: a run tells the same every time
//! (`PROPTEST_RNG_SEED` and `PROPTEST_CASES` change that).

// A helper that cannot do its part ends the test that called it.
#![allow(clippy::unwrap_used)]

mod hub;
mod phone;
mod records;
mod reference;
mod trees;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use yaoban_domain::audience::{Audience, eval, sql};
use yaoban_domain::rules::Rules;

use hub::Hub;
use phone::Phone;
use reference::Reference;
use world::World;

/// The members that the evaluator selects, by position. It is never asked about erased ones.
fn by_evaluator(audience: &Audience, world: &World, rules: &Rules) -> BTreeSet<usize> {
    let members = world
        .members
        .iter()
        .enumerate()
        .filter(|(_, drawn)| !drawn.erased);
    members
        .filter(|(_, drawn)| eval::matches(audience, &drawn.facts, world.as_of, rules))
        .map(|(index, _)| index)
        .collect()
}

fn rules(low_days: i64, out_days_max: i64) -> Rules {
    let mut rules = Rules::default();
    rules.medicine.low_days = low_days;
    rules.medicine.out_days_max = out_days_max;
    rules
}

/// Fixed, unless the environment says otherwise.
fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let is_set = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if is_set("PROPTEST_CASES") {
            given.cases
        } else {
            300
        },
        rng_seed: if is_set("PROPTEST_RNG_SEED") {
            given.rng_seed
        } else {
            RngSeed::Fixed(20_260_331)
        },
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..given
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn evaluator_and_sql_select_the_same_members(
        world in world::worlds(),
        trees in prop::collection::vec(trees::conditions(), 12),
        (low_days, out_days_max) in prop_oneof![3 => Just((7, 60)), 1 => Just((0, 0)), 1 => Just((30, 31))],
    ) {
        let rules = rules(low_days, out_days_max);
        let database = Reference::load(&world, &rules);
        for tree in trees {
            let audience = Audience::new(&tree).unwrap();
            let expected = by_evaluator(&audience, &world, &rules);
            let compiled = sql::compile(&audience, world.as_of, &rules);
            prop_assert_eq!(
                &database.select(&compiled), &expected,
                "as of {}: {}\n{}\n{:?}", world.as_of, audience.to_json(), &compiled.sql, &compiled.params
            );
            prop_assert_eq!(&by_evaluator(&audience.normalised(), &world, &rules), &expected, "{}", audience.to_json());

            let opposite = Audience::new(&yaoban_domain::audience::Condition::Not(Box::new(tree)));
            if let Ok(opposite) = opposite {
                let rest: BTreeSet<usize> = world.existing().filter(|index| !expected.contains(index)).collect();
                let compiled = sql::compile(&opposite, world.as_of, &rules);
                prop_assert_eq!(&database.select(&compiled), &rest, "not: {}", audience.to_json());
            }
        }
    }
}

/// Hub and phone, each with its own schema, import and figures, on members whose derived values follow
/// from their records.
#[test]
fn hub_and_phone_select_the_same_members_as_the_evaluator() {
    let mut runner = TestRunner::new(config());
    let rules = Rules::default();
    for _ in 0..config().cases.div_ceil(40) {
        let world = world::worlds_of(60..90, 30)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let members = records::records(&world);
        let model = records::model(&world, &rules);
        let world = records::with_derived(&world, &model, &rules);
        let hub = Hub::load(&world, &members, &rules);
        let phone = Phone::load(&world, &members, &model, &rules);
        for _ in 0..150 {
            let audience =
                Audience::new(&trees::conditions().new_tree(&mut runner).unwrap().current()).unwrap();
            let expected: BTreeSet<String> = by_evaluator(&audience, &world, &rules)
                .into_iter()
                .map(records::member_id)
                .collect();
            let (as_of, rule) = (world.as_of, audience.to_json());
            assert_eq!(
                hub.select(&audience, &world, &rules),
                expected,
                "hub, as of {as_of}: {rule}"
            );
            let compiled = sql::compile(&audience, as_of, &rules);
            assert_eq!(phone.select(&compiled), expected, "phone, as of {as_of}: {rule}");
        }
    }
}

/// The drawn members and rules meet: each kind of condition selects some and leaves some.
#[test]
fn no_condition_is_idle() {
    let mut runner = TestRunner::new(config());
    let rules = Rules::default();
    let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for _ in 0..300 {
        let world = world::worlds().new_tree(&mut runner).unwrap().current();
        for _ in 0..8 {
            let tree = trees::leaves().new_tree(&mut runner).unwrap().current();
            let audience = Audience::new(&tree).unwrap();
            let json: serde_json::Value = serde_json::from_str(&audience.to_json()).unwrap();
            let key = json.as_object().unwrap().keys().next().unwrap().clone();
            let counts = seen.entry(key).or_default();
            for drawn in &world.members {
                let selected = eval::matches(&audience, &drawn.facts, world.as_of, &rules);
                *(if selected { &mut counts.0 } else { &mut counts.1 }) += 1;
            }
        }
    }
    assert_eq!(seen.len(), 26, "{seen:?}");
    assert!(
        seen.values()
            .all(|(selected, left)| *selected >= 10 && *left >= 10),
        "{seen:#?}"
    );
}

/// Every birthday of a leap and a common year against every day of both, for ages and windows.
#[test]
fn birthdays_agree_on_every_day() {
    let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
    let birthdays: Vec<NaiveDate> = date(1960, 1, 1).iter_days().take(366).collect();
    for as_of in date(2023, 1, 1).iter_days().take(365 + 366) {
        let near = as_of.ordinal() < 70 || as_of.ordinal() > 350;
        if !near && as_of.ordinal() % 7 != 0 {
            continue;
        }
        let world = World::of_birthdays(as_of, &birthdays);
        let database = Reference::load(&world, &Rules::default());
        for rule in [
            r#"{"birthday": {"within_days": 0}}"#,
            r#"{"birthday": {"within_days": 1}}"#,
            r#"{"birthday": {"within_days": 30}}"#,
            r#"{"birthday": {"within_days": 364}}"#,
            r#"{"birthday": {"within_days": 365}}"#,
            r#"{"age": {"min": 63}}"#,
            r#"{"age": {"max": 62}}"#,
            r#"{"age": [63, 63]}"#,
        ] {
            let audience = Audience::from_json(rule).unwrap();
            let rules = Rules::default();
            let compiled = sql::compile(&audience, as_of, &rules);
            assert_eq!(
                database.select(&compiled),
                by_evaluator(&audience, &world, &rules),
                "{as_of} {rule}"
            );
        }
    }
}

/// The largest rules that the limits allow compile to statements that the database takes.
#[test]
fn the_largest_rules_run() {
    let world = World::of_birthdays("2026-03-31".parse().unwrap(), &["1990-01-01".parse().unwrap()]);
    let database = Reference::load(&world, &Rules::default());
    let rules = Rules::default();
    let words: Vec<String> = (0..100).map(|n| format!("t{n}")).collect();
    let ids: Vec<String> = (0..900).map(|n| n.to_string()).collect();
    let bought = serde_json::json!({"bought": {"drug": ids[..100], "days": [1, 90], "at_least": {"times": 2, "units": 3, "fen": 4}}});
    let deep = (0..14).fold(serde_json::json!({"tags": words}), |rule, level| {
        let leaf = serde_json::json!({"age": [level, 100]});
        serde_json::json!({if level % 2 == 0 { "all" } else { "any" }: [rule, leaf, {"not": {"sex": "male"}}]})
    });
    for rule in [
        serde_json::json!({"any": vec![serde_json::json!({"not": {"sex": "male"}}); 249]}),
        serde_json::json!({"any": (0..498).map(|n| serde_json::json!({"recency": [n, n]})).collect::<Vec<_>>()}),
        serde_json::json!({"any": (0..90).map(|n| serde_json::json!({"all": [{"tags": words}, {"recency": [n, n]}]})).collect::<Vec<_>>()}),
        serde_json::json!({"any": (0..11).map(|n| serde_json::json!({"all": [{"store": ids}, {"recency": [n, n]}]})).collect::<Vec<_>>()}),
        serde_json::json!({"any": (0..64).map(|n| {
            let mut bought = bought.clone();
            bought["bought"]["days"] = serde_json::json!([0, n]);
            bought
        }).collect::<Vec<_>>()}),
        deep,
    ] {
        let audience = Audience::from_json(&rule.to_string()).unwrap();
        let compiled = sql::compile(&audience, world.as_of, &rules);
        assert_eq!(
            database.select(&compiled),
            by_evaluator(&audience, &world, &rules),
            "{rule}"
        );
    }
}
