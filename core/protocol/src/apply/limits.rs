//! Sizes and ranges of what an operation may carry.

use yaoban_domain::model::{Allergy, Consent};
use yaoban_domain::signature::Signature;

use super::{Refusal, reason};

/// Prefix of a temporary member id.
const TEMPORARY: &str = "tmp-";

pub(super) const ID_CHARS_MAX: usize = 200;
pub(super) const NAME_CHARS_MAX: usize = 100;
pub(super) const NOTE_CHARS_MAX: usize = 2_000;
pub(super) const WORD_CHARS_MAX: usize = 200;
pub(super) const TAG_CHARS_MAX: usize = 40;
pub(super) const TAGS_MAX: usize = 50;
pub(super) const DISEASES_MAX: usize = 30;
pub(super) const ALLERGIES_MAX: usize = 30;
pub(super) const ALLERGY_INGREDIENTS_MAX: usize = 20;
pub(super) const REGIMENS_MAX: usize = 100;
pub(super) const CONSENTS_MAX: usize = 50;
pub(super) const WHY_VALUES_MAX: usize = 20;
pub(super) const HEIGHT_CM: (i64, i64) = (30, 260);
pub(super) const WEIGHT_HG: (i64, i64) = (5, 5_000);
/// A talk is never longer than a day.
pub(super) const DURATION_S: (i64, i64) = (0, 86_400);
/// Thousandths of a unit a day.
pub(super) const DAILY_UNITS_MILLI: (i64, i64) = (1, 1_000_000);
/// How far a row's time may lie after its operation's, by the same clock.
pub(super) const AHEAD_MS_MAX: i64 = 5 * 60_000;

/// Whether a member's id is a temporary one.
pub fn is_temporary(id: &str) -> bool {
    id.starts_with(TEMPORARY)
}

/// The temporary id of a member that a phone registers, from a UUID.
pub fn temporary_id(uuid: &str) -> String {
    format!("{TEMPORARY}{uuid}")
}

/// An id: not empty, not longer than the limit, without control characters.
pub(super) fn id(field: &str, id: &str) -> Result<(), Refusal> {
    let valid = !id.is_empty() && id.chars().count() <= ID_CHARS_MAX && !id.chars().any(char::is_control);
    if valid {
        Ok(())
    } else {
        Err(Refusal::new(reason::ID_NOT_VALID).with("field", field))
    }
}

/// A text of at most so many characters.
pub(super) fn text(field: &str, text: &str, chars_max: usize) -> Result<(), Refusal> {
    if text.chars().count() > chars_max {
        return Err(Refusal::new(reason::TEXT_TOO_LONG)
            .with("field", field)
            .with("chars_max", chars_max));
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r')
    {
        return Err(Refusal::new(reason::TEXT_NOT_VALID).with("field", field));
    }
    Ok(())
}

/// A text that says something.
pub(super) fn required(field: &str, value: &str, chars_max: usize) -> Result<(), Refusal> {
    if value.trim().is_empty() {
        return Err(Refusal::new(reason::TEXT_REQUIRED).with("field", field));
    }
    text(field, value, chars_max)
}

/// At most so many entries.
pub(super) fn count(field: &str, count: usize, count_max: usize) -> Result<(), Refusal> {
    if count <= count_max {
        return Ok(());
    }
    Err(Refusal::new(reason::TOO_MANY)
        .with("field", field)
        .with("count_max", count_max))
}

/// A value within a range, ends included.
pub(super) fn range(field: &str, value: impl Into<i64>, (min, max): (i64, i64)) -> Result<(), Refusal> {
    if (min..=max).contains(&value.into()) {
        return Ok(());
    }
    Err(Refusal::new(reason::OUT_OF_RANGE)
        .with("field", field)
        .with("min", min)
        .with("max", max))
}

/// Words of a set (tags, diseases): each says something and holds no separator.
pub(super) fn words(field: &str, words: &[String], count_max: usize) -> Result<(), Refusal> {
    count(field, words.len(), count_max)?;
    for word in words {
        required(field, word, TAG_CHARS_MAX)?;
        if word.contains([';', '；', '\n', '\t', '\r']) {
            return Err(Refusal::new(reason::TEXT_NOT_VALID).with("field", field));
        }
    }
    Ok(())
}

pub(super) fn allergies(allergies: &[Allergy]) -> Result<(), Refusal> {
    count("allergies", allergies.len(), ALLERGIES_MAX)?;
    for allergy in allergies {
        required("allergies", &allergy.text, WORD_CHARS_MAX)?;
        count("allergies", allergy.ingredients.len(), ALLERGY_INGREDIENTS_MAX)?;
        for ingredient in &allergy.ingredients {
            required("allergies", ingredient, WORD_CHARS_MAX)?;
        }
    }
    Ok(())
}

pub(super) fn consent(consent: &Consent) -> Result<(), Refusal> {
    text("consent", &consent.wording_version, TAG_CHARS_MAX)?;
    text("consent", &consent.place, WORD_CHARS_MAX)?;
    text("consent", consent.purpose.code(), TAG_CHARS_MAX)?;
    text(
        "consent",
        consent.channel.as_ref().map_or("", |channel| channel.code()),
        TAG_CHARS_MAX,
    )
}

pub(super) fn signature(signature: Option<&Signature>) -> Result<(), Refusal> {
    if signature.is_none_or(Signature::is_within_limits) {
        return Ok(());
    }
    Err(Refusal::new(reason::SIGNATURE_NOT_VALID))
}
