//! The wire types of the sync protocol, shared by phone and hub.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`codec`] | bytes: self-describing CBOR under zstd, sizes capped before anything is inflated |
//! | [`endpoint`] | paths, and the codes with which the hub refuses |
//! | [`message`] | requests and replies, one pair an endpoint |
//! | [`row`] | what travels down: changes of rows, packed purchases |
//! | [`op`] | what travels up: operations of a clerk and their results |
//! | [`apply`] | what each operation does: one implementation, for the hub and for a phone's replay |
//! | [`pair`] | the one-time pairing code |
//! | [`digest`] | hash sums over id ranges, for repair |
//! | [`varint`] | numbers as few bytes, for what both ends pack at rest |
//!
//! Fields may be added with a default and never renamed; an entity or code that a phone does not
//! know is kept as it came (protocol, point 11).

pub mod apply;
pub mod codec;
pub mod digest;
pub mod endpoint;
pub mod message;
pub mod op;
pub mod pair;
pub mod row;
pub mod varint;

/// The schema that this build writes.
pub const SCHEMA: u16 = 1;
/// The oldest schema that a hub of this build still serves.
pub const SCHEMA_MIN: u16 = 1;
