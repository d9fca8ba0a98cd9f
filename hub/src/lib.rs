//! The hub of a chain: import, classes, audiences, campaigns, sync.
pub mod storage;
