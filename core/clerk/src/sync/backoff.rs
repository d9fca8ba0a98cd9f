//! How long to wait before the next round (point 12).

/// Shortest wait after a failure.
pub const DELAY_MS_MIN: u64 = 1_000;
/// Longest wait that we choose ourselves.
pub const DELAY_MS_MAX: u64 = 15 * 60_000;
/// Longest wait that we accept from a hub.
pub const HINT_MS_MAX: u64 = 3_600_000;

/// A wait after this many failed rounds in a row: evenly spread from one second to a bound that
/// doubles with each failure up to 15 minutes.
pub fn delay_ms(failures: u32, random: u64) -> u64 {
    if failures == 0 {
        return 0;
    }
    let bound = DELAY_MS_MIN
        .checked_shl(failures.min(20))
        .unwrap_or(DELAY_MS_MAX)
        .min(DELAY_MS_MAX);
    DELAY_MS_MIN + random % (bound - DELAY_MS_MIN + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn point_12_delays_are_spread_over_one_second_to_a_doubling_bound() {
        assert_eq!(delay_ms(0, 12_345), 0);
        for (failures, bound) in [
            (1, 2_000),
            (2, 4_000),
            (9, 512_000),
            (10, 900_000),
            (u32::MAX, 900_000),
        ] {
            assert_eq!(delay_ms(failures, 0), 1_000);
            assert_eq!(delay_ms(failures, bound - 1_000), bound);
            assert_eq!(delay_ms(failures, bound - 999), 1_000, "wraps within {failures}");
            for random in [1, 77, u64::MAX, u64::MAX / 3] {
                assert!((1_000..=bound).contains(&delay_ms(failures, random)));
            }
        }
    }
}
