//! The one compiler from a rule to SQL, for hub and phone.
//!
//! # What it needs of a schema
//!
//! Five relations, defined by both schemas. Days are day numbers ([`crate::calendar::day_number`]),
//! codes are text, a list of words is one text with `;` before, between and after (`;a;b;`, none: `;`).
//!
//! | relation | columns |
//! |---|---|
//! | `v_member` | `member_key`, `store_id`, `sex`, `birthday_ymd` (20000229), `joined_day`, `tags`, `diseases`; derived as of the evaluation's `as_of`: `care`, `class`, `recency`, `frequency`, `monetary_fen`, `basket_fen`, `value_index`, `brand_loyal` (0, 1), `price_leaning`, `regular` (0, 1), `testing`, `severity`, `next_end_day` (the earliest end of a medicine that is not lapsed; NULL: none) |
//! | `v_line` | `member_key`, `day`, `drug_id`, `ingredient`, `category`, `quantity_milli`, `amount_fen`; returns negative |
//! | `v_reading` | `member_key`, `day`, `taken_at_ms`, `kind`, `context`, `systolic`, `diastolic`, `glucose_tenths`; superseded ones left out |
//! | `v_contact` | `member_key`, `day`, `at_ms`, `channel`, `outcome`; answered calls and delivered messages only |
//! | `medicine` | `member_key`, `ingredient`, `end_day` (NULL: unknown), as of the evaluation's `as_of` |
//!
//! - `member_key` is never NULL anywhere (a NULL in a list would make `NOT IN` unknown), `v_member` has
//!   one row for each member that is not erased. Other columns may be NULL: missing data.
//! - A derived column is read only if [`Needs`] says so; a host may leave the others empty.
//! - A row of `v_line` is a purchase line, or the net of all lines of one drug, day and member: only sums over
//!   days or longer are asked for.
//! - `v_line` is a plain join `line l JOIN drug d ON d.drug_key = l.drug_key` without `DISTINCT`,
//!   `GROUP BY`, `UNION` or expressions on its columns, so that the database can look the goods up in the
//!   small `drug` table first (indexes on `drug(drug_id)`, `drug(ingredient)`, `drug(category)`) and then
//!   reach the lines through an index that begins with `(drug_key, day)`. With
//!   `(drug_key, day, member_key, quantity_milli, amount_fen)` it covers the query, and the table of lines
//!   itself is never read. Lines without a drug may be missing from the view.
//! - `v_member` must be flattened as well: `member_key` is the integer primary key of the table below
//!   it, and a purchase condition drives the search. Derived columns that cost something come from scalar
//!   functions or a joined table, never from grouped subqueries.
//! - The latest reading is found by looking for a later one of the member: `v_reading` needs an index on
//!   `(member_key, kind, taken_at_ms)`, `v_contact` one on the member (and best the instant) in each table
//!   below it. Both are plain `SELECT`s, or `UNION ALL` of such. A superseded reading is best told by a
//!   column of its own row.
//!
//! A host that keeps its lines in another form calls [`compile_with_sets`] and needs neither `v_line`
//! nor `medicine`: it works out the members of each of [`CompiledSql::sets`] by itself and puts them into
//! tables `audience_set_0`, `audience_set_1` … with `member_key` as integer primary key.
//!
//! # What it makes
//!
//! Conditions on purchases, readings, contacts and medicines become sets (`m.member_key IN (SELECT …)`) that
//! do not depend on the member, so each is read once. Every part is 0 or 1, never NULL. All values are
//! bound parameters.
//!
//! Measured on 1,000,000 members with 12,000,000 lines (SQLite, one core): a purchase condition on an
//! ingredient takes 0.05 s if it reaches 24,000 lines and 0.7 s if it reaches 675,000 (5.6 % of all); its
//! `not` 0.3 s more. What it costs is the grouping of the lines that it reaches.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::Audience;
use super::ast::{
    Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading, NoContact,
    Range, Readings,
};
use crate::calendar::day_number;
use crate::codes::{Channel, Code, MedicineStatus, ReadingContext, ReadingKind};
use crate::rules::{MedicineRules, Rules};

/// Days between two birthdays of one person are never more.
const BIRTHDAY_GAP_DAYS_MAX: i64 = 365;

/// The database that is to run the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite: parameters `?1`, containment by `instr`.
    Sqlite,
    /// PostgreSQL: parameters `$1`, containment by `position`.
    Postgres,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlValue {
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
}

/// Which derived data the statement reads; the host provides them as of the same date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // one flag for each thing a host may leave out
pub struct Needs {
    /// `recency`, `frequency`, `monetary_fen`, `basket_fen`.
    pub figures: bool,
    /// `class`, `value_index` (which are made from the figures).
    pub classes: bool,
    /// `care`.
    pub care: bool,
    /// `brand_loyal`, `price_leaning`, `regular`, `testing`, `severity`.
    pub leanings: bool,
    /// The relation `medicine` and `next_end_day`.
    pub medicines: bool,
}

/// A statement that selects the `member_key` of each member of an audience, in no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledSql {
    /// `SELECT m.member_key FROM v_member m WHERE …`.
    pub sql: String,
    /// Parameter 1 first.
    pub params: Vec<SqlValue>,
    /// Derived data that it reads.
    pub needs: Needs,
    /// Conditions on purchases and medicines whose members the host puts into `audience_set_0` and so on,
    /// in this order; none unless it asked for that.
    pub sets: Vec<Condition>,
}

/// Compiles an audience for SQLite.
pub fn compile(audience: &Audience, as_of: NaiveDate, rules: &Rules) -> CompiledSql {
    compile_for(Dialect::Sqlite, audience, as_of, rules)
}

/// Compiles an audience for SQLite at a host that works out conditions on purchases and medicines itself.
pub fn compile_with_sets(audience: &Audience, as_of: NaiveDate, rules: &Rules) -> CompiledSql {
    compile_by(Dialect::Sqlite, true, audience, as_of, rules)
}

/// Compiles an audience for a database.
pub fn compile_for(dialect: Dialect, audience: &Audience, as_of: NaiveDate, rules: &Rules) -> CompiledSql {
    compile_by(dialect, false, audience, as_of, rules)
}

fn compile_by(
    dialect: Dialect,
    with_sets: bool,
    audience: &Audience,
    as_of: NaiveDate,
    rules: &Rules,
) -> CompiledSql {
    let mut compiler = Compiler {
        dialect,
        with_sets,
        as_of,
        medicine: &rules.medicine,
        params: Vec::new(),
        needs: Needs::default(),
        sets: Vec::new(),
        in_choice: false,
    };
    let today = compiler.day_ago(0);
    let condition = compiler.condition(audience.normalised().root());
    CompiledSql {
        sql: format!(
            "SELECT m.member_key FROM v_member m WHERE (m.joined_day IS NULL OR m.joined_day <= {today}) AND {condition}"
        ),
        params: compiler.params,
        needs: compiler.needs,
        sets: compiler.sets,
    }
}

struct Compiler<'a> {
    dialect: Dialect,
    with_sets: bool,
    as_of: NaiveDate,
    medicine: &'a MedicineRules,
    params: Vec<SqlValue>,
    needs: Needs,
    sets: Vec<Condition>,
    /// Below an `any` or a `not`.
    in_choice: bool,
}

impl Compiler<'_> {
    fn bind(&mut self, value: SqlValue) -> String {
        self.params.push(value);
        let sign = match self.dialect {
            Dialect::Sqlite => '?',
            Dialect::Postgres => '$',
        };
        format!("{sign}{}", self.params.len())
    }

    fn number(&mut self, value: i64) -> String {
        self.bind(SqlValue::Integer(value))
    }

    fn text(&mut self, value: &str) -> String {
        self.bind(SqlValue::Text(value.to_owned()))
    }

    /// The day so many days before `as_of`.
    fn day_ago(&mut self, days: i64) -> String {
        self.number(i64::from(day_number(self.as_of)) - days)
    }

    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::All(children) => self.group(children, " AND ", "(1 = 1)"),
            Condition::Any(children) => {
                self.as_choice(|compiler| compiler.group(children, " OR ", "(1 = 0)"))
            }
            Condition::Not(child) => {
                let child = self.as_choice(|compiler| compiler.condition(child));
                format!("(NOT {child})")
            }
            Condition::Class(classes) => {
                self.needs.classes = true;
                self.needs.figures = true;
                self.code_column("class", classes)
            }
            Condition::Care(cares) => {
                self.needs.care = true;
                self.code_column("care", cares)
            }
            Condition::Tags(tags) => self.words("tags", tags),
            Condition::Disease(codes) => self.words("diseases", codes),
            Condition::Age(range) => self.age(*range),
            Condition::Sex(sexes) => self.code_column("sex", sexes),
            Condition::BirthdayWithinDays(days) => self.birthday(*days),
            Condition::Joined(joined) => self.joined(*joined),
            Condition::Store(stores) => {
                let list = self.text_in("m.store_id", stores);
                format!("(m.store_id IS NOT NULL AND {list})")
            }
            Condition::Figure(figure, range) => self.figure(*figure, *range),
            Condition::BrandLoyal(loyal) => self.flag("brand_loyal", *loyal),
            Condition::Regular(regular) => self.flag("regular", *regular),
            Condition::Price(leanings) => self.leaning("price_leaning", leanings),
            Condition::Testing(testings) => self.leaning("testing", testings),
            Condition::Severity(grades) => self.leaning("severity", grades),
            Condition::Bought(_) | Condition::LastBought(..) | Condition::Medicine(..) if self.with_sets => {
                self.set(condition)
            }
            Condition::Bought(bought) => self.bought(bought),
            Condition::LastBought(goods, days) => self.last_bought(goods, *days),
            Condition::Medicine(ingredients, statuses) => self.medicine(ingredients, statuses),
            Condition::LatestReading(latest) => self.latest_reading(latest),
            Condition::Readings(readings) => self.readings(readings),
            Condition::LastContact(last) => self.last_contact(last),
            Condition::NoContact(none) => self.no_contact(none),
        }
    }

    fn group(&mut self, children: &[Condition], joint: &str, empty: &str) -> String {
        if children.is_empty() {
            return empty.to_owned();
        }
        let parts: Vec<String> = children.iter().map(|child| self.condition(child)).collect();
        format!("({})", parts.join(joint))
    }

    /// Compiles something whose truth alone does not decide about a member.
    fn as_choice(&mut self, compile: impl FnOnce(&mut Self) -> String) -> String {
        let before = std::mem::replace(&mut self.in_choice, true);
        let text = compile(self);
        self.in_choice = before;
        text
    }

    /// The member is in the set that a statement selects. A set that everybody must be in may lead to the
    /// members by their key. One of a choice must not (the sign keeps SQLite from it): SQLite would read
    /// each set of the choice twice, to find the members and to check them.
    fn is_in(&self, select: &str) -> String {
        let sign = if self.in_choice { "+" } else { "" };
        format!("({sign}m.member_key IN ({select}))")
    }

    // ---- columns of the member ----

    fn text_in<T: AsRef<str>>(&mut self, column: &str, values: &[T]) -> String {
        let list: Vec<String> = values.iter().map(|value| self.text(value.as_ref())).collect();
        match list.as_slice() {
            [one] => format!("{column} = {one}"),
            _ => format!("{column} IN ({})", list.join(", ")),
        }
    }

    fn code_in<T: Code>(&mut self, column: &str, values: &[T]) -> String {
        let codes: Vec<&str> = values.iter().map(|value| value.code()).collect();
        self.text_in(column, &codes)
    }

    /// A column that may be NULL is named once: a host may work it out at each mention.
    fn code_column<T: Code>(&mut self, column: &str, values: &[T]) -> String {
        let list = self.code_in(&format!("m.{column}"), values);
        format!("(({list}) IS TRUE)")
    }

    fn leaning<T: Code>(&mut self, column: &str, values: &[T]) -> String {
        self.needs.leanings = true;
        self.code_column(column, values)
    }

    fn flag(&mut self, column: &str, value: bool) -> String {
        self.needs.leanings = true;
        let value = self.number(i64::from(value));
        format!("((m.{column} = {value}) IS TRUE)")
    }

    /// One of the words is in a list column (`;a;b;`).
    fn words(&mut self, column: &str, words: &[String]) -> String {
        let parts: Vec<String> = words
            .iter()
            .map(|word| {
                let word = self.text(&format!(";{word};"));
                match self.dialect {
                    Dialect::Sqlite => format!("instr(m.{column}, {word}) > 0"),
                    Dialect::Postgres => format!("position({word} in m.{column}) > 0"),
                }
            })
            .collect();
        format!("(m.{column} IS NOT NULL AND ({}))", parts.join(" OR "))
    }

    /// `column` within a range, as a condition that is true, false or, for a NULL column, NULL.
    fn within(&mut self, column: &str, range: Range) -> String {
        match (range.min, range.max) {
            (Some(min), Some(max)) => {
                format!("{column} BETWEEN {} AND {}", self.number(min), self.number(max))
            }
            (Some(min), None) => format!("{column} >= {}", self.number(min)),
            (None, Some(max)) => format!("{column} <= {}", self.number(max)),
            (None, None) => format!("{column} IS NOT NULL"),
        }
    }

    /// `column` (a day) within a period that ends at `as_of` or before.
    fn in_period(&mut self, column: &str, days: DaysAgo) -> String {
        let today = i64::from(day_number(self.as_of));
        self.within(
            column,
            Range {
                min: days.max.map(|max| today - max),
                max: Some(today - days.min),
            },
        )
    }

    fn figure(&mut self, figure: Figure, range: Range) -> String {
        self.needs.figures = true;
        let column = match figure {
            Figure::Recency => "m.recency",
            Figure::Frequency => "m.frequency",
            Figure::Monetary => "m.monetary_fen",
            Figure::Basket => "m.basket_fen",
            Figure::ValueIndex => {
                self.needs.classes = true;
                "m.value_index"
            }
        };
        let within = self.within(column, range);
        format!("(({within}) IS TRUE)")
    }

    /// Completed years, as bounds on the birthday: the birthday `min` years later has come, the one
    /// `max + 1` years later has not. A birthday on 29 February comes with the 28th in common years, so
    /// that day counts as the 29th.
    fn age(&mut self, range: Range) -> String {
        let reached = if self.as_of.day() == 28 && self.as_of.month() == 2 && !self.as_of.leap_year() {
            ymd(self.as_of) + 1
        } else {
            ymd(self.as_of)
        };
        let youngest = reached - range.min.unwrap_or(0) * 10_000;
        let oldest = range.max.map(|max| reached - (max + 1) * 10_000 + 1);
        let within = self.within(
            "m.birthday_ymd",
            Range {
                min: oldest,
                max: Some(youngest),
            },
        );
        format!("(m.birthday_ymd IS NOT NULL AND {within})")
    }

    /// The month and day of the birthday lies in the window, which may run past the end of the year.
    fn birthday(&mut self, days: i64) -> String {
        let last = TimeDelta::try_days(days).and_then(|days| self.as_of.checked_add_signed(days));
        let (Some(last), true) = (last, days < BIRTHDAY_GAP_DAYS_MAX) else {
            return "(m.birthday_ymd IS NOT NULL)".to_owned();
        };
        let ends_with_leap_day = last.month() == 2 && last.day() == 28 && !last.leap_year();
        let first_md = self.number(ymd(self.as_of) % 10_000);
        let last_md = self.number(ymd(last) % 10_000 + i64::from(ends_with_leap_day));
        let joint = if last.year() == self.as_of.year() {
            "AND"
        } else {
            "OR"
        };
        format!(
            "(m.birthday_ymd IS NOT NULL AND (m.birthday_ymd % 10000 >= {first_md} {joint} \
             m.birthday_ymd % 10000 <= {last_md}))"
        )
    }

    fn joined(&mut self, joined: Joined) -> String {
        let within = match joined {
            Joined::Ago(days) => self.in_period("m.joined_day", days),
            Joined::Between(DateRange { from, to }) => {
                let number = |day: Option<NaiveDate>| day.map(|day| i64::from(day_number(day)));
                self.within(
                    "m.joined_day",
                    Range {
                        min: number(from),
                        max: number(to),
                    },
                )
            }
        };
        format!("(m.joined_day IS NOT NULL AND {within})")
    }

    // ---- sets ----

    /// Members whom the host works out; a condition that stands twice is one set.
    fn set(&mut self, condition: &Condition) -> String {
        let known = self.sets.iter().position(|set| set == condition);
        let number = known.unwrap_or_else(|| {
            self.sets.push(condition.clone());
            self.sets.len() - 1
        });
        self.is_in(&format!("SELECT s.member_key FROM audience_set_{number} s"))
    }

    /// Lines of the goods.
    fn of_goods(&mut self, goods: &Goods) -> String {
        match goods {
            Goods::Drug(ids) => self.text_in("l.drug_id", ids),
            Goods::Ingredient(names) => self.text_in("l.ingredient", names),
            Goods::Category(names) => self.text_in("l.category", names),
        }
    }

    fn bought(&mut self, bought: &Bought) -> String {
        let mut sets = Vec::with_capacity(2);
        if let Some(times) = bought.at_least.times {
            sets.push(self.bought_times(bought, times));
        }
        let sums = [
            ("l.quantity_milli", bought.at_least.units_milli),
            ("l.amount_fen", bought.at_least.fen),
        ];
        if sums.iter().any(|(_, min)| min.is_some()) {
            let (goods, period) = (self.of_goods(&bought.goods), self.in_period("l.day", bought.days));
            let having: Vec<String> = sums
                .into_iter()
                .filter_map(|(column, min)| min.map(|min| format!("SUM({column}) >= {}", self.number(min))))
                .collect();
            sets.push(self.is_in(&format!(
                "SELECT l.member_key FROM v_line l WHERE {goods} AND {period} GROUP BY l.member_key HAVING {}",
                having.join(" AND ")
            )));
        }
        format!("({})", sets.join(" AND "))
    }

    /// Net units are summed over all lines of a day, for a return on the day of the purchase undoes it.
    fn bought_times(&mut self, bought: &Bought, times: i64) -> String {
        let (goods, period) = (self.of_goods(&bought.goods), self.in_period("l.day", bought.days));
        let days = days_bought(&goods, &period);
        if times <= 1 {
            return self.is_in(&format!("SELECT d.member_key FROM ({days}) d"));
        }
        let times = self.number(times);
        self.is_in(&format!(
            "SELECT d.member_key FROM ({days}) d GROUP BY d.member_key HAVING COUNT(*) >= {times}"
        ))
    }

    /// The last day lies in the period: bought in it or later, and the last time not later.
    fn last_bought(&mut self, goods: &Goods, days: DaysAgo) -> String {
        let goods = self.of_goods(goods);
        let since = self.in_period(
            "l.day",
            DaysAgo {
                min: 0,
                max: days.max,
            },
        );
        let until = self.day_ago(days.min);
        self.is_in(&format!(
            "SELECT d.member_key FROM ({}) d GROUP BY d.member_key HAVING MAX(d.day) <= {until}",
            days_bought(&goods, &since)
        ))
    }

    fn medicine(&mut self, ingredients: &[String], statuses: &[MedicineStatus]) -> String {
        self.needs.medicines = true;
        let today = i64::from(day_number(self.as_of));
        let ends = statuses
            .iter()
            .map(|status| end_days(*status, today, self.medicine));
        let periods = joined_ranges(ends.collect());
        // Any medicine that ran out or does until some day: the earliest end tells, without reading the rest.
        if let ([], [period]) = (ingredients, periods.as_slice())
            && period.min == end_days(MedicineStatus::Out, today, self.medicine).min
        {
            let fits = self.within("m.next_end_day", *period);
            return format!("(m.next_end_day IS NOT NULL AND {fits})");
        }
        let of_ingredient = if ingredients.is_empty() {
            String::new()
        } else {
            self.text_in("x.ingredient", ingredients) + " AND "
        };
        let periods: Vec<String> = periods
            .into_iter()
            .map(|range| format!("({})", self.within("x.end_day", range)))
            .collect();
        self.is_in(&format!(
            "SELECT x.member_key FROM medicine x WHERE {of_ingredient}({})",
            periods.join(" OR ")
        ))
    }

    fn latest_reading(&mut self, latest: &LatestReading) -> String {
        let mut fits = self.readings_of("r", Some(latest.kind), &latest.contexts, latest.days);
        for (column, range) in [
            ("r.systolic", latest.systolic),
            ("r.diastolic", latest.diastolic),
            ("r.glucose_tenths", latest.glucose_tenths),
        ] {
            if let Some(range) = range {
                fits = fits + " AND " + &self.within(column, range);
            }
        }
        let later = self.readings_of("n", Some(latest.kind), &latest.contexts, DaysAgo::default());
        self.is_in(&format!(
            "SELECT r.member_key FROM v_reading r WHERE {fits} AND NOT EXISTS (SELECT 1 FROM \
             v_reading n WHERE n.member_key = r.member_key AND n.taken_at_ms > r.taken_at_ms AND {later})"
        ))
    }

    /// Readings of a period, by kind and contexts where they are given.
    fn readings_of(
        &mut self,
        table: &str,
        kind: Option<ReadingKind>,
        contexts: &[ReadingContext],
        days: DaysAgo,
    ) -> String {
        let mut filter = self.in_period(&format!("{table}.day"), days);
        if let Some(kind) = kind {
            filter = format!("{table}.kind = {} AND {filter}", self.text(kind.code()));
        }
        if !contexts.is_empty() {
            filter = filter + " AND " + &self.code_in(&format!("{table}.context"), contexts);
        }
        filter
    }

    /// At most n is "not more than n", so that members without any reading are among them.
    fn readings(&mut self, readings: &Readings) -> String {
        let mut parts = Vec::with_capacity(2);
        if let Some(min) = readings.count.min.filter(|min| *min > 0) {
            parts.push(self.more_readings_than(readings, min - 1));
        }
        if let Some(max) = readings.count.max {
            parts.push(format!("NOT {}", self.more_readings_than(readings, max)));
        }
        if parts.is_empty() {
            "(1 = 1)".to_owned()
        } else {
            format!("({})", parts.join(" AND "))
        }
    }

    fn more_readings_than(&mut self, readings: &Readings, count: i64) -> String {
        let filter = self.readings_of("r", readings.kind, &readings.contexts, readings.days);
        let count = self.number(count);
        self.is_in(&format!(
            "SELECT r.member_key FROM v_reading r WHERE {filter} GROUP BY r.member_key HAVING COUNT(*) > {count}"
        ))
    }

    fn last_contact(&mut self, last: &LastContact) -> String {
        let mut fits = self.contacts_of("c", &last.channels, last.days);
        if !last.outcomes.is_empty() {
            fits = fits + " AND " + &self.code_in("c.outcome", &last.outcomes);
        }
        let later = self.contacts_of("n", &last.channels, DaysAgo::default());
        self.is_in(&format!(
            "SELECT c.member_key FROM v_contact c WHERE {fits} AND NOT EXISTS (SELECT 1 FROM \
             v_contact n WHERE n.member_key = c.member_key AND n.at_ms > c.at_ms AND {later})"
        ))
    }

    fn no_contact(&mut self, none: &NoContact) -> String {
        let filter = self.contacts_of("c", &none.channels, none.days);
        let contacted = self.is_in(&format!("SELECT c.member_key FROM v_contact c WHERE {filter}"));
        format!("(NOT {contacted})")
    }

    /// Contacts of a period, by channels where they are given.
    fn contacts_of(&mut self, table: &str, channels: &[Channel], days: DaysAgo) -> String {
        let mut filter = self.in_period(&format!("{table}.day"), days);
        if !channels.is_empty() {
            filter = filter + " AND " + &self.code_in(&format!("{table}.channel"), channels);
        }
        filter
    }
}

/// Members and days with net units above 0. Grouped by member first, as those are who are asked for: the
/// goods are mostly several drugs, so the lines have to be sorted anyhow.
fn days_bought(goods: &str, period: &str) -> String {
    format!(
        "SELECT l.member_key AS member_key, l.day AS day FROM v_line l WHERE {goods} AND {period} \
         GROUP BY l.member_key, l.day HAVING SUM(l.quantity_milli) > 0"
    )
}

/// The last days of stock that give a status (rules, section 3).
fn end_days(status: MedicineStatus, today: i64, rules: &MedicineRules) -> Range {
    let (low, out) = (today + rules.low_days, today - rules.out_days_max);
    match status {
        MedicineStatus::InUse => Range {
            min: Some(low + 1),
            max: None,
        },
        MedicineStatus::RunningLow => Range {
            min: Some(today),
            max: Some(low),
        },
        MedicineStatus::Out => Range {
            min: Some(out),
            max: Some(today - 1),
        },
        MedicineStatus::Lapsed => Range {
            min: None,
            max: Some(out - 1),
        },
    }
}

/// The same days in as few ranges as possible: each of them is a comparison for every medicine.
fn joined_ranges(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable_by_key(|range| range.min.unwrap_or(i64::MIN));
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last)
                if last
                    .max
                    .is_some_and(|max| range.min.is_some_and(|min| min <= max + 1)) =>
            {
                last.max = last.max.zip(range.max).map(|(one, other)| one.max(other));
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// A date as the number that SQL holds for a birthday: 20000229.
fn ymd(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}
