//! One member at a glance: allergies first.

use yaoban_clerk_core::facade::profile::{ClassWhy, MedicineRow, Profile, Say, TaskBrief};
use yaoban_clerk_core::facade::wording::{ValueKind, kind_of};

use yaoban_domain::codes::{Code as _, MedicineStatus};

use super::Session;
use super::member::reading_line;
use crate::cli::MemberArgs;
use crate::failure::Failure;
use crate::layout::Table;
use crate::screen::{Screen, yuan};

pub fn show(session: &Session<'_>, args: &MemberArgs) -> Result<String, Failure> {
    let asked = args.member.join(" ");
    let member_id = session.member_id(&asked)?;
    let profile = session.app.profile(&member_id)?;
    session.print(&profile, |screen, profile| {
        warnings(screen, profile);
        identity(screen, profile);
        class(screen, &profile.class);
        for reading in [&profile.bp, &profile.glucose].into_iter().flatten() {
            let line = reading_line(screen, reading);
            screen.line(if reading.emergency {
                screen.danger(&line)
            } else {
                line
            });
        }
        medicines(screen, &profile.medicines);
        latest_purchase(screen, profile);
        leanings(screen, profile);
        household(screen, profile);
        for note in &profile.notes {
            let at = session.app.local(note.at_ms).format("%m-%d");
            screen.free(&format!("{} {at}  ", screen.texts.get("show.note")), &note.text);
        }
        tasks(screen, &profile.tasks);
        to_say(screen, profile);
        screen.next("show.next", &[("id", &asked)]);
    })
}

/// What must be seen before anything else.
fn warnings(screen: &mut Screen<'_>, profile: &Profile) {
    let texts = screen.texts;
    let mut lines = Vec::new();
    if !profile.allergies.is_empty() {
        let names: Vec<&str> = profile
            .allergies
            .iter()
            .map(|allergy| allergy.text.as_str())
            .collect();
        lines.push(texts.fill("show.allergies", &[("names", &names.join("、"))]));
    }
    let marks = [
        (profile.deceased, "show.deceased"),
        (profile.do_not_contact, "show.do_not_contact"),
        (profile.phone_invalid, "show.phone_invalid"),
    ];
    lines.extend(
        marks
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, key)| texts.get(key).to_owned()),
    );
    if let Some(day) = profile.paused_until {
        lines.push(texts.fill("show.paused", &[("day", &screen.date(day))]));
    }
    for line in lines {
        screen.line(screen.danger(&line));
    }
}

fn identity(screen: &mut Screen<'_>, profile: &Profile) {
    let (texts, member) = (screen.texts, &profile.member);
    let mut parts = vec![screen.bold(&member.name)];
    parts.extend(member.sex.as_deref().map(|sex| texts.code("sex", sex).to_owned()));
    parts.extend(member.age.map(|age| texts.fill("show.age", &[("n", &age)])));
    parts.push(
        member
            .phone_masked
            .clone()
            .unwrap_or_else(|| texts.get("show.no_phone").to_owned()),
    );
    parts.push(screen.member_id(&member.member_id).to_owned());
    screen.line(parts.join("  "));
    let diseases = profile.diseases.iter().map(|code| disease(screen, code));
    let words: Vec<String> = diseases.chain(profile.tags.iter().cloned()).collect();
    if !words.is_empty() {
        screen.line(words.join(" · "));
    }
    let Some(last) = profile.last_visit else {
        return screen.say("show.never", &[]);
    };
    let (last, total) = (screen.date(last), yuan(profile.total_fen));
    screen.say(
        "show.visits",
        &[("last", &last), ("times", &profile.times), ("total", &total)],
    );
}

/// The name of a disease; the catalogue of diseases holds the Chinese ones.
pub fn disease(screen: &Screen<'_>, code: &str) -> String {
    if screen.texts.get("language") == "zh" {
        let known = yaoban_domain::disease::ALL
            .iter()
            .find(|disease| disease.code == code);
        return known.map_or(code, |disease| disease.name).to_owned();
    }
    code.replace('_', " ")
}

/// The class, the four values with their scores, and the row that fired.
fn class(screen: &mut Screen<'_>, class: &ClassWhy) {
    let texts = screen.texts;
    let name = screen.bold(texts.code("class", &class.class));
    screen.say("show.class", &[("class", &name), ("index", &class.value_index)]);
    let none = texts.get("none");
    let recency = class.recency.map_or_else(
        || texts.get("show.never_came").to_owned(),
        |days| texts.fill("show.recency", &[("n", &days)]),
    );
    let health = class.h.map_or_else(|| none.to_owned(), |need| need.to_string());
    let spend = yuan(class.monetary_fen);
    screen.say(
        "show.why",
        &[
            ("recency", &recency),
            ("r", &class.r),
            ("frequency", &class.frequency),
            ("f", &class.f),
            ("spend", &spend),
            ("m", &class.m),
            ("h", &health),
        ],
    );
    let yes_no = |is: bool| texts.get(if is { "yes" } else { "no" });
    screen.say(
        "show.row",
        &[
            ("recent", &yes_no(class.recent)),
            ("frequent", &yes_no(class.frequent)),
            ("big", &yes_no(class.big)),
            ("base", &texts.code("class", &class.base)),
        ],
    );
    if class.lifted {
        screen.say("show.lifted", &[("class", &texts.code("class", &class.class))]);
    }
}

/// What is taken now, with what runs out first; what was taken long ago is only counted.
fn medicines(screen: &mut Screen<'_>, medicines: &[MedicineRow]) {
    let (now, before): (Vec<_>, Vec<_>) = medicines.iter().partition(|medicine| is_current(medicine));
    let texts = screen.texts;
    if !now.is_empty() {
        screen.heading("show.medicines", &[]);
    }
    let mut table = Table::default();
    for medicine in now {
        let allergy = if medicine.allergy { "⚠ " } else { "" };
        let last = texts.fill(
            "show.last_fill",
            &[("day", &screen.date_or_none(medicine.last_fill))],
        );
        let pdc = medicine
            .pdc_percent
            .map(|percent| texts.fill("show.pdc", &[("percent", &percent)]));
        table.row([
            format!("  {allergy}{}", medicine.ingredient),
            last,
            medicine_end(screen, medicine),
            pdc.unwrap_or_default(),
            stock(screen, medicine),
        ]);
    }
    screen.table(&table);
    if !before.is_empty() {
        screen.say("show.before", &[("n", &before.len())]);
    }
}

/// Whether a medicine matters today: its stock is known and not long over, or an allergy names it.
fn is_current(medicine: &MedicineRow) -> bool {
    let lapsed = MedicineStatus::Lapsed.code();
    medicine.allergy || medicine.status.as_deref().is_some_and(|status| status != lapsed)
}

/// When a medicine runs out, and whether it is near.
pub fn medicine_end(screen: &Screen<'_>, medicine: &MedicineRow) -> String {
    let texts = screen.texts;
    if medicine.inactive {
        return texts.get("show.inactive").to_owned();
    }
    let (Some(end), Some(status)) = (medicine.end, medicine.status.as_deref()) else {
        return texts.get("show.end_unknown").to_owned();
    };
    let about = if medicine.estimated {
        texts.get("show.about")
    } else {
        ""
    };
    texts.fill(
        "show.end",
        &[
            ("about", &about),
            ("day", &screen.date(end)),
            ("status", &texts.code("medicine", status)),
        ],
    )
}

fn stock(screen: &Screen<'_>, medicine: &MedicineRow) -> String {
    let milli = medicine.stock_milli.map(crate::screen::decimal);
    milli
        .map(|packs| screen.texts.fill("show.stock", &[("packs", &packs)]))
        .unwrap_or_default()
}

fn latest_purchase(screen: &mut Screen<'_>, profile: &Profile) {
    let Some(day) = &profile.latest_purchase else {
        return;
    };
    let names: Vec<&str> = day.lines.iter().filter_map(|line| line.name.as_deref()).collect();
    let (when, amount) = (screen.date(day.day), yuan(day.net_fen));
    let before = screen
        .texts
        .fill("show.latest", &[("day", &when), ("amount", &amount)]);
    screen.free(&before, &names.join("、"));
}

fn leanings(screen: &mut Screen<'_>, profile: &Profile) {
    let (texts, leanings) = (screen.texts, &profile.leanings);
    let mut parts = Vec::new();
    parts.extend(
        leanings
            .brand
            .as_ref()
            .map(|brand| texts.fill("show.brand", &[("brand", brand)])),
    );
    parts.extend(
        leanings
            .price
            .as_deref()
            .map(|price| texts.code("price", price).to_owned()),
    );
    parts.extend(
        leanings
            .rhythm_days
            .map(|days| texts.fill("show.rhythm", &[("days", &days)])),
    );
    if !parts.is_empty() {
        screen.say("show.leanings", &[("words", &parts.join(" · "))]);
    }
}

fn household(screen: &mut Screen<'_>, profile: &Profile) {
    if profile.household.is_empty() {
        return;
    }
    let names: Vec<String> = profile
        .household
        .iter()
        .map(|row| format!("{} {}", row.name, row.member_id))
        .collect();
    screen.say("show.household", &[("names", &names.join("、"))]);
}

fn tasks(screen: &mut Screen<'_>, tasks: &[TaskBrief]) {
    for task in tasks {
        let texts = screen.texts;
        let (kind, state) = (
            texts.code("task_kind", &task.kind),
            texts.code("task_state", &task.state),
        );
        let (due, why) = (screen.date(task.due), said(screen, &task.why));
        let line = texts.fill(
            "show.task",
            &[("kind", &kind), ("state", &state), ("due", &due), ("why", &why)],
        );
        screen.line(if task.emergency {
            screen.danger(&line)
        } else {
            line
        });
    }
}

fn to_say(screen: &mut Screen<'_>, profile: &Profile) {
    if profile.say.is_empty() {
        return;
    }
    screen.heading("show.say", &[]);
    for say in &profile.say {
        screen.line(format!("  · {}", said(screen, say)));
    }
}

/// What the core says, in words; the code itself if it has none.
pub fn said(screen: &Screen<'_>, say: &Say) -> String {
    let key = format!("{}.{}", say.group, say.code);
    if !screen.texts.has(&key) {
        return say.code.clone();
    }
    let values: Vec<(&str, String)> = say
        .values
        .iter()
        .map(|(name, value)| (name.as_str(), worded(screen, name, value)))
        .collect();
    let shown: Vec<(&str, &dyn std::fmt::Display)> = values
        .iter()
        .map(|(name, value)| (*name, value as &dyn std::fmt::Display))
        .collect();
    screen.texts.fill(&key, &shown).trim_end().to_owned()
}

/// A value of something to say, in words: codes by the catalogue, dates as people say them.
pub fn worded(screen: &Screen<'_>, name: &str, value: &str) -> String {
    match (kind_of(name, value), value.parse()) {
        (ValueKind::Day, Ok(day)) => screen.date(day),
        (ValueKind::Code { group }, _) => screen.texts.code(group, value).to_owned(),
        _ => value.to_owned(),
    }
}
