//! Members drawn at random from few values, so that they meet each other and the bounds of a rule.

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use yaoban_domain::audience::{ContactFact, LineFact, MedicineFact, MemberFacts, ReadingFact};
use yaoban_domain::calendar::Calendar;
use yaoban_domain::codes::{
    Care, Channel, Class, Code, Open, OutcomeCode, PriceLeaning, ReadingContext, ReadingKind, Severity, Sex,
    Testing,
};
use yaoban_domain::rules::TimeZone;

/// Days ago of things that happened and of the bounds that rules ask for; negative: after `as_of`.
pub const AGO: &[i64] = &[
    -31, -2, -1, 0, 0, 1, 2, 6, 7, 8, 29, 30, 31, 59, 60, 61, 89, 90, 91, 364, 365, 366, 1000,
];
pub const STORES: &[&str] = &["S1", "S2", "s1"];
pub const TAGS: &[&str] = &["a", "b", "ab", "a b", "会员", "会", "%", "A"];
pub const DISEASES: &[&str] = &["hypertension", "diabetes", "cold", "gout"];
/// Values that figures have and rules ask for.
pub const FIGURES: &[i64] = &[0, 1, 2, 3, 49, 50, 51, 99, 100, 365, 366, 4999, 5000];
pub const PRESSURES: &[i64] = &[79, 80, 90, 119, 120, 139, 140, 180];
pub const TENTHS: &[i64] = &[38, 39, 44, 70, 71, 111, 167];

/// A drug of the catalogue.
pub struct CatalogueDrug {
    pub id: &'static str,
    pub ingredient: Option<&'static str>,
    pub category: Option<&'static str>,
}

const fn drug(
    id: &'static str,
    ingredient: Option<&'static str>,
    category: Option<&'static str>,
) -> CatalogueDrug {
    CatalogueDrug {
        id,
        ingredient,
        category,
    }
}

/// The catalogue: two drugs of one ingredient, one ingredient in two categories, drugs without either.
pub const DRUGS: &[CatalogueDrug] = &[
    drug("D1", Some("metformin"), Some("diabetes drugs")),
    drug("D2", Some("metformin"), Some("diabetes drugs")),
    drug("D3", Some("metformin"), Some("other")),
    drug("D4", Some("acarbose"), Some("diabetes drugs")),
    drug("D5", None, Some("other")),
    drug("D6", Some("阿司匹林"), None),
    drug("D7", None, None),
];

/// One member, and what belongs to it but does not count.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub facts: MemberFacts,
    pub erased: bool,
    pub superseded_readings: Vec<ReadingFact>,
    pub unanswered_contacts: Vec<ContactFact>,
}

impl Drawn {
    /// Nothing derived is known, as of a member who was just registered.
    pub fn without_figures(&self) -> bool {
        let facts = &self.facts;
        let known = MemberFacts {
            care: facts.care,
            class: facts.class,
            recency: facts.recency,
            frequency: facts.frequency,
            monetary_fen: facts.monetary_fen,
            basket_fen: facts.basket_fen,
            value_index: facts.value_index,
            brand_loyal: facts.brand_loyal,
            price: facts.price,
            regular: facts.regular,
            testing: facts.testing,
            severity: facts.severity,
            ..MemberFacts::default()
        };
        known == MemberFacts::default()
    }
}

/// Members as of a date.
#[derive(Debug, Clone)]
pub struct World {
    pub as_of: NaiveDate,
    pub members: Vec<Drawn>,
}

impl World {
    /// Members of whom nothing is known but the birthday.
    pub fn of_birthdays(as_of: NaiveDate, birthdays: &[NaiveDate]) -> Self {
        let member = |birthday: &NaiveDate| Drawn {
            facts: MemberFacts {
                birthday: Some(*birthday),
                ..MemberFacts::default()
            },
            erased: false,
            superseded_readings: Vec::new(),
            unanswered_contacts: Vec::new(),
        };
        Self {
            as_of,
            members: birthdays.iter().map(member).collect(),
        }
    }

    /// Members who exist on the date.
    pub fn existing(&self) -> impl Iterator<Item = usize> {
        let exists =
            |drawn: &Drawn| !drawn.erased && drawn.facts.joined_on.is_none_or(|day| day <= self.as_of);
        self.members
            .iter()
            .enumerate()
            .filter(move |(_, drawn)| exists(drawn))
            .map(|(index, _)| index)
    }
}

/// Dates with an edge near: ends of years and Februaries, and some in between.
pub fn dates() -> impl Strategy<Value = NaiveDate> {
    let edges = [
        "2023-02-27",
        "2023-02-28",
        "2023-03-01",
        "2023-12-31",
        "2024-01-01",
        "2024-02-27",
        "2024-02-28",
        "2024-02-29",
        "2024-03-01",
        "2025-02-28",
        "2026-03-31",
        "2026-12-25",
    ];
    select(edges.map(|text| text.parse().unwrap()).to_vec())
}

/// A few members with a few lines each.
pub fn worlds() -> impl Strategy<Value = World> {
    worlds_of(1..14, 10)
}

/// So many members with up to so many lines each.
pub fn worlds_of(members_count: Range<usize>, lines_max: usize) -> impl Strategy<Value = World> {
    dates().prop_flat_map(move |as_of| {
        prop::collection::vec(members(as_of, lines_max), members_count.clone())
            .prop_map(move |members| World { as_of, members })
    })
}

pub fn ago(as_of: NaiveDate, days: i64) -> NaiveDate {
    let count = Days::new(days.unsigned_abs());
    if days < 0 { as_of + count } else { as_of - count }
}

fn days(as_of: NaiveDate) -> impl Strategy<Value = NaiveDate> + Clone {
    select(AGO).prop_map(move |days| ago(as_of, days))
}

/// Birthdays around `as_of`, around the end of February, and on the ends of a year.
fn birthdays(as_of: NaiveDate) -> impl Strategy<Value = NaiveDate> {
    let near = (0..95_i32, select(AGO)).prop_map(move |(years, days)| {
        let day = ago(as_of, days);
        day.with_year(as_of.year() - years).unwrap_or(day)
    });
    let fixed = [
        "2000-02-29",
        "1960-02-29",
        "1961-02-28",
        "1961-03-01",
        "1975-12-31",
        "1976-01-01",
    ];
    prop_oneof![near, select(fixed.map(|text| text.parse().unwrap()).to_vec())]
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(words, 0..=3).prop_map(|words| words.into_iter().map(str::to_owned).collect())
}

/// A code that this build knows, or now and then one that it does not.
fn open<T: Code + std::fmt::Debug>() -> impl Strategy<Value = Open<T>> {
    prop_oneof![9 => select(T::ALL).prop_map(Open::Known), 1 => Just(Open::Unknown("new_code".to_owned()))]
}

fn lines(as_of: NaiveDate, count_max: usize) -> impl Strategy<Value = Vec<LineFact>> {
    let quantity = select(&[-2000_i64, -1000, -500, 0, 1, 500, 1000, 1000, 2000][..]);
    let amount = select(&[-5000_i64, -1999, -1, 0, 1, 1999, 2000, 5000][..]);
    let line = (days(as_of), weighted(0.9, 0..DRUGS.len()), quantity, amount).prop_map(
        |(day, drug, quantity_milli, amount_fen)| {
            let drug = drug.map(|index| &DRUGS[index]);
            LineFact {
                day,
                drug_id: drug.map(|drug| drug.id.to_owned()),
                ingredient: drug.and_then(|drug| drug.ingredient).map(str::to_owned),
                category: drug.and_then(|drug| drug.category).map(str::to_owned),
                quantity_milli,
                amount_fen,
            }
        },
    );
    // A return of a whole line, on the same day or later.
    (prop::collection::vec(line, 0..count_max), 0..3_usize, select(AGO)).prop_map(
        move |(mut lines, returns, days)| {
            for index in 0..returns.min(lines.len()) {
                let mut line = lines[index].clone();
                line.quantity_milli = -line.quantity_milli;
                line.amount_fen = -line.amount_fen;
                if index > 0 {
                    line.day = ago(as_of, days);
                }
                lines.push(line);
            }
            lines
        },
    )
}

fn at_ms(day: NaiveDate, milli_of_day: i64) -> i64 {
    Calendar::new(&TimeZone::default()).unwrap().day_start_ms(day) + milli_of_day
}

/// Business date and instant; some instants are drawn often, so that several things happen at once.
fn moments(as_of: NaiveDate) -> impl Strategy<Value = (NaiveDate, i64)> {
    let any = (days(as_of), select(&[0_i64, 1, 43_200_000, 86_399_999][..]));
    let often = select(&[0, 30, -1][..]).prop_map(move |days| (ago(as_of, days), 43_200_000));
    prop_oneof![2 => any, 1 => often].prop_map(|(day, milli_of_day)| (day, at_ms(day, milli_of_day)))
}

fn readings(as_of: NaiveDate) -> impl Strategy<Value = Vec<ReadingFact>> {
    let value = |values| weighted(0.9, select(values));
    let reading = (
        moments(as_of),
        open::<ReadingKind>(),
        open::<ReadingContext>(),
        value(PRESSURES),
        value(PRESSURES),
        value(TENTHS),
    )
        .prop_map(
            |((day, taken_at_ms), kind, context, systolic, diastolic, glucose_tenths)| {
                let (bp, glucose) = (kind.is(ReadingKind::Bp), kind.is(ReadingKind::Glucose));
                ReadingFact {
                    day,
                    taken_at_ms,
                    systolic: systolic.filter(|_| bp),
                    diastolic: diastolic.filter(|_| bp),
                    glucose_tenths: glucose_tenths.filter(|_| glucose),
                    kind,
                    context,
                }
            },
        );
    // Two readings at once that differ in where or when they were taken and in their values.
    let twins = (
        open::<ReadingContext>(),
        select(PRESSURES),
        select(TENTHS),
        any::<bool>(),
    );
    (prop::collection::vec(reading, 0..7), twins).prop_map(
        |(mut readings, (context, pressure, tenths, twin))| {
            if let Some(mut reading) = readings
                .iter()
                .max_by_key(|reading| reading.day)
                .cloned()
                .filter(|_| twin)
            {
                reading.context = context;
                reading.systolic = reading.systolic.map(|_| pressure);
                reading.glucose_tenths = reading.glucose_tenths.map(|_| tenths);
                readings.push(reading);
            }
            readings
        },
    )
}

fn contacts(as_of: NaiveDate) -> impl Strategy<Value = Vec<ContactFact>> {
    let contact = (
        moments(as_of),
        open::<Channel>(),
        weighted(0.7, open::<OutcomeCode>()),
    )
        .prop_map(|((day, at_ms), channel, outcome)| ContactFact {
            day,
            at_ms,
            channel,
            outcome,
        });
    prop::collection::vec(contact, 0..6)
}

fn medicines(as_of: NaiveDate) -> impl Strategy<Value = Vec<MedicineFact>> {
    let ingredients = subsequence(&["metformin", "acarbose", "阿司匹林"], 0..=3);
    // Around each limit of a status, by any of the rules that the test runs under.
    let ends = select(
        &[
            -32_i64, -31, -30, -29, -8, -7, -6, -1, 0, 1, 30, 31, 32, 59, 60, 61,
        ][..],
    );
    let ends = ends.prop_map(move |days| ago(as_of, days));
    (ingredients, prop::collection::vec(weighted(0.9, ends), 3)).prop_map(|(ingredients, ends)| {
        let medicine = |(ingredient, end): (&str, Option<NaiveDate>)| MedicineFact {
            ingredient: ingredient.to_owned(),
            end,
        };
        ingredients.into_iter().zip(ends).map(medicine).collect()
    })
}

/// The derived values, drawn freely: what they follow from is not this test's matter.
fn derived() -> impl Strategy<Value = MemberFacts> {
    let number = || weighted(0.9, select(FIGURES));
    let figures = (number(), number(), number(), number(), number());
    let codes = (
        weighted(0.9, select(Care::ALL)),
        weighted(0.9, select(Class::ALL)),
        weighted(0.6, select(PriceLeaning::ALL)),
        weighted(0.9, select(Testing::ALL)),
        weighted(0.7, select(Severity::ALL)),
    );
    let flags = (weighted(0.7, any::<bool>()), weighted(0.7, any::<bool>()));
    (weighted(0.9, (figures, codes, flags))).prop_map(|drawn| {
        let Some((figures, codes, flags)) = drawn else {
            return MemberFacts::default();
        };
        MemberFacts {
            recency: figures.0,
            frequency: figures.1,
            monetary_fen: figures.2,
            basket_fen: figures.3,
            value_index: figures.4,
            care: codes.0,
            class: codes.1,
            price: codes.2,
            testing: codes.3,
            severity: codes.4,
            brand_loyal: flags.0,
            regular: flags.1,
            ..MemberFacts::default()
        }
    })
}

fn members(as_of: NaiveDate, lines_max: usize) -> impl Strategy<Value = Drawn> {
    let own = (
        weighted(0.9, select(STORES)),
        weighted(0.8, open::<Sex>()),
        weighted(0.9, birthdays(as_of)),
        weighted(0.8, days(as_of)),
        words(TAGS),
        words(DISEASES),
    );
    let happened = (
        lines(as_of, lines_max),
        readings(as_of),
        readings(as_of),
        contacts(as_of),
        contacts(as_of),
        medicines(as_of),
    );
    (own, happened, derived(), prop::bool::weighted(0.05)).prop_map(|(own, happened, derived, erased)| {
        Drawn {
            facts: MemberFacts {
                store_id: own.0.map(str::to_owned),
                sex: own.1,
                birthday: own.2,
                joined_on: own.3,
                tags: own.4,
                diseases: own.5,
                lines: happened.0,
                readings: happened.1,
                contacts: happened.3,
                medicines: happened.5,
                ..derived
            },
            erased,
            superseded_readings: happened.2,
            unanswered_contacts: happened.4,
        }
    })
}
