//! Bodies in and out: envelopes in the compact form, or JSON on request; refusals.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yaoban_protocol::codec::{self, MEDIA_TYPE, MEDIA_TYPE_JSON, WireError};
use yaoban_protocol::message::{Envelope, ErrorReply, Limits};
use yaoban_protocol::{SCHEMA, endpoint::refusal};

/// A request that was not carried out, as the phone is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Status of HTTP.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// What was wrong and what to do; no personal data.
    pub message: String,
    /// Seconds to wait, if told.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal without a wait.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after_s: None,
        }
    }

    /// The hub cannot take more now.
    pub fn busy(message: impl Into<String>, retry_after_s: u64) -> Self {
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, refusal::BUSY, message);
        refusal.retry_after_s = Some(retry_after_s);
        refusal
    }

    /// A request that makes no sense.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }
}

impl IntoResponse for Refusal {
    /// An empty response that carries the refusal to [`encode_refusals`].
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives refusals, and axum's own ones, their body in the form that was asked for.
pub async fn encode_refusals(request: Request, next: Next) -> Response {
    let form = Form::wanted(request.headers());
    let mut response = next.run(request).await;
    let refusal = match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) => refusal,
        None => match own_refusal(response.status()) {
            Some(refusal) => refusal,
            None => return response,
        },
    };
    let body = ErrorReply {
        code: refusal.code.to_owned(),
        message: refusal.message,
    };
    let mut response = match form.encode(&body) {
        Ok(bytes) => (refusal.status, [(CONTENT_TYPE, form.media_type())], bytes).into_response(),
        Err(_) => refusal.status.into_response(),
    };
    if let Some(seconds) = refusal.retry_after_s {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The refusal for a status that axum itself gave.
fn own_refusal(status: StatusCode) -> Option<Refusal> {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => ("not_found", "no such address"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address does not take that method"),
        StatusCode::PAYLOAD_TOO_LARGE => (
            refusal::TOO_LARGE,
            "body is larger than the hub's limit; send less at once",
        ),
        StatusCode::BAD_REQUEST => ("bad_request", "request could not be read"),
        _ => return None,
    };
    Some(Refusal::new(status, code, message))
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// CBOR under zstd.
    Compact,
    /// JSON, for debugging.
    Json,
}

impl Form {
    /// The form that a client wants back.
    pub fn wanted(headers: &HeaderMap) -> Self {
        Self::named(headers.get(ACCEPT))
    }

    fn named(value: Option<&HeaderValue>) -> Self {
        match value.and_then(|value| value.to_str().ok()) {
            Some(value) if value.starts_with(MEDIA_TYPE_JSON) => Self::Json,
            _ => Self::Compact,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Compact => MEDIA_TYPE,
            Self::Json => MEDIA_TYPE_JSON,
        }
    }

    fn encode<T: Serialize>(self, body: &T) -> Result<Vec<u8>, WireError> {
        match self {
            Self::Compact => codec::encode(body),
            Self::Json => {
                serde_json::to_vec(&Envelope { v: SCHEMA, body }).map_err(|e| WireError::Cbor(e.to_string()))
            }
        }
    }
}

/// A message from a phone, and the form in which it wants its reply.
pub struct Message<T> {
    /// Schema of the writer.
    pub schema: u16,
    /// The message.
    pub body: T,
    /// The form of the reply.
    pub form: Form,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Message<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let form = Form::wanted(request.headers());
        let given = Form::named(request.headers().get(CONTENT_TYPE));
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            own_refusal(rejection.status()).unwrap_or_else(|| Refusal::bad("body could not be read"))
        })?;
        let envelope: Envelope<T> = match given {
            Form::Compact => {
                codec::decode(&bytes, Limits::default().inflated_bytes).map_err(|e| match e {
                    WireError::TooLarge { .. } => {
                        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, refusal::TOO_LARGE, e.to_string())
                    }
                    _ => Refusal::bad(e.to_string()),
                })?
            }
            Form::Json => serde_json::from_slice(&bytes)
                .map_err(|e| Refusal::bad(format!("body is not the expected JSON: {e}")))?,
        };
        Ok(Self {
            schema: envelope.v,
            body: envelope.body,
            form,
        })
    }
}

/// A reply in the form asked for.
pub fn reply<T: Serialize>(form: Form, body: &T) -> Result<Response, Refusal> {
    let bytes = form.encode(body).map_err(|e| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("reply could not be written: {e}"),
        )
    })?;
    Ok(([(CONTENT_TYPE, form.media_type())], bytes).into_response())
}
