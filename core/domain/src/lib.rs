//! The rules of the domain: pure functions and state machines.
//!
//! Nothing here reads a clock, a file or a random source. Every rule takes `as_of` (a business
//! date), or `now` where the hour matters, and its numbers from one place: [`rules::Rules`].
//! Phone and hub link this crate, so both ends reach the same answer.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`audience`] | which members a rule selects: language, evaluator, SQL compiler |
//! | [`codes`] | the enums of the field, each with the stable code used in SQL, JSON and on the wire |
//! | [`model`] | the records: member, purchase line, reading, task, attempt, consent … |
//! | [`consent`] | what a member allowed, and how consents from two sides come together |
//! | [`gate`] | the contact gate: one function decides every contact |
//! | [`task`] | the state machine of a care task, its order, its allotment |
//! | [`template`] | messages: placeholders filled in, texts checked |
//! | [`rules`] | every number of the domain, as versioned data |
//! | [`calendar`] | business dates, windows, birthdays, parts of the day |
//! | [`class`] | H-RFM: figures, cut points, scores, the six classes, health need, chronic or general |
//! | [`health`] | grades, targets, emergencies and possible values of readings |
//! | [`disease`] | the codes of diseases, their Chinese names and chronic marks |
//! | [`medicine`] | run-out, status, reminders, adherence |
//! | [`leaning`] | what a member leans to: brand, price, rhythm, testing, severity |
//! | [`effect`] | holdout, credit of purchases, lift and ROI of a campaign |
//! | [`role`] | who sees and may what |
//! | [`phone`] | phone numbers: normal form, mask |
//! | [`recording`] | which file of the phone's recorder is a call's |
//! | [`signature`] | what a member signs with on the screen |

pub mod audience;
pub mod calendar;
pub mod class;
pub mod codes;
pub mod consent;
pub mod disease;
pub mod effect;
pub mod gate;
pub mod health;
pub mod leaning;
pub mod medicine;
pub mod model;
pub mod phone;
pub mod recording;
pub mod role;
pub mod rules;
pub mod signature;
pub mod task;
pub mod template;
