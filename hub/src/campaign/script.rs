//! Templates and scripts from files.

use serde::Deserialize;
use yaoban_domain::codes::{ContactPurpose, Open, TaskKind};
use yaoban_domain::model::Template;
use yaoban_domain::rules::Rules;
use yaoban_domain::template::lint;

use super::CampaignError;
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;

/// Characters in a text or all points of a script together.
const TEXT_CHARS_MAX: usize = 5_000;
/// Talking points of a script.
const POINTS_MAX: usize = 30;
/// Templates in one file.
const TEMPLATES_MAX: usize = 1_000;

/// The kind of text that a kind of task needs.
pub fn text_kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Sms => "sms",
        TaskKind::Wechat => "wechat",
        TaskKind::Call | TaskKind::InStore | TaskKind::Pharmacist => "script",
    }
}

/// The script of a campaign from a file: a template in JSON, which keeps its own id, or plain text.
/// In a text the line that begins with `#` is the title, lines that begin with `- ` are talking
/// points, the rest is what to say or send; its id is the one given.
pub fn read_script(
    id: &str,
    title: &str,
    text: &str,
    kind: TaskKind,
    purpose: ContactPurpose,
) -> Result<Template, CampaignError> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return Ok(plain_script(id, title, text, kind, purpose));
    }
    let mut templates = read_templates(text)?;
    let Some(template) = templates.pop() else {
        return Err(CampaignError::Script("it is empty".to_owned()));
    };
    if template.kind != text_kind(kind) || !template.purpose.is(purpose) {
        return Err(CampaignError::Script(format!(
            "`{}` is a {} for {}, the campaign needs a {} for {purpose}",
            template.id,
            template.kind,
            template.purpose.code(),
            text_kind(kind)
        )));
    }
    Ok(template)
}

fn plain_script(id: &str, title: &str, text: &str, kind: TaskKind, purpose: ContactPurpose) -> Template {
    let mut template = Template {
        id: id.to_owned(),
        title: title.to_owned(),
        kind: text_kind(kind).to_owned(),
        purpose: purpose.into(),
        text: String::new(),
        points: Vec::new(),
    };
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('#') {
            title.trim().clone_into(&mut template.title);
        } else if let Some(point) = line.strip_prefix("- ") {
            template.points.push(point.trim().to_owned());
        } else {
            lines.push(line);
        }
    }
    lines.join("\n").trim().clone_into(&mut template.text);
    template
}

/// Holds a template against the rules for texts and the limits.
pub fn check(tx: &Tx<'_>, template: &Template, rules: &Rules) -> Result<(), CampaignError> {
    let refuse = |reason: String| Err(CampaignError::Script(format!("`{}`: {reason}", template.id)));
    if template.text.is_empty() && template.points.is_empty() {
        return refuse("it is empty".to_owned());
    }
    let points: usize = template.points.iter().map(|point| point.chars().count()).sum();
    if template.text.chars().count() + points > TEXT_CHARS_MAX || template.points.len() > POINTS_MAX {
        return refuse(format!(
            "it has more than {TEXT_CHARS_MAX} characters or {POINTS_MAX} points"
        ));
    }
    let findings = lint(template, &tx.drugs()?, &rules.gate);
    if findings.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    refuse(texts.join("; "))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Many(Vec<Template>),
    One(Box<Template>),
}

/// Reads a file of templates: one record or a list of them in JSON, with `id`, `title`, `kind`
/// (`script`, `sms`, `wechat`), `purpose` (`service`, `marketing`), `text` and `points`.
pub fn read_templates(json: &str) -> Result<Vec<Template>, CampaignError> {
    let refuse = |reason: String| CampaignError::Script(reason);
    let file: File = serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(|error| {
        refuse(format!(
            "not a template or a list of templates in JSON (id, title, kind, purpose, text, points): {error}"
        ))
    })?;
    let templates = match file {
        File::Many(templates) => templates,
        File::One(template) => vec![*template],
    };
    if templates.len() > TEMPLATES_MAX {
        return Err(refuse(format!("more than {TEMPLATES_MAX} templates in one file")));
    }
    for template in &templates {
        let known_kind = matches!(template.kind.as_str(), "script" | "sms" | "wechat");
        let known_purpose = matches!(
            template.purpose,
            Open::Known(ContactPurpose::Service | ContactPurpose::Marketing | ContactPurpose::Emergency)
        );
        if template.id.is_empty() || !known_kind || !known_purpose {
            return Err(refuse(format!(
                "template `{}`: needs an id, a kind (script, sms, wechat) and a purpose (service, marketing)",
                template.id
            )));
        }
    }
    Ok(templates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_title_points_and_text() {
        let text = "\u{feff}# 续药提醒\n您好，{name}。\n- 先问血压\n- 再问用药\n祝好";
        let script = read_script("s1", "x", text, TaskKind::Call, ContactPurpose::Service).unwrap();
        assert_eq!(
            (script.title.as_str(), script.kind.as_str()),
            ("续药提醒", "script")
        );
        assert_eq!(script.text, "您好，{name}。\n祝好");
        assert_eq!(script.points, ["先问血压", "再问用药"]);
    }

    #[test]
    fn a_script_in_json_keeps_its_id_and_must_fit() {
        let json = r#"{"id":"t","title":"T","kind":"script","purpose":"service","text":"您好"}"#;
        let read = |kind, purpose| read_script("s1", "x", json, kind, purpose);
        assert_eq!(read(TaskKind::Call, ContactPurpose::Service).unwrap().id, "t");
        assert!(read(TaskKind::Sms, ContactPurpose::Service).is_err());
        assert!(read(TaskKind::Call, ContactPurpose::Marketing).is_err());
    }

    #[test]
    fn templates_are_read_alone_or_in_a_list() {
        let one = r#"{"id":"t","title":"T","kind":"sms","purpose":"service","text":"【店】您好"}"#;
        assert_eq!(read_templates(one).unwrap().len(), 1);
        assert_eq!(read_templates(&format!("[{one},{one}]")).unwrap().len(), 2);
        assert!(read_templates("[1]").is_err());
        assert!(
            read_templates(&one.replace("sms", "fax"))
                .unwrap_err()
                .to_string()
                .contains("kind")
        );
    }
}
