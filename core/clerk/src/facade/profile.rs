//! One member at a glance: allergies first, then who it is, why its class, how its health and its
//! medicines stand, and what to say. Everything is computed afresh for the one member.

use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use yaoban_domain::calendar::{days_to_birthday, is_in_window};
use yaoban_domain::codes::{
    Code as _, ConsentPurpose, MedicineStatus, Open, OutcomeCode, ReadingKind, TaskKind,
};
use yaoban_domain::model::{Consent, Member, Regimen, Staff, Why};
use yaoban_domain::task::{is_on_list, settle};
use yaoban_protocol::row::entity;

use super::contact::{DialTarget, GateVerdict, call_to};
use super::find::{MemberRow, household, member_row, require_member, row_of};
use super::history::{HistoryDay, days_of_lines};
use super::listing::act;
use super::members::{ConsentStanding, standings};
use super::readings::{ReadingRow, of_kind};
use super::tasks::TaskAct;
use super::{Acting, AppResult, ClerkApp};
use crate::store::figures::{Catalogue, Computed, Medicine, compute};
use crate::store::rows;

/// Notes that a profile shows.
const NOTES: u32 = 5;
/// A birthday this near is worth a word.
const BIRTHDAY_DAYS: i64 = 7;

/// An allergy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllergyRow {
    /// What the member said.
    pub text: String,
    /// Ingredients it concerns.
    pub ingredients: Vec<String>,
}

/// The class and why.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the marks are those of the specification"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassWhy {
    /// The class, as a code.
    pub class: String,
    /// The row of the table that fired, as a class.
    pub base: String,
    /// Health lifted it by one step.
    pub lifted: bool,
    /// Days since the last visit day.
    pub recency: Option<i64>,
    /// Visit days in the window.
    pub frequency: i64,
    /// Net fen in the window.
    pub monetary_fen: i64,
    /// Net fen a visit.
    pub basket_fen: Option<i64>,
    /// Score of recency.
    pub r: u8,
    /// Score of frequency.
    pub f: u8,
    /// Score of monetary.
    pub m: u8,
    /// Health need; none if unknown.
    pub h: Option<u8>,
    /// Recency reached its mark.
    pub recent: bool,
    /// Frequency reached its mark.
    pub frequent: bool,
    /// Monetary reached its mark.
    pub big: bool,
    /// 0..=100.
    pub value_index: u8,
    /// Version of the model, 0 if none was published.
    pub model_version: u64,
}

/// A medicine and when it runs out.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate fact of the medicine"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MedicineRow {
    /// The ingredient.
    pub ingredient: String,
    /// The drug bought last.
    pub drug_id: Option<String>,
    /// Its name.
    pub drug_name: Option<String>,
    /// Its strength and pack.
    pub spec: Option<String>,
    /// Day of the last fill.
    pub last_fill: Option<NaiveDate>,
    /// Last day with stock.
    pub end: Option<NaiveDate>,
    /// Days until then; below 0: since then.
    pub days_left: Option<i64>,
    /// `in_use`, `running_low`, `out`, `lapsed`; none if unknown.
    pub status: Option<String>,
    /// The end is an estimate.
    pub estimated: bool,
    /// When it runs out, in words; that it is not taken any more goes before.
    pub end_says: Say,
    /// No longer taken.
    pub inactive: bool,
    /// It is taken and has run out: it stands out.
    pub stands_out: bool,
    /// It is taken and is running low.
    pub warns: bool,
    /// Days covered, in per cent, floored; none if it cannot be told.
    pub pdc_percent: Option<i64>,
    /// Adherent by that.
    pub adherent: Option<bool>,
    /// Packs of any drug with this ingredient in the store, in thousandths; none if it was never told.
    pub stock_milli: Option<i64>,
    /// An allergy names the ingredient.
    pub allergy: bool,
}

/// How the member takes an ingredient, as a clerk recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegimenRow {
    /// The ingredient.
    pub ingredient: String,
    /// Units a day in thousandths; none: as the drug says.
    pub daily_units_milli: Option<i64>,
    /// Stock up to and including this day.
    pub stock_until: Option<NaiveDate>,
    /// No longer taken.
    pub inactive: bool,
    /// Day of the last change.
    pub changed_on: NaiveDate,
}

/// What the member tends to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaningsRow {
    /// Loyal to this manufacturer.
    pub brand: Option<String>,
    /// `price_minded` or `quality_minded`.
    pub price: Option<String>,
    /// Visits every so many days.
    pub rhythm_days: Option<i64>,
    /// `none`, `occasional`, `frequent`.
    pub testing: String,
    /// The highest current grade.
    pub severity: Option<String>,
}

/// A consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentRow {
    /// Purpose, as a code.
    pub purpose: String,
    /// Channel, as a code; none: every channel.
    pub channel: Option<String>,
    /// Given or withdrawn.
    pub granted: bool,
    /// When, UTC.
    pub at_ms: i64,
    /// Version of the wording.
    pub wording_version: String,
    /// Where.
    pub place: String,
    /// Who took it.
    pub staff_id: Option<String>,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteRow {
    /// Id.
    pub note_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// Who wrote it.
    pub staff_id: String,
    /// That person's name, if the phone knows it.
    pub staff_name: Option<String>,
    /// The text.
    pub text: String,
}

/// The last contact that reached the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactRow {
    /// When, UTC.
    pub at_ms: i64,
    /// Channel, as a code.
    pub channel: String,
    /// What came of it, as a code.
    pub outcome: Option<String>,
    /// Who it was.
    pub staff_id: Option<String>,
    /// That person's name, if the phone knows it.
    pub staff_name: Option<String>,
}

/// A task that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskBrief {
    /// Id.
    pub task_id: String,
    /// Kind, as a code.
    pub kind: String,
    /// What is done with it by a touch.
    pub act: TaskAct,
    /// State, as a code.
    pub state: String,
    /// Last day.
    pub due: NaiveDate,
    /// Why.
    pub why: Say,
    /// Who it is allotted to.
    pub assignee: Option<String>,
    /// An emergency.
    pub emergency: bool,
}

/// Something in words: the text `group.code`, with values;
/// [`kind_of`](super::wording::kind_of) tells how each is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Say {
    /// The group of texts in which its words are.
    pub group: &'static str,
    /// For example `medicine_out`, `ask_number`.
    pub code: String,
    /// Values for the wording, by name.
    pub values: Vec<(String, String)>,
}

impl Say {
    /// A code of a group with these values.
    pub(super) fn of(group: &'static str, code: &str, values: &[(&str, &dyn std::fmt::Display)]) -> Self {
        let value = |(name, value): &(&str, &dyn std::fmt::Display)| ((*name).to_owned(), value.to_string());
        Self {
            group,
            code: code.to_owned(),
            values: values.iter().map(value).collect(),
        }
    }
}

/// Reasons of a task that have words of their own; others are outcomes that it follows on.
const REASONS: [&str; 7] = [
    "adverse_reaction",
    "campaign",
    "clerk",
    "emergency_bp",
    "emergency_glucose",
    "medicine_out",
    "needs_pharmacist",
];

impl From<&Why> for Say {
    fn from(why: &Why) -> Self {
        let code = why.code.as_str();
        let follows = !REASONS.contains(&code) && OutcomeCode::from_code(code).is_some();
        Self {
            group: if follows { "outcome" } else { "why" },
            code: why.code.clone(),
            values: why.values.clone(),
        }
    }
}

/// A member at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate fact of the member's record"
)]
pub struct Profile {
    /// Allergies, first and in the danger colour.
    pub allergies: Vec<AllergyRow>,
    /// Who it is.
    pub member: MemberRow,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Days to the next birthday.
    pub birthday_in_days: Option<i64>,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    pub weight_hg: Option<u16>,
    /// The number does not reach the member.
    pub phone_invalid: bool,
    /// Ask for the right number.
    pub ask_number: bool,
    /// The member wants no contact.
    pub do_not_contact: bool,
    /// The member has died.
    pub deceased: bool,
    /// All contact pauses up to and including this day.
    pub paused_until: Option<NaiveDate>,
    /// The class and why.
    pub class: ClassWhy,
    /// `chronic` or `general`.
    pub care: String,
    /// Last visit day, of all time.
    pub last_visit: Option<NaiveDate>,
    /// Visits, of all time.
    pub times: u32,
    /// Net fen, of all time.
    pub total_fen: i64,
    /// Net fen a visit, of all time, half up.
    pub basket_fen: Option<i64>,
    /// Latest blood pressure.
    pub bp: Option<ReadingRow>,
    /// Latest glucose.
    pub glucose: Option<ReadingRow>,
    /// Medicines: what runs out first comes first.
    pub medicines: Vec<MedicineRow>,
    /// How the member takes what a clerk asked about, by ingredient.
    pub regimens: Vec<RegimenRow>,
    /// The latest day of purchases.
    pub latest_purchase: Option<HistoryDay>,
    /// What the member tends to.
    pub leanings: LeaningsRow,
    /// Tags.
    pub tags: Vec<String>,
    /// Disease codes.
    pub diseases: Vec<String>,
    /// How the member stands to each consent.
    pub consents: Vec<ConsentStanding>,
    /// The newest notes.
    pub notes: Vec<NoteRow>,
    /// The last contact that reached the member.
    pub last_contact: Option<ContactRow>,
    /// Tasks that wait.
    pub tasks: Vec<TaskBrief>,
    /// What a call to the member is made for: the task that waits for one, so that what comes of it is recorded;
    /// else none.
    pub call: DialTarget,
    /// What the gate says of that call.
    pub call_gate: GateVerdict,
    /// Others on the same number.
    pub household: Vec<MemberRow>,
    /// What to say.
    pub say: Vec<Say>,
}

impl ClerkApp {
    /// A member at a glance, by id, alias or card.
    pub fn profile(&self, member_id: &str) -> AppResult<Profile> {
        let acting = self.acting()?;
        self.store.read(|conn| {
            let (key, member) = require_member(conn, member_id, acting.now_ms)?;
            profile(conn, key, &member, &acting)
        })
    }
}

fn profile(conn: &Connection, key: i64, member: &Member, acting: &Acting) -> AppResult<Profile> {
    let settings = &acting.settings;
    let lines = rows::stored_lines(conn, key)?;
    let mut catalogue = Catalogue::default();
    let computed = compute(conn, key, member, &lines, &mut catalogue, settings, acting.today)?;
    let mut row = row_of(conn, key, member, acting)?;
    row.class = Some(computed.verdict.class.to_string());
    row.care = Some(computed.care.to_string());
    row.value_index = computed.verdict.value_index;
    row.mark();
    let medicines = medicine_rows(conn, member, &computed.medicines, &catalogue, acting)?;
    let latest = |kind| Ok(of_kind(conn, key, member, kind, 1, settings)?.into_iter().next());
    let bp: AppResult<Option<ReadingRow>> = latest(ReadingKind::Bp);
    let glucose: AppResult<Option<ReadingRow>> = latest(ReadingKind::Glucose);
    let mut others = Vec::new();
    if let Some(phone) = &member.phone {
        for other in household(conn, key, phone)? {
            others.extend(member_row(conn, other, acting)?);
        }
    }
    let waiting = tasks(conn, key, acting)?;
    let (call, call_gate) = call_to(conn, acting, member, &waiting)?;
    let lifetime = &member.lifetime;
    let times = i64::from(lifetime.times);
    let mut profile = Profile {
        allergies: member
            .allergies
            .iter()
            .map(|allergy| AllergyRow {
                text: allergy.text.clone(),
                ingredients: allergy.ingredients.clone(),
            })
            .collect(),
        member: row,
        birthday: member.birthday,
        birthday_in_days: member
            .birthday
            .map(|birthday| days_to_birthday(birthday, acting.today)),
        height_cm: member.height_cm,
        weight_hg: member.weight_hg,
        phone_invalid: member.phone_invalid,
        ask_number: member.ask_number,
        do_not_contact: member.do_not_contact,
        deceased: member.deceased,
        paused_until: member.paused_until.filter(|day| *day >= acting.today),
        class: class_why(&computed, settings.model.version),
        care: computed.care.to_string(),
        last_visit: lifetime.last_visit,
        times: lifetime.times,
        total_fen: lifetime.total_fen,
        basket_fen: (times > 0).then(|| (2 * lifetime.total_fen + times).div_euclid(2 * times)),
        bp: bp?,
        glucose: glucose?,
        medicines,
        regimens: member.regimens.iter().map(regimen_row).collect(),
        latest_purchase: days_of_lines(conn, &lines, None, 1)?.into_iter().next(),
        leanings: LeaningsRow {
            brand: computed.leanings.brand.clone(),
            price: computed.leanings.price.map(|price| price.to_string()),
            rhythm_days: computed.leanings.rhythm_days,
            testing: computed.leanings.testing.to_string(),
            severity: computed.leanings.severity.map(|severity| severity.to_string()),
        },
        tags: member.tags.clone(),
        diseases: member.diseases.clone(),
        consents: standings(&member.consents),
        notes: notes(conn, key)?,
        last_contact: last_contact(conn, key)?,
        call,
        call_gate,
        tasks: waiting,
        household: others,
        say: Vec::new(),
    };
    profile.say = say(&profile, acting);
    Ok(profile)
}

fn class_why(computed: &Computed, model_version: u64) -> ClassWhy {
    let (figures, verdict) = (&computed.figures, &computed.verdict);
    ClassWhy {
        class: verdict.class.to_string(),
        base: verdict.base.to_string(),
        lifted: verdict.class != verdict.base,
        recency: figures.recency,
        frequency: figures.frequency,
        monetary_fen: figures.monetary_fen,
        basket_fen: figures.basket_fen,
        r: verdict.scores.r,
        f: verdict.scores.f,
        m: verdict.scores.m,
        h: verdict.scores.h,
        recent: verdict.recent,
        frequent: verdict.frequent,
        big: verdict.big,
        value_index: verdict.value_index,
        model_version,
    }
}

fn medicine_rows(
    conn: &Connection,
    member: &Member,
    medicines: &[Medicine],
    catalogue: &Catalogue,
    acting: &Acting,
) -> AppResult<Vec<MedicineRow>> {
    let rules = &acting.settings.rules.medicine;
    let mut found = Vec::with_capacity(medicines.len());
    for medicine in medicines {
        let state = &medicine.state;
        let drug = catalogue.get(medicine.last_drug_key).map(|info| &info.drug);
        found.push(MedicineRow {
            ingredient: medicine.ingredient.clone(),
            drug_id: drug.map(|drug| drug.id.clone()),
            drug_name: drug.map(|drug| drug.name.clone()),
            spec: drug.and_then(|drug| drug.spec.clone()),
            last_fill: state.last_fill,
            end: state.end,
            end_says: end_says(state.inactive, state.end, state.estimated),
            days_left: state.end.map(|end| (end - acting.today).num_days()),
            status: state.status.map(|status| status.to_string()),
            estimated: state.estimated,
            inactive: state.inactive,
            stands_out: state.status == Some(MedicineStatus::Out) && !state.inactive,
            warns: state.status == Some(MedicineStatus::RunningLow) && !state.inactive,
            pdc_percent: medicine.pdc.map(|pdc| pdc.covered_days * 100 / pdc.days.max(1)),
            adherent: medicine.pdc.map(|pdc| pdc.is_adherent(rules)),
            stock_milli: stock_of(conn, &medicine.ingredient)?,
            allergy: member
                .allergies
                .iter()
                .any(|allergy| allergy.ingredients.contains(&medicine.ingredient)),
        });
    }
    // Out and running low first, the most recent end first among the lapsed.
    found.sort_unstable_by_key(|row| {
        let place = match row.status.as_deref().and_then(MedicineStatus::from_code) {
            Some(MedicineStatus::Out) => 0,
            Some(MedicineStatus::RunningLow) => 1,
            Some(MedicineStatus::InUse) => 2,
            None => 3,
            Some(MedicineStatus::Lapsed) => 4,
        };
        (row.inactive, place, row.end, row.ingredient.clone())
    });
    Ok(found)
}

fn end_says(inactive: bool, end: Option<NaiveDate>, estimated: bool) -> Say {
    match end {
        _ if inactive => Say::of("show", "inactive", &[]),
        None => Say::of("show", "end_unknown", &[]),
        Some(day) if estimated => Say::of("member", "end_about", &[("day", &day)]),
        Some(day) => Say::of("member", "end", &[("day", &day)]),
    }
}

/// Packs of an ingredient in the store; none if the hub told of none of its drugs.
fn stock_of(conn: &Connection, ingredient: &str) -> AppResult<Option<i64>> {
    Ok(conn
        .prepare_cached(
            "SELECT sum(s.units_milli) FROM drug d JOIN stock s ON s.drug_key = d.drug_key WHERE d.ingredient = ?1",
        )?
        .query_row([ingredient], |row| row.get(0))?)
}

fn regimen_row(regimen: &Regimen) -> RegimenRow {
    RegimenRow {
        ingredient: regimen.ingredient.clone(),
        daily_units_milli: regimen.daily_units_milli,
        stock_until: regimen.stock_until,
        inactive: regimen.inactive,
        changed_on: regimen.changed_on,
    }
}

impl From<&Consent> for ConsentRow {
    fn from(consent: &Consent) -> Self {
        Self {
            purpose: consent.purpose.code().to_owned(),
            channel: consent
                .channel
                .as_ref()
                .map(|channel: &Open<_>| channel.code().to_owned()),
            granted: consent.granted,
            at_ms: consent.at_ms,
            wording_version: consent.wording_version.clone(),
            place: consent.place.clone(),
            staff_id: consent.staff_id.clone(),
        }
    }
}

fn notes(conn: &Connection, key: i64) -> AppResult<Vec<NoteRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT note_id, at_ms, staff_id, text FROM note n WHERE member_key = ?1
            AND NOT EXISTS (SELECT 1 FROM note later WHERE later.member_key = ?1 AND later.supersedes = n.note_id)
         ORDER BY at_ms DESC, note_id DESC LIMIT ?2",
    )?;
    let notes = statement.query_map(params![key, NOTES], |row| {
        Ok(NoteRow {
            note_id: row.get(0)?,
            at_ms: row.get(1)?,
            staff_id: row.get(2)?,
            staff_name: None,
            text: row.get(3)?,
        })
    })?;
    let mut notes: Vec<NoteRow> = notes.collect::<rusqlite::Result<_>>()?;
    for note in &mut notes {
        note.staff_name = staff_name(conn, &note.staff_id)?;
    }
    Ok(notes)
}

fn last_contact(conn: &Connection, key: i64) -> AppResult<Option<ContactRow>> {
    let last = conn
        .prepare_cached(
            "SELECT at_ms, channel, outcome FROM v_contact WHERE member_key = ?1 ORDER BY at_ms DESC LIMIT 1",
        )?
        .query_row([key], |row| {
            Ok(ContactRow {
                at_ms: row.get(0)?,
                channel: row.get(1)?,
                outcome: row.get(2)?,
                staff_id: None,
                staff_name: None,
            })
        })
        .optional()?;
    let Some(mut last) = last else { return Ok(None) };
    last.staff_id = conn
        .prepare_cached(
            "SELECT staff_id FROM attempt WHERE member_key = ?1 AND started_at_ms = ?2
             UNION ALL SELECT staff_id FROM send WHERE member_key = ?1 AND at_ms = ?2 LIMIT 1",
        )?
        .query_row(params![key, last.at_ms], |row| row.get(0))
        .optional()?;
    if let Some(staff_id) = &last.staff_id {
        last.staff_name = staff_name(conn, staff_id)?;
    }
    Ok(Some(last))
}

/// The name of somebody who works for the chain.
fn staff_name(conn: &Connection, staff_id: &str) -> AppResult<Option<String>> {
    let staff: Option<Staff> = rows::record(conn, entity::STAFF, staff_id)?;
    Ok(staff.map(|one| one.name))
}

fn tasks(conn: &Connection, key: i64, acting: &Acting) -> AppResult<Vec<TaskBrief>> {
    let mut statement = conn.prepare_cached(
        "SELECT task_id FROM task WHERE member_key = ?1 AND state IN ('open', 'in_progress', 'deferred') ORDER BY due_day, task_id",
    )?;
    let ids: Vec<String> = statement
        .query_map([key], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut waiting = Vec::new();
    for id in ids {
        let Some(task) = rows::task(conn, &id)? else {
            continue;
        };
        let task = settle(task, acting.now_ms, acting.settings.calendar);
        if is_on_list(&task, acting.today) {
            waiting.push(TaskBrief {
                act: act(&task),
                task_id: task.id,
                kind: task.kind.code().to_owned(),
                state: task.state.code().to_owned(),
                due: task.due,
                why: Say::from(&task.why),
                assignee: task.assignee,
                emergency: task.emergency,
            });
        }
    }
    Ok(waiting)
}

/// What to say, in the order in which it matters: danger, what the record lacks, what runs out, what
/// to measure, a kind word, what may be asked.
fn say(profile: &Profile, acting: &Acting) -> Vec<Say> {
    let mut say = Vec::new();
    if profile.deceased {
        return say;
    }
    let mut add = |code: &str, values: &[(&str, String)]| {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        say.push(Say {
            group: "say",
            code: code.to_owned(),
            values,
        });
    };
    for reading in [&profile.bp, &profile.glucose].into_iter().flatten() {
        let age_ms = acting.now_ms - reading.taken_at_ms;
        let fresh = age_ms <= acting.settings.rules.health.emergency_hours * 3_600_000;
        if reading.emergency && fresh {
            add("emergency_reading", &[("kind", reading.kind.clone())]);
        }
    }
    for medicine in profile
        .medicines
        .iter()
        .filter(|medicine| medicine.allergy && !medicine.inactive)
    {
        add("allergy_medicine", &[("ingredient", medicine.ingredient.clone())]);
    }
    if profile.ask_number || profile.phone_invalid {
        add("ask_number", &[]);
    }
    for task in profile
        .tasks
        .iter()
        .filter(|task| task.kind == TaskKind::InStore.code())
    {
        add(
            "in_store_task",
            &[("task_id", task.task_id.clone()), ("why", task.why.code.clone())],
        );
    }
    for medicine in &profile.medicines {
        let code = match (medicine.stands_out, medicine.warns) {
            (true, _) => "medicine_out",
            (_, true) => "medicine_running_low",
            _ => continue,
        };
        let end = medicine.end.map(|end| end.to_string()).unwrap_or_default();
        add(code, &[("ingredient", medicine.ingredient.clone()), ("end", end)]);
    }
    for (reading, code) in [
        (&profile.bp, "bp_above_target"),
        (&profile.glucose, "glucose_out_of_target"),
    ] {
        if reading
            .as_ref()
            .is_some_and(|reading| reading.in_target == Some(false) && !reading.emergency)
        {
            add(code, &[]);
        }
    }
    for (disease, reading, code) in [
        ("hypertension", &profile.bp, "measure_bp"),
        ("diabetes", &profile.glucose, "measure_glucose"),
    ] {
        let days = acting.settings.rules.leaning.testing_days;
        let recent = reading.as_ref().is_some_and(|reading| {
            is_in_window(
                yaoban_domain::calendar::day_number(reading.day),
                acting.today,
                days,
            )
        });
        if profile.diseases.iter().any(|known| known == disease) && !recent {
            add(code, &[]);
        }
    }
    if let Some(days) = profile.birthday_in_days.filter(|days| *days <= BIRTHDAY_DAYS) {
        let code = if days == 0 { "birthday_today" } else { "birthday" };
        add(code, &[("days", days.to_string())]);
    }
    for purpose in [ConsentPurpose::Membership, ConsentPurpose::Health] {
        let standing = profile
            .consents
            .iter()
            .find(|standing| standing.purpose == purpose.code());
        if standing.is_none_or(|standing| standing.answers.is_empty()) {
            add("ask_consent", &[("purpose", purpose.code().to_owned())]);
        }
    }
    say
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_words_of_its_own_or_those_of_the_outcome_that_it_follows_on() {
        let group = |code: &str| {
            let why = Why {
                code: code.to_owned(),
                values: Vec::new(),
            };
            Say::from(&why).group
        };
        // Some are both, and say more as a reason.
        for code in REASONS {
            assert_eq!(group(code), "why", "{code}");
        }
        assert_eq!(group("call_later"), "outcome");
        assert_eq!(group("of_a_newer_hub"), "why");
    }

    #[test]
    fn an_end_is_said_as_sure_as_it_is_known() {
        let day = NaiveDate::from_ymd_opt(2026, 6, 30);
        let said = |inactive, end, estimated| end_says(inactive, end, estimated).code;
        assert_eq!(said(false, day, false), "end");
        assert_eq!(said(false, day, true), "end_about");
        assert_eq!(said(false, None, true), "end_unknown");
        assert_eq!(said(true, day, false), "inactive");
    }
}
