//! The list of tasks, and a call from the dial to its outcome.

use chrono::NaiveTime;
use yaoban_clerk_core::facade::contact::{
    Awaits, Dial, DialTarget, EndedAttempt, NewOutcome, OpenAttempt, Recorded,
};
use yaoban_clerk_core::facade::tasks::{NewTask, Script, TaskFilter, TaskList, TaskRow, TaskView};
use yaoban_clerk_core::facade::wording::{ValueKind, kind_of};
use yaoban_domain::codes::{CarrierResult, Code as _, OutcomeCode, TaskKind};
use yaoban_domain::task::{Answer, asks};

use super::Session;
use super::profile::{said, worded};
use crate::cli::{DialArgs, OutcomeArgs, TasksArgs};
use crate::failure::Failure;
use crate::input;
use crate::layout::Table;
use crate::screen::Screen;
use crate::text::Texts;

pub fn tasks(session: &Session<'_>, args: &TasksArgs) -> Result<String, Failure> {
    if let Some(member) = &args.new {
        return make(session, member, args);
    }
    if let (Some(task), Some(until)) = (&args.defer, &args.until) {
        let until = input::date(until, session.today)?;
        let task = session
            .app
            .defer_task(&session.shown.resolve(task)?, until, None)?;
        return session.print(&task, |screen, task| show_state(session, screen, task));
    }
    if let Some(task) = &args.cancel {
        let task = session.app.cancel_task(&session.shown.resolve(task)?)?;
        return session.print(&task, |screen, task| show_state(session, screen, task));
    }
    let filter = TaskFilter {
        view: view(args),
        whole_store: args.store,
        ..TaskFilter::default()
    };
    let mut list = session.app.tasks(&filter)?;
    shorten(&mut list, args.limit.into());
    // A look into an empty list leaves the numbers of the one before.
    if list.count > 0 {
        let ids = list.tasks().map(|task| task.task_id.as_str());
        session.shown.keep(ids)?;
    }
    let open = session.app.open_attempts()?;
    session.print(&list, |screen, list| {
        for attempt in &open {
            show_open(screen, attempt);
        }
        show_list(screen, list, args);
    })
}

fn view(args: &TasksArgs) -> TaskView {
    if args.later {
        TaskView::Later
    } else if args.overdue {
        TaskView::Overdue
    } else if args.done {
        TaskView::DoneToday
    } else {
        TaskView::Due
    }
}

/// Keeps the first tasks; `count` still tells how many there are.
fn shorten(list: &mut TaskList, limit: usize) {
    let mut left = limit;
    for household in &mut list.households {
        household.tasks.truncate(left);
        left -= household.tasks.len();
    }
    list.households.retain(|household| !household.tasks.is_empty());
}

/// A dial that waits for a word, as after a phone that died during the call.
fn show_open(screen: &mut Screen<'_>, open: &OpenAttempt) {
    let key = if open.awaits == Awaits::Result {
        "tasks.open_result"
    } else {
        "tasks.open_outcome"
    };
    let task = open.target.task_id().unwrap_or(&open.member_id);
    let text = screen.texts.fill(key, &[("name", &open.name), ("task", &task)]);
    screen.line(screen.danger(&text));
}

fn make(session: &Session<'_>, member: &str, args: &TasksArgs) -> Result<String, Failure> {
    let member_id = session.member_id(member)?;
    let kind: TaskKind = input::code(session.texts, "task_kind", &args.kind)?;
    let new = NewTask {
        note: args.note.clone(),
        ..NewTask::of_kind(kind)
    };
    let task_id = session.app.make_task(&member_id, &new)?;
    let task = session.app.task(&task_id)?.task;
    session.print(&task, |screen, task| {
        let due = screen.date(task.due);
        screen.say("tasks.made", &[("name", &task.name), ("due", &due)]);
        screen.next("tasks.list_next", &[]);
    })
}

fn show_list(screen: &mut Screen<'_>, list: &TaskList, args: &TasksArgs) {
    let (texts, whole_store) = (screen.texts, args.store);
    if let Some(none) = &list.none {
        screen.say(&format!("tasks.{}", none.code), &[]);
        return;
    }
    let count = match view(args) {
        TaskView::Due => "tasks.count",
        TaskView::Later => "tasks.count_later",
        TaskView::Overdue => "tasks.count_overdue",
        TaskView::DoneToday => "tasks.count_done",
    };
    screen.heading(count, &[("n", &list.count)]);
    let mut heading = vec!["#"];
    heading.extend(["who", "phone", "kind", "due", "class", "why"].map(|key| texts.code("tasks", key)));
    if whole_store {
        heading.insert(6, texts.get("tasks.assignee"));
    }
    let mut table = Table::new(heading);
    let mut number = 0;
    for household in &list.households {
        for (place, task) in household.tasks.iter().enumerate() {
            number += 1;
            table.row(cells(screen, task, number, place > 0, whole_store));
        }
    }
    screen.table(&table);
    if list.count > number {
        screen.say("tasks.more", &[("n", &(list.count - number))]);
    }
    if view(args) == TaskView::Due {
        screen.next("tasks.next", &[]);
    }
}

fn cells(
    screen: &Screen<'_>,
    task: &TaskRow,
    number: usize,
    same_number: bool,
    whole_store: bool,
) -> Vec<String> {
    let texts = screen.texts;
    let danger = if task.emergency { "⚠ " } else { "" };
    let household = if same_number { "└ " } else { "" };
    let none = || texts.get("none").to_owned();
    let class = task.class.map(yaoban_domain::codes::Code::code);
    let mut cells = vec![
        number.to_string(),
        format!("{danger}{household}{}", task.name),
        task.phone_masked.clone().unwrap_or_else(none),
        texts.code("task_kind", task.kind.code()).to_owned(),
        screen.date(task.due),
        screen.code_or_none("class", class),
    ];
    if whole_store {
        cells.push(task.assignee_name.clone().unwrap_or_else(none));
    }
    cells.push(why(screen, task));
    cells
}

/// Why this member is on the list, and what matters about the task now.
fn why(screen: &Screen<'_>, task: &TaskRow) -> String {
    let mut parts = vec![said(screen, &task.why)];
    parts.extend(task.also.iter().map(|say| said(screen, say)));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

pub fn dial(session: &Session<'_>, args: &DialArgs) -> Result<String, Failure> {
    let target = target(session, &args.task)?;
    let result = args
        .result
        .as_ref()
        .map(|result| input::code::<CarrierResult>(session.texts, "carrier", result))
        .transpose()?;
    let (dialled, attempt_id) = match waiting_attempt(session, &target)? {
        Some(open) if result.is_some() && open.awaits == Awaits::Outcome => {
            // Its result was told: another one would be another dial.
            return Err(Failure::refused(
                "outcome_awaited",
                [("task", args.task.as_str())],
            ));
        }
        Some(open) if result.is_some() => (None, open.attempt_id),
        _ => {
            let dial = session.app.dial(&target)?;
            let id = dial.attempt_id.clone();
            (Some(dial), id)
        }
    };
    let ended = match result {
        Some(result) => Some((
            result,
            session.app.end_attempt(&attempt_id, result, args.seconds)?,
        )),
        None => None,
    };
    let record = serde_json::json!({
        "attempt_id": attempt_id,
        "dial": dialled,
        "ended": ended.as_ref().map(|(_, ended)| ended),
    });
    session.print(&record, |screen, _| {
        if let Some(dial) = &dialled {
            show_dial(screen, dial);
        }
        match &ended {
            Some((result, ended)) => show_end(session, screen, *result, ended, &args.task),
            None => screen.next("dial.next", &[("task", &args.task)]),
        }
    })
}

/// A number of the list or a task's id; else a member.
pub fn target(session: &Session<'_>, text: &str) -> Result<DialTarget, Failure> {
    let task_id = session.shown.resolve(text)?;
    if task_id != text {
        return Ok(DialTarget::Task(task_id));
    }
    match session.app.task(&task_id) {
        Ok(_) => Ok(DialTarget::Task(task_id)),
        Err(error) if error.code() == "task_unknown" => session.member_id(text).map(DialTarget::Member),
        Err(error) => Err(error.into()),
    }
}

/// The dial of this target that waits for a word: the carrier's or the clerk's.
fn waiting_attempt(session: &Session<'_>, target: &DialTarget) -> Result<Option<OpenAttempt>, Failure> {
    let open = session.app.open_attempts()?;
    Ok(open.into_iter().find(|open| open.target == *target))
}

fn show_dial(screen: &mut Screen<'_>, dial: &Dial) {
    let phone = dial.phone_masked.clone().unwrap_or_default();
    screen.heading("dial.begun", &[("name", &dial.name), ("phone", &phone)]);
    if let Some(script) = &dial.script {
        show_script(screen, script);
    }
}

fn show_script(screen: &mut Screen<'_>, script: &Script) {
    screen.say("dial.script", &[("title", &script.title)]);
    screen.line(format!("  {}", script.text));
    for point in &script.points {
        screen.line(format!("  · {point}"));
    }
}

fn show_end(
    session: &Session<'_>,
    screen: &mut Screen<'_>,
    result: CarrierResult,
    ended: &EndedAttempt,
    task: &str,
) {
    let texts = screen.texts;
    screen.say("dial.ended", &[("result", &texts.code("carrier", result.code()))]);
    if ended.number_marked {
        screen.say("dial.marked", &[]);
    }
    if ended.outcome_required {
        screen.next("dial.outcome_next", &[("task", &task)]);
    } else if let Some(task) = &ended.task {
        show_state(session, screen, task);
        screen.next("dial.on_next", &[]);
    }
}

/// Where a task stands now.
fn show_state(session: &Session<'_>, screen: &mut Screen<'_>, task: &TaskRow) {
    let mut values = vec![("name", task.name.clone())];
    for (name, value) in &task.after.values {
        let shown = match value.parse() {
            Ok(at_ms) if kind_of(name, value) == ValueKind::Instant => {
                let at = session.app.local(at_ms);
                format!("{} {}", screen.date(at.date()), at.format("%H:%M"))
            }
            _ => worded(screen, name, value),
        };
        values.push((name, shown));
    }
    let shown: Vec<(&str, &dyn std::fmt::Display)> = values
        .iter()
        .map(|(name, value)| (*name, value as &dyn std::fmt::Display))
        .collect();
    screen.say(&format!("task.{}", task.after.code), &shown);
}

pub fn outcome(session: &Session<'_>, args: &OutcomeArgs) -> Result<String, Failure> {
    let task_id = session.shown.resolve(&args.task)?;
    if args.take_back {
        return take_back(session, &task_id);
    }
    let Some(outcome) = &args.outcome else {
        return outcomes(session, &args.task, &task_id);
    };
    let date = args
        .date
        .as_deref()
        .map(|text| input::date(text, session.today))
        .transpose()?;
    let call_at_ms = args.hour.map(|hour| hour_of(session, date, hour)).transpose()?;
    let new = NewOutcome {
        date,
        call_at_ms,
        ingredient: args.ingredient.clone(),
        note: args.note.clone(),
        ..NewOutcome::of(input::code(session.texts, "outcome", outcome)?)
    };
    let recorded = session.app.record_outcome(&task_id, &new)?;
    session.print(&recorded, |screen, recorded| {
        show_recorded(session, screen, recorded, &new, &args.task);
    })
}

/// The instant of an hour, on the day chosen or today.
fn hour_of(session: &Session<'_>, date: Option<chrono::NaiveDate>, hour: u32) -> Result<i64, Failure> {
    let text = hour.to_string();
    let time = NaiveTime::from_hms_opt(hour, 0, 0)
        .ok_or_else(|| Failure::refused("input.hour", [("text", text.as_str())]))?;
    let calendar = session.app.settings().calendar;
    Ok(calendar.instant_ms(date.unwrap_or(session.today).and_time(time)))
}

fn show_recorded(
    session: &Session<'_>,
    screen: &mut Screen<'_>,
    recorded: &Recorded,
    new: &NewOutcome,
    task: &str,
) {
    let texts = screen.texts;
    let outcome = texts.code("outcome", new.code.code());
    let asks = asks(new.code, &session.app.settings().rules.task);
    let of_medicine = asks.medicine != Answer::NotAsked;
    match (new.code, new.date) {
        (OutcomeCode::AgreedToVisit, Some(day)) => {
            screen.say(
                "outcome.visit",
                &[("outcome", &outcome), ("day", &screen.date(day))],
            );
        }
        (_, Some(day)) if of_medicine => {
            let day = screen.date(day);
            let medicine = recorded.ingredient.as_deref().unwrap_or_default();
            screen.say(
                "outcome.stock",
                &[("outcome", &outcome), ("medicine", &medicine), ("day", &day)],
            );
        }
        _ => screen.say("outcome.done", &[("outcome", &outcome)]),
    }
    show_state(session, screen, &recorded.task);
    if of_medicine && recorded.ingredient.is_none() {
        screen.say("outcome.which_medicine", &[]);
    }
    if let Some(follow_up) = &recorded.follow_up {
        let who = follow_up
            .assignee_name
            .clone()
            .unwrap_or_else(|| texts.get("outcome.anyone").to_owned());
        screen.line(screen.danger(&texts.fill("outcome.follow_up", &[("who", &who)])));
    }
    screen.next("outcome.next", &[("task", &task)]);
}

fn take_back(session: &Session<'_>, task_id: &str) -> Result<String, Failure> {
    let held = session.app.held_outcome_of(task_id)?;
    let outcome_id = held.ok_or_else(|| Failure::refused("take_back_over", []))?;
    let task = session.app.take_back(&outcome_id)?;
    session.print(&task, |screen, task| {
        screen.say("outcome.taken_back", &[]);
        show_state(session, screen, task);
    })
}

/// What can be recorded, with what each needs.
fn outcomes(session: &Session<'_>, task: &str, task_id: &str) -> Result<String, Failure> {
    let offered = session.app.outcome_choices(task_id)?;
    session.print(&offered, |screen, offered| {
        let mut table = Table::default();
        for code in offered.choices.iter().map(|choice| choice.code.code()) {
            table.row([screen.texts.code("outcome", code), code, need(screen.texts, code)]);
        }
        screen.table(&table);
        screen.next("outcome.list_next", &[("task", &task)]);
    })
}

fn need<'t>(texts: &'t Texts, code: &'t str) -> &'t str {
    let key = format!("outcome_need.{code}");
    if texts.has(&key) {
        texts.code("outcome_need", code)
    } else {
        ""
    }
}
