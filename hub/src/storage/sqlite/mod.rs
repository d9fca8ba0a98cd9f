//! Storage in one SQLite file.
pub mod scope;
