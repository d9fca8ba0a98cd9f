//! Members: the record in columns, its lists packed in one CBOR cell.

use chrono::NaiveDate;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::codes::{Code, Open};
use yaoban_domain::model::{Allergy, Consent, Lifetime, Member, Regimen};
use yaoban_protocol::codec::{from_cbor, to_cbor};

use super::super::{Result, Tx, search_index};
use super::mark_stale;
use super::purchases::remove_lines;

/// Why a member row is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Only other rows name it.
    Named = 0,
    /// The store's scope holds it, or it was registered here.
    Held = 1,
    /// Looked up from another store, for 24 hours.
    LookedUp = 2,
}

const PHONE_INVALID: i64 = 1;
const DO_NOT_CONTACT: i64 = 2;
/// The views and the search leave erased members out; `views.sql` names the same bit.
pub(in crate::store) const ERASED: i64 = 4;
const DECEASED: i64 = 8;
const ASK_NUMBER: i64 = 16;

const COLUMNS: &str = "member_id, store_id, name, phone_reversed, sex, birthday_ymd, joined_day, tags, diseases,
    flags, height_cm, weight_hg, paused_until_day, lifetime_times, lifetime_total_fen, last_visit_day, version, extra";

/// A code as its place among those that this build knows, or as it came.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Short {
    Place(u8),
    Text(String),
}

impl Short {
    fn of<T: Code + PartialEq>(code: &Open<T>) -> Self {
        let place = code
            .known()
            .and_then(|known| T::ALL.iter().position(|one| *one == known));
        place.map_or_else(
            || Self::Text(code.code().to_owned()),
            |place| Self::Place(place as u8),
        )
    }

    fn open<T: Code>(self) -> Open<T> {
        match self {
            Self::Place(place) => match T::ALL.get(usize::from(place)) {
                Some(known) => Open::Known(*known),
                None => Open::Unknown(place.to_string()),
            },
            Self::Text(code) => Open::read(&code),
        }
    }
}

/// Text, ingredients.
type PackedAllergy = (String, Vec<String>);
/// Purpose, channel, granted, instant, wording, place, staff.
type PackedConsent = (Short, Option<Short>, bool, i64, String, String, Option<String>);
/// Ingredient, units a day, stock until (day), inactive, changed on (day).
type PackedRegimen = (String, Option<i64>, Option<i32>, bool, i32);

/// The lists of a member without the names of their fields: 100,000 members fit into the file.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Extra(
    Vec<PackedAllergy>,
    Vec<PackedConsent>,
    Vec<PackedRegimen>,
    Vec<String>,
);

impl Extra {
    fn of(member: &Member) -> Self {
        let allergies = member
            .allergies
            .iter()
            .map(|a| (a.text.clone(), a.ingredients.clone()));
        let consents = member.consents.iter().map(|c| {
            let channel = c.channel.as_ref().map(Short::of);
            let (wording, place) = (c.wording_version.clone(), c.place.clone());
            (
                Short::of(&c.purpose),
                channel,
                c.granted,
                c.at_ms,
                wording,
                place,
                c.staff_id.clone(),
            )
        });
        let regimens = member.regimens.iter().map(|r| {
            let (stock, changed) = (r.stock_until.map(day_number), day_number(r.changed_on));
            (
                r.ingredient.clone(),
                r.daily_units_milli,
                stock,
                r.inactive,
                changed,
            )
        });
        Self(
            allergies.collect(),
            consents.collect(),
            regimens.collect(),
            member.aliases.clone(),
        )
    }

    fn to_blob(&self) -> Result<Option<Vec<u8>>> {
        let empty = self.0.is_empty() && self.1.is_empty() && self.2.is_empty() && self.3.is_empty();
        Ok(if empty { None } else { Some(to_cbor(self)?) })
    }
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// A set as `;a;b;`, the form that audiences ask in; the empty set is `;`.
fn join(set: &[String]) -> String {
    let mut text = String::from(";");
    for value in set {
        text.push_str(value);
        text.push(';');
    }
    text
}

fn split(text: &str) -> Vec<String> {
    text.split(';')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn ymd(day: NaiveDate) -> i64 {
    use chrono::Datelike;
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

fn from_ymd(number: i64) -> Option<NaiveDate> {
    let (month, day) = (number / 100 % 100, number % 100);
    NaiveDate::from_ymd_opt((number / 10_000) as i32, month as u32, day as u32)
}

/// Stores a member and returns its key. Aliases that are here as members of their own are joined
/// to it: their rows get its key.
pub fn put_member(tx: &Tx<'_>, member: &Member, standing: Standing) -> Result<i64> {
    let before: Option<(i64, String, i64)> = tx
        .prepare_cached("SELECT member_key, name, standing FROM member WHERE member_id = ?1")?
        .query_row([&member.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let key = if let Some((key, name, _)) = &before {
        if *name != member.name {
            search_index::remove(tx, *key, name)?;
        }
        *key
    } else {
        insert_stub(tx, &member.id)?
    };
    let mut update = tx.prepare_cached(UPDATE)?;
    bind(&mut update, Some(key), member, standing)?;
    update.raw_execute()?;
    if before.as_ref().is_none_or(|(_, name, _)| *name != member.name) {
        search_index::add(tx, key, &member.name)?;
    }
    // A record of its own is nobody's alias (any more).
    tx.prepare_cached("DELETE FROM alias WHERE alias_id = ?1")?
        .execute([&member.id])?;
    for alias in &member.aliases {
        join_alias(tx, key, alias)?;
    }
    mark_stale(tx, key)?;
    Ok(key)
}

const UPDATE: &str = "UPDATE member SET member_id = ?2, standing = ?3, store_id = ?4, name = ?5,
    phone_reversed = ?6, sex = ?7, birthday_ymd = ?8, joined_day = ?9, tags = ?10, diseases = ?11, flags = ?12,
    height_cm = ?13, weight_hg = ?14, paused_until_day = ?15, lifetime_times = ?16, lifetime_total_fen = ?17,
    last_visit_day = ?18, version = ?19, extra = ?20 WHERE member_key = ?1";

const INSERT: &str =
    "INSERT INTO member (member_key, member_id, standing, store_id, name, phone_reversed, sex,
    birthday_ymd, joined_day, tags, diseases, flags, height_cm, weight_hg, paused_until_day, lifetime_times,
    lifetime_total_fen, last_visit_day, version, extra)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

/// For a fresh file, whose search index comes later: writes a member under the key that other rows
/// gave it, or a new one. Returns the key.
pub(in crate::store) fn insert_member(conn: &Connection, key: Option<i64>, member: &Member) -> Result<i64> {
    let mut write = conn.prepare_cached(if key.is_some() { UPDATE } else { INSERT })?;
    bind(&mut write, key, member, Standing::Held)?;
    write.raw_execute()?;
    let key = key.unwrap_or_else(|| conn.last_insert_rowid());
    for alias in &member.aliases {
        conn.prepare_cached("INSERT OR REPLACE INTO alias (alias_id, member_key) VALUES (?1, ?2)")?
            .execute(params![alias, key])?;
    }
    Ok(key)
}

fn bind(
    statement: &mut CachedStatement<'_>,
    key: Option<i64>,
    member: &Member,
    standing: Standing,
) -> Result<()> {
    let flags = [
        (member.phone_invalid, PHONE_INVALID),
        (member.do_not_contact, DO_NOT_CONTACT),
        (member.erased, ERASED),
        (member.deceased, DECEASED),
        (member.ask_number, ASK_NUMBER),
    ];
    let flags: i64 = flags.iter().map(|(set, bit)| if *set { *bit } else { 0 }).sum();
    let values = params![
        key,
        member.id,
        standing as i64,
        member.store_id,
        member.name,
        member.phone.as_deref().map(reversed),
        member.sex.as_ref().map(Open::code),
        member.birthday.map(ymd),
        member.joined_on.map(day_number),
        join(&member.tags),
        join(&member.diseases),
        flags,
        member.height_cm,
        member.weight_hg,
        member.paused_until.map(day_number),
        member.lifetime.times,
        member.lifetime.total_fen,
        member.lifetime.last_visit.map(day_number),
        member.version,
        Extra::of(member).to_blob()?,
    ];
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

/// Another id of the member: rows that were kept under it become the member's own.
fn join_alias(tx: &Tx<'_>, key: i64, alias: &str) -> Result<()> {
    let old: Option<(i64, String)> = tx
        .prepare_cached("SELECT member_key, name FROM member WHERE member_id = ?1")?
        .query_row([alias], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((old, name)) = old.filter(|(old, _)| *old != key) {
        for table in ["reading", "note", "task", "attempt", "send", "refusal"] {
            tx.prepare_cached(&format!(
                "UPDATE {table} SET member_key = ?1 WHERE member_key = ?2"
            ))?
            .execute([key, old])?;
        }
        // The hub moves the lines itself: they come with the purchases of the record that stays.
        remove_lines(tx, old)?;
        forget(tx, old, &name)?;
    }
    tx.prepare_cached("INSERT OR REPLACE INTO alias (alias_id, member_key) VALUES (?1, ?2)")?
        .execute(params![alias, key])?;
    Ok(())
}

/// The member leaves this phone. While other rows name it, its key stays, without its data.
pub fn remove_member(tx: &Tx<'_>, id: &str) -> Result<()> {
    let row: Option<(i64, String)> = tx
        .prepare_cached("SELECT member_key, name FROM member WHERE member_id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((key, name)) = row else { return Ok(()) };
    let named = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM purchases WHERE member_key = ?1) OR EXISTS (SELECT 1 FROM reading WHERE member_key = ?1)
                OR EXISTS (SELECT 1 FROM note WHERE member_key = ?1) OR EXISTS (SELECT 1 FROM task WHERE member_key = ?1)
                OR EXISTS (SELECT 1 FROM attempt WHERE member_key = ?1) OR EXISTS (SELECT 1 FROM send WHERE member_key = ?1)",
        )?
        .query_row([key], |row| row.get(0))?;
    forget(tx, key, &name)?;
    if named {
        let stub = insert_stub(tx, id)?;
        tx.prepare_cached("UPDATE member SET member_key = ?1 WHERE member_key = ?2")?
            .execute([key, stub])?;
    }
    Ok(())
}

/// Deletes the member's own row and what is computed from it.
pub(super) fn forget(tx: &Tx<'_>, key: i64, name: &str) -> Result<()> {
    search_index::remove(tx, key, name)?;
    for table in ["member", "alias", "figure", "medicine_end", "figure_stale"] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE member_key = ?1"))?
            .execute([key])?;
    }
    Ok(())
}

/// The key of a member id or alias; a member that is not here gets one without data.
pub fn key_of(conn: &Connection, id: &str) -> Result<i64> {
    if let Some(key) = existing_key(conn, id)? {
        return Ok(key);
    }
    insert_stub(conn, id)
}

/// A row without data that other rows can name. Returns its key.
pub(super) fn insert_stub(conn: &Connection, id: &str) -> Result<i64> {
    Ok(conn
        .prepare_cached(
            "INSERT INTO member (member_id, standing, name, tags, diseases, flags, lifetime_times,
                lifetime_total_fen, version)
             VALUES (?1, 0, '', ';', ';', 0, 0, 0, 0)",
        )?
        .insert([id])?)
}

/// The key of a member id, if a row of its own is here.
pub(in crate::store) fn named_key(conn: &Connection, id: &str) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached("SELECT member_key FROM member WHERE member_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

/// The key of a member id or alias, if it is here.
pub fn existing_key(conn: &Connection, id: &str) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached(
            "SELECT member_key FROM member WHERE member_id = ?1
             UNION ALL SELECT member_key FROM alias WHERE alias_id = ?1 LIMIT 1",
        )?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

/// The id under which a member is kept now: itself, or that of the record which took it in.
pub fn resolve_alias(conn: &Connection, id: &str) -> Result<Option<String>> {
    existing_key(conn, id)?.map_or(Ok(None), |key| member_id_of(conn, key).map(Some))
}

/// The id of a key.
pub fn member_id_of(conn: &Connection, key: i64) -> Result<String> {
    Ok(conn
        .prepare_cached("SELECT member_id FROM member WHERE member_key = ?1")?
        .query_row([key], |row| row.get(0))?)
}

/// Whether other ids lead to this member.
pub fn has_aliases(conn: &Connection, id: &str) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM alias a JOIN member m ON m.member_key = a.member_key WHERE m.member_id = ?1",
        )?
        .exists([id])?)
}

/// The member of an id or alias, if its data are here.
pub fn member(conn: &Connection, id: &str) -> Result<Option<Member>> {
    existing_key(conn, id)?.map_or(Ok(None), |key| member_by_key(conn, key))
}

/// The member of a key, if its data are here.
pub fn member_by_key(conn: &Connection, key: i64) -> Result<Option<Member>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM member WHERE member_key = ?1 AND standing > 0"
    ))?;
    let mut rows = statement.query([key])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<Member> {
    let day = |index: usize| -> rusqlite::Result<Option<NaiveDate>> {
        Ok(row.get::<_, Option<i32>>(index)?.map(from_day_number))
    };
    let flags: i64 = row.get(9)?;
    let extra: Option<Vec<u8>> = row.get(17)?;
    let Extra(allergies, consents, regimens, aliases) = extra
        .map(|blob| from_cbor(&blob))
        .transpose()?
        .unwrap_or_default();
    Ok(Member {
        id: row.get(0)?,
        store_id: row.get(1)?,
        name: row.get(2)?,
        phone: row.get::<_, Option<String>>(3)?.map(|digits| reversed(&digits)),
        phone_invalid: flags & PHONE_INVALID != 0,
        sex: row.get::<_, Option<String>>(4)?.map(|code| Open::read(&code)),
        birthday: row.get::<_, Option<i64>>(5)?.and_then(from_ymd),
        joined_on: day(6)?,
        diseases: split(&row.get::<_, String>(8)?),
        allergies: allergies
            .into_iter()
            .map(|(text, ingredients)| Allergy { text, ingredients })
            .collect(),
        tags: split(&row.get::<_, String>(7)?),
        height_cm: row.get(10)?,
        weight_hg: row.get(11)?,
        consents: consents
            .into_iter()
            .map(
                |(purpose, channel, granted, at_ms, wording_version, place, staff_id)| Consent {
                    purpose: purpose.open(),
                    channel: channel.map(Short::open),
                    granted,
                    at_ms,
                    wording_version,
                    place,
                    staff_id,
                },
            )
            .collect(),
        regimens: regimens
            .into_iter()
            .map(
                |(ingredient, daily_units_milli, stock_until, inactive, changed_on)| Regimen {
                    ingredient,
                    daily_units_milli,
                    stock_until: stock_until.map(from_day_number),
                    inactive,
                    changed_on: from_day_number(changed_on),
                },
            )
            .collect(),
        paused_until: day(12)?,
        do_not_contact: flags & DO_NOT_CONTACT != 0,
        deceased: flags & DECEASED != 0,
        erased: flags & ERASED != 0,
        ask_number: flags & ASK_NUMBER != 0,
        aliases,
        lifetime: Lifetime {
            times: row.get(13)?,
            total_fen: row.get(14)?,
            last_visit: day(15)?,
        },
        version: row.get(16)?,
    })
}
