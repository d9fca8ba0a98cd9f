//! A clock for phones: contacts are allowed in the daytime only, and tests run at any hour.

use chrono::{FixedOffset, NaiveTime, Utc};

/// Seconds by which China's civil time is ahead of UTC.
const CHINA_OFFSET_S: i32 = 8 * 3600;

/// This morning in China.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Morning {
    /// Today's date there, as ISO text.
    pub today: String,
    /// What to add to the machine's clock to get half past ten of that day.
    pub shift_s: i64,
}

/// Half past ten of today in China, seen from now.
///
/// # Panics
/// Never: both constants are in range.
pub fn clock_in_the_morning() -> Morning {
    let (Some(china), Some(morning)) = (
        FixedOffset::east_opt(CHINA_OFFSET_S),
        NaiveTime::from_hms_opt(10, 30, 0),
    ) else {
        panic!("no such time zone or hour");
    };
    let now = Utc::now().with_timezone(&china).naive_local();
    Morning {
        today: now.date().to_string(),
        shift_s: (now.date().and_time(morning) - now).num_seconds(),
    }
}
