//! The reader's tools: where it is, what it says when something is wrong, and how it reads values.

use chrono::NaiveDate;

use super::tree::{Tree, shortened};
use crate::audience::ast::{DaysAgo, Range};
use crate::audience::limits::{
    COUNT_MAX, DAYS_MAX, FEN_MAX, LIST_MAX, MILLI_MAX, TEXT_CHARS_MAX, VALUES_MAX,
};
use crate::codes::Code;
use crate::disease;

/// What is wrong with a rule, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: found {found}, expected {expected}{}", hint(.suggestion.as_ref()))]
pub struct AudienceError {
    /// The place: `rule` for the whole, else for example `all[1].bought.days`, or `line 2, column 7`
    /// where the text is no JSON.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What could stand there.
    pub expected: String,
    /// The word that was probably meant.
    pub suggestion: Option<String>,
}

fn hint(suggestion: Option<&String>) -> String {
    suggestion
        .map(|word| format!("; did you mean `{word}`?"))
        .unwrap_or_default()
}

pub(super) type Result<T> = std::result::Result<T, AudienceError>;

/// One step from a node to what stands in it.
pub(super) enum Step {
    Key(String),
    Item(usize),
}

#[derive(Default)]
pub(super) struct Reader {
    path: Vec<Step>,
    /// Conditions so far.
    pub(super) nodes: usize,
    /// Conditions on purchases, medicines, readings and contacts so far.
    pub(super) scans: usize,
    values: usize,
}

/// The entries of an object whose keys were checked.
pub(super) struct Fields<'t>(pub(super) &'t [(String, Tree)]);

impl<'t> Fields<'t> {
    pub(super) fn get(&self, key: &str) -> Option<&'t Tree> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

/// A kind of number: decimals that are read, and the limits in units of the last of them.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) digits: usize,
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Unit {
    pub(super) const fn whole(low: i64, high: i64) -> Self {
        Self { digits: 0, low, high }
    }

    fn show(self, value: i64) -> String {
        let unit = 10_i64.pow(self.digits as u32);
        if value % unit == 0 {
            (value / unit).to_string()
        } else {
            format!("{}.{:0digits$}", value / unit, value % unit, digits = self.digits)
        }
    }

    fn expected(self) -> String {
        let kind = match self.digits {
            0 => "a whole number".to_owned(),
            1 => "a number with at most one decimal".to_owned(),
            digits => format!("a number with at most {digits} decimals"),
        };
        format!("{kind} from {} to {}", self.show(self.low), self.show(self.high))
    }
}

/// Days ago.
pub(super) const DAYS: Unit = Unit::whole(0, DAYS_MAX);
pub(super) const COUNT: Unit = Unit::whole(0, COUNT_MAX);
pub(super) const ONE_OR_MORE: Unit = Unit::whole(1, COUNT_MAX);
pub(super) const YUAN: Unit = Unit {
    digits: 2,
    low: 0,
    high: FEN_MAX,
};
/// Packs, to thousandths, more than none.
pub(super) const PACKS: Unit = Unit {
    digits: 3,
    low: 1,
    high: MILLI_MAX,
};
pub(super) const FEN: Unit = Unit::whole(0, FEN_MAX);
pub(super) const MMHG: Unit = Unit::whole(0, 500);
pub(super) const MMOL: Unit = Unit {
    digits: 1,
    low: 0,
    high: 1000,
};

impl Reader {
    // ---- errors and places ----

    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(&shortened(key)),
                Step::Key(key) => path = path + "." + &shortened(key),
                Step::Item(index) => path = format!("{path}[{index}]"),
            }
        }
        if path.is_empty() { "rule".to_owned() } else { path }
    }

    pub(super) fn fail<T>(&self, found: impl Into<String>, expected: impl Into<String>) -> Result<T> {
        Err(AudienceError {
            path: self.path(),
            found: found.into(),
            expected: expected.into(),
            suggestion: None,
        })
    }

    /// An unknown word, with the nearest known one if one is near.
    pub(super) fn unknown<T>(&self, found: String, word: &str, known: &[&str]) -> Result<T> {
        let expected = match known {
            [only] => format!("`{only}`"),
            _ => format!("one of {}", known.join(", ")),
        };
        Err(AudienceError {
            path: self.path(),
            found,
            expected,
            suggestion: nearest(word, known),
        })
    }

    pub(super) fn at<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.path.push(step);
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    pub(super) fn at_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.at(Step::Key(key.to_owned()), read)
    }

    // ---- objects and their fields ----

    pub(super) fn object<'t>(&mut self, tree: &'t Tree, keys: &[&str], example: &str) -> Result<Fields<'t>> {
        let Tree::Object(entries) = tree else {
            return self.fail(tree.describe(), format!("an object such as {example}"));
        };
        for (index, (key, _)) in entries.iter().enumerate() {
            self.at_key(key, |reader| {
                if !keys.contains(&key.as_str()) {
                    return reader.unknown(format!("an unknown key \"{}\"", shortened(key)), key, keys);
                }
                if entries[..index].iter().any(|(earlier, _)| earlier == key) {
                    return reader.fail("the key a second time", "each key once");
                }
                Ok(())
            })?;
        }
        Ok(Fields(entries))
    }

    pub(super) fn field<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Tree) -> Result<T>,
    ) -> Result<Option<T>> {
        fields
            .get(key)
            .map(|tree| self.at_key(key, |reader| read(reader, tree)))
            .transpose()
    }

    /// A field that may hold one value or a list of them; missing: none.
    pub(super) fn field_list<T: Ord>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        read: impl Fn(&mut Self, &Tree) -> Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self
            .field(fields, key, |reader, tree| reader.list(tree, LIST_MAX, read))?
            .unwrap_or_default())
    }

    // ---- values ----

    /// One value, or a list of them in ascending order without repetition.
    pub(super) fn list<T: Ord>(
        &mut self,
        tree: &Tree,
        most: usize,
        read: impl Fn(&mut Self, &Tree) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Tree::List(items) = tree else {
            return Ok(vec![read(self, tree)?]);
        };
        if items.is_empty() {
            return self.fail("an empty list", "at least one value");
        }
        if items.len() > most {
            return self.fail(
                format!("a list of {}", items.len()),
                format!("at most {most} values"),
            );
        }
        self.values += items.len();
        if self.values > VALUES_MAX {
            return self.fail(
                "too many values",
                format!("at most {VALUES_MAX} in all lists of a rule together"),
            );
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.push(self.at(Step::Item(index), |reader| read(reader, item))?);
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    pub(super) fn code<T: Code>(&mut self, tree: &Tree) -> Result<T> {
        let known: Vec<&str> = T::ALL.iter().map(|value| value.code()).collect();
        match tree {
            Tree::Text(text) => match T::from_code(text) {
                Some(value) => Ok(value),
                None => self.unknown(tree.describe(), text, &known),
            },
            _ => self.fail(
                tree.describe(),
                format!("a {}: one of {}", T::WHAT, known.join(", ")),
            ),
        }
    }

    pub(super) fn codes<T: Code + Ord>(&mut self, tree: &Tree) -> Result<Vec<T>> {
        self.list(tree, LIST_MAX, Self::code)
    }

    pub(super) fn text(&mut self, tree: &Tree) -> Result<String> {
        let Tree::Text(text) = tree else {
            return self.fail(tree.describe(), "a text in quotes");
        };
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) || text.chars().nth(TEXT_CHARS_MAX).is_some()
        {
            return self.fail(
                tree.describe(),
                format!("a text of 1 to {TEXT_CHARS_MAX} characters without control characters"),
            );
        }
        Ok(text.to_owned())
    }

    pub(super) fn texts(&mut self, tree: &Tree) -> Result<Vec<String>> {
        self.list(tree, LIST_MAX, Self::text)
    }

    /// A tag; the separator of lists cannot be part of one.
    pub(super) fn tag(&mut self, tree: &Tree) -> Result<String> {
        let text = self.text(tree)?;
        if text.contains(';') {
            return self.fail(tree.describe(), "a tag without `;`; write several as a list");
        }
        Ok(text)
    }

    /// A disease by its code or by a Chinese name, as its code.
    pub(super) fn disease(&mut self, tree: &Tree) -> Result<String> {
        let text = self.text(tree)?;
        if let Some(disease) = disease::find(&text) {
            return Ok(disease.code.to_owned());
        }
        let codes: Vec<&str> = disease::ALL.iter().map(|disease| disease.code).collect();
        Err(AudienceError {
            path: self.path(),
            found: tree.describe(),
            expected:
                "a disease by its code or Chinese name, such as \"hypertension\" or \"高血压\"; other words \
                       are `tags`"
                    .to_owned(),
            suggestion: nearest(&text, &codes),
        })
    }

    pub(super) fn flag(&mut self, tree: &Tree) -> Result<bool> {
        match tree {
            Tree::Bool(value) => Ok(*value),
            _ => self.fail(tree.describe(), "true or false"),
        }
    }

    pub(super) fn date(&mut self, tree: &Tree) -> Result<NaiveDate> {
        let date = match tree {
            Tree::Text(text) if text.len() == 10 => text.parse().ok(),
            _ => None,
        };
        date.map_or_else(|| self.fail(tree.describe(), "a date such as \"2026-03-31\""), Ok)
    }

    /// A number, in units of the unit's last decimal.
    pub(super) fn number(&mut self, tree: &Tree, unit: Unit) -> Result<i64> {
        let value = match tree {
            Tree::Number(text) => decimal(text, unit.digits),
            _ => None,
        };
        match value {
            Some(value) if (unit.low..=unit.high).contains(&value) => Ok(value),
            _ => self.fail(tree.describe(), unit.expected()),
        }
    }

    /// A range: `[low, high]` or `{"min": low, "max": high}` with at least one of the two.
    pub(super) fn range(&mut self, tree: &Tree, unit: Unit) -> Result<Range> {
        let range = match tree {
            Tree::List(items) if items.len() == 2 => Range {
                min: Some(self.at(Step::Item(0), |reader| reader.number(&items[0], unit))?),
                max: Some(self.at(Step::Item(1), |reader| reader.number(&items[1], unit))?),
            },
            Tree::Object(entries) if !entries.is_empty() => {
                let fields = self.object(tree, &["min", "max"], "")?;
                Range {
                    min: self.field(&fields, "min", |reader, tree| reader.number(tree, unit))?,
                    max: self.field(&fields, "max", |reader, tree| reader.number(tree, unit))?,
                }
            }
            _ => {
                return self.fail(
                    tree.describe(),
                    "a range: [lowest, highest], or {\"min\": lowest, \"max\": highest} with one or both of them",
                );
            }
        };
        match range {
            Range {
                min: Some(min),
                max: Some(max),
            } if min > max => self.fail(
                format!("from {} to {}", unit.show(min), unit.show(max)),
                "the lower bound first",
            ),
            _ => Ok(range),
        }
    }

    /// A period before `as_of`, from `days` or `within_days`; neither: since ever.
    pub(super) fn days(&mut self, fields: &Fields<'_>) -> Result<DaysAgo> {
        let within = self.field(fields, "within_days", |reader, tree| reader.number(tree, DAYS))?;
        let days = self.field(fields, "days", |reader, tree| {
            if let Tree::Number(number) = tree {
                let expected = format!(
                    "a range of days ago, [0, {number}] or {{\"min\": 0, \"max\": {number}}}; for the last days \
                     write \"within_days\": {number}"
                );
                return reader.fail(tree.describe(), expected);
            }
            reader.range(tree, DAYS)
        })?;
        match (days, within) {
            (Some(_), Some(_)) => self.fail("both days and within_days", "one of them"),
            (Some(range), None) => Ok(DaysAgo {
                min: range.min.unwrap_or(0),
                max: range.max,
            }),
            (None, max) => Ok(DaysAgo { min: 0, max }),
        }
    }
}

/// A decimal as a whole number of `10^-digits`; none if it has more decimals or too many digits.
fn decimal(text: &str, digits: usize) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > digits || whole.len() + digits > 18 {
        return None;
    }
    format!("{whole}{fraction:0<digits$}")
        .parse::<i64>()
        .ok()
        .map(|value| sign * value)
}

/// The known word with the fewest changes to the given one, if they are few for its length, else one
/// that begins with it.
fn nearest(word: &str, known: &[&str]) -> Option<String> {
    if word.chars().nth(TEXT_CHARS_MAX).is_some() {
        return None;
    }
    let word = word.trim().to_lowercase();
    let most = (word.chars().count() / 3).max(1);
    let near = known
        .iter()
        .map(|known| (strsim::osa_distance(&word, known), known))
        .filter(|(changes, _)| *changes <= most)
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, known)| known);
    let begun = || {
        known
            .iter()
            .find(|known| word.len() > 2 && known.starts_with(&word))
    };
    near.or_else(begun).map(|known| (*known).to_owned())
}
