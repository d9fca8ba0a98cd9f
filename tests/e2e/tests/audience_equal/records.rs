//! A world as the records that both ends hold, and what follows from them.
//!
//! The derived values of [`with_derived`] are put together here from the rules alone, so that hub and
//! phone are held against a third way through them.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use yaoban_domain::audience::{ContactFact, LineFact, MedicineFact, MemberFacts, ReadingFact};
use yaoban_domain::calendar::{day_number, is_in_window};
use yaoban_domain::class::{FitInput, HealthInput, care, classify, figures, fit, health_need, scores};
use yaoban_domain::codes::{
    CarrierResult, Channel, ContactPurpose, Open, OutcomeCode, SendState, TaskKind, TaskOrigin, TaskState,
};
use yaoban_domain::health::{Measure, Taken, latest};
use yaoban_domain::leaning::{BoughtLine, DrugSales, leanings, price_ranks_ppm};
use yaoban_domain::medicine::{DrugDose, Fill, run_out};
use yaoban_domain::model::{Attempt, CareTask, ClassModel, Drug, Line, Member, Outcome, Reading, Send, Why};
use yaoban_domain::rules::Rules;

use crate::world::{CatalogueDrug, DRUGS, Drawn, World};

/// Everything of one member.
pub struct MemberRecords {
    pub member: Member,
    pub lines: Vec<Line>,
    pub readings: Vec<Reading>,
    pub attempts: Vec<Attempt>,
    pub sends: Vec<Send>,
    pub tasks: Vec<CareTask>,
}

/// Id of the member at a position.
pub fn member_id(index: usize) -> String {
    format!("M{index:03}")
}

/// What a drug of [`DRUGS`] is beside its names.
struct Make {
    units_per_pack_milli: Option<i64>,
    daily_units_milli: Option<i64>,
    manufacturer: Option<&'static str>,
    chronic: bool,
}

const fn make(
    units_per_pack_milli: Option<i64>,
    daily_units_milli: Option<i64>,
    manufacturer: Option<&'static str>,
    chronic: bool,
) -> Make {
    Make {
        units_per_pack_milli,
        daily_units_milli,
        manufacturer,
        chronic,
    }
}

const MAKES: [Make; DRUGS.len()] = [
    make(Some(30_000), Some(1_000), Some("A"), true),
    make(Some(60_000), Some(2_000), Some("B"), true),
    make(Some(7_000), Some(500), Some("A"), false),
    make(Some(30_000), None, Some("C"), true),
    make(None, None, Some("A"), false),
    make(Some(100_000), Some(1_000), None, false),
    make(None, None, None, false),
];

/// The catalogue as records.
pub fn drugs() -> Vec<Drug> {
    let drug = |(drug, make): (&CatalogueDrug, &Make)| Drug {
        id: drug.id.to_owned(),
        name: drug.id.to_owned(),
        ingredient: drug.ingredient.map(str::to_owned),
        category: drug.category.map(str::to_owned),
        manufacturer: make.manufacturer.map(str::to_owned),
        spec: None,
        units_per_pack_milli: make.units_per_pack_milli,
        daily_units_milli: make.daily_units_milli,
        prescription: false,
        chronic: make.chronic,
    };
    DRUGS.iter().zip(&MAKES).map(drug).collect()
}

pub fn records(world: &World) -> Vec<MemberRecords> {
    world
        .members
        .iter()
        .enumerate()
        .map(|(index, drawn)| member_records(index, drawn))
        .collect()
}

fn member_records(index: usize, drawn: &Drawn) -> MemberRecords {
    let (id, facts) = (member_id(index), &drawn.facts);
    let line = |(number, line): (usize, &LineFact)| Line {
        id: format!("{id}-L{number}"),
        day: line.day,
        second: None,
        store_id: facts.store_id.clone(),
        drug_id: line.drug_id.clone(),
        quantity_milli: line.quantity_milli,
        amount_fen: line.amount_fen,
    };
    let mut records = MemberRecords {
        member: member(&id, drawn),
        lines: facts.lines.iter().enumerate().map(line).collect(),
        readings: readings(&id, drawn),
        attempts: Vec::new(),
        sends: Vec::new(),
        tasks: Vec::new(),
    };
    for (number, contact) in facts.contacts.iter().enumerate() {
        add_contact(&mut records, number, contact, true);
    }
    for (number, contact) in drawn.unanswered_contacts.iter().enumerate() {
        add_contact(&mut records, 100 + number, contact, false);
    }
    records
}

fn member(id: &str, drawn: &Drawn) -> Member {
    let facts = &drawn.facts;
    Member {
        id: id.to_owned(),
        store_id: facts.store_id.clone(),
        name: id.to_owned(),
        phone: None,
        phone_invalid: false,
        sex: facts.sex.clone(),
        birthday: facts.birthday,
        joined_on: facts.joined_on,
        diseases: facts.diseases.clone(),
        allergies: Vec::new(),
        tags: facts.tags.clone(),
        height_cm: None,
        weight_hg: None,
        consents: Vec::new(),
        regimens: Vec::new(),
        paused_until: None,
        do_not_contact: false,
        deceased: false,
        erased: drawn.erased,
        ask_number: false,
        aliases: Vec::new(),
        lifetime: yaoban_domain::model::Lifetime::default(),
        version: 1,
    }
}

/// The readings that count, some of which correct those that do not.
fn readings(id: &str, drawn: &Drawn) -> Vec<Reading> {
    let corrected = drawn
        .superseded_readings
        .iter()
        .take(drawn.facts.readings.len())
        .enumerate();
    let mut readings: Vec<Reading> = corrected
        .map(|(number, fact)| reading(id, format!("{id}-W{number}"), fact))
        .collect();
    let wrong = readings.len();
    for (number, fact) in drawn.facts.readings.iter().enumerate() {
        let mut reading = reading(id, format!("{id}-R{number}"), fact);
        reading.supersedes = (number < wrong).then(|| format!("{id}-W{number}"));
        readings.push(reading);
    }
    readings
}

fn reading(member_id: &str, id: String, fact: &ReadingFact) -> Reading {
    let small = |value: Option<i64>| value.map(|value| value as u16);
    Reading {
        id,
        member_id: member_id.to_owned(),
        taken_at_ms: fact.taken_at_ms,
        kind: fact.kind.clone(),
        systolic: small(fact.systolic),
        diastolic: small(fact.diastolic),
        glucose_tenths: small(fact.glucose_tenths),
        context: fact.context.clone(),
        staff_id: None,
        supersedes: None,
    }
}

fn is_message(contact: &ContactFact) -> bool {
    contact.channel.is(Channel::Sms) || contact.channel.is(Channel::Wechat)
}

/// Messages for the channels of messages, calls for all others. A call's outcome is in a task, now
/// and then as the correction of another.
fn add_contact(records: &mut MemberRecords, number: usize, contact: &ContactFact, reached: bool) {
    let member_id = records.member.id.clone();
    let id = format!("{member_id}-C{number}");
    if is_message(contact) {
        records.sends.push(Send {
            key: id,
            member_id,
            task_id: None,
            campaign_id: None,
            step: 0,
            channel: contact.channel.clone(),
            purpose: ContactPurpose::Service.into(),
            template_id: String::new(),
            staff_id: String::new(),
            at_ms: contact.at_ms,
            state: if reached {
                SendState::Delivered
            } else {
                SendState::Sent
            }
            .into(),
            reason: None,
        });
        return;
    }
    let unanswered = if number % 3 == 2 {
        CarrierResult::Dropped
    } else {
        CarrierResult::Busy
    };
    records.attempts.push(Attempt {
        id: id.clone(),
        task_id: contact.outcome.as_ref().map(|_| format!("{id}-T")),
        member_id: member_id.clone(),
        staff_id: String::new(),
        purpose: ContactPurpose::Service.into(),
        channel: contact.channel.clone(),
        number_hash: String::new(),
        started_at_ms: contact.at_ms,
        ended_at_ms: None,
        duration_s: None,
        result: Some(
            if reached {
                CarrierResult::Answered
            } else {
                unanswered
            }
            .into(),
        ),
        recording: None,
    });
    if let Some(code) = &contact.outcome {
        records
            .tasks
            .push(task(&member_id, &id, contact, code, number % 2 == 1));
    }
}

fn task(
    member_id: &str,
    attempt_id: &str,
    contact: &ContactFact,
    code: &Open<OutcomeCode>,
    corrected: bool,
) -> CareTask {
    let outcome = |id: &str, code: Open<OutcomeCode>, supersedes: Option<String>| Outcome {
        id: format!("{attempt_id}-{id}"),
        code,
        at_ms: contact.at_ms,
        day: contact.day,
        staff_id: String::new(),
        attempt_id: Some(attempt_id.to_owned()),
        date: None,
        call_at_ms: None,
        ingredient: None,
        note: None,
        supersedes,
    };
    // A correction counts, though its phone's clock may have been behind.
    let first = outcome("Z", OutcomeCode::Other.into(), None);
    let right = outcome("A", code.clone(), corrected.then(|| first.id.clone()));
    let at_ms = if corrected {
        right.at_ms - 60_000
    } else {
        right.at_ms
    };
    let other_outcomes = if corrected { vec![first] } else { Vec::new() };
    let outcome = Outcome { at_ms, ..right };
    CareTask {
        id: format!("{attempt_id}-T"),
        member_id: member_id.to_owned(),
        store_id: "S1".to_owned(),
        assignee: None,
        kind: TaskKind::Call.into(),
        purpose: ContactPurpose::Service.into(),
        origin: TaskOrigin::Clerk.into(),
        campaign_id: None,
        step: 0,
        why: Why {
            code: "clerk".to_owned(),
            values: Vec::new(),
        },
        script_id: None,
        emergency: false,
        start: contact.day,
        due: contact.day + Days::new(1),
        state: TaskState::Done.into(),
        deferred_until: None,
        deferred_until_ms: None,
        closes_on_purchase: None,
        attempts: 0,
        avoid_part: None,
        outcome: Some(outcome),
        other_outcomes,
        nudged_at_ms: None,
        created_at_ms: contact.at_ms,
        changed_at_ms: contact.at_ms,
        version: 1,
    }
}

/// The model that fits the world at its date.
pub fn model(world: &World, rules: &Rules) -> ClassModel {
    let mut active = FitInput::with_capacity(world.members.len());
    let mut sold: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for index in world.existing() {
        let facts = &world.members[index].facts;
        active.push(&figures(net_by_day(facts), world.as_of, &rules.class));
        let in_window = |day: NaiveDate| is_in_window(day_number(day), world.as_of, rules.class.window_days);
        for line in facts.lines.iter().filter(|line| in_window(line.day)) {
            if let Some(drug) = &line.drug_id {
                let sums = sold.entry(drug).or_default();
                *sums = (sums.0 + line.quantity_milli, sums.1 + line.amount_fen);
            }
        }
    }
    let catalogue = drugs();
    let sales = catalogue.iter().filter_map(|drug| {
        let (quantity_milli, amount_fen) = *sold.get(drug.id.as_str())?;
        Some(DrugSales {
            drug: drug.id.clone(),
            ingredient: drug.ingredient.as_deref(),
            units_per_pack_milli: drug.units_per_pack_milli,
            quantity_milli,
            amount_fen,
        })
    });
    ClassModel {
        version: 1,
        as_of: Some(world.as_of),
        cut_points: fit(&mut active),
        price_ranks_ppm: price_ranks_ppm(sales),
    }
}

fn net_by_day(facts: &MemberFacts) -> BTreeMap<i32, i64> {
    let mut days = BTreeMap::new();
    for line in &facts.lines {
        *days.entry(day_number(line.day)).or_default() += line.amount_fen;
    }
    days
}

/// The world with the derived values that follow from its records.
pub fn with_derived(world: &World, model: &ClassModel, rules: &Rules) -> World {
    let mut world = world.clone();
    let (as_of, catalogue) = (world.as_of, drugs());
    for (index, drawn) in world.members.iter_mut().enumerate() {
        // Nobody records the outcome of a message.
        for contact in drawn
            .facts
            .contacts
            .iter_mut()
            .filter(|contact| is_message(contact))
        {
            contact.outcome = None;
        }
        derive(
            &mut drawn.facts,
            &member_id(index),
            &catalogue,
            model,
            as_of,
            rules,
        );
    }
    world
}

fn derive(
    facts: &mut MemberFacts,
    id: &str,
    catalogue: &[Drug],
    model: &ClassModel,
    as_of: NaiveDate,
    rules: &Rules,
) {
    let drug_of = |line: &LineFact| {
        let at = catalogue
            .iter()
            .position(|drug| Some(&drug.id) == line.drug_id.as_ref())?;
        Some((at as i64, &catalogue[at]))
    };
    let mut taken: Vec<Taken> = facts
        .readings
        .iter()
        .filter_map(|fact| {
            let measure = Measure::of(&reading(id, String::new(), fact))?;
            Some(Taken {
                day: day_number(fact.day),
                at_ms: fact.taken_at_ms,
                measure,
            })
        })
        .collect();
    taken.sort_by_key(|taken| taken.at_ms);
    let days = net_by_day(facts);
    let values = figures(days.clone(), as_of, &rules.class);
    let health = HealthInput {
        diseases: &facts.diseases,
        latest: latest(taken.iter().copied(), as_of),
        height_cm: None,
        weight_hg: None,
    };
    let verdict = classify(
        scores(
            &values,
            model.cut_points.as_ref(),
            health_need(&health, as_of, rules),
        ),
        &rules.class,
    );
    let chronic_fills = facts.lines.iter().filter_map(|line| {
        let (_, drug) = drug_of(line).filter(|(_, drug)| drug.chronic)?;
        Some((
            drug.ingredient.clone()?,
            day_number(line.day),
            line.quantity_milli,
        ))
    });
    let chronic_or_general = care(
        &facts.diseases,
        chronic_fills,
        taken.iter().map(|taken| (taken.day, taken.measure)),
        as_of,
        rules,
    );
    let mut bought: Vec<BoughtLine<'_>> = facts
        .lines
        .iter()
        .map(|line| {
            let drug = drug_of(line);
            BoughtLine {
                day: day_number(line.day),
                drug_key: drug.map(|(key, _)| key),
                ingredient: drug.and_then(|(_, drug)| drug.ingredient.as_deref()),
                manufacturer: drug.and_then(|(_, drug)| drug.manufacturer.as_deref()),
                price_rank_ppm: drug.and_then(|(_, drug)| model.price_ranks_ppm.get(&drug.id).copied()),
                quantity_milli: line.quantity_milli,
            }
        })
        .collect();
    let leaning = leanings(&mut bought, days, &taken, as_of, rules);
    let mut fills: BTreeMap<String, Vec<Fill>> = BTreeMap::new();
    for line in &facts.lines {
        if let Some((key, drug)) = drug_of(line)
            && let Some(ingredient) = &drug.ingredient
        {
            fills.entry(ingredient.clone()).or_default().push(Fill {
                day: day_number(line.day),
                quantity_milli: line.quantity_milli,
                drug: DrugDose {
                    drug_key: key,
                    units_per_pack_milli: drug.units_per_pack_milli,
                    daily_units_milli: drug.daily_units_milli,
                },
            });
        }
    }
    facts.medicines = fills
        .into_iter()
        .map(|(ingredient, mut fills)| {
            fills.sort_by_key(|fill| fill.day);
            MedicineFact {
                ingredient,
                end: run_out(&fills, None, as_of, &rules.medicine).end,
            }
        })
        .collect();
    facts.recency = values.recency;
    facts.frequency = Some(values.frequency);
    facts.monetary_fen = Some(values.monetary_fen);
    facts.basket_fen = values.basket_fen;
    facts.class = Some(verdict.class);
    facts.value_index = Some(i64::from(verdict.value_index));
    facts.care = Some(chronic_or_general);
    facts.brand_loyal = leaning.brand_loyal;
    facts.price = leaning.price;
    facts.regular = leaning.regular;
    facts.testing = Some(leaning.testing);
    facts.severity = leaning.severity;
}
