//! Messages from templates, each through the gate.

use yaoban_clerk_core::facade::contact::DialTarget;
use yaoban_clerk_core::facade::message::{MessagePreview, MessageResult, TemplateRow, Told};
use yaoban_domain::codes::Code as _;

use super::Session;
use super::task::target;
use crate::cli::MessageArgs;
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::screen::Screen;

pub fn message(session: &Session<'_>, args: &MessageArgs) -> Result<String, Failure> {
    if args.due {
        let result = session.app.due_messages()?;
        return hand_over(session, &result);
    }
    let (Some(task), Some(template)) = (&args.task, &args.template) else {
        let templates = session.app.templates(None)?;
        return session.print(&templates, |screen, templates| show_templates(screen, templates));
    };
    let target = target(session, task)?;
    if args.preview {
        let member_id = match &target {
            DialTarget::Task(id) => session.app.task(id)?.task.member_id,
            DialTarget::Member(id) => id.clone(),
        };
        let preview = session.app.preview_message(&member_id, template)?;
        return session.print(&preview, |screen, preview| show_preview(screen, preview));
    }
    let result = match &target {
        DialTarget::Task(id) => session.app.message_task(id, template)?,
        DialTarget::Member(id) => session.app.message(std::slice::from_ref(id), template)?,
    };
    if let ([refused], []) = (result.refused.as_slice(), result.ready.as_slice()) {
        return Err(Failure {
            code: refused.code.clone(),
            values: refused.values.clone(),
        });
    }
    hand_over(session, &result)
}

/// A message to many members.
pub fn to_group(session: &Session<'_>, member_ids: &[String], template: &str) -> Result<String, Failure> {
    let result = session.app.message(member_ids, template)?;
    hand_over(session, &result)
}

/// A terminal has no SMS app: what is shown here is handed over.
fn hand_over(session: &Session<'_>, result: &MessageResult) -> Result<String, Failure> {
    for out in &result.ready {
        session.app.message_told(&out.key, &Told::Sent)?;
    }
    session.print(result, |screen, result| show_result(session, screen, result))
}

fn show_templates(screen: &mut Screen<'_>, templates: &[TemplateRow]) {
    if templates.is_empty() {
        screen.say("message.no_templates", &[]);
        return;
    }
    let texts = screen.texts;
    let mut table = Table::default();
    for template in templates {
        table.row([
            template.template_id.clone(),
            texts.code("channel", template.channel.code()).to_owned(),
            texts.code("purpose", template.purpose.code()).to_owned(),
            template.title.clone(),
        ]);
    }
    screen.table(&table);
    screen.next("message.templates_next", &[]);
}

fn show_preview(screen: &mut Screen<'_>, preview: &MessagePreview) {
    let phone = preview
        .phone_masked
        .as_deref()
        .unwrap_or(screen.texts.get("show.no_phone"));
    screen.say("message.preview", &[("name", &preview.name), ("phone", &phone)]);
    screen.line(format!("  {}", preview.text));
    let verdict = match preview.gate.reason {
        Some(why) => reason(screen.texts, &format!("gate.{}", why.code()), &[]),
        None => screen.texts.get("message.allowed").to_owned(),
    };
    screen.line(verdict);
}

fn show_result(session: &Session<'_>, screen: &mut Screen<'_>, result: &MessageResult) {
    let nothing = result.ready.is_empty() && result.deferred.is_empty() && result.refused.is_empty();
    if nothing {
        screen.say("message.nothing", &[]);
    }
    for out in &result.ready {
        let channel = screen.texts.code("channel", out.channel.code());
        let phone = out.phone_masked.as_deref().unwrap_or_default();
        let to = format!("{} {phone}", out.name);
        screen.say("message.sent", &[("channel", &channel), ("to", &to.trim_end())]);
        screen.line(format!("  {}", out.text));
    }
    for deferred in &result.deferred {
        let why = reason(screen.texts, &format!("gate.{}", deferred.reason.code()), &[]);
        let until = session.app.local(deferred.until_ms).format("%m-%d %H:%M");
        screen.say(
            "message.deferred",
            &[("name", &deferred.name), ("until", &until), ("why", &why)],
        );
    }
    for refused in &result.refused {
        let why = reason(screen.texts, &refused.code, &refused.values);
        let name = if refused.name.is_empty() {
            &refused.id
        } else {
            &refused.name
        };
        screen.say("group.refused", &[("name", name), ("why", &why)]);
    }
    if result.ready.len() + result.deferred.len() + result.refused.len() > 1 {
        let counts = [result.ready.len(), result.deferred.len(), result.refused.len()];
        screen.say(
            "message.counts",
            &[
                ("ready", &counts[0]),
                ("deferred", &counts[1]),
                ("refused", &counts[2]),
            ],
        );
        for by in &result.reasons {
            let why = reason(screen.texts, &by.code, &by.values);
            screen.say("message.reason", &[("n", &by.names.len()), ("why", &why)]);
        }
    }
}
