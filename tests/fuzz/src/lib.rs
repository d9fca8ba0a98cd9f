//! Fuzzing with a valid start: a sample that the decoder accepts, and a list of edits drawn by the fuzzer.
//! Random bytes alone would be refused at the first byte and reach nothing.
//!
//! `make fuzz` runs every target for `SECONDS` on the stable toolchain; a failure prints the seed
//! (`BOLERO_RANDOM_SEED=… cargo test …` replays it). The same targets run guided by coverage under
//! `cargo bolero test`.

use bolero::TypeGenerator;

/// One edit of a sample.
#[derive(Debug, Clone, TypeGenerator)]
pub enum Edit {
    /// Overwrites a byte.
    Set(u16, u8),
    /// Inserts a byte.
    Insert(u16, u8),
    /// Removes up to 255 bytes.
    Remove(u16, u8),
    /// Repeats up to 255 bytes.
    Repeat(u16, u8),
    /// Inserts one of the texts that parsers trip over.
    Trap(u16, u8),
    /// Cuts everything from here on.
    Cut(u16),
}

/// Bytes that parsers trip over.
const TRAPS: [&[u8]; 16] = [
    b"\"",
    b"\"\"\"",
    b"\r",
    b"\n\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"9223372036854775808",
    b"-",
    b"1e308",
    b"NaN",
    b"0000-00-00",
    b"2023-02-29",
    b"[[[[[[[[[[[[[[[[",
    b"{\"not\":",
    b"\x1b[0m",
];

/// The sample after the edits, each place taken modulo the length.
pub fn edited(sample: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for edit in edits.iter().take(32) {
        let len = bytes.len();
        let at = |place: u16| usize::from(place) % (len + 1);
        match *edit {
            Edit::Set(place, value) if len > 0 => bytes[usize::from(place) % len] = value,
            Edit::Set(..) => {}
            Edit::Insert(place, value) => bytes.insert(at(place), value),
            Edit::Remove(place, count) => {
                let from = at(place);
                bytes.drain(from..(from + usize::from(count)).min(len));
            }
            Edit::Repeat(place, count) => {
                let from = at(place);
                let piece = bytes[from..(from + usize::from(count)).min(len)].to_vec();
                bytes.splice(from..from, piece);
            }
            Edit::Trap(place, which) => {
                let from = at(place);
                bytes.splice(
                    from..from,
                    TRAPS[usize::from(which) % TRAPS.len()].iter().copied(),
                );
            }
            Edit::Cut(place) => bytes.truncate(at(place)),
        }
    }
    bytes
}
