//! Rules drawn at random, their bounds from the values that the members have.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use yaoban_domain::audience::{
    Amounts, Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading,
    NoContact, Range, Readings,
};
use yaoban_domain::codes::{Channel, Code, MedicineStatus, OutcomeCode, ReadingContext, ReadingKind};

use crate::world::{AGO, DISEASES, DRUGS, FIGURES, PRESSURES, STORES, TAGS, TENTHS, ago, dates};

/// Single conditions.
pub fn leaves() -> impl Strategy<Value = Condition> {
    prop_oneof![members(), figures(), purchases(), readings(), contacts()]
}

/// Trees of up to five levels, empty groups among them.
pub fn conditions() -> impl Strategy<Value = Condition> {
    leaves().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

fn ranges(values: &'static [i64]) -> impl Strategy<Value = Range> {
    (select(values), select(values), 0..4_u8).prop_map(|(a, b, bounds)| match bounds {
        0 => Range {
            min: Some(a),
            max: None,
        },
        1 => Range {
            min: None,
            max: Some(a),
        },
        2 => Range {
            min: Some(a),
            max: Some(a),
        },
        _ => Range {
            min: Some(a.min(b)),
            max: Some(a.max(b)),
        },
    })
}

/// Periods; bounds lie in the past.
fn days() -> impl Strategy<Value = DaysAgo> {
    prop_oneof![
        1 => Just(DaysAgo::default()),
        6 => ranges(AGO).prop_map(|range| {
            let past = |bound: i64| bound.abs();
            let (min, max) = (range.min.map_or(0, past), range.max.map(past));
            DaysAgo { min: max.map_or(min, |max| min.min(max)), max: max.map(|max| max.max(min)) }
        }),
    ]
}

fn codes<T: Code + std::fmt::Debug>() -> impl Strategy<Value = Vec<T>> {
    subsequence(T::ALL, 1..=T::ALL.len().min(3))
}

fn maybe_codes<T: Code + std::fmt::Debug>() -> impl Strategy<Value = Vec<T>> {
    prop_oneof![Just(Vec::new()), codes()]
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(words, 1..=2).prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

fn members() -> impl Strategy<Value = Condition> {
    let between = (dates(), dates(), select(AGO), 0..3_u8).prop_map(|(a, b, days, bounds)| {
        let (from, to) = (ago(a.min(b), days.abs()), a.max(b));
        DateRange {
            from: (bounds != 0).then_some(from),
            to: (bounds != 1).then_some(to),
        }
    });
    let since = days().prop_filter("since ever is no condition on joining", |days| {
        *days != DaysAgo::default()
    });
    prop_oneof![
        words(TAGS).prop_map(Condition::Tags),
        words(DISEASES).prop_map(Condition::Disease),
        words(STORES).prop_map(Condition::Store),
        codes().prop_map(Condition::Sex),
        ranges(&[0, 1, 17, 18, 35, 36, 59, 60, 61, 94]).prop_map(Condition::Age),
        select(&[0_i64, 1, 2, 7, 30, 31, 60, 300, 363, 364, 365, 366][..])
            .prop_map(Condition::BirthdayWithinDays),
        since.prop_map(|days| Condition::Joined(Joined::Ago(days))),
        between.prop_map(|dates| Condition::Joined(Joined::Between(dates))),
    ]
}

fn figures() -> impl Strategy<Value = Condition> {
    let figure = select(
        &[
            Figure::Recency,
            Figure::Frequency,
            Figure::Monetary,
            Figure::Basket,
            Figure::ValueIndex,
        ][..],
    );
    let in_range =
        (figure, ranges(FIGURES), ranges(&[0, 1, 2, 49, 50, 99, 100])).prop_map(|(figure, any, percent)| {
            Condition::Figure(
                figure,
                if figure == Figure::ValueIndex {
                    percent
                } else {
                    any
                },
            )
        });
    prop_oneof![
        3 => in_range,
        1 => codes().prop_map(Condition::Class),
        1 => codes().prop_map(Condition::Care),
        1 => any::<bool>().prop_map(Condition::BrandLoyal),
        1 => any::<bool>().prop_map(Condition::Regular),
        1 => codes().prop_map(Condition::Price),
        1 => codes().prop_map(Condition::Testing),
        1 => codes().prop_map(Condition::Severity),
    ]
}

fn goods() -> impl Strategy<Value = Goods> {
    let drugs = subsequence((0..DRUGS.len()).collect::<Vec<_>>(), 1..=3).prop_map(|picks| {
        picks
            .into_iter()
            .map(|index| DRUGS[index].id.to_owned())
            .collect()
    });
    prop_oneof![
        drugs.prop_map(Goods::Drug),
        words(&["metformin", "acarbose", "阿司匹林", "never sold"]).prop_map(Goods::Ingredient),
        words(&["diabetes drugs", "other"]).prop_map(Goods::Category),
    ]
}

fn purchases() -> impl Strategy<Value = Condition> {
    let amounts = (
        weighted(0.6, 1..4_i64),
        weighted(0.3, select(&[1_i64, 500, 1000, 1500, 2000, 3000][..])),
        weighted(0.3, select(&[1_i64, 1999, 2000, 2001, 5000][..])),
    )
        .prop_map(|(times, units_milli, fen)| match (times, units_milli, fen) {
            (None, None, None) => Amounts::ONCE,
            _ => Amounts {
                times,
                units_milli,
                fen,
            },
        });
    let bought = (goods(), days(), amounts).prop_map(|(goods, days, at_least)| Bought {
        goods,
        days,
        at_least,
    });
    let ingredients = prop_oneof![Just(Vec::new()), words(&["metformin", "acarbose", "阿司匹林"])];
    prop_oneof![
        4 => bought.prop_map(Condition::Bought),
        2 => (goods(), days()).prop_map(|(goods, days)| Condition::LastBought(goods, days)),
        2 => (ingredients, codes::<MedicineStatus>())
            .prop_map(|(ingredients, statuses)| Condition::Medicine(ingredients, statuses)),
    ]
}

/// Contexts of a kind; none: all.
fn contexts(kind: ReadingKind) -> impl Strategy<Value = Vec<ReadingContext>> {
    let of_kind: &[ReadingContext] = match kind {
        ReadingKind::Bp => &[ReadingContext::Office, ReadingContext::Home],
        ReadingKind::Glucose => &[
            ReadingContext::Fasting,
            ReadingContext::AfterMeal,
            ReadingContext::Random,
        ],
    };
    prop_oneof![Just(Vec::new()), subsequence(of_kind, 1..=2)]
}

fn readings() -> impl Strategy<Value = Condition> {
    let latest = select(ReadingKind::ALL).prop_flat_map(|kind| {
        let values = (
            weighted(0.6, ranges(PRESSURES)),
            weighted(0.4, ranges(PRESSURES)),
            weighted(0.6, ranges(TENTHS)),
        );
        (contexts(kind), values, days()).prop_map(move |(contexts, values, days)| {
            let bp = kind == ReadingKind::Bp;
            Condition::LatestReading(LatestReading {
                kind,
                contexts,
                systolic: values.0.filter(|_| bp),
                diastolic: values.1.filter(|_| bp),
                glucose_tenths: values.2.filter(|_| !bp),
                days,
            })
        })
    });
    let of_kind = select(ReadingKind::ALL).prop_flat_map(|kind| (Just(Some(kind)), contexts(kind)));
    let of_any = maybe_codes::<ReadingContext>().prop_map(|contexts| (None, contexts));
    let count = (0..4_i64, 0..3_i64, 0..3_u8).prop_map(|(low, more, bounds)| Range {
        min: (bounds != 0).then_some(low.max(1)),
        max: (bounds != 1).then_some(if bounds == 0 { low } else { low.max(1) + more }),
    });
    let number = (prop_oneof![of_kind, of_any], days(), count).prop_map(|((kind, contexts), days, count)| {
        Condition::Readings(Readings {
            kind,
            contexts,
            days,
            count,
        })
    });
    prop_oneof![latest, number]
}

fn contacts() -> impl Strategy<Value = Condition> {
    let last = (maybe_codes::<Channel>(), maybe_codes::<OutcomeCode>(), days()).prop_map(
        |(channels, outcomes, days)| {
            Condition::LastContact(LastContact {
                channels,
                outcomes,
                days,
            })
        },
    );
    let none = (maybe_codes::<Channel>(), days())
        .prop_map(|(channels, days)| Condition::NoContact(NoContact { channels, days }));
    prop_oneof![last, none]
}
