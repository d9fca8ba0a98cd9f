//! The diagnostic bundle: the checkup, sealed so that the chain's support alone can read it.
//!
//! Two lines of defence keep personal data out. The checkup holds codes, counts and times only. And
//! whatever would get in all the same is looked for in the finished text: long runs of digits are
//! struck out, wherever they stand, before it is sealed.

use serde_json::Value;
use yaoban_protocol::message::BUNDLE_PURPOSE;
use yaoban_sealed::letter;

use super::{AppError, AppResult, ClerkApp};
use crate::store::{StoreError, meta, rounds};
use crate::sync::Cancel;

/// So many digits in a row may be a phone number.
const DIGITS_MAX: usize = 6;

impl ClerkApp {
    /// A sealed bundle. Refused with `support_key_unknown` until the hub has told the support's key
    /// in a round.
    pub fn diagnostic_bundle(&self, ask_hub: bool, cancel: &Cancel) -> AppResult<Vec<u8>> {
        let key: Option<String> = self
            .store
            .read(|conn| meta::get(conn, rounds::SUPPORT_KEY))
            .map_err(|error: StoreError| AppError::from(error))?;
        let key = key.ok_or_else(|| AppError::refused("support_key_unknown"))?;
        let checkup = self.checkup(ask_hub, cancel)?;
        let unreadable = |_| AppError::refused("bundle_not_made");
        let mut value = serde_json::to_value(&checkup).map_err(unreadable)?;
        strike(&mut value);
        let text = serde_json::to_vec_pretty(&value).map_err(unreadable)?;
        letter::seal(&key, BUNDLE_PURPOSE, &text).map_err(|_| AppError::refused("support_key_unknown"))
    }
}

/// Strikes long runs of digits out of every text. Ids of the hub's own form (UUIDs) stay.
fn strike(value: &mut Value) {
    match value {
        Value::String(text) if !is_uuid(text) => *text = struck(text),
        Value::Array(values) => values.iter_mut().for_each(strike),
        Value::Object(fields) => fields.values_mut().for_each(strike),
        _ => {}
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn struck(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().chain(std::iter::once('\0')) {
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        if run.len() > DIGITS_MAX {
            out.push('#');
        } else {
            out.push_str(&run);
        }
        run.clear();
        if character != '\0' {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_of_digits_are_struck_out() {
        for (text, expected) in [
            ("13812341234", "#"),
            ("row 123456 of member", "row 123456 of member"),
            ("a1381234123b", "a#b"),
            ("clerk.db.damaged-1781496000000", "clerk.db.damaged-#"),
            ("", ""),
        ] {
            assert_eq!(struck(text), expected, "{text}");
        }
        let mut value = serde_json::json!({
            "a": ["13812341234", { "b": "0198c0de-7777-7777-8888-123456789012" }], "c": 1_781_496_000_000_i64
        });
        strike(&mut value);
        assert_eq!(
            value,
            serde_json::json!({
                "a": ["#", { "b": "0198c0de-7777-7777-8888-123456789012" }], "c": 1_781_496_000_000_i64
            })
        );
    }
}
