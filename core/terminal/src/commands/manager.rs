//! What a store manager does: who did what, and whose task is whose.

use yaoban_clerk_core::facade::manager::{
    ClerkDay, DuplicateMember, Reassigned, Today, TodayFigure, TodayItem, Whose,
};

use super::Session;
use super::phone::staff_id;
use crate::cli::{DuplicatesArgs, ReassignArgs, TodayArgs};
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::screen::{Screen, yuan};

/// The numbers of a day, in the order of the table.
const FIGURES: [(&str, TodayFigure); 8] = [
    ("open", TodayFigure::Open),
    ("due", TodayFigure::Due),
    ("done", TodayFigure::Done),
    ("attempts", TodayFigure::Attempts),
    ("answered", TodayFigure::Answered),
    ("agreed", TodayFigure::Agreed),
    ("messages", TodayFigure::Messages),
    ("overdue", TodayFigure::Overdue),
];

pub fn today(session: &Session<'_>, args: &TodayArgs) -> Result<String, Failure> {
    if let Some(figure) = &args.figure {
        return items(session, figure, args.of.as_deref());
    }
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
        if let Some(total) = &today.total {
            table.row(cells(texts.get("today.total").to_owned(), total));
        }
        screen.table(&table);
        next_of(screen, today);
    })
}

fn next_of(screen: &mut Screen<'_>, today: &Today) {
    let overdue = |clerk: &ClerkDay| clerk.count(TodayFigure::Overdue) > 0;
    if today.clerks.iter().any(overdue) {
        screen.next("today.next", &[]);
    } else {
        screen.next("today.items_next", &[]);
    }
}

/// The list behind a number of the table.
fn items(session: &Session<'_>, figure: &str, of: Option<&str>) -> Result<String, Failure> {
    let texts = session.texts;
    let known = FIGURES
        .iter()
        .find(|(code, _)| *code == figure || texts.code("today", code) == figure);
    let Some((code, figure)) = known else {
        let words = FIGURES.map(|(code, _)| format!("{code} {}", texts.code("today", code)));
        return Err(Failure::refused(
            "input.code",
            [("text", figure), ("expected", words.join("、").as_str())],
        ));
    };
    let whose = match of {
        Some(who) => Whose::Staff(staff_id(session, who)?),
        None => Whose::Store,
    };
    let items = session.app.today_items(&whose, *figure)?;
    let staff = session.app.staff()?;
    session.print(&items, |screen, items| {
        screen.heading(
            "today.items",
            &[("what", &screen.texts.code("today", code)), ("n", &items.len())],
        );
        let mut table = Table::default();
        for item in items {
            let who = staff
                .iter()
                .find(|row| Some(&row.staff_id) == item.staff_id.as_ref());
            let who = who.map_or(screen.texts.get("today.nobody"), |row| row.name.as_str());
            table.row(item_cells(session, screen, item, who));
        }
        screen.table(&table);
    })
}

fn item_cells(session: &Session<'_>, screen: &Screen<'_>, item: &TodayItem, who: &str) -> Vec<String> {
    let texts = screen.texts;
    let none = texts.get("none");
    let word = match item.code.as_str() {
        "" => none,
        code => texts.code(item.group, code),
    };
    let when = match item.due {
        Some(due) => texts.fill("today.due_on", &[("day", &screen.date(due))]),
        None => session.app.local(item.at_ms).format("%H:%M").to_string(),
    };
    vec![
        item.name.clone(),
        item.phone_masked.as_deref().unwrap_or(none).to_owned(),
        who.to_owned(),
        word.to_owned(),
        when,
    ]
}

/// Pairs of members on one number, and what the manager decides about them.
pub fn duplicates(session: &Session<'_>, args: &DuplicatesArgs) -> Result<String, Failure> {
    let pair = |ids: &Option<Vec<String>>| {
        let ids = ids.as_deref()?;
        Some((ids.first()?.clone(), ids.get(1)?.clone()))
    };
    let done = if let Some((keep, other)) = pair(&args.merge) {
        session.app.merge_members(&keep, &other)?;
        Some("duplicates.merged")
    } else if let Some((keep, other)) = pair(&args.undo) {
        session.app.undo_merge(&keep, &other)?;
        Some("duplicates.undone")
    } else if let Some((one, other)) = pair(&args.apart) {
        session.app.keep_apart(&one, &other)?;
        Some("duplicates.apart")
    } else {
        None
    };
    let pairs = session.app.duplicates()?;
    session.print(&pairs, |screen, pairs| {
        if let Some(key) = done {
            screen.say(key, &[]);
        }
        if pairs.is_empty() {
            screen.say("duplicates.none", &[]);
            return;
        }
        let mut table = Table::default();
        for pair in pairs {
            table.row(duplicate_cells(screen, &pair.first, ""));
            table.row(duplicate_cells(screen, &pair.second, "└ "));
        }
        screen.table(&table);
        screen.next("duplicates.next", &[]);
    })
}

fn duplicate_cells(screen: &Screen<'_>, member: &DuplicateMember, mark: &str) -> Vec<String> {
    let sex = member.sex.as_ref().map(|sex| sex.code());
    vec![
        format!("{mark}{}", member.member_id),
        member.name.clone(),
        member.phone_masked.clone().unwrap_or_default(),
        screen.code_or_none("sex", sex),
        member
            .birthday
            .map_or_else(|| screen.texts.get("none").to_owned(), |day| day.to_string()),
        screen.date_or_none(member.last_visit),
        yuan(member.total_fen),
    ]
}

fn cells(name: String, clerk: &ClerkDay) -> Vec<String> {
    let counts = FIGURES.map(|(_, figure)| clerk.count(figure).to_string());
    std::iter::once(name).chain(counts).collect()
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
    let to = match &args.to {
        Some(who) => Some(staff_id(session, who)?),
        None if args.anyone => None,
        None => return Err(Failure::refused("input.reassign", [])),
    };
    let task = session.app.reassign(&task_id, to.as_deref())?;
    session.print(&task, |screen, task| match &task.assignee_name {
        Some(who) => screen.say("reassign.done", &[("name", &task.name), ("who", who)]),
        None => screen.say("reassign.anyone", &[("name", &task.name)]),
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
