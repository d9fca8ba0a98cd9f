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
//! | [`heads`] | who waits for a scope to move, and when it is woken |
//! | [`room`] | how many phones fit into the process |
//! | [`push`] | operations on their way up |
//! | [`recording`] | recordings of calls on their way up |
//! | [`members`] | members that a phone does not hold |
//! | [`metrics`] | counts for Prometheus |

pub mod auth;
pub mod heads;
pub mod members;
pub mod metrics;
pub mod pairing;
pub mod push;
pub mod recording;
pub mod room;
pub mod router;
pub mod run;
pub mod secrets;
pub mod snapshot;
pub mod state;
pub mod sync;
pub mod tls;
pub mod wire;
