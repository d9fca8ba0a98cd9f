//! The engine against a model hub and a store in memory, and the transport against a TLS server.

mod http;
mod memory;
mod model_hub;
mod points;
mod simulated;
mod world;
