//! `/v1/recording/{attempt}`: recordings of calls on their way up. What may not come is refused
//! before a byte of it is read.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{RECORDING_PART_BYTES_MAX, RecordingPart, RecordingState};

use super::state::{Hub, blocking};
use super::wire::{Form, Refusal, reply};
use crate::recordings::RecordingError;
use crate::recordings::take::Sending;
use crate::storage::sqlite::devices::Device;

impl From<RecordingError> for Refusal {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Storage(error) => error.into(),
            RecordingError::Refused {
                status,
                code,
                message,
            } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                Self::new(status, code, message)
            }
            RecordingError::File { .. } | RecordingError::Seal(_) | RecordingError::KeyMissing(_) => {
                super::auth::internal(error)
            }
        }
    }
}

/// `GET`: what the hub has of a recording.
pub async fn status(
    State(hub): State<Arc<Hub>>,
    device: Device,
    Path(attempt_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let answer = blocking(move || {
        let sending = Sending {
            device: &device,
            attempt_id: &attempt_id,
            now_ms: hub.now_ms(),
        };
        Ok(sending.status(&hub.database, &hub.recordings)?)
    })
    .await?;
    reply(Form::wanted(&headers), &answer)
}

/// `PUT`: a part of a recording.
pub async fn part(
    State(hub): State<Arc<Hub>>,
    device: Device,
    Path(attempt_id): Path<String>,
    Query(part): Query<RecordingPart>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let told: Option<u64> = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if told.is_some_and(|bytes| bytes > RECORDING_PART_BYTES_MAX) {
        return Err(too_large());
    }
    let now_ms = hub.now_ms();
    let admitted = {
        let (hub, device, attempt_id, part) =
            (Arc::clone(&hub), device.clone(), attempt_id.clone(), part.clone());
        blocking(move || {
            let sending = Sending {
                device: &device,
                attempt_id: &attempt_id,
                now_ms,
            };
            let known = sending.status(&hub.database, &hub.recordings)?;
            if known.state != RecordingState::Deleted {
                hub.database.read(|tx| sending.admit(tx, &part))?;
            }
            Ok(())
        })
        .await
    };
    if let Err(refusal) = admitted {
        hub.metrics.add(
            "yaoban_recordings_total",
            &format!("result=\"{}\"", refusal.code),
            1.0,
        );
        return Err(refusal);
    }
    let bytes = to_bytes(body, RECORDING_PART_BYTES_MAX as usize)
        .await
        .map_err(|_| too_large())?;
    let taker = Arc::clone(&hub);
    let length = bytes.len();
    let answer = blocking(move || {
        let sending = Sending {
            device: &device,
            attempt_id: &attempt_id,
            now_ms,
        };
        Ok(sending.take(&taker.database, &taker.recordings, &part, &bytes)?)
    })
    .await?;
    hub.metrics.add("yaoban_recording_bytes_total", "", length as f64);
    match (answer.state, answer.reason.as_deref()) {
        (RecordingState::Complete, _) => {
            hub.metrics
                .add("yaoban_recordings_total", "result=\"received\"", 1.0);
            hub.notify();
        }
        (RecordingState::Receiving, Some(_)) => {
            hub.metrics
                .add("yaoban_recordings_total", "result=\"digest_mismatch\"", 1.0);
        }
        _ => {}
    }
    reply(Form::wanted(&headers), &answer)
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        refusal::TOO_LARGE,
        format!("a part has at most {RECORDING_PART_BYTES_MAX} bytes"),
    )
}
