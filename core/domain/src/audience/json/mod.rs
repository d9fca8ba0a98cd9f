//! The JSON form of a rule, in and out. `docs/audience.md` is its reference.

mod read;
mod reader;
mod tree;
mod write;

pub(super) use read::read;
pub use reader::AudienceError;
pub(super) use write::write;

#[cfg(test)]
mod tests;
