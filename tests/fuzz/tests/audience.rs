//! The audience JSON takes any text: a tree or an error that names the place; a tree that was accepted
//! writes itself back and compiles.

use bolero::check;
use chrono::NaiveDate;
use yaoban_domain::audience::{Audience, sql};
use yaoban_domain::rules::Rules;
use yaoban_fuzz::{Edit, edited};

const SAMPLE: &str = r#"{"all": [
    {"class": ["retain", "win_back"]}, {"care": "chronic"}, {"disease": "高血压"}, {"age": [40, 80]},
    {"any": [{"bought": {"ingredient": "氨氯地平", "days": [0, 90], "at_least": {"times": 2, "yuan": 99.5}}},
             {"not": {"bought": {"category": ["感冒"], "within_days": 30}}}]},
    {"medicine": {"ingredient": "二甲双胍", "status": ["running_low", "out"]}},
    {"monetary_fen": {"min": 10000}}, {"birthday": {"within_days": 7}}
]}"#;

fn read(text: &str) {
    let Ok(audience) = Audience::from_json(text) else {
        return;
    };
    let again = Audience::from_json(&audience.to_json());
    assert_eq!(
        again.as_ref(),
        Ok(&audience),
        "canonical JSON reads back as the same tree"
    );
    let as_of = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap();
    assert!(!sql::compile(&audience, as_of, &Rules::default()).sql.is_empty());
}

#[test]
fn the_sample_is_valid() {
    Audience::from_json(SAMPLE).unwrap();
}

#[test]
fn a_rule_with_edits() {
    check!().with_type::<Vec<Edit>>().for_each(|edits| {
        read(&String::from_utf8_lossy(&edited(SAMPLE.as_bytes(), edits)));
    });
}

#[test]
fn any_text() {
    check!()
        .with_type::<Vec<u8>>()
        .for_each(|bytes| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn deep_and_long_texts_are_refused_with_an_error() {
    for opening in ["[", "{\"not\":", "{\"all\":["] {
        assert!(Audience::from_json(&opening.repeat(100_000)).is_err());
    }
}
