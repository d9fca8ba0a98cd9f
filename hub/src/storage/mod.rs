//! What the hub keeps.
pub mod sqlite;
