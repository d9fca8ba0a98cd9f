//! Seeded chance: the same seed gives every phone the same day.

use std::time::Duration;

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Chance of its own for each `stream` of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut chance = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        chance.next();
        chance
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, evenly.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// From 0 up to 1, evenly.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The time to the next of events that happen `per_day` times in a working day, at random.
    pub fn gap(&mut self, day: Duration, per_day: f64) -> Duration {
        let mean_s = day.as_secs_f64() / per_day.max(1e-9);
        Duration::from_secs_f64((-(1.0 - self.part()).ln() * mean_s).min(1e8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_their_mean() {
        let mut chance = Chance::new(1, 2);
        let day = Duration::from_hours(12);
        let sum: f64 = (0..20_000).map(|_| chance.gap(day, 30.0).as_secs_f64()).sum();
        let mean = sum / 20_000.0;
        assert!((mean - 1_440.0).abs() < 40.0, "{mean}");
    }
}
