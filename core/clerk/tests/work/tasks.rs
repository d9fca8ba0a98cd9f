//! The list: its order, its filters, households, what a clerk makes itself.

use yaoban_clerk_core::facade::contact::NewOutcome;
use yaoban_clerk_core::facade::profile::Say;
use yaoban_clerk_core::facade::tasks::{NewTask, TaskAct, TaskFilter, TaskList, TaskView};
use yaoban_domain::codes::{ContactPurpose, OutcomeCode, TaskKind, TaskState};
use yaoban_domain::model::CareTask;
use yaoban_protocol::row::{Campaign, Purchases, entity};

use crate::common::{NOON, put};
use crate::phone::{DAY, HOUR, Phone, code, drug, member_row, one_task, task, task_row, template, willing};

fn ids(list: &TaskList) -> Vec<&str> {
    list.tasks().map(|task| task.task_id.as_str()).collect()
}

fn filter(view: TaskView) -> TaskFilter {
    TaskFilter {
        view,
        ..TaskFilter::default()
    }
}

#[test]
fn the_list_follows_emergency_due_date_and_medicine_and_keeps_a_household_together() {
    let mut emergency = task("T9", "M3");
    emergency.emergency = true;
    let mut soon = task("T5", "M2");
    soon.due = "2026-06-16".parse().unwrap();
    let mut partner = willing("M4");
    partner.phone = willing("M2").phone;
    // M1 runs out of a medicine first among those due on the same day.
    let bought = Purchases {
        member_id: "M1".into(),
        days: vec![20_590],
        seconds: vec![-1],
        drug_index: vec![0],
        drugs: vec!["D1".into()],
        store_index: vec![-1],
        stores: Vec::new(),
        quantities_milli: vec![1_000],
        amounts_fen: vec![1],
    };
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        member_row(11, &willing("M2")),
        member_row(12, &willing("M3")),
        member_row(13, &partner),
        member_row(14, &willing("M5")),
        put(15, entity::DRUG, "D1", &drug("D1", "氨氯地平", true)),
        put(16, entity::PURCHASES, "M1", &bought),
        task_row(20, &task("T1", "M5")),
        task_row(21, &task("T2", "M1")),
        task_row(22, &soon),
        task_row(23, &emergency),
        task_row(24, &task("T7", "M4")),
    ]);
    let list = phone.app.tasks(&TaskFilter::default()).unwrap();
    assert_eq!(ids(&list), ["T9", "T5", "T7", "T2", "T1"]);
    assert_eq!(list.households[1].tasks.len(), 2);
    assert_eq!((list.count, list.household_count), (5, 4));
    let page = |offset, limit| {
        phone
            .app
            .task_page(&TaskFilter::default(), offset, limit)
            .unwrap()
    };
    let second = page(1, 2);
    assert_eq!((second.count, second.household_count), (5, 4));
    // Two households, of which one has two tasks.
    assert_eq!(ids(&second), ["T5", "T7", "T2"]);
    assert_eq!(ids(&page(3, 2)), ["T1"]);
    assert_eq!(ids(&page(4, 2)), Vec::<&str>::new());
    let shown = list.tasks().find(|task| task.task_id == "T2").unwrap();
    assert!(shown.medicine_end.is_some());
    assert!(shown.phone_masked.as_ref().unwrap().contains("****"));
    assert_eq!((shown.why.group, shown.why.code.as_str()), ("why", "campaign"));
}

#[test]
fn a_task_about_a_medicine_tells_its_end_and_not_that_of_the_first_to_end() {
    let about = |id: &str, ingredient: &str| {
        let mut about = task(id, "M1");
        about.why.values = vec![
            ("ingredient".to_owned(), ingredient.to_owned()),
            ("end".to_owned(), "2026-06-01".to_owned()),
        ];
        task_row(20, &about)
    };
    let bought = Purchases {
        member_id: "M1".into(),
        days: vec![20_590, 20_600],
        seconds: vec![-1, -1],
        drug_index: vec![0, 1],
        drugs: vec!["D1".into(), "D2".into()],
        store_index: vec![-1, -1],
        stores: Vec::new(),
        quantities_milli: vec![1_000, 1_000],
        amounts_fen: vec![1, 1],
    };
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        put(11, entity::DRUG, "D1", &drug("D1", "氨氯地平", true)),
        put(12, entity::DRUG, "D2", &drug("D2", "二甲双胍", true)),
        put(13, entity::PURCHASES, "M1", &bought),
        task_row(14, &task("T1", "M1")),
        about("T2", "二甲双胍"),
        about("T3", "阿卡波糖"),
    ]);
    let list = phone.app.tasks(&TaskFilter::default()).unwrap();
    let told = |id: &str| {
        let row = list.tasks().find(|task| task.task_id == id).unwrap();
        let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        (
            row.medicine.clone().unwrap_or_default(),
            day(row.medicine_end),
            day(row.next_end),
        )
    };
    let of = |medicine: &str, end: &str| (medicine.to_owned(), end.to_owned(), "2026-06-15".to_owned());
    assert_eq!(told("T1"), of("氨氯地平", "2026-06-15"));
    assert_eq!(told("T2"), of("二甲双胍", "2026-06-25"));
    // This phone knows nothing of it: what the hub said.
    assert_eq!(told("T3"), of("阿卡波糖", "2026-06-01"));
    // The name is told where the reason does not tell it.
    let also = |id: &str| {
        let row = list.tasks().find(|task| task.task_id == id).unwrap();
        said(&row.also)
    };
    assert_eq!(also("T1"), ["medicine_end medicine=氨氯地平 day=2026-06-15"]);
    assert_eq!(also("T2"), ["end medicine=二甲双胍 day=2026-06-25"]);
}

/// Code and values, one text each.
fn said(list: &[Say]) -> Vec<String> {
    let one = |say: &Say| {
        let values = say.values.iter().map(|(name, value)| format!(" {name}={value}"));
        format!("{}{}", say.code, values.collect::<String>())
    };
    list.iter().map(one).collect()
}

#[test]
fn what_matters_about_a_task_now_is_told_in_order() {
    let row = |change: &dyn Fn(&mut CareTask)| {
        let mut asked = task("T1", "M1");
        change(&mut asked);
        let phone = Phone::with(vec![member_row(10, &willing("M1")), task_row(11, &asked)]);
        phone.app.task("T1").unwrap().task
    };
    let plain = row(&|_| {});
    assert_eq!(
        (said(&plain.also), said(&[plain.after])),
        (vec![], vec!["state state=open".to_owned()])
    );
    let day = |until: &str| Some(until.parse().unwrap());
    let busy = row(&|task| {
        task.state = TaskState::Deferred.into();
        task.deferred_until = day("2026-06-17");
        task.nudged_at_ms = Some(NOON);
        task.attempts = 2;
    });
    assert_eq!(
        said(&busy.also),
        ["back day=2026-06-17", "nudged", "attempts n=2"]
    );
    assert_eq!(said(&[busy.after]), ["back_on day=2026-06-17"]);
    // Back today, at an hour: it stands on no other day.
    let soon = row(&|task| {
        task.state = TaskState::Deferred.into();
        task.deferred_until = day("2026-06-15");
        task.deferred_until_ms = Some(NOON + HOUR);
    });
    assert_eq!(said(&soon.also), [""; 0]);
    assert_eq!(said(&[soon.after]), [format!("back_at when={}", NOON + HOUR)]);
    let given_up = row(&|task| {
        task.state = TaskState::Expired.into();
        task.attempts = 3;
    });
    assert_eq!(said(&given_up.also), ["attempts n=3"]);
    assert_eq!(said(&[given_up.after]), ["given_up n=3"]);
    let ran_out = row(&|task| task.state = TaskState::Expired.into());
    assert_eq!(said(&[ran_out.after]), ["state state=expired"]);
}

#[test]
fn filters_narrow_the_list() {
    let mut others = task("T2", "M2");
    others.assignee = Some("C2".into());
    let mut nobodys = task("T3", "M2");
    nobodys.assignee = None;
    let mut later = task("T4", "M1");
    later.start = "2026-06-16".parse().unwrap();
    let mut over = task("T5", "M1");
    over.due = "2026-06-14".parse().unwrap();
    let mut done = task("T6", "M1");
    done.state = TaskState::Done.into();
    done.changed_at_ms = NOON - HOUR;
    let mut old = done.clone();
    old.id = "T7".into();
    old.changed_at_ms = NOON - DAY;
    let mut healthy = willing("M2");
    healthy.diseases = vec!["gout".into()];
    healthy.tags = vec!["c".into()];
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        member_row(11, &healthy),
        task_row(20, &task("T1", "M1")),
        task_row(21, &others),
        task_row(22, &nobodys),
        task_row(23, &later),
        task_row(24, &over),
        task_row(25, &done),
        task_row(26, &old),
    ]);
    let list = |filter: &TaskFilter| {
        let list = phone.app.tasks(filter).unwrap();
        ids(&list).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(&filter(TaskView::Due)), ["T1", "T3"]);
    assert_eq!(list(&filter(TaskView::Later)), ["T4"]);
    assert_eq!(list(&filter(TaskView::Overdue)), ["T5"]);
    assert_eq!(list(&filter(TaskView::DoneToday)), ["T6"]);
    let whole = TaskFilter {
        whole_store: true,
        ..TaskFilter::default()
    };
    assert_eq!(list(&whole), ["T1", "T2", "T3"]);
    assert_eq!(
        list(&TaskFilter {
            assignee: Some("C2".into()),
            ..whole.clone()
        }),
        ["T2"]
    );
    assert_eq!(
        list(&TaskFilter {
            disease: Some("gout".into()),
            ..whole.clone()
        }),
        ["T2", "T3"]
    );
    assert_eq!(
        list(&TaskFilter {
            tag: Some("a".into()),
            ..whole.clone()
        }),
        ["T1"]
    );
    assert_eq!(
        list(&TaskFilter {
            member_id: Some("M2".into()),
            ..TaskFilter::default()
        }),
        ["T3"]
    );
}

#[test]
fn a_clerk_who_is_marked_off_gets_none() {
    let mut phone = one_task();
    phone.sign_in("B1");
    phone
        .app
        .mark_off("C1", Some("2026-06-15".parse().unwrap()))
        .unwrap();
    phone.sign_in("C1");
    let list = phone.app.tasks(&TaskFilter::default()).unwrap();
    assert_eq!(list.none.unwrap().code, "off");
    assert!(list.households.is_empty());
    phone.pass(DAY);
    assert_eq!(ids(&phone.app.tasks(&TaskFilter::default()).unwrap()), ["T1"]);
}

#[test]
fn a_task_shows_its_script_filled_in_for_the_member() {
    let mut script = template(
        "S",
        "script",
        ContactPurpose::Service,
        "{name}您好，我是{store}的{clerk}，{campaign}。{other}",
    );
    script.points = vec!["问{name}血压".into()];
    let mut scripted = task("T1", "M1");
    scripted.script_id = Some("S".into());
    let campaign = Campaign {
        id: "K1".into(),
        name: "续药提醒".into(),
        start: scripted.start,
        due: scripted.due,
    };
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        put(11, entity::TEMPLATE, "S", &script),
        put(12, entity::CAMPAIGN, "K1", &campaign),
        task_row(20, &scripted),
    ]);
    let detail = phone.app.task("T1").unwrap();
    let script = detail.script.unwrap();
    assert_eq!(script.text, "王M1您好，我是一店的C1，续药。{other}");
    assert_eq!(script.points, ["问王M1血压"]);
    assert_eq!(script.missing, ["other"]);
    assert_eq!(detail.task.campaign.as_deref(), Some("续药提醒"));
    assert_eq!(code(phone.app.task("T2")), "task_unknown");
}

#[test]
fn a_clerk_makes_tasks_from_a_member_and_from_a_group() {
    let mut elsewhere = willing("M3");
    elsewhere.store_id = Some("S2".into());
    let phone = Phone::with(vec![
        member_row(10, &willing("M1")),
        member_row(11, &willing("M2")),
        member_row(12, &elsewhere),
    ]);
    let mut wish = NewTask::of_kind(TaskKind::Call);
    wish.note = Some("问问新药合不合适".into());
    let id = phone.app.make_task("M1", &wish).unwrap();
    let shown = phone.app.task(&id).unwrap().task;
    assert_eq!(shown.why.code, "clerk");
    assert_eq!(shown.assignee.as_deref(), Some("C1"));
    assert_eq!(shown.due, "2026-06-22".parse().unwrap());
    let group = ["M1", "M2", "M3", "M9"].map(str::to_owned);
    let result = phone
        .app
        .make_tasks(&group, &NewTask::of_kind(TaskKind::Call))
        .unwrap();
    assert_eq!(result.made.len(), 1);
    let refused: Vec<(&str, &str)> = result
        .refused
        .iter()
        .map(|one| (one.id.as_str(), one.code.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            ("M1", "task_exists"),
            ("M3", "member_other_store"),
            ("M9", "member_unknown")
        ]
    );
    assert_eq!(phone.app.tasks(&TaskFilter::default()).unwrap().count, 2);
    assert_eq!(code(phone.app.make_tasks(&[], &wish)), "group_empty");
    let planned = phone.app.plan_calls(&group).unwrap();
    assert!(planned.made.is_empty(), "each has one");
    let late = NewTask {
        due: "2026-06-14".parse().ok(),
        ..NewTask::of_kind(TaskKind::Call)
    };
    assert_eq!(code(phone.app.make_task("M2", &late)), "due_before_start");
}

#[test]
fn a_task_is_started_put_off_and_cancelled_by_whom_the_rules_let() {
    let phone = one_task();
    let started = phone.app.start_task("T1").unwrap();
    assert!(started.state.is(TaskState::InProgress));
    let until = "2026-06-17".parse().unwrap();
    let deferred = phone.app.defer_task("T1", until, None).unwrap();
    assert!(deferred.state.is(TaskState::Deferred));
    assert_eq!(phone.app.tasks(&TaskFilter::default()).unwrap().count, 0);
    assert_eq!(phone.app.tasks(&filter(TaskView::Later)).unwrap().count, 1);
    let beyond = "2026-06-21".parse().unwrap();
    assert_eq!(code(phone.app.defer_task("T1", beyond, None)), "after_due");
    assert_eq!(code(phone.app.cancel_task("T1")), "manager_only");
    phone.pass(2 * DAY);
    assert_eq!(phone.app.tasks(&TaskFilter::default()).unwrap().count, 1);
    let own = phone
        .app
        .make_task("M1", &NewTask::of_kind(TaskKind::InStore))
        .unwrap();
    assert!(
        phone
            .app
            .cancel_task(&own)
            .unwrap()
            .state
            .is(TaskState::Cancelled)
    );
}

#[test]
fn a_task_can_be_put_off_while_it_is_on_the_list_and_a_day_is_left() {
    let mut last_day = task("T2", "M1");
    last_day.due = "2026-06-15".parse().unwrap();
    let mut later = task("T3", "M1");
    later.start = "2026-06-16".parse().unwrap();
    let mut phone = Phone::with(vec![
        put(10, entity::MEMBER, "M1", &willing("M1")),
        put(20, entity::TASK, "T1", &task("T1", "M1")),
        put(21, entity::TASK, "T2", &last_day),
        put(22, entity::TASK, "T3", &later),
    ]);
    let until = |phone: &Phone, id: &str| phone.app.task(id).unwrap().task.defer_until_max;
    assert_eq!(until(&phone, "T1"), Some(task("T1", "M1").due));
    assert_eq!(until(&phone, "T2"), None, "today is its last day");
    assert_eq!(until(&phone, "T3"), None, "it has not begun");
    let act = |phone: &Phone, id: &str| phone.app.task(id).unwrap().task.act;
    assert_eq!(act(&phone, "T1"), TaskAct::Call);
    // Whom to call next stands on today's list, whichever view is looked at.
    let done = TaskFilter {
        view: TaskView::DoneToday,
        ..TaskFilter::default()
    };
    let next = phone.app.next_call(&done).unwrap();
    assert_eq!(next, phone.app.next_call(&TaskFilter::default()).unwrap());
    assert!(next.is_some());
    phone
        .app
        .record_outcome("T1", &NewOutcome::of(OutcomeCode::Moved))
        .unwrap();
    assert_eq!(until(&phone, "T1"), None, "it is done");
    assert_eq!(act(&phone, "T1"), TaskAct::Nothing);
    phone.sign_in("B1");
    let id = phone.app.plan_call("M1", "2026-06-20".parse().ok()).unwrap();
    let planned = phone.app.task(&id).unwrap().task;
    assert_eq!(planned.start.to_string(), "2026-06-20");
    assert_eq!((planned.kind.code(), planned.purpose.code()), ("call", "service"));
}
