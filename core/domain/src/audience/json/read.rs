//! From JSON to a checked tree. The only place where a rule is checked.

use chrono::NaiveDate;

use super::tree::{Tree, shortened};
use super::write::write;
use crate::audience::ast::{
    Amounts, Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading,
    NoContact, Range, Readings,
};
use crate::audience::limits::{
    AGE_MAX, COUNT_MAX, DAYS_MAX, DEPTH_MAX, FEN_MAX, INPUT_BYTES_MAX, LIST_MAX, MILLI_MAX, NODES_MAX,
    SCANS_MAX, TEXT_CHARS_MAX, VALUES_MAX, WORDS_MAX,
};
use crate::codes::{Code, ReadingContext, ReadingKind};

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

type Result<T> = std::result::Result<T, AudienceError>;

/// The keys of conditions, groups first.
const CONDITIONS: &[&str] = &[
    "all",
    "any",
    "not",
    "class",
    "care",
    "tags",
    "disease",
    "age",
    "sex",
    "birthday",
    "joined",
    "store",
    "recency",
    "frequency",
    "monetary_yuan",
    "monetary_fen",
    "basket_yuan",
    "basket_fen",
    "value_index",
    "brand_loyal",
    "price",
    "regular",
    "testing",
    "severity",
    "bought",
    "not_bought",
    "last_bought",
    "medicine",
    "latest_reading",
    "readings",
    "last_contact",
    "no_contact",
];

/// Reads and checks a rule.
pub fn read(text: &str) -> Result<Condition> {
    let too_large = |bytes: usize| AudienceError {
        path: "rule".to_owned(),
        found: format!("{bytes} bytes"),
        expected: format!("at most {INPUT_BYTES_MAX} bytes"),
        suggestion: None,
    };
    if text.len() > INPUT_BYTES_MAX {
        return Err(too_large(text.len()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree: Tree = serde_json::from_str(text).map_err(|error| AudienceError {
        path: format!("line {}, column {}", error.line(), error.column()),
        found: shortened(&without_place(&error)),
        expected: "one JSON object such as {\"class\": \"retain\"}".to_owned(),
        suggestion: None,
    })?;
    let condition = Reader::default().node(&tree, 1)?;
    match write(&condition).to_string().len() {
        bytes if bytes > INPUT_BYTES_MAX => Err(too_large(bytes)),
        _ => Ok(condition),
    }
}

/// The message of the JSON reader without the place, which the path gives.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

/// One step from a node to what stands in it.
enum Step {
    Key(String),
    Item(usize),
}

#[derive(Default)]
struct Reader {
    path: Vec<Step>,
    nodes: usize,
    scans: usize,
    values: usize,
}

/// The entries of an object whose keys were checked.
struct Fields<'t>(&'t [(String, Tree)]);

impl<'t> Fields<'t> {
    fn get(&self, key: &str) -> Option<&'t Tree> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

/// A kind of number: decimals that are read, and the limits in units of the last of them.
#[derive(Clone, Copy)]
struct Unit {
    digits: usize,
    low: i64,
    high: i64,
}

impl Unit {
    const fn whole(low: i64, high: i64) -> Self {
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

const DAYS: Unit = Unit::whole(0, DAYS_MAX);
const COUNT: Unit = Unit::whole(0, COUNT_MAX);
const ONE_OR_MORE: Unit = Unit::whole(1, COUNT_MAX);
const YUAN: Unit = Unit {
    digits: 2,
    low: 0,
    high: FEN_MAX,
};
const FEN: Unit = Unit::whole(0, FEN_MAX);
const MMHG: Unit = Unit::whole(0, 500);
const MMOL: Unit = Unit {
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

    fn fail<T>(&self, found: impl Into<String>, expected: impl Into<String>) -> Result<T> {
        Err(AudienceError {
            path: self.path(),
            found: found.into(),
            expected: expected.into(),
            suggestion: None,
        })
    }

    /// An unknown word, with the nearest known one if one is near.
    fn unknown<T>(&self, found: String, word: &str, known: &[&str]) -> Result<T> {
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

    fn at<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.path.push(step);
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    fn at_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.at(Step::Key(key.to_owned()), read)
    }

    // ---- objects and their fields ----

    fn object<'t>(&mut self, tree: &'t Tree, keys: &[&str], example: &str) -> Result<Fields<'t>> {
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

    fn field<T>(
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
    fn field_list<T: Ord>(
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
    fn list<T: Ord>(
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

    fn code<T: Code>(&mut self, tree: &Tree) -> Result<T> {
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

    fn codes<T: Code + Ord>(&mut self, tree: &Tree) -> Result<Vec<T>> {
        self.list(tree, LIST_MAX, Self::code)
    }

    fn text(&mut self, tree: &Tree) -> Result<String> {
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

    fn texts(&mut self, tree: &Tree) -> Result<Vec<String>> {
        self.list(tree, LIST_MAX, Self::text)
    }

    /// A tag; the separator of lists cannot be part of one.
    fn tag(&mut self, tree: &Tree) -> Result<String> {
        let text = self.text(tree)?;
        if text.contains(';') {
            return self.fail(tree.describe(), "a tag without `;`; write several as a list");
        }
        Ok(text)
    }

    fn disease(&mut self, tree: &Tree) -> Result<String> {
        self.tag(tree)
    }

    fn flag(&mut self, tree: &Tree) -> Result<bool> {
        match tree {
            Tree::Bool(value) => Ok(*value),
            _ => self.fail(tree.describe(), "true or false"),
        }
    }

    fn date(&mut self, tree: &Tree) -> Result<NaiveDate> {
        let date = match tree {
            Tree::Text(text) if text.len() == 10 => text.parse().ok(),
            _ => None,
        };
        date.map_or_else(|| self.fail(tree.describe(), "a date such as \"2026-03-31\""), Ok)
    }

    /// A number, in units of the unit's last decimal.
    fn number(&mut self, tree: &Tree, unit: Unit) -> Result<i64> {
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
    fn range(&mut self, tree: &Tree, unit: Unit) -> Result<Range> {
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
    fn days(&mut self, fields: &Fields<'_>) -> Result<DaysAgo> {
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

    // ---- conditions ----

    fn node(&mut self, tree: &Tree, depth: usize) -> Result<Condition> {
        self.count(depth)?;
        let fields = self.object(tree, CONDITIONS, "{\"class\": \"retain\"}")?;
        match fields.0 {
            [] => self.fail("an empty object", "a condition; every member is {\"all\": []}"),
            [(key, value)] => self.at_key(key, |reader| reader.condition(key, value, depth)),
            entries => {
                let mut children = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    children.push(self.at_key(key, |reader| {
                        reader.count(depth + 1)?;
                        reader.condition(key, value, depth + 1)
                    })?);
                }
                Ok(Condition::All(children))
            }
        }
    }

    fn count(&mut self, depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return self.fail(
                "a condition deeper than that",
                format!("at most {DEPTH_MAX} levels"),
            );
        }
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return self.fail(
                "one condition more",
                format!("at most {NODES_MAX} conditions in a rule"),
            );
        }
        Ok(())
    }

    fn nodes(&mut self, tree: &Tree, depth: usize) -> Result<Vec<Condition>> {
        let Tree::List(items) = tree else {
            return self.fail(tree.describe(), "a list of conditions in square brackets");
        };
        let mut children = Vec::new();
        for (index, item) in items.iter().enumerate() {
            children.push(self.at(Step::Item(index), |reader| reader.node(item, depth + 1))?);
        }
        Ok(children)
    }

    fn condition(&mut self, key: &str, tree: &Tree, depth: usize) -> Result<Condition> {
        Ok(match key {
            "all" => Condition::All(self.nodes(tree, depth)?),
            "any" => Condition::Any(self.nodes(tree, depth)?),
            "not" => Condition::Not(Box::new(self.node(tree, depth + 1)?)),
            "class" => Condition::Class(self.codes(tree)?),
            "care" => Condition::Care(self.codes(tree)?),
            "tags" => Condition::Tags(self.list(tree, WORDS_MAX, Self::tag)?),
            "disease" => Condition::Disease(self.list(tree, WORDS_MAX, Self::disease)?),
            "age" => Condition::Age(self.range(tree, Unit::whole(0, AGE_MAX))?),
            "sex" => Condition::Sex(self.codes(tree)?),
            "birthday" => self.birthday(tree)?,
            "joined" => Condition::Joined(self.joined(tree)?),
            "store" => Condition::Store(self.texts(tree)?),
            "recency" => Condition::Figure(Figure::Recency, self.range(tree, DAYS)?),
            "frequency" => Condition::Figure(Figure::Frequency, self.range(tree, COUNT)?),
            "monetary_yuan" => Condition::Figure(Figure::Monetary, self.range(tree, YUAN)?),
            "monetary_fen" => Condition::Figure(Figure::Monetary, self.range(tree, FEN)?),
            "basket_yuan" => Condition::Figure(Figure::Basket, self.range(tree, YUAN)?),
            "basket_fen" => Condition::Figure(Figure::Basket, self.range(tree, FEN)?),
            "value_index" => Condition::Figure(Figure::ValueIndex, self.range(tree, Unit::whole(0, 100))?),
            "brand_loyal" => Condition::BrandLoyal(self.flag(tree)?),
            "regular" => Condition::Regular(self.flag(tree)?),
            "price" => Condition::Price(self.codes(tree)?),
            "testing" => Condition::Testing(self.codes(tree)?),
            "severity" => Condition::Severity(self.codes(tree)?),
            _ => {
                self.scans += 1;
                if self.scans > SCANS_MAX {
                    return self.fail(
                        "one condition more",
                        format!(
                            "at most {SCANS_MAX} on purchases, medicines, readings and contacts in a rule"
                        ),
                    );
                }
                self.scan(key, tree)?
            }
        })
    }

    /// A condition on purchases, medicines, readings or contacts.
    fn scan(&mut self, key: &str, tree: &Tree) -> Result<Condition> {
        Ok(match key {
            "bought" => Condition::Bought(self.bought(tree)?),
            "not_bought" => Condition::Not(Box::new(Condition::Bought(self.bought(tree)?))),
            "last_bought" => self.last_bought(tree)?,
            "medicine" => self.medicine(tree)?,
            "latest_reading" => Condition::LatestReading(self.latest_reading(tree)?),
            "readings" => Condition::Readings(self.readings(tree)?),
            "last_contact" => Condition::LastContact(self.last_contact(tree)?),
            "no_contact" => Condition::NoContact(self.no_contact(tree)?),
            _ => return self.unknown(format!("an unknown key \"{}\"", shortened(key)), key, CONDITIONS),
        })
    }

    fn birthday(&mut self, tree: &Tree) -> Result<Condition> {
        let example = "{\"within_days\": 7}";
        let fields = self.object(tree, &["within_days"], example)?;
        match self.field(&fields, "within_days", |reader, tree| {
            reader.number(tree, Unit::whole(0, 366))
        })? {
            Some(days) => Ok(Condition::BirthdayWithinDays(days)),
            None => self.fail(tree.describe(), format!("an object such as {example}")),
        }
    }

    fn joined(&mut self, tree: &Tree) -> Result<Joined> {
        let example = "{\"within_days\": 30}, {\"days\": [31, 60]} or {\"from\": \"2026-01-01\", \"to\": \"2026-03-31\"}";
        let fields = self.object(tree, &["days", "within_days", "from", "to"], example)?;
        let (from, to) = (
            self.field(&fields, "from", Self::date)?,
            self.field(&fields, "to", Self::date)?,
        );
        let days = self.days(&fields)?;
        match (days == DaysAgo::default(), from, to) {
            (true, None, None) => self.fail(tree.describe(), format!("an object such as {example}")),
            (true, Some(from), Some(to)) if from > to => {
                self.fail(format!("from {from} to {to}"), "the earlier date first")
            }
            (true, from, to) => Ok(Joined::Between(DateRange { from, to })),
            (false, None, None) => Ok(Joined::Ago(days)),
            (false, ..) => self.fail("both days ago and dates", "one of them"),
        }
    }

    /// Exactly one of `drug`, `ingredient` and `category`.
    fn goods(&mut self, fields: &Fields<'_>) -> Result<Goods> {
        let drug = self.field(fields, "drug", Self::texts)?.map(Goods::Drug);
        let ingredient = self
            .field(fields, "ingredient", Self::texts)?
            .map(Goods::Ingredient);
        let category = self.field(fields, "category", Self::texts)?.map(Goods::Category);
        let mut given = [drug, ingredient, category].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(goods), None) => Ok(goods),
            (None, _) => self.fail("no goods", "one of drug, ingredient and category"),
            (Some(_), Some(_)) => self.fail("several of drug, ingredient and category", "one of them"),
        }
    }

    fn bought(&mut self, tree: &Tree) -> Result<Bought> {
        let keys = [
            "drug",
            "ingredient",
            "category",
            "days",
            "within_days",
            "at_least",
        ];
        let fields = self.object(
            tree,
            &keys,
            "{\"ingredient\": \"metformin\", \"within_days\": 90}",
        )?;
        Ok(Bought {
            goods: self.goods(&fields)?,
            days: self.days(&fields)?,
            at_least: self
                .field(&fields, "at_least", Self::amounts)?
                .unwrap_or(Amounts::ONCE),
        })
    }

    fn amounts(&mut self, tree: &Tree) -> Result<Amounts> {
        let example = "{\"times\": 2}, {\"units\": 3} or {\"yuan\": 100}";
        let fields = self.object(tree, &["times", "units", "yuan", "fen"], example)?;
        let yuan = Unit { low: 1, ..YUAN };
        let from_yuan = self.field(&fields, "yuan", |reader, tree| reader.number(tree, yuan))?;
        let from_fen = self.field(&fields, "fen", |reader, tree| {
            reader.number(tree, Unit { low: 1, ..FEN })
        })?;
        if from_yuan.is_some() && from_fen.is_some() {
            return self.fail("both yuan and fen", "one of them");
        }
        let packs = Unit {
            digits: 3,
            low: 1,
            high: MILLI_MAX,
        };
        let amounts = Amounts {
            times: self.field(&fields, "times", |reader, tree| reader.number(tree, ONE_OR_MORE))?,
            units_milli: self.field(&fields, "units", |reader, tree| reader.number(tree, packs))?,
            fen: from_yuan.or(from_fen),
        };
        if (amounts.times, amounts.units_milli, amounts.fen) == (None, None, None) {
            return self.fail(tree.describe(), format!("an object such as {example}"));
        }
        Ok(amounts)
    }

    fn last_bought(&mut self, tree: &Tree) -> Result<Condition> {
        let example = "{\"ingredient\": \"metformin\", \"days\": [25, 35]}";
        let fields = self.object(
            tree,
            &["drug", "ingredient", "category", "days", "within_days"],
            example,
        )?;
        Ok(Condition::LastBought(self.goods(&fields)?, self.days(&fields)?))
    }

    fn medicine(&mut self, tree: &Tree) -> Result<Condition> {
        let example = "{\"ingredient\": \"metformin\", \"status\": [\"running_low\", \"out\"]}";
        let fields = self.object(tree, &["ingredient", "status"], example)?;
        let ingredients = self.field_list(&fields, "ingredient", Self::text)?;
        let statuses = self.field_list(&fields, "status", Self::code)?;
        if statuses.is_empty() {
            return self.fail(
                tree.describe(),
                format!("an object with a status, such as {example}"),
            );
        }
        Ok(Condition::Medicine(ingredients, statuses))
    }

    fn latest_reading(&mut self, tree: &Tree) -> Result<LatestReading> {
        let keys = [
            "kind",
            "context",
            "systolic",
            "diastolic",
            "glucose",
            "days",
            "within_days",
        ];
        let example = "{\"kind\": \"bp\", \"systolic\": {\"min\": 140}, \"within_days\": 180}";
        let fields = self.object(tree, &keys, example)?;
        let Some(kind) = self.field(&fields, "kind", Self::code::<ReadingKind>)? else {
            return self.fail(
                tree.describe(),
                format!("an object with a kind, such as {example}"),
            );
        };
        for (key, of) in [
            ("systolic", ReadingKind::Bp),
            ("diastolic", ReadingKind::Bp),
            ("glucose", ReadingKind::Glucose),
        ] {
            if fields.get(key).is_some() && of != kind {
                return self.at_key(key, |reader| {
                    reader.fail(format!("a value of kind {of}"), format!("values of kind {kind}"))
                });
            }
        }
        Ok(LatestReading {
            kind,
            contexts: self.contexts(&fields, Some(kind))?,
            systolic: self.field(&fields, "systolic", |reader, tree| reader.range(tree, MMHG))?,
            diastolic: self.field(&fields, "diastolic", |reader, tree| reader.range(tree, MMHG))?,
            glucose_tenths: self.field(&fields, "glucose", |reader, tree| reader.range(tree, MMOL))?,
            days: self.days(&fields)?,
        })
    }

    /// Contexts that a reading of the kind can have.
    fn contexts(&mut self, fields: &Fields<'_>, kind: Option<ReadingKind>) -> Result<Vec<ReadingContext>> {
        self.field_list(fields, "context", |reader, tree| {
            let context: ReadingContext = reader.code(tree)?;
            let of = match context {
                ReadingContext::Office | ReadingContext::Home => ReadingKind::Bp,
                ReadingContext::Fasting | ReadingContext::AfterMeal | ReadingContext::Random => {
                    ReadingKind::Glucose
                }
            };
            match kind {
                Some(kind) if kind != of => reader.fail(
                    format!("a context of kind {of}"),
                    format!("a context of kind {kind}"),
                ),
                _ => Ok(context),
            }
        })
    }

    fn readings(&mut self, tree: &Tree) -> Result<Readings> {
        let keys = ["kind", "context", "days", "within_days", "at_least", "at_most"];
        let example = "{\"kind\": \"bp\", \"within_days\": 90, \"at_least\": 3}";
        let fields = self.object(tree, &keys, example)?;
        let kind = self.field(&fields, "kind", Self::code)?;
        let mut count = Range {
            min: self.field(&fields, "at_least", |reader, tree| {
                reader.number(tree, ONE_OR_MORE)
            })?,
            max: self.field(&fields, "at_most", |reader, tree| reader.number(tree, COUNT))?,
        };
        match count {
            Range {
                min: Some(min),
                max: Some(max),
            } if min > max => {
                return self.fail(
                    format!("at least {min} and at most {max}"),
                    "a number that both allow",
                );
            }
            Range { min: None, max: None } => count.min = Some(1),
            _ => {}
        }
        Ok(Readings {
            kind,
            contexts: self.contexts(&fields, kind)?,
            days: self.days(&fields)?,
            count,
        })
    }

    fn last_contact(&mut self, tree: &Tree) -> Result<LastContact> {
        let keys = ["channel", "outcome", "days", "within_days"];
        let fields = self.object(
            tree,
            &keys,
            "{\"channel\": \"call\", \"outcome\": \"call_later\"}",
        )?;
        Ok(LastContact {
            channels: self.field_list(&fields, "channel", Self::code)?,
            outcomes: self.field_list(&fields, "outcome", Self::code)?,
            days: self.days(&fields)?,
        })
    }

    fn no_contact(&mut self, tree: &Tree) -> Result<NoContact> {
        let fields = self.object(tree, &["channel", "days", "within_days"], "{\"within_days\": 30}")?;
        Ok(NoContact {
            channels: self.field_list(&fields, "channel", Self::code)?,
            days: self.days(&fields)?,
        })
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
