//! Pairing, tokens, and who is asking. What a device may see follows from its own row alone, never
//! from a request (protocol, point 6).

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::Response;
use yaoban_domain::model::Store;
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{
    PairOfferReply, PairOfferRequest, PairReply, PairRequest, ScopeHead, TokenReply, TokenRequest,
};

use super::secrets::{self, TOKEN_LIFE_MS};
use super::state::Hub;
use super::wire::{Message, Refusal, reply};
use crate::chance::uuid_v7;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::{Device, PairCodeRow};
use crate::storage::sqlite::scope;
use crate::storage::{Records as _, StorageError};

const DEVICE_NAME_CHARS_MAX: usize = 100;

impl FromRequestParts<Arc<Hub>> for Device {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, hub: &Arc<Hub>) -> Result<Self, Refusal> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| {
                unauthorised(
                    refusal::TOKEN_EXPIRED,
                    "no bearer token; ask for one at /v1/token",
                )
            })?;
        let claim = hub.token_key.read(token).ok_or_else(|| {
            unauthorised(
                refusal::TOKEN_EXPIRED,
                "not a token of this hub; ask for a new one at /v1/token",
            )
        })?;
        if claim.expires_ms <= hub.now_ms() {
            return Err(unauthorised(
                refusal::TOKEN_EXPIRED,
                "token has expired; ask for a new one at /v1/token",
            ));
        }
        hub.read(move |_, tx| welcome(tx.device(&claim.device_id)?)).await
    }
}

fn unauthorised(code: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, code, message)
}

fn welcome(device: Option<Device>) -> Result<Device, Refusal> {
    match device {
        None => Err(unauthorised(
            refusal::DEVICE_UNKNOWN,
            "the hub has no such device; pair this phone again",
        )),
        Some(device) if device.revoked_ms.is_none() => Ok(device),
        Some(_) => Err(unauthorised(
            refusal::DEVICE_REVOKED,
            "this device may no longer sync; ask headquarters",
        )),
    }
}

/// The scopes of a device, as they stand.
pub fn scopes(tx: &Tx<'_>, device: &Device) -> Result<Vec<scope::Scope>, StorageError> {
    [scope::CATALOGUE.to_owned(), scope::store_scope(&device.store_id)]
        .iter()
        .map(|name| tx.scope(name))
        .collect()
}

/// A scope as phones are told of it.
pub fn head(scope: &scope::Scope) -> ScopeHead {
    ScopeHead {
        scope: scope.name.clone(),
        generation: scope.generation,
        head: scope.head,
    }
}

/// `POST /v1/pair`: a one-time code becomes a device.
pub async fn pair(State(hub): State<Arc<Hub>>, request: Message<PairRequest>) -> Result<Response, Refusal> {
    let (form, body) = (request.form, request.body);
    let refresh_secret = secrets::random_text(hub.database.chance(), 32).map_err(internal)?;
    let paired = hub
        .write(move |hub, tx| pair_device(tx, &body, refresh_secret, hub.now_ms()))
        .await?;
    reply(form, &paired)
}

fn pair_device(
    tx: &Tx<'_>,
    request: &PairRequest,
    refresh_secret: String,
    now_ms: i64,
) -> Result<PairReply, Refusal> {
    let (code, store) = good_code(tx, &request.secret, now_ms)?;
    let device = Device {
        id: uuid_v7(tx.chance(), now_ms).map_err(internal)?,
        name: request.device_name.chars().take(DEVICE_NAME_CHARS_MAX).collect(),
        store_id: store.id.clone(),
        staff_id: code.staff_id,
        refresh_hash: secrets::secret_hash(&refresh_secret),
        created_ms: now_ms,
        seen_ms: None,
        revoked_ms: None,
        last_n: 0,
        app_version: None,
        ahead_ms: 0,
    };
    tx.insert_device(&device)?;
    if !tx.use_pair_code(&code.code_id, &device.id, now_ms)? {
        return Err(invalid_code());
    }
    tx.audit(&AuditEntry {
        at_ms: now_ms,
        actor: format!("device:{}", device.id),
        staff_id: device.staff_id.clone(),
        action: "pair",
        subject: Some(device.id.clone()),
        detail: serde_json::json!({ "store": device.store_id }),
    })?;
    Ok(PairReply {
        device_id: device.id,
        refresh_secret,
        chain_name: tx.meta("chain_name")?.unwrap_or_default(),
        store_id: store.id,
        store_name: store.name,
        staff_id: device.staff_id,
    })
}

/// `POST /v1/pair/offer`: whose phone the code would make. It asks for the whole code and tells nothing
/// that the code does not buy; the code stays good.
pub async fn offer(
    State(hub): State<Arc<Hub>>,
    request: Message<PairOfferRequest>,
) -> Result<Response, Refusal> {
    let (form, body) = (request.form, request.body);
    let offer = hub
        .read(move |hub, tx| {
            let (_, store) = good_code(tx, &body.secret, hub.now_ms())?;
            Ok(PairOfferReply {
                chain_name: tx.meta("chain_name")?.unwrap_or_default(),
                store_name: store.name,
            })
        })
        .await?;
    reply(form, &offer)
}

/// A code that may still be used, and its store.
fn good_code(tx: &Tx<'_>, secret: &str, now_ms: i64) -> Result<(PairCodeRow, Store), Refusal> {
    let (code_id, secret) = secret.split_once('.').ok_or_else(invalid_code)?;
    let code = tx.pair_code(code_id)?.ok_or_else(invalid_code)?;
    let fits = secrets::secret_fits(secret, &code.secret_hash);
    if !fits || code.used_ms.is_some() || code.expires_ms <= now_ms {
        return Err(invalid_code());
    }
    let store = tx.store(&code.store_id)?.ok_or_else(invalid_code)?;
    Ok((code, store))
}

/// One answer whatever is wrong: nothing is told of a code to who has half of it.
fn invalid_code() -> Refusal {
    unauthorised(
        refusal::PAIR_CODE_INVALID,
        "pairing code is wrong, was used already or is too old; ask for a new one",
    )
}

/// `POST /v1/token`: a short-lived token for the long-lived secret.
pub async fn token(State(hub): State<Arc<Hub>>, request: Message<TokenRequest>) -> Result<Response, Refusal> {
    let (form, body) = (request.form, request.body);
    let token = hub
        .read(move |hub, tx| {
            let device = tx.device(&body.device_id)?;
            let fits = device
                .as_ref()
                .is_some_and(|d| secrets::secret_fits(&body.refresh_secret, &d.refresh_hash));
            if !fits {
                return Err(unauthorised(
                    refusal::DEVICE_UNKNOWN,
                    "no such device, or its secret is wrong; pair this phone again",
                ));
            }
            let device = welcome(device)?;
            let token = hub.token_key.issue(&device.id, hub.now_ms() + TOKEN_LIFE_MS);
            Ok(TokenReply {
                token,
                expires_in_ms: TOKEN_LIFE_MS,
            })
        })
        .await?;
    reply(form, &token)
}

pub(super) fn internal(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "request failed");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the hub failed on this request",
    )
}
