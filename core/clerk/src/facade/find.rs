//! Finding members, and the row under which a member shows in every list.

use chrono::NaiveDate;
use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::calendar::age_on;
use yaoban_domain::codes::{Care, Code as _, Open};
use yaoban_domain::model::Member;
use yaoban_domain::phone::mask;

use super::profile::Say;
use super::{Acting, AppError, AppResult, ClerkApp, first_load};
use crate::search::{is_too_short, search};
use crate::store::figures::{CACHED_COLUMNS, Cached, read_cached};
use crate::store::rows;

/// Members that a screen asks for.
pub const FOUND_MAX: usize = 50;

/// A member in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberRow {
    /// Id.
    pub member_id: String,
    /// Name.
    pub name: String,
    /// The number with its middle hidden.
    pub phone_masked: Option<String>,
    /// Sex, as a code.
    pub sex: Option<String>,
    /// Completed years.
    pub age: Option<i32>,
    /// Home store.
    pub store_id: Option<String>,
    /// Belongs to this store.
    pub own_store: bool,
    /// Was looked up from another store and is forgotten after a day.
    pub looked_up: bool,
    /// Class, as a code; none until it was computed.
    pub class: Option<String>,
    /// `chronic` or `general`; none until it was computed.
    pub care: Option<String>,
    /// Value index, 0..=100.
    pub value_index: u8,
    /// Last visit day.
    pub last_visit: Option<NaiveDate>,
    /// Has allergies.
    pub allergies: bool,
    /// What marks it in a list, what matters most first.
    pub marks: Vec<Mark>,
    /// Other members on the same number.
    pub household: u32,
    /// What it was found by, as a code; none in lists that were not searched.
    pub found_by: Option<String>,
}

/// A mark of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// What it says.
    pub say: Say,
    /// It is a danger.
    pub stands_out: bool,
}

impl MemberRow {
    /// Sets its marks by what it says.
    pub(super) fn mark(&mut self) {
        let mark = |holds: bool, stands_out: bool, say: Say| holds.then_some(Mark { say, stands_out });
        let chronic = self.care.as_deref() == Some(Care::Chronic.code());
        let marks = [
            mark(self.allergies, true, Say::of("mark", "allergies", &[])),
            mark(chronic, false, Say::of("care", "chronic", &[])),
            mark(
                self.household > 0,
                false,
                Say::of("mark", "household", &[("n", &self.household)]),
            ),
            mark(self.looked_up, false, Say::of("mark", "looked_up", &[])),
        ];
        self.marks = marks.into_iter().flatten().collect();
    }
}

/// Who fits what was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The members, best first.
    pub members: Vec<MemberRow>,
    /// What is said where there are none: nothing was typed, digits are still to come, or nobody fits. None: there
    /// are some.
    pub none: Option<Say>,
    /// Nothing was typed: these were opened last.
    pub recent: bool,
    /// Nobody fits what was typed: a new member, or one to look up at the hub.
    pub nobody: bool,
}

impl Found {
    /// That nobody fits a text.
    pub(super) fn nobody(group: &'static str, code: &str, text: &str) -> Self {
        Self {
            members: Vec::new(),
            none: Some(Say::of(group, code, &[("text", &text)])),
            recent: false,
            nobody: true,
        }
    }

    /// These, or a word that there are none yet.
    fn these(members: Vec<MemberRow>, group: &'static str, none: &str) -> Self {
        Self {
            none: members.is_empty().then(|| Say::of(group, none, &[])),
            members,
            recent: false,
            nobody: false,
        }
    }
}

impl ClerkApp {
    /// The members that fit what was typed, best first, at most `limit` (and 100); while nothing is typed, those
    /// who were opened last.
    pub fn find(&self, text: &str, limit: usize) -> AppResult<Found> {
        let text = text.trim();
        if text.is_empty() {
            let recent = Found::these(self.recent_members()?, "counter", "first");
            return Ok(Found {
                recent: true,
                ..recent
            });
        }
        let acting = self.acting()?;
        self.store.read(|conn| {
            let hits = search(conn, text, &acting.store_id, limit)?;
            let mut members = Vec::with_capacity(hits.len());
            for hit in hits {
                if let Some(row) = member_row(conn, hit.member_key, &acting)? {
                    members.push(MemberRow {
                        found_by: Some(hit.by.code().to_owned()),
                        ..row
                    });
                }
            }
            if !members.is_empty() || is_too_short(text) {
                return Ok(Found::these(members, "counter", "go_on"));
            }
            Ok(match first_load(conn)? {
                _ if *self.nowhere() == text => Found::nobody("counter", "nowhere", text),
                Some(_) => Found::nobody("load", "none", text),
                None => Found::nobody("counter", "none", text),
            })
        })
    }
}

/// A member that may be shown: held, or looked up less than a day ago, and not erased.
pub(crate) fn shown_member(conn: &Connection, member_key: i64, now_ms: i64) -> AppResult<Option<Member>> {
    let Some(member) = rows::member_by_key(conn, member_key)?.filter(|member| !member.erased) else {
        return Ok(None);
    };
    let over: bool = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM member m JOIN lookup l ON l.member_id = m.member_id
                WHERE m.member_key = ?1 AND m.standing = 2 AND l.until_ms <= ?2)",
        )?
        .query_row([member_key, now_ms], |row| row.get(0))?;
    Ok(Some(member).filter(|_| !over))
}

/// The key and record of a member by id or alias, if it may be shown.
pub(crate) fn require_member(conn: &Connection, id: &str, now_ms: i64) -> AppResult<(i64, Member)> {
    let unknown = AppError::Unknown { what: "member" };
    let Some(key) = rows::existing_key(conn, id)? else {
        return Err(unknown);
    };
    shown_member(conn, key, now_ms)?
        .map(|member| (key, member))
        .ok_or(unknown)
}

/// The row of a member, if it may be shown.
pub(crate) fn member_row(
    conn: &Connection,
    member_key: i64,
    acting: &Acting,
) -> AppResult<Option<MemberRow>> {
    shown_member(conn, member_key, acting.now_ms)?
        .map(|member| row_of(conn, member_key, &member, acting))
        .transpose()
}

/// The row of a member whose record is at hand.
pub(crate) fn row_of(
    conn: &Connection,
    member_key: i64,
    member: &Member,
    acting: &Acting,
) -> AppResult<MemberRow> {
    let (looked_up, cached): (bool, Cached) = conn
        .prepare_cached(&format!(
            "SELECT m.standing = 2, {CACHED_COLUMNS} FROM member m LEFT JOIN figure f ON f.member_key = m.member_key
             WHERE m.member_key = ?1"
        ))?
        .query_row([member_key], |row| Ok((row.get(0)?, read_cached(row, 1)?)))?;
    let own_store = member.store_id.as_deref() == Some(acting.store_id.as_str());
    let mut row = MemberRow {
        member_id: member.id.clone(),
        name: member.name.clone(),
        phone_masked: member.phone.as_deref().map(mask),
        sex: member.sex.as_ref().map(|sex: &Open<_>| sex.code().to_owned()),
        age: member
            .birthday
            .and_then(|birthday| age_on(birthday, acting.today)),
        store_id: member.store_id.clone(),
        own_store,
        looked_up,
        class: cached.class.map(|class| class.to_string()),
        care: cached.care.map(|care| care.to_string()),
        value_index: cached.value_index,
        last_visit: member.lifetime.last_visit,
        allergies: !member.allergies.is_empty(),
        marks: Vec::new(),
        household: match &member.phone {
            Some(phone) => household(conn, member_key, phone)?.len() as u32,
            None => 0,
        },
        found_by: None,
    };
    row.mark();
    Ok(row)
}

/// Other members on a number; at most 20.
pub(crate) fn household(conn: &Connection, member_key: i64, phone: &str) -> AppResult<Vec<i64>> {
    let reversed: String = phone.chars().rev().collect();
    let mut statement = conn.prepare_cached(
        "SELECT member_key FROM member WHERE phone_reversed = ?1 AND member_key <> ?2 AND standing > 0
            AND (flags & 4) = 0 LIMIT 20",
    )?;
    let keys = statement.query_map(rusqlite::params![reversed, member_key], |row| row.get(0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}
