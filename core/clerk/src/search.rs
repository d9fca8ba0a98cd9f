//! Finding a member at the counter: the end of a number, a name or a part of it, pinyin or its
//! initials, an id or a scanned card. What was typed decides where to look.
//!
//! | typed | looked for |
//! |---|---|
//! | digits | end of a phone number, the whole number, id or card, beginning of an id |
//! | letters | initials, full pinyin in every reading, id or beginning of one |
//! | letters and digits | id or card, beginning of an id |
//! | anything with a Chinese character | beginning of the name, any part of it |
//!
//! Order: exact hits, then members of the own store, then who visited last. What fits very many
//! members (one letter, a common surname) is found among the latest visitors first, so the answer
//! takes the same time.

use std::cmp::Reverse;

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashSet;

use crate::store::search_index::{FULL, INITIALS, keys, may_begin};
use crate::store::{Result, rows};

/// Characters of a query that are read.
const QUERY_CHARS_MAX: usize = 40;
/// Members that are looked at one by one to bring them into order.
const CANDIDATES_MAX: usize = 150;
/// Latest visitors that are looked through when more than that fit.
const WALK_MAX: usize = 2_000;
/// Digits from which the end of a phone number is looked for.
const SUFFIX_DIGITS_MIN: usize = 3;
/// Digits by which a member is asked for: the end of the number.
const ASKED_DIGITS: usize = 4;
/// Digits of a whole mobile number.
const NUMBER_DIGITS: usize = 11;
/// Hits that a caller may ask for.
pub const HITS_MAX: usize = 100;

/// What a member was found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// Id, card or alias, whole.
    Id,
    /// The whole phone number.
    Phone,
    /// The end of the phone number.
    PhoneEnd,
    /// The whole name.
    Name,
    /// A part of the name.
    NamePart,
    /// Pinyin, whole.
    Pinyin,
    /// The beginning of the pinyin or its initials.
    PinyinPart,
    /// The beginning of the id.
    IdPart,
}

impl FoundBy {
    /// The code for the screen.
    pub fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Phone => "phone",
            Self::PhoneEnd => "phone_end",
            Self::Name => "name",
            Self::NamePart => "name_part",
            Self::Pinyin => "pinyin",
            Self::PinyinPart => "pinyin_part",
            Self::IdPart => "id_part",
        }
    }

    fn is_exact(self) -> bool {
        matches!(self, Self::Id | Self::Phone | Self::Name | Self::Pinyin)
    }
}

/// One hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The member.
    pub member_key: i64,
    /// What it was found by.
    pub by: FoundBy,
}

/// The members that fit, best first, at most `limit`.
pub fn search(conn: &Connection, query: &str, own_store: &str, limit: usize) -> Result<Vec<Hit>> {
    let typed = typed(query);
    let mut found = Found {
        conn,
        hits: Vec::new(),
        seen: FxHashSet::default(),
        crowded: None,
    };
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    found.id(&typed)?;
    if let Some(digits) = digits(&typed) {
        found.phone(&digits)?;
        found.id_prefix(&digits)?;
    } else if typed.is_ascii() {
        let letters: String = typed.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        found.pinyin(&letters.to_ascii_lowercase())?;
        found.id_prefix(&typed)?;
    } else {
        let name: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        found.name(&name)?;
    }
    found.ranked(own_store, limit.min(HITS_MAX))
}

/// Whether what was typed is too short to say that nobody fits: fewer digits than a member is asked for,
/// or the beginning of a whole mobile number.
pub fn is_too_short(query: &str) -> bool {
    digits(&typed(query)).is_some_and(|digits| match digits.len() {
        0 => false,
        count if count < ASKED_DIGITS => true,
        count => count > ASKED_DIGITS && count < NUMBER_DIGITS && digits.starts_with('1'),
    })
}

/// A query as it is read.
fn typed(query: &str) -> String {
    query.trim().chars().take(QUERY_CHARS_MAX).map(narrow).collect()
}

/// The digits of a query that consists of nothing else but what people write between them.
fn digits(typed: &str) -> Option<String> {
    let digits: String = typed
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '+' | '(' | ')'))
        .collect();
    digits.chars().all(|c| c.is_ascii_digit()).then_some(digits)
}

/// Full-width forms lie at a fixed distance from ASCII.
fn narrow(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// The first text after all that begin with this one.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

struct Found<'c> {
    conn: &'c Connection,
    hits: Vec<Hit>,
    seen: FxHashSet<i64>,
    /// More fit than are looked at one by one: what to look for among the latest visitors.
    crowded: Option<Wanted>,
}

/// What a name must be like.
enum Wanted {
    Part(String),
    Pinyin(String),
}

impl Wanted {
    fn by(&self, name: &str) -> Option<FoundBy> {
        match self {
            Self::Part(part) if name == part => Some(FoundBy::Name),
            Self::Part(part) => name.contains(part.as_str()).then_some(FoundBy::NamePart),
            Self::Pinyin(letters) => {
                if !may_begin(name, letters) {
                    return None;
                }
                let keys = keys(name);
                let fits = keys
                    .full
                    .iter()
                    .chain(&keys.initials)
                    .any(|key| key.starts_with(letters.as_str()));
                let whole = keys.full.iter().any(|key| key == letters);
                fits.then_some(if whole {
                    FoundBy::Pinyin
                } else {
                    FoundBy::PinyinPart
                })
            }
        }
    }
}

impl Found<'_> {
    fn add(&mut self, member_key: i64, by: FoundBy) {
        if self.seen.insert(member_key) {
            self.hits.push(Hit { member_key, by });
        }
    }

    fn add_all(&mut self, sql: &str, values: &[&dyn ToSql], by: FoundBy) -> Result<usize> {
        let keys: Vec<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_map(values, |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let count = keys.len();
        for key in keys {
            self.add(key, by);
        }
        Ok(count)
    }

    fn id(&mut self, typed: &str) -> Result<()> {
        if let Some(key) = rows::existing_key(self.conn, typed)? {
            self.add(key, FoundBy::Id);
        }
        Ok(())
    }

    fn id_prefix(&mut self, typed: &str) -> Result<()> {
        self.add_all(
            "SELECT member_key FROM member WHERE member_id >= ?1 AND member_id < ?2 LIMIT ?3",
            params![typed, after_prefix(typed), CANDIDATES_MAX],
            FoundBy::IdPart,
        )?;
        Ok(())
    }

    fn phone(&mut self, digits: &str) -> Result<()> {
        if let Some(number) = yaoban_domain::phone::normalise(digits) {
            let whole: String = number.chars().rev().collect();
            self.add_all(
                "SELECT member_key FROM member WHERE phone_reversed = ?1 LIMIT 50",
                params![whole],
                FoundBy::Phone,
            )?;
        }
        if digits.len() >= SUFFIX_DIGITS_MIN {
            let end: String = digits.chars().rev().collect();
            self.add_all(
                "SELECT member_key FROM member WHERE phone_reversed >= ?1 AND phone_reversed < ?2 LIMIT ?3",
                params![end, after_prefix(&end), CANDIDATES_MAX],
                FoundBy::PhoneEnd,
            )?;
        }
        Ok(())
    }

    fn pinyin(&mut self, letters: &str) -> Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut count = self.add_all(
            "SELECT member_key FROM pinyin WHERE kind = ?1 AND reading = ?2 LIMIT ?3",
            params![FULL, letters, CANDIDATES_MAX + 1],
            FoundBy::Pinyin,
        )?;
        for kind in [INITIALS, FULL] {
            count = count.max(self.add_all(
                "SELECT member_key FROM pinyin WHERE kind = ?1 AND reading >= ?2 AND reading < ?3 LIMIT ?4",
                params![kind, letters, after_prefix(letters), CANDIDATES_MAX + 1],
                FoundBy::PinyinPart,
            )?);
        }
        if count > CANDIDATES_MAX {
            self.crowded = Some(Wanted::Pinyin(letters.to_owned()));
        }
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<()> {
        let mut count = self.add_all(
            "SELECT member_key FROM member WHERE name = ?1 LIMIT ?2",
            params![name, CANDIDATES_MAX + 1],
            FoundBy::Name,
        )?;
        count = count.max(self.add_all(
            "SELECT member_key FROM member WHERE name >= ?1 AND name < ?2 LIMIT ?3",
            params![name, after_prefix(name), CANDIDATES_MAX + 1],
            FoundBy::NamePart,
        )?);
        count = count.max(self.middle(name)?);
        if count > CANDIDATES_MAX {
            self.crowded = Some(Wanted::Part(name.to_owned()));
        }
        Ok(())
    }

    /// A part after the first character: by its rarest pair of characters, or its only character.
    fn middle(&mut self, part: &str) -> Result<usize> {
        let chars: Vec<char> = part.chars().map(|c| c.to_ascii_lowercase()).collect();
        let grams: Vec<String> = match chars.as_slice() {
            [one] => vec![one.to_string()],
            more => more.windows(2).map(|pair| pair.iter().collect()).collect(),
        };
        let mut rarest: Option<(usize, String)> = None;
        for gram in grams {
            let count = self
                .conn
                .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM gram WHERE gram = ?1 LIMIT ?2)")?
                .query_row(params![gram, CANDIDATES_MAX + 1], |row| row.get::<_, usize>(0))?;
            if rarest.as_ref().is_none_or(|(least, _)| count < *least) {
                rarest = Some((count, gram));
            }
        }
        let Some((count, gram)) = rarest else { return Ok(0) };
        // A part that is a gram itself is in each of these names.
        if chars.len() <= 2 {
            return self.add_all(
                "SELECT member_key FROM gram WHERE gram = ?1 LIMIT ?2",
                params![gram, CANDIDATES_MAX + 1],
                FoundBy::NamePart,
            );
        }
        let keys: Vec<(i64, String)> = self
            .conn
            .prepare_cached(
                "SELECT g.member_key, m.name FROM gram g JOIN member m ON m.member_key = g.member_key
                 WHERE g.gram = ?1 LIMIT ?2",
            )?
            .query_map(params![gram, CANDIDATES_MAX + 1], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (key, name) in keys {
            if name.to_ascii_lowercase().contains(&part.to_ascii_lowercase()) {
                self.add(key, FoundBy::NamePart);
            }
        }
        Ok(count)
    }

    /// Looks for what fits very many among the latest visitors.
    fn walk(&mut self, wanted: &Wanted, limit: usize) -> Result<Vec<Hit>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT member_key, name FROM member ORDER BY last_visit_day DESC LIMIT ?1")?;
        let mut rows = statement.query([WALK_MAX])?;
        let mut hits = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(by) = wanted.by(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?) {
                hits.push(Hit {
                    member_key: row.get(0)?,
                    by,
                });
                if hits.len() >= limit {
                    break;
                }
            }
        }
        Ok(hits)
    }

    fn ranked(mut self, own_store: &str, limit: usize) -> Result<Vec<Hit>> {
        let crowded = self.crowded.take();
        let mut hits: Vec<Hit> = std::mem::take(&mut self.hits);
        hits.truncate(CANDIDATES_MAX);
        if let Some(wanted) = crowded {
            let latest = self.walk(&wanted, limit * 2)?;
            let known: FxHashSet<i64> = latest.iter().map(|hit| hit.member_key).collect();
            // Exact hits are kept, and enough others to fill the list.
            hits.retain(|hit| !known.contains(&hit.member_key));
            let (exact, others): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(|hit| hit.by.is_exact());
            hits = exact;
            hits.extend(others);
            hits.truncate(limit);
            hits.extend(latest);
        }
        let mut ranked = Vec::with_capacity(hits.len());
        for hit in hits {
            let place: Option<(bool, Option<i32>)> = self
                .conn
                .prepare_cached(
                    "SELECT store_id IS NOT ?2, last_visit_day FROM member
                     WHERE member_key = ?1 AND standing > 0 AND (flags & 4) = 0",
                )?
                .query_row(params![hit.member_key, own_store], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            if let Some((elsewhere, last_visit)) = place {
                ranked.push((
                    (
                        !hit.by.is_exact(),
                        elsewhere,
                        Reverse(last_visit),
                        hit.by,
                        hit.member_key,
                    ),
                    hit,
                ));
            }
        }
        ranked.sort_unstable_by_key(|(place, _)| *place);
        ranked.truncate(limit);
        Ok(ranked.into_iter().map(|(_, hit)| hit).collect())
    }
}
