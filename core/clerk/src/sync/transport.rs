//! The transport: one HTTP exchange at a time, bytes in, bytes out. The production one is
//! [`super::http`]; simulators bring their own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::event::{CallFailure, FailureKind, Problem};

/// Methods of HTTP that the protocol uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks for something.
    Get,
    /// Brings a message.
    Post,
    /// Brings bytes.
    Put,
}

/// One request. Its URL is the hub's address followed by `path`.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked of the hub.
    pub method: Method,
    /// The body of a POST (with the content type of the protocol) or a PUT (bytes as they are).
    pub body: Option<Vec<u8>>,
    /// Path with query.
    pub path: String,
    /// Bearer token.
    pub token: Option<String>,
    /// The whole exchange takes no longer.
    pub timeout_ms: u64,
    /// A longer body of the response is a failure, found while reading.
    pub response_bytes_max: u64,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither token nor body: the one is a secret, the other personal data.
        f.debug_struct("Request")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// One response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, if it was given in seconds.
    pub retry_after_ms: Option<u64>,
    /// Body.
    pub body: Vec<u8>,
}

/// Why an exchange brought no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Kind of failure; never `Refused`.
    pub kind: FailureKind,
    /// What was wrong, without personal data.
    pub message: String,
}

impl From<TransportError> for CallFailure {
    fn from(error: TransportError) -> Self {
        Self {
            kind: error.kind,
            code: error.kind.code().to_owned(),
            message: error.message,
            retry_after_ms: None,
        }
    }
}

/// What an exchange brings, in time.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;

/// A way to one hub.
pub trait Transport: Send + Sync {
    /// Sends a request and reads its response. Dropping the future ends the exchange.
    fn exchange(&self, request: Request) -> Exchange<'_>;

    /// Closes what no exchange uses: the phone rests for minutes, and each open connection costs the hub
    /// memory and a file. The next exchange connects anew.
    fn hang_up(&self) {}
}

/// Makes transports, once the address and the certificate's fingerprint are known.
pub trait Connect: Send + Sync {
    /// A transport to the hub at `url` whose certificate has this SHA-256 (in hex). Does not connect yet.
    fn connect(&self, url: &str, fingerprint: &str) -> Result<Arc<dyn Transport>, Problem>;
}
