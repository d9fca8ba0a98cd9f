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
    let taking = Taking {
        device,
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
