//! The pieces together: real processes, a real database, real sockets.
//!
//! A test makes a [`Hub`] in a directory of its own, fills it from CSV files ([`data`]), serves it on
//! a free loopback port, and pairs terminal phones ([`Phone`]). Every process that was started dies
//! with the value that stands for it.

// A helper that cannot do its part ends the test that called it.
#![allow(clippy::panic)]

use yaoban_cipher as _;

mod clock;
pub mod data;
mod hub;
#[cfg(target_os = "linux")]
pub mod kill9;
mod phone;
mod process;

pub use clock::{Morning, clock_in_the_morning};
pub use hub::{Hub, Serving};
pub use phone::Phone;
pub use process::{Finished, program};
