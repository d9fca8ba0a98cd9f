//! Why a command was refused: a code and its values, worded by the catalogue.

use std::fmt::Display;

use serde_json::json;
use yaoban_clerk_core::facade::AppError;
use yaoban_clerk_core::facade::wording::{ValueKind, kind_of};

use crate::text::Texts;
use crate::usage;

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

    /// A file or directory that cannot be used, with the system's reason as a code of the catalogue
    /// where there is one.
    pub fn of_file(code: &str, file: &std::path::Path, error: &std::io::Error, texts: &Texts) -> Self {
        let key = match error.kind() {
            std::io::ErrorKind::NotFound => "file.not_found",
            std::io::ErrorKind::PermissionDenied => "file.denied",
            std::io::ErrorKind::IsADirectory => "file.directory",
            std::io::ErrorKind::InvalidData => "file.no_text",
            _ => "",
        };
        let reason = if key.is_empty() {
            error.to_string()
        } else {
            texts.get(key).to_owned()
        };
        let file = file.display().to_string();
        Self::refused(code, [("file", file.as_str()), ("reason", reason.as_str())])
    }

    /// 2 for what was typed wrongly, else 1.
    pub fn exit_code(&self) -> u8 {
        let mistyped = self.code.starts_with("input.") || self.code == "invalid";
        if mistyped { usage::EXIT_CODE } else { 1 }
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
    let mut worded: Vec<(&str, String)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value_text(texts, name, value)))
        .collect();
    if code == "invalid"
        && let Some(key) = values.iter().find(|(name, _)| name == "expected")
    {
        let shown: Vec<(&str, &dyn Display)> = worded
            .iter()
            .map(|(name, value)| (*name, value as &dyn Display))
            .collect();
        let expected = texts.fill(&format!("expected.{}", key.1), &shown);
        worded.retain(|(name, _)| *name != "expected");
        worded.push(("expected", expected));
    }
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

/// A value of a reason in words: states, fields and findings have their own.
fn value_text(texts: &Texts, name: &str, value: &str) -> String {
    match kind_of(name, value) {
        ValueKind::Wait { n, unit } => texts.fill(&format!("wait.{unit}"), &[("n", &n)]),
        ValueKind::Code { group } => texts.code(group, value).to_owned(),
        ValueKind::Text | ValueKind::Day | ValueKind::Instant => value.to_owned(),
    }
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
        Self {
            code: error.code().to_owned(),
            values: error.values(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    /// Values of the constants `NAME: &str = "code"` of a source file.
    fn codes_of(source: &str) -> Vec<&str> {
        let constants = source.lines().filter_map(|line| line.split_once(": &str = \""));
        constants
            .filter_map(|(_, rest)| rest.strip_suffix("\";"))
            .collect()
    }

    /// Codes that are written out where something is refused.
    fn literals_of(source: &str) -> Vec<&str> {
        let starts = ["refused(\"", "refused_with(\"", "Refusal::new(\""];
        starts
            .iter()
            .flat_map(|start| source.split(start).skip(1))
            .filter_map(|rest| rest.split_once('"'))
            .map(|(code, _)| code)
            .collect()
    }

    #[test]
    fn every_refusal_has_words_in_both_languages() {
        let constants = [
            include_str!("../../protocol/src/apply/reason.rs"),
            include_str!("../../clerk/src/sync/mod.rs"),
            include_str!("../../protocol/src/endpoint.rs"),
        ];
        let literals = [
            include_str!("../../clerk/src/facade/contact.rs"),
            include_str!("../../clerk/src/facade/device.rs"),
            include_str!("../../clerk/src/facade/groups.rs"),
            include_str!("../../clerk/src/facade/lookup.rs"),
            include_str!("../../clerk/src/facade/message.rs"),
            include_str!("../../clerk/src/facade/staff.rs"),
            include_str!("../../clerk/src/facade/tasks.rs"),
            include_str!("../../clerk/src/facade/work.rs"),
            include_str!("../../protocol/src/apply/task.rs"),
            include_str!("commands/mod.rs"),
            include_str!("commands/group.rs"),
            include_str!("commands/manager.rs"),
            include_str!("commands/member.rs"),
            include_str!("commands/phone.rs"),
            include_str!("commands/record.rs"),
            include_str!("commands/task.rs"),
            include_str!("input.rs"),
            include_str!("shown.rs"),
        ];
        let found = constants.iter().flat_map(|source| codes_of(source));
        let mut codes: Vec<&str> = found.filter(|code| !code.starts_with('/')).collect();
        codes.extend(literals.iter().flat_map(|source| literals_of(source)));
        codes.retain(|code| !code.ends_with('.'));
        codes.extend(["date_required", "after_due", "note_required", "unknown_outcome"]);
        codes.extend([
            "too_many_outcomes",
            "task_closed",
            "already_sent",
            "failed_too_often",
        ]);
        codes.extend([
            "file_newer",
            "file_damaged",
            "disk_full",
            "row_unreadable",
            "storage",
        ]);
        codes.extend([
            "not_paired",
            "device_locked",
            "staff_missing",
            "locked",
            "invalid",
        ]);
        codes.extend([
            "audience",
            "too_many_groups",
            "unsent",
            "template_unfit",
            "group_too_large",
        ]);
        codes.extend([
            "pin_missing",
            "pin_wrong",
            "pin_blocked",
            "home",
            "rule_file",
            "key_stays",
        ]);
        assert!(codes.len() > 100, "{}", codes.len());
        for language in [Language::Zh, Language::En] {
            let texts = Texts::new(language);
            let silent = |code: &&&str| {
                let unknown = texts.fill("refused.unknown", &[("code", code), ("details", &"")]);
                code.is_empty() || reason(&texts, code, &[]) == unknown
            };
            let silent: Vec<_> = codes.iter().filter(silent).collect();
            assert!(silent.is_empty(), "{language:?}: {silent:?}");
        }
    }

    #[test]
    fn what_was_expected_is_told_in_words() {
        let texts = Texts::new(Language::Zh);
        let told = |error: AppError| Failure::from(error).worded(&texts);
        let values = vec![
            ("min".to_owned(), "4".to_owned()),
            ("max".to_owned(), "12".to_owned()),
        ];
        let pin = AppError::Invalid {
            field: "pin",
            expected: "digits",
            values,
        };
        assert_eq!(told(pin.clone()), "密码不对：4到12位数字");
        assert_eq!(Failure::from(pin).exit_code(), 2);
        assert_eq!(
            told(AppError::PinBlocked { wait_s: 1_200 }),
            "密码错得太多，20分钟后再试"
        );
        assert_eq!(
            told(AppError::PinBlocked { wait_s: 59 }),
            "密码错得太多，59秒后再试"
        );
    }

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
