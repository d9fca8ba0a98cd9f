//! Usage errors and help in the language shown: clap speaks English only.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::json;

use crate::text::Texts;

/// Exit code of a command line that cannot be read.
pub const EXIT_CODE: u8 = 2;

/// What was wrong with the command line and how it goes; none: clap's own text is help, not an error.
pub fn worded(error: &clap::Error, texts: &Texts) -> Option<String> {
    if !error.use_stderr() {
        return None;
    }
    let argument = value(error, ContextKind::InvalidArg);
    let given = value(error, ContextKind::InvalidValue);
    let (key, values): (&str, Vec<(&str, String)>) = match error.kind() {
        ErrorKind::MissingRequiredArgument => ("usage.missing", vec![("what", argument)]),
        ErrorKind::UnknownArgument => ("usage.unknown_argument", vec![("what", argument)]),
        ErrorKind::InvalidSubcommand => {
            let what = value(error, ContextKind::InvalidSubcommand);
            ("usage.unknown_command", vec![("what", what)])
        }
        ErrorKind::ArgumentConflict => {
            let other = value(error, ContextKind::PriorArg);
            ("usage.conflict", vec![("what", argument), ("other", other)])
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if given.is_empty() => {
            ("usage.missing", vec![("what", argument)])
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            ("usage.bad_value", vec![("what", argument), ("value", given)])
        }
        // Nothing was asked for: clap shows the help as its error.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return Some(error.render().to_string().trim_end().to_owned());
        }
        ErrorKind::MissingSubcommand => ("usage.missing_command", Vec::new()),
        _ => ("usage.other", Vec::new()),
    };
    let shown: Vec<(&str, &dyn std::fmt::Display)> = values
        .iter()
        .map(|(name, value)| (*name, value as &dyn std::fmt::Display))
        .collect();
    let mut lines = vec![texts.fill(key, &shown)];
    let suggested = value(error, ContextKind::SuggestedSubcommand) + &value(error, ContextKind::SuggestedArg);
    if !suggested.is_empty() {
        lines.push(texts.fill("usage.suggestion", &[("what", &suggested)]));
    }
    let usage = value(error, ContextKind::Usage);
    let usage = usage.trim().trim_start_matches("Usage:").trim();
    if !usage.is_empty() {
        lines.push(texts.fill("usage.usage", &[("usage", &usage)]));
    }
    lines.push(texts.get("usage.help").to_owned());
    Some(lines.join("\n"))
}

/// The error as JSON, as every refusal has it.
pub fn as_json(error: &clap::Error) -> String {
    let values = json!({
        "argument": value(error, ContextKind::InvalidArg),
        "value": value(error, ContextKind::InvalidValue),
    });
    json!({ "error": "usage", "values": values }).to_string()
}

fn value(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;
    use crate::text::Language;

    fn zh(arguments: &[&str]) -> String {
        let texts = Texts::new(Language::Zh);
        let line = ["yaoban-clerk"].iter().chain(arguments);
        let error = command(&texts).try_get_matches_from(line).unwrap_err();
        worded(&error, &texts).unwrap()
    }

    #[test]
    fn a_wrong_command_line_is_told_in_chinese() {
        assert!(zh(&["note", "M1"]).starts_with("缺少 <TEXT>..."));
        assert!(zh(&["findd", "x"]).contains("没有“findd”这个命令"));
        assert!(zh(&["findd", "x"]).contains("find"));
        assert!(zh(&["find", "x", "--limt", "3"]).contains("--limit"));
        assert!(zh(&["dial", "2", "--result", "answered", "--seconds", "abc"]).contains("“abc”"));
        assert!(zh(&["tasks", "--done", "--later"]).contains("--later"));
        assert!(zh(&["find", "x", "--limit", "0"]).contains("“0”"));
        assert!(zh(&["--json"]).starts_with("还没有说要做什么"));
        assert!(zh(&[]).contains("命令：") && !zh(&[]).contains("Usage"));
        for line in [&["note"][..], &["tasks", "--done", "--later"], &["pair"]] {
            let told = zh(line);
            assert!(!told.contains("error") && told.contains("用法"), "{told}");
        }
    }

    #[test]
    fn help_is_no_error() {
        let texts = Texts::new(Language::Zh);
        let help = command(&texts)
            .try_get_matches_from(["yaoban-clerk", "find", "--help"])
            .unwrap_err();
        assert_eq!(worded(&help, &texts), None);
        let shown = help.render().to_string();
        assert!(
            shown.contains("用法") && !shown.contains("Usage") && !shown.contains("Print"),
            "{shown}"
        );
    }
}
