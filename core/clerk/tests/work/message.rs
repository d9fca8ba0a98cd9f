//! Messages: templates, the gate, keys, what is put off.

use std::sync::Arc;

use secrecy::ExposeSecret;
use yaoban_clerk_core::facade::message::Told;
use yaoban_clerk_core::store::StoreError;
use yaoban_clerk_core::sync::{PulledPage, SyncStore as _};
use yaoban_domain::codes::{Channel, ConsentPurpose, ContactPurpose, SendState, TaskKind, TaskState};
use yaoban_protocol::message::Cursor;
use yaoban_protocol::op::{OpResult, OpStatus};
use yaoban_protocol::row::{Change, ChangeKind, entity};

use crate::common::{NOON, SCOPE, gone, put};
use crate::phone::{DAY, HOUR, Phone, code, consent, drug, member_row, task, task_row, template, willing};

const REMINDER: &str = "【安康大药房】{name}您好，您的常用药快用完了，{store}恭候。";
const PROMOTION: &str = "【安康大药房】{name}您好，会员日欢迎光临。拒收请回复R";

fn rows() -> Vec<Change> {
    let texts = [
        template("remind", "sms", ContactPurpose::Service, REMINDER),
        template("promote", "sms", ContactPurpose::Marketing, PROMOTION),
        template("wechat", "wechat", ContactPurpose::Service, REMINDER),
        template("script", "script", ContactPurpose::Service, "您好"),
        template("bare", "sms", ContactPurpose::Marketing, "【安康】氨氯地平特价"),
        template("typo", "sms", ContactPurpose::Service, "【安康】{nmae}您好"),
    ];
    let mut silent = willing("M2");
    silent.do_not_contact = true;
    let mut unasked = willing("M3");
    unasked.consents = vec![consent(ConsentPurpose::Membership, true)];
    let mut message = task("T1", "M1");
    message.kind = TaskKind::Sms.into();
    let mut rows = vec![
        member_row(10, &willing("M1")),
        member_row(11, &silent),
        member_row(12, &unasked),
        member_row(13, &willing("M4")),
        put(14, entity::DRUG, "D1", &drug("D1", "氨氯地平", true)),
        task_row(15, &message),
    ];
    for (n, text) in texts.iter().enumerate() {
        rows.push(put(20 + n as u64, entity::TEMPLATE, &text.id, text));
    }
    rows
}

fn ids(list: &[&str]) -> Vec<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn templates_show_with_what_is_wrong_with_them() {
    let phone = Phone::with(rows());
    let templates = phone.app.templates(Some(Channel::Sms)).unwrap();
    let shown: Vec<(&str, &[&str])> = templates
        .iter()
        .map(|t| (t.template_id.as_str(), t.findings.as_slice()))
        .collect();
    assert_eq!(
        shown,
        [
            ("bare", &["no_opt_out", "prescription_drug", "price_word"][..]),
            ("promote", &[]),
            ("remind", &[]),
            ("typo", &[]),
        ]
    );
    assert!(templates[1].promotional && !templates[2].promotional);
    assert_eq!(phone.app.templates(None).unwrap().len(), 5);
    let unfit = phone.app.message(&ids(&["M1"]), "bare").unwrap_err();
    assert_eq!(unfit.code(), "template_unfit");
    assert_eq!(unfit.values()[0], ("finding".to_owned(), "no_opt_out".to_owned()));
    assert_eq!(
        code(phone.app.message(&ids(&["M1"]), "script")),
        "template_not_a_message"
    );
    assert_eq!(code(phone.app.message(&ids(&["M1"]), "none")), "template_unknown");
    let typo = phone.app.message(&ids(&["M1"]), "typo").unwrap();
    assert_eq!(typo.refused[0].code, "template_unfit");
}

#[test]
fn a_preview_stores_nothing() {
    let phone = Phone::with(rows());
    let preview = phone.app.preview_message("M1", "remind").unwrap();
    assert_eq!(
        preview.text,
        "【安康大药房】王M1您好，您的常用药快用完了，一店恭候。"
    );
    assert!(preview.gate.allows());
    assert!(!phone.app.preview_message("M2", "remind").unwrap().gate.allows());
    assert!(phone.app.open_messages().unwrap().is_empty());
    assert_eq!(phone.app.sync_queue().unwrap().unwrap().pending, 0);
}

#[test]
fn a_message_whose_record_the_hub_refused_is_not_written_again() {
    let phone = Phone::with(rows());
    assert_eq!(phone.app.message(&ids(&["M1"]), "remind").unwrap().ready.len(), 1);
    let mut store = Arc::clone(phone.app.store());
    let op = store.next_ops(NOON, 10, 1 << 20).unwrap().remove(0).op;
    let refused = OpResult {
        n: op.n,
        op_id: op.op_id,
        status: OpStatus::Rejected,
        reason: Some("member_other_store".into()),
        values: Vec::new(),
        member_id: None,
    };
    store.record_results(&[refused]).unwrap();
    // Nothing shows it any more, and the phone knows.
    assert!(phone.app.open_messages().unwrap().is_empty());
    let again = phone.app.message(&ids(&["M1"]), "remind").unwrap();
    assert_eq!(
        (again.ready.len(), again.refused[0].code.as_str()),
        (0, "already_sent")
    );
    assert_eq!(phone.app.message(&ids(&["M4"]), "remind").unwrap().ready.len(), 1);
}

#[test]
fn a_group_message_goes_to_whom_the_gate_lets_and_lists_the_others() {
    let phone = Phone::with(rows());
    let result = phone
        .app
        .message(&ids(&["M1", "M2", "M3", "M4", "M9"]), "promote")
        .unwrap();
    let ready: Vec<&str> = result.ready.iter().map(|one| one.member_id.as_str()).collect();
    assert_eq!(ready, ["M1", "M4"]);
    assert_eq!(
        result.ready[0].number.as_ref().unwrap().expose_secret(),
        willing("M1").phone.as_ref().unwrap()
    );
    let refused: Vec<(&str, &str)> = result
        .refused
        .iter()
        .map(|one| (one.id.as_str(), one.code.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            ("M2", "gate.do_not_contact"),
            ("M3", "gate.no_consent"),
            ("M9", "member_unknown")
        ]
    );
    let by_reason: Vec<(&str, Vec<&str>)> = result
        .reasons
        .iter()
        .map(|by| (by.code.as_str(), by.names.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(by_reason.len(), 3, "each refused one");
    assert_eq!(
        by_reason[2],
        ("member_unknown", vec!["M9"]),
        "whose name is not here"
    );
    let json = serde_json::to_string(&result).unwrap();
    assert!(!json.contains(willing("M1").phone.as_ref().unwrap()));
    let counted: u32 = phone
        .app
        .refusals_today()
        .unwrap()
        .iter()
        .map(|one| one.count)
        .sum();
    assert_eq!(counted, 2, "what the gate refused is kept and counted");
}

#[test]
fn a_key_is_stored_before_its_text_leaves_so_nothing_is_sent_twice() {
    let phone = Phone::with(rows());
    let first = phone.app.message(&ids(&["M1"]), "remind").unwrap();
    let key = first.ready[0].key.clone();
    assert_eq!(key, "own-remind-2026-06-15/M1/0/sms");
    let phone = phone.restart();
    assert_eq!(phone.app.open_messages().unwrap()[0].key, key);
    let again = phone.app.message(&ids(&["M1"]), "remind").unwrap();
    assert_eq!(again.refused[0].code, "already_sent");

    phone
        .app
        .message_told(
            &key,
            &Told::Failed {
                reason: "no_credit".into(),
            },
        )
        .unwrap();
    let retry = phone.app.message(&ids(&["M1"]), "remind").unwrap();
    assert_eq!(retry.ready[0].key, format!("{key}#2"));
    phone
        .app
        .message_told(&retry.ready[0].key, &Told::Delivered)
        .unwrap();
    assert!(phone.app.open_messages().unwrap().is_empty());
    // One service message a day, of whichever template.
    let other = phone.app.message(&ids(&["M1"]), "wechat").unwrap();
    assert_eq!(other.refused[0].code, "gate.cap_service_day");
    phone.pass(DAY);
    assert_eq!(phone.app.message(&ids(&["M1"]), "remind").unwrap().ready.len(), 1);
}

#[test]
fn a_message_without_news_is_handed_out_again_through_the_gate() {
    let phone = Phone::with(rows());
    let key = phone.app.message(&ids(&["M1"]), "remind").unwrap().ready[0]
        .key
        .clone();
    assert_eq!(phone.app.task_counts(false).unwrap().messages, 1);
    let phone = phone.restart();
    let again = phone.app.hand_again(&key).unwrap();
    assert_eq!(
        (again.key.as_str(), again.member_id.as_str()),
        (key.as_str(), "M1")
    );
    assert_eq!(
        again.number.as_ref().unwrap().expose_secret(),
        willing("M1").phone.as_ref().unwrap()
    );
    assert_eq!(
        phone.app.open_messages().unwrap().len(),
        1,
        "it is still to be told"
    );
    phone.pass(10 * HOUR);
    assert_eq!(code(phone.app.hand_again(&key)), "gate.outside_hours");
    phone.pass(14 * HOUR);
    assert!(phone.app.hand_again(&key).is_ok());
    assert_eq!(phone.app.message_told(&key, &Told::Sent), Ok(SendState::Sent));
    assert_eq!(code(phone.app.hand_again(&key)), "send_unknown");
    assert_eq!(
        code(phone.app.hand_again("own-remind-2026-06-15/M4/0/sms")),
        "send_unknown"
    );
    assert_eq!(phone.app.task_counts(false).unwrap().messages, 0);
}

#[test]
fn what_became_of_a_message_is_the_cores_word() {
    let phone = Phone::with(rows());
    for (told, reason) in [(Told::NotSent, "not_sent"), (Told::NoApp, "no_app")] {
        let key = phone.app.message(&ids(&["M1"]), "remind").unwrap().ready[0]
            .key
            .clone();
        assert_eq!(phone.app.message_told(&key, &told), Ok(SendState::Failed));
        let kept: Option<String> = phone
            .app
            .store()
            .read::<_, StoreError>(|conn| {
                Ok(conn.query_row("SELECT reason FROM send WHERE key = ?1", [&key], |row| row.get(0))?)
            })
            .unwrap();
        assert_eq!(kept.as_deref(), Some(reason));
    }
}

#[test]
fn the_first_members_see_how_a_message_would_be() {
    let phone = Phone::with(rows());
    let preview = |members: &[&str]| phone.app.preview_messages(&ids(members), "remind").unwrap();
    let all = preview(&["M2", "M3", "M1", "M4"]);
    let shown: Vec<&str> = all.shown.iter().map(|one| one.member_id.as_str()).collect();
    assert_eq!((shown, all.more, all.possible), (vec!["M2", "M3", "M1"], 1, true));
    let nobody = preview(&["M2"]);
    assert_eq!(
        (nobody.more, nobody.possible),
        (0, false),
        "the gate lets it reach nobody"
    );
    phone.pass(9 * HOUR);
    assert!(preview(&["M1"]).possible, "later is not never");
}

#[test]
fn the_message_of_a_task_does_the_task() {
    let phone = Phone::with(rows());
    let result = phone.app.message_task("T1", "remind").unwrap();
    assert_eq!(result.ready[0].key, "K1/M1/0/sms");
    assert!(phone.app.task("T1").unwrap().task.state.is(TaskState::Open));
    phone.app.message_told("K1/M1/0/sms", &Told::Sent).unwrap();
    assert!(phone.app.task("T1").unwrap().task.state.is(TaskState::Done));
    assert_eq!(code(phone.app.message_task("T1", "remind")), "task_closed");
    assert_eq!(code(phone.app.message_told("none", &Told::Sent)), "send_unknown");
}

#[test]
fn outside_the_hours_a_message_is_put_off_and_comes_back_in_time() {
    let phone = Phone::with(rows());
    phone.pass(9 * HOUR);
    let result = phone.app.message(&ids(&["M1", "M4"]), "remind").unwrap();
    assert_eq!((result.ready.len(), result.deferred.len()), (0, 2));
    let due = phone.app.due_messages().unwrap();
    assert_eq!((due.ready.len(), due.deferred.len()), (0, 2));
    let waiting = phone.app.deferred_messages().unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|one| !one.due), "{waiting:?}");
    assert_eq!(
        (waiting[0].reason, waiting[0].until_ms, waiting[0].expires_ms),
        (
            due.deferred[0].reason,
            due.deferred[0].until_ms,
            due.deferred[0].expires_ms
        )
    );
    // The next morning M1 has withdrawn, M4 has not.
    phone.pass(12 * HOUR);
    phone
        .app
        .set_consent(
            "M1",
            &yaoban_clerk_core::facade::members::NewConsent {
                purpose: ConsentPurpose::Membership.to_string(),
                channel: None,
                granted: false,
                wording_version: "1".into(),
            },
            None,
        )
        .unwrap();
    assert!(phone.app.deferred_messages().unwrap().iter().all(|one| one.due));
    let due = phone.app.due_messages().unwrap();
    assert_eq!(due.ready.len(), 1);
    assert_eq!(due.ready[0].member_id, "M4");
    assert_eq!(due.refused[0].code, "gate.consent_withdrawn");
    // Handed out and nothing told: it is asked for, also after a restart, and told like any other.
    assert!(phone.app.deferred_messages().unwrap().is_empty());
    let phone = phone.restart();
    let open = phone.app.open_messages().unwrap();
    assert_eq!(
        open.iter().map(|one| one.member_id.as_str()).collect::<Vec<_>>(),
        ["M4"]
    );
    phone.app.message_told(&open[0].key, &Told::Sent).unwrap();
    assert!(phone.app.open_messages().unwrap().is_empty());
    let due = phone.app.due_messages().unwrap();
    assert_eq!(
        (due.ready.len(), due.deferred.len(), due.refused.len()),
        (0, 0, 0)
    );
}

#[test]
fn a_deferred_message_to_a_member_who_left_stops_no_other() {
    let phone = Phone::with(rows());
    phone.pass(9 * HOUR);
    phone.app.message(&ids(&["M1", "M4"]), "remind").unwrap();
    let from = Cursor {
        scope: SCOPE.into(),
        generation: 1,
        after: 25,
    };
    let page = PulledPage {
        from,
        next: 90,
        changes: vec![gone(90, ChangeKind::Evict, entity::MEMBER, "M1")],
    };
    let mut store = Arc::clone(phone.app.store());
    store.apply_pull(vec![page], 0, NOON).unwrap();
    let waiting = phone.app.deferred_messages().unwrap();
    assert_eq!(
        waiting
            .iter()
            .map(|one| one.member_id.as_str())
            .collect::<Vec<_>>(),
        ["M4"]
    );
    assert_eq!(phone.app.due_messages().unwrap().deferred.len(), 1);
}

#[test]
fn a_deferred_message_is_given_up_at_its_expiry() {
    let phone = Phone::with(rows());
    phone.pass(9 * HOUR);
    phone.app.message(&ids(&["M1"]), "remind").unwrap();
    // The allowed hours of the next day are over.
    phone.pass(23 * HOUR);
    let due = phone.app.due_messages().unwrap();
    assert_eq!((due.ready.len(), due.deferred.len()), (0, 0));
    assert_eq!(due.refused[0].code, "deferral_expired");
}
