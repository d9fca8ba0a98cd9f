//! Counts for the chips, members looked at last, what the phone takes up, the end of a pairing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use yaoban_clerk_core::facade::contact::{DialTarget, NewOutcome};
use yaoban_clerk_core::facade::groups::GroupConditions;
use yaoban_clerk_core::facade::members::NewConsent;
use yaoban_clerk_core::facade::overview::DueCounts;
use yaoban_clerk_core::facade::profile::ConsentRow;
use yaoban_clerk_core::facade::staff::Rights;
use yaoban_clerk_core::facade::tasks::{NewTask, TaskFilter, TaskView};
use yaoban_domain::codes::{CarrierResult, Channel, ConsentPurpose, Open, OutcomeCode, TaskKind};
use yaoban_domain::model::Consent;
use yaoban_protocol::row::{Change, entity};

use crate::common::{member, put};
use crate::phone::{Phone, code, consent, task, willing};

/// Three members: one with a disease, tags and a birthday tomorrow, one bare, one of another store.
fn three_members() -> Vec<Change> {
    let mut first = willing("M1");
    first.diseases = vec!["diabetes".into(), "hypertension".into()];
    first.tags = vec!["vip".into(), "老街坊".into()];
    first.birthday = Some("1960-06-16".parse().unwrap());
    let mut second = willing("M2");
    second.tags = vec!["vip".into()];
    second.diseases = Vec::new();
    let mut other = member("M3", "别店");
    other.store_id = Some("S2".into());
    other.tags = Vec::new();
    other.diseases = Vec::new();
    vec![
        put(10, entity::MEMBER, "M1", &first),
        put(11, entity::MEMBER, "M2", &second),
        put(12, entity::MEMBER, "M3", &other),
    ]
}

#[test]
fn a_chip_counts_what_its_group_holds() {
    let phone = Phone::with(three_members());
    let counts = phone.app.member_counts().unwrap();
    let pair = |counts: &[yaoban_clerk_core::facade::overview::Count]| -> Vec<(String, u32)> {
        counts.iter().map(|one| (one.code.clone(), one.count)).collect()
    };
    assert_eq!(pair(&counts.tags), [("vip".into(), 2), ("老街坊".into(), 1)]);
    assert_eq!(
        pair(&counts.diseases),
        [("diabetes".into(), 1), ("hypertension".into(), 1)]
    );
    assert_eq!(counts.birthdays, 1);
    assert_eq!(
        pair(&counts.medicines),
        [("running_low".into(), 0), ("out".into(), 0)]
    );
    assert_eq!(
        counts.members as usize,
        phone.app.group_count(r#"{"all":[]}"#).unwrap()
    );
    for count in &counts.classes {
        let rule = format!(r#"{{"class":"{}"}}"#, count.code);
        assert_eq!(count.count as usize, phone.app.group_count(&rule).unwrap());
    }
    let ids = phone.app.group_ids(r#"{"tags":"vip"}"#, 1, 10).unwrap();
    assert_eq!(ids.len(), 1);
}

#[test]
fn simple_conditions_become_an_audience_and_come_back_from_a_kept_one() {
    let phone = Phone::with(three_members());
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let nothing = GroupConditions::default();
    assert_eq!(phone.app.group_rule(&nothing).unwrap(), None);

    let count = |conditions: &GroupConditions| {
        let rule = phone.app.group_rule(conditions).unwrap().unwrap();
        phone.app.group_count(&rule).unwrap()
    };
    let tags = |of: &[&str]| GroupConditions {
        tags: words(of),
        ..GroupConditions::default()
    };
    assert_eq!(count(&tags(&["老街坊"])), 1);
    assert_eq!(count(&tags(&["老街坊", "vip"])), 2, "alternatives");
    let both = GroupConditions {
        diseases: words(&["diabetes"]),
        ..tags(&["vip"])
    };
    assert_eq!(count(&both), 1, "both hold");
    let birthday = GroupConditions {
        birthday: true,
        ..nothing.clone()
    };
    assert_eq!(
        count(&birthday) as u32,
        phone.app.member_counts().unwrap().birthdays
    );

    let all = GroupConditions {
        classes: words(&["retain", "low"]),
        care: words(&["chronic"]),
        diseases: words(&["diabetes"]),
        tags: words(&["老\"会员\\", "vip"]),
        medicines: words(&["running_low", "out"]),
        birthday: true,
    };
    assert_eq!(count(&all), 0);
    let rule = phone.app.group_rule(&all).unwrap().unwrap();
    phone.app.save_group("a", &rule).unwrap();
    phone.app.save_group("b", r#"{"not":{"class":"low"}}"#).unwrap();
    phone
        .app
        .save_group("c", r#"{"all":[{"tags":"a"},{"tags":"b"}]}"#)
        .unwrap();
    phone
        .app
        .save_group("d", r#"{"medicine":{"status":"out"}}"#)
        .unwrap();
    phone
        .app
        .save_group("e", r#"{"birthday":{"within_days":30}}"#)
        .unwrap();
    let saved = phone.app.saved_groups().unwrap();
    let mut back = saved[0].conditions.clone().unwrap();
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    for kind in [&mut back.classes, &mut back.tags, &mut back.medicines] {
        kind.sort();
    }
    assert_eq!(
        back,
        GroupConditions {
            classes: sorted(all.classes),
            tags: sorted(all.tags),
            medicines: sorted(all.medicines),
            ..all
        }
    );
    assert_eq!(saved[3].conditions.as_ref().unwrap().medicines, ["out"]);
    for other in [1, 2, 4] {
        assert_eq!(saved[other].conditions, None, "{}", saved[other].rule);
    }
    let unknown = GroupConditions {
        classes: words(&["gold"]),
        ..nothing
    };
    assert_eq!(code(phone.app.group_rule(&unknown)), "invalid");
}

#[test]
fn tasks_are_counted_by_what_they_wait_for() {
    let mut rows = three_members();
    rows.push(put(20, entity::TASK, "T1", &task("T1", "M1")));
    rows.push(put(21, entity::TASK, "T2", &task("T2", "M2")));
    let mut elses = task("T3", "M2");
    elses.assignee = Some("C2".into());
    rows.push(put(22, entity::TASK, "T3", &elses));
    let mut late = task("T4", "M1");
    late.due = "2026-06-14".parse().unwrap();
    rows.push(put(23, entity::TASK, "T4", &late));
    let mut phone = Phone::with(rows);
    let outcome = NewOutcome::of(OutcomeCode::Moved);
    phone.app.record_outcome("T2", &outcome).unwrap();
    let counts = phone.app.task_counts(false).unwrap();
    let of_views: Vec<(TaskView, usize)> = counts.views.iter().map(|one| (one.view, one.count)).collect();
    assert_eq!(
        of_views,
        [
            (TaskView::Due, 1),
            (TaskView::Overdue, 1),
            (TaskView::Later, 0),
            (TaskView::DoneToday, 1)
        ]
    );
    assert_eq!(
        counts.of(TaskView::Due),
        phone.app.tasks(&TaskFilter::default()).unwrap().count
    );
    assert_eq!(phone.app.task_counts(true).unwrap().of(TaskView::Due), 2);
    assert_eq!(counts.kinds[0].code, "call");
    phone.sign_in("B1");
    phone
        .app
        .mark_off("C1", Some("2026-06-15".parse().unwrap()))
        .unwrap();
    phone.sign_in("C1");
    assert_eq!(
        phone.app.task_counts(false).unwrap().of(TaskView::Due),
        0,
        "off today"
    );
}

#[test]
fn a_phone_in_a_pocket_tells_numbers_and_nothing_else() {
    let mut rows = three_members();
    let mut urgent = task("T2", "M2");
    urgent.emergency = true;
    urgent.assignee = None;
    let mut elses = task("T3", "M2");
    elses.assignee = Some("C2".into());
    rows.extend([
        put(20, entity::TASK, "T1", &task("T1", "M1")),
        put(21, entity::TASK, "T2", &urgent),
        put(22, entity::TASK, "T3", &elses),
    ]);
    let phone = Phone::with(rows);
    let told = |due, emergencies| DueCounts { due, emergencies };
    assert_eq!(phone.app.due_counts().unwrap(), told(2, 1));
    phone.app.lock_now().unwrap();
    assert_eq!(code(phone.app.task_counts(false)), "locked");
    assert_eq!(phone.app.due_counts().unwrap(), told(2, 1));
    assert!(phone.app.is_locked(), "telling unlocks nothing");
    phone.app.sign_out().unwrap();
    assert_eq!(
        phone.app.due_counts().unwrap(),
        told(3, 1),
        "nobody's phone tells the store's"
    );
    phone.app.switch_staff("B1", None).unwrap();
    phone
        .app
        .mark_off("C1", Some("2026-06-15".parse().unwrap()))
        .unwrap();
    phone.app.switch_staff("C1", None).unwrap();
    assert_eq!(phone.app.due_counts().unwrap(), told(0, 0), "off today");
}

#[test]
fn a_look_at_the_numbers_does_not_keep_the_lock_from_falling() {
    let phone = Phone::with(three_members());
    for _ in 0..3 {
        phone.rest(8 * 60_000);
        phone.app.due_counts().unwrap();
    }
    assert!(phone.app.is_locked());
}

#[test]
fn a_row_of_the_staff_says_what_it_may() {
    let phone = Phone::with(three_members());
    let staff = phone.app.staff().unwrap();
    let may = |id| staff.iter().find(|row| row.staff_id == id).unwrap().may;
    let (clerk, manager) = (may("C1"), may("B1"));
    assert!(clerk.run_tasks && clerk.keep_members && manager.run_tasks && manager.keep_members);
    let leads = |may: Rights| [may.see_store, may.assign, may.nudge, may.mark_off, may.merge];
    assert_eq!((leads(clerk), leads(manager)), ([false; 5], [true; 5]));
}

#[test]
fn what_may_be_chosen_comes_from_the_core() {
    let phone = Phone::with(three_members());
    let forms = phone.app.consent_forms();
    let purposes: Vec<&str> = forms.iter().map(|form| form.purpose).collect();
    assert_eq!(
        purposes,
        ["membership", "health", "marketing", "recording", "profiling"]
    );
    for form in &forms {
        let given = NewConsent {
            purpose: form.purpose.into(),
            granted: true,
            wording_version: form.wording_version.into(),
            ..NewConsent::default()
        };
        phone.app.set_consent("M2", &given, None).unwrap();
    }
    let profile = phone.app.profile("M2").unwrap();
    assert!(forms.iter().all(|form| {
        let kept =
            |row: &&ConsentRow| row.purpose == form.purpose && row.wording_version == form.wording_version;
        profile
            .consents
            .iter()
            .flat_map(|one| &one.answers)
            .filter(kept)
            .count()
            == 1
    }));
    let diseases = phone.app.diseases();
    assert!(
        diseases
            .iter()
            .any(|one| one.code == "hypertension" && one.chronic)
    );
    assert!(diseases.iter().any(|one| one.code == "cold" && !one.chronic));
    assert_eq!(phone.app.time_zone(), "Asia/Shanghai");
}

#[test]
fn members_looked_at_last_come_first_and_once() {
    let phone = Phone::with(three_members());
    for id in ["M1", "M2", "M1"] {
        phone.app.remember_opened(id).unwrap();
    }
    assert_eq!(code(phone.app.remember_opened("M9")), "unknown_member");
    let phone = phone.restart();
    let found = phone.app.find(" ", 1).unwrap();
    assert_eq!((found.none, found.recent, found.nobody), (None, true, false));
    let shown = found.members;
    let ids: Vec<&str> = shown.iter().map(|row| row.member_id.as_str()).collect();
    assert_eq!(ids, ["M1", "M2"]);
}

#[test]
fn a_profile_names_who_spoke_last_and_who_wrote() {
    let phone = Phone::with(three_members());
    let dial = DialTarget::Member("M1".into());
    let dial = phone.app.dial(&dial).unwrap();
    phone
        .app
        .end_attempt(&dial.attempt_id, CarrierResult::Answered, Some(30))
        .unwrap();
    phone.app.add_note("M1", "要小包装", None).unwrap();
    let profile = phone.app.profile("M1").unwrap();
    let last = profile.last_contact.unwrap();
    assert_eq!(last.staff_id.as_deref(), Some("C1"));
    assert!(last.staff_name.is_some() && last.staff_name == profile.notes[0].staff_name);
}

#[test]
fn an_outcome_means_the_medicine_of_its_task() {
    let mut about = task("T1", "M1");
    about.why.code = "medicine_out".into();
    about.why.values = vec![("ingredient".into(), "氨氯地平".into())];
    let mut rows = three_members();
    rows.push(put(20, entity::TASK, "T1", &about));
    rows.push(put(21, entity::TASK, "T2", &task("T2", "M2")));
    let phone = Phone::with(rows);
    let mut stock = NewOutcome::of(OutcomeCode::StillHasStock);
    stock.date = Some("2026-06-25".parse().unwrap());
    let recorded = phone.app.record_outcome("T1", &stock).unwrap();
    assert_eq!(recorded.ingredient.as_deref(), Some("氨氯地平"));
    let medicines = phone.app.profile("M1").unwrap().medicines;
    assert_eq!(medicines[0].ingredient, "氨氯地平");
    assert_eq!(medicines[0].end, stock.date);
    // A task that is about no medicine in particular guesses none.
    assert_eq!(phone.app.record_outcome("T2", &stock).unwrap().ingredient, None);
}

#[test]
fn the_end_of_a_pairing_leaves_nothing_and_loses_nothing_unasked() {
    let phone = Phone::with(three_members());
    let storage = phone.app.storage().unwrap();
    assert_eq!(storage.members, 3);
    assert!(storage.file_bytes > 0);
    phone
        .app
        .make_task("M1", &NewTask::of_kind(TaskKind::Call))
        .unwrap();
    let refused = phone.app.unpair(false).unwrap_err();
    assert_eq!(refused.code(), "unsent");
    assert_eq!(refused.values(), [("count".to_owned(), "1".to_owned())]);
    assert_eq!(
        phone.app.find("M1", 1).unwrap().members.len(),
        1,
        "a refusal changes nothing"
    );
    phone.app.unpair(true).unwrap();
    assert_eq!(code(phone.app.find("M1", 1)), "paused");
    assert_eq!(phone.files(), Vec::<String>::new());
    let phone = phone.restart();
    assert_eq!(code(phone.app.find("M1", 1)), "not_paired");
}

/// Lets the disk give back a part of the paused phone's file otherwise, page by page.
fn damage(phone: &Phone, percent: std::ops::Range<usize>) {
    let path = phone.home().join("clerk.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = |percent: usize| bytes.len() / 4_096 * percent / 100 * 4_096;
    let (from, to) = (at(percent.start), at(percent.end));
    for page in bytes[from..to].chunks_mut(4_096) {
        page[7] ^= 0xff;
    }
    std::fs::write(&path, bytes).unwrap();
}

fn a_long_list() -> Vec<Change> {
    let members = (0..2_000).map(|n| {
        let id = format!("X{n}");
        put(100 + n, entity::MEMBER, &id, &member(&id, "王芳"))
    });
    three_members().into_iter().chain(members).collect()
}

/// The file was set aside, and what the clerk did is in the new one.
fn is_mended(phone: &Phone) {
    let status = phone.app.status().unwrap();
    assert!(status.set_aside.is_some() && status.members == 0);
    assert_eq!(
        (status.outbox, status.salvaged_ops),
        (1, 1),
        "nothing of the clerk's is lost"
    );
    let aside = phone.files().into_iter();
    let aside: Vec<String> = aside
        .filter(|name| name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
}

#[test]
fn a_phone_whose_file_is_damaged_while_it_runs_mends_it_by_its_next_call() {
    let phone = Phone::with(a_long_list());
    phone.app.add_note("M1", "只在手机上", None).unwrap();
    phone.app.pause().unwrap();
    damage(&phone, 30..60);
    phone.app.resume().unwrap();
    let heard = Arc::new(AtomicUsize::new(0));
    let listener = Counted(Arc::clone(&heard));
    phone.app.store().set_listener(Some(Arc::new(listener)));
    let mut looks = (0..2_000).map(|n| phone.app.profile(&format!("X{n}")).map(drop));
    let found = looks.find_map(Result::err).expect("no damaged page was read");
    assert_eq!(found.code(), "file_damaged");
    assert_eq!(
        heard.load(Ordering::SeqCst),
        1,
        "who listens is told to read again"
    );
    is_mended(&phone);
    assert_eq!(heard.load(Ordering::SeqCst), 2);
}

#[test]
fn a_phone_that_knows_of_the_damage_before_it_pauses_is_mended_when_it_is_used_again() {
    let phone = Phone::with(a_long_list());
    phone.app.add_note("M1", "只在手机上", None).unwrap();
    phone.app.pause().unwrap();
    damage(&phone, 30..60);
    phone.app.resume().unwrap();
    let mut looks = (0..2_000).map(|n| phone.app.profile(&format!("X{n}")).map(drop));
    assert_eq!(looks.find_map(Result::err).unwrap().code(), "file_damaged");
    phone.app.store().pause().unwrap();
    damage(&phone, 0..30);
    phone.app.resume().unwrap();
    is_mended(&phone);
}

#[test]
fn a_phone_whose_file_was_damaged_while_it_was_paused_mends_it_when_it_is_used_again() {
    let phone = Phone::with(a_long_list());
    phone.app.add_note("M1", "只在手机上", None).unwrap();
    phone.app.pause().unwrap();
    damage(&phone, 0..100);
    phone.app.resume().unwrap();
    is_mended(&phone);
}

struct Counted(Arc<AtomicUsize>);

impl yaoban_clerk_core::store::ChangeListener for Counted {
    fn changed(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_profile_says_how_the_member_stands_to_each_consent() {
    let mut asked = member("M1", "王芳");
    asked.consents = vec![
        consent(ConsentPurpose::Marketing, true),
        Consent {
            channel: Some(Channel::Call.into()),
            granted: false,
            ..consent(ConsentPurpose::Marketing, true)
        },
        Consent {
            purpose: Open::Unknown("research".into()),
            ..consent(ConsentPurpose::Marketing, true)
        },
    ];
    let phone = Phone::with(vec![put(20, entity::MEMBER, "M1", &asked)]);
    let standings = phone.app.profile("M1").unwrap().consents;
    let said: Vec<(&str, bool, usize, bool)> = standings
        .iter()
        .map(|one| {
            let asked = one.wording_version.is_some();
            (one.purpose.as_str(), one.granted, one.answers.len(), asked)
        })
        .collect();
    assert_eq!(
        said,
        [
            ("membership", false, 0, true),
            ("health", false, 0, true),
            ("marketing", true, 2, true),
            ("recording", false, 0, true),
            ("profiling", false, 0, true),
            ("research", true, 1, false),
        ]
    );
}

#[test]
fn near_days_end_with_the_last_one_that_is_taken() {
    let phone = Phone::with(Vec::new());
    let days = |last: Option<&str>| {
        let days = phone.app.near_days(last.map(|day| day.parse().unwrap()));
        days.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = ["06-16", "06-17", "06-18", "06-22", "06-29", "07-15"].map(|day| format!("2026-{day}"));
    assert_eq!(days(None), all);
    assert_eq!(days(Some("2026-06-22")), all[..4]);
    assert_eq!(days(Some("2026-06-21")), all[..3]);
    assert!(days(Some("2026-06-15")).is_empty());
}

#[test]
fn a_call_for_a_task_is_answered_by_what_came_of_it() {
    let phone = Phone::with(Vec::new());
    let choices = |target| phone.app.carrier_choices(&target);
    let for_task = choices(DialTarget::Task("T1".into()));
    let for_member = choices(DialTarget::Member("M1".into()));
    assert!(!for_task.contains(&CarrierResult::Answered));
    assert_eq!(for_member[0], CarrierResult::Answered);
    assert_eq!(for_member[1..], for_task);
}

#[test]
fn what_is_typed_is_read_or_refused() {
    let phone = Phone::with(Vec::new());
    assert_eq!(phone.app.typed_birthday(" "), Ok(None));
    assert_eq!(
        phone.app.typed_birthday("20260615"),
        Ok("2026-06-15".parse().ok())
    );
    assert_eq!(code(phone.app.typed_birthday("20260616")), "invalid", "tomorrow");
    assert_eq!(phone.app.typed_units(""), Ok(None));
    assert_eq!(phone.app.typed_units(" ０．５ "), Ok(Some(500)));
    assert_eq!(code(phone.app.typed_units("-1")), "invalid");
}
