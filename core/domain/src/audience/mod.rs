//! The audience language: which members a rule selects (rules, section 9).
//!
//! A rule is a tree of conditions, written as JSON (`docs/audience.md` is its reference). The same
//! tree runs in three places with the same answer:
//!
//! | where | by |
//! |---|---|
//! | in memory, one member at a time | [`eval::matches`], the oracle |
//! | hub, over the chain | [`sql::compile`] |
//! | phone, over its store, offline | [`sql::compile`] |
//!
//! The logic has two values: a condition on missing data is false, so its `not` is true. An empty
//! `all` is true, an empty `any` false. Bounds are inclusive and day 0 is `as_of`; what happened
//! after `as_of`, and members who joined after it, do not exist.

mod ast;
pub mod eval;
mod facts;
mod json;
pub mod limits;
pub mod sql;

pub use ast::{
    Amounts, Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading,
    NoContact, Range, Readings,
};
pub use facts::{ContactFact, LineFact, MedicineFact, MemberFacts, ReadingFact};
pub use json::AudienceError;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A rule that was read and checked: within the [`limits`], every value possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    root: Condition,
}

impl Audience {
    /// Reads a rule from JSON.
    pub fn from_json(text: &str) -> Result<Self, AudienceError> {
        json::read(text).map(|root| Self { root })
    }

    /// Checks a tree that was built in code, by the one set of checks that there is: those of the
    /// JSON form.
    pub fn new(root: &Condition) -> Result<Self, AudienceError> {
        Self::from_json(&json::write(root).to_string())
    }

    /// The canonical JSON: lists sorted, money in fen, shorthands resolved. Reading it back gives
    /// the same tree.
    pub fn to_json(&self) -> String {
        json::write(&self.root).to_string()
    }

    /// The tree.
    pub fn root(&self) -> &Condition {
        &self.root
    }

    /// The same audience with a simpler tree: nested `all` in `all` and `any` in `any` are flat,
    /// lists of one are unwrapped, repeated conditions and double negations are gone.
    #[must_use]
    pub fn normalised(&self) -> Self {
        Self {
            root: self.root.clone().normalised(),
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_json())
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
