//! The JSON form of a rule, in and out. `docs/audience.md` is its reference.

mod read;
mod tree;
mod write;

pub use read::AudienceError;
pub(super) use read::read;
pub(super) use write::write;
