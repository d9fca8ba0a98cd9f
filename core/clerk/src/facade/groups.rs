//! Groups of the store's members by an audience, and filters that a clerk keeps by name.

use chrono::NaiveDate;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::Serialize;
use yaoban_domain::audience::Audience;
use yaoban_domain::audience::sql::{SqlValue, compile};

use super::find::{MemberRow, member_row};
use super::{Acting, AppError, AppResult, ClerkApp};
use crate::store::{Durability, Settings, figures, meta};
use crate::sync::Cancel;

/// Members of one page of a group.
const PAGE_MAX: usize = 500;
/// Filters that a phone keeps.
const SAVED_MAX: i64 = 50;
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
}

impl ClerkApp {
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

    /// Keys of the members of a group, the most valuable first. The figures are brought up to today
    /// first, which is done already but in the first seconds of a day.
    pub(crate) fn group_keys(&self, rule: &str, acting: &Acting) -> AppResult<Vec<i64>> {
        let audience = Audience::from_json(rule).map_err(|error| AppError::Refused {
            code: "audience".into(),
            values: vec![("message".into(), error.to_string())],
        })?;
        if !self
            .store
            .read(|conn| figures::is_current(conn, &acting.settings, acting.today))?
        {
            self.refresh(&Cancel::default())?;
        }
        self.store
            .read(|conn| keys(conn, &audience, acting.today, &acting.settings))
    }

    /// Keeps a filter by name; one of the same name is replaced.
    pub fn save_group(&self, name: &str, rule: &str) -> AppResult<()> {
        self.acting()?;
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 40 {
            return Err(AppError::Invalid {
                field: "name",
                expected: "1 to 40 characters".into(),
            });
        }
        let audience = Audience::from_json(rule).map_err(|error| AppError::Refused {
            code: "audience".into(),
            values: vec![("message".into(), error.to_string())],
        })?;
        self.store.write(Durability::Full, |tx| {
            let count: i64 = tx.query_row(
                "SELECT count(*) FROM meta WHERE key >= 'group:' AND key < 'group;'",
                [],
                |row| row.get(0),
            )?;
            if count >= SAVED_MAX {
                return Err(AppError::Invalid {
                    field: "name",
                    expected: format!("at most {SAVED_MAX} filters"),
                });
            }
            Ok(meta::set(tx, &format!("{SAVED}{name}"), audience.to_json())?)
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
                let key: String = row.get(0)?;
                Ok(SavedGroup {
                    name: key.trim_start_matches(SAVED).to_owned(),
                    rule: row.get(1)?,
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

    /// Tags in use in the store with the number of their members, commonest first.
    pub fn tags_in_use(&self) -> AppResult<Vec<(String, u32)>> {
        self.acting()?;
        self.store.read(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT tags FROM member WHERE standing = 1 AND tags <> ';'")?;
            let mut found = statement.query([])?;
            let mut counts: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
            while let Some(row) = found.next()? {
                for tag in row
                    .get_ref(0)?
                    .as_str()
                    .map_err(rusqlite::Error::from)?
                    .split(';')
                    .filter(|tag| !tag.is_empty())
                {
                    *counts.entry(tag.to_owned()).or_default() += 1;
                }
            }
            let mut tags: Vec<(String, u32)> = counts.into_iter().collect();
            tags.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            Ok(tags)
        })
    }
}

fn keys(
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
