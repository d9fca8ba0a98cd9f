//! What phones talk to.

pub mod tls;
pub mod wire;
