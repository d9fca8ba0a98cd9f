//! The tree of a rule. A list of values always means "any of them".

use chrono::NaiveDate;

use crate::codes::{
    Care, Channel, Class, MedicineStatus, OutcomeCode, PriceLeaning, ReadingContext, ReadingKind, Severity,
    Sex, Testing,
};

/// One condition or group of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every one holds; none given: true.
    All(Vec<Condition>),
    /// At least one holds; none given: false.
    Any(Vec<Condition>),
    /// The condition does not hold, be it for missing data.
    Not(Box<Condition>),
    /// Member class.
    Class(Vec<Class>),
    /// Chronic or general.
    Care(Vec<Care>),
    /// Has one of the tags.
    Tags(Vec<String>),
    /// Has one of the diseases, by code.
    Disease(Vec<String>),
    /// Completed years.
    Age(Range),
    /// Sex.
    Sex(Vec<Sex>),
    /// The next birthday is at most so many days ahead; 0 = on `as_of`.
    BirthdayWithinDays(i64),
    /// Day of joining.
    Joined(Joined),
    /// Home store, by id.
    Store(Vec<String>),
    /// A figure of section 1 lies in a range.
    Figure(Figure, Range),
    /// Known to be loyal to a brand, or known not to be.
    BrandLoyal(bool),
    /// Known to buy in a regular rhythm, or known not to.
    Regular(bool),
    /// Leaning in price.
    Price(Vec<PriceLeaning>),
    /// How often the member measures.
    Testing(Vec<Testing>),
    /// Highest current grade.
    Severity(Vec<Severity>),
    /// Bought something.
    Bought(Bought),
    /// The last day on which something was bought.
    LastBought(Goods, DaysAgo),
    /// Status of a medicine, of these ingredients or (none given) of any.
    Medicine(Vec<String>, Vec<MedicineStatus>),
    /// The latest reading.
    LatestReading(LatestReading),
    /// The number of readings.
    Readings(Readings),
    /// The last contact.
    LastContact(LastContact),
    /// No contact in a period.
    NoContact(NoContact),
}

/// A figure of section 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Days since the last visit day.
    Recency,
    /// Visit days in the window.
    Frequency,
    /// Net amount in the window, fen.
    Monetary,
    /// Net amount a visit day, fen.
    Basket,
    /// Value index, 0..=100.
    ValueIndex,
}

/// An inclusive range with at least one bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Lowest value.
    pub min: Option<i64>,
    /// Highest value.
    pub max: Option<i64>,
}

impl Range {
    /// Whether a value lies in the range.
    pub fn contains(self, value: i64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// A period counted backwards from `as_of`, inclusive. The default is everything up to `as_of`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaysAgo {
    /// Its last day, this many days ago (0 = `as_of`).
    pub min: i64,
    /// Its first day, this many days ago; none: since ever.
    pub max: Option<i64>,
}

impl DaysAgo {
    /// Whether a day lies in the period.
    pub fn contains(self, day: NaiveDate, as_of: NaiveDate) -> bool {
        let ago = (as_of - day).num_days();
        ago >= self.min && self.max.is_none_or(|max| ago <= max)
    }
}

/// A period of dates, inclusive, with at least one bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
}

/// When a member joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Counted backwards from `as_of`.
    Ago(DaysAgo),
    /// Between dates.
    Between(DateRange),
}

/// What was bought. Several values count together, as if they were one article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goods {
    /// By id of the drug.
    Drug(Vec<String>),
    /// By ingredient.
    Ingredient(Vec<String>),
    /// By category.
    Category(Vec<String>),
}

/// A purchase condition: net of returns, all the given amounts reached in the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bought {
    /// What.
    pub goods: Goods,
    /// When.
    pub days: DaysAgo,
    /// How much.
    pub at_least: Amounts,
}

/// The amounts of a purchase condition; at least one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Distinct days with net units above 0.
    pub times: Option<i64>,
    /// Net packs, in thousandths.
    pub units_milli: Option<i64>,
    /// Net amount, fen.
    pub fen: Option<i64>,
}

impl Amounts {
    /// Bought at all: on one day.
    pub const ONCE: Self = Self {
        times: Some(1),
        units_milli: None,
        fen: None,
    };
}

/// The latest reading of a kind (and, where given, of these contexts) has these values. Of readings
/// taken at the same instant any one may have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestReading {
    /// What was measured.
    pub kind: ReadingKind,
    /// Contexts looked at; none: all.
    pub contexts: Vec<ReadingContext>,
    /// Systolic pressure, mmHg.
    pub systolic: Option<Range>,
    /// Diastolic pressure, mmHg.
    pub diastolic: Option<Range>,
    /// Glucose, tenths of mmol/L.
    pub glucose_tenths: Option<Range>,
    /// When it was taken.
    pub days: DaysAgo,
}

/// The number of readings in a period; a member without any has 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// What was measured; none: both kinds.
    pub kind: Option<ReadingKind>,
    /// Contexts counted; none: all.
    pub contexts: Vec<ReadingContext>,
    /// When they were taken.
    pub days: DaysAgo,
    /// How many.
    pub count: Range,
}

/// The last contact (where given: by these channels) was in the period and had one of the outcomes.
/// Of contacts at the same instant any one may fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastContact {
    /// Channels looked at; none: all.
    pub channels: Vec<Channel>,
    /// Outcomes; none: any, or no outcome at all.
    pub outcomes: Vec<OutcomeCode>,
    /// When it was.
    pub days: DaysAgo,
}

/// No contact (where given: by these channels) in the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoContact {
    /// Channels looked at; none: all.
    pub channels: Vec<Channel>,
    /// The period.
    pub days: DaysAgo,
}

impl Condition {
    /// The same condition with a simpler tree, see [`super::Audience::normalised`].
    #[must_use]
    pub fn normalised(self) -> Self {
        match self {
            Self::All(children) => {
                let parts = children.into_iter().flat_map(|child| match child.normalised() {
                    Self::All(inner) => inner,
                    other => vec![other],
                });
                group(parts, Self::All)
            }
            Self::Any(children) => {
                let parts = children.into_iter().flat_map(|child| match child.normalised() {
                    Self::Any(inner) => inner,
                    other => vec![other],
                });
                group(parts, Self::Any)
            }
            Self::Not(child) => match child.normalised() {
                Self::Not(inner) => *inner,
                other => Self::Not(Box::new(other)),
            },
            leaf => leaf,
        }
    }
}

/// A group without repetition; a group of one is that one.
fn group(parts: impl Iterator<Item = Condition>, group: fn(Vec<Condition>) -> Condition) -> Condition {
    let mut distinct: Vec<Condition> = Vec::new();
    for part in parts {
        if !distinct.contains(&part) {
            distinct.push(part);
        }
    }
    match distinct.pop() {
        Some(only) if distinct.is_empty() => only,
        last => {
            distinct.extend(last);
            group(distinct)
        }
    }
}
