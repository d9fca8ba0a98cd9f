//! Addresses, limits, timeouts and logging.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use yaoban_protocol::endpoint;

use super::state::Hub;
use super::sync::WAIT_MAX;
use super::wire::{Refusal, encode_refusals};
use super::{auth, members, push, recording, snapshot, sync};

/// Bodies of pairing and tokens are small.
const SMALL_BODY_BYTES: usize = 16 << 10;
/// How long a request may take.
const REQUEST_TIME_MAX: Duration = Duration::from_mins(1);

/// All addresses of a hub. For TLS see [`super::run`]; tests call it as it is.
pub fn router(hub: Arc<Hub>) -> Router {
    let small = Router::new()
        .route(endpoint::PAIR, post(auth::pair))
        .route(endpoint::PAIR_OFFER, post(auth::offer))
        .route(endpoint::TOKEN, post(auth::token))
        .layer(DefaultBodyLimit::max(SMALL_BODY_BYTES));
    let body_bytes = usize::try_from(hub.limits.body_bytes).unwrap_or(usize::MAX);
    Router::new()
        .route(endpoint::HELLO, post(sync::hello))
        .route(endpoint::PULL, post(sync::pull))
        .route(endpoint::PUSH, post(push::push))
        .route(endpoint::LOOKUP, post(members::lookup))
        .route("/v1/history/{member}", get(members::history))
        .route(endpoint::DIGEST, post(sync::digest))
        .route(endpoint::WAIT, get(sync::wait))
        .route("/v1/snapshot/{scope}", get(snapshot::manifest))
        .route("/v1/chunk/{sha256}", get(snapshot::chunk))
        .route(endpoint::RECORDING, get(recording::status).put(recording::part))
        .layer(DefaultBodyLimit::max(body_bytes))
        .merge(small)
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::clone(&hub), observe))
        .layer(from_fn(encode_refusals))
        .with_state(hub)
}

/// The process lives.
async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers.
async fn readyz(State(hub): State<Arc<Hub>>) -> Result<&'static str, Refusal> {
    hub.read(|_, tx| Ok(tx.epoch()?)).await?;
    Ok("ready\n")
}

async fn metrics(State(hub): State<Arc<Hub>>) -> Result<Response, Refusal> {
    let (counts, recordings) = hub
        .read(|_, tx| Ok((tx.service_counts()?, tx.recording_counts()?)))
        .await?;
    let waiters = hub.waiters_max.saturating_sub(hub.waiters.available_permits());
    let text = hub.metrics.text(&[
        ("yaoban_in_flight", hub.in_flight() as f64),
        ("yaoban_waiters", waiters as f64),
        ("yaoban_devices", counts.devices as f64),
        ("yaoban_parked_ops", counts.parked_ops as f64),
        ("yaoban_database_bytes", counts.database_bytes as f64),
        ("yaoban_recordings", recordings.complete as f64),
        ("yaoban_recordings_receiving", recordings.receiving as f64),
        ("yaoban_recordings_bytes", recordings.bytes as f64),
    ]);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// Counts, times and logs each request, and ends those that take too long. The address is logged
/// as its pattern: ids of members stand in some.
async fn observe(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    let address = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let began = Instant::now();
    // A phone in a long poll is no work: thousands of them must not make the hub look busy.
    let (limit, _working) = if address == endpoint::WAIT {
        (WAIT_MAX + REQUEST_TIME_MAX, None)
    } else {
        (REQUEST_TIME_MAX, Some(hub.begin()))
    };
    let mut response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "the hub took too long; try again",
        )
        .into_response(),
    };
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let (status, took) = (response.status().as_u16(), began.elapsed());
    hub.metrics.request(&address, status, took);
    tracing::info!(address, status, took_ms = took.as_millis() as u64, "request");
    response
}
