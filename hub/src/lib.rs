//! The chain's server: takes in the chain's data, scores its members, screens them, hands out
//! campaigns and serves the phones.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`backup`] | whole copies, and their return |
//! | [`campaign`] | campaigns: arms, tasks, effect |
//! | [`cli`] | the commands, one file each; they parse, call and print, nothing else |
//! | [`clock`], [`chance`] | the time and random bytes, injected |
//! | [`figures`] | figures, classes and audiences of the whole chain |
//! | [`import`] | the chain's files into the database |
//! | [`keys`] | the hub's own secrets |
//! | [`support`] | diagnostic bundles of phones |
//! | [`daily`] | what time does to tasks and tombstones |
//! | [`erasure`] | a member goes, with all its rows |
//! | [`recordings`] | recordings of calls: taken in, kept encrypted, deleted in time |
//! | [`ops`] | operations of phones, each to its stored result |
//! | [`serve`] | what phones talk to: TLS, pairing, sync, metrics |
//! | [`storage`] | the records and figures at rest; everything about SQL stays in there |

use yaoban_cipher as _;

pub mod backup;
pub mod campaign;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod daily;
pub mod erasure;
pub mod figures;
pub mod import;
pub mod keys;
pub mod ops;
pub mod recordings;
pub mod serve;
pub mod storage;
pub mod support;
