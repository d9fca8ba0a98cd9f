//! What a phone holds.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`store`] | the encrypted file: schema, rows, outbox, replay, figures, search index |
//! | [`facade`] | [`ClerkApp`]: what a shell drives |
//! | [`recording`] | recordings of calls: encrypted files, what goes when, their way up |
//! | [`search`] | finding a member by what a clerk types |
//! | [`sync`] | the engine, without I/O, and its driver |
//! | [`clock`], [`chance`], [`vault`] | what the platform gives: the time, random bytes, the key of the file |
//!
//! Calls block; nothing here is async but the sync driver. Nothing here words a sentence: records
//! carry codes and values, a catalogue of the shells words them.

pub mod chance;
pub mod clock;
pub mod facade;
pub mod recording;
pub mod search;
pub mod store;
pub mod sync;
pub mod vault;

pub use facade::ClerkApp;
