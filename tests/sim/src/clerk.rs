//! What clerks do all day, through the facade, as a person would: with the members, tasks and
//! messages that their phone shows. What was done goes into the ledger.

use yaoban_clerk_core::facade::contact::{Awaits, DialTarget, NewOutcome};
use yaoban_clerk_core::facade::members::{NewConsent, NewMember};
use yaoban_clerk_core::facade::message::Told;
use yaoban_clerk_core::facade::readings::NewReading;
use yaoban_clerk_core::facade::tasks::NewTask;
use yaoban_clerk_core::facade::{AppError, AppResult};
use yaoban_clerk_core::store::{Durability, StoreError, outbox, rows};
use yaoban_domain::codes::{CarrierResult, ContactPurpose, OutcomeCode, TaskKind};
use yaoban_protocol::op::ProfileFields;

use crate::chance::Stream;
use crate::fault::{Fault, Faults};
use crate::ledger::{Deed, Entry, Ledger};
use crate::phone::Phone;
use crate::world::Kind;

/// What a clerk can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Note,
    Tag,
    Reading,
    Register,
    Edit,
    Consent,
    Call,
    Message,
    OwnTask,
    Manage,
    TakeBack,
}

const ACTS: [Act; 20] = [
    Act::Note,
    Act::Note,
    Act::Note,
    Act::Tag,
    Act::Tag,
    Act::Reading,
    Act::Reading,
    Act::Register,
    Act::Edit,
    Act::Consent,
    Act::Call,
    Act::Call,
    Act::Call,
    Act::Call,
    Act::Message,
    Act::Message,
    Act::OwnTask,
    Act::Manage,
    Act::Manage,
    Act::TakeBack,
];

/// Answers to an operation over which somebody stumbles.
const STUMBLES: [u16; 4] = [400, 413, 500, 502];

/// One thing that a clerk did, for the trace, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Done {
    /// In words.
    pub what: String,
    /// Rules that were broken.
    pub violations: Vec<(Kind, String)>,
    /// Deeds that the facade said are done, in their order, to be entered into the ledger.
    pub deeds: Vec<(Option<String>, Deed)>,
}

/// What a deed concerns.
struct Whom {
    member_id: Option<String>,
    deed: Deed,
}

fn of(member_id: &str, deed: Deed) -> Whom {
    Whom {
        member_id: Some(member_id.to_owned()),
        deed,
    }
}

/// The clerk who holds the phone does something.
pub fn act(phone: &mut Phone, ledger: &mut Ledger, faults: &mut Faults, chance: &mut Stream) -> Done {
    let mut done = Done::default();
    let Some(staff_id) = sign_in(phone, faults, chance) else {
        "nobody works here".clone_into(&mut done.what);
        return done;
    };
    let what = *chance.pick(&ACTS).unwrap_or(&Act::Note);
    let mut deeds = Vec::new();
    let result = perform(phone, ledger, faults, chance, what, &mut deeds, &mut done);
    let outcome = match &result {
        Ok(()) => "done".to_owned(),
        Err(error) => error.code().to_owned(),
    };
    done.what = format!("{staff_id} {what:?}: {outcome}");
    for (member_id, deed) in &deeds {
        done.what.push_str(&format!(
            " [{} {deed:?}]",
            member_id.as_deref().unwrap_or_default()
        ));
    }
    done.deeds = deeds;
    done
}

/// Finds the operations that stand in the outbox since the last look, and enters them with what the
/// clerk was told is done. A deed without an operation was lost: that is told back.
pub fn enter(phone: &mut Phone, ledger: &mut Ledger, deeds: Vec<(Option<String>, Deed)>) -> Vec<String> {
    let standing: Vec<(String, Option<String>)> = phone.read(|conn| {
        let mut statement = conn.prepare("SELECT op_id, member_id FROM outbox ORDER BY outbox_id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    });
    let mut deeds = deeds.into_iter();
    for (op_id, member_id) in standing {
        if !ledger.known.insert(op_id.clone()) {
            continue;
        }
        let (member_id, deed) = match deeds.next() {
            Some((whom, deed)) => (whom.or(member_id), deed),
            // The act was not told to be done, and yet is: a kill between the commit and the answer.
            None => (member_id, Deed::Other("unanswered")),
        };
        ledger.enter(Entry {
            op_id,
            phone: phone.index,
            member_id,
            deed,
            taken_back: false,
        });
    }
    deeds
        .map(|(_, deed)| format!("{deed:?} was told to be stored and is not"))
        .collect()
}

fn sign_in(phone: &mut Phone, faults: &mut Faults, chance: &mut Stream) -> Option<String> {
    let staff = phone.app().staff().unwrap_or_default();
    let still = staff.iter().any(|one| one.staff_id == phone.staff_id);
    let other = faults.strikes(Fault::SharedPhone);
    if !still || other {
        let next = chance.pick(&staff)?.staff_id.clone();
        if still && next != phone.staff_id {
            faults.count(Fault::SharedPhone);
        }
        phone.staff_id = next;
    }
    if phone.app().is_locked() || phone.app().signed_in().as_deref() != Some(phone.staff_id.as_str()) {
        phone.app().switch_staff(&phone.staff_id.clone(), None).ok()?;
    }
    Some(phone.staff_id.clone())
}

/// A member that the phone shows.
fn some_member(phone: &Phone, chance: &mut Stream) -> Option<String> {
    let ids: Vec<String> = phone.read(|conn| {
        let mut statement =
            conn.prepare("SELECT member_id FROM member WHERE standing = 1 ORDER BY member_id")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    });
    chance.pick(&ids).cloned()
}

/// A task that waits, with its member; the first ones, so that clerks meet.
fn some_task(phone: &Phone, chance: &mut Stream, kind: &str) -> Option<(String, String)> {
    let tasks: Vec<(String, String)> = phone.read(|conn| {
        let mut statement = conn.prepare(
            "SELECT t.task_id, m.member_id FROM task t JOIN member m USING (member_key)
             WHERE t.state IN ('open', 'in_progress') AND t.kind = ?1 ORDER BY t.task_id LIMIT 4",
        )?;
        let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    });
    chance.pick(&tasks).cloned()
}

type Deeds = Vec<(Option<String>, Deed)>;

fn note(deeds: &mut Deeds, whom: Whom) {
    deeds.push((whom.member_id, whom.deed));
}

fn perform(
    phone: &mut Phone,
    ledger: &mut Ledger,
    faults: &mut Faults,
    chance: &mut Stream,
    act: Act,
    deeds: &mut Deeds,
    done: &mut Done,
) -> AppResult<()> {
    let number = ledger.next_serial();
    let nobody = || AppError::Unknown { what: "member" };
    match act {
        Act::Note => {
            let member = some_member(phone, chance).ok_or_else(nobody)?;
            let text = format!("记录{number}：血压偏高，约周三来店");
            let acted = phone.app().add_note(&member, &text, None)?;
            if faults.strikes(Fault::Unreadable) && replace_body(phone, acted.outbox_id, "x'ff00'") {
                faults.count(Fault::Unreadable);
                note(deeds, of(&member, Deed::Unreadable));
            } else if faults.strikes(Fault::OpTooLarge)
                && replace_body(phone, acted.outbox_id, "zeroblob(300000)")
            {
                faults.count(Fault::OpTooLarge);
                note(deeds, of(&member, Deed::Unreadable));
            } else {
                if faults.fires(Fault::OpStumbles) {
                    let op_id = phone.read(|conn| outbox::get(conn, acted.outbox_id));
                    let status = faults.stream(Fault::OpStumbles).pick(&STUMBLES).copied();
                    ledger.stumbles.extend(op_id.map(|op| op.op_id).zip(status));
                }
                note(deeds, of(&member, Deed::Note { text }));
            }
        }
        Act::Tag => {
            let member = some_member(phone, chance).ok_or_else(nobody)?;
            let tag = format!("标签{number}");
            phone.app().tag(&member, std::slice::from_ref(&tag), &[])?;
            note(deeds, of(&member, Deed::Tag { tag }));
        }
        Act::Reading => {
            let member = some_member(phone, chance).ok_or_else(nobody)?;
            let emergency = chance.once_in(6);
            let taken_at_ms = phone.app().now_ms() - 1_000 * number as i64;
            let reading = NewReading {
                kind: "bp".into(),
                systolic: Some(if emergency {
                    190
                } else {
                    110 + chance.below(40) as u16
                }),
                diastolic: Some(70),
                taken_at_ms: Some(taken_at_ms),
                ..NewReading::default()
            };
            phone.app().add_reading(&member, &reading)?;
            note(deeds, of(&member, Deed::Reading { taken_at_ms }));
        }
        Act::Register => {
            let name = format!("新会员{number}");
            let new = NewMember {
                name: name.clone(),
                phone: Some(format!("137{:08}", chance.below(6))),
                ..NewMember::default()
            };
            let registered = phone.app().register(&new)?;
            note(deeds, of(&registered.member.member_id, Deed::Register { name }));
        }
        Act::Edit => {
            let member = some_member(phone, chance).ok_or_else(nobody)?;
            let edit = ProfileFields {
                weight_hg: Some(500 + chance.below(400) as u16),
                ..ProfileFields::default()
            };
            phone.app().edit_member(&member, edit)?;
            note(deeds, of(&member, Deed::Other("edit")));
        }
        Act::Consent => {
            let member = some_member(phone, chance).ok_or_else(nobody)?;
            let granted = chance.once_in(5);
            let consent = NewConsent {
                purpose: "marketing".into(),
                channel: None,
                granted,
                wording_version: "1".into(),
            };
            phone.app().set_consent(&member, &consent, None)?;
            note(deeds, of(&member, Deed::Consent { granted }));
        }
        Act::Call => return call(phone, ledger, faults, chance, deeds, done),
        Act::Message => return message(phone, ledger, chance, deeds, done),
        Act::OwnTask => {
            let member = some_member(phone, chance).ok_or_else(nobody)?;
            let mut task = NewTask::of_kind(TaskKind::Call);
            if chance.once_in(2) {
                task.purpose = ContactPurpose::Marketing;
            }
            let task_id = phone.app().make_task(&member, &task)?;
            note(deeds, of(&member, Deed::Task { task_id }));
        }
        Act::Manage => return manage(phone, faults, chance, deeds),
        Act::TakeBack => return take_back(phone, ledger, chance),
    }
    Ok(())
}

/// The operation's bytes become what only a newer version writes.
fn replace_body(phone: &Phone, outbox_id: i64, body: &str) -> bool {
    let changed = phone
        .store()
        .write(Durability::Full, |tx| -> Result<usize, StoreError> {
            let sql = format!("UPDATE outbox SET body = {body} WHERE outbox_id = ?1");
            Ok(tx.execute(&sql, [outbox_id])?)
        });
    changed.is_ok()
}

fn call(
    phone: &mut Phone,
    ledger: &mut Ledger,
    faults: &mut Faults,
    chance: &mut Stream,
    deeds: &mut Deeds,
    done: &mut Done,
) -> AppResult<()> {
    if let Some(open) = phone.app().open_attempts()?.into_iter().next() {
        // A call of which nothing was told yet: first that.
        if open.awaits == Awaits::Result {
            phone
                .app()
                .end_attempt(&open.attempt_id, CarrierResult::NoAnswer, None)?;
            note(deeds, of(&open.member_id, Deed::Other("end attempt")));
            return Ok(());
        }
    }
    let no_task = || AppError::Unknown { what: "task" };
    let (task_id, member_id) = some_task(phone, chance, "call").ok_or_else(no_task)?;
    let task = phone.app().task(&task_id)?;
    let dial = phone.app().dial(&DialTarget::Task(task_id.clone()))?;
    let attempt_id = dial.attempt_id.clone();
    note(
        deeds,
        of(
            &member_id,
            Deed::Dial {
                attempt_id: attempt_id.clone(),
            },
        ),
    );
    if task.task.purpose.is(ContactPurpose::Marketing) {
        if ledger.must_not_contact(&member_id, phone.known_until) {
            let consents = phone
                .read(|conn| rows::member(conn, &member_id))
                .map(|member| member.consents);
            let what = format!(
                "{member_id} was dialled for marketing after the phone had pulled the withdrawal; here: {consents:?}"
            );
            done.violations.push((Kind::Violation, what));
        } else if ledger.is_withdrawn(&member_id) {
            faults.count(Fault::DialUnheard);
        }
    }
    if chance.once_in(8) {
        // The clerk puts the phone away in the middle of the call.
        return Ok(());
    }
    let answered = !chance.once_in(3);
    let carrier = if answered {
        CarrierResult::Answered
    } else {
        CarrierResult::NoAnswer
    };
    phone
        .app()
        .end_attempt(&attempt_id, carrier, answered.then_some(60))?;
    note(deeds, of(&member_id, Deed::Other("end attempt")));
    if !answered {
        return Ok(());
    }
    let code = match chance.below(4) {
        0 => OutcomeCode::AlreadyBought,
        1 => OutcomeCode::CallLater,
        2 => OutcomeCode::NotInterested,
        _ => OutcomeCode::NeedsPharmacist,
    };
    let recorded = phone.app().record_outcome(&task_id, &NewOutcome::of(code))?;
    let deed = Deed::Outcome {
        task_id,
        outcome_id: recorded.outcome_id,
    };
    note(deeds, of(&member_id, deed));
    Ok(())
}

fn message(
    phone: &mut Phone,
    ledger: &mut Ledger,
    chance: &mut Stream,
    deeds: &mut Deeds,
    done: &mut Done,
) -> AppResult<()> {
    if let Some(open) = phone.app().open_messages()?.into_iter().next() {
        let told = if chance.once_in(4) {
            Told::NotSent
        } else {
            Told::Sent
        };
        phone.app().message_told(&open.key, &told)?;
        note(deeds, of(&open.member_id, Deed::MessageNews { key: open.key }));
        return Ok(());
    }
    let member = some_member(phone, chance).ok_or(AppError::Unknown { what: "member" })?;
    let result = phone.app().message(&[member], "remind")?;
    for out in result.ready {
        let handed = ledger
            .handed_out
            .entry((phone.index, out.key.clone()))
            .or_default();
        *handed += 1;
        if *handed > 1 {
            let what = format!("the message {} was handed out twice", out.key);
            done.violations.push((Kind::Doubled, what));
        }
        note(deeds, of(&out.member_id, Deed::Message { key: out.key }));
    }
    Ok(())
}

fn manage(phone: &mut Phone, faults: &mut Faults, chance: &mut Stream, deeds: &mut Deeds) -> AppResult<()> {
    if chance.once_in(3)
        && let Some(pair) = phone.app().duplicates()?.into_iter().next()
        && faults.strikes(Fault::Merge)
    {
        let (keep, other) = (pair.first.member_id, pair.second.member_id);
        phone.app().merge_members(&keep, &other)?;
        faults.count(Fault::Merge);
        note(deeds, of(&keep, Deed::Other("merge")));
        if faults.strikes(Fault::MergeUndone) {
            phone.app().undo_merge(&keep, &other)?;
            faults.count(Fault::MergeUndone);
            note(deeds, of(&keep, Deed::Other("undo merge")));
        }
        return Ok(());
    }
    let no_task = || AppError::Unknown { what: "task" };
    let (task_id, member_id) = some_task(phone, chance, "call").ok_or_else(no_task)?;
    match chance.below(3) {
        0 => {
            phone.app().nudge(&task_id)?;
        }
        1 => {
            let staff = phone.app().staff()?;
            let to = chance.pick(&staff).map(|one| one.staff_id.clone());
            phone.app().reassign(&task_id, to.as_deref())?;
        }
        _ => {
            phone.app().start_task(&task_id)?;
        }
    }
    note(deeds, of(&member_id, Deed::Other("manage")));
    Ok(())
}

fn take_back(phone: &mut Phone, ledger: &mut Ledger, chance: &mut Stream) -> AppResult<()> {
    let recent: Vec<(String, usize)> = ledger
        .entries
        .iter()
        .enumerate()
        .rev()
        .take(20)
        .filter(|(_, entry)| entry.phone == phone.index && !entry.taken_back)
        .filter_map(|(index, entry)| match &entry.deed {
            Deed::Outcome { outcome_id, .. } => Some((outcome_id.clone(), index)),
            _ => None,
        })
        .collect();
    let (outcome_id, index) = chance
        .pick(&recent)
        .cloned()
        .ok_or(AppError::Unknown { what: "outcome" })?;
    phone.app().take_back(&outcome_id)?;
    ledger.entries[index].taken_back = true;
    Ok(())
}
