//! Messages from templates, each through the gate.

use yaoban_clerk_core::facade::message::{MessagePreview, MessageResult, TemplateRow};
use yaoban_domain::codes::{Code as _, SendState};

use super::Session;
use super::task::{Target, target};
use crate::cli::MessageArgs;
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::screen::Screen;

pub fn message(session: &Session<'_>, args: &MessageArgs) -> Result<String, Failure> {
    let Some(template) = &args.template else {
        let templates = session.app.templates(None)?;
        return session.print(&templates, |screen, templates| show_templates(screen, templates));
    };
    let target = target(session, &args.task)?;
    if args.preview {
        let member_id = match &target {
            Target::Task(id) => session.app.task(id)?.task.member_id,
            Target::Member(id) => id.clone(),
        };
        let preview = session.app.preview_message(&member_id, template)?;
        return session.print(&preview, |screen, preview| show_preview(screen, preview));
    }
    let result = match &target {
        Target::Task(id) => session.app.message_task(id, template)?,
        Target::Member(id) => session.app.message(std::slice::from_ref(id), template)?,
    };
    // A terminal has no SMS app: what is shown here is handed over.
    for out in &result.ready {
        session.app.message_result(&out.key, SendState::Sent, None)?;
    }
    if let Some(refused) = result.refused.first() {
        return Err(Failure {
            code: refused.code.clone(),
            values: refused.values.clone(),
        });
    }
    session.print(&result, |screen, result| show_result(session, screen, result))
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
    let phone = preview.phone_masked.clone().unwrap_or_default();
    screen.say("message.preview", &[("name", &preview.name), ("phone", &phone)]);
    screen.line(format!("  {}", preview.text));
    let verdict = match preview.gate.reason {
        Some(why) => reason(screen.texts, &format!("gate.{}", why.code()), &[]),
        None => screen.texts.get("message.allowed").to_owned(),
    };
    screen.line(verdict);
}

fn show_result(session: &Session<'_>, screen: &mut Screen<'_>, result: &MessageResult) {
    for out in &result.ready {
        let phone = out.phone_masked.clone().unwrap_or_default();
        screen.say("message.sent", &[("name", &out.name), ("phone", &phone)]);
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
}
