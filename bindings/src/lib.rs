//! The facade of the phone's core for Kotlin and Swift. Conversions only: nothing is decided here.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`app`] | [`ClerkApp`], call by call |
//! | `records` | the core's records, declared again for uniffi (written by `redeclare.py`) |
//! | [`custom`] | types that uniffi cannot express, each with what stands for it |
//! | [`error`] | the one error |
//! | [`platform`] | what the platform implements: key vault, clock, progress, changes, a recording's bytes |
//! | [`handles`] | what a shell holds on to: cancellation, the background loop, a recording that plays |
//!
//! Calls block and may come from any thread; the wrappers of the shells keep them off the main one.

pub mod app;
pub mod custom;
pub mod error;
pub mod handles;
pub mod platform;
mod records;

pub use app::ClerkApp;
pub use error::{ClerkError, Result};

uniffi::setup_scaffolding!("yaoban");
