//! The chain's server: takes in the chain's data, scores its members, screens them, hands out
//! campaigns and serves the phones.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`cli`] | the commands, one file each; they parse, call and print, nothing else |
//! | [`storage`] | the records and figures at rest; everything about SQL stays in there |

pub mod cli;
pub mod storage;
