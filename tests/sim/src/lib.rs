//! Seeded simulation of the whole sync: phones with their real encrypted files and the real facade
//! and engine, against the hub's real router and database, in one process and on one thread, with
//! everything going wrong that can. One seed decides the schedule, the faults and the data; the same
//! seed gives the same trace, byte by byte.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`world`] | the queue of happenings, and how a world lives and heals |
//! | [`chain`], [`headquarters`] | the hub; what headquarters do |
//! | [`phone`], [`clerk`] | a phone that can be killed anywhere; what clerks do with it |
//! | [`fault`], [`network`] | the faults; what the way does to messages |
//! | [`ledger`], [`check`] | the truth, kept apart from the code; the invariants |
//! | [`chance`], [`trace`] | where all chance comes from; what happened |
//! | [`runner`], [`shrink`] | many seeds on all cores; the smallest form of a failure |

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a failed helper fails the seed that it ran for"
)]

pub mod chain;
pub mod chance;
pub mod check;
pub mod clerk;
pub mod fault;
pub mod headquarters;
pub mod ledger;
pub mod network;
pub mod phone;
pub mod runner;
pub mod shrink;
pub mod trace;
pub mod world;
