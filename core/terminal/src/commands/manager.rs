//! What a store manager does: who did what, and whose task is whose.

use yaoban_clerk_core::facade::manager::{ClerkDay, Reassigned};

use super::Session;
use super::phone::staff_id;
use crate::cli::ReassignArgs;
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::screen::Screen;

pub fn today(session: &Session<'_>) -> Result<String, Failure> {
    let today = session.app.today_by_clerk()?;
    session.print(&today, |screen, today| {
        let texts = screen.texts;
        screen.heading("today.head", &[("day", &today.day)]);
        let columns = [
            "who", "open", "due", "done", "attempts", "answered", "agreed", "messages", "overdue",
        ];
        let mut table = Table::new(columns.map(|key| texts.code("today", key)));
        for clerk in &today.clerks {
            let nobody = clerk.staff_id.is_none();
            let name = if nobody {
                texts.get("today.nobody")
            } else {
                &clerk.name
            };
            let off = if clerk.off_today {
                texts.get("staff.off")
            } else {
                ""
            };
            table.row(cells(format!("{name}{off}"), clerk));
        }
        if today.clerks.len() > 1 {
            table.row(cells(texts.get("today.total").to_owned(), &today.total));
        }
        screen.table(&table);
        if today.total.overdue > 0 {
            screen.next("today.next", &[]);
        }
    })
}

fn cells(name: String, clerk: &ClerkDay) -> Vec<String> {
    let counts = [
        clerk.open,
        clerk.due,
        clerk.done,
        clerk.attempts,
        clerk.answered,
        clerk.agreed,
        clerk.messages,
        clerk.overdue,
    ];
    std::iter::once(name)
        .chain(counts.map(|count| count.to_string()))
        .collect()
}

pub fn reassign(session: &Session<'_>, args: &ReassignArgs) -> Result<String, Failure> {
    if args.rebalance {
        let moved = session.app.rebalance()?;
        return session.print(&moved, show_moved);
    }
    let Some(task) = &args.task else {
        return Err(Failure::refused("input.reassign", []));
    };
    let task_id = session.shown.resolve(task)?;
    if args.nudge {
        let task = session.app.nudge(&task_id)?;
        return session.print(&task, |screen, task| {
            screen.say("reassign.nudged", &[("name", &task.name)]);
        });
    }
    let to = args.to.as_deref().map(|who| staff_id(session, who)).transpose()?;
    let task = session.app.reassign(&task_id, to.as_deref())?;
    session.print(&task, |screen, task| {
        let anyone = screen.texts.get("outcome.anyone");
        let who = task.assignee_name.as_deref().unwrap_or(anyone);
        screen.say("reassign.done", &[("name", &task.name), ("who", &who)]);
    })
}

fn show_moved(screen: &mut Screen<'_>, moved: &Reassigned) {
    screen.say("reassign.moved", &[("n", &moved.moved.len())]);
    for refused in &moved.refused {
        let why = reason(screen.texts, &refused.code, &refused.values);
        screen.say("group.refused", &[("name", &refused.name), ("why", &why)]);
    }
    screen.next("reassign.next", &[]);
}
