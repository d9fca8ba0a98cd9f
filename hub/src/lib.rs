//! The chain's server: takes in the chain's data, scores its members, screens them, hands out
//! campaigns and serves the phones.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`cli`] | the commands, one file each; they parse, call and print, nothing else |
//! | [`clock`] | the time, injected |
//! | [`serve`] | what phones talk to: TLS, pairing, sync, metrics |
//! | [`storage`] | the records and figures at rest; everything about SQL stays in there |

pub mod cli;
pub mod clock;
pub mod serve;
pub mod storage;
