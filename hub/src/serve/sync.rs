//! The round of a phone: hello, pull, wait, digest.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::Months;
use serde::Deserialize;
use yaoban_protocol::endpoint::{read_wait, refusal};
use yaoban_protocol::message::{
    DigestRange, DigestReply, DigestRequest, HelloReply, HelloRequest, PullReply, PullRequest,
};
use yaoban_protocol::{SCHEMA, SCHEMA_MIN};

use super::auth::{head, scopes};
use super::state::{Hub, Seen};
use super::wire::{Message, Refusal, reply};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::devices::Device;
use crate::storage::sqlite::pull::Room;
use crate::storage::sqlite::render::Rendering;
use crate::storage::sqlite::scope;

/// Months of purchases that a phone holds.
const PURCHASE_MONTHS: Months = Months::new(24);
/// Bodies in one page, in bytes before compression.
const PAGE_BYTES: usize = 16 << 20;
/// Ranges repaired by one digest.
const DIGEST_RANGES_MAX: usize = 32;
/// How old `seen_ms` may get before it is written again.
const SEEN_STEP_MS: i64 = 10 * 60 * 1_000;
/// A phone's clock is noted anew when it has moved by this much against the hub's.
const CLOCK_STEP_MS: u64 = 60_000;
/// How long a long poll lasts: shorter than the five minutes after which mobile networks forget a
/// connection on which nothing passes, and long enough that an idle phone costs few bytes.
pub const WAIT_MAX: Duration = Duration::from_mins(4);
/// A phone for which there is no place among the long polls comes back after this time: as often as Android
/// wakes an app at most, and each time costs it a connection (some 6 kB).
const WAIT_ELSEWHERE: Duration = Duration::from_mins(15);
const APP_VERSION_CHARS_MAX: usize = 50;

/// What bodies depend on, now.
pub fn rendering(hub: &Hub, tx: &Tx<'_>) -> Result<Rendering, Refusal> {
    let today = tx.calendar()?.day(hub.now_ms());
    Ok(Rendering::new(
        today.checked_sub_months(PURCHASE_MONTHS).unwrap_or(today),
    ))
}

/// The hub's epoch, if the phone knows the same one.
pub(super) fn same_epoch(tx: &Tx<'_>, theirs: &str) -> Result<String, Refusal> {
    let epoch = tx.epoch()?;
    if epoch == theirs {
        return Ok(epoch);
    }
    Err(Refusal::new(
        StatusCode::CONFLICT,
        refusal::EPOCH_CHANGED,
        "the hub has another epoch (it was restored from a backup); say hello again",
    ))
}

fn served(schema: u16) -> Result<(), Refusal> {
    if schema >= SCHEMA_MIN {
        return Ok::<(), Refusal>(());
    }
    Err(Refusal::new(
        StatusCode::UPGRADE_REQUIRED,
        refusal::SCHEMA_TOO_OLD,
        format!("this app writes schema {schema}, the hub serves {SCHEMA_MIN} to {SCHEMA}; update the app"),
    ))
}

/// `POST /v1/hello`.
pub async fn hello(
    State(hub): State<Arc<Hub>>,
    device: Device,
    request: Message<HelloRequest>,
) -> Result<Response, Refusal> {
    let now_ms = hub.now_ms();
    let app_version: String = request
        .body
        .app_version
        .chars()
        .take(APP_VERSION_CHARS_MAX)
        .collect();
    let ahead_ms = request.body.now_ms.saturating_sub(now_ms);
    let (schema, told) = (request.body.schema, hub.seen(&device.id));
    let (seen_ms, seen_version, seen_ahead_ms) = match &told {
        Some(told) => (Some(told.at_ms), Some(&told.app_version), told.ahead_ms),
        None => (device.seen_ms, device.app_version.as_ref(), device.ahead_ms),
    };
    if seen_ms.is_none_or(|seen| now_ms - seen >= SEEN_STEP_MS)
        || seen_version != Some(&app_version)
        || seen_ahead_ms.abs_diff(ahead_ms) >= CLOCK_STEP_MS
    {
        let seen = Seen {
            at_ms: now_ms,
            schema,
            app_version,
            ahead_ms,
        };
        hub.note_seen(device.id.clone(), seen);
    }
    let answer = hub
        .read(move |hub, tx| {
            Ok(HelloReply {
                epoch: tx.epoch()?,
                schema_range: (SCHEMA_MIN, SCHEMA),
                limits: hub.limits,
                scopes: scopes(tx, &device)?.iter().map(head).collect(),
                last_n: tx.device(&device.id)?.map_or(0, |device| device.last_n),
                backoff_ms: hub.backoff_ms(),
                now_ms: hub.now_ms(),
                chain_name: tx.meta("chain_name")?.unwrap_or_default(),
                store_id: device.store_id,
                support_key: Some(hub.support_key.clone()),
            })
        })
        .await?;
    reply(request.form, &answer)
}

/// `POST /v1/pull`: one state of the database, at most [`yaoban_protocol::message::Limits::page_rows`] rows.
pub async fn pull(
    State(hub): State<Arc<Hub>>,
    device: Device,
    request: Message<PullRequest>,
) -> Result<Response, Refusal> {
    served(request.schema)?;
    let (form, body) = (request.form, request.body);
    let answer = hub.read(move |hub, tx| pages(hub, tx, &device, &body)).await?;
    let rows: usize = answer.pages.iter().map(|page| page.changes.len()).sum();
    hub.metrics.add("yaoban_pull_rows_total", "", rows as f64);
    reply(form, &answer)
}

fn pages(hub: &Hub, tx: &Tx<'_>, device: &Device, request: &PullRequest) -> Result<PullReply, Refusal> {
    let epoch = same_epoch(tx, &request.epoch)?;
    let own = scopes(tx, device)?;
    let rendering = rendering(hub, tx)?;
    let mut room = Room {
        rows: hub.limits.page_rows as usize,
        bytes: PAGE_BYTES,
    };
    let mut pages = Vec::with_capacity(own.len());
    // Scopes that are not the device's are left out; `scopes` tells the phone to drop them.
    for scope in &own {
        let Some(cursor) = request.cursors.iter().find(|cursor| cursor.scope == scope.name) else {
            continue;
        };
        let mut page = tx.page(scope, cursor.after, &mut room, &rendering)?;
        if cursor.generation != scope.generation {
            page.changes.clear();
            page.gone = true;
        }
        pages.push(page);
    }
    // An operation's rows stand below the head, so it is contained once all pages reach their heads.
    let complete = pages.len() == own.len() && pages.iter().all(|page| !page.gone && page.next == page.head);
    let last_n = tx.device(&device.id)?.map_or(0, |device| device.last_n);
    Ok(PullReply {
        epoch,
        pages,
        ack_n: if complete { last_n } else { 0 },
        scopes: own.iter().map(head).collect(),
        backoff_ms: hub.backoff_ms(),
    })
}

/// What a long poll is asked with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct At {
    at: String,
}

/// `GET /v1/wait?at=scope@after,…`: answers 200 once one of the device's scopes has moved past the
/// place told and it is the phone's turn (see [`super::heads`]), 204 if none has after [`WAIT_MAX`].
/// Carries no data.
pub async fn wait(
    State(hub): State<Arc<Hub>>,
    device: Device,
    Query(asked): Query<At>,
) -> Result<Response, Refusal> {
    let Ok(_place) = Arc::clone(&hub.waiters).try_acquire_owned() else {
        return Err(Refusal::busy(
            "too many phones are waiting; pull on a timer instead",
            WAIT_ELSEWHERE.as_secs(),
        ));
    };
    hub.watch();
    let told: HashMap<String, u64> = read_wait(&asked.at).into_iter().collect();
    let own = [scope::CATALOGUE.to_owned(), scope::store_scope(&device.store_id)];
    let at = own.map(|scope| {
        let after = told.get(&scope).copied().unwrap_or_default();
        (scope, after)
    });
    // Thousands of these lie here: nothing that is not needed stays.
    drop((device, asked, told));
    let moved = match hub.heads.wait(&at) {
        None => true,
        Some(mut place) => tokio::time::timeout(WAIT_MAX, place.moved()).await.is_ok(),
    };
    Ok(if moved {
        StatusCode::OK
    } else {
        StatusCode::NO_CONTENT
    }
    .into_response())
}

/// `POST /v1/digest`: the rows of the ranges that differ, at most 32 ranges a reply.
pub async fn digest(
    State(hub): State<Arc<Hub>>,
    device: Device,
    request: Message<DigestRequest>,
) -> Result<Response, Refusal> {
    served(request.schema)?;
    let (form, body) = (request.form, request.body);
    let answer = hub
        .read(move |hub, tx| differing(hub, tx, &device, &body))
        .await?;
    reply(form, &answer)
}

fn differing(
    hub: &Hub,
    tx: &Tx<'_>,
    device: &Device,
    request: &DigestRequest,
) -> Result<DigestReply, Refusal> {
    let cursor = &request.cursor;
    let scope = scopes(tx, device)?
        .into_iter()
        .find(|scope| scope.name == cursor.scope);
    let scope = scope.ok_or_else(|| {
        Refusal::new(
            StatusCode::FORBIDDEN,
            "scope_forbidden",
            "not a scope of this device",
        )
    })?;
    if scope.generation != cursor.generation || cursor.after < scope.pruned {
        return Err(Refusal::new(
            StatusCode::GONE,
            refusal::SCOPE_GONE,
            "the scope must be loaded anew",
        ));
    }
    if scope.head != cursor.after {
        return Ok(DigestReply {
            head: scope.head,
            ranges: Vec::new(),
        });
    }
    let rendering = rendering(hub, tx)?;
    let mut ranges = Vec::new();
    for (range, rows) in tx.differing_ranges(&scope, &request.sums, DIGEST_RANGES_MAX)? {
        let rows = rows
            .into_iter()
            .map(|row| tx.change(&scope.name, row, &rendering))
            .collect::<Result<_, _>>()?;
        ranges.push(DigestRange { range, rows });
    }
    Ok(DigestReply {
        head: scope.head,
        ranges,
    })
}
