//! Purchases of a member, day by day, newest first. What is older than a phone holds comes from the
//! hub when it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::model::Store;
use yaoban_protocol::row::{Purchases, entity};

use super::find::require_member;
use super::{AppError, AppResult, ClerkApp};
use crate::store::rows::{self, StoredLine};
use crate::sync::Cancel;

/// The phone's days of one page.
const PAGE_DAYS: usize = 20;
/// Of these at most.
const DAYS_MAX: usize = 100;
/// Lines of a page of the hub's.
const HUB_LINES: u32 = 200;

/// One line as it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineRow {
    /// Id of the drug, if the chain told it.
    pub drug_id: Option<String>,
    /// Its name; the id where the catalogue does not know it.
    pub name: Option<String>,
    /// Strength and pack.
    pub spec: Option<String>,
    /// Ingredient.
    pub ingredient: Option<String>,
    /// Packs in thousandths, negative for a return.
    pub quantity_milli: i64,
    /// Fen, negative for a return.
    pub amount_fen: i64,
}

/// Purchases of one business date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryDay {
    /// The date.
    pub day: NaiveDate,
    /// The store, of the first line that tells it.
    pub store_id: Option<String>,
    /// Name of that store, where the phone knows it.
    pub store_name: Option<String>,
    /// Net amount in fen.
    pub net_fen: i64,
    /// The lines.
    pub lines: Vec<LineRow>,
}

/// A page of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryPage {
    /// Days, newest first.
    pub days: Vec<HistoryDay>,
    /// What is asked for next; none: there is nothing older.
    pub next: Option<DaysAsked>,
}

/// Which days are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DaysAsked {
    /// From this day on, it included, back; none: from the newest one.
    pub until: Option<NaiveDate>,
    /// Lines of this ingredient; none: of all.
    pub ingredient: Option<String>,
    /// They are older than the phone holds and come from the hub.
    pub at_hub: bool,
}

impl ClerkApp {
    /// The ingredients that a member bought, as far as the phone holds it, the latest bought first.
    pub fn bought_ingredients(&self, member_id: &str) -> AppResult<Vec<String>> {
        let acting = self.acting()?;
        self.store.read(|conn| {
            let (key, _) = require_member(conn, member_id, acting.now_ms)?;
            let mut bought: Vec<String> = Vec::new();
            let mut seen = BTreeSet::new();
            for line in rows::stored_lines(conn, key)?.iter().rev() {
                let Some(drug_key) = line.drug_key.filter(|drug_key| seen.insert(*drug_key)) else {
                    continue;
                };
                let ingredient = rows::drug_by_key(conn, drug_key)?.and_then(|drug| drug.ingredient);
                bought.extend(ingredient.filter(|ingredient| !bought.contains(ingredient)));
            }
            Ok(bought)
        })
    }

    /// A page of days, newest first: the phone's first, then the hub's, which are shown and not kept. Of one
    /// ingredient a page of the hub's may hold nothing though there is a next one. Waits for the network only for
    /// the hub's days.
    pub fn history(&self, member_id: &str, asked: &DaysAsked, cancel: &Cancel) -> AppResult<HistoryPage> {
        if asked.at_hub {
            self.days_of_the_hub(member_id, asked, cancel)
        } else {
            self.days_here(member_id, asked, PAGE_DAYS)
        }
    }

    /// The phone's days, at most `days_max` of them; more are here or at the hub.
    pub fn days_here(&self, member_id: &str, asked: &DaysAsked, days_max: usize) -> AppResult<HistoryPage> {
        let acting = self.acting()?;
        self.store.read(|conn| {
            let (key, member) = require_member(conn, member_id, acting.now_ms)?;
            let wanted = days_max.clamp(1, DAYS_MAX);
            let held = rows::stored_lines(conn, key)?;
            let narrowed = asked.ingredient.as_deref();
            let narrowed = narrowed.map(|ingredient| lines_of(conn, &held, ingredient));
            let narrowed = narrowed.transpose()?;
            let lines = narrowed.as_deref().unwrap_or(&held);
            let mut days = days_of_lines(conn, lines, asked.until, wanted + 1)?;
            let more = days.len() > wanted;
            days.truncate(wanted);
            let older = if more {
                days.last().map(|day| (day.day, false))
            } else {
                let held = days_of_bought(&held);
                // More visits than days are here: the others are at the hub.
                (u64::from(member.lifetime.times) > held.len() as u64)
                    .then(|| (held.first().copied().unwrap_or(acting.today), true))
            };
            let next = older.and_then(|(before, at_hub)| asked.before(before, at_hub));
            Ok(HistoryPage { days, next })
        })
    }

    fn days_of_the_hub(&self, member_id: &str, asked: &DaysAsked, cancel: &Cancel) -> AppResult<HistoryPage> {
        let acting = self.acting()?;
        let (_, member) = self
            .store
            .read(|conn| require_member(conn, member_id, acting.now_ms))?;
        let mut store = std::sync::Arc::clone(&self.store);
        let before = day_number(asked.until.unwrap_or(acting.today)).saturating_add(1);
        let reply = self
            .driver()
            .history(&mut store, &member.id, before, HUB_LINES, cancel)?;
        let mut days = self.store.read(|conn| days_of(conn, &reply.purchases))?;
        let last = days.last().filter(|_| reply.more).map(|day| day.day);
        let next = last.and_then(|last| asked.before(last, true));
        if let Some(ingredient) = &asked.ingredient {
            days.retain_mut(|day| day.narrow_to(ingredient));
        }
        Ok(HistoryPage { days, next })
    }
}

impl DaysAsked {
    /// The days before one; none: the calendar has none.
    fn before(&self, day: NaiveDate, at_hub: bool) -> Option<Self> {
        let until = Some(day.pred_opt()?);
        Some(Self {
            until,
            at_hub,
            ingredient: self.ingredient.clone(),
        })
    }
}

/// Fills in the names of the stores.
fn name_stores(conn: &Connection, days: &mut [HistoryDay]) -> AppResult<()> {
    let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
    for day in days {
        let Some(id) = &day.store_id else { continue };
        if !names.contains_key(id) {
            let store: Option<Store> = rows::record(conn, entity::STORE, id)?;
            names.insert(id.clone(), store.map(|store| store.name));
        }
        day.store_name = names.get(id).cloned().flatten();
    }
    Ok(())
}

impl HistoryDay {
    /// Leaves the lines of one ingredient; false if there are none.
    fn narrow_to(&mut self, ingredient: &str) -> bool {
        self.lines
            .retain(|line| line.ingredient.as_deref() == Some(ingredient));
        self.net_fen = self.lines.iter().map(|line| line.amount_fen).sum();
        !self.lines.is_empty()
    }
}

/// The days on which something was bought, oldest first.
fn days_of_bought(lines: &[StoredLine]) -> Vec<NaiveDate> {
    let days = lines.chunk_by(|a, b| a.day == b.day);
    days.map(|day| from_day_number(day[0].day)).collect()
}

/// The lines of one ingredient.
fn lines_of(conn: &Connection, lines: &[StoredLine], ingredient: &str) -> AppResult<Vec<StoredLine>> {
    let mut drugs: BTreeMap<i64, bool> = BTreeMap::new();
    let mut found = Vec::new();
    for line in lines {
        let Some(key) = line.drug_key else { continue };
        let fits = if let Some(fits) = drugs.get(&key) {
            *fits
        } else {
            let drug = rows::drug_by_key(conn, key)?;
            let fits = drug.is_some_and(|drug| drug.ingredient.as_deref() == Some(ingredient));
            drugs.insert(key, fits);
            fits
        };
        if fits {
            found.push(*line);
        }
    }
    Ok(found)
}

/// The newest days up to one, it included, of lines that are at hand (oldest first).
pub(super) fn days_of_lines(
    conn: &Connection,
    lines: &[StoredLine],
    until: Option<NaiveDate>,
    limit: usize,
) -> AppResult<Vec<HistoryDay>> {
    let until = until.map_or(i32::MAX, day_number);
    let shown = &lines[..lines.partition_point(|line| line.day <= until)];
    let mut days = Vec::new();
    for same_day in shown.chunk_by(|a, b| a.day == b.day).rev().take(limit) {
        let mut day = HistoryDay {
            day: from_day_number(same_day[0].day),
            store_id: None,
            store_name: None,
            net_fen: 0,
            lines: Vec::with_capacity(same_day.len()),
        };
        for line in same_day {
            if let (None, Some(key)) = (&day.store_id, line.store_key) {
                day.store_id = rows::store_id(conn, key)?;
            }
            let drug = match line.drug_key {
                Some(key) => rows::drug_by_key(conn, key)?,
                None => None,
            };
            let drug = drug.as_ref();
            day.net_fen += line.amount_fen;
            day.lines.push(LineRow {
                drug_id: drug.map(|drug| drug.id.clone()),
                name: drug.map(|drug| drug.name.clone()),
                spec: drug.and_then(|drug| drug.spec.clone()),
                ingredient: drug.and_then(|drug| drug.ingredient.clone()),
                quantity_milli: line.quantity_milli,
                amount_fen: line.amount_fen,
            });
        }
        days.push(day);
    }
    name_stores(conn, &mut days)?;
    Ok(days)
}

/// Lines as they travel, day by day, newest first.
fn days_of(conn: &Connection, purchases: &Purchases) -> AppResult<Vec<HistoryDay>> {
    let unreadable = || AppError::Hub {
        code: "reply_unreadable".into(),
        message: "history columns differ".into(),
    };
    let pick = |ids: &[String], index: i32| usize::try_from(index).ok().and_then(|at| ids.get(at).cloned());
    let mut days: Vec<HistoryDay> = Vec::new();
    for (at, day) in purchases.days.iter().enumerate() {
        let day = from_day_number(*day);
        let drug_id = purchases
            .drug_index
            .get(at)
            .and_then(|index| pick(&purchases.drugs, *index));
        let drug = match &drug_id {
            Some(id) => rows::drug(conn, id)?,
            None => None,
        };
        let line = LineRow {
            name: drug
                .as_ref()
                .map(|drug| drug.name.clone())
                .or_else(|| drug_id.clone()),
            spec: drug.as_ref().and_then(|drug| drug.spec.clone()),
            ingredient: drug.and_then(|drug| drug.ingredient),
            drug_id,
            quantity_milli: *purchases.quantities_milli.get(at).ok_or_else(unreadable)?,
            amount_fen: *purchases.amounts_fen.get(at).ok_or_else(unreadable)?,
        };
        let store_id = purchases
            .store_index
            .get(at)
            .and_then(|index| pick(&purchases.stores, *index));
        match days.last_mut() {
            Some(last) if last.day == day => {
                last.net_fen += line.amount_fen;
                last.lines.push(line);
            }
            _ => days.push(HistoryDay {
                day,
                store_id,
                store_name: None,
                net_fen: line.amount_fen,
                lines: vec![line],
            }),
        }
    }
    days.reverse();
    name_stores(conn, &mut days)?;
    Ok(days)
}
