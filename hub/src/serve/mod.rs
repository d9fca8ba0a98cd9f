//! What phones talk to: HTTPS, pairing, the endpoints of the sync protocol, health and metrics.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`state`] | what handlers share: database, clock, notices |
//! | [`router`] | addresses, limits, timeouts, logging |
//! | [`run`] | TLS on a socket, background work, graceful stop |
//! | [`wire`] | bodies in and out, refusals |
//! | [`tls`], [`secrets`], [`auth`], [`pairing`] | the certificate, tokens, who is asking, pairing codes |
//! | [`sync`], [`snapshot`] | rows on their way down |
//! | [`push`] | operations on their way up |
//! | [`members`] | members that a phone does not hold |
//! | [`metrics`] | counts for Prometheus |

pub mod auth;
pub mod members;
pub mod metrics;
pub mod pairing;
pub mod push;
pub mod router;
pub mod run;
pub mod secrets;
pub mod snapshot;
pub mod state;
pub mod sync;
pub mod tls;
pub mod wire;
