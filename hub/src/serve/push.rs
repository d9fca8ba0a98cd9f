//! `POST /v1/push`: the operations of clerks. Always 200 once the device is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use yaoban_protocol::message::{PushReply, PushRequest};
use yaoban_protocol::op::{OpEnvelope, OpResult, OpStatus};

use super::state::{Hub, blocking};
use super::sync::same_epoch;
use super::wire::{Message, Refusal, reply};
use crate::ops::Taking;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::devices::Device;

/// A write transaction takes operations for this long; an import writes in between.
const TRANSACTION_TIME: Duration = Duration::from_millis(100);

/// Takes operations in their order, each with its result.
pub async fn push(
    State(hub): State<Arc<Hub>>,
    device: Device,
    request: Message<PushRequest>,
) -> Result<Response, Refusal> {
    let (form, body) = (request.form, request.body);
    if body.ops.len() > hub.limits.push_ops as usize {
        return Err(too_large(format!(
            "more than {} operations in one push",
            hub.limits.push_ops
        )));
    }
    if let Some(op) = body
        .ops
        .iter()
        .find(|op| op.body.len() as u64 > hub.limits.op_bytes && !op.parked)
    {
        return Err(too_large(format!(
            "operation {} is larger than {} bytes",
            op.n, hub.limits.op_bytes
        )));
    }
    let taker = Arc::clone(&hub);
    let answer = blocking(move || take_all(&taker, &device, body)).await;
    hub.notify();
    let answer = answer?;
    for result in &answer.results {
        hub.metrics.add(
            "yaoban_ops_total",
            &format!("status=\"{}\"", status_code(result.status)),
            1.0,
        );
    }
    reply(form, &answer)
}

fn too_large(message: String) -> Refusal {
    use axum::http::StatusCode;
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        yaoban_protocol::endpoint::refusal::TOO_LARGE,
        message,
    )
}

fn status_code(status: OpStatus) -> &'static str {
    match status {
        OpStatus::Applied => "applied",
        OpStatus::Merged => "merged",
        OpStatus::Duplicate => "duplicate",
        OpStatus::Rejected => "rejected",
        OpStatus::Parked => "parked",
    }
}

fn take_all(hub: &Hub, device: &Device, request: PushRequest) -> Result<PushReply, Refusal> {
    let mut ops = request.ops;
    ops.sort_by_key(|op| op.n);
    let mut rest = ops.as_slice();
    let mut results = Vec::with_capacity(ops.len());
    loop {
        let (epoch, last_n) = hub.database.write(|tx| {
            let epoch = same_epoch(tx, &request.epoch)?;
            let taken = take_some(hub, tx, device, rest)?;
            rest = &rest[taken.len()..];
            results.extend(taken);
            let last_n = tx.device(&device.id)?.map_or(0, |device| device.last_n);
            Ok::<_, Refusal>((epoch, last_n))
        })?;
        if rest.is_empty() {
            return Ok(PushReply {
                epoch,
                results,
                last_n,
            });
        }
    }
}

/// Takes operations until the transaction has lasted long enough.
fn take_some(hub: &Hub, tx: &Tx<'_>, device: &Device, ops: &[OpEnvelope]) -> Result<Vec<OpResult>, Refusal> {
    let (began, rules, calendar) = (Instant::now(), tx.rules()?, tx.calendar()?);
    // What it told of its clock may not be written yet.
    let told = hub.seen(&device.id).map(|seen| seen.ahead_ms);
    let device = Device {
        ahead_ms: told.unwrap_or(device.ahead_ms),
        ..device.clone()
    };
    let taking = Taking {
        device: &device,
        rules: &rules,
        calendar,
        now_ms: hub.now_ms(),
    };
    let mut results = Vec::new();
    for op in ops {
        results.push(taking.take(tx, op)?);
        if began.elapsed() >= TRANSACTION_TIME {
            break;
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_bytes::ByteBuf;
    use yaoban_domain::model::{Member, Note, Staff};
    use yaoban_protocol::codec::to_cbor;
    use yaoban_protocol::op::Op;

    use super::*;
    use crate::clock::ManualClock;
    use crate::storage::sqlite::Database;
    use crate::storage::{Records as _, StorageError};

    fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn device() -> Device {
        Device {
            id: "phone".into(),
            name: String::new(),
            store_id: "A".into(),
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

    /// Notes as long as notes may be, so that they need room.
    fn notes(count: u64) -> Vec<OpEnvelope> {
        let op = |n: u64| Op::AddNote {
            note: Note {
                id: format!("n-{n}"),
                member_id: "M1".into(),
                at_ms: 1,
                staff_id: "clerk".into(),
                text: "药".repeat(400),
                supersedes: None,
            },
        };
        (1..=count)
            .map(|n| OpEnvelope {
                n,
                op_id: format!("op-{n}"),
                staff_id: "clerk".into(),
                at_ms: 1,
                base_version: 0,
                body: ByteBuf::from(to_cbor(&op(n)).unwrap()),
                parked: false,
            })
            .collect()
    }

    #[test]
    fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "chain", None).unwrap();
        let member: Member = read(serde_json::json!({
            "id": "M1", "store_id": "A", "name": "单雪", "phone": null, "sex": null, "birthday": null,
            "joined_on": null, "height_cm": null, "weight_hg": null
        }));
        let staff: Staff = read(serde_json::json!({
            "id": "clerk", "store_id": "A", "region": null, "name": "店员", "role": "clerk"
        }));
        database
            .write::<_, StorageError>(|tx| {
                tx.put_member(&member)?;
                tx.put_staff(&staff)?;
                tx.insert_device(&device())
            })
            .unwrap();
        let hub = Hub::new(database, Arc::new(ManualClock::at(1_772_416_800_000))).unwrap();
        let epoch = hub.database.read::<_, StorageError>(|tx| tx.epoch()).unwrap();
        let request = || PushRequest {
            epoch: epoch.clone(),
            ops: notes(40),
        };
        let kept = || {
            hub.database
                .read::<_, StorageError>(|tx| {
                    Ok((
                        tx.notes_of("M1")?.len() as u64,
                        tx.device("phone")?.unwrap().last_n,
                    ))
                })
                .unwrap()
        };
        hub.database.room(Some(2));
        let refused = take_all(&hub, &device(), request()).unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.message.contains("disk is full"), "{}", refused.message);
        let (notes, last_n) = kept();
        assert_eq!(notes, last_n, "what is acknowledged is kept, and nothing else is");
        assert!(notes < 40);
        // Phones go on reading meanwhile.
        assert_eq!(
            hub.database
                .read::<_, StorageError>(|tx| tx.member("M1"))
                .unwrap(),
            Some(member)
        );
        hub.database.room(None);
        let reply = take_all(&hub, &device(), request()).unwrap();
        assert_eq!((reply.results.len(), reply.last_n), (40, 40));
        assert!(
            reply
                .results
                .iter()
                .all(|result| result.status == OpStatus::Applied)
        );
        assert_eq!(kept(), (40, 40));
    }
}
