//! From a tree to canonical JSON.

use serde_json::{Map, Value, json};

use crate::audience::ast::{
    Amounts, Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading,
    NoContact, Range, Readings,
};
use crate::codes::Code;

/// The JSON of a tree; one key an object.
pub fn write(condition: &Condition) -> Value {
    match condition {
        Condition::All(children) => entry("all", children.iter().map(write).collect()),
        Condition::Any(children) => entry("any", children.iter().map(write).collect()),
        Condition::Not(child) => match child.as_ref() {
            Condition::Bought(bought) => entry("not_bought", write_bought(bought)),
            other => entry("not", write(other)),
        },
        Condition::Class(values) => entry("class", codes(values)),
        Condition::Care(values) => entry("care", codes(values)),
        Condition::Tags(values) => entry("tags", texts(values)),
        Condition::Disease(values) => entry("disease", texts(values)),
        Condition::Age(values) => entry("age", range(*values, number)),
        Condition::Sex(values) => entry("sex", codes(values)),
        Condition::BirthdayWithinDays(days) => entry("birthday", entry("within_days", number(*days))),
        Condition::Joined(joined) => entry("joined", write_joined(*joined)),
        Condition::Store(values) => entry("store", texts(values)),
        Condition::Figure(figure, values) => {
            let key = match figure {
                Figure::Recency => "recency",
                Figure::Frequency => "frequency",
                Figure::Monetary => "monetary_fen",
                Figure::Basket => "basket_fen",
                Figure::ValueIndex => "value_index",
            };
            entry(key, range(*values, number))
        }
        Condition::BrandLoyal(value) => entry("brand_loyal", Value::Bool(*value)),
        Condition::Regular(value) => entry("regular", Value::Bool(*value)),
        Condition::Price(values) => entry("price", codes(values)),
        Condition::Testing(values) => entry("testing", codes(values)),
        Condition::Severity(values) => entry("severity", codes(values)),
        Condition::Bought(bought) => entry("bought", write_bought(bought)),
        Condition::LastBought(goods, days) => {
            let mut object = write_goods(goods);
            add_days(&mut object, *days);
            entry("last_bought", Value::Object(object))
        }
        Condition::Medicine(ingredients, statuses) => {
            let mut object = Map::new();
            add_list(&mut object, "ingredient", ingredients, texts);
            add_list(&mut object, "status", statuses, codes);
            entry("medicine", Value::Object(object))
        }
        Condition::LatestReading(latest) => entry("latest_reading", write_latest(latest)),
        Condition::Readings(readings) => entry("readings", write_readings(readings)),
        Condition::LastContact(last) => entry("last_contact", write_last_contact(last)),
        Condition::NoContact(none) => entry("no_contact", write_no_contact(none)),
    }
}

fn one(key: &str, value: Value) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert(key.to_owned(), value);
    object
}

/// An object of one key.
fn entry(key: &str, value: Value) -> Value {
    Value::Object(one(key, value))
}

fn write_joined(joined: Joined) -> Value {
    let mut object = Map::new();
    match joined {
        Joined::Ago(days) => object_with_days(object, days),
        Joined::Between(DateRange { from, to }) => {
            for (key, day) in [("from", from), ("to", to)] {
                if let Some(day) = day {
                    object.insert(key.to_owned(), json!(day.to_string()));
                }
            }
            Value::Object(object)
        }
    }
}

fn write_goods(goods: &Goods) -> Map<String, Value> {
    let (key, values) = match goods {
        Goods::Drug(values) => ("drug", values),
        Goods::Ingredient(values) => ("ingredient", values),
        Goods::Category(values) => ("category", values),
    };
    one(key, texts(values))
}

fn write_bought(bought: &Bought) -> Value {
    let mut object = write_goods(&bought.goods);
    if bought.at_least != Amounts::ONCE {
        let Amounts {
            times,
            units_milli,
            fen,
        } = bought.at_least;
        let mut amounts = Map::new();
        for (key, value) in [
            ("times", times.map(number)),
            ("units", units_milli.map(|n| scaled(n, 3))),
            ("fen", fen.map(number)),
        ] {
            if let Some(value) = value {
                amounts.insert(key.to_owned(), value);
            }
        }
        object.insert("at_least".to_owned(), Value::Object(amounts));
    }
    object_with_days(object, bought.days)
}

fn write_latest(latest: &LatestReading) -> Value {
    let mut object = one("kind", json!(latest.kind.code()));
    add_list(&mut object, "context", &latest.contexts, codes);
    for (key, values) in [("systolic", latest.systolic), ("diastolic", latest.diastolic)] {
        if let Some(values) = values {
            object.insert(key.to_owned(), range(values, number));
        }
    }
    if let Some(values) = latest.glucose_tenths {
        object.insert("glucose".to_owned(), range(values, |tenths| scaled(tenths, 1)));
    }
    object_with_days(object, latest.days)
}

fn write_readings(readings: &Readings) -> Value {
    let mut object = Map::new();
    if let Some(kind) = readings.kind {
        object.insert("kind".to_owned(), json!(kind.code()));
    }
    add_list(&mut object, "context", &readings.contexts, codes);
    for (key, count) in [("at_least", readings.count.min), ("at_most", readings.count.max)] {
        if let Some(count) = count {
            object.insert(key.to_owned(), json!(count));
        }
    }
    object_with_days(object, readings.days)
}

fn write_last_contact(last: &LastContact) -> Value {
    let mut object = Map::new();
    add_list(&mut object, "channel", &last.channels, codes);
    add_list(&mut object, "outcome", &last.outcomes, codes);
    object_with_days(object, last.days)
}

fn write_no_contact(none: &NoContact) -> Value {
    let mut object = Map::new();
    add_list(&mut object, "channel", &none.channels, codes);
    object_with_days(object, none.days)
}

fn object_with_days(mut object: Map<String, Value>, days: DaysAgo) -> Value {
    add_days(&mut object, days);
    Value::Object(object)
}

/// The period in its shortest form; nothing for "since ever".
fn add_days(object: &mut Map<String, Value>, days: DaysAgo) {
    match days {
        DaysAgo { min: 0, max: None } => {}
        DaysAgo {
            min: 0,
            max: Some(max),
        } => {
            object.insert("within_days".to_owned(), json!(max));
        }
        DaysAgo { min, max: Some(max) } => {
            object.insert("days".to_owned(), json!([min, max]));
        }
        DaysAgo { min, max: None } => {
            object.insert("days".to_owned(), json!({ "min": min }));
        }
    }
}

fn add_list<T>(object: &mut Map<String, Value>, key: &str, values: &[T], write: fn(&[T]) -> Value) {
    if !values.is_empty() {
        object.insert(key.to_owned(), write(values));
    }
}

fn range(range: Range, write: fn(i64) -> Value) -> Value {
    match range {
        Range {
            min: Some(min),
            max: Some(max),
        } => json!([write(min), write(max)]),
        Range { min, max } => {
            let mut object = Map::new();
            for (key, bound) in [("min", min), ("max", max)] {
                if let Some(bound) = bound {
                    object.insert(key.to_owned(), write(bound));
                }
            }
            Value::Object(object)
        }
    }
}

fn number(value: i64) -> Value {
    json!(value)
}

/// A number in units of `10^digits`. The limits keep it within the digits that a JSON number holds.
fn scaled(value: i64, digits: u32) -> Value {
    let unit = 10_i64.pow(digits);
    if value % unit == 0 {
        json!(value / unit)
    } else {
        json!(value as f64 / unit as f64)
    }
}

fn texts(values: &[String]) -> Value {
    one_or_list(values.iter().map(String::as_str))
}

fn codes<T: Code>(values: &[T]) -> Value {
    one_or_list(values.iter().map(|value| value.code()))
}

fn one_or_list<'a>(values: impl Iterator<Item = &'a str>) -> Value {
    let mut list: Vec<Value> = values.map(|value| json!(value)).collect();
    match list.pop() {
        Some(only) if list.is_empty() => only,
        last => {
            list.extend(last);
            Value::Array(list)
        }
    }
}
