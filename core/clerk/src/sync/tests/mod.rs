//! The engine against a model hub and a store in memory.

mod memory;
mod model_hub;
mod points;
mod simulated;
mod world;
