//! Groups of the store's members by an audience, and filters that a clerk keeps by name.

use std::str::FromStr;

use chrono::NaiveDate;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;
use yaoban_domain::audience::sql::{SqlValue, compile};
use yaoban_domain::audience::{Audience, AudienceError, Condition};
use yaoban_domain::codes::{Code, UnknownCode};

use super::find::{MemberRow, member_row};
use super::overview::BIRTHDAY_DAYS;
use super::readings::parse;
use super::{Acting, AppError, AppResult, ClerkApp, GROUP_MAX};
use crate::store::{Durability, Settings, figures, meta};
use crate::sync::Cancel;

/// Members of one page of a group.
const PAGE_MAX: usize = 500;
/// Filters that a phone keeps.
const SAVED_MAX: i64 = 50;
/// Characters of a filter's name.
const NAME_CHARS_MAX: usize = 40;
const SAVED: &str = "group:";

/// A group of members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The day for which it holds.
    pub as_of: NaiveDate,
    /// How many members belong to it.
    pub count: usize,
    /// A page of them: the most valuable first.
    pub members: Vec<MemberRow>,
}

/// A filter kept by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedGroup {
    /// Name.
    pub name: String,
    /// The audience in JSON.
    pub rule: String,
    /// Its conditions, where it is made of simple ones.
    pub conditions: Option<GroupConditions>,
}

/// Simple conditions, as a clerk picks them by chips. Those of different kinds hold together, words of
/// one kind are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupConditions {
    /// Of one of these classes, by code.
    pub classes: Vec<String>,
    /// `chronic`, `general`.
    pub care: Vec<String>,
    /// With one of these diseases, by code.
    pub diseases: Vec<String>,
    /// With one of these tags.
    pub tags: Vec<String>,
    /// With a medicine of one of these statuses, by code.
    pub medicines: Vec<String>,
    /// Birthday today or within the week, as [`super::overview::MemberCounts`] counts it.
    pub birthday: bool,
}

impl GroupConditions {
    /// The audience that they are; none: nothing is asked.
    fn audience(&self) -> AppResult<Option<Audience>> {
        let mut all = Vec::new();
        let mut add = |asked: bool, condition: Condition| all.extend(asked.then_some(condition));
        add(
            !self.classes.is_empty(),
            Condition::Class(parsed(&self.classes, "class")?),
        );
        add(
            !self.care.is_empty(),
            Condition::Care(parsed(&self.care, "care")?),
        );
        add(
            !self.diseases.is_empty(),
            Condition::Disease(self.diseases.clone()),
        );
        add(!self.tags.is_empty(), Condition::Tags(self.tags.clone()));
        let statuses = parsed(&self.medicines, "medicine")?;
        add(!statuses.is_empty(), Condition::Medicine(Vec::new(), statuses));
        add(self.birthday, Condition::BirthdayWithinDays(BIRTHDAY_DAYS));
        if all.is_empty() {
            return Ok(None);
        }
        Audience::new(&Condition::All(all))
            .map(Some)
            .map_err(|error| unfit(&error))
    }

    /// The conditions of an audience; none if it is made of others.
    fn of(audience: &Audience) -> Option<Self> {
        let all = match audience.root() {
            Condition::All(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut conditions = Self::default();
        for condition in all {
            let (kind, words) = match condition {
                Condition::Class(values) => (&mut conditions.classes, codes(values)),
                Condition::Care(values) => (&mut conditions.care, codes(values)),
                Condition::Disease(values) => (&mut conditions.diseases, values.clone()),
                Condition::Tags(values) => (&mut conditions.tags, values.clone()),
                Condition::Medicine(ingredients, values) if ingredients.is_empty() => {
                    (&mut conditions.medicines, codes(values))
                }
                Condition::BirthdayWithinDays(BIRTHDAY_DAYS) => {
                    conditions.birthday = true;
                    continue;
                }
                _ => return None,
            };
            // Twice the same kind means that both hold, which a chip cannot say.
            if !kind.is_empty() {
                return None;
            }
            *kind = words;
        }
        // Everybody is no choice of chips.
        (!all.is_empty()).then_some(conditions)
    }
}

fn codes<T: Code>(values: &[T]) -> Vec<String> {
    values.iter().map(|value| value.code().to_owned()).collect()
}

fn parsed<T: Code + FromStr<Err = UnknownCode>>(codes: &[String], field: &'static str) -> AppResult<Vec<T>> {
    codes.iter().map(|code| parse(code, field)).collect()
}

impl ClerkApp {
    /// The audience (JSON) that simple conditions are; none: nothing is asked.
    pub fn group_rule(&self, conditions: &GroupConditions) -> AppResult<Option<String>> {
        Ok(conditions.audience()?.map(|audience| audience.to_json()))
    }

    /// The members of the store that an audience (JSON) fits, from `offset` on, at most `limit`.
    pub fn group(&self, rule: &str, offset: usize, limit: usize) -> AppResult<Group> {
        let acting = self.acting()?;
        let keys = self.group_keys(rule, &acting)?;
        self.store.read(|conn| {
            let page = keys.iter().skip(offset).take(limit.min(PAGE_MAX));
            let mut members = Vec::new();
            for key in page {
                members.extend(member_row(conn, *key, &acting)?);
            }
            Ok(Group {
                as_of: acting.today,
                count: keys.len(),
                members,
            })
        })
    }

    /// How many members an audience fits.
    pub fn group_count(&self, rule: &str) -> AppResult<usize> {
        let acting = self.acting()?;
        Ok(self.group_keys(rule, &acting)?.len())
    }

    /// Keys of the members of a group, the most valuable first, by figures of today.
    pub(crate) fn group_keys(&self, rule: &str, acting: &Acting) -> AppResult<Vec<i64>> {
        let audience = Audience::from_json(rule).map_err(|error| unfit(&error))?;
        self.current_figures(acting)?;
        self.store
            .read(|conn| keys(conn, &audience, acting.today, &acting.settings))
    }

    /// Keeps a filter by name; one of the same name is replaced.
    pub fn save_group(&self, name: &str, rule: &str) -> AppResult<()> {
        self.acting()?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            let chars_max = ("chars_max", NAME_CHARS_MAX.to_string());
            return Err(AppError::invalid("group_name", "short_name", [chars_max]));
        }
        let audience = Audience::from_json(rule).map_err(|error| unfit(&error))?;
        self.store.write(Durability::Full, |tx| {
            let key = format!("{SAVED}{name}");
            let others: i64 = tx.query_row(
                "SELECT count(*) FROM meta WHERE key >= 'group:' AND key < 'group;' AND key <> ?1",
                [&key],
                |row| row.get(0),
            )?;
            if others >= SAVED_MAX {
                let count_max = ("count_max".to_owned(), SAVED_MAX.to_string());
                return Err(AppError::Refused {
                    code: "too_many_groups".into(),
                    values: vec![count_max],
                });
            }
            Ok(meta::set(tx, &key, audience.to_json())?)
        })
    }

    /// The filters that were kept, by name.
    pub fn saved_groups(&self) -> AppResult<Vec<SavedGroup>> {
        self.acting()?;
        self.store.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT key, value FROM meta WHERE key >= 'group:' AND key < 'group;' ORDER BY key",
            )?;
            let saved = statement.query_map([], |row| {
                let (key, rule): (String, String) = (row.get(0)?, row.get(1)?);
                let audience = Audience::from_json(&rule).ok();
                Ok(SavedGroup {
                    name: key.trim_start_matches(SAVED).to_owned(),
                    conditions: audience.as_ref().and_then(GroupConditions::of),
                    rule,
                })
            })?;
            Ok(saved.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Forgets a filter.
    pub fn remove_group(&self, name: &str) -> AppResult<()> {
        self.acting()?;
        self.store.write(Durability::Full, |tx| {
            Ok(meta::remove(tx, &format!("{SAVED}{name}"))?)
        })
    }

    /// Ids of a group's members from `offset` on, the most valuable first, at most [`GROUP_MAX`]: what
    /// messages and tasks are made for.
    pub fn group_ids(&self, rule: &str, offset: usize, limit: usize) -> AppResult<Vec<String>> {
        let acting = self.acting()?;
        let keys = self.group_keys(rule, &acting)?;
        self.store.read(|conn| {
            let mut id = conn.prepare_cached("SELECT member_id FROM member WHERE member_key = ?1")?;
            keys.iter()
                .skip(offset)
                .take(limit.min(GROUP_MAX))
                .map(|key| Ok(id.query_row([key], |row| row.get(0))?))
                .collect()
        })
    }

    /// Brings the figures up to today, which is done already but in the first seconds of a day.
    pub(super) fn current_figures(&self, acting: &Acting) -> AppResult<()> {
        if self
            .store
            .read(|conn| figures::is_current(conn, &acting.settings, acting.today))?
        {
            return Ok(());
        }
        self.refresh(&Cancel::default())
    }
}

pub(super) fn unfit(error: &AudienceError) -> AppError {
    AppError::Refused {
        code: "audience".into(),
        values: vec![("message".into(), error.to_string())],
    }
}

/// Keys of the members that an audience fits, the most valuable first.
pub(super) fn keys(
    conn: &Connection,
    audience: &Audience,
    as_of: NaiveDate,
    settings: &Settings,
) -> AppResult<Vec<i64>> {
    let compiled = compile(audience, as_of, &settings.rules);
    let values: Vec<Value> = compiled
        .params
        .into_iter()
        .map(|value| match value {
            SqlValue::Integer(number) => Value::Integer(number),
            SqlValue::Text(text) => Value::Text(text),
        })
        .collect();
    let mut statement = conn.prepare(&compiled.sql)?;
    let mut keys: Vec<i64> = statement
        .query_map(params_from_iter(values), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut value = conn.prepare_cached("SELECT value_index FROM figure WHERE member_key = ?1")?;
    // Sorting asks for one row a member: worth it for groups that a person looks through.
    if keys.len() <= 5_000 {
        let mut ranked: Vec<(std::cmp::Reverse<i64>, i64)> = Vec::with_capacity(keys.len());
        for key in keys {
            let index = value.query_row([key], |row| row.get(0)).unwrap_or(0);
            ranked.push((std::cmp::Reverse(index), key));
        }
        ranked.sort_unstable();
        keys = ranked.into_iter().map(|(_, key)| key).collect();
    }
    Ok(keys)
}
