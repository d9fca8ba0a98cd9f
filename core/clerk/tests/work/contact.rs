//! Gate, dial, carrier's result, outcome, take-back.

use chrono::NaiveDate;
use secrecy::ExposeSecret;
use yaoban_clerk_core::facade::contact::{Awaits, DialTarget, NewOutcome};
use yaoban_clerk_core::facade::tasks::{NewTask, TaskFilter, TaskView};
use yaoban_domain::codes::{
    CarrierResult, Channel, Code, ConsentPurpose, ContactPurpose, GateReason, OutcomeCode, TaskKind,
    TaskState,
};
use yaoban_domain::model::{Member, Regimen};
use yaoban_domain::task::Answer;
use yaoban_protocol::row::{Purchases, entity};

use crate::common::{NOON, put};
use crate::phone::{DAY, HOUR, Phone, code, consent, drug, member_row, one_task, task, task_row, willing};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn t1() -> DialTarget {
    DialTarget::Task("T1".into())
}

fn member_of(phone: &Phone) -> yaoban_clerk_core::facade::profile::Profile {
    phone.app.profile("M1").unwrap()
}

#[test]
fn a_dial_is_stored_before_its_number_leaves_and_survives_a_restart() {
    let phone = one_task();
    let dial = phone.app.dial(&t1()).unwrap();
    assert_eq!(Some(dial.number.expose_secret().to_owned()), willing("M1").phone);
    assert!(
        !serde_json::to_string(&dial)
            .unwrap()
            .contains(dial.number.expose_secret())
    );
    for target in [t1(), DialTarget::Member("M1".into())] {
        assert_eq!(
            phone.app.check_dial(&target).unwrap(),
            phone
                .app
                .check_contact("M1", Channel::Call, ContactPurpose::Service)
                .unwrap()
        );
    }
    assert_eq!(
        code(phone.app.check_dial(&DialTarget::Task("T9".into()))),
        "task_unknown"
    );
    let phone = phone.restart();
    let open = phone.app.open_attempts().unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(
        (
            open[0].attempt_id.as_str(),
            open[0].target.clone(),
            open[0].awaits
        ),
        (dial.attempt_id.as_str(), t1(), Awaits::Result)
    );
    assert_eq!(code(phone.app.dial(&t1())), "attempt_open");
    let ended = phone
        .app
        .end_attempt(&dial.attempt_id, CarrierResult::Answered, Some(42))
        .unwrap();
    assert!(ended.outcome_required && ended.recording_due);
    phone.app.no_recording(&dial.attempt_id, "not_found").unwrap();
    assert!(ended.task.unwrap().state.is(TaskState::InProgress));
    assert_eq!(phone.app.open_attempts().unwrap()[0].awaits, Awaits::Outcome);
    let recorded = phone
        .app
        .record_outcome("T1", &NewOutcome::of(OutcomeCode::AlreadyBought))
        .unwrap();
    assert!(!recorded.recording_due, "it was said that there is none");
    assert!(phone.app.open_attempts().unwrap().is_empty());
    let detail = phone.app.task("T1").unwrap();
    assert_eq!(detail.attempts[0].duration_s, Some(42));
    assert_eq!(detail.outcomes[0].code, "already_bought");
    assert!(phone.app.sync_queue().unwrap().unwrap().pending >= 2);
}

#[test]
fn each_carrier_result_does_what_the_table_says() {
    use CarrierResult::{
        Answered, BlockedByPolicy, Busy, Cancelled, Dropped, InvalidNumber, LineFailed, NoAnswer, PowerOff,
        Rejected, Suspended, Voicemail,
    };
    use TaskState::{Deferred, Done, InProgress, Open};
    for (result, state, attempts, until, marked, outcome_required) in [
        (Busy, Deferred, 1, Some("2026-06-15"), false, false),
        (NoAnswer, Deferred, 1, Some("2026-06-15"), false, false),
        (LineFailed, Deferred, 1, Some("2026-06-15"), false, false),
        (PowerOff, Deferred, 1, Some("2026-06-15"), false, false),
        (Rejected, Deferred, 1, Some("2026-06-16"), false, false),
        (Voicemail, Deferred, 1, Some("2026-06-16"), false, false),
        (InvalidNumber, Done, 0, None, true, false),
        (Suspended, Done, 0, None, true, false),
        (Cancelled, Open, 0, None, false, false),
        (BlockedByPolicy, Open, 0, None, false, false),
        (Answered, InProgress, 0, None, false, true),
        (Dropped, InProgress, 0, None, false, true),
    ] {
        let phone = one_task();
        let dial = phone.app.dial(&t1()).unwrap();
        let ended = phone.app.end_attempt(&dial.attempt_id, result, None).unwrap();
        let task = ended.task.unwrap();
        assert!(task.state.is(state), "{result}: {:?}", task.state);
        assert_eq!(task.attempts, attempts, "{result}");
        assert_eq!(task.deferred_until, until.map(day), "{result}");
        assert_eq!(ended.number_marked, marked, "{result}");
        assert_eq!(ended.outcome_required, outcome_required, "{result}");
        let again = phone.app.end_attempt(&dial.attempt_id, Busy, Some(1));
        assert_eq!(code(again), "attempt_ended", "{result}");
    }
}

#[test]
fn after_the_third_attempt_a_task_expires_and_stays_visible() {
    let phone = one_task();
    for _ in 0..3 {
        let dial = phone.app.dial(&t1()).unwrap();
        phone
            .app
            .end_attempt(&dial.attempt_id, CarrierResult::Rejected, None)
            .unwrap();
        phone.pass(DAY);
    }
    assert_eq!(code(phone.app.dial(&t1())), "task_closed");
    let overdue = TaskFilter {
        view: TaskView::Overdue,
        ..TaskFilter::default()
    };
    assert_eq!(phone.app.tasks(&overdue).unwrap().count, 1);
    assert_eq!(phone.app.task("T1").unwrap().attempts.len(), 3);
}

#[test]
fn each_outcome_does_what_the_table_says() {
    use TaskState::{Deferred, Done};
    for outcome in OutcomeCode::ALL {
        let (state, until) = match outcome {
            OutcomeCode::AgreedToVisit => (Deferred, Some("2026-06-19")),
            OutcomeCode::CallLater => (Deferred, Some("2026-06-22")),
            OutcomeCode::StillHasStock => (Deferred, Some("2026-06-18")),
            _ => (Done, None),
        };
        let phone = one_task();
        let dial = phone.app.dial(&t1()).unwrap();
        phone
            .app
            .end_attempt(&dial.attempt_id, CarrierResult::Answered, Some(10))
            .unwrap();
        let mut new = NewOutcome::of(*outcome);
        new.ingredient = Some("氨氯地平".into());
        if matches!(
            outcome,
            OutcomeCode::AgreedToVisit | OutcomeCode::StillHasStock | OutcomeCode::BoughtElsewhere
        ) {
            new.date = Some(day("2026-06-18"));
        }
        if *outcome == OutcomeCode::Other {
            assert_eq!(code(phone.app.record_outcome("T1", &new)), "note_required");
            new.note = Some("搬到女儿家住".into());
        }
        let recorded = phone.app.record_outcome("T1", &new).unwrap();
        assert!(
            recorded.task.state.is(state),
            "{outcome}: {:?}",
            recorded.task.state
        );
        assert_eq!(recorded.task.deferred_until, until.map(day), "{outcome}");
        assert_eq!(recorded.task.outcome.as_deref(), Some(outcome.code()));

        let asks_pharmacist = matches!(
            outcome,
            OutcomeCode::NeedsPharmacist | OutcomeCode::AdverseReaction
        );
        assert_eq!(recorded.follow_up.is_some(), asks_pharmacist, "{outcome}");
        let refusal = |purpose| {
            let verdict = phone.app.check_contact("M1", Channel::Sms, purpose).unwrap();
            verdict.reason.filter(|_| verdict.until_ms.is_none())
        };
        let (service, marketing) = match outcome {
            OutcomeCode::DoNotContact => (Some(GateReason::DoNotContact), Some(GateReason::ConsentWithdrawn)),
            OutcomeCode::WrongNumber => (Some(GateReason::NumberInvalid), Some(GateReason::NumberInvalid)),
            OutcomeCode::Moved => (None, Some(GateReason::ConsentWithdrawn)),
            OutcomeCode::Hospitalised => (Some(GateReason::Paused), Some(GateReason::Paused)),
            OutcomeCode::Deceased => (Some(GateReason::Deceased), Some(GateReason::Deceased)),
            _ => (None, None),
        };
        assert_eq!(refusal(ContactPurpose::Service), service, "{outcome}");
        assert_eq!(refusal(ContactPurpose::Marketing), marketing, "{outcome}");
    }
}

#[test]
fn a_pharmacists_task_follows_at_once() {
    let mut phone = one_task();
    let recorded = phone
        .app
        .record_outcome("T1", &NewOutcome::of(OutcomeCode::AdverseReaction))
        .unwrap();
    let follow_up = recorded.follow_up.unwrap();
    assert!(follow_up.kind.is(TaskKind::Pharmacist));
    assert_eq!(follow_up.assignee.as_deref(), Some("P1"));
    assert_eq!(follow_up.due, day("2026-06-15"));
    phone.sign_in("P1");
    let list = phone.app.tasks(&TaskFilter::default()).unwrap();
    assert_eq!(list.households[0].tasks[0].task_id, follow_up.task_id);
    phone.sign_in("C1");
    phone.app.take_back(&recorded.outcome_id).unwrap();
    assert_eq!(code(phone.app.task(&follow_up.task_id)), "task_unknown");
}

#[test]
fn an_outcome_can_be_taken_back_for_ten_seconds_and_no_longer() {
    let phone = one_task();
    let refuse = NewOutcome::of(OutcomeCode::DoNotContact);
    let recorded = phone.app.record_outcome("T1", &refuse).unwrap();
    assert_eq!(recorded.take_back_until_ms, NOON + 10_000);
    assert_eq!(phone.app.sync_queue().unwrap().unwrap().held, 1);
    assert_eq!(
        phone.app.held_outcome_of("T1").unwrap(),
        Some(recorded.outcome_id.clone())
    );
    phone.pass(9_999);
    let task = phone.app.take_back(&recorded.outcome_id).unwrap();
    assert!(task.state.is(TaskState::Open) && task.outcome.is_none());
    let verdict = phone
        .app
        .check_contact("M1", Channel::Call, ContactPurpose::Marketing)
        .unwrap();
    assert!(verdict.allows());
    assert_eq!(phone.app.sync_queue().unwrap().unwrap().held, 0);

    let recorded = phone.app.record_outcome("T1", &refuse).unwrap();
    phone.pass(10_000);
    assert_eq!(
        phone.app.held_outcome_of("T1").unwrap(),
        None,
        "held still, but its seconds are over"
    );
    assert_eq!(code(phone.app.take_back(&recorded.outcome_id)), "take_back_over");
    phone
        .app
        .make_task("M1", &NewTask::of_kind(TaskKind::InStore))
        .unwrap();
    let queue = phone.app.sync_queue().unwrap().unwrap();
    assert_eq!(
        (queue.held, queue.pending),
        (0, 2),
        "numbered once its time is over"
    );
    assert_eq!(code(phone.app.take_back("nothing")), "take_back_over");
}

#[test]
fn a_medicine_that_lapsed_is_not_asked_about() {
    let bought = |days: Vec<i32>, drugs: &[&str]| Purchases {
        member_id: "M1".into(),
        seconds: vec![-1; days.len()],
        drug_index: (0..).take(days.len()).collect(),
        drugs: drugs.iter().map(|id| (*id).to_owned()).collect(),
        store_index: vec![-1; days.len()],
        stores: Vec::new(),
        quantities_milli: vec![1_000; days.len()],
        amounts_fen: vec![1; days.len()],
        days,
    };
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        put(11, entity::DRUG, "D1", &drug("D1", "氨氯地平", true)),
        put(12, entity::DRUG, "D2", &drug("D2", "二甲双胍", true)),
        put(
            13,
            entity::PURCHASES,
            "M1",
            &bought(vec![20_200, 20_600], &["D1", "D2"]),
        ),
        task_row(14, &task("T1", "M1")),
    ]);
    assert_eq!(phone.app.outcome_choices("T1").unwrap().medicines, ["二甲双胍"]);
}

#[test]
fn what_is_offered_says_what_each_outcome_asks_for() {
    let mut about = task("T2", "M1");
    about.why.values.push(("ingredient".into(), "氨氯地平".into()));
    let mut takes = willing("M1");
    takes.regimens = vec![regimen("二甲双胍"), regimen("氨氯地平")];
    let mut message = task("T3", "M2");
    message.kind = TaskKind::Sms.into();
    let phone = Phone::with(vec![
        member_row(10, &takes),
        member_row(11, &willing("M2")),
        task_row(12, &about),
        task_row(13, &message),
        task_row(14, &task("T4", "M2")),
    ]);
    let offered = phone.app.outcome_choices("T2").unwrap();
    assert_eq!(offered.medicine.as_deref(), Some("氨氯地平"));
    assert_eq!(offered.medicines, ["氨氯地平", "二甲双胍"]);
    assert_eq!(offered.choices.len(), OutcomeCode::ALL.len());
    let choice = |code| offered.choices.iter().find(|choice| choice.code == code).unwrap();
    let visit = choice(OutcomeCode::AgreedToVisit);
    assert_eq!(
        (visit.day, visit.last_day),
        (Answer::Required, Some(day("2026-07-15")))
    );
    let stopped = choice(OutcomeCode::DoctorChangedOrStopped);
    assert_eq!(
        (stopped.day, stopped.last_day, stopped.medicine),
        (Answer::NotAsked, None, Answer::Optional)
    );
    assert_eq!(choice(OutcomeCode::Other).note, Answer::Required);

    let nothing_known = phone.app.outcome_choices("T4").unwrap();
    assert!(nothing_known.medicines.is_empty() && nothing_known.medicine.is_none());
    assert!(
        nothing_known
            .choices
            .iter()
            .all(|choice| choice.medicine == Answer::NotAsked),
        "there is none to choose"
    );
    assert!(phone.app.outcome_choices("T3").unwrap().choices.is_empty());
    assert_eq!(code(phone.app.outcome_choices("T9")), "task_unknown");
    let by = |id| phone.app.task(id).unwrap().task.channel;
    assert_eq!((by("T2"), by("T3")), (Some(Channel::Call), Some(Channel::Sms)));
}

fn regimen(ingredient: &str) -> Regimen {
    Regimen {
        ingredient: ingredient.into(),
        daily_units_milli: Some(1_000),
        stock_until: Some(day("2026-07-01")),
        inactive: false,
        changed_on: day("2026-06-01"),
    }
}

#[test]
fn an_outcome_in_its_ten_seconds_survives_a_restart() {
    let phone = one_task();
    let recorded = phone
        .app
        .record_outcome("T1", &NewOutcome::of(OutcomeCode::NotInterested))
        .unwrap();
    let phone = phone.restart();
    assert!(phone.app.task("T1").unwrap().task.state.is(TaskState::Done));
    phone.app.take_back(&recorded.outcome_id).unwrap();
    assert!(phone.app.task("T1").unwrap().task.state.is(TaskState::Open));
}

#[test]
fn a_correction_supersedes_and_leaves_the_state() {
    let phone = one_task();
    let first = phone
        .app
        .record_outcome("T1", &NewOutcome::of(OutcomeCode::WrongNumber))
        .unwrap();
    phone.pass(60_000);
    let corrected = NewOutcome {
        supersedes: Some(first.outcome_id),
        ..NewOutcome::of(OutcomeCode::AlreadyBought)
    };
    let second = phone.app.record_outcome("T1", &corrected).unwrap();
    assert!(second.task.state.is(TaskState::Done));
    assert_eq!(second.task.outcome.as_deref(), Some("already_bought"));
    assert_eq!(phone.app.task("T1").unwrap().outcomes.len(), 2);
    let verdict = phone
        .app
        .check_contact("M1", Channel::Call, ContactPurpose::Service)
        .unwrap();
    assert!(verdict.allows(), "the number is no longer held to be wrong");
}

#[test]
fn an_outcome_without_the_carriers_word_ends_the_dial_as_answered() {
    let phone = one_task();
    let dial = phone.app.dial(&t1()).unwrap();
    phone
        .app
        .record_outcome("T1", &NewOutcome::of(OutcomeCode::CallLater))
        .unwrap();
    let detail = phone.app.task("T1").unwrap();
    assert_eq!(detail.attempts[0].attempt_id, dial.attempt_id);
    assert!(
        detail.attempts[0]
            .result
            .as_ref()
            .unwrap()
            .is(CarrierResult::Answered)
    );
    assert!(phone.app.open_attempts().unwrap().is_empty());
}

fn gate_of(member: &Member, purpose: ContactPurpose) -> Option<GateReason> {
    let phone = Phone::with(vec![member_row(10, member)]);
    phone
        .app
        .check_contact("M1", Channel::Call, purpose)
        .unwrap()
        .reason
}

#[test]
fn the_gate_gives_its_reasons_in_their_order() {
    let service = |change: fn(&mut Member)| {
        let mut member = willing("M1");
        change(&mut member);
        gate_of(&member, ContactPurpose::Service)
    };
    assert_eq!(service(|_| ()), None);
    assert_eq!(
        service(|m| {
            m.deceased = true;
            m.phone_invalid = true;
        }),
        Some(GateReason::Deceased)
    );
    assert_eq!(
        service(|m| {
            m.phone_invalid = true;
            m.paused_until = "2026-06-15".parse().ok();
        }),
        Some(GateReason::NumberInvalid)
    );
    assert_eq!(service(|m| m.phone = None), Some(GateReason::NoNumber));
    assert_eq!(
        service(|m| {
            m.paused_until = "2026-06-15".parse().ok();
            m.consents.clear();
        }),
        Some(GateReason::Paused)
    );
    assert_eq!(service(|m| m.consents.clear()), Some(GateReason::NoConsent));
    assert_eq!(
        service(|m| m.consents = vec![consent(ConsentPurpose::Membership, false)]),
        Some(GateReason::ConsentWithdrawn)
    );
    assert_eq!(
        service(|m| m.do_not_contact = true),
        Some(GateReason::DoNotContact)
    );
}

#[test]
fn outside_the_hours_a_dial_is_put_off_and_kept_as_a_refusal() {
    let phone = one_task();
    phone.pass(8 * HOUR);
    let refusal = phone.app.dial(&t1()).unwrap_err();
    assert_eq!(refusal.code(), "gate.outside_hours");
    let values = refusal.values();
    assert_eq!(values[0], ("until_ms".into(), (NOON + 21 * HOUR).to_string()));
    assert!(phone.app.open_attempts().unwrap().is_empty());
    assert_eq!(
        phone.app.refusals_today().unwrap()[0].code,
        "outside_hours",
        "each refusal is counted"
    );
}

#[test]
fn a_number_is_dialled_three_times_a_day_whoever_of_the_household_it_is_for() {
    let mut partner = willing("M2");
    partner.phone = willing("M1").phone;
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        member_row(11, &partner),
        task_row(12, &task("T1", "M1")),
    ]);
    let dial = |member_id: &str| {
        let dial = phone.app.dial(&DialTarget::Member(member_id.into()))?;
        phone
            .app
            .end_attempt(&dial.attempt_id, CarrierResult::NoAnswer, None)
    };
    dial("M1").unwrap();
    dial("M2").unwrap();
    dial("M1").unwrap();
    assert_eq!(code(dial("M2")), "gate.dials_a_day");
    assert_eq!(code(phone.app.dial(&t1())), "gate.dials_a_day");
    phone.pass(DAY);
    dial("M2").unwrap();
}

#[test]
fn marketing_calls_stop_at_their_caps() {
    let mut promotion = task("T1", "M1");
    promotion.purpose = ContactPurpose::Marketing.into();
    let phone = Phone::with(vec![member_row(10, &willing("M1")), task_row(11, &promotion)]);
    let dial = phone.app.dial(&t1()).unwrap();
    phone
        .app
        .end_attempt(&dial.attempt_id, CarrierResult::Answered, None)
        .unwrap();
    let verdict = |purpose| {
        phone
            .app
            .check_contact("M1", Channel::Call, purpose)
            .unwrap()
            .reason
    };
    assert_eq!(
        verdict(ContactPurpose::Marketing),
        Some(GateReason::CapMarketingDay)
    );
    assert_eq!(verdict(ContactPurpose::Service), None);
    phone.pass(DAY);
    assert_eq!(
        phone
            .app
            .check_contact("M1", Channel::Call, ContactPurpose::Marketing)
            .unwrap()
            .reason,
        None
    );
}

#[test]
fn an_emergency_is_called_at_night_but_nobody_makes_one_up() {
    let mut emergency = task("T1", "M1");
    emergency.emergency = true;
    emergency.purpose = ContactPurpose::Emergency.into();
    let mut silent = willing("M1");
    silent.do_not_contact = true;
    let phone = Phone::with(vec![member_row(10, &silent), task_row(11, &emergency)]);
    phone.pass(10 * HOUR);
    let made_up = DialTarget::Member("M1".into());
    assert_eq!(code(phone.app.dial(&made_up)), "gate.do_not_contact");
    phone.app.dial(&t1()).unwrap();
}

#[test]
fn the_end_of_a_dial_belongs_to_who_began_it() {
    let mut phone = one_task();
    let dial = phone.app.dial(&t1()).unwrap();
    phone.sign_in("C2");
    phone
        .app
        .end_attempt(&dial.attempt_id, CarrierResult::Busy, None)
        .unwrap();
    assert_eq!(phone.app.task("T1").unwrap().attempts[0].staff_id, "C1");
}

#[test]
fn stock_elsewhere_and_a_stopped_medicine_reach_the_regimens() {
    let phone = one_task();
    let outcome = NewOutcome {
        date: Some(day("2026-06-18")),
        ingredient: Some("氨氯地平".into()),
        ..NewOutcome::of(OutcomeCode::StillHasStock)
    };
    phone.app.record_outcome("T1", &outcome).unwrap();
    let medicine = member_of(&phone).medicines.into_iter().next().unwrap();
    assert_eq!(medicine.ingredient, "氨氯地平");
    assert_eq!(medicine.end, Some(day("2026-06-18")));
}
