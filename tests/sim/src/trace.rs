//! What happened, line by line. The same seed gives the same bytes.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The trace of a run: a digest over all lines, and the lines themselves if they are wanted.
#[derive(Default)]
pub struct Trace {
    digest: Xxh3,
    lines: Option<Vec<String>>,
    count: u64,
}

impl Trace {
    /// A trace that keeps its lines or not.
    pub fn new(keep: bool) -> Self {
        Self {
            lines: keep.then(Vec::new),
            ..Self::default()
        }
    }

    /// Adds a line.
    pub fn line(&mut self, line: String) {
        self.count += 1;
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// Digest of all lines, and how many there are.
    pub fn digest(&self) -> (u64, u64) {
        (self.digest.digest(), self.count)
    }

    /// The lines, if they were kept.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

/// Bytes as they show in a trace: length and digest, so that a difference of one bit shows.
pub fn short(bytes: &[u8]) -> String {
    format!("{}B/{:08x}", bytes.len(), xxh3_64(bytes) as u32)
}
