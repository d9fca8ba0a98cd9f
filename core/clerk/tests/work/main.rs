//! A clerk's work through the facade, on real encrypted files: list, calls, messages, the manager.

#[path = "../common/mod.rs"]
mod common;
mod contact;
mod entry;
mod manager;
mod message;
mod overview;
mod phone;
mod recordings;
mod tasks;
