//! What is known of one member, for the evaluator in memory.

use chrono::NaiveDate;

use crate::codes::{
    Care, Channel, Class, Open, OutcomeCode, PriceLeaning, ReadingContext, ReadingKind, Severity, Sex,
    Testing,
};

/// A member as of one date. The derived values (figures, class, leanings, ends of medicines) are
/// those of the same `as_of` as the evaluation's; what lies after it may be present in the lists and
/// is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// Home store.
    pub store_id: Option<String>,
    /// Sex.
    pub sex: Option<Open<Sex>>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Day of joining; not told: has always been a member.
    pub joined_on: Option<NaiveDate>,
    /// Tags.
    pub tags: Vec<String>,
    /// Disease codes.
    pub diseases: Vec<String>,
    /// Chronic or general.
    pub care: Option<Care>,
    /// Class.
    pub class: Option<Class>,
    /// Days since the last visit day.
    pub recency: Option<i64>,
    /// Visit days in the window.
    pub frequency: Option<i64>,
    /// Net amount in the window, fen.
    pub monetary_fen: Option<i64>,
    /// Net amount a visit day, fen.
    pub basket_fen: Option<i64>,
    /// Value index.
    pub value_index: Option<i64>,
    /// Loyal to a brand; none: unknown.
    pub brand_loyal: Option<bool>,
    /// Leaning in price; none: in between or unknown.
    pub price: Option<PriceLeaning>,
    /// Buys in a regular rhythm; none: unknown.
    pub regular: Option<bool>,
    /// How often the member measures.
    pub testing: Option<Testing>,
    /// Highest current grade.
    pub severity: Option<Severity>,
    /// Medicines.
    pub medicines: Vec<MedicineFact>,
    /// Purchase lines and returns.
    pub lines: Vec<LineFact>,
    /// Readings, superseded ones left out.
    pub readings: Vec<ReadingFact>,
    /// Answered calls and delivered messages.
    pub contacts: Vec<ContactFact>,
}

/// A medicine's run-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MedicineFact {
    /// The ingredient.
    pub ingredient: String,
    /// Last day of stock; none: unknown.
    pub end: Option<NaiveDate>,
}

/// One line of a purchase or return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFact {
    /// Business date.
    pub day: NaiveDate,
    /// The drug, if the chain told it.
    pub drug_id: Option<String>,
    /// Its ingredient.
    pub ingredient: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Packs in thousandths, negative for a return.
    pub quantity_milli: i64,
    /// Fen, negative for a return.
    pub amount_fen: i64,
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingFact {
    /// Business date.
    pub day: NaiveDate,
    /// When, UTC.
    pub taken_at_ms: i64,
    /// What was measured.
    pub kind: Open<ReadingKind>,
    /// Where or when.
    pub context: Open<ReadingContext>,
    /// Systolic pressure, mmHg.
    pub systolic: Option<i64>,
    /// Diastolic pressure, mmHg.
    pub diastolic: Option<i64>,
    /// Glucose in tenths of mmol/L.
    pub glucose_tenths: Option<i64>,
}

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFact {
    /// Business date.
    pub day: NaiveDate,
    /// When, UTC.
    pub at_ms: i64,
    /// Channel.
    pub channel: Open<Channel>,
    /// What came of it, if anything was recorded.
    pub outcome: Option<Open<OutcomeCode>>,
}
