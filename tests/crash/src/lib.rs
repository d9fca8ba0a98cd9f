//! What a power cut and a full disk do to the real phone and the real hub.
//!
//! A scripted day runs once, phone and hub in one process, and everything that either asks of its disk
//! is recorded. Then, for every step, the disk is laid out as a power cut at that step may leave it,
//! the real code opens it, and must come together with the other side (docs/adr/0070).
//!
//! | module | what belongs there |
//! |---|---|
//! | `calls` | stands in for the C library's file calls |
//! | [`trace`] | what was asked of the disk, in order; a disk that is full on demand |
//! | [`disk`] | what a power cut may leave of it |
//! | [`world`] | a chain's files, a hub, a phone, and the way between them |
//! | [`day`] | the scripted days |
//! | [`verdict`] | what must hold whatever happened |
//! | [`power`] | the power cut at every step |
//! | [`full_disk`] | no room, from every step on that needs some |
//! | [`damage`] | bytes of the phone's file that come back otherwise than they were written |
//! | [`full`] | the whole run, with its closing line |

// A helper that cannot do its part ends the test that called it.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc
)]
#![cfg(target_os = "linux")]

mod calls;
pub mod damage;
pub mod day;
pub mod disk;
pub mod full;
pub mod full_disk;
pub mod power;
pub mod trace;
pub mod verdict;
pub mod world;
