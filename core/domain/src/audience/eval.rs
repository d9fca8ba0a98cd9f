//! The evaluator in memory: the oracle that the compiled SQL is held against.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::Audience;
use super::ast::{
    Bought, Condition, DateRange, DaysAgo, Figure, Goods, Joined, LastContact, LatestReading, NoContact,
    Readings,
};
use super::facts::{ContactFact, LineFact, MemberFacts, ReadingFact};
use crate::calendar::{age_on, days_to_birthday};
use crate::codes::{Code, Open};
use crate::medicine::status;
use crate::rules::Rules;

/// Whether an audience selects a member as of a date.
pub fn matches(audience: &Audience, member: &MemberFacts, as_of: NaiveDate, rules: &Rules) -> bool {
    let exists = member.joined_on.is_none_or(|joined| joined <= as_of);
    exists && Evaluation { member, as_of, rules }.holds(audience.root())
}

struct Evaluation<'a> {
    member: &'a MemberFacts,
    as_of: NaiveDate,
    rules: &'a Rules,
}

impl Evaluation<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        let member = self.member;
        match condition {
            Condition::All(children) => children.iter().all(|child| self.holds(child)),
            Condition::Any(children) => children.iter().any(|child| self.holds(child)),
            Condition::Not(child) => !self.holds(child),
            Condition::Class(classes) => one_of(member.class.as_ref(), classes),
            Condition::Care(cares) => one_of(member.care.as_ref(), cares),
            Condition::Tags(tags) => member.tags.iter().any(|tag| tags.contains(tag)),
            Condition::Disease(codes) => member.diseases.iter().any(|code| codes.contains(code)),
            Condition::Age(range) => member
                .birthday
                .and_then(|birthday| age_on(birthday, self.as_of))
                .is_some_and(|years| range.contains(i64::from(years))),
            Condition::Sex(sexes) => open_one_of(member.sex.as_ref(), sexes),
            Condition::BirthdayWithinDays(days) => member
                .birthday
                .is_some_and(|birthday| days_to_birthday(birthday, self.as_of) <= *days),
            Condition::Joined(joined) => member.joined_on.is_some_and(|day| match joined {
                Joined::Ago(days) => self.in_period(day, *days),
                Joined::Between(dates) => between(day, *dates),
            }),
            Condition::Store(stores) => one_of(member.store_id.as_ref(), stores),
            Condition::Figure(figure, range) => {
                self.figure(*figure).is_some_and(|value| range.contains(value))
            }
            Condition::BrandLoyal(loyal) => member.brand_loyal == Some(*loyal),
            Condition::Regular(regular) => member.regular == Some(*regular),
            Condition::Price(leanings) => one_of(member.price.as_ref(), leanings),
            Condition::Testing(testings) => one_of(member.testing.as_ref(), testings),
            Condition::Severity(grades) => one_of(member.severity.as_ref(), grades),
            Condition::Bought(bought) => self.bought(bought),
            Condition::LastBought(goods, days) => self
                .last_bought(goods)
                .is_some_and(|day| self.in_period(day, *days)),
            Condition::Medicine(ingredients, statuses) => member
                .medicines
                .iter()
                .filter(|medicine| ingredients.is_empty() || ingredients.contains(&medicine.ingredient))
                .filter_map(|medicine| medicine.end)
                .any(|end| statuses.contains(&status(end, self.as_of, &self.rules.medicine))),
            Condition::LatestReading(latest) => self.latest_reading(latest),
            Condition::Readings(readings) => self.readings(readings),
            Condition::LastContact(last) => self.last_contact(last),
            Condition::NoContact(none) => self.no_contact(none),
        }
    }

    fn figure(&self, figure: Figure) -> Option<i64> {
        match figure {
            Figure::Recency => self.member.recency,
            Figure::Frequency => self.member.frequency,
            Figure::Monetary => self.member.monetary_fen,
            Figure::Basket => self.member.basket_fen,
            Figure::ValueIndex => self.member.value_index,
        }
    }

    fn in_period(&self, day: NaiveDate, days: DaysAgo) -> bool {
        days.contains(day, self.as_of)
    }

    /// Net packs of each day on which one of the goods was bought or returned.
    fn net_milli<'a>(&self, lines: impl Iterator<Item = &'a LineFact>) -> BTreeMap<NaiveDate, i64> {
        let mut days = BTreeMap::new();
        for line in lines.filter(|line| line.day <= self.as_of) {
            *days.entry(line.day).or_default() += line.quantity_milli;
        }
        days
    }

    fn bought(&self, bought: &Bought) -> bool {
        let lines = || {
            let of_goods = self
                .member
                .lines
                .iter()
                .filter(|line| is_one_of(line, &bought.goods));
            of_goods.filter(|line| self.in_period(line.day, bought.days))
        };
        let at_least = bought.at_least;
        at_least.times.is_none_or(|times| {
            self.net_milli(lines())
                .values()
                .filter(|milli| **milli > 0)
                .count() as i64
                >= times
        }) && at_least
            .units_milli
            .is_none_or(|min| lines().map(|line| line.quantity_milli).sum::<i64>() >= min)
            && at_least
                .fen
                .is_none_or(|min| lines().map(|line| line.amount_fen).sum::<i64>() >= min)
    }

    fn last_bought(&self, goods: &Goods) -> Option<NaiveDate> {
        let lines = self.member.lines.iter().filter(|line| is_one_of(line, goods));
        self.net_milli(lines)
            .into_iter()
            .rev()
            .find(|(_, milli)| *milli > 0)
            .map(|(day, _)| day)
    }

    fn latest_reading(&self, latest: &LatestReading) -> bool {
        let of_kind = || {
            self.member.readings.iter().filter(|reading| {
                reading.day <= self.as_of
                    && reading.kind.is(latest.kind)
                    && (latest.contexts.is_empty() || open_one_of(Some(&reading.context), &latest.contexts))
            })
        };
        let fits = |reading: &ReadingFact| {
            self.in_period(reading.day, latest.days)
                && [
                    (latest.systolic, reading.systolic),
                    (latest.diastolic, reading.diastolic),
                    (latest.glucose_tenths, reading.glucose_tenths),
                ]
                .into_iter()
                .all(|(range, value)| {
                    range.is_none_or(|range| value.is_some_and(|value| range.contains(value)))
                })
        };
        let last_ms = of_kind().map(|reading| reading.taken_at_ms).max();
        of_kind()
            .filter(|reading| Some(reading.taken_at_ms) == last_ms)
            .any(fits)
    }

    fn readings(&self, readings: &Readings) -> bool {
        let count = self
            .member
            .readings
            .iter()
            .filter(|reading| readings.kind.is_none_or(|kind| reading.kind.is(kind)))
            .filter(|reading| {
                readings.contexts.is_empty() || open_one_of(Some(&reading.context), &readings.contexts)
            })
            .filter(|reading| self.in_period(reading.day, readings.days))
            .count();
        readings.count.contains(count as i64)
    }

    fn contacts<'a>(
        &'a self,
        channels: &'a [crate::codes::Channel],
    ) -> impl Iterator<Item = &'a ContactFact> {
        self.member.contacts.iter().filter(|contact| {
            contact.day <= self.as_of
                && (channels.is_empty() || open_one_of(Some(&contact.channel), channels))
        })
    }

    fn last_contact(&self, last: &LastContact) -> bool {
        let last_ms = self.contacts(&last.channels).map(|contact| contact.at_ms).max();
        self.contacts(&last.channels)
            .filter(|contact| Some(contact.at_ms) == last_ms)
            .any(|contact| {
                self.in_period(contact.day, last.days)
                    && (last.outcomes.is_empty() || open_one_of(contact.outcome.as_ref(), &last.outcomes))
            })
    }

    fn no_contact(&self, none: &NoContact) -> bool {
        !self
            .contacts(&none.channels)
            .any(|contact| self.in_period(contact.day, none.days))
    }
}

fn between(day: NaiveDate, dates: DateRange) -> bool {
    dates.from.is_none_or(|from| day >= from) && dates.to.is_none_or(|to| day <= to)
}

fn is_one_of(line: &LineFact, goods: &Goods) -> bool {
    match goods {
        Goods::Drug(ids) => one_of(line.drug_id.as_ref(), ids),
        Goods::Ingredient(names) => one_of(line.ingredient.as_ref(), names),
        Goods::Category(names) => one_of(line.category.as_ref(), names),
    }
}

fn one_of<T: PartialEq>(value: Option<&T>, values: &[T]) -> bool {
    value.is_some_and(|value| values.contains(value))
}

fn open_one_of<T: Code>(value: Option<&Open<T>>, values: &[T]) -> bool {
    value.is_some_and(|value| values.iter().any(|one| value.is(*one)))
}
