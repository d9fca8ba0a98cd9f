use proptest::prelude::*;
use serde_json::{Value, json};

use super::{read, write};
use crate::audience::ast::{Amounts, Bought, Condition, DaysAgo, Figure, Goods, Range};
use crate::audience::limits::{DEPTH_MAX, INPUT_BYTES_MAX, LIST_MAX, NODES_MAX, SCANS_MAX, WORDS_MAX};
use crate::codes::Class;

fn message(rule: &Value) -> String {
    read(&rule.to_string()).unwrap_err().to_string()
}

fn canonical(rule: &Value) -> Value {
    write(&read(&rule.to_string()).unwrap())
}

/// Every condition of the language in its canonical form.
fn examples() -> Vec<Value> {
    vec![
        json!({"all": []}),
        json!({"any": [{"class": "low"}, {"not": {"care": "general"}}]}),
        json!({"class": ["retain", "win_back"]}),
        json!({"care": "chronic"}),
        json!({"tags": ["会员日", "老客"]}),
        json!({"disease": ["diabetes", "hypertension"]}),
        json!({"age": [60, 75]}),
        json!({"age": {"max": 17}}),
        json!({"sex": "female"}),
        json!({"birthday": {"within_days": 7}}),
        json!({"joined": {"within_days": 30}}),
        json!({"joined": {"days": [31, 60]}}),
        json!({"joined": {"from": "2026-01-01", "to": "2026-03-31"}}),
        json!({"joined": {"to": "2024-02-29"}}),
        json!({"store": "S001"}),
        json!({"recency": {"min": 90}}),
        json!({"frequency": [2, 5]}),
        json!({"monetary_fen": {"min": 50000}}),
        json!({"basket_fen": {"max": 9950}}),
        json!({"value_index": {"min": 75}}),
        json!({"brand_loyal": true}),
        json!({"regular": false}),
        json!({"price": ["price_minded", "quality_minded"]}),
        json!({"testing": "frequent"}),
        json!({"severity": ["grade2", "grade3"]}),
        json!({"bought": {"ingredient": "metformin"}}),
        json!({"bought": {"drug": ["D1", "D2"], "days": [10, 90], "at_least": {"times": 2, "units": 1.5, "fen": 10000}}}),
        json!({"not_bought": {"category": "OTC", "within_days": 60}}),
        json!({"last_bought": {"ingredient": "metformin", "days": [25, 35]}}),
        json!({"last_bought": {"ingredient": "metformin", "days": {"min": 90}}}),
        json!({"medicine": {"status": ["running_low", "out"]}}),
        json!({"medicine": {"ingredient": ["acarbose", "metformin"], "status": "lapsed"}}),
        json!({"latest_reading": {"kind": "bp", "context": ["office", "home"], "systolic": {"min": 140}, "diastolic": [60, 120], "within_days": 180}}),
        json!({"latest_reading": {"kind": "glucose", "context": "fasting", "glucose": [7, 11.1]}}),
        json!({"readings": {"kind": "bp", "within_days": 90, "at_least": 3, "at_most": 9}}),
        json!({"readings": {"at_most": 0}}),
        json!({"last_contact": {"channel": ["call", "ai_call"], "outcome": "call_later", "days": [7, 30]}}),
        json!({"last_contact": {}}),
        json!({"no_contact": {"channel": "sms", "within_days": 30}}),
    ]
}

#[test]
fn every_condition_is_read_and_written_in_its_canonical_form() {
    for rule in examples() {
        assert_eq!(canonical(&rule), rule);
    }
}

#[test]
fn shorthands_take_the_canonical_form() {
    for (short, long) in [
        (json!({"class": ["retain"]}), json!({"class": "retain"})),
        (json!({"tags": ["b", "a", " b "]}), json!({"tags": ["a", "b"]})),
        (json!({"disease": "高血压"}), json!({"disease": "hypertension"})),
        (
            json!({"disease": ["高血压", "hypertension"]}),
            json!({"disease": "hypertension"}),
        ),
        (json!({"age": {"min": 60, "max": 75}}), json!({"age": [60, 75]})),
        (
            json!({"monetary_yuan": {"min": 19.99}}),
            json!({"monetary_fen": {"min": 1999}}),
        ),
        (
            json!({"basket_yuan": [0.01, 20]}),
            json!({"basket_fen": [1, 2000]}),
        ),
        (
            json!({"bought": {"drug": "D1", "days": {"max": 30}, "at_least": {"yuan": 0.5}}}),
            json!({"bought": {"drug": "D1", "within_days": 30, "at_least": {"fen": 50}}}),
        ),
        (
            json!({"bought": {"drug": "D1", "at_least": {"times": 1}}}),
            json!({"bought": {"drug": "D1"}}),
        ),
        (
            json!({"not": {"bought": {"drug": "D1"}}}),
            json!({"not_bought": {"drug": "D1"}}),
        ),
        (
            json!({"readings": {"kind": "bp"}}),
            json!({"readings": {"kind": "bp", "at_least": 1}}),
        ),
        (
            json!({"class": "low", "not": {"sex": "male"}}),
            json!({"all": [{"class": "low"}, {"not": {"sex": "male"}}]}),
        ),
    ] {
        assert_eq!(canonical(&short), long, "{short}");
    }
}

#[test]
fn the_tree_is_what_the_rule_says() {
    let rule = r#"{"all": [{"class": "retain"}, {"bought": {"ingredient": "m", "days": [0, 90], "at_least": {"units": 2.5}}}]}"#;
    let bought = Bought {
        goods: Goods::Ingredient(vec!["m".into()]),
        days: DaysAgo {
            min: 0,
            max: Some(90),
        },
        at_least: Amounts {
            times: None,
            units_milli: Some(2500),
            fen: None,
        },
    };
    let tree = Condition::All(vec![
        Condition::Class(vec![Class::Retain]),
        Condition::Bought(bought),
    ]);
    assert_eq!(read(rule).unwrap(), tree);
    let range = Range {
        min: Some(1999),
        max: None,
    };
    assert_eq!(
        read(r#"{"monetary_yuan": {"min": 19.99}}"#).unwrap(),
        Condition::Figure(Figure::Monetary, range)
    );
}

/// The reference for analysts, held to what is read: whole rules in blocks, conditions in tables.
#[test]
fn every_example_of_the_reference_is_a_rule() {
    let page = include_str!("../../../../../docs/audience.md");
    let mut blocks = page.split("```");
    let mut rules: Vec<Value> = Vec::new();
    while let (Some(text), block) = (blocks.next(), blocks.next()) {
        let inline = text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| code.starts_with("{\""));
        let fragments = ["{\"min\"", "{\"max\"", "{\"times\""];
        let conditions = inline.filter(|code| !fragments.iter().any(|part| code.starts_with(part)));
        rules.extend(conditions.map(|code| serde_json::from_str::<Value>(code).unwrap()));
        if let Some(block) = block.and_then(|block| block.strip_prefix("json")) {
            let stream = serde_json::Deserializer::from_str(block).into_iter::<Value>();
            rules.extend(stream.map(Result::unwrap));
        }
    }
    assert!(rules.len() > 35, "{}", rules.len());
    for rule in rules {
        assert!(read(&rule.to_string()).is_ok(), "{}", message(&rule));
    }
}

#[test]
fn errors_name_the_place_what_was_found_and_what_was_expected() {
    for (rule, expected) in [
        (
            json!([]),
            "rule: found an empty list, expected an object such as {\"class\": \"retain\"}",
        ),
        (
            json!({}),
            "rule: found an empty object, expected a condition; every member is {\"all\": []}",
        ),
        (
            json!({"all": [{"sex": "male"}, {"bought": {"ingredient": "m", "days": 30}}]}),
            "all[1].bought.days: found 30, expected a range of days ago, [0, 30] or {\"min\": 0, \"max\": 30}; \
             for the last days write \"within_days\": 30",
        ),
        (
            json!({"any": [{"bought": {"ingrediant": "m"}}]}),
            "any[0].bought.ingrediant: found an unknown key \"ingrediant\", expected one of drug, ingredient, \
             category, days, within_days, at_least; did you mean `ingredient`?",
        ),
        (
            json!({"class": ["retain", "retian"]}),
            "class[1]: found \"retian\", expected one of retain, develop, win_back, valued, ordinary, low; \
             did you mean `retain`?",
        ),
        (
            json!({"class": 5}),
            "class: found 5, expected a class: one of retain, develop, win_back, valued, ordinary, low",
        ),
        (
            json!({"tags": []}),
            "tags: found an empty list, expected at least one value",
        ),
        (
            json!({"tags": "a;b"}),
            "tags: found \"a;b\", expected a tag without `;`; write several as a list",
        ),
        (json!({"store": 12}), "store: found 12, expected a text in quotes"),
        (
            json!({"disease": "hypertention"}),
            "disease: found \"hypertention\", expected a disease by its code or Chinese name, such as \
             \"hypertension\" or \"高血压\"; other words are `tags`; did you mean `hypertension`?",
        ),
        (
            json!({"age": [60, 50]}),
            "age: found from 60 to 50, expected the lower bound first",
        ),
        (
            json!({"age": 60}),
            "age: found 60, expected a range: [lowest, highest], or {\"min\": lowest, \"max\": highest} with one or \
             both of them",
        ),
        (
            json!({"age": {"min": 151}}),
            "age.min: found 151, expected a whole number from 0 to 150",
        ),
        (
            json!({"basket_yuan": {"min": 1.999}}),
            "basket_yuan.min: found 1.999, expected a number with at most 2 decimals from 0 to 10000000000",
        ),
        (
            json!({"bought": {"drug": "a", "category": "b"}}),
            "bought: found several of drug, ingredient and category, expected one of them",
        ),
        (
            json!({"bought": {"within_days": 3}}),
            "bought: found no goods, expected one of drug, ingredient and category",
        ),
        (
            json!({"bought": {"drug": "a", "at_least": {"times": 0}}}),
            "bought.at_least.times: found 0, expected a whole number from 1 to 1000000",
        ),
        (
            json!({"bought": {"drug": "a", "at_least": {"units": 0}}}),
            "bought.at_least.units: found 0, expected a number with at most 3 decimals from 0.001 to 1000000000",
        ),
        (
            json!({"joined": {"from": "2026-02-30"}}),
            "joined.from: found \"2026-02-30\", expected a date such as \"2026-03-31\"",
        ),
        (
            json!({"latest_reading": {"kind": "bp", "glucose": {"min": 7}}}),
            "latest_reading.glucose: found a value of kind glucose, expected values of kind bp",
        ),
        (
            json!({"latest_reading": {"kind": "bp", "context": ["home", "fasting"]}}),
            "latest_reading.context[1]: found a context of kind glucose, expected a context of kind bp",
        ),
        (
            json!({"readings": {"at_least": 3, "at_most": 2}}),
            "readings: found at least 3 and at most 2, expected a number that both allow",
        ),
        (
            json!({"bought": {"drug": "a", "days": [0, 1], "within_days": 1}}),
            "bought: found both days and within_days, expected one of them",
        ),
        (
            json!({"brand_loyal": "yes"}),
            "brand_loyal: found \"yes\", expected true or false",
        ),
        (
            json!({"not": [{"sex": "male"}]}),
            "not: found a list of 1, expected an object such as {\"class\": \"retain\"}",
        ),
    ] {
        assert_eq!(message(&rule), expected);
    }
    assert!(message(&json!({"monetary": {"min": 5}})).ends_with("did you mean `monetary_yuan`?"));
}

#[test]
fn repeated_keys_are_told_not_dropped() {
    let error = read(r#"{"bought": {"drug": "a", "drug": "b"}}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bought.drug: found the key a second time, expected each key once"
    );
    assert!(read(r#"{"sex": "male", "sex": "female"}"#).is_err());
}

#[test]
fn text_that_is_no_json_is_placed_by_line_and_column() {
    let error = read("{\n  \"class\": retain\n}").unwrap_err();
    assert_eq!(error.path, "line 2, column 12");
    assert_eq!(read("").unwrap_err().path, "line 1, column 0");
    assert!(read(r#"{"class": "low"} x"#).is_err());
    assert!(
        read("\u{feff}{\"class\": \"low\"}").is_ok(),
        "a mark of Windows editors at the start"
    );
}

fn nested(depth: usize) -> String {
    let groups = depth - 1;
    format!(
        "{}{{\"sex\":\"male\"}}{}",
        "{\"all\":[".repeat(groups),
        "]}".repeat(groups)
    )
}

#[test]
fn limits_hold_at_their_edges() {
    assert!(read(&nested(DEPTH_MAX)).is_ok());
    assert!(
        read(&nested(DEPTH_MAX + 1))
            .unwrap_err()
            .expected
            .contains("16 levels")
    );
    assert!(read(&nested(100_000)).is_err(), "no stack overflow either");

    let many = |count: usize, condition: &Value| json!({"any": vec![condition; count]}).to_string();
    let leaf = json!({"sex": "male"});
    assert!(read(&many(NODES_MAX - 1, &leaf)).is_ok());
    assert!(read(&many(NODES_MAX, &leaf)).is_err());
    let scan = json!({"bought": {"drug": "a"}});
    assert!(read(&many(SCANS_MAX, &scan)).is_ok());
    assert!(read(&many(SCANS_MAX + 1, &scan)).is_err());

    let words = |key: &str, count: usize| {
        json!({key: (0..count).map(|n| n.to_string()).collect::<Vec<_>>()}).to_string()
    };
    assert!(read(&words("store", LIST_MAX)).is_ok());
    assert!(read(&words("store", LIST_MAX + 1)).is_err());
    assert!(read(&words("tags", WORDS_MAX)).is_ok());
    assert!(read(&words("tags", WORDS_MAX + 1)).is_err());
    let lists =
        json!({"any": vec![json!({"store": (0..LIST_MAX).map(|n| n.to_string()).collect::<Vec<_>>()}); 11]});
    assert!(message(&lists).contains("10000 in all lists"));

    let padded = |bytes: usize| {
        let rule = r#"{"sex":"male"}"#;
        " ".repeat(bytes - rule.len()) + rule
    };
    assert!(read(&padded(INPUT_BYTES_MAX)).is_ok());
    assert_eq!(read(&padded(INPUT_BYTES_MAX + 1)).unwrap_err().path, "rule");
}

#[test]
fn what_a_message_repeats_is_short_and_without_control_characters() {
    let error = read(&json!({"tags": format!("\u{7}{}", "长".repeat(5000))}).to_string()).unwrap_err();
    assert!(error.found.chars().count() < 50, "{error}");
    assert!(!error.to_string().contains('\u{7}'));
    let error = read(&json!({"x".repeat(5000): 1}).to_string()).unwrap_err();
    assert!(error.to_string().chars().count() < 700, "{error}");
}

/// JSON made of the language's own words, so that many pieces are nearly right.
fn nearly_rules() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("all"),
        Just("any"),
        Just("not"),
        Just("class"),
        Just("retain"),
        Just("bought"),
        Just("drug"),
        Just("days"),
        Just("within_days"),
        Just("at_least"),
        Just("yuan"),
        Just("times"),
        Just("kind"),
        Just("bp"),
        Just("status"),
        Just("out"),
        Just("latest_reading"),
        Just("readings"),
        Just("medicine"),
        Just("age"),
        Just("min"),
        Just("max"),
        Just("last_bought"),
        Just("no_contact"),
        Just("disease"),
        Just("糖尿病"),
        Just("tags"),
        Just("birthday"),
    ];
    let leaf = prop_oneof![
        word.clone().prop_map(|word| json!(word)),
        (-2_i64..400).prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        Just(Value::Null),
        any::<bool>().prop_map(|b| json!(b)),
        ".{0,6}".prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(6, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in ".*") {
        let _ = read(&text);
    }

    #[test]
    fn nearly_right_rules_are_read_or_refused_with_a_place(rule in nearly_rules()) {
        match read(&rule.to_string()) {
            Ok(tree) => prop_assert_eq!(read(&write(&tree).to_string()).unwrap(), tree),
            Err(error) => prop_assert!(!error.path.is_empty() && !error.found.is_empty() && !error.expected.is_empty()),
        }
    }

    #[test]
    fn examples_joined_at_random_survive_the_round_trip(
        picks in prop::collection::vec((0..examples().len(), 0..4_u8), 0..12),
    ) {
        let examples = examples();
        let rule = picks.into_iter().fold(json!({"all": []}), |rule, (pick, joint)| match joint {
            0 => json!({"all": [rule, examples[pick]]}),
            1 => json!({"any": [rule, examples[pick]]}),
            2 => json!({"not": {"any": [examples[pick]]}}),
            _ => json!({"not": rule}),
        });
        if let Ok(tree) = read(&rule.to_string()) {
            prop_assert_eq!(&write(&tree), &rule);
            let normal = tree.normalised();
            prop_assert_eq!(&normal.clone().normalised(), &normal);
            prop_assert_eq!(&read(&write(&normal).to_string()).unwrap(), &normal);
        }
    }

    #[test]
    fn decimals_are_exact(milli in 1_i64..=1_000_000_000_000) {
        let number = milli as f64 / 1000.0;
        let rule = json!({"bought": {"drug": "a", "at_least": {"units": number}}});
        let tree = read(&rule.to_string()).unwrap();
        let Condition::Bought(bought) = &tree else { panic!("{tree:?}") };
        prop_assert_eq!(bought.at_least.units_milli, Some(milli));
        prop_assert_eq!(&read(&write(&tree).to_string()).unwrap(), &tree);
    }
}
