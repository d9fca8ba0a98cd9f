//! The machine's clock, shifted for tests and demonstrations.

use yaoban_clerk_core::clock::{Clock, SystemClock};

use crate::failure::Failure;

/// Seconds to add to the machine's clock. For tests and demonstrations only: contacts are allowed in
/// the daytime, and those run at any hour.
const SHIFT: &str = "YAOBAN_CLOCK_SHIFT_S";

/// A clock that runs beside the machine's at a fixed distance.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShiftedClock {
    shift_ms: i64,
}

impl ShiftedClock {
    /// The machine's clock, shifted if the environment asks for it.
    pub fn of_environment() -> Result<Self, Failure> {
        let Ok(text) = std::env::var(SHIFT) else {
            return Ok(Self::default());
        };
        let seconds: i64 = text
            .parse()
            .map_err(|_| Failure::refused("shift", [("text", text.as_str())]))?;
        Ok(Self {
            shift_ms: seconds.saturating_mul(1000),
        })
    }
}

impl Clock for ShiftedClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms().saturating_add(self.shift_ms)
    }
}
