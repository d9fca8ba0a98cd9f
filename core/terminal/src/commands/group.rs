//! Members by conditions: looked at, kept as a filter, given tasks or a message.

use serde::Serialize;
use serde_json::json;
use yaoban_clerk_core::facade::groups::{Group, SavedGroup};
use yaoban_clerk_core::facade::overview::Count;
use yaoban_clerk_core::facade::tasks::NewTask;
use yaoban_domain::codes::{Care, Class, Code as _, MedicineStatus, TaskKind};

use super::Session;
use super::member::member_table;
use super::message;
use crate::cli::GroupArgs;
use crate::failure::{Failure, reason};
use crate::input;
use crate::screen::Screen;

/// Tags shown beside the filters that were kept.
const TAGS: usize = 20;

pub fn group(session: &Session<'_>, args: &GroupArgs) -> Result<String, Failure> {
    if args.forget {
        return forget(session, args.name.as_deref().unwrap_or_default());
    }
    let Some(rule) = rule_of(session, args)? else {
        return kept(session);
    };
    if let Some(name) = &args.save {
        session.app.save_group(name, &rule)?;
    }
    let group = session.app.group(&rule, 0, args.limit.into())?;
    let ids = || -> Vec<String> { group.members.iter().map(|row| row.member_id.clone()).collect() };
    if let Some(template) = &args.message {
        return message::to_group(session, &ids(), template);
    }
    if let Some(kind) = &args.task {
        return make_tasks(session, args, &ids(), kind);
    }
    session.print(&group, |screen, group| {
        if let Some(name) = &args.save {
            screen.say("group.saved", &[("name", name)]);
        }
        show_group(screen, group);
    })
}

fn make_tasks(
    session: &Session<'_>,
    args: &GroupArgs,
    ids: &[String],
    kind: &str,
) -> Result<String, Failure> {
    let kind: TaskKind = input::code(session.texts, "task_kind", kind)?;
    let due = args
        .due
        .as_deref()
        .map(|text| input::date(text, session.today))
        .transpose()?;
    let new = NewTask {
        due,
        ..NewTask::of_kind(kind)
    };
    let made = session.app.make_tasks(ids, &new)?;
    session.print(&made, |screen, made| {
        screen.say("group.made", &[("n", &made.made.len())]);
        for refused in &made.refused {
            let why = reason(screen.texts, &refused.code, &refused.values);
            screen.say("group.refused", &[("name", &refused.name), ("why", &why)]);
        }
        screen.next("tasks.list_next", &[]);
    })
}

/// The rule of a filter that was kept, of a file, or of all conditions together; none: nothing was
/// asked for.
fn rule_of(session: &Session<'_>, args: &GroupArgs) -> Result<Option<String>, Failure> {
    if let Some(name) = &args.name {
        return saved(session, name).map(|saved| Some(saved.rule));
    }
    if let Some(file) = &args.rule {
        return std::fs::read_to_string(file)
            .map(Some)
            .map_err(|error| Failure::of_file("rule_file", file, &error, session.texts));
    }
    let texts = session.texts;
    let mut all = Vec::new();
    if !args.classes.is_empty() {
        let classes = args
            .classes
            .iter()
            .map(|text| input::code::<Class>(texts, "class", text));
        let codes = classes
            .map(|class| class.map(Class::code))
            .collect::<Result<Vec<_>, _>>()?;
        all.push(json!({ "class": codes }));
    }
    if let Some(care) = &args.care {
        all.push(json!({ "care": input::code::<Care>(texts, "care", care)?.code() }));
    }
    if let Some(status) = &args.medicine {
        let status = input::code::<MedicineStatus>(texts, "medicine", status)?;
        all.push(json!({ "medicine": { "status": status.code() } }));
    }
    if let Some(days) = args.birthday {
        all.push(json!({ "birthday": { "within_days": days } }));
    }
    for word in &args.diseases {
        if yaoban_domain::disease::find(word).is_none() {
            return Err(Failure::refused("input.disease", [("text", word.as_str())]));
        }
    }
    for (key, words) in [("disease", &args.diseases), ("tags", &args.tags)] {
        if !words.is_empty() {
            all.push(json!({ key: words }));
        }
    }
    Ok((!all.is_empty()).then(|| json!({ "all": all }).to_string()))
}

fn saved(session: &Session<'_>, name: &str) -> Result<SavedGroup, Failure> {
    let kept = session.app.saved_groups()?;
    kept.into_iter()
        .find(|saved| saved.name == name)
        .ok_or_else(|| Failure::refused("group_unknown", [("name", name)]))
}

fn forget(session: &Session<'_>, name: &str) -> Result<String, Failure> {
    let gone = saved(session, name)?;
    session.app.remove_group(name)?;
    session.print(&gone, |screen, gone| {
        screen.say("group.forgotten", &[("name", &gone.name)]);
    })
}

/// What a group can be picked by: filters that were kept, tags in use.
#[derive(Serialize)]
struct Kept {
    saved: Vec<SavedGroup>,
    tags: Vec<Count>,
}

fn kept(session: &Session<'_>) -> Result<String, Failure> {
    let mut tags = session.app.member_counts()?.tags;
    tags.truncate(TAGS);
    let kept = Kept {
        saved: session.app.saved_groups()?,
        tags,
    };
    session.print(&kept, |screen, kept| {
        let names: Vec<&str> = kept.saved.iter().map(|saved| saved.name.as_str()).collect();
        if !names.is_empty() {
            screen.say("group.kept", &[("names", &names.join("、"))]);
        }
        let tags = kept.tags.iter().map(|tag| format!("{} {}", tag.code, tag.count));
        let tags = tags.collect::<Vec<_>>().join("、");
        if !tags.is_empty() {
            screen.free("", &screen.texts.fill("group.tags", &[("tags", &tags)]));
        }
        screen.next("group.kept_next", &[]);
    })
}

fn show_group(screen: &mut Screen<'_>, group: &Group) {
    screen.heading("group.count", &[("n", &group.count)]);
    if group.count == 0 {
        return;
    }
    member_table(screen, &group.members);
    if group.count > group.members.len() {
        screen.say("group.more", &[("n", &(group.count - group.members.len()))]);
    }
    screen.next("group.next", &[]);
}
