//! From JSON to a checked tree: what each condition may say. The only place where a rule is checked.

use super::reader::{
    AudienceError, COUNT, DAYS, FEN, Fields, MMHG, MMOL, ONE_OR_MORE, PACKS, Reader, Result, Step, Unit, YUAN,
};
use super::tree::{Tree, shortened};
use super::write::write;
use crate::audience::ast::{
    Amounts, Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading,
    NoContact, Range, Readings,
};
use crate::audience::limits::{AGE_MAX, DEPTH_MAX, INPUT_BYTES_MAX, NODES_MAX, SCANS_MAX, WORDS_MAX};
use crate::codes::{ReadingContext, ReadingKind};

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

impl Reader {
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
        let amounts = Amounts {
            times: self.field(&fields, "times", |reader, tree| reader.number(tree, ONE_OR_MORE))?,
            units_milli: self.field(&fields, "units", |reader, tree| reader.number(tree, PACKS))?,
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
