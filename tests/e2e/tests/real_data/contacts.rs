//! Calls and messages of the clerks, taken in by the hub as it takes them from phones.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use yaoban_e2e::Hub;
use yaoban_hub::ops::Taking;
use yaoban_hub::storage::StorageError;
use yaoban_hub::storage::sqlite::Database;
use yaoban_hub::storage::sqlite::devices::Device;
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::op::{Op, OpEnvelope, OpStatus};

/// Milliseconds by which China's civil time is ahead of UTC.
const CHINA_OFFSET_MS: i64 = 8 * 3_600_000;

/// What a clerk does about one task: days after the campaign's start, a call or a message, its end.
type Plan = &'static [(u64, &'static str, &'static str)];

/// What may come of a task; who gets which follows from the member and the campaign.
const PLANS: [Plan; 8] = [
    &[],
    &[(0, "call", "answered")],
    &[(0, "call", "busy"), (2, "call", "no_answer")],
    &[(0, "call", "dropped")],
    &[(0, "sms", "delivered")],
    &[(0, "sms", "sent")],
    &[(1, "sms", "delivered"), (4, "call", "answered")],
    &[(0, "call", "busy"), (3, "call", "answered")],
];

/// Carries out the campaigns' tasks over the hub's own path; gives every contact as it was made.
pub fn record(hub: &Hub, campaigns: &[Value]) -> Vec<Value> {
    let database = Database::open(&hub.dir()).unwrap();
    let (rules, calendar) = database
        .read::<_, StorageError>(|tx| Ok((tx.rules()?, tx.calendar()?)))
        .unwrap();
    let mut made = Vec::new();
    for (number, campaign) in campaigns.iter().enumerate() {
        let id = campaign["id"].as_str().unwrap();
        let start: NaiveDate = campaign["start"].as_str().unwrap().parse().unwrap();
        let mut by_store: BTreeMap<String, Vec<(String, Op)>> = BTreeMap::new();
        for member in campaign["members"].as_array().unwrap() {
            let member = member.as_str().unwrap();
            let task_id = format!("{id}:{member}");
            // Members held out have no task, and members of no store have none.
            let Some(task) = database.read::<_, StorageError>(|tx| tx.task(&task_id)).unwrap() else {
                continue;
            };
            let clerk = task
                .assignee
                .clone()
                .unwrap_or_else(|| panic!("{task_id} is nobody's"));
            let digits: String = member.chars().filter(char::is_ascii_digit).collect();
            let lot = digits.parse::<u64>().unwrap() + 3 * number as u64;
            let first = start + Days::new(lot * 7 % 45);
            for (step, (after, what, result)) in PLANS[lot as usize % PLANS.len()].iter().enumerate() {
                let hour = NaiveTime::from_hms_opt((lot % 24) as u32, 30, 0).unwrap();
                let at = (first + Days::new(*after)).and_time(hour);
                let ops = by_store.entry(task.store_id.clone()).or_default();
                let contact = Contact {
                    id: format!("{task_id}:{step}"),
                    task_id: &task_id,
                    member,
                    clerk: &clerk,
                    at,
                    result,
                };
                let steps = if *what == "call" {
                    contact.call()
                } else {
                    contact.message(id)
                };
                ops.extend(steps.into_iter().map(|op| (clerk.clone(), op)));
                made.push(
                    json!({ "campaign": id, "member": member, "at": at.to_string(), "what": what,
                    "result": result }),
                );
            }
        }
        for (store_id, ops) in by_store {
            let device = device(&store_id);
            database
                .write::<_, StorageError>(|tx| {
                    let taking = Taking {
                        device: &device,
                        rules: &rules,
                        calendar,
                        now_ms: chrono::Utc::now().timestamp_millis(),
                    };
                    for (n, (clerk, op)) in (1..).zip(&ops) {
                        let envelope = OpEnvelope {
                            n,
                            op_id: format!("{id}-{store_id}-{n}"),
                            staff_id: clerk.clone(),
                            at_ms: taking.now_ms,
                            base_version: 0,
                            body: ByteBuf::from(to_cbor(op).unwrap()),
                            parked: false,
                        };
                        let result = taking.take(tx, &envelope)?;
                        assert_eq!(result.status, OpStatus::Applied, "{:?}: {op:?}", result.reason);
                    }
                    Ok(())
                })
                .unwrap();
        }
    }
    made
}

struct Contact<'a> {
    id: String,
    task_id: &'a str,
    member: &'a str,
    clerk: &'a str,
    at: NaiveDateTime,
    result: &'a str,
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

impl Contact<'_> {
    fn at_ms(&self) -> i64 {
        self.at.and_utc().timestamp_millis() - CHINA_OFFSET_MS
    }

    fn call(&self) -> Vec<Op> {
        let attempt = read(json!({
            "id": self.id, "task_id": self.task_id, "member_id": self.member, "staff_id": self.clerk,
            "purpose": "marketing", "channel": "call", "started_at_ms": self.at_ms(), "ended_at_ms": null,
            "duration_s": null, "result": null,
        }));
        let end = Op::EndAttempt {
            attempt_id: self.id.clone(),
            ended_at_ms: self.at_ms() + 60_000,
            duration_s: Some(50),
            result: read(json!(self.result)),
        };
        vec![Op::StartAttempt { attempt }, end]
    }

    fn message(&self, campaign: &str) -> Vec<Op> {
        let send = read(json!({
            "key": format!("{campaign}/{}/{}/sms", self.member, self.id), "member_id": self.member,
            "task_id": self.task_id, "campaign_id": campaign, "channel": "sms", "purpose": "marketing",
            "template_id": "T1", "staff_id": self.clerk, "at_ms": self.at_ms(), "state": self.result,
        }));
        vec![Op::RecordSend { send }]
    }
}

fn device(store_id: &str) -> Device {
    Device {
        id: format!("phone-{store_id}"),
        name: String::new(),
        store_id: store_id.to_owned(),
        staff_id: None,
        refresh_hash: Vec::new(),
        created_ms: 0,
        seen_ms: None,
        revoked_ms: None,
        last_n: 0,
        app_version: None,
        ahead_ms: 0,
    }
}
