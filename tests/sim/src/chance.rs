//! All chance of a simulation: streams of numbers that follow from the seed and a name, so that
//! leaving one fault out does not shift what the others draw.

use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

/// A stream of numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// The stream of this name.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(xxh3_64(name.as_bytes()) ^ seed.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// A number in `from..to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to.abs_diff(from).max(1)) as i64
    }

    /// True about once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of them; none of nothing.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let len = u64::try_from(from.len()).ok().filter(|len| *len > 0)?;
        from.get(self.below(len) as usize)
    }
}

/// The same as the phone's and the hub's source of random bytes.
#[derive(Debug)]
pub struct Seeded(Mutex<Stream>);

impl Seeded {
    /// The source of this name.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(Mutex::new(Stream::new(seed, name)))
    }

    fn draw(&self, bytes: &mut [u8]) {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&stream.draw().to_le_bytes()[..part.len()]);
        }
    }
}

impl yaoban_clerk_core::chance::Chance for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), yaoban_clerk_core::chance::NoChance> {
        self.draw(bytes);
        Ok(())
    }
}

impl yaoban_hub::chance::Chance for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), yaoban_hub::chance::NoChance> {
        self.draw(bytes);
        Ok(())
    }
}
