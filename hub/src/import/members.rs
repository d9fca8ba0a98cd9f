//! Members. A later file's changes are told from a clerk's by what the chain's file said last: only
//! what the chain changed is changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use yaoban_domain::codes::{Channel, Code as _, ConsentPurpose, Open, Sex};
use yaoban_domain::consent;
use yaoban_domain::disease;
use yaoban_domain::model::{Allergy, Consent, Member};
use yaoban_domain::phone;
use yaoban_protocol::row::entity;

use super::kinds::{known_store, told};
use super::records::{Cells, Kind, Outcome, Refused};
use super::refs::NOT_WRITTEN;
use super::value::{decimal, moment, whole};
use super::{Context, FileKind};
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scope::{Changes, Mark, store_scope};
use crate::storage::{Records as _, StorageError};

/// Heights in centimetres and weights in hundreds of grams that a member may have.
const HEIGHT_CM: std::ops::RangeInclusive<u16> = 40..=250;
const WEIGHT_HG: std::ops::RangeInclusive<i64> = 20..=4_000;

pub(super) struct Members;

/// What a file says about a member; a field is none where the file has no such column.
#[expect(
    clippy::option_option,
    reason = "the outer one is the column, the inner one the value"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct MemberRow {
    #[serde(skip)]
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    store_id: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    phone: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    sex: Option<Option<Open<Sex>>>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    birthday: Option<Option<NaiveDate>>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    joined_on: Option<Option<NaiveDate>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    diseases: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allergies: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    height_cm: Option<Option<u16>>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nested")]
    weight_hg: Option<Option<u16>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consents: Option<Vec<ConsentRow>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct ConsentRow {
    purpose: Open<ConsentPurpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<Open<Channel>>,
    granted: bool,
    at_ms: i64,
}

/// A field that is told to be blank is `null`, one that is not told is missing.
mod nested {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(
        clippy::option_option,
        clippy::ref_option,
        reason = "serde's shape for a field told to be blank"
    )]
    pub fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(to)
    }

    #[expect(clippy::option_option, reason = "serde's shape for a field told to be blank")]
    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(from).map(Some)
    }
}

fn sex(word: &str) -> Option<Sex> {
    match word {
        "女" | "女性" => Some(Sex::Female),
        "男" | "男性" => Some(Sex::Male),
        _ => match word.to_ascii_lowercase().as_str() {
            "f" => Some(Sex::Female),
            "m" => Some(Sex::Male),
            code => Sex::from_code(code),
        },
    }
}

/// Diseases by code or Chinese name; what is none goes to the tags.
fn split_diseases(words: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut codes, mut tags) = (Vec::new(), Vec::new());
    for word in words {
        match disease::find(&word) {
            Some(found) => codes.push(found.code.to_owned()),
            None => tags.push(word),
        }
    }
    codes.sort();
    codes.dedup();
    (codes, tags)
}

impl Kind for Members {
    type Row = MemberRow;
    const KIND: FileKind = FileKind::Members;

    fn read(&self, cells: &Cells<'_>, context: &Context<'_>) -> Result<MemberRow, String> {
        let date = |column| {
            told(cells, column, || {
                Ok(cells
                    .value(column, |cell| moment(cell, context.calendar))?
                    .map(super::value::Moment::date))
            })
        };
        let store_id = told(cells, 1, || cells.optional_id(1))?;
        known_store(store_id.as_ref().and_then(Option::as_deref), context)?;
        let (diseases, unknown) = split_diseases(cells.list(7)?);
        let mut tags = cells.list(9)?;
        tags.extend(unknown);
        tags.sort();
        tags.dedup();
        Ok(MemberRow {
            id: cells.id(0)?,
            store_id,
            name: told(cells, 2, || super::kinds::text_or_blank(cells, 2))?,
            phone: told(cells, 3, || read_phone(cells))?,
            sex: told(cells, 4, || read_sex(cells))?,
            birthday: date(5)?,
            joined_on: date(6)?,
            diseases: told(cells, 7, || Ok(diseases))?,
            allergies: told(cells, 8, || cells.list(8))?,
            tags: (cells.has(9) || cells.has(7)).then_some(tags),
            height_cm: told(cells, 10, || {
                let height = cells.value(10, whole)?;
                in_range(cells, 10, height, |height| HEIGHT_CM.contains(height))
            })?,
            weight_hg: told(cells, 11, || {
                let weight = cells.value(11, |cell| decimal(cell, 1, i64::from(u16::MAX)))?;
                Ok(in_range(cells, 11, weight, |weight| WEIGHT_HG.contains(weight))?
                    .map(|weight| weight as u16))
            })?,
            consents: told(cells, 12, || read_consents(cells, context))?,
        })
    }

    fn id(row: &MemberRow) -> String {
        row.id.clone()
    }

    fn take(
        &self,
        row: MemberRow,
        tx: &Tx<'_>,
        context: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let id = row.id.clone();
        // Most rows of a first file are new; their ids are looked up in memory only.
        let known = context
            .refs
            .members
            .get(id.as_bytes())
            .filter(|key| *key != NOT_WRITTEN);
        let before = if known.is_some() || tx.is_erased(&id)? {
            tx.member_or_alias(&id)?
        } else {
            None
        };
        if before.as_ref().is_some_and(|member| member.erased) {
            return Err(Refused::Row(format!("member `{id}` was erased and stays so")));
        }
        let base: MemberRow = match (&before, known) {
            (Some(_), Some(key)) => tx.member_source(key)?.map_or(Ok(MemberRow::default()), |body| {
                serde_json::from_str(&body).map_err(|error| StorageError::Record {
                    entity: "member_source",
                    id: id.clone(),
                    reason: error.to_string(),
                })
            })?,
            _ => MemberRow::default(),
        };
        let source = later(&base, &row);
        if before.is_some() && source == base {
            return Ok(Outcome::Unchanged);
        }
        let mut member = before.clone().unwrap_or_else(|| Member::blank(&id));
        let row = if member.id == id {
            row
        } else {
            of_other_card(row, &base, &member)
        };
        merge(&mut member, &base, row, context);
        if !write {
            context.refs.members.insert(id.as_bytes(), NOT_WRITTEN);
            return Ok(Outcome::Accepted);
        }
        if before.as_ref() != Some(&member) {
            member.version += 1;
            tx.put_member(&member)?;
            announce(tx, before.as_ref(), &member, context.today(), changes)?;
        }
        let key = match known {
            Some(key) => key,
            None => tx.member_key(&member.id)?.map_or(NOT_WRITTEN, |key| key as u32),
        };
        let body = serde_json::to_string(&source).map_err(|error| StorageError::Record {
            entity: "member_source",
            id: id.clone(),
            reason: error.to_string(),
        })?;
        tx.put_member_source(key, &body)?;
        context.refs.members.insert(id.as_bytes(), key);
        Ok(Outcome::Accepted)
    }
}

fn in_range<T>(
    cells: &Cells<'_>,
    column: usize,
    value: Option<T>,
    possible: impl FnOnce(&T) -> bool,
) -> Result<Option<T>, String> {
    match value {
        Some(value) if !possible(&value) => Err(cells.refuse(column, "is impossible")),
        value => Ok(value),
    }
}

fn read_phone(cells: &Cells<'_>) -> Result<Option<String>, String> {
    let text = cells.text(3)?;
    if text.is_empty() {
        return Ok(None);
    }
    phone::normalise(text)
        .map(Some)
        .ok_or_else(|| cells.refuse(3, "is no phone number"))
}

fn read_sex(cells: &Cells<'_>) -> Result<Option<Open<Sex>>, String> {
    let text = cells.text(4)?;
    if text.is_empty() {
        return Ok(None);
    }
    sex(text)
        .map(|sex| Some(sex.into()))
        .ok_or_else(|| cells.refuse(4, "is neither female nor male"))
}

/// `purpose[:channel]=yes|no@date`, split by `;`.
fn read_consents(cells: &Cells<'_>, context: &Context<'_>) -> Result<Vec<ConsentRow>, String> {
    let mut consents = Vec::new();
    for item in cells.list(12)? {
        let wrong = || cells.refuse(12, "is not of the form purpose[:channel]=yes|no@date");
        let (what, answer) = item.split_once('=').ok_or_else(wrong)?;
        let (answer, date) = answer.split_once('@').ok_or_else(wrong)?;
        let (purpose, channel) = match what.split_once(':') {
            Some((purpose, channel)) => (purpose, Some(channel)),
            None => (what, None),
        };
        let purpose = ConsentPurpose::from_code(purpose.trim())
            .ok_or_else(|| cells.refuse(12, &format!("names an unknown purpose `{}`", purpose.trim())))?;
        let channel = match channel.map(str::trim) {
            None => None,
            Some(code) => Some(
                Channel::from_code(code)
                    .ok_or_else(|| cells.refuse(12, &format!("names an unknown channel `{code}`")))?,
            ),
        };
        let granted = match answer.trim() {
            "yes" | "是" => true,
            "no" | "否" => false,
            _ => return Err(wrong()),
        };
        let date = moment(date.trim().as_bytes(), context.calendar).map_err(|why| cells.refuse(12, why))?;
        let row = ConsentRow {
            purpose: purpose.into(),
            channel: channel.map(Open::Known),
            granted,
            at_ms: date.at_ms(context.calendar),
        };
        consents.push(row);
    }
    Ok(consents)
}

/// What the chain's files say after this one: told fields from it, others from before.
fn later(base: &MemberRow, row: &MemberRow) -> MemberRow {
    fn or<T: Clone>(row: Option<&T>, base: Option<&T>) -> Option<T> {
        row.or(base).cloned()
    }
    MemberRow {
        id: String::new(),
        store_id: or(row.store_id.as_ref(), base.store_id.as_ref()),
        name: or(row.name.as_ref(), base.name.as_ref()),
        phone: or(row.phone.as_ref(), base.phone.as_ref()),
        sex: or(row.sex.as_ref(), base.sex.as_ref()),
        birthday: or(row.birthday.as_ref(), base.birthday.as_ref()),
        joined_on: or(row.joined_on.as_ref(), base.joined_on.as_ref()),
        diseases: or(row.diseases.as_ref(), base.diseases.as_ref()),
        allergies: or(row.allergies.as_ref(), base.allergies.as_ref()),
        tags: or(row.tags.as_ref(), base.tags.as_ref()),
        height_cm: or(row.height_cm.as_ref(), base.height_cm.as_ref()),
        weight_hg: or(row.weight_hg.as_ref(), base.weight_hg.as_ref()),
        consents: or(row.consents.as_ref(), base.consents.as_ref()),
    }
}

/// Sets a field that the chain changed. Against a base that is not known a blank says nothing: a
/// clerk may have filled the field before the chain's system heard of the member.
#[expect(
    clippy::option_option,
    reason = "the outer one is the column, the inner one the value"
)]
fn change<T: PartialEq>(field: &mut Option<T>, base: Option<&Option<T>>, row: Option<Option<T>>) {
    match (row, base) {
        (Some(value), Some(base)) if value != *base => *field = value,
        (Some(Some(value)), None) => *field = Some(value),
        _ => {}
    }
}

/// Adds and removes what the chain added and removed.
fn change_set<T: PartialEq>(items: &mut Vec<T>, base: Option<&Vec<T>>, row: Option<Vec<T>>) {
    let Some(row) = row else { return };
    let none = Vec::new();
    let base = base.unwrap_or(&none);
    items.retain(|item| row.contains(item) || !base.contains(item));
    for item in row {
        if !base.contains(&item) && !items.contains(&item) {
            items.push(item);
        }
    }
}

/// What the row of another card of a member changes: only what this card had told. The member's own
/// card, and what clerks wrote, stand.
fn of_other_card(row: MemberRow, base: &MemberRow, member: &Member) -> MemberRow {
    #[expect(
        clippy::option_option,
        reason = "the outer one is the column, the inner one the value"
    )]
    fn own<T: PartialEq>(
        row: Option<Option<T>>,
        base: Option<&Option<T>>,
        now: Option<&T>,
    ) -> Option<Option<T>> {
        row.filter(|_| base.is_some_and(|base| base.as_ref() == now))
    }
    MemberRow {
        store_id: own(row.store_id, base.store_id.as_ref(), member.store_id.as_ref()),
        name: row.name.filter(|_| base.name.as_ref() == Some(&member.name)),
        phone: own(row.phone, base.phone.as_ref(), member.phone.as_ref()),
        sex: own(row.sex, base.sex.as_ref(), member.sex.as_ref()),
        birthday: own(row.birthday, base.birthday.as_ref(), member.birthday.as_ref()),
        joined_on: own(row.joined_on, base.joined_on.as_ref(), member.joined_on.as_ref()),
        height_cm: own(row.height_cm, base.height_cm.as_ref(), member.height_cm.as_ref()),
        weight_hg: own(row.weight_hg, base.weight_hg.as_ref(), member.weight_hg.as_ref()),
        ..row
    }
}

fn merge(member: &mut Member, base: &MemberRow, row: MemberRow, context: &Context<'_>) {
    let (phone, store) = (member.phone.clone(), row.store_id.as_ref().and_then(Clone::clone));
    change(&mut member.store_id, base.store_id.as_ref(), row.store_id);
    change(&mut member.phone, base.phone.as_ref(), row.phone);
    change(&mut member.sex, base.sex.as_ref(), row.sex);
    change(&mut member.birthday, base.birthday.as_ref(), row.birthday);
    change(&mut member.joined_on, base.joined_on.as_ref(), row.joined_on);
    change(&mut member.height_cm, base.height_cm.as_ref(), row.height_cm);
    change(&mut member.weight_hg, base.weight_hg.as_ref(), row.weight_hg);
    if let Some(name) = row.name
        && base.name.as_ref() != Some(&name)
        && !(name.is_empty() && base.name.is_none())
    {
        member.name = name;
    }
    if member.phone != phone {
        // A new number has not failed yet.
        member.phone_invalid = false;
        member.ask_number = false;
    }
    change_set(&mut member.diseases, base.diseases.as_ref(), row.diseases);
    change_set(&mut member.tags, base.tags.as_ref(), row.tags);
    member.diseases.sort();
    member.tags.sort();
    let allergy = |text: &String| Allergy {
        text: text.clone(),
        ingredients: context.refs.ingredients.get(text).cloned().into_iter().collect(),
    };
    let texts = |texts: &Vec<String>| texts.iter().map(allergy).collect::<Vec<_>>();
    let mut known: Vec<String> = member
        .allergies
        .iter()
        .map(|allergy| allergy.text.clone())
        .collect();
    change_set(&mut known, base.allergies.as_ref(), row.allergies.clone());
    member.allergies.retain(|allergy| known.contains(&allergy.text));
    for allergy in texts(&row.allergies.unwrap_or_default()) {
        if known.contains(&allergy.text) && member.allergies.iter().all(|other| other.text != allergy.text) {
            member.allergies.push(allergy);
        }
    }
    let earlier = base.consents.clone().unwrap_or_default();
    for consent in row.consents.unwrap_or_default() {
        if !earlier.contains(&consent) {
            let consent = Consent {
                purpose: consent.purpose,
                channel: consent.channel,
                granted: consent.granted,
                at_ms: consent.at_ms,
                wording_version: String::new(),
                place: store.clone().unwrap_or_default(),
                staff_id: None,
            };
            consent::record_for(member, consent);
        }
    }
}

/// Tells the phones. A member that changes its store takes everything along: out of the old scope,
/// into the new one.
fn announce(
    tx: &Tx<'_>,
    before: Option<&Member>,
    member: &Member,
    today: i32,
    changes: &mut Changes,
) -> Result<(), StorageError> {
    let old = before.and_then(|before| before.store_id.as_deref());
    let new = member.store_id.as_deref();
    if let Some(store_id) = new {
        changes.add(&store_scope(store_id), entity::MEMBER, &member.id, Mark::Put);
    }
    if before.is_some() {
        tx.member_moved(&member.id, old, new, today, changes)?;
    }
    Ok(())
}
