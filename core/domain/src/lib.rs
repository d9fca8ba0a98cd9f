//! The rules of the domain: pure functions and state machines.
//!
//! Nothing here reads a clock, a file or a random source. Every rule takes `as_of` (a business
//! date), or `now` where the hour matters, and its numbers from one place: [`rules::Rules`].
//! Phone and hub link this crate, so both ends reach the same answer.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`codes`] | the enums of the field, each with the stable code used in SQL, JSON and on the wire |
//! | [`model`] | the records: member, purchase line, reading, task, attempt, consent … |
//! | [`rules`] | every number of the domain, as versioned data |
//! | [`calendar`] | business dates, windows, birthdays, parts of the day |
//! | [`phone`] | phone numbers: normal form, mask |

pub mod calendar;
pub mod codes;
pub mod model;
pub mod phone;
pub mod rules;
