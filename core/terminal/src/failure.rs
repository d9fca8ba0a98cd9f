//! Why a command was refused: a code and its values, worded by the catalogue.

use std::fmt::Display;

use serde_json::json;
use yaoban_clerk_core::facade::AppError;

use crate::text::Texts;

/// A refusal. Its text is that of the code, or of `refused.` and the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Key of the text.
    pub code: String,
    /// Values of the text.
    pub values: Vec<(String, String)>,
}

impl Failure {
    /// A refusal of the terminal itself.
    pub fn refused<'a>(code: &str, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            code: code.to_owned(),
            values: values.into_iter().map(owned).collect(),
        }
    }

    /// A refusal for which the system gave the reason.
    pub fn because(code: &str, reason: impl Display) -> Self {
        Self {
            code: code.to_owned(),
            values: vec![("reason".to_owned(), reason.to_string())],
        }
    }

    /// 2 for what was typed wrongly, else 1.
    pub fn exit_code(&self) -> u8 {
        if self.code.starts_with("input.") { 2 } else { 1 }
    }

    /// The refusal in words: what was wrong, and what to do.
    pub fn worded(&self, texts: &Texts) -> String {
        reason(texts, &self.code, &self.values)
    }

    /// The refusal as JSON.
    pub fn json(&self) -> String {
        let values: serde_json::Map<_, _> = self
            .values
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        json!({ "error": self.code, "values": values }).to_string()
    }
}

/// The words of a reason. One without a text shows its code and values.
pub fn reason(texts: &Texts, code: &str, values: &[(String, String)]) -> String {
    let worded: Vec<(&str, String)> = values
        .iter()
        .map(|(name, value)| {
            let value = if name == "state" {
                texts.code("task_state", value)
            } else {
                value
            };
            (name.as_str(), value.to_owned())
        })
        .collect();
    let shown: Vec<(&str, &dyn Display)> = worded
        .iter()
        .map(|(name, value)| (*name, value as &dyn Display))
        .collect();
    let own = format!("refused.{code}");
    let gate = format!("gate.{code}");
    if let Some(key) = [code, &own, &gate].into_iter().find(|key| texts.has(key)) {
        return texts.fill(key, &shown);
    }
    let details: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    texts.fill(
        "refused.unknown",
        &[("code", &code), ("details", &details.join(", "))],
    )
}

impl From<yaoban_clerk_core::vault::VaultError> for Failure {
    fn from(error: yaoban_clerk_core::vault::VaultError) -> Self {
        Self {
            code: "key_unavailable".to_owned(),
            values: vec![("message".to_owned(), error.to_string())],
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let code = match &error {
            AppError::Unknown { what } if matches!(*what, "member" | "task" | "template" | "staff") => {
                format!("unknown_{what}")
            }
            AppError::Unknown { .. } => "unknown_what".to_owned(),
            other => other.code().to_owned(),
        };
        Self {
            code,
            values: error.values(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn refusals_are_worded_with_their_values() {
        let texts = Texts::new(Language::Zh);
        let closed = Failure::refused("task_closed", [("state", "done")]);
        assert_eq!(closed.worded(&texts), "任务已完成，不能再改");
        assert!(
            Failure::refused("gate.outside_hours", [])
                .worded(&texts)
                .contains("时间")
        );
        assert!(
            Failure::refused("from_tomorrow", [("x", "7")])
                .worded(&texts)
                .contains("from_tomorrow")
        );
        assert_eq!(Failure::refused("input.date", []).exit_code(), 2);
        assert_eq!(closed.exit_code(), 1);
        assert_eq!(
            closed.json(),
            r#"{"error":"task_closed","values":{"state":"done"}}"#
        );
    }
}
