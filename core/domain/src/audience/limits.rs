//! Limits of a rule. They keep a compiled statement within what the databases take (SQLite: 32,766
//! parameters, expressions 1,000 deep) and a hostile file harmless.

/// Bytes of the JSON, checked before it is read; the canonical form keeps to it as well.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;
/// Levels of nesting.
pub const DEPTH_MAX: usize = 16;
/// Conditions in a tree, groups included.
pub const NODES_MAX: usize = 500;
/// Conditions in a tree that read purchases, medicines, readings or contacts.
pub const SCANS_MAX: usize = 64;
/// Values in one list.
pub const LIST_MAX: usize = 1000;
/// Values in one list of tags or diseases, each of which is searched for separately.
pub const WORDS_MAX: usize = 100;
/// Values in all lists of a tree.
pub const VALUES_MAX: usize = 10_000;
/// Characters of one text value.
pub const TEXT_CHARS_MAX: usize = 200;
/// Days ago that can be asked for (a hundred years).
pub const DAYS_MAX: i64 = 36_525;
/// Years of age that can be asked for.
pub const AGE_MAX: i64 = 150;
/// Numbers of purchases, readings or visits that can be asked for.
pub const COUNT_MAX: i64 = 1_000_000;
/// Amounts that can be asked for, in fen (ten thousand million yuan).
pub const FEN_MAX: i64 = 1_000_000_000_000;
/// Quantities that can be asked for, in thousandths of a pack.
pub const MILLI_MAX: i64 = 1_000_000_000_000;
