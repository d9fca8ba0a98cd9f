//! What a clerk changes in a member's record.

use chrono::NaiveDate;
use serde::Serialize;
use yaoban_domain::codes::{Channel, Code as _, ConsentPurpose, Open, Sex};
use yaoban_domain::model::{Allergy, Consent, Member, Note, Regimen};
use yaoban_domain::phone::normalise;
use yaoban_domain::signature::Signature;
use yaoban_protocol::apply::temporary_id;
use yaoban_protocol::op::Op;
pub use yaoban_protocol::op::ProfileFields;

use super::entry::narrow;
use super::find::{MemberRow, household, member_row, require_member};
use super::profile::ConsentRow;
use super::readings::parse;
use super::{Acted, Acting, AppError, AppResult, ClerkApp};
use crate::store::rows;

/// A new member at the counter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewMember {
    /// Name.
    pub name: String,
    /// Phone number as typed; none or empty: there is none.
    pub phone: Option<String>,
    /// Sex, as a code.
    pub sex: Option<String>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Disease codes or names.
    pub diseases: Vec<String>,
    /// Allergies, as the member said them; one text may name several, with commas or spaces between.
    pub allergies: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    pub weight_hg: Option<u16>,
    /// Consents.
    pub consents: Vec<NewConsent>,
    /// What the member signed them with; none: not on the screen.
    pub signature: Option<DrawnSignature>,
}

/// A signature as the screen took it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrawnSignature {
    /// The pad's width, in the unit of the points.
    pub width: f32,
    /// The strokes, each as right, down, right, down … from the pad's upper left corner.
    pub strokes: Vec<Vec<f32>>,
    /// Purposes of the consents that the member saw when it signed. It stands for these and no others.
    pub purposes: Vec<String>,
}

/// What may be corrected of a member in a form, as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberForm {
    /// Name.
    pub name: String,
    /// A new phone number; empty: the one that is there stays.
    pub phone: String,
    /// Sex, as a code; none: it is not known.
    pub sex: Option<String>,
    /// Birthday, empty if it is not known.
    pub birthday: String,
}

/// What a registration begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedMember {
    /// Name; empty if a number was typed.
    pub name: String,
    /// Phone number; empty if a name was typed.
    pub phone: String,
}

/// A consent as a clerk takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewConsent {
    /// Purpose, as a code.
    pub purpose: String,
    /// Channel, as a code; none: every channel.
    pub channel: Option<String>,
    /// Given or withdrawn.
    pub granted: bool,
    /// Version of the wording that was shown.
    pub wording_version: String,
}

/// Purposes for which a member is asked, in the order in which it is.
const ASKED: [ConsentPurpose; 5] = [
    ConsentPurpose::Membership,
    ConsentPurpose::Health,
    ConsentPurpose::Marketing,
    ConsentPurpose::Recording,
    ConsentPurpose::Profiling,
];
/// Version of the words that are shown for them (`consent_words.*` of the shells' texts); it changes
/// whenever these do.
const WORDING: &str = "2026-11";

/// A consent for which a member is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentForm {
    /// What for, as a code; the key of its words.
    pub purpose: &'static str,
    /// Version of the words, to be stored with the answer.
    pub wording_version: &'static str,
}

/// How a member stands to a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentStanding {
    /// What for, as a code; the key of its words.
    pub purpose: String,
    /// It is given for every channel, unless an answer for one says otherwise.
    pub granted: bool,
    /// Version of the words, to be stored with an answer; none: it is of a newer hub and not asked here.
    pub wording_version: Option<&'static str>,
    /// What the member said, for every channel or for one; empty: it was never asked.
    pub answers: Vec<ConsentRow>,
}

/// How a member stands to each consent that it is asked for, in that order, then to any other that it gave.
pub(super) fn standings(consents: &[Consent]) -> Vec<ConsentStanding> {
    let asked = ASKED.iter().map(|purpose| (purpose.code(), Some(WORDING)));
    let asks = |code: &str| ASKED.iter().any(|purpose| purpose.code() == code);
    let mut purposes: Vec<(&str, Option<&'static str>)> = asked.collect();
    for consent in consents {
        let code = consent.purpose.code();
        if !asks(code) && !purposes.iter().any(|(known, _)| *known == code) {
            purposes.push((code, None));
        }
    }
    let standing = |(purpose, wording_version): (&str, Option<&'static str>)| {
        let of_purpose = consents
            .iter()
            .filter(|consent| consent.purpose.code() == purpose);
        let answers: Vec<ConsentRow> = of_purpose.map(ConsentRow::from).collect();
        ConsentStanding {
            purpose: purpose.to_owned(),
            granted: answers
                .iter()
                .any(|answer| answer.channel.is_none() && answer.granted),
            wording_version,
            answers,
        }
    };
    purposes.into_iter().map(standing).collect()
}

/// A disease that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiseaseRow {
    /// Its code; the key of its name.
    pub code: &'static str,
    /// Chronic.
    pub chronic: bool,
}

/// A member that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// The member, under its temporary id until the hub gives one.
    pub member: MemberRow,
    /// Others on the same number, who may be the same person or its household.
    pub same_number: Vec<MemberRow>,
    /// The operation.
    pub acted: Acted,
}

/// How a member takes one ingredient; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRegimen {
    /// The ingredient.
    pub ingredient: String,
    /// Units a day in thousandths.
    pub daily_units_milli: Option<i64>,
    /// Stock up to and including this day.
    pub stock_until: Option<NaiveDate>,
    /// No longer taken.
    pub inactive: bool,
}

impl ClerkApp {
    /// What a member is asked to consent to, in the order in which it is.
    pub fn consent_forms(&self) -> Vec<ConsentForm> {
        let form = |purpose: &ConsentPurpose| ConsentForm {
            purpose: purpose.code(),
            wording_version: WORDING,
        };
        ASKED.iter().map(form).collect()
    }

    /// The diseases that may be chosen, in the order of the specification.
    pub fn diseases(&self) -> Vec<DiseaseRow> {
        let row = |disease: &yaoban_domain::disease::Disease| DiseaseRow {
            code: disease.code,
            chronic: disease.chronic,
        };
        yaoban_domain::disease::ALL.iter().map(row).collect()
    }

    /// The sexes that may be chosen, as codes.
    pub fn sexes(&self) -> Vec<&'static str> {
        Sex::ALL.iter().map(|sex| sex.code()).collect()
    }

    /// A registration that begins with what was typed at the counter: digits are the number, anything else
    /// the name.
    pub fn begin_registration(&self, typed: &str) -> TypedMember {
        let typed = typed.trim();
        let narrow: String = typed.chars().map(narrow).collect();
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '+');
        if !narrow.is_empty() && narrow.chars().all(is_number) {
            return TypedMember {
                phone: narrow,
                ..TypedMember::default()
            };
        }
        TypedMember {
            name: typed.to_owned(),
            ..TypedMember::default()
        }
    }

    /// The birthday that was typed: 1963-02-15, 1963.2.15, 1963/2/15, 1963年2月15日 or 19630215, not after
    /// today; none: nothing was typed. Anything else is refused.
    pub fn typed_birthday(&self, text: &str) -> AppResult<Option<NaiveDate>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let day = birthday_of(text).filter(|day| *day <= self.today());
        day.map(Some)
            .ok_or_else(|| AppError::invalid("birthday", "birthday", []))
    }

    /// The units a day that were typed, with at most three decimals, in thousandths; none: nothing was typed.
    /// Anything else is refused.
    pub fn typed_units(&self, text: &str) -> AppResult<Option<i64>> {
        let text: String = text.trim().chars().map(narrow).collect();
        if text.is_empty() {
            return Ok(None);
        }
        let milli = thousandths(&text);
        milli
            .map(Some)
            .ok_or_else(|| AppError::invalid("daily_units", "units", []))
    }

    /// What a correction of the record begins with.
    pub fn member_form(&self, member_id: &str) -> AppResult<MemberForm> {
        let acting = self.acting()?;
        let (_, member) = self
            .store
            .read(|conn| require_member(conn, member_id, acting.now_ms))?;
        Ok(MemberForm {
            name: member.name,
            phone: String::new(),
            sex: member.sex.map(|sex| sex.code().to_owned()),
            birthday: member.birthday.map(|day| day.to_string()).unwrap_or_default(),
        })
    }

    /// Stores what was changed in a form since it began; what is as it was is not told, since somebody else may
    /// have changed it meanwhile. A birthday that was
    /// emptied is refused: there is no way to unlearn it.
    pub fn save_form(&self, member_id: &str, before: &MemberForm, after: &MemberForm) -> AppResult<()> {
        let changed =
            |before: &str, after: &str| (before.trim() != after.trim()).then(|| after.trim().to_owned());
        let birthday = changed(&before.birthday, &after.birthday).map(|typed| {
            let day = self.typed_birthday(&typed)?;
            day.ok_or_else(|| AppError::invalid("birthday", "birthday", []))
        });
        let sex = after.sex.as_deref().filter(|_| after.sex != before.sex);
        let edit = ProfileFields {
            name: changed(&before.name, &after.name),
            phone: changed(&before.phone, &after.phone).filter(|phone| !phone.is_empty()),
            sex: sex
                .map(|code| parse::<Sex>(code, "sex").map(Open::from))
                .transpose()?,
            birthday: birthday.transpose()?,
            ..ProfileFields::default()
        };
        if edit != ProfileFields::default() {
            self.edit_member(member_id, edit)?;
        }
        Ok(())
    }

    /// Adds the allergies that a text names, with commas or spaces between. Of one that is there already what is
    /// known stays.
    pub fn add_allergies(&self, member_id: &str, text: &str) -> AppResult<()> {
        self.change_allergies(member_id, |known| {
            let new = allergies_of(text).filter(|named| known.iter().all(|one| one.text != named.text));
            let new: Vec<Allergy> = new.collect();
            known.extend(new);
        })
    }

    /// Takes an allergy away, by what the member said.
    pub fn remove_allergy(&self, member_id: &str, text: &str) -> AppResult<()> {
        self.change_allergies(member_id, |known| known.retain(|one| one.text != text))
    }

    fn change_allergies(&self, member_id: &str, change: impl FnOnce(&mut Vec<Allergy>)) -> AppResult<()> {
        let acting = self.acting()?;
        let (_, member) = self
            .store
            .read(|conn| require_member(conn, member_id, acting.now_ms))?;
        let mut allergies = member.allergies.clone();
        change(&mut allergies);
        if allergies != member.allergies {
            let edit = ProfileFields {
                allergies: Some(allergies),
                ..ProfileFields::default()
            };
            self.edit_member(member_id, edit)?;
        }
        Ok(())
    }

    /// Registers a member, without a network: it has a temporary id until the hub gives one.
    pub fn register(&self, new: &NewMember) -> AppResult<Registered> {
        let acting = self.acting()?;
        let consents = new
            .consents
            .iter()
            .map(|one| consent_of(one, &acting))
            .collect::<AppResult<Vec<_>>>()?;
        let typed_phone = new.phone.as_deref().filter(|phone| !phone.trim().is_empty());
        let id = temporary_id(&self.new_id(acting.now_ms)?);
        let mut member = Member {
            store_id: Some(acting.store_id.clone()),
            name: new.name.trim().to_owned(),
            phone: typed_phone.map(phone_of).transpose()?,
            sex: new
                .sex
                .as_deref()
                .map(|code| parse::<Sex>(code, "sex").map(Open::from))
                .transpose()?,
            birthday: new.birthday,
            joined_on: Some(acting.today),
            diseases: new
                .diseases
                .iter()
                .map(|word| disease_of(word))
                .collect::<AppResult<_>>()?,
            allergies: new.allergies.iter().flat_map(|text| allergies_of(text)).collect(),
            tags: new.tags.clone(),
            height_cm: new.height_cm,
            weight_hg: new.weight_hg,
            ..Member::blank(&id)
        };
        for consent in consents {
            yaoban_domain::consent::record_for(&mut member, consent);
        }
        for set in [&mut member.tags, &mut member.diseases] {
            set.sort_unstable();
            set.dedup();
        }
        let id = member.id.clone();
        let signature = new
            .signature
            .as_ref()
            .map(|drawn| signature_of(drawn, &new.consents));
        let signature = signature.transpose()?;
        let acted = self.act(
            &acting,
            Op::RegisterMember {
                member: Box::new(member),
                signature,
            },
        )?;
        self.store.read(|conn| {
            let (key, member) = require_member(conn, &id, acting.now_ms)?;
            let mut same_number = Vec::new();
            if let Some(phone) = &member.phone {
                for other in household(conn, key, phone)? {
                    same_number.extend(member_row(conn, other, &acting)?);
                }
            }
            let row = member_row(conn, key, &acting)?.ok_or(AppError::Unknown { what: "member" })?;
            Ok(Registered {
                member: row,
                same_number,
                acted,
            })
        })
    }

    /// Edits fields of a profile; only those that are `Some` change. An empty phone takes it away.
    pub fn edit_member(&self, member_id: &str, edit: ProfileFields) -> AppResult<Acted> {
        let acting = self.acting()?;
        let (_, member) = self
            .store
            .read(|conn| require_member(conn, member_id, acting.now_ms))?;
        let mut edit = edit;
        if let Some(phone) = edit.phone.as_deref().filter(|phone| !phone.trim().is_empty()) {
            edit.phone = Some(phone_of(phone)?);
        }
        if let Some(diseases) = &edit.diseases {
            edit.diseases = Some(
                diseases
                    .iter()
                    .map(|word| disease_of(word))
                    .collect::<AppResult<_>>()?,
            );
        }
        let base = ProfileFields {
            name: Some(member.name),
            phone: Some(member.phone.unwrap_or_default()),
            sex: member.sex,
            birthday: member.birthday,
            diseases: Some(member.diseases),
            allergies: Some(member.allergies),
            height_cm: member.height_cm,
            weight_hg: member.weight_hg,
        };
        self.act(
            &acting,
            Op::EditMember {
                member_id: member.id,
                base: Box::new(base),
                edit: Box::new(edit),
            },
        )
    }

    /// Adds and removes tags.
    pub fn tag(&self, member_id: &str, add: &[String], remove: &[String]) -> AppResult<Acted> {
        let (acting, member_id) = self.acting_on(member_id)?;
        self.act(
            &acting,
            Op::Tags {
                member_id,
                add: trimmed(add),
                remove: trimmed(remove),
            },
        )
    }

    /// Writes a note; `supersedes` names the note that it corrects.
    pub fn add_note(&self, member_id: &str, text: &str, supersedes: Option<&str>) -> AppResult<Acted> {
        let (acting, member_id) = self.acting_on(member_id)?;
        let note = Note {
            id: self.new_id(acting.now_ms)?,
            member_id,
            at_ms: acting.now_ms,
            staff_id: acting.staff.id.clone(),
            text: text.trim().to_owned(),
            supersedes: supersedes.map(str::to_owned),
        };
        self.act(&acting, Op::AddNote { note })
    }

    /// Gives or withdraws a consent; with what the member signed it, if it did on the screen. A drawing
    /// that is no signature is refused. It goes to the hub and stays there, and is shown by no phone.
    pub fn set_consent(
        &self,
        member_id: &str,
        new: &NewConsent,
        signature: Option<&DrawnSignature>,
    ) -> AppResult<Acted> {
        let (acting, member_id) = self.acting_on(member_id)?;
        let consent = consent_of(new, &acting)?;
        let signature = signature.map(|drawn| signature_of(drawn, std::slice::from_ref(new)));
        let signature = signature.transpose()?;
        self.act(
            &acting,
            Op::SetConsent {
                member_id,
                consent,
                signature,
            },
        )
    }

    /// Sets how the member takes one ingredient.
    pub fn set_regimen(&self, member_id: &str, new: &NewRegimen) -> AppResult<Acted> {
        let (acting, member_id) = self.acting_on(member_id)?;
        let regimen = Regimen {
            ingredient: new.ingredient.trim().to_owned(),
            daily_units_milli: new.daily_units_milli,
            stock_until: new.stock_until,
            inactive: new.inactive,
            changed_on: acting.today,
        };
        self.act(&acting, Op::SetRegimen { member_id, regimen })
    }

    /// Who acts, and the id under which the member is kept now.
    pub(crate) fn acting_on(&self, member_id: &str) -> AppResult<(Acting, String)> {
        let acting = self.acting()?;
        let known = self.store.read(|conn| rows::resolve_alias(conn, member_id))?;
        known
            .map(|id| (acting, id))
            .ok_or(AppError::Unknown { what: "member" })
    }
}

fn trimmed(words: &[String]) -> Vec<String> {
    words.iter().map(|word| word.trim().to_owned()).collect()
}

fn birthday_of(text: &str) -> Option<NaiveDate> {
    let text = text.trim().trim_end_matches('日');
    let parts: Vec<&str> = text.split(['-', '.', '/', '年', '月']).collect();
    let (year, month, day) = match parts[..] {
        [whole] if whole.len() == 8 && whole.is_ascii() => (&whole[..4], &whole[4..6], &whole[6..]),
        [year, month, day] if year.len() == 4 => (year, month, day),
        _ => return None,
    };
    // A sign or a space is no part of a date.
    if ![year, month, day]
        .iter()
        .all(|part| part.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// A decimal with at most three places, in thousandths; none: it is none, or too large for any count of units.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    (digits(whole, 6) && digits(rest, 3)).then(|| format!("{whole}{rest:0<3}").parse().ok())?
}

/// A signature under these consents. One that was drawn under others is none of these.
fn signature_of(drawn: &DrawnSignature, consents: &[NewConsent]) -> AppResult<Signature> {
    let given = |purpose: &String| consents.iter().any(|consent| consent.purpose == *purpose);
    let signed = |consent: &NewConsent| drawn.purposes.contains(&consent.purpose);
    if !(drawn.purposes.iter().all(given) && consents.iter().all(signed)) {
        return Err(AppError::invalid("signature", "signature_again", []));
    }
    Signature::of_drawing(drawn.width, &drawn.strokes)
        .ok_or_else(|| AppError::invalid("signature", "signature", []))
}

fn phone_of(text: &str) -> AppResult<String> {
    normalise(text).ok_or_else(|| AppError::invalid("phone", "phone", []))
}

/// A disease by its code or one of its names.
fn disease_of(word: &str) -> AppResult<String> {
    let known = yaoban_domain::disease::find(word.trim()).map(|disease| disease.code.to_owned());
    known.ok_or_else(|| AppError::invalid("diseases", "disease", [("text", word.trim().to_owned())]))
}

/// Between the names of several allergies, as people write them.
const BETWEEN: [char; 7] = ['，', ',', '、', '；', ';', ' ', '\u{3000}'];

fn allergies_of(text: &str) -> impl Iterator<Item = Allergy> + '_ {
    let names = text.split(BETWEEN).map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| Allergy {
        text: name.to_owned(),
        ingredients: Vec::new(),
    })
}

fn consent_of(new: &NewConsent, acting: &Acting) -> AppResult<Consent> {
    Ok(Consent {
        purpose: parse::<ConsentPurpose>(&new.purpose, "purpose")?.into(),
        channel: new
            .channel
            .as_deref()
            .map(|code| parse::<Channel>(code, "channel").map(Open::from))
            .transpose()?,
        granted: new.granted,
        at_ms: acting.now_ms,
        wording_version: new.wording_version.clone(),
        place: acting.store_id.clone(),
        staff_id: Some(acting.staff.id.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::{allergies_of, birthday_of, thousandths};

    #[test]
    fn units_are_read_with_three_decimals_at_most() {
        for (text, milli) in [
            ("1", 1000),
            ("0.5", 500),
            ("1.25", 1250),
            ("2.125", 2125),
            ("999999", 999_999_000),
        ] {
            assert_eq!(thousandths(text), Some(milli), "{text}");
        }
        for text in [
            "", ".", ".5", "1.", "-1", "+1", "1e3", "1.0005", "1000000", "一片",
        ] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn a_birthday_is_read_as_people_write_it() {
        let day = chrono::NaiveDate::from_ymd_opt(1963, 2, 5);
        for text in [
            "1963-02-05",
            "1963-2-5",
            "1963.2.5",
            "1963/02/05",
            "1963年2月5日",
            " 19630205 ",
        ] {
            assert_eq!(birthday_of(text), day, "{text}");
        }
        for text in [
            "",
            "1963",
            "63-2-5",
            "1963-02-30",
            "1963-+2-5",
            "1963-2",
            "196302051",
            "二月五日",
            "1963年2月",
        ] {
            assert_eq!(birthday_of(text), None, "{text}");
        }
    }

    #[test]
    fn allergies_are_told_in_one_breath() {
        let names: Vec<String> = allergies_of("青霉素、头孢， 磺胺 ,海鲜；")
            .map(|one| one.text)
            .collect();
        assert_eq!(names, ["青霉素", "头孢", "磺胺", "海鲜"]);
        assert_eq!(allergies_of(" 、").count(), 0);
    }
}
