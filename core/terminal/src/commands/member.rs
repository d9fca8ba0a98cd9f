//! Members: found, registered, grouped; their purchases, readings, notes and consents.

use std::fmt::Write as _;

use yaoban_clerk_core::facade::find::MemberRow;
use yaoban_clerk_core::facade::history::{DaysAsked, HistoryPage};
use yaoban_clerk_core::facade::members::{NewConsent, NewMember, Registered};
use yaoban_clerk_core::facade::readings::{NewReading, ReadingAdded, ReadingRow, Readings};
use yaoban_clerk_core::sync::Cancel;
use yaoban_domain::codes::{Care, Channel, Code as _, ConsentPurpose, ReadingContext, Sex};

use super::Session;
use crate::cli::{ConsentArgs, FindArgs, HistoryArgs, NoteArgs, ReadingArgs, RegisterArgs};
use crate::failure::Failure;
use crate::input::{self, Value};
use crate::layout::Table;
use crate::screen::{Screen, decimal, tenths, yuan};

/// Readings of a trend.
const TREND: u32 = 20;

pub fn find(session: &Session<'_>, args: &FindArgs) -> Result<String, Failure> {
    let text = args.text.join(" ");
    let limit = usize::from(args.limit);
    let found = match &args.reason {
        Some(reason) => session.app.lookup(&text, reason, &Cancel::default())?.members,
        None => session.app.find(&text, limit)?.members,
    };
    session.print(&found, |screen, found| match found.as_slice() {
        [] if args.reason.is_some() => {
            screen.say("find.none_anywhere", &[("text", &text)]);
            screen.next("find.register_next", &[]);
        }
        [] => {
            screen.say("find.none", &[("text", &text)]);
            screen.next("find.none_next", &[]);
        }
        [_] => {
            member_table(screen, found);
            screen.next("find.next", &[("id", &text)]);
        }
        [first, ..] => {
            let key = if found.len() == limit {
                "find.first"
            } else {
                "find.count"
            };
            screen.heading(key, &[("n", &found.len())]);
            member_table(screen, found);
            screen.next("find.next", &[("id", &first.member_id)]);
        }
    })
}

/// Members one below the other.
pub fn member_table(screen: &mut Screen<'_>, members: &[MemberRow]) {
    let texts = screen.texts;
    let mut table =
        Table::new(["id", "name", "phone", "class", "visit", "marks"].map(|key| texts.code("find", key)));
    for row in members {
        table.row([
            screen.member_id(&row.member_id).to_owned(),
            row.name.clone(),
            row.phone_masked
                .clone()
                .unwrap_or_else(|| texts.get("none").to_owned()),
            screen.code_or_none("class", row.class.as_deref()),
            screen.date_or_none(row.last_visit),
            marks(screen, row),
        ]);
    }
    screen.table(&table);
}

/// What stands out about a member: allergies first.
pub fn marks(screen: &Screen<'_>, row: &MemberRow) -> String {
    let texts = screen.texts;
    let mut marks = Vec::new();
    if row.allergies {
        marks.push(screen.danger(texts.get("mark.allergies")));
    }
    if row.care.as_deref() == Some(Care::Chronic.code()) {
        marks.push(texts.code("care", Care::Chronic.code()).to_owned());
    }
    if row.household > 0 {
        marks.push(texts.fill("mark.household", &[("n", &row.household)]));
    }
    if row.looked_up {
        marks.push(texts.get("mark.looked_up").to_owned());
    }
    marks.join(" ")
}

pub fn register(session: &Session<'_>, args: &RegisterArgs) -> Result<String, Failure> {
    let texts = session.texts;
    let birthday = args.birthday.as_deref().map(input::birthday).transpose()?;
    let sex = args
        .sex
        .as_deref()
        .map(|sex| input::code::<Sex>(texts, "sex", sex))
        .transpose()?;
    let consents = args.consents.iter().map(|text| consent_of(session, text));
    let new = NewMember {
        name: args.name.clone(),
        phone: args.phone.clone(),
        sex: sex.map(|sex| sex.code().to_owned()),
        birthday,
        diseases: args.diseases.clone(),
        allergies: args.allergies.clone(),
        tags: args.tags.clone(),
        height_cm: args.height,
        weight_hg: args.weight.as_deref().map(input::weight).transpose()?,
        consents: consents.collect::<Result<_, _>>()?,
        ..NewMember::default()
    };
    let registered = session.app.register(&new)?;
    session.print(&registered, |screen, registered| {
        show_registered(screen, registered, args.phone.as_deref());
    })
}

fn show_registered(screen: &mut Screen<'_>, registered: &Registered, phone: Option<&str>) {
    let name = &registered.member.name;
    screen.say("register.done", &[("name", name)]);
    if !registered.same_number.is_empty() {
        let same_name = registered.same_number.iter().any(|row| row.name == *name);
        let key = if same_name {
            "register.same_person"
        } else {
            "register.same_number"
        };
        screen.say(key, &[]);
        member_table(screen, &registered.same_number);
    }
    screen.next("register.next", &[("who", &phone.unwrap_or(name))]);
}

/// `purpose[:channel]=yes|no`, in codes or in words.
fn consent_of(session: &Session<'_>, text: &str) -> Result<NewConsent, Failure> {
    let wrong = || Failure::refused("input.consent", [("text", text)]);
    let (what, answer) = text.split_once('=').ok_or_else(wrong)?;
    let granted = match answer {
        "yes" | "是" | "同意" => true,
        "no" | "否" | "不同意" => false,
        _ => return Err(wrong()),
    };
    let (purpose, channel) = match what.split_once(':') {
        Some((purpose, channel)) => (purpose, Some(channel)),
        None => (what, None),
    };
    let purpose: ConsentPurpose = input::code(session.texts, "consent", purpose)?;
    let channel = channel
        .map(|channel| input::code::<Channel>(session.texts, "channel", channel))
        .transpose()?;
    Ok(NewConsent {
        purpose: purpose.code().to_owned(),
        channel: channel.map(|channel| channel.code().to_owned()),
        granted,
        wording_version: String::new(),
    })
}

pub fn history(session: &Session<'_>, args: &HistoryArgs) -> Result<String, Failure> {
    let member_id = session.member_id(&args.member)?;
    let until = args.until.as_deref().map(input::birthday).transpose()?;
    let asked = DaysAsked {
        until,
        at_hub: args.older,
        ..DaysAsked::default()
    };
    let page = session.app.history(&member_id, &asked, &Cancel::default())?;
    session.print(&page, |screen, page| {
        show_history(screen, page, &member_id, args.older);
    })
}

fn show_history(screen: &mut Screen<'_>, page: &HistoryPage, member_id: &str, older: bool) {
    if page.days.is_empty() {
        screen.say(
            if older {
                "history.none_older"
            } else {
                "history.none"
            },
            &[],
        );
    }
    for day in &page.days {
        let store = day.store_name.as_deref().or(day.store_id.as_deref());
        let store = store.unwrap_or_default();
        let head = format!("{}  {}  {store}", day.day, yuan(day.net_fen));
        screen.line(screen.bold(head.trim_end()));
        let mut table = Table::default();
        for line in &day.lines {
            let name = line
                .name
                .as_deref()
                .or(line.drug_id.as_deref())
                .unwrap_or_default();
            table.row([
                format!("  {name}"),
                line.spec.clone().unwrap_or_default(),
                format!("×{}", decimal(line.quantity_milli)),
                yuan(line.amount_fen),
            ]);
        }
        screen.table(&table);
    }
    if let Some((next, day)) = page.next.as_ref().and_then(|next| Some((next, next.until?))) {
        let command = if next.at_hub {
            "history.older_next"
        } else {
            "history.next"
        };
        screen.next(command, &[("id", &member_id), ("day", &day)]);
    }
}

pub fn reading(session: &Session<'_>, args: &ReadingArgs) -> Result<String, Failure> {
    let MemberRow { member_id, name, .. } = session.member(&args.member)?;
    let Some(value) = &args.value else {
        let readings = session.app.readings(&member_id, None, TREND)?;
        return session.print(&readings, |screen, readings| {
            show_trend(session, screen, readings);
        });
    };
    let context = args
        .context
        .as_deref()
        .map(|text| input::code::<ReadingContext>(session.texts, "context", text));
    let mut new = NewReading {
        context: context.transpose()?.map(|context| context.code().to_owned()),
        ..NewReading::default()
    };
    match input::reading(value)? {
        Value::Pressure(high, low) => {
            "bp".clone_into(&mut new.kind);
            (new.systolic, new.diastolic) = (Some(high), Some(low));
        }
        Value::GlucoseTenths(tenths) => {
            "glucose".clone_into(&mut new.kind);
            new.glucose_tenths = Some(tenths);
        }
        Value::GlucoseMgDl(mg_dl) => {
            "glucose".clone_into(&mut new.kind);
            new.glucose_mg_dl = Some(mg_dl);
        }
    }
    let added = session.app.add_reading(&member_id, &new)?;
    session.print(&added, |screen, added| {
        show_added(screen, added, &name);
        screen.next("reading.next", &[("who", &args.member)]);
    })
}

fn show_added(screen: &mut Screen<'_>, added: &ReadingAdded, name: &str) {
    let line = reading_line(screen, &added.reading);
    screen.say("reading.done", &[("name", &name), ("reading", &line)]);
    if added.alarm {
        screen.line(screen.danger(screen.texts.get("reading.alarm")));
    }
    if added.task_id.is_some() {
        screen.line(screen.danger(screen.texts.get("reading.task")));
    }
}

/// A reading in one line: what, how much, its grade, how it moved, where and when.
pub fn reading_line(screen: &Screen<'_>, reading: &ReadingRow) -> String {
    format!("{} {}", reading_words(screen, reading), screen.date(reading.day))
}

/// A reading without its date.
fn reading_words(screen: &Screen<'_>, reading: &ReadingRow) -> String {
    let texts = screen.texts;
    let mut line = texts.code("kind", &reading.kind).to_owned();
    match (reading.systolic, reading.diastolic, reading.glucose_tenths) {
        (Some(high), Some(low), _) => _ = write!(line, " {high}/{low}"),
        (_, _, Some(value)) => _ = write!(line, " {}", tenths(value)),
        _ => {}
    }
    if let Some(grade) = &reading.grade {
        _ = write!(line, " {}", texts.code("grade", grade));
    }
    let change = reading.systolic_change.map(|change| format!("{change:+}"));
    let change = change.or_else(|| {
        let tenths = reading.glucose_change_tenths?;
        Some(format!(
            "{}{}.{}",
            if tenths < 0 { '-' } else { '+' },
            tenths.abs() / 10,
            tenths.abs() % 10
        ))
    });
    if let Some(change) = change {
        _ = write!(line, " ({change})");
    }
    _ = write!(line, "  {}", texts.code("context", &reading.context));
    line
}

fn show_trend(session: &Session<'_>, screen: &mut Screen<'_>, readings: &Readings) {
    if readings.readings.is_empty() {
        screen.say("reading.none", &[]);
        return;
    }
    for reading in &readings.readings {
        let at = session.app.local(reading.taken_at_ms).format("%Y-%m-%d %H:%M");
        let line = format!("{at}  {}", reading_words(screen, reading));
        screen.line(if reading.emergency {
            screen.danger(&line)
        } else {
            line
        });
    }
    if let Some(percent) = readings.in_target_percent {
        let count = readings.readings.len();
        screen.say("reading.in_target", &[("n", &count), ("percent", &percent)]);
    }
}

pub fn note(session: &Session<'_>, args: &NoteArgs) -> Result<String, Failure> {
    let member = session.member(&args.member)?;
    let acted = session
        .app
        .add_note(&member.member_id, &args.text.join(" "), None)?;
    session.print(&acted, |screen, _| {
        screen.say("note.done", &[("name", &member.name)]);
    })
}

pub fn consent(session: &Session<'_>, args: &ConsentArgs) -> Result<String, Failure> {
    let MemberRow { member_id, name, .. } = session.member(&args.member)?;
    if let Some(text) = &args.consent {
        let new = consent_of(session, text)?;
        session.app.set_consent(&member_id, &new, None)?;
    }
    let standings = session.app.profile(&member_id)?.consents;
    let consents: Vec<_> = standings.into_iter().flat_map(|one| one.answers).collect();
    session.print(&consents, |screen, consents| {
        if consents.is_empty() {
            screen.say("consent.none", &[("name", &name)]);
        } else {
            screen.heading("consent.of", &[("name", &name)]);
        }
        let texts = screen.texts;
        let mut table = Table::default();
        for consent in consents {
            let channel = consent
                .channel
                .as_deref()
                .map_or(texts.get("consent.every"), |code| texts.code("channel", code));
            table.row([
                texts.code("consent", &consent.purpose).to_owned(),
                channel.to_owned(),
                texts
                    .get(if consent.granted {
                        "consent.yes"
                    } else {
                        "consent.no"
                    })
                    .to_owned(),
                session.app.local(consent.at_ms).format("%Y-%m-%d").to_string(),
            ]);
        }
        screen.table(&table);
    })
}
